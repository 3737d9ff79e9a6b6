//! What is remembered of those who write to us (protocol.md §11.6).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::Instant;
use crate::wire::PublicKey;

use super::super::People;
use super::window::Window;

/// Peers of which something is remembered; one more takes the place of who has been silent for longest, of those who are
/// away if there are any.
const OTHERS: usize = 1_024;

/// Messages that one peer may say in a second, and at once.
const SAID: Rate = Rate { each: Duration::from_micros(500), burst: 4_000 };

/// Calls of one peer that are refused with a reason in a second, and at once; others are refused in silence.
const REFUSED: Rate = Rate { each: Duration::from_millis(5), burst: 400 };

/// So many at once, and then one each time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// The time between two.
    pub(super) each: Duration,
    pub(super) burst: u32,
}

/// Somebody who writes to us.
#[derive(Debug, Default)]
pub(super) struct Other {
    /// The numbers of what it said and wants acknowledged.
    pub(super) said: Window,
    /// The numbers of its calls that a program here was told of.
    pub(super) called: Window,
    /// Calls of it that are not answered.
    pub(super) open: usize,
    /// When the last one that was allowed is paid for.
    said_until: Instant,
    refused_until: Instant,
    used: Instant,
}

#[derive(Debug, Default)]
pub(super) struct Others {
    all: BTreeMap<PublicKey, Other>,
}

impl Others {
    /// What is remembered of somebody who writes to us now.
    pub(super) fn get(&mut self, key: PublicKey, people: &People, now: Instant) -> &mut Other {
        if self.all.len() >= OTHERS && !self.all.contains_key(&key) {
            let oldest = self.all.iter().min_by_key(|(key, other)| (people.is_here(key), other.used, **key));
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.all.remove(&oldest);
            }
        }
        let other = self.all.entry(key).or_default();
        other.used = now;
        other
    }

    /// Somebody of whom something is remembered.
    pub(super) fn known(&mut self, key: &PublicKey) -> Option<&mut Other> {
        self.all.get_mut(key)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }
}

impl Other {
    /// True when it may say one more thing.
    pub(super) fn may_say(&mut self, now: Instant) -> bool {
        SAID.take(&mut self.said_until, now).is_ok()
    }

    /// True when it is told why one more call is refused.
    pub(super) fn may_be_refused(&mut self, now: Instant) -> bool {
        REFUSED.take(&mut self.refused_until, now).is_ok()
    }
}

impl Rate {
    /// Lets one more through; else how long to wait. `until` is when the last one is paid for.
    pub(super) fn take(self, until: &mut Instant, now: Instant) -> Result<(), Duration> {
        let next = (*until).max(now) + self.each;
        let over = next.since(now).saturating_sub(self.each * self.burst);
        if !over.is_zero() {
            return Err(over);
        }
        *until = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_allows_a_burst_and_then_its_pace() {
        let (mut other, now) = (Other::default(), Instant::BIRTH + Duration::from_secs(5));
        let allowed = (0..10_000).filter(|_| other.may_say(now)).count();
        assert_eq!(allowed, 4_000);
        let later = now + Duration::from_secs(1);
        assert_eq!((0..10_000).filter(|_| other.may_say(later)).count(), 2_000);
    }

    #[test]
    fn those_who_are_away_make_place_first() {
        let (mut others, key) = (Others::default(), |n: u16| {
            let mut key = [7; 32];
            key[..2].copy_from_slice(&n.to_be_bytes());
            PublicKey(key)
        });
        let people = People::new(PublicKey([1; 32]), false);
        for n in 0..3_000 {
            others.get(key(n), &people, Instant::BIRTH + Duration::from_secs(u64::from(n)));
        }
        assert_eq!(others.len(), OTHERS);
        assert!(others.known(&key(0)).is_none() && others.known(&key(2_999)).is_some());
    }
}

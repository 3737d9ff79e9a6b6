//! New keys at a terminal: the first under a name is told at once; a flood of them is one line every ten seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::{Contact, Event, Instant};
use crate::wire::PublicKey;

use super::names;

/// Further keys under the same name are told together after this.
const WINDOW: Duration = Duration::from_secs(10);

/// Whose name was taken lately, and how often since. No more entries than there are contacts.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    taken: BTreeMap<PublicKey, Taken>,
}

#[derive(Debug)]
struct Taken {
    name: String,
    until: Instant,
    more: u32,
}

impl Alarms {
    /// True when this event is told in lines of its own.
    pub(super) fn tells(&mut self, event: &Event, now: Instant) -> bool {
        if let Event::KeyChanged { before, .. } = event { self.tells_one(before, now) } else { true }
    }

    fn tells_one(&mut self, before: &Contact, now: Instant) -> bool {
        self.taken.retain(|_, taken| taken.until > now || taken.more > 0);
        if let Some(taken) = self.taken.get_mut(&before.key) {
            taken.more = taken.more.saturating_add(1);
            return false;
        }
        let taken = Taken { name: names::contact(before), until: now + WINDOW, more: 0 };
        self.taken.insert(before.key, taken);
        true
    }

    /// When the line about the others is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.taken.values().filter(|taken| taken.more > 0).map(|taken| taken.until).min()
    }

    /// The lines about the others that are due.
    pub(super) fn summaries(&mut self, now: Instant) -> Vec<String> {
        let mut lines = Vec::new();
        for taken in self.taken.values_mut().filter(|taken| taken.more > 0 && taken.until <= now) {
            let keys =
                if taken.more == 1 { "1 more new key".to_owned() } else { format!("{} more new keys", taken.more) };
            lines.push(format!("{keys} under the name of {}: somebody plays with it", taken.name));
            (taken.more, taken.until) = (0, now + WINDOW);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::sample::{contact, key};

    #[test]
    fn the_first_key_under_a_name_is_told_at_once_and_a_flood_together() {
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        let (bob, carl) = (contact("bob", 1), contact("carl", 2));
        let mut alarms = Alarms::default();
        let told = (0..500).filter(|n| alarms.tells_one(&bob, at(*n))).count();
        assert_eq!((told, alarms.due()), (1, Some(at(10_000))));
        assert!(alarms.tells_one(&carl, at(501)), "another name is told at once");
        assert!(alarms.summaries(at(9_999)).is_empty());
        let short = key(1).fingerprint().short();
        let line = format!("499 more new keys under the name of bob#{short}: somebody plays with it");
        assert_eq!(alarms.summaries(at(10_000)), [line]);
        assert!(!alarms.tells_one(&bob, at(15_000)), "it goes on");
        assert_eq!(alarms.summaries(at(20_000)).len(), 1);
        assert_eq!(alarms.due(), None);
        assert!(alarms.tells_one(&bob, at(30_000)), "it is over");
    }
}

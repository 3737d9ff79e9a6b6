//! Datagrams that the system had no room for: tried again, a few times.

use std::time::Duration;

use crate::engine::{Instant, Transmit};

use super::delay::Delay;

/// Between one try and the next. A full table of neighbours gives places free after 5 s.
const GAPS: [Duration; 3] = [Duration::from_millis(300), Duration::from_millis(1500), Duration::from_secs(6)];

/// Most transmissions that are kept; beyond, the newest are given up.
const MOST: usize = 1_024;

/// What is tried again.
#[derive(Debug, Default)]
pub(super) struct Later {
    waiting: Vec<(Instant, usize, Transmit)>,
    delay: Delay,
}

impl Later {
    /// Keeps a transmission for another try, unless it had its tries or too many wait.
    pub(super) fn keep(&mut self, transmit: Transmit, tries: usize, now: Instant) {
        let Some(gap) = GAPS.get(tries).filter(|_| self.waiting.len() < MOST) else { return };
        self.waiting.push((now + *gap, tries + 1, transmit));
        self.arm();
    }

    /// Takes what is due, with the tries that it had.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(Transmit, usize)> {
        let (due, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(at, ..)| *at <= now);
        self.waiting = waiting;
        self.arm();
        due.into_iter().map(|(_, tries, transmit)| (transmit, tries)).collect()
    }

    /// Waits until something is due; for ever when nothing waits.
    pub(super) async fn over(&mut self) {
        self.delay.over().await;
    }

    /// The shortest gap is also how often the queue is looked at, while something waits.
    fn arm(&mut self) {
        if !self.waiting.is_empty() {
            self.delay.arm(GAPS[0]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};

    use super::*;

    fn transmit(port: u16) -> Transmit {
        Transmit { to: [SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)].into(), payload: b"x".as_slice().into() }
    }

    #[tokio::test(start_paused = true)]
    async fn a_transmission_is_tried_three_times_more_and_then_given_up() {
        let mut later = Later::default();
        let mut now = Instant::BIRTH;
        later.keep(transmit(1), 0, now);
        let mut tries = Vec::new();
        for _ in 0..40 {
            if tokio::time::timeout(Duration::from_secs(1), later.over()).await.is_err() {
                break;
            }
            now = now + GAPS[0];
            for (transmit, tried) in later.due(now) {
                tries.push((now.since(Instant::BIRTH).as_millis(), tried));
                later.keep(transmit, tried, now);
            }
        }
        assert_eq!(tries, [(300, 1), (1800, 2), (7800, 3)]);
        assert!(later.waiting.is_empty());
    }

    #[tokio::test]
    async fn no_more_than_the_cap_is_kept() {
        let mut later = Later::default();
        for _ in 0..2 * MOST {
            later.keep(transmit(1), 0, Instant::BIRTH);
        }
        assert_eq!(later.waiting.len(), MOST);
    }
}

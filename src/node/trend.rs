//! What was counted over the last hour. It is written down when the peer wakes for something else, so it wakes nobody.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::{Counters, Instant};

/// Time between two samples, at least.
const APART: Duration = Duration::from_secs(10);

/// Samples that are kept: those of an hour.
const KEPT: Duration = Duration::from_secs(3_600);

/// What had been counted at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// When.
    pub at: Instant,
    /// Datagrams received, and their bytes with those of dropped ones.
    pub received: (u64, u64),
    /// Datagrams sent, and their bytes.
    pub sent: (u64, u64),
    /// Datagrams dropped.
    pub dropped: u64,
    /// DMs of ours that were sent once more.
    pub retries: u64,
    /// Peers that were listed.
    pub peers: u64,
    /// See [`Counters::latency`].
    pub latency: [u64; 13],
}

impl Sample {
    /// What has been counted by now.
    #[must_use]
    pub fn of(counters: &Counters, peers: usize, at: Instant) -> Self {
        Self {
            at,
            received: (counters.received, counters.received_bytes),
            sent: (counters.sent, counters.sent_bytes),
            dropped: counters.drops().iter().map(|(_, count)| count).sum(),
            retries: counters.retries,
            peers: peers as u64,
            latency: counters.latency,
        }
    }
}

/// The samples of the last hour, at most 360: written by the peer, read by whoever wants to know.
#[derive(Debug, Clone, Default)]
pub struct Trend(Arc<Mutex<VecDeque<Sample>>>);

impl Trend {
    fn samples(&self) -> MutexGuard<'_, VecDeque<Sample>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when the last sample is long enough ago.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.samples().back().is_none_or(|last| now.since(last.at) >= APART)
    }

    pub(super) fn note(&self, sample: Sample) {
        let mut samples = self.samples();
        while samples.front().is_some_and(|first| sample.at.since(first.at) > KEPT) {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    /// The samples, the oldest first. Where the peer slept there are none: nothing happened then.
    #[must_use]
    pub fn read(&self) -> Vec<Sample> {
        self.samples().iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_kept() {
        let trend = Trend::default();
        let second = |second: u64| Instant::from_nanos(second * 1_000_000_000);
        for at in 0..5_000 {
            if trend.is_due(second(at)) {
                trend.note(Sample::of(&Counters::default(), 0, second(at)));
            }
        }
        let kept = trend.read();
        assert_eq!(kept.last().map(|sample| sample.at), Some(second(4_990)));
        assert_eq!(kept.first().map(|sample| sample.at), Some(second(1_390)));
        assert_eq!(kept.len(), 361);
        assert!(!trend.is_due(second(4_999)) && trend.is_due(second(5_000)));
    }
}

//! All deadlines, in one table.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddrV4;

use super::{Instant, PeerId};

/// What is due. A timer that has lost its reason finds nothing to do: there is no cancelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Announce.
    Beat,
    /// Is this peer quiet, or gone?
    Presence(PeerId),
    /// Another peer came with this one's label: did this one answer since?
    Suspect(PeerId, Instant),
    /// Was the echo on this path answered?
    Echo(PeerId, SocketAddrV4),
    /// Answer this address.
    Answer(SocketAddrV4),
    /// Probe the next hint.
    Hint,
    /// Ask again for the missing pieces of this peer's avatar.
    Pull(PeerId),
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, u64, Timer)>>,
    count: u64,
}

impl Timers {
    pub(super) fn set(&mut self, at: Instant, timer: Timer) {
        self.count += 1;
        self.heap.push(Reverse((at, self.count, timer)));
    }

    /// The earliest deadline.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the earliest timer that is due.
    pub(super) fn due(&mut self, now: Instant) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse((.., timer))| timer)
    }
}

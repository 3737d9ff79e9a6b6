//! All deadlines, in one table.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddrV4;

use crate::wire::PieceHash;

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
    /// Ask the next stranger in line.
    Approach,
    /// Probe the next hint.
    Hint,
    /// Do messages of ours still wait for this peer?
    Waiting(PeerId),
    /// Are messages of this peer still held?
    Held(PeerId),
    /// Is a DM to this peer to be sent again?
    Deliver(PeerId),
    /// Has anything waited for a reader for 7 days?
    Outbox,
    /// Is anything on its way to the disk for too long?
    Commits,
    /// Is it time to catch up, or to ask again?
    Sync,
    /// Are pieces of the long text with this root to be asked for again?
    Text(PieceHash),
    /// Is it time for a new prekey?
    Prekey,
    /// Ask again for the missing pieces of this peer's avatar.
    Pull(PeerId),
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, u64, Timer)>>,
    count: u64,
    /// How many timers there may be before those of peers that are gone are looked for.
    many: usize,
}

impl Timer {
    /// Whose timer it is, if it is a peer's.
    fn peer(&self) -> Option<PeerId> {
        match *self {
            Self::Presence(id)
            | Self::Suspect(id, _)
            | Self::Echo(id, _)
            | Self::Waiting(id)
            | Self::Held(id)
            | Self::Deliver(id)
            | Self::Pull(id) => Some(id),
            Self::Beat
            | Self::Answer(_)
            | Self::Approach
            | Self::Hint
            | Self::Outbox
            | Self::Commits
            | Self::Sync
            | Self::Text(_)
            | Self::Prekey => None,
        }
    }
}

impl Timers {
    /// So many are not worth a look.
    const FEW: usize = 4_096;

    pub(super) fn set(&mut self, at: Instant, timer: Timer) {
        self.count += 1;
        self.heap.push(Reverse((at, self.count, timer)));
    }

    /// Drops the timers of peers that are not known any more, once there are twice as many as the last time.
    pub(super) fn tidy(&mut self, known: impl Fn(PeerId) -> bool) {
        if self.heap.len() >= self.many.max(Self::FEW) {
            self.heap.retain(|Reverse((.., timer))| timer.peer().is_none_or(&known));
            self.many = self.heap.len() * 2;
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
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

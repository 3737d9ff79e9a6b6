//! DMs of ours that are not known to be delivered, by reader (protocol.md §10.2).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{OwnMessageId, PublicKey};

use super::{Config, Instant, Mark, Outgoing};

/// A DM that is received and not stored is sent again so often, with each announcement of its reader, and then let be.
pub(super) const ASKS: u8 = 3;

/// A DM of ours that is not known to be on its reader's disk.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) id: OwnMessageId,
    pub(super) text: Arc<str>,
    pub(super) at: u64,
    pub(super) mark: Mark,
    /// What the user knows.
    pub(super) told: Mark,
    /// Our own line of history is on the disk, or will not be.
    pub(super) committed: bool,
    pub(super) tries: u8,
    pub(super) due: Instant,
    /// How often it was sent since it was received and not stored.
    pub(super) asks: u8,
    /// Others carry it.
    pub(super) carried: bool,
    /// Its reader's program acknowledges nothing.
    pub(super) silent: bool,
    /// When it was written in this run, until it is acknowledged.
    pub(super) written: Option<Instant>,
}

/// What is for one reader, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) parcels: VecDeque<Parcel>,
    /// The reader does not answer: nothing is sent until it is heard.
    pub(super) stalled: bool,
    /// When it last acknowledged one of them.
    pub(super) answered: Option<Instant>,
    /// When the timer is set for.
    pub(super) timer: Option<Instant>,
}

/// All that is not delivered.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    pub(super) of: BTreeMap<PublicKey, Queue>,
    pub(super) count: usize,
    /// Bytes of all texts.
    pub(super) bytes: usize,
    /// The timer for what waits too long is set.
    pub(super) watched: bool,
}

impl Parcel {
    pub(super) fn new(id: OwnMessageId, text: Arc<str>, at: u64, mark: Mark, now: Instant) -> Self {
        Self {
            id,
            text,
            at,
            mark,
            told: mark,
            committed: true,
            tries: 0,
            due: now,
            asks: 0,
            carried: false,
            silent: false,
            written: None,
        }
    }

    /// Nothing more becomes of it.
    pub(super) fn is_done(&self) -> bool {
        let over = match self.mark {
            Mark::Stored | Mark::Acknowledged | Mark::Failed(_) => true,
            Mark::Received => self.asks > ASKS,
            Mark::Sent => self.silent,
            Mark::Waiting => false,
        };
        over && self.committed && self.told == self.mark
    }
}

impl Outbox {
    /// What an earlier run left.
    pub(super) fn restored(kept: Vec<Outgoing>, now: Instant) -> Self {
        let mut outbox = Self::default();
        for Outgoing { id, to, text, at, mark } in kept {
            // A message whose receipt the user knows of is tried again to learn more, and shown as no less.
            let mark = if mark == Mark::Sent { Mark::Waiting } else { mark };
            outbox.push(to, Parcel::new(id, text, at, mark, now));
        }
        outbox
    }

    /// True when a timer for what waits too long is to be set.
    pub(super) fn watch(&mut self) -> bool {
        self.watched = !self.is_empty();
        self.watched
    }

    pub(super) fn push(&mut self, to: PublicKey, parcel: Parcel) {
        self.count += 1;
        self.bytes += parcel.text.len();
        self.of.entry(to).or_default().parcels.push_back(parcel);
    }

    pub(super) fn is_for(&self, key: &PublicKey) -> bool {
        self.of.contains_key(key)
    }

    /// True when something was written to this reader a moment ago, and waits.
    pub(super) fn has_since(&self, key: &PublicKey, now: Instant) -> bool {
        let lately = |parcel: &Parcel| parcel.mark.is_open() && now.since(parcel.due) < Config::WAIT;
        self.of.get(key).is_some_and(|queue| queue.parcels.iter().any(lately))
    }

    pub(super) fn readers(&self) -> Vec<PublicKey> {
        self.of.keys().copied().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn find(&mut self, to: &PublicKey, id: OwnMessageId) -> Option<&mut Parcel> {
        self.of.get_mut(to)?.parcels.iter_mut().find(|parcel| parcel.id == id)
    }

    pub(super) fn tidy(&mut self, to: &PublicKey) {
        let Some(queue) = self.of.get_mut(to) else { return };
        queue.parcels.retain(|parcel| {
            let done = parcel.is_done();
            if done {
                self.count -= 1;
                self.bytes -= parcel.text.len();
            }
            !done
        });
        if queue.parcels.is_empty() {
            self.of.remove(to);
        }
    }
}

/// Time until the next try.
pub(super) fn patience(tries: u8) -> Duration {
    (Config::RETRY * (1 << (tries.clamp(1, 6) - 1))).min(Config::RETRY_LONGEST)
}

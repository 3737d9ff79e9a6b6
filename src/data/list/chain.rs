//! What one author said of a list, in its order.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::wire::PublicKey;

use super::span::{Body, Head, Place, Statement, What};

/// Numbers ahead of the first one missing that are held.
pub(super) const AHEAD_MAX: u32 = 64;

/// One edit or statement as its author signed it.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) raw: Arc<[u8]>,
    pub(super) body: Arc<[u8]>,
    /// Folds all of the chain to here.
    check: u64,
}

/// A datagram as it was signed, and its body.
pub(super) type Datagram = (Arc<[u8]>, Arc<[u8]>);

/// The edits or the statements of one author, of one of its lives.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// From number 1 on.
    held: Vec<Held>,
    /// What is not next yet, by number.
    ahead: BTreeMap<u32, Datagram>,
    /// Numbers to here may be told of: what we said ourselves only when it is on the disk.
    told: u32,
    /// Somebody has another chain, and was given ours from this number on.
    doubted: u32,
}

/// What became of something that was put into a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    /// It is here now.
    New,
    /// It was here.
    Known,
    /// Something else is here under its number, which stands.
    Later,
    /// Something else is here under its number, which falls.
    Earlier,
    /// Something else is here before it.
    Astray,
    /// It is too far ahead.
    Far,
}

impl Held {
    /// Of two under one number the earlier one stands; what creates a list always does.
    fn stands_against(&self, other: &Place, raw: &[u8]) -> bool {
        let body = Body::decode(&self.body);
        let creates = matches!(body, Some(Body::Statement(Statement { what: What::Create(_), .. })));
        let at = body.as_ref().and_then(Body::place).map_or(0, |place| place.at);
        let rank = |at: u64, raw: &[u8]| (at, *blake3::hash(raw).as_bytes());
        creates || rank(at, &self.raw) < rank(other.at, raw)
    }
}

impl Chain {
    /// Takes something of this place.
    pub(super) fn put(&mut self, place: &Place, raw: &Arc<[u8]>, body: &Arc<[u8]>) -> Put {
        let (n, next) = (place.n, self.len() + 1);
        if let Some(held) = self.get(n) {
            return match () {
                () if held.raw == *raw => Put::Known,
                () if self.check(n - 1) != place.before => Put::Astray,
                () if held.stands_against(place, raw) => Put::Later,
                () => Put::Earlier,
            };
        }
        if n - next > AHEAD_MAX {
            return Put::Far;
        }
        if let Some((other, _)) = self.ahead.get(&n) {
            return if other == raw { Put::Known } else { Put::Astray };
        }
        self.ahead.insert(n, (Arc::clone(raw), Arc::clone(body)));
        Put::New
    }

    /// The next one, if it is here, and what folds all before it: it is to be checked, and then to be
    /// [taken](Self::take_next) or [dropped](Self::drop_next).
    pub(super) fn peek_next(&self) -> Option<(u32, &Arc<[u8]>, u64)> {
        let next = self.len() + 1;
        self.ahead.get(&next).map(|(_, body)| (next, body, self.check(next - 1)))
    }

    /// Takes the next one.
    pub(super) fn take_next(&mut self) {
        let next = self.len() + 1;
        if let Some((raw, body)) = self.ahead.remove(&next) {
            self.push(raw, body);
            self.told = next;
        }
    }

    /// Drops the next one.
    pub(super) fn drop_next(&mut self) {
        let next = self.len() + 1;
        self.ahead.remove(&next);
    }

    /// Adds what we said ourselves, which is told to nobody until [`Chain::tell`].
    pub(super) fn push(&mut self, raw: Arc<[u8]>, body: Arc<[u8]>) {
        let before = self.held.last().map_or(0, |held| held.check);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&before.to_le_bytes()).update(&raw);
        let mut check = [0; 8];
        hasher.finalize_xof().fill(&mut check);
        self.held.push(Held { raw, body, check: u64::from_le_bytes(check) });
    }

    /// What we said is on the disk to this number.
    pub(super) fn tell(&mut self, n: u32) {
        self.told = self.told.max(n.min(self.len()));
    }

    /// Drops all from this number on.
    pub(super) fn cut(&mut self, n: u32) {
        self.held.truncate(n.saturating_sub(1) as usize);
        self.told = self.told.min(self.len());
        self.doubted = 0;
    }

    /// The numbers to give next to somebody whose chain to this number is another one: the newest first.
    pub(super) fn doubtful(&mut self, n: u32, most: u32) -> RangeInclusive<u32> {
        let last = if (1..=n).contains(&self.doubted) { self.doubted } else { n };
        self.doubted = last.saturating_sub(most);
        self.doubted + 1..=last
    }

    /// All to here is here.
    pub(super) fn len(&self) -> u32 {
        u32::try_from(self.held.len()).unwrap_or(u32::MAX)
    }

    /// All to here may be told.
    pub(super) fn told(&self) -> u32 {
        self.told
    }

    pub(super) fn has_gap(&self) -> bool {
        !self.ahead.is_empty()
    }

    pub(super) fn get(&self, n: u32) -> Option<&Held> {
        self.held.get(n.checked_sub(1)? as usize)
    }

    /// All to this number, folded.
    pub(super) fn check(&self, n: u32) -> u64 {
        self.get(n).map_or(0, |held| held.check)
    }

    /// How far it is.
    pub(super) fn head(&self, author: &PublicKey, epoch: u32) -> Head {
        let n = self.told;
        let beyond = self.ahead.keys().filter_map(|ahead| ahead.checked_sub(n + 2).filter(|bit| *bit < 32));
        let beyond = beyond.fold(0, |bits, bit| bits | 1 << bit);
        Head { author: prefix(author), epoch, n, check: self.check(n), beyond }
    }

    /// When the last of it was said, by the clock of its author.
    pub(super) fn last_at(&self) -> u64 {
        let last = self.held.last().and_then(|held| Body::decode(&held.body));
        last.as_ref().and_then(Body::place).map_or(0, |place| place.at)
    }

    /// Bytes that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.held.iter().map(|held| held.raw.len() + held.body.len()).sum()
    }
}

/// The first 8 bytes of a key.
pub(super) fn prefix(key: &PublicKey) -> u64 {
    u64::from_be_bytes(key.0.first_chunk().copied().unwrap_or_default())
}

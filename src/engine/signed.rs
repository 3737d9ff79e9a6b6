//! Signing what we say, and checking what others signed (protocol.md §9.2, §9.3).

use std::net::SocketAddrV4;
use std::ops::Range;
use std::sync::Arc;

use rand::Rng;

use crate::wire::{
    self, DecodeError, Envelope, Extension, Message, OWN_DATAGRAM_MAX, Octets, PublicKey, SIGNED_DOMAIN, Sid,
};

use super::authors::Standing;
use super::window::Window;
use super::{Engine, Instant, LEASE, Output, PeerId, Record, Rejected, Socket};

/// A copy of the newest datagram by another way counts as heard there for so long.
const OTHER_WAY: std::time::Duration = std::time::Duration::from_secs(2);

/// Largest datagram that a group frame can hold, bytes (protocol.md §2.5).
pub(super) const WRAPPED_MAX: usize = 820;

/// Who signed a datagram, and what that means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) key: PublicKey,
    pub(super) sid: Sid,
    pub(super) seq: u64,
    /// Nothing newer of this key is known, so what it says about itself counts.
    pub(super) newest: bool,
    /// Another start than the one that was known.
    pub(super) restarted: bool,
    /// It answers an ASK of ours, so it was signed after that.
    pub(super) answers: bool,
    /// It was heard a moment ago by another way: only this way is new.
    pub(super) again: bool,
}

/// The numbers for SEQ that are ours.
#[derive(Debug)]
pub(super) struct Sequence(Range<u64>);

impl Sequence {
    pub(super) fn new(leased: Range<u64>) -> Self {
        Self(leased)
    }

    /// The next number, and the end of the next block when it is time to reserve it.
    fn next(&mut self) -> (u64, Option<u64>) {
        let number = self.0.start;
        self.0.start += 1;
        let lease = (self.0.start + LEASE / 2 > self.0.end).then(|| {
            self.0.end = self.0.end.max(self.0.start) + LEASE;
            self.0.end
        });
        (number, lease)
    }
}

impl Engine {
    /// Our identity, if we have one.
    pub(super) fn own_key(&self) -> Option<PublicKey> {
        self.ring.as_ref().map(|ring| ring.crypto.public_key())
    }

    /// Most bytes of a datagram of ours to our kind.
    pub(super) fn datagram_max(&self) -> usize {
        if self.group.is_some() { WRAPPED_MAX } else { OWN_DATAGRAM_MAX }
    }

    /// What was just written, signed if we have a key.
    pub(super) fn signed(&mut self) -> Arc<[u8]> {
        let mut out = std::mem::take(&mut self.scratch);
        self.sign(&mut out);
        let payload = out.as_slice().into();
        self.scratch = out;
        payload
    }

    /// Signs a datagram, if we have a key.
    pub(super) fn sign(&mut self, out: &mut Vec<u8>) {
        let noise = self.rng.next_u32();
        let Some(ring) = &mut self.ring else { return };
        let (seq, lease) = ring.sequence.next();
        let key = ring.crypto.public_key();
        wire::seal(out, &key, seq, noise, |bytes| ring.crypto.sign(SIGNED_DOMAIN, bytes));
        if let Some(until) = lease {
            self.outputs.push_back(Output::Store(Record::Lease(until)));
        }
    }

    /// True for what answers an ASK that we sent to this address alone.
    pub(super) fn holds_answer(&self, bytes: &[u8], from: SocketAddrV4) -> bool {
        let at = memchr::memmem::find(bytes, b"\nANS:").map(|at| at + 5);
        let nonce = at.and_then(|at| bytes.get(at..at + 11)).and_then(|text| std::str::from_utf8(text).ok());
        nonce.and_then(Octets::parse).is_some_and(|nonce| self.asked_there(nonce, from))
    }

    /// True for what says to be signed by a key that answered at this address.
    pub(super) fn claims_path(&self, bytes: &[u8], from: SocketAddrV4) -> bool {
        let row = Envelope::claimed_key(bytes).and_then(|key| self.authors.get(&key)?.row);
        row.is_some_and(|id| self.is_proven(id, from))
    }

    /// Checks the signature of a datagram, if it has one: cheap things first, and nothing is believed before the last.
    /// `None` for one that nobody signed. Who has no key of its own, and only looks around, checks none.
    pub(super) fn check_signed(
        &mut self,
        bytes: &[u8],
        message: &Message<'_>,
        extension: &Extension,
        from: SocketAddrV4,
        socket: Socket,
        now: Instant,
    ) -> Result<Option<Signed>, Rejected> {
        if !extension.signed || self.ring.is_none() {
            return Ok(None);
        }
        let Envelope { key, seq, signature, signed } = Envelope::of(bytes)?;
        if self.own_key() == Some(key) {
            return Err(Rejected::OwnEcho);
        }
        let sid = extension.sid.ok_or(DecodeError::Missing("SID"))?;
        let answers = extension.ans.is_some_and(|nonce| self.asked(nonce, from));
        // What everybody heard us ask may have been answered by a start that has ended since.
        let alone = extension.ans.filter(|nonce| self.asked_there(*nonce, from));
        let standing = self.authors.standing(&key, sid, seq, alone.is_some(), now);
        let row = self.authors.get(&key).and_then(|author| author.row);
        let again = standing == Standing::Again && self.came_by_another_way(&key, row, message, from, socket, now);
        match standing {
            Standing::First | Standing::New | Standing::Restart => {}
            Standing::Again if again => {}
            Standing::Again | Standing::Old => return Err(Rejected::Replay),
            Standing::Doubtful => {
                // If it is there, it answers; at most once a minute for one address.
                self.add_hint(from, now);
                return Err(Rejected::Replay);
            }
        }
        let proven = row.is_some_and(|id| self.is_proven(id, from));
        // Whom we asked is let in, however many others there are: nobody else knows what to answer.
        if !proven && alone.is_none() && !self.authors.may_check(standing != Standing::First, &self.config.limits, now)
        {
            return Err(Rejected::SignatureRate);
        }
        let good = self.ring.as_ref().is_some_and(|ring| ring.crypto.verify(&key, SIGNED_DOMAIN, signed, &signature));
        if proven {
            self.inflow.spend(from, good, &self.config.limits, now);
        }
        if !good {
            return Err(Rejected::BadSignature);
        }
        if let Some(nonce) = alone {
            self.hints.answered_there(nonce, from);
        }
        let restarted = standing == Standing::Restart;
        let newest = self.note_signed((key, sid, seq), restarted, now);
        Ok(Some(Signed { key, sid, seq, newest: newest && !again, restarted, answers, again }))
    }

    /// Notes what a key signed; true when nothing newer of it is known.
    fn note_signed(&mut self, (key, sid, seq): (PublicKey, Sid, u64), restarted: bool, now: Instant) -> bool {
        let Some(author) = self.authors.get_mut(&key) else { return true };
        if restarted {
            author.sid = sid;
            author.window = Window::from(seq);
            author.first = (seq, now);
            author.fresh = false;
            if let Some(id) = author.row {
                self.drop_held(id);
            }
            self.tell_data_away(Some(key));
        }
        let Some(author) = self.authors.get_mut(&key) else { return true };
        let newest = restarted || seq > author.window.greatest();
        author.window.note(seq);
        author.ceiling = author.ceiling.max(seq);
        if newest {
            author.newest = now;
        }
        if author.contact.is_some() {
            self.outputs.push_back(Output::Store(Record::Heard { key, sid, seq }));
        }
        newest
    }

    /// True for a copy of the newest announcement that came by another way than the first: its sender has more than
    /// one address, and all are worth knowing.
    fn came_by_another_way(
        &self,
        key: &PublicKey,
        row: Option<PeerId>,
        message: &Message<'_>,
        from: SocketAddrV4,
        socket: Socket,
        now: Instant,
    ) -> bool {
        let fresh = self.authors.get(key).is_some_and(|author| now.since(author.newest) <= OTHER_WAY);
        let known = row.and_then(|id| self.peers.read(id, |peer| peer.paths.iter().any(|path| path.address == from)));
        fresh && socket == Socket::Discovery && matches!(message, Message::Discovery(_)) && known == Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_block_is_reserved_when_half_of_one_is_left() {
        let mut sequence = Sequence::new(10..10 + LEASE);
        let first: Vec<_> = (0..LEASE / 2).map(|_| sequence.next()).collect();
        assert!(first.iter().zip(10..).all(|(got, number)| *got == (number, None)), "{:?}", first.last());
        assert_eq!(sequence.next(), (10 + LEASE / 2, Some(10 + 2 * LEASE)));
        assert_eq!(sequence.next(), (11 + LEASE / 2, None));
    }

    #[test]
    fn without_a_lease_one_is_asked_for_at_once() {
        let mut sequence = Sequence::new(0..0);
        assert_eq!(sequence.next(), (0, Some(1 + LEASE)));
        assert_eq!(sequence.next(), (1, None));
    }
}

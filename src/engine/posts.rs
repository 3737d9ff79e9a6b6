//! Where a post stands among others: what we say of ours, and believe of others' (protocol.md §9.4).

use std::collections::{BTreeMap, VecDeque};

use arrayvec::ArrayVec;

use crate::wire::{Chain, PieceHash, PublicKey, SEEN_MAX};

use super::{Engine, Output, Posted, Record};

/// Posts whose place is remembered.
const REMEMBERED: usize = 4_096;

/// The posts of others, as far as they are remembered.
#[derive(Debug, Default)]
pub(super) struct Posts {
    /// The LAMPORT that is believed of each.
    lamports: BTreeMap<PieceHash, u64>,
    /// Which post stands at each number of an author.
    places: BTreeMap<(PublicKey, u64), PieceHash>,
    order: VecDeque<(PieceHash, PublicKey, u64)>,
    /// Those with the greatest LAMPORT, the greatest last.
    newest: ArrayVec<(u64, PieceHash), SEEN_MAX>,
}

impl Posts {
    /// Takes note of a post; true when another one stands at its place.
    pub(super) fn note(&mut self, author: PublicKey, id: PieceHash, chain: &Chain) -> bool {
        if self.lamports.contains_key(&id) {
            return false;
        }
        // A LAMPORT that the posts it names do not support would push all posts of others behind it.
        let named = chain.seen.iter().chain(&chain.prev).filter_map(|named| self.lamports.get(named)).max();
        let greatest = self.newest.last().map_or(0, |(lamport, _)| *lamport);
        let lamport = chain.lamport.min(named.copied().unwrap_or(0).max(greatest) + 1);
        let fork = self.support(id, author, chain.number, lamport);
        if self.newest.is_full() && self.newest.first().is_some_and(|(least, _)| *least < lamport) {
            self.newest.remove(0);
        }
        if !self.newest.is_full() {
            let at = self.newest.partition_point(|(other, _)| *other <= lamport);
            self.newest.insert(at, (lamport, id));
        }
        fork
    }

    /// Remembers where a post stands, ours too: others name it. True when another one stands there.
    pub(super) fn support(&mut self, id: PieceHash, author: PublicKey, number: u64, lamport: u64) -> bool {
        let fork = *self.places.entry((author, number)).or_insert(id) != id;
        self.lamports.insert(id, lamport);
        self.order.push_back((id, author, number));
        if self.order.len() > REMEMBERED
            && let Some((id, author, number)) = self.order.pop_front()
        {
            self.lamports.remove(&id);
            self.places.remove(&(author, number));
        }
        fork
    }
}

impl Engine {
    /// The place of our next post; none of a peer without a key.
    pub(super) fn next_place(&self) -> Option<Chain> {
        let posted = self.ring.as_ref()?.posted;
        let seen = self.posts.newest.iter().map(|(_, id)| *id).collect();
        let greatest = self.posts.newest.last().map_or(0, |(lamport, _)| *lamport);
        let lamport = posted.lamport.max(greatest) + 1;
        Some(Chain { number: posted.number + 1, prev: posted.last, seen, lamport, long: None })
    }

    /// Our post of these bytes stands there.
    pub(super) fn note_own_post(&mut self, chain: &Chain, bytes: &[u8]) {
        let Some(ring) = &mut self.ring else { return };
        let id = PieceHash::of(bytes);
        self.posts.support(id, ring.crypto.public_key(), chain.number, chain.lamport);
        ring.posted = Posted { number: chain.number, last: Some(id), lamport: chain.lamport };
        let posted = ring.posted;
        self.outputs.push_back(Output::Store(Record::Posted(posted)));
    }
}

//! Long texts: cut into pieces and served, pulled and put together (protocol.md §10.3).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddrV4;
use std::sync::Arc;

use crate::wire::{LongText, OwnMessageId, PieceHash, Pieces, SealedBody, SealedLong};

use super::commits::Incoming;
use super::signed::Signed;
use super::{Engine, Instant, Limits, Peer, PeerId};

/// The pieces that we serve, by their hashes; the oldest text makes place for a new one.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pieces: BTreeMap<PieceHash, (Arc<[u8]>, u32)>,
    texts: VecDeque<Served>,
    bytes: usize,
    /// Long DMs of ours that were sealed, so that a retry names the same pieces.
    sealed: VecDeque<(OwnMessageId, SealedLong)>,
}

#[derive(Debug)]
struct Served {
    root: PieceHash,
    hashes: Vec<PieceHash>,
    bytes: usize,
}

/// Long DMs of ours whose keys are remembered.
const SEALED: usize = 64;

impl Texts {
    /// Serves the pieces of these bytes from now on; returns the hash that names them.
    pub(super) fn serve(&mut self, bytes: &[u8], limits: &Limits) -> Option<PieceHash> {
        let pieces = Pieces::cut(bytes)?;
        let root = pieces.root();
        if self.texts.iter().any(|text| text.root == root) {
            return Some(root);
        }
        let (mut hashes, mut size) = (Vec::new(), 0);
        for (hash, piece) in pieces.into_pieces() {
            size += piece.len() + 64;
            hashes.push(hash);
            self.pieces.entry(hash).or_insert_with(|| (piece.into(), 0)).1 += 1;
        }
        self.bytes += size;
        self.texts.push_back(Served { root, hashes, bytes: size });
        while self.bytes > limits.long_texts.2 && self.texts.len() > 1 {
            self.drop_oldest();
        }
        Some(root)
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.texts.pop_front() else { return };
        self.bytes -= oldest.bytes;
        for hash in oldest.hashes {
            if let Some((_, uses)) = self.pieces.get_mut(&hash) {
                *uses -= 1;
                if *uses == 0 {
                    self.pieces.remove(&hash);
                }
            }
        }
    }

    pub(super) fn piece(&self, hash: &PieceHash) -> Option<&Arc<[u8]>> {
        self.pieces.get(hash).map(|(piece, _)| piece)
    }

    fn is_served(&self, root: &PieceHash) -> bool {
        self.pieces.contains_key(root)
    }
}

impl Engine {
    /// What a letter or frame with this text holds: the text, or where the reader can pull it, sealed with a key of its own.
    pub(super) fn sealed_body(&mut self, peer: &Peer, id: OwnMessageId, text: &Arc<str>, at: u64) -> SealedBody {
        if text.len() <= self.letter_max(peer) {
            return SealedBody::text(text, at);
        }
        let known = self.texts.sealed.iter().find(|(other, _)| *other == id).map(|(_, long)| long.clone());
        let long = known.filter(|long| self.texts.is_served(&long.root)).or_else(|| self.seal_long(id, text));
        SealedBody { long, timestamp: at, ..SealedBody::default() }
    }

    fn seal_long(&mut self, id: OwnMessageId, text: &str) -> Option<SealedLong> {
        let ring = self.ring.as_mut()?;
        let key = ring.seeds.next();
        let mut bytes = text.as_bytes().to_vec();
        ring.crypto.seal(&key, 0, b"long", &mut bytes);
        let size = u32::try_from(bytes.len()).ok()?;
        let root = self.texts.serve(&bytes, &self.config.limits)?;
        let long = SealedLong { root, size, key: key.0 };
        self.texts.sealed.push_back((id, long.clone()));
        if self.texts.sealed.len() > SEALED {
            self.texts.sealed.pop_front();
        }
        Some(long)
    }

    pub(super) fn pulls_text_from(&self, _from: SocketAddrV4) -> bool {
        false
    }

    pub(super) fn go_on_pulling_text(&mut self, _root: PieceHash, _now: Instant) {}

    pub(super) fn pull_dm(&mut self, _said: Incoming, _long: &SealedLong, _signed: Option<Signed>, _now: Instant) {}

    pub(super) fn pull_post(
        &mut self,
        _said: Incoming,
        _long: LongText,
        _from: PeerId,
        _signed: Option<Signed>,
        _now: Instant,
    ) {
    }

    /// A piece of a long text that somebody asks for: of a post that we hold, too.
    pub(super) fn text_piece(&mut self, hash: PieceHash) -> Option<Arc<[u8]>> {
        if self.texts.piece(&hash).is_none() {
            let text = self.posts.with_text(hash).map(Arc::clone)?;
            self.texts.serve(text.as_bytes(), &self.config.limits);
        }
        self.texts.piece(&hash).cloned()
    }
}

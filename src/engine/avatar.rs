//! Avatars: ours in pieces, and those of others that are here (protocol.md §6).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::wire::{AvatarKind, AvatarLabel, PieceHash, Pieces};

use super::PeerId;

/// Our own avatar, ready to be pulled.
#[derive(Debug, Clone)]
pub(super) struct OwnAvatar {
    pub(super) label: AvatarLabel,
    pub(super) bytes: Arc<[u8]>,
    pieces: BTreeMap<PieceHash, Vec<u8>>,
}

impl OwnAvatar {
    /// Takes PNG or JPEG of 1 to 20,480 bytes.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let kind = AvatarKind::of(bytes)?;
        let size = u16::try_from(bytes.len()).ok().filter(|size| usize::from(*size) <= AvatarLabel::MAX)?;
        let pieces = Pieces::cut(bytes)?;
        let label = AvatarLabel { kind, size, root: pieces.root() };
        Some(Self { label, bytes: bytes.into(), pieces: pieces.into_pieces().into_iter().collect() })
    }

    /// The piece, or the list of pieces, with this hash.
    pub(super) fn piece(&self, hash: PieceHash) -> Option<&[u8]> {
        self.pieces.get(&hash).map(Vec::as_slice)
    }
}

/// The pictures that are here, oldest first out.
#[derive(Debug, Default)]
pub(super) struct Pictures {
    of: BTreeMap<PeerId, Picture>,
    order: VecDeque<PeerId>,
    bytes: usize,
}

/// A picture that is here.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    /// What it was pulled by; none of an older client's.
    pub(super) label: Option<AvatarLabel>,
    pub(super) kind: AvatarKind,
    pub(super) bytes: Arc<[u8]>,
}

impl Pictures {
    /// The bytes of all.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, peer: PeerId) -> Option<&Picture> {
        self.of.get(&peer)
    }

    pub(super) fn keep(&mut self, peer: PeerId, picture: Picture, cap: usize) {
        self.drop_of(peer);
        self.bytes += picture.bytes.len();
        self.of.insert(peer, picture);
        self.order.push_back(peer);
        while self.bytes > cap {
            let Some(oldest) = self.order.front().copied() else { break };
            self.drop_of(oldest);
        }
    }

    pub(super) fn drop_of(&mut self, peer: PeerId) {
        if let Some(picture) = self.of.remove(&peer) {
            self.bytes -= picture.bytes.len();
            self.order.retain(|other| *other != peer);
        }
    }
}

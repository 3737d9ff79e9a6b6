//! Avatars: ours in pieces, and those of others pulled piece by piece (protocol.md §6).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{AvatarKind, AvatarLabel, CHUNK_MAX, PieceHash};

use super::{Instant, PeerId};

/// Our own avatar, ready to be pulled: the picture cut into pieces, and the manifest that names them.
#[derive(Debug, Clone)]
pub(super) struct OwnAvatar {
    pub(super) label: AvatarLabel,
    pub(super) bytes: Arc<[u8]>,
    manifest: Vec<u8>,
    pieces: BTreeMap<PieceHash, usize>,
}

impl OwnAvatar {
    /// Takes PNG or JPEG of 1 to 20,480 bytes.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let kind = AvatarKind::of(bytes)?;
        let size = u16::try_from(bytes.len()).ok().filter(|size| usize::from(*size) <= AvatarLabel::MAX)?;
        let (mut manifest, mut pieces) = (Vec::new(), BTreeMap::new());
        for (at, piece) in bytes.chunks(CHUNK_MAX).enumerate() {
            let hash = PieceHash::of(piece);
            manifest.extend_from_slice(&hash.0);
            pieces.insert(hash, at);
        }
        let label = AvatarLabel { kind, size, root: PieceHash::of(&manifest) };
        Some(Self { label, bytes: bytes.into(), manifest, pieces })
    }

    /// The piece, or the manifest, with this hash.
    pub(super) fn piece(&self, hash: PieceHash) -> Option<&[u8]> {
        if hash == self.label.root {
            return Some(&self.manifest);
        }
        let at = *self.pieces.get(&hash)?;
        self.bytes.chunks(CHUNK_MAX).nth(at)
    }
}

/// An avatar on its way to us.
#[derive(Debug)]
pub(super) struct Pull {
    pub(super) label: AvatarLabel,
    manifest: Option<Vec<PieceHash>>,
    have: BTreeMap<PieceHash, Vec<u8>>,
    waiting: BTreeMap<PieceHash, (Instant, u8)>,
}

/// What a piece that came in did for a pull.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nobody asked for it.
    Stray,
    /// More is missing.
    More,
    /// All is here.
    Whole(Vec<u8>),
    /// It is all here, and not what the label says.
    Broken,
}

impl Pull {
    /// Requests that may be unanswered at the same time.
    const WINDOW: usize = 8;
    /// Requests for one piece before the pull is given up.
    const TRIES: u8 = 8;

    pub(super) fn new(label: AvatarLabel) -> Self {
        Self { label, manifest: None, have: BTreeMap::new(), waiting: BTreeMap::new() }
    }

    /// The pieces to ask for now; `None` when one was asked for too often.
    pub(super) fn wanted(&mut self, now: Instant) -> Option<Vec<PieceHash>> {
        let mut ask = Vec::new();
        for (hash, (at, tries)) in &mut self.waiting {
            if now >= *at {
                if *tries >= Self::TRIES {
                    return None;
                }
                *at = now + Self::patience(*tries);
                *tries += 1;
                ask.push(*hash);
            }
        }
        let missing: Vec<PieceHash> = match &self.manifest {
            None => vec![self.label.root],
            Some(list) => list.clone(),
        };
        for hash in missing {
            if self.waiting.len() >= Self::WINDOW {
                break;
            }
            if !self.have.contains_key(&hash) && !self.waiting.contains_key(&hash) {
                self.waiting.insert(hash, (now + Self::patience(0), 1));
                ask.push(hash);
            }
        }
        Some(ask)
    }

    /// When the next piece is asked for again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.values().map(|(at, _)| *at).min()
    }

    /// Takes a piece.
    pub(super) fn take(&mut self, bytes: Vec<u8>) -> Progress {
        let hash = PieceHash::of(&bytes);
        if self.waiting.remove(&hash).is_none() {
            return Progress::Stray;
        }
        if self.manifest.is_none() {
            let (hashes, rest) = bytes.as_chunks::<16>();
            let count = usize::from(self.label.size).div_ceil(CHUNK_MAX);
            if !rest.is_empty() || hashes.len() != count {
                return Progress::Broken;
            }
            self.manifest = Some(hashes.iter().map(|hash| PieceHash(*hash)).collect());
            return Progress::More;
        }
        self.have.insert(hash, bytes);
        let Some(list) = &self.manifest else { return Progress::More };
        let Some(pieces) = list.iter().map(|hash| self.have.get(hash)).collect::<Option<Vec<_>>>() else {
            return Progress::More;
        };
        let whole: Vec<u8> = pieces.into_iter().flatten().copied().collect();
        if whole.len() == usize::from(self.label.size) && AvatarKind::of(&whole) == Some(self.label.kind) {
            Progress::Whole(whole)
        } else {
            Progress::Broken
        }
    }

    fn patience(tries: u8) -> Duration {
        Duration::from_millis(500) * (1 << tries.min(3))
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

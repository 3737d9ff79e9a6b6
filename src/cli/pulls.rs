//! Answers that the user waits for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::PeerId;

/// Avatars that are on their way with where they go, and lists that were asked for.
#[derive(Debug, Default)]
pub(super) struct Pulls {
    avatars: BTreeMap<PeerId, Option<PathBuf>>,
    lists: BTreeMap<PeerId, ()>,
}

impl Pulls {
    pub(super) fn is_empty(&self) -> bool {
        self.avatars.is_empty() && self.lists.is_empty()
    }

    pub(super) fn avatar(&mut self, peer: PeerId, file: Option<PathBuf>) {
        self.avatars.insert(peer, file);
    }

    /// The avatar is here or will not come; the file that it was for.
    pub(super) fn avatar_done(&mut self, peer: PeerId) -> Option<PathBuf> {
        self.avatars.remove(&peer).flatten()
    }

    pub(super) fn list(&mut self, peer: PeerId) {
        self.lists.insert(peer, ());
    }

    pub(super) fn list_done(&mut self, peer: PeerId) {
        self.lists.remove(&peer);
    }

    /// The peer is gone: nothing more comes from it.
    pub(super) fn forget(&mut self, peer: PeerId) {
        self.avatars.remove(&peer);
        self.lists.remove(&peer);
    }
}

//! Answers that the user waits for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::{PeerId, Until};

/// Avatars that are on their way with where they go, lists that were asked for, and DMs that wait.
#[derive(Debug, Default)]
pub(super) struct Pulls {
    avatars: BTreeMap<PeerId, Option<PathBuf>>,
    lists: BTreeMap<PeerId, ()>,
    dms: Vec<WaitingDm>,
}

/// A DM that is not sent yet.
#[derive(Debug)]
pub(super) struct WaitingDm {
    to: PeerId,
    until: Until,
    /// What the one is called whom it is for.
    pub(super) name: String,
    pub(super) text: String,
}

impl Pulls {
    /// True when nothing more comes by itself: what waits for the user's word is not waited for.
    pub(super) fn is_empty(&self) -> bool {
        self.avatars.is_empty() && self.lists.is_empty() && !self.has_dms()
    }

    /// Whether a DM may be sent any moment.
    pub(super) fn has_dms(&self) -> bool {
        self.dms.iter().any(|dm| dm.until == Until::Answer)
    }

    pub(super) fn dm(&mut self, to: PeerId, text: &str, until: Until, name: &str) {
        self.dms.push(WaitingDm { to, until, name: name.to_owned(), text: text.to_owned() });
    }

    pub(super) fn dm_done(&mut self, to: PeerId, text: &str) {
        if let Some(at) = self.dms.iter().position(|dm| dm.to == to && dm.text == text) {
            self.dms.remove(at);
        }
    }

    /// The DMs that were not sent to the end.
    pub(super) fn never_sent(&mut self) -> Vec<WaitingDm> {
        std::mem::take(&mut self.dms)
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

//! Answers that the user waits for.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::engine::{Mark, PeerId, Until};
use crate::wire::OwnMessageId;

/// DMs that are watched at the end; more are sent all the same.
const MOST: usize = 1024;

/// Avatars that are on their way with where they go, lists that were asked for, and DMs that wait.
#[derive(Debug, Default)]
pub(super) struct Pulls {
    avatars: BTreeMap<PeerId, Option<PathBuf>>,
    lists: BTreeMap<PeerId, ()>,
    dms: Vec<WaitingDm>,
    /// DMs that were sent, and no word came yet that they have arrived.
    sent: Vec<OwnMessageId>,
    /// Others may still fetch a long post of ours, and do not say when they have it.
    post: bool,
    /// A long text takes a while to arrive.
    long: bool,
}

/// A DM that is not sent yet.
#[derive(Debug)]
pub(super) struct WaitingDm {
    id: OwnMessageId,
    until: Until,
    /// What the one is called whom it is for.
    pub(super) name: String,
    pub(super) text: String,
}

impl Pulls {
    /// True when nothing more comes by itself: what waits for the user's word, or for somebody to come, is not waited for.
    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty() && !self.has_answers() && !self.has_dms() && !self.post
    }

    /// A long text was sent, of which others hear no more than its name until they fetch it.
    pub(super) fn long(&mut self, post: bool) {
        self.long = true;
        self.post |= post;
    }

    /// Whether others may still fetch a long text.
    pub(super) fn has_long(&self) -> bool {
        self.long
    }

    /// Whether a picture or a list may come any moment.
    pub(super) fn has_answers(&self) -> bool {
        !self.avatars.is_empty() || !self.lists.is_empty()
    }

    /// Whether a DM may be sent any moment.
    pub(super) fn has_dms(&self) -> bool {
        self.dms.iter().any(|dm| dm.until == Until::Answer)
    }

    pub(super) fn dm(&mut self, id: OwnMessageId, text: &str, until: Until, name: &str) {
        self.dms.push(WaitingDm { id, until, name: name.to_owned(), text: text.to_owned() });
    }

    /// It was sent to somebody who will say that it has arrived.
    pub(super) fn sent(&mut self, id: OwnMessageId) {
        if self.sent.len() >= MOST {
            self.sent.remove(0);
        }
        self.sent.push(id);
    }

    /// Whether this DM is not sent yet.
    pub(super) fn waits(&self, id: OwnMessageId) -> bool {
        self.dms.iter().any(|dm| dm.id == id)
    }

    /// Something became of a DM.
    pub(super) fn marked(&mut self, id: OwnMessageId, mark: Mark) {
        match mark {
            Mark::Waiting => self.sent.retain(|sent| *sent != id),
            Mark::Sent => {
                if let Some(at) = self.dms.iter().position(|dm| dm.id == id) {
                    self.dms.remove(at);
                    self.sent(id);
                }
            }
            Mark::Received => {}
            Mark::Acknowledged | Mark::Stored | Mark::Failed(_) => {
                self.dms.retain(|dm| dm.id != id);
                self.sent.retain(|sent| *sent != id);
            }
        }
    }

    /// The DMs that were not sent to the end.
    pub(super) fn never_sent(&mut self) -> Vec<WaitingDm> {
        std::mem::take(&mut self.dms)
    }

    pub(super) fn avatar(&mut self, peer: PeerId, file: Option<PathBuf>) {
        self.avatars.insert(peer, file);
    }

    /// Whether the user asked for this one's avatar.
    pub(super) fn has_avatar(&self, peer: PeerId) -> bool {
        self.avatars.contains_key(&peer)
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

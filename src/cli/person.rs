//! Somebody whom a command is about: a peer that is listed, or a contact that is not here.

use crate::engine::{Called, Contact, Named, Peer, Trust, Whom};
use crate::wire::{PublicKey, Safe};

use super::names::{self, Names};

/// Somebody, here or not.
#[derive(Debug, Clone)]
pub(super) enum Person {
    /// A peer that is listed.
    Here(Peer),
    /// A contact that is not.
    Away(Box<Contact>),
}

impl Named for Person {
    fn called(&self) -> Called<'_> {
        match self {
            Self::Here(peer) => peer.called(),
            Self::Away(contact) => contact.called(),
        }
    }
}

impl Person {
    pub(super) fn whom(&self) -> Whom {
        match self {
            Self::Here(peer) => Whom::Peer(peer.id()),
            Self::Away(contact) => Whom::Key(contact.key),
        }
    }

    pub(super) fn key(&self) -> Option<PublicKey> {
        match self {
            Self::Here(peer) => peer.key(),
            Self::Away(contact) => Some(contact.key),
        }
    }

    pub(super) fn trust(&self) -> Trust {
        match self {
            Self::Here(peer) => peer.trust(),
            Self::Away(contact) if contact.verified => Trust::Verified,
            Self::Away(contact) if contact.changed => Trust::Changed,
            Self::Away(_) => Trust::Known,
        }
    }

    pub(super) fn is_blocked(&self) -> bool {
        match self {
            Self::Here(peer) => peer.is_blocked(),
            Self::Away(contact) => contact.blocked,
        }
    }

    pub(super) fn is_muted(&self) -> bool {
        match self {
            Self::Here(peer) => peer.is_muted(),
            Self::Away(contact) => contact.muted,
        }
    }

    /// The name alone, as it is shown.
    pub(super) fn name(&self) -> Safe {
        match self {
            Self::Here(peer) => peer.shown_name(),
            Self::Away(contact) => names::contact_name(contact),
        }
    }

    /// The label, as it travels.
    pub(super) fn id(&self) -> String {
        self.called().id.into_owned()
    }

    /// What it is called in a line.
    pub(super) fn label(&self, names: &Names) -> String {
        match self {
            Self::Here(peer) => names.label(peer),
            Self::Away(contact) => names::contact(contact),
        }
    }

    /// What it is called where the id stands elsewhere.
    pub(super) fn short(&self, names: &Names) -> String {
        match self {
            Self::Here(peer) => names.short(peer),
            Self::Away(contact) => names::contact(contact),
        }
    }

    /// The name that leaves no doubt: with the fingerprint, or the id of one without a key.
    pub(super) fn full(&self, names: &Names) -> String {
        match self {
            Self::Here(peer) => names.full(peer),
            Self::Away(contact) => names::contact(contact),
        }
    }

    /// What can be typed so that it means nobody else.
    pub(super) fn typed(&self, names: &Names) -> String {
        match self {
            Self::Here(peer) => names.typed(peer),
            Self::Away(contact) => names::contact_typed(contact),
        }
    }
}

//! What somebody whom a command is about is called in a line.

use crate::engine::Person;

use super::names::{self, Names};

impl Person {
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

//! Somebody whom a user means: a peer that is listed, or a contact that is not here.

use std::net::SocketAddrV4;

use crate::wire::{PublicKey, Safe, UserId};

use super::{Called, Contact, Named, Peer, Trust, Who, WhoError, Whom};

/// Somebody, here or not.
#[derive(Debug, Clone)]
pub enum Person {
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

    fn is_at(&self, address: SocketAddrV4) -> bool {
        match self {
            Self::Here(peer) => peer.is_at(address),
            Self::Away(contact) => contact.is_at(address),
        }
    }
}

impl Person {
    /// Whom a command is about.
    #[must_use]
    pub fn whom(&self) -> Whom {
        match self {
            Self::Here(peer) => Whom::Peer(peer.id()),
            Self::Away(contact) => Whom::Key(contact.key),
        }
    }

    /// Its identity; none of a peer that signs nothing.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        match self {
            Self::Here(peer) => peer.key(),
            Self::Away(contact) => Some(contact.key),
        }
    }

    /// What is known of who it is.
    #[must_use]
    pub fn trust(&self) -> Trust {
        match self {
            Self::Here(peer) => peer.trust(),
            Self::Away(contact) if contact.verified => Trust::Verified,
            Self::Away(contact) if contact.changed => Trust::Changed,
            Self::Away(_) => Trust::Known,
        }
    }

    /// True when the user blocked it.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        match self {
            Self::Here(peer) => peer.is_blocked(),
            Self::Away(contact) => contact.blocked,
        }
    }

    /// True when its posts are not shown.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        match self {
            Self::Here(peer) => peer.is_muted(),
            Self::Away(contact) => contact.muted,
        }
    }

    /// The name alone, as it is shown.
    #[must_use]
    pub fn name(&self) -> Safe {
        match self {
            Self::Here(peer) => peer.shown_name(),
            Self::Away(contact) => contact.safe_name(),
        }
    }

    /// The label, as it travels.
    #[must_use]
    pub fn id(&self) -> String {
        self.called().id.into_owned()
    }
}

/// An id as it is shown, with nothing left out that can be seen.
#[must_use]
pub fn shown_id(id: &str) -> String {
    Safe::called(id, UserId::MAX).as_str().to_owned()
}

/// `10.0.0.7:8123` or `10.0.0.7:8123/bob@10.0.0.7`.
fn place(typed: &str) -> Option<(SocketAddrV4, Option<&str>)> {
    let (address, id) = typed.split_once('/').map_or((typed, None), |(address, id)| (address, Some(id)));
    Some((address.parse().ok()?, id))
}

/// The one that is meant by what was typed: by its address and port, with `/` and its id as it is shown where several are
/// there, else as [`Who::among`] says. Where several are, and one of them `suits`, it is that one.
///
/// # Errors
/// [`WhoError`]; nobody is guessed.
pub fn find<T: Named>(typed: &str, people: Vec<T>, suits: impl Fn(&T) -> bool) -> Result<T, WhoError<T>> {
    let found = match (place(typed), Who::split(typed)) {
        (Some((address, id)), _) => {
            let is = |one: &T| one.is_at(address) && id.is_none_or(|id| shown_id(&one.called().id) == id);
            Err(WhoError::Ambiguous(people.into_iter().filter(is).collect()))
        }
        (None, Some((who, ""))) => who.among(people),
        (None, _) => Err(WhoError::Nobody),
    };
    let mut all = match found {
        Err(WhoError::Ambiguous(all)) => all,
        found => return found,
    };
    if let (1, Some(at)) = (all.iter().filter(|one| suits(one)).count(), all.iter().position(&suits)) {
        return Ok(all.swap_remove(at));
    }
    match all.len() {
        0 => Err(WhoError::Nobody),
        1 => all.pop().ok_or(WhoError::Nobody),
        _ => Err(WhoError::Ambiguous(all)),
    }
}

//! Who is here, and whom a program means.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::SocketAddrV4;

use crate::engine::{self, Command, Contact, Reply, Trust, Word, find};
use crate::node::Handle;
use crate::wire::{Digits, PublicKey, Safe, UserId};

use super::{Error, Peer};

/// Columns of what was asked for, in an error.
const ASKED: usize = 60;

/// Whom a program means: a key, or what people call somebody. That is a name (`bob`), a name with the beginning of its
/// fingerprint (`bob#7f3a`), an id (`bob@192.168.1.12`), an address with port, or a key as text.
///
/// A name that several have is refused, unless exactly one of them is verified: nobody is guessed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who<'a> {
    /// Whoever has this key.
    Key(PublicKey),
    /// Who is called so.
    Called(Cow<'a, str>),
}

/// Somebody, as it is known at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Person {
    /// Its identity; none of an older client, which takes nothing but text.
    pub key: Option<PublicKey>,
    /// What it is called: not unique, and proved by nothing.
    pub name: Safe,
    /// Its label, `name@ip`: the same holds.
    pub id: Safe,
    /// Where it is.
    pub address: SocketAddrV4,
    /// What is known of who it is.
    pub trust: Trust,
    /// It has answered, and takes what this peer shares.
    pub shares: bool,
}

impl From<PublicKey> for Who<'_> {
    fn from(key: PublicKey) -> Self {
        Self::Key(key)
    }
}

impl<'a> From<&'a str> for Who<'a> {
    fn from(text: &'a str) -> Self {
        Self::Called(text.into())
    }
}

impl<'a> From<&'a String> for Who<'a> {
    fn from(text: &'a String) -> Self {
        Self::Called(text.into())
    }
}

impl From<String> for Who<'_> {
    fn from(text: String) -> Self {
        Self::Called(text.into())
    }
}

impl From<&Person> for Who<'_> {
    fn from(person: &Person) -> Self {
        person.key.map_or_else(|| Self::Called(person.address.to_string().into()), Self::Key)
    }
}

impl Person {
    pub(super) fn of(peer: &engine::Peer) -> Self {
        Self {
            key: peer.key(),
            name: peer.shown_name(),
            id: Safe::called(peer.raw_id(), UserId::MAX),
            address: peer.address(),
            trust: peer.trust(),
            shares: peer.takes_data(),
        }
    }
}

impl Peer {
    /// Everybody who is here, as this peer sees it now, by name. Nobody whom the user blocked.
    #[must_use]
    pub fn people(&self) -> Vec<Person> {
        let mut here = self.handle().peers().snapshot();
        here.retain(|peer| !peer.is_blocked());
        let mut people: Vec<Person> = here.iter().map(Person::of).collect();
        people.sort_by(|a, b| (a.name.as_str(), a.key, a.address).cmp(&(b.name.as_str(), b.key, b.address)));
        people
    }

    /// Somebody who is here.
    ///
    /// # Errors
    /// [`Error::Nobody`] and [`Error::Ambiguous`].
    pub fn find<'a>(&self, who: impl Into<Who<'a>>) -> Result<Person, Error> {
        match self.here(&who.into())? {
            engine::Person::Here(peer) => Ok(Person::of(&peer)),
            engine::Person::Away(contact) => Err(Error::Nobody(contact.safe_name())),
        }
    }

    /// The 60 digits that two people compare to be sure of each other; see [`Peer::verify`].
    ///
    /// # Errors
    /// [`Error::Nobody`], [`Error::Ambiguous`] and [`Error::NoKey`].
    pub async fn digits<'a>(&self, who: impl Into<Who<'a>> + Send) -> Result<Digits, Error> {
        Ok(self.key().digits(&self.key_of(who.into()).await?))
    }

    /// Keeps that this key is this person's, which somebody has compared in person: from then on it may fill our cache.
    ///
    /// # Errors
    /// [`Error::Nobody`], [`Error::Ambiguous`], [`Error::NoKey`] and [`Error::Refused`].
    pub async fn verify<'a>(&self, who: impl Into<Who<'a>> + Send) -> Result<(), Error> {
        let whom = engine::Whom::Key(self.key_of(who.into()).await?);
        self.handle().command(Command::Judge { whom, word: Word::Verify }).await?;
        Ok(())
    }

    fn here(&self, who: &Who<'_>) -> Result<engine::Person, Error> {
        let here = self.handle().peers().snapshot().into_iter().map(engine::Person::Here).collect();
        among(who, here)
    }

    /// The one that is meant, here or known from earlier: who is here goes first.
    pub(super) async fn person(&self, who: &Who<'_>) -> Result<engine::Person, Error> {
        match self.here(who) {
            Err(Error::Nobody(_)) => among(who, away(self.handle()).await?),
            found => found,
        }
    }

    pub(super) async fn key_of(&self, who: Who<'_>) -> Result<PublicKey, Error> {
        match who {
            Who::Key(key) => Ok(key),
            Who::Called(_) => {
                let person = self.person(&who).await?;
                person.key().ok_or_else(|| Error::NoKey(person.name()))
            }
        }
    }
}

/// Contacts that are not listed.
async fn away(handle: &Handle) -> Result<Vec<engine::Person>, Error> {
    let Reply::Contacts(contacts) = handle.command(Command::Contacts).await? else { return Ok(Vec::new()) };
    let here: BTreeSet<PublicKey> = handle.peers().snapshot().iter().filter_map(engine::Peer::key).collect();
    let away = |contact: &Contact| !here.contains(&contact.key);
    Ok(contacts.into_iter().filter(away).map(|contact| engine::Person::Away(Box::new(contact))).collect())
}

fn among(who: &Who<'_>, people: Vec<engine::Person>) -> Result<engine::Person, Error> {
    let keyed = |key: PublicKey| people.iter().find(|person| person.key() == Some(key)).cloned();
    match who {
        Who::Key(key) => keyed(*key).ok_or_else(|| Error::Nobody(Safe::line(&key.to_string()))),
        Who::Called(text) => {
            if let Some(person) = PublicKey::parse(text).and_then(keyed) {
                return Ok(person);
            }
            let name = Safe::fitted(text, ASKED);
            find(text, people, |person| !person.is_blocked()).map_err(|error| match error {
                engine::WhoError::Nobody => Error::Nobody(name),
                engine::WhoError::Ambiguous(people) => {
                    Error::Ambiguous { name, candidates: people.iter().map(distinct).collect() }
                }
            })
        }
    }
}

/// What means this one and no other.
fn distinct(person: &engine::Person) -> String {
    match person.key() {
        Some(key) => format!("{}#{}", person.name(), &key.fingerprint().hex()[..8]),
        None => Safe::called(&person.id(), UserId::MAX).as_str().to_owned(),
    }
}

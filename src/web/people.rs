//! Whom a request means, as the prompt resolves it: nobody is guessed.

use std::collections::BTreeSet;

use crate::engine::{Command, Contact, Peer, Person, Reply, WhoError, find};
use crate::node::{Handle, unix_now};
use crate::wire::{PublicKey, Safe};

use super::refusal::Refusal;
use super::{PeerObject, convert};

/// Columns of what was asked for, in a message.
const ASKED: usize = 60;

/// Stands before the id of somebody without a key: somebody else may have that id, and a key.
pub(super) const LABEL: &str = "label:";

fn find_label(label: &str, mut people: Vec<Person>) -> Result<Person, WhoError<Person>> {
    people.retain(|person| person.key().is_none() && person.id() == label);
    match people.len() {
        0 => Err(WhoError::Nobody),
        1 => people.pop().ok_or(WhoError::Nobody),
        _ => Err(WhoError::Ambiguous(people)),
    }
}

/// Everybody whom the peer knows.
#[derive(Debug, Clone, Copy)]
pub(super) struct People<'a>(pub(super) &'a Handle);

impl People<'_> {
    /// Contacts that are not listed.
    pub(super) async fn away(self) -> Result<Vec<Contact>, Refusal> {
        let Reply::Contacts(mut contacts) = self.0.command(Command::Contacts).await? else { return Ok(Vec::new()) };
        let here: BTreeSet<PublicKey> = self.0.peers().snapshot().iter().filter_map(Peer::key).collect();
        contacts.retain(|contact| !here.contains(&contact.key));
        Ok(contacts)
    }

    async fn people_away(self) -> Result<Vec<Person>, Refusal> {
        Ok(self.away().await?.into_iter().map(|contact| Person::Away(Box::new(contact))).collect())
    }

    fn here(self) -> Vec<Person> {
        self.0.peers().snapshot().into_iter().map(Person::Here).collect()
    }

    /// The one that is meant, here or not: who is here goes first. A name that a blocked one shares means the other.
    pub(super) async fn person(self, asked: &str) -> Result<Person, Refusal> {
        if let Some(key) = PublicKey::parse(asked) {
            return self.keyed(key).await?.ok_or_else(|| Refusal::nobody("nobody with that key is known"));
        }
        if let Some(label) = asked.strip_prefix(LABEL) {
            return self.found(asked, find_label(label, self.here()));
        }
        let found = match find(asked, self.here(), |person| !person.is_blocked()) {
            Err(WhoError::Nobody) => find(asked, self.people_away().await?, |person| !person.is_blocked()),
            found => found,
        };
        self.found(asked, found)
    }

    /// The one with this key, here or not.
    pub(super) async fn keyed(self, key: PublicKey) -> Result<Option<Person>, Refusal> {
        if let Some(here) = self.here().into_iter().find(|person| person.key() == Some(key)) {
            return Ok(Some(here));
        }
        Ok(self.people_away().await?.into_iter().find(|person| person.key() == Some(key)))
    }

    /// The one that is meant among all of whom this is true; else as if it were not.
    pub(super) async fn person_that(self, asked: &str, is: impl Fn(&Person) -> bool) -> Result<Person, Refusal> {
        let mut people = self.here();
        people.extend(self.people_away().await?);
        people.retain(is);
        match find(asked, people, |_| false) {
            Err(WhoError::Nobody) => self.person(asked).await,
            found => self.found(asked, found),
        }
    }

    fn found(self, asked: &str, found: Result<Person, WhoError<Person>>) -> Result<Person, Refusal> {
        let shown = Safe::fitted(asked, ASKED);
        match found {
            Ok(person) => Ok(person),
            Err(WhoError::Nobody) => Err(Refusal::nobody(format!("nobody is called {shown}"))),
            Err(WhoError::Ambiguous(people)) => {
                let people = people.iter().map(|person| self.object(person)).collect();
                Err(Refusal::ambiguous(format!("more than one is called {shown}: say which one"), people))
            }
        }
    }

    /// The same one, as it is known now.
    pub(super) async fn again(self, person: &Person) -> Result<Person, Refusal> {
        let fresh = match person {
            Person::Here(peer) => self.0.peers().get(peer.id()).map(Person::Here),
            Person::Away(contact) => {
                let mut away = self.away().await?;
                away.retain(|other| other.key == contact.key);
                away.pop().map(|contact| Person::Away(Box::new(contact)))
            }
        };
        Ok(fresh.unwrap_or_else(|| person.clone()))
    }

    pub(super) fn object(self, person: &Person) -> PeerObject {
        match person {
            Person::Here(peer) => convert::peer(peer, self.0.now(), &self.0.links()),
            Person::Away(contact) => convert::contact(contact, unix_now().as_secs()),
        }
    }
}

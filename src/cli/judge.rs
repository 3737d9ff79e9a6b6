//! What the user asks and says about somebody: PEER, CONTACTS, VERIFY, TRUST, BLOCK, MUTE.

use std::collections::BTreeSet;

use crate::engine::{Command, CommandError, Contact, Peer, Person, Reply, Trust, WhoError, Whom, Word, find};
use crate::wire::{PublicKey, Safe};

use super::line::Question;
use super::names;
use super::session::{Acted, Session};

/// Digits that two people compare.
const DIGITS: usize = 60;

impl Session {
    /// The one peer that is meant, or nobody and a line that says why.
    pub(super) async fn whom(&self, typed: &str) -> Option<Peer> {
        match find(typed, self.handle.peers().snapshot(), |peer| !peer.is_blocked()) {
            Ok(peer) => Some(peer),
            Err(error @ WhoError::Ambiguous(_)) => {
                self.screen.show(self.render.who(typed, &error, &self.names)).await;
                None
            }
            Err(WhoError::Nobody) => {
                let away = find(typed, self.away().await, |_| true);
                let line = match away {
                    Ok(contact) => {
                        let name = names::contact(&contact);
                        self.render.error(&format!("{name} is not here. LIST shows who is, PEER {typed} what is known"))
                    }
                    Err(_) => self.render.who(typed, &WhoError::Nobody, &self.names),
                };
                self.screen.show(line).await;
                None
            }
        }
    }

    /// The one that is meant, here or not: who is here goes first. A name that a blocked one shares means the other.
    pub(super) async fn person(&self, typed: &str) -> Option<Person> {
        let here: Vec<Person> = self.handle.peers().snapshot().into_iter().map(Person::Here).collect();
        let found = match find(typed, here, |person| !person.is_blocked()) {
            Err(WhoError::Nobody) => find(typed, self.people_away().await, |person| !person.is_blocked()),
            found => found,
        };
        self.found(typed, found).await
    }

    /// The one that is meant among all who are blocked, or muted, or whatever is to end; else as if it were not.
    async fn person_that(&self, typed: &str, is: impl Fn(&Person) -> bool) -> Option<Person> {
        let mut people = self.people().await;
        people.retain(is);
        match find(typed, people, |_| false) {
            Err(WhoError::Nobody) => self.person(typed).await,
            found => self.found(typed, found).await,
        }
    }

    /// All who are known, here or not.
    pub(super) async fn people(&self) -> Vec<Person> {
        let mut people: Vec<Person> = self.handle.peers().snapshot().into_iter().map(Person::Here).collect();
        people.extend(self.people_away().await);
        people
    }

    async fn people_away(&self) -> Vec<Person> {
        self.away().await.into_iter().map(|contact| Person::Away(Box::new(contact))).collect()
    }

    async fn found(&self, typed: &str, found: Result<Person, WhoError<Person>>) -> Option<Person> {
        match found {
            Ok(person) => return Some(person),
            Err(WhoError::Nobody) => {
                self.screen.show(self.render.who(typed, &WhoError::Nobody, &self.names)).await;
            }
            Err(WhoError::Ambiguous(people)) => {
                let people = people.iter().map(|person| person.typed(&self.names));
                let who = Safe::fitted(typed, 60);
                let list = super::render::some(people);
                self.error(&format!("{who} can be {list}. Write one of these")).await;
            }
        }
        None
    }

    async fn contacts(&self) -> Vec<Contact> {
        match self.handle.command(Command::Contacts).await {
            Ok(Reply::Contacts(contacts)) => contacts,
            _ => Vec::new(),
        }
    }

    /// Contacts that are not listed.
    async fn away(&self) -> Vec<Contact> {
        let here = self.keys_here();
        self.contacts().await.into_iter().filter(|contact| !here.contains(&contact.key)).collect()
    }

    fn keys_here(&self) -> BTreeSet<PublicKey> {
        self.handle.peers().snapshot().iter().filter_map(Peer::key).collect()
    }

    pub(super) async fn about(&self, who: &str) -> Result<(), CommandError> {
        let Some(person) = self.person(who).await else { return Ok(()) };
        let (contacts, me) = (self.contacts().await, self.me().await?);
        let lines = self.render.about(&person, &contacts, &me, &self.names, self.handle.now());
        self.screen.show_all(lines).await;
        Ok(())
    }

    pub(super) async fn list_contacts(&self) {
        let here = self.keys_here();
        let lines = self.render.contacts(&self.contacts().await, |key| here.contains(key));
        self.screen.show_all(lines).await;
    }

    /// Shows the digits and asks, or compares those that were typed.
    pub(super) async fn verify(&self, who: &str, typed: Option<&str>) -> Result<Acted, CommandError> {
        let Some(person) = self.person(who).await else { return Ok(Acted::Done) };
        let (Some(own), Some(key)) = (self.me().await?.key, person.key()) else {
            self.screen.show(self.render.refused(&CommandError::NoKey, &person, &self.names)).await;
            return Ok(Acted::Done);
        };
        let name = person.full(&self.names);
        if person.trust() == Trust::Verified {
            self.screen.show(self.render.unchanged(&person, Word::Verify, &self.names)).await;
        }
        let digits = own.digits(&key);
        let Some(typed) = typed else {
            self.screen.show_all(self.render.digits(&person, &digits, &self.names)).await;
            let ask = !self.render.pipe && person.trust() != Trust::Verified;
            return Ok(if ask { Acted::Ask(Question::Same { key, name }) } else { Acted::Done });
        };
        let count = typed.bytes().filter(u8::is_ascii_digit).count();
        if count != DIGITS {
            self.error(&format!("That is {count} digits, and there are {DIGITS}: nothing was compared")).await;
        } else if digits.are(typed) {
            self.pin(key, &name).await?;
        } else {
            self.screen.show(self.render.differ(&name)).await;
        }
        Ok(Acted::Done)
    }

    /// Takes the user's answer about the digits. It is about the key that was shown, whoever goes by the name by now.
    pub(super) async fn compared(&self, key: PublicKey, name: &str, same: bool) -> Result<(), CommandError> {
        if same {
            return self.pin(key, name).await;
        }
        self.screen.show(self.render.compared(name, false)).await;
        Ok(())
    }

    async fn pin(&self, key: PublicKey, name: &str) -> Result<(), CommandError> {
        self.handle.command(Command::Judge { whom: Whom::Key(key), word: Word::Verify }).await?;
        self.screen.show(self.render.compared(name, true)).await;
        Ok(())
    }

    pub(super) async fn judge(&self, who: &str, word: Word) {
        let changes = move |person: &Person| match word {
            Word::Verify => person.trust() != Trust::Verified,
            Word::Trust => matches!(person.trust(), Trust::Changed | Trust::Unsigned),
            Word::Block => !person.is_blocked(),
            Word::Unblock => person.is_blocked(),
            Word::Mute => !person.is_muted(),
            Word::Unmute => person.is_muted(),
        };
        let person = match word {
            Word::Unblock => self.person_that(who, Person::is_blocked).await,
            Word::Unmute => self.person_that(who, Person::is_muted).await,
            Word::Verify | Word::Trust | Word::Block | Word::Mute => self.person(who).await,
        };
        let Some(person) = person else { return };
        if !changes(&person) {
            self.screen.show(self.render.unchanged(&person, word, &self.names)).await;
            return;
        }
        let line = match self.handle.command(Command::Judge { whom: person.whom(), word }).await {
            Ok(_) => self.render.judged(&person, word, &self.names),
            Err(error) => self.render.refused(&error, &person, &self.names),
        };
        self.screen.show(line).await;
    }
}

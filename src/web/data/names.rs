//! What those are called who wrote, made or answered something.

use std::collections::BTreeMap;

use crate::engine::{Command, Contact, Peer, Peers, Person, Reply};
use crate::node::Handle;
use crate::wire::PublicKey;

use super::super::{AuthorObject, convert};
use super::own_name;

/// Digits of a fingerprint that stand for a name.
const DIGITS: usize = 8;

/// Names by key.
#[derive(Debug)]
pub(in crate::web) struct Names {
    me: Option<PublicKey>,
    /// What we are called.
    own: String,
    /// None where nobody can be looked up.
    peers: Option<Peers>,
    /// Those who are here, when names were first wanted.
    here: BTreeMap<PublicKey, Peer>,
    /// Those whom we know, here or not.
    contacts: BTreeMap<PublicKey, Contact>,
}

/// Names that are still to be asked for.
#[derive(Debug)]
pub(in crate::web) struct Begun(Handle);

impl Names {
    /// Nobody is called anything.
    #[cfg(test)]
    pub(in crate::web) fn none() -> Self {
        Self { me: None, own: String::new(), peers: None, here: BTreeMap::new(), contacts: BTreeMap::new() }
    }

    pub(in crate::web) fn begin(handle: &Handle) -> Begun {
        Begun(handle.clone())
    }

    /// What is told of somebody.
    pub(in crate::web) fn author(&self, key: &PublicKey) -> AuthorObject {
        self.author_named(key, None)
    }

    /// The same of somebody who says what it is called.
    pub(in crate::web) fn author_named(&self, key: &PublicKey, called: Option<&str>) -> AuthorObject {
        let ours = self.me == Some(*key);
        let all = || self.peers.iter().flat_map(Peers::snapshot);
        let now = || all().find(|peer| peer.key() == Some(*key));
        let person = match self.here.get(key) {
            _ if ours => None,
            Some(peer) => Some(Person::Here(peer.clone())),
            None => now().map(Person::Here).or_else(|| {
                let contact = self.contacts.get(key)?;
                Some(Person::Away(Box::new(contact.clone())))
            }),
        };
        let name = match &person {
            Some(person) => person.name().as_str().to_owned(),
            None if ours => self.own.clone(),
            None => match called {
                Some(called) if !called.trim().is_empty() => convert::fitted(called),
                _ => key.fingerprint().hex().get(..DIGITS).map(|digits| format!("#{digits}")).unwrap_or_default(),
            },
        };
        let trust = person.map(|person| convert::trust(person.trust()));
        AuthorObject { key: key.to_string(), name, who: convert::digits(*key), trust, ours }
    }
}

impl Begun {
    /// Asks the peer. It is not held up after that.
    pub(in crate::web) async fn whole(self) -> Names {
        let Self(handle) = self;
        let own = match handle.command(Command::WhoAmI).await {
            Ok(Reply::Me(me)) => convert::fitted(&own_name(&me)),
            _ => String::new(),
        };
        let contacts = match handle.command(Command::Contacts).await {
            Ok(Reply::Contacts(contacts)) => contacts,
            _ => Vec::new(),
        };
        let peers = handle.peers();
        let here = peers.snapshot().into_iter().filter_map(|peer| Some((peer.key()?, peer))).collect();
        let contacts = contacts.into_iter().map(|contact| (contact.key, contact)).collect();
        Names { me: handle.key(), own, peers: Some(peers), here, contacts }
    }

    /// The same for a stream: names of who is here are looked up each time, as they change.
    pub(in crate::web) async fn lasting(self) -> Names {
        Names { here: BTreeMap::new(), ..self.whole().await }
    }
}

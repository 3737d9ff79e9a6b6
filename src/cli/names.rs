//! What peers are called in a line: no two that are listed can be taken for one another.

use std::collections::{BTreeSet, HashMap};

use crate::engine::{Contact, Event, Me, Peer, PeerId, Peers, Trust, look};
use crate::wire::{Fingerprint, PublicKey, Safe, skeleton};

/// Digits of a fingerprint that stand after a name.
const DIGITS: usize = 4;

/// So many others of one name are looked at, whether they are still there.
const LOOKED_AT: usize = 64;

/// Entries of peers that are gone may be as many as those of peers that are there, and these.
const STALE: usize = 1024;

/// Widest id in a line, columns.
const WIDEST: usize = 60;

/// Who looks like whom. It learns from events, so that a line costs no search among all peers.
#[derive(Debug)]
pub struct Names {
    peers: Peers,
    /// What we are called.
    own: Vec<String>,
    looks: HashMap<String, BTreeSet<Entry>>,
    known: HashMap<PeerId, (String, Entry)>,
}

/// Signed peers stand by their fingerprints.
type Entry = (Option<Fingerprint>, PeerId);

impl Names {
    /// All that are listed.
    #[must_use]
    pub fn of(peers: Peers) -> Self {
        let mut names = Self { peers, own: Vec::new(), looks: HashMap::new(), known: HashMap::new() };
        names.refresh();
        names
    }

    /// Learns everything anew.
    pub fn refresh(&mut self) {
        self.looks.clear();
        self.known.clear();
        for peer in self.peers.snapshot() {
            self.put(&peer);
        }
    }

    /// Takes our own name: who looks like us is marked, too.
    pub fn me(&mut self, me: &Me) {
        let name = me.user_id.rsplit_once('@').map_or(&*me.user_id, |(name, _)| name);
        let names = [Some(name), me.display_name.as_deref()];
        self.own = names.into_iter().flatten().map(look).filter(|own| !own.is_empty()).collect();
    }

    /// What we are called, as it looks.
    pub(super) fn own(&self) -> &[String] {
        &self.own
    }

    /// Takes note of who came, went, or changed its name.
    pub fn learn(&mut self, event: &Event) {
        let Some(peer) = subject(event) else { return };
        match self.peers.get(peer.id()) {
            Some(peer) => self.put(&peer),
            None => self.drop(peer.id()),
        }
        if self.known.len() > self.peers.len() * 2 + STALE {
            self.refresh();
        }
    }

    fn put(&mut self, peer: &Peer) {
        let entry = (peer.key().map(|key| key.fingerprint()), peer.id());
        let look = look(peer.shown_name().as_str());
        if self.known.get(&peer.id()).is_some_and(|(known, at)| (known, at) == (&look, &entry)) {
            return;
        }
        self.drop(peer.id());
        self.looks.entry(look.clone()).or_default().insert(entry);
        self.known.insert(peer.id(), (look, entry));
    }

    fn drop(&mut self, id: PeerId) {
        if let Some((look, entry)) = self.known.remove(&id)
            && let Some(same) = self.looks.get_mut(&look)
        {
            same.remove(&entry);
            if same.is_empty() {
                self.looks.remove(&look);
            }
        }
    }

    /// The name for a person: with the short fingerprint, or the id of one without a key, where the name alone could
    /// mean somebody else.
    #[must_use]
    pub fn label(&self, peer: &Peer) -> String {
        match self.suffix(peer) {
            Suffix::None => peer.shown_name().as_str().to_owned(),
            Suffix::Digits(digits) => format!("{}#{digits}", peer.shown_name()),
            Suffix::Id => format!("{} ({})", peer.shown_name(), id(peer)),
        }
    }

    /// The name where the id stands elsewhere.
    #[must_use]
    pub fn short(&self, peer: &Peer) -> String {
        match self.suffix(peer) {
            Suffix::None | Suffix::Id => peer.shown_name().as_str().to_owned(),
            Suffix::Digits(digits) => format!("{}#{digits}", peer.shown_name()),
        }
    }

    /// The name in front of what is said, with a word where anybody can claim the name.
    #[must_use]
    pub fn speaker(&self, peer: &Peer) -> String {
        match (peer.key(), self.suffix(peer)) {
            (None, Suffix::Id) => format!("{} ({}, unverified)", peer.shown_name(), id(peer)),
            (None, _) => format!("{} (unverified)", peer.shown_name()),
            (Some(_), _) => self.label(peer),
        }
    }

    /// The name that leaves no doubt, in any company.
    #[must_use]
    pub fn full(&self, peer: &Peer) -> String {
        let name = peer.shown_name();
        match peer.key() {
            Some(key) => format!("{name}#{}", self.digits(&look(name.as_str()), key)),
            None => format!("{name} ({})", id(peer)),
        }
    }

    /// What can be typed so that it means this peer and nobody else.
    #[must_use]
    pub fn typed(&self, peer: &Peer) -> String {
        match peer.key() {
            Some(key) => typed(&self.full(peer), key),
            None if peer.shown_id().as_str() == peer.raw_id() && is_word(peer.raw_id()) => peer.raw_id().to_owned(),
            None => peer.address().to_string(),
        }
    }

    fn suffix(&self, peer: &Peer) -> Suffix {
        let name = peer.shown_name();
        let look = look(name.as_str());
        let marked = peer.trust() == Trust::Changed || is_odd(name.as_str()) || self.own.contains(&look);
        if !marked && !self.is_shared(peer, &look) {
            return Suffix::None;
        }
        match peer.key() {
            Some(key) => Suffix::Digits(self.digits(&look, key)),
            None => Suffix::Id,
        }
    }

    fn is_shared(&self, peer: &Peer, look: &str) -> bool {
        let Some(same) = self.looks.get(look) else { return false };
        let mut others = same.iter().filter(|(_, id)| *id != peer.id());
        let there = |id: PeerId| self.peers.get(id).is_some_and(|other| !other.is_blocked());
        others.by_ref().take(LOOKED_AT).any(|(_, id)| there(*id)) || others.next().is_some()
    }

    /// As many digits as tell this key from those of all who look the same.
    fn digits(&self, look: &str, key: PublicKey) -> String {
        let own = key.fingerprint();
        let mut hex = own.hex();
        let mut enough = DIGITS;
        if let Some(same) = self.looks.get(look) {
            let entry = |id| (Some(own), id);
            let before = same.range(..entry(PeerId::FIRST)).next_back();
            let after = same.range(entry(PeerId::LAST)..).find(|(other, _)| *other != Some(own));
            for other in [before, after].into_iter().flatten().filter_map(|(other, _)| *other) {
                let alike = hex.bytes().zip(other.hex().bytes()).take_while(|(one, other)| one == other).count();
                enough = enough.max(alike + 1);
            }
        }
        hex.truncate(enough);
        hex
    }
}

/// What stands after a name.
enum Suffix {
    None,
    Digits(String),
    Id,
}

fn id(peer: &Peer) -> Safe {
    Safe::fitted(peer.shown_id().as_str(), WIDEST)
}

/// A contact's name with its short fingerprint.
#[must_use]
pub fn contact(contact: &Contact) -> String {
    format!("{}#{}", contact.safe_name(), contact.key.fingerprint().short())
}

/// What can be typed so that it means this contact.
#[must_use]
pub fn contact_typed(contact: &Contact) -> String {
    typed(&format!("{}#{}", contact.safe_name(), &contact.key.fingerprint().hex()[..8]), contact.key)
}

/// A name with its fingerprint, as one word or in quotes.
fn typed(full: &str, key: PublicKey) -> String {
    if full.contains('"') {
        return format!("#{}", &key.fingerprint().hex()[..12]);
    }
    if is_word(full) { full.to_owned() } else { format!("\"{full}\"") }
}

fn is_word(text: &str) -> bool {
    !text.contains(|c: char| c.is_whitespace() || c == '"')
}

/// True for a name that could pass for what stands around names in a line.
fn is_odd(name: &str) -> bool {
    let signs = ['#', ':', '(', ')', '"', ',', '@', '>'];
    if name.is_ascii() {
        return name.contains(signs) || name.to_ascii_lowercase().contains("to you");
    }
    let seen = skeleton(name);
    name.contains(signs) || seen.contains(signs) || seen.contains(&skeleton("to you"))
}

/// Whom an event is about.
pub(super) fn subject(event: &Event) -> Option<&Peer> {
    match event {
        Event::Here(peer)
        | Event::Left(peer)
        | Event::Gone(peer)
        | Event::Quiet(peer)
        | Event::Back(peer)
        | Event::Profile(peer)
        | Event::AvatarFailed(peer)
        | Event::Followed(peer)
        | Event::Unfollowed(peer)
        | Event::Post { from: peer, .. }
        | Event::Dm { from: peer, .. }
        | Event::KeyChanged { peer, .. }
        | Event::Marked { to: peer, .. }
        | Event::PeerList { from: peer, .. }
        | Event::Avatar { peer, .. }
        | Event::FollowAnswered { by: peer, .. }
        | Event::Answered { peer, .. } => Some(peer),
        Event::Said { to, .. } => to.as_ref(),
        Event::Judged(_) | Event::CaughtUp { .. } | Event::Renamed { .. } | Event::CutOff | Event::Traced { .. } => {
            None
        }
    }
}

#[cfg(test)]
mod tests;

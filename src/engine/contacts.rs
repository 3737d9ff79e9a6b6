//! Whom we know by key, who took over whose name, and what the user says about it (protocol.md §9.8, §9.9).

use std::net::Ipv4Addr;

use super::authors::Author;
use super::peer::{Tier, Trust};
use super::waiting::Hold;
use super::{
    CommandError, Contact, Engine, Event, Failure, Instant, Output, Peer, PeerId, Presence, Record, Reply, Whom, Word,
};
use crate::wire::PublicKey;

impl Contact {
    /// What a row says about this contact.
    pub(super) fn trust(&self) -> Trust {
        match (self.changed, self.verified) {
            (true, _) => Trust::Changed,
            (false, true) => Trust::Verified,
            (false, false) => Trust::Known,
        }
    }

    fn of(peer: &Peer, key: PublicKey, author: &Author, ip: Ipv4Addr, unix: u64) -> Self {
        Self {
            key,
            name: peer.raw_name().to_owned(),
            display_name: peer.raw_display_name().map(str::to_owned),
            verified: peer.trust == Trust::Verified,
            changed: peer.trust == Trust::Changed,
            blocked: peer.blocked,
            muted: peer.muted,
            sid: author.sid,
            seq: author.window.greatest(),
            ceiling: author.ceiling,
            prekey: peer.prekey,
            first: unix,
            last: unix,
            ip,
        }
    }
}

impl Peer {
    /// The name in its label, and its display name.
    fn names(&self) -> [Option<&str>; 2] {
        [Some(self.raw_name()), self.raw_display_name().filter(|name| !name.trim().is_empty())]
    }
}

impl Engine {
    /// Somebody signed answered us at this address for the first time in this run, or this start of it did: it is kept,
    /// and people are told if its key is new and its name is not.
    pub(super) fn know(&mut self, id: PeerId, ip: Ipv4Addr, now: Instant) {
        let Some(peer) = self.peers.get(id) else { return };
        let Some(key) = peer.key else { return };
        let unix = self.unix(now);
        if self.authors.contact(&key).is_none() {
            self.check_name(id);
            let Some(peer) = self.peers.get(id) else { return };
            match self.authors.make_place(&self.config.limits) {
                Ok(None) => {}
                Ok(Some(victim)) => {
                    self.authors.forget(&victim);
                    self.outputs.push_back(Output::Store(Record::Forgotten(victim)));
                }
                Err(()) => return,
            }
            let contact = self.authors.get(&key).map(|author| Contact::of(&peer, key, author, ip, unix));
            self.keep_contact(contact);
        } else {
            self.change_contact(&key, |contact| (contact.last, contact.ip) = (unix, ip));
        }
    }

    fn keep_contact(&mut self, contact: Option<Contact>) {
        let Some(contact) = contact else { return };
        self.authors.keep(contact.clone());
        self.outputs.push_back(Output::Store(Record::Contact(Box::new(contact))));
    }

    /// Changes what is kept of somebody, and keeps it when that made a difference.
    pub(super) fn change_contact(&mut self, key: &PublicKey, change: impl FnOnce(&mut Contact)) {
        let Some(author) = self.authors.get(key) else { return };
        let Some(before) = author.contact.as_deref() else { return };
        let mut contact = before.clone();
        change(&mut contact);
        let differs = contact != *before;
        (contact.sid, contact.seq, contact.ceiling) = (author.sid, author.window.greatest(), author.ceiling);
        if differs {
            self.keep_contact(Some(contact));
        }
    }

    /// Takes over what a known peer is called now.
    pub(super) fn rename_contact(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get(id) else { return };
        let Some(key) = peer.key.filter(|key| self.authors.contact(key).is_some()) else { return };
        if self.authors.contact(&key).is_some_and(|contact| contact.names() != peer.names()) {
            self.check_name(id);
        }
        let changed = self.peers.read(id, |peer| peer.trust == Trust::Changed).unwrap_or(false);
        self.change_contact(&key, |contact| {
            contact.name = peer.raw_name().to_owned();
            contact.display_name = peer.raw_display_name().map(str::to_owned);
            contact.prekey = peer.prekey;
            contact.changed = changed;
        });
    }

    /// Looks whether somebody else had the name of this peer: then people are told, and DMs to it wait.
    ///
    /// A verified contact's name is its own. Otherwise two who are here at the same time, at different addresses, are
    /// namesakes; but who comes when the other is gone may pass for it.
    fn check_name(&mut self, id: PeerId) {
        let Some(peer) = self.peers.get(id) else { return };
        if matches!(peer.trust, Trust::Verified | Trust::Changed) {
            return;
        }
        let known = peer.key.is_some_and(|key| self.authors.contact(&key).is_some());
        let own_ips: Vec<Ipv4Addr> = peer.paths.iter().map(|path| *path.address.ip()).collect();
        let mut before: Option<&Contact> = None;
        let (mut verified, mut namesake) = (false, false);
        for author in self.authors.called(peer.names()) {
            let Some(contact) = author.contact.as_deref().filter(|contact| Some(contact.key) != peer.key) else {
                continue;
            };
            let elsewhere = |other: &Peer| {
                other.presence != Presence::Heard && !other.paths.iter().any(|path| own_ips.contains(path.address.ip()))
            };
            namesake |= author.row.is_some_and(|row| self.peers.read(row, elsewhere).unwrap_or(false));
            if before.is_none_or(|best| (contact.verified, contact.last) > (best.verified, best.last)) {
                before = Some(contact);
            }
            verified |= contact.verified;
        }
        let Some(before) = before.cloned() else { return };
        if !verified && (namesake || known) {
            return;
        }
        self.peers.update(id, |peer| peer.trust = Trust::Changed);
        if let Some(peer) = self.peers.get(id) {
            self.event(Event::KeyChanged { peer, before: Box::new(before) });
        }
    }

    /// What is known of a key that is heard: its trust, and whether it is blocked and muted.
    pub(super) fn standing_of(&self, key: &PublicKey) -> (Trust, bool, bool) {
        self.authors.contact(key).map_or((Trust::Known, false, false), |c| (c.trust(), c.blocked, c.muted))
    }

    /// Takes the user's word.
    pub(super) fn judge(&mut self, whom: Whom, word: Word, now: Instant) -> Result<Reply, CommandError> {
        let (row, key) = match whom {
            Whom::Peer(id) => (Some(id), self.peers.read(id, |peer| peer.key).ok_or(CommandError::UnknownPeer)?),
            Whom::Key(key) => {
                let author = self.authors.get(&key).ok_or(CommandError::UnknownPeer)?;
                (author.row, Some(key))
            }
        };
        let Some(key) = key else { return self.judge_unsigned(row, word) };
        if self.authors.contact(&key).is_none()
            && let Some(id) = row
        {
            // The user's word is kept, whether the peer answered or not.
            let ip = self.peers.read(id, |peer| *peer.address().ip());
            let contact = self.peers.get(id).zip(self.authors.get(&key)).zip(ip);
            let contact = contact.map(|((peer, author), ip)| Contact::of(&peer, key, author, ip, self.unix(now)));
            self.keep_contact(contact);
        }
        self.change_contact(&key, |contact| match word {
            Word::Verify => (contact.verified, contact.changed) = (true, false),
            Word::Trust => contact.changed = false,
            Word::Block => contact.blocked = true,
            Word::Unblock => contact.blocked = false,
            Word::Mute => contact.muted = true,
            Word::Unmute => contact.muted = false,
        });
        if let Some(id) = row {
            let (trust, blocked, muted) = self.standing_of(&key);
            self.peers.update(id, |peer| (peer.trust, peer.blocked, peer.muted) = (trust, blocked, muted));
            self.go_on_waiting(id, now);
        }
        match word {
            Word::Block => self.give_up_on(&key, Failure::Blocked, now),
            Word::Verify | Word::Trust | Word::Unblock | Word::Mute | Word::Unmute => self.deliver_anew(&key, now),
        }
        if let Some(peer) = self.person(&key, now) {
            self.event(Event::Judged(peer));
        }
        Ok(Reply::Done)
    }

    fn judge_unsigned(&mut self, row: Option<PeerId>, word: Word) -> Result<Reply, CommandError> {
        let id = row.ok_or(CommandError::UnknownPeer)?;
        match word {
            Word::Verify => return Err(CommandError::NoKey),
            Word::Trust => drop(self.excused.insert(id)),
            Word::Block | Word::Unblock => drop(self.peers.update(id, |peer| peer.blocked = word == Word::Block)),
            Word::Mute | Word::Unmute => drop(self.peers.update(id, |peer| peer.muted = word == Word::Mute)),
        }
        if let Some(peer) = self.peers.get(id) {
            self.event(Event::Judged(peer));
        }
        Ok(Reply::Done)
    }

    /// Why a DM to this peer may not go, or what it has to wait for.
    pub(super) fn hindrance(&self, peer: &Peer) -> Result<Option<Hold>, CommandError> {
        if peer.blocked {
            return Err(CommandError::Blocked);
        }
        if peer.key.is_none() {
            if self.config.private_only {
                return Err(CommandError::PrivateOnly);
            }
            if self.authors.called(peer.names()).next().is_some() && !self.excused.contains(&peer.id) {
                return Err(CommandError::Downgrade { name: peer.shown_name() });
            }
            return Ok(None);
        }
        Ok(if peer.trust == Trust::Changed {
            Some(Hold::Word)
        } else if peer.prekey.is_none() || !peer.best_path().proven {
            Some(Hold::Answer)
        } else {
            None
        })
    }

    /// Counts one more peer with a proven path; the youngest of the IP with the most makes place if there are too many.
    pub(super) fn settle(&mut self, id: PeerId) {
        self.peers.update(id, |peer| peer.tier = Tier::Proven);
        while let Some(victim) = self.peers.too_settled(&self.config.limits, &self.links) {
            let Some(peer) = self.forget(victim) else { return };
            self.counters.evicted += 1;
            self.event(Event::Gone(peer));
        }
    }
}

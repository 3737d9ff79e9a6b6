//! Everybody known by key: the row, the window of its SEQ, and what is kept of it (protocol.md §9.3, §9.8).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::wire::{PublicKey, Sid, skeleton};

use super::budget::Bucket;
use super::hash::{Key, Table};
use super::window::Window;
use super::{Contact, Instant, Limits, PeerId};

/// A jump of SEQ beyond this is believed only of somebody who answers.
const JUMP_MAX: u64 = 1 << 32;

/// What the first datagram of a start overtook comes within this time.
const OVERTAKEN: Duration = Duration::from_secs(2);

/// One key.
#[derive(Debug)]
pub(super) struct Author {
    pub(super) sid: Sid,
    pub(super) window: Window,
    /// The first SEQ of this start that was heard, and when: what it overtook comes at once, or is sent by somebody else.
    pub(super) first: (u64, Instant),
    /// The greatest SEQ of any start.
    pub(super) ceiling: u64,
    /// This start of it answered where we asked it, in this run of ours: what it signs is no replay of older times.
    pub(super) fresh: bool,
    /// When its newest datagram came in.
    pub(super) newest: Instant,
    pub(super) row: Option<PeerId>,
    /// What is kept of it; nothing before it answered once.
    pub(super) contact: Option<Box<Contact>>,
}

/// What SEQ and SID say about a signed datagram, before its signature is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody knows this key.
    First,
    /// The next, or one of the last that did not come yet.
    New,
    /// The first of another start.
    Restart,
    /// The newest once more.
    Again,
    /// Seen, or older than what is known.
    Old,
    /// Older than what is known, but of another start: it may be a copy of an old disk that runs again.
    Doubtful,
}

/// The table.
#[derive(Debug)]
pub(super) struct Authors {
    by_key: Table<PublicKey, Author>,
    /// Contacts by what they are called.
    names: BTreeMap<String, BTreeSet<PublicKey>>,
    contacts: usize,
    /// Signatures that are checked: of known keys elsewhere than where they answered, and of unknown keys.
    known_checks: Bucket,
    unknown_checks: Bucket,
}

impl Author {
    pub(super) fn new(sid: Sid, seq: u64, row: PeerId, now: Instant) -> Self {
        Self {
            sid,
            window: Window::from(seq),
            first: (seq, now),
            ceiling: seq,
            fresh: false,
            newest: now,
            row: Some(row),
            contact: None,
        }
    }

    /// Where a datagram of this key stands. `answers`: it holds the answer to an ASK of ours.
    fn standing(&self, sid: Sid, seq: u64, answers: bool, now: Instant) -> Standing {
        let greatest = self.window.greatest();
        let far = seq.saturating_sub(self.ceiling) > JUMP_MAX;
        let late = seq < self.first.0 && now.since(self.first.1) > OVERTAKEN;
        if self.sid == sid && (late || !self.window.is_new(seq)) {
            return if seq == greatest { Standing::Again } else { Standing::Old };
        }
        // A start that goes on where another ended has greater numbers; a copy of an old disk has not, and answers.
        let follows = (self.sid == sid || seq > self.ceiling) && !far;
        match (follows || answers, self.sid == sid) {
            (true, true) => Standing::New,
            (true, false) => Standing::Restart,
            (false, _) => Standing::Doubtful,
        }
    }
}

/// All that a contact goes by, as it looks.
fn names_of(contact: &Contact) -> BTreeSet<String> {
    contact.names().into_iter().flatten().map(skeleton).collect()
}

impl Authors {
    pub(super) fn new(contacts: Vec<Contact>, key: Key, limits: &Limits, now: Instant) -> Self {
        let mut authors = Self {
            by_key: Table::with_hasher(key),
            names: BTreeMap::new(),
            contacts: 0,
            known_checks: Bucket::full(limits.known_checks, now),
            unknown_checks: Bucket::full(limits.unknown_checks, now),
        };
        for contact in contacts.into_iter().take(limits.contacts) {
            let key = contact.key;
            let author = Author {
                sid: contact.sid,
                window: Window::after(contact.seq),
                first: (0, now),
                ceiling: contact.ceiling,
                fresh: false,
                newest: now,
                row: None,
                contact: None,
            };
            authors.by_key.insert(key, author);
            authors.keep(contact);
        }
        authors
    }

    pub(super) fn get(&self, key: &PublicKey) -> Option<&Author> {
        self.by_key.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &PublicKey) -> Option<&mut Author> {
        self.by_key.get_mut(key)
    }

    pub(super) fn contact(&self, key: &PublicKey) -> Option<&Contact> {
        self.by_key.get(key)?.contact.as_deref()
    }

    pub(super) fn standing(&self, key: &PublicKey, sid: Sid, seq: u64, answers: bool, now: Instant) -> Standing {
        self.by_key.get(key).map_or(Standing::First, |author| author.standing(sid, seq, answers, now))
    }

    /// True when there is time to check one more signature of such a key.
    pub(super) fn may_check(&mut self, known: bool, limits: &Limits, now: Instant) -> bool {
        if known {
            self.known_checks.take(limits.known_checks, now)
        } else {
            self.unknown_checks.take(limits.unknown_checks, now)
        }
    }

    pub(super) fn meet(&mut self, key: PublicKey, author: Author) {
        self.by_key.insert(key, author);
    }

    /// The row is gone; a key that never answered is forgotten with it.
    pub(super) fn leave(&mut self, key: &PublicKey) {
        let Some(author) = self.by_key.get_mut(key) else { return };
        author.row = None;
        author.fresh = false;
        if author.contact.is_none() {
            self.by_key.remove(key);
        }
    }

    /// Takes what is to be kept of somebody, under all that it is called now.
    pub(super) fn keep(&mut self, contact: Contact) {
        let key = contact.key;
        let Some(author) = self.by_key.get_mut(&key) else { return };
        let names = names_of(&contact);
        match author.contact.replace(Box::new(contact)) {
            Some(before) => names_of(&before).iter().for_each(|name| self.unname(name, &key)),
            None => self.contacts += 1,
        }
        for name in names {
            self.names.entry(name).or_default().insert(key);
        }
    }

    fn unname(&mut self, name: &str, key: &PublicKey) {
        if let Some(keys) = self.names.get_mut(name) {
            keys.remove(key);
            if keys.is_empty() {
                self.names.remove(name);
            }
        }
    }

    /// Who goes by one of these names, or by one that looks so: the name of a label, or a display name.
    pub(super) fn called(&self, names: [Option<&str>; 2]) -> impl Iterator<Item = &Author> {
        let found = names.into_iter().flatten().filter_map(|name| self.names.get(&skeleton(name)));
        let keys: BTreeSet<&PublicKey> = found.flatten().collect();
        keys.into_iter().filter_map(|key| self.by_key.get(key))
    }

    /// How many contacts there are.
    pub(super) fn known(&self) -> usize {
        self.contacts
    }

    /// All contacts, by key.
    pub(super) fn contacts(&self) -> Vec<Contact> {
        let keys: BTreeSet<&PublicKey> = self.names.values().flatten().collect();
        keys.into_iter().filter_map(|key| self.contact(key)).cloned().collect()
    }

    /// Who makes place for one more contact, if the table is full: of those about whom the user said nothing and who
    /// are not here, the youngest of the IP that most came from. `Err` when nobody may go.
    pub(super) fn make_place(&self, limits: &Limits) -> Result<Option<PublicKey>, ()> {
        if self.contacts < limits.contacts {
            return Ok(None);
        }
        let mut groups: BTreeMap<Ipv4Addr, (usize, u64, PublicKey)> = BTreeMap::new();
        for key in self.names.values().flatten().collect::<BTreeSet<_>>() {
            let Some(author) = self.by_key.get(key).filter(|author| author.row.is_none()) else { continue };
            let Some(contact) = author.contact.as_deref().filter(|contact| !contact.is_judged()) else { continue };
            let group = groups.entry(contact.ip).or_insert((0, 0, *key));
            group.0 += 1;
            if (contact.first, *key) >= (group.1, group.2) {
                (group.1, group.2) = (contact.first, *key);
            }
        }
        groups.into_values().max().map(|(.., key)| Some(key)).ok_or(())
    }

    /// Forgets somebody who is not here.
    pub(super) fn forget(&mut self, key: &PublicKey) {
        if let Some(contact) = self.by_key.remove(key).and_then(|author| author.contact) {
            self.contacts -= 1;
            names_of(&contact).iter().for_each(|name| self.unname(name, key));
        }
    }
}

//! What a peer of ours keeps over a restart, as its shell keeps it in files.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::crypto::KeyPair;
use crate::engine::{
    Commit, Contact, Crypto, Instant, Kept, Keyring, LEASE, Outcome, OwnPrekey, Posted, Record, Secret, Ticket,
};
use crate::wire::PublicKey;

use super::space::Shelf;
use super::{FakeCrypto, History, Signing};

/// Long after the end of every run.
const NEVER: Instant = Instant::from_nanos(u64::MAX);

/// The profile of one peer of ours. A copy of it is a backup.
#[derive(Debug, Clone)]
pub struct Disk {
    signing: Signing,
    identity: [u8; 32],
    /// Numbers of SEQ below this one may have been used.
    leased: u64,
    prekeys: Vec<OwnPrekey>,
    posted: Posted,
    contacts: BTreeMap<PublicKey, Contact>,
    key: Option<PublicKey>,
    pub(super) history: History,
    pub(super) state: DiskState,
    pub(super) shelf: Shelf,
}

/// What a disk does with history. All else is kept as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiskState {
    /// It is kept after this time, in its order. What was not kept yet is lost in a kill.
    Writes(Duration),
    /// Nothing more is kept, and that is told.
    Full,
    /// Nothing is heard of it any more: it comes to the disk when that writes again, if the program runs still.
    Stuck,
}

impl Disk {
    /// An empty profile with the identity that these bytes make.
    pub(super) fn new(signing: Signing, identity: [u8; 32]) -> Self {
        let mut disk = Self {
            signing,
            identity,
            leased: 0,
            prekeys: Vec::new(),
            posted: Posted::default(),
            contacts: BTreeMap::new(),
            key: None,
            history: History::default(),
            state: DiskState::Writes(Duration::ZERO),
            shelf: Shelf::default(),
        };
        disk.key = disk.crypto().map(|crypto| crypto.public_key());
        disk
    }

    fn crypto(&self) -> Option<Box<dyn Crypto>> {
        match self.signing {
            Signing::Unsigned => None,
            Signing::Hashed => Some(Box::new(FakeCrypto::new(u64::from_le_bytes(first(self.identity))))),
            Signing::Real => Some(Box::new(KeyPair::new(&Secret(self.identity)))),
        }
    }

    /// The identity; none of a peer that signs nothing.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        self.key
    }

    /// The history.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Numbers of SEQ below this one may have been used.
    #[must_use]
    pub fn leased(&self) -> u64 {
        self.leased
    }

    /// The prekeys, the newest last.
    #[must_use]
    pub fn prekeys(&self) -> &[OwnPrekey] {
        &self.prekeys
    }

    /// Where the posts are.
    #[must_use]
    pub fn posted(&self) -> Posted {
        self.posted
    }

    /// Whom the peer knows by key.
    #[must_use]
    pub fn contacts(&self) -> &BTreeMap<PublicKey, Contact> {
        &self.contacts
    }

    /// What the shell does with a record before it goes on.
    pub(super) fn keep(&mut self, record: &Record) {
        match record {
            Record::Path { .. } => {}
            Record::Lease(until) => self.leased = *until,
            Record::Prekeys(prekeys) => self.prekeys.clone_from(prekeys),
            Record::Posted(posted) => self.posted = *posted,
            Record::Contact(contact) => {
                self.contacts.insert(contact.key, (**contact).clone());
            }
            Record::Forgotten(key) => {
                self.contacts.remove(key);
            }
            Record::Heard { key, sid, seq } => {
                if let Some(contact) = self.contacts.get_mut(key) {
                    contact.heard(*sid, *seq);
                }
            }
        }
    }

    /// Takes what is to be kept as history; when to look for what became of it.
    ///
    /// # Errors
    /// The entry, if it is one, is not kept.
    pub(super) fn commit(
        &mut self,
        commit: Commit,
        cap: usize,
        now: Instant,
    ) -> Result<Option<Instant>, Option<Ticket>> {
        if self.state == DiskState::Full || self.history.coming() >= cap {
            return Err(if let Commit::Entry(ticket, _) = commit { Some(ticket) } else { None });
        }
        let due = self.due(now);
        self.history.take(commit, due.unwrap_or(NEVER));
        Ok(due)
    }

    /// When it keeps what it gets now, if it does.
    fn due(&self, now: Instant) -> Option<Instant> {
        match self.state {
            DiskState::Writes(time) => Some(now + time),
            DiskState::Full | DiskState::Stuck => None,
        }
    }

    /// It does something else from now on, with what is on its way too; when to look for what became of that.
    pub(super) fn turn(&mut self, state: DiskState, now: Instant) -> Option<Instant> {
        self.state = state;
        let due = self.due(now);
        self.history.postpone(due.unwrap_or(NEVER));
        due
    }

    /// Writes what is due; what became of the entries.
    pub(super) fn write(&mut self, now: Instant) -> Vec<(Ticket, Outcome)> {
        if self.state == DiskState::Full { self.history.fail() } else { self.history.write(now) }
    }

    /// The program ends as it should: what it took is written, if it can be.
    pub(super) fn finish(&mut self) {
        if matches!(self.state, DiskState::Writes(_)) {
            self.history.write(NEVER);
        }
    }

    /// What the shell gives to an engine that starts; new numbers are reserved before. `unix` is its clock.
    pub(super) fn open(&mut self, group: Option<&Secret>, unix: Duration) -> Option<Keyring> {
        let crypto = self.crypto()?;
        let start = self.leased;
        self.leased += LEASE;
        let kept = Kept {
            leased: start..self.leased,
            prekeys: self.prekeys.clone(),
            posted: self.posted,
            contacts: self.contacts.values().cloned().collect(),
            archive: self.history.archive(unix.as_secs()),
        };
        Some(Keyring { crypto, group: group.cloned(), kept })
    }
}

fn first(bytes: [u8; 32]) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[..8]);
    out
}

//! What a peer of ours keeps over a restart, as its shell keeps it in files.

use std::collections::BTreeMap;

use crate::crypto::KeyPair;
use crate::engine::{Archive, Contact, Crypto, Kept, Keyring, LEASE, OwnPrekey, Posted, Record, Secret};
use crate::wire::PublicKey;

use super::{FakeCrypto, Signing};

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
}

impl Disk {
    /// An empty profile with the identity that these bytes make.
    pub(super) fn new(signing: Signing, identity: [u8; 32]) -> Self {
        Self { signing, identity, leased: 0, prekeys: Vec::new(), posted: Posted::default(), contacts: BTreeMap::new() }
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
        self.crypto().map(|crypto| crypto.public_key())
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

    /// What the shell gives to an engine that starts; new numbers are reserved before.
    pub(super) fn open(&mut self, group: Option<&Secret>) -> Option<Keyring> {
        let crypto = self.crypto()?;
        let start = self.leased;
        self.leased += LEASE;
        let kept = Kept {
            leased: start..self.leased,
            prekeys: self.prekeys.clone(),
            posted: self.posted,
            contacts: self.contacts.values().cloned().collect(),
            archive: Archive::default(),
        };
        Some(Keyring { crypto, group: group.cloned(), kept })
    }
}

fn first(bytes: [u8; 32]) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[..8]);
    out
}

//! Who is here and speaks of data.

use std::collections::BTreeMap;

use std::sync::Arc;

use crate::engine::{Peer, Trust};
use crate::wire::{PublicKey, Sid};

/// Those who are here, have answered, and take DATA (protocol.md §11.1).
#[derive(Debug)]
pub struct People {
    /// Ourselves.
    pub me: PublicKey,
    /// All that we hear is of the same group.
    pub grouped: bool,
    here: BTreeMap<PublicKey, Here>,
}

/// Somebody who is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// What it is called, as it travels.
    pub name: Arc<str>,
    /// The user compared its digits.
    pub verified: bool,
    /// Which start of it.
    pub sid: Option<Sid>,
}

impl People {
    pub(super) fn new(me: PublicKey, grouped: bool) -> Self {
        Self { me, grouped, here: BTreeMap::new() }
    }

    /// Takes note of somebody; true when it was not here, or another start of it was.
    pub(super) fn note(&mut self, key: PublicKey, peer: &Peer) -> bool {
        let name = peer.raw_display_name().unwrap_or_else(|| peer.raw_name()).into();
        let here = Here { name, verified: peer.trust() == Trust::Verified, sid: peer.sid() };
        let sid = here.sid;
        self.here.insert(key, here).is_none_or(|before| before.sid != sid)
    }

    /// Somebody is here no longer; false when it was not here.
    pub(super) fn forget(&mut self, key: &PublicKey) -> bool {
        self.here.remove(key).is_some()
    }

    /// Somebody who is here.
    #[must_use]
    pub fn get(&self, key: &PublicKey) -> Option<&Here> {
        self.here.get(key)
    }

    /// True for who is here.
    #[must_use]
    pub fn is_here(&self, key: &PublicKey) -> bool {
        self.here.contains_key(key)
    }

    /// All who are here, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&PublicKey, &Here)> {
        self.here.iter()
    }

    /// How many are here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.here.len()
    }

    /// True when nobody is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.here.is_empty()
    }

    /// True for ourselves, who is verified, and everybody in the same group: who may fill our cache (protocol.md §11.4).
    #[must_use]
    pub fn trusts(&self, key: &PublicKey) -> bool {
        *key == self.me || self.grouped || self.here.get(key).is_some_and(|here| here.verified)
    }
}

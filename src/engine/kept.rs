//! What the shell keeps for the engine over a restart, and gives back at the next start (protocol.md §9.3).

use std::net::Ipv4Addr;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::wire::{PieceHash, Prekey, PublicKey, Safe, Sid};

use super::{Archive, Crypto, Secret};

/// Numbers of SEQ that the shell reserves on the disk at a time.
pub const LEASE: u64 = 65_536;

/// What makes a peer a signed one.
#[derive(Debug)]
pub struct Keyring {
    /// Our identity and all that is done with it.
    pub crypto: Box<dyn Crypto>,
    /// The key of the closed group that we are in: nobody else is heard or spoken to (protocol.md §9.10).
    pub group: Option<Secret>,
    /// What earlier runs left.
    pub kept: Kept,
}

/// What earlier runs left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Numbers for SEQ that no earlier run has used: their end is on the disk already.
    pub leased: Range<u64>,
    /// Our prekeys, the newest last.
    pub prekeys: Vec<OwnPrekey>,
    /// Where our posts are.
    pub posted: Posted,
    /// Whom we know by key.
    pub contacts: Vec<Contact>,
    /// What the history holds that is not done with.
    pub archive: Archive,
}

/// A prekey of ours (protocol.md §9.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnPrekey {
    /// Its number and public half.
    pub public: Prekey,
    /// The secret half.
    pub secret: Secret,
    /// When it was made, Unix seconds by our clock.
    pub made: u64,
}

/// Where our posts are: what the next one goes on from (protocol.md §9.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Posted {
    /// How many there are.
    pub number: u64,
    /// The content id of the last.
    pub last: Option<PieceHash>,
    /// The LAMPORT of the last.
    pub lamport: u64,
}

/// Somebody known by key: it answered us, in this run or an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Who it is.
    pub key: PublicKey,
    /// The name in its label, as it was last announced.
    pub name: String,
    /// What it last wanted to be called.
    pub display_name: Option<String>,
    /// The user compared the digits.
    pub verified: bool,
    /// It came under a name that another key had, and the user has not said yet whether that is right.
    pub changed: bool,
    /// The user wants nothing of it.
    pub blocked: bool,
    /// The user does not want to see its posts.
    pub muted: bool,
    /// Its last start.
    pub sid: Sid,
    /// The greatest SEQ of that start that counted.
    pub seq: u64,
    /// The greatest SEQ of any start that counted.
    pub ceiling: u64,
    /// What letters to it are sealed to.
    pub prekey: Option<Prekey>,
    /// When it first answered, Unix seconds by our clock.
    pub first: u64,
    /// When it last answered, Unix seconds by our clock.
    pub last: u64,
    /// Where it last answered.
    pub ip: Ipv4Addr,
}

impl Contact {
    /// What it is called: its display name, else the name in its label. Not for showing: see [`Safe`].
    #[must_use]
    pub fn shown_name(&self) -> &str {
        self.display_name.as_deref().filter(|name| !name.trim().is_empty()).unwrap_or(&self.name)
    }

    /// What it is called on a screen; at most 32 columns.
    #[must_use]
    pub fn safe_name(&self) -> Safe {
        let name = Safe::called(self.display_name.as_deref().unwrap_or_default(), 32);
        if name.as_str().trim().is_empty() { Safe::called(&self.name, 32) } else { name }
    }

    /// Takes note of a [`Record::Heard`](super::Record): what was signed up to there counts no more.
    pub fn heard(&mut self, sid: Sid, seq: u64) {
        self.seq = if self.sid == sid { self.seq.max(seq) } else { seq };
        self.sid = sid;
        self.ceiling = self.ceiling.max(seq);
    }

    /// The name in its label, and its display name.
    pub(super) fn names(&self) -> [Option<&str>; 2] {
        [Some(&*self.name), self.display_name.as_deref().filter(|name| !name.trim().is_empty())]
    }

    /// True when the user said something about it, or has to.
    #[must_use]
    pub fn is_judged(&self) -> bool {
        self.verified || self.changed || self.blocked || self.muted
    }
}

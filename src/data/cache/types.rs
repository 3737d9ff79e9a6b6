//! What goes in and out of the cache.

use std::fmt;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use crate::data::Job;
use crate::wire::PublicKey;

/// Largest value, bytes (protocol.md §11.4).
pub const VALUE_MAX: usize = 1 << 20;

/// Largest value that travels without a stream, bytes (protocol.md §11.4).
pub const SMALL_MAX: usize = 60 << 10;

/// BLAKE3 of a value, whole. Written as 64 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueHash(pub [u8; 32]);

/// What a value is found by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Keeps projects apart: `owner/repo`, at most 128 bytes; may be empty.
    pub namespace: String,
    /// 1 to 512 bytes.
    pub name: String,
}

/// What a user or a program wants of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Puts a value in, for everybody who trusts us.
    Put {
        /// Under which key.
        key: Key,
        /// At most [`VALUE_MAX`] bytes.
        value: Arc<[u8]>,
        /// For how long: 1 second to 7 days.
        ttl: Duration,
    },
    /// Looks for a value here and at those who are trusted. [`Error::Miss`](crate::data::Error) when nobody has it.
    Get {
        /// Under which key.
        key: Key,
    },
    /// The same, and when nobody has it, somebody is to make it: [`Reply::Make`] tells that it is for us to do so, after
    /// which [`Command::Put`] or [`Command::GiveUp`] follows. While somebody else makes it, this waits for that.
    GetOrMake {
        /// Under which key.
        key: Key,
    },
    /// We did not make what we were to make: somebody else may.
    GiveUp {
        /// Under which key.
        key: Key,
    },
    /// We still make it: to be said every 3 seconds; after 10 without a word somebody else may.
    StillMaking {
        /// Under which key.
        key: Key,
    },
    /// Drops what is here. Others keep theirs.
    Forget(Which),
    /// Tells what was counted.
    Stats,
}

/// Some of what is in the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// All of it.
    All,
    /// All of this namespace.
    Namespace(String),
    /// What is under this key.
    Key(Key),
}

/// What a command about the cache did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The value is in.
    Put {
        /// What it is named by.
        hash: ValueHash,
    },
    /// The value.
    Found(Found),
    /// Nobody has it and nobody makes it: make it.
    Make,
    /// So many entries were dropped.
    Forgotten(usize),
    /// What was counted.
    Stats(Stats),
}

/// A value that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The value: it has this hash.
    pub value: Arc<[u8]>,
    /// What it is named by.
    pub hash: ValueHash,
    /// Where it was.
    pub place: Place,
    /// For how long it is still good.
    pub ttl: Duration,
    /// Who put it in.
    pub by: PublicKey,
}

/// Where a value was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Here.
    Here,
    /// At this peer.
    Peer(PublicKey),
}

/// What was counted since the start, and what is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Found here.
    pub hits: u64,
    /// Found at somebody else.
    pub peer_hits: u64,
    /// Found nowhere.
    pub misses: u64,
    /// Values that others fetched from us. One that fits into the answer is not fetched.
    pub served: u64,
    /// Values, offers and questions that were refused: of somebody who is not trusted.
    pub untrusted: u64,
    /// Values that were not what they were said to be.
    pub broken: u64,
    /// Dropped to make place.
    pub evicted: u64,
    /// Too old.
    pub expired: u64,
    /// Values that somebody has and that cannot come here: both sides must be built with streams for what is larger than
    /// [`SMALL_MAX`] bytes.
    pub too_large: u64,
    /// Entries that are in.
    pub entries: usize,
    /// The most that may be in.
    pub entries_max: usize,
    /// Bytes that are in.
    pub bytes: u64,
    /// The most that may be in.
    pub bytes_max: u64,
}

/// What happened with the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A value is in that was not: ours, or one that we fetched.
    In {
        /// Under which key.
        key: Key,
        /// Its size, bytes.
        size: u64,
        /// Who put it in.
        by: PublicKey,
    },
    /// Somebody has a value that cannot come here: it is larger than [`SMALL_MAX`] bytes, and this peer or that one was
    /// built without streams.
    TooLarge {
        /// Under which key.
        key: Key,
        /// Its size, bytes.
        size: u64,
        /// Who has it.
        at: PublicKey,
    },
}

/// What is to be done with values, outside of the data space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Write a value to the disk; [`Worked::Written`] follows.
    Write {
        /// Names the work.
        job: Job,
        /// Its name.
        hash: ValueHash,
        /// The value.
        value: Arc<[u8]>,
    },
    /// Read a value from the disk, and check it; [`Worked::Read`] follows.
    Read {
        /// Names the work.
        job: Job,
        /// Its name.
        hash: ValueHash,
    },
    /// Fetch a value from somebody by a stream, and check it; [`Worked::Fetched`] follows.
    Fetch {
        /// Names the work.
        job: Job,
        /// From whom: the stream is with this key or with nobody.
        from: PublicKey,
        /// Where.
        address: SocketAddrV4,
        /// Its name.
        hash: ValueHash,
        /// Its size, bytes.
        size: u32,
    },
    /// Drop a value from the disk.
    Drop {
        /// Its name.
        hash: ValueHash,
    },
    /// Drop all values from the disk but these: once, after the start.
    Only {
        /// What is in the cache, by name.
        hashes: Vec<ValueHash>,
    },
    /// From now on these may fetch values from us by streams.
    Serve {
        /// All of them, by key.
        to: Vec<PublicKey>,
    },
}

/// What became of a [`Work`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Worked {
    /// The value is on the disk, or cannot be.
    Written(Job, bool),
    /// The value; none when it is not there, or is not what it is named by. Then it is gone.
    Read(Job, Option<Arc<[u8]>>),
    /// The value; none when it did not come, with true when what came was not what it is named by.
    Fetched(Job, Result<Arc<[u8]>, bool>),
    /// Somebody fetched a value from us by a stream.
    Served,
}

impl ValueHash {
    /// The name of a value.
    #[must_use]
    pub fn of(value: &[u8]) -> Self {
        Self(*blake3::hash(value).as_bytes())
    }

    /// Reads 64 lower-case hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
        bytes.try_into().map(Self).ok()
    }
}

impl fmt::Display for ValueHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

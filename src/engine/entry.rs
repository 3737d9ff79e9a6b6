//! What the engine wants kept as history, what it gets back at the next start, and the marks of messages
//! (protocol.md §10).

use std::fmt;
use std::net::SocketAddrV4;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::wire::{OwnMessageId, PieceHash, PublicKey};

use super::{Instant, Peer, Trust};

/// Something to be kept, in the order in which it comes (protocol.md §10.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commit {
    /// A line of history. [`Engine::handle_committed`](super::Engine::handle_committed) is to be called with this number
    /// as soon as it is on the disk, or cannot be.
    Entry(Ticket, Box<Entry>),
    /// What became of a DM of ours. Nobody waits for it.
    Mark(OwnMessageId, Mark),
    /// A datagram that we carry for others. Nobody waits for it.
    Carry(Box<Carried>),
    /// It is delivered, or too old: the content id.
    Delivered(PieceHash),
}

/// Names an [`Entry`] on its way to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What became of an [`Entry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is on the disk, in this row.
    Stored(RowId),
    /// It was there already, or the user had it forgotten: (author, message id) is the same.
    Again,
    /// It is not kept: the disk is full, broken or too slow, or there is no history.
    Failed,
}

/// A row of the history: greater ones came later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RowId(pub i64);

/// Who wrote something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Author {
    /// Whoever has this key, ourselves included.
    Key(PublicKey),
    /// Somebody without a key, by its label: anybody can say to be this one.
    Label(Arc<str>),
}

/// One line of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Who wrote it.
    pub author: Author,
    /// Its MESSAGE_ID. With the author, it names the message for ever.
    pub message_id: String,
    /// What it is.
    pub kind: Kind,
    /// We wrote it.
    pub ours: bool,
    /// The other end: the author of what came in; of a DM of ours, its reader. None of a POST or PROFILE of ours.
    pub with: Option<Correspondent>,
    /// The text; of a profile change, what the peer is called now, and its status after a line break.
    pub text: String,
    /// When, Unix seconds by the author's clock: a label.
    pub stamp: u64,
    /// When, Unix seconds by our clock.
    pub at: u64,
    /// Orders posts, and what came between them: after (lamport, author, content id), the rows of one history are the same
    /// at everybody (protocol.md §9.4).
    pub lamport: u64,
    /// The place of a signed post.
    pub post: Option<Box<PostRecord>>,
    /// What became of a DM of ours so far.
    pub mark: Option<Mark>,
}

/// What an [`Entry`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Text for everyone.
    Post,
    /// Text for one.
    Dm {
        /// Nobody else could read it.
        private: bool,
    },
    /// A peer is called something else, or has another status.
    Profile,
}

/// The other end of a line of history, as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correspondent {
    /// Its key, if it has one.
    pub key: Option<PublicKey>,
    /// Its label, `name@ip`, as it travels.
    pub user_id: Arc<str>,
    /// What it was called, as it travels.
    pub name: String,
    /// What was known of who it is.
    pub trust: Trust,
    /// Where it was, if it was there.
    pub address: Option<SocketAddrV4>,
}

/// A signed post as it is passed on (protocol.md §10.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostRecord {
    /// Its author.
    pub author: PublicKey,
    /// Its number among the posts of its author.
    pub number: u64,
    /// Its content id.
    pub id: PieceHash,
    /// The LAMPORT that is believed of it.
    pub lamport: u64,
    /// The datagram, exactly as it was signed.
    pub raw: Arc<[u8]>,
    /// Its text, when that is not in the datagram.
    pub long: Option<Arc<str>>,
    /// Since when somebody has known it, Unix seconds by our clock.
    pub since: u64,
}

/// A datagram that we keep for somebody who is not here (protocol.md §10.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Whom it is for.
    pub to: PublicKey,
    /// Who signed it.
    pub author: PublicKey,
    /// Its content id.
    pub id: PieceHash,
    /// The MESSAGE_ID that it has or acknowledges.
    pub message_id: String,
    /// The datagram, exactly as it was signed.
    pub raw: Arc<[u8]>,
    /// Since when somebody has known it, Unix seconds by our clock.
    pub since: u64,
}

/// A DM of ours that is not known to be on its reader's disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The message.
    pub id: OwnMessageId,
    /// Whom it is for.
    pub to: PublicKey,
    /// The text.
    pub text: Arc<str>,
    /// When it was written, Unix seconds by our clock.
    pub at: u64,
    /// What became of it so far.
    pub mark: Mark,
}

/// What earlier runs left of messages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Archive {
    /// DMs of ours that are not delivered, the oldest first.
    pub outbox: Vec<Outgoing>,
    /// The newest posts, as far as they are passed on ([`Limits::posts`](super::Limits)), in their order.
    pub posts: Vec<PostRecord>,
    /// The numbers of all posts that we had, what the user had forgotten included: none is fetched again.
    pub known: Vec<(PublicKey, Vec<RangeInclusive<u64>>)>,
    /// What we carry for others, the oldest first.
    pub carried: Vec<Carried>,
    /// The greatest LAMPORT of any line.
    pub lamport: u64,
}

/// What became of a DM of ours (protocol.md §10.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// Its reader is not here, or does not answer: it is sent when it is heard again.
    Waiting,
    /// It is on its way.
    Sent,
    /// An older client says that it has it.
    Acknowledged,
    /// The reader's program has it, not its disk.
    Received,
    /// It is on the reader's disk.
    Stored,
    /// It was not delivered, and will not be.
    Failed(Failure),
}

/// Why a DM of ours will not be delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Failure {
    /// Its reader was not here for 7 days.
    Expired,
    /// The user blocked its reader.
    Blocked,
    /// The reader's key is no good key.
    BadKey,
    /// The user gave it up.
    Dropped,
}

impl Mark {
    /// True when nothing more becomes of it but, of one that is received, that it is stored.
    #[must_use]
    pub fn is_delivered(self) -> bool {
        matches!(self, Self::Acknowledged | Self::Received | Self::Stored)
    }

    /// True when it is neither delivered nor failed.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Waiting | Self::Sent)
    }

    /// The word for people and programs: `waiting`, `sent`, `acknowledged`, `received`, `stored`, `failed`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Acknowledged => "acknowledged",
            Self::Received => "received",
            Self::Stored => "stored",
            Self::Failed(_) => "failed",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "not here for 7 days",
            Self::Blocked => "blocked",
            Self::BadKey => "its key is no good key",
            Self::Dropped => "given up",
        })
    }
}

/// What is known of a text besides its words.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// Its MESSAGE_ID, as it travels; empty where an older client names none.
    pub message_id: String,
    /// Its row in the history; none when it is not kept.
    pub row: Option<RowId>,
    /// When, Unix seconds by its author's clock: a label.
    pub stamp: u64,
    /// Somebody else passed it on, some time after it was written (protocol.md §10.4, §10.5).
    pub late: bool,
}

impl Correspondent {
    pub(super) fn of(peer: &Peer) -> Self {
        Self {
            key: peer.key(),
            user_id: Arc::clone(&peer.user_id),
            name: peer.raw_display_name().unwrap_or_else(|| peer.raw_name()).to_owned(),
            trust: peer.trust(),
            address: peer.is_here().then(|| peer.address()),
        }
    }
}

/// Counts the tickets, and remembers what each is for until its outcome is known.
#[derive(Debug)]
pub(super) struct Tickets<T> {
    next: u64,
    open: std::collections::BTreeMap<Ticket, (T, Instant)>,
}

impl<T> Default for Tickets<T> {
    fn default() -> Self {
        Self { next: 0, open: std::collections::BTreeMap::new() }
    }
}

impl<T> Tickets<T> {
    pub(super) fn issue(&mut self, what: T, now: Instant) -> Ticket {
        self.next += 1;
        self.open.insert(Ticket(self.next), (what, now));
        Ticket(self.next)
    }

    pub(super) fn close(&mut self, ticket: Ticket) -> Option<(T, Instant)> {
        self.open.remove(&ticket)
    }

    /// The oldest first.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (&mut T, Instant)> {
        self.open.values_mut().map(|(what, since)| (what, *since))
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }
}

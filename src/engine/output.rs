//! What comes out of the engine.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{AvatarKind, OwnMessageId, PublicKey, Sid, Untrusted};

use super::{Commit, Contact, Data, Instant, Mark, OwnPrekey, Peer, Posted, Told};

/// What should happen now. [`Engine::poll`](super::Engine::poll) yields them until [`Output::Wait`].
#[derive(Debug, Clone)]
#[must_use]
pub enum Output {
    /// Send these bytes from the unicast socket to each of these addresses.
    Transmit(Transmit),
    /// Tell people and programs.
    Event(Event),
    /// Keep this; it may not be lost.
    Store(Record),
    /// Keep this as history. Comes only with [`Config::history`](super::Config::history).
    Commit(Commit),
    /// For the data space. Comes only with [`Config::data`](super::Config::data).
    Data(Data),
    /// Open the sockets anew and look at the interfaces again: we may have become deaf.
    Reopen,
    /// Nothing more until then; call [`Engine::handle_timeout`](super::Engine::handle_timeout) at that moment.
    Wait(Instant),
}

/// One payload for one or many addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transmit {
    /// Where to; never empty.
    pub to: Arc<[SocketAddrV4]>,
    /// The datagram.
    pub payload: Arc<[u8]>,
}

/// What the shell keeps for the next start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A peer answered at this address: worth a try at the next start.
    Path {
        /// The peer's id, a label.
        user_id: Arc<str>,
        /// Where it answered.
        address: SocketAddrV4,
    },
    /// Numbers for SEQ up to this one (not included) are ours. To be on the disk before anything more is sent.
    Lease(u64),
    /// These are our prekeys; no others are kept.
    Prekeys(Vec<OwnPrekey>),
    /// Our posts are so far. To be on the disk before anything more is sent.
    Posted(Posted),
    /// Somebody known by key, new or changed.
    Contact(Box<Contact>),
    /// Somebody known by key made place for others.
    Forgotten(PublicKey),
    /// Something with this SEQ counted. To survive the end of the program, so that a replay later counts for nothing.
    Heard {
        /// Who signed it.
        key: PublicKey,
        /// In which start.
        sid: Sid,
        /// Its number.
        seq: u64,
    },
}

/// What happened, for people and programs. A slow subscriber may miss some.
#[derive(Debug, Clone)]
pub enum Event {
    /// A peer is here that was not.
    Here(Peer),
    /// A peer said goodbye.
    Left(Peer),
    /// A peer was unheard for too long and is off the list.
    Gone(Peer),
    /// A peer is unheard, and asked whether it is still there.
    Quiet(Peer),
    /// A quiet peer is heard again.
    Back(Peer),
    /// Text for everyone.
    Post {
        /// From whom.
        from: Peer,
        /// The text.
        text: Untrusted,
        /// Which message it is.
        told: Told,
    },
    /// Text for us.
    Dm {
        /// From whom.
        from: Peer,
        /// The text.
        text: Untrusted,
        /// Nobody else could read it.
        private: bool,
        /// Which message it is.
        told: Told,
    },
    /// What we said, once it is in the history or will not be.
    Said {
        /// Whom it is for; none of a post.
        to: Option<Peer>,
        /// The text.
        text: Arc<str>,
        /// Which message it is.
        told: Told,
    },
    /// A peer has a key that nobody had, and a name that somebody else had (protocol.md §9.8). DMs to it wait for the
    /// user's word.
    KeyChanged {
        /// The peer with the new key.
        peer: Peer,
        /// Who had the name before.
        before: Box<Contact>,
    },
    /// Something became of a DM of ours (protocol.md §10.2).
    Marked {
        /// The message.
        id: OwnMessageId,
        /// Whom it is for.
        to: Peer,
        /// What became of it.
        mark: Mark,
        /// The text.
        text: Arc<str>,
    },
    /// Posts that were written while we were not here have come, and were told, in their order.
    CaughtUp {
        /// How many.
        posts: usize,
    },
    /// A peer changed its display name, status or avatar.
    Profile(Peer),
    /// The user said something about somebody, here or not: the word is taken, and this is how it stands now.
    Judged(Peer),
    /// A peer told whom it knows.
    PeerList {
        /// Who told.
        from: Peer,
        /// The ids, hints only.
        ids: Vec<Untrusted>,
    },
    /// A peer's avatar is here.
    Avatar {
        /// Whose.
        peer: Peer,
        /// What it is.
        kind: AvatarKind,
        /// The picture.
        bytes: Arc<[u8]>,
    },
    /// A peer's avatar could not be pulled.
    AvatarFailed(Peer),
    /// A peer follows us.
    Followed(Peer),
    /// A peer follows us no longer.
    Unfollowed(Peer),
    /// A peer answered our FOLLOW or UNFOLLOW.
    FollowAnswered {
        /// Who.
        by: Peer,
        /// Whether it took effect.
        accepted: bool,
        /// Whether it was an UNFOLLOW.
        unfollow: bool,
    },
    /// A peer answered [`Command::Probe`](super::Command).
    Answered {
        /// Who.
        peer: Peer,
        /// How long the way there and back took.
        round_trip: Duration,
    },
    /// Our id changed with our address.
    Renamed {
        /// The new id.
        user_id: Arc<str>,
    },
    /// More than half of all peers went quiet at once: more likely we are cut off.
    CutOff,
    /// A datagram went out or came in, under [`Command::Trace`](super::Command).
    Traced {
        /// True for one of ours.
        out: bool,
        /// The other end; for one to many, the first.
        address: SocketAddrV4,
        /// How many addresses it went to.
        count: usize,
        /// Its TYPE.
        kind: Untrusted,
        /// Its size, bytes.
        bytes: usize,
        /// Why it was dropped, if it was.
        dropped: Option<&'static str>,
    },
}

impl Event {
    /// True for what somebody does whom the user blocked.
    pub(super) fn of_blocked(&self) -> bool {
        match self {
            Self::Here(peer)
            | Self::Left(peer)
            | Self::Gone(peer)
            | Self::Quiet(peer)
            | Self::Back(peer)
            | Self::Post { from: peer, .. }
            | Self::Dm { from: peer, .. }
            | Self::KeyChanged { peer, .. }
            | Self::Profile(peer)
            | Self::PeerList { from: peer, .. }
            | Self::Followed(peer)
            | Self::Unfollowed(peer)
            | Self::FollowAnswered { by: peer, .. } => peer.is_blocked(),
            // Also that somebody is blocked is told.
            Self::Judged(_)
            | Self::Said { .. }
            | Self::Marked { .. }
            | Self::CaughtUp { .. }
            | Self::Avatar { .. }
            | Self::AvatarFailed(_)
            | Self::Answered { .. }
            | Self::Renamed { .. }
            | Self::CutOff
            | Self::Traced { .. } => false,
        }
    }
}

//! What goes into the engine besides datagrams and time, and what comes back at once.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{AvatarLabel, OwnMessageId, PublicKey, Safe};

use super::{Contact, Counters, Instant, Peer, PeerId};

/// What a user or a program wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Sends text to every known peer.
    Post {
        /// The text; line breaks are fine.
        text: String,
    },
    /// Sends text to one peer.
    Dm {
        /// Whom: a peer, or somebody known by key, here or not.
        to: Whom,
        /// The text; line breaks are fine.
        text: String,
    },
    /// Changes what we are called, and tells everyone.
    Profile {
        /// 1 to 32 characters that may be shown; none to go by the name in the id.
        display_name: Option<String>,
        /// At most 140 characters that may be shown.
        status: Option<String>,
    },
    /// Changes our avatar and tells everyone: PNG or JPEG of at most 20,480 bytes, or none.
    Avatar(Option<Vec<u8>>),
    /// Pulls a peer's avatar; [`Event::Avatar`](super::Event) or [`Event::AvatarFailed`](super::Event) follows.
    FetchAvatar(PeerId),
    /// Asks a peer whom it knows; [`Event::PeerList`](super::Event) follows if it answers.
    AskPeers(PeerId),
    /// Follows a peer, as some older clients want it.
    Follow(PeerId),
    /// Stops following a peer.
    Unfollow(PeerId),
    /// Tests the way to a peer and back; [`Event::Answered`](super::Event) follows if it answers.
    Probe(PeerId),
    /// Announces us now, and asks everyone to answer.
    Announce,
    /// Tries an address at which a peer may be; a lasting one is tried again at every beat.
    Reach {
        /// The address.
        to: SocketAddrV4,
        /// Whether the user named it.
        lasting: bool,
    },
    /// Our unicast socket is at another port now: announces us anew.
    Moved {
        /// The new port.
        port: u16,
    },
    /// Starts or stops [`Event::Traced`](super::Event) for every datagram.
    Trace(bool),
    /// Takes the user's word about somebody; nothing is sent, but what waited for that word.
    Judge {
        /// About whom.
        whom: Whom,
        /// What.
        word: Word,
    },
    /// Passes on none of these posts any more, and gives up what waits for this one: the user had it forgotten.
    Forget {
        /// Posts, by author and POST_NO.
        posts: Vec<(PublicKey, u64)>,
        /// For whom nothing waits any more.
        with: Option<PublicKey>,
    },
    /// Tells whom we know by key, here or not.
    Contacts,
    /// Tells who we are.
    WhoAmI,
    /// Tells what was counted.
    Stats,
    /// Tells how full the tables are.
    Tables,
    /// Says goodbye to the peers that understand it; nothing is sent after.
    Leave,
}

/// Whom a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// A peer that is listed.
    Peer(PeerId),
    /// Whoever has this key, here or not.
    Key(PublicKey),
}

/// What the user says about somebody (protocol.md §9.8, §9.9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// The digits are the same: this key is this person's.
    Verify,
    /// The new key is right; or, of somebody without a key, that it may be written to all the same.
    Trust,
    /// Nothing of it is shown, and nothing sent to it.
    Block,
    /// Ends [`Word::Block`].
    Unblock,
    /// Its posts are not shown.
    Mute,
    /// Ends [`Word::Mute`].
    Unmute,
}

/// What a command did.
#[derive(Debug, Clone)]
pub enum Reply {
    /// It is done, or on its way.
    Done,
    /// A POST left for these peers.
    Posted {
        /// The message.
        id: OwnMessageId,
        /// Those it was sent to, by id; may be empty.
        to: Vec<Peer>,
        /// Those it was not sent to: it is longer than what their programs can take.
        without: Vec<Peer>,
    },
    /// A DM left for this peer.
    Sent {
        /// The message.
        id: OwnMessageId,
        /// Whom it was sent to.
        to: Peer,
        /// Nobody else can read it.
        private: bool,
    },
    /// A DM waits; [`Event::Marked`](super::Event) follows.
    Waiting {
        /// The message.
        id: OwnMessageId,
        /// Whom it is for.
        to: Peer,
        /// For what.
        until: Until,
    },
    /// Whom we know by key, by name.
    Contacts(Vec<Contact>),
    /// Who we are.
    Me(Me),
    /// What was counted.
    Stats(Box<Counters>),
    /// How full the tables are.
    Tables(Vec<Fill>),
}

/// How full a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// What is in it.
    pub what: &'static str,
    /// How much.
    pub size: usize,
    /// The most that may be in it.
    pub cap: usize,
}

/// What a DM waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    /// The peer answers at its address: a moment, if it is there.
    Answer,
    /// The user says whether the new key is right.
    Word,
    /// The peer is heard again: up to 7 days.
    Away,
}

/// Who we are, for people.
#[derive(Debug, Clone)]
pub struct Me {
    /// Our id.
    pub user_id: Arc<str>,
    /// Our identity; none of one that only looks around.
    pub key: Option<PublicKey>,
    /// What we want to be called, if not by the name in the id.
    pub display_name: Option<Arc<str>>,
    /// A line about us.
    pub status: Option<Arc<str>>,
    /// Whether all that we say is sealed with the secret of a group.
    pub grouped: bool,
    /// The port of our unicast socket.
    pub port: u16,
    /// Our live links; `name` and address of each, loopback included.
    pub links: Vec<super::Link>,
    /// Whether the shared discovery socket is open.
    pub discovery_open: bool,
    /// When we last announced ourselves.
    pub announced: Option<Instant>,
    /// Size of our avatar, bytes.
    pub avatar: Option<usize>,
    /// What others pull it by.
    pub picture: Option<AvatarLabel>,
    /// The avatar itself.
    pub image: Option<Arc<[u8]>>,
}

/// Why a command was refused; nothing was sent and nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The peer left meanwhile.
    #[error("that peer is no longer here")]
    UnknownPeer,
    /// The text does not fit into one message.
    #[error("the text takes {bytes} bytes, one message holds {max}: shorten it, or send it in parts")]
    TextTooLong {
        /// Bytes that it takes on the wire.
        bytes: usize,
        /// Bytes that fit.
        max: usize,
    },
    /// There is no text.
    #[error("there is no text to send")]
    NoText,
    /// A display name that cannot travel.
    #[error("not a display name: {0}")]
    DisplayName(crate::wire::NameError),
    /// A status that cannot travel.
    #[error("a status may have at most 140 characters and no control characters")]
    Status,
    /// Name, display name and status together do not fit into one announcement.
    #[error("display name and status together are too long for one announcement: shorten one of them")]
    ProfileTooLong,
    /// An avatar that cannot travel.
    #[error("an avatar is a PNG or JPEG picture of at most 20,480 bytes")]
    Avatar,
    /// The peer has no avatar, or its program cannot send one.
    #[error("that peer has no avatar")]
    NoAvatar,
    /// Enough avatars are on their way already.
    #[error("other avatars are being fetched: try again in a moment")]
    Busy,
    /// Others would lose messages sent faster than this.
    #[error("too fast for others: wait {} ms and try again", .retry_after.as_millis())]
    TooFast {
        /// How long to wait.
        retry_after: Duration,
    },
    /// An address where no peer can be.
    #[error("no peer can be at that address")]
    BadAddress,
    /// Only private messages are wanted, and the peer has no key.
    #[error("not sent: that peer has no key, so everyone could read it, and only private messages are wanted")]
    PrivateOnly,
    /// The peer has no key, and somebody of its name had one.
    #[error("not sent: {name} had a key before, and the one that is here has none: it may be somebody else")]
    Downgrade {
        /// The name.
        name: Safe,
    },
    /// The peer is blocked.
    #[error("that peer is blocked")]
    Blocked,
    /// The peer has no key, so there is nothing to verify or to keep.
    #[error("that peer has no key")]
    NoKey,
    /// Too many messages wait for this peer.
    #[error("too many messages wait for that peer already")]
    TooManyWaiting,
    /// We said goodbye already.
    #[error("this peer has left")]
    Left,
}

//! Bytes to messages and back: the line format, the values, one message a file (protocol.md §2 to §4).
//!
//! Decoding borrows from the datagram and allocates nothing; any bytes at all are fine, and give a [`Datagram`] or a
//! [`DecodeError`].

mod ack;
mod body;
mod carry;
mod chain;
mod chunk;
mod data;
mod discovery;
mod dm;
mod envelope;
mod error;
mod escape;
mod extension;
mod field;
mod follow;
mod group_frame;
mod key;
mod link;
mod long;
mod peer_list;
mod ping;
mod post;
mod profile;
mod revoke;
mod safe;
mod skeleton;
mod sync;
mod text;

pub use ack::Ack;
pub use body::{SealedAck, SealedBody, SealedData, SealedLong};
pub use carry::{CARRY_MAX, Carry};
pub use chain::{Chain, LongText, SEEN_MAX};
pub use chunk::{CHUNK_MAX, Chunk, ChunkRequest};
pub use data::{Data, DataBody};
pub use discovery::Discovery;
pub use dm::{Dm, DmBody, Place, Sealed};
pub use envelope::{ENVELOPE_MAX, Envelope, SIGNED_DOMAIN, seal};
pub use error::DecodeError;
pub use escape::{escaped, unescaped};
pub use extension::Extension;
pub use field::{Caps, MessageId, Name, NameError, Nonce, Octets, OwnMessageId, PieceHash, Scope, Sid, Token, UserId};
pub use follow::{Follow, FollowResponse};
pub use group_frame::GroupFrame;
pub use key::{Digits, Fingerprint, Prekey, PublicKey, Signature};
pub use link::{LinkError, LinkTo, PeerLink};
pub use long::{Assembly, DATA_MAX, LONG_MAX, Pieces, Taken, list_levels};
pub use peer_list::{PeerListRequest, PeerListResponse};
pub use ping::Ping;
pub use post::Post;
pub use profile::{AvatarData, AvatarKind, AvatarLabel, Profile};
pub use revoke::Revoke;
pub use safe::{Safe, SafeLines, Untrusted};
pub use skeleton::skeleton;
pub use sync::{Numbers, RANGES_MAX, SYNC_MAX, Sync, Synced};
pub use text::{Lines, MAX_DATAGRAM, MAX_LINES, Style, Writer, is_clean, splits};

/// The highest version of the protocol that this program speaks (protocol.md §3.4).
pub const VERSION: u8 = 1;

/// The UDP port that everyone listens on for announcements.
pub const DISCOVERY_PORT: u16 = 50999;

/// Largest datagram that we originate, bytes (protocol.md §2.5).
pub const OWN_DATAGRAM_MAX: usize = 1200;

/// One datagram, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// What it says.
    pub message: Message<'a>,
    /// The keys that any TYPE may carry.
    pub extension: Extension,
    /// How its lines are written.
    pub style: Style,
}

/// What a datagram says, by its TYPE (protocol.md §4).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// `PEER_DISCOVERY`: here I am.
    Discovery(Discovery<'a>),
    /// `PING`: here I am, of other clients of the family.
    Ping(Ping<'a>),
    /// `POST`: text for everyone.
    Post(Post<'a>),
    /// `DM`: text for one.
    Dm(Dm<'a>),
    /// `PROFILE`: what I am called.
    Profile(Profile<'a>),
    /// `PEER_LIST_REQUEST`: whom do you know?
    PeerListRequest(PeerListRequest<'a>),
    /// `PEER_LIST_RESPONSE`: whom I know.
    PeerListResponse(PeerListResponse<'a>),
    /// `FOLLOW`.
    Follow(Follow<'a>),
    /// `UNFOLLOW`.
    Unfollow(Follow<'a>),
    /// `FOLLOW_RESPONSE`.
    FollowResponse(FollowResponse<'a>),
    /// `UNFOLLOW_RESPONSE`.
    UnfollowResponse(FollowResponse<'a>),
    /// `REVOKE` without a TOKEN: an older client ends.
    Revoke(Revoke<'a>),
    /// `CHUNK_REQUEST`: send me this piece.
    ChunkRequest(ChunkRequest<'a>),
    /// `CHUNK`: a piece of bulk data.
    Chunk(Chunk<'a>),
    /// `ACK`: a DM reached its reader.
    Ack(Ack<'a>),
    /// `SYNC`: which posts somebody has, or wants.
    Sync(Sync<'a>),
    /// `DATA`: something of a data space.
    Data(Data<'a>),
    /// A TYPE that we know of or not, and do nothing with.
    Other(&'a str),
}

impl Message<'_> {
    /// The TYPE, for people and counters.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Discovery(_) => "PEER_DISCOVERY",
            Self::Ping(_) => "PING",
            Self::Post(_) => "POST",
            Self::Dm(_) => "DM",
            Self::Profile(_) => "PROFILE",
            Self::PeerListRequest(_) => "PEER_LIST_REQUEST",
            Self::PeerListResponse(_) => "PEER_LIST_RESPONSE",
            Self::Follow(_) => "FOLLOW",
            Self::Unfollow(_) => "UNFOLLOW",
            Self::FollowResponse(_) => "FOLLOW_RESPONSE",
            Self::UnfollowResponse(_) => "UNFOLLOW_RESPONSE",
            Self::Revoke(_) => "REVOKE",
            Self::ChunkRequest(_) => "CHUNK_REQUEST",
            Self::Chunk(_) => "CHUNK",
            Self::Ack(_) => "ACK",
            Self::Sync(_) => "SYNC",
            Self::Data(_) => "DATA",
            Self::Other(kind) => kind,
        }
    }
}

/// Reads one datagram.
///
/// # Errors
/// A [`DecodeError`] with the reason; of such a datagram nothing may be used.
#[inline]
pub fn decode(bytes: &[u8]) -> Result<Datagram<'_>, DecodeError> {
    let (kind, mut lines) = Lines::of(bytes)?;
    let style = lines.style();
    let mut extension = Extension::default();
    let (lines, ext) = (&mut lines, &mut extension);
    if kind == "POST" {
        let post = Post::decode(lines, ext)?;
        extension.signed |= !lines.rest().is_empty() && is_signed_later(lines.rest());
        return Ok(Datagram { message: Message::Post(post), extension, style });
    }
    let message = match kind {
        "PEER_DISCOVERY" => Message::Discovery(Discovery::decode(lines, ext)?),
        "DM" if bytes.starts_with(DmBody::FRAME) => {
            return Dm::frame(bytes).map(|dm| Datagram { message: Message::Dm(dm), extension, style });
        }
        "DM" => Message::Dm(Dm::decode(lines, ext)?),
        "PROFILE" => Message::Profile(Profile::decode(lines, ext)?),
        "PING" => Message::Ping(Ping::decode(lines, ext)?),
        "PEER_LIST_REQUEST" => Message::PeerListRequest(PeerListRequest::decode(lines, ext)?),
        "PEER_LIST_RESPONSE" => Message::PeerListResponse(PeerListResponse::decode(lines, ext)?),
        "FOLLOW" => Message::Follow(Follow::decode(lines, ext)?),
        "UNFOLLOW" => Message::Unfollow(Follow::decode(lines, ext)?),
        "FOLLOW_RESPONSE" => Message::FollowResponse(FollowResponse::decode(lines, ext)?),
        "UNFOLLOW_RESPONSE" => Message::UnfollowResponse(FollowResponse::decode(lines, ext)?),
        "REVOKE" => Revoke::decode(lines, ext)?.map_or(Message::Other("REVOKE"), Message::Revoke),
        "CHUNK_REQUEST" => Message::ChunkRequest(ChunkRequest::decode(lines, ext)?),
        "CHUNK" => Message::Chunk(Chunk::decode(lines, ext)?),
        "ACK" => Message::Ack(Ack::decode(lines, ext)?),
        "SYNC" => Message::Sync(Sync::decode(lines, ext)?),
        "DATA" => Message::Data(Data::decode(lines, ext)?),
        other => {
            while let Some((key, value)) = lines.next_line()? {
                ext.take(key, value);
            }
            Message::Other(other)
        }
    };
    extension.signed |= !lines.rest().is_empty() && is_signed_later(lines.rest());
    Ok(Datagram { message, extension, style })
}

/// True when PK, SEQ or SIG stand behind the empty line, where nothing is read: not what its author signed, and nothing
/// that nobody signed.
#[cold]
fn is_signed_later(rest: &str) -> bool {
    rest.split('\n').any(|line| ["PK:", "SEQ:", "SIG:"].iter().any(|key| line.starts_with(key)))
}

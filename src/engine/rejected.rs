//! Why a datagram was dropped.

use crate::wire::DecodeError;

use super::Counters;
use super::budget::TooMuch;

/// Why a datagram was dropped; nothing changed but counters and budgets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It was not understood.
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// No peer can send from there: a port below 1024, a broadcast or multicast address.
    #[error("impossible source")]
    BadSource,
    /// It comes from another network, and from no peer of our kind.
    #[error("from another network")]
    OffLink,
    /// Too many from that source.
    #[error("too many from that source")]
    SourceRate,
    /// Too many from all unknown sources.
    #[error("too many in all")]
    GlobalRate,
    /// It is our own.
    #[error("our own")]
    OwnEcho,
    /// It was seen before.
    #[error("seen before")]
    Duplicate,
    /// It is for somebody else.
    #[error("for somebody else")]
    NotForUs,
    /// Its TYPE is one that we do nothing with.
    #[error("a TYPE that we do nothing with")]
    OtherType,
    /// Its sender is unknown, and may not be listed: too many at one address, or in all.
    #[error("no place for another peer")]
    TableFull,
    /// Its sender is unknown, and this TYPE needs one that is known.
    #[error("from nobody that we know")]
    Stranger,
    /// It answers nothing that we asked.
    #[error("answers nothing that we asked")]
    StrayAnswer,
    /// It says goodbye for somebody else, or for nobody.
    #[error("a goodbye that is not its sender's")]
    StrayGoodbye,
    /// A piece of an avatar that nobody asked for.
    #[error("a piece that nobody asked for")]
    StrayChunk,
    /// It acknowledges nothing that we sent there.
    #[error("acknowledges nothing that we sent")]
    StrayAck,
    /// It is answered no more: a moment ago, too often, or for too few bytes.
    #[error("asked too often, or with too few bytes")]
    Unanswered,
    /// Its sender said goodbye a moment ago.
    #[error("its sender has left")]
    Departed,
    /// It is signed, and the signature is not right.
    #[error("a wrong signature")]
    BadSignature,
    /// It is signed, and was seen before or is older than what is known.
    #[error("signed long ago, or seen before")]
    Replay,
    /// There are more signatures to check than there is time for.
    #[error("too many signatures to check")]
    SignatureRate,
    /// It is sealed, and not for us or not as it was sealed.
    #[error("sealed, and cannot be opened")]
    Unopened,
    /// It is not sealed with the secret of our group.
    #[error("not of our group")]
    OutsideGroup,
    /// The user blocked its sender.
    #[error("its sender is blocked")]
    Blocked,
    /// We left.
    #[error("we have left")]
    Left,
}

impl Rejected {
    /// The reason in a word or two, for people.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::BadSource => "impossible source",
            Self::OffLink => "another network",
            Self::SourceRate => "too many from there",
            Self::GlobalRate => "too many in all",
            Self::OwnEcho => "our own",
            Self::Duplicate => "seen before",
            Self::NotForUs => "not for us",
            Self::OtherType => "TYPE not used here",
            Self::TableFull => "no place",
            Self::Stranger => "stranger",
            Self::StrayAnswer => "stray answer",
            Self::StrayGoodbye => "stray goodbye",
            Self::StrayChunk => "stray piece",
            Self::StrayAck => "stray ACK",
            Self::Unanswered => "not answered",
            Self::Departed => "departed",
            Self::BadSignature => "wrong signature",
            Self::Replay => "replay",
            Self::SignatureRate => "too many signatures",
            Self::Unopened => "not opened",
            Self::OutsideGroup => "not of our group",
            Self::Blocked => "blocked",
            Self::Left => "we left",
        }
    }

    pub(super) fn count(self, counters: &mut Counters) {
        let counter = match self {
            Self::Malformed(_) => &mut counters.malformed,
            Self::BadSource => &mut counters.bad_source,
            Self::OffLink => &mut counters.off_link,
            Self::SourceRate => &mut counters.source_rate,
            Self::GlobalRate => &mut counters.global_rate,
            Self::OwnEcho => &mut counters.echoes,
            Self::Duplicate => &mut counters.duplicates,
            Self::NotForUs => &mut counters.not_for_us,
            Self::OtherType => &mut counters.other_types,
            Self::TableFull => &mut counters.table_full,
            Self::Stranger => &mut counters.strangers,
            Self::StrayAnswer => &mut counters.stray_answers,
            Self::StrayGoodbye => &mut counters.stray_goodbyes,
            Self::StrayChunk => &mut counters.stray_chunks,
            Self::StrayAck => &mut counters.stray_acks,
            Self::Unanswered => &mut counters.unanswered,
            Self::BadSignature => &mut counters.bad_signatures,
            Self::Replay => &mut counters.replays,
            Self::SignatureRate => &mut counters.signature_rate,
            Self::Unopened => &mut counters.unopened,
            Self::OutsideGroup => &mut counters.outside_group,
            Self::Blocked => &mut counters.blocked,
            Self::Departed | Self::Left => &mut counters.departed,
        };
        *counter += 1;
    }
}

impl From<TooMuch> for Rejected {
    fn from(much: TooMuch) -> Self {
        match much {
            TooMuch::Source => Self::SourceRate,
            TooMuch::Global => Self::GlobalRate,
        }
    }
}

//! Why a datagram was not understood.

/// Why [`decode`](super::decode) refused a datagram; nothing of it was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No bytes, or more than [`MAX_DATAGRAM`](super::MAX_DATAGRAM) (protocol.md §2.1).
    #[error("datagram of {0} bytes")]
    Size(usize),
    /// Not UTF-8 (protocol.md §2.1).
    #[error("not UTF-8")]
    NotUtf8,
    /// More than [`MAX_LINES`](super::MAX_LINES) lines (protocol.md §2.1).
    #[error("too many lines")]
    Lines,
    /// No TYPE line, or an empty one (protocol.md §2.2).
    #[error("no TYPE")]
    NoType,
    /// A key that this TYPE needs is missing (protocol.md §4).
    #[error("no {0}")]
    Missing(&'static str),
    /// A value breaks the grammar of its key (protocol.md §3).
    #[error("bad {0}")]
    Bad(&'static str),
}

//! Why something was not done.

use std::time::Duration;

/// Why a command was refused, or failed later. It changed nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// This program was built without it.
    #[error("this peer was built without {0}: build it with --features full")]
    NotBuilt(&'static str),
    /// A peer without a key, or one that only looks around.
    #[error("this peer has no key, so nobody would take what it shares")]
    NoKey,
    /// Too long, in bytes.
    #[error("{what} takes {bytes} bytes, at most {max} fit")]
    TooLong {
        /// What.
        what: &'static str,
        /// Bytes that it takes.
        bytes: usize,
        /// Bytes that fit.
        max: usize,
    },
    /// Something that cannot travel.
    #[error("{0}")]
    Bad(&'static str),
    /// A table is full.
    #[error("there are {max} {what} already: {advice}")]
    Full {
        /// What.
        what: &'static str,
        /// How many may be.
        max: usize,
        /// What to do.
        advice: &'static str,
    },
    /// Nothing has that name.
    #[error("there is no {what} named {name}")]
    Unknown {
        /// What.
        what: &'static str,
        /// Its name, shown as it was given.
        name: String,
    },
    /// Several have that name.
    #[error("more than one {what} has the name {name}: {}", .candidates.join(", "))]
    Ambiguous {
        /// What.
        what: &'static str,
        /// Its name.
        name: String,
        /// Names of which each means one.
        candidates: Vec<String>,
    },
    /// We are not a member.
    #[error("you are not a member of that list: join it first")]
    NotMember,
    /// The peer is not here.
    #[error("that peer is not here")]
    NotHere,
    /// Nobody answered in time.
    #[error("no answer within {} s", .0.as_secs_f64())]
    NoAnswer(Duration),
    /// The other side left or started anew before it answered.
    #[error("that peer left or started anew before it answered: what was asked may be done, or not")]
    Restarted,
    /// The other side refused it, with this reason: text of a stranger, to be shown safely.
    #[error("refused: {0}")]
    Refused(String),
    /// It could not be kept.
    #[error("it could not be kept on the disk")]
    NotKept,
    /// Nothing is in the cache under that key, here or at those who are trusted.
    #[error("not in the cache")]
    Miss,
    /// There is nothing to undo.
    #[error("there is nothing of yours to undo")]
    NothingToUndo,
    /// Too many at once.
    #[error("too much at once: try again in a moment")]
    Busy,
    /// So much in a moment that others would not take it: after this time it will do.
    #[error("too fast: try again in {} ms", .0.as_millis().max(1))]
    TooFast(Duration),
    /// The peer ended.
    #[error("this peer has left")]
    Left,
}

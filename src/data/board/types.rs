//! What goes in and out of the board of progress.

use crate::wire::PublicKey;

/// How somebody stands with a lesson.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Whose: 1 to 64 characters that may be shown.
    pub user: String,
    /// With what: 1 to 64 characters that may be shown.
    pub lesson: String,
    /// A word, such as `started` or `completed`: 1 to 64 characters that may be shown.
    pub status: String,
    /// When, Unix seconds by the clock of who said it: a label.
    pub at: u64,
}

/// What a user or a program wants of the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Tells everybody.
    Tell(Progress),
    /// Tells one, whose board it then is on; nobody answers.
    TellOne {
        /// Whom.
        to: PublicKey,
        /// What.
        progress: Progress,
    },
    /// Takes what came by itself at a listener's own port, from somebody whose key is not known here.
    Take(Progress),
    /// Tells what is on the board, by user and lesson.
    Board,
}

/// What a command about the board did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is on our board, on the disk, and on its way to so many peers.
    Told {
        /// How many are here to hear it.
        peers: usize,
    },
    /// What is on the board, by user and lesson.
    Board(Vec<Entry>),
}

/// One line of the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it says.
    pub progress: Progress,
    /// Who said it.
    pub by: PublicKey,
    /// 1 more than that of the entry which it took the place of.
    pub lamport: u64,
}

/// What happened on the board.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody told progress, ourselves included. Told as it comes, also when something newer stays on the board.
    Told {
        /// What.
        entry: Entry,
        /// It stands on the board.
        newest: bool,
        /// Somebody else passed it on, some time later.
        late: bool,
    },
}

//! The history of one profile: every text and every change of a profile, in SQLite (protocol.md §10.1).
//!
//! [`open`] starts one thread that writes; the [`Ledger`] is its end for the node. Everybody else reads through
//! [`History`], on connections of their own.

mod line;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use line::{Line, Person};

use crate::engine::{Mark, RowId};
use crate::node::Ledger;
use crate::wire::{OwnMessageId, PublicKey};

/// How much history is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Lines older than this are removed; none for no limit.
    pub time: Option<Duration>,
    /// The oldest lines are removed when the file is larger, bytes.
    pub size: u64,
}

impl Default for Keep {
    fn default() -> Self {
        Self { time: None, size: 1 << 30 }
    }
}

/// Why there is no history.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file is of a newer version; it is as it was.
    #[error("{} is of version {version}, which a newer peer wrote: use that one, or another --profile", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The system does not let us.
    #[error("{} cannot be opened ({reason}): nothing is kept of what is said", file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Why something could not be read, or removed; nothing changed.
#[derive(Debug, thiserror::Error)]
#[error("the history cannot be read: {0}")]
pub struct StoreError(pub String);

/// An open history.
#[derive(Debug)]
pub struct Opened {
    /// For everybody.
    pub history: History,
    /// For the node.
    pub ledger: Ledger,
    /// What the user must know, fit to be shown: a broken file was set aside.
    pub notices: Vec<String>,
}

/// Opens the history in this folder, or makes one. A broken file is set aside, never deleted.
///
/// # Errors
/// [`OpenError`]; the peer can run without a history.
pub fn open(folder: &Path, me: Option<PublicKey>, keep: Keep, unix: u64) -> Result<Opened, OpenError> {
    let _ = (me, keep, unix);
    Err(OpenError::Unusable { file: folder.join("history.db"), reason: "not made".to_owned() })
}

/// Reads the history. Cheap to clone. Every call may wait for the disk: call it where that stops nobody.
#[derive(Debug, Clone)]
pub struct History {
    #[expect(dead_code, reason = "under construction")]
    file: PathBuf,
}

/// Which lines are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Only with this one: its key.
    pub with: Option<PublicKey>,
    /// Only with somebody without a key, by label.
    pub with_label: Option<String>,
    /// Only what came or went after, Unix seconds by our clock.
    pub since: Option<u64>,
    /// Only what contains all of these words.
    pub words: Option<String>,
    /// Only what nobody has read yet.
    pub unread: bool,
    /// Only what stands before this row, in the order of the history.
    pub before: Option<RowId>,
    /// The newest so many; none for all.
    pub limit: Option<u32>,
}

/// What the user wants forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forget {
    /// All with this one.
    With(PublicKey),
    /// All with somebody without a key, by label.
    WithLabel(String),
    /// All that is older than this moment, Unix seconds by our clock.
    Before(u64),
    /// All.
    Everything,
}

/// What was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Lines that are gone.
    pub lines: u64,
    /// The posts among them, by author and POST_NO: for [`Command::Forget`](crate::engine::Command::Forget).
    pub posts: Vec<(PublicKey, u64)>,
}

impl History {
    /// Lines in the order of the history: by LAMPORT, author and content id; the newest last.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lines(&self, query: &Query) -> Result<Vec<Line>, StoreError> {
        let _ = query;
        Err(StoreError("not made".to_owned()))
    }

    /// Calls `each` for every line in the order of the history, the oldest first, until it returns false.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn each(&self, query: &Query, each: &mut dyn FnMut(Line) -> bool) -> Result<(), StoreError> {
        let _ = (query, each);
        Err(StoreError("not made".to_owned()))
    }

    /// How many lines nobody has read.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unread(&self) -> Result<u64, StoreError> {
        Err(StoreError("not made".to_owned()))
    }

    /// Takes note that these were shown to somebody.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn mark_read(&self, rows: &[RowId]) -> Result<(), StoreError> {
        let _ = rows;
        Err(StoreError("not made".to_owned()))
    }

    /// What became of a DM of ours; none when it is not in the history.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn mark(&self, id: OwnMessageId) -> Result<Option<Mark>, StoreError> {
        let _ = id;
        Err(StoreError("not made".to_owned()))
    }

    /// Removes lines for ever. What is sent to us again stays forgotten.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was removed.
    pub fn forget(&self, what: &Forget) -> Result<Forgotten, StoreError> {
        let _ = what;
        Err(StoreError("not made".to_owned()))
    }
}

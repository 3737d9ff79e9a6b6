//! The history of one profile: every text and every change of a profile, in SQLite (protocol.md §10.1).
//!
//! [`open`] starts one thread that writes; the [`Ledger`] is its end for the node. Everybody else reads through
//! [`History`], on connections of their own.

mod archive;
mod columns;
mod data;
mod desk;
mod gone;
mod keep;
mod line;
mod place;
mod read;
mod schema;
mod talk;
mod trouble;
mod words;
mod write;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast;

pub use data::{OpenedData, open_data};
pub use line::{Line, Person};
pub use talk::{Talk, Talks};

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
    #[error("{} cannot be opened ({reason}): nothing is kept in it", file.display())]
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
    open_within(folder, me, keep, Bounds::default(), unix)
}

/// What the disk gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Nothing new is kept while less is free on the disk, bytes.
    pub free: u64,
    /// The file never has more pages of 4,096 bytes; none for no limit.
    pub pages: Option<u32>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { free: 64 << 20, pages: None }
    }
}

/// The same on another disk.
///
/// # Errors
/// As [`open`].
pub fn open_within(
    folder: &Path,
    me: Option<PublicKey>,
    keep: Keep,
    bounds: Bounds,
    unix: u64,
) -> Result<Opened, OpenError> {
    writer::start(folder.join(FILE), me, keep, bounds, unix)
}

/// The name of the file.
const FILE: &str = "history.db";

/// Reads the history. Cheap to clone. Every call may wait for the disk: call it where that stops nobody.
///
/// Every call opens the file for itself: so it costs nothing to have one, and nobody who is slow holds up the log.
#[derive(Debug, Clone)]
pub struct History {
    shared: Arc<desk::Shared>,
}

/// What a line is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// What is said to everyone.
    Posts,
    /// What is said to one.
    Dms,
}

/// Which lines are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Query {
    /// Only with this one: its key.
    pub with: Option<PublicKey>,
    /// Only with somebody without a key, by label.
    pub with_label: Option<String>,
    /// Only posts, or only DMs.
    pub topic: Option<Topic>,
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

/// What a user changed in the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// These lines were shown for the first time.
    Read(Arc<[RowId]>),
    /// Lines are gone.
    Forgotten,
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
    /// Lines in the order of the history: by LAMPORT, author and content id; the newest last. With
    /// [`Query::words`] the newest are those that came last, and at most 1,000.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lines(&self, query: &Query) -> Result<Vec<Line>, StoreError> {
        self.read(|db| read::lines(db, query))
    }

    /// Calls `each` for every line in the order of the history, the oldest first, until it returns false.
    ///
    /// # Errors
    /// [`StoreError`]; some lines may have been told.
    pub fn each(&self, query: &Query, each: &mut dyn FnMut(Line) -> bool) -> Result<(), StoreError> {
        self.read(|db| {
            let mut pages = read::Pages::new(db, query)?;
            while let Some(page) = pages.next(db)? {
                for line in page {
                    if !each(line) {
                        return Ok(());
                    }
                }
            }
            Ok(())
        })
    }

    /// How many lines nobody has read. What is ours, and a change of a profile, is read from the start.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn unread(&self) -> Result<u64, StoreError> {
        self.read(read::unread)
    }

    /// What was said to everyone, and with whom there are DMs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn talks(&self) -> Result<Talks, StoreError> {
        self.read(talk::talks)
    }

    /// Takes note that these were shown to somebody.
    ///
    /// # Errors
    /// [`StoreError`]; they are as unread as before.
    pub fn mark_read(&self, rows: &[RowId]) -> Result<(), StoreError> {
        let fresh = self.shared.turn().mark_read(rows)?;
        if !fresh.is_empty() {
            // Nobody may be listening.
            let _ = self.shared.changes.send(Change::Read(fresh.into()));
        }
        Ok(())
    }

    /// What users change from now on, whichever way they do.
    #[must_use]
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.shared.changes.subscribe()
    }

    /// What became of a DM of ours; none when it is not in the history.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn mark(&self, id: OwnMessageId) -> Result<Option<Mark>, StoreError> {
        self.read(|db| read::mark(db, id))
    }

    /// Removes lines for ever, some at a time, and waits until they are gone. What is sent to us again stays forgotten.
    /// [`Forget::Before`] leaves what is still to be sent.
    ///
    /// # Errors
    /// [`StoreError`]; what was removed until then stays removed.
    pub fn forget(&self, what: &Forget) -> Result<Forgotten, StoreError> {
        let mut done = Forgotten::default();
        let last = self.shared.turn().last_row()?;
        while self.shared.turn().forget(what, last, &mut done)? {}
        // What fails here is done by the thread when it has time.
        while self.shared.turn().purge().unwrap_or(false) {}
        if done.lines > 0 {
            let _ = self.shared.changes.send(Change::Forgotten);
        }
        Ok(done)
    }

    fn read<T>(&self, ask: impl FnOnce(&rusqlite::Connection) -> Result<T, read::Unanswered>) -> Result<T, StoreError> {
        let answer = schema::open_to_read(&self.shared.file).map_err(Into::into).and_then(|db| ask(&db));
        answer.map_err(|error| {
            if error.is_broken() {
                self.shared.turn().suspect();
            }
            StoreError(error.to_string())
        })
    }
}

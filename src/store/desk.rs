//! The one place that writes.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::broadcast;

use crate::engine::{Commit, Outcome, RowId, Ticket};
use crate::node::unix_now;

use super::columns::{self, Who};
use super::schema::{self, Unfit};
use super::trouble::{Fault, Troubles, reason};
use super::{Bounds, Change, Forget, Forgotten, Keep, StoreError, gone, keep, place, write};

/// After so long without anything to write, there is time for the rest.
pub(super) const SOON: Duration = Duration::from_secs(1);

/// What failed is tried again.
const RETRY: Duration = Duration::from_secs(5);

/// Whether something is too old is looked at so often.
const SELDOM: Duration = Duration::from_secs(3_600);

/// After so long a rest the file is closed, with no log beside it.
const QUIET: Duration = Duration::from_secs(60);

/// Between two steps of removing there is time for others.
const PAUSE: Duration = Duration::from_millis(20);

/// Steps of removing that the end waits for.
const LAST_STEPS: u32 = 16;

/// A disk that breaks more files in one run is not given another.
const MOST_REPLACED: u32 = 8;

/// Changes that somebody who listens may be behind.
const CHANGES: usize = 64;

/// Marks that wait for a disk that works.
const MOST_LEFT: usize = 8_192;

/// The desk, and the queue before it: who waits comes next, so that removing a lot does not stop what is said meanwhile.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) file: PathBuf,
    next: Mutex<()>,
    desk: Mutex<Desk>,
    /// What users changed.
    pub(super) changes: broadcast::Sender<Change>,
}

impl Shared {
    pub(super) fn new(desk: Desk) -> Self {
        Self {
            file: desk.file.clone(),
            next: Mutex::new(()),
            desk: Mutex::new(desk),
            changes: broadcast::Sender::new(CHANGES),
        }
    }

    /// Waits for the desk.
    pub(super) fn turn(&self) -> MutexGuard<'_, Desk> {
        let _next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Owns the connection that writes.
#[derive(Debug)]
pub(super) struct Desk {
    file: PathBuf,
    keep: Keep,
    bounds: Bounds,
    clock: Clock,
    /// None until it is needed.
    db: Option<Connection>,
    /// Marks and the like that could not be written, the oldest first.
    left: Vec<Commit>,
    /// When all that is too old was last removed.
    tidied: Option<u64>,
    /// Files that were set aside.
    replaced: u32,
    /// The index is being written anew.
    purge: gone::Purge,
    /// Nothing was written since the last rest.
    rested: bool,
    troubles: Troubles,
}

/// Unix time by our clock, from the moment that the caller named.
#[derive(Debug, Clone, Copy)]
struct Clock {
    told: u64,
    read: u64,
}

impl Clock {
    fn new(unix: u64) -> Self {
        Self { told: unix, read: unix_now().as_secs() }
    }

    fn now(self) -> u64 {
        let read = unix_now().as_secs();
        (self.told + read.saturating_sub(self.read)).saturating_sub(self.read.saturating_sub(read))
    }
}

impl Desk {
    pub(super) fn new(file: &Path, keep: Keep, bounds: Bounds, troubles: Troubles, unix: u64) -> Self {
        let clock = Clock::new(unix);
        Self {
            file: file.to_owned(),
            keep,
            bounds,
            clock,
            db: None,
            left: Vec::new(),
            tidied: None,
            replaced: 0,
            purge: gone::Purge::default(),
            rested: false,
            troubles,
        }
    }

    /// The connection, opened if need be: it may fail as the disk may.
    pub(super) fn db(&mut self) -> Result<&mut Connection, Unfit> {
        if self.db.is_some() && !self.file.exists() {
            self.troubles.tell(format!("{} was removed; a new one is made", self.file.display()));
            self.db = None;
        }
        let db = match self.db.take() {
            Some(db) => db,
            None => {
                place::make(&self.file).map_err(|error| Unfit::System(error.to_string()))?;
                let db = schema::open(&self.file)?;
                if let Some(pages) = self.bounds.pages {
                    db.pragma_update(None, "max_page_count", pages)?;
                }
                db
            }
        };
        Ok(self.db.insert(db))
    }

    /// Bytes of the file, without its log.
    pub(super) fn len(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |found| found.len())
    }

    /// Gives the broken file another name; where it is.
    pub(super) fn set_aside(&mut self) -> Result<PathBuf, String> {
        self.db = None;
        place::set_aside(&self.file, self.clock.now()).map_err(|error| error.to_string())
    }

    /// Writes all of this, and what earlier ones left. Exactly one outcome for each entry.
    pub(super) fn commit(&mut self, batch: Vec<Commit>) -> Vec<(Ticket, Outcome)> {
        self.rested = false;
        let mut todo = std::mem::take(&mut self.left);
        let mut outcomes = Vec::new();
        if self.is_room() {
            todo.extend(batch);
        } else {
            let floor = self.bounds.free >> 20;
            self.troubles.begin(&format!("less than {floor} MiB are free on the disk of {}", self.file.display()));
            for commit in batch {
                match commit {
                    Commit::Entry(ticket, _) => outcomes.push((ticket, Outcome::Failed)),
                    Commit::Carry(_) => {}
                    Commit::Mark(..) | Commit::Delivered(_) => todo.push(commit),
                }
            }
            outcomes.extend(self.write(todo, false));
            return outcomes;
        }
        self.write(todo, true)
    }

    fn is_room(&self) -> bool {
        place::free_bytes(&self.file).is_none_or(|free| free >= self.bounds.free)
    }

    fn write(&mut self, todo: Vec<Commit>, whole: bool) -> Vec<(Ticket, Outcome)> {
        if todo.is_empty() {
            return Vec::new();
        }
        let written = self.attempt(&todo);
        let written = match written {
            Err(Fault::Broken) => self.replace().and_then(|()| self.attempt(&todo)),
            written => written,
        };
        match written {
            Ok(outcomes) => {
                if whole {
                    self.troubles.end();
                }
                outcomes
            }
            Err(Fault::Entry) if todo.len() > 1 => {
                todo.into_iter().flat_map(|commit| self.write(vec![commit], whole)).collect()
            }
            Err(fault) => self.give_up(todo, fault),
        }
    }

    fn attempt(&mut self, todo: &[Commit]) -> Result<Vec<(Ticket, Outcome)>, Fault> {
        let (keep, now) = (self.keep, self.clock.now());
        let written = self.db().and_then(|db| Ok(write::batch(db, todo, keep, now)?));
        written.map_err(|error| self.blame(&error))
    }

    /// Says what is wrong, and closes the file if it is the disk: what an error leaves in memory is not trusted.
    fn blame(&mut self, error: &Unfit) -> Fault {
        let fault = error.fault();
        if fault != Fault::Entry {
            self.db = None;
        }
        if fault == Fault::Disk {
            self.troubles.begin(&error.to_string());
        }
        fault
    }

    /// A new file in place of a broken one.
    fn replace(&mut self) -> Result<(), Fault> {
        self.replaced += 1;
        if self.replaced > MOST_REPLACED {
            self.troubles.begin(&format!("{} breaks again and again: look at the disk", self.file.display()));
            return Err(Fault::Disk);
        }
        match self.set_aside() {
            Ok(aside) => {
                self.troubles.tell(set_aside_line(&self.file, &aside));
                // Whoever reads finds a file. If it cannot be made, the next who writes is told.
                let _ = self.db();
                Ok(())
            }
            Err(error) => {
                self.troubles.begin(&format!("{} is broken and cannot be set aside: {error}", self.file.display()));
                Err(Fault::Disk)
            }
        }
    }

    fn give_up(&mut self, todo: Vec<Commit>, fault: Fault) -> Vec<(Ticket, Outcome)> {
        let mut outcomes = Vec::new();
        for commit in todo {
            match commit {
                Commit::Entry(ticket, _) => outcomes.push((ticket, Outcome::Failed)),
                // What is wrong in itself is not tried again.
                Commit::Mark(..) | Commit::Delivered(_) if fault != Fault::Entry => self.left.push(commit),
                Commit::Mark(..) | Commit::Delivered(_) | Commit::Carry(_) => {}
            }
        }
        let over = self.left.len().saturating_sub(MOST_LEFT);
        self.left.drain(..over);
        outcomes
    }

    /// Does a little of what has time. Returns when there is more to do.
    pub(super) fn tidy(&mut self) -> Duration {
        if !self.left.is_empty() {
            let left = std::mem::take(&mut self.left);
            let room = self.is_room();
            self.write(left, room);
        }
        if !self.left.is_empty() {
            return RETRY;
        }
        if !self.is_tidy() {
            match self.remove_some() {
                Ok(true) => return PAUSE,
                Ok(false) => self.tidied = Some(self.clock.now()),
                Err(_) => return RETRY,
            }
        }
        match self.purge() {
            Ok(true) => return PAUSE,
            Ok(false) => {}
            Err(_) => return RETRY,
        }
        if !std::mem::replace(&mut self.rested, true) {
            return QUIET;
        }
        self.db = None;
        SELDOM
    }

    fn is_tidy(&self) -> bool {
        let now = self.clock.now();
        self.tidied.is_some_and(|tidied| now.abs_diff(tidied) < SELDOM.as_secs())
    }

    /// One step of making place. True when there may be more to do.
    fn remove_some(&mut self) -> Result<bool, Fault> {
        let (keep, now) = (self.keep, self.clock.now());
        let removed = self.db().and_then(|db| Ok(keep::step(db, keep, now)?));
        removed.map_err(|error| {
            let fault = self.blame(&error);
            if fault == Fault::Broken {
                // What cannot be set aside is said.
                let _ = self.replace();
            }
            fault
        })
    }

    /// Gives back what is not needed while nothing happens: room in the file, the log, and memory.
    fn rest(&mut self) {
        if let Some(db) = &self.db {
            // What fails here is done another time.
            let _ = schema::rest(db);
        }
    }

    /// Takes note that these were shown; those that were not shown before.
    pub(super) fn mark_read(&mut self, rows: &[RowId]) -> Result<Vec<RowId>, StoreError> {
        self.change(|db| {
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut fresh = Vec::new();
            for RowId(row) in rows {
                let mut mark = tx.prepare_cached("UPDATE line SET read = 1 WHERE row = ? AND read = 0")?;
                if mark.execute([row])? > 0 {
                    fresh.push(RowId(*row));
                }
            }
            tx.commit()?;
            Ok(fresh)
        })
    }

    /// Removes some lines of those up to `last`; true when there may be more.
    pub(super) fn forget(&mut self, what: &Forget, last: i64, done: &mut Forgotten) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let (filter, value) = match what {
            Forget::With(key) => ("peer = ?2", Value::from(Who::Key(key))),
            Forget::WithLabel(label) => ("peer = ?2", Value::from(Who::Label(label))),
            Forget::Before(at) => {
                ("at < ?2 AND mark IS NOT 'waiting' AND mark IS NOT 'sent'", Value::Integer(columns::stored(*at)))
            }
            Forget::Everything => return self.forget_everything(done),
        };
        let find = format!("SELECT row FROM line WHERE row <= ?1 AND {filter} LIMIT {}", keep::STEP);
        self.change(|db| {
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let rows = tx
                .prepare_cached(&find)?
                .query_map((last, value), |row| row.get(0))?
                .collect::<rusqlite::Result<Vec<i64>>>()?;
            let mut posts = Vec::new();
            for row in &rows {
                posts.extend(gone::remove(&tx, *row, now)?.flatten());
                gone::leave_words(&tx)?;
            }
            tx.commit()?;
            done.lines += rows.len() as u64;
            done.posts.extend(posts);
            Ok(rows.len() == keep::STEP)
        })
    }

    fn forget_everything(&mut self, done: &mut Forgotten) -> Result<bool, StoreError> {
        let now = self.clock.now();
        self.change(|db| {
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (lines, posts) = gone::remove_all(&tx, now)?;
            tx.commit()?;
            *done = Forgotten { lines, posts };
            Ok(false)
        })
    }

    /// Takes some words of what was removed out of the index, and in the end out of the log; true when there may be more.
    pub(super) fn purge(&mut self) -> Result<bool, StoreError> {
        let mut purge = std::mem::take(&mut self.purge);
        let more = self.change(|db| gone::purge_words(db, &mut purge))?;
        self.purge = purge;
        if !more {
            self.rest();
        }
        Ok(more)
    }

    /// The newest row.
    pub(super) fn last_row(&mut self) -> Result<i64, StoreError> {
        self.change(|db| db.query_row("SELECT ifnull(max(row), 0) FROM line", [], |row| row.get(0)))
    }

    fn change<T>(&mut self, change: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        self.db().and_then(|db| Ok(change(db)?)).map_err(|error| {
            if self.blame(&error) == Fault::Broken {
                // Whoever asked is told that it failed.
                let _ = self.replace();
            }
            StoreError(error.to_string())
        })
    }

    /// Looks whether the file is as broken as it seems to somebody who reads.
    pub(super) fn suspect(&mut self) {
        let checked = self.db().and_then(|db| Ok(schema::check(db)?));
        if checked.is_err_and(|error| self.blame(&error) == Fault::Broken) {
            let _ = self.replace();
        }
    }

    /// Leaves the file as a whole: what is in the log goes where it belongs.
    pub(super) fn close(&mut self) {
        for _ in 0..LAST_STEPS {
            if self.tidy() != PAUSE {
                break;
            }
        }
        self.db = None;
    }
}

/// What the user is told of a broken file.
pub(super) fn set_aside_line(file: &Path, aside: &Path) -> String {
    format!("{} is broken; it was set aside as {}, and a new one made", file.display(), aside.display())
}

impl Unfit {
    fn fault(&self) -> Fault {
        match self {
            Self::Newer(_) | Self::System(_) => Fault::Disk,
            Self::Sqlite(error) => Fault::of(error),
        }
    }
}

impl std::fmt::Display for Unfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Newer(version) => write!(f, "a newer peer wrote it, version {version}"),
            Self::System(reason) => f.write_str(reason),
            Self::Sqlite(error) => f.write_str(&reason(error)),
        }
    }
}

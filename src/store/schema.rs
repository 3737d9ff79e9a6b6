//! The tables, and how a file of an older version gets them.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

/// The version that this program writes.
pub(super) const VERSION: u32 = STEPS.len() as u32;

/// `lsnp`, for programs that tell files by their first bytes.
const APPLICATION: i32 = 0x6c73_6e70;

/// How long is waited for somebody else's lock, a `sqlite3` of the user's perhaps.
const BUSY: Duration = Duration::from_secs(5);

/// What leads from each version to the next, the first from nothing.
const STEPS: [&str; 4] = [LINES, SENDERS, PLACES, TALKS];

const LINES: &str = "
CREATE TABLE line (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    lamport INTEGER NOT NULL,   -- with plain, placed, id and row: the order of the history
    author ANY NOT NULL,        -- a key (blob), or the label of somebody without one (text)
    id BLOB NOT NULL,           -- the content id of a signed post; empty of all else
    number INTEGER,             -- its POST_NO
    message_id TEXT NOT NULL,
    kind TEXT NOT NULL,         -- post, dm, sealed (a dm that nobody else could read), profile
    ours INTEGER NOT NULL,
    peer ANY,                   -- the other end, as the author
    text TEXT NOT NULL,
    stamp INTEGER NOT NULL,     -- Unix seconds by the author's clock
    at INTEGER NOT NULL,        -- Unix seconds by our clock
    mark TEXT,                  -- what became of a dm of ours
    read INTEGER NOT NULL,
    details BLOB                -- a version, and MessagePack
) STRICT;
CREATE INDEX line_order ON line(lamport, author, id);
CREATE UNIQUE INDEX line_name ON line(author, message_id) WHERE message_id <> '';
CREATE INDEX line_peer ON line(peer, lamport, author, id) WHERE peer IS NOT NULL;
CREATE INDEX line_unread ON line(lamport, author, id) WHERE read = 0;
CREATE INDEX line_ours ON line(message_id) WHERE ours = 1;
CREATE INDEX line_open ON line(row) WHERE mark IN ('waiting', 'sent', 'received');

CREATE TABLE post (             -- signed posts that may be passed on
    row INTEGER PRIMARY KEY REFERENCES line(row) ON DELETE CASCADE,
    lamport INTEGER NOT NULL,
    since INTEGER NOT NULL,     -- Unix seconds by our clock
    raw BLOB NOT NULL,
    long ANY                    -- a long text; 1 when it is the text of the line
) STRICT;
CREATE INDEX post_since ON post(since);

CREATE TABLE carried (          -- datagrams for others
    id BLOB PRIMARY KEY,
    recipient BLOB NOT NULL,
    author BLOB NOT NULL,
    message_id TEXT NOT NULL,
    since INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE gone (             -- posts that were removed, by POST_NO
    author BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (author, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE gone_name (        -- all else that was removed: a hash of author and MESSAGE_ID
    hash BLOB PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX gone_name_at ON gone_name(at);

CREATE TABLE note (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE words
    USING fts5(text, content='', columnsize=0, prefix='2', tokenize='unicode61 remove_diacritics 2');
";

const SENDERS: &str = "
CREATE TABLE sender (           -- what came in and is kept of everybody
    peer ANY PRIMARY KEY,
    rank INTEGER NOT NULL,      -- the trust in the last line
    lines INTEGER NOT NULL,
    bytes INTEGER NOT NULL      -- of the texts
) STRICT, WITHOUT ROWID;
INSERT INTO sender SELECT peer, iif(typeof(peer) = 'text', 0, 2), count(*), sum(octet_length(text))
    FROM line WHERE ours = 0 AND peer IS NOT NULL GROUP BY peer;
CREATE INDEX line_plain ON line(row) WHERE typeof(peer) = 'text';
";

/// Signed posts stand by author and content id, all else behind the posts of its LAMPORT and as it came.
const PLACES: &str = "
ALTER TABLE line ADD COLUMN plain INTEGER AS (id = x'') VIRTUAL;
ALTER TABLE line ADD COLUMN placed ANY AS (iif(id = x'', x'', author)) VIRTUAL;
DROP INDEX line_order;
DROP INDEX line_peer;
DROP INDEX line_unread;
CREATE INDEX line_order ON line(lamport, plain, placed, id);
CREATE INDEX line_peer ON line(peer, lamport, plain, placed, id) WHERE peer IS NOT NULL;
CREATE INDEX line_unread ON line(lamport, plain, placed, id) WHERE read = 0;
";

/// What is said to everyone, and with each one, in its order, and what of it is not read.
const TALKS: &str = "
CREATE INDEX line_post ON line(lamport, plain, placed, id) WHERE kind = 'post';
CREATE INDEX line_dm ON line(peer, lamport, plain, placed, id) WHERE kind IN ('dm', 'sealed');
CREATE INDEX line_new ON line(kind, peer) WHERE read = 0;
";

/// Why a file cannot be used.
#[derive(Debug)]
pub(super) enum Unfit {
    /// A newer program wrote it: its version.
    Newer(u32),
    /// The system does not let us.
    System(String),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Unfit {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Opens the file to write, with all tables.
pub(super) fn open(file: &Path) -> Result<Connection, Unfit> {
    let mut db = Connection::open_with_flags(file, flags())?;
    db.busy_timeout(BUSY)?;
    // Asked before anything else, so that a file of a newer version stays as it is.
    let version: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > VERSION {
        return Err(Unfit::Newer(version));
    }
    if version == 0 {
        db.execute_batch(&format!("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = {APPLICATION};"))?;
    }
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;
         PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -1024; PRAGMA mmap_size = 0;
         PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 4194304;",
    )?;
    db.set_prepared_statement_cache_capacity(32);
    migrate(&mut db, version)?;
    Ok(db)
}

/// Opens the file to read.
pub(super) fn open_to_read(file: &Path) -> Result<Connection, rusqlite::Error> {
    let db = Connection::open_with_flags(file, flags())?;
    db.busy_timeout(BUSY)?;
    db.execute_batch(
        "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA cache_size = -256;
         PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;",
    )?;
    Ok(db)
}

/// Pages that are given back at once.
const GIVEN_BACK: u32 = 4_096;

/// Gives back what is free in the file, what is in the log, and memory.
pub(super) fn rest(db: &Connection) -> Result<(), rusqlite::Error> {
    db.flush_prepared_statement_cache();
    // It frees a page with every step.
    let mut vacuum = db.prepare(&format!("PRAGMA incremental_vacuum({GIVEN_BACK})"))?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA shrink_memory;")
}

/// Looks at the whole file.
pub(super) fn check(db: &Connection) -> Result<(), rusqlite::Error> {
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    let broken = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(broken, Some(found)))
}

/// Each connection has one thread at a time. The file is made before, closed to others.
pub(super) fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW
}

fn migrate(db: &mut Connection, version: u32) -> Result<(), rusqlite::Error> {
    if version == VERSION {
        return Ok(());
    }
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in STEPS.iter().skip(version as usize) {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "user_version", VERSION)?;
    change.commit()
}

//! What the data space keeps: rows, in a file of its own (protocol.md §11).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::data::{Row, Ticket};
use crate::engine::Channel;
use crate::node::{Stock, unix_now};

use super::schema::{self, Unfit};
use super::trouble::{Fault, reason};
use super::{OpenError, place};

/// The name of the file.
const FILE: &str = "data.db";

/// The version that this program writes.
const VERSION: u32 = 1;

/// `lspd`, for programs that tell files by their first bytes.
const APPLICATION: i32 = 0x6c73_7064;

const TABLE: &str =
    "CREATE TABLE kept (part TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (part, key))
    STRICT, WITHOUT ROWID;";

/// How long is waited for somebody else's lock, a `sqlite3` of the user's perhaps.
const BUSY: Duration = Duration::from_secs(5);

/// Pages of 4,096 bytes that the file never has more than: 512 MiB.
const PAGES: u32 = 131_072;

/// Nothing new is kept while less is free on the disk, bytes.
const FREE: u64 = 64 << 20;

/// A file that is not larger is looked at whole at every start, bytes.
const CHECKED: u64 = 16 << 20;

/// Tickets that may wait for the disk.
const WAITING: usize = 4_096;

/// Tickets of one transaction. What comes while one is written makes the next.
const BATCH: usize = 256;

/// After so long without anything to write, the log is emptied.
const REST: Duration = Duration::from_secs(5);

/// What is kept of shared data.
#[derive(Debug)]
pub struct OpenedData {
    /// For the node.
    pub stock: Stock,
    /// What the user must know, fit to be shown: a broken file was set aside.
    pub notices: Vec<String>,
}

/// Opens what is kept of shared data in this folder, or makes it. A broken file is set aside, never deleted.
///
/// # Errors
/// [`OpenError`]; the peer can run without, and then forgets at its end what is shared.
pub fn open_data(folder: &Path) -> Result<OpenedData, OpenError> {
    let file = folder.join(FILE);
    let mut notices = Vec::new();
    let loaded = match load(&file) {
        Err(Unfit::Sqlite(error)) if Fault::of(&error) == Fault::Broken => {
            let unusable =
                |error: std::io::Error| OpenError::Unusable { file: file.clone(), reason: error.to_string() };
            let aside = place::set_aside(&file, unix_now().as_secs()).map_err(unusable)?;
            notices.push(format!(
                "{} is broken: shared lists and the board begin anew. It was set aside as {}.",
                file.display(),
                aside.display()
            ));
            load(&file)
        }
        loaded => loaded,
    };
    let (db, rows) = loaded.map_err(|unfit| match unfit {
        Unfit::Newer(version) => OpenError::Newer { file: file.clone(), version },
        Unfit::System(_) | Unfit::Sqlite(_) => OpenError::Unusable { file: file.clone(), reason: unfit.to_string() },
    })?;
    let (keep, taken) = sync_channel(WAITING);
    let (told, outcomes) = unbounded_channel();
    let (tell, troubles) = unbounded_channel();
    let keeper = Keeper { db, file: file.clone(), tell, failing: false };
    let spawned = std::thread::Builder::new().name("shared data".to_owned()).spawn(move || run(keeper, &taken, &told));
    spawned.map_err(|error| OpenError::Unusable { file, reason: error.to_string() })?;
    Ok(OpenedData { stock: Stock { rows, keep, outcomes, troubles }, notices })
}

fn load(file: &Path) -> Result<(Connection, Vec<Row>), Unfit> {
    place::make(file).map_err(|error| Unfit::System(error.to_string()))?;
    let mut db = Connection::open_with_flags(file, schema::flags())?;
    db.busy_timeout(BUSY)?;
    let version: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > VERSION {
        return Err(Unfit::Newer(version));
    }
    if version == 0 {
        db.execute_batch(&format!("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA application_id = {APPLICATION};"))?;
    }
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON; PRAGMA cache_size = -1024; PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 4194304;",
    )?;
    db.pragma_update(None, "max_page_count", PAGES)?;
    if version == 0 {
        let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        change.execute_batch(TABLE)?;
        change.pragma_update(None, "user_version", VERSION)?;
        change.commit()?;
    }
    if std::fs::metadata(file).is_ok_and(|found| found.len() <= CHECKED) {
        schema::check(&db)?;
    }
    let rows = rows(&db)?;
    Ok((db, rows))
}

fn rows(db: &Connection) -> rusqlite::Result<Vec<Row>> {
    let mut find = db.prepare("SELECT part, key, value FROM kept ORDER BY part, key")?;
    let mut found = find.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        // A part that a later version of this form may have stays as it is.
        let Some(table) = Channel::parse(row.get_ref(0)?.as_str()?) else { continue };
        let (key, value) = (row.get_ref(1)?.as_blob()?, row.get_ref(2)?.as_blob()?);
        rows.push(Row { table, key: key.to_vec(), value: Some(value.into()) });
    }
    Ok(rows)
}

/// Owns the connection.
#[derive(Debug)]
struct Keeper {
    db: Connection,
    file: PathBuf,
    tell: UnboundedSender<String>,
    /// The user knows that nothing is kept.
    failing: bool,
}

/// Ends when nobody can send anything more, and all is written.
fn run(mut keeper: Keeper, taken: &Receiver<(Ticket, Vec<Row>)>, told: &UnboundedSender<Vec<(Ticket, bool)>>) {
    let mut rested = false;
    loop {
        let first =
            if rested { taken.recv().map_err(|_| RecvTimeoutError::Disconnected) } else { taken.recv_timeout(REST) };
        match first {
            Ok(first) => {
                let batch: Vec<_> = std::iter::once(first).chain(taken.try_iter().take(BATCH - 1)).collect();
                // The node has ended: nobody wants to know.
                let _ = told.send(keeper.keep(batch));
                rested = false;
            }
            Err(RecvTimeoutError::Timeout) => {
                keeper.rest();
                rested = true;
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    keeper.rest();
}

impl Keeper {
    fn keep(&mut self, batch: Vec<(Ticket, Vec<Row>)>) -> Vec<(Ticket, bool)> {
        let mut outcomes = BTreeMap::new();
        let mut trouble = None;
        if place::free_bytes(&self.file).is_some_and(|free| free < FREE) {
            trouble = Some(format!("less than {} MiB are free on the disk", FREE >> 20));
            outcomes.extend(batch.iter().map(|(ticket, _)| (*ticket, false)));
        } else if let Err(error) = self.write(&batch) {
            // One that cannot be written does not take the others with it.
            tracing::debug!(%error, tickets = batch.len(), "not kept at once");
            for one in batch.chunks(1) {
                let written = self.write(one);
                outcomes.extend(one.iter().map(|(ticket, _)| (*ticket, written.is_ok())));
                if let Err(error) = written {
                    trouble = Some(reason(&error));
                }
            }
        } else {
            outcomes.extend(batch.iter().map(|(ticket, _)| (*ticket, true)));
        }
        self.tell(trouble);
        outcomes.into_iter().collect()
    }

    fn write(&mut self, batch: &[(Ticket, Vec<Row>)]) -> rusqlite::Result<()> {
        let change = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for Row { table, key, value } in batch.iter().flat_map(|(_, rows)| rows) {
            match value {
                Some(value) => change
                    .prepare_cached(
                        "INSERT INTO kept VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                    )?
                    .execute(params![table.word(), key, &**value])?,
                None => change
                    .prepare_cached("DELETE FROM kept WHERE part = ? AND key = ?")?
                    .execute(params![table.word(), key])?,
            };
        }
        change.commit()
    }

    /// Gives back what is free in the file, and what is in the log.
    fn rest(&mut self) {
        if let Err(error) = schema::rest(&self.db) {
            tracing::debug!(%error, "the log of what is shared is not emptied");
        }
    }

    /// Tells the user once that something is not kept, and once that it is again.
    fn tell(&mut self, trouble: Option<String>) {
        let line = match (trouble, self.failing) {
            (Some(trouble), false) => {
                format!("{} cannot be written ({trouble}): lists cannot be edited at the moment", self.file.display())
            }
            (None, true) => "what is shared is kept again".to_owned(),
            (Some(_), true) | (None, false) => return,
        };
        self.failing = !self.failing;
        // Nobody listens when the peer has ended.
        let _ = self.tell.send(line);
    }
}

#[cfg(test)]
mod tests;

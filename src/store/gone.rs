//! What was removed, so that it does not come back when it is sent again.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::engine::Entry;
use crate::wire::{PieceHash, PublicKey};

use super::columns::{self, Who};
use super::words::spaced;

/// Most names of removed lines, and most ranges of removed posts, that are remembered; the oldest go first.
const MOST: u32 = 65_536;

/// Pages of the index that are written anew in one step: about 20 ms.
const PURGED: i64 = 200;

/// Times that the index is written anew for the same words: others may go on with it meanwhile, and it never has but one
/// part.
const ROUNDS: u32 = 3;

/// How far the index is with losing the words of removed lines.
#[derive(Debug, Default)]
pub(super) struct Purge {
    /// What is written anew goes on in the next step.
    begun: bool,
    rounds: u32,
    /// How many lines were removed when the first of these rounds began.
    removed: i64,
}

/// A row that was removed, if it was a signed post: its author and POST_NO.
pub(super) type Post = Option<(PublicKey, u64)>;

/// What remains of a line that is removed.
#[derive(Debug)]
struct Remains {
    post: Post,
    name: Option<PieceHash>,
    lamport: i64,
}

/// The columns that [`remains`] reads, in its order.
const REMAINS: &str = "author, number, message_id, ours, lamport";

fn remains(row: &Row<'_>) -> rusqlite::Result<Remains> {
    let key = columns::key(row, 0)?;
    let number = row.get::<_, Option<i64>>(1)?.and_then(|number| u64::try_from(number).ok());
    let message_id = row.get_ref(2)?.as_str()?;
    // Nobody sends us what is ours.
    let is_named = !message_id.is_empty() && number.is_none() && !row.get::<_, bool>(3)?;
    let author = row.get_ref(0)?.as_bytes()?;
    Ok(Remains {
        post: key.zip(number),
        name: is_named.then(|| hash(author, key.is_some(), message_id)),
        lamport: row.get(4)?,
    })
}

fn remember(tx: &Transaction<'_>, remains: &Remains, now: u64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO note VALUES('lamport', ?1) ON CONFLICT(name) DO UPDATE SET value = ?1 WHERE value < ?1",
    )?
    .execute([remains.lamport])?;
    if let Some((author, number)) = remains.post {
        remember_post(tx, &author, number, now)?;
    }
    if let Some(name) = remains.name {
        tx.prepare_cached("INSERT OR REPLACE INTO gone_name VALUES(?, ?)")?
            .execute(params![name.0, columns::stored(now)])?;
    }
    Ok(())
}

/// Takes a line out of all tables, and remembers its name; none when there is no such line.
pub(super) fn remove(tx: &Transaction<'_>, row: i64, now: u64) -> rusqlite::Result<Option<Post>> {
    let mut find = tx.prepare_cached(&format!("SELECT {REMAINS}, text, peer FROM line WHERE row = ?"))?;
    let found = find.query_row([row], |row| {
        let ours: bool = row.get(3)?;
        let sender: Option<Value> = if ours { None } else { row.get(6)? };
        Ok((remains(row)?, row.get::<_, String>(5)?, sender))
    });
    let Some((remains, text, sender)) = found.optional()? else { return Ok(None) };
    tx.prepare_cached("INSERT INTO words(words, rowid, text) VALUES('delete', ?, ?)")?
        .execute(params![row, spaced(&text)])?;
    tx.prepare_cached("DELETE FROM line WHERE row = ?")?.execute([row])?;
    if let Some(sender) = sender {
        tx.prepare_cached("UPDATE sender SET lines = lines - 1, bytes = bytes - ? WHERE peer = ?")?
            .execute(params![text.len() as i64, sender])?;
    }
    remember(tx, &remains, now)?;
    Ok(Some(remains.post))
}

/// Takes all lines out, and what is carried; how many lines, and the posts among them.
pub(super) fn remove_all(tx: &Transaction<'_>, now: u64) -> rusqlite::Result<(u64, Vec<(PublicKey, u64)>)> {
    let (mut lines, mut posts) = (0, Vec::new());
    // The newest last: their names are remembered longest.
    let mut find = tx.prepare(&format!("SELECT {REMAINS} FROM line ORDER BY row"))?;
    let mut rows = find.query([])?;
    while let Some(row) = rows.next()? {
        let remains = remains(row)?;
        remember(tx, &remains, now)?;
        posts.extend(remains.post);
        lines += 1;
    }
    tx.execute_batch(
        "DELETE FROM post; DELETE FROM line; DELETE FROM sender; DELETE FROM carried;
         INSERT INTO words(words) VALUES('delete-all');",
    )?;
    Ok((lines, posts))
}

/// Takes note that the index still has words of removed lines.
pub(super) fn leave_words(tx: &Transaction<'_>) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO note VALUES('words', 1) ON CONFLICT(name) DO UPDATE SET value = value + 1")?
        .execute([])?;
    Ok(())
}

/// Takes some words of removed lines out of the index, by writing it anew a little at a time. True when there may be more.
///
/// What was begun before a line was removed does not reach its words: then all is written anew once more.
pub(super) fn purge_words(db: &Connection, purge: &mut Purge) -> rusqlite::Result<bool> {
    let removed = "SELECT value FROM note WHERE name = 'words'";
    let Some(removed) = db.prepare_cached(removed)?.query_row([], |row| row.get(0)).optional()? else {
        *purge = Purge::default();
        return Ok(false);
    };
    if removed != purge.removed {
        (purge.rounds, purge.removed) = (0, removed);
    }
    let before = db.total_changes();
    let pages = if purge.begun { PURGED } else { -PURGED };
    db.prepare_cached("INSERT INTO words(words, rank) VALUES('merge', ?)")?.execute([pages])?;
    if db.total_changes() - before >= 2 {
        purge.begun = true;
        return Ok(true);
    }
    let is_one = !std::mem::take(&mut purge.begun);
    purge.rounds += 1;
    if !is_one && purge.rounds < ROUNDS {
        return Ok(true);
    }
    db.execute("DELETE FROM note WHERE name = 'words'", [])?;
    *purge = Purge::default();
    Ok(false)
}

/// True when the user had this forgotten, or it made place for others.
pub(super) fn is_gone(tx: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<bool> {
    if let Some(post) = &entry.post {
        let mut find =
            tx.prepare_cached("SELECT last FROM gone WHERE author = ? AND first <= ? ORDER BY first DESC LIMIT 1")?;
        let number = columns::stored(post.number);
        let last: Option<i64> = find.query_row(params![post.author.0, number], |row| row.get(0)).optional()?;
        return Ok(last.is_some_and(|last| last >= number));
    }
    if entry.message_id.is_empty() || entry.ours {
        return Ok(false);
    }
    let (author, is_key) = match Who::author(&entry.author) {
        Who::Key(key) => (&key.0[..], true),
        Who::Label(label) => (label.as_bytes(), false),
    };
    let mut find = tx.prepare_cached("SELECT 1 FROM gone_name WHERE hash = ?")?;
    find.exists([hash(author, is_key, &entry.message_id).0])
}

/// Keeps what is remembered within its bounds.
pub(super) fn shorten(tx: &Transaction<'_>) -> rusqlite::Result<usize> {
    tx.execute("DELETE FROM sender WHERE lines <= 0", [])?;
    let names = tx
        .prepare_cached(
            "DELETE FROM gone_name WHERE hash IN (SELECT hash FROM gone_name ORDER BY at DESC LIMIT -1 OFFSET ?)",
        )?
        .execute([MOST])?;
    let ranges = tx
        .prepare_cached(
            "DELETE FROM gone WHERE (author, first) IN (SELECT author, first FROM gone ORDER BY at DESC LIMIT -1 OFFSET ?)",
        )?
        .execute([MOST])?;
    Ok(names + ranges)
}

fn hash(author: &[u8], is_key: bool, message_id: &str) -> PieceHash {
    let mut bytes = Vec::with_capacity(author.len() + message_id.len() + 2);
    bytes.push(u8::from(is_key));
    bytes.extend_from_slice(author);
    bytes.push(0);
    bytes.extend_from_slice(message_id.as_bytes());
    PieceHash::of(&bytes)
}

/// Adds one number to the ranges of its author.
fn remember_post(tx: &Transaction<'_>, author: &PublicKey, number: u64, now: u64) -> rusqlite::Result<()> {
    let number = columns::stored(number);
    let (mut first, mut last) = (number, number);
    let mut below =
        tx.prepare_cached("SELECT first, last FROM gone WHERE author = ? AND first <= ? ORDER BY first DESC LIMIT 1")?;
    let range: Option<(i64, i64)> =
        below.query_row(params![author.0, number], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match range {
        Some((_, end)) if end >= number => return Ok(()),
        Some((start, end)) if end == number - 1 => first = start,
        _ => {}
    }
    if let Some(next) = number.checked_add(1) {
        let mut above = tx.prepare_cached("DELETE FROM gone WHERE author = ? AND first = ? RETURNING last")?;
        let end: Option<i64> = above.query_row(params![author.0, next], |row| row.get(0)).optional()?;
        last = end.unwrap_or(last);
    }
    tx.prepare_cached("INSERT OR REPLACE INTO gone VALUES(?, ?, ?, ?)")?.execute(params![
        author.0,
        first,
        last,
        columns::stored(now)
    ])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;

    /// Words that nobody says again, so that the index is large.
    fn text(row: i64) -> String {
        (0..40).map(|n| format!("{}{WORD} ", row * 40 + n)).collect()
    }

    /// The index keeps of a word what differs from the one before it.
    const WORD: &str = "xylophone";

    fn holds(db: &Connection) -> bool {
        let mut blocks = db.prepare("SELECT block FROM words_data").unwrap();
        let mut rows = blocks.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let block = row.get_ref(0).unwrap().as_bytes().unwrap();
            if block.windows(WORD.len()).any(|window| window == WORD.as_bytes()) {
                return true;
            }
        }
        false
    }

    /// Takes the words of some rows out of the index, as [`remove`] does.
    fn take_out(db: &mut Connection, rows: impl Iterator<Item = i64>) {
        let tx = db.transaction().unwrap();
        for row in rows {
            tx.execute("INSERT INTO words(words, rowid, text) VALUES('delete', ?, ?)", params![row, text(row)])
                .unwrap();
            leave_words(&tx).unwrap();
        }
        tx.commit().unwrap();
    }

    #[test]
    fn words_that_are_taken_out_while_the_index_is_written_anew_are_lost_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("history.db");
        std::fs::File::create(&file).unwrap();
        let mut db = schema::open(&file).ok().unwrap();
        let tx = db.transaction().unwrap();
        for row in 1..=3_000 {
            tx.execute("INSERT INTO words(rowid, text) VALUES(?, ?)", params![row, text(row)]).unwrap();
        }
        tx.commit().unwrap();
        assert!(holds(&db));
        take_out(&mut db, 1..=1_000);
        let mut purge = Purge::default();
        assert!(purge_words(&db, &mut purge).unwrap(), "there is more to do");
        take_out(&mut db, 1_001..=3_000);
        while purge_words(&db, &mut purge).unwrap() {}
        assert!(!holds(&db));
        assert!(!purge_words(&db, &mut purge).unwrap());
    }
}

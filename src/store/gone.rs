//! What was removed, so that it does not come back when it is sent again.

use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::engine::Entry;
use crate::wire::{PieceHash, PublicKey};

use super::columns::{self, Who};
use super::words::spaced;

/// Most names of removed lines, and most ranges of removed posts, that are remembered; the oldest go first.
const MOST: u32 = 65_536;

/// A row that was removed, if it was a signed post: its author and POST_NO.
pub(super) type Post = Option<(PublicKey, u64)>;

/// Takes a line out of all tables, and remembers its name; none when there is no such line.
pub(super) fn remove(tx: &Transaction<'_>, row: i64, now: u64) -> rusqlite::Result<Option<Post>> {
    struct Removed {
        post: Post,
        name: Option<PieceHash>,
        text: String,
        lamport: u64,
        sender: Option<Value>,
    }
    let mut find =
        tx.prepare_cached("SELECT author, number, message_id, ours, text, lamport, peer FROM line WHERE row = ?")?;
    let found = find.query_row([row], |row| {
        let author = row.get_ref(0)?;
        let key = columns::key(row, 0)?;
        let number = row.get::<_, Option<i64>>(1)?.and_then(|number| u64::try_from(number).ok());
        let message_id = row.get_ref(2)?.as_str()?;
        let bytes = author.as_bytes()?;
        let ours: bool = row.get(3)?;
        let named = !message_id.is_empty() && number.is_none() && !ours;
        Ok(Removed {
            post: key.zip(number),
            name: named.then(|| hash(bytes, key.is_some(), message_id)),
            text: row.get(4)?,
            lamport: columns::number(row, 5)?,
            sender: if ours { None } else { row.get(6)? },
        })
    });
    let Some(removed) = found.optional()? else { return Ok(None) };
    tx.prepare_cached("INSERT INTO words(words, rowid, text) VALUES('delete', ?, ?)")?
        .execute(params![row, spaced(&removed.text)])?;
    tx.prepare_cached("DELETE FROM line WHERE row = ?")?.execute([row])?;
    tx.prepare_cached(
        "INSERT INTO note VALUES('lamport', ?1) ON CONFLICT(name) DO UPDATE SET value = ?1 WHERE value < ?1",
    )?
    .execute([columns::stored(removed.lamport)])?;
    if let Some(sender) = removed.sender {
        tx.prepare_cached("UPDATE sender SET lines = lines - 1, bytes = bytes - ? WHERE peer = ?")?
            .execute(params![removed.text.len() as i64, sender])?;
    }
    if let Some((author, number)) = removed.post {
        forget_post(tx, &author, number, now)?;
    }
    if let Some(name) = removed.name {
        tx.prepare_cached("INSERT OR REPLACE INTO gone_name VALUES(?, ?)")?
            .execute(params![name.0, columns::stored(now)])?;
    }
    Ok(Some(removed.post))
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
fn forget_post(tx: &Transaction<'_>, author: &PublicKey, number: u64, now: u64) -> rusqlite::Result<()> {
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

//! What is given back at a start.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::engine::{Archive, Carried, Outgoing, PostRecord};
use crate::wire::{OwnMessageId, PublicKey};

use super::columns;

const DAY: u64 = 86_400;

/// Posts are passed on so long (protocol.md §10.4), and so many, with so many bytes.
const POSTS: (u64, u32, usize) = (DAY, 4_096, 2 << 20);

/// The numbers of posts are known so long: nobody passes on what is older.
pub(super) const KNOWN: u64 = 8 * DAY;

/// What is carried for others is kept so long (protocol.md §10.5), and so many bytes at most.
pub(super) const CARRIED: (u64, usize) = (7 * DAY, 4 << 20);

/// Of a DM of ours that was received, more may be learnt so long (protocol.md §10.2).
pub(super) const OUTBOX: u64 = 7 * DAY;

/// DMs of ours in the outbox are at most so many.
const OUTBOX_MAX: u32 = 4_096;

/// Reads all of it.
pub(super) fn load(db: &Connection, me: Option<PublicKey>, unix: u64) -> rusqlite::Result<Archive> {
    Ok(Archive {
        outbox: outbox(db, me, unix)?,
        posts: posts(db, unix)?,
        known: known(db, unix)?,
        carried: carried(db, unix)?,
        lamport: lamport(db)?,
    })
}

/// What has arrived but may not be on the disk is asked for once more for 7 days; what has not is the engine's to give up.
fn outbox(db: &Connection, me: Option<PublicKey>, unix: u64) -> rusqlite::Result<Vec<Outgoing>> {
    let mut find = db.prepare(
        "SELECT message_id, peer, text, at, mark, author FROM line INDEXED BY line_open
         WHERE mark IN ('waiting', 'sent', 'received') AND ours = 1 AND typeof(peer) = 'blob'
         AND (mark <> 'received' OR at >= ?) ORDER BY row DESC LIMIT ?",
    )?;
    let oldest = columns::stored(unix.saturating_sub(OUTBOX));
    let mut rows = find.query(params![oldest, OUTBOX_MAX])?;
    let mut outbox = Vec::new();
    while let Some(row) = rows.next()? {
        if me.is_some() && columns::key(row, 5)? != me {
            continue;
        }
        let id = OwnMessageId::parse(row.get_ref(0)?.as_str()?);
        let mark = columns::mark(row.get_ref(4)?.as_str()?);
        let (Some(id), Some(to), Some(mark)) = (id, columns::key(row, 1)?, mark) else { continue };
        outbox.push(Outgoing { id, to, text: row.get::<_, Arc<str>>(2)?, at: columns::number(row, 3)?, mark });
    }
    outbox.reverse();
    Ok(outbox)
}

fn posts(db: &Connection, unix: u64) -> rusqlite::Result<Vec<PostRecord>> {
    let mut find = db.prepare(
        "SELECT post.row FROM post JOIN line ON line.row = post.row WHERE since >= ?
         ORDER BY post.lamport DESC, author DESC, id DESC, post.row DESC LIMIT ?",
    )?;
    let oldest = columns::stored(unix.saturating_sub(POSTS.0));
    let rows = find.query_map(params![oldest, POSTS.1], |row| row.get(0))?.collect::<rusqlite::Result<Vec<i64>>>()?;
    let mut fetch = db.prepare(
        "SELECT author, number, id, post.lamport, raw, long, since, text FROM post JOIN line ON line.row = post.row
         WHERE post.row = ?",
    )?;
    let (mut posts, mut bytes) = (Vec::new(), 0);
    for row in rows {
        let Some(post) = fetch.query_row([row], post).optional()?.flatten() else { continue };
        bytes += post.raw.len() + post.long.as_deref().map_or(0, str::len);
        if bytes > POSTS.2 {
            break;
        }
        posts.push(post);
    }
    posts.reverse();
    Ok(posts)
}

fn post(row: &Row<'_>) -> rusqlite::Result<Option<PostRecord>> {
    let (Some(author), Some(id)) = (columns::key(row, 0)?, columns::content_id(row, 2)?) else { return Ok(None) };
    Ok(Some(PostRecord {
        author,
        number: columns::number(row, 1)?,
        id,
        lamport: columns::number(row, 3)?,
        raw: Arc::from(row.get_ref(4)?.as_blob()?),
        long: match row.get_ref(5)? {
            ValueRef::Integer(_) => Some(row.get(7)?),
            ValueRef::Text(_) => Some(row.get(5)?),
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Blob(_) => None,
        },
        since: columns::number(row, 6)?,
    }))
}

fn known(db: &Connection, unix: u64) -> rusqlite::Result<Vec<(PublicKey, Vec<RangeInclusive<u64>>)>> {
    let mut authors: BTreeMap<PublicKey, Vec<RangeInclusive<u64>>> = BTreeMap::new();
    let mut find = db.prepare(
        "SELECT author, number, number FROM post JOIN line ON line.row = post.row WHERE since >= ?
         UNION ALL SELECT author, first, last FROM gone ORDER BY 1, 2",
    )?;
    let mut rows = find.query([columns::stored(unix.saturating_sub(KNOWN))])?;
    while let Some(row) = rows.next()? {
        let Some(author) = columns::key(row, 0)? else { continue };
        let (first, last) = (columns::number(row, 1)?, columns::number(row, 2)?);
        let ranges = authors.entry(author).or_default();
        match ranges.last_mut() {
            Some(range) if first <= range.end().saturating_add(1) => *range = *range.start()..=last.max(*range.end()),
            _ => ranges.push(first..=last),
        }
    }
    Ok(authors.into_iter().collect())
}

fn carried(db: &Connection, unix: u64) -> rusqlite::Result<Vec<Carried>> {
    let mut find = db.prepare(
        "SELECT recipient, author, id, message_id, raw, since FROM carried WHERE since >= ? ORDER BY since DESC, id DESC",
    )?;
    let mut rows = find.query([columns::stored(unix.saturating_sub(CARRIED.0))])?;
    let (mut carried, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let (to, author, id) = (columns::key(row, 0)?, columns::key(row, 1)?, columns::content_id(row, 2)?);
        let (Some(to), Some(author), Some(id)) = (to, author, id) else { continue };
        let raw: Arc<[u8]> = Arc::from(row.get_ref(4)?.as_blob()?);
        bytes += raw.len();
        if bytes > CARRIED.1 {
            break;
        }
        carried.push(Carried { to, author, id, message_id: row.get(3)?, raw, since: columns::number(row, 5)? });
    }
    carried.reverse();
    Ok(carried)
}

/// The greatest of all lines, those that were removed included.
fn lamport(db: &Connection) -> rusqlite::Result<u64> {
    let lines: Option<i64> = db.query_row("SELECT max(lamport) FROM line", [], |row| row.get(0))?;
    let removed: Option<i64> =
        db.query_row("SELECT value FROM note WHERE name = 'lamport'", [], |row| row.get(0)).optional()?;
    Ok(lines.max(removed).and_then(|lamport| u64::try_from(lamport).ok()).unwrap_or(0))
}

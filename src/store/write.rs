//! One batch of what is to be kept, in one transaction.

use std::collections::BTreeMap;

use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::engine::{Carried, Commit, Entry, Kind, Outcome, PostRecord, RowId, Ticket};
use crate::wire::PieceHash;

use super::columns::{self, Who};
use super::keep::{self, Share};
use super::words::spaced;
use super::{Keep, gone};

/// Writes all of it, or nothing. The oldest lines make place for it where they have to.
pub(super) fn batch(
    db: &mut Connection,
    batch: &[Commit],
    keep: Keep,
    now: u64,
) -> rusqlite::Result<Vec<(Ticket, Outcome)>> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut senders = Senders::new();
    for commit in batch {
        match commit {
            Commit::Entry(ticket, entry) => outcomes.push((*ticket, put(&tx, entry, &mut senders)?)),
            Commit::Mark(id, mark) => {
                tx.prepare_cached("UPDATE line SET mark = ? WHERE ours = 1 AND message_id = ?")?
                    .execute(params![columns::mark_word(*mark), id.to_string()])?;
            }
            Commit::Carry(carried) => carry(&tx, carried)?,
            Commit::Delivered(PieceHash(id)) => {
                tx.prepare_cached("DELETE FROM carried WHERE id = ?")?.execute([id])?;
            }
        }
    }
    for (peer, added) in senders {
        let peer = Value::from(peer);
        let share = count(&tx, &peer, added)?;
        keep::within_share(&tx, &peer, share, now)?;
    }
    if !outcomes.is_empty() {
        keep::by_size(&tx, keep.size, now)?;
    }
    tx.commit()?;
    Ok(outcomes)
}

/// What each sender adds in one batch.
type Senders<'a> = BTreeMap<Who<'a>, Share>;

/// Adds to what a sender has; all of it.
fn count(tx: &Transaction<'_>, peer: &Value, added: Share) -> rusqlite::Result<Share> {
    let mut count = tx.prepare_cached(
        "INSERT INTO sender VALUES(?1, ?2, ?3, ?4) ON CONFLICT(peer) DO UPDATE
         SET rank = ?2, lines = lines + ?3, bytes = bytes + ?4 RETURNING lines, bytes",
    )?;
    count.query_row(params![peer, added.rank, added.lines, added.bytes], |row| {
        Ok(Share { rank: added.rank, lines: row.get(0)?, bytes: row.get(1)? })
    })
}

fn put<'a>(tx: &Transaction<'_>, entry: &'a Entry, senders: &mut Senders<'a>) -> rusqlite::Result<Outcome> {
    if gone::is_gone(tx, entry)? {
        return Ok(Outcome::Again);
    }
    // Nobody writes so many posts: such a number is a lie, and the post is passed on to nobody.
    let post = entry.post.as_deref().filter(|post| i64::try_from(post.number).is_ok());
    // What is ours, or no text, is nothing that somebody has yet to see.
    let read = entry.ours || entry.kind == Kind::Profile;
    let mut insert = tx.prepare_cached(
        "INSERT INTO line (lamport, author, id, number, message_id, kind, ours, peer, text, stamp, at, mark, read, details)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (author, message_id) WHERE message_id <> '' DO NOTHING",
    )?;
    let added = insert.execute(params![
        columns::stored(entry.lamport),
        Who::author(&entry.author),
        post.map_or(&[][..], |post| &post.id.0),
        post.map(|post| columns::stored(post.number)),
        entry.message_id,
        columns::kind_word(entry.kind),
        entry.ours,
        entry.with.as_ref().map(Who::peer),
        entry.text,
        columns::stored(entry.stamp),
        columns::stored(entry.at),
        entry.mark.map(columns::mark_word),
        read,
        entry.with.as_ref().and_then(columns::details),
    ])?;
    if added == 0 {
        return Ok(Outcome::Again);
    }
    let row = tx.last_insert_rowid();
    tx.prepare_cached("INSERT INTO words(rowid, text) VALUES(?, ?)")?.execute(params![row, spaced(&entry.text)])?;
    if let Some(post) = post {
        keep_post(tx, row, post, &entry.text)?;
    }
    if let Some(peer) = entry.with.as_ref().filter(|_| !entry.ours) {
        let share = senders.entry(Who::peer(peer)).or_insert(Share { rank: 0, lines: 0, bytes: 0 });
        share.rank = columns::rank(peer.trust);
        share.lines += 1;
        share.bytes += entry.text.len() as i64;
    }
    Ok(Outcome::Stored(RowId(row)))
}

fn keep_post(tx: &Transaction<'_>, row: i64, post: &PostRecord, text: &str) -> rusqlite::Result<()> {
    let long = match post.long.as_deref() {
        None => Value::Null,
        Some(long) if long == text => Value::Integer(1),
        Some(long) => Value::Text(long.to_owned()),
    };
    tx.prepare_cached("INSERT INTO post VALUES(?, ?, ?, ?, ?)")?.execute(params![
        row,
        columns::stored(post.lamport),
        columns::stored(post.since),
        &*post.raw,
        long
    ])?;
    Ok(())
}

fn carry(tx: &Transaction<'_>, carried: &Carried) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT OR IGNORE INTO carried VALUES(?, ?, ?, ?, ?, ?)")?.execute(params![
        carried.id.0,
        carried.to.0,
        carried.author.0,
        carried.message_id,
        columns::stored(carried.since),
        &*carried.raw
    ])?;
    Ok(())
}

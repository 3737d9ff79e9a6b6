//! What makes place: by age, by size, and so that nobody takes more than a share. Words of what goes by age are taken out
//! of the index at once, all others when the index writes itself anew.
//!
//! The clock may be wrong by years and nothing is lost by that. After a jump of the clock, removing by age waits for a day
//! without another one: so long a wrong clock has to be put right. And ages count in the order in which the lines came: a
//! line that is stamped before there was such a program, or in the future, is as old as the lines around it.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::archive::{CARRIED, KNOWN, OUTBOX};
use super::columns::stored;
use super::{Keep, gone};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;

/// 2026-01-01: nothing was kept before.
const FIRST: u64 = 1_767_225_600;

/// From one look at the clock to the next there may be a holiday.
const AWAY: u64 = 30 * DAY;

/// True of a line in the outbox; `?1` is when the oldest were written of which more may be learnt.
const IS_OPEN: &str = "ifnull(mark IN ('waiting', 'sent') OR mark = 'received' AND at >= ?1, 0)";

/// Lines that are removed in one transaction.
pub(super) const STEP: usize = 256;

/// Lines whose age is looked at for one step.
const LOOK: usize = 4_096;

/// A smaller file than this cannot be asked for, bytes: it would hold nothing.
const SMALLEST: u64 = 1 << 20;

/// Lines and bytes of text of one sender: without a key, or with one that came under another's name; with a key that the
/// user did not verify. Others have no share.
const SHARES: [(u8, i64, i64); 3] = [(0, 1_000, 4 << 20), (1, 1_000, 4 << 20), (2, 20_000, 64 << 20)];

/// What a sender has, as its table says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) rank: u8,
    pub(super) lines: i64,
    pub(super) bytes: i64,
}

/// Removes a little of what is too old or too much. True when there may be more.
pub(super) fn step(db: &mut Connection, keep: Keep, now: u64) -> rusqlite::Result<bool> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut removed = by_size(&tx, keep.size, now)?;
    if is_settled(&tx, now)? {
        if let Some(time) = keep.time {
            removed += by_age(&tx, now.saturating_sub(time.as_secs()), now)?;
        }
        removed += tx
            .prepare_cached("DELETE FROM post WHERE row IN (SELECT row FROM post WHERE since < ? LIMIT ?)")?
            .execute(params![stored(now.saturating_sub(KNOWN)), STEP as i64])?;
        removed += tx
            .prepare_cached("DELETE FROM carried WHERE id IN (SELECT id FROM carried WHERE since < ? LIMIT ?)")?
            .execute(params![stored(now.saturating_sub(CARRIED.0)), STEP as i64])?;
    }
    gone::shorten(&tx)?;
    tx.commit()?;
    Ok(removed > 0)
}

/// True when the clock has not jumped for a day, as far as is known.
fn is_settled(tx: &Transaction<'_>, now: u64) -> rusqlite::Result<bool> {
    let note = |name: &str| {
        let mut find = tx.prepare_cached("SELECT value FROM note WHERE name = ?")?;
        let value: Option<i64> = find.query_row([name], |row| row.get(0)).optional()?;
        Ok::<_, rusqlite::Error>(value.and_then(|value| u64::try_from(value).ok()))
    };
    let (seen, mut settled) = (note("clock")?, note("settled")?.unwrap_or(0));
    if seen.is_some_and(|seen| now > seen.saturating_add(AWAY) || now.saturating_add(DAY) < seen) {
        settled = now.saturating_add(DAY);
    }
    // Not for every start of a program that only asks something.
    if seen.is_none_or(|seen| now.abs_diff(seen) >= HOUR) {
        let mut write = tx.prepare_cached("INSERT OR REPLACE INTO note VALUES(?, ?)")?;
        write.execute(params!["clock", stored(now)])?;
        write.execute(params!["settled", stored(settled)])?;
    }
    Ok(now >= settled)
}

/// Removes the oldest lines up to the last that is older than `oldest` and has no younger one before it.
fn by_age(tx: &Transaction<'_>, oldest: u64, now: u64) -> rusqlite::Result<usize> {
    let mut find = tx.prepare_cached(&format!("SELECT row, at, {IS_OPEN} FROM line ORDER BY row LIMIT ?2"))?;
    let mut rows = find.query(params![stored(now.saturating_sub(OUTBOX)), LOOK as i64])?;
    let (mut old, mut doubtful) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let at = super::columns::number(row, 1)?;
        if !row.get::<_, bool>(2)? {
            doubtful.push(row.get::<_, i64>(0)?);
        }
        match at {
            at if at < FIRST || at > now.saturating_add(DAY) => {}
            at if at < oldest => old.append(&mut doubtful),
            _ => break,
        }
        if old.len() >= STEP {
            break;
        }
    }
    drop(rows);
    for row in &old {
        gone::remove(tx, *row, now)?;
        gone::leave_words(tx)?;
    }
    Ok(old.len())
}

/// Removes the oldest lines while the file is too large; of those without a key when these have more than a quarter.
pub(super) fn by_size(tx: &Transaction<'_>, size: u64, now: u64) -> rusqlite::Result<usize> {
    let size = size.max(SMALLEST);
    let used: i64 = tx.query_row(
        "SELECT (page_count - freelist_count) * page_size
         FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
        [],
        |row| row.get(0),
    )?;
    if u64::try_from(used).unwrap_or(0) <= size {
        return Ok(0);
    }
    let plain: i64 =
        tx.query_row("SELECT ifnull(sum(bytes), 0) FROM sender WHERE typeof(peer) = 'text'", [], |row| row.get(0))?;
    let whose = if u64::try_from(plain).unwrap_or(0) > size / 4 { "typeof(peer) = 'text' AND" } else { "" };
    let rows = tx
        .prepare_cached(&format!("SELECT row FROM line WHERE {whose} NOT {IS_OPEN} ORDER BY row LIMIT ?2"))?
        .query_map(params![stored(now.saturating_sub(OUTBOX)), STEP as i64], |row| row.get(0))?
        .collect::<rusqlite::Result<Vec<i64>>>()?;
    for row in &rows {
        gone::remove(tx, *row, now)?;
    }
    Ok(rows.len())
}

/// Removes the oldest of what somebody has sent, if it is more than a share.
pub(super) fn within_share(tx: &Transaction<'_>, peer: &Value, share: Share, now: u64) -> rusqlite::Result<()> {
    let Some((_, most, most_bytes)) = SHARES.into_iter().find(|(rank, ..)| *rank == share.rank) else { return Ok(()) };
    if share.lines <= most && share.bytes <= most_bytes {
        return Ok(());
    }
    // Some more than has to be, so that not every line of a full share is a search for the oldest.
    let (spare, spare_bytes) = (most - most / 50, most_bytes - most_bytes / 50);
    let mut find =
        tx.prepare_cached("SELECT row, octet_length(text) FROM line WHERE peer = ? AND ours = 0 ORDER BY row")?;
    let mut rows = find.query([peer])?;
    let (mut lines, mut bytes, mut old) = (share.lines, share.bytes, Vec::new());
    while lines > spare || bytes > spare_bytes {
        let Some(row) = rows.next()? else { break };
        lines -= 1;
        bytes -= row.get::<_, i64>(1)?;
        old.push(row.get::<_, i64>(0)?);
    }
    drop(rows);
    for row in old {
        gone::remove(tx, row, now)?;
    }
    Ok(())
}

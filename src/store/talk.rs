//! Who there are conversations with.

use rusqlite::{Connection, Row};

use super::Line;
use super::columns::{self, LINE};
use super::read::Unanswered;

/// Most talks that are told, the newest.
const TALKS: u32 = 1_000;

/// Characters of the last line of a talk.
const SHOWN: u32 = 500;

/// What was said to everyone, and with each one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talks {
    /// To everyone.
    pub everyone: Talk,
    /// With one, the one whose last line came last first. At most 1,000.
    pub people: Vec<Talk>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Talk {
    /// Its last line in the order of the history; at most 500 characters of its text.
    pub last: Option<Line>,
    /// Lines that nobody has read.
    pub unread: u64,
}

/// The columns of [`LINE`], with the beginning of the text only.
fn columns() -> String {
    LINE.replace("line.text", &format!("substr(line.text, 1, {SHOWN})"))
}

/// See [`History::talks`](super::History::talks).
pub(super) fn talks(db: &Connection) -> Result<Talks, Unanswered> {
    let columns = columns();
    // One moment for all.
    let tx = db.unchecked_transaction()?;
    let everyone = tx
        .prepare(&format!(
            "SELECT {columns} FROM line WHERE kind = 'post'
             ORDER BY lamport DESC, plain DESC, placed DESC, id DESC, row DESC LIMIT 1"
        ))?
        .query_map([], columns::line)?
        .next()
        .transpose()?;
    let unread =
        tx.query_row("SELECT count(*) FROM line WHERE read = 0 AND kind = 'post'", [], |row| columns::number(row, 0))?;
    // From one person to the next, and never all lines of one.
    let sql = format!(
        "WITH RECURSIVE talk(who) AS (
             SELECT (SELECT min(peer) FROM line WHERE kind IN ('dm', 'sealed'))
             UNION ALL
             SELECT (SELECT min(peer) FROM line WHERE kind IN ('dm', 'sealed') AND peer > who)
             FROM talk WHERE who IS NOT NULL
         ),
         newest(who, last) AS (
             SELECT who, (SELECT row FROM line WHERE kind IN ('dm', 'sealed') AND peer = who
                          ORDER BY lamport DESC, plain DESC, placed DESC, id DESC, row DESC LIMIT 1) AS last
             FROM talk WHERE who IS NOT NULL ORDER BY last DESC LIMIT {TALKS}
         )
         SELECT {columns},
             (SELECT count(*) FROM line WHERE read = 0 AND kind IN ('dm', 'sealed') AND peer = who)
         FROM newest CROSS JOIN line ON line.row = last ORDER BY last DESC"
    );
    let people = tx.prepare(&sql)?.query_map([], talk)?.collect::<rusqlite::Result<Vec<Talk>>>()?;
    Ok(Talks { everyone: Talk { last: everyone, unread }, people })
}

fn talk(row: &Row<'_>) -> rusqlite::Result<Talk> {
    Ok(Talk { last: Some(columns::line(row)?), unread: columns::number(row, columns::WIDTH)? })
}

//! Questions to the history.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use crate::engine::{Mark, RowId};
use crate::wire::OwnMessageId;

use super::columns::{self, LINE, Who, stored};
use super::trouble::{Fault, reason};
use super::words::{WORDS_MAX, question};
use super::{Line, Query};

/// Most lines that a search returns.
pub(super) const FOUND_MAX: u32 = 1_000;

/// Lines that are read at a time.
const PAGE: u32 = 256;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Unanswered {
    TooManyWords,
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Unanswered {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Unanswered {
    /// True when the file is to blame.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self, Self::Sqlite(error) if Fault::of(error) == Fault::Broken)
    }
}

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooManyWords => write!(f, "at most {WORDS_MAX} words can be searched for at once"),
            Self::Sqlite(error) => f.write_str(&reason(error)),
        }
    }
}

/// Conditions, and what stands in them.
#[derive(Debug, Clone, Default)]
struct Filter {
    sql: String,
    values: Vec<Value>,
}

impl Filter {
    fn of(query: &Query) -> Self {
        let mut filter = Self::default();
        if let Some(key) = &query.with {
            filter.and("peer = ?", [Value::from(Who::Key(key))]);
        }
        if let Some(label) = &query.with_label {
            filter.and("peer = ?", [Value::from(Who::Label(label))]);
        }
        if let Some(topic) = query.topic {
            filter.and(columns::condition(topic), []);
        }
        if let Some(since) = query.since {
            filter.and("at > ?", [Value::Integer(stored(since))]);
        }
        if query.unread {
            filter.and("read = 0", []);
        }
        filter
    }

    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Value>) {
        self.sql.push_str(if self.sql.is_empty() { "WHERE " } else { " AND " });
        self.sql.push_str(condition);
        self.values.extend(values);
    }
}

/// The place of a line in the order of the history.
type Place = [Value; 5];

fn place(db: &Connection, RowId(row): RowId) -> rusqlite::Result<Option<Place>> {
    let mut find = db.prepare_cached("SELECT lamport, plain, placed, id, row FROM line WHERE row = ?")?;
    find.query_row([row], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?])).optional()
}

/// See [`History::lines`](super::History::lines).
pub(super) fn lines(db: &Connection, query: &Query) -> Result<Vec<Line>, Unanswered> {
    let words = query.words.as_deref().map(question).transpose().map_err(|_| Unanswered::TooManyWords)?.flatten();
    match words {
        Some(words) => found(db, query, words),
        None => newest(db, query),
    }
}

fn newest(db: &Connection, query: &Query) -> Result<Vec<Line>, Unanswered> {
    let mut filter = Filter::of(query);
    if let Some(before) = query.before {
        let Some(place) = place(db, before)? else { return Ok(Vec::new()) };
        filter.and("(lamport, plain, placed, id, row) < (?, ?, ?, ?, ?)", place);
    }
    filter.values.push(Value::Integer(query.limit.map_or(-1, i64::from)));
    let sql = format!(
        "SELECT {LINE} FROM line {} ORDER BY lamport DESC, plain DESC, placed DESC, id DESC, row DESC LIMIT ?",
        filter.sql
    );
    let mut find = db.prepare(&sql)?;
    let mut lines =
        find.query_map(params_from_iter(filter.values), columns::line)?.collect::<rusqlite::Result<Vec<Line>>>()?;
    lines.reverse();
    Ok(lines)
}

/// Those that came last, for the index knows no other order.
fn found(db: &Connection, query: &Query, words: String) -> Result<Vec<Line>, Unanswered> {
    let mut filter = Filter::default();
    filter.and("words MATCH ?", [Value::Text(words)]);
    let rest = Filter::of(query);
    if !rest.sql.is_empty() {
        filter.and(rest.sql.trim_start_matches("WHERE "), rest.values);
    }
    if let Some(RowId(row)) = query.before {
        filter.and("words.rowid < ?", [Value::Integer(row)]);
    }
    filter.values.push(Value::Integer(query.limit.unwrap_or(FOUND_MAX).min(FOUND_MAX).into()));
    let sql = format!(
        "SELECT {LINE}, placed, id FROM words CROSS JOIN line ON line.row = words.rowid {}
         ORDER BY words.rowid DESC LIMIT ?",
        filter.sql
    );
    let mut find = db.prepare(&sql)?;
    let mut rows = find.query(params_from_iter(filter.values))?;
    let mut lines = Vec::new();
    while let Some(row) = rows.next()? {
        let line = columns::line(row)?;
        let placed: Vec<u8> = row.get("placed")?;
        let id: Vec<u8> = row.get("id")?;
        lines.push(((line.lamport, id.is_empty(), placed, id, line.row), line));
    }
    lines.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

/// See [`History::unread`](super::History::unread).
pub(super) fn unread(db: &Connection) -> Result<u64, Unanswered> {
    Ok(db.query_row("SELECT count(*) FROM line WHERE read = 0", [], |row| columns::number(row, 0))?)
}

/// See [`History::mark`](super::History::mark).
pub(super) fn mark(db: &Connection, id: OwnMessageId) -> Result<Option<Mark>, Unanswered> {
    let mut find = db.prepare("SELECT mark FROM line WHERE ours = 1 AND message_id = ?")?;
    let word: Option<Option<String>> = find.query_row([id.to_string()], |row| row.get(0)).optional()?;
    Ok(word.flatten().as_deref().and_then(columns::mark))
}

/// The next page of an export, the oldest lines first: those after this place that the query wants, and where to go on.
#[derive(Debug)]
pub(super) struct Pages {
    filter: Filter,
    /// Rows with the words, ascending.
    rows: Option<Vec<i64>>,
    after: Option<Place>,
}

impl Pages {
    pub(super) fn new(db: &Connection, query: &Query) -> Result<Self, Unanswered> {
        let words = query.words.as_deref().map(question).transpose().map_err(|_| Unanswered::TooManyWords)?.flatten();
        let rows = match words {
            Some(words) => Some(
                db.prepare("SELECT rowid FROM words WHERE words MATCH ? ORDER BY rowid")?
                    .query_map([words], |row| row.get(0))?
                    .collect::<rusqlite::Result<Vec<i64>>>()?,
            ),
            None => None,
        };
        let mut filter = Filter::of(query);
        if let Some(before) = query.before {
            match place(db, before)? {
                Some(place) => filter.and("(lamport, plain, placed, id, row) < (?, ?, ?, ?, ?)", place),
                None => filter.and("0", []),
            }
        }
        let mut pages = Self { filter, rows, after: None };
        if let Some(limit) = query.limit {
            pages.skip_to_newest(db, limit)?;
        }
        Ok(pages)
    }

    /// Leaves out all but the newest so many.
    fn skip_to_newest(&mut self, db: &Connection, limit: u32) -> rusqlite::Result<()> {
        let sql = format!(
            "SELECT lamport, plain, placed, id, row FROM line {} ORDER BY lamport DESC, plain DESC, placed DESC, id DESC, row DESC",
            self.filter.sql
        );
        let mut find = db.prepare(&sql)?;
        let mut rows = find.query(params_from_iter(&self.filter.values))?;
        let mut seen = 0;
        while let Some(row) = rows.next()? {
            let number: i64 = row.get(4)?;
            if self.rows.as_ref().is_some_and(|rows| rows.binary_search(&number).is_err()) {
                continue;
            }
            if seen == limit {
                self.after = Some([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]);
                break;
            }
            seen += 1;
        }
        Ok(())
    }

    /// The next lines; none at the end.
    pub(super) fn next(&mut self, db: &Connection) -> Result<Option<Vec<Line>>, Unanswered> {
        let mut filter = self.filter.clone();
        if let Some(after) = &self.after {
            filter.and("(lamport, plain, placed, id, row) > (?, ?, ?, ?, ?)", after.clone());
        }
        let sql =
            format!("SELECT {LINE} FROM line {} ORDER BY lamport, plain, placed, id, row LIMIT {PAGE}", filter.sql);
        let mut find = db.prepare_cached(&sql)?;
        let page = find.query_map(params_from_iter(filter.values), columns::line)?;
        let mut page = page.collect::<rusqlite::Result<Vec<Line>>>()?;
        let Some(last) = page.last() else { return Ok(None) };
        match place(db, last.row)? {
            Some(place) => self.after = Some(place),
            // It was removed meanwhile: the others are read once more next time.
            None => return self.next(db),
        }
        if let Some(rows) = &self.rows {
            page.retain(|line| rows.binary_search(&line.row.0).is_ok());
        }
        Ok(Some(page))
    }
}

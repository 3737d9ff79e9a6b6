//! What stands in the columns of a line.

use std::net::SocketAddrV4;

use rusqlite::Row;
use rusqlite::types::{ToSql, ToSqlOutput, Value, ValueRef};
use serde::{Deserialize, Serialize};

use crate::engine::{Author, Correspondent, Failure, Kind, Mark, RowId, Trust};
use crate::wire::{PieceHash, PublicKey};

use super::{Line, Person, Topic};

/// The first byte of the details.
const DETAILS: u8 = 1;

/// All columns that [`line()`] reads, in its order.
pub(super) const LINE: &str = "row, kind, ours, peer, details, message_id, line.text, stamp, at, lamport, mark, read";

/// How many these are.
pub(super) const WIDTH: usize = 12;

/// Somebody, as a column has it: a key is a blob, a label a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who<'a> {
    Key(&'a PublicKey),
    Label(&'a str),
}

impl<'a> Who<'a> {
    pub(super) fn author(author: &'a Author) -> Self {
        match author {
            Author::Key(key) => Self::Key(key),
            Author::Label(label) => Self::Label(label),
        }
    }

    pub(super) fn peer(peer: &'a Correspondent) -> Self {
        peer.key.as_ref().map_or(Self::Label(&peer.user_id), Self::Key)
    }
}

impl From<Who<'_>> for Value {
    fn from(who: Who<'_>) -> Self {
        match who {
            Who::Key(key) => Self::Blob(key.0.to_vec()),
            Who::Label(label) => Self::Text(label.to_owned()),
        }
    }
}

impl ToSql for Who<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Key(key) => ValueRef::Blob(&key.0),
            Self::Label(label) => ValueRef::Text(label.as_bytes()),
        }))
    }
}

/// What is kept of the other end besides who it is.
#[derive(Debug, Serialize, Deserialize)]
struct Details {
    user_id: String,
    name: String,
    trust: u8,
    address: Option<SocketAddrV4>,
}

/// The details of a line, to be written.
pub(super) fn details(peer: &Correspondent) -> Option<Vec<u8>> {
    let details = Details {
        user_id: (*peer.user_id).to_owned(),
        name: peer.name.clone(),
        trust: rank(peer.trust),
        address: peer.address,
    };
    let mut bytes = vec![DETAILS];
    rmp_serde::encode::write(&mut bytes, &details).ok()?;
    Some(bytes)
}

fn read_details(bytes: &[u8]) -> Option<Details> {
    let (&DETAILS, body) = bytes.split_first()? else { return None };
    rmp_serde::from_slice(body).ok()
}

/// Trust as a number: more is better known.
pub(super) fn rank(trust: Trust) -> u8 {
    match trust {
        Trust::Unsigned => 0,
        Trust::Changed => 1,
        Trust::Known => 2,
        Trust::Verified => 3,
    }
}

fn trust(rank: u8) -> Trust {
    match rank {
        0 => Trust::Unsigned,
        1 => Trust::Changed,
        2 => Trust::Known,
        _ => Trust::Verified,
    }
}

/// The word for a kind.
pub(super) fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Post => "post",
        Kind::Dm { private: false } => "dm",
        Kind::Dm { private: true } => "sealed",
        Kind::Profile => "profile",
    }
}

/// The condition for lines of a topic, as the indexes have it.
pub(super) fn condition(topic: Topic) -> &'static str {
    match topic {
        Topic::Posts => "kind = 'post'",
        Topic::Dms => "kind IN ('dm', 'sealed')",
    }
}

fn kind(word: &str) -> Option<Kind> {
    let kinds = [Kind::Post, Kind::Dm { private: false }, Kind::Dm { private: true }, Kind::Profile];
    kinds.into_iter().find(|kind| kind_word(*kind) == word)
}

/// The word for a mark: [`Mark::word`], and with a failure its reason.
pub(super) fn mark_word(mark: Mark) -> &'static str {
    match mark {
        Mark::Failed(Failure::Expired) => "failed: expired",
        Mark::Failed(Failure::Blocked) => "failed: blocked",
        Mark::Failed(Failure::BadKey) => "failed: bad key",
        Mark::Failed(Failure::Dropped) => "failed: dropped",
        Mark::Waiting | Mark::Sent | Mark::Acknowledged | Mark::Received | Mark::Stored => mark.word(),
    }
}

/// The mark of that word.
pub(super) fn mark(word: &str) -> Option<Mark> {
    let failures = [Failure::Expired, Failure::Blocked, Failure::BadKey, Failure::Dropped].map(Mark::Failed);
    let marks = [Mark::Waiting, Mark::Sent, Mark::Acknowledged, Mark::Received, Mark::Stored];
    marks.into_iter().chain(failures).find(|mark| mark_word(*mark) == word)
}

/// A number as SQLite has them: what is beyond 2^63 counts as the greatest there is.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as it was written by [`stored`].
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(column)?).unwrap_or(0))
}

/// The key in a column; none for a label.
pub(super) fn key(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<PublicKey>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Blob(bytes) => bytes.try_into().ok().map(PublicKey),
        ValueRef::Text(_) | ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
    })
}

/// The content id in a column.
pub(super) fn content_id(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<PieceHash>> {
    Ok(row.get_ref(column)?.as_blob()?.try_into().ok().map(PieceHash))
}

/// The other end in a row of [`LINE`]. Where the details are of a version that is not known, it is who it is.
fn person(row: &Row<'_>) -> rusqlite::Result<Option<Person>> {
    let peer: Option<Value> = row.get(3)?;
    let details: Option<Vec<u8>> = row.get(4)?;
    let label = match peer {
        None => return Ok(None),
        Some(Value::Text(label)) => label,
        Some(Value::Blob(_) | Value::Null | Value::Integer(_) | Value::Real(_)) => String::new(),
    };
    let key = key(row, 3)?;
    let details = details.as_deref().and_then(read_details);
    let Some(Details { user_id, name, trust: rank, address: _ }) = details else {
        return Ok(Some(Person { key, user_id: label, name: String::new(), trust: trust(0) }));
    };
    Ok(Some(Person { key, user_id, name, trust: trust(rank) }))
}

/// The line in a row of [`LINE`].
pub(super) fn line(row: &Row<'_>) -> rusqlite::Result<Line> {
    let foreign = |what: &str| rusqlite::Error::ToSqlConversionFailure(format!("no {what} of ours").into());
    let word: Option<String> = row.get(10)?;
    Ok(Line {
        row: RowId(row.get(0)?),
        kind: kind(row.get_ref(1)?.as_str()?).ok_or_else(|| foreign("kind"))?,
        ours: row.get(2)?,
        with: person(row)?,
        message_id: row.get(5)?,
        text: row.get(6)?,
        stamp: number(row, 7)?,
        at: number(row, 8)?,
        lamport: number(row, 9)?,
        mark: word.as_deref().and_then(mark),
        read: row.get(11)?,
    })
}

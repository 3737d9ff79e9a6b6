//! One line of the board as its author signed it (protocol.md §11.5).

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use crate::engine::Channel;
use crate::wire::{DataBody, Envelope, Message, PieceHash, PublicKey, Safe, decode};

use super::super::{Error, Row, json};
use super::{Entry, Progress};

/// Greatest LAMPORT that is believed.
pub(super) const LAMPORT_MAX: u64 = (1 << 40) - 1;

/// Longest user, lesson and status, characters.
const WORD_MAX: usize = 64;

/// Whose progress with what: the board has one line of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// The first 8 bytes of the hash of both: lines are compared with those of others in this order.
    pub(super) hash: u64,
    pub(super) user: String,
    pub(super) lesson: String,
}

impl Name {
    pub(super) fn of(progress: &Progress) -> Self {
        let Progress { user, lesson, .. } = progress;
        let hash = blake3::hash(format!("{user}\n{lesson}").as_bytes());
        let hash = hash.as_bytes().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        Self { hash, user: user.clone(), lesson: lesson.clone() }
    }

    /// The name of its row on the disk.
    pub(super) fn row(&self) -> Vec<u8> {
        format!("{}\n{}", self.user, self.lesson).into_bytes()
    }
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) entry: Entry,
    /// Of the signed datagram.
    pub(super) hash: PieceHash,
    pub(super) raw: Arc<[u8]>,
    /// What it says, when that does not fit into the datagram.
    pub(super) long: Option<Arc<[u8]>>,
}

/// Of two lines of the same name the greater stands.
pub(super) type Rank = (u64, PublicKey, PieceHash);

#[derive(Deserialize)]
struct Fields<'a> {
    v: u64,
    #[serde(borrow)]
    user: Cow<'a, str>,
    #[serde(borrow)]
    lesson: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    at: u64,
    lamport: u64,
}

/// What a line of ours says.
pub(super) fn write(progress: &Progress, lamport: u64) -> String {
    let Progress { user, lesson, status, at } = progress;
    let (user, lesson, status) = (json::string(user), json::string(lesson), json::string(status));
    format!("{{\"v\":1,\"user\":{user},\"lesson\":{lesson},\"status\":{status},\"at\":{at},\"lamport\":{lamport}}}")
}

/// Checks what a user or a program wants told.
pub(super) fn check(progress: &Progress) -> Result<(), Error> {
    let words = [&progress.user, &progress.lesson, &progress.status];
    match words.into_iter().all(|word| is_word(word)) {
        true => Ok(()),
        false => Err(Error::Bad(
            "user, lesson and status have 1 to 64 characters each, all of which can be shown, without spaces at the ends",
        )),
    }
}

fn is_word(word: &str) -> bool {
    let short = word.len() <= 4 * WORD_MAX && word.chars().count() <= WORD_MAX;
    short && !word.trim().is_empty() && word.trim() == word && !Safe::changes(word)
}

impl Record {
    /// Reads what somebody signed; `None` for what is no line, or breaks a limit.
    pub(super) fn read(author: PublicKey, raw: &Arc<[u8]>, body: &Arc<[u8]>) -> Option<Self> {
        let fields: Fields<'_> = serde_json::from_slice(body).ok().filter(|fields: &Fields<'_>| fields.v == 1)?;
        let progress = Progress {
            user: fields.user.into_owned(),
            lesson: fields.lesson.into_owned(),
            status: fields.status.into_owned(),
            at: fields.at,
        };
        if check(&progress).is_err() || !(1..=LAMPORT_MAX).contains(&fields.lamport) {
            return None;
        }
        let entry = Entry { progress, by: author, lamport: fields.lamport };
        let long = memchr::memmem::find(raw, b"\nLONG:").map(|_| Arc::clone(body));
        Some(Self { entry, hash: PieceHash::of(raw), raw: Arc::clone(raw), long })
    }

    pub(super) fn rank(&self) -> Rank {
        (self.entry.lamport, self.entry.by, self.hash)
    }

    pub(super) fn name(&self) -> Name {
        Name::of(&self.entry.progress)
    }

    /// The first 8 bytes of its hash.
    pub(super) fn mark(&self) -> u64 {
        self.hash.0.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }

    /// As it is kept: the length of the datagram, the datagram, and what it says where that is elsewhere.
    pub(super) fn row(&self) -> Row {
        let size = u32::try_from(self.raw.len()).unwrap_or_default().to_be_bytes();
        let value = [&size[..], &self.raw, self.long.as_deref().unwrap_or_default()].concat();
        Row { table: Channel::Board, key: self.name().row(), value: Some(value.into()) }
    }

    /// Reads what was kept; `None` for what is damaged.
    pub(super) fn restored(row: &Row) -> Option<Self> {
        let (size, rest) = row.value.as_deref()?.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
        let (raw, long) = rest.split_at_checked(size)?;
        let Message::Data(data) = decode(raw).ok()?.message else { return None };
        let body = match data.body {
            DataBody::Long(_) => long.to_vec(),
            DataBody::Text(_) | DataBody::Bytes(_) => data.body.bytes()?,
        };
        Self::read(Envelope::of(raw).ok()?.key, &raw.into(), &body.into())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn progress(user: &str, lesson: &str, status: &str) -> Progress {
        Progress { user: user.into(), lesson: lesson.into(), status: status.into(), at: 1_728_938_500 }
    }

    fn read(body: &str) -> Option<Record> {
        Record::read(PublicKey([1; 32]), &Arc::from(&b"raw"[..]), &Arc::from(body.as_bytes()))
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let progress = progress("fatuma", "lesson-001", "completed");
        let body = write(&progress, 3);
        assert_eq!(
            body,
            "{\"v\":1,\"user\":\"fatuma\",\"lesson\":\"lesson-001\",\"status\":\"completed\",\"at\":1728938500,\
             \"lamport\":3}"
        );
        let record = read(&body).unwrap();
        assert_eq!(record.entry, Entry { progress, by: PublicKey([1; 32]), lamport: 3 });
    }

    #[test]
    fn names_do_not_run_into_each_other() {
        assert_ne!(Name::of(&progress("a", "bc", "x")), Name::of(&progress("ab", "c", "x")));
        assert_ne!(Name::of(&progress("a", "bc", "x")).row(), Name::of(&progress("ab", "c", "x")).row());
        assert_eq!(Name::of(&progress("a", "b", "x")), Name::of(&progress("a", "b", "y")));
    }

    #[test]
    fn what_cannot_be_shown_or_counted_is_not_read() {
        let good = write(&progress("a", "b", "c"), 1);
        assert!(read(&good).is_some());
        let long = "x".repeat(65);
        for (what, other) in [
            ("\"a\"", "\"\""),
            ("\"a\"", "\" \""),
            ("\"a\"", "\"a\\nb\""),
            ("\"a\"", "\"\\u202eb\""),
            ("\"a\"", "\"\\u001b[2J\""),
            ("\"a\"", "7"),
            ("\"c\"", &format!("\"{long}\"")),
            ("\"lamport\":1", "\"lamport\":0"),
            ("\"lamport\":1", "\"lamport\":-1"),
            ("\"lamport\":1", "\"lamport\":1099511627776"),
            ("\"lamport\":1", "\"lamport\":1e3"),
            ("\"v\":1", "\"v\":2"),
            (",\"lamport\":1", ""),
        ] {
            let bad = good.replace(what, other);
            assert_ne!(bad, good);
            assert_eq!(read(&bad), None, "{bad}");
        }
        assert!(read(&good.replace("\"lamport\":1", "\"lamport\":1099511627775")).is_some());
    }

    #[test]
    fn a_damaged_row_is_none() {
        let row = |value: &[u8]| Row { table: Channel::Board, key: Vec::new(), value: Some(value.into()) };
        for value in [&b""[..], b"abc", &[0, 0, 0, 9, 1], &[255; 9], b"\0\0\0\x04TYPE"] {
            assert_eq!(Record::restored(&row(value)), None);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_line_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Record::read(PublicKey([1; 32]), &Arc::from(&b"raw"[..]), &bytes.clone().into());
            let _ = Record::restored(&Row { table: Channel::Board, key: Vec::new(), value: Some(bytes.into()) });
        }
    }
}

//! `SYNC`: which posts somebody has, and which it wants (protocol.md §10.4).

use std::ops::RangeInclusive;

use super::envelope::canonical_number;
use super::{DecodeError, Extension, Lines, PublicKey, Style, UserId, Writer, field};

/// Most bytes of the posts that one SYNC names.
pub const SYNC_MAX: usize = 640;

/// Which posts somebody has, or which it wants.
///
/// # Format
/// `FROM` (needed); `HAVE` with `SPAN`, and `LAST` and `SINCE`, or `WANT`; `RE:1` in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync<'a> {
    /// Who says so.
    pub from: UserId<'a>,
    /// What it says.
    pub what: Synced,
}

/// What a [`Sync`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Synced {
    /// These are the posts that I know of the authors between these two keys, both included: answer with those that you
    /// have beyond them, if there are any.
    Ask {
        /// The authors that it speaks of.
        span: (PublicKey, PublicKey),
        /// What I know of them, by ascending key.
        have: Vec<Numbers>,
        /// Name the newest so many of yours at most.
        last: u32,
        /// Name none with a LAMPORT below.
        since: u64,
    },
    /// I have these beyond those that you know.
    Offer(Vec<Numbers>),
    /// Pass these on to me.
    Want(Vec<Numbers>),
}

/// Some posts of one author, by POST_NO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// The author.
    pub author: PublicKey,
    /// Their numbers: ascending, apart from each other, from 1 on.
    pub ranges: Vec<RangeInclusive<u64>>,
}

/// Most ranges of one author.
pub const RANGES_MAX: usize = 16;

impl<'a> Sync<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut from, mut have, mut want, mut span, mut last, mut since, mut re) =
            (None, None, None, None, None, None, false);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "FROM" => from = Some(value),
                "HAVE" => have = Some(value),
                "WANT" => want = Some(value),
                "SPAN" => span = Some(value),
                "LAST" => last = field::number(value),
                "SINCE" => since = field::number(value),
                "RE" => re = value.trim_ascii() == "1",
                _ => ext.take(key, value),
            }
        }
        let from = UserId::new(from.ok_or(DecodeError::Missing("FROM"))?).ok_or(DecodeError::Bad("FROM"))?;
        let list = |text: &str, key| numbers(text).ok_or(DecodeError::Bad(key));
        let what = match (have, want, re) {
            (None, Some(want), _) => Synced::Want(list(want, "WANT")?),
            (Some(have), None, true) => Synced::Offer(list(have, "HAVE")?),
            (Some(have), None, false) => {
                let span = span.and_then(|text| text.split_once(','));
                let span = span.and_then(|(low, high)| Some((PublicKey::parse(low)?, PublicKey::parse(high)?)));
                let span = span.filter(|(low, high)| low <= high).ok_or(DecodeError::Bad("SPAN"))?;
                let last = last.and_then(|last| u32::try_from(last).ok()).unwrap_or(u32::MAX);
                Synced::Ask { span, have: list(have, "HAVE")?, last, since: since.unwrap_or(0) }
            }
            _ => return Err(DecodeError::Missing("HAVE")),
        };
        Ok(Self { from, what })
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(&self, ext: &Extension, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Style::Tight, "SYNC");
        writer.raw("FROM", self.from.as_str());
        match &self.what {
            Synced::Ask { span, have, last, since } => {
                writer.raw("SPAN", &format!("{},{}", span.0, span.1));
                writer.number("LAST", u64::from(*last));
                writer.number("SINCE", *since);
                writer.raw("HAVE", &written(have));
            }
            Synced::Offer(have) => {
                writer.raw("RE", "1");
                writer.raw("HAVE", &written(have));
            }
            Synced::Want(want) => writer.raw("WANT", &written(want)),
        }
        ext.write(&mut writer);
        writer.end();
    }
}

impl Numbers {
    /// How many bytes it takes in a line, with the mark before the next.
    #[must_use]
    pub fn written_len(&self) -> usize {
        written(std::slice::from_ref(self)).len() + 1
    }
}

/// `KEY=1-7,9;KEY=3`, or `-` for none.
fn written(list: &[Numbers]) -> String {
    let mut text = String::new();
    for Numbers { author, ranges } in list {
        text.push_str(if text.is_empty() { "" } else { ";" });
        text.push_str(&format!("{author}="));
        for (at, range) in ranges.iter().enumerate() {
            text.push_str(if at == 0 { "" } else { "," });
            if range.start() == range.end() {
                text.push_str(&range.start().to_string());
            } else {
                text.push_str(&format!("{}-{}", range.start(), range.end()));
            }
        }
    }
    if text.is_empty() { "-".to_owned() } else { text }
}

fn numbers(text: &str) -> Option<Vec<Numbers>> {
    if text == "-" {
        return Some(Vec::new());
    }
    let mut list: Vec<Numbers> = Vec::new();
    for part in text.split(';') {
        let (author, ranges) = part.split_once('=')?;
        let author = PublicKey::parse(author)?;
        if list.last().is_some_and(|last| last.author >= author) {
            return None;
        }
        let mut read: Vec<RangeInclusive<u64>> = Vec::new();
        for range in ranges.split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (canonical_number(first)?, canonical_number(last)?);
            let follows = read.last().is_none_or(|before| *before.end() < first.saturating_sub(1));
            if first == 0 || first > last || last == u64::MAX || !follows || read.len() == RANGES_MAX {
                return None;
            }
            read.push(first..=last);
        }
        list.push(Numbers { author, ranges: read });
    }
    Some(list)
}

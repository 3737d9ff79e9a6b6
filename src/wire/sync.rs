//! `SYNC`: which posts somebody has, and which it wants (protocol.md §10.4).

use std::ops::RangeInclusive;

use super::envelope::canonical_number;
use super::{DecodeError, Extension, Lines, PublicKey, Style, UserId, Writer};

/// Most bytes of the posts that one SYNC of ours names.
pub const SYNC_MAX: usize = 640;

/// Most bytes of the posts that are read.
const READ_MAX: usize = 1_200;

/// Which posts somebody has, or which it wants.
///
/// # Format
/// `FROM`, and one of three: `SPAN`, `LAST`, `SINCE`, `HAVE`; or `RE:1`, `HAVE`; or `WANT`. All of them are needed, and
/// numbers have one spelling.
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
        let (mut from, mut span, mut last, mut since) = (None, None, None, None);
        let (mut re, mut have, mut want) = (None, None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "FROM" => from = Some(value),
                "SPAN" => span = Some(value),
                "LAST" => last = Some(value),
                "SINCE" => since = Some(value),
                "RE" => re = Some(value),
                "HAVE" => have = Some(value),
                "WANT" => want = Some(value),
                _ => ext.take(key, value),
            }
        }
        let from = UserId::new(from.ok_or(DecodeError::Missing("FROM"))?).ok_or(DecodeError::Bad("FROM"))?;
        let asks = [span, last, since].iter().any(Option::is_some);
        let list = |text, key| numbers(text).ok_or(DecodeError::Bad(key));
        let what = match (have, want, re) {
            (Some(have), None, None) => {
                let have = list(have, "HAVE")?;
                let span = parse_span(span.ok_or(DecodeError::Missing("SPAN"))?).ok_or(DecodeError::Bad("SPAN"))?;
                let last = canonical_number(last.ok_or(DecodeError::Missing("LAST"))?);
                let last = last.and_then(|last| u32::try_from(last).ok()).ok_or(DecodeError::Bad("LAST"))?;
                let since = canonical_number(since.ok_or(DecodeError::Missing("SINCE"))?);
                Synced::Ask { span, have, last, since: since.ok_or(DecodeError::Bad("SINCE"))? }
            }
            (Some(have), None, Some("1")) if !asks => Synced::Offer(list(have, "HAVE")?),
            (None, Some(want), None) if !asks => Synced::Want(list(want, "WANT")?),
            (None, None, _) => return Err(DecodeError::Missing("HAVE")),
            _ => return Err(DecodeError::Bad("SYNC")),
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

fn parse_span(text: &str) -> Option<(PublicKey, PublicKey)> {
    let (low, high) = text.split_once(',')?;
    let span = (PublicKey::parse(low)?, PublicKey::parse(high)?);
    (span.0 <= span.1).then_some(span)
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
    if text.len() > READ_MAX {
        return None;
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
            let range = parse_range(range).filter(|_| read.len() < RANGES_MAX)?;
            // Two that touch are one.
            if read.last().is_some_and(|before| *before.end() >= *range.start() - 1) {
                return None;
            }
            read.push(range);
        }
        list.push(Numbers { author, ranges: read });
    }
    Some(list)
}

/// `3-7`, or `3` for one number.
fn parse_range(text: &str) -> Option<RangeInclusive<u64>> {
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (canonical_number(first)?, canonical_number(last).filter(|_| first != last)?),
        None => (canonical_number(text)?, canonical_number(text)?),
    };
    (0 < first && first <= last && last < u64::MAX).then_some(first..=last)
}

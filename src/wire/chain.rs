//! The place of a POST among the posts of its author and of others (protocol.md §9.4).

use arrayvec::ArrayVec;

use super::envelope::canonical_number;
use super::key::decoded;
use super::{DecodeError, LONG_MAX, Lines, PieceHash, Style, Writer};

/// Most posts of others that a post names.
pub const SEEN_MAX: usize = 3;

/// `POST_NO`, `PREV`, `SEEN` and `LAMPORT` of a signed POST.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    /// Counts the author's posts from 1, without gaps.
    pub number: u64,
    /// The content id of the author's post before; none of the first.
    pub prev: Option<PieceHash>,
    /// The content ids of the newest posts of others that the author had seen.
    pub seen: ArrayVec<PieceHash, SEEN_MAX>,
    /// 1 more than the greatest LAMPORT of the posts that it names.
    pub lamport: u64,
    /// Where the text is, if it is a long one (protocol.md §10.3).
    pub long: Option<LongText>,
}

/// `LONG:<bytes>,<hash>`: the text of a POST that does not fit, to be pulled in pieces (protocol.md §10.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LongText {
    /// Its size, 1 to 65,536 bytes; of a DATA up to 66,560.
    pub size: u32,
    /// The hash of the piece that names the others.
    pub root: PieceHash,
}

impl LongText {
    pub(super) fn parse(text: &str, max: usize) -> Option<Self> {
        let (size, root) = text.split_once(',')?;
        let size = canonical_number(size).filter(|size| (1..=max as u64).contains(size))?;
        Some(Self { size: u32::try_from(size).ok()?, root: PieceHash(decoded(root)?) })
    }
}

impl std::fmt::Display for LongText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{},{}", self.size, self.root)
    }
}

impl Chain {
    /// Reads the chain of a POST; `None` when it has none, or not a whole one: POST_NO and LAMPORT are from 1 on, POST_NO is
    /// below 2^64-1, all but the first post have PREV, and what is there keeps to its grammar.
    ///
    /// # Errors
    /// As [`Lines::of`] and [`Lines::next_line`]; [`DecodeError::Bad`] with `LONG` when that does not keep to its grammar, or
    /// stands beside a text.
    pub fn of(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let (_, mut lines) = Lines::of(bytes)?;
        let (mut number, mut prev, mut seen, mut lamport, mut long) = (None, None, None, None, None);
        let mut content = "";
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "POST_NO" => number = Some(value),
                "PREV" => prev = Some(value),
                "SEEN" => seen = Some(value),
                "LAMPORT" => lamport = Some(value),
                "LONG" => long = Some(value),
                "CONTENT" => content = value,
                _ => {}
            }
        }
        let chain = Self::parse(number, prev, seen, lamport);
        let Some(long) = long else { return Ok(chain) };
        let long = LongText::parse(long, LONG_MAX).filter(|_| content.is_empty()).ok_or(DecodeError::Bad("LONG"))?;
        Ok(chain.map(|chain| Self { long: Some(long), ..chain }))
    }

    fn parse(number: Option<&str>, prev: Option<&str>, seen: Option<&str>, lamport: Option<&str>) -> Option<Self> {
        let counted = |text: Option<&str>| canonical_number(text?).filter(|number| *number > 0);
        // What is not the last of all numbers can be the end of a range.
        let number = counted(number).filter(|number| *number < u64::MAX)?;
        let lamport = counted(lamport)?;
        let prev = match prev {
            Some(text) => Some(PieceHash(decoded(text)?)),
            None => None,
        };
        if prev.is_some() != (number > 1) {
            return None;
        }
        let mut chain = Self { number, prev, seen: ArrayVec::new(), lamport, long: None };
        for text in seen.into_iter().flat_map(|text| text.split(',')) {
            chain.seen.try_push(PieceHash(decoded(text)?)).ok()?;
        }
        Some(chain)
    }

    /// Appends the chain to the datagram in `out`.
    pub fn append(&self, out: &mut Vec<u8>) {
        let end = out.strip_suffix(b"\n").map_or(out.len(), <[u8]>::len);
        out.truncate(end);
        let mut writer = Writer::resume(out, Style::Tight);
        writer.number("POST_NO", self.number);
        if let Some(prev) = self.prev {
            prev.write("PREV", &mut writer);
        }
        if !self.seen.is_empty() {
            let seen: Vec<String> = self.seen.iter().map(PieceHash::to_string).collect();
            writer.raw("SEEN", &seen.join(","));
        }
        writer.number("LAMPORT", self.lamport);
        if let Some(long) = self.long {
            writer.raw("LONG", &long.to_string());
        }
        writer.end();
    }
}

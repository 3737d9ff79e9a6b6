//! The place of a POST among the posts of its author and of others (protocol.md §9.4).

use arrayvec::ArrayVec;

use super::envelope::canonical_number;
use super::key::decoded;
use super::{DecodeError, Lines, PieceHash, Style, Writer};

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
}

impl Chain {
    /// Reads the chain of a POST; `None` when it has none, or not a whole one: POST_NO and LAMPORT are from 1 on, all but
    /// the first post have PREV, and what is there keeps to its grammar.
    ///
    /// # Errors
    /// As [`Lines::of`] and [`Lines::next_line`].
    pub fn of(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let (_, mut lines) = Lines::of(bytes)?;
        let (mut number, mut prev, mut seen, mut lamport) = (None, None, None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "POST_NO" => number = Some(value),
                "PREV" => prev = Some(value),
                "SEEN" => seen = Some(value),
                "LAMPORT" => lamport = Some(value),
                _ => {}
            }
        }
        Ok(Self::parse(number, prev, seen, lamport))
    }

    fn parse(number: Option<&str>, prev: Option<&str>, seen: Option<&str>, lamport: Option<&str>) -> Option<Self> {
        let counted = |text: Option<&str>| canonical_number(text?).filter(|number| *number > 0);
        let (number, lamport) = (counted(number)?, counted(lamport)?);
        let prev = match prev {
            Some(text) => Some(PieceHash(decoded(text)?)),
            None => None,
        };
        if prev.is_some() != (number > 1) {
            return None;
        }
        let mut chain = Self { number, prev, seen: ArrayVec::new(), lamport };
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
        writer.end();
    }
}

//! The place of a POST among the posts of its author and of others (protocol.md §9.4).

use arrayvec::ArrayVec;

use super::{DecodeError, Lines, PieceHash, Writer, field};

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
    /// Reads the chain of a POST; `None` when it has none, or not a whole one.
    ///
    /// # Errors
    /// As [`Lines::of`] and [`Lines::next_line`].
    pub fn of(bytes: &[u8]) -> Result<Option<Self>, DecodeError> {
        let (_, mut lines) = Lines::of(bytes)?;
        let (mut chain, mut number, mut lamport) = (Self::default(), None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "POST_NO" => number = field::number(value).filter(|number| *number > 0),
                "PREV" => chain.prev = PieceHash::parse(value),
                "SEEN" => chain.seen = value.split(',').filter_map(PieceHash::parse).take(SEEN_MAX).collect(),
                "LAMPORT" => lamport = field::number(value),
                _ => {}
            }
        }
        let (Some(number), Some(lamport)) = (number, lamport) else { return Ok(None) };
        Ok(Some(Self { number, lamport, ..chain }))
    }

    /// Appends the chain to the datagram in `out`.
    pub fn append(&self, out: &mut Vec<u8>) {
        let end = out.strip_suffix(b"\n").map_or(out.len(), <[u8]>::len);
        out.truncate(end);
        let mut writer = Writer::resume(out, super::Style::Tight);
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

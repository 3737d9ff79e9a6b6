//! `CHUNK_REQUEST` and `CHUNK`: pulling bulk data piece by piece (protocol.md §6).

use data_encoding::BASE64URL_NOPAD;

use super::{DecodeError, Extension, Lines, PieceHash, Style, UserId, Writer};

/// Largest piece, bytes before base64url.
pub const CHUNK_MAX: usize = 600;

/// Asks for the piece with this hash.
///
/// # Format
/// `FROM`, `HASH` (both needed).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkRequest<'a> {
    /// Who asks.
    pub from: UserId<'a>,
    /// Which piece.
    pub hash: PieceHash,
}

/// A piece of bulk data, checked against the hash that was asked for.
///
/// # Format
/// `FROM`, `DATA` (both needed): base64url of 1 to 600 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Who sends it.
    pub from: UserId<'a>,
    data: &'a str,
}

impl<'a> ChunkRequest<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut from, mut hash) = (None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "FROM" => from = Some(value),
                "HASH" => hash = Some(PieceHash::parse(value).ok_or(DecodeError::Bad("HASH"))?),
                _ => ext.take(key, value),
            }
        }
        let from = UserId::new(from.ok_or(DecodeError::Missing("FROM"))?).ok_or(DecodeError::Bad("FROM"))?;
        Ok(Self { from, hash: hash.ok_or(DecodeError::Missing("HASH"))? })
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(&self, ext: &Extension, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Style::Tight, "CHUNK_REQUEST");
        writer.raw("FROM", self.from.as_str());
        self.hash.write("HASH", &mut writer);
        ext.write(&mut writer);
        writer.end();
    }
}

impl<'a> Chunk<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut from, mut data) = (None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "FROM" => from = Some(value),
                "DATA" => data = Some(value),
                _ => ext.take(key, value),
            }
        }
        let from = UserId::new(from.ok_or(DecodeError::Missing("FROM"))?).ok_or(DecodeError::Bad("FROM"))?;
        Ok(Self { from, data: data.ok_or(DecodeError::Missing("DATA"))? })
    }

    /// The piece itself, when it is 1 to 600 bytes of base64url.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let text = self.data.trim_ascii();
        if text.is_empty() || text.len() > CHUNK_MAX.div_ceil(3) * 4 {
            return None;
        }
        BASE64URL_NOPAD.decode(text.as_bytes()).ok()
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(from: UserId<'_>, bytes: &[u8], ext: &Extension, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Style::Tight, "CHUNK");
        writer.raw("FROM", from.as_str());
        writer.raw("DATA", &BASE64URL_NOPAD.encode(bytes));
        ext.write(&mut writer);
        writer.end();
    }
}

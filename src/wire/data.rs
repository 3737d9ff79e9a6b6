//! `DATA`: what the data space of a peer says to those of others (protocol.md §11.1).

use data_encoding::BASE64URL_NOPAD;

use super::{DATA_MAX, DecodeError, Extension, Lines, LongText, Style, Writer, is_clean};

/// Something of a data space.
///
/// # Format
/// `OF`, and one of `BODY`, `BODY64` and `LONG`; always signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Data<'a> {
    /// Which part of the data space it is for: a word of 1 to 16 letters.
    pub of: &'a str,
    /// What it says.
    pub body: DataBody<'a>,
}

/// The body of a `DATA`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataBody<'a> {
    /// `BODY`: text, as it is.
    Text(&'a str),
    /// `BODY64`: base64url of bytes.
    Bytes(&'a str),
    /// `LONG`: where it is, when it does not fit.
    Long(LongText),
}

impl<'a> Data<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut of, mut text, mut bytes, mut long) = (None, None, None, None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "OF" => of = Some(value),
                "BODY" => text = Some(value),
                "BODY64" => bytes = Some(value),
                "LONG" => long = Some(value),
                _ => ext.take(key, value),
            }
        }
        let of = of.ok_or(DecodeError::Missing("OF"))?;
        if !(1..=16).contains(&of.len()) || !of.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return Err(DecodeError::Bad("OF"));
        }
        let body = match (text, bytes, long) {
            (Some(text), None, None) => DataBody::Text(text),
            (None, Some(bytes), None) => DataBody::Bytes(bytes),
            (None, None, Some(long)) => {
                DataBody::Long(LongText::parse(long, DATA_MAX).ok_or(DecodeError::Bad("LONG"))?)
            }
            (None, None, None) => return Err(DecodeError::Missing("BODY")),
            _ => return Err(DecodeError::Bad("BODY")),
        };
        Ok(Self { of, body })
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(&self, ext: &Extension, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Style::Tight, "DATA");
        writer.raw("OF", self.of);
        match self.body {
            DataBody::Text(text) => writer.raw("BODY", text),
            DataBody::Bytes(bytes) => writer.raw("BODY64", bytes),
            DataBody::Long(long) => writer.raw("LONG", &long.to_string()),
        }
        ext.write(&mut writer);
        writer.end();
    }
}

impl DataBody<'_> {
    /// The bytes, unless they are elsewhere or no base64url.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.as_bytes().to_vec()),
            Self::Bytes(text) => BASE64URL_NOPAD.decode(text.as_bytes()).ok(),
            Self::Long(_) => None,
        }
    }

    /// True for what travels as text: JSON without line breaks and the like, and without spaces at its ends.
    #[must_use]
    pub fn is_text(bytes: &[u8]) -> bool {
        bytes.first() == Some(&b'{') && bytes.last() == Some(&b'}') && std::str::from_utf8(bytes).is_ok_and(is_clean)
    }
}

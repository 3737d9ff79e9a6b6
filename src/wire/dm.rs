//! `DM`: text for one peer, plain or sealed (protocol.md §4.4, §9.5, §9.6).

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use super::envelope::canonical_number;
use super::key::{decoded, prekey_id};
use super::{DecodeError, Extension, Lines, MessageId, Octets, Style, Token, UserId, Writer, field};

/// Text for one peer.
///
/// # Format
/// `FROM`, `TO` and a body (all needed), `TIMESTAMP`, `MESSAGE_ID`; some older clients also `TOKEN`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dm<'a> {
    /// Who wrote it.
    pub from: UserId<'a>,
    /// Whom it is for.
    pub to: UserId<'a>,
    /// The text, or what it is sealed in.
    pub body: DmBody<'a>,
    /// When, Unix seconds by the author's clock; a label. A sealed one says it inside.
    pub timestamp: Option<u64>,
    /// The message's id.
    pub message_id: Option<MessageId<'a>>,
}

/// How a DM carries its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DmBody<'a> {
    /// `CONTENT`: for everyone to read; escaped under `ESC:1`.
    Plain(&'a str),
    /// `SEAL:1`: sealed to the recipient's prekey, inside a signed datagram (protocol.md §9.5).
    Letter {
        /// `KID`: the number of the prekey.
        prekey: u32,
        /// `BOX`.
        sealed: Sealed<'a>,
    },
    /// `SEAL:2`: sealed in a session (protocol.md §9.6).
    Frame {
        /// Which session, which sender's key in it, which frame.
        place: Place,
        /// `BOX`.
        sealed: Sealed<'a>,
    },
}

/// The place of a frame: `KID:<session>,<key>` and `NO` (protocol.md §9.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The session.
    pub session: Octets,
    /// The 16 random bytes that the sender made its key from.
    pub salt: [u8; 16],
    /// Counts the frames under that key.
    pub counter: u64,
}

/// Sealed bytes as they travel: base64url without padding (protocol.md §9.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'a>(&'a str);

impl<'a> Sealed<'a> {
    /// Takes base64url as it travels; [`Sealed::read`] tells whether it is.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    fn parse(text: &'a str) -> Option<Self> {
        let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        text.bytes().fold(!text.is_empty(), |ok, byte| ok & letter(byte)).then_some(Self(text))
    }

    /// Appends the sealed bytes to `out`; false, and `out` as it was, when they are no base64url in its one spelling.
    pub fn read(&self, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let Ok(length) = BASE64URL_NOPAD.decode_len(self.0.len()) else { return false };
        out.resize(start + length, 0);
        let good = BASE64URL_NOPAD.decode_mut(self.0.as_bytes(), &mut out[start..]).is_ok();
        if !good {
            out.truncate(start);
        }
        good
    }
}

impl<'a> Dm<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut from, mut to, mut content, mut timestamp, mut message_id) = (None, None, None, None, None);
        let (mut seal, mut kid, mut boxed) = (None, "", None);
        while let Some((key, value)) = lines.next_line()? {
            match key {
                "FROM" => from = Some(value),
                "TO" => to = Some(value),
                "CONTENT" => content = Some(value),
                "TIMESTAMP" => timestamp = field::number(value),
                "MESSAGE_ID" => {
                    message_id = Some(MessageId::new(value).ok_or(DecodeError::Bad("MESSAGE_ID"))?);
                }
                "SEAL" => seal = Some(value),
                "KID" => kid = value,
                "BOX" => boxed = Some(value),
                _ => ext.take(key, value),
            }
        }
        let from = UserId::new(from.ok_or(DecodeError::Missing("FROM"))?).ok_or(DecodeError::Bad("FROM"))?;
        let to = UserId::new(to.ok_or(DecodeError::Missing("TO"))?).ok_or(DecodeError::Bad("TO"))?;
        let body = match (seal, content) {
            (None, content) => DmBody::Plain(content.ok_or(DecodeError::Missing("CONTENT"))?),
            (Some(seal), None) if seal.trim_ascii() == "1" => {
                message_id.ok_or(DecodeError::Missing("MESSAGE_ID"))?;
                let prekey = prekey_id(kid.trim_ascii()).ok_or(DecodeError::Bad("KID"))?;
                let sealed = boxed.ok_or(DecodeError::Missing("BOX"))?;
                DmBody::Letter { prekey, sealed: Sealed::parse(sealed.trim_ascii()).ok_or(DecodeError::Bad("BOX"))? }
            }
            // A frame has one form, which this is not; and what is sealed stands nowhere else.
            (Some(_), _) => return Err(DecodeError::Bad("SEAL")),
        };
        Ok(Self { from, to, body, timestamp, message_id })
    }

    /// Reads a session frame, in the one form that it has: nobody signed it, so nothing in it may be spelled otherwise.
    pub(super) fn frame(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let text = bytes.strip_prefix(DmBody::FRAME).and_then(|rest| rest.strip_suffix(b"\n\n"));
        let text = std::str::from_utf8(text.ok_or(DecodeError::Bad("SEAL"))?).map_err(|_| DecodeError::NotUtf8)?;
        let mut lines = text.split('\n');
        let mut next = |key: &'static str| {
            let value = lines.next().and_then(|line| line.strip_prefix(key)?.strip_prefix(':'));
            value.ok_or(DecodeError::Missing(key))
        };
        let place = Place::parse(next("KID")?, next("NO")?).ok_or(DecodeError::Bad("KID"))?;
        let from = next("FROM")?;
        let from = UserId::new(from).filter(|id| id.as_str() == from).ok_or(DecodeError::Bad("FROM"))?;
        let to = next("TO")?;
        let to = UserId::new(to).filter(|id| id.as_str() == to).ok_or(DecodeError::Bad("TO"))?;
        let id = next("MESSAGE_ID")?;
        let id = MessageId::new(id).filter(|own| own.as_str() == id).ok_or(DecodeError::Bad("MESSAGE_ID"))?;
        let sealed = Sealed::parse(next("BOX")?).ok_or(DecodeError::Bad("BOX"))?;
        if lines.next().is_some() {
            return Err(DecodeError::Bad("SEAL"));
        }
        Ok(Self { from, to, body: DmBody::Frame { place, sealed }, timestamp: None, message_id: Some(id) })
    }

    /// Writes the datagram into `out`, which is emptied first.
    ///
    /// A frame has one form: it takes no time, no keys of `ext` and no `token`, and is always tight.
    pub fn encode(&self, ext: &Extension, token: Option<Token<'_>>, style: Style, out: &mut Vec<u8>) {
        if let DmBody::Frame { place, sealed } = self.body {
            return self.encode_frame(place, sealed, out);
        }
        let mut writer = Writer::new(out, style, "DM");
        writer.raw("FROM", self.from.as_str());
        writer.raw("TO", self.to.as_str());
        match self.body {
            DmBody::Plain(content) => writer.text("CONTENT", content),
            DmBody::Letter { prekey, .. } => {
                writer.raw("SEAL", "1");
                let mut kid = [0; 8];
                HEXLOWER.encode_mut(&prekey.to_be_bytes(), &mut kid);
                writer.raw("KID", std::str::from_utf8(&kid).unwrap_or_default());
            }
            DmBody::Frame { .. } => {}
        }
        if let Some(timestamp) = self.timestamp {
            writer.number("TIMESTAMP", timestamp);
        }
        if let Some(id) = self.message_id {
            writer.raw("MESSAGE_ID", id.as_str());
        }
        if let DmBody::Letter { sealed, .. } = self.body {
            writer.raw("BOX", sealed.0);
        }
        if let Some(token) = token {
            token.write(&mut writer);
        }
        ext.write(&mut writer);
        writer.end();
    }

    fn encode_frame(&self, place: Place, sealed: Sealed<'_>, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, Style::Tight, "DM");
        // First, so that a frame is known by its first bytes.
        writer.raw("SEAL", "2");
        let mut kid = [0; 34];
        BASE64URL_NOPAD.encode_mut(&place.session.0.to_be_bytes(), &mut kid[..11]);
        kid[11] = b',';
        BASE64URL_NOPAD.encode_mut(&place.salt, &mut kid[12..]);
        writer.raw("KID", std::str::from_utf8(&kid).unwrap_or_default());
        writer.number("NO", place.counter);
        writer.raw("FROM", self.from.as_str());
        writer.raw("TO", self.to.as_str());
        writer.raw("MESSAGE_ID", self.message_id.map_or("0", MessageId::as_str));
        writer.raw("BOX", sealed.0);
        writer.end();
    }
}

impl Place {
    fn parse(kid: &str, counter: &str) -> Option<Self> {
        let (session, salt) = kid.split_once(',')?;
        let session = u64::from_be_bytes(decoded(session)?);
        Some(Self { session: Octets(session), salt: decoded(salt)?, counter: canonical_number(counter)? })
    }
}

impl DmBody<'_> {
    /// What every session frame begins with, and nothing else.
    pub const FRAME: &'static [u8] = b"TYPE:DM\nSEAL:2\n";
}

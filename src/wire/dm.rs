//! `DM`: text for one peer, plain or sealed (protocol.md §4.4, §9.5, §9.6).

use data_encoding::BASE64URL_NOPAD;

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

/// Sealed bytes as they travel, in base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'a>(&'a str);

impl<'a> Sealed<'a> {
    /// Takes base64url as it travels.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self(text)
    }

    /// Appends the sealed bytes to `out`; false when they are no base64url.
    pub fn read(&self, out: &mut Vec<u8>) -> bool {
        let start = out.len();
        let Ok(length) = BASE64URL_NOPAD.decode_len(self.0.len()) else { return false };
        out.resize(start + length, 0);
        BASE64URL_NOPAD.decode_mut(self.0.as_bytes(), &mut out[start..]).is_ok()
    }
}

impl<'a> Dm<'a> {
    pub(super) fn decode(lines: &mut Lines<'a>, ext: &mut Extension) -> Result<Self, DecodeError> {
        let (mut from, mut to, mut content, mut timestamp, mut message_id) = (None, None, None, None, None);
        let (mut seal, mut kid, mut no, mut boxed) = (None, "", None, None);
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
                "NO" => no = field::number(value),
                "BOX" => boxed = Some(value),
                _ => ext.take(key, value),
            }
        }
        let from = UserId::new(from.ok_or(DecodeError::Missing("FROM"))?).ok_or(DecodeError::Bad("FROM"))?;
        let to = UserId::new(to.ok_or(DecodeError::Missing("TO"))?).ok_or(DecodeError::Bad("TO"))?;
        let body = match (seal, boxed) {
            (Some(seal), Some(boxed)) => DmBody::sealed(seal, kid, no, Sealed(boxed))?,
            (Some(_), None) => return Err(DecodeError::Missing("BOX")),
            (None, _) => DmBody::Plain(content.ok_or(DecodeError::Missing("CONTENT"))?),
        };
        Ok(Self { from, to, body, timestamp, message_id })
    }

    /// Writes the datagram into `out`, which is emptied first.
    pub fn encode(&self, ext: &Extension, token: Option<Token<'_>>, style: Style, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out, style, "DM");
        if let DmBody::Frame { place, .. } = self.body {
            // First, so that a frame is known by its first bytes.
            writer.raw("SEAL", "2");
            let mut kid = [0; 34];
            BASE64URL_NOPAD.encode_mut(&place.session.0.to_be_bytes(), &mut kid[..11]);
            kid[11] = b',';
            BASE64URL_NOPAD.encode_mut(&place.salt, &mut kid[12..]);
            writer.raw("KID", std::str::from_utf8(&kid).unwrap_or_default());
            writer.number("NO", place.counter);
        }
        writer.raw("FROM", self.from.as_str());
        writer.raw("TO", self.to.as_str());
        match self.body {
            DmBody::Plain(content) => writer.text("CONTENT", content),
            DmBody::Letter { prekey, .. } => {
                writer.raw("SEAL", "1");
                writer.raw("KID", &format!("{prekey:08x}"));
            }
            DmBody::Frame { .. } => {}
        }
        if let Some(timestamp) = self.timestamp {
            writer.number("TIMESTAMP", timestamp);
        }
        if let Some(id) = self.message_id {
            writer.raw("MESSAGE_ID", id.as_str());
        }
        if let DmBody::Letter { sealed, .. } | DmBody::Frame { sealed, .. } = self.body {
            writer.raw("BOX", sealed.0);
        }
        if let Some(token) = token {
            token.write(&mut writer);
        }
        ext.write(&mut writer);
        writer.end();
    }
}

impl<'a> DmBody<'a> {
    /// What every session frame begins with.
    pub const FRAME: &'static [u8] = b"TYPE:DM\nSEAL:2\n";

    fn sealed(seal: &str, kid: &str, no: Option<u64>, sealed: Sealed<'a>) -> Result<Self, DecodeError> {
        let kid = kid.trim_ascii();
        match seal.trim_ascii() {
            "1" => {
                let prekey = prekey_id(kid).ok_or(DecodeError::Bad("KID"))?;
                Ok(Self::Letter { prekey, sealed })
            }
            "2" => {
                let place = kid.split_once(',').and_then(|(session, salt)| {
                    Some(Place { session: Octets::parse(session)?, salt: decoded(salt)?, counter: no? })
                });
                Ok(Self::Frame { place: place.ok_or(DecodeError::Bad("KID"))?, sealed })
            }
            _ => Err(DecodeError::Bad("SEAL")),
        }
    }
}

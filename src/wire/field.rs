//! The typed values of the protocol's keys: parsed once, not checked again (protocol.md §3).

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};

use super::text::is_clean;

/// `name@ip`: the label that a peer goes by (protocol.md §3.1). Not proof of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId<'a>(&'a str);

impl<'a> UserId<'a> {
    /// Longest id that is read or written, bytes: a name of 32 characters of 4 bytes, `@`, and an IPv4 address.
    pub const MAX: usize = 144;

    /// The id, when it is 1 to 144 bytes without characters that split a value; spaces around it are dropped.
    #[inline]
    #[must_use]
    pub fn new(text: &'a str) -> Option<Self> {
        let text = text.trim_ascii();
        (!text.is_empty() && text.len() <= Self::MAX && is_clean(text)).then_some(Self(text))
    }

    /// The id as it travels. For the screen, see [`Safe`](super::Safe).
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }

    /// What stands before the last `@`, or the whole id.
    #[must_use]
    pub fn name(self) -> &'a str {
        self.0.rsplit_once('@').map_or(self.0, |(name, _)| name)
    }

    /// What stands after the last `@`, as an address.
    #[must_use]
    pub fn ip(self) -> Option<std::net::Ipv4Addr> {
        self.0.rsplit_once('@').and_then(|(_, ip)| ip.parse().ok())
    }
}

/// A name that can travel: 1 to 32 characters, none of them a control or separator character, `@`, `:` or `|`; no
/// space at either end (protocol.md §3.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

/// Why a name cannot travel.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It has no characters.
    #[error("a name needs at least one character")]
    Empty,
    /// It has more than 32 characters.
    #[error("a name may have at most 32 characters, this one has {0}")]
    Long(usize),
    /// It holds a character that the protocol uses, or that cannot be seen.
    #[error("a name cannot hold {0}")]
    Character(String),
}

impl Name {
    /// Most characters of a name.
    pub const MAX: usize = 32;

    /// Takes a name as typed; spaces around it are dropped.
    ///
    /// # Errors
    /// A [`NameError`] with the reason.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let text = text.trim_matches(' ');
        let count = text.chars().count();
        if count == 0 {
            return Err(NameError::Empty);
        }
        if count > Self::MAX {
            return Err(NameError::Long(count));
        }
        for c in text.chars() {
            if matches!(c, '@' | ':' | '|') {
                return Err(NameError::Character(format!("'{c}'")));
            }
            if !super::safe::is_plain(c) {
                return Err(NameError::Character(format!("the character U+{:04X}", u32::from(c))));
            }
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of one message: 1 to 64 printable ASCII characters; ours are 16 lower-case hex digits (protocol.md §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MessageId<'a>(&'a str);

impl<'a> MessageId<'a> {
    /// The id, when it keeps to the grammar; spaces around it are dropped.
    #[inline]
    #[must_use]
    pub fn new(text: &'a str) -> Option<Self> {
        let text = text.trim_ascii();
        (!text.is_empty() && text.len() <= 64 && text.bytes().fold(true, |ok, b| ok & (0x20..0x7f).contains(&b)))
            .then_some(Self(text))
    }

    /// The id as it travels.
    #[must_use]
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

/// A message id that we make: 64 random bits, written as 16 lower-case hex digits (protocol.md §3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OwnMessageId([u8; 16]);

impl OwnMessageId {
    /// Spells the bits.
    #[must_use]
    pub fn new(bits: u64) -> Self {
        let mut hex = [b'0'; 16];
        HEXLOWER.encode_mut(&bits.to_be_bytes(), &mut hex);
        Self(hex)
    }

    /// Reads the one spelling: 16 characters of lower-case hex.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let good = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let bytes: [u8; 16] = text.as_bytes().try_into().ok()?;
        bytes.into_iter().all(good).then_some(Self(bytes))
    }

    /// The id as it travels.
    #[must_use]
    pub fn as_field(&self) -> MessageId<'_> {
        MessageId(std::str::from_utf8(&self.0).unwrap_or("0"))
    }
}

impl fmt::Display for OwnMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_field().as_str())
    }
}

/// Eight bytes written as 11 characters of base64url: a SID, or the nonce of an echo (protocol.md §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Octets(pub u64);

/// The random number of one start of a program (protocol.md §3.3).
pub type Sid = Octets;
/// The eight random bytes of an ASK (protocol.md §5.2).
pub type Nonce = Octets;

impl Octets {
    /// Reads 11 characters of base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 8];
        let text = text.trim_ascii().as_bytes();
        (text.len() == 11 && BASE64URL_NOPAD.decode_mut(text, &mut bytes).is_ok())
            .then(|| Self(u64::from_be_bytes(bytes)))
    }

    pub(super) fn write(self, key: &str, out: &mut super::Writer<'_>) {
        let mut text = [0; 11];
        BASE64URL_NOPAD.encode_mut(&self.0.to_be_bytes(), &mut text);
        out.raw(key, std::str::from_utf8(&text).unwrap_or("AAAAAAAAAAA"));
    }
}

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0.to_be_bytes()))
    }
}

/// The hash of a piece of bulk data: the first 16 bytes of its BLAKE3 hash, 22 characters of base64url
/// (protocol.md §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PieceHash(pub [u8; 16]);

impl PieceHash {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(bytes).as_bytes()[..16]);
        Self(hash)
    }

    /// Reads 22 characters of base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 16];
        let text = text.trim_ascii().as_bytes();
        (text.len() == 22 && BASE64URL_NOPAD.decode_mut(text, &mut bytes).is_ok()).then_some(Self(bytes))
    }

    pub(super) fn write(self, key: &str, out: &mut super::Writer<'_>) {
        let mut text = [0; 22];
        BASE64URL_NOPAD.encode_mut(&self.0, &mut text);
        out.raw(key, std::str::from_utf8(&text).unwrap_or_default());
    }
}

impl fmt::Display for PieceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

/// What a peer's program can do, beyond the older clients (protocol.md §3.4). Unknown words are passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Caps(u8);

impl Caps {
    /// Understands `BYE`.
    pub const BYE: Self = Self(1);
    /// Answers `CHUNK_REQUEST`.
    pub const CHUNK: Self = Self(2);
    /// Reads text escaped under `ESC:1`.
    pub const ESC: Self = Self(4);
    /// Sends and takes `ACK`, `SYNC` and `CARRY`, and pulls long texts (protocol.md §10).
    pub const SYNC: Self = Self(8);
    /// Takes `DATA` (protocol.md §11.1).
    pub const DATA: Self = Self(16);
    /// All that this program can do.
    pub const OURS: Self = Self(31);

    const WORDS: [(&'static str, Self); 5] =
        [("bye", Self::BYE), ("chunk", Self::CHUNK), ("esc", Self::ESC), ("sync", Self::SYNC), ("data", Self::DATA)];

    /// The same without some.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Reads a comma separated list of words.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut caps = Self::default();
        for word in text.split(',').map(str::trim_ascii) {
            for (known, cap) in Self::WORDS {
                if word == known {
                    caps.0 |= cap.0;
                }
            }
        }
        caps
    }

    /// True when all of `other` is in.
    #[must_use]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(super) fn write(self, out: &mut super::Writer<'_>) {
        let mut text = arrayvec::ArrayString::<32>::new();
        for (word, cap) in Self::WORDS {
            if self.has(cap) {
                let gap = if text.is_empty() { "" } else { "," };
                // The words and their commas are 23 bytes in all.
                let _ = text.try_push_str(gap);
                let _ = text.try_push_str(word);
            }
        }
        out.raw("CAP", &text);
    }
}

/// What a TOKEN of an older client allows (protocol.md §7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// POST.
    Broadcast,
    /// DM.
    Chat,
    /// FOLLOW and UNFOLLOW.
    Follow,
}

/// `user_id|expiry|scope`: wanted by some older clients, proof of nothing (protocol.md §7.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// Whose token.
    pub user_id: UserId<'a>,
    /// Until when, Unix seconds.
    pub expiry: u64,
    /// For what.
    pub scope: Scope,
}

impl Token<'_> {
    pub(super) fn write(&self, out: &mut super::Writer<'_>) {
        let scope = match self.scope {
            Scope::Broadcast => "broadcast",
            Scope::Chat => "chat",
            Scope::Follow => "follow",
        };
        out.raw("TOKEN", &format!("{}|{}|{scope}", self.user_id.as_str(), self.expiry));
    }
}

/// Reads a decimal number leniently: spaces around it are dropped, and what is no number is `None`.
#[inline]
pub(super) fn number(text: &str) -> Option<u64> {
    let digits = text.trim_ascii().as_bytes();
    let (mut value, tail) = match digits.split_first_chunk::<8>() {
        Some((head, tail)) if tail.len() <= 11 => (eight_digits(u64::from_le_bytes(*head))?, tail),
        _ => return text.trim_ascii().parse().ok(),
    };
    for byte in tail {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

/// Reads eight digits at once: a TIMESTAMP is in every message, and a digit at a time is slow.
#[inline]
fn eight_digits(word: u64) -> Option<u64> {
    const TENS: u64 = 0x3030_3030_3030_3030;
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    if word & HIGH != TENS || word.wrapping_add(0x0606_0606_0606_0606) & HIGH != TENS {
        return None;
    }
    let pairs = (word - TENS).wrapping_mul(1 + (10 << 8)) >> 8;
    let fours = (pairs & 0x00ff_00ff_00ff_00ff).wrapping_mul(1 + (100 << 16)) >> 16;
    Some((fours & 0x0000_ffff_0000_ffff).wrapping_mul(1 + (10_000 << 32)) >> 32)
}

/// Reads a UDP port, 1 to 65535.
pub(super) fn port(text: &str) -> Option<u16> {
    text.trim_ascii().parse().ok().filter(|p| *p != 0)
}

//! Keys and what people see of them (protocol.md §9.1).

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};

use super::Writer;

/// A peer's identity: its Ed25519 public key, 43 characters of base64url (protocol.md §9.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// Reads exactly 43 characters of base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        decoded(text).map(Self)
    }

    /// What people compare: 128 bits of a hash of the key.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let hash = blake3::derive_key("lsnp 1 fingerprint", &self.0);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        Fingerprint(bytes)
    }

    /// The 12 groups of 5 digits that two people compare: the same for both, whoever asks (protocol.md §9.8).
    #[must_use]
    pub fn digits(&self, other: &Self) -> Digits {
        let (low, high) = (self.min(other), self.max(other));
        let mut hasher = blake3::Hasher::new_derive_key("lsnp 1 verify");
        hasher.update(&low.0).update(&high.0);
        let mut bytes = [0; 60];
        hasher.finalize_xof().fill(&mut bytes);
        let (groups, _) = bytes.as_chunks::<5>();
        let mut digits = [0; 12];
        for (digit, group) in digits.iter_mut().zip(groups) {
            let number = group.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
            *digit = u32::try_from(number % 100_000).unwrap_or_default();
        }
        Digits(digits)
    }

    pub(super) fn write(&self, key: &str, out: &mut Writer<'_>) {
        encoded::<43>(&self.0, key, out);
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// 128 bits of a hash of a key, shown as 8 groups of 4 hex digits (protocol.md §9.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// All 32 hex digits, without gaps.
    #[must_use]
    pub fn hex(&self) -> String {
        HEXLOWER.encode(&self.0)
    }

    /// The first 4 hex digits, which stand after a name that two peers share: `alice#7f3a`.
    #[must_use]
    pub fn short(&self) -> String {
        HEXLOWER.encode(&self.0[..2])
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, group) in self.0.chunks(2).enumerate() {
            write!(f, "{}{}", if at == 0 { "" } else { " " }, HEXLOWER.encode(group))?;
        }
        Ok(())
    }
}

/// What two people read to each other: 12 groups of 5 digits (protocol.md §9.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits([u32; 12]);

impl Digits {
    /// True when `text` holds the same 60 digits, whatever stands between them.
    #[must_use]
    pub fn are(&self, text: &str) -> bool {
        let typed: String = text.chars().filter(char::is_ascii_digit).collect();
        let own: String = self.to_string().chars().filter(char::is_ascii_digit).collect();
        typed == own
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, group) in self.0.iter().enumerate() {
            write!(f, "{}{group:05}", if at == 0 { "" } else { " " })?;
        }
        Ok(())
    }
}

/// An Ed25519 signature, 86 characters of base64url (protocol.md §9.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl Signature {
    /// Reads exactly 86 characters of base64url.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        decoded(text).map(Self)
    }

    pub(super) fn write(&self, key: &str, out: &mut Writer<'_>) {
        encoded::<86>(&self.0, key, out);
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature")
    }
}

/// The X25519 key that letters to a peer are sealed to, with its number: `<8 hex>,<43 base64url>` (protocol.md §9.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Prekey {
    /// Its number, random.
    pub id: u32,
    /// The public half.
    pub key: [u8; 32],
}

impl Prekey {
    /// Reads a prekey.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (id, key) = text.split_once(',')?;
        Some(Self { id: prekey_id(id)?, key: decoded(key)? })
    }

    pub(super) fn write(&self, out: &mut Writer<'_>) {
        let mut text = arrayvec::ArrayString::<52>::new();
        // 8 digits, a comma and 43 characters fit.
        let _ = fmt::Write::write_fmt(
            &mut text,
            format_args!("{:08x},{}", self.id, BASE64URL_NOPAD.encode_display(&self.key)),
        );
        out.raw("PREKEY", &text);
    }
}

/// Reads exactly 8 lower-case hex digits.
pub(super) fn prekey_id(text: &str) -> Option<u32> {
    let mut bytes = [0; 4];
    (text.len() == 8 && HEXLOWER.decode_mut(text.as_bytes(), &mut bytes).is_ok()).then(|| u32::from_be_bytes(bytes))
}

/// Reads base64url of exactly so many bytes, in its one canonical spelling.
pub(super) fn decoded<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let whole = text.len() == (N * 4).div_ceil(3) && BASE64URL_NOPAD.decode_mut(text.as_bytes(), &mut bytes).is_ok();
    whole.then_some(bytes)
}

fn encoded<const CHARS: usize>(bytes: &[u8], key: &str, out: &mut Writer<'_>) {
    let mut text = [0; CHARS];
    BASE64URL_NOPAD.encode_mut(bytes, &mut text);
    out.raw(key, std::str::from_utf8(&text).unwrap_or_default());
}

//! The signature around a message: the last lines of a datagram (protocol.md §9.2).

use super::{DecodeError, MAX_DATAGRAM, MAX_LINES, PublicKey, Signature, Style, Writer, is_clean};

/// What stands before the signed bytes when they are signed, so that a signature made for something else is none here.
pub const SIGNED_DOMAIN: &[u8] = b"lsnp 1 datagram\0";

/// Most bytes that [`seal`] adds: a random key, `PK`, `SEQ` and `SIG`.
pub const ENVELOPE_MAX: usize = 11 + 47 + 25 + 91;

/// `SIG:`, 86 characters and two line feeds.
const SIG_LINE: usize = 4 + 86 + 2;

/// The signature of a datagram, as it stands there; not verified yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// `PK`: who says to have signed it.
    pub key: PublicKey,
    /// `SEQ`: counts what this key signed.
    pub seq: u64,
    /// `SIG`.
    pub signature: Signature,
    /// All bytes before the SIG line, exactly as they came.
    pub signed: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// Finds the signature of a datagram in which PK, SEQ or SIG stand.
    ///
    /// # Errors
    /// [`DecodeError::Bad`] with `SIG` when the datagram is not exactly of the signed form (protocol.md §9.2). Such a
    /// datagram is no unsigned one either.
    pub fn of(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::find(bytes).ok_or(DecodeError::Bad("SIG"))
    }

    /// Who says to have signed a datagram: a look at its end, for what must be decided before there is time for more.
    /// [`Envelope::of`] may still refuse it.
    #[must_use]
    pub fn claimed_key(bytes: &[u8]) -> Option<PublicKey> {
        let (_, tail) = Tail::of(bytes)?;
        Some(tail.key)
    }

    fn find(bytes: &'a [u8]) -> Option<Self> {
        let (body, Tail { key, seq, signature }) = Tail::of(bytes)?;
        let signed = &bytes[..bytes.len() - SIG_LINE];
        is_well_formed(std::str::from_utf8(body).ok()?).then_some(Self { key, seq, signature, signed })
    }
}

/// The three last lines.
struct Tail {
    key: PublicKey,
    seq: u64,
    signature: Signature,
}

impl Tail {
    /// Reads PK, SEQ, SIG and the empty line at the end; also gives the lines before them, without the last line feed.
    fn of(bytes: &[u8]) -> Option<(&[u8], Self)> {
        let at = bytes.len().checked_sub(SIG_LINE).filter(|_| bytes.len() <= MAX_DATAGRAM)?;
        let (signed, last) = bytes.split_at_checked(at)?;
        let signature = last.strip_prefix(b"SIG:")?.strip_suffix(b"\n\n")?;
        let (rest, seq) = last_line(signed)?;
        let seq = canonical_number(std::str::from_utf8(seq.strip_prefix(b"SEQ:")?).ok()?)?;
        let (body, key) = last_line(rest)?;
        let key = PublicKey::parse(std::str::from_utf8(key.strip_prefix(b"PK:")?).ok()?)?;
        let signature = Signature::parse(std::str::from_utf8(signature).ok()?)?;
        Some((body.strip_suffix(b"\n")?, Self { key, seq, signature }))
    }
}

/// The last line without its line feed, if it is a short one, and what stands before it.
fn last_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    /// `PK:` and 43 characters, the longer of the two lines that are read so.
    const LONGEST: usize = 46;
    let text = text.strip_suffix(b"\n")?;
    let end = &text[text.len().saturating_sub(LONGEST + 1)..];
    let length = end.iter().rev().position(|byte| *byte == b'\n')?;
    Some(text.split_at(text.len() - length))
}

/// A number in its one spelling: no sign, no zero in front.
pub(super) fn canonical_number(digits: &str) -> Option<u64> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && (digits.len() == 1 || !digits.starts_with('0'));
    if plain { digits.parse().ok() } else { None }
}

/// True when the lines before PK keep to the grammar that is written, none of their keys stands twice, and SID is one
/// of them.
fn is_well_formed(body: &str) -> bool {
    let mut keys = arrayvec::ArrayVec::<&str, { MAX_LINES - 3 }>::new();
    for line in body.split('\n') {
        let Some((key, value)) = line.split_once(':') else { return false };
        let good = match key {
            "PK" | "SEQ" | "SIG" => false,
            "TYPE" => keys.is_empty() && !value.is_empty() && value.bytes().all(is_word),
            _ => !keys.is_empty() && is_key(key) && is_clean(value),
        };
        if !good || keys.contains(&key) || keys.try_push(key).is_err() {
            return false;
        }
    }
    keys.contains(&"SID")
}

fn is_key(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_uppercase()) && key.len() <= 32 && key.bytes().all(is_word)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
}

/// Signs the datagram in `out`: a key that nobody knows, so that all stay able to pass over new ones, then PK, SEQ and
/// SIG (protocol.md §9.2). `sign` is given all bytes before the SIG line.
pub fn seal(out: &mut Vec<u8>, key: &PublicKey, seq: u64, noise: u32, sign: impl FnOnce(&[u8]) -> Signature) {
    let end = out.strip_suffix(b"\n").map_or(out.len(), <[u8]>::len);
    out.truncate(end);
    let signature = {
        let mut writer = Writer::resume(out, Style::Tight);
        writer.raw(&format!("X{:04X}", noise >> 16), &format!("{:04x}", noise & 0xffff));
        key.write("PK", &mut writer);
        writer.number("SEQ", seq);
        sign(out)
    };
    let mut writer = Writer::resume(out, Style::Tight);
    signature.write("SIG", &mut writer);
    writer.end();
}

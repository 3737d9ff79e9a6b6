//! The signature around a message: the last lines of a datagram (protocol.md §9.2).

use memchr::memrchr;

use super::{DecodeError, MAX_DATAGRAM, MAX_LINES, PublicKey, Signature, Style, Writer};

/// What stands before the signed bytes when they are signed, so that a signature made for something else is none here.
pub const SIGNED_DOMAIN: &[u8] = b"lsnp 1 datagram\0";

/// Most bytes that [`seal`] adds: a random key, `PK`, `SEQ` and `SIG`.
pub const ENVELOPE_MAX: usize = 18 + 47 + 25 + 91;

/// `SIG:`, 86 characters and two line feeds.
const TAIL: usize = 4 + 86 + 2;

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
    /// [`DecodeError::Bad`] with `SIG` when the datagram is not exactly of the signed form: TYPE first, every line
    /// `KEY:VALUE` with a line feed, no key twice, PK, SEQ and SIG last, one empty line, nothing after it. Such a
    /// datagram is no unsigned one either.
    pub fn of(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::find(bytes).ok_or(DecodeError::Bad("SIG"))
    }

    fn find(bytes: &'a [u8]) -> Option<Self> {
        let at = bytes.len().checked_sub(TAIL).filter(|_| bytes.len() <= MAX_DATAGRAM)?;
        let (signed, tail) = bytes.split_at(at);
        let signature = tail.strip_prefix(b"SIG:")?.strip_suffix(b"\n\n")?;
        let signature = Signature::parse(std::str::from_utf8(signature).ok()?)?;
        let body = signed.strip_suffix(b"\n")?;
        let (body, seq) = last_line(body)?;
        let seq = canonical_number(seq.strip_prefix(b"SEQ:")?)?;
        let (rest, key) = last_line(body)?;
        let key = PublicKey::parse(std::str::from_utf8(key.strip_prefix(b"PK:")?).ok()?)?;
        is_well_formed(rest).then_some(Self { key, seq, signature, signed })
    }
}

/// The text before the last line, and the last line.
fn last_line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memrchr(b'\n', text)?;
    Some((&text[..end], &text[end + 1..]))
}

/// A number in its one spelling: no sign, no zero in front.
fn canonical_number(digits: &[u8]) -> Option<u64> {
    let plain = digits.iter().all(u8::is_ascii_digit) && (digits.len() == 1 || digits.first() != Some(&b'0'));
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

/// True when the lines before PK keep to the grammar that is written, and none of their keys stands twice.
fn is_well_formed(text: &[u8]) -> bool {
    let mut keys = arrayvec::ArrayVec::<&[u8], MAX_LINES>::new();
    for line in text.split(|byte| *byte == b'\n') {
        let Some(colon) = memchr::memchr(b':', line) else { return false };
        let key = &line[..colon];
        let first = if keys.is_empty() { key == b"TYPE" && line.get(colon + 1) != Some(&b' ') } else { true };
        let reserved = matches!(key, b"PK" | b"SEQ" | b"SIG");
        if !first
            || reserved
            || !is_key(key)
            || line.contains(&b'\r')
            || keys.contains(&key)
            || keys.len() + 4 > MAX_LINES
        {
            return false;
        }
        keys.push(key);
    }
    !keys.is_empty()
}

fn is_key(key: &[u8]) -> bool {
    let word = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    key.first().is_some_and(u8::is_ascii_uppercase) && key.len() <= 32 && key.iter().all(word)
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

//! The line format: `KEY:VALUE` lines, the blank line last, split without copying (protocol.md §2).

use memchr::memchr;

use super::DecodeError;

/// Largest datagram that is read, bytes (protocol.md §2.1).
pub const MAX_DATAGRAM: usize = 32 * 1024;

/// Most lines a datagram may hold, with the TYPE line and without the blank one (protocol.md §2.1).
pub const MAX_LINES: usize = 64;

/// How a program writes its lines (protocol.md §2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Style {
    /// `KEY:VALUE`, the style that we write.
    #[default]
    Tight,
    /// `KEY: VALUE`, the style of other clients of the family.
    Spaced,
}

/// The lines of one datagram after its TYPE, in order.
///
/// Lines without a colon are passed over, as older clients do.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    rest: &'a str,
    style: Style,
    left: usize,
}

impl<'a> Lines<'a> {
    /// Checks size and UTF-8, reads the TYPE line, and returns its value with the other lines.
    ///
    /// TYPE stands first in everything that we write; a later one is found too.
    ///
    /// # Errors
    /// [`DecodeError::Size`], [`DecodeError::NotUtf8`] or [`DecodeError::NoType`].
    #[inline(always)]
    pub fn of(bytes: &'a [u8]) -> Result<(&'a str, Self), DecodeError> {
        if bytes.is_empty() || bytes.len() > MAX_DATAGRAM {
            return Err(DecodeError::Size(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| DecodeError::NotUtf8)?;
        if !text.starts_with("TYPE:") {
            return Self::late_type(text);
        }
        let (line, rest) = cut_line(text);
        Self::typed(&line["TYPE:".len()..], rest, MAX_LINES - 1)
    }

    /// The lines of a datagram whose TYPE is not the first line.
    #[cold]
    fn late_type(text: &'a str) -> Result<(&'a str, Self), DecodeError> {
        let mut rest = text;
        for _ in 0..MAX_LINES {
            let (line, after) = cut_line(rest);
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("TYPE:") {
                return Self::typed(value, text, MAX_LINES);
            }
            rest = after;
        }
        Err(DecodeError::NoType)
    }

    #[inline(always)]
    fn typed(value: &'a str, rest: &'a str, left: usize) -> Result<(&'a str, Self), DecodeError> {
        let style = if value.starts_with(' ') { Style::Spaced } else { Style::Tight };
        let value = value.trim_ascii();
        if value.is_empty() {
            return Err(DecodeError::NoType);
        }
        Ok((value, Self { rest, style, left }))
    }

    /// The style that the TYPE line is written in.
    #[must_use]
    pub fn style(&self) -> Style {
        self.style
    }

    /// What follows the blank line, or the lines not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a str {
        self.rest
    }

    /// The next line as key and value; `None` at the blank line or at the end.
    ///
    /// # Errors
    /// [`DecodeError::Lines`] beyond [`MAX_LINES`].
    #[inline(always)]
    pub fn next_line(&mut self) -> Result<Option<(&'a str, &'a str)>, DecodeError> {
        loop {
            let (line, rest) = cut_line(self.rest);
            self.rest = rest;
            if line.is_empty() {
                return Ok(None);
            }
            if self.left == 0 {
                return Err(DecodeError::Lines);
            }
            self.left -= 1;
            let Some(colon) = key_end(line.as_bytes()) else { continue };
            let (key, value) = (&line[..colon], &line[colon + 1..]);
            let value = match self.style {
                Style::Tight => value,
                Style::Spaced => value.strip_prefix(' ').unwrap_or(value),
            };
            return Ok(Some((key, value)));
        }
    }
}

/// The first line without its line end (`\n` or `\r\n`), and the rest.
#[inline(always)]
fn cut_line(text: &str) -> (&str, &str) {
    let (line, rest) = match memchr(b'\n', text.as_bytes()) {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, ""),
    };
    (line.strip_suffix('\r').unwrap_or(line), rest)
}

/// Where the first colon is. Nearly all keys are shorter than 16 bytes: looking at those at once beats a call.
#[inline]
fn key_end(line: &[u8]) -> Option<usize> {
    if let Some(start) = line.first_chunk::<16>() {
        let marks = colons(u128::from_le_bytes(*start));
        if marks != 0 {
            return Some(marks.trailing_zeros() as usize / 8);
        }
    }
    memchr(b':', line)
}

/// Marks the bytes of `word` that are colons: the lowest mark is right.
#[inline]
fn colons(word: u128) -> u128 {
    const LOW: u128 = u128::MAX / 0xff;
    let zeros = word ^ (LOW * b':' as u128);
    zeros.wrapping_sub(LOW) & !zeros & (LOW << 7)
}

/// True for text that may travel as a value: it holds no byte below 0x20, no DEL, no C1 control and none of U+0085,
/// U+2028 and U+2029, all of which some client of the family splits lines at (protocol.md §2.4).
#[inline]
#[must_use]
pub fn is_clean(text: &str) -> bool {
    let plain = text.bytes().fold(true, |ok, b| ok & (0x20..0x7f).contains(&b));
    plain || text.chars().all(|c| !splits(c))
}

/// True for a character that no value may hold (protocol.md §2.4).
#[must_use]
pub fn splits(c: char) -> bool {
    c < ' ' || ('\u{7f}'..='\u{9f}').contains(&c) || c == '\u{2028}' || c == '\u{2029}'
}

/// Writes one datagram, line by line, into a buffer that the caller keeps.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    style: Style,
}

impl<'a> Writer<'a> {
    /// Empties `out` and writes the TYPE line.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>, style: Style, kind: &str) -> Self {
        out.clear();
        let mut writer = Self { out, style };
        writer.raw("TYPE", kind);
        writer
    }

    /// Goes on behind what `out` holds.
    pub(super) fn resume(out: &'a mut Vec<u8>, style: Style) -> Self {
        Self { out, style }
    }

    /// Writes a line whose value is clean by its type.
    #[inline]
    pub fn raw(&mut self, key: &str, value: &str) {
        self.line(key, value.as_bytes());
    }

    /// Writes a line of free text; a character that would split the value travels as U+FFFD.
    #[inline]
    pub fn text(&mut self, key: &str, value: &str) {
        if is_clean(value) {
            self.raw(key, value);
        } else {
            let clean: String = value.chars().map(|c| if splits(c) { '\u{fffd}' } else { c }).collect();
            self.raw(key, &clean);
        }
    }

    /// Writes a decimal number.
    #[inline]
    pub fn number(&mut self, key: &str, value: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        let mut left = value;
        while left >= 100 {
            at -= 2;
            digits[at..at + 2].copy_from_slice(&PAIRS[(left % 100) as usize]);
            left /= 100;
        }
        let pair = PAIRS[left as usize];
        at -= 2;
        digits[at..at + 2].copy_from_slice(&pair);
        if left < 10 {
            at += 1;
        }
        self.line(key, &digits[at..]);
    }

    #[inline]
    fn line(&mut self, key: &str, value: &[u8]) {
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(match self.style {
            Style::Tight => b":",
            Style::Spaced => b": ",
        });
        self.out.extend_from_slice(value);
        self.out.push(b'\n');
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// True before the first byte; never after [`Writer::new`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Writes the blank line that ends the datagram.
    #[inline]
    pub fn end(self) {
        self.out.push(b'\n');
    }
}

/// The numbers 00 to 99 as two digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut n = 0;
    while n < 100 {
        pairs[n] = [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8];
        n += 1;
    }
    pairs
};

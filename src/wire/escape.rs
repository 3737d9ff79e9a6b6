//! Text with line breaks and controls, in one line (protocol.md §2.4).

use std::borrow::Cow;

use super::text::{is_clean, splits};

/// The text as it travels, and whether it is escaped (`ESC:1` must go along).
///
/// A text without characters that split a value travels as it is. Otherwise `\` is written `\\`, a line break `\n`, a
/// tab `\t`, and any other character that splits a value `\u{X}` with its number in hex.
#[must_use]
pub fn escaped(text: &str) -> (Cow<'_, str>, bool) {
    if is_clean(text) {
        return (Cow::Borrowed(text), false);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if splits(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    (Cow::Owned(out), true)
}

/// The text that [`escaped`] was given; an escape that is none stands for itself.
#[must_use]
pub fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (c, used) = match after.as_bytes().first() {
            Some(b'\\') => ('\\', 1),
            Some(b'n') => ('\n', 1),
            Some(b't') => ('\t', 1),
            Some(b'u') => number(after).unwrap_or(('\\', 0)),
            _ => ('\\', 0),
        };
        out.push(c);
        rest = &after[used..];
    }
    out.push_str(rest);
    out
}

/// Reads `u{X}`: the character, and the bytes read.
fn number(text: &str) -> Option<(char, usize)> {
    let (hex, _) = text.strip_prefix("u{")?.split_once('}')?;
    if hex.is_empty() || hex.len() > 6 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let c = u32::from_str_radix(hex, 16).ok().and_then(char::from_u32)?;
    Some((c, hex.len() + 3))
}

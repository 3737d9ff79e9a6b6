//! JSON that can be printed as it is: what could steer a terminal or turn the order of a line stands escaped. Whoever
//! reads it as JSON gets the exact text.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// One object as one line, without a line break at its end.
#[must_use]
pub fn json<T: Serialize>(object: &T) -> String {
    let mut bytes = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Printable);
    // All objects of the API are plain structures, which cannot fail.
    if object.serialize(&mut serializer).is_err() {
        return "{}".to_owned();
    }
    String::from_utf8(bytes).unwrap_or_default()
}

struct Printable;

impl Formatter for Printable {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut from = 0;
        for (at, c) in fragment.char_indices().filter(|(_, c)| is_hidden(*c)) {
            out.write_all(fragment.get(from..at).unwrap_or_default().as_bytes())?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            from = at + c.len_utf8();
        }
        out.write_all(fragment.get(from..).unwrap_or_default().as_bytes())
    }
}

fn is_hidden(c: char) -> bool {
    !(' '..='~').contains(&c)
        && matches!(
            c.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_stands_escaped_and_comes_back() {
        let text = "a\u{1b}[1m \u{9b}2J \u{202e}x \u{2028} \u{7f} \u{e0001} \u{feff} \"q\" \n é 你好 👩‍💻";
        let written = json(&text);
        assert!(written.chars().all(|c| !is_hidden(c)), "{written}");
        assert!(written.contains("\\u009b2J") && written.contains("\\udb40\\udc01") && written.contains("你好"));
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }
}

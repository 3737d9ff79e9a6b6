//! JSON that can be printed as it is: what could steer a terminal or turn the order of a line stands escaped. Whoever
//! reads it as JSON gets the exact text.

use std::io;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::ser::Formatter;
use serde_json::value::RawValue;
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

/// Any JSON, as its author wrote it but for the space between: numbers keep all their digits and fields their order. It is
/// one line, and can be printed as it is.
#[derive(Debug, Clone)]
pub struct JsonText(Box<RawValue>);

impl JsonText {
    /// Reads one JSON value, of any depth.
    ///
    /// # Errors
    /// It is none.
    pub fn new(text: &str) -> Result<Self, serde_json::Error> {
        let mut line = String::with_capacity(text.len());
        let (mut quoted, mut escaped) = (false, false);
        for c in text.chars() {
            match c {
                ' ' | '\t' | '\n' | '\r' if !quoted => continue,
                '"' if !escaped => quoted = !quoted,
                _ => {}
            }
            escaped = c == '\\' && quoted && !escaped;
            if c.is_ascii() || !is_hidden(c) {
                // Control characters of ASCII are no JSON: they are refused below.
                line.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    line.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
        // Two numbers with a space between are not one.
        serde_json::from_str::<&RawValue>(text)?;
        RawValue::from_string(line).map(Self)
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub fn of<T: Serialize>(value: &T) -> Result<Self, serde_json::Error> {
        Self::new(&serde_json::to_string(value)?)
    }

    /// As it is written.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl PartialEq for JsonText {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl Eq for JsonText {}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::new(raw.get()).map_err(D::Error::custom)
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

    #[test]
    fn a_json_text_is_one_line_that_can_be_printed_and_means_the_same() {
        let text =
            "\n{ \"b\" :\t[1.10, 12345678901234567890, \" \\\" \u{9b} \u{202e}\u{e0001}\"],\r\n\"a\\\\\" : \"é \" }  ";
        let one = JsonText::new(text).unwrap();
        let wanted = "{\"b\":[1.10,12345678901234567890,\" \\\" \\u009b \\u202e\\udb40\\udc01\"],\"a\\\\\":\"é \"}";
        assert_eq!(one.get(), wanted);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(one.get()), value(text));
        assert_eq!(json(&one), one.get());
        assert_eq!(serde_json::from_str::<JsonText>(text).unwrap(), one);
        for wrong in ["", " ", "1 2", "{", "\"\n\"", "\"\u{1b}\"", "nan", "[1,]", "tru e", "1 .5", "\"a\" \"b\""] {
            assert!(JsonText::new(wrong).is_err(), "{wrong:?}");
        }
        let deep = "[".repeat(30_000) + &"]".repeat(30_000);
        assert_eq!(JsonText::new(&deep).unwrap().get(), deep);
    }
}

//! JSON of programs: checked, on one line, and so clean that it travels as it is (protocol.md §11.6).

use serde_json::value::RawValue;

/// How deep arrays and objects may be nested: readers call themselves for each.
pub(super) const DEPTH_MAX: usize = 32;

/// Checks JSON and writes it on one line: without spaces between its parts, and with `\u` in place of the characters that
/// no value may hold (protocol.md §2.4). Numbers, names and their order stay as they are. `None` for what is no JSON, is
/// nested deeper than [`DEPTH_MAX`], or has half a character.
#[must_use]
pub(super) fn clean(text: &str) -> Option<String> {
    let text = serde_json::from_str::<&RawValue>(text).ok()?.get();
    let mut out = String::with_capacity(text.len());
    let (mut depth, mut rest) = (0_usize, text.chars());
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                out.push(c);
                copy_string(&mut rest, &mut out)?;
            }
            '[' | '{' => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return None;
                }
                out.push(c);
            }
            ']' | '}' => {
                depth = depth.saturating_sub(1);
                out.push(c);
            }
            ' ' | '\t' | '\n' | '\r' => {}
            _ => out.push(c),
        }
    }
    Some(out)
}

/// A text as a JSON string that is clean.
#[must_use]
pub(super) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut rest = text.chars();
    loop {
        copy_plain(&mut rest, &mut out);
        match rest.next() {
            Some(c @ ('"' | '\\')) => out.extend(['\\', c]),
            Some(c) => push(c, &mut out),
            None => break,
        }
    }
    out.push('"');
    out
}

/// Copies all up to the first character that needs a look: most of most texts.
fn copy_plain(rest: &mut std::str::Chars<'_>, out: &mut String) {
    let text = rest.as_str();
    let length = text.bytes().take_while(|byte| matches!(byte, b' '..=b'~' if *byte != b'"' && *byte != b'\\')).count();
    let (plain, after) = text.split_at(length);
    out.push_str(plain);
    *rest = after.chars();
}

/// Copies a string that was checked, from behind its first quote to its last.
fn copy_string(rest: &mut std::str::Chars<'_>, out: &mut String) -> Option<()> {
    let mut high = false;
    loop {
        if !high {
            copy_plain(rest, out);
        }
        let c = rest.next()?;
        if c != '\\' {
            if high {
                return None;
            }
            push(c, out);
            if c == '"' {
                return Some(());
            }
            continue;
        }
        let kind = rest.next()?;
        out.extend([c, kind]);
        let mut unit = 0;
        if kind == 'u' {
            for _ in 0..4 {
                let digit = rest.next()?;
                unit = unit << 4 | digit.to_digit(16)?;
                out.push(digit);
            }
        }
        let low = (0xdc00..0xe000).contains(&unit);
        if low != high {
            return None;
        }
        high = (0xd800..0xdc00).contains(&unit);
    }
}

fn push(c: char, out: &mut String) {
    if crate::wire::splits(c) {
        out.push_str(&format!("\\u{:04x}", u32::from(c)));
    } else {
        out.push(c);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn it_is_written_on_one_line_as_it_was_meant() {
        for (given, clean_one) in [
            (" { \"a\" : [ 1.0 , 2e3, -0 ] ,\n\"a\":null } ", "{\"a\":[1.0,2e3,-0],\"a\":null}"),
            ("\"a b\\n\\u00e9\u{e9}\u{85}\u{2028}\u{7f}\"", "\"a b\\n\\u00e9\u{e9}\\u0085\\u2028\\u007f\""),
            ("\"\\ud83d\\ude00 \\\" \\\\\"", "\"\\ud83d\\ude00 \\\" \\\\\""),
            ("12345678901234567890123", "12345678901234567890123"),
            ("true", "true"),
            ("null", "null"),
        ] {
            assert_eq!(clean(given).as_deref(), Some(clean_one), "{given}");
            assert_eq!(clean(clean_one).as_deref(), Some(clean_one), "{given}");
        }
    }

    #[test]
    fn what_is_no_json_is_none() {
        for bad in ["", " ", "{", "{}}", "[1,]", "nul", "01", "\"a", "\"\n\"", "'a'", "{a:1}", "1 2", "\"\\x\"", "NaN"]
        {
            assert_eq!(clean(bad), None, "{bad:?}");
        }
        for half in ["\"\\ud800\"", "\"\\udc00\"", "\"\\ud800a\"", "\"\\ud800\\n\"", "\"\\ud800\\ud800\\udc00\""] {
            assert_eq!(clean(half), None, "{half:?}");
        }
    }

    #[test]
    fn it_is_nested_32_deep_at_most() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(clean(&nested(DEPTH_MAX)).is_some());
        assert_eq!(clean(&nested(DEPTH_MAX + 1)), None);
        assert_eq!(clean(&nested(30_000)), None);
        assert_eq!(clean(&"[".repeat(60_000)), None);
        assert!(clean("[[],[],[]]").is_some());
    }

    proptest! {
        #[test]
        fn any_text_becomes_a_clean_string(text in any::<String>()) {
            let written = string(&text);
            prop_assert!(crate::wire::is_clean(&written));
            prop_assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
            let cleaned = clean(&written).unwrap();
            prop_assert_eq!(cleaned.as_str(), written.as_str());
        }

        #[test]
        fn any_bytes_are_clean_or_none(text in "[\\[\\]{}\",:0-9a-u \\\\\n\u{80}-\u{9f}\u{2028}]{0,40}") {
            let Some(cleaned) = clean(&text) else { return Ok(()) };
            prop_assert!(crate::wire::is_clean(&cleaned));
            let (before, after) = (serde_json::from_str::<Value>(&text), serde_json::from_str::<Value>(&cleaned));
            prop_assert_eq!(before.unwrap(), after.unwrap());
        }
    }
}

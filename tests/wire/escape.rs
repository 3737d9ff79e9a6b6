//! Text with line breaks and controls, there and back.

use lsnp::wire::{escaped, is_clean, splits, unescaped};
use proptest::prelude::*;

use super::splitting::nasty_text;

#[test]
fn plain_text_travels_as_it_is() {
    for text in ["", "hello", "a\\nb", "C:\\new", "ünïcödé", "\\u{a}"] {
        let (out, marked) = escaped(text);
        assert_eq!((out.as_ref(), marked), (text, false));
    }
}

#[test]
fn what_splits_is_written_by_the_rule() {
    assert_eq!(escaped("a\nb\\c\td\re\u{85}f\u{2028}g\u{7f}").0, "a\\nb\\\\c\\td\\u{d}e\\u{85}f\\u{2028}g\\u{7f}");
}

#[test]
fn an_escape_that_is_none_stands_for_itself() {
    for text in [
        "\\",
        "a\\",
        "\\x",
        "\\u",
        "\\u{",
        "\\u{}",
        "\\u{g}",
        "\\u{110000}",
        "\\u{d800}",
        "\\u{1234567}",
        "\\é",
        "\\u{+9}",
        "\\U{9}",
        "\\u{ 9}",
    ] {
        assert_eq!(unescaped(text), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn escaped_text_comes_back(text in nasty_text()) {
        let (out, marked) = escaped(&text);
        prop_assert!(is_clean(&out));
        prop_assert_eq!(marked, text.chars().any(splits));
        if marked {
            prop_assert_eq!(unescaped(&out), text);
        } else {
            prop_assert_eq!(out.as_ref(), text.as_str());
        }
    }

    #[test]
    fn any_text_can_be_unescaped(text in "[\\\\unt{}0-9a-fé]{0,40}") {
        let _ = unescaped(&text);
    }
}

//! What reaches a screen.

use lsnp::wire::{Safe, SafeLines, Untrusted};
use proptest::prelude::*;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// Asserts all that a shown line promises.
fn check(text: &str) {
    let safe = Safe::line(text);
    let shown = safe.as_str();
    for c in shown.chars() {
        let category = c.general_category();
        let fine = !matches!(
            category,
            GeneralCategory::Control
                | GeneralCategory::PrivateUse
                | GeneralCategory::Surrogate
                | GeneralCategory::Unassigned
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        );
        assert!(fine, "{text:?} shows {c:?}, {category:?}");
        if category == GeneralCategory::Format {
            assert_eq!(c, '\u{200d}', "{text:?} shows {c:?}");
        }
        assert!(!matches!(c, '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'), "{text:?} shows a filler");
        assert!(!('\u{e0000}'..='\u{e007f}').contains(&c), "{text:?} shows a tag character");
    }
    assert!(shown.lines().count() <= 1, "{text:?}");
    for marks in shown.split(|c| !is_mark(c) || c == '\u{fe0f}') {
        assert!(marks.chars().count() <= 4, "{text:?}: {} marks on one character", marks.chars().count());
    }
    assert_eq!(Safe::line(shown).as_str(), shown, "{text:?} is not shown the same twice");
    for columns in [0, 1, 2, 7, 32] {
        let fitted = Safe::fitted(text, columns);
        assert!(fitted.width() <= columns, "{text:?} takes {} of {columns} columns", fitted.width());
    }
    for line in SafeLines::of(text).iter() {
        assert_eq!(Safe::line(line.as_str()), *line);
    }
}

fn is_mark(c: char) -> bool {
    matches!(
        c.general_category(),
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark | GeneralCategory::SpacingMark
    )
}

#[test]
fn nasty_text_is_tamed() {
    let zalgo = format!("Z{}a", "\u{301}".repeat(500));
    let marks_first = "\u{301}".repeat(9);
    let joiners = "\u{200d}".repeat(50);
    let emoji_marks = format!("\u{1f468}{}\u{200d}\u{1f469}", "\u{301}".repeat(9));
    let keycaps = "1\u{20e3}\u{20e3}\u{20e3}\u{20e3}\u{20e3}\u{20e3}";
    let long = "x\u{301}".repeat(30_000);
    let cases = [
        "\u{1b}[31mred\u{1b}[0m",
        "\u{1b}]0;title\u{7}",
        "\u{1b}]8;;http://x\u{1b}\\link",
        "\u{9b}31m",
        "\u{90}q\u{9c}",
        "a\u{8}\u{8}b",
        "\0",
        "a\r\nb",
        "a\rb",
        "\n",
        "\t\t",
        " \n ",
        "a\u{b}b\u{c}c",
        "\u{85}\u{85}",
        "a\u{2028}b\u{2029}c",
        "\u{202e}evil\u{202c}",
        "\u{2066}x\u{2069}",
        "\u{200e}\u{200f}\u{61c}",
        "a\u{200b}b\u{200c}c\u{200d}d\u{feff}",
        "\u{e0041}\u{e0042}",
        "\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}",
        "\u{115f}\u{1160}\u{3164}\u{ffa0}",
        "\u{e000}\u{f8ff}",
        "\u{378}\u{fffe}",
        "\u{fff9}x\u{fffa}y\u{fffb}",
        "\u{ad}soft",
        "\u{600}1",
        "\u{110bd}",
        "\u{1d173}",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{2764}\u{fe0f}",
        "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}",
        "\u{fe0f}\u{fe0f}",
        "x\u{fe0f}",
        "1\u{fe0f}\u{20e3}",
        "\u{1f1e9}\u{1f1ea}",
        "\u{200d}\u{1f469}",
        "\u{a9}\u{200d}\u{200d}",
        "\u{1112}\u{1161}\u{11ab}",
        "\u{0e33}\u{0e33}",
        "\u{0f77}",
        "\u{0344}\u{0344}\u{0344}",
        "\u{1e4d}\u{301}\u{301}\u{301}\u{301}",
        "\u{958}\u{1d15f}",
        "\u{2126}\u{212b}",
        "\u{fb1d}",
        "\u{340}\u{341}",
        "\u{1100}\u{1160}\u{11a8}",
        "e\u{115f}\u{301}",
        "e\u{200b}\u{301}",
        "\u{0b95}\u{0bcd}\u{200d}",
        "\u{1f600}\u{1b}\u{200d}\u{1f600}",
        "\u{1f600}\u{3164}\u{301}",
        &zalgo,
        &marks_first,
        &joiners,
        &emoji_marks,
        keycaps,
        &long,
    ];
    for text in cases {
        check(text);
    }
}

#[test]
fn every_character_is_tamed() {
    for c in (0..=0x10_ffff).filter_map(char::from_u32) {
        let shown = Safe::line(&c.to_string());
        assert_eq!(Safe::line(shown.as_str()), shown, "{c:?}");
        assert!(shown.as_str().chars().all(|c| !c.is_control()), "{c:?}");
    }
}

#[test]
fn what_may_be_shown_is_shown() {
    for text in [
        "hello",
        "Grüße",
        "日本語 テスト",
        "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
        "\u{2764}\u{fe0f}",
        "نص",
        "a  b",
    ] {
        assert_eq!(Safe::line(text).as_str(), text);
    }
    assert_eq!(Safe::line("one\ntwo\tthree\r\nfour").as_str(), "one two three four");
    assert_eq!(Safe::line("\u{1b}[31mred").as_str(), "[31mred");
}

#[test]
fn lines_are_split_where_a_line_ends_and_nowhere_else() {
    let lines: Vec<String> =
        Untrusted::new("one\ntwo\r\nthree\rfour\u{2028}five").lines().iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["one", "two", "three four five"]);
}

#[test]
fn untrusted_text_shows_nothing_raw_when_debugged() {
    assert!(!format!("{:?}", Untrusted::new("\u{1b}[31m\u{202e}x")).contains(['\u{1b}', '\u{202e}']));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8_000) })]

    #[test]
    fn any_text_is_tamed(text in hostile_text()) {
        check(&text);
    }
}

fn hostile_text() -> impl Strategy<Value = String> {
    let range = |from: u32, to: u32| (from..=to).prop_filter_map("no surrogate", char::from_u32);
    let c = prop_oneof![
        3 => any::<char>(),
        2 => range(0, 0xff),
        2 => range(0x300, 0x36f),
        2 => range(0x2000, 0x206f),
        1 => range(0xfe00, 0xfe0f),
        1 => range(0x1f300, 0x1faff),
        1 => range(0xe0000, 0xe01ef),
        1 => range(0x900, 0xdff),
        1 => range(0x1100, 0x11ff),
        1 => range(0x1f1e6, 0x1f1ff),
        1 => prop::sample::select(vec!['\u{200d}', '\u{fe0f}', '\u{20e3}', '\n', '\r', '\t', ' ', '\u{1b}', '\u{344}']),
    ];
    prop::collection::vec(c, 0..20).prop_map(|chars| chars.into_iter().collect())
}

#[test]
fn a_name_shows_no_sign_of_trust_and_no_unseen_blank() {
    for (name, shown) in [
        ("bob", "bob"),
        ("\u{2713}bob", "bob"),
        ("bob \u{2714}\u{fe0f}", "bob "),
        ("\u{2705}\u{1f512}\u{1f6e1}\u{fe0f}bob\u{2611}\u{221a}", "bob"),
        ("bo\u{2800}b", "bob"),
        ("b\u{200b}ob\u{202e}", "bob"),
        ("日本語", "日本語"),
    ] {
        assert_eq!(Safe::called(name, 32).as_str(), shown, "{name:?}");
    }
    assert_eq!(Safe::called("日本語", 5).as_str(), "日本…");
    assert_eq!(Safe::line("done \u{2713}").as_str(), "done \u{2713}", "what is said may have it");
}

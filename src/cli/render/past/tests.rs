//! Lines of history on a screen.

use super::*;
use crate::cli::past::Whose;
use crate::engine::RowId;
use crate::engine::sample::key;
use crate::wire::PublicKey;
use jiff::civil::date;
use jiff::tz::TimeZone;

const PEOPLE: Render = Render { pipe: false, color: false };
const PIPE: Render = Render { pipe: true, color: false };

fn whose(name: &str, key: Option<PublicKey>, trust: Trust) -> Whose {
    Whose { id: format!("{name}@10.0.0.2"), name: name.to_owned(), key, trust }
}

fn past(with: Option<Whose>, kind: Kind, text: &str) -> Past {
    let at = date(2026, 11, 20).at(14, 3, 0, 0).to_zoned(TimeZone::UTC).unwrap();
    let ours = with.is_none();
    Past { row: Some(RowId(1)), kind, ours, with, text: text.to_owned(), at, mark: None, unread: false }
}

fn shown(render: Render, lines: &[Past]) -> Vec<String> {
    render.past(lines).iter().map(|line| line.as_str().to_owned()).collect()
}

#[test]
fn each_day_has_a_heading_and_each_line_its_time() {
    let bob = || Some(whose("bob", Some(key(1)), Trust::Known));
    let ann = || Some(whose("ann", None, Trust::Unsigned));
    let mut next_day = past(bob(), Kind::Post, "one\n14:04    ann: two");
    next_day.at = next_day.at.tomorrow().unwrap();
    let to_bob = Past {
        ours: true,
        mark: Some(("stored".to_owned(), None)),
        ..past(bob(), Kind::Dm { private: true }, "and you?")
    };
    let failed = Past { mark: Some(("failed".to_owned(), Some("blocked".to_owned()))), ..to_bob.clone() };
    let unread = Past { unread: true, ..past(bob(), Kind::Dm { private: true }, "psst") };
    let lines = [
        past(ann(), Kind::Post, "hello"),
        unread,
        to_bob,
        failed,
        past(None, Kind::Post, "mine"),
        past(bob(), Kind::Profile, "Bob B.\nat lunch"),
        next_day,
    ];
    assert_eq!(
        shown(PEOPLE, &lines),
        [
            "Friday 2026-11-20",
            "14:03   ann (unverified): hello",
            "14:03 * bob to you: psst",
            "14:03   you to bob: and you?  \u{2713} stored",
            "14:03   you to bob: and you?  failed: blocked",
            "14:03   you: mine",
            "14:03   bob is called Bob B., status: at lunch",
            "Saturday 2026-11-21",
            "14:03   bob: one",
            "            14:04    ann: two",
        ]
    );
    assert_eq!(
        shown(PIPE, &lines[1..3]),
        [
            "HISTORY\tbob@10.0.0.2\tbob\t2026-11-20T14:03:00Z DM, unread: psst",
            "HISTORY\tbob@10.0.0.2\tbob\t2026-11-20T14:03:00Z DM by you, stored: and you?",
        ]
    );
}

#[test]
fn names_that_look_alike_are_told_apart_and_trust_stands_where_it_says_something() {
    let lines = [
        past(Some(whose("bob", Some(key(1)), Trust::Verified)), Kind::Post, "a"),
        past(Some(whose("b\u{43e}b", Some(key(2)), Trust::Changed)), Kind::Post, "b"),
        past(Some(whose("Bob", None, Trust::Unsigned)), Kind::Post, "c"),
    ];
    let digits = |number| key(number).fingerprint().short();
    assert_eq!(
        shown(PEOPLE, &lines)[1..],
        [
            format!("14:03   \u{2713} bob#{}: a", digits(1)),
            format!("14:03   b\u{43e}b#{} (new key): b", digits(2)),
            "14:03   Bob (Bob@10.0.0.2, unverified): c".to_owned(),
        ]
    );
}

#[test]
fn nothing_hostile_reaches_the_screen() {
    let hostile = "a\x1b]0;t\x07\tb\r\u{9b}2J\u{202e}d\u{85}e\u{0}";
    let mut with = whose(hostile, None, Trust::Unsigned);
    with.id = format!("{hostile}@10.0.0.2");
    for kind in [Kind::Post, Kind::Dm { private: false }, Kind::Profile] {
        let line = past(Some(with.clone()), kind, &format!("{hostile}\n{hostile}"));
        for render in [PEOPLE, PIPE] {
            let lines = shown(render, &[line.clone(), line.clone()]).join("");
            assert!(!lines.contains(['\x1b', '\u{9b}', '\u{202e}', '\r', '\u{85}', '\0']), "{lines:?}");
        }
    }
}

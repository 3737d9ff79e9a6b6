//! No value that we write ever splits its line.

use lsnp::wire::{Extension, MessageId, Post, Profile, Style, UserId, Writer, decode, is_clean, splits};
use proptest::prelude::*;

/// Text full of what some program splits lines at.
pub(crate) fn nasty_text() -> impl Strategy<Value = String> {
    let control = prop_oneof![
        (0u32..0x20).prop_map(|c| char::from_u32(c).unwrap()),
        (0x7fu32..0xa0).prop_map(|c| char::from_u32(c).unwrap()),
        Just('\u{2028}'),
        Just('\u{2029}'),
        Just('\n'),
        Just('\r'),
        Just('\\'),
        Just(':'),
        Just(' '),
    ];
    let piece = prop_oneof![control.prop_map(String::from), any::<char>().prop_map(String::from), "[a-z\\\\]{1,4}"];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// The lines as the most eager client of the family splits them: Python's `str.splitlines`.
fn eager_lines(text: &str) -> Vec<&str> {
    let breaks = ['\n', '\r', '\u{b}', '\u{c}', '\u{1c}', '\u{1d}', '\u{1e}', '\u{85}', '\u{2028}', '\u{2029}'];
    text.split(breaks).collect()
}

#[test]
fn exactly_the_controls_and_separators_split() {
    for c in (0..=0x10_ffff).filter_map(char::from_u32) {
        let expected = matches!(u32::from(c), 0..0x20 | 0x7f..=0x9f | 0x2028 | 0x2029);
        assert_eq!(splits(c), expected, "{c:?}");
        assert_eq!(is_clean(&c.to_string()), !expected, "{c:?}");
        assert_eq!(is_clean(&format!("é{c}")), !expected, "{c:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn free_text_stays_in_its_line(text in nasty_text(), spaced: bool) {
        let style = if spaced { Style::Spaced } else { Style::Tight };
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, style, "POST");
        writer.text("CONTENT", &text);
        writer.raw("AFTER", "1");
        writer.end();
        let out = String::from_utf8(out).unwrap();
        let lines = eager_lines(&out);
        prop_assert_eq!(lines.len(), 5, "{:?}", lines);
        prop_assert!(lines[1].starts_with("CONTENT:"));
        prop_assert!(lines[2].starts_with("AFTER:"));
    }

    #[test]
    fn a_whole_message_of_nasty_text_is_as_many_lines_as_keys(
        content in nasty_text(), name in nasty_text(), status in nasty_text(), id in nasty_text(), user in nasty_text(),
    ) {
        let user_id = UserId::new(&user).or(UserId::new("alice@10.0.0.1")).unwrap();
        let message_id = MessageId::new(&id);
        let post = Post { user_id, content: &content, timestamp: Some(1), message_id };
        let profile = Profile {
            user_id, display_name: Some(&name), status: Some(&status), timestamp: Some(1), message_id, avatar: None,
            avatar_data: None,
        };
        let mut out = Vec::new();
        post.encode(&Extension::default(), None, Style::Tight, &mut out);
        let lines = eager_lines(std::str::from_utf8(&out).unwrap()).len();
        prop_assert_eq!(lines, 6 + usize::from(message_id.is_some()));
        prop_assert!(decode(&out).is_ok());
        profile.encode(&Extension::default(), None, Style::Spaced, &mut out);
        let lines = eager_lines(std::str::from_utf8(&out).unwrap()).len();
        prop_assert_eq!(lines, 7 + usize::from(message_id.is_some()));
        prop_assert!(decode(&out).is_ok());
    }

    #[test]
    fn any_bytes_at_all_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn any_lines_at_all_can_be_read(lines in prop::collection::vec(any_line(), 0..12)) {
        let text = lines.concat();
        if let Ok(datagram) = decode(text.as_bytes()) {
            let _ = datagram.message.kind();
        }
    }
}

fn any_line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "TYPE",
        "USER_ID",
        "FROM",
        "TO",
        "CONTENT",
        "PORT",
        "TIMESTAMP",
        "MESSAGE_ID",
        "PEERS",
        "COUNT",
        "HASH",
        "DATA",
        "AVATAR",
        "AVATAR_DATA",
        "SID",
        "CAP",
        "ASK",
        "ANS",
        "BYE",
        "BEAT",
        "PV",
        "ESC",
        "SCAN",
        "TOKEN",
        "STATUS",
        "FOR",
        "SPAN",
        "LAST",
        "SINCE",
        "HAVE",
        "WANT",
        "RE",
        "POSTS",
        "LONG",
        "X",
    ]);
    let value = prop_oneof![
        3 => prop::sample::select(vec![
            "POST", "DM", "PROFILE", "PEER_DISCOVERY", "PEER_LIST_RESPONSE", "CHUNK", "FOLLOW_RESPONSE", "REVOKE", "ACK",
            "SYNC", "CARRY", "1", "-", "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=1-3",
            "a@1.2.3.4", "AAAAAAAAAAA", "[\"a\\u00e9\", \"b\"]", "png,1,AAAAAAAAAAAAAAAAAAAAAA",
        ]).prop_map(str::to_owned),
        1 => nasty_text(),
    ];
    let end = prop::sample::select(vec!["\n", "\r\n", "\n\n", ""]);
    let gap = prop::sample::select(vec![":", ": ", "", " :"]);
    (key, gap, value, end).prop_map(|(key, gap, value, end)| format!("{key}{gap}{value}{end}"))
}

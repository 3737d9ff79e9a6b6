//! The line format at its edges.

use lsnp::wire::{DecodeError, Lines, MAX_DATAGRAM, MAX_LINES, Message, MessageId, Style, UserId, decode};

fn post(lines: &str) -> Result<(String, String), DecodeError> {
    match decode(lines.as_bytes())?.message {
        Message::Post(post) => Ok((post.user_id.as_str().to_owned(), post.content.to_owned())),
        other => panic!("{other:?}"),
    }
}

fn hello() -> Result<(String, String), DecodeError> {
    Ok(("a@10.0.0.1".to_owned(), "hello".to_owned()))
}

#[test]
fn both_separators_and_both_line_ends_are_read() {
    for end in ["\n", "\r\n"] {
        for gap in [":", ": "] {
            for last in ["", end] {
                let text = ["TYPE", "USER_ID", "CONTENT"]
                    .iter()
                    .zip(["POST", "a@10.0.0.1", "hello"])
                    .map(|(key, value)| format!("{key}{gap}{value}{end}"))
                    .collect::<String>()
                    + last;
                assert_eq!(post(&text), hello(), "{text:?}");
            }
        }
    }
    assert_eq!(post("TYPE:POST\nUSER_ID:a@10.0.0.1\nCONTENT:hello"), hello(), "no line end at all");
}

#[test]
fn one_space_after_the_colon_belongs_to_the_style_and_no_more() {
    assert_eq!(post("TYPE: POST\nUSER_ID: a@10.0.0.1\nCONTENT:  hello\n\n").unwrap().1, " hello");
    assert_eq!(post("TYPE:POST\nUSER_ID:a@10.0.0.1\nCONTENT: hello\n\n").unwrap().1, " hello");
    assert_eq!(post("TYPE: POST\nUSER_ID:a@10.0.0.1\nCONTENT:hello\n\n").unwrap().1, "hello");
    assert_eq!(decode(b"TYPE: POST\nUSER_ID: a\nCONTENT: x\n\n").unwrap().style, Style::Spaced);
}

#[test]
fn a_value_keeps_its_colons_and_an_empty_value_is_one() {
    assert_eq!(post("TYPE:POST\nUSER_ID:a@10.0.0.1\nCONTENT:a:b: c\n\n").unwrap().1, "a:b: c");
    assert_eq!(post("TYPE:POST\nUSER_ID:a@10.0.0.1\nCONTENT:\n\n").unwrap().1, "");
}

#[test]
fn the_later_line_of_a_key_wins() {
    assert_eq!(post("TYPE:POST\nUSER_ID:a@10.0.0.1\nCONTENT:one\nCONTENT:hello\n\n"), hello());
}

#[test]
fn what_is_unknown_is_passed_over() {
    assert_eq!(post("TYPE:POST\nGREASE:x\nUSER_ID:a@10.0.0.1\nno colon here\nCONTENT:hello\n\n"), hello());
    assert_eq!(decode(b"TYPE:GROUP_CREATE\nX:1\n\n").unwrap().message, Message::Other("GROUP_CREATE"));
}

#[test]
fn nothing_is_read_after_the_blank_line() {
    assert_eq!(post("TYPE:POST\nUSER_ID:a@10.0.0.1\nCONTENT:hello\n\nCONTENT:evil\n\n"), hello());
    assert_eq!(decode(b"\nTYPE:POST\nUSER_ID:a\nCONTENT:x\n\n"), Err(DecodeError::NoType));
}

#[test]
fn a_late_type_is_found() {
    assert_eq!(post("USER_ID:a@10.0.0.1\nCONTENT:hello\nTYPE:POST\n\n"), hello());
    assert_eq!(post("USER_ID: a@10.0.0.1\r\nCONTENT: hello\r\nTYPE: POST\r\n\r\n"), hello());
}

#[test]
fn a_datagram_without_a_type_is_refused() {
    for text in ["TYPE:\n\n", "TYPE: \n\n", "USER_ID:a\n\n", "\n\n", ":", "type:POST\n\n", "TYPEPOST\n\n"] {
        assert_eq!(decode(text.as_bytes()), Err(DecodeError::NoType), "{text:?}");
    }
}

#[test]
fn sixty_four_lines_are_read_and_no_more() {
    let filled = |count: usize| {
        let filler = "X:1\n".repeat(count - 3);
        [
            format!("TYPE:POST\nUSER_ID:a@10.0.0.1\n{filler}CONTENT:hello\n\n"),
            format!("{filler}USER_ID:a@10.0.0.1\nCONTENT:hello\nTYPE:POST\n\n"),
            format!("TYPE:POST\nUSER_ID:a@10.0.0.1\nCONTENT:hello\n{}\n", "no colon\n".repeat(count - 3)),
        ]
    };
    for text in filled(MAX_LINES) {
        assert_eq!(post(&text), hello(), "{text:?}");
    }
    for text in filled(MAX_LINES + 1) {
        assert!(matches!(decode(text.as_bytes()), Err(DecodeError::Lines | DecodeError::NoType)), "{text:?}");
    }
}

#[test]
fn size_is_limited() {
    assert_eq!(decode(b""), Err(DecodeError::Size(0)));
    let head = "TYPE:POST\nUSER_ID:a@10.0.0.1\nCONTENT:";
    let most = format!("{head}{}", "x".repeat(MAX_DATAGRAM - head.len()));
    assert!(decode(most.as_bytes()).is_ok());
    assert_eq!(decode(format!("{most}x").as_bytes()), Err(DecodeError::Size(MAX_DATAGRAM + 1)));
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    assert_eq!(decode(b"TYPE:POST\nUSER_ID:a\nCONTENT:\xff\n\n"), Err(DecodeError::NotUtf8));
    assert_eq!(decode(b"TYPE:POST\nUSER_ID:a\nCONTENT:\xc3\n\n"), Err(DecodeError::NotUtf8));
    assert_eq!(decode(b"TYPE:POST\nUSER_ID:a\nCONTENT:\xed\xa0\x80\n\n"), Err(DecodeError::NotUtf8));
}

#[test]
fn ids_keep_to_their_grammar() {
    let at_most = format!("{}@255.255.255.255", "\u{1f980}".repeat(32));
    assert_eq!(at_most.len(), UserId::MAX);
    assert!(UserId::new(&at_most).is_some());
    assert!(UserId::new(&format!("{at_most}x")).is_none());
    for bad in ["", " ", "a\u{7}b@1.2.3.4", "a\u{2028}@1.2.3.4", "\u{85}", "a\tb"] {
        assert!(UserId::new(bad).is_none(), "{bad:?}");
    }
    let id = UserId::new(" bob@10.77.0.2 ").unwrap();
    assert_eq!((id.as_str(), id.name(), id.ip()), ("bob@10.77.0.2", "bob", Some([10, 77, 0, 2].into())));
    let odd = UserId::new("a@b@c").unwrap();
    assert_eq!((odd.name(), odd.ip()), ("a@b", None));
    assert_eq!(UserId::new("plain").unwrap().name(), "plain");
}

#[test]
fn message_ids_of_other_programs_are_read() {
    for good in ["1", "f83d2b1c00aa11bb", "F83D-2B1C", "a b~!", &"x".repeat(64)] {
        assert_eq!(MessageId::new(good).map(MessageId::as_str), Some(good));
    }
    for bad in ["", "  ", "é", "a\u{7f}", "a\tb", &"x".repeat(65)] {
        assert_eq!(MessageId::new(bad), None, "{bad:?}");
    }
}

#[test]
fn lines_tell_what_is_left_after_the_blank_one() {
    let (kind, mut lines) = Lines::of(b"TYPE:X\nA:1\n\nrest").unwrap();
    assert_eq!(kind, "X");
    assert_eq!(lines.next_line(), Ok(Some(("A", "1"))));
    assert_eq!(lines.next_line(), Ok(None));
    assert_eq!(lines.rest(), "rest");
}

#[test]
fn numbers_are_read_exactly_or_not_at_all() {
    let timestamp = |text: &str| {
        let bytes = format!("TYPE:POST\nUSER_ID:a\nCONTENT:x\nTIMESTAMP:{text}\n\n");
        match decode(bytes.as_bytes()).unwrap().message {
            Message::Post(post) => post.timestamp,
            other => panic!("{other:?}"),
        }
    };
    for number in (0..64).map(|bits| 1u64 << bits).chain([0, 9, 99_999_999, 100_000_000, 1_728_938_500, u64::MAX]) {
        assert_eq!(timestamp(&number.to_string()), Some(number));
        assert_eq!(timestamp(&format!(" {number} ")), Some(number));
        assert_eq!(timestamp(&format!("000{number}")), Some(number));
    }
    for bad in [
        "",
        "x",
        "-1",
        "1.5",
        "1728938500.25",
        "12345678x",
        "1234567x",
        "/2345678",
        ":2345678",
        "12345678:",
        "1234 5678",
        "18446744073709551616",
        "99999999999999999999",
        "１２３４５６７８",
    ] {
        assert_eq!(timestamp(bad), None, "{bad:?}");
    }
}

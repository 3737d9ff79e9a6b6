//! What delivery adds: acknowledgements, what is carried, and which posts somebody has.

use std::ops::RangeInclusive;

use lsnp::wire::{
    Ack, CARRY_MAX, Carry, Chain, DecodeError, Extension, MAX_DATAGRAM, Message, Numbers, OWN_DATAGRAM_MAX, Octets,
    PieceHash, PublicKey, RANGES_MAX, SYNC_MAX, SealedAck, SealedBody, SealedLong, Style, Sync, Synced, UserId, decode,
};
use proptest::prelude::*;

use super::golden;

const KEY: &str = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";
const NEXT: &str = "AgIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA";

fn ack(lines: &str) -> Result<(bool, bool), DecodeError> {
    match decode(format!("TYPE:ACK\n{lines}\n").as_bytes())?.message {
        Message::Ack(ack) => Ok((ack.stored, ack.to.is_some())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_ack_names_a_message_and_what_it_does_not_say_is_less() {
    let of_key = format!("MESSAGE_ID:1\nFOR:{KEY}\nSTATUS:STORED\n");
    assert_eq!(ack(&of_key), Ok((true, true)));
    assert_eq!(ack("MESSAGE_ID:1\nSTATUS:STORED\n"), Ok((true, false)));
    for status in ["", "STATUS:RECEIVED\n", "STATUS:stored\n", "STATUS:STORED,RECEIVED\n", "STATUS:\n", "STATUS:7\n"] {
        assert_eq!(ack(&format!("MESSAGE_ID:1\n{status}")), Ok((false, false)), "{status:?}");
    }
    assert_eq!(ack("STATUS:STORED\n"), Err(DecodeError::Missing("MESSAGE_ID")));
    assert_eq!(ack("MESSAGE_ID:\n"), Err(DecodeError::Bad("MESSAGE_ID")));
    for key in ["", "alice", &KEY[1..], &format!("{KEY}A"), &KEY.replace("yA", "yB"), &format!(" {KEY}")] {
        assert_eq!(ack(&format!("MESSAGE_ID:1\nFOR:{key}\n")), Err(DecodeError::Bad("FOR")), "{key:?}");
    }
}

const POST: &str = "TYPE:POST\nUSER_ID:a\nCONTENT:x\n\n";
const LETTER: &str = "TYPE:DM\nFROM:a\nTO:b\n\n";

fn carry(head: &str, inner: &str) -> Result<Option<u32>, DecodeError> {
    Ok(Carry::of(format!("{head}\n{inner}").as_bytes())?.map(|carry| carry.age))
}

#[test]
fn a_carry_has_one_form() {
    let of_post = "TYPE:CARRY\nSID:AQIDBAUGBwg\nAGE:7\n";
    let of_letter = format!("{of_post}FOR:{KEY}\n");
    assert_eq!(carry(of_post, POST), Ok(Some(7)));
    assert_eq!(carry(&of_letter, LETTER), Ok(Some(7)));
    assert_eq!(carry(&of_letter, "TYPE:ACK\nMESSAGE_ID:1\n\n"), Ok(Some(7)));
    assert_eq!(carry("TYPE:CARRY\nSID:AQIDBAUGBwg\nAGE:4294967295\n", POST), Ok(Some(u32::MAX)));
    for (from, to) in [
        ("SID:AQIDBAUGBwg\n", ""),
        ("SID:", "SID: "),
        ("wg\n", "wh\n"),
        ("wg\n", "wg\r\n"),
        ("AGE:7\n", ""),
        ("AGE:7", "AGE:07"),
        ("AGE:7", "AGE:"),
        ("AGE:7", "AGE:-7"),
        ("AGE:7", "AGE:+7"),
        ("AGE:7", "AGE:4294967296"),
        ("AGE:7", "AGE:18446744073709551617"),
        ("AGE:7\n", "AGE:7\nAGE:7\n"),
        ("AGE:7\n", "AGE:7\nX1:1\n"),
        ("AGE:7\n", "X1:1\nAGE:7\n"),
        ("AGE:7\n", "AGE:7"),
        ("SID:AQIDBAUGBwg\nAGE:7\n", "AGE:7\nSID:AQIDBAUGBwg\n"),
        ("FOR:A", "FOR: A"),
        ("FOR:A", "FOR:AA"),
        ("FOR:A", "FOR:"),
        ("yA\n", "yB\n"),
        ("yA\n", "yA\nX1:1\n"),
        ("AGE:7\n", "AGE:7\n\n"),
    ] {
        for (head, inner) in [(of_post, POST), (&of_letter, LETTER)] {
            let other = head.replacen(from, to, 1);
            if other != head {
                assert_eq!(carry(&other, inner), Err(DecodeError::Bad("CARRY")), "{other:?}");
            }
        }
    }
    for cut in 0..of_letter.len() + 1 {
        let whole = format!("{of_letter}\n");
        if let Ok(Some(carry)) = Carry::of(&whole.as_bytes()[..cut]) {
            panic!("cut at {cut}: {carry:?}");
        }
    }
    assert_eq!(carry("TYPE:POST\nSID:AQIDBAUGBwg\nAGE:7\n", POST), Ok(None));
    assert_eq!(carry("TYPE: CARRY\nSID: AQIDBAUGBwg\nAGE: 7\n", POST), Ok(None), "of no TYPE that is known");
    assert_eq!(carry("SID:AQIDBAUGBwg\nTYPE:CARRY\nAGE:7\n", POST), Ok(None));
}

#[test]
fn only_posts_are_carried_for_all_and_only_dms_and_their_acks_for_one() {
    let head = "TYPE:CARRY\nSID:AQIDBAUGBwg\nAGE:7\n";
    let carried = format!("{head}\n{POST}");
    for inner in [
        "",
        "\n",
        "TYPE:",
        "TYPE:POST",
        "TYPE:POST\r\n\r\n",
        "TYPE: POST\nUSER_ID: a\n\n",
        "USER_ID:a\nTYPE:POST\n\n",
        "TYPE:POSTS\n\n",
        "TYPE:PEER_DISCOVERY\nUSER_ID:a\n\n",
        "TYPE:PROFILE\nUSER_ID:a\n\n",
        "TYPE:SYNC\nFROM:a\n\n",
        &carried,
    ] {
        assert_eq!(carry(head, inner), Err(DecodeError::Bad("CARRY")), "{inner:?}");
        assert_eq!(carry(&format!("{head}FOR:{KEY}\n"), inner), Err(DecodeError::Bad("CARRY")), "{inner:?}");
    }
    assert_eq!(carry(head, LETTER), Err(DecodeError::Bad("CARRY")));
    assert_eq!(carry(&format!("{head}FOR:{KEY}\n"), POST), Err(DecodeError::Bad("CARRY")));
    for (size, good) in [(OWN_DATAGRAM_MAX, true), (OWN_DATAGRAM_MAX + 1, false), (MAX_DATAGRAM, false)] {
        let mut inner = "TYPE:POST\n".to_owned();
        inner.push_str(&"x".repeat(size - inner.len()));
        assert_eq!(carry(head, &inner).is_ok(), good, "{size} bytes");
    }
}

#[test]
fn nothing_that_is_carried_counts_as_unsigned() {
    let mut out = Vec::new();
    Carry { sid: Octets(1), age: 1, to: None, inner: &golden::built("signed-post") }.encode(&mut out);
    for spelling in [out.clone(), [b"TYPE: CARRY\n", &out[11..]].concat(), [b"X1:1\n", out.as_slice()].concat()] {
        if Carry::of(&spelling) == Ok(None) {
            let read = decode(&spelling).unwrap();
            assert!(read.extension.signed && matches!(read.message, Message::Other("CARRY")));
        }
    }
}

fn sync(lines: &str) -> Result<Synced, DecodeError> {
    match decode(format!("TYPE:SYNC\nFROM:a\n{lines}\n").as_bytes())?.message {
        Message::Sync(sync) => Ok(sync.what),
        other => panic!("{other:?}"),
    }
}

fn ranges(list: &str) -> Option<Vec<RangeInclusive<u64>>> {
    match sync(&format!("WANT:{KEY}={list}\n")) {
        Ok(Synced::Want(want)) => Some(want[0].ranges.clone()),
        Err(DecodeError::Bad("WANT")) => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn numbers_of_posts_have_one_spelling() {
    assert_eq!(ranges("1"), Some(vec![1..=1]));
    assert_eq!(ranges("1-7,9,11-12"), Some(vec![1..=7, 9..=9, 11..=12]));
    assert_eq!(ranges("18446744073709551614"), Some(vec![u64::MAX - 1..=u64::MAX - 1]));
    for wrong in [
        "",
        "0",
        "0-1",
        "01",
        "1-01",
        "+1",
        "1-",
        "-1",
        "-",
        "1-1",
        "2-1",
        "1,",
        ",1",
        "1,1",
        "1,2",
        "1-3,3",
        "1-3,4",
        "5,1",
        "1 ",
        " 1",
        "1, 3",
        "1--3",
        "1-3-5",
        "a",
        "1.5",
        "18446744073709551615",
        "18446744073709551616",
        "1=3",
        "1;",
        ";1",
        "1-18446744073709551615",
    ] {
        assert_eq!(ranges(wrong), None, "{wrong:?}");
    }
    let list = |count: usize| (0..count).map(|n| (n * 2 + 1).to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(ranges(&list(RANGES_MAX)).map(|ranges| ranges.len()), Some(RANGES_MAX));
    assert_eq!(ranges(&list(RANGES_MAX + 1)), None);
}

#[test]
fn authors_come_by_ascending_key_and_once() {
    let want = |list: &str| sync(&format!("WANT:{list}\n")).is_ok();
    assert!(want("-"));
    assert!(want(&format!("{KEY}=1;{NEXT}=1")));
    for wrong in [
        String::new(),
        format!("{NEXT}=1;{KEY}=1"),
        format!("{KEY}=1;{KEY}=3"),
        format!("{KEY}=1;"),
        format!(";{KEY}=1"),
        format!("{KEY}=1;-"),
        KEY.into(),
        format!("{KEY}:1"),
        format!("{KEY}= 1"),
        format!("{KEY}=1; {NEXT}=1"),
        format!("{}=1", &KEY[1..]),
        format!("{}=1", KEY.replace("yA", "yB")),
        "--".into(),
    ] {
        assert!(!want(&wrong), "{wrong:?}");
    }
}

#[test]
fn a_sync_asks_or_offers_or_wants() {
    let ask = format!("SPAN:{KEY},{NEXT}\nLAST:500\nSINCE:7\nHAVE:{KEY}=1-3\n");
    let key = PublicKey::parse(KEY).unwrap();
    let have = vec![Numbers { author: key, ranges: vec![1..=3] }];
    let span = (key, PublicKey::parse(NEXT).unwrap());
    assert_eq!(sync(&ask), Ok(Synced::Ask { span, have: have.clone(), last: 500, since: 7 }));
    assert_eq!(sync(&format!("RE:1\nHAVE:{KEY}=1-3\n")), Ok(Synced::Offer(have.clone())));
    assert_eq!(sync(&format!("WANT:{KEY}=1-3\n")), Ok(Synced::Want(have)));
    for (lines, error) in [
        (ask.replace("SPAN", "SPAM"), DecodeError::Missing("SPAN")),
        (ask.replace("LAST", "LAST1"), DecodeError::Missing("LAST")),
        (ask.replace("SINCE", "SINCE1"), DecodeError::Missing("SINCE")),
        (ask.replace("HAVE", "HAVE1"), DecodeError::Missing("HAVE")),
        (ask.replace(&format!("{KEY},{NEXT}"), &format!("{NEXT},{KEY}")), DecodeError::Bad("SPAN")),
        (ask.replace(&format!("{KEY},{NEXT}"), KEY), DecodeError::Bad("SPAN")),
        (ask.replace(",", ", "), DecodeError::Bad("SPAN")),
        (ask.replace("500", "0500"), DecodeError::Bad("LAST")),
        (ask.replace("500", "4294967296"), DecodeError::Bad("LAST")),
        (ask.replace("500", "-1"), DecodeError::Bad("LAST")),
        (ask.replace("SINCE:7", "SINCE:"), DecodeError::Bad("SINCE")),
        (ask.replace("SINCE:7", "SINCE:18446744073709551616"), DecodeError::Bad("SINCE")),
        (ask.replace("=1-3", "=3-1"), DecodeError::Bad("HAVE")),
        (format!("{ask}RE:1\n"), DecodeError::Bad("SYNC")),
        (format!("{ask}WANT:-\n"), DecodeError::Bad("SYNC")),
        ("RE:1\nWANT:-\n".into(), DecodeError::Bad("SYNC")),
        ("RE:2\nHAVE:-\n".into(), DecodeError::Bad("SYNC")),
        ("RE:1\nLAST:1\nHAVE:-\n".into(), DecodeError::Bad("SYNC")),
        ("LAST:1\nWANT:-\n".into(), DecodeError::Bad("SYNC")),
        ("RE:1\n".into(), DecodeError::Missing("HAVE")),
        (String::new(), DecodeError::Missing("HAVE")),
    ] {
        assert_eq!(sync(&lines), Err(error), "{lines:?}");
    }
    assert_eq!(decode(b"TYPE:SYNC\nWANT:-\n\n").unwrap_err(), DecodeError::Missing("FROM"));
}

#[test]
fn a_sync_as_long_as_a_datagram_may_be_is_refused_and_not_taken_apart() {
    let author = |n: u32| {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&n.to_be_bytes());
        PublicKey(key)
    };
    let list = |count: u32| (0..count).map(|n| format!("{}=1", author(n))).collect::<Vec<_>>().join(";");
    assert!(sync(&format!("WANT:{}\n", list(SYNC_MAX as u32 / 46))).is_ok());
    let most = (1..).find(|count| list(*count).len() > 1_200).unwrap();
    assert!(sync(&format!("WANT:{}\n", list(most - 1))).is_ok());
    for count in [most, 700] {
        assert_eq!(sync(&format!("WANT:{}\n", list(count))), Err(DecodeError::Bad("WANT")), "{count} authors");
    }
}

#[test]
fn a_post_may_name_a_long_text_and_nothing_beside_it() {
    let of = |content: &str, long: &str| {
        let lines = format!("TYPE:POST\nUSER_ID:a\nCONTENT:{content}\nPOST_NO:1\nLAMPORT:1\nLONG:{long}\n\n");
        Chain::of(lines.as_bytes()).map(|chain| chain.and_then(|chain| chain.long).map(|long| long.size))
    };
    let root = PieceHash([1; 16]);
    assert_eq!(of("", &format!("1,{root}")), Ok(Some(1)));
    assert_eq!(of("", &format!("65536,{root}")), Ok(Some(65_536)));
    for wrong in [
        String::new(),
        "7".into(),
        format!("0,{root}"),
        format!("07,{root}"),
        format!("65537,{root}"),
        format!("7, {root}"),
        format!("{root},7"),
        format!("7,{root},7"),
        "7,".into(),
        format!("7,{}", &root.to_string()[1..]),
        format!("7,{}B", &root.to_string()[..21]),
    ] {
        assert_eq!(of("", &wrong), Err(DecodeError::Bad("LONG")), "{wrong:?}");
    }
    assert_eq!(of("text", &format!("7,{root}")), Err(DecodeError::Bad("LONG")));
}

#[test]
fn the_number_of_posts_is_said_in_an_announcement() {
    let posts = |value: &str| {
        let text = format!("TYPE:PEER_DISCOVERY\nUSER_ID:a\nPOSTS:{value}\n\n");
        decode(text.as_bytes()).unwrap().extension.posts
    };
    assert_eq!(posts("0"), Some(0));
    assert_eq!(posts("18446744073709551614"), Some(u64::MAX - 1));
    for none in ["", "-1", "many", "18446744073709551615", "18446744073709551616"] {
        assert_eq!(posts(none), None, "{none:?}");
    }
}

fn long() -> SealedLong {
    SealedLong { root: PieceHash([3; 16]), size: 65_552, key: [7; 32] }
}

#[test]
fn a_body_holds_one_of_a_text_a_long_text_and_an_ack() {
    let ack = || SealedAck { message_id: "f83d2b1c00aa11bb".into(), stored: true };
    let of_long = SealedBody { long: Some(long()), timestamp: 7, ..SealedBody::default() };
    let of_ack = SealedBody { ack: Some(ack()), ..SealedBody::default() };
    for body in [&of_long, &of_ack] {
        assert_eq!(SealedBody::decode(&body.encode()).as_ref(), Some(body));
    }
    assert_eq!(
        of_long.encode(),
        [
            b"\x82\xa2at\x07\xa1m\x83\xa1h\xc4\x10".as_slice(),
            &[3; 16],
            b"\xa1n\xce\x00\x01\x00\x10\xa1k\xc4\x20",
            &[7; 32]
        ]
        .concat()
    );
    assert_eq!(of_ack.encode(), b"\x81\xa3ack\x82\xa2id\xb0f83d2b1c00aa11bb\xa1s\xc3");
    for both in [
        SealedBody { text: "Hi".into(), ..of_long.clone() },
        SealedBody { text: "Hi".into(), ..of_ack.clone() },
        SealedBody { ack: Some(ack()), ..of_long.clone() },
        SealedBody::text("", 7),
    ] {
        assert_eq!(SealedBody::decode(&both.encode()), None, "{both:?}");
    }
    for (size, good) in [(0, false), (16, false), (17, true), (65_552, true), (65_553, false), (u32::MAX, false)] {
        let body = SealedBody { long: Some(SealedLong { size, ..long() }), ..of_long.clone() };
        assert_eq!(SealedBody::decode(&body.encode()).is_some(), good, "{size} bytes");
    }
    for (id, good) in [("1", true), ("", false), (" 1", false), ("1\n", false), ("é", false), (&"1".repeat(65), false)]
    {
        let body = SealedBody { ack: Some(SealedAck { message_id: id.into(), stored: false }), ..of_ack.clone() };
        assert_eq!(SealedBody::decode(&body.encode()).is_some(), good, "{id:?}");
    }
}

#[test]
fn a_long_text_of_a_dm_has_its_keys_as_bytes_of_one_length() {
    let whole = SealedBody { long: Some(long()), ..SealedBody::default() }.encode();
    let at = whole.windows(2).position(|pair| pair == b"\xc4\x20").unwrap();
    for wrong in [&b"\xc4\x1f"[..], b"\xc4\x21", b"\xdc\x00\x20", b"\xd9\x20", b"\xc4\x00", b"\xc6\xff\xff\xff\xff"] {
        let bytes = [&whole[..at], wrong, &whole[at + 2..]].concat();
        assert_eq!(SealedBody::decode(&bytes), None, "{}", wrong.escape_ascii());
    }
    for end in 0..whole.len() {
        assert_eq!(SealedBody::decode(&whole[..end]), None, "cut at {end}");
    }
    assert!(!format!("{:?}", long()).contains('7'), "the key is never shown");
}

fn numbers() -> impl Strategy<Value = Vec<Numbers>> {
    let ranges = prop::collection::vec((1..1_000_u64, 0..1_000_u64), 1..6);
    prop::collection::btree_map(any::<[u8; 32]>(), ranges, 0..6).prop_map(|authors| {
        let parts = |parts: Vec<(u64, u64)>| {
            let mut end = 0;
            let range = |(gap, length): (u64, u64)| {
                let first = end + gap + u64::from(end > 0);
                end = first + length;
                first..=end
            };
            parts.into_iter().map(range).collect()
        };
        authors.into_iter().map(|(key, ranges)| Numbers { author: PublicKey(key), ranges: parts(ranges) }).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn acks_are_read_back(id in "[!-~]([ -~]{0,62}[!-~])?", key: Option<[u8; 32]>, stored: bool, spaced: bool) {
        let ack = Ack { message_id: lsnp::wire::MessageId::new(&id).unwrap(), to: key.map(PublicKey), stored };
        let style = if spaced { Style::Spaced } else { Style::Tight };
        let mut out = Vec::new();
        ack.encode(&Extension::default(), style, &mut out);
        prop_assert_eq!(decode(&out).unwrap().message, Message::Ack(ack));
    }

    #[test]
    fn syncs_are_read_back(
        kind in 0..3, list in numbers(), low: [u8; 32], high: [u8; 32], last: u32, since: u64, sid: u64,
    ) {
        let span = (PublicKey(low.min(high)), PublicKey(low.max(high)));
        let what = match kind {
            0 => Synced::Ask { span, have: list.clone(), last, since },
            1 => Synced::Offer(list.clone()),
            _ => Synced::Want(list.clone()),
        };
        let sync = Sync { from: UserId::new("alice@10.0.0.1").unwrap(), what };
        let extension = Extension { sid: Some(Octets(sid)), ..Extension::default() };
        let mut out = Vec::new();
        sync.encode(&extension, &mut out);
        let read = decode(&out).unwrap();
        prop_assert_eq!((read.message, read.extension), (Message::Sync(sync), extension));
        let length: usize = list.iter().map(Numbers::written_len).sum();
        let bare = if kind == 0 { 10 + 20 + 94 + 12 + 16 + 16 + 22 + 28 } else { 10 + 20 + 5 + 6 + 16 + 2 };
        prop_assert!(out.len() <= bare + length.max(1), "{} bytes for {length}", out.len());
    }

    #[test]
    fn what_is_carried_is_read_back(
        sid: u64, age: u32, key: Option<[u8; 32]>, rest in prop::collection::vec(any::<u8>(), 0..1_000), ack: bool,
    ) {
        let kind = match (key, ack) {
            (None, _) => "TYPE:POST\n",
            (Some(_), false) => "TYPE:DM\n",
            (Some(_), true) => "TYPE:ACK\n",
        };
        let inner = [kind.as_bytes(), &rest].concat();
        let carry = Carry { sid: Octets(sid), age, to: key.map(PublicKey), inner: &inner };
        let mut out = Vec::new();
        carry.encode(&mut out);
        prop_assert_eq!(Carry::of(&out), Ok(Some(carry)));
        prop_assert!(out.len() <= inner.len() + CARRY_MAX);
    }

    #[test]
    fn any_bytes_at_all_may_be_carried(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Carry::of(&bytes);
        let _ = Carry::of(&[b"TYPE:CARRY\n", bytes.as_slice()].concat());
        let framed = [b"TYPE:CARRY\nSID:AQIDBAUGBwg\nAGE:1\n\nTYPE:POST\n", bytes.as_slice()].concat();
        prop_assert!(Carry::of(&framed).is_ok());
    }
}

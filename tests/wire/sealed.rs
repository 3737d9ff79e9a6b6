//! What is sealed: the body, letters, session frames and group frames as they travel.

use lsnp::engine::Crypto;
use lsnp::wire::{
    DecodeError, Dm, DmBody, Extension, GroupFrame, MAX_DATAGRAM, Message, MessageId, OWN_DATAGRAM_MAX, Octets, Place,
    Sealed, SealedBody, Style, UserId, decode,
};
use proptest::prelude::*;

use super::golden;
use super::splitting::nasty_text;

fn body(text: &str) -> SealedBody {
    SealedBody::text(text, 1_728_938_500)
}

#[test]
fn a_body_is_these_bytes() {
    let bytes = SealedBody::text("Hi", 256).encode();
    assert_eq!(bytes, b"\x82\xa1t\xa2Hi\xa2at\xcd\x01\x00");
}

#[test]
fn a_body_may_have_no_time_and_keys_that_nobody_knows() {
    assert_eq!(SealedBody::decode(b"\x81\xa1t\xa2Hi"), Some(SealedBody::text("Hi", 0)));
    let more = b"\x84\xa1x\x93\x01\xc0\x81\xa1y\xcb\0\0\0\0\0\0\0\0\xa1t\xa2Hi\xa1z\xc7\x02\x05ab\xa2at\x07";
    assert_eq!(SealedBody::decode(more), Some(SealedBody::text("Hi", 7)));
}

#[test]
fn what_is_no_body_is_refused() {
    for bytes in [
        &b""[..],
        b"\x80",
        b"\xc0",
        b"\x92\xa2Hi\x07",
        b"\x82\xa2at\x07\xa1x\x07",
        b"\x81\xa1t\x07",
        b"\x81\xa1t\xa2\xff\xff",
        b"\x82\xa1t\xa2Hi\xa1t\xa2Ho",
        b"\x82\xa1t\xa2Hi\xa2at\xff",
        b"\x82\xa1t\xa2Hi\xa2at\xa11",
        b"\x82\xa1t\xa2Hi",
        b"\x81\xa1t\xa2Hi\0",
        b"\x81\xa1t\xa2Hi\x81\xa1t\xa2Hi",
        b"Hi",
    ] {
        assert_eq!(SealedBody::decode(bytes), None, "{}", bytes.escape_ascii());
    }
    let whole = body("text").encode();
    for end in 0..whole.len() {
        assert_eq!(SealedBody::decode(&whole[..end]), None, "cut at {end}");
    }
}

#[test]
fn lengths_that_lie_take_no_memory_and_no_time() {
    let lengths = [
        &b"\xdb\xff\xff\xff\xff"[..],
        b"\xc6\xff\xff\xff\xff",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xc9\xff\xff\xff\xff\x01",
        b"\xda\xff\xff",
    ];
    for length in lengths {
        for before in [&b""[..], b"\x82\xa1t", b"\x82\xa1x", b"\x83\xa1t\xa1x\xa1y"] {
            assert_eq!(SealedBody::decode(&[before, length, b"abc"].concat()), None, "{}", length.escape_ascii());
        }
    }
    assert_eq!(SealedBody::decode(b"\xdf\xff\xff\xff\xff\xa1t\xa2Hi"), None);
}

#[test]
fn nesting_is_bounded() {
    for nest in [0x91_u8, 0x81] {
        let deep = |depth: usize| {
            let mut bytes = b"\x82\xa1t\xa2Hi\xa1x".to_vec();
            bytes.extend(std::iter::repeat_n(nest, depth * if nest == 0x81 { 2 } else { 1 }));
            bytes.push(1);
            SealedBody::decode(&bytes)
        };
        assert_eq!(deep(30_000), None);
        assert_eq!(deep(40), None);
    }
    // Some must be possible: it is how a later version adds things.
    assert!(SealedBody::decode(b"\x82\xa1t\xa2Hi\xa1x\x91\x91\x81\xa1y\x91\x01").is_some());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn any_text_survives_whole(text in prop_oneof![nasty_text(), any::<String>()], timestamp: u64) {
        let body = SealedBody::text(&text, timestamp);
        prop_assert_eq!(SealedBody::decode(&body.encode()), Some(body).filter(|_| !text.is_empty()));
    }

    #[test]
    fn any_bytes_at_all_may_be_a_body(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(body) = SealedBody::decode(&bytes) {
            prop_assert!(body.text.len() <= bytes.len());
        }
        let framed = [b"\x82\xa1t\xa2Hi\xa1x", bytes.as_slice()].concat();
        if let Some(body) = SealedBody::decode(&framed) {
            prop_assert_eq!(body.text, "Hi");
        }
    }

    #[test]
    fn sealed_dms_are_read_back(
        session: u64, salt in any::<[u8; 16]>(), counter: u64, prekey: u32,
        sealed in prop::collection::vec(any::<u8>(), 1..300), id in "[!-~]{1,64}", letter: bool,
    ) {
        let text = data_encoding::BASE64URL_NOPAD.encode(&sealed);
        let boxed = Sealed::new(&text);
        let dm = Dm {
            from: UserId::new("alice@10.0.0.1").unwrap(),
            to: UserId::new("bob@10.0.0.2").unwrap(),
            body: if letter {
                DmBody::Letter { prekey, sealed: boxed }
            } else {
                DmBody::Frame { place: Place { session: Octets(session), salt, counter }, sealed: boxed }
            },
            timestamp: None,
            message_id: MessageId::new(&id),
        };
        let mut out = Vec::new();
        dm.encode(&Extension::default(), None, Style::Tight, &mut out);
        prop_assert_eq!(out.starts_with(DmBody::FRAME), !letter);
        let again = decode(&out).unwrap();
        prop_assert_eq!(again.message, Message::Dm(dm));
        let mut read = b"before".to_vec();
        prop_assert!(boxed.read(&mut read));
        prop_assert_eq!(&read[6..], sealed);
    }

    #[test]
    fn group_frames_are_read_back(sid: u64, counter: u64, sealed in prop::collection::vec(any::<u8>(), 0..1_000)) {
        let mut out = b"left over".to_vec();
        GroupFrame::begin(Octets(sid), counter, &mut out);
        let head = out.clone();
        GroupFrame::end(&sealed, &mut out);
        let frame = GroupFrame::of(&out).unwrap();
        prop_assert_eq!((frame.sid, frame.counter, frame.head), (Octets(sid), counter, head.as_slice()));
        prop_assert_eq!(frame.bytes(), Some(sealed));
        // Older clients find nobody in it.
        prop_assert_eq!(decode(&out), Err(DecodeError::Missing("USER_ID")));
    }

    #[test]
    fn any_bytes_at_all_may_be_a_group_frame(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        prop_assert_eq!(GroupFrame::of(&bytes), None);
        let framed = [b"TYPE:PEER_DISCOVERY\nSID:AQIDBAUGBwg\nNO:0\nBOX:", bytes.as_slice(), b"\n\n"].concat();
        let _ = GroupFrame::of(&framed).and_then(|frame| frame.bytes());
    }
}

const FRAME: &str = "TYPE:DM\nSEAL:2\nKID:AQIDBAUGBwg,AQIDBAUGBwgJCgsMDQ4PEA\nNO:7\nFROM:bob@10.0.0.2\n\
TO:alice@10.0.0.1\nMESSAGE_ID:f83d2b1c00aa11bb\nBOX:AAAA\n\n";

#[test]
fn a_session_frame_has_one_form() {
    assert!(decode(FRAME.as_bytes()).is_ok());
    let lines: Vec<&str> = FRAME.split_inclusive('\n').collect();
    for at in 0..lines.len() {
        let mut without = lines.clone();
        without.remove(at);
        assert!(decode(without.concat().as_bytes()).is_err(), "without line {at}");
        for to in (0..lines.len()).filter(|to| *to != at) {
            let mut swapped = lines.clone();
            swapped.swap(at, to);
            // TYPE may come late in other datagrams; a frame is none then.
            assert!(decode(swapped.concat().as_bytes()).is_err(), "lines {at} and {to} swapped");
        }
        let mut more = lines.clone();
        more.insert(at, "X1:1\n");
        assert!(decode(more.concat().as_bytes()).is_err(), "a line more in front of line {at}");
        let mut twice = lines.clone();
        twice.insert(at, lines[at]);
        assert!(decode(twice.concat().as_bytes()).is_err(), "line {at} twice");
    }
    for (from, to) in [
        ("NO:7", "NO:07"),
        ("NO:7", "NO:+7"),
        ("NO:7", "NO: 7"),
        ("NO:7", "NO:"),
        ("NO:7", "NO:18446744073709551616"),
        ("KID:", "KID: "),
        ("g,A", "g, A"),
        ("g,A", "gA"),
        ("wg,", "wh,"),
        ("EA\n", "EB\n"),
        ("EA\n", "EA=\n"),
        ("FROM:", "FROM: "),
        ("10.0.0.2", "10.0.0.2 "),
        ("TO:alice@10.0.0.1", "TO:"),
        ("MESSAGE_ID:f", "MESSAGE_ID: f"),
        ("MESSAGE_ID:f", "MESSAGE_ID:\u{e9}"),
        ("BOX:AAAA", "BOX:"),
        ("BOX:AAAA", "BOX:AA A"),
        ("BOX:AAAA", "BOX:AAA="),
        ("BOX:AAAA", "BOX:AA/A"),
        ("\n", "\r\n"),
        (":", ": "),
    ] {
        let other = FRAME.replace(from, to);
        assert_ne!(other, FRAME);
        assert!(decode(other.as_bytes()).is_err(), "{other:?}");
    }
    assert!(decode(FRAME.strip_suffix('\n').unwrap().as_bytes()).is_err());
    assert!(decode(format!("{FRAME}\n").as_bytes()).is_err());
}

#[test]
fn a_frame_takes_no_other_keys_along() {
    let dm = match decode(FRAME.as_bytes()).unwrap().message {
        Message::Dm(dm) => dm,
        other => panic!("{other:?}"),
    };
    let extension = Extension { sid: Some(Octets(1)), escaped: true, ..Extension::default() };
    let mut out = Vec::new();
    Dm { timestamp: Some(1), ..dm }.encode(&extension, None, Style::Spaced, &mut out);
    assert_eq!(std::str::from_utf8(&out).unwrap(), FRAME);
}

#[test]
fn a_letter_needs_all_its_keys_and_nothing_stands_beside_what_is_sealed() {
    let letter = "TYPE:DM\nFROM:a\nTO:b\nSEAL:1\nKID:0b0b0001\nMESSAGE_ID:1\nBOX:AAAA\n\n";
    assert!(decode(letter.as_bytes()).is_ok());
    for (from, to, error) in [
        ("SEAL:1", "SEAL:3", DecodeError::Bad("SEAL")),
        ("SEAL:1", "SEAL:2", DecodeError::Bad("SEAL")),
        ("SEAL:1", "SEAL:", DecodeError::Bad("SEAL")),
        ("SEAL:1", "SEAL:1\nCONTENT:x", DecodeError::Bad("SEAL")),
        ("SEAL:1\n", "", DecodeError::Missing("CONTENT")),
        ("KID:0b0b0001\n", "", DecodeError::Bad("KID")),
        ("KID:0b0b0001", "KID:0B0B0001", DecodeError::Bad("KID")),
        ("KID:0b0b0001", "KID:b0b0001", DecodeError::Bad("KID")),
        ("MESSAGE_ID:1\n", "", DecodeError::Missing("MESSAGE_ID")),
        ("BOX:AAAA\n", "", DecodeError::Missing("BOX")),
        ("BOX:AAAA", "BOX:", DecodeError::Bad("BOX")),
        ("BOX:AAAA", "BOX:A\u{b}AA", DecodeError::Bad("BOX")),
        ("BOX:AAAA", "BOX:AAA=", DecodeError::Bad("BOX")),
    ] {
        assert_eq!(decode(letter.replace(from, to).as_bytes()), Err(error), "{to:?} for {from:?}");
    }
}

#[test]
fn a_box_has_one_spelling() {
    for wrong in ["A", "AB", "AAB", "AAAAA", "AA==", "AA A", "A+AA", "é"] {
        let mut out = b"before".to_vec();
        assert!(!Sealed::new(wrong).read(&mut out), "{wrong:?}");
        assert_eq!(out, b"before");
        let framed = format!("TYPE:PEER_DISCOVERY\nSID:AQIDBAUGBwg\nNO:0\nBOX:{wrong}\n\n");
        assert_eq!(GroupFrame::of(framed.as_bytes()).and_then(|frame| frame.bytes()), None, "{wrong:?}");
    }
}

#[test]
fn a_group_frame_has_one_form() {
    let good = "TYPE:PEER_DISCOVERY\nSID:AQIDBAUGBwg\nNO:0\nBOX:AAAA\n\n";
    assert!(GroupFrame::of(good.as_bytes()).is_some());
    for (from, to) in [
        ("NO:0", "NO:00"),
        ("NO:0", "NO:+0"),
        ("NO:0", "NO:-0"),
        ("NO:0", "NO: 0"),
        ("NO:0", "NO:"),
        ("NO:0", "NO:18446744073709551616"),
        ("NO:0", "NO:000000000000000000000000000"),
        ("SID:A", "SID: A"),
        ("Bwg", "Bwh"),
        ("Bwg", "Bwg "),
        ("\n", "\r\n"),
        (":", ": "),
        ("BOX", "X1:1\nBOX"),
        ("NO:0\n", ""),
        ("PEER_DISCOVERY", "POST"),
    ] {
        assert_eq!(GroupFrame::of(good.replace(from, to).as_bytes()), None, "{to:?} for {from:?}");
    }
    for wrong in [format!("{good}\n"), format!(" {good}"), good.strip_suffix('\n').unwrap().into()] {
        let read = GroupFrame::of(wrong.as_bytes()).and_then(|frame| frame.bytes());
        assert_eq!(read, None, "{wrong:?}");
    }
    let long = format!("TYPE:PEER_DISCOVERY\nSID:AQIDBAUGBwg\nNO:0\nBOX:{}\n\n", "A".repeat(MAX_DATAGRAM));
    assert_eq!(GroupFrame::of(long.as_bytes()), None);
}

#[test]
fn what_is_in_front_of_the_box_is_bound_to_it() {
    let (inner, crypto) = (golden::built("signed-post"), golden::bob());
    let whole = golden::grouped(&inner, 5);
    let open = |bytes: &[u8]| {
        let frame = GroupFrame::of(bytes)?;
        let mut boxed = frame.bytes()?;
        crypto.open(&golden::group_subkey(frame.sid), frame.counter, frame.head, &mut boxed).then_some(boxed)
    };
    assert_eq!(open(&whole), Some(inner));
    let text = String::from_utf8(whole).unwrap();
    assert_eq!(open(text.replace("NO:5", "NO:6").as_bytes()), None);
    assert_eq!(open(text.replace("SID:AQ", "SID:AA").as_bytes()), None);
}

#[test]
fn a_datagram_of_820_bytes_fits_into_a_group_frame() {
    let largest = golden::grouped(&[b'x'; 820], u64::MAX);
    assert!(largest.len() <= OWN_DATAGRAM_MAX, "{} bytes", largest.len());
}

#[test]
fn a_body_of_many_lines_comes_out_of_a_letter_as_it_went_in() {
    let (alice, bob) = (golden::alice(), golden::bob());
    let text = "one\ntwo\r\nthree\u{2028}four\0five\tsix\u{1b}[31m";
    let aad = golden::associated(&alice.public_key(), &bob.public_key(), "1");
    let (sealed, _) = alice.seal_letter(&golden::prekey().key, &aad, &body(text).encode(), [7; 32]).unwrap();
    let (opened, _) = bob.open_letter(&golden::prekey_secret(), &aad, &sealed).unwrap();
    assert_eq!(SealedBody::decode(&opened), Some(body(text)));
}

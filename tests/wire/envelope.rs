//! The signed form: what is written is read back, and nothing else is.

use lsnp::crypto::KeyPair;
use lsnp::engine::{Crypto, Secret};
use lsnp::wire::{
    DecodeError, ENVELOPE_MAX, Envelope, MAX_DATAGRAM, MAX_LINES, Message, PublicKey, SIGNED_DOMAIN, Signature, decode,
    seal,
};
use proptest::prelude::*;

use super::golden;
use super::vectors::Vector;

const POST: &str = "TYPE:POST\nUSER_ID:alice@10.0.0.1\nCONTENT:Hello\nSID:AQIDBAUGBwg\n\n";

/// `text`, signed by alice.
fn signed(text: &str, seq: u64, noise: u32) -> Vec<u8> {
    let (alice, mut out) = (golden::alice(), text.as_bytes().to_vec());
    seal(&mut out, &alice.public_key(), seq, noise, |bytes| alice.sign(SIGNED_DOMAIN, bytes));
    out
}

/// `text` as it is, with PK, SEQ and a signature of alice over exactly these bytes: only the form can be wrong.
fn signed_as_it_is(text: &str) -> Vec<u8> {
    let alice = golden::alice();
    let text = text.replace("{PK}", &alice.public_key().to_string());
    let signature = alice.sign(SIGNED_DOMAIN, text.as_bytes());
    format!("{text}SIG:{}\n\n", data_encoding::BASE64URL_NOPAD.encode(&signature.0)).into_bytes()
}

fn verifies(envelope: &Envelope<'_>) -> bool {
    golden::bob().verify(&envelope.key, SIGNED_DOMAIN, envelope.signed, &envelope.signature)
}

#[test]
fn what_is_sealed_is_found_and_its_text_reads_as_before() {
    let bytes = signed(POST, 7, 0xabcd_0123);
    let envelope = Envelope::of(&bytes).unwrap();
    assert_eq!((envelope.key, envelope.seq), (golden::alice().public_key(), 7));
    assert!(verifies(&envelope));
    assert!(std::str::from_utf8(envelope.signed).unwrap().ends_with("\nSEQ:7\n"));
    let (before, after) = (decode(POST.as_bytes()).unwrap(), decode(&bytes).unwrap());
    assert_eq!(after.message, before.message);
    assert!(after.extension.signed && !before.extension.signed);
    assert_eq!(after.extension.sid, before.extension.sid);
    assert!(std::str::from_utf8(&bytes).unwrap().contains("\nXABCD:0123\nPK:"));
}

#[test]
fn who_says_to_have_signed_is_read_from_the_end_alone() {
    let bytes = signed(POST, 7, 0);
    assert_eq!(Envelope::claimed_key(&bytes), Some(golden::alice().public_key()));
    // Nothing else of it has to be right.
    let at = bytes.windows(4).position(|part| part == b"\nPK:").unwrap();
    let torn = [b"\xff\n", &bytes[at + 1..]].concat();
    assert_eq!(Envelope::claimed_key(&torn), Some(golden::alice().public_key()));
    assert!(Envelope::of(&torn).is_err());
    assert_eq!(Envelope::claimed_key(&bytes[..bytes.len() - 1]), None);
    assert_eq!(Envelope::claimed_key(POST.as_bytes()), None);
    assert_eq!(Envelope::claimed_key(b""), None);
}

#[test]
fn a_seal_adds_as_many_bytes_as_its_constant_says_and_no_more() {
    for noise in [0, 1, u32::MAX] {
        assert_eq!(signed(POST, u64::MAX, noise).len(), POST.len() + ENVELOPE_MAX);
        assert_eq!(signed(POST, 0, noise).len(), POST.len() + ENVELOPE_MAX - 19);
    }
}

#[test]
fn every_number_is_read_back() {
    for seq in [0, 1, 9, 10, 65_536, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(Envelope::of(&signed(POST, seq, 0)).unwrap().seq, seq);
    }
}

#[test]
fn a_good_form_that_is_written_by_hand_is_one() {
    // The base of all forms below.
    let bytes = signed_as_it_is("TYPE:POST\nUSER_ID:a\nCONTENT: two: colons\nSID:AQIDBAUGBwg\nPK:{PK}\nSEQ:1\n");
    assert!(verifies(&Envelope::of(&bytes).unwrap()));
}

/// Each is signed by alice exactly as it stands, and still no signed datagram.
#[test]
fn another_form_is_refused_though_its_signature_is_right() {
    let long = format!("{}:x", "K".repeat(33));
    let head = "TYPE:POST\nUSER_ID:a\nCONTENT:x\nSID:AQIDBAUGBwg\n";
    let tail = "PK:{PK}\nSEQ:1\n";
    let mut forms = vec![
        ("a key twice", format!("{head}CONTENT:y\n{tail}")),
        ("TYPE twice", format!("{head}TYPE:DM\n{tail}")),
        ("TYPE late", format!("USER_ID:a\nTYPE:POST\nCONTENT:x\nSID:AQIDBAUGBwg\n{tail}")),
        ("no TYPE", format!("USER_ID:a\nCONTENT:x\nSID:AQIDBAUGBwg\n{tail}")),
        ("no SID", format!("TYPE:POST\nUSER_ID:a\nCONTENT:x\n{tail}")),
        ("an empty TYPE", format!("TYPE:\nUSER_ID:a\nSID:AQIDBAUGBwg\n{tail}")),
        ("a small TYPE", format!("TYPE:post\nUSER_ID:a\nSID:AQIDBAUGBwg\n{tail}")),
        ("a spaced TYPE", format!("TYPE: POST\nUSER_ID:a\nSID:AQIDBAUGBwg\n{tail}")),
        ("a space behind TYPE", format!("TYPE:POST \nUSER_ID:a\nSID:AQIDBAUGBwg\n{tail}")),
        ("a line without a colon", format!("{head}no colon\n{tail}")),
        ("an empty line", format!("{head}\n{tail}")),
        ("an empty line in front", format!("\n{head}{tail}")),
        ("an empty key", format!("{head}:x\n{tail}")),
        ("a small key", format!("{head}key:x\n{tail}")),
        ("a key that begins with a digit", format!("{head}1KEY:x\n{tail}")),
        ("a key that begins with a line", format!("{head}_KEY:x\n{tail}")),
        ("a space in front of a key", format!("{head} KEY:x\n{tail}")),
        ("a space behind a key", format!("{head}KEY :x\n{tail}")),
        ("a mark in front of the text", format!("\u{feff}{head}{tail}")),
        ("a long key", format!("{head}{long}\n{tail}")),
        ("CRLF", format!("{head}{tail}").replace('\n', "\r\n")),
        ("one CRLF", format!("{head}KEY:x\r\n{tail}")),
        ("a null byte", format!("{head}KEY:x\0\n{tail}")),
        ("a tab", format!("{head}KEY:x\ty\n{tail}")),
        ("a next line", format!("{head}KEY:x\u{85}y\n{tail}")),
        ("a line separator", format!("{head}KEY:x\u{2028}y\n{tail}")),
        ("DEL", format!("{head}KEY:x\u{7f}\n{tail}")),
        ("SEQ before PK", format!("{head}SEQ:1\nPK:{{PK}}\n")),
        ("no PK", format!("{head}SEQ:1\n")),
        ("no SEQ", format!("{head}PK:{{PK}}\n")),
        ("PK twice", format!("{head}PK:{{PK}}\n{tail}")),
        ("SEQ twice", format!("{head}{tail}SEQ:1\n")),
        ("SEQ early too", format!("{head}SEQ:1\n{tail}")),
        ("SIG early too", format!("{head}SIG:x\n{tail}")),
        ("a line behind PK", format!("{head}PK:{{PK}}\nX1:1\nSEQ:1\n")),
        ("a line behind SEQ", format!("{head}{tail}X1:1\n")),
        ("a short PK", format!("{head}PK:AAAA\nSEQ:1\n")),
        ("a padded PK", format!("{head}PK:{{PK}}=\nSEQ:1\n")),
        ("a space in front of PK", format!("{head}PK: {{PK}}\nSEQ:1\n")),
        ("a small pk", format!("{head}pk:{{PK}}\nSEQ:1\n")),
        ("only the envelope", tail.to_owned()),
    ];
    for seq in ["", "01", "00", "+1", "-1", " 1", "1 ", "1.0", "0x1", "18446744073709551616", "１"] {
        forms.push(("a SEQ", format!("{head}PK:{{PK}}\nSEQ:{seq}\n")));
    }
    for (what, form) in forms {
        let bytes = signed_as_it_is(&form);
        assert_eq!(Envelope::of(&bytes), Err(DecodeError::Bad("SIG")), "{what}: {form:?}");
        assert!(!decode(&bytes).is_ok_and(|datagram| !datagram.extension.signed), "{what} counts as unsigned");
    }
}

#[test]
fn a_text_that_is_not_utf8_is_refused() {
    let alice = golden::alice();
    let mut bytes = b"TYPE:POST\nUSER_ID:a\nCONTENT:\xff\nSID:AQIDBAUGBwg\n\n".to_vec();
    seal(&mut bytes, &alice.public_key(), 1, 0, |bytes| alice.sign(SIGNED_DOMAIN, bytes));
    assert_eq!(Envelope::of(&bytes), Err(DecodeError::Bad("SIG")));
}

#[test]
fn as_many_lines_as_any_datagram_and_no_more() {
    let with = |count: usize| {
        // TYPE, SID, the random key, PK, SEQ and SIG are lines too.
        let filler: String = (0..count - 6).map(|at| format!("K{at}:x\n")).collect();
        signed(&format!("TYPE:POST\nSID:AQIDBAUGBwg\n{filler}\n"), 1, 0)
    };
    assert!(Envelope::of(&with(MAX_LINES)).is_ok());
    assert_eq!(Envelope::of(&with(MAX_LINES + 1)), Err(DecodeError::Bad("SIG")));
}

#[test]
fn as_many_bytes_as_any_datagram_and_no_more() {
    let with = |count: usize| {
        let head = "TYPE:POST\nUSER_ID:a\nSID:AQIDBAUGBwg\nCONTENT:";
        signed(&format!("{head}{}\n\n", "x".repeat(count - head.len() - 2 - ENVELOPE_MAX)), u64::MAX, 0)
    };
    assert_eq!(with(MAX_DATAGRAM).len(), MAX_DATAGRAM);
    assert!(Envelope::of(&with(MAX_DATAGRAM)).is_ok());
    assert_eq!(Envelope::of(&with(MAX_DATAGRAM + 1)), Err(DecodeError::Bad("SIG")));
}

#[test]
fn the_end_is_exactly_one_empty_line() {
    let bytes = signed(POST, 1, 0);
    for more in [&b"\n"[..], b" ", b"\0", b"x", b"CONTENT:more\n\n"] {
        assert_eq!(Envelope::of(&[&bytes, more].concat()), Err(DecodeError::Bad("SIG")));
    }
    for less in 1..100 {
        assert_eq!(Envelope::of(&bytes[..bytes.len() - less]), Err(DecodeError::Bad("SIG")));
    }
}

#[test]
fn a_signature_has_one_spelling() {
    let bytes = signed(POST, 1, 0);
    let text = std::str::from_utf8(&bytes).unwrap().strip_suffix("\n\n").unwrap();
    let (head, last) = text.split_at(text.len() - 1);
    // The last letter holds 2 bits that count, and 4 that must be zero.
    let good: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['-', '_']).collect();
    let read = good.iter().filter(|c| Envelope::of(format!("{head}{c}\n\n").as_bytes()).is_ok()).count();
    assert_eq!(read, 4);
    assert!(Envelope::of(format!("{head}{last}\n\n").as_bytes()).is_ok());
    for letter in ['+', '/', '=', ' ', '\n', 'é'] {
        assert!(Envelope::of(format!("{head}{letter}\n\n").as_bytes()).is_err(), "{letter:?}");
    }
}

#[test]
fn a_trace_of_a_signature_behind_the_end_is_no_unsigned_datagram() {
    for key in ["PK", "SEQ", "SIG"] {
        let hidden = format!("TYPE:POST\nUSER_ID:a\nCONTENT:x\n\nX:1\n{key}:1\n\n");
        assert!(decode(hidden.as_bytes()).unwrap().extension.signed, "{hidden:?}");
        assert_eq!(Envelope::of(hidden.as_bytes()), Err(DecodeError::Bad("SIG")));
        for kind in ["PEER_DISCOVERY\nUSER_ID:a", "PING\nUSER_ID:a", "UNKNOWN"] {
            let hidden = format!("TYPE:{kind}\n\n{key}:1");
            assert!(decode(hidden.as_bytes()).unwrap().extension.signed, "{hidden:?}");
        }
        let unknown = format!("TYPE:UNKNOWN\n{key}:1\n\n");
        assert!(decode(unknown.as_bytes()).unwrap().extension.signed, "{unknown:?}");
    }
    assert!(!decode(b"TYPE:POST\nUSER_ID:a\nCONTENT:x\n\nPKX:1\nXSIG:\n").unwrap().extension.signed);
}

#[test]
fn every_vector_that_no_one_signed_is_no_signed_one() {
    for vector in Vector::all() {
        let signed = vector.text.contains("=> signed by");
        let read = Envelope::of(&vector.bytes).is_ok_and(|envelope| verifies(&envelope));
        assert_eq!(read, signed, "{}", vector.name);
    }
}

/// Any text, signed by a key of `secret`.
fn anything() -> impl Strategy<Value = (Vec<u8>, PublicKey, u64)> {
    let value = prop::collection::vec(any::<char>().prop_filter("clean", |c| !lsnp::wire::splits(*c)), 0..60);
    let lines = prop::collection::vec(("[A-W][A-Z0-9_]{0,31}", value), 0..20);
    (lines, any::<[u8; 32]>(), any::<u64>(), any::<u32>()).prop_map(|(lines, secret, seq, noise)| {
        let mut text = String::from("TYPE:POST\nSID:AQIDBAUGBwg\n");
        let mut keys = vec!["TYPE".to_owned(), "SID".into(), "PK".into(), "SEQ".into(), "SIG".into()];
        for (key, value) in lines {
            if !keys.contains(&key) {
                text.push_str(&format!("{key}:{}\n", value.iter().collect::<String>()));
                keys.push(key);
            }
        }
        text.push('\n');
        let (pair, mut out) = (KeyPair::new(&Secret(secret)), text.into_bytes());
        seal(&mut out, &pair.public_key(), seq, noise, |bytes| pair.sign(SIGNED_DOMAIN, bytes));
        (out, pair.public_key(), seq)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_clean_text_can_be_signed((bytes, key, seq) in anything()) {
        let envelope = Envelope::of(&bytes).unwrap();
        prop_assert_eq!((envelope.key, envelope.seq), (key, seq));
        prop_assert!(verifies(&envelope));
        prop_assert!(!decode(&bytes).is_ok_and(|datagram| !datagram.extension.signed));
    }

    #[test]
    fn any_bytes_at_all_are_no_signature_or_one_that_is_wrong(
        bytes in prop::collection::vec(any::<u8>(), 0..300), signature in any::<[u8; 32]>(),
    ) {
        prop_assert!(Envelope::of(&bytes).is_err());
        let mut made = POST.as_bytes().to_vec();
        let mut wrong = [0; 64];
        wrong[..32].copy_from_slice(&signature);
        seal(&mut made, &golden::alice().public_key(), 1, 0, |_| Signature(wrong));
        prop_assert!(!verifies(&Envelope::of(&made).unwrap()));
    }
}

#[test]
fn the_random_key_is_one_that_everybody_passes_over() {
    for noise in (0..=u32::MAX).step_by(0x0123_4567) {
        let bytes = signed(POST, 1, noise);
        assert!(Envelope::of(&bytes).is_ok(), "{noise:x}");
        match decode(&bytes).unwrap().message {
            Message::Post(post) => assert_eq!((post.user_id.as_str(), post.content), ("alice@10.0.0.1", "Hello")),
            other => panic!("{other:?}"),
        }
    }
}

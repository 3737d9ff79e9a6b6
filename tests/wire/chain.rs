//! The place of a post among others.

use lsnp::wire::{Chain, DecodeError, PieceHash, Style, UserId, decode};
use proptest::prelude::*;

const HASH: &str = "AQIDBAUGBwgJCgsMDQ4PEA";

fn of(lines: &str) -> Option<Chain> {
    Chain::of(format!("TYPE:POST\nUSER_ID:a\nCONTENT:x\n{lines}\n").as_bytes()).unwrap()
}

#[test]
fn a_first_post_has_no_post_before_it_and_every_other_has() {
    assert_eq!(of("POST_NO:1\nLAMPORT:1\n"), Some(Chain { number: 1, lamport: 1, ..Chain::default() }));
    let second = of(&format!("POST_NO:2\nPREV:{HASH}\nLAMPORT:9\n")).unwrap();
    assert_eq!((second.number, second.prev, second.lamport), (2, PieceHash::parse(HASH), 9));
    assert_eq!(of("POST_NO:2\nLAMPORT:9\n"), None);
    assert_eq!(of(&format!("POST_NO:1\nPREV:{HASH}\nLAMPORT:1\n")), None);
}

#[test]
fn a_chain_is_whole_or_none() {
    for lines in [
        "",
        "POST_NO:1\n",
        "LAMPORT:1\n",
        "POST_NO:0\nLAMPORT:1\n",
        "POST_NO:1\nLAMPORT:0\n",
        "POST_NO:01\nLAMPORT:1\n",
        "POST_NO:+1\nLAMPORT:1\n",
        "POST_NO: 1\nLAMPORT:1\n",
        "POST_NO:1\nLAMPORT:18446744073709551616\n",
        "POST_NO:1\nLAMPORT:1\nSEEN:\n",
        "POST_NO:1\nLAMPORT:1\nSEEN:x\n",
        "POST_NO:2\nPREV:x\nLAMPORT:1\n",
        "POST_NO:2\nPREV:\nLAMPORT:1\n",
    ] {
        assert_eq!(of(lines), None, "{lines:?}");
    }
    let seen = |list: &str| of(&format!("POST_NO:1\nSEEN:{list}\nLAMPORT:1\n")).map(|chain| chain.seen.len());
    assert_eq!(seen(HASH), Some(1));
    assert_eq!(seen(&[HASH; 3].join(",")), Some(3));
    assert_eq!(seen(&[HASH; 4].join(",")), None);
    assert_eq!(seen(&format!("{HASH},")), None);
    assert_eq!(seen(&format!("{HASH}, {HASH}")), None);
    assert_eq!(seen(&format!("{}B", &HASH[..21])), None, "bits that must be zero");
}

#[test]
fn the_greatest_numbers_are_read() {
    let chain = of(&format!("POST_NO:18446744073709551614\nPREV:{HASH}\nLAMPORT:18446744073709551615\n")).unwrap();
    assert_eq!((chain.number, chain.lamport), (u64::MAX - 1, u64::MAX));
    assert_eq!(of(&format!("POST_NO:18446744073709551615\nPREV:{HASH}\nLAMPORT:1\n")), None, "no SYNC names it");
}

#[test]
fn what_is_no_datagram_has_no_place() {
    assert_eq!(Chain::of(b""), Err(DecodeError::Size(0)));
    assert_eq!(Chain::of(b"POST_NO:1\nLAMPORT:1\n\n"), Err(DecodeError::NoType));
    assert_eq!(Chain::of(b"TYPE:POST\n\nPOST_NO:1\nLAMPORT:1\n\n"), Ok(None), "behind the end");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn what_is_appended_is_read_back(
        number in 1..u64::MAX, lamport in 1..u64::MAX, prev in any::<[u8; 16]>(),
        seen in prop::collection::vec(any::<[u8; 16]>(), 0..=3), content in "[ -~]{0,40}",
    ) {
        let chain = Chain {
            number,
            prev: (number > 1).then_some(PieceHash(prev)),
            seen: seen.into_iter().map(PieceHash).collect(),
            lamport,
            long: None,
        };
        let post = lsnp::wire::Post {
            user_id: UserId::new("a").unwrap(), content: &content, timestamp: Some(1), message_id: None,
        };
        let mut out = Vec::new();
        post.encode(&lsnp::wire::Extension::default(), None, Style::Tight, &mut out);
        let before = decode(&out.clone()).unwrap().message.kind().to_owned();
        chain.append(&mut out);
        prop_assert_eq!(Chain::of(&out), Ok(Some(chain)));
        let after = decode(&out).unwrap();
        prop_assert_eq!(after.message.kind(), before);
        prop_assert!(out.ends_with(b"\n\n"));
    }
}

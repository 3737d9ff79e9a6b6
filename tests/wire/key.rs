//! Keys and what people see of them.

use std::collections::BTreeSet;

use lsnp::engine::Crypto;
use lsnp::wire::{Message, Prekey, PublicKey, Signature, decode};
use proptest::prelude::*;

use super::golden;

#[test]
fn a_key_and_its_fingerprint_are_these() {
    let (alice, bob) = (golden::alice().public_key(), golden::bob().public_key());
    assert_eq!(alice.to_string(), "ebVWLo_mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ");
    assert_eq!(bob.to_string(), "5_FioQvsVZr-oZXk3OhLaVaNXSywlj60RsBoXisX8vA");
    assert_eq!(alice.fingerprint().to_string(), "51c6 1338 7391 d162 7692 8543 0aff d211");
    assert_eq!(bob.fingerprint().to_string(), "4600 f4ac ad3d f000 9ce5 6340 c0c6 3516");
    assert_eq!(alice.fingerprint().hex(), alice.fingerprint().to_string().replace(' ', ""));
    assert!(alice.fingerprint().to_string().starts_with(&alice.fingerprint().short()));
}

#[test]
fn two_keys_have_these_digits_whoever_asks() {
    let (alice, bob) = (golden::alice().public_key(), golden::bob().public_key());
    let digits = alice.digits(&bob);
    assert_eq!(digits.to_string(), "90521 94363 17141 69975 88730 24090 46641 69236 97230 92522 50914 70335");
    assert_eq!(bob.digits(&alice), digits);
    assert_ne!(alice.digits(&alice), digits);
    assert_ne!(alice.digits(&PublicKey([9; 32])), digits);
}

#[test]
fn digits_are_compared_whatever_stands_between_them() {
    let digits = golden::alice().public_key().digits(&golden::bob().public_key());
    let shown = digits.to_string();
    assert!(digits.are(&shown) && digits.are(&shown.replace(' ', "")) && digits.are(&shown.replace(' ', " - \n")));
    assert!(!digits.are(&shown[..shown.len() - 1]) && !digits.are(&format!("{shown}0")) && !digits.are(""));
    let other: String = shown.chars().rev().collect();
    assert!(!digits.are(&other));
}

#[test]
fn a_key_and_a_signature_have_one_spelling() {
    let key = golden::alice().public_key().to_string();
    assert_eq!(PublicKey::parse(&key), Some(golden::alice().public_key()));
    let (head, last) = key.split_at(42);
    assert_eq!(last, "Q");
    // The last letter holds 4 bits that count, and 2 that must be zero.
    for wrong in ["R", "S", "T", "=", "", "Q=", "Q ", "QQ"] {
        assert_eq!(PublicKey::parse(&format!("{head}{wrong}")), None, "{wrong:?}");
    }
    for wrong in [format!(" {key}"), key.replace('_', "/"), key.replace('_', "_\n"), String::new()] {
        assert_eq!(PublicKey::parse(&wrong), None, "{wrong:?}");
    }
    assert!(Signature::parse(&"A".repeat(86)).is_some());
    assert!(Signature::parse(&"A".repeat(85)).is_none() && Signature::parse(&"A".repeat(87)).is_none());
    assert!(Signature::parse(&format!("{}B", "A".repeat(85))).is_none());
}

#[test]
fn a_prekey_has_one_spelling() {
    let key = "A".repeat(43);
    assert_eq!(Prekey::parse(&format!("0b0b0001,{key}")), Some(Prekey { id: 0x0b0b_0001, key: [0; 32] }));
    for wrong in [
        format!("0B0B0001,{key}"),
        format!("b0b0001,{key}"),
        format!("00b0b0001,{key}"),
        format!("0b0b0001, {key}"),
        format!("0b0b0001,{key} "),
        format!(" 0b0b0001,{key}"),
        format!("0b0b0001,{key}="),
        format!("0b0b0001,{key},"),
        format!("0b0b0001,{}", &key[1..]),
        format!("0b0b0001,{}B", &key[1..]),
        format!("0b0b000g,{key}"),
        "0b0b0001".to_owned(),
        ",".to_owned(),
        String::new(),
    ] {
        assert_eq!(Prekey::parse(&wrong), None, "{wrong:?}");
        let announcement = format!("TYPE:PEER_DISCOVERY\nUSER_ID:a\nPREKEY:{wrong}\n\n");
        match decode(announcement.as_bytes()).unwrap().message {
            Message::Discovery(discovery) => assert_eq!(discovery.prekey, None),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn other_keys_have_other_fingerprints_and_digits() {
    let keys: Vec<PublicKey> = (0..=u8::MAX).map(|byte| PublicKey([byte; 32])).collect();
    let fingerprints: BTreeSet<String> = keys.iter().map(|key| key.fingerprint().hex()).collect();
    let digits: BTreeSet<String> = keys.iter().skip(1).map(|key| key.digits(&keys[0]).to_string()).collect();
    assert_eq!((fingerprints.len(), digits.len()), (256, 255));
    // Every place takes every digit.
    for place in (0..71).filter(|place| place % 6 != 5) {
        let seen: BTreeSet<u8> = digits.iter().map(|text| text.as_bytes()[place]).collect();
        assert_eq!(seen.len(), 10, "place {place}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn what_is_shown_of_a_key_is_read_back(bytes in any::<[u8; 32]>(), id in any::<u32>()) {
        let key = PublicKey(bytes);
        prop_assert_eq!(PublicKey::parse(&key.to_string()), Some(key));
        let prekey = Prekey { id, key: bytes };
        prop_assert_eq!(Prekey::parse(&format!("{id:08x},{key}")), Some(prekey));
    }

    #[test]
    fn no_other_text_is_a_key(text in any::<String>()) {
        prop_assert_eq!(PublicKey::parse(&text), None);
        prop_assert_eq!(Prekey::parse(&text), None);
    }

    #[test]
    fn fingerprints_and_digits_are_as_long_as_they_are(one in any::<[u8; 32]>(), two in any::<[u8; 32]>()) {
        let (one, two) = (PublicKey(one), PublicKey(two));
        let groups = |text: &str| text.split(' ').map(str::len).collect::<Vec<_>>();
        prop_assert_eq!(groups(&one.fingerprint().to_string()), [4; 8]);
        prop_assert_eq!(groups(&one.digits(&two).to_string()), [5; 12]);
        prop_assert_eq!(one.digits(&two), two.digits(&one));
        prop_assert!(one.digits(&two).are(&two.digits(&one).to_string()));
    }
}

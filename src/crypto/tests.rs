//! Known answers of the standards, and of an independent implementation for what is of this protocol alone: none of
//! them may ever change.

use data_encoding::HEXLOWER_PERMISSIVE as HEX;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem, OpModeR, Serializable, setup_receiver};

use crate::engine::{Crypto, LETTER_OVERHEAD, SEAL_OVERHEAD, Secret};
use crate::wire::{PublicKey, SIGNED_DOMAIN, Signature};

use super::KeyPair;

fn hex(text: &str) -> Vec<u8> {
    HEX.decode(text.as_bytes()).unwrap()
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

/// The bytes 0 to 31.
fn counted() -> Secret {
    Secret(std::array::from_fn(|at| u8::try_from(at).unwrap()))
}

fn pair() -> KeyPair {
    KeyPair::new(&counted())
}

/// All that differs from `bytes` in one bit.
fn flips(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..bytes.len() * 8).map(|bit| {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        flipped
    })
}

/// RFC 8032 §7.1: tests 1, 2, 3 and "SHA(abc)".
#[test]
fn signatures_are_those_of_rfc_8032() {
    let vectors = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ),
    ];
    for (secret, public, message, signature) in vectors {
        let pair = KeyPair::new(&Secret(bytes(secret)));
        let (public, message, signature) = (PublicKey(bytes(public)), hex(message), Signature(bytes(signature)));
        assert_eq!(pair.public_key(), public);
        for at in 0..=message.len().min(1) {
            let (domain, rest) = message.split_at(at);
            assert_eq!(pair.sign(domain, rest), signature);
            assert!(pair.verify(&public, domain, rest, &signature));
        }
    }
}

#[test]
fn signature_of_a_datagram_never_changes() {
    let signature = pair().sign(SIGNED_DOMAIN, b"TYPE:POST\n");
    assert_eq!(
        HEX.encode(&signature.0),
        "bfcf0fe1dd7773a34b5d7447f9336644700d2bf5db2f9772962501d2464cdbf22e95eb465d95e32f901c77e4b0ffad175d45f5e7d180adf893b3b2d830462604"
    );
}

#[test]
fn every_flipped_bit_ends_a_signature() {
    let (pair, text) = (pair(), b"TYPE:POST\n");
    let (key, signature) = (pair.public_key(), pair.sign(SIGNED_DOMAIN, text));
    assert!(pair.verify(&key, SIGNED_DOMAIN, text, &signature));
    for flipped in flips(&signature.0) {
        assert!(!pair.verify(&key, SIGNED_DOMAIN, text, &Signature(flipped.try_into().unwrap())));
    }
    for flipped in flips(&key.0) {
        assert!(!pair.verify(&PublicKey(flipped.try_into().unwrap()), SIGNED_DOMAIN, text, &signature));
    }
    for flipped in flips(text) {
        assert!(!pair.verify(&key, SIGNED_DOMAIN, &flipped, &signature));
    }
    for flipped in flips(SIGNED_DOMAIN) {
        assert!(!pair.verify(&key, &flipped, text, &signature));
    }
}

/// The same signature with the order of the group added to its second half.
#[test]
fn other_spelling_of_a_signature_is_refused() {
    let order: [u8; 32] = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let (pair, text) = (pair(), b"TYPE:POST\n");
    let mut signature = pair.sign(SIGNED_DOMAIN, text);
    let mut carry = 0;
    for (byte, add) in signature.0[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (u8::try_from(sum & 0xff).unwrap(), sum >> 8);
    }
    assert_eq!(carry, 0);
    assert!(!pair.verify(&pair.public_key(), SIGNED_DOMAIN, text, &signature));
}

/// All points whose order divides 8, with the spellings that are not canonical: under such a key a signature of zeros
/// is good for every text by the equation alone.
const WEAK: [&str; 14] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

#[test]
fn weak_keys_sign_nothing() {
    let pair = pair();
    for key in WEAK {
        for half in WEAK {
            let signature: [u8; 64] = [hex(half), vec![0; 32]].concat().try_into().unwrap();
            for text in 0_u8..16 {
                assert!(!pair.verify(&PublicKey(bytes(key)), SIGNED_DOMAIN, &[text], &Signature(signature)), "{key}");
            }
        }
    }
}

/// RFC 9180 §A.2.1: our suite, base mode.
#[test]
fn letters_are_built_on_the_hpke_of_rfc_9180() {
    type Suite = X25519HkdfSha256;
    let secret = "8057991eef8f1f1af18f4a9491d16a1ce333f695d4db8e38da75975c4478e0fb";
    let public = "4310ee97d88cc1f088a5576c77ab0cf5c3ac797f3d95139c6c84b5429c59662a";
    assert_eq!(HEX.encode(&pair().prekey(&Secret(bytes(secret)))), public);
    let secret = <Suite as Kem>::PrivateKey::from_bytes(&hex(secret)).unwrap();
    assert_eq!(Suite::sk_to_pk(&secret).to_bytes().to_vec(), hex(public));
    let ephemeral = hex("1afa08d3dec047a643885163f1180476fa7ddb54c6a8029ea33f95796bf2ac4a");
    let ephemeral = <Suite as Kem>::EncappedKey::from_bytes(&ephemeral).unwrap();
    let info = hex("4f6465206f6e2061204772656369616e2055726e");
    let mut receiver =
        setup_receiver::<ChaCha20Poly1305, HkdfSha256, Suite>(&OpModeR::Base, &secret, &ephemeral, &info).unwrap();
    let sealed = hex("1c5250d8034ec2b784ba2cfd69dbdb8af406cfe3ff938e131f0def8c8b60b4db21993c62ce81883d2dd1b51a28");
    assert_eq!(receiver.open(&sealed, b"Count-0").unwrap(), b"Beauty is truth, truth beauty");
    let mut exported = [0; 32];
    receiver.export(b"TestContext", &mut exported).unwrap();
    assert_eq!(HEX.encode(&exported), "5acb09211139c43b3090489a9da433e8a30ee7188ba8b0a9a1ccf0c229283e53");
}

/// Made by an implementation of RFC 9180 of its own: the prekey is the bytes 1 to 32, the ephemeral key 64 to 95.
const LETTER: &str = "79a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51a18ddd5df174a726dffef2531d17c6f40\
9ca22305a223eff9a5fc0350334828ffd159cdd30e";

const TEXT: &[u8] = b"meet at the oak, 9 pm";

const AAD: &[u8] = b"DM\0aad";

fn prekey() -> Secret {
    Secret(std::array::from_fn(|at| u8::try_from(at + 1).unwrap()))
}

#[test]
fn letter_never_changes() {
    let pair = pair();
    assert_eq!(HEX.encode(&pair.prekey(&prekey())), "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c");
    let (text, session) = pair.open_letter(&prekey(), AAD, &hex(LETTER)).unwrap();
    assert_eq!(text, TEXT);
    assert_eq!(HEX.encode(&session.0), "1d58a077de1e3dc9545947f063b78d29c03579794bafeb968fc716a4731f8185");
}

#[test]
fn letters_of_any_size_arrive() {
    let pair = pair();
    let to = pair.prekey(&prekey());
    for size in [0, 1, 200, 65_536] {
        let plain = vec![7; size];
        let (sealed, sent) = pair.seal_letter(&to, AAD, &plain, [9; 32]).unwrap();
        assert_eq!(sealed.len(), size + LETTER_OVERHEAD);
        let (opened, received) = pair.open_letter(&prekey(), AAD, &sealed).unwrap();
        assert!(opened == plain && sent == received);
    }
}

#[test]
fn letter_is_new_with_each_seed() {
    let pair = pair();
    let to = pair.prekey(&prekey());
    let seal = |seed| pair.seal_letter(&to, AAD, TEXT, seed).unwrap();
    assert!(seal([1; 32]) == seal([1; 32]));
    let ((one, secret), (other, other_secret)) = (seal([1; 32]), seal([2; 32]));
    assert!(one[..32] != other[..32] && one[32..] != other[32..] && secret != other_secret);
}

#[test]
fn changed_letter_does_not_open() {
    let pair = pair();
    let letter = hex(LETTER);
    for flipped in flips(&letter) {
        assert!(pair.open_letter(&prekey(), AAD, &flipped).is_none());
    }
    for flipped in flips(AAD) {
        assert!(pair.open_letter(&prekey(), &flipped, &letter).is_none());
    }
    for short in 0..letter.len() {
        assert!(pair.open_letter(&prekey(), AAD, &letter[..short]).is_none());
    }
    assert!(pair.open_letter(&prekey(), AAD, &[&letter[..], b"\0"].concat()).is_none());
    assert!(pair.open_letter(&counted(), AAD, &letter).is_none());
}

/// Such a prekey would make a secret that everybody knows.
#[test]
fn nothing_is_sealed_to_a_weak_prekey() {
    let weak = [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    ];
    for key in weak {
        assert!(pair().seal_letter(&bytes(key), AAD, TEXT, [9; 32]).is_none(), "{key}");
        let sealed = [hex(key), vec![0; 16]].concat();
        assert!(pair().open_letter(&prekey(), AAD, &sealed).is_none(), "{key}");
    }
}

#[test]
fn derived_keys_never_change() {
    let pair = pair();
    let derive = |info: &[&[u8]]| HEX.encode(&pair.derive(&counted(), info).0);
    assert_eq!(derive(&[b"session id"]), "873ad401b0fdea184d9c2be618b46b77fade1debd027f4aaa6ff902f4aca15a6");
    assert_eq!(
        derive(&[b"frame", &[0x11; 32], &[0x22; 16]]),
        "fcc06069169fb044879d31f1b42189da6feb6cf23000f413a8a1290f25919458"
    );
    assert_eq!(derive(&[]), "1b4a9d88797fabfe81404af25e1b3c4d12127ffc69dd7ee048c92b815a5b23d5");
}

#[test]
fn parts_of_the_info_do_not_run_together() {
    let pair = pair();
    let all: [&[&[u8]]; 6] = [&[], &[b""], &[b"ab"], &[b"a", b"b"], &[b"ab", b""], &[b"", b"ab"]];
    for (at, one) in all.iter().enumerate() {
        for other in &all[..at] {
            assert!(pair.derive(&counted(), one) != pair.derive(&counted(), other), "{one:?} {other:?}");
        }
    }
}

/// The counter of the golden frame: all its bytes differ.
const COUNTER: u64 = 0x0102_0304_0506_0708;

const FRAME: &str = "8283c08c85eddcbc64d78df6e58d4c72b5b54421717b8f2edb4a2dabcc84f918f87740fee3";

#[test]
fn frame_never_changes() {
    let pair = pair();
    let mut sealed = TEXT.to_vec();
    pair.seal(&counted(), COUNTER, AAD, &mut sealed);
    assert_eq!(HEX.encode(&sealed), FRAME);
    assert!(pair.open(&counted(), COUNTER, AAD, &mut sealed));
    assert_eq!(sealed, TEXT);
}

#[test]
fn frames_of_any_size_arrive() {
    let pair = pair();
    for (size, counter) in [(0, 0), (1, 1), (200, u64::MAX), (65_536, 2)] {
        let mut frame = vec![7; size];
        pair.seal(&counted(), counter, AAD, &mut frame);
        assert_eq!(frame.len(), size + SEAL_OVERHEAD);
        assert!(pair.open(&counted(), counter, AAD, &mut frame));
        assert!(frame == vec![7; size]);
    }
}

#[test]
fn changed_frame_does_not_open() {
    let (pair, frame) = (pair(), hex(FRAME));
    let opens = |key: &Secret, counter, aad: &[u8], mut frame: Vec<u8>| pair.open(key, counter, aad, &mut frame);
    assert!(opens(&counted(), COUNTER, AAD, frame.clone()));
    for flipped in flips(&frame) {
        assert!(!opens(&counted(), COUNTER, AAD, flipped));
    }
    for flipped in flips(AAD) {
        assert!(!opens(&counted(), COUNTER, &flipped, frame.clone()));
    }
    for flipped in flips(&counted().0) {
        assert!(!opens(&Secret(flipped.try_into().unwrap()), COUNTER, AAD, frame.clone()));
    }
    for bit in 0..64 {
        assert!(!opens(&counted(), COUNTER ^ (1 << bit), AAD, frame.clone()));
    }
    for short in 0..frame.len() {
        assert!(!opens(&counted(), COUNTER, AAD, frame[..short].to_vec()));
    }
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?} {:?}", pair(), pair().secret());
    assert_eq!(shown, format!("KeyPair({}) Secret", pair().public_key()));
    assert!(pair().secret() == counted());
}

//! The datagrams of protocol.md §9, built anew from the keys that it names.

use lsnp::crypto::KeyPair;
use lsnp::engine::{Crypto, Secret};
use lsnp::wire::{
    AvatarKind, AvatarLabel, Caps, Chain, ChunkRequest, Discovery, Dm, DmBody, Extension, GroupFrame, MessageId,
    Octets, PeerListRequest, PeerListResponse, PieceHash, Place, Post, Prekey, Profile, PublicKey, SIGNED_DOMAIN,
    Sealed, SealedBody, Sid, Style, UserId, seal,
};

/// 32 bytes that count up from `first`.
fn counted<const N: usize>(first: u8) -> [u8; N] {
    let mut bytes = [first; N];
    for (byte, step) in bytes.iter_mut().zip(0..) {
        *byte += step;
    }
    bytes
}

pub(crate) fn alice() -> KeyPair {
    KeyPair::new(&Secret(counted(0x01)))
}

pub(crate) fn bob() -> KeyPair {
    KeyPair::new(&Secret(counted(0x21)))
}

/// The secret half of bob's prekey.
pub(crate) fn prekey_secret() -> Secret {
    Secret(counted(0x41))
}

pub(crate) fn prekey() -> Prekey {
    Prekey { id: 0x0b0b_0001, key: bob().prekey(&prekey_secret()) }
}

/// What an ephemeral key is made of.
pub(crate) const SEED: [u8; 32] = [0x61; 32];
pub(crate) const SALT: [u8; 16] = [0x81; 16];
/// The key of a group.
pub(crate) const GROUP: [u8; 32] = [0x91; 32];

const ALICE: &str = "alice@192.168.1.11";
const BOB: &str = "bob@192.168.1.12";
const ALICE_SID: Sid = Octets(0x0102_0304_0506_0708);
const BOB_SID: Sid = Octets(0x0807_0605_0403_0201);
const ID: &str = "f83d2b1c00aa11bb";
const TIME: Option<u64> = Some(1_728_938_500);

fn user(id: &str) -> UserId<'_> {
    UserId::new(id).unwrap()
}

fn id() -> Option<MessageId<'static>> {
    MessageId::new(ID)
}

fn with_sid(sid: Sid) -> Extension {
    Extension { sid: Some(sid), ..Extension::default() }
}

fn announcing(sid: Sid) -> Extension {
    Extension { version: Some(1), caps: Some(Caps::OURS), beat: Some(30), ..with_sid(sid) }
}

/// The content ids of the two posts of the chain.
fn posted() -> [PieceHash; 2] {
    [PieceHash::of(&built("signed-post")), PieceHash::of(b"a post of somebody else")]
}

/// The associated data of a DM from `sender` to `recipient` (protocol.md §9.5).
pub(crate) fn associated(sender: &PublicKey, recipient: &PublicKey, id: &str) -> Vec<u8> {
    [b"DM\0", sender.0.as_slice(), recipient.0.as_slice(), id.as_bytes()].concat()
}

fn body() -> SealedBody {
    SealedBody::text("Hi Bob!\nLine two.", 1_728_938_500)
}

/// The letter's box, and the secret of the session that it opens.
pub(crate) fn letter_box() -> (Vec<u8>, Secret) {
    let aad = associated(&alice().public_key(), &bob().public_key(), ID);
    alice().seal_letter(&prekey().key, &aad, &body().encode(), SEED).unwrap()
}

pub(crate) fn session_id(secret: &Secret) -> Octets {
    let id = alice().derive(secret, &[b"session id"]);
    Octets(u64::from_be_bytes(*id.0.first_chunk().unwrap()))
}

pub(crate) fn frame_key(secret: &Secret, sender: &PublicKey, salt: &[u8; 16]) -> Secret {
    alice().derive(secret, &[b"frame", &sender.0, salt])
}

/// The key of the frames of one start of a member.
pub(crate) fn group_subkey(sid: Sid) -> Secret {
    alice().derive(&Secret(GROUP), &[b"group frame", &sid.0.to_be_bytes()])
}

fn frame() -> Vec<u8> {
    let (alice, bob) = (alice(), bob());
    let (_, secret) = letter_box();
    let key = frame_key(&secret, &bob.public_key(), &SALT);
    let mut sealed = SealedBody::text("Hi Alice!", 1_728_938_501).encode();
    bob.seal(&key, 0, &associated(&bob.public_key(), &alice.public_key(), "00aa11bb22cc33dd"), &mut sealed);
    let sealed = data_encoding::BASE64URL_NOPAD.encode(&sealed);
    let place = Place { session: session_id(&secret), salt: SALT, counter: 0 };
    let dm = Dm {
        from: user(BOB),
        to: user(ALICE),
        body: DmBody::Frame { place, sealed: Sealed::new(&sealed) },
        timestamp: None,
        message_id: MessageId::new("00aa11bb22cc33dd"),
    };
    let mut out = Vec::new();
    dm.encode(&Extension::default(), None, Style::Tight, &mut out);
    out
}

/// `inner` in a group frame of alice.
pub(crate) fn grouped(inner: &[u8], counter: u64) -> Vec<u8> {
    let mut out = Vec::new();
    GroupFrame::begin(ALICE_SID, counter, &mut out);
    let mut sealed = inner.to_vec();
    alice().seal(&group_subkey(ALICE_SID), counter, &out, &mut sealed);
    GroupFrame::end(&sealed, &mut out);
    out
}

fn letter(out: &mut Vec<u8>) {
    let sealed = data_encoding::BASE64URL_NOPAD.encode(&letter_box().0);
    let body = DmBody::Letter { prekey: prekey().id, sealed: Sealed::new(&sealed) };
    Dm { from: user(ALICE), to: user(BOB), body, timestamp: None, message_id: id() }.encode(
        &with_sid(ALICE_SID),
        None,
        Style::Tight,
        out,
    );
}

fn post(content: &str, chain: &Chain, out: &mut Vec<u8>) {
    let post = Post { user_id: user(ALICE), content, timestamp: TIME, message_id: id() };
    post.encode(&with_sid(ALICE_SID), None, Style::Tight, out);
    chain.append(out);
}

/// The names of all that is signed.
pub(crate) const SIGNED: [&str; 10] = [
    "signed-announcement",
    "signed-answer",
    "signed-goodbye",
    "signed-profile",
    "signed-post",
    "signed-post-second",
    "signed-peer-list-request",
    "signed-peer-list-response",
    "signed-chunk-request",
    "letter",
];

/// One datagram of protocol.md §9.
pub(crate) fn built(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut signer, style) = (alice(), Style::Tight);
    let avatar = Some(AvatarLabel { kind: AvatarKind::Png, size: 1234, root: PieceHash(counted(1)) });
    let here = |who, port, id| Discovery {
        user_id: user(who),
        port: Some(port),
        timestamp: TIME,
        message_id: MessageId::new(id),
        display_name: None,
        status: None,
        avatar: None,
        prekey: None,
    };
    match name {
        "signed-announcement" => {
            let prekey = Prekey { id: 0x0a11_ce01, key: alice().prekey(&Secret(counted(0xa1))) };
            Discovery {
                display_name: Some("Alice"),
                status: Some("at home"),
                avatar,
                prekey: Some(prekey),
                ..here(ALICE, 8123, "0123456789abcdef")
            }
            .encode(
                &Extension { ask: Some(Octets(0x1112_1314_1516_1718)), ..announcing(ALICE_SID) },
                style,
                &mut out,
            );
        }
        "signed-answer" => {
            signer = bob();
            let ext = Extension {
                ans: Some(Octets(0x1112_1314_1516_1718)),
                ask: Some(Octets(0x2122_2324_2526_2728)),
                ..announcing(BOB_SID)
            };
            Discovery { prekey: Some(prekey()), ..here(BOB, 8124, "00aa11bb22cc33dd") }.encode(&ext, style, &mut out);
        }
        "signed-goodbye" => {
            let ext = Extension { bye: Some(ALICE_SID), ..announcing(ALICE_SID) };
            here(ALICE, 8123, "0123456789abcdef").encode(&ext, style, &mut out);
        }
        "signed-profile" => Profile {
            user_id: user(ALICE),
            display_name: Some("Alice"),
            status: Some("at home"),
            timestamp: TIME,
            message_id: id(),
            avatar,
            avatar_data: None,
        }
        .encode(&with_sid(ALICE_SID), None, style, &mut out),
        "signed-post" => {
            let chain = Chain { number: 1, lamport: 1, ..Chain::default() };
            post("Hello P2P network!", &chain, &mut out);
        }
        "signed-post-second" => {
            let [prev, seen] = posted();
            let chain =
                Chain { number: 2, prev: Some(prev), seen: [seen].into_iter().collect(), lamport: 8, long: None };
            post("Anybody here?", &chain, &mut out);
        }
        "signed-peer-list-request" => PeerListRequest { from: user(ALICE), timestamp: TIME, message_id: id() }.encode(
            &with_sid(ALICE_SID),
            style,
            &mut out,
        ),
        "signed-peer-list-response" => {
            signer = bob();
            let ids = [ALICE, "carol@192.168.1.13"].into_iter();
            let id = id().unwrap();
            PeerListResponse::encode(user(BOB), ids, 1_728_938_500, id, &with_sid(BOB_SID), 1_000, &mut out);
        }
        "signed-chunk-request" => {
            ChunkRequest { from: user(ALICE), hash: PieceHash(counted(1)) }.encode(&with_sid(ALICE_SID), &mut out)
        }
        "letter" => letter(&mut out),
        "session-frame" => return frame(),
        "group-frame" => return grouped(&built("signed-announcement"), 5),
        name => panic!("there is no {name}"),
    }
    let place = SIGNED.iter().position(|signed| *signed == name).unwrap();
    let key = signer.public_key();
    let noise = 0x3c5a_0001 + (place as u32) * 0x0101_0101;
    seal(&mut out, &key, 65_537 + place as u64, noise, |bytes| signer.sign(SIGNED_DOMAIN, bytes));
    out
}

/// All datagrams of protocol.md §9 with their names.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    SIGNED.into_iter().chain(["session-frame", "group-frame"]).map(|name| (name, built(name)))
}

#[test]
fn every_datagram_of_the_chapter_on_trust_is_built_as_its_vector_says() {
    let vectors = super::vectors::Vector::all();
    for (name, bytes) in all() {
        let vector = vectors.iter().find(|vector| vector.name == name).unwrap_or_else(|| panic!("no vector {name}"));
        assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&vector.bytes), "{name}");
        assert!(vector.text.ends_with("=> same"), "{name}");
    }
}

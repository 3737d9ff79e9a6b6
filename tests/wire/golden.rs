//! The datagrams of protocol.md §9 and §10, built anew from the keys that it names.

use std::ops::RangeInclusive;

use lsnp::crypto::KeyPair;
use lsnp::engine::{Crypto, Secret};
use lsnp::wire::{
    Ack, AvatarKind, AvatarLabel, Caps, Carry, Chain, Chunk, ChunkRequest, Data, DataBody, Discovery, Dm, DmBody,
    Extension, GroupFrame, LongText, MessageId, Numbers, Octets, PeerListRequest, PeerListResponse, PieceHash, Pieces,
    Place, Post, Prekey, Profile, PublicKey, SIGNED_DOMAIN, Sealed, SealedAck, SealedBody, SealedData, SealedLong, Sid,
    Style, Sync, Synced, UserId, seal,
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
    Extension { version: Some(1), caps: Some(Caps::OURS.without(Caps::DATA)), beat: Some(30), ..with_sid(sid) }
}

/// The content ids of the post before the second, and of one that its author had seen.
fn posted() -> [PieceHash; 2] {
    [PieceHash::of(&built("signed-post")), PieceHash::of(b"a post of somebody else")]
}

/// What the examples of pieces are made of: 1,341 bytes in 27 lines.
pub(crate) fn long_text() -> String {
    (1..=27).map(|line| format!("Line {line} of a text that is longer than a datagram.\n")).collect()
}

/// The key of 32 bytes that seals the long text of a DM.
pub(crate) const LONG_KEY: [u8; 32] = [0xa5; 32];

/// The long text as a DM has it.
pub(crate) fn sealed_long() -> (SealedLong, Vec<u8>) {
    let mut bytes = long_text().into_bytes();
    alice().seal(&Secret(LONG_KEY), 0, b"long", &mut bytes);
    let root = Pieces::cut(&bytes).unwrap().root();
    (SealedLong { root, size: bytes.len() as u32, key: LONG_KEY }, bytes)
}

/// The associated data of a DM from `sender` to `recipient` (protocol.md §9.5).
pub(crate) fn associated(sender: &PublicKey, recipient: &PublicKey, id: &str) -> Vec<u8> {
    [b"DM\0", sender.0.as_slice(), recipient.0.as_slice(), id.as_bytes()].concat()
}

/// The letter's box, and the secret of the session that it opens.
pub(crate) fn letter_box() -> (Vec<u8>, Secret) {
    letter_box_of(&SealedBody::text("Hi Bob!\nLine two.", 1_728_938_500), ID, SEED)
}

fn letter_box_of(body: &SealedBody, id: &str, seed: [u8; 32]) -> (Vec<u8>, Secret) {
    let aad = associated(&alice().public_key(), &bob().public_key(), id);
    alice().seal_letter(&prekey().key, &aad, &body.encode(), seed).unwrap()
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

fn frame(counter: u64, id: &str, body: &SealedBody) -> Vec<u8> {
    let (alice, bob) = (alice(), bob());
    let (_, secret) = letter_box();
    let key = frame_key(&secret, &bob.public_key(), &SALT);
    let mut sealed = body.encode();
    bob.seal(&key, counter, &associated(&bob.public_key(), &alice.public_key(), id), &mut sealed);
    let sealed = data_encoding::BASE64URL_NOPAD.encode(&sealed);
    let place = Place { session: session_id(&secret), salt: SALT, counter };
    let dm = Dm {
        from: user(BOB),
        to: user(ALICE),
        body: DmBody::Frame { place, sealed: Sealed::new(&sealed) },
        timestamp: None,
        message_id: MessageId::new(id),
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

fn letter(sealed: &[u8], id: &str, out: &mut Vec<u8>) {
    let sealed = data_encoding::BASE64URL_NOPAD.encode(sealed);
    let body = DmBody::Letter { prekey: prekey().id, sealed: Sealed::new(&sealed) };
    let dm = Dm { from: user(ALICE), to: user(BOB), body, timestamp: None, message_id: MessageId::new(id) };
    dm.encode(&with_sid(ALICE_SID), None, Style::Tight, out);
}

/// One SYNC of `who`.
fn sync(who: &str, what: Synced, out: &mut Vec<u8>) {
    let sid = if who == ALICE { ALICE_SID } else { BOB_SID };
    Sync { from: user(who), what }.encode(&with_sid(sid), out);
}

fn numbers(author: &KeyPair, ranges: &[RangeInclusive<u64>]) -> Numbers {
    Numbers { author: author.public_key(), ranges: ranges.to_vec() }
}

/// A datagram as bob passes it on.
fn carried(name: &str, to: Option<PublicKey>, age: u32) -> Vec<u8> {
    let mut out = Vec::new();
    Carry { sid: BOB_SID, age, to, inner: &built(name) }.encode(&mut out);
    out
}

fn post(content: &str, chain: &Chain, out: &mut Vec<u8>) {
    let post = Post { user_id: user(ALICE), content, timestamp: TIME, message_id: id() };
    post.encode(&with_sid(ALICE_SID), None, Style::Tight, out);
    chain.append(out);
}

/// The names of all that is signed.
pub(crate) const SIGNED: [&str; 20] = [
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
    "signed-announcement-posts",
    "signed-post-long",
    "letter-long",
    "signed-ack",
    "signed-sync-ask",
    "signed-sync-offer",
    "signed-sync-want",
    "signed-data",
    "signed-data-bytes",
    "signed-data-long",
];

/// The names of what is not signed, or only inside.
const OTHERS: [&str; 9] = [
    "session-frame",
    "session-frame-ack",
    "session-frame-data",
    "group-frame",
    "chunk-list",
    "carry-post",
    "carry-letter",
    "carry-ack",
    "carry-data",
];

fn data(of: &str, body: DataBody<'_>, out: &mut Vec<u8>) {
    Data { of, body }.encode(&with_sid(ALICE_SID), out);
}

/// One datagram of protocol.md §9, §10 or §11.
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
        "letter" => letter(&letter_box().0, ID, &mut out),
        "signed-announcement-posts" => {
            let ext = Extension { posts: Some(2), ..announcing(ALICE_SID) };
            here(ALICE, 8123, "0123456789abcdef").encode(&ext, style, &mut out);
        }
        "signed-post-long" => {
            let prev = PieceHash::of(&built("signed-post-second"));
            let root = Pieces::cut(long_text().as_bytes()).unwrap().root();
            let long = Some(LongText { size: long_text().len() as u32, root });
            let chain = Chain { number: 3, prev: Some(prev), lamport: 9, long, ..Chain::default() };
            post("", &chain, &mut out);
        }
        "letter-long" => {
            let id = "1122334455667788";
            let long = Some(sealed_long().0);
            let body = SealedBody { long, timestamp: 1_728_938_502, ..SealedBody::default() };
            letter(&letter_box_of(&body, id, [0x62; 32]).0, id, &mut out);
        }
        "signed-ack" => {
            signer = bob();
            let ack = Ack { message_id: id().unwrap(), to: Some(alice().public_key()), stored: true };
            ack.encode(&with_sid(BOB_SID), style, &mut out);
        }
        "signed-sync-ask" => {
            let have = vec![numbers(&alice(), &[1..=2]), numbers(&bob(), &[1..=4, 7..=7])];
            let span = (PublicKey([0; 32]), PublicKey([0xff; 32]));
            sync(ALICE, Synced::Ask { span, have, last: 500, since: 0 }, &mut out);
        }
        "signed-sync-offer" => {
            signer = bob();
            sync(BOB, Synced::Offer(vec![numbers(&bob(), &[5..=6, 8..=12])]), &mut out);
        }
        "signed-sync-want" => sync(ALICE, Synced::Want(vec![numbers(&bob(), &[5..=6, 8..=12])]), &mut out),
        "session-frame" => return frame(0, "00aa11bb22cc33dd", &SealedBody::text("Hi Alice!", 1_728_938_501)),
        "session-frame-ack" => {
            let ack = Some(SealedAck { message_id: ID.into(), stored: true });
            let body = SealedBody { ack, timestamp: 1_728_938_501, ..SealedBody::default() };
            return frame(1, "00aa11bb22cc33de", &body);
        }
        "session-frame-data" => {
            let data = Some(SealedData { of: "message".into(), bytes: b"{\"n\":1}".to_vec(), long: None });
            return frame(2, "00aa11bb22cc33df", &SealedBody { data, ..SealedBody::default() });
        }
        "signed-data" => data("board", DataBody::Text(r#"{"user":"fatuma","status":"completed"}"#), &mut out),
        "signed-data-bytes" => data("list", DataBody::Bytes("AAECAwQF"), &mut out),
        "signed-data-long" => {
            let long = LongText { size: 66_560, root: PieceHash(counted(1)) };
            data("cache", DataBody::Long(long), &mut out);
        }
        "chunk-list" => {
            let (_, list) = Pieces::cut(long_text().as_bytes()).unwrap().into_pieces().pop().unwrap();
            Chunk::encode(user(ALICE), &list, &with_sid(ALICE_SID), &mut out);
            return out;
        }
        "carry-post" => return carried("signed-post", None, 3_600),
        "carry-letter" => return carried("letter", Some(bob().public_key()), 86_400),
        "carry-data" => return carried("signed-data", None, 0),
        "carry-ack" => return carried("signed-ack", Some(alice().public_key()), 0),
        "group-frame" => return grouped(&built("signed-announcement"), 5),
        name => panic!("there is no {name}"),
    }
    let place = SIGNED.iter().position(|signed| *signed == name).unwrap();
    let key = signer.public_key();
    let noise = 0x3c5a_0001 + (place as u32) * 0x0101_0101;
    seal(&mut out, &key, 65_537 + place as u64, noise, |bytes| signer.sign(SIGNED_DOMAIN, bytes));
    out
}

/// All datagrams of protocol.md §9 and §10 with their names.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Vec<u8>)> {
    SIGNED.into_iter().chain(OTHERS).map(|name| (name, built(name)))
}

#[test]
fn every_datagram_of_the_chapters_on_trust_delivery_and_data_is_built_as_its_vector_says() {
    let vectors = super::vectors::Vector::all();
    for (name, bytes) in all() {
        let vector = vectors.iter().find(|vector| vector.name == name).unwrap_or_else(|| panic!("no vector {name}"));
        assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&vector.bytes), "{name}");
        assert!(vector.text.ends_with("=> same"), "{name}");
    }
}

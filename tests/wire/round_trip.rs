//! What we write is read back as it was.

use lsnp::wire::{
    AvatarKind, AvatarLabel, CHUNK_MAX, Caps, Chunk, ChunkRequest, Datagram, Discovery, Dm, DmBody, Extension, Follow,
    FollowResponse, Message, MessageId, OWN_DATAGRAM_MAX, Octets, OwnMessageId, PeerListRequest, PeerListResponse,
    PieceHash, Ping, Post, Profile, Scope, Style, Token, UserId, decode, splits,
};
use proptest::prelude::*;

fn clean() -> impl Strategy<Value = String> {
    let c = prop_oneof![4 => any::<char>(), 2 => prop::char::range(' ', '~')].prop_filter("clean", |c| !splits(*c));
    prop::collection::vec(c, 0..40).prop_map(|chars| chars.into_iter().collect())
}

fn user() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}@10\\.0\\.[0-9]\\.[1-9]", clean().prop_map(|text| format!("x{text}"))]
        .prop_filter_map("an id", |text| UserId::new(&text).map(|id| id.as_str().to_owned()))
}

fn message_id() -> impl Strategy<Value = Option<String>> {
    prop::option::of("[!-~]([ -~]{0,62}[!-~])?")
}

fn style() -> impl Strategy<Value = Style> {
    prop::sample::select(vec![Style::Tight, Style::Spaced])
}

fn caps() -> impl Strategy<Value = Caps> {
    prop::sample::select(vec![Caps::default(), Caps::BYE, Caps::CHUNK, Caps::ESC, Caps::SYNC, Caps::OURS])
}

fn extension() -> impl Strategy<Value = Extension> {
    let octets = || prop::option::of(any::<u64>().prop_map(Octets));
    let first = (prop::option::of(any::<u8>()), octets(), prop::option::of(caps()), prop::option::of(1..=3600u16));
    let second = (octets(), octets(), octets(), prop::option::of(0..u64::MAX), any::<bool>(), any::<bool>());
    (first, second).prop_map(|((version, sid, caps, beat), (ask, ans, bye, posts, scan, escaped))| Extension {
        signed: false,
        version,
        sid,
        caps,
        beat,
        ask,
        ans,
        bye,
        posts,
        scan,
        escaped,
        token: false,
    })
}

fn avatar() -> impl Strategy<Value = Option<AvatarLabel>> {
    let kind = prop::sample::select(vec![AvatarKind::Png, AvatarKind::Jpeg]);
    prop::option::of((kind, 1..=20_480u16, any::<[u8; 16]>()).prop_map(|(kind, size, root)| AvatarLabel {
        kind,
        size,
        root: PieceHash(root),
    }))
}

fn scope() -> impl Strategy<Value = Scope> {
    prop::sample::select(vec![Scope::Broadcast, Scope::Chat, Scope::Follow])
}

/// Reads `out` and compares all of it.
fn expect(out: &[u8], message: Message<'_>, extension: Extension, style: Style) -> Result<(), TestCaseError> {
    prop_assert_eq!(decode(out), Ok(Datagram { message, extension, style }));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn of_discovery(
        user in user(), port in prop::option::of(1..=u16::MAX), timestamp: Option<u64>, id in message_id(),
        name in prop::option::of(clean()), status in prop::option::of(clean()), avatar in avatar(), ext in extension(),
        style in style(),
    ) {
        let m = Discovery {
            user_id: UserId::new(&user).unwrap(), port, timestamp, message_id: id.as_deref().and_then(MessageId::new),
            display_name: name.as_deref(), status: status.as_deref(), avatar, prekey: None,
        };
        let mut out = Vec::new();
        m.encode(&ext, style, &mut out);
        expect(&out, Message::Discovery(m), ext, style)?;
    }

    #[test]
    fn of_ping(user in user(), port in prop::option::of(1..=u16::MAX), ext in extension(), style in style()) {
        let m = Ping { user_id: UserId::new(&user).unwrap(), port };
        let mut out = Vec::new();
        m.encode(&ext, style, &mut out);
        expect(&out, Message::Ping(m), ext, style)?;
    }

    #[test]
    fn of_post_and_dm(
        user in user(), to in user(), content in clean(), timestamp: Option<u64>, id in message_id(), ext in extension(),
        style in style(), token in prop::option::of((any::<u64>(), scope())),
    ) {
        let (user_id, to) = (UserId::new(&user).unwrap(), UserId::new(&to).unwrap());
        let message_id = id.as_deref().and_then(MessageId::new);
        let token = token.map(|(expiry, scope)| Token { user_id, expiry, scope });
        let read = Extension { token: token.is_some(), ..ext };
        let mut out = Vec::new();
        let post = Post { user_id, content: &content, timestamp, message_id };
        post.encode(&ext, token, style, &mut out);
        expect(&out, Message::Post(post), read, style)?;
        let dm = Dm { from: user_id, to, body: DmBody::Plain(&content), timestamp, message_id };
        dm.encode(&ext, token, style, &mut out);
        expect(&out, Message::Dm(dm), read, style)?;
    }

    #[test]
    fn of_profile(
        user in user(), name in prop::option::of(clean()), status in prop::option::of(clean()), timestamp: Option<u64>,
        id in message_id(), avatar in avatar(), ext in extension(), style in style(),
        picture in prop::option::of(prop::collection::vec(any::<u8>(), 0..3_000)),
    ) {
        let m = Profile {
            user_id: UserId::new(&user).unwrap(), display_name: name.as_deref(), status: status.as_deref(), timestamp,
            message_id: id.as_deref().and_then(MessageId::new), avatar, avatar_data: None,
        };
        let picture = picture.map(|rest| [b"\x89PNG\r\n\x1a\n".to_vec(), rest].concat());
        let mut out = Vec::new();
        m.encode(&ext, picture.as_deref().map(|bytes| (AvatarKind::Png, bytes)), style, &mut out);
        let read = decode(&out).unwrap();
        let Message::Profile(profile) = read.message else { panic!("{read:?}") };
        prop_assert_eq!(profile.avatar_data.and_then(|data| data.bytes()), picture.map(|bytes| (AvatarKind::Png, bytes)));
        prop_assert_eq!(Profile { avatar_data: None, ..profile }, m);
        prop_assert_eq!((read.extension, read.style), (ext, style));
    }

    #[test]
    fn of_peer_lists(
        user in user(), ids in prop::collection::vec(user(), 0..30), timestamp: u64, bits: u64, ext in extension(),
        style in style(), room in 400..=OWN_DATAGRAM_MAX,
    ) {
        let from = UserId::new(&user).unwrap();
        let message_id = OwnMessageId::new(bits);
        let m = PeerListRequest { from, timestamp: Some(timestamp), message_id: Some(message_id.as_field()) };
        let mut out = Vec::new();
        m.encode(&ext, style, &mut out);
        prop_assert!(out.len() >= 400, "{} bytes buy too short a list", out.len());
        expect(&out, Message::PeerListRequest(m), ext, style)?;

        let ours = Extension { version: Some(1), sid: Some(Octets(bits)), caps: Some(Caps::OURS), ..Extension::default() };
        let count = PeerListResponse::encode(
            from, ids.iter().map(String::as_str), timestamp, message_id.as_field(), &ours, room, &mut out,
        );
        prop_assert!(out.len() <= room, "{} bytes in a room of {room}", out.len());
        let read = decode(&out).unwrap();
        let Message::PeerListResponse(list) = read.message else { panic!("{read:?}") };
        prop_assert_eq!((list.from, list.count, read.extension), (from, Some(count as u64), ours));
        prop_assert_eq!(list.ids(1_000), ids[..count].to_vec());
    }

    #[test]
    fn of_follow(
        user in user(), to in user(), id in message_id(), timestamp: u64, unfollow: bool, accepted: bool,
        ext in extension(), style in style(),
    ) {
        let (from, to) = (UserId::new(&user).unwrap(), UserId::new(&to).unwrap());
        let message_id = id.as_deref().and_then(MessageId::new);
        let token = Token { user_id: from, expiry: 1, scope: Scope::Follow };
        let mut out = Vec::new();
        let m = Follow { from, to, message_id };
        m.encode(unfollow, timestamp, token, &ext, style, &mut out);
        let read = if unfollow { Message::Unfollow(m) } else { Message::Follow(m) };
        expect(&out, read, Extension { token: true, ..ext }, style)?;
        let m = FollowResponse { from, to, message_id, accepted };
        m.encode(unfollow, timestamp, &ext, style, &mut out);
        let read = if unfollow { Message::UnfollowResponse(m) } else { Message::FollowResponse(m) };
        expect(&out, read, ext, style)?;
    }

    #[test]
    fn of_pieces(user in user(), hash: [u8; 16], data in prop::collection::vec(any::<u8>(), 1..=CHUNK_MAX), ext in extension()) {
        let from = UserId::new(&user).unwrap();
        let m = ChunkRequest { from, hash: PieceHash(hash) };
        let mut out = Vec::new();
        m.encode(&ext, &mut out);
        expect(&out, Message::ChunkRequest(m), ext, Style::Tight)?;
        Chunk::encode(from, &data, &ext, &mut out);
        let read = decode(&out).unwrap();
        let Message::Chunk(chunk) = read.message else { panic!("{read:?}") };
        prop_assert_eq!((chunk.from, chunk.bytes(), read.extension), (from, Some(data), ext));
    }
}

#[test]
fn a_piece_is_never_too_long() {
    let from = UserId::new("a@10.0.0.1").unwrap();
    for (size, fits) in [(0, false), (1, true), (CHUNK_MAX, true), (CHUNK_MAX + 1, false)] {
        let mut out = Vec::new();
        Chunk::encode(from, &vec![7; size], &Extension::default(), &mut out);
        let Message::Chunk(chunk) = decode(&out).unwrap().message else { panic!() };
        assert_eq!(chunk.bytes().is_some(), fits, "{size} bytes");
    }
}

#[test]
fn a_picture_is_never_too_large() {
    let user_id = UserId::new("a@10.0.0.1").unwrap();
    let m = Profile {
        user_id,
        display_name: None,
        status: None,
        timestamp: None,
        message_id: None,
        avatar: None,
        avatar_data: None,
    };
    for (size, fits) in [(AvatarLabel::MAX, true), (AvatarLabel::MAX + 1, false), (AvatarLabel::MAX + 3, false)] {
        let mut picture = b"\xff\xd8\xff".to_vec();
        picture.resize(size, 1);
        let mut out = Vec::new();
        m.encode(&Extension::default(), Some((AvatarKind::Jpeg, &picture)), Style::Tight, &mut out);
        let Message::Profile(read) = decode(&out).unwrap().message else { panic!() };
        assert_eq!(read.avatar_data.unwrap().bytes().is_some(), fits, "{size} bytes");
    }
}

//! Golden datagrams.
//!
//! A vector is a small text: `# name`, the datagram line by line, and what is read from it, one `=> ` line a value.
//! A datagram line ends with LF on the wire. `<CR>`, `<HT>`, `<NUL>` and `<FF>` stand for these bytes (`<FF>` is 0xff),
//! and `<END>` at the end of the last line says that no LF follows. `=> same` says that we write it in the same bytes;
//! `=> error REASON` that it is refused. `=> signed by NAME, SEQ n` says that the signature is right and whose it is;
//! `=> opens TEXT` what is sealed in it for those who have the key, `=> frame of NAME` what is in a group frame, and
//! `=> carries NAME` what somebody passes on.

use std::fs;
use std::path::{Path, PathBuf};

use lsnp::engine::Crypto;
use lsnp::wire::{
    Carry, Chain, DataBody, Datagram, Dm, DmBody, Envelope, Extension, GroupFrame, Message, MessageId, Numbers,
    SIGNED_DOMAIN, SealedBody, Style, Synced, Writer, decode,
};

use super::golden;

/// One golden datagram with what is read from it.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
    expected: Vec<String>,
}

impl Vector {
    /// Reads a vector from its text.
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim_end_matches('\n');
        let (first, rest) = text.split_once('\n').expect("a vector has a name and a datagram");
        let name = first.strip_prefix("# ").unwrap_or_else(|| panic!("{first:?} is no name")).to_owned();
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for line in rest.split('\n') {
            if let Some(value) = line.strip_prefix("=> ") {
                expected.push(value.to_owned());
            } else {
                assert!(expected.is_empty(), "{name}: {line:?} after an expectation");
                bytes.extend(raw_line(line));
            }
        }
        assert!(!expected.is_empty(), "{name}: nothing is expected");
        Self { name, text: text.to_owned(), bytes, expected }
    }

    /// All vectors of the folder, by name.
    pub(crate) fn all() -> Vec<Self> {
        let mut paths: Vec<PathBuf> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    fn read(path: &Path) -> Self {
        let vector = Self::parse(&fs::read_to_string(path).unwrap());
        assert_eq!(path.file_stem().unwrap(), vector.name.as_str(), "{} holds another vector", path.display());
        vector
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn raw_line(line: &str) -> Vec<u8> {
    let mut bytes = line.as_bytes().to_vec();
    bytes.push(b'\n');
    for (name, byte) in [("<CR>", b'\r'), ("<HT>", b'\t'), ("<NUL>", 0), ("<FF>", 0xff)] {
        while let Some(at) = bytes.windows(name.len()).position(|part| part == name.as_bytes()) {
            bytes.splice(at..at + name.len(), [byte]);
        }
    }
    if bytes.ends_with(b"<END>\n") {
        bytes.truncate(bytes.len() - b"<END>\n".len());
    }
    bytes
}

/// What is read from a datagram, as vectors say it.
pub(crate) fn said(bytes: &[u8]) -> Vec<String> {
    if let Some(frame) = GroupFrame::of(bytes) {
        return said_by_group(&frame, bytes);
    }
    match Carry::of(bytes) {
        Ok(Some(carry)) => return said_by_carrier(&carry, bytes),
        Err(reason) => return vec![format!("error {reason}")],
        Ok(None) => {}
    }
    let datagram = match decode(bytes) {
        Ok(datagram) => datagram,
        Err(reason) => return vec![format!("error {reason}")],
    };
    let signed = if datagram.extension.signed {
        match signer(bytes) {
            Ok(signed) => Some(signed),
            Err(reason) => return vec![format!("error {reason}")],
        }
    } else {
        None
    };
    let is_data = matches!(datagram.message, Message::Data(_));
    let chain = match if is_data { Ok(None) } else { Chain::of(bytes) } {
        Ok(chain) => chain,
        Err(reason) => return vec![format!("error {reason}")],
    };
    let mut said = vec![format!("TYPE {}", datagram.message.kind())];
    if datagram.style == Style::Spaced {
        said.push("style spaced".into());
    }
    said.extend(values(&datagram.message).into_iter().filter_map(|(key, value)| Some(format!("{key} {}", value?))));
    said.extend(extras(&datagram.extension).into_iter().filter_map(|(key, value)| Some(format!("{key} {}", value?))));
    said.extend(chain.iter().map(chained));
    said.extend(signed);
    if let Message::Dm(dm) = datagram.message {
        said.extend(opened(&dm));
    }
    if written(&datagram).is_some_and(|again| again == bytes) || golden::all().any(|(_, golden)| golden == bytes) {
        said.push("same".into());
    }
    said
}

/// Who signed it, and with which number.
fn signer(bytes: &[u8]) -> Result<String, String> {
    let envelope = Envelope::of(bytes).map_err(|reason| reason.to_string())?;
    let known = [("alice", golden::alice()), ("bob", golden::bob())];
    let (name, key) = known.iter().find(|(_, pair)| pair.public_key() == envelope.key).ok_or("unknown key")?;
    let good = key.verify(&envelope.key, SIGNED_DOMAIN, envelope.signed, &envelope.signature);
    if good { Ok(format!("signed by {name}, SEQ {}", envelope.seq)) } else { Err("wrong signature".into()) }
}

fn chained(chain: &Chain) -> String {
    let seen: Vec<String> = chain.seen.iter().map(ToString::to_string).collect();
    let prev = chain.prev.map_or(String::new(), |prev| format!(" after {prev}"));
    let long = chain.long.map_or(String::new(), |long| format!(", text of {} bytes, {}", long.size, long.root));
    format!("post {}{prev}, seen [{}], LAMPORT {}{long}", chain.number, seen.join(" "), chain.lamport)
}

/// What is sealed in a DM between alice and bob.
fn opened(dm: &Dm<'_>) -> Option<String> {
    let (alice, bob) = (golden::alice(), golden::bob());
    let mut sealed = Vec::new();
    let id = dm.message_id?.as_str();
    let body = match dm.body {
        DmBody::Plain(_) => return None,
        DmBody::Letter { sealed: boxed, .. } => {
            assert!(boxed.read(&mut sealed));
            let aad = golden::associated(&alice.public_key(), &bob.public_key(), id);
            bob.open_letter(&golden::prekey_secret(), &aad, &sealed)?.0
        }
        DmBody::Frame { place, sealed: boxed } => {
            assert!(boxed.read(&mut sealed));
            let (_, secret) = golden::letter_box();
            assert_eq!(golden::session_id(&secret), place.session);
            let key = golden::frame_key(&secret, &bob.public_key(), &place.salt);
            let aad = golden::associated(&bob.public_key(), &alice.public_key(), id);
            if !alice.open(&key, place.counter, &aad, &mut sealed) {
                return Some("error not sealed so".into());
            }
            sealed
        }
    };
    let body = SealedBody::decode(&body)?;
    if let Some(data) = body.data {
        return Some(format!("opens data of {}, {:?}", data.of, String::from_utf8_lossy(&data.bytes)));
    }
    Some(match (body.long, body.ack) {
        (Some(long), _) => format!("opens a text of {} sealed bytes, {}, of {}", long.size, long.root, body.timestamp),
        (_, Some(ack)) => format!("opens an ACK of {}, {}", ack.message_id, status(ack.stored)),
        (None, None) => format!("opens {:?} of {}", body.text, body.timestamp),
    })
}

fn status(stored: bool) -> &'static str {
    if stored { "STORED" } else { "RECEIVED" }
}

fn said_by_group(frame: &GroupFrame<'_>, bytes: &[u8]) -> Vec<String> {
    let Some(mut inner) = frame.bytes() else { return vec!["error no base64url".into()] };
    if !golden::bob().open(&golden::group_subkey(frame.sid), frame.counter, frame.head, &mut inner) {
        return vec!["error not sealed so".into()];
    }
    let (name, _) = golden::all().find(|(_, golden)| *golden == inner).unwrap();
    let mut said = vec![format!("frame of {name}"), format!("SID {}", frame.sid), format!("NO {}", frame.counter)];
    if golden::grouped(&inner, frame.counter) == bytes {
        said.push("same".into());
    }
    said
}

fn said_by_carrier(carry: &Carry<'_>, bytes: &[u8]) -> Vec<String> {
    let mut said = vec!["TYPE CARRY".into(), format!("SID {}", carry.sid), format!("AGE {}", carry.age)];
    said.extend(carry.to.map(|to| format!("FOR {to}")));
    let name = golden::all().find(|(_, golden)| golden == carry.inner).map_or("what is not signed", |(name, _)| name);
    said.push(format!("carries {name}"));
    let mut out = Vec::new();
    carry.encode(&mut out);
    if out == bytes {
        said.push("same".into());
    }
    said
}

/// Which posts of whom.
fn numbered(list: &[Numbers]) -> Option<String> {
    let known = [("alice", golden::alice()), ("bob", golden::bob())];
    let one = |numbers: &Numbers| {
        let name =
            known.iter().find(|(_, pair)| pair.public_key() == numbers.author).map_or("somebody", |(name, _)| name);
        format!("{:?} of {name}", numbers.ranges)
    };
    Some(list.iter().map(one).collect::<Vec<_>>().join(", "))
}

type Values = Vec<(&'static str, Option<String>)>;

fn values(message: &Message<'_>) -> Values {
    let id = |id: Option<MessageId<'_>>| ("MESSAGE_ID", id.map(|id| id.as_str().to_owned()));
    let time = |time: Option<u64>| ("TIMESTAMP", time.map(|t| t.to_string()));
    let some = |text: &str| Some(text.to_owned());
    match message {
        Message::Discovery(m) => vec![
            ("USER_ID", some(m.user_id.as_str())),
            ("PORT", m.port.map(|p| p.to_string())),
            time(m.timestamp),
            id(m.message_id),
            ("DISPLAY_NAME", m.display_name.map(str::to_owned)),
            ("STATUS", m.status.map(str::to_owned)),
            ("AVATAR", m.avatar.map(|a| format!("{} of {} bytes, {}", a.kind.media_type(), a.size, a.root))),
            ("PREKEY", m.prekey.map(|p| format!("{:08x}", p.id))),
        ],
        Message::Ping(m) => vec![("USER_ID", some(m.user_id.as_str())), ("PORT", m.port.map(|p| p.to_string()))],
        Message::Post(m) => vec![
            ("USER_ID", some(m.user_id.as_str())),
            ("CONTENT", some(m.content).filter(|content| !content.is_empty())),
            time(m.timestamp),
            id(m.message_id),
        ],
        Message::Dm(m) => vec![
            ("FROM", some(m.from.as_str())),
            ("TO", some(m.to.as_str())),
            match m.body {
                DmBody::Plain(content) => ("CONTENT", some(content)),
                DmBody::Letter { prekey, .. } => ("letter to", Some(format!("{prekey:08x}"))),
                DmBody::Frame { place, .. } => {
                    let salt = data_encoding::BASE64URL_NOPAD.encode(&place.salt);
                    ("frame", Some(format!("{} of {},{salt}", place.counter, place.session)))
                }
            },
            time(m.timestamp),
            id(m.message_id),
        ],
        Message::Profile(m) => vec![
            ("USER_ID", some(m.user_id.as_str())),
            ("DISPLAY_NAME", m.display_name.map(str::to_owned)),
            ("STATUS", m.status.map(str::to_owned)),
            time(m.timestamp),
            id(m.message_id),
            ("AVATAR", m.avatar.map(|a| format!("{} of {} bytes, {}", a.kind.media_type(), a.size, a.root))),
            (
                "AVATAR_DATA",
                m.avatar_data.map(|data| match data.bytes() {
                    Some((kind, bytes)) => format!("{} of {} bytes", kind.media_type(), bytes.len()),
                    None => "refused".into(),
                }),
            ),
        ],
        Message::PeerListRequest(m) => vec![("FROM", some(m.from.as_str())), time(m.timestamp), id(m.message_id)],
        Message::PeerListResponse(m) => vec![
            ("FROM", some(m.from.as_str())),
            ("PEERS", Some(m.ids(100).join(" "))),
            ("COUNT", m.count.map(|c| c.to_string())),
        ],
        Message::Follow(m) | Message::Unfollow(m) => {
            vec![("FROM", some(m.from.as_str())), ("TO", some(m.to.as_str())), id(m.message_id)]
        }
        Message::FollowResponse(m) | Message::UnfollowResponse(m) => vec![
            ("FROM", some(m.from.as_str())),
            ("TO", some(m.to.as_str())),
            id(m.message_id),
            ("STATUS", Some(m.accepted.to_string())),
        ],
        Message::Revoke(m) => vec![("USER_ID", some(m.user_id.as_str()))],
        Message::ChunkRequest(m) => vec![("FROM", some(m.from.as_str())), ("HASH", Some(m.hash.to_string()))],
        Message::Chunk(m) => vec![
            ("FROM", some(m.from.as_str())),
            ("DATA", Some(m.bytes().map_or("refused".into(), |b| format!("{} bytes", b.len())))),
        ],
        Message::Ack(m) => {
            vec![id(Some(m.message_id)), ("FOR", m.to.map(|to| to.to_string())), ("STATUS", some(status(m.stored)))]
        }
        Message::Data(m) => {
            let body = match m.body {
                DataBody::Text(text) => ("BODY", some(text)),
                DataBody::Bytes(_) => ("BODY64", Some(format!("{:?}", m.body.bytes()))),
                DataBody::Long(long) => ("LONG", Some(long.to_string())),
            };
            vec![("OF", some(m.of)), body]
        }
        Message::Sync(m) => {
            let mut values = vec![("FROM", some(m.from.as_str()))];
            match &m.what {
                Synced::Ask { span: (low, high), have, last, since } => values.extend([
                    ("SPAN", Some(format!("{low} to {high}"))),
                    ("LAST", Some(last.to_string())),
                    ("SINCE", Some(since.to_string())),
                    ("HAVE", numbered(have)),
                ]),
                Synced::Offer(have) => values.push(("offers", numbered(have))),
                Synced::Want(want) => values.push(("WANT", numbered(want))),
            }
            values
        }
        Message::Other(_) => vec![],
        _ => panic!("a TYPE that vectors do not know"),
    }
}

fn extras(ext: &Extension) -> Values {
    let flag = |on: bool| on.then(|| "1".to_owned());
    let words = |caps: lsnp::wire::Caps| {
        use lsnp::wire::Caps;
        let all = [
            ("bye", Caps::BYE),
            ("chunk", Caps::CHUNK),
            ("esc", Caps::ESC),
            ("sync", Caps::SYNC),
            ("data", Caps::DATA),
        ];
        all.iter().filter(|(_, cap)| caps.has(*cap)).map(|(word, _)| *word).collect::<Vec<_>>().join(",")
    };
    vec![
        ("PV", ext.version.map(|v| v.to_string())),
        ("SID", ext.sid.map(|s| s.to_string())),
        ("CAP", ext.caps.map(words)),
        ("BEAT", ext.beat.map(|b| b.to_string())),
        ("ANS", ext.ans.map(|n| n.to_string())),
        ("ASK", ext.ask.map(|n| n.to_string())),
        ("BYE", ext.bye.map(|s| s.to_string())),
        ("POSTS", ext.posts.map(|n| n.to_string())),
        ("SCAN", flag(ext.scan)),
        ("ESC", flag(ext.escaped)),
        ("TOKEN", flag(ext.token)),
    ]
}

/// The datagram as we write it; `None` for what needs more than what was read, or is never written.
pub(crate) fn written(datagram: &Datagram<'_>) -> Option<Vec<u8>> {
    let (ext, style) = (&datagram.extension, datagram.style);
    let mut out = Vec::new();
    match &datagram.message {
        Message::Discovery(m) => m.encode(ext, style, &mut out),
        Message::Ping(m) => m.encode(ext, style, &mut out),
        Message::Post(m) => m.encode(ext, None, style, &mut out),
        Message::Dm(m) => m.encode(ext, None, style, &mut out),
        Message::Profile(m) => m.encode(ext, None, style, &mut out),
        Message::PeerListRequest(m) => m.encode(ext, style, &mut out),
        Message::ChunkRequest(m) => m.encode(ext, &mut out),
        Message::Ack(m) => m.encode(ext, style, &mut out),
        Message::Sync(m) => m.encode(ext, &mut out),
        Message::Data(m) => m.encode(ext, &mut out),
        Message::Chunk(m) => lsnp::wire::Chunk::encode(m.from, &m.bytes()?, ext, &mut out),
        _ => return None,
    }
    Some(out)
}

#[test]
fn every_vector_is_read_as_it_says() {
    let vectors = Vector::all();
    assert!(vectors.len() >= 30, "only {} vectors found", vectors.len());
    for vector in vectors {
        let said = said(&vector.bytes);
        assert_eq!(said, vector.expected, "{}: read as\n=> {}\n", vector.name, said.join("\n=> "));
    }
}

#[test]
fn every_type_that_we_speak_has_a_vector() {
    let vectors = Vector::all();
    for kind in [
        "PEER_DISCOVERY",
        "PING",
        "POST",
        "DM",
        "PROFILE",
        "PEER_LIST_REQUEST",
        "PEER_LIST_RESPONSE",
        "FOLLOW",
        "UNFOLLOW",
        "FOLLOW_RESPONSE",
        "UNFOLLOW_RESPONSE",
        "REVOKE",
        "CHUNK_REQUEST",
        "CHUNK",
        "ACK",
        "SYNC",
        "CARRY",
    ] {
        assert!(vectors.iter().any(|v| v.expected[0] == format!("TYPE {kind}")), "no vector of {kind}");
    }
}

#[test]
fn a_writer_ends_each_line_and_the_datagram() {
    let mut out = b"left over".to_vec();
    let mut writer = Writer::new(&mut out, Style::Spaced, "POST");
    writer.number("N", u64::MAX);
    writer.number("Z", 0);
    writer.end();
    assert_eq!(out, b"TYPE: POST\nN: 18446744073709551615\nZ: 0\n\n");
}

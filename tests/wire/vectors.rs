//! Golden datagrams.
//!
//! A vector is a small text: `# name`, the datagram line by line, and what is read from it, one `=> ` line a value.
//! A datagram line ends with LF on the wire. `<CR>`, `<HT>`, `<NUL>` and `<FF>` stand for these bytes (`<FF>` is 0xff),
//! and `<END>` at the end of the last line says that no LF follows. `=> same` says that we write it in the same bytes;
//! `=> error REASON` that it is refused.

use std::fs;
use std::path::{Path, PathBuf};

use lsnp::wire::{Datagram, DmBody, Extension, Message, MessageId, Style, Writer, decode};

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
fn said(bytes: &[u8]) -> Vec<String> {
    let datagram = match decode(bytes) {
        Ok(datagram) => datagram,
        Err(reason) => return vec![format!("error {reason}")],
    };
    let mut said = vec![format!("TYPE {}", datagram.message.kind())];
    if datagram.style == Style::Spaced {
        said.push("style spaced".into());
    }
    said.extend(values(&datagram.message).into_iter().filter_map(|(key, value)| Some(format!("{key} {}", value?))));
    said.extend(extras(&datagram.extension).into_iter().filter_map(|(key, value)| Some(format!("{key} {}", value?))));
    if written(&datagram).is_some_and(|again| again == bytes) {
        said.push("same".into());
    }
    said
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
        ],
        Message::Ping(m) => vec![("USER_ID", some(m.user_id.as_str())), ("PORT", m.port.map(|p| p.to_string()))],
        Message::Post(m) => vec![
            ("USER_ID", some(m.user_id.as_str())),
            ("CONTENT", some(m.content)),
            time(m.timestamp),
            id(m.message_id),
        ],
        Message::Dm(m) => vec![
            ("FROM", some(m.from.as_str())),
            ("TO", some(m.to.as_str())),
            (
                "CONTENT",
                match m.body {
                    DmBody::Plain(content) => some(content),
                    DmBody::Letter { .. } | DmBody::Frame { .. } => None,
                },
            ),
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
        Message::Other(_) => vec![],
        _ => panic!("a TYPE that vectors do not know"),
    }
}

fn extras(ext: &Extension) -> Values {
    let flag = |on: bool| on.then(|| "1".to_owned());
    let words = |caps: lsnp::wire::Caps| {
        use lsnp::wire::Caps;
        let all = [("bye", Caps::BYE), ("chunk", Caps::CHUNK), ("esc", Caps::ESC)];
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

//! What the fuzz targets do with their input; `tests/fuzz.rs` replays the corpus with the same code.
#![allow(dead_code, reason = "each target uses one of these")]

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use lsnp::engine::{Command, Config, Engine, Identity, Instant, Limits, Link, Links, Output, PeerId, Socket};
use lsnp::wire::{
    Chunk, Datagram, Dm, DmBody, Message, Name, Safe, SafeLines, decode as read, escaped, is_clean, unescaped,
};

/// Reads the bytes, and shows all text that they hold.
pub fn decode(bytes: &[u8]) {
    let Ok(datagram) = read(bytes) else { return };
    let show = |text: &str| {
        let safe = Safe::line(text);
        assert_eq!(Safe::line(safe.as_str()), safe, "shown text changes when it is shown again");
        assert!(!safe.as_str().chars().any(char::is_control), "a control character is shown");
        assert!(Safe::fitted(text, 32).width() <= 32, "a text is wider than it may be");
        let _ = SafeLines::of(text).iter().count();
    };
    show(datagram.message.kind());
    match datagram.message {
        Message::Discovery(m) => [m.display_name, m.status].into_iter().flatten().for_each(show),
        Message::Post(m) => {
            show(m.content);
            show(&unescaped(m.content));
        }
        Message::Dm(Dm { body: DmBody::Plain(content), .. }) => show(content),
        Message::Profile(m) => {
            [m.display_name, m.status].into_iter().flatten().for_each(show);
            let _ = m.avatar_data.and_then(|data| data.bytes());
        }
        Message::PeerListResponse(m) => {
            let ids = m.ids(64);
            assert!(ids.len() <= 64, "more ids than were wanted");
            ids.iter().for_each(|id| show(id));
        }
        Message::Chunk(m) => {
            let _ = m.bytes();
        }
        _ => {}
    }
    let (text, marked) = std::str::from_utf8(bytes).map_or(("".into(), false), escaped);
    assert!(is_clean(&text), "an escaped text splits");
    if marked {
        assert_eq!(unescaped(&text).as_bytes(), bytes, "an escaped text does not come back");
    }
}

/// Writes what was read, and reads it again.
pub fn roundtrip(bytes: &[u8]) {
    let Ok(datagram) = read(bytes) else { return };
    let Some(out) = written(&datagram) else { return };
    let again = match read(&out) {
        Ok(again) => again,
        Err(error) => panic!("what we wrote is refused: {error}"),
    };
    assert_eq!(written(&again).as_deref(), Some(&out[..]), "what we wrote is read otherwise");
    let lines = out.split(|byte| matches!(byte, b'\n' | b'\r' | 0x0b | 0x0c | 0x1c..=0x1e)).count();
    let keys = out.split(|byte| *byte == b'\n').count();
    assert_eq!(lines, keys, "a value splits");
}

fn written(datagram: &Datagram<'_>) -> Option<Vec<u8>> {
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
        Message::Chunk(m) => Chunk::encode(m.from, &m.bytes()?, ext, &mut out),
        _ => return None,
    }
    Some(out)
}

/// The input, taken bit by bit.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    /// Up to the next zero byte.
    fn part(&mut self) -> &'a [u8] {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        let (part, rest) = self.0.split_at(end);
        self.0 = rest.get(1..).unwrap_or_default();
        part
    }

    fn text(&mut self) -> String {
        String::from_utf8_lossy(self.part()).into_owned()
    }
}

/// Small caps, so that a short input reaches them.
fn limits() -> Limits {
    Limits {
        peers: 8,
        older: 4,
        probation: 5,
        identities: 3,
        paths: 2,
        buckets: 8,
        seen: 8,
        answers: 4,
        hints: 8,
        lasting: 4,
        avatars: 4_096,
        pulls: 2,
        ..Limits::default()
    }
}

fn links(kind: u8) -> Links {
    let link = |name: &str, address: [u8; 4], prefix| {
        let address = Ipv4Addr::from(address);
        let broadcast = Ipv4Addr::from_bits(address.to_bits() | u32::MAX.checked_shr(prefix).unwrap_or(0));
        Link { name: name.into(), address, prefix: prefix as u8, broadcast: (prefix < 31).then_some(broadcast) }
    };
    let mut links =
        vec![link("lo", [127, 0, 0, 1], 8), link("eth0", [10, 0, 0, 1], 24), link("wg0", [10, 9, 0, 1], 32)];
    links.truncate(usize::from(kind % 4));
    let primary = links.last().map_or(Ipv4Addr::LOCALHOST, |link| link.address);
    Links { links, primary, discovery_open: kind < 128 }
}

/// Plays the input as operations on one engine. After each, the outputs are drained and the caps are looked at.
pub fn engine(bytes: &[u8]) {
    let mut input = Input(bytes);
    let (limits, start) = (limits(), input.byte());
    let identity = Identity {
        name: Name::new("fuzz").unwrap_or_else(|error| panic!("{error}")),
        display_name: None,
        status: None,
        avatar: (start & 1 == 1).then(|| b"\x89PNG\r\n\x1a\n and more".to_vec()),
        port: 8000,
    };
    let config = Config { scan: start & 2 == 2, shards: 2, limits: limits.clone(), ..Config::default() };
    let mut now = Instant::BIRTH;
    let mut engine = Engine::new(identity, config, [start; 32], now, Duration::from_secs(1_728_938_500));
    let mut asked: Vec<(SocketAddrV4, String)> = Vec::new();
    let mut ids: Vec<PeerId> = Vec::new();
    let mut left = false;
    engine.handle_links(links(3), now);
    for _ in 0..200 {
        if input.0.is_empty() {
            break;
        }
        let what = input.byte();
        let peer = |ids: &[PeerId], which: u8| ids.get(usize::from(which) % ids.len().max(1)).copied();
        match what % 16 {
            0..=4 => {
                let from = address(&mut input);
                let socket = if what & 16 == 0 { Socket::Unicast } else { Socket::Discovery };
                // A refused datagram is a fine answer.
                let _ = engine.handle_datagram(input.part(), from, socket, now);
            }
            5 => {
                // Somebody answers what was asked: the only way to a proven path.
                let which = usize::from(input.byte());
                if let Some((to, ask)) = asked.get(which % asked.len().max(1)).cloned() {
                    let sid = lsnp::wire::Octets(which as u64 % 5 + 1);
                    let text = format!(
                        "TYPE:PEER_DISCOVERY\nUSER_ID:a@{}\nPORT:{}\nSID:{sid}\nANS:{ask}\n{}\n",
                        to.ip(),
                        to.port(),
                        input.text()
                    );
                    let _ = engine.handle_datagram(text.as_bytes(), to, Socket::Unicast, now);
                }
            }
            6 => now = now + Duration::from_millis(u64::from(input.number())),
            7 => now = now + Duration::from_secs(u64::from(input.number())),
            8 => engine.handle_links(links(input.byte()), now),
            9 => {
                let _ = engine.handle_command(Command::Post { text: input.text() }, now);
            }
            10 => {
                if let Some(to) = peer(&ids, input.byte()) {
                    let _ = engine.handle_command(Command::Dm { to, text: input.text() }, now);
                }
            }
            11 => {
                let (name, status) = (input.text(), input.text());
                let command = Command::Profile { display_name: Some(name), status: Some(status) };
                let _ = engine.handle_command(command, now);
            }
            12 => {
                if let Some(id) = peer(&ids, input.byte()) {
                    let all = [
                        Command::FetchAvatar(id),
                        Command::AskPeers(id),
                        Command::Follow(id),
                        Command::Unfollow(id),
                        Command::Probe(id),
                    ];
                    let [a, b, c, d, e] = all;
                    let command = match input.byte() % 5 {
                        0 => a,
                        1 => b,
                        2 => c,
                        3 => d,
                        _ => e,
                    };
                    let _ = engine.handle_command(command, now);
                }
            }
            13 => {
                let (to, lasting) = (address(&mut input), what & 16 == 0);
                let _ = engine.handle_command(Command::Reach { to, lasting }, now);
            }
            14 => {
                let command = match input.byte() % 8 {
                    0 => Command::Announce,
                    1 => Command::Trace(true),
                    2 => Command::Avatar(Some(input.part().to_vec())),
                    3 => Command::Avatar(None),
                    4 => Command::WhoAmI,
                    5 => Command::Stats,
                    6 => Command::Leave,
                    _ => Command::Trace(false),
                };
                left |= command == Command::Leave;
                let _ = engine.handle_command(command, now);
            }
            _ => engine.handle_timeout(now),
        }
        let mut outputs = 0;
        loop {
            match engine.poll() {
                Output::Transmit(transmit) => {
                    assert!(!transmit.to.is_empty(), "a datagram for nobody");
                    assert!(transmit.payload.len() <= 32 * 1024, "a datagram that is too long");
                    if let Ok(datagram) = read(&transmit.payload) {
                        if let Some(ask) = datagram.extension.ask {
                            asked.extend(transmit.to.iter().map(|to| (*to, ask.to_string())));
                        }
                    } else {
                        panic!("we send what we refuse");
                    }
                }
                Output::Wait(until) => {
                    assert!(
                        left || until > now || what % 16 != 15,
                        "it wants to be called at once, after being called"
                    );
                    break;
                }
                Output::Event(_) | Output::Store(_) | Output::Reopen => {}
            }
            outputs += 1;
            assert!(outputs < 10_000, "the outputs do not end");
        }
        asked.drain(..asked.len().saturating_sub(16));
        let peers = engine.peers();
        assert!(peers.len() <= limits.peers, "{} peers", peers.len());
        ids = peers.snapshot().iter().map(lsnp::engine::Peer::id).collect();
    }
}

fn address(input: &mut Input<'_>) -> SocketAddrV4 {
    let (host, port) = (input.byte(), input.byte());
    let ip = match host {
        0..=199 => Ipv4Addr::new(10, 0, 0, host % 16),
        200..=219 => Ipv4Addr::new(127, 0, 0, host - 199),
        220..=239 => Ipv4Addr::new(172, 16, 0, host),
        240..=247 => Ipv4Addr::new(10, 0, 0, 255),
        _ => Ipv4Addr::new(224, 0, 0, host),
    };
    SocketAddrV4::new(ip, if port < 250 { 8000 + u16::from(port % 8) } else { u16::from(port) })
}

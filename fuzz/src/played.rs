//! One engine under any operations.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use lsnp::engine::{
    Command, Config, Contact, Crypto, Engine, Event, Identity, Instant, Kept, Keyring, Limits, Link, Links, Output,
    PeerId, Record, Socket, Whom, Word,
};
use lsnp::sim::FakeCrypto;
use lsnp::wire::{Envelope, Message, Name, Octets, Prekey, decode as read};

use super::authors::{Authors, GROUP, unwrapped};
use super::input::Input;

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
        settled: 4,
        contacts: 4,
        waiting: (2, 4),
        held: (2, 4),
        sessions: (2, 4),
        subkeys: 2,
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
    let own = FakeCrypto::new(0);
    let mut authors = Authors::new();
    let (keyed, grouped) = (start & 6 == 0, start & 14 == 8);
    if keyed {
        let contacts = if start & 16 == 0 { vec![contact(&authors)] } else { Vec::new() };
        let kept = Kept { leased: u64::from(start)..u64::from(start), contacts, ..Kept::default() };
        engine = engine.with_keys(Keyring { crypto: Box::new(own.clone()), group: grouped.then_some(GROUP), kept });
    }
    let mut prekey = Prekey { id: 0, key: [0; 32] };
    let mut leased = u64::from(start);
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
                let from = input.address();
                let socket = if what & 16 == 0 { Socket::Unicast } else { Socket::Discovery };
                let who = if what & 96 == 0 { 0 } else { input.byte() };
                let mut bytes = input.part().to_vec();
                if what & 32 != 0 {
                    bytes = authors.sign(who, who / 4, &bytes);
                }
                if what & 64 != 0 {
                    bytes = authors.wrap(who, &bytes);
                }
                // A refused datagram is a fine answer.
                let _ = engine.handle_datagram(&bytes, from, socket, now);
            }
            5 => {
                // Somebody answers what was asked: the only way to a proven path.
                let which = usize::from(input.byte());
                if let Some((to, ask)) = asked.get(which % asked.len().max(1)).cloned() {
                    let sid = lsnp::wire::Octets(which as u64 % 5 + 1);
                    let sid = if what & 32 == 0 { format!("SID:{sid}\n") } else { String::new() };
                    let text = format!(
                        "TYPE:PEER_DISCOVERY\nUSER_ID:a@{}\nPORT:{}\n{sid}ANS:{ask}\n{}\n",
                        to.ip(),
                        to.port(),
                        input.text()
                    );
                    let who = (which % 4) as u8;
                    let mut bytes = text.into_bytes();
                    if what & 32 != 0 {
                        bytes = authors.sign(who, 1, bytes.strip_suffix(b"\n").unwrap_or_default());
                    }
                    if grouped {
                        bytes = authors.wrap(who, &bytes);
                    }
                    let _ = engine.handle_datagram(&bytes, to, Socket::Unicast, now);
                }
            }
            6 => now = now + Duration::from_millis(u64::from(input.number())),
            7 => now = now + Duration::from_secs(u64::from(input.number())),
            8 => engine.handle_links(links(input.byte()), now),
            9 if what & 32 != 0 => {
                let (who, id, from) = (input.byte(), input.byte(), input.address());
                let text = input.text();
                let mut bytes = authors.seal(who, own.public_key(), prekey, &text, id, what & 64 != 0);
                if grouped {
                    bytes = authors.wrap(who, &bytes);
                }
                let _ = engine.handle_datagram(&bytes, from, Socket::Unicast, now);
            }
            9 => {
                let _ = engine.handle_command(Command::Post { text: input.text() }, now);
            }
            10 => {
                if let Some(to) = peer(&ids, input.byte()) {
                    let _ = engine.handle_command(Command::Dm { to: Whom::Peer(to), text: input.text() }, now);
                }
            }
            11 => {
                let (name, status) = (input.text(), input.text());
                let command = Command::Profile { display_name: Some(name), status: Some(status) };
                let _ = engine.handle_command(command, now);
            }
            12 if what & 32 != 0 => {
                let (which, word) = (input.byte(), input.byte());
                let words = [Word::Verify, Word::Trust, Word::Block, Word::Unblock, Word::Mute, Word::Unmute];
                let word = words[usize::from(word) % words.len()];
                let whom = match peer(&ids, which) {
                    Some(id) if what & 64 == 0 => Whom::Peer(id),
                    _ => Whom::Key(authors.key(which)),
                };
                let _ = engine.handle_command(Command::Judge { whom, word }, now);
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
                let (to, lasting) = (input.address(), what & 16 == 0);
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
                    let payload = if grouped {
                        let Some(inner) = unwrapped(&own, &transmit.payload) else { panic!("said outside the group") };
                        inner
                    } else {
                        transmit.payload.to_vec()
                    };
                    let Ok(datagram) = read(&payload) else { panic!("we send what we refuse") };
                    if let Some(ask) = datagram.extension.ask {
                        asked.extend(transmit.to.iter().map(|to| (*to, ask.to_string())));
                    }
                    if datagram.extension.signed {
                        let Ok(envelope) = Envelope::of(&payload) else {
                            panic!("our signature has another form: {}", payload.escape_ascii())
                        };
                        assert_eq!(envelope.key, own.public_key(), "signed by another key");
                        assert!(envelope.seq < leased, "SEQ {} is not reserved", envelope.seq);
                    }
                    if let Message::Discovery(discovery) = datagram.message {
                        prekey = discovery.prekey.unwrap_or(prekey);
                    }
                }
                Output::Event(Event::Post { from, text, .. }) => authors.check(from.key(), text.raw(), false),
                Output::Event(Event::Dm { from, text, private, .. }) => authors.check(from.key(), text.raw(), private),
                Output::Store(Record::Lease(until)) => leased = until,
                Output::Wait(until) => {
                    assert!(
                        left || until > now || what % 16 != 15,
                        "it wants to be called at once, after being called"
                    );
                    break;
                }
                Output::Event(_) | Output::Store(_) | Output::Commit(_) | Output::Reopen => {}
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

/// Somebody known from an earlier run.
fn contact(authors: &Authors) -> Contact {
    Contact {
        key: authors.key(3),
        name: "a".into(),
        display_name: None,
        verified: true,
        changed: false,
        blocked: false,
        muted: false,
        sid: Octets(4),
        seq: 2,
        ceiling: 2,
        prekey: None,
        first: 1,
        last: 1,
        ip: Ipv4Addr::new(10, 0, 0, 3),
    }
}

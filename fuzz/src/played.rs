//! One engine under any operations.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use lsnp::engine::{
    Command, Config, Contact, Crypto, Engine, Identity, Instant, Kept, Keyring, Limits, Link, Links, Output, PeerId,
    Record, Reply, Socket, Whom, Word,
};
use lsnp::sim::FakeCrypto;
use lsnp::wire::{
    CARRY_MAX, Chunk, Envelope, Extension, Message, Name, OWN_DATAGRAM_MAX, Octets, PieceHash, Prekey, UserId,
    decode as read,
};

use super::authors::{Authors, GROUP, Turn, unwrapped};
use super::input::Input;
use super::ledger::Ledger;

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
        outbox: (2, 4),
        in_flight: (1, 2),
        acked: 8,
        commits: 4,
        posts: (8, 8 << 10),
        wanted: (4, 2, 16),
        carried: (1 << 10, 2 << 10),
        long_texts: (1, 2, 4 << 10),
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
    let (scan, history) = (start & 2 == 2, start & 32 == 0);
    let config = Config { scan, history, shards: 2, limits: limits.clone(), ..Config::default() };
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
    let mut ledger = Ledger::default();
    let (mut sent, mut hashes): (Vec<String>, Vec<(SocketAddrV4, PieceHash)>) = (Vec::new(), Vec::new());
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
                let which = input.byte();
                let to = match peer(&ids, which) {
                    Some(id) if what & 32 == 0 => Whom::Peer(id),
                    _ => Whom::Key(authors.key(which)),
                };
                let text = input.text().repeat(if what & 64 == 0 { 1 } else { 200 });
                let reply = engine.handle_command(Command::Dm { to, text }, now);
                if let Ok(Reply::Sent { id, .. } | Reply::Waiting { id, .. }) = reply {
                    sent.push(id.to_string());
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
            _ if what & 0xe0 != 0 => {
                let turn = Turn { who: input.byte(), kind: input.byte(), number: input.byte() };
                let to = own.public_key();
                let mut from = input.address();
                let bytes = match what >> 5 {
                    1 | 2 => {
                        ledger.settle(&mut engine, turn.who, turn.kind, now);
                        Vec::new()
                    }
                    3 => match sent.get(usize::from(turn.number) % sent.len().max(1)) {
                        Some(id) => authors.ack(turn, to, prekey, id),
                        None => Vec::new(),
                    },
                    4 => authors.carry(turn, to, input.number()),
                    5 => authors.sync(turn, to, input.number(), input.byte()),
                    6 => authors.post(turn, u64::from(input.number()), &input.text()),
                    _ => {
                        let asked = hashes.get(usize::from(turn.number) % hashes.len().max(1));
                        let mut out = Vec::new();
                        if let Some((address, hash)) = asked {
                            from = *address;
                            let name = UserId::new("a@10.0.0.2").unwrap_or_else(|| unreachable!());
                            let piece = authors.piece(hash).unwrap_or(b"no piece");
                            Chunk::encode(name, piece, &Extension::default(), &mut out);
                        } else {
                            let posts = vec![(authors.key(turn.who), u64::from(turn.number))];
                            let with = (turn.kind & 1 == 1).then(|| authors.key(turn.who));
                            let _ = engine.handle_command(Command::Forget { posts, with }, now);
                        }
                        out
                    }
                };
                // A post that is not sent may still be passed on.
                if !bytes.is_empty() && (what >> 5 != 6 || turn.kind & 2 == 0) {
                    let bytes = if grouped { authors.wrap(turn.who, &bytes) } else { bytes };
                    let _ = engine.handle_datagram(&bytes, from, Socket::Unicast, now);
                }
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
                    if ledger.check_carry(&payload, &own) {
                        assert!(payload.len() <= OWN_DATAGRAM_MAX + CARRY_MAX, "too much is passed on");
                        continue;
                    }
                    let Ok(datagram) = read(&payload) else { panic!("we send what we refuse") };
                    ledger.check_ack(&datagram.message);
                    if let Message::ChunkRequest(request) = &datagram.message {
                        hashes.extend(transmit.to.iter().map(|to| (*to, request.hash)));
                    }
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
                Output::Event(event) => ledger.hear(&event, &authors),
                Output::Commit(commit) => ledger.take(commit, &authors, &own),
                Output::Store(Record::Lease(until)) => leased = until,
                Output::Wait(until) => {
                    assert!(left || until > now || what != 15, "it wants to be called at once, after being called");
                    break;
                }
                Output::Store(_) | Output::Data(_) | Output::Reopen => {}
            }
            outputs += 1;
            assert!(outputs < 10_000, "the outputs do not end");
        }
        asked.drain(..asked.len().saturating_sub(16));
        hashes.drain(..hashes.len().saturating_sub(16));
        sent.drain(..sent.len().saturating_sub(16));
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

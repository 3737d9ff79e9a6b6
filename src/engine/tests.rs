//! The tables that nobody outside can look at keep to their caps.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::*;
use crate::wire::{Name, Octets};

fn engine() -> Engine {
    let name = Name::new("alice").unwrap();
    let identity = Identity { name, display_name: None, status: None, avatar: None, port: 8000 };
    let unix = Duration::from_secs(1_728_938_500);
    let mut engine = Engine::new(identity, Config::default(), [7; 32], Instant::BIRTH, unix);
    let address = Ipv4Addr::new(10, 0, 0, 1);
    let broadcast = Some(Ipv4Addr::new(10, 255, 255, 255));
    let link = Link { name: "eth0".into(), address, prefix: 8, broadcast };
    engine.handle_links(Links { links: vec![link], primary: address, discovery_open: true }, Instant::BIRTH);
    engine
}

fn run(engine: &mut Engine, now: Instant) -> Vec<Output> {
    engine.handle_timeout(now);
    std::iter::from_fn(|| Some(engine.poll()).filter(|output| !matches!(output, Output::Wait(_)))).collect()
}

fn at(millis: u64) -> Instant {
    Instant::BIRTH + Duration::from_millis(millis)
}

#[test]
fn one_that_asks_from_ever_new_ports_leaves_nothing_behind() {
    let mut engine = engine();
    for n in 0..3_000_u16 {
        let now = at(10 * u64::from(n));
        let from = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 66), 2_000 + n);
        let hello = |more: String| format!("TYPE:PEER_DISCOVERY\nUSER_ID:m@10.0.0.66\nSID:{}\n{more}\n", Octets(66));
        let ask = hello(format!("ASK:{}\n", Octets(n.into())));
        engine.handle_datagram(ask.as_bytes(), from, Socket::Unicast, now).unwrap();
        for output in run(&mut engine, now) {
            if let Output::Transmit(Transmit { to, payload }) = output
                && to[0] == from
                && let Some(nonce) = wire::decode(&payload).unwrap().extension.ask
                && n % 2 == 0
            {
                let answer = hello(format!("ANS:{nonce}\n"));
                // A stray answer is none of this test's business.
                let _ = engine.handle_datagram(answer.as_bytes(), from, Socket::Unicast, now);
            }
        }
    }
    let paths = engine.config.limits.paths;
    assert!(engine.asks.len() <= paths, "{} echoes are out", engine.asks.len());
    assert!(engine.inflow.proven() <= paths, "{} proven addresses", engine.inflow.proven());
}

#[test]
fn newcomers_that_come_and_go_leave_few_timers() {
    let mut engine = engine();
    for n in 0..40_000_u32 {
        let now = at(u64::from(n) / 4);
        let from = SocketAddrV4::new(Ipv4Addr::from_bits(0x0a01_0000 + n), 8_500);
        let hello = format!("TYPE:PEER_DISCOVERY\nUSER_ID:f@{}\nSID:{}\nBEAT:3600\n\n", from.ip(), Octets(n.into()));
        // Too many is too many: that is what this test does.
        let _ = engine.handle_datagram(hello.as_bytes(), from, Socket::Discovery, now);
        run(&mut engine, now);
    }
    assert!(engine.counters.evicted > 10_000, "{:?}", engine.counters);
    assert!(engine.timers.len() < 10_000, "{} timers", engine.timers.len());
}

/// Two signed peers on one wire.
struct Pair {
    engines: [Engine; 2],
    places: [SocketAddrV4; 2],
    now: Instant,
    /// All datagrams that went by unicast, with who sent them.
    sent: Vec<(usize, Vec<u8>)>,
    events: [Vec<Event>; 2],
}

impl Pair {
    fn new() -> Self {
        let engines = [0, 1].map(|n: u8| {
            let name = Name::new(["alice", "bob"][usize::from(n)]).unwrap();
            let identity = Identity { name, display_name: None, status: None, avatar: None, port: 8000 };
            let unix = Duration::from_secs(1_728_938_500);
            let crypto = Box::new(crate::crypto::KeyPair::new(&Secret([n + 1; 32])));
            let keyring = Keyring { crypto, group: None, kept: Kept { leased: 0..LEASE, ..Kept::default() } };
            let mut engine = Engine::new(identity, Config::default(), [n; 32], Instant::BIRTH, unix).with_keys(keyring);
            let address = Ipv4Addr::new(10, 0, 0, 1 + n);
            let broadcast = Some(Ipv4Addr::new(10, 255, 255, 255));
            let link = Link { name: "eth0".into(), address, prefix: 8, broadcast };
            engine.handle_links(Links { links: vec![link], primary: address, discovery_open: true }, Instant::BIRTH);
            engine
        });
        let places = [1, 2].map(|n| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, n), 8000));
        Self { engines, places, now: Instant::BIRTH, sent: Vec::new(), events: [Vec::new(), Vec::new()] }
    }

    /// Lets all that is on the way arrive, and so much time go by.
    fn go(&mut self, millis: u64) {
        for _ in 0..millis {
            for from in [0, 1] {
                for output in run(&mut self.engines[from], self.now) {
                    match output {
                        Output::Transmit(Transmit { to, payload }) => self.carry(from, &to, &payload),
                        Output::Event(event) => self.events[from].push(event),
                        Output::Store(_) | Output::Commit(_) | Output::Data(_) | Output::Reopen | Output::Wait(_) => {}
                    }
                }
            }
            self.now = self.now + Duration::from_millis(1);
        }
    }

    fn carry(&mut self, from: usize, to: &[SocketAddrV4], payload: &[u8]) {
        let other = &mut self.engines[1 - from];
        for to in to {
            let socket = if *to == self.places[1 - from] { Socket::Unicast } else { Socket::Discovery };
            if socket == Socket::Unicast {
                self.sent.push((from, payload.to_vec()));
            }
            if socket == Socket::Unicast || *to.ip() == Ipv4Addr::new(10, 255, 255, 255) {
                let taken = other.handle_datagram(payload, self.places[from], socket, self.now);
                let late = [Rejected::Unopened, Rejected::Stranger, Rejected::Duplicate, Rejected::StrayAnswer];
                assert!(taken.is_ok() || taken.is_err_and(|why| late.contains(&why)), "{taken:?}");
            }
        }
    }

    fn dm(&mut self, from: usize, text: &str) -> Reply {
        let to = self.engines[from].peers().snapshot()[0].id();
        self.engines[from].handle_command(Command::Dm { to: Whom::Peer(to), text: text.into() }, self.now).unwrap()
    }

    fn heard(&self, who: usize) -> Vec<(String, bool)> {
        let dm = |event: &Event| {
            let Event::Dm { text, private, .. } = event else { return None };
            Some((text.raw().to_owned(), *private))
        };
        self.events[who].iter().filter_map(dm).collect()
    }
}

#[test]
fn direct_messages_are_sealed_in_letters_and_then_in_a_session() {
    let mut pair = Pair::new();
    pair.go(50);
    let peers = pair.engines[0].peers().snapshot();
    assert_eq!((peers.len(), peers[0].presence(), peers[0].trust()), (1, Presence::Live, Trust::Known), "{peers:?}");
    pair.sent.clear();
    for round in 0..3 {
        for from in [0, 1] {
            let reply = pair.dm(from, &format!("canary {round}\nof {from}"));
            assert!(matches!(reply, Reply::Sent { private: true, .. }), "{reply:?}");
            pair.go(2);
        }
    }
    let forms: Vec<&str> = pair.sent.iter().map(|(_, bytes)| std::str::from_utf8(bytes).unwrap()).collect();
    assert!(forms.iter().all(|text| !text.contains("canary")));
    let frames: Vec<bool> = forms.iter().map(|text| text.contains("SEAL:2")).collect();
    // Each is acknowledged in the session.
    assert_eq!(frames, [vec![false], vec![true; 11]].concat());
    let heard = |from| (0..3).map(|round| (format!("canary {round}\nof {from}"), true)).collect::<Vec<_>>();
    assert_eq!((pair.heard(0), pair.heard(1)), (heard(1), heard(0)));
}

#[test]
fn what_older_clients_got_of_a_signed_post_is_not_shown_again() {
    let mut pair = Pair::new();
    pair.go(50);
    let post = |pair: &mut Pair| pair.engines[0].handle_command(Command::Post { text: "once".into() }, pair.now);
    let Reply::Posted { id, .. } = post(&mut pair).unwrap() else { panic!("not posted") };
    pair.go(5);
    let copy = format!("TYPE:POST\nUSER_ID:alice@10.0.0.1\nCONTENT:once\nMESSAGE_ID:{id}\n\n");
    let other = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 66), 8000);
    let now = pair.now;
    let taken = pair.engines[1].handle_datagram(copy.as_bytes(), other, Socket::Unicast, now);
    assert_eq!(taken, Err(Rejected::Duplicate));
    let fresh = copy.replace(&id.to_string(), "1234");
    assert_eq!(pair.engines[1].handle_datagram(fresh.as_bytes(), other, Socket::Unicast, now), Ok(()));
}

/// One of the pair starts again with what it kept, or without its contacts.
fn start_again(pair: &mut Pair, who: usize, kept: Kept) {
    let number = u8::try_from(who).unwrap();
    let name = Name::new(["alice", "bob"][who]).unwrap();
    let identity = Identity { name, display_name: None, status: None, avatar: None, port: 8000 };
    let crypto = Box::new(crate::crypto::KeyPair::new(&Secret([number + 1; 32])));
    let keyring = Keyring { crypto, group: None, kept };
    let unix = Duration::from_secs(1_728_938_500);
    let links = pair.engines[who].links.clone();
    let mut engine = Engine::new(identity, Config::default(), [90 + number; 32], pair.now, unix).with_keys(keyring);
    engine.handle_links(links, pair.now);
    pair.engines[who] = engine;
    pair.events[who].clear();
}

fn texts(events: &[Event]) -> Vec<String> {
    let text = |event: &Event| {
        let (Event::Dm { text, .. } | Event::Post { text, .. }) = event else { return None };
        Some(text.raw().to_owned())
    };
    events.iter().filter_map(text).collect()
}

#[test]
fn session_that_one_side_has_forgotten_is_not_spoken_in_any_more() {
    for low in [0, 1] {
        let mut pair = Pair::new();
        pair.go(50);
        pair.dm(low, "a letter");
        pair.go(2);
        pair.dm(1 - low, "a frame");
        pair.go(2);
        // The other side did not hear the writer of the letter for a while.
        let row = pair.engines[1 - low].peers().snapshot()[0].id();
        pair.engines[1 - low].forget(row);
        pair.engines[1 - low].handle_command(Command::Announce, pair.now).unwrap();
        pair.go(5_000);
        pair.dm(1 - low, "a new letter");
        pair.go(2);
        pair.dm(low, "an answer to it");
        pair.go(2);
        let heard = pair.heard(1 - low);
        assert_eq!(heard.last().unwrap().0, "an answer to it", "{low}: {heard:?}");
    }
}

#[test]
fn what_was_posted_while_we_were_away_is_shown_once() {
    let mut pair = Pair::new();
    pair.go(5_000);
    let contacts = pair.engines[1].authors.contacts();
    // Bob is away.
    pair.sent.clear();
    pair.engines[0].handle_command(Command::Post { text: "while you were away".into() }, pair.now).unwrap();
    let mut post = None;
    for output in run(&mut pair.engines[0], pair.now) {
        if let Output::Transmit(Transmit { payload, .. }) = output {
            post = Some(payload);
        }
    }
    let post = post.unwrap();
    for _ in 0..20 {
        pair.engines[0].handle_command(Command::Announce, pair.now).unwrap();
        run(&mut pair.engines[0], pair.now);
        pair.now = pair.now + Duration::from_secs(30);
        run(&mut pair.engines[0], pair.now);
    }
    start_again(&mut pair, 1, Kept { leased: LEASE..2 * LEASE, contacts, ..Kept::default() });
    pair.go(5_000);
    assert_eq!(pair.engines[1].peers().snapshot()[0].presence(), Presence::Live);
    assert_eq!(texts(&pair.events[1]), ["while you were away"]);
    let place = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 66), 6666);
    let now = pair.now;
    let _ = pair.engines[1].handle_datagram(&post, place, Socket::Unicast, now);
    pair.go(5_000);
    assert_eq!(texts(&pair.events[1]).len(), 1);
}

#[test]
fn frames_of_an_old_session_are_not_shown_after_contacts_were_lost() {
    let mut pair = Pair::new();
    pair.go(50);
    let prekeys = pair.engines[1].ring.as_ref().unwrap().prekeys.clone();
    pair.dm(0, "letter");
    pair.go(2);
    pair.dm(1, "answer");
    pair.go(2);
    pair.dm(0, "frame");
    pair.go(2);
    let recorded: Vec<Vec<u8>> = pair
        .sent
        .iter()
        .filter(|(from, bytes)| *from == 0 && bytes.starts_with(b"TYPE:DM"))
        .map(|(_, b)| b.clone())
        .collect();
    // A letter, an acknowledgement and a frame.
    assert_eq!(recorded.len(), 3);
    start_again(&mut pair, 1, Kept { leased: LEASE..2 * LEASE, prekeys, ..Kept::default() });
    let place = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 66), 6666);
    for bytes in recorded {
        let now = pair.now;
        let _ = pair.engines[1].handle_datagram(&bytes, place, Socket::Unicast, now);
    }
    let now = pair.now;
    let shown: Vec<Event> = run(&mut pair.engines[1], now)
        .into_iter()
        .filter_map(|output| if let Output::Event(event) = output { Some(event) } else { None })
        .collect();
    assert_eq!(texts(&shown), Vec::<String>::new());
}

#[test]
fn strangers_open_no_sessions() {
    let mut pair = Pair::new();
    pair.go(50);
    pair.dm(0, "letter");
    let mut letter = None;
    for output in run(&mut pair.engines[0], pair.now) {
        if let Output::Transmit(Transmit { payload, .. }) = output {
            letter = Some(payload);
        }
    }
    let prekeys = pair.engines[1].ring.as_ref().unwrap().prekeys.clone();
    start_again(&mut pair, 1, Kept { leased: LEASE..2 * LEASE, prekeys, ..Kept::default() });
    let (place, now) = (pair.places[0], pair.now);
    let _ = pair.engines[1].handle_datagram(&letter.unwrap(), place, Socket::Unicast, now);
    let key = pair.engines[0].own_key().unwrap();
    assert!(pair.engines[1].authors.get(&key).is_some());
    assert!(!pair.engines[1].sessions.has(&key));
}

#[test]
fn sessions_of_those_who_only_write_end_none_in_which_somebody_answered() {
    let mut pair = Pair::new();
    pair.go(50);
    pair.engines[0].config.limits.sessions = (8, 20);
    pair.dm(0, "a letter");
    pair.go(2);
    pair.dm(1, "an answer");
    pair.go(2);
    for number in 0..100 {
        let key = PublicKey([2 + number % 20; 32]);
        pair.engines[0].open_session(key, Octets(1), false, Secret([1 + number; 32]), pair.now);
    }
    pair.dm(1, "another answer");
    pair.go(2);
    assert_eq!(pair.heard(0).last().unwrap().0, "another answer");
}

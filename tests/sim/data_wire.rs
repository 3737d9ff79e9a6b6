//! What the engine does for data spaces (protocol.md §11.1): signed for many, sealed for one, long, passed on.

use std::sync::Arc;
use std::time::Duration;

use lsnp::engine::{Arrived, Channel, Command, Socket, To, Whom, Word};
use lsnp::sim::{Lan, ProgramId, Setup};
use lsnp::wire::{CARRY_MAX, Carry, DATA_MAX, Octets, PublicKey};

const SECOND: Duration = Duration::from_secs(1);

/// Nothing of a part of the data space: what speaks there passes it over.
const TEXT: &[u8] = br#"{"x":"hello"}"#;

fn world(seed: u64, names: &[&str]) -> (Lan, Vec<ProgramId>) {
    let mut lan = Lan::new(seed);
    let hosts = lan.hosts(names.len());
    let peers = names.iter().zip(hosts).map(|(name, host)| lan.start(host, Setup::named(name).with_data())).collect();
    lan.run_for(SECOND * 2);
    lan.forget_frames();
    (lan, peers)
}

fn key(lan: &Lan, id: ProgramId) -> PublicKey {
    lan.disk(id).key().unwrap()
}

fn send(lan: &mut Lan, from: ProgramId, to: &To, body: &[u8]) -> Arc<[u8]> {
    let raw = lan.with_engine(from, |engine, now| {
        let raw = engine.sign_data(Channel::Board, body);
        engine.send_signed_data(to, &raw, now);
        raw
    });
    lan.run_for(SECOND);
    raw.unwrap()
}

/// What came of these bodies.
fn came<'a>(lan: &'a Lan, id: ProgramId, body: &[u8]) -> Vec<&'a Arrived> {
    lan.arrived(id).iter().filter(|arrived| *arrived.body == *body).collect()
}

#[test]
fn json_travels_as_it_is_and_other_bytes_as_base64url() {
    let (mut lan, peers) = world(1, &["alice", "bob", "carol"]);
    let author = key(&lan, peers[0]);
    for (body, line) in [(TEXT, "\nBODY:{\"x\":\"hello\"}\n"), (&b"\x00\xff\n"[..], "\nBODY64:AP8K\n")] {
        let raw = send(&mut lan, peers[0], &To::All, body);
        let text = std::str::from_utf8(&raw).unwrap();
        assert!(text.starts_with("TYPE:DATA\nOF:board\n") && text.contains(line), "{text}");
        for peer in &peers[1..] {
            let came = came(&lan, *peer, body);
            let [one] = came[..] else { panic!("{came:?}") };
            assert_eq!(
                (one.author, one.from, one.channel, one.raw.as_ref()),
                (author, author, Channel::Board, Some(&raw))
            );
        }
    }
}

#[test]
fn the_longest_body_arrives_whole_though_much_is_lost() {
    let (mut lan, peers) = world(2, &["alice", "bob"]);
    let body: Vec<u8> = (0..DATA_MAX).map(|at| (at % 251) as u8).collect();
    let raw = send(&mut lan, peers[0], &To::All, &body);
    assert!(raw.len() <= 820 && came(&lan, peers[1], &body).len() == 1, "{} bytes", raw.len());
    lan.air.loss = 0.2;
    let other: Vec<u8> = body.iter().rev().copied().collect();
    let bob = key(&lan, peers[1]);
    let mut tries = 0;
    while came(&lan, peers[1], &other).is_empty() {
        tries += 1;
        assert!(tries < 10, "seed {}", lan.seed());
        send(&mut lan, peers[0], &To::Keys(vec![bob]), &other);
        lan.run_for(SECOND * 4);
    }
}

#[test]
fn what_is_for_one_is_sealed_and_later_costs_no_letter() {
    let (mut lan, peers) = world(3, &["alice", "bob"]);
    let (alice, bob) = (key(&lan, peers[0]), key(&lan, peers[1]));
    for (from, to, body) in [(0, bob, b"one"), (1, alice, b"two"), (0, bob, b"six"), (1, alice, b"ten")] {
        let sent = lan
            .with_engine(peers[from], |engine, now| engine.send_sealed_data(&to, Channel::Message, body, false, now));
        assert_eq!(sent, Some(true));
        lan.run_for(SECOND);
        let [one] = came(&lan, peers[1 - from], body)[..] else { panic!("{:?}", lan.arrived(peers[1 - from])) };
        assert!(one.is_sealed() && one.channel == Channel::Message);
    }
    let dms: Vec<_> = lan.frames().iter().filter(|frame| frame.payload.starts_with(b"TYPE:DM\n")).collect();
    let signed = |payload: &[u8]| payload.windows(5).any(|line| line == b"\nSIG:");
    assert_eq!(dms.iter().map(|frame| signed(&frame.payload)).collect::<Vec<_>>(), [true, false, false, false]);
    let long = vec![7; 60_000];
    lan.with_engine(peers[0], |engine, now| engine.send_sealed_data(&bob, Channel::Message, &long, false, now));
    lan.run_for(SECOND);
    assert_eq!(came(&lan, peers[1], &long).len(), 1);
    assert!(!lan.frames().iter().any(|frame| frame.payload.windows(40).any(|part| part == [b'B'; 40])));
}

#[test]
fn what_is_passed_on_proves_its_author_also_when_that_one_is_gone() {
    let (mut lan, peers) = world(4, &["alice", "bob"]);
    let alice = key(&lan, peers[0]);
    let body = vec![9; 5_000];
    let raw = send(&mut lan, peers[0], &To::All, &body);
    lan.leave(peers[0]);
    let host = lan.host(&["10.0.1.1/16"]);
    let carol = lan.start(host, Setup::named("carol").with_data());
    lan.run_for(SECOND * 2);
    let to = key(&lan, carol);
    lan.with_engine(peers[1], |engine, now| engine.pass_on_data(&to, &raw, &body, now));
    lan.run_for(SECOND);
    let [one] = came(&lan, carol, &body)[..] else { panic!("{:?}", lan.arrived(carol)) };
    assert_eq!((one.author, one.from, one.raw.as_ref()), (alice, key(&lan, peers[1]), Some(&raw)));
}

#[test]
fn what_is_changed_or_comes_from_nobody_is_refused() {
    let (mut lan, peers) = world(5, &["alice", "bob", "carol"]);
    let raw = send(&mut lan, peers[0], &To::Keys(Vec::new()), TEXT);
    assert!(came(&lan, peers[2], TEXT).is_empty());
    let mut forged = raw.to_vec();
    let at = raw.windows(5).position(|part| part == b"hello").unwrap();
    forged[at] = b'j';
    let carol = key(&lan, peers[2]);
    let before = lan.counters(peers[2]).bad_signatures;
    lan.with_engine(peers[1], |engine, now| engine.pass_on_data(&carol, &forged.into(), TEXT, now));
    lan.run_for(SECOND);
    assert_eq!(lan.counters(peers[2]).bad_signatures, before + 1);
    let mut carried = Vec::new();
    Carry { sid: Octets(7), age: 0, to: None, inner: &raw }.encode(&mut carried);
    assert!(carried.len() <= raw.len() + CARRY_MAX);
    lan.inject("10.0.0.9:8000".parse().unwrap(), peers[2], Socket::Unicast, &carried);
    lan.run_for(SECOND);
    assert!(lan.arrived(peers[2]).is_empty(), "{:?}", lan.arrived(peers[2]));
}

#[test]
fn of_whom_the_user_blocked_nothing_comes_by_any_way() {
    let (mut lan, peers) = world(6, &["alice", "bob", "carol"]);
    let (alice, carol) = (key(&lan, peers[0]), key(&lan, peers[2]));
    lan.command(peers[2], Command::Judge { whom: Whom::Key(alice), word: Word::Block }).unwrap();
    let raw = send(&mut lan, peers[0], &To::All, TEXT);
    lan.with_engine(peers[1], |engine, now| engine.pass_on_data(&carol, &raw, TEXT, now));
    lan.with_engine(peers[0], |engine, now| engine.send_sealed_data(&carol, Channel::Board, TEXT, false, now));
    lan.run_for(SECOND);
    assert!(came(&lan, peers[2], TEXT).is_empty() && came(&lan, peers[1], TEXT).len() == 1);
}

#[test]
fn one_who_passes_on_too_much_is_not_looked_at() {
    let (mut lan, peers) = world(7, &["alice", "bob"]);
    let bob = key(&lan, peers[1]);
    let raw = send(&mut lan, peers[0], &To::Keys(Vec::new()), TEXT);
    for _ in 0..3_000 {
        lan.with_engine(peers[0], |engine, now| engine.pass_on_data(&bob, &raw, TEXT, now));
    }
    lan.run_for(SECOND / 2);
    let count = came(&lan, peers[1], TEXT).len();
    assert!((1_000..=1_250).contains(&count), "{count} of 3,000 were looked at");
}

#[test]
fn in_a_group_all_of_it_is_sealed() {
    let mut lan = Lan::new(8);
    let hosts = lan.hosts(2);
    let start = |lan: &mut Lan, host, name: &str| lan.start(host, Setup::named(name).with_data().in_group([3; 32]));
    let (alice, bob) = (start(&mut lan, hosts[0], "alice"), start(&mut lan, hosts[1], "bob"));
    lan.run_for(SECOND * 2);
    lan.forget_frames();
    let long = vec![b'{'; 3_000];
    send(&mut lan, alice, &To::All, TEXT);
    send(&mut lan, alice, &To::All, &long);
    assert!(came(&lan, bob, TEXT).len() == 1 && came(&lan, bob, &long).len() == 1);
    let open = |payload: &[u8]| payload.windows(4).any(|part| part == b"DATA" || part == b"hell");
    assert!(!lan.frames().iter().any(|frame| open(&frame.payload)));
    assert!(lan.space(alice).unwrap().people().trusts(&key(&lan, bob)));
}

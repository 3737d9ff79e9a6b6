//! Every table has its cap.

use std::net::{Ipv4Addr, SocketAddrV4};

use lsnp::engine::{Limits, Presence, Socket};
use lsnp::sim::Setup;

use super::forged::{announcement, datagram, octets};
use super::run::{Run, millis, secs};

const FORGED: u32 = if cfg!(debug_assertions) { 20_000 } else { 100_000 };

/// An address on the network for each number.
fn address(n: u32) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::from_bits(0x0a00_8000 + n % 0x7000), 8_000 + (n % 1_000) as u16)
}

#[test]
fn forged_identities_fill_the_probation_and_push_out_nobody_proven() {
    for ours in [true, false] {
        let mut run = Run::new(1);
        let all = run.crowd(5);
        run.run_for(secs(10));
        run.capture = false;
        run.keep_events = false;
        for n in 0..FORGED {
            let (user, sid) = (format!("f{n}@{}", address(n).ip()), octets(u64::from(n) + 1));
            let more = [("SID", sid.as_str()), ("CAP", "bye,chunk,esc,sync")];
            let more = if ours { &more[..] } else { &more[..0] };
            run.inject(address(n), all[0], Socket::Discovery, &announcement(&user, address(n).port(), more));
            if n % 4 == 0 {
                run.run_for(millis(1));
            }
        }
        let limits = Limits::default();
        let counters = run.counters(all[0]);
        assert!(run.peer_count(all[0]) <= limits.crowd + limits.older + 4, "{}", run.peer_count(all[0]));
        assert!(counters.evicted + counters.table_full + counters.global_rate > 0, "{counters:?}");
        for other in &all[1..] {
            assert!(run.knows(all[0], *other), "a proven peer lost its place");
        }
        run.run_for(secs(400));
        assert_eq!(run.peer_count(all[0]), 4, "the forged ones are gone");
    }
}

#[test]
fn one_address_has_room_for_few_identities() {
    let (mut run, a, _) = Run::pair(2);
    for n in 0..200 {
        let user = format!("f{n}@10.0.200.7");
        run.inject(address(7), a, Socket::Discovery, &announcement(&user, address(7).port(), &[]));
        run.run_for(millis(100));
    }
    assert!(run.peer_count(a) <= 1 + Limits::default().identities, "{}", run.peer_count(a));
    assert!(run.counters(a).table_full > 0);
}

#[test]
fn a_source_that_sends_too_much_is_not_heard_and_others_are() {
    let (mut run, a, b) = Run::pair(3);
    for n in 0..5_000 {
        let id = n.to_string();
        let post = datagram("POST", &[("USER_ID", "loud@10.0.128.7"), ("CONTENT", "x"), ("MESSAGE_ID", &id)]);
        run.inject(address(7), a, Socket::Unicast, &post);
        if n % 10 == 0 {
            run.run_for(millis(1));
        }
    }
    let shown = run.texts(a).len();
    assert!(shown < 100, "{shown} shown");
    assert!(run.counters(a).source_rate > 4_000);
    run.post(b, "hello");
    run.run_for(secs(1));
    assert_eq!(run.texts(a).last().unwrap(), "POST hello");
}

#[test]
fn forged_posts_do_not_make_a_friends_message_new_again() {
    let (mut run, a, b) = Run::pair(4);
    run.post(b, "hello");
    run.run_for(secs(1));
    let sid = run.sid_of(b);
    let friend = run.frames().iter().rev().find(|frame| frame.kind() == "POST").unwrap().payload.clone();
    run.capture = false;
    for n in 0..40_000u32 {
        let (user, id) = (format!("f@{}", address(n).ip()), n.to_string());
        let post = datagram("POST", &[("USER_ID", &user), ("CONTENT", "x"), ("MESSAGE_ID", &id)]);
        run.inject(address(n), a, Socket::Unicast, &post);
        if n % 4 == 0 {
            run.run_for(millis(1));
        }
    }
    let before = run.texts(a).iter().filter(|text| *text == "POST hello").count();
    let from = run.address(b);
    run.inject(from, a, Socket::Unicast, &friend);
    let after = run.texts(a).iter().filter(|text| *text == "POST hello").count();
    assert_eq!((before, after), (1, 1), "SID {sid}");
}

#[test]
fn senders_that_cannot_be_are_not_heard() {
    let (mut run, a, _) = Run::pair(5);
    for from in ["10.0.200.7:80", "224.0.0.1:8000", "255.255.255.255:8000", "0.0.0.0:8000", "10.0.255.255:8000"] {
        let bytes = announcement("x@10.0.200.7", 8000, &[]);
        run.inject(from.parse().unwrap(), a, Socket::Discovery, &bytes);
    }
    assert_eq!(run.counters(a).bad_source, 5);
    run.inject("172.16.0.1:8000".parse().unwrap(), a, Socket::Discovery, &announcement("x@172.16.0.1", 8000, &[]));
    assert_eq!(run.counters(a).off_link, 1);
    assert_eq!(run.peer_count(a), 1);
    assert!(run.peers_of(a).iter().all(|peer| peer.presence() == Presence::Live));
}

#[test]
fn a_crowd_of_newcomers_from_one_host_is_not_told_of_without_end() {
    let (mut run, a, _) = Run::pair(6);
    run.capture = false;
    for n in 0..4_000_u16 {
        let forged = announcement(&format!("f{n}@10.0.200.7"), 2_000 + n, &[("SID", &octets(u64::from(n) + 1))]);
        run.inject(format!("10.0.200.7:{}", 2_000 + n).parse().unwrap(), a, Socket::Discovery, &forged);
    }
    let told = run.comings(a).len();
    assert!(told <= 1 + Limits::default().probation, "{told} lines on the screen");
    assert!(run.counters(a).table_full > 3_000);
    let other = announcement("other@10.0.201.1", 8500, &[("SID", &octets(5_000))]);
    run.inject("10.0.201.1:8500".parse().unwrap(), a, Socket::Discovery, &other);
    assert!(run.comings(a).contains(&"here other".to_owned()), "another host has its place");
}

#[test]
fn older_clients_keep_to_their_cap() {
    let mut run = Run::new(7);
    let host = run.hosts(1)[0];
    let mut setup = Setup::named("p0");
    (setup.config.limits.older, setup.config.limits.probation) = (20, 10);
    let a = run.start(host, setup);
    for group in 1..=6 {
        for _ in 0..2 {
            for n in 0..group * 9 {
                let user = format!("f{n}@{}", address(n).ip());
                run.inject(address(n), a, Socket::Discovery, &announcement(&user, address(n).port(), &[]));
            }
            run.run_for(secs(21));
        }
        assert!(run.peer_count(a) <= 20, "{} in group {group}", run.peer_count(a));
    }
}

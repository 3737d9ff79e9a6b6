//! What others say about whom they know.

use lsnp::engine::{Command, Event, Socket};
use lsnp::sim::ProgramId;

use super::forged::datagram;
use super::run::{Run, secs};

/// Lets `a` ask `b`, and answers in the name of `b` with this list.
fn tell(run: &mut Run, a: ProgramId, b: ProgramId, sid: &str, list: &str) {
    let id = run.id_of(a, "p1");
    run.command(a, Command::AskPeers(id)).unwrap();
    let from = run.address(b);
    let bytes = datagram("PEER_LIST_RESPONSE", &[("FROM", "p1@10.0.0.2"), ("PEERS", list), ("SID", sid)]);
    assert!(bytes.len() <= 32 * 1024);
    run.inject(from, a, Socket::Unicast, &bytes);
}

#[test]
fn a_victim_is_probed_once_a_minute_at_most() {
    for (victim, most) in [("10.0.99.9", 1), ("172.16.0.9", 0), ("10.0.255.255", 0), ("8.8.8.8", 0), ("127.0.0.1", 0)] {
        let (mut run, a, b) = Run::unsigned_pair(1);
        let sid = run.sid_of(b);
        for minute in 0..5 {
            run.forget_frames();
            for _ in 0..5 {
                let names: Vec<String> = (0..2_000).map(|n| format!("\"{n}@{victim}\"")).collect();
                let list = format!("[{}]", names.join(","));
                let list = &list[..list.len().min(32_000)];
                tell(&mut run, a, b, &sid, list);
                run.run_for(secs(11));
            }
            let ip: std::net::Ipv4Addr = victim.parse().unwrap();
            let probes = run.frames().iter().filter(|frame| *frame.to.ip() == ip && frame.value("ASK").is_some());
            let probes = probes.count();
            assert!(probes <= most, "{probes} probes to {victim} in minute {minute}");
            assert!(minute > 0 || probes == most, "{victim} is tried once");
            run.run_for(secs(5));
        }
    }
}

#[test]
fn a_list_is_told_and_its_entries_are_found() {
    let mut run = Run::new(2);
    let hosts = run.hosts(3);
    run.wall_off(&hosts[2..], 1);
    let all: Vec<_> = hosts.iter().enumerate().map(|(n, host)| run.peer(*host, &format!("p{n}"))).collect();
    run.run_for(secs(10));
    run.air.broadcast = false;
    run.wall_off(&hosts[2..], 0);
    let to = run.address(all[2]);
    run.command(all[1], Command::Reach { to, lasting: true }).unwrap();
    run.run_for(secs(2));
    assert!(run.knows(all[1], all[2]));
    assert_eq!(run.peer_count(all[0]), 1);
    let id = run.id_of(all[0], "p1");
    run.command(all[0], Command::AskPeers(id)).unwrap();
    run.run_for(secs(5));
    let told = run.events(all[0]).iter().find_map(|(_, event)| match event {
        Event::PeerList { ids, .. } => Some(ids.iter().map(|id| id.raw().to_owned()).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(told.unwrap(), ["p2@10.0.0.3"]);
    assert!(run.knows(all[0], all[2]), "the entry was tried at the discovery port of its host");
}

#[test]
fn a_list_that_nobody_asked_for_is_dropped() {
    let (mut run, a, b) = Run::pair(3);
    let (sid, from) = (run.sid_of(b), run.address(b));
    run.forget_frames();
    let list = datagram("PEER_LIST_RESPONSE", &[("FROM", "p1@10.0.0.2"), ("PEERS", "[\"x@10.0.9.9\"]"), ("SID", &sid)]);
    run.inject(from, a, Socket::Unicast, &list);
    run.run_for(secs(5));
    assert!(run.when(a, |event| matches!(event, Event::PeerList { .. })).is_none());
    assert!(!run.frames().iter().any(|frame| frame.to.ip().octets() == [10, 0, 9, 9]));
}

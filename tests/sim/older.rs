//! Beside older clients of both dialects.

use lsnp::engine::{Command, Event, Socket};
use lsnp::sim::{OlderKind, ProgramId, Shown};

use super::forged::announcement;
use super::run::{Run, secs};

fn beside(kind: OlderKind, seed: u64, ours_first: bool) -> (Run, ProgramId, ProgramId) {
    let mut run = Run::new(seed);
    let hosts = run.hosts(2);
    let start = |run: &mut Run, ours: bool| {
        let id = if ours { run.peer(hosts[0], "p0") } else { run.older(hosts[1], kind, "dave") };
        run.run_for(secs(3));
        id
    };
    let (a, old) = if ours_first {
        let a = start(&mut run, true);
        (a, start(&mut run, false))
    } else {
        let old = start(&mut run, false);
        (start(&mut run, true), old)
    };
    run.run_for(secs(35));
    (run, a, old)
}

fn every_kind(test: impl Fn(Run, ProgramId, ProgramId, OlderKind)) {
    for kind in [OlderKind::Reference, OlderKind::Spaced] {
        for ours_first in [true, false] {
            let (run, a, old) = beside(kind, 1, ours_first);
            test(run, a, old, kind);
        }
    }
}

#[test]
fn each_lists_the_other_and_goes_on_listing() {
    every_kind(|mut run, a, old, kind| {
        for _ in 0..4 {
            let known = &run.older_client(old).known;
            assert!(known.contains_key("p0@10.0.0.1") && known.len() == 1, "{kind:?}: {known:?}");
            let peers = run.peers_of(a);
            assert!(
                peers.len() == 1 && peers[0].raw_id() == "dave@10.0.0.2" && peers[0].is_older(),
                "{kind:?}: {peers:?}"
            );
            run.run_for(secs(400));
        }
        assert_eq!(run.comings(a), ["here dave"], "{kind:?}");
    });
}

#[test]
fn messages_go_both_ways() {
    every_kind(|mut run, a, old, kind| {
        run.post(a, "hello all");
        run.dm(a, "dave", "hello dave: you");
        run.command(a, Command::Profile { display_name: Some("Alice".into()), status: Some("here".into()) }).unwrap();
        run.run_for(secs(1));
        let shown: Vec<Shown> = run.older_client(old).shown.clone();
        let has = |kind: &str, text: &str| {
            shown.iter().filter(|s| s.kind == kind && s.text == text && s.from == "p0@10.0.0.1").count()
        };
        assert_eq!((has("POST", "hello all"), has("DM", "hello dave: you")), (1, 1), "{kind:?}: {shown:?}");
        assert_eq!(has("PROFILE", "Alice"), 1, "{kind:?}: {shown:?}");

        run.older_post(old, "hi: everyone");
        run.older_dm(old, "p0@10.0.0.1", "hi you");
        run.older_profile(old, "Dave D.", "away");
        run.run_for(secs(1));
        assert_eq!(run.texts(a), ["POST hi: everyone", "DM hi you"], "{kind:?}");
        let peer = run.peers_of(a)[0].clone();
        assert_eq!(peer.shown_name().as_str(), "Dave D.", "{kind:?}");
        assert!(run.when(a, |event| matches!(event, Event::Profile(_))).is_some());
        assert_eq!(run.peer_count(a), 1, "no ghost: {:?}", run.peers_of(a));
        assert_eq!(run.older_client(old).known.len(), 1, "{:?}", run.older_client(old).known);
    });
}

#[test]
fn an_older_client_that_is_new_is_told_our_profile() {
    let mut run = Run::new(2);
    let hosts = run.hosts(2);
    let a = run.peer(hosts[0], "p0");
    run.command(a, Command::Profile { display_name: Some("Alice".into()), status: None }).unwrap();
    run.run_for(secs(10));
    let old = run.older(hosts[1], OlderKind::Reference, "dave");
    run.run_for(secs(5));
    assert!(run.older_client(old).shown.iter().any(|shown| shown.kind == "PROFILE" && shown.text == "Alice"));
}

#[test]
fn a_text_with_line_breaks_is_readable_to_an_older_client() {
    every_kind(|mut run, a, old, kind| {
        run.post(a, "one\ntwo");
        run.run_for(secs(1));
        let shown = &run.older_client(old).shown;
        assert!(shown.iter().any(|shown| shown.text == "one\\ntwo"), "{kind:?}: {shown:?}");
    });
}

#[test]
fn an_older_client_that_restarts_at_another_port_keeps_one_row() {
    let (mut run, a, old) = beside(OlderKind::Reference, 3, true);
    let host = run.hosts(1);
    let _ = host;
    run.stop(old);
    let from = "10.0.0.2:9777".parse().unwrap();
    let again = super::forged::announcement("dave@10.0.0.2", 9777, &[]);
    run.inject(from, a, lsnp::engine::Socket::Discovery, &again);
    let peers = run.peers_of(a);
    assert_eq!((peers.len(), peers[0].address()), (1, from));
}

#[test]
fn an_older_client_that_is_silent_is_gone_after_three_hundred_seconds() {
    let (mut run, a, old) = beside(OlderKind::Reference, 4, false);
    run.stop(old);
    run.run_for(secs(340));
    assert_eq!(run.comings(a), ["here dave", "quiet dave", "gone dave"]);
}

#[test]
fn nobody_at_another_address_speaks_for_an_older_client() {
    let (mut run, a, old) = beside(OlderKind::Reference, 5, true);
    let (dave, thief) = (run.address(old), "10.0.66.6:9000".parse().unwrap());
    assert_eq!(dave, "10.0.0.2:9000".parse().unwrap());
    run.inject(thief, a, lsnp::engine::Socket::Discovery, &super::forged::announcement("dave@10.0.0.2", 9000, &[]));
    let spaced = b"TYPE: POST\nUSER_ID: dave@10.0.0.2\nCONTENT: x\n\n";
    run.inject(thief, a, lsnp::engine::Socket::Unicast, spaced);
    let revoke = super::forged::datagram("REVOKE", &[("USER_ID", "dave@10.0.0.2")]);
    run.inject(thief, a, lsnp::engine::Socket::Unicast, &revoke);
    assert!(run.peers_of(a).iter().any(|peer| peer.address() == dave), "{:?}", run.comings(a));
    run.post(a, "hello");
    run.run_for(secs(1));
    assert_eq!(run.older_client(old).shown.last().unwrap().text, "hello", "written in its own style");
}

#[test]
fn what_we_told_an_older_client_of_this_host_is_nobody_when_it_comes_back() {
    let (mut run, a, b) = Run::pair(9);
    let from = run.address(a);
    for socket in [Socket::Discovery, Socket::Unicast] {
        run.inject(from, a, socket, &announcement("p0@10.0.0.1", from.port(), &[]));
    }
    run.run_for(secs(3));
    assert!(run.peer_count(a) == 1 && run.knows(a, b), "{:?}", run.peers_of(a));
}

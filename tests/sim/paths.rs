//! Addresses: several links, moves, namesakes.

use lsnp::engine::{Command, Event, Socket, Whom};
use lsnp::sim::Setup;

use super::forged::{announcement, datagram, octets};
use super::run::{Run, millis, secs};

#[test]
fn a_peer_on_two_links_is_one_row() {
    let mut run = Run::new(1);
    let one = run.host(&["10.0.0.1/24", "192.168.5.1/24"]);
    let two = run.host(&["10.0.0.2/24", "192.168.5.2/24"]);
    let all = [run.peer(one, "a"), run.peer(two, "b")];
    run.run_for(secs(60));
    assert!(run.all_list_all(&all));
    assert_eq!(run.comings(all[0]), ["here b"]);
    let paths = run.peers_of(all[0])[0].paths();
    assert!(paths.len() == 2 && paths.iter().all(|(_, proven)| *proven), "{paths:?}");
    run.post(all[0], "once");
    run.run_for(secs(1));
    assert_eq!(run.texts(all[1]), ["POST once"]);
}

#[test]
fn when_one_of_two_links_ends_the_other_takes_over() {
    let mut run = Run::new(8);
    let one = run.host(&["10.0.0.1/24", "192.168.5.1/24"]);
    let two = run.host(&["10.0.0.2/24", "192.168.5.2/24"]);
    let all = [run.peer(one, "a"), run.peer(two, "b")];
    run.run_for(secs(60));
    run.move_host(two, &["192.168.5.2/24"]);
    run.run_for(secs(4));
    run.dm(all[0], "b", "by the other");
    run.dm(all[1], "a", "and back");
    run.run_for(secs(1));
    assert_eq!(run.texts(all[1]), ["DM by the other"]);
    assert_eq!(run.texts(all[0]), ["DM and back"]);
    assert_eq!(run.peers_of(all[0])[0].raw_id(), "b@192.168.5.2");
}

#[test]
fn a_peer_that_moves_keeps_its_row_and_its_old_id() {
    let mut run = Run::new(2);
    let hosts = run.hosts(2);
    let (a, b) = (run.peer(hosts[0], "a"), run.peer(hosts[1], "b"));
    run.run_for(secs(20));
    let before = run.peers_of(a)[0].id();
    run.move_host(hosts[1], &["10.0.7.7/16"]);
    run.run_for(secs(6));
    assert_eq!(run.peer_count(a), 1, "{:?}", run.comings(a));
    let peer = run.peers_of(a)[0].clone();
    assert_eq!((peer.id(), peer.raw_id()), (before, "b@10.0.7.7"));
    assert_eq!(*peer.address().ip(), "10.0.7.7".parse::<std::net::Ipv4Addr>().unwrap());
    assert!(run.when(b, |event| matches!(event, Event::Renamed { .. })).is_some());
    let old = datagram("DM", &[("FROM", "x@10.0.0.77"), ("TO", "b@10.0.0.2"), ("CONTENT", "to your old id")]);
    run.inject("10.0.0.77:8000".parse().unwrap(), b, Socket::Unicast, &old);
    assert_eq!(run.texts(b), ["DM to your old id"]);
    run.dm(a, "b", "hello");
    run.run_for(secs(1));
    assert_eq!(run.texts(b).last().unwrap(), "DM hello");
}

#[test]
fn two_with_the_same_id_are_two_rows() {
    let mut run = Run::new(3);
    let hosts = run.hosts(2);
    let a = run.peer(hosts[0], "a");
    let twins = [(); 2].map(|()| run.start(hosts[1], Setup::named("twin").unsigned()));
    run.run_for(secs(30));
    let rows = run.peers_of(a);
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_eq!(rows[0].raw_id(), rows[1].raw_id());
    let first = run.address(twins[0]);
    let to = rows.iter().find(|peer| peer.address() == first).unwrap().id();
    run.command(a, Command::Dm { to: Whom::Peer(to), text: "only you".into() }).unwrap();
    run.run_for(secs(1));
    assert_eq!((run.texts(twins[0]).len(), run.texts(twins[1]).len()), (1, 0));
    run.run_for(secs(600));
    assert_eq!(run.peer_count(a), 2, "{:?}", run.comings(a));
}

#[test]
fn a_copied_sid_does_not_take_a_peer_over() {
    let (mut run, a, b) = Run::unsigned_pair(4);
    let sid = run.sid_of(b);
    let thief = "10.0.66.6:8666".parse().unwrap();
    let forged = announcement("p1@10.0.66.6", 8666, &[("SID", &sid), ("CAP", "bye"), ("PV", "1"), ("BEAT", "30")]);
    for _ in 0..10 {
        run.inject(thief, a, Socket::Discovery, &forged);
        run.run_for(secs(1));
    }
    assert!(run.knows(a, b));
    assert_eq!(run.peers_of(a)[0].address(), run.address(b));
    run.forget_frames();
    run.dm(a, "p1", "secret");
    run.post(a, "also");
    run.run_for(secs(1));
    assert_eq!(run.texts(b), ["DM secret", "POST also"]);
    assert!(!run.frames().iter().any(|frame| frame.to == thief && frame.kind() != "PEER_DISCOVERY"));
}

#[test]
fn an_address_is_proved_only_by_a_nonce_that_was_sent_there() {
    let (mut run, a, _) = Run::pair(5);
    let from = "10.0.66.6:8666".parse().unwrap();
    run.forget_frames();
    let sid = octets(77);
    for nonce in 0..50 {
        let forged = announcement("new@10.0.66.6", 8666, &[("SID", &sid), ("ANS", &octets(nonce))]);
        run.inject(from, a, Socket::Unicast, &forged);
        run.run_for(millis(100));
    }
    let peer = run.peers_of(a).into_iter().find(|peer| peer.raw_name() == "new").unwrap();
    assert!(!peer.paths()[0].1, "nothing was proved");
    let ask = run.frames().iter().find(|frame| frame.to == from && frame.value("ASK").is_some()).unwrap();
    let ask = ask.value("ASK").unwrap().to_owned();
    let elsewhere = "10.0.66.9:8666".parse().unwrap();
    let answer = announcement("new@10.0.66.6", 8666, &[("SID", &sid), ("ANS", &ask)]);
    run.inject(elsewhere, a, Socket::Unicast, &answer);
    let peer = run.peers_of(a).into_iter().find(|peer| peer.raw_name() == "new").unwrap();
    assert!(peer.paths().iter().all(|(_, proven)| !proven), "an answer from elsewhere proves nothing");
}

#[test]
fn a_peer_that_wakes_at_another_address_is_sent_to_there() {
    let mut run = Run::new(6);
    let hosts = run.hosts(2);
    let (a, b) = (run.peer(hosts[0], "a"), run.peer(hosts[1], "b"));
    run.run_for(secs(20));
    run.sleep(b, secs(120));
    run.run_for(secs(119));
    run.move_host(hosts[1], &["10.0.7.7/16"]);
    run.run_for(secs(20));
    assert_eq!(run.comings(a), ["here b", "quiet b", "back b"]);
    assert_eq!(run.peers_of(a)[0].address(), run.address(b));
    run.post(a, "welcome");
    run.run_for(secs(1));
    assert_eq!(run.texts(b), ["POST welcome"]);
}

#[test]
fn a_peer_that_loses_a_link_is_sent_to_on_the_other() {
    let mut run = Run::new(7);
    let one = run.host(&["10.0.0.1/24", "192.168.5.1/24"]);
    let two = run.host(&["10.0.0.2/24", "192.168.5.2/24"]);
    let (a, b) = (run.peer(one, "a"), run.peer(two, "b"));
    run.run_for(secs(60));
    run.move_host(two, &["192.168.5.2/24"]);
    run.run_for(secs(90));
    assert_eq!(run.comings(a), ["here b"]);
    assert_eq!(run.peers_of(a)[0].address(), run.address(b));
    run.post(a, "still there?");
    run.run_for(secs(1));
    assert_eq!(run.texts(b), ["POST still there?"]);
}

#[test]
fn a_copied_sid_changes_nothing_that_is_known_of_its_owner() {
    let (mut run, a, b) = Run::unsigned_pair(8);
    run.command(b, Command::Profile { display_name: Some("Bob".into()), status: Some("at home".into()) }).unwrap();
    run.run_for(secs(2));
    let (sid, thief) = (run.sid_of(b), "10.0.66.6:8666".parse().unwrap());
    let more = [("SID", sid.as_str()), ("CAP", "fly"), ("BEAT", "3600"), ("DISPLAY_NAME", "Mallory")];
    run.inject(thief, a, Socket::Discovery, &announcement("p1@10.0.66.6", 8666, &more));
    let profile = [("USER_ID", "p1@10.0.66.6"), ("DISPLAY_NAME", "Mallory"), ("SID", sid.as_str())];
    run.inject(thief, a, Socket::Unicast, &datagram("PROFILE", &profile));
    run.inject(thief, a, Socket::Unicast, &announcement("p1@10.0.66.6", 8666, &[("SID", &sid), ("BYE", &sid)]));
    assert_eq!(run.comings(a), ["here p1"], "nobody says goodbye for others");
    let peer = run.peers_of(a)[0].clone();
    assert_eq!((peer.raw_id(), peer.raw_display_name()), ("p1@10.0.0.2", Some("Bob")));
    assert_eq!(peer.shown_status().unwrap().as_str(), "at home");
    run.leave(a);
    run.run_for(secs(1));
    assert_eq!(run.comings(b), ["here p0", "left p0"], "it still understands a goodbye");
}

#[test]
fn forged_namesakes_do_not_make_us_ask_a_peer_over_and_over() {
    let (mut run, a, b) = Run::unsigned_pair(9);
    let victim = run.address(b);
    run.forget_frames();
    for n in 0..100_u16 {
        let forged = announcement("p1@10.0.0.2", 8000 + n, &[("SID", &octets(u64::from(n) + 1))]);
        run.inject(format!("10.0.66.6:{}", 8000 + n).parse().unwrap(), a, Socket::Discovery, &forged);
        run.run_for(millis(10));
    }
    let asked = run.frames().iter().filter(|frame| frame.to == victim && frame.value("ASK").is_some()).count();
    assert!((1..=2).contains(&asked), "asked {asked} times within a second");
}

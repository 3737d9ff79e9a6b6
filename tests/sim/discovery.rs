//! Finding each other.

use lsnp::engine::Command;
use lsnp::sim::{Air, Setup};

use super::run::{Run, millis, secs};

#[test]
fn two_know_each_other_within_milliseconds() {
    for seed in 0..20 {
        let mut run = Run::new(seed);
        let hosts = run.hosts(2);
        let first = run.peer(hosts[0], "p0");
        run.run_for(millis(37 * seed));
        let second = run.peer(hosts[1], "p1");
        assert!(run.run_while(millis(10), millis(1), |run| run.peer_count(first) == 1 && run.peer_count(second) == 1));
        assert!(run.run_while(millis(20), millis(1), |_| true));
        run.run_for(millis(20));
        assert!(run.all_know_all(&[first, second]));
        assert_eq!(run.comings(first), ["here p1"]);
        assert_eq!(run.comings(second), ["here p0"]);
    }
}

#[test]
fn three_on_one_host_know_each_other() {
    let mut run = Run::new(1);
    let host = run.host(&["10.0.0.1/24"]);
    let all: Vec<_> = ["a", "b", "c"].map(|name| run.peer(host, name)).into();
    run.run_for(millis(100));
    assert!(run.all_list_all(&all));
}

#[test]
fn two_on_a_host_without_a_network_know_each_other() {
    let mut run = Run::new(1);
    let host = run.host(&[]);
    let all = [run.peer(host, "a"), run.peer(host, "b")];
    run.run_for(millis(100));
    assert!(run.all_know_all(&[]) && run.all_list_all(&all));
}

#[test]
fn hosts_without_a_default_route_know_each_other() {
    let mut run = Run::new(1);
    let hosts = run.hosts(2);
    hosts.iter().for_each(|host| run.drop_default_route(*host));
    let all = [run.peer(hosts[0], "p0"), run.peer(hosts[1], "p1")];
    run.run_for(millis(100));
    assert!(run.all_know_all(&all));
}

#[test]
fn those_who_start_one_after_the_other_know_all_soon_after_the_last() {
    for (seed, count) in [(3, 20), (4, 50)] {
        let mut run = Run::new(seed);
        run.capture = false;
        let hosts = run.hosts(count);
        let mut all = Vec::new();
        for (number, host) in hosts.into_iter().enumerate() {
            all.push(run.peer(host, &format!("p{number}")));
            run.run_for(millis(300));
        }
        // An announcement that was brought forward a moment ago is followed by another (protocol.md §5.3).
        let known = run.run_while(secs(6), millis(50), |lan| all.iter().all(|id| lan.peer_count(*id) == count - 1));
        assert!(known, "seed {seed}: {:?}", all.iter().map(|id| run.peer_count(*id)).collect::<Vec<_>>());
    }
}

#[test]
fn fifty_that_start_at_once_know_all() {
    let mut run = Run::new(2);
    run.capture = false;
    let all = run.crowd(50);
    assert!(run.run_while(secs(10), millis(250), |lan| all.iter().all(|id| lan.peer_count(*id) == 49)));
    // In a crowd, strangers are approached at a slow pace (protocol.md §5.3).
    run.run_for(secs(180));
    assert!(run.all_know_all(&all), "every path is proven three minutes later");
}

#[test]
fn three_hundred_know_all_within_fifteen_seconds() {
    let mut run = Run::new(3);
    run.capture = false;
    run.keep_events = false;
    let all = run.crowd(300);
    assert!(run.run_while(secs(15), secs(1), |lan| all.iter().all(|id| lan.peer_count(*id) == 299)));
}

#[test]
fn fifty_know_all_through_bad_air() {
    let mut run = Run::new(4);
    run.capture = false;
    run.air = Air { loss: 0.3, jitter: millis(5), ..Air::default() };
    let all = run.crowd(50);
    assert!(run.run_while(secs(120), secs(1), |lan| all.iter().all(|id| lan.peer_count(*id) == 49)));
}

#[test]
fn doubled_and_reordered_datagrams_make_no_second_row() {
    let mut run = Run::new(5);
    run.air = Air { duplicate: 0.5, jitter: millis(300), ..Air::default() };
    let all = run.crowd(10);
    run.run_for(secs(60));
    assert!(run.all_list_all(&all) && run.all_know_all(&all));
    for id in all {
        assert_eq!(run.comings(id).len(), 9, "{:?}", run.comings(id));
    }
}

#[test]
fn turned_bits_harm_nobody() {
    let mut run = Run::new(6);
    run.air = Air { corrupt: 0.2, ..Air::default() };
    let all = run.crowd(5);
    run.run_for(secs(120));
    run.air = Air::default();
    run.run_for(secs(700));
    assert!(run.all_know_all(&all));
    assert!(run.all_list_all(&all), "{:?}", run.comings(all[0]));
}

#[test]
fn a_named_peer_is_reached_where_broadcasts_are_not() {
    let mut run = Run::new(7);
    run.air.broadcast = false;
    let hosts = run.hosts(2);
    let (a, b) = (run.peer(hosts[0], "p0"), run.peer(hosts[1], "p1"));
    run.run_for(secs(10));
    assert_eq!((run.peer_count(a), run.peer_count(b)), (0, 0));
    let to = run.address(b);
    run.command(a, Command::Reach { to, lasting: true }).unwrap();
    run.run_for(secs(1));
    assert!(run.all_know_all(&[a, b]));
    run.run_for(secs(1_000));
    assert!(run.all_know_all(&[a, b]), "it stays so: {:?}", run.comings(a));
    assert_eq!(run.comings(a), ["here p1"]);
}

#[test]
fn a_named_peer_that_starts_later_is_found() {
    let mut run = Run::new(8);
    run.air.broadcast = false;
    let hosts = run.hosts(2);
    let a = run.peer(hosts[0], "p0");
    run.command(a, Command::Reach { to: "10.0.0.2:8000".parse().unwrap(), lasting: true }).unwrap();
    run.run_for(secs(200));
    let b = run.peer(hosts[1], "p1");
    assert_eq!(run.address(b), "10.0.0.2:8000".parse().unwrap());
    run.run_for(secs(40));
    assert!(run.all_know_all(&[a, b]));
}

#[test]
fn a_peer_without_the_discovery_socket_is_known_and_knows() {
    let mut run = Run::new(9);
    let hosts = run.hosts(3);
    let setup = Setup { discovery_open: false, ..Setup::named("deaf") };
    let deaf = run.start(hosts[0], setup);
    let all = [deaf, run.peer(hosts[1], "p1"), run.peer(hosts[2], "p2")];
    run.run_for(secs(40));
    assert!(run.all_know_all(&all));
    run.run_for(secs(600));
    assert!(run.all_know_all(&all), "{:?}", run.comings(deaf));
}

#[test]
fn a_scan_finds_all_and_is_listed_by_none() {
    let mut run = Run::new(10);
    let hosts = run.hosts(51);
    let all: Vec<_> = hosts[..50].iter().enumerate().map(|(n, host)| run.peer(*host, &format!("p{n}"))).collect();
    run.run_for(secs(20));
    for _ in 0..2 {
        let mut setup = Setup::named("scan");
        setup.config.scan = true;
        let scan = run.start(hosts[50], setup);
        run.run_for(millis(2_400));
        assert_eq!(run.peer_count(scan), 50);
        run.leave(scan);
    }
    assert!(run.all_list_all(&all));
}

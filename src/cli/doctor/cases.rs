//! The judgement on made-up facts: one trouble a case.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use crate::node::Holder;

use super::facts::{
    Address, Answer, Facts, Family, Firewall, Host, Interface, Local, Medium, Missing, Neighbour, Port, Reached, Seen,
    Sent, System, Target,
};
use super::iptables;
use super::judge::judge;
use super::report::{Name, Report, Verdict};

const ME: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 11);
const BOB: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 12);
const FAST: Duration = Duration::from_micros(400);

fn interface(name: &str, medium: Medium, addresses: Vec<Address>) -> Interface {
    let device = medium == Medium::Wired;
    Interface { name: name.to_owned(), medium, up: true, carrier: Some(true), device, unwanted: false, addresses }
}

fn address(ip: Ipv4Addr, prefix: u8, broadcast: Option<Ipv4Addr>) -> Address {
    let sent = if broadcast.is_some() { Sent::Yes } else { Sent::No };
    Address { ip, prefix, broadcast, sent, echo: broadcast.map(|_| FAST), answers: 0 }
}

fn lan() -> Interface {
    interface("eth0", Medium::Wired, vec![address(ME, 24, Some(Ipv4Addr::new(192, 168, 1, 255)))])
}

fn loopback() -> Interface {
    let ip = address(Ipv4Addr::LOCALHOST, 8, Some(Ipv4Addr::new(127, 255, 255, 255)));
    interface("lo", Medium::Loopback, vec![ip])
}

/// One network, nobody else, nothing wrong.
fn alone() -> Facts {
    Facts {
        system: System { family: Family::Linux, wsl: false, container: false },
        discovery_port: 50999,
        interfaces: vec![lan(), loopback()],
        route: Some(ME),
        port: Port::Open(Vec::new()),
        firewall: Firewall::default(),
        local: Vec::new(),
        closed: false,
        hosts: Vec::new(),
        target: None,
    }
}

/// Bob, heard by broadcast; answers as said.
fn bob(hears_broadcast: bool, answered: Option<Duration>) -> Host {
    let peer = Seen {
        address: SocketAddrV4::new(BOB, 8123),
        id: "bob@192.168.1.12".to_owned(),
        name: "bob".to_owned(),
        older: false,
    };
    Host {
        ip: BOB,
        own: false,
        peers: vec![peer],
        listed: Vec::new(),
        heard: true,
        hears_broadcast,
        answered,
        asked: 3,
        neighbour: Neighbour::There,
    }
}

/// The test of the way to Bob, who is silent.
fn silent() -> Reached {
    Reached {
        to: SocketAddrV4::new(BOB, 50999),
        own: false,
        link: Some("eth0".to_owned()),
        sent: Ok(()),
        tries: 3,
        answer: None,
        refused: false,
        neighbour: Neighbour::Unknown,
        heard: false,
        listed: false,
        hears_broadcast: false,
    }
}

fn with_target(reached: Result<Reached, Missing>) -> Facts {
    Facts { target: Some(Target { text: "bob".to_owned(), reached }), ..alone() }
}

fn verdicts(report: &Report, name: Name) -> Vec<Verdict> {
    report.checks.iter().filter(|check| check.name == name).map(|check| check.verdict).collect()
}

#[track_caller]
fn problem(facts: &Facts, name: Name, cause: &str, advice: &str) {
    let report = judge(facts);
    assert!(!report.healthy, "{report:#?}");
    assert!(verdicts(&report, name).contains(&Verdict::Problem), "{report:#?}");
    assert!(report.cause.contains(cause), "{report:#?}");
    assert!(report.advice.iter().any(|step| step.contains(advice)), "{report:#?}");
}

#[test]
fn alone_on_a_sound_network_is_healthy_and_told_what_to_do() {
    let report = judge(&alone());
    assert!(report.healthy && report.cause.contains("nobody else answers"), "{report:#?}");
    assert!(report.checks.iter().all(|check| check.verdict == Verdict::Ok), "{report:#?}");
    assert!(report.advice.iter().any(|step| step.contains("AP isolation")), "{report:#?}");
}

#[test]
fn answers_make_it_healthy_without_advice() {
    let report = judge(&Facts { hosts: vec![bob(true, Some(FAST))], ..alone() });
    assert!(report.healthy && report.advice.is_empty(), "{report:#?}");
    assert!(report.cause.contains("one other peer"), "{report:#?}");
}

#[test]
fn no_network_is_the_first_cause_whatever_else_is_wrong() {
    let port = Port::Closed { holders: Vec::new(), reason: "in use".to_owned() };
    let facts = Facts { interfaces: vec![loopback()], route: None, port, ..alone() };
    problem(&facts, Name::Interface, "no interface is up but the loopback", "Wi-Fi");
}

#[test]
fn a_dead_interface_is_a_problem_only_where_no_other_lives() {
    let dead =
        |up, carrier, addresses: Vec<Address>| Interface { up, carrier, ..interface("eth1", Medium::Wired, addresses) };
    let ip = || vec![address(BOB, 24, None)];
    for (interface, why) in [
        (dead(true, Some(false), ip()), "eth1 has no carrier"),
        (dead(false, None, ip()), "eth1 is switched off"),
        (dead(true, Some(true), Vec::new()), "eth1 has no IPv4 address"),
    ] {
        let facts = Facts { interfaces: vec![interface.clone(), loopback()], ..alone() };
        problem(&facts, Name::Interface, why, "cable");
        let both = judge(&Facts { interfaces: vec![lan(), interface, loopback()], ..alone() });
        assert!(both.healthy && verdicts(&both, Name::Interface).contains(&Verdict::Warning), "{both:#?}");
    }
}

#[test]
fn networks_that_the_options_leave_out_are_not_missing() {
    let facts = Facts { interfaces: vec![Interface { unwanted: true, ..lan() }, loopback()], ..alone() };
    problem(&facts, Name::Interface, "--interface", "Leave --interface out");
}

#[test]
fn an_address_that_nobody_gave_is_told() {
    let ip = Ipv4Addr::new(169, 254, 3, 4);
    let own = address(ip, 16, Some(Ipv4Addr::new(169, 254, 255, 255)));
    let facts = Facts { interfaces: vec![interface("eth0", Medium::Wired, vec![own]), loopback()], ..alone() };
    let report = judge(&facts);
    assert!(report.healthy && verdicts(&report, Name::Interface).contains(&Verdict::Warning), "{report:#?}");
    assert!(report.advice[0].contains("eth0 has no address of its network"), "{report:#?}");
}

#[test]
fn a_bridge_or_tunnel_without_use_is_no_trouble() {
    for medium in [Medium::Virtual, Medium::Tunnel] {
        let idle = Interface { carrier: Some(false), ..interface("x0", medium, vec![address(BOB, 24, None)]) };
        let report = judge(&Facts { interfaces: vec![lan(), idle.clone(), loopback()], ..alone() });
        assert!(report.checks.iter().all(|check| check.verdict == Verdict::Ok), "{report:#?}");
        let facts = Facts { interfaces: vec![idle, loopback()], ..alone() };
        problem(&facts, Name::Interface, "no interface is up but the loopback", "Wi-Fi");
    }
}

#[test]
fn only_a_tunnel_needs_named_peers() {
    let tunnel = interface("wg0", Medium::Tunnel, vec![address(Ipv4Addr::new(10, 8, 0, 2), 32, None)]);
    let facts = Facts { interfaces: vec![tunnel.clone(), loopback()], ..alone() };
    problem(&facts, Name::Interface, "only tunnels are up", "peer --peer");
    let facts =
        Facts { interfaces: vec![lan(), tunnel, loopback()], route: Some(Ipv4Addr::new(10, 8, 0, 2)), ..alone() };
    let report = judge(&facts);
    assert_eq!((report.healthy, verdicts(&report, Name::Route)), (true, vec![Verdict::Warning]));
}

#[test]
fn a_held_discovery_port_names_the_program() {
    let holders = vec![Holder { pid: 4711, program: "greedy".to_owned() }];
    let facts = Facts { port: Port::Closed { holders, reason: "in use".to_owned() }, ..alone() };
    problem(&facts, Name::Port, "greedy (process 4711)", "kill 4711");
    let facts = Facts { port: Port::Closed { holders: Vec::new(), reason: "in use".to_owned() }, ..alone() };
    problem(&facts, Name::Port, "another program", "ss -ulpn");
}

#[test]
fn a_broadcast_that_is_refused_or_does_not_come_back_is_told() {
    let with = |sent, echo| {
        let mut lan = lan();
        (lan.addresses[0].sent, lan.addresses[0].echo) = (sent, echo);
        Facts { interfaces: vec![lan, loopback()], ..alone() }
    };
    let refused = Sent::Refused("Permission denied".to_owned());
    problem(&with(refused, None), Name::Broadcast, "refuses to send", "ip -4 route get 192.168.1.255");
    problem(&with(Sent::Yes, None), Name::Broadcast, "a firewall on this computer", "sudo peer doctor");
    let mut deaf = with(Sent::Yes, None);
    deaf.port = Port::Closed { holders: Vec::new(), reason: "in use".to_owned() };
    assert_eq!(verdicts(&judge(&deaf), Name::Broadcast), [Verdict::Ok], "nothing could be heard");
}

#[test]
fn a_firewall_that_drops_is_opened_with_its_own_command() {
    let rules = "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n";
    let firewall = |rules: &str| Firewall { filters: vec![iptables::parse(rules, "iptables")], ..Firewall::default() };
    let facts = Facts { firewall: firewall(rules), ..alone() };
    let command = "sudo iptables -I INPUT -p udp -m multiport --dports 50999,8000:9999 -j ACCEPT";
    problem(&facts, Name::Firewall, "the firewall of this computer drops", command);
    let ufw = format!("{rules}-N ufw-user-input\n");
    problem(&Facts { firewall: firewall(&ufw), ..alone() }, Name::Firewall, "firewall", "sudo ufw allow 50999/udp");
    let by_hand = "-P INPUT ACCEPT\n-N ufw-user-input\n-A INPUT -p udp -j DROP\n";
    problem(&Facts { firewall: firewall(by_hand), ..alone() }, Name::Firewall, "firewall", "sudo iptables -I INPUT");
    let local = Local { pid: 1, id: "me@192.168.1.11".to_owned(), port: 7000, answers: true };
    let facts = Facts { firewall: firewall(rules), local: vec![local], ..alone() };
    problem(&facts, Name::Firewall, "firewall", "--dports 50999,7000 ");
}

#[test]
fn firewalld_is_judged_by_its_ports_where_rules_cannot_be_read() {
    let firewall = |ports| Firewall { unread: vec!["nft"], firewalld: Some(ports), ..Firewall::default() };
    let facts = Facts { firewall: firewall(vec![(50999, 50999)]), ..alone() };
    problem(
        &facts,
        Name::Firewall,
        "firewall",
        "firewall-cmd --permanent --add-port=50999/udp --add-port=8000-9999/udp",
    );
    let open = judge(&Facts { firewall: firewall(vec![(50999, 50999), (8000, 9999)]), ..alone() });
    assert_eq!(verdicts(&open, Name::Firewall), [Verdict::Ok]);
    let unread = judge(&Facts { firewall: Firewall { unread: vec!["nft"], ..Firewall::default() }, ..alone() });
    assert_eq!((unread.healthy, verdicts(&unread, Name::Firewall)), (true, vec![Verdict::Warning]));
}

#[test]
fn a_peer_that_is_heard_and_silent_is_behind_a_firewall_or_kept_apart() {
    let facts = Facts { hosts: vec![bob(false, None)], ..alone() };
    problem(&facts, Name::Peer, "a firewall on 192.168.1.12", "netsh advfirewall");
    let apart = Host { neighbour: Neighbour::Silent, ..bob(false, None) };
    problem(&Facts { hosts: vec![apart], ..alone() }, Name::Peer, "keeps the two computers apart", "AP isolation");
}

#[test]
fn a_peer_that_only_a_list_names_may_have_left() {
    let listed =
        Host { heard: false, peers: Vec::new(), listed: vec!["bob@192.168.1.12".to_owned()], ..bob(false, None) };
    let gone = judge(&Facts { hosts: vec![Host { neighbour: Neighbour::Silent, ..listed.clone() }], ..alone() });
    assert_eq!((gone.healthy, verdicts(&gone, Name::Peer)), (true, vec![Verdict::Warning]));
    problem(
        &Facts { hosts: vec![listed], ..alone() },
        Name::Peer,
        "a firewall on 192.168.1.12 (bob@192.168.1.12)",
        "sudo ufw",
    );
}

#[test]
fn a_peer_that_only_answers_alone_points_to_lost_broadcasts() {
    let report = judge(&Facts { hosts: vec![bob(false, Some(FAST))], ..alone() });
    assert_eq!((report.healthy, verdicts(&report, Name::Peer)), (true, vec![Verdict::Warning]));
}

#[test]
fn the_one_path_is_told_apart_by_what_is_silent() {
    let facts = |reached| with_target(Ok(reached));
    problem(&facts(silent()), Name::Path, "cannot be reached, runs no peer", "Start `peer` on 192.168.1.12");
    let there = Reached { neighbour: Neighbour::There, ..silent() };
    problem(&facts(there.clone()), Name::Path, "no peer runs on 192.168.1.12, or a firewall", "sudo ufw");
    let listed = Reached { listed: true, ..there.clone() };
    problem(&facts(listed), Name::Path, "a firewall on 192.168.1.12 drops", "sudo ufw");
    problem(&facts(Reached { heard: true, ..silent() }), Name::Path, "a firewall on 192.168.1.12 drops", "sudo ufw");
    problem(&facts(Reached { refused: true, ..there }), Name::Path, "no peer listens at port 50999", "Start `peer`");
    let off = Reached { neighbour: Neighbour::Silent, ..silent() };
    problem(&facts(off), Name::Path, "is off, has another address, or a Wi-Fi", "AP isolation");
    let stuck = Reached { sent: Err("Network is unreachable".to_owned()), ..silent() };
    problem(&facts(stuck), Name::Path, "Network is unreachable", "ip -4 route get");
}

#[test]
fn an_answer_from_afar_needs_the_peer_named() {
    let from = SocketAddrV4::new(Ipv4Addr::new(10, 9, 9, 9), 8123);
    let answer = Answer { from, id: "bob@10.9.9.9".to_owned(), older: false, round_trip: FAST };
    let far = Reached { to: from, link: None, answer: Some(answer), ..silent() };
    let report = judge(&with_target(Ok(far.clone())));
    assert_eq!((report.healthy, verdicts(&report, Name::Path)), (true, vec![Verdict::Ok, Verdict::Warning]));
    assert!(report.cause.contains("bob@10.9.9.9"), "{report:#?}");
    let near = Reached { link: Some("eth0".to_owned()), hears_broadcast: true, ..far };
    let report = judge(&with_target(Ok(near)));
    assert_eq!(verdicts(&report, Name::Path), [Verdict::Ok, Verdict::Ok]);
}

#[test]
fn nobody_and_several_are_no_path() {
    problem(
        &with_target(Err(Missing::Nobody("unknown".to_owned()))),
        Name::Path,
        "neither a peer that answers nor a host",
        "peer discover",
    );
    let several = Missing::Ambiguous(vec!["bob@a".to_owned(), "bob@b".to_owned()]);
    problem(&with_target(Err(several)), Name::Path, "bob can be bob@a, bob@b", "whole id");
}

#[test]
fn a_network_of_its_own_is_the_first_guess_where_nobody_answers() {
    for (wsl, container, step) in [(true, false, "networkingMode=mirrored"), (false, true, "--network host")] {
        let system = System { family: Family::Linux, wsl, container };
        let report = judge(&Facts { system, ..alone() });
        assert_eq!((report.healthy, verdicts(&report, Name::System)), (true, vec![Verdict::Warning]));
        assert!(report.advice[0].contains(step), "{report:#?}");
        let report = judge(&Facts { system, hosts: vec![bob(true, None)], ..alone() });
        assert_eq!(verdicts(&report, Name::System), [Verdict::Ok]);
    }
}

#[test]
fn what_is_shown_is_safe_and_many_peers_are_counted() {
    let hostile = |number: u8| {
        let mut host = bob(true, None);
        host.ip = Ipv4Addr::new(192, 168, 1, number);
        host.peers[0].id = format!("\x1b[31mb\u{202e}ob{number}\n@x");
        host
    };
    let report = judge(&Facts { hosts: (20..60).map(hostile).collect(), ..alone() });
    let shown: Vec<String> = report.lines(false).iter().map(|line| line.as_str().to_owned()).collect();
    assert!(shown.iter().all(|line| !line.contains(['\x1b', '\n', '\u{202e}'])), "{shown:#?}");
    assert_eq!(
        shown.iter().filter(|line| line.contains("192.168.1.")).count(),
        8 + 2,
        "eight peers, eth0 and the route"
    );
    assert!(shown.iter().any(|line| line.contains("and 32 more that answer")), "{shown:#?}");
    let json = report.json().to_string();
    assert!(!json.contains(['\x1b', '\u{202e}']));
    assert_eq!(report.json()["checks"].as_array().map(Vec::len), Some(report.checks.len()));
}

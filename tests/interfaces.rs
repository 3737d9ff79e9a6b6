//! A peer in a network namespace of its own, whose interfaces come and go. Linux, and root; elsewhere it is passed over.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    clippy::print_stderr,
    reason = "a test may end at any surprise"
)]

use std::net::{Ipv4Addr, UdpSocket};
use std::process::Command as Program;
use std::time::Duration;

use lsnp::engine::{Command, Config, Event, Me, Reply};
use lsnp::node::{Node, Notice, Options};
use lsnp::wire::Name;
use tokio::time::timeout;

/// Longest wait for anything. A test that waits so long has failed: the kernel tells of changes, nobody looks for them.
const PATIENCE: Duration = Duration::from_secs(10);

/// Set for the run of a test inside its namespace.
const INSIDE: &str = "LSNP_TEST_NAMESPACE";

/// Runs a test in a namespace of its own: the same test of the same program, once more.
fn in_namespace(test: &str, inside: impl AsyncFnOnce()) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(inside());
    }
    let probe = Program::new("unshare").args(["-n", "ip", "link"]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        eprintln!("passed over: needs root, unshare and ip");
        return;
    }
    let mut program = Program::new("unshare");
    program.arg("-n").arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    let ran = program.output().unwrap();
    let printed = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && printed.contains("1 passed"), "{printed}{}", String::from_utf8_lossy(&ran.stderr));
}

fn ip(line: &str) {
    let ran = Program::new("ip").args(line.split(' ')).output().unwrap();
    assert!(ran.status.success(), "ip {line}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn options(interfaces: &[&str]) -> Options {
    Options {
        config: Config { discovery_port: 50_777, ..Config::default() },
        interfaces: interfaces.iter().map(|name| (*name).to_owned()).collect(),
        neighbours: false,
        ..Options::new(Name::new("alice").unwrap())
    }
}

async fn me(node: &Node) -> Me {
    match node.handle.command(Command::WhoAmI).await.unwrap() {
        Reply::Me(me) => me,
        other => panic!("{other:?}"),
    }
}

fn addresses(me: &Me) -> Vec<Ipv4Addr> {
    me.links.iter().map(|link| link.address).collect()
}

/// Waits until the peer uses exactly these addresses.
async fn until(node: &Node, wanted: &[[u8; 4]]) {
    let wanted: Vec<Ipv4Addr> = wanted.iter().map(|octets| Ipv4Addr::from(*octets)).collect();
    let seen = async {
        while addresses(&me(node).await) != wanted {
            tokio::task::yield_now().await;
        }
    };
    let seen = timeout(PATIENCE, seen).await;
    assert!(seen.is_ok(), "{:?} instead of {wanted:?}", addresses(&me(node).await));
}

const LO: [u8; 4] = [127, 0, 0, 1];

#[test]
fn interfaces_that_come_and_go_are_seen_at_once() {
    in_namespace("interfaces_that_come_and_go_are_seen_at_once", come_and_go);
}

async fn come_and_go() {
    let mut node = Node::start(options(&[])).unwrap();
    assert_eq!(addresses(&me(&node).await), Vec::<Ipv4Addr>::new());
    assert_eq!(node.notices.recv().await, Some(Notice::NoInterface { wanted: Vec::new() }));

    ip("link set lo up");
    until(&node, &[LO]).await;
    ip("link add v0 type veth peer name v1");
    ip("link set v1 up");
    ip("link set v0 up");
    ip("addr add 10.77.0.1/24 dev v0");
    until(&node, &[LO, [10, 77, 0, 1]]).await;
    let told = me(&node).await;
    assert_eq!(&*told.user_id, "alice@10.77.0.1");
    assert_eq!(told.links[1].broadcast, Some(Ipv4Addr::new(10, 77, 0, 255)));
    assert_eq!(node.notices.recv().await, Some(Notice::Interface { names: vec!["v0".to_owned()] }));
    let renamed = timeout(PATIENCE, async {
        loop {
            if let Event::Renamed { user_id } = node.events.recv().await.unwrap() {
                return user_id;
            }
        }
    });
    assert_eq!(&*renamed.await.unwrap(), "alice@10.77.0.1");

    ip("link set v1 down");
    until(&node, &[LO]).await;
    ip("link set v1 up");
    until(&node, &[LO, [10, 77, 0, 1]]).await;
    ip("link set v0 down");
    until(&node, &[LO]).await;
    ip("link set v0 up");
    until(&node, &[LO, [10, 77, 0, 1]]).await;
    ip("addr add 10.78.0.1/24 dev v0");
    until(&node, &[LO, [10, 77, 0, 1], [10, 78, 0, 1]]).await;
    ip("route add default via 10.78.0.9");
    let routed = timeout(PATIENCE, async {
        while &*me(&node).await.user_id != "alice@10.78.0.1" {
            tokio::task::yield_now().await;
        }
    });
    assert!(routed.await.is_ok(), "default route");
}

#[test]
fn only_the_interfaces_that_were_asked_for_are_used() {
    in_namespace("only_the_interfaces_that_were_asked_for_are_used", one_of_two);
}

async fn one_of_two() {
    ip("link set lo up");
    for (name, net) in [("v", 77), ("w", 78)] {
        ip(&format!("link add {name}0 type veth peer name {name}1"));
        ip(&format!("link set {name}1 up"));
        ip(&format!("link set {name}0 up"));
        ip(&format!("addr add 10.{net}.0.1/24 dev {name}0"));
    }
    let node = Node::start(options(&["w0"])).unwrap();
    until(&node, &[LO, [10, 78, 0, 1]]).await;
    assert_eq!(&*me(&node).await.user_id, "alice@10.78.0.1");

    let unwanted = UdpSocket::bind((Ipv4Addr::new(10, 77, 0, 1), 0)).unwrap();
    unwanted.send_to(b"TYPE:PING\n\n", (Ipv4Addr::new(10, 77, 0, 1), node.handle.port())).unwrap();
    let passed = timeout(PATIENCE, async {
        while node.handle.faults().other_interface == 0 {
            tokio::task::yield_now().await;
        }
    });
    passed.await.unwrap();
}

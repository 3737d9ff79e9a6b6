//! Peers that meet, speak and part, and what they say of the host they run on.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use lsnp::engine::{Command, CommandError, Event, Reply, Whom};
use lsnp::node::{Node, Notice, Options, StartError};
use tokio::time::timeout;

use super::world::{PATIENCE, Scratch, event, free_port, me, meet, options, received, start, text};

#[tokio::test]
async fn two_peers_meet_speak_and_part() {
    let port = free_port();
    let (mut alice, mut bob) = (start("alice", port), start("bob", port));
    let bob_of_alice = meet(&mut alice, "bob").await;
    meet(&mut bob, "alice").await;

    let Reply::Posted { to, .. } = alice.handle.command(Command::Post { text: "hi all".into() }).await.unwrap() else {
        panic!("no reply to POST")
    };
    assert_eq!(to.len(), 1);
    assert_eq!(event(&mut bob, "POST", text).await, ("POST alice".to_owned(), "hi all".to_owned()));

    let dm = Command::Dm { to: Whom::Peer(bob_of_alice.id()), text: "two\nlines".into() };
    assert!(matches!(alice.handle.command(dm).await, Ok(Reply::Sent { .. })));
    assert_eq!(event(&mut bob, "DM", text).await, ("DM alice".to_owned(), "two\nlines".to_owned()));

    alice.handle.leave().await;
    let left = event(&mut bob, "goodbye", |event| match event {
        Event::Left(peer) => Some(peer.raw_name().to_owned()),
        _ => None,
    });
    assert_eq!(left.await, "alice");
    assert!(bob.handle.peers().is_empty());

    assert!(matches!(alice.handle.command(Command::Announce).await, Err(CommandError::Left)));
    alice.handle.leave().await;
    assert!(alice.handle.events().recv().await.is_err(), "no events after the end");
}

#[tokio::test]
async fn three_peers_all_know_all() {
    let port = free_port();
    let mut nodes = [start("alice", port), start("bob", port), start("carol", port)];
    for (node, others) in nodes.iter_mut().zip([["bob", "carol"], ["alice", "carol"], ["alice", "bob"]]) {
        for name in others {
            meet(node, name).await;
        }
    }
    let [alice, bob, carol] = &mut nodes;
    alice.handle.command(Command::Post { text: "hello".into() }).await.unwrap();
    for node in [bob, carol] {
        assert_eq!(event(node, "POST", text).await, ("POST alice".to_owned(), "hello".to_owned()));
    }
    let ports: BTreeSet<u16> = nodes.iter().map(|node| node.handle.port()).collect();
    assert_eq!(ports.len(), 3);
}

#[tokio::test]
async fn the_last_handle_dropped_says_goodbye() {
    let port = free_port();
    let (mut alice, mut bob) = (start("alice", port), start("bob", port));
    meet(&mut alice, "bob").await;
    meet(&mut bob, "alice").await;
    drop(alice);
    event(&mut bob, "goodbye", |event| matches!(event, Event::Left(_)).then_some(())).await;
}

#[tokio::test]
async fn a_peer_that_was_named_is_found_where_nothing_can_be_broadcast() {
    let mut bob = start("bob", free_port());
    let at = bob.handle.port();
    for host in ["127.0.0.1", "localhost"] {
        let peers = vec![format!("{host}:{at}")];
        let mut alice = Node::start(Options { peers, ..options("alice", free_port()) }).unwrap();
        assert!(meet(&mut alice, "bob").await.is_lasting(), "{host}");
        meet(&mut bob, "alice").await;
        alice.handle.leave().await;
        event(&mut bob, "goodbye", |event| matches!(event, Event::Left(_)).then_some(())).await;
    }
}

#[tokio::test]
async fn a_named_peer_without_address_is_told_of() {
    let peers = vec!["nobody.invalid".to_owned()];
    let mut alice = Node::start(Options { peers, ..options("alice", free_port()) }).unwrap();
    loop {
        let notice = timeout(PATIENCE, alice.notices.recv()).await.expect("no notice").unwrap();
        if let Notice::Unresolved { peer, .. } = notice {
            return assert_eq!(peer, "nobody.invalid");
        }
    }
}

#[tokio::test]
async fn an_answered_address_is_tried_at_the_next_start() {
    let scratch = Scratch::new();
    let paths = Some(scratch.0.join("paths"));
    let mut bob = start("bob", free_port());
    let peers = vec![format!("127.0.0.1:{}", bob.handle.port())];
    let mut alice = Node::start(Options { peers, paths: paths.clone(), ..options("alice", free_port()) }).unwrap();
    meet(&mut alice, "bob").await;
    alice.handle.leave().await;
    event(&mut bob, "goodbye", |event| matches!(event, Event::Left(_)).then_some(())).await;

    let mut alice = Node::start(Options { paths, ..options("alice", free_port()) }).unwrap();
    meet(&mut alice, "bob").await;
    meet(&mut bob, "alice").await;
}

#[tokio::test]
async fn peers_of_one_host_meet_by_files_while_another_program_holds_the_discovery_port() {
    let scratch = Scratch::new();
    let holder = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = holder.local_addr().unwrap().port();
    let folder = Some(scratch.0.join("run"));
    let with_files = |name| Options { neighbours: true, runtime_folder: folder.clone(), ..options(name, port) };
    let mut alice = Node::start(with_files("alice")).unwrap();
    let mut bob = Node::start(with_files("bob")).unwrap();
    meet(&mut alice, "bob").await;
    meet(&mut bob, "alice").await;
    assert!(!me(&alice).await.discovery_open);

    let told = timeout(PATIENCE, alice.notices.recv()).await.expect("no notice").unwrap();
    let Notice::DiscoveryClosed { port: closed, holders, .. } = &told else { panic!("{told}") };
    assert_eq!(*closed, port);
    if cfg!(target_os = "linux") {
        assert_eq!(holders[0].pid, std::process::id());
        assert!(told.to_string().contains(&format!("process {}", std::process::id())), "{told}");
    }
    alice.handle.leave().await;
    bob.handle.leave().await;
    assert_eq!(std::fs::read_dir(scratch.0.join("run")).unwrap().count(), 0, "no file is left over");
}

#[tokio::test]
async fn a_start_that_cannot_be_is_refused_with_the_reason() {
    let discovery_port = free_port();
    let taken = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let with_port = |port| Node::start(Options { port: Some(port), ..options("alice", discovery_port) });
    match with_port(port).map(|_| ()) {
        Err(error @ StartError::PortInUse { .. }) => {
            assert!(error.to_string().starts_with(&format!("port {port} is in use")), "{error}");
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(with_port(discovery_port), Err(StartError::PortIsDiscovery(_))));
    assert!(matches!(with_port(80), Err(StartError::PortTooLow(80))));
    let peers = vec!["bob:x".to_owned()];
    let start = Node::start(Options { peers, ..options("alice", discovery_port) });
    assert!(matches!(start, Err(StartError::BadPeer { .. })));

    let usual = Node::start(Options { usual_port: Some(port), ..options("alice", discovery_port) }).unwrap();
    assert_ne!(usual.handle.port(), port, "a usual port that is taken stops nobody");
}

#[tokio::test]
async fn a_flood_starves_neither_commands_nor_timers() {
    let port = free_port();
    let alice = start("alice", port);
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, alice.handle.port());
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let flood = std::thread::spawn(move || {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut sent = 0_u64;
        while stopped.try_recv() == Err(std::sync::mpsc::TryRecvError::Empty) {
            // A full queue is what is wanted.
            let _ = socket.send_to(b"TYPE:POST\nUSER_ID:mallory@127.0.0.1\nCONTENT:x\n\n", to);
            sent += 1;
        }
        sent
    });
    for _ in 0..200 {
        timeout(PATIENCE, me(&alice)).await.expect("a command is starved");
    }
    let announced = timeout(PATIENCE, async {
        let first = me(&alice).await.announced;
        while me(&alice).await.announced == first {}
    });
    announced.await.expect("a timer is starved");
    drop(stop);
    let sent = flood.join().unwrap();
    assert!(sent > 1_000, "{sent} datagrams are no flood");
}

#[tokio::test]
async fn datagrams_that_wait_are_taken_in_turns_with_commands() {
    const WAITING: u64 = 250;
    let alice = start("alice", free_port());
    let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, alice.handle.port());
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut shared = 0;
    for _ in 0..20 {
        let mut before = received(&alice).await;
        let all = before + WAITING;
        for _ in 0..WAITING {
            socket.send_to(b"?", to).unwrap();
        }
        let mut most = 0;
        let taken = async {
            while before < all {
                let now = received(&alice).await;
                most = most.max(now - before);
                before = now;
            }
        };
        timeout(PATIENCE, taken).await.expect("datagrams are lost");
        shared += u32::from(most < WAITING);
    }
    assert!(shared >= 5, "commands waited for all datagrams in {} of 20 rounds", 20 - shared);
}

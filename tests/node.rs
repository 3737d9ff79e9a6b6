//! Real peers over the loopback: sockets, files and timers as in the program.
#![expect(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "a test may end at any surprise")]

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use lsnp::engine::{Command, CommandError, Config, Contact, Event, Me, Peer, Reply, Trust, Whom, Word};
use lsnp::node::{Keys, Node, Notice, Options, StartError};
use lsnp::wire::Name;
use tokio::time::{Instant, timeout, timeout_at};

/// Longest wait for anything. A test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(10);

/// A port that nobody uses, out of the range that systems give out by themselves.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 9_000).unwrap();
    loop {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 10_000;
        if UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            return port;
        }
    }
}

/// A peer that uses the loopback only and meets nobody by files.
fn options(name: &str, discovery_port: u16) -> Options {
    Options {
        config: Config { discovery_port, ..Config::default() },
        interfaces: vec!["127.0.0.1".to_owned()],
        neighbours: false,
        ..Options::new(Name::new(name).unwrap())
    }
}

fn start(name: &str, discovery_port: u16) -> Node {
    Node::start(options(name, discovery_port)).unwrap()
}

/// The first event that `find` takes.
async fn event<T>(node: &mut Node, what: &str, mut find: impl FnMut(Event) -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let event = timeout_at(deadline, node.events.recv()).await.unwrap_or_else(|_| panic!("no {what}")).unwrap();
        if let Some(found) = find(event) {
            return found;
        }
    }
}

/// Waits until that peer is on the list and has answered.
async fn meet(node: &mut Node, name: &str) -> Peer {
    let peers = node.handle.peers();
    let known = |peer: &Peer| peer.raw_name() == name && peer.paths()[0].1;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(peer) = peers.snapshot().into_iter().find(known) {
            return peer;
        }
        let next = timeout(Duration::from_millis(10), node.events.recv()).await;
        assert!(Instant::now() < deadline, "{name} is not listed: {next:?}");
    }
}

async fn me(node: &Node) -> Me {
    match node.handle.command(Command::WhoAmI).await.unwrap() {
        Reply::Me(me) => me,
        other => panic!("{other:?}"),
    }
}

fn text(event: Event) -> Option<(String, String)> {
    match event {
        Event::Post { from, text, .. } => Some((format!("POST {}", from.raw_name()), text.raw().to_owned())),
        Event::Dm { from, text, .. } => Some((format!("DM {}", from.raw_name()), text.raw().to_owned())),
        _ => None,
    }
}

/// A folder for one test, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("lsnp-node-{}-{}", std::process::id(), free_port()));
        std::fs::create_dir(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

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

    let begin = Instant::now();
    alice.handle.leave().await;
    let left = event(&mut bob, "goodbye", |event| match event {
        Event::Left(peer) => Some(peer.raw_name().to_owned()),
        _ => None,
    });
    assert_eq!(left.await, "alice");
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
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
    let mut slowest = Duration::ZERO;
    for _ in 0..200 {
        let begin = Instant::now();
        timeout(PATIENCE, me(&alice)).await.expect("a command is starved");
        slowest = slowest.max(begin.elapsed());
    }
    let announced = timeout(PATIENCE, async {
        let first = me(&alice).await.announced;
        while me(&alice).await.announced == first {}
    });
    announced.await.expect("a timer is starved");
    drop(stop);
    let sent = flood.join().unwrap();
    assert!(sent > 1_000, "{sent} datagrams are no flood");
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

/// Bytes received, of all datagrams.
async fn received(node: &Node) -> u64 {
    match node.handle.command(Command::Stats).await.unwrap() {
        Reply::Stats(counters) => counters.received_bytes,
        other => panic!("{other:?}"),
    }
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

/// A signed peer that keeps what it learns in this folder, if there is one.
fn signed(name: &str, discovery_port: u16, identity: &Keys, folder: Option<&PathBuf>) -> Options {
    let keys = Keys { folder: folder.cloned(), ..identity.clone() };
    Options { keys: Some(keys), ..options(name, discovery_port) }
}

async fn contacts(node: &Node) -> Vec<Contact> {
    match node.handle.command(Command::Contacts).await.unwrap() {
        Reply::Contacts(contacts) => contacts,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_dm_between_signed_peers_is_private() {
    let port = free_port();
    let [mut alice, mut bob] =
        ["alice", "bob"].map(|name| Node::start(signed(name, port, &Keys::temporary().unwrap(), None)).unwrap());
    let (to_bob, to_alice) = (meet(&mut alice, "bob").await, meet(&mut bob, "alice").await);
    assert_eq!(to_bob.key(), me(&bob).await.key);
    assert!(to_bob.key().is_some() && to_bob.key() != to_alice.key());

    // The first is a letter, the others are of the session.
    for round in 0..3 {
        let text = format!("round {round}\nwith a second line");
        private_dm(&alice, &mut bob, &to_bob, &text).await;
        private_dm(&bob, &mut alice, &to_alice, &text).await;
    }
}

async fn private_dm(from: &Node, to: &mut Node, peer: &Peer, text: &str) {
    let sent = from.handle.command(Command::Dm { to: Whom::Peer(peer.id()), text: text.to_owned() }).await.unwrap();
    assert!(matches!(sent, Reply::Sent { private: true, .. } | Reply::Waiting { .. }), "{sent:?}");
    let got = event(to, "DM", |event| match event {
        Event::Dm { text, private, .. } => Some((text.raw().to_owned(), private)),
        _ => None,
    });
    assert_eq!(got.await, (text.to_owned(), true));
}

#[tokio::test]
async fn a_restart_keeps_the_identity_and_whom_we_know() {
    let port = free_port();
    let scratch = Scratch::new();
    let [alice_keys, bob_keys] = [Keys::temporary().unwrap(), Keys::temporary().unwrap()];
    let start = || Node::start(signed("alice", port, &alice_keys, Some(&scratch.0))).unwrap();
    let mut bob = Node::start(signed("bob", port, &bob_keys, None)).unwrap();
    let mut alice = start();
    let peer = meet(&mut alice, "bob").await;
    meet(&mut bob, "alice").await;
    let word = Command::Judge { whom: Whom::Peer(peer.id()), word: Word::Verify };
    alice.handle.command(word).await.unwrap();
    let key = me(&alice).await.key;
    let before = contacts(&alice).await;
    assert_eq!(before.len(), 1, "{before:?}");
    alice.handle.leave().await;
    event(&mut bob, "goodbye", |event| matches!(event, Event::Left(_)).then_some(())).await;

    let mut alice = start();
    assert_eq!(me(&alice).await.key, key);
    let again = contacts(&alice).await;
    assert_eq!((again[0].key, again[0].verified), (before[0].key, true));
    assert_eq!(meet(&mut alice, "bob").await.trust(), Trust::Verified);
    let seen = event(&mut bob, "alice", |event| match event {
        Event::Here(peer) => Some(peer.key()),
        Event::KeyChanged { .. } => panic!("the same key"),
        _ => None,
    });
    assert_eq!(seen.await, key);
}

/// Stands between two peers and keeps all that the first says to the second.
struct Tap {
    /// The end that the second peer sees.
    near: UdpSocket,
    said: std::sync::Arc<std::sync::Mutex<Vec<Vec<u8>>>>,
    address: SocketAddrV4,
}

impl Tap {
    fn to(second: u16) -> Self {
        let open = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (far, near) = (open(), open());
        let port = far.local_addr().unwrap().port();
        near.connect((Ipv4Addr::LOCALHOST, second)).unwrap();
        let said = std::sync::Arc::<std::sync::Mutex<Vec<Vec<u8>>>>::default();
        let (kept, there, back) = (said.clone(), near.try_clone().unwrap(), near.try_clone().unwrap());
        let (first, answers) = (std::sync::Arc::new(std::sync::OnceLock::new()), far.try_clone().unwrap());
        let known = first.clone();
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            while let Ok((length, from)) = far.recv_from(&mut buffer) {
                known.get_or_init(|| from);
                kept.lock().unwrap().push(buffer[..length].to_vec());
                let _ = there.send(&buffer[..length]);
            }
        });
        std::thread::spawn(move || {
            let mut buffer = [0; 65_536];
            // A peer that ended refuses; the next one does not.
            loop {
                if let (Ok(length), Some(first)) = (back.recv(&mut buffer), first.get()) {
                    let _ = answers.send_to(&buffer[..length], first);
                }
            }
        });
        Self { near, said, address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, port) }
    }
}

#[tokio::test]
async fn what_is_sent_again_after_a_restart_shows_nothing() {
    let scratch = Scratch::new();
    let (alice_keys, bob_keys) = (Keys::temporary().unwrap(), Keys::temporary().unwrap());
    let port = free_port();
    let usual = free_port();
    let start = || {
        let options = signed("bob", port, &bob_keys, Some(&scratch.0));
        Node::start(Options { port: Some(usual), ..options }).unwrap()
    };
    let mut bob = start();
    let tap = Tap::to(usual);
    let alice = signed("alice", free_port(), &alice_keys, None);
    let mut alice = Node::start(Options { peers: vec![tap.address.to_string()], ..alice }).unwrap();
    let peer = meet(&mut alice, "bob").await;
    meet(&mut bob, "alice").await;
    alice.handle.command(Command::Post { text: "once".into() }).await.unwrap();
    assert_eq!(event(&mut bob, "POST", text).await.1, "once");
    for said in ["a letter", "a frame"] {
        alice.handle.command(Command::Dm { to: Whom::Peer(peer.id()), text: said.into() }).await.unwrap();
        assert_eq!(event(&mut bob, "DM", text).await.1, said);
        let back = meet(&mut bob, "alice").await;
        bob.handle.command(Command::Dm { to: Whom::Peer(back.id()), text: "yes".into() }).await.unwrap();
        event(&mut alice, "DM", text).await;
    }
    alice.handle.leave().await;
    event(&mut bob, "goodbye", |event| matches!(event, Event::Left(_)).then_some(())).await;
    bob.handle.leave().await;

    let mut bob = start();
    let said = tap.said.lock().unwrap().clone();
    assert!(said.len() >= 6, "{}", said.len());
    let strange = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    strange.connect((Ipv4Addr::LOCALHOST, usual)).unwrap();
    let before = received(&bob).await;
    let mut sent = 0;
    for _ in 0..3 {
        for socket in [&tap.near, &strange] {
            for datagram in &said {
                socket.send(datagram).unwrap();
                sent += datagram.len() as u64;
            }
        }
    }
    let taken = async { while received(&bob).await < before + sent {} };
    timeout(PATIENCE, taken).await.expect("datagrams are lost");
    while let Ok(event) = bob.events.try_recv() {
        assert!(matches!(event, Event::Renamed { .. }), "{event:?}");
    }
    assert!(bob.handle.peers().is_empty(), "nobody is here");
}

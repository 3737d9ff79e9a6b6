//! Signed peers: private messages, and what a restart keeps.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use lsnp::engine::{Command, Contact, Event, Peer, Reply, Trust, Whom, Word};
use lsnp::node::{Keys, Node, Options};
use tokio::time::timeout;

use super::world::{PATIENCE, Scratch, event, free_port, me, meet, received, signed, text};

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

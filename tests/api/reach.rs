//! Looking for somebody who does not meet us by itself, and measuring the way.

use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};

use lsnp::web::ReachedObject;
use lsnp::wire::{Discovery, Extension, LinkTo, Octets, PeerLink, PublicKey, Style, UserId};

use crate::openapi::check;
use crate::routes::refused;
use crate::world::{Peer, free_port, meet, pair, start};

/// Two peers that do not hear each other's announcements.
async fn strangers() -> (Peer, Peer) {
    (start("alice", free_port()).await, start("bob", free_port()).await)
}

fn place(peer: &Peer) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::LOCALHOST, peer.context.handle.port())
}

async fn reach(peer: &Peer, to: &str) -> ReachedObject {
    let reached = peer.client.reach(to).await.unwrap();
    check("ReachedObject", &serde_json::to_value(&reached).unwrap());
    reached
}

#[tokio::test]
async fn a_link_leads_to_somebody_unknown() {
    let (alice, bob) = strangers().await;
    let link = bob.client.about(None).await.unwrap().link;
    let reached = reach(&alice, &link).await;
    let found = reached.peer.unwrap();
    assert_eq!((found.name.as_str(), found.key), ("bob", bob.client.status().await.unwrap().key));
    assert_eq!(reached.tried, [place(&bob).to_string()]);
    assert!(reached.others.is_empty());
    // By now it is known, and so is the link that we give of it.
    let again = reach(&alice, &link).await;
    assert!(again.peer.is_some() && again.tried.is_empty());
    meet(&alice, "bob").await;
    let given = alice.client.about(Some("bob")).await.unwrap().link;
    assert_eq!(PeerLink::parse(&given).unwrap().to(), PeerLink::parse(&link).unwrap().to());
    bob.client.dm("alice", "so we met").await.unwrap();
}

#[tokio::test]
async fn another_key_at_the_address_is_told() {
    let (alice, bob) = strangers().await;
    let link = PeerLink::new(LinkTo::Key(PublicKey([9; 32])), Some("carol"), [place(&bob)]).unwrap();
    let reached = reach(&alice, &link.to_string()).await;
    assert!(reached.peer.is_none());
    assert_eq!(reached.others.len(), 1);
    assert_eq!(reached.others[0].name, "bob");
    // Also when the other one is known already.
    let reached = reach(&alice, &link.to_string()).await;
    assert!(reached.peer.is_none() && reached.others.len() == 1, "{reached:?}");
}

#[tokio::test]
async fn an_address_or_a_name_leads_to_whoever_is_there() {
    let (alice, bob) = strangers().await;
    let by_address = reach(&alice, &place(&bob).to_string()).await;
    assert_eq!(by_address.peer.unwrap().name, "bob");
    let carol = start("carol", free_port()).await;
    let reached = reach(&carol, &format!(" localhost:{} ", place(&bob).port())).await;
    assert_eq!(reached.peer.unwrap().name, "bob");
    assert_eq!(reached.tried, [place(&bob).to_string()]);
}

#[tokio::test]
async fn nobody_is_there_yet() {
    let alice = start("alice", free_port()).await;
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let reached = reach(&alice, &address).await;
    assert_eq!((reached.peer, reached.others.len(), reached.tried), (None, 0, vec![address]));
    // Without an address there is nothing to wait for.
    let reached = reach(&alice, &format!("peer://connect/{}", PublicKey([9; 32]))).await;
    assert!(reached.peer.is_none() && reached.tried.is_empty());
}

#[tokio::test]
async fn a_label_leads_to_somebody_without_a_key() {
    let alice = start("alice", free_port()).await;
    let port = free_port();
    let plain = lsnp::node::Options { keys: None, ..crate::world::options("plain", port) };
    let plain = lsnp::node::Node::start(plain).unwrap();
    let at = SocketAddrV4::new(Ipv4Addr::LOCALHOST, plain.handle.port());
    let link = PeerLink::new(LinkTo::Label("plain@127.0.0.1".into()), None, [at]).unwrap().to_string();
    let found = reach(&alice, &link).await.peer.unwrap();
    assert_eq!((found.id.as_str(), found.key), ("plain@127.0.0.1", None));
    assert!(reach(&alice, &link).await.tried.is_empty());
}

#[tokio::test]
async fn what_leads_nowhere_is_refused() {
    let alice = start("alice", free_port()).await;
    let own = alice.client.about(None).await.unwrap().link;
    let own_address = place(&alice).to_string();
    for to in [
        "",
        "a b",
        "::1",
        "[::1]:8000",
        "0.0.0.0:8000",
        "255.255.255.255:8000",
        "224.0.0.1:8000",
        "127.255.255.255:8000",
        "10.0.0.7:0",
        "10.0.0.7:x",
        "peer:",
        "peer://connect/",
        "peer://other/bob@10.0.0.7",
        "PEER://connect/bob@10.0.0.7?at=0.0.0.0:8000",
        "peer://connect/bob@10.0.0.7?at=127.255.255.255:8000",
        "peer://connect/bob%0a@10.0.0.7",
        "http://10.0.0.7:8000/",
        &own,
        &own_address,
        &"x".repeat(10_000),
    ] {
        let (status, object) = refused(alice.client.reach(to).await);
        assert_eq!((status, object.error.as_str()), (400, "usage"), "{to:?}");
    }
    let (status, object) = refused(alice.client.reach("nobody.invalid").await);
    assert_eq!((status, object.error.as_str()), (404, "nobody"), "{}", object.message);
}

#[tokio::test]
async fn the_way_to_somebody_is_measured() {
    let (alice, _bob) = pair().await;
    let found = alice.client.probe("bob").await.unwrap();
    check("PeerObject", &serde_json::to_value(&found).unwrap());
    assert_eq!(found.name, "bob");
    assert!(found.round_trip_us.is_some_and(|micros| micros > 0));
    assert_eq!(refused(alice.client.probe("nobody").await).0, 404);
}

#[tokio::test]
async fn who_does_not_answer_is_told_as_such() {
    let alice = start("alice", free_port()).await;
    // It announces itself, and never answers.
    let ghost = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut datagram = Vec::new();
    let says = Discovery {
        user_id: UserId::new("ghost@127.0.0.1").unwrap(),
        port: Some(ghost.local_addr().unwrap().port()),
        timestamp: None,
        message_id: None,
        display_name: None,
        status: None,
        avatar: None,
        prekey: None,
    };
    let extension = Extension { sid: Some(Octets(1)), ..Extension::default() };
    says.encode(&extension, Style::Tight, &mut datagram);
    ghost.send_to(&datagram, place(&alice)).unwrap();
    let mut events = alice.context.handle.events();
    let listed = async {
        while alice.client.peers(false).await.unwrap().is_empty() {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(10), events.recv()).await;
        }
    };
    tokio::time::timeout(crate::world::PATIENCE, listed).await.expect("the ghost is not listed");
    let (status, object) = refused(alice.client.probe("ghost").await);
    assert_eq!((status, object.error.as_str()), (504, "no-answer"));
}

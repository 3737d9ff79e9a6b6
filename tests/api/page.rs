//! What the page asks: the network, what was counted, conversations, people in full.

use lsnp::engine::Command;
use lsnp::node::Node;
use lsnp::web::{ConversationObject, HistoryQuery};
use serde_json::Value;

use crate::openapi::check;
use crate::routes::{lines, refused};
use crate::world::{Peer, body, free_port, meet, options, pair, start, start_forgetful};

async fn get(peer: &Peer, path: &str, schema: &str) -> Value {
    let (status, answer) = peer.ask(&format!("GET {path}"), &[], "").await;
    assert_eq!(status, 200, "{path}: {answer}");
    let value: Value = serde_json::from_str(body(&answer)).unwrap();
    match value.as_array() {
        Some(values) => values.iter().for_each(|value| check(schema, value)),
        None => check(schema, &value),
    }
    value
}

#[tokio::test]
async fn the_network_is_our_interfaces_and_who_is_heard_how() {
    let (alice, bob) = pair().await;
    get(&alice, "/api/network", "NetworkObject").await;
    let network = alice.client.network().await.unwrap();
    assert_eq!((network.port, network.discovery), (alice.context.handle.port(), true));
    assert!(network.id.starts_with("alice@") && network.announced.is_some());
    let lo = network.interfaces.iter().find(|link| link.loopback).unwrap();
    assert_eq!((lo.address.as_str(), lo.network.as_str(), lo.peers), ("127.0.0.1", "127.0.0.0/8", 1));
    assert_eq!(lo.broadcast.as_deref(), Some("127.255.255.255"));
    let found = &network.peers[0];
    assert_eq!((network.peers.len(), found.name.as_str(), &found.interface), (1, "bob", &Some(lo.name.clone())));
    assert!(!found.ways.is_empty() && found.ways.iter().all(|way| ["broadcast", "unicast"].contains(&&**way)));
    // The same everywhere.
    assert_eq!(bob.client.peers(false).await.unwrap()[0].interface.as_deref(), Some(&*lo.name));
    // Who is blocked is there nevertheless.
    alice.client.judge("bob", "block").await.unwrap();
    assert!(alice.client.network().await.unwrap().peers[0].blocked);
}

#[tokio::test]
async fn what_was_counted_goes_up_to_this_moment() {
    let (alice, bob) = pair().await;
    get(&alice, "/api/traffic", "TrafficObject").await;
    alice.client.dm("bob", "hello").await.unwrap();
    lines(&bob, 1).await;
    let before = alice.client.traffic().await.unwrap();
    let sample = before.samples.last().unwrap();
    assert_eq!((sample.received, sample.sent), (before.counters["received"], before.counters["sent"]));
    assert!(sample.received > 0 && sample.sent_bytes > sample.sent && sample.peers == 1);
    assert_eq!(sample.latency.len(), before.latency_bounds_ms.len() + 1);
    assert_eq!((before.drops.len(), before.drops["malformed"]), (27, 0));
    let table = before.tables.iter().find(|table| table.name == "peers").unwrap();
    assert!(table.size == 1 && table.cap > 1_000);

    bob.context.handle.command(Command::Announce).await.unwrap();
    alice.client.post("more").await.unwrap();
    let after = alice.client.traffic().await.unwrap();
    assert!(after.samples.last().unwrap().sent > sample.sent);
    assert_eq!(after.since, before.since);
    assert!(after.samples.is_sorted_by_key(|sample| sample.received_bytes));
    assert!(after.samples.is_sorted_by_key(|sample| sample.at.clone()));
}

/// Conversations as `who: unread "last"`.
fn told(conversations: &[ConversationObject]) -> Vec<String> {
    let tell = |one: &ConversationObject| {
        let who = one.with.as_ref().map_or("everyone", |with| with.name.as_str());
        let last = one.last.as_ref().map_or("", |line| line.text.as_str());
        format!("{who}: {} {last:?}", one.unread)
    };
    conversations.iter().map(tell).collect()
}

#[tokio::test]
async fn conversations_are_with_everyone_and_with_each_one() {
    let (alice, bob) = pair().await;
    assert_eq!(told(&alice.client.conversations().await.unwrap()), [r#"everyone: 0 """#]);
    get(&alice, "/api/conversations", "ConversationObject").await;
    let carol = start("carol", alice.discovery).await;
    meet(&carol, "alice").await;
    meet(&alice, "carol").await;
    alice.client.dm("bob", "to bob").await.unwrap();
    carol.client.dm("alice", "from carol").await.unwrap();
    bob.client.post("from bob to all").await.unwrap();
    lines(&alice, 3).await;
    let all = alice.client.conversations().await.unwrap();
    get(&alice, "/api/conversations", "ConversationObject").await;
    let mut seen = told(&all);
    assert_eq!(seen.remove(0), r#"everyone: 1 "from bob to all""#);
    seen.sort();
    assert_eq!(seen, [r#"bob: 0 "to bob""#, r#"carol: 1 "from carol""#]);
    assert!(all[0].with.is_none() && all[0].who.is_none() && all[0].last.as_ref().unwrap().kind == "post");

    // The newest first.
    bob.client.dm("alice", "from bob").await.unwrap();
    lines(&alice, 4).await;
    let all = alice.client.conversations().await.unwrap();
    assert_eq!(told(&all)[1..], [r#"bob: 1 "from bob""#, r#"carol: 1 "from carol""#]);

    // What names it names its lines, and whom to write to.
    let who = all[1].who.clone().unwrap();
    let query = HistoryQuery { with: Some(who.clone()), kind: Some("dm".into()), ..HistoryQuery::default() };
    let found = alice.client.history(&query).await.unwrap();
    assert_eq!(found.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["to bob", "from bob"]);
    assert_eq!(alice.client.dm(&who, "by key").await.unwrap().to.unwrap().name, "bob");
    let posts = HistoryQuery { kind: Some("post".into()), ..HistoryQuery::default() };
    assert_eq!(alice.client.history(&posts).await.unwrap()[0].text, "from bob to all");
    let mut export = alice.client.export(&posts).await.unwrap();
    assert_eq!(export.next().await.unwrap().unwrap().text, "from bob to all");
    assert!(export.next().await.unwrap().is_none());

    // Read is read, and a new name is the name.
    let rows: Vec<i64> = all.iter().filter_map(|one| one.last.as_ref()?.row).collect();
    alice.client.read(&rows).await.unwrap();
    carol.client.set_profile(Some("Carol C."), None).await.unwrap();
    meet(&alice, "Carol C.").await;
    lines(&alice, 6).await;
    let all = alice.client.conversations().await.unwrap();
    assert_eq!(all.iter().map(|one| one.unread).sum::<u64>(), 0);
    assert_eq!(told(&all)[2], r#"Carol C.: 0 "from carol""#);
}

#[tokio::test]
async fn conversations_and_kinds_that_cannot_be_are_refused() {
    let alice = start_forgetful("alice", free_port()).await;
    assert_eq!(refused(alice.client.conversations().await).0, 503);
    let carol = start("carol", free_port()).await;
    let query = HistoryQuery { kind: Some("profile".into()), ..HistoryQuery::default() };
    assert_eq!(refused(carol.client.history(&query).await).0, 400);
    for who in ["label:nobody@10.0.0.1", "label:", &"A".repeat(43)] {
        assert_eq!(refused(carol.client.dm(who, "hi").await).0, 404, "{who}");
    }
}

#[tokio::test]
async fn somebody_without_a_key_is_one_by_label() {
    let port = free_port();
    let alice = start("alice", port).await;
    let plain = Node::start(lsnp::node::Options { keys: None, ..options("plain", port) }).unwrap();
    let id = meet(&alice, "plain").await.id;
    let other = lsnp::engine::Command::Post { text: "to all".into() };
    plain.handle.command(other).await.unwrap();
    let to = plain.handle.peers().snapshot().remove(0).id();
    plain.handle.command(Command::Dm { to: lsnp::engine::Whom::Peer(to), text: "to alice".into() }).await.unwrap();
    lines(&alice, 2).await;
    let all = alice.client.conversations().await.unwrap();
    assert_eq!(told(&all), [r#"everyone: 1 "to all""#, r#"plain: 1 "to alice""#]);
    let who = all[1].who.clone().unwrap();
    assert_eq!(who, format!("label:{id}"));
    let query = HistoryQuery { with: Some(who.clone()), ..HistoryQuery::default() };
    assert_eq!(alice.client.history(&query).await.unwrap().len(), 2);
    assert_eq!(alice.client.about(Some(&who)).await.unwrap().peer.unwrap().id, id);
}

#[tokio::test]
async fn somebody_in_full_has_digits_that_both_see() {
    let (alice, bob) = pair().await;
    get(&alice, "/api/about", "AboutObject").await;
    get(&alice, "/api/about?who=bob", "AboutObject").await;
    let (of_bob, of_alice) =
        (alice.client.about(Some("bob")).await.unwrap(), bob.client.about(Some("alice")).await.unwrap());
    let digits = of_bob.digits.unwrap();
    assert!(digits.len() == 71 && digits.split(' ').all(|group| group.len() == 5), "{digits}");
    assert_eq!(of_alice.digits.unwrap(), digits);
    let fingerprint = of_alice.fingerprint.unwrap();
    assert_eq!(fingerprint.split(' ').count(), 8);
    let path = &of_bob.paths[0];
    assert!(path.proven && path.address.ends_with(&format!(":{}", bob.context.handle.port())));
    assert_eq!(path.interface.as_deref(), Some("lo"));

    let own = alice.client.about(None).await.unwrap();
    assert!(own.peer.is_none() && own.digits.is_none());
    assert_eq!(own.fingerprint.unwrap(), fingerprint);
    assert_eq!(own.link, of_alice.link);
    assert!(own.qr.iter().all(|row| row.len() == own.qr.len() && row.bytes().all(|digit| b"01".contains(&digit))));
    assert!(own.qr[0].starts_with("11111110") && own.qr.len() > 21);
    assert_eq!(refused(alice.client.about(Some("nobody")).await).0, 404);
}

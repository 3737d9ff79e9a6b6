//! Messages of programs, from one to many.

use std::collections::BTreeMap;

use lsnp::data;
use lsnp::peer::{Error, Event, Kind};
use tokio_stream::StreamExt;

use super::world::{builder, free_port, next, started, two};

#[tokio::test]
async fn a_message_reaches_who_wants_its_topic() {
    let port = free_port();
    let [alice, bob, carol] = started(["alice", "bob", "carol"].map(|name| builder(name, port))).await;
    let mut heat = bob.subscribe("sensors/+/heat").unwrap();
    let mut all = carol.subscribe("#").unwrap();
    let mut own = alice.subscribe("#").unwrap();

    let value = BTreeMap::from([("celsius".to_owned(), 21.5)]);
    for topic in ["sensors/kitchen/light", "sensors/kitchen/heat"] {
        let told = alice.publish(topic, Kind::Data, &value).acknowledged().await.unwrap();
        let mut by = told.acknowledged;
        by.sort();
        let mut both = vec![bob.key(), carol.key()];
        both.sort();
        assert_eq!((told.sent, by, told.missing), (2, both, Vec::new()));
    }
    let message = next(&mut heat, "heat", Some).await;
    assert_eq!((message.from, message.name.as_str(), message.kind), (alice.key(), "alice", Kind::Data));
    assert_eq!(message.topic.as_str(), "sensors/kitchen/heat");
    assert_eq!(message.json::<BTreeMap<String, f64>>().unwrap(), value);
    assert!(matches!(message.json::<Vec<String>>(), Err(Error::Json(_))));
    assert!(!message.sealed && !message.ours);

    // It is a stream as others are, too.
    let mut both = [all.next().await.unwrap(), StreamExt::next(&mut all).await.unwrap()];
    both.sort_by(|a, b| a.topic.cmp(&b.topic));
    assert_eq!(both[0], message);

    // What this peer says itself does not come back to it.
    bob.publish("done", Kind::Control, &()).await.unwrap();
    assert_eq!(next(&mut own, "bob's message", Some).await.from, bob.key());
}

#[tokio::test]
async fn what_is_for_one_is_sealed_and_nobody_elses() {
    let port = free_port();
    let [alice, bob, carol] = started(["alice", "bob", "carol"].map(|name| builder(name, port))).await;
    let (mut bobs, mut carols) = (bob.subscribe("#").unwrap(), carol.subscribe("#").unwrap());
    let told = alice.publish("doors/front", Kind::Control, "open").to("bob").acknowledged().await.unwrap();
    assert_eq!((told.sent, told.acknowledged), (1, vec![bob.key()]));
    let message = next(&mut bobs, "message", Some).await;
    assert!(message.sealed);
    assert_eq!(message.json::<String>().unwrap(), "open");
    // The first that carol hears is what is for all.
    alice.publish("doors/all", Kind::Control, "shut").acknowledged().await.unwrap();
    assert_eq!(next(&mut carols, "message", Some).await.topic.as_str(), "doors/all");
    let error = alice.publish("doors", Kind::Control, "open").to("dave").await.unwrap_err();
    assert!(matches!(error, Error::Nobody(_)), "{error}");
}

#[tokio::test]
async fn a_body_of_64_kib_comes_whole_and_more_is_refused() {
    let [alice, bob] = two().await;
    let mut all = bob.subscribe("#").unwrap();
    // Letters that take more bytes than characters, controls, and what JSON escapes.
    let pattern: String = "aé\u{1F600}\"\\\u{7f}\u{85}\u{2028}\n ".repeat(2_000);
    let mut text = pattern;
    while serde_json::to_string(&text).unwrap().len() > data::message::BODY_MAX - 4_096 {
        text.pop();
    }
    // What travels is escaped, so that it takes more.
    let taken = loop {
        match alice.publish("long", Kind::Data, &text).acknowledged().await {
            Ok(told) => break told,
            Err(Error::Data(data::Error::TooLong { .. })) => {
                text.truncate(text.floor_char_boundary(text.len() * 9 / 10))
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(taken.acknowledged, [bob.key()]);
    assert_eq!(next(&mut all, "long message", Some).await.json::<String>().unwrap(), text);
    let plain = "x".repeat(data::message::BODY_MAX - 2);
    alice.publish("long", Kind::Data, &plain).acknowledged().await.unwrap();
    assert_eq!(next(&mut all, "longest message", Some).await.json::<String>().unwrap(), plain);
    let error = alice.publish("long", Kind::Data, &format!("{plain}x")).await.unwrap_err();
    assert!(matches!(error, Error::Data(data::Error::TooLong { .. })), "{error}");
}

#[tokio::test]
async fn what_cannot_be_said_is_refused_here() {
    let [alice, _bob] = two().await;
    for topic in ["", "a//b", "a b", "a/+", "#", "a\nb", &"x".repeat(129)] {
        let error = alice.publish(topic, Kind::Data, &1).await.unwrap_err();
        assert!(matches!(error, Error::Topic(_)), "{topic:?}: {error}");
    }
    assert!(matches!(alice.subscribe("a/#/b"), Err(Error::Topic(_))));
    // JSON has no keys but texts.
    let error = alice.publish("a", Kind::Data, &BTreeMap::from([((1, 2), 3)])).await.unwrap_err();
    assert!(matches!(error, Error::Json(_)), "{error}");
}

#[tokio::test]
async fn who_reads_slowly_is_told_what_it_missed() {
    let [alice] = started([builder("alice", free_port())]).await;
    let mut own = alice.events();
    for count in 0..3_000 {
        alice.publish("many", Kind::Data, &count).await.unwrap();
    }
    let newest = next(&mut own, "newest message", |event| match event {
        Event::Message(message) => (message.json::<i32>().unwrap() == 2_999).then_some(()),
        _ => None,
    });
    newest.await;
    assert!(own.missed() > 0);
}

#[tokio::test]
async fn who_says_much_waits_and_all_of_it_is_heard() {
    let [alice, bob] = two().await;
    let mut heard = bob.subscribe("many").unwrap();
    let count = 400;
    for number in 0..count {
        alice.publish("many", Kind::Data, &number).await.unwrap();
    }
    for number in 0..count {
        next(&mut heard, "message", |message| (message.json::<i32>().unwrap() == number).then_some(())).await;
    }
}

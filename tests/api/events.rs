//! The stream of events: what it tells, and how it goes on where it ended.

use lsnp::web::{EventObject, EventQuery, Events, LineObject, SentObject};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::openapi::check;
use crate::world::{PATIENCE, Peer, pair, until};

/// The first event that `find` takes; all of them are as they are described.
async fn event<T>(events: &mut Events, what: &str, mut find: impl FnMut(EventObject) -> Option<T>) -> T {
    let search = async {
        loop {
            let event = events.next().await.unwrap().expect("the stream ended");
            let schema = match &event {
                EventObject::Line(_) => "LineObject",
                EventObject::Peer(_) => "PeerObject",
                EventObject::Mark(_) => "SentObject",
                EventObject::News(_) => "NewsObject",
            };
            check(schema, &serde_json::to_value(&event).unwrap());
            if let Some(found) = find(event) {
                return found;
            }
        }
    };
    timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("no {what}"))
}

async fn line(events: &mut Events, text: &str) -> LineObject {
    event(events, text, |event| match event {
        EventObject::Line(line) if line.text == text => Some(*line),
        _ => None,
    })
    .await
}

async fn watch(peer: &Peer) -> Events {
    peer.client.events(&EventQuery::default()).await.unwrap()
}

fn mark(event: EventObject) -> Option<SentObject> {
    match event {
        EventObject::Mark(sent) => Some(*sent),
        _ => None,
    }
}

#[tokio::test]
async fn what_comes_is_told_and_what_became_of_what_went() {
    let (alice, bob) = pair().await;
    let (mut of_alice, mut of_bob) = (watch(&alice).await, watch(&bob).await);
    let sent = alice.client.dm("bob", "two\nlines, \u{9b}2J and \u{202e}turned").await.unwrap();
    assert_eq!(sent.private, Some(true));
    let dm = line(&mut of_bob, "two\nlines, \u{9b}2J and \u{202e}turned").await;
    assert_eq!((dm.kind.as_str(), dm.private, &dm.message), ("dm", Some(true), &sent.message));
    assert_eq!(dm.with.unwrap().name, "alice");
    assert!(dm.row.is_some() && !dm.ours && !dm.read && !dm.late);

    let stored = event(&mut of_alice, "mark", |event| mark(event).filter(|sent| sent.mark == "stored")).await;
    assert_eq!(stored.message, sent.message);
    assert_eq!(stored.to.unwrap().name, "bob");
    assert_eq!(alice.client.message(&sent.message).await.unwrap().mark, "stored");

    alice.client.post("hello all").await.unwrap();
    assert_eq!(line(&mut of_bob, "hello all").await.kind, "post");

    alice.client.set_profile(Some("Alice A."), None).await.unwrap();
    let peer = event(&mut of_bob, "profile", |event| match event {
        EventObject::Peer(peer) if peer.what.as_deref() == Some("profile") => Some(peer),
        _ => None,
    });
    assert_eq!(peer.await.name, "Alice A.");
    alice.context.handle.leave().await;
    let left = event(&mut of_bob, "goodbye", |event| match event {
        EventObject::Peer(peer) => (peer.what.as_deref() == Some("left")).then_some(peer),
        _ => None,
    });
    assert_eq!(left.await.presence, "live");
    let end = timeout(PATIENCE, async { while of_alice.next().await.unwrap().is_some() {} });
    end.await.expect("the stream ends with the peer");
}

#[tokio::test]
async fn nothing_is_printed_raw() {
    let (alice, bob) = pair().await;
    let mut stream = bob.connect().await;
    stream.write_all(bob.request("GET /api/events", &[], "").as_bytes()).await.unwrap();
    until(&mut stream, ": open").await;
    alice.client.post("a \u{9b}2J \u{202e}b \u{2028} end").await.unwrap();
    let seen = until(&mut stream, "\"late\"").await;
    assert!(seen.contains(r"a \u009b2J \u202eb \u2028 end"), "{seen}");
}

#[tokio::test]
async fn a_stream_goes_on_where_it_ended() {
    let (alice, bob) = pair().await;
    let mut first = watch(&bob).await;
    for text in ["one", "two", "three"] {
        alice.client.post(text).await.unwrap();
    }
    line(&mut first, "one").await;
    let last = first.last();
    drop(first);
    alice.client.post("four").await.unwrap();

    let mut second = bob.client.events(&EventQuery { since: last, ..EventQuery::default() }).await.unwrap();
    let mut texts = Vec::new();
    while texts.len() < 3 {
        let text = event(&mut second, "post", |event| match event {
            EventObject::Line(line) => Some(line.text),
            EventObject::News(news) => panic!("{news:?}"),
            _ => None,
        });
        texts.push(text.await);
    }
    assert_eq!(texts, ["two", "three", "four"]);

    // The header does the same.
    let mut stream = bob.connect().await;
    let head = [("Last-Event-ID", last.unwrap().to_string())];
    let head = head.each_ref().map(|(name, value)| (*name, value.as_str()));
    stream.write_all(bob.request("GET /api/events", &head, "").as_bytes()).await.unwrap();
    let seen = until(&mut stream, "four").await;
    assert!(seen.contains(r#""text":"two""#) && !seen.contains(r#""text":"one""#), "{seen}");
}

#[tokio::test]
async fn a_stream_that_cannot_go_on_says_so() {
    let (_alice, bob) = pair().await;
    for since in [0, 1, u64::MAX] {
        let mut events = bob.client.events(&EventQuery { since: Some(since), from: None }).await.unwrap();
        let reload = timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap();
        assert!(matches!(&reload, EventObject::News(news) if news.kind == "reload"), "{since}: {reload:?}");
        // And it goes on from there.
        let again = EventQuery { since: events.last(), from: None };
        let mut again = bob.client.events(&again).await.unwrap();
        let news = timeout(std::time::Duration::from_millis(50), again.next()).await;
        assert!(!matches!(news, Ok(Ok(Some(EventObject::News(_))))), "{news:?}");
    }
}

#[tokio::test]
async fn a_stream_can_be_about_one_only() {
    let (alice, bob) = pair().await;
    let carol = crate::world::start("carol", alice.discovery).await;
    crate::world::meet(&carol, "bob").await;
    crate::world::meet(&bob, "carol").await;
    let mut of_carol = bob.client.events(&EventQuery { from: Some("carol".into()), since: None }).await.unwrap();
    let mut all = watch(&bob).await;
    alice.client.post("from alice").await.unwrap();
    line(&mut all, "from alice").await;
    carol.client.post("from carol").await.unwrap();
    event(&mut of_carol, "post of carol", |event| match event {
        EventObject::Line(line) => {
            assert_eq!(line.text, "from carol");
            Some(())
        }
        _ => None,
    })
    .await;
}

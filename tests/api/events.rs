//! The stream of events: what it tells, and how it goes on where it ended.

use lsnp::engine::{Command, Whom};
use lsnp::web::{EventObject, EventQuery, Events, ForgetRequest, HistoryQuery, LineObject, SentObject};
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
                EventObject::List(_) => "ListObject",
                EventObject::Progress(_) => "ProgressObject",
                EventObject::Cache(_) => "CacheObject",
                EventObject::Message(_) => "MessageObject",
                EventObject::Call(_) => "CallObject",
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
        let mut events = bob.client.events(&EventQuery { since: Some(since), ..EventQuery::default() }).await.unwrap();
        let reload = timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap();
        assert!(matches!(&reload, EventObject::News(news) if news.kind == "reload"), "{since}: {reload:?}");
        // And it goes on from there.
        let again = EventQuery { since: events.last(), ..EventQuery::default() };
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
    let mut of_carol =
        bob.client.events(&EventQuery { from: Some("carol".into()), ..EventQuery::default() }).await.unwrap();
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

/// The lines of this stream up to the one with this text, as `kind ours text`.
async fn until_line(events: &mut Events, last: &str) -> Vec<LineObject> {
    let mut lines: Vec<LineObject> = Vec::new();
    while lines.last().is_none_or(|line| line.text != last) {
        lines.push(
            event(events, last, |event| match event {
                EventObject::Line(line) => Some(*line),
                EventObject::News(news) if news.kind == "reload" => panic!("something is missing"),
                _ => None,
            })
            .await,
        );
    }
    lines
}

#[tokio::test]
async fn what_we_say_is_told_once_whoever_says_it() {
    let (alice, bob) = pair().await;
    let mut stream = watch(&alice).await;
    let dm = alice.client.dm("bob", "by the API").await.unwrap();
    let post = alice.client.post("to all").await.unwrap();
    // As the prompt does it.
    let to = alice.context.handle.peers().snapshot().remove(0).id();
    let said = Command::Dm { to: Whom::Peer(to), text: "by the prompt".into() };
    alice.context.handle.command(said).await.unwrap();
    alice.context.handle.command(Command::Post { text: "to all by the prompt".into() }).await.unwrap();
    bob.client.dm("alice", "an answer").await.unwrap();
    alice.client.post("the end").await.unwrap();
    let mut seen = until_line(&mut stream, "the end").await;
    // What comes in has an order of its own.
    let answer = match seen.iter().position(|line| !line.ours) {
        Some(at) => seen.remove(at),
        None => line(&mut stream, "an answer").await,
    };
    assert_eq!((answer.text.as_str(), answer.read), ("an answer", false));
    let told: Vec<_> = seen.iter().map(|line| (line.kind.as_str(), line.text.as_str())).collect();
    let all = [
        ("dm", "by the API"),
        ("post", "to all"),
        ("dm", "by the prompt"),
        ("post", "to all by the prompt"),
        ("post", "the end"),
    ];
    assert_eq!(told, all);
    assert_eq!((&seen[0].message, &seen[1].message), (&dm.message, &post.message));
    assert!(seen.iter().all(|line| line.ours && line.read && !line.late));
    assert_eq!((seen[0].mark.as_deref(), seen[0].private), (Some("waiting"), Some(true)));
    assert_eq!(seen[0].with.as_ref().unwrap().name, "bob");
    assert!(seen[1].with.is_none() && seen[1].mark.is_none() && seen[1].private.is_none());
    // They are the lines of the history.
    let kept = alice.client.history(&HistoryQuery::default()).await.unwrap();
    for line in &seen {
        let same = kept.iter().find(|kept| kept.row == line.row).unwrap();
        assert_eq!((&same.text, &same.message, &same.stamp, same.ours), (&line.text, &line.message, &line.stamp, true));
    }
}

#[tokio::test]
async fn what_we_say_is_told_before_what_became_of_it() {
    let (alice, _bob) = pair().await;
    let mut stream = watch(&alice).await;
    let sent = alice.client.dm("bob", "hello").await.unwrap();
    let mut told = false;
    let stored = event(&mut stream, "mark", |event| match event {
        EventObject::Line(line) => {
            assert!(!told && line.message == sent.message);
            told = true;
            None
        }
        EventObject::Mark(mark) if mark.message == sent.message => {
            assert!(told, "{mark:?} comes first");
            (mark.mark == "stored").then_some(())
        }
        _ => None,
    });
    stored.await;
}

#[tokio::test]
async fn a_stream_goes_on_with_what_we_said_meanwhile() {
    let (alice, _bob) = pair().await;
    let mut first = watch(&alice).await;
    alice.client.post("one").await.unwrap();
    line(&mut first, "one").await;
    let last = first.last();
    drop(first);
    alice.client.post("two").await.unwrap();
    alice.client.dm("bob", "three").await.unwrap();
    let mut second = alice.client.events(&EventQuery { since: last, ..EventQuery::default() }).await.unwrap();
    let texts: Vec<String> = until_line(&mut second, "three").await.into_iter().map(|line| line.text).collect();
    assert_eq!(texts, ["two", "three"]);
}

#[tokio::test]
async fn what_is_refused_is_not_told() {
    // Few at once, and then one in a long time.
    let mut slow = crate::world::options("alice", crate::world::free_port());
    slow.config.limits.own_rate = (1, 4);
    let alice = crate::world::start_with(slow).await;
    let _bob = crate::world::start("bob", alice.discovery).await;
    crate::world::meet(&alice, "bob").await;
    let mut stream = watch(&alice).await;
    let (mut taken, mut refused) = (Vec::new(), 0);
    for number in 0..100 {
        let text = number.to_string();
        match alice.client.post(&text).await {
            Ok(_) => taken.push(text),
            Err(_) => refused += 1,
        }
        if refused == 3 {
            break;
        }
    }
    assert_eq!(refused, 3);
    let last = taken.last().unwrap().clone();
    let told: Vec<String> = until_line(&mut stream, &last).await.into_iter().map(|line| line.text).collect();
    assert_eq!(told, taken);
}

#[tokio::test]
async fn a_stream_about_one_has_what_we_say_to_that_one_only() {
    let (alice, bob) = pair().await;
    let carol = crate::world::start("carol", alice.discovery).await;
    crate::world::meet(&carol, "alice").await;
    crate::world::meet(&alice, "carol").await;
    let query = EventQuery { from: Some("bob".into()), ..EventQuery::default() };
    let mut of_bob = alice.client.events(&query).await.unwrap();
    alice.client.post("to all").await.unwrap();
    alice.client.dm("carol", "to carol").await.unwrap();
    alice.client.dm("bob", "to bob").await.unwrap();
    let seen = until_line(&mut of_bob, "to bob").await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    drop(bob);
}

#[tokio::test]
async fn what_is_read_and_forgotten_is_told_to_all_who_watch() {
    let (alice, bob) = pair().await;
    let mut stream = watch(&bob).await;
    alice.client.dm("bob", "one").await.unwrap();
    let row = line(&mut stream, "one").await.row.unwrap();
    let news = |kind: &'static str| {
        move |event: EventObject| match event {
            EventObject::News(news) if news.kind == kind => Some(news),
            _ => None,
        }
    };
    bob.client.read(&[row, row + 1_000]).await.unwrap();
    assert_eq!(event(&mut stream, "read", news("read")).await.rows, [row]);
    // Nothing changes a second time; another program of the same process is as good.
    bob.client.read(&[row]).await.unwrap();
    alice.client.dm("bob", "two").await.unwrap();
    let row = line(&mut stream, "two").await.row.unwrap();
    let history = bob.context.history.clone().unwrap();
    tokio::task::spawn_blocking(move || history.mark_read(&[lsnp::engine::RowId(row)])).await.unwrap().unwrap();
    assert_eq!(event(&mut stream, "read", news("read")).await.rows, [row]);
    bob.client.forget(&ForgetRequest { all: true, ..ForgetRequest::default() }).await.unwrap();
    event(&mut stream, "forgotten", news("forgotten")).await;
}

#[tokio::test]
async fn the_word_of_the_user_is_told_to_all_who_watch() {
    let (alice, bob) = pair().await;
    let mut stream = watch(&bob).await;
    let judged = |event: EventObject| match event {
        EventObject::Peer(peer) if peer.what.as_deref() == Some("judged") => Some(peer),
        _ => None,
    };
    bob.client.judge("alice", "block").await.unwrap();
    assert!(event(&mut stream, "block", judged).await.blocked);
    bob.client.judge("alice", "unblock").await.unwrap();
    assert!(!event(&mut stream, "unblock", judged).await.blocked);
    // As the prompt does it, also of somebody who is gone.
    alice.context.handle.leave().await;
    let left = |event: EventObject| match event {
        EventObject::Peer(peer) => (peer.what.as_deref() == Some("left")).then_some(peer),
        _ => None,
    };
    let key = lsnp::wire::PublicKey::parse(&event(&mut stream, "goodbye", left).await.key.unwrap()).unwrap();
    let judge = Command::Judge { whom: Whom::Key(key), word: lsnp::engine::Word::Verify };
    bob.context.handle.command(judge).await.unwrap();
    let verified = event(&mut stream, "verify", judged).await;
    assert_eq!((verified.trust.as_str(), verified.presence.as_str(), &*verified.name), ("verified", "away", "alice"));
}

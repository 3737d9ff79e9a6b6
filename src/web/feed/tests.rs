use http_body_util::BodyExt;

use super::*;
use crate::web::{NewsObject, PersonObject, SCHEMA};

fn feed() -> Arc<Feed> {
    Arc::new(Feed::new(Part::People))
}

fn caught_up(posts: usize) -> EventObject {
    EventObject::News(NewsObject {
        v: SCHEMA,
        kind: "caught-up".to_owned(),
        rows: Vec::new(),
        posts: Some(posts),
        id: None,
    })
}

fn sent(message: &str, mark: &str) -> SentObject {
    SentObject {
        v: SCHEMA,
        kind: "mark".to_owned(),
        message: message.to_owned(),
        to: Some(PersonObject { id: "b@c".into(), name: "b".into(), key: None, trust: "unverified".into() }),
        peers: None,
        without: Vec::new(),
        private: None,
        mark: mark.to_owned(),
        reason: None,
    }
}

fn of(events: broadcast::Receiver<Event>) -> Sources {
    Sources { events, changes: None, data: None }
}

/// What a reader that had all before `next` gets now.
fn read(feed: &Feed, from: Option<About>, next: u64) -> Vec<String> {
    let frames = feed.ring().after(&mut Reader { from, next });
    frames.iter().map(|frame| String::from_utf8(frame.to_vec()).unwrap()).collect()
}

#[test]
fn a_reader_gets_what_came_after_and_nothing_twice() {
    let feed = feed();
    let first = feed.ring().next;
    (0..3).for_each(|posts| feed.push(&caught_up(posts), None));
    let all = read(&feed, None, first);
    assert_eq!(all.len(), 3);
    assert!(all[0].starts_with(&format!("id: {first}\nevent: caught-up\ndata: {{")) && all[0].ends_with("}\n\n"));
    assert!(all[2].contains(r#""posts":2"#));
    assert_eq!(read(&feed, None, first + 2), all[2..]);
    assert!(read(&feed, None, first + 3).is_empty());
}

#[test]
fn a_reader_that_is_too_far_behind_has_to_read_anew() {
    let feed = feed();
    let first = feed.ring().next;
    (0..EVENTS).for_each(|posts| feed.push(&caught_up(posts), None));
    assert_eq!(read(&feed, None, first).len(), EVENTS, "the longest that is kept");
    feed.push(&caught_up(EVENTS), None);
    for missed in [0, first - 1, first, first + EVENTS as u64 + 2, u64::MAX] {
        let reload = read(&feed, None, missed);
        assert_eq!(reload.len(), 1, "{missed}");
        assert!(
            reload[0].contains("event: reload") && reload[0].starts_with(&format!("id: {}\n", first + EVENTS as u64))
        );
    }
    assert_eq!(read(&feed, None, first + 1).len(), EVENTS);
}

#[test]
fn long_texts_do_not_add_up() {
    let feed = feed();
    let long = "x".repeat(64 << 10);
    for _ in 0..100 {
        feed.push(&EventObject::Mark(Box::new(sent(&long, "sent"))), None);
    }
    let ring = feed.ring();
    let bytes: usize = ring.items.iter().map(|item| item.frame.len()).sum();
    assert!(bytes == ring.bytes && bytes <= BYTES && ring.items.len() > 10, "{bytes}");
}

#[test]
fn a_gap_is_told_to_everybody_but_those_who_come_after() {
    let feed = feed();
    let first = feed.ring().next;
    feed.push(&caught_up(1), None);
    feed.gap();
    for behind in [first, first + 1] {
        assert!(read(&feed, None, behind)[0].contains("event: reload"), "{behind}");
    }
    let next = feed.ring().next;
    assert!(read(&feed, None, next).is_empty());
    feed.push(&caught_up(2), None);
    assert_eq!(read(&feed, None, next).len(), 1);
}

#[test]
fn a_reader_of_one_gets_what_is_about_that_one_or_nobody() {
    let feed = feed();
    let first = feed.ring().next;
    let (key, other) = (About::Key(PublicKey([1; 32])), About::Key(PublicKey([2; 32])));
    let label = About::Label("b@c".into());
    for about in [Some(key.clone()), Some(other), Some(label.clone()), None] {
        feed.push(&caught_up(1), about);
    }
    assert_eq!(read(&feed, Some(key), first).len(), 2);
    assert_eq!(read(&feed, Some(label), first).len(), 2);
    assert_eq!(read(&feed, None, first).len(), 4);
}

#[test]
fn a_mark_that_came_before_the_answer_is_not_lost() {
    let feed = feed();
    feed.push(&EventObject::Mark(Box::new(sent("1", "stored"))), None);
    assert_eq!(feed.sent(&SentObject { kind: "sent".to_owned(), ..sent("1", "sent") }).mark, "stored");
    let known = feed.message("1").unwrap();
    assert_eq!((known.kind.as_str(), known.mark.as_str()), ("sent", "stored"));

    feed.sent(&sent("2", "sent"));
    feed.push(&EventObject::Mark(Box::new(sent("2", "received"))), None);
    assert_eq!(feed.message("2").unwrap().mark, "received");
    for number in 3..SENT + 3 {
        feed.sent(&sent(&number.to_string(), "sent"));
    }
    assert!(feed.message("1").is_none() && feed.message("2").is_none() && feed.message("3").is_some());
    let ring = feed.ring();
    assert_eq!((ring.sent.len(), ring.order.len()), (SENT, SENT));
}

#[test]
fn what_we_say_to_everyone_is_about_nobody_else() {
    let feed = feed();
    let first = feed.ring().next;
    feed.push(&caught_up(1), Some(About::Us));
    assert!(read(&feed, Some(About::Label("b@c".into())), first).is_empty());
    assert_eq!(read(&feed, None, first).len(), 1);
}

#[tokio::test]
async fn a_crowd_that_comes_at_once_is_read_anew_and_nothing_after_it_is_lost() {
    let feed = feed();
    let (events, receiver) = broadcast::channel(4_096);
    let mut body = feed.read(None, None, None);
    // The reader is in no hurry: the stream is open, and more has come than is kept.
    (0..2_000).for_each(|posts| feed.push(&caught_up(posts), None));
    let read = async {
        let mut seen = String::new();
        while !seen.contains(r#""posts":9999"#) {
            let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
            seen.push_str(std::str::from_utf8(&frame).unwrap());
        }
        seen
    };
    let here = Here { birth: Instant::BIRTH, unix: unix_now(), links: watch::channel(Arc::default()).1 };
    let listening = tokio::spawn(listen(Arc::downgrade(&feed), of(receiver), here, async { Names::none() }));
    events.send(Event::CaughtUp { posts: 9_999 }).unwrap();
    let seen = tokio::time::timeout(Duration::from_secs(20), read).await.unwrap();
    assert_eq!(seen.matches("event: reload").count(), 1);
    drop(events);
    listening.await.unwrap();
}

#[tokio::test]
async fn what_the_peer_told_too_fast_is_a_gap() {
    let feed = feed();
    let (events, receiver) = broadcast::channel(2);
    (0..5).for_each(|posts| drop(events.send(Event::CaughtUp { posts })));
    let here = Here { birth: Instant::BIRTH, unix: unix_now(), links: watch::channel(Arc::default()).1 };
    let mut body = feed.read(None, None, None);
    drop(events);
    listen(Arc::downgrade(&feed), of(receiver), here, async { Names::none() }).await;
    let mut seen = String::new();
    while let Some(frame) = body.frame().await {
        seen.push_str(std::str::from_utf8(&frame.unwrap().into_data().unwrap()).unwrap());
    }
    assert!(seen.contains("event: reload") && !seen.contains("event: caught-up"), "{seen}");
}

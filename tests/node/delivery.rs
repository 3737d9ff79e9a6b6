//! Messages that arrive once, marks that are true, and what a restart, an absent peer or a bad disk changes about it.

use lsnp::engine::{Command, Event, Mark, Reply, Until};
use lsnp::node::{Node, Notice};
use tokio::time::timeout;

use super::people::{Person, dm, key, leaves, marked, told, two};
use super::world::{PATIENCE, event, free_port, meet};

#[tokio::test]
async fn a_dm_is_on_the_disk_before_it_is_told_and_marked() {
    let ([alices, bobs], [mut alice, mut bob]) = two().await;
    let to = key(&bob).await;
    for text in ["a letter", "in the session", "again"] {
        dm(&alice, to, text).await;
        let (said, row) = told(&mut bob).await;
        assert_eq!(said, text);
        let at = usize::try_from(row.expect("it is kept").0).unwrap();
        assert_eq!(bobs.disk.rows().entries[at - 1].text, text);
        assert_eq!(marked(&mut alice, text, Mark::Stored).await, [], "one ACK, after the commit");
    }
    alice.handle.leave().await;
    assert_eq!(alices.disk.rows().mark_of("again"), Some(Mark::Stored), "written before the end");
}

#[tokio::test]
async fn a_slow_disk_is_told_of_as_it_is() {
    let ([_, bobs], [mut alice, mut bob]) = two().await;
    let to = key(&bob).await;
    bobs.disk.hold();
    dm(&alice, to, "slow").await;
    marked(&mut alice, "slow", Mark::Received).await;
    bobs.disk.release();
    assert!(told(&mut bob).await.1.is_some());
    marked(&mut alice, "slow", Mark::Stored).await;

    bobs.disk.hold();
    dm(&alice, to, "stuck").await;
    assert_eq!(told(&mut bob).await, ("stuck".to_owned(), None), "it is told all the same");
    bobs.disk.release();
    marked(&mut alice, "stuck", Mark::Stored).await;
    dm(&alice, to, "next").await;
    assert_eq!(told(&mut bob).await.0, "next", "nothing is told twice");
}

#[tokio::test]
async fn a_full_ledger_stops_nobody_and_promises_nothing() {
    let port = free_port();
    let [alices, bobs] = ["alice", "bob"].map(|name| Person::new(name, port));
    let mut alice = alices.start();
    let mut bob = Node::start_with(bobs.options(), bobs.disk.ledger_for(1)).unwrap();
    meet(&mut alice, "bob").await;
    meet(&mut bob, "alice").await;
    let to = key(&bob).await;
    bobs.disk.hold();
    // One is being written, one waits, and for the others there is no room.
    for number in 0..6 {
        dm(&alice, to, &format!("{number}")).await;
        marked(&mut alice, &number.to_string(), Mark::Received).await;
    }
    let mut all = Vec::new();
    while all.len() < 6 {
        all.push(told(&mut bob).await);
    }
    assert!(all.iter().all(|(_, row)| row.is_none()), "{all:?}");
    all.sort();
    assert_eq!(all.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>(), ["0", "1", "2", "3", "4", "5"]);
    bobs.disk.release();
    marked(&mut alice, "0", Mark::Stored).await;
    dm(&alice, to, "room").await;
    assert!(told(&mut bob).await.1.is_some());
    let kept = bobs.disk.rows();
    let kept = |text: &str| kept.count(text);
    assert_eq!([kept("0"), kept("5"), kept("room")], [1, 0, 1]);
}

#[tokio::test]
async fn a_ledger_that_ends_is_told_of_and_the_peer_goes_on() {
    let ([_, bobs], [mut alice, mut bob]) = two().await;
    let to = key(&bob).await;
    bobs.disk.fail();
    for text in ["one", "two"] {
        dm(&alice, to, text).await;
        assert_eq!(told(&mut bob).await, (text.to_owned(), None));
        marked(&mut alice, text, Mark::Received).await;
    }
    loop {
        let notice = timeout(PATIENCE, bob.notices.recv()).await.expect("no notice").unwrap();
        if let Notice::History { line } = notice {
            assert!(line.contains("stopped"), "{line}");
            return bob.handle.leave().await;
        }
    }
}

#[tokio::test]
async fn what_was_kept_and_not_acknowledged_is_not_told_twice() {
    let ([_, bobs], [mut alice, bob]) = two().await;
    let to = key(&bob).await;
    bobs.disk.hold();
    dm(&alice, to, "once").await;
    marked(&mut alice, "once", Mark::Received).await;
    bobs.disk.until("the DM", |rows| rows.count("once") == 1).await;
    // As if it was killed between the commit and the ACK: what it hears after its goodbye is of no use any more.
    tokio::join!(bob.handle.leave(), async {
        event(&mut alice, "goodbye", |event| matches!(event, Event::Left(_)).then_some(())).await;
        bobs.disk.release();
    });

    let mut bob = bobs.start();
    marked(&mut alice, "once", Mark::Stored).await;
    dm(&alice, to, "twice").await;
    assert_eq!(told(&mut bob).await.0, "twice");
    assert_eq!(bobs.disk.rows().count("once"), 1);
}

#[tokio::test]
async fn a_dm_to_somebody_away_is_delivered_at_its_next_start() {
    let ([_, bobs], [mut alice, bob]) = two().await;
    let to = key(&bob).await;
    leaves(bob, &mut alice).await;
    let reply = dm(&alice, to, "for later").await;
    assert!(matches!(reply, Reply::Waiting { until: Until::Away, .. }), "{reply:?}");
    let mut bob = bobs.start();
    assert_eq!(told(&mut bob).await.0, "for later");
    marked(&mut alice, "for later", Mark::Stored).await;
}

#[tokio::test]
async fn what_waits_survives_a_restart_of_its_author() {
    let ([alices, bobs], [mut alice, bob]) = two().await;
    let to = key(&bob).await;
    leaves(bob, &mut alice).await;
    for text in ["first", "second", "third"] {
        dm(&alice, to, text).await;
    }
    alice.handle.leave().await;
    assert_eq!(alices.disk.rows().mark_of("third"), Some(Mark::Waiting));

    let (mut alice, mut bob) = (alices.start(), bobs.start());
    for text in ["first", "second", "third"] {
        assert_eq!(told(&mut bob).await.0, text);
    }
    marked(&mut alice, "third", Mark::Stored).await;
    alice.handle.leave().await;
    let left = alices.disk.rows();
    assert!(["first", "second", "third"].iter().all(|text| left.mark_of(text) == Some(Mark::Stored)));
}

#[tokio::test]
async fn posts_that_were_missed_are_caught_up_in_their_order() {
    let ([_, bobs], [mut alice, bob]) = two().await;
    leaves(bob, &mut alice).await;
    let posts: Vec<String> = (0..20).map(|number| format!("post {number}")).collect();
    for post in &posts {
        alice.handle.command(Command::Post { text: post.clone() }).await.unwrap();
    }
    let mut bob = bobs.start();
    let mut got = Vec::new();
    let caught_up = event(&mut bob, "catching up", |event| match event {
        Event::Post { text, told, .. } => {
            assert!(told.late && told.row.is_some(), "{told:?}");
            got.push(text.raw().to_owned());
            None
        }
        Event::CaughtUp { posts } => Some(posts),
        _ => None,
    });
    assert_eq!(caught_up.await, 20);
    assert_eq!(got, posts);
    bob.handle.leave().await;

    // What is on the disk is not fetched again.
    event(&mut alice, "goodbye", |event| matches!(event, Event::Left(_)).then_some(())).await;
    let mut bob = bobs.start();
    alice.handle.command(Command::Post { text: "last".to_owned() }).await.unwrap();
    let next = event(&mut bob, "POST", |event| match event {
        Event::Post { text, .. } => Some(text.raw().to_owned()),
        _ => None,
    });
    assert_eq!(next.await, "last");
    assert_eq!(bobs.disk.rows().count("post 7"), 1);
}

#[tokio::test]
async fn sixty_four_kibibytes_travel_whole() {
    let (_, [mut alice, mut bob]) = two().await;
    let to = key(&bob).await;
    let line = |number: usize| format!("line {number} of a long text, \u{e4} \u{1f30d}\n");
    let mut text: String = (0..2_000).map(line).collect();
    while text.len() > 65_536 {
        text.pop();
    }
    text.push_str(&"x".repeat(65_536 - text.len()));
    dm(&alice, to, &text).await;
    assert!(told(&mut bob).await.0 == text, "another text");
    marked(&mut alice, &text, Mark::Stored).await;
    alice.handle.command(Command::Post { text: text.clone() }).await.unwrap();
    let post = event(&mut bob, "POST", |event| match event {
        Event::Post { text, .. } => Some(text.raw().to_owned()),
        _ => None,
    });
    assert!(post.await == text, "another text");
}

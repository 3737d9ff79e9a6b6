//! Peers with the history of the program: in SQLite, on a real disk.

use lsnp::crypto::KeyPair;
use lsnp::engine::{Command, Crypto, Event, Mark, Reply, Until};
use lsnp::node::{Node, unix_now};
use lsnp::store::{self, Forget, History, Keep, Line, Query};

use super::people::{Person, dm, key, leaves, marked, told};
use super::world::{event, free_port, meet};

/// Starts the peer of this person with the history in its folder.
fn start(person: &Person) -> (Node, History) {
    let me = KeyPair::new(&person.keys.identity).public_key();
    let opened = store::open(&person.folder(), Some(me), Keep::default(), unix_now().as_secs()).unwrap();
    assert!(opened.notices.is_empty(), "{:?}", opened.notices);
    (Node::start_with(person.options(), opened.ledger).unwrap(), opened.history)
}

async fn two() -> ([Person; 2], [(Node, History); 2]) {
    let port = free_port();
    let people = ["alice", "bob"].map(|name| Person::new(name, port));
    let [mut alice, mut bob] = [start(&people[0]), start(&people[1])];
    meet(&mut alice.0, "bob").await;
    meet(&mut bob.0, "alice").await;
    (people, [alice, bob])
}

async fn lines(history: &History) -> Vec<Line> {
    let history = history.clone();
    tokio::task::spawn_blocking(move || history.lines(&Query::default())).await.unwrap().unwrap()
}

fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn what_was_said_is_there_after_a_restart() {
    let (people, [(mut alice, of_alice), (mut bob, of_bob)]) = two().await;
    let to = key(&bob).await;
    for text in ["one", "two\nlines"] {
        dm(&alice, to, text).await;
        let (said, row) = told(&mut bob).await;
        assert_eq!(said, text);
        assert!(row.is_some());
        marked(&mut alice, text, Mark::Stored).await;
    }
    alice.handle.command(Command::Post { text: "to all".to_owned() }).await.unwrap();
    event(&mut bob, "POST", |event| matches!(event, Event::Post { told, .. } if told.row.is_some()).then_some(()))
        .await;
    alice.handle.leave().await;
    bob.handle.leave().await;
    drop((of_alice, of_bob));

    let ((alice, of_alice), (bob, of_bob)) = (start(&people[0]), start(&people[1]));
    let (hers, his) = (lines(&of_alice).await, lines(&of_bob).await);
    assert_eq!(texts(&hers), ["one", "two\nlines", "to all"]);
    assert_eq!(texts(&his), texts(&hers));
    assert!(hers.iter().all(|line| line.ours) && his.iter().all(|line| !line.ours && !line.read));
    assert_eq!(hers.iter().map(|line| line.mark).collect::<Vec<_>>(), [Some(Mark::Stored), Some(Mark::Stored), None]);
    drop((alice, bob));
}

#[tokio::test]
async fn what_waits_is_in_the_history_and_goes_on_waiting() {
    let (people, [(mut alice, _), (bob, _)]) = two().await;
    let to = key(&bob).await;
    leaves(bob, &mut alice).await;
    for text in ["first", "second"] {
        let reply = dm(&alice, to, text).await;
        assert!(matches!(reply, Reply::Waiting { until: Until::Away, .. }), "{reply:?}");
    }
    alice.handle.leave().await;

    let ((mut alice, of_alice), (mut bob, _of_bob)) = (start(&people[0]), start(&people[1]));
    for text in ["first", "second"] {
        assert_eq!(told(&mut bob).await.0, text);
    }
    marked(&mut alice, "second", Mark::Stored).await;
    alice.handle.leave().await;
    assert!(lines(&of_alice).await.iter().all(|line| line.mark == Some(Mark::Stored)));
}

#[tokio::test]
async fn what_the_user_had_forgotten_does_not_come_back() {
    let (people, [(mut alice, _), (mut bob, of_bob)]) = two().await;
    alice.handle.command(Command::Post { text: "forget this".to_owned() }).await.unwrap();
    event(&mut bob, "POST", |event| matches!(event, Event::Post { .. }).then_some(())).await;
    let forgotten = tokio::task::spawn_blocking(move || of_bob.forget(&Forget::Everything)).await.unwrap().unwrap();
    assert_eq!((forgotten.lines, forgotten.posts.len()), (1, 1));
    bob.handle.command(Command::Forget { posts: forgotten.posts, with: None }).await.unwrap();
    leaves(bob, &mut alice).await;
    for text in ["missed", "missed too"] {
        alice.handle.command(Command::Post { text: text.to_owned() }).await.unwrap();
    }

    let (mut bob, of_bob) = start(&people[1]);
    for missed in ["missed", "missed too"] {
        let next = event(&mut bob, "POST", |event| match event {
            Event::Post { text, .. } => Some(text.raw().to_owned()),
            _ => None,
        });
        assert_eq!(next.await, missed);
    }
    bob.handle.leave().await;
    assert_eq!(texts(&lines(&of_bob).await), ["missed", "missed too"]);
}

//! The data space of real peers: on real sockets and a real disk, over restarts.

use std::sync::Arc;
use std::time::Duration;

use lsnp::data::board::{Command as BoardCommand, Progress, Reply as BoardReply};
use lsnp::data::cache::{Command as CacheCommand, Key, Place, Reply as CacheReply};
use lsnp::data::{Command, Error, Event, Reply, message};
use lsnp::engine::{Command as EngineCommand, Whom, Word};
use lsnp::node::Node;
use lsnp::store;
use tokio::sync::broadcast;
use tokio::time::timeout;

use super::people::{Person, key};
use super::world::{PATIENCE, free_port, meet};

/// Starts the peer of this person with all that it keeps.
fn start(person: &Person) -> Node {
    let opened = store::open_data(&person.folder()).unwrap();
    assert_eq!(opened.notices, Vec::<String>::new());
    Node::start_keeping(person.options(), None, Some(opened.stock)).unwrap()
}

async fn two() -> ([Person; 2], [Node; 2]) {
    let port = free_port();
    let people = ["alice", "bob"].map(|name| Person::new(name, port));
    let [mut alice, mut bob] = [start(&people[0]), start(&people[1])];
    meet(&mut alice, "bob").await;
    meet(&mut bob, "alice").await;
    (people, [alice, bob])
}

async fn does(node: &Node, command: Command) -> Result<Reply, Error> {
    timeout(PATIENCE, node.handle.data(command)).await.expect("it is not done")
}

async fn told<T>(events: &mut broadcast::Receiver<Event>, mut find: impl FnMut(Event) -> Option<T>) -> T {
    let search = async {
        loop {
            if let Some(found) = find(events.recv().await.unwrap()) {
                return found;
            }
        }
    };
    timeout(PATIENCE, search).await.expect("nothing is told")
}

fn progress(lesson: &str) -> Progress {
    Progress { user: "fatuma".into(), lesson: lesson.into(), status: "completed".into(), at: 7 }
}

async fn lessons(node: &Node) -> Vec<String> {
    match does(node, Command::Board(BoardCommand::Board)).await.unwrap() {
        Reply::Board(BoardReply::Board(entries)) => entries.into_iter().map(|entry| entry.progress.lesson).collect(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_board_is_the_same_and_survives_a_restart() {
    let (people, [alice, bob]) = two().await;
    let mut events = bob.handle.data_events();
    does(&alice, Command::Board(BoardCommand::Tell(progress("one")))).await.unwrap();
    told(&mut events, |event| matches!(event, Event::Board(_)).then_some(())).await;
    assert_eq!(lessons(&bob).await, ["one"]);
    bob.handle.leave().await;
    does(&alice, Command::Board(BoardCommand::Tell(progress("two")))).await.unwrap();
    alice.handle.leave().await;

    // Both from the disk; then he gets what he missed.
    let (alice, bob) = (start(&people[0]), start(&people[1]));
    assert_eq!(lessons(&alice).await, ["one", "two"]);
    let mut events = bob.handle.data_events();
    while lessons(&bob).await != ["one", "two"] {
        told(&mut events, |event| matches!(event, Event::Board(_)).then_some(())).await;
    }
}

#[cfg(feature = "shared")]
#[tokio::test]
async fn an_edit_arrives_and_is_there_after_a_restart_of_both() {
    use lsnp::data::list::{Command as ListCommand, Edit, Invitee, Reply as ListReply};

    let (people, [alice, bob]) = two().await;
    let mut events = bob.handle.data_events();
    let list = |command| Command::List(command);
    let name = || "party".to_owned();
    does(&alice, list(ListCommand::New { name: name() })).await.unwrap();
    let whom = Invitee::Key(key(&bob).await);
    does(&alice, list(ListCommand::Invite { list: name(), whom })).await.unwrap();
    told(&mut events, |event| matches!(event, Event::List(_)).then_some(())).await;
    does(&bob, list(ListCommand::Join { list: name() })).await.unwrap();
    let add = |text: &str| {
        let edit = Edit::Add { text: text.into(), at: None, fields: Default::default() };
        list(ListCommand::Edit { list: name(), edit })
    };
    let items = async |node: &Node| match does(node, list(ListCommand::Show { list: name() })).await {
        Ok(Reply::List(ListReply::Show(list))) => list.items.into_iter().map(|item| item.text).collect(),
        _ => Vec::<String>::new(),
    };
    for text in ["one", "two"] {
        does(&alice, add(text)).await.unwrap();
    }
    while items(&bob).await != ["one", "two"] {
        told(&mut events, |event| matches!(event, Event::List(_)).then_some(())).await;
    }
    alice.handle.leave().await;
    does(&bob, add("three")).await.unwrap();
    bob.handle.leave().await;

    let (alice, bob) = (start(&people[0]), start(&people[1]));
    assert_eq!(items(&bob).await, ["one", "two", "three"]);
    let mut events = alice.handle.data_events();
    while items(&alice).await != ["one", "two", "three"] {
        told(&mut events, |event| matches!(event, Event::List(_)).then_some(())).await;
    }
}

#[tokio::test]
async fn a_value_is_fetched_and_is_there_after_a_restart() {
    let (people, [alice, bob]) = two().await;
    for (node, other) in [(&alice, key(&bob).await), (&bob, key(&alice).await)] {
        let judge = EngineCommand::Judge { whom: Whom::Key(other), word: Word::Verify };
        node.handle.command(judge).await.unwrap();
    }
    let name = |name: &str| Key { namespace: "owner/repo".into(), name: name.into() };
    let sizes = if cfg!(feature = "streams") { vec![0, 1, 60_000, 1 << 20] } else { vec![0, 1, 60_000] };
    let value = |size: usize| Arc::<[u8]>::from((0..size).map(|at| (at % 251) as u8).collect::<Vec<_>>());
    for size in &sizes {
        let put = CacheCommand::Put { key: name(&size.to_string()), value: value(*size), ttl: Duration::from_secs(60) };
        does(&alice, Command::Cache(put)).await.unwrap();
    }
    let get = |size: usize| Command::Cache(CacheCommand::Get { key: name(&size.to_string()) });
    for size in &sizes {
        let found = match does(&bob, get(*size)).await.unwrap() {
            Reply::Cache(CacheReply::Found(found)) => found,
            other => panic!("{other:?}"),
        };
        assert!(found.value == value(*size) && found.place == Place::Peer(key(&alice).await), "{size}: {found:?}");
    }
    alice.handle.leave().await;
    bob.handle.leave().await;
    let bob = start(&people[1]);
    for size in &sizes {
        let found = does(&bob, get(*size)).await.unwrap();
        assert!(
            matches!(&found, Reply::Cache(CacheReply::Found(found)) if found.value == value(*size) && found.place == Place::Here)
        );
    }
    assert_eq!(does(&bob, Command::Cache(CacheCommand::Get { key: name("other") })).await, Err(Error::Miss));
}

#[tokio::test]
async fn a_call_comes_and_its_answer_goes_back() {
    let (_people, [alice, bob]) = two().await;
    let method = message::Topic::new("add").unwrap();
    let mut events = bob.handle.data_events();
    does(&bob, Command::Message(message::Command::Serve { method: method.clone() })).await.unwrap();
    let to = key(&bob).await;
    let body = Arc::from("[1,2]");
    let call = message::Command::Call { to, method, body, patience: PATIENCE };
    let serves = async {
        let (call, body) = told(&mut events, |event| match event {
            Event::Message(message::Event::Called { call, body, .. }) => Some((call, body)),
            _ => None,
        })
        .await;
        assert_eq!(&*body, "[1,2]");
        let answer = message::Command::Answer { call, answer: Ok(Arc::from("3")) };
        does(&bob, Command::Message(answer)).await.unwrap();
    };
    let (answer, ()) = tokio::join!(does(&alice, Command::Message(call)), serves);
    assert_eq!(answer, Ok(Reply::Message(message::Reply::Answered(Arc::from("3")))));
}

#[tokio::test]
async fn without_a_disk_all_works_until_the_end() {
    let person = Person::new("alice", free_port());
    let start = || Node::start(person.options()).unwrap();
    let alice = start();
    does(&alice, Command::Board(BoardCommand::Tell(progress("one")))).await.unwrap();
    assert_eq!(lessons(&alice).await, ["one"]);
    alice.handle.leave().await;
    assert!(lessons(&start()).await.is_empty());
    assert!(!person.folder().join("cache").exists(), "nothing of it is on the disk");
}

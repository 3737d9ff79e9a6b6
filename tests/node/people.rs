//! People who run a peer now and then, and what they see.

use std::path::PathBuf;

use lsnp::engine::{Command, Event, Mark, Reply, RowId, Whom};
use lsnp::node::{Keys, Node, Options};
use lsnp::wire::PublicKey;

use super::disk::Disk;
use super::world::{Scratch, event, free_port, me, meet, signed};

/// Somebody who runs a peer now and then.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    port: u16,
    pub(crate) keys: Keys,
    pub(crate) home: Scratch,
    pub(crate) disk: Disk,
}

impl Person {
    pub(crate) fn new(name: &'static str, port: u16) -> Self {
        Self { name, port, keys: Keys::temporary().unwrap(), home: Scratch::new(), disk: Disk::new() }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.home.0.clone()
    }

    pub(crate) fn options(&self) -> Options {
        signed(self.name, self.port, &self.keys, Some(&self.folder()))
    }

    pub(crate) fn start(&self) -> Node {
        Node::start_with(self.options(), self.disk.ledger()).unwrap()
    }
}

/// Two who know each other.
pub(crate) async fn two() -> ([Person; 2], [Node; 2]) {
    let port = free_port();
    let people = ["alice", "bob"].map(|name| Person::new(name, port));
    let [mut alice, mut bob] = [people[0].start(), people[1].start()];
    meet(&mut alice, "bob").await;
    meet(&mut bob, "alice").await;
    (people, [alice, bob])
}

pub(crate) async fn key(node: &Node) -> PublicKey {
    me(node).await.key.unwrap()
}

pub(crate) async fn dm(from: &Node, to: PublicKey, text: &str) -> Reply {
    from.handle.command(Command::Dm { to: Whom::Key(to), text: text.to_owned() }).await.unwrap()
}

/// Leaves, and the other one sees it.
pub(crate) async fn leaves(node: Node, other: &mut Node) {
    node.handle.leave().await;
    event(other, "goodbye", |event| matches!(event, Event::Left(_)).then_some(())).await;
}

/// Waits for that mark of the DM with this text; returns those before.
pub(crate) async fn marked(node: &mut Node, text: &str, wanted: Mark) -> Vec<Mark> {
    let mut before = Vec::new();
    event(node, wanted.word(), |event| match event {
        Event::Marked { text: of, mark, .. } if &*of == text => {
            before.push(mark);
            (mark == wanted).then_some(())
        }
        _ => None,
    })
    .await;
    before.pop();
    before
}

/// The next DM that is told.
pub(crate) async fn told(node: &mut Node) -> (String, Option<RowId>) {
    event(node, "DM", |event| match event {
        Event::Dm { text, told, .. } => Some((text.raw().to_owned(), told.row)),
        _ => None,
    })
    .await
}

//! Peers for tests: how they are started, and how to wait for what they tell.

use std::path::PathBuf;
use std::time::Duration;

use lsnp::engine::{Command, Config, Event, Me, Peer, Reply};
use lsnp::node::{Keys, Node, Options};
use lsnp::wire::Name;
use tokio::time::{Instant, timeout, timeout_at};

pub(crate) use super::port::free_port;

/// Longest wait for anything. A test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// A peer that uses the loopback only and meets nobody by files.
pub(crate) fn options(name: &str, discovery_port: u16) -> Options {
    Options {
        config: Config { discovery_port, ..Config::default() },
        interfaces: vec!["127.0.0.1".to_owned()],
        neighbours: false,
        ..Options::new(Name::new(name).unwrap())
    }
}

pub(crate) fn start(name: &str, discovery_port: u16) -> Node {
    Node::start(options(name, discovery_port)).unwrap()
}

/// The first event that `find` takes.
pub(crate) async fn event<T>(node: &mut Node, what: &str, mut find: impl FnMut(Event) -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let event = timeout_at(deadline, node.events.recv()).await.unwrap_or_else(|_| panic!("no {what}")).unwrap();
        if let Some(found) = find(event) {
            return found;
        }
    }
}

/// Waits until that peer is on the list and has answered.
pub(crate) async fn meet(node: &mut Node, name: &str) -> Peer {
    let peers = node.handle.peers();
    let known = |peer: &Peer| peer.raw_name() == name && peer.paths()[0].1;
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(peer) = peers.snapshot().into_iter().find(known) {
            return peer;
        }
        let next = timeout(Duration::from_millis(10), node.events.recv()).await;
        assert!(Instant::now() < deadline, "{name} is not listed: {next:?}");
    }
}

pub(crate) async fn me(node: &Node) -> Me {
    match node.handle.command(Command::WhoAmI).await.unwrap() {
        Reply::Me(me) => me,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn text(event: Event) -> Option<(String, String)> {
    match event {
        Event::Post { from, text, .. } => Some((format!("POST {}", from.raw_name()), text.raw().to_owned())),
        Event::Dm { from, text, .. } => Some((format!("DM {}", from.raw_name()), text.raw().to_owned())),
        _ => None,
    }
}

/// A folder for one test, removed at its end.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("lsnp-node-").tempdir().unwrap();
        Self(folder.keep())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
/// A signed peer that keeps what it learns in this folder, if there is one.
pub(crate) fn signed(name: &str, discovery_port: u16, identity: &Keys, folder: Option<&PathBuf>) -> Options {
    let keys = Keys { folder: folder.cloned(), ..identity.clone() };
    Options { keys: Some(keys), ..options(name, discovery_port) }
}
/// Bytes received, of all datagrams.
pub(crate) async fn received(node: &Node) -> u64 {
    match node.handle.command(Command::Stats).await.unwrap() {
        Reply::Stats(counters) => counters.received_bytes,
        other => panic!("{other:?}"),
    }
}

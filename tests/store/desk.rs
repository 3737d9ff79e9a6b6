//! A history in a folder of its own, and lines for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lsnp::engine::{Archive, Author, Commit, Correspondent, Entry, Kind, Outcome, PostRecord, RowId, Ticket, Trust};
use lsnp::store::{Bounds, History, Keep, Line, OpenError, Opened, Query, open_within};
use lsnp::wire::{PieceHash, PublicKey};
use tokio::sync::mpsc::UnboundedReceiver;

/// Unix time of the tests.
pub(crate) const NOW: u64 = 1_800_000_000;

/// Our key.
pub(crate) const ME: PublicKey = PublicKey([1; 32]);

/// A folder of one test, removed at its end.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("lsnp-store-").tempdir().unwrap();
        Self(folder.keep())
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.join("history.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// No floor: the disk of a test may be small.
pub(crate) const BARE: Bounds = Bounds { free: 0, pages: None };

/// An open history and both ends of it.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) history: History,
    pub(crate) archive: Archive,
    pub(crate) notices: Vec<String>,
    pub(crate) commits: std::sync::mpsc::SyncSender<Commit>,
    pub(crate) outcomes: UnboundedReceiver<Vec<(Ticket, Outcome)>>,
    pub(crate) troubles: UnboundedReceiver<String>,
    next: u64,
}

impl Desk {
    pub(crate) fn open(folder: &Path) -> Self {
        Self::try_open(folder, Keep::default(), BARE, NOW).unwrap()
    }

    pub(crate) fn try_open(folder: &Path, keep: Keep, bounds: Bounds, unix: u64) -> Result<Self, OpenError> {
        let Opened { history, ledger, notices } = open_within(folder, Some(ME), keep, bounds, unix)?;
        let lsnp::node::Ledger { archive, commits, outcomes, troubles } = ledger;
        Ok(Self { history, archive, notices, commits, outcomes, troubles, next: 0 })
    }

    /// Gives all of it at once, and waits for what became of each.
    pub(crate) fn put(&mut self, entries: impl IntoIterator<Item = Entry>) -> Vec<Outcome> {
        let mut tickets = Vec::new();
        let mut outcomes = std::collections::BTreeMap::new();
        for entry in entries {
            self.next += 1;
            tickets.push(Ticket(self.next));
            self.commits.send(Commit::Entry(Ticket(self.next), Box::new(entry))).unwrap();
        }
        while outcomes.len() < tickets.len() {
            for (ticket, outcome) in wait(&mut self.outcomes) {
                assert!(outcomes.insert(ticket, outcome).is_none(), "one outcome for each");
            }
        }
        tickets.iter().map(|ticket| outcomes[ticket]).collect()
    }

    pub(crate) fn put_one(&mut self, entry: Entry) -> Outcome {
        self.put([entry])[0]
    }

    /// Gives something that nobody waits for, and waits until it is written.
    pub(crate) fn tell(&mut self, commit: Commit) {
        self.commits.send(commit).unwrap();
        // What comes after it is written after it.
        self.put([Entry { message_id: format!("after {}", self.next), kind: Kind::Profile, ..dm(99, 0, "after") }]);
    }

    pub(crate) fn all(&self) -> Vec<Line> {
        self.history.lines(&Query::default()).unwrap()
    }

    /// Ends it as the node does, and waits until all is written.
    pub(crate) fn end(self) -> History {
        let Self { history, commits, mut outcomes, .. } = self;
        drop(commits);
        while runtime().block_on(async { timeout(outcomes.recv()).await }).is_some() {}
        history
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap()
}

async fn timeout<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("within a minute")
}

/// Waits for what comes next.
pub(crate) fn wait<T>(receiver: &mut UnboundedReceiver<T>) -> T {
    runtime().block_on(async { timeout(receiver.recv()).await }).expect("it is open")
}

pub(crate) fn key(number: u8) -> PublicKey {
    PublicKey([number; 32])
}

pub(crate) fn row(outcome: Outcome) -> RowId {
    match outcome {
        Outcome::Stored(row) => row,
        Outcome::Again | Outcome::Failed => panic!("{outcome:?}"),
    }
}

/// A DM from somebody to us.
pub(crate) fn dm(from: u8, number: u64, text: &str) -> Entry {
    Entry {
        author: Author::Key(key(from)),
        message_id: format!("{number:016x}"),
        kind: Kind::Dm { private: true },
        ours: false,
        with: Some(peer(from, Trust::Known)),
        text: text.to_owned(),
        stamp: NOW - 5,
        at: NOW,
        lamport: number,
        post: None,
        mark: None,
    }
}

/// A signed post of somebody.
pub(crate) fn post(from: u8, number: u64, text: &str) -> Entry {
    let raw: Arc<[u8]> = format!("TYPE:POST\nCONTENT:{text}\nPOST_NO:{number}\n\n").into_bytes().into();
    let id = PieceHash::of(&raw);
    let record = PostRecord { author: key(from), number, id, lamport: number, raw, long: None, since: NOW - 10 };
    Entry {
        message_id: format!("90{number:014x}"),
        kind: Kind::Post,
        post: Some(Box::new(record)),
        ..dm(from, number, text)
    }
}

/// A text of an older client.
pub(crate) fn plain(label: &str, message_id: &str, text: &str) -> Entry {
    Entry {
        author: Author::Label(label.into()),
        message_id: message_id.to_owned(),
        kind: Kind::Dm { private: false },
        with: Some(Correspondent { key: None, user_id: label.into(), ..peer(0, Trust::Unsigned) }),
        ..dm(0, 7, text)
    }
}

pub(crate) fn peer(number: u8, trust: Trust) -> Correspondent {
    Correspondent {
        key: Some(key(number)),
        user_id: format!("p{number}@10.0.0.{number}").into(),
        name: format!("Peer {number}"),
        trust,
        address: Some(std::net::SocketAddrV4::new([10, 0, 0, number].into(), 9000)),
    }
}

/// The texts of these lines.
pub(crate) fn texts(lines: &[Line]) -> Vec<&str> {
    lines.iter().map(|line| &*line.text).collect()
}

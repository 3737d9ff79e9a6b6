//! A history in memory that outlives its peer, and can be held up or break.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Condvar, Mutex};

use lsnp::engine::{Archive, Author, Carried, Commit, Entry, Mark, Outcome, Outgoing, RowId, Ticket};
use lsnp::node::Ledger;
use lsnp::wire::OwnMessageId;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::timeout;

use super::world::PATIENCE;

/// What the ledger takes before it is full.
const ROOM: usize = 256;

/// Clones are the same disk.
#[derive(Clone)]
pub(crate) struct Disk {
    rows: Arc<watch::Sender<Rows>>,
    gate: Arc<(Mutex<Gate>, Condvar)>,
}

/// What is on it.
#[derive(Clone, Default)]
pub(crate) struct Rows {
    pub(crate) entries: Vec<Entry>,
    pub(crate) carried: Vec<Carried>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    /// Nobody hears what was written.
    Held,
    /// Nothing more is written, and nobody hears.
    Broken,
}

impl Disk {
    pub(crate) fn new() -> Self {
        Self { rows: Arc::new(watch::Sender::default()), gate: Arc::new((Mutex::new(Gate::Open), Condvar::new())) }
    }

    /// From now on what is written is not told.
    pub(crate) fn hold(&self) {
        self.turn(Gate::Held);
    }

    /// All that was written is told.
    pub(crate) fn release(&self) {
        self.turn(Gate::Open);
    }

    /// The next that is to be written ends the ledger instead.
    pub(crate) fn fail(&self) {
        self.turn(Gate::Broken);
    }

    fn turn(&self, to: Gate) {
        *self.gate.0.lock().unwrap() = to;
        self.gate.1.notify_all();
    }

    fn gate(&self, until: impl Fn(Gate) -> bool) -> Gate {
        *self.gate.1.wait_while(self.gate.0.lock().unwrap(), |gate| !until(*gate)).unwrap()
    }

    /// A ledger over this disk, with what it holds.
    pub(crate) fn ledger(&self) -> Ledger {
        self.ledger_for(ROOM)
    }

    /// The same, that takes so many before it is full.
    pub(crate) fn ledger_for(&self, room: usize) -> Ledger {
        let (commits, taken) = sync_channel(room);
        let (told, outcomes) = unbounded_channel();
        let (_, troubles) = unbounded_channel();
        let archive = self.rows().archive();
        let disk = self.clone();
        std::thread::spawn(move || disk.write(&taken, &told));
        Ledger { archive, commits, outcomes, troubles }
    }

    fn write(&self, taken: &Receiver<Commit>, told: &UnboundedSender<Vec<(Ticket, Outcome)>>) {
        for commit in taken {
            if self.gate(|_| true) == Gate::Broken {
                return;
            }
            let mut outcome = None;
            self.rows.send_modify(|rows| outcome = rows.take(commit));
            if let Some(outcome) = outcome {
                self.gate(|gate| gate != Gate::Held);
                // A peer that has ended hears nothing.
                let _ = told.send(vec![outcome]);
            }
        }
    }

    pub(crate) fn rows(&self) -> Rows {
        self.rows.borrow().clone()
    }

    /// Waits until what is on it is so.
    pub(crate) async fn until(&self, what: &str, so: impl Fn(&Rows) -> bool) {
        let mut rows = self.rows.subscribe();
        assert!(timeout(PATIENCE, rows.wait_for(so)).await.is_ok(), "the disk never holds {what}");
    }
}

impl Rows {
    fn take(&mut self, commit: Commit) -> Option<(Ticket, Outcome)> {
        match commit {
            Commit::Entry(ticket, entry) => {
                let same = |row: &Entry| row.author == entry.author && row.message_id == entry.message_id;
                if self.entries.iter().any(same) {
                    return Some((ticket, Outcome::Again));
                }
                self.entries.push(*entry);
                Some((ticket, Outcome::Stored(RowId(i64::try_from(self.entries.len()).unwrap()))))
            }
            Commit::Mark(id, mark) => {
                let named = |row: &&mut Entry| row.ours && row.message_id == id.to_string();
                if let Some(row) = self.entries.iter_mut().find(named) {
                    row.mark = Some(mark);
                }
                None
            }
            Commit::Carry(carried) => {
                self.carried.push(*carried);
                None
            }
            Commit::Delivered(id) => {
                self.carried.retain(|carried| carried.id != id);
                None
            }
        }
    }

    /// What became of the DM with this text.
    pub(crate) fn mark_of(&self, text: &str) -> Option<Mark> {
        self.entries.iter().find(|row| row.ours && row.text == text)?.mark
    }

    /// How many lines have this text.
    pub(crate) fn count(&self, text: &str) -> usize {
        self.entries.iter().filter(|row| row.text == text).count()
    }

    fn archive(&self) -> Archive {
        let open = |row: &&Entry| matches!(row.mark, Some(Mark::Waiting | Mark::Sent | Mark::Received));
        let outgoing = |row: &Entry| {
            Some(Outgoing {
                id: OwnMessageId::parse(&row.message_id)?,
                to: row.with.as_ref()?.key?,
                text: row.text.as_str().into(),
                at: row.at,
                mark: row.mark?,
            })
        };
        let mut known: BTreeMap<_, BTreeSet<u64>> = BTreeMap::new();
        let posts: Vec<_> = self.entries.iter().filter_map(|row| row.post.as_deref().cloned()).collect();
        for post in &posts {
            known.entry(post.author).or_default().insert(post.number);
        }
        assert!(self.entries.iter().all(|row| row.post.is_none() || matches!(row.author, Author::Key(_))));
        Archive {
            outbox: self.entries.iter().filter(open).filter_map(outgoing).collect(),
            posts,
            known: known.into_iter().map(|(key, all)| (key, all.into_iter().map(|n| n..=n).collect())).collect(),
            carried: self.carried.clone(),
            lamport: self.entries.iter().map(|row| row.lamport).max().unwrap_or_default(),
        }
    }
}

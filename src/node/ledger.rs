//! The way of history to the disk and back (protocol.md §10.1).

use std::collections::{BTreeSet, VecDeque};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::engine::{Archive, Commit, Outcome, Ticket};

use super::delay::Delay;

/// What may wait for room in the ledger. Beyond, the oldest is given up: a DM whose mark is lost is sent once more after
/// the next start, and known again by its reader.
const MOST_WAITING: usize = 1024;

/// What found no room is tried again after this, or earlier when something was written.
const AGAIN: Duration = Duration::from_secs(1);

/// At the end, all that was taken is written within this time, or by nobody who waits for it.
const CLOSING: Duration = Duration::from_secs(2);

/// Groups of outcomes that are taken at a time.
const GROUPS: usize = 64;

/// What the user is told when the thread of the history ended by itself.
const STOPPED: &str = "The history has stopped: nothing more is kept of what is said. Start again.";

/// What keeps a node's history: it runs on a thread of its own, so that a slow disk never stops the peer.
#[derive(Debug)]
pub struct Ledger {
    /// What earlier runs left.
    pub archive: Archive,
    /// Takes what is to be kept, in its order. When it is full, the node goes on without: nothing is said to be stored that
    /// is not. Dropped at the end: what was taken is written then.
    pub commits: SyncSender<Commit>,
    /// What became of the entries, some at a time. Closed when all is written after the end.
    pub outcomes: UnboundedReceiver<Vec<(Ticket, Outcome)>>,
    /// What the user must know of the disk, fit to be shown.
    pub troubles: UnboundedReceiver<String>,
}

/// The node's end of a [`Ledger`]; of a node without a history, nothing.
#[derive(Debug, Default)]
pub(super) struct Commits {
    /// None once the ledger has ended.
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    commits: SyncSender<Commit>,
    outcomes: UnboundedReceiver<Vec<(Ticket, Outcome)>>,
    troubles: Option<UnboundedReceiver<String>>,
    /// Entries whose outcome is not known.
    tickets: BTreeSet<Ticket>,
    /// What nobody waits for, while the ledger is full.
    waiting: VecDeque<Commit>,
    again: Delay,
}

/// What a ledger tells its node.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// What became of some entries.
    Outcomes(Vec<(Ticket, Outcome)>),
    /// What the user must know.
    Trouble(String),
    /// What waited was tried again.
    Retried,
    /// It ended by itself: these entries are not known to be kept.
    Stopped(Vec<(Ticket, Outcome)>, &'static str),
}

impl Commits {
    /// The end of this ledger, and what earlier runs left.
    pub(super) fn new(ledger: Ledger) -> (Self, Archive) {
        let Ledger { archive, commits, outcomes, troubles } = ledger;
        let open = Open {
            commits,
            outcomes,
            troubles: Some(troubles),
            tickets: BTreeSet::new(),
            waiting: VecDeque::new(),
            again: Delay::default(),
        };
        (Self { open: Some(open) }, archive)
    }

    /// Hands something to the ledger and never waits for it. Returns the entry that it could not take.
    pub(super) fn commit(&mut self, commit: Commit) -> Option<Ticket> {
        let ticket = match &commit {
            Commit::Entry(ticket, _) => Some(*ticket),
            Commit::Mark(..) | Commit::Carry(_) | Commit::Delivered(_) => None,
        };
        let Some(open) = &mut self.open else { return ticket };
        match ticket {
            // An entry may overtake what waits: that is about others.
            Some(ticket) => match open.commits.try_send(commit) {
                Ok(()) => {
                    open.tickets.insert(ticket);
                    None
                }
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Some(ticket),
            },
            None => {
                open.wait_for_room(commit);
                open.send_waiting();
                None
            }
        }
    }

    /// What the ledger says next; without one, nothing ever. Dropping the future early loses nothing.
    pub(super) async fn news(&mut self) -> News {
        let Some(open) = &mut self.open else { return std::future::pending().await };
        let news = open.news().await;
        if let News::Stopped(..) = news {
            self.open = None;
        }
        news
    }

    /// Waits until all that the ledger took is written, but not for long.
    pub(super) async fn close(&mut self) {
        let Some(Open { commits, mut outcomes, mut waiting, .. }) = self.open.take() else { return };
        if waiting.is_empty() {
            drop(commits);
        } else {
            // On a thread of its own, as the ledger takes its time. Without one, the next start sends some DMs again.
            let send = move || waiting.drain(..).all(|commit| commits.send(commit).is_ok());
            let _ = std::thread::Builder::new().name("history-end".to_owned()).spawn(send);
        }
        let written = async { while outcomes.recv().await.is_some() {} };
        if timeout(CLOSING, written).await.is_err() {
            tracing::warn!("the history is not written whole");
        }
    }
}

impl Open {
    async fn news(&mut self) -> News {
        tokio::select! {
            outcomes = self.outcomes.recv() => match outcomes {
                Some(outcomes) => News::Outcomes(self.all_known(outcomes)),
                None => News::Stopped(self.unknown(), STOPPED),
            },
            trouble = next(&mut self.troubles) => News::Trouble(trouble),
            () = self.again.over() => {
                self.send_waiting();
                News::Retried
            }
        }
    }

    /// These, and what else is known by now.
    fn all_known(&mut self, mut outcomes: Vec<(Ticket, Outcome)>) -> Vec<(Ticket, Outcome)> {
        for _ in 1..GROUPS {
            match self.outcomes.try_recv() {
                Ok(more) => outcomes.extend(more),
                Err(_) => break,
            }
        }
        for (ticket, _) in &outcomes {
            self.tickets.remove(ticket);
        }
        self.send_waiting();
        outcomes
    }

    fn unknown(&mut self) -> Vec<(Ticket, Outcome)> {
        std::mem::take(&mut self.tickets).into_iter().map(|ticket| (ticket, Outcome::Failed)).collect()
    }

    fn wait_for_room(&mut self, commit: Commit) {
        if let Commit::Mark(id, mark) = &commit
            && let Some(same) = self.waiting.iter_mut().find_map(|waiting| match waiting {
                Commit::Mark(other, mark) if other == id => Some(mark),
                Commit::Mark(..) | Commit::Entry(..) | Commit::Carry(_) | Commit::Delivered(_) => None,
            })
        {
            *same = *mark;
            return;
        }
        if self.waiting.len() == MOST_WAITING {
            tracing::warn!("the history is too slow: a mark or a message for somebody else is not kept");
            self.waiting.pop_front();
        }
        self.waiting.push_back(commit);
    }

    fn send_waiting(&mut self) {
        while let Some(commit) = self.waiting.pop_front() {
            match self.commits.try_send(commit) {
                Ok(()) => {}
                Err(TrySendError::Full(commit)) => {
                    self.waiting.push_front(commit);
                    return self.again.arm(AGAIN);
                }
                // The closed outcomes tell of it.
                Err(TrySendError::Disconnected(_)) => return self.waiting.clear(),
            }
        }
    }
}

/// The next of these; after the last, nothing ever.
async fn next<T>(receiver: &mut Option<UnboundedReceiver<T>>) -> T {
    if let Some(open) = receiver {
        if let Some(item) = open.recv().await {
            return item;
        }
        *receiver = None;
    }
    std::future::pending().await
}

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, sync_channel};

    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

    use super::*;
    use crate::engine::{Author, Entry, Kind, Mark};
    use crate::wire::OwnMessageId;

    /// The other end of a ledger that takes so many.
    struct Disk {
        commits: Receiver<Commit>,
        outcomes: UnboundedSender<Vec<(Ticket, Outcome)>>,
        troubles: UnboundedSender<String>,
    }

    fn ledger(room: usize) -> (Commits, Disk) {
        let (commits, taken) = sync_channel(room);
        let (told, outcomes) = unbounded_channel();
        let (trouble, troubles) = unbounded_channel();
        let ledger = Ledger { archive: Archive::default(), commits, outcomes, troubles };
        (Commits::new(ledger).0, Disk { commits: taken, outcomes: told, troubles: trouble })
    }

    fn entry(ticket: u64) -> Commit {
        let entry = Entry {
            author: Author::Label(Arc::from("alice@192.168.1.11")),
            message_id: ticket.to_string(),
            kind: Kind::Post,
            ours: false,
            with: None,
            text: String::new(),
            stamp: 0,
            at: 0,
            lamport: 0,
            post: None,
            mark: None,
        };
        Commit::Entry(Ticket(ticket), Box::new(entry))
    }

    fn mark(id: u64, mark: Mark) -> Commit {
        Commit::Mark(OwnMessageId::new(id), mark)
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_ledger_fails_entries_at_once_and_takes_marks_later() {
        let (mut commits, disk) = ledger(1);
        assert_eq!(commits.commit(entry(1)), None);
        assert_eq!(commits.commit(entry(2)), Some(Ticket(2)));
        for commit in [mark(1, Mark::Sent), mark(2, Mark::Sent), mark(1, Mark::Received), mark(1, Mark::Stored)] {
            assert_eq!(commits.commit(commit), None);
        }
        assert_eq!(disk.commits.try_recv(), Ok(entry(1)));
        assert_eq!(commits.news().await, News::Retried);
        assert_eq!(disk.commits.try_recv(), Ok(mark(1, Mark::Stored)), "the last word about it");
        disk.outcomes.send(vec![(Ticket(1), Outcome::Again)]).unwrap();
        assert_eq!(commits.news().await, News::Outcomes(vec![(Ticket(1), Outcome::Again)]));
        assert_eq!(disk.commits.try_recv(), Ok(mark(2, Mark::Sent)), "there is room as soon as something is written");
        assert!(timeout(AGAIN * 9, commits.news()).await.is_ok_and(|news| news == News::Retried));
        assert!(timeout(AGAIN * 9, commits.news()).await.is_err(), "nobody is woken for nothing");
    }

    #[tokio::test]
    async fn what_waits_has_an_end() {
        let (mut commits, disk) = ledger(1);
        for id in 0..3_000 {
            assert_eq!(commits.commit(mark(id, Mark::Sent)), None);
        }
        assert_eq!(commits.open.as_ref().unwrap().waiting.len(), MOST_WAITING);
        assert_eq!(commits.open.as_ref().unwrap().waiting.back(), Some(&mark(2_999, Mark::Sent)));
        drop(disk);
    }

    #[tokio::test]
    async fn a_ledger_that_ends_by_itself_has_kept_nothing_more() {
        let (mut commits, disk) = ledger(9);
        for ticket in 1..=3 {
            assert_eq!(commits.commit(entry(ticket)), None);
        }
        disk.outcomes.send(vec![(Ticket(2), Outcome::Again)]).unwrap();
        disk.troubles.send("the disk is full".to_owned()).unwrap();
        let mut told = [commits.news().await, commits.news().await];
        told.sort_by_key(|news| matches!(news, News::Trouble(_)));
        assert_eq!(told[0], News::Outcomes(vec![(Ticket(2), Outcome::Again)]));
        assert_eq!(told[1], News::Trouble("the disk is full".to_owned()));
        drop(disk);
        let failed = [1, 3].map(|ticket| (Ticket(ticket), Outcome::Failed)).to_vec();
        assert_eq!(commits.commit(entry(4)), Some(Ticket(4)), "before it is known");
        assert_eq!(commits.news().await, News::Stopped(failed, STOPPED));
        assert_eq!(commits.commit(entry(5)), Some(Ticket(5)));
        assert_eq!(commits.commit(mark(1, Mark::Stored)), None);
        commits.close().await;
    }

    #[tokio::test]
    async fn all_that_waits_is_taken_at_the_end() {
        let (mut commits, disk) = ledger(1);
        for id in 0..100 {
            commits.commit(mark(id, Mark::Stored));
        }
        let Disk { commits: taken, outcomes, troubles } = disk;
        let writer = std::thread::spawn(move || {
            let count = taken.iter().count();
            drop((outcomes, troubles));
            count
        });
        commits.close().await;
        assert_eq!(writer.join().unwrap(), 100);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ledger_that_hangs_holds_up_nobody_for_long() {
        let (mut commits, disk) = ledger(1);
        commits.commit(mark(1, Mark::Sent));
        commits.commit(mark(2, Mark::Sent));
        let begin = tokio::time::Instant::now();
        commits.close().await;
        assert_eq!(begin.elapsed(), CLOSING);
        drop(disk);
    }
}

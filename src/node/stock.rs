//! The way of what the data space keeps to the disk and back (protocol.md §11).

use std::collections::BTreeSet;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use crate::data::{Row, Ticket};

/// At the end, all that was taken is written within this time, or by nobody who waits for it.
const CLOSING: Duration = Duration::from_secs(2);

/// What the user is told when the thread ended by itself.
const STOPPED: &str = "What is shared is kept no longer: lists cannot be edited. Start again.";

/// What keeps a node's shared data: it runs on a thread of its own, so that a slow disk never stops the peer.
#[derive(Debug)]
pub struct Stock {
    /// What earlier runs kept.
    pub rows: Vec<Row>,
    /// Takes rows, all of one ticket or none, in their order. When it is full, they are not kept. Dropped at the end: what
    /// was taken is written then.
    pub keep: SyncSender<(Ticket, Vec<Row>)>,
    /// Whether they are on the disk, some at a time. Closed when all is written after the end.
    pub outcomes: UnboundedReceiver<Vec<(Ticket, bool)>>,
    /// What the user must know of the disk, fit to be shown.
    pub troubles: UnboundedReceiver<String>,
}

/// The node's end of a [`Stock`].
#[derive(Debug)]
pub(super) enum Shelf {
    /// Nothing outlives the peer, and what is kept so is kept at once.
    Memory,
    Disk(Open),
    /// It ended by itself: nothing more is kept.
    Stopped,
}

#[derive(Debug)]
pub(super) struct Open {
    keep: SyncSender<(Ticket, Vec<Row>)>,
    outcomes: UnboundedReceiver<Vec<(Ticket, bool)>>,
    troubles: Option<UnboundedReceiver<String>>,
    /// Tickets whose outcome is not known.
    tickets: BTreeSet<Ticket>,
}

/// What a stock tells its node.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// What became of some rows.
    Kept(Vec<(Ticket, bool)>),
    /// What the user must know.
    Trouble(String),
    /// It ended by itself: these rows are not known to be kept.
    Stopped(Vec<(Ticket, bool)>, &'static str),
}

impl Shelf {
    /// The end of this stock, and what earlier runs kept.
    pub(super) fn new(stock: Option<Stock>) -> (Self, Vec<Row>) {
        let Some(Stock { rows, keep, outcomes, troubles }) = stock else { return (Self::Memory, Vec::new()) };
        let open = Open { keep, outcomes, troubles: Some(troubles), tickets: BTreeSet::new() };
        (Self::Disk(open), rows)
    }

    /// What is kept survives the end of the program.
    pub(super) fn lasts(&self) -> bool {
        !matches!(self, Self::Memory)
    }

    /// Hands rows over and never waits; what became of them, if that is known at once.
    pub(super) fn keep(&mut self, ticket: Ticket, rows: Vec<Row>) -> Option<bool> {
        match self {
            Self::Memory => Some(true),
            Self::Stopped => Some(false),
            Self::Disk(open) => match open.keep.try_send((ticket, rows)) {
                Ok(()) => {
                    open.tickets.insert(ticket);
                    None
                }
                Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Some(false),
            },
        }
    }

    /// What the stock says next; without one, nothing ever. Dropping the future early loses nothing.
    pub(super) async fn news(&mut self) -> News {
        let Self::Disk(open) = self else { return std::future::pending().await };
        let news = open.news().await;
        if let News::Stopped(..) = news {
            *self = Self::Stopped;
        }
        news
    }

    /// Waits until all that the stock took is written, but not for long.
    pub(super) async fn close(&mut self) {
        let Self::Disk(Open { keep, mut outcomes, .. }) = std::mem::replace(self, Self::Stopped) else { return };
        drop(keep);
        let written = async { while outcomes.recv().await.is_some() {} };
        if timeout(CLOSING, written).await.is_err() {
            tracing::warn!("what is shared is not written whole");
        }
    }
}

impl Open {
    async fn news(&mut self) -> News {
        tokio::select! {
            outcomes = self.outcomes.recv() => match outcomes {
                Some(outcomes) => {
                    for (ticket, _) in &outcomes {
                        self.tickets.remove(ticket);
                    }
                    News::Kept(outcomes)
                }
                None => {
                    let unknown = std::mem::take(&mut self.tickets);
                    News::Stopped(unknown.into_iter().map(|ticket| (ticket, false)).collect(), STOPPED)
                }
            },
            trouble = next(&mut self.troubles) => News::Trouble(trouble),
        }
    }
}

async fn next(troubles: &mut Option<UnboundedReceiver<String>>) -> String {
    let trouble = match troubles {
        Some(open) => open.recv().await,
        None => None,
    };
    match trouble {
        Some(trouble) => trouble,
        None => {
            *troubles = None;
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    #[tokio::test]
    async fn each_ticket_gets_one_outcome_whatever_happens() {
        let (keep, taken) = sync_channel(1);
        let (told, outcomes) = unbounded_channel();
        let (trouble, troubles) = unbounded_channel();
        let (mut shelf, rows) = Shelf::new(Some(Stock { rows: Vec::new(), keep, outcomes, troubles }));
        assert!(rows.is_empty());
        assert_eq!(shelf.keep(Ticket(1), Vec::new()), None);
        assert_eq!(shelf.keep(Ticket(2), Vec::new()), Some(false), "it is full");
        assert_eq!(taken.recv().unwrap().0, Ticket(1));
        told.send(vec![(Ticket(1), true)]).unwrap();
        assert_eq!(shelf.news().await, News::Kept(vec![(Ticket(1), true)]));
        trouble.send("full".to_owned()).unwrap();
        assert_eq!(shelf.news().await, News::Trouble("full".to_owned()));
        drop(trouble);
        assert_eq!(shelf.keep(Ticket(3), Vec::new()), None);
        drop((told, taken));
        assert_eq!(shelf.news().await, News::Stopped(vec![(Ticket(3), false)], STOPPED));
        assert_eq!(shelf.keep(Ticket(4), Vec::new()), Some(false), "it ended");
    }

    #[test]
    fn without_a_disk_all_is_kept_at_once() {
        assert_eq!(Shelf::new(None).0.keep(Ticket(1), Vec::new()), Some(true));
    }
}

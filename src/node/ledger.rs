//! The way of history to the disk and back (protocol.md §10.1).

use std::sync::mpsc::SyncSender;

use tokio::sync::mpsc::UnboundedReceiver;

use crate::engine::{Archive, Commit, Outcome, Ticket};

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

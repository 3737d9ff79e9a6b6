//! One line of history, as it is read.

use crate::engine::{Kind, Mark, RowId, Trust};
use crate::wire::PublicKey;

/// One line of history. Texts and names are as they came: show them through [`Safe`](crate::wire::Safe).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its row.
    pub row: RowId,
    /// What it is.
    pub kind: Kind,
    /// We wrote it.
    pub ours: bool,
    /// The other end: the author of what came in; of a DM of ours, its reader. None of a POST or PROFILE of ours.
    pub with: Option<Person>,
    /// Its MESSAGE_ID.
    pub message_id: String,
    /// The text.
    pub text: String,
    /// When, Unix seconds by the author's clock: a label.
    pub stamp: u64,
    /// When, Unix seconds by our clock.
    pub at: u64,
    /// Its place: see [`Entry::lamport`](crate::engine::Entry::lamport).
    pub lamport: u64,
    /// What became of a DM of ours.
    pub mark: Option<Mark>,
    /// Somebody has seen it.
    pub read: bool,
}

/// The other end of a line, as it was then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Its key, if it has one.
    pub key: Option<PublicKey>,
    /// Its label, `name@ip`.
    pub user_id: String,
    /// What it was called.
    pub name: String,
    /// What was known of who it is.
    pub trust: Trust,
}

//! Shared lists: edited by several people at once, offline too (protocol.md §11.3).
//!
//! Every edit and every word about who takes part is signed by its author, numbered, and kept as it came. The list itself is
//! what a CRDT library makes of all edits, and can be made anew from them at any time.

#[cfg(not(feature = "shared"))]
mod absent;
#[cfg(feature = "shared")]
mod chain;
#[cfg(feature = "shared")]
mod command;
#[cfg(feature = "shared")]
mod compare;
#[cfg(feature = "shared")]
mod document;
#[cfg(feature = "shared")]
mod fork;
#[cfg(all(test, feature = "shared"))]
mod fork_tests;
#[cfg(feature = "shared")]
mod kept;
#[cfg(feature = "shared")]
mod log;
#[cfg(feature = "shared")]
mod machine;
#[cfg(feature = "shared")]
mod members;
#[cfg(feature = "shared")]
mod replica;
#[cfg(feature = "shared")]
mod span;
#[cfg(feature = "shared")]
mod sync;
#[cfg(all(test, feature = "shared"))]
mod tests;
mod types;
#[cfg(feature = "shared")]
mod undo;

#[cfg(not(feature = "shared"))]
pub(crate) use absent::Lists;
#[cfg(feature = "shared")]
pub(crate) use machine::Lists;
pub use types::{
    Change, Command, Edit, Event, Invitee, Item, ItemId, List, ListId, LogEntry, Member, Reply, Standing, Summary,
};

//! Shared lists: edited by several people at once, offline too (protocol.md §11.3).

mod types;

use std::collections::BTreeMap;

pub use types::{
    Change, Command, Edit, Event, Invitee, Item, ItemId, List, ListId, LogEntry, Member, Reply, Standing, Summary,
};

use crate::engine::{Arrived, Instant};
use crate::wire::PublicKey;

use super::{Error, Row, Step, Ticket, Turn};

/// All shared lists of a peer.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    lists: BTreeMap<ListId, ()>,
}

impl Lists {
    pub(crate) fn new(_rows: Vec<Row>, _lasting: bool) -> Self {
        Self::default()
    }

    pub(crate) fn command(&mut self, _command: Command, _turn: &mut Turn<'_>) -> Result<Step, Error> {
        let _ = &self.lists;
        Err(Error::NotBuilt("shared lists"))
    }

    /// Somebody came.
    pub(crate) fn met(&mut self, _key: PublicKey, _turn: &mut Turn<'_>) {}

    /// Somebody is here no longer.
    pub(crate) fn parted(&mut self, _key: PublicKey, _turn: &mut Turn<'_>) {}

    pub(crate) fn arrived(&mut self, _arrived: &Arrived, _turn: &mut Turn<'_>) {}

    pub(crate) fn kept(&mut self, _ticket: Ticket, _kept: bool, _turn: &mut Turn<'_>) {}

    pub(crate) fn timeout(&mut self, _turn: &mut Turn<'_>) {}

    /// When something is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        None
    }
}

//! The board of progress: the newest status of each user in each lesson, the same at all peers (protocol.md §11.5).

mod types;

pub use types::{Command, Entry, Event, Progress, Reply};

use crate::engine::{Arrived, Instant};
use crate::wire::PublicKey;

use super::{Error, Row, Step, Ticket, Turn};

/// All that is on the board.
#[derive(Debug, Default)]
pub(crate) struct Board {}

impl Board {
    pub(crate) fn new(_rows: Vec<Row>) -> Self {
        Self::default()
    }

    pub(crate) fn command(&mut self, _command: Command, _turn: &mut Turn<'_>) -> Result<Step, Error> {
        Err(Error::NotBuilt("a board"))
    }

    /// Somebody came.
    pub(crate) fn met(&mut self, _key: PublicKey, _turn: &mut Turn<'_>) {}

    pub(crate) fn arrived(&mut self, _arrived: &Arrived, _turn: &mut Turn<'_>) {}

    pub(crate) fn kept(&mut self, _ticket: Ticket, _kept: bool, _turn: &mut Turn<'_>) {}

    pub(crate) fn timeout(&mut self, _turn: &mut Turn<'_>) {}

    /// When something is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        None
    }
}

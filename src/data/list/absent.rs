//! Shared lists where they are not built in.

use crate::data::{Error, Row, Step, Ticket, Turn};
use crate::engine::{Arrived, Instant};
use crate::wire::PublicKey;

use super::Command;

/// No lists.
#[derive(Debug)]
pub(crate) struct Lists;

impl Lists {
    pub(crate) fn new(_rows: Vec<Row>, _me: PublicKey, _now: Instant) -> Self {
        Self
    }

    pub(crate) fn command(&mut self, _command: Command, _turn: &mut Turn<'_>) -> Result<Step, Error> {
        Err(Error::NotBuilt("shared lists"))
    }

    pub(crate) fn met(&mut self, _key: PublicKey, _turn: &mut Turn<'_>) {}

    pub(crate) fn parted(&mut self, _key: PublicKey, _turn: &mut Turn<'_>) {}

    pub(crate) fn arrived(&mut self, _arrived: &Arrived, _turn: &mut Turn<'_>) {}

    pub(crate) fn kept(&mut self, _ticket: Ticket, _kept: bool, _turn: &mut Turn<'_>) {}

    pub(crate) fn timeout(&mut self, _turn: &mut Turn<'_>) {}

    pub(crate) fn refused(&self) -> u64 {
        0
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        None
    }
}

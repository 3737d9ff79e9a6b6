//! Messages of programs: topics, requests and replies (protocol.md §11.6).

mod types;

pub use types::{
    BODY_MAX, CallId, Command, Delivery, Event, Kind, Message, Pattern, Receipt, Reply, Topic, TopicError,
};

use crate::engine::{Arrived, Instant};
use crate::wire::PublicKey;

use super::{Error, Step, Turn};

/// What programs said and asked.
#[derive(Debug, Default)]
pub(crate) struct Messages {}

impl Messages {
    pub(crate) fn command(&mut self, _command: Command, _turn: &mut Turn<'_>) -> Result<Step, Error> {
        Err(Error::NotBuilt("messages"))
    }

    /// Somebody came.
    pub(crate) fn met(&mut self, _key: PublicKey, _turn: &mut Turn<'_>) {}

    /// Somebody is here no longer.
    pub(crate) fn parted(&mut self, _key: PublicKey, _turn: &mut Turn<'_>) {}

    pub(crate) fn arrived(&mut self, _arrived: &Arrived, _turn: &mut Turn<'_>) {}

    pub(crate) fn timeout(&mut self, _turn: &mut Turn<'_>) {}

    /// When something is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        None
    }
}

//! A cache that saves the LAN from fetching or making the same thing twice (protocol.md §11.4).

mod types;

pub use types::{Command, Event, Found, Key, Place, Reply, SMALL_MAX, Stats, VALUE_MAX, ValueHash, Work, Worked};

use crate::engine::{Arrived, Instant};
use crate::wire::PublicKey;

use super::{Error, Row, Step, Turn};

/// What is in the cache, and who makes what.
#[derive(Debug)]
pub(crate) struct Cache {
    stream_port: Option<u16>,
}

impl Cache {
    pub(crate) fn new(_rows: Vec<Row>, stream_port: Option<u16>, _now: Instant) -> Self {
        Self { stream_port }
    }

    pub(crate) fn command(&mut self, _command: Command, _turn: &mut Turn<'_>) -> Result<Step, Error> {
        let _ = self.stream_port;
        Err(Error::NotBuilt("a cache"))
    }

    /// Somebody came.
    pub(crate) fn met(&mut self, _key: PublicKey, _turn: &mut Turn<'_>) {}

    /// Somebody is here no longer.
    pub(crate) fn parted(&mut self, _key: PublicKey, _turn: &mut Turn<'_>) {}

    pub(crate) fn arrived(&mut self, _arrived: &Arrived, _turn: &mut Turn<'_>) {}

    /// A value was written, read or fetched, or not.
    pub(crate) fn worked(&mut self, _done: Worked, _turn: &mut Turn<'_>) {}

    pub(crate) fn timeout(&mut self, _turn: &mut Turn<'_>) {}

    /// When something is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        None
    }
}

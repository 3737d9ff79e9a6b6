//! What was sent, and a number that stands for all that came in.

use std::net::SocketAddrV4;
use std::sync::Arc;

use crate::engine::Instant;

/// A datagram that was sent.
#[derive(Debug, Clone)]
pub struct Frame {
    /// When.
    pub at: Instant,
    /// From where, as the receiver sees it.
    pub from: SocketAddrV4,
    /// To where, as the sender wrote it.
    pub to: SocketAddrV4,
    /// What.
    pub payload: Arc<[u8]>,
}

impl Frame {
    /// The value of a key, if the datagram has it.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        let text = std::str::from_utf8(&self.payload).ok()?;
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(k, _)| *k == key).map(|(_, value)| value.trim_start()).next_back()
    }

    /// Its TYPE, or nothing.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.value("TYPE").unwrap_or_default()
    }
}

/// Folds everything that came in, in order, into one number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    pub(super) fn new() -> Self {
        Self(0x5bd1_e995_9d1b_58a5)
    }

    pub(super) fn add(&mut self, number: u64) {
        self.0 = (self.0 ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31);
    }

    pub(super) fn value(self) -> u64 {
        self.0
    }

    /// The number of one payload.
    pub(super) fn of(bytes: &[u8]) -> u64 {
        let mut hash = Self::new();
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| hash.add(u64::from_le_bytes(*word)));
        rest.iter().for_each(|byte| hash.add(u64::from(*byte)));
        hash.0
    }
}

//! A keyed hash for tables whose keys strangers choose.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher};

/// The key: from the engine's seed, so that nobody outside can aim at a place in a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key(pub(super) u64, pub(super) u64);

impl Key {
    /// Hashes bytes by folded multiplication, 8 at a time.
    pub(super) fn hash(self, bytes: &[u8]) -> u64 {
        let mut state = self.0 ^ bytes.len() as u64;
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            state = self.fold(state ^ u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.fold(self.fold(state ^ u64::from_le_bytes(last)))
    }

    fn fold(self, word: u64) -> u64 {
        let wide = u128::from(word ^ 0x9e37_79b9_7f4a_7c15) * u128::from(self.1 | 1);
        (wide as u64) ^ ((wide >> 64) as u64)
    }
}

/// A map whose keys strangers choose. Its order is nobody's business: look things up, never walk it to an output.
pub(super) type Table<K, V> = HashMap<K, V, Key>;

impl BuildHasher for Key {
    type Hasher = Folding;

    fn build_hasher(&self) -> Folding {
        Folding { key: *self, state: self.0 }
    }
}

/// Folds what a key writes, word by word.
#[derive(Debug)]
pub(super) struct Folding {
    key: Key,
    state: u64,
}

impl Hasher for Folding {
    fn finish(&self) -> u64 {
        self.state
    }

    fn write(&mut self, bytes: &[u8]) {
        self.state = self.key.fold(self.state ^ self.key.hash(bytes));
    }

    fn write_u16(&mut self, number: u16) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.state = self.key.fold(self.state ^ number);
    }
}

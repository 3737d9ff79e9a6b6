//! A keyed hash for tables whose keys strangers choose.

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

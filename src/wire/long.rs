//! A long text cut into pieces, and put together again (protocol.md §10.3).

use super::{CHUNK_MAX, PieceHash};

/// Longest text, bytes.
pub const LONG_MAX: usize = 64 << 10;

/// Hashes that one piece holds.
const FAN: usize = CHUNK_MAX / 16;

/// Bytes cut into pieces of at most 600, each named by its hash. The hashes are cut into pieces as well, until one piece
/// names all: the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    root: PieceHash,
    pieces: Vec<(PieceHash, Vec<u8>)>,
}

impl Pieces {
    /// Cuts bytes; `None` for none.
    #[must_use]
    pub fn cut(bytes: &[u8]) -> Option<Self> {
        let mut level: Vec<Vec<u8>> = bytes.chunks(CHUNK_MAX).map(<[u8]>::to_vec).collect();
        let mut pieces = Vec::new();
        if level.is_empty() {
            return None;
        }
        loop {
            let hashes: Vec<PieceHash> = level.iter().map(|piece| PieceHash::of(piece)).collect();
            pieces.extend(hashes.iter().copied().zip(level));
            level = hashes.chunks(FAN).map(|part| part.iter().flat_map(|hash| hash.0).collect()).collect();
            if let [list] = level.as_slice() {
                let root = PieceHash::of(list);
                pieces.push((root, list.clone()));
                return Some(Self { root, pieces });
            }
        }
    }

    /// The hash of the piece that names all others.
    #[must_use]
    pub fn root(&self) -> PieceHash {
        self.root
    }

    /// All pieces, the root last.
    #[must_use]
    pub fn into_pieces(self) -> Vec<(PieceHash, Vec<u8>)> {
        self.pieces
    }
}

/// How many levels of lists stand above the pieces of so many bytes: at least one.
#[must_use]
pub fn list_levels(size: usize) -> u32 {
    let mut count = size.div_ceil(CHUNK_MAX);
    let mut levels = 1;
    while count > FAN {
        count = count.div_ceil(FAN);
        levels += 1;
    }
    levels
}

//! Bulk data cut into pieces, and put together again (protocol.md §6, §10.3).

use std::collections::{BTreeMap, BTreeSet};

use super::{CHUNK_MAX, PieceHash};

/// Longest text, bytes (protocol.md §10.3).
pub const LONG_MAX: usize = 64 << 10;

/// Longest body of a DATA, bytes (protocol.md §11.1): 64 KiB and what stands around them.
pub const DATA_MAX: usize = LONG_MAX + 1024;

/// Hashes that one list holds at most.
const FAN: usize = CHUNK_MAX / HASH;

/// Bytes of a hash.
const HASH: usize = 16;

/// Most bytes that are put together: a body and what sealing adds.
const WHOLE_MAX: usize = DATA_MAX + 16;

/// Bytes cut into pieces of 600 (the last may be shorter), each named by its hash. Lists of up to 37 hashes are pieces as
/// well; there is at least one, and lists of lists where it takes more, until one names all: the root.
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

/// Bulk data on its way, from its root and size: which pieces are wanted, and the whole when they are here. Level by
/// level, so that no piece is wanted before a list that is right names it. Takes no more memory than the data.
#[derive(Debug, Clone)]
pub struct Assembly {
    size: usize,
    /// Lists above the level that is taken.
    level: u32,
    /// The pieces of the level that is taken, in order.
    names: Vec<PieceHash>,
    have: BTreeMap<PieceHash, Vec<u8>>,
}

/// What a piece did for an [`Assembly`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// Nobody wants it.
    Stray,
    /// More is missing.
    More,
    /// All is here.
    Whole(Vec<u8>),
    /// It is wanted, and of another size than it must be: who made the root made it so.
    Broken,
}

impl Assembly {
    /// For 1 to 66,576 bytes.
    #[must_use]
    pub fn new(root: PieceHash, size: usize) -> Option<Self> {
        let level = list_levels(size);
        let names = vec![root];
        (1..=WHOLE_MAX).contains(&size).then_some(Self { size, level, names, have: BTreeMap::new() })
    }

    /// The pieces that are wanted, in order, each once.
    pub fn missing(&self) -> impl Iterator<Item = PieceHash> {
        let mut named = BTreeSet::new();
        self.names.iter().copied().filter(move |name| !self.have.contains_key(name) && named.insert(*name))
    }

    /// Takes a piece.
    pub fn take(&mut self, piece: Vec<u8>) -> Taken {
        let name = PieceHash::of(&piece);
        if self.have.contains_key(&name) || !self.names.contains(&name) {
            return Taken::Stray;
        }
        let sized = |(at, named): (usize, &PieceHash)| *named != name || piece.len() == self.piece_size(at);
        if !self.names.iter().enumerate().all(sized) {
            return Taken::Broken;
        }
        self.have.insert(name, piece);
        let Some(pieces) = self.names.iter().map(|name| self.have.get(name)).collect::<Option<Vec<_>>>() else {
            return Taken::More;
        };
        let whole = pieces.into_iter().flatten().copied().collect::<Vec<u8>>();
        if self.level == 0 {
            return Taken::Whole(whole);
        }
        self.level -= 1;
        let (names, _) = whole.as_chunks::<HASH>();
        self.names = names.iter().map(|name| PieceHash(*name)).collect();
        self.have.clear();
        Taken::More
    }

    /// The size that the piece at this place of the level must have.
    fn piece_size(&self, at: usize) -> usize {
        let (mut total, mut piece) = (self.size, CHUNK_MAX);
        for _ in 0..self.level {
            (total, piece) = (total.div_ceil(piece) * HASH, FAN * HASH);
        }
        total.saturating_sub(at * piece).min(piece)
    }
}

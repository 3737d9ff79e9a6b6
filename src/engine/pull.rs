//! Bulk data on its way to us: which pieces are asked for, and when again (protocol.md §6.2).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::wire::{Assembly, PieceHash, Taken};

use super::Instant;

/// Something on its way to us, piece by piece.
#[derive(Debug)]
pub(super) struct Pull {
    assembly: Assembly,
    /// What was asked for: when it is asked for again, and how often it was since anything came.
    waiting: BTreeMap<PieceHash, (Instant, u8)>,
}

/// What a piece that came in did for a pull.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nobody asked for it.
    Stray,
    /// More is missing.
    More,
    /// All is here.
    Whole(Vec<u8>),
    /// It is not what its name says.
    Broken,
}

impl Pull {
    /// Requests that may be unanswered at the same time.
    const WINDOW: usize = 8;
    /// Requests for one piece, without any piece in between, before the pull is given up.
    const TRIES: u8 = 12;

    /// Of so many bytes under this root; `None` for none, and for more than is ever pulled.
    pub(super) fn new(root: PieceHash, size: u32) -> Option<Self> {
        Some(Self { assembly: Assembly::new(root, size as usize)?, waiting: BTreeMap::new() })
    }

    /// The pieces to ask for now; `None` when one was asked for too often.
    pub(super) fn wanted(&mut self, now: Instant) -> Option<Vec<PieceHash>> {
        let mut ask = Vec::new();
        for (hash, (at, tries)) in &mut self.waiting {
            if now >= *at {
                if *tries >= Self::TRIES {
                    return None;
                }
                *at = now + Self::patience(*tries);
                *tries += 1;
                ask.push(*hash);
            }
        }
        for hash in self.assembly.missing() {
            if self.waiting.len() >= Self::WINDOW {
                break;
            }
            self.waiting.entry(hash).or_insert_with(|| {
                ask.push(hash);
                (now + Self::patience(0), 1)
            });
        }
        Some(ask)
    }

    /// When the next piece is asked for again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.waiting.values().map(|(at, _)| *at).min()
    }

    /// Takes a piece.
    pub(super) fn take(&mut self, bytes: Vec<u8>) -> Progress {
        if self.waiting.remove(&PieceHash::of(&bytes)).is_none() {
            return Progress::Stray;
        }
        // Who sends one piece is there: the others may be lost a few times more.
        self.waiting.values_mut().for_each(|(_, tries)| *tries = 1);
        match self.assembly.take(bytes) {
            Taken::Stray => Progress::Stray,
            Taken::More => Progress::More,
            Taken::Whole(whole) => Progress::Whole(whole),
            Taken::Broken => Progress::Broken,
        }
    }

    fn patience(tries: u8) -> Duration {
        Duration::from_millis(500) * (1 << tries.min(3))
    }
}

//! How far two are with a list, and what one of them lacks.

use std::collections::BTreeMap;

use super::chain::prefix;
use super::document::ChainId;
use super::replica::Replica;
use super::span::{Hashes, Head, Heads};

impl Replica {
    /// How far we are.
    pub(super) fn heads(&self) -> Heads {
        self.heads_of(self.is_joined())
    }

    /// How far we are with what was said of who takes part.
    pub(super) fn heads_of_statements(&self) -> Heads {
        self.heads_of(false)
    }

    fn heads_of(&self, whole: bool) -> Heads {
        let some = self
            .chains
            .iter()
            .filter(|((_, epoch), chain)| (whole || !epoch.is_multiple_of(2)) && (chain.told() > 0 || chain.has_gap()));
        let heads: Vec<Head> = some.map(|((author, epoch), chain)| chain.head(author, *epoch)).collect();
        Heads { list: self.id, whole, heads }
    }

    /// What we have, folded.
    pub(super) fn hashes(&self) -> Hashes {
        let end = |hasher: blake3::Hasher| {
            let mut bytes = [0; 8];
            hasher.finalize_xof().fill(&mut bytes);
            u64::from_le_bytes(bytes).max(1)
        };
        let fold = |odd: bool| {
            let mut hasher = blake3::Hasher::new();
            for ((author, epoch), chain) in &self.chains {
                if chain.told() > 0 && epoch.is_multiple_of(2) != odd {
                    hasher.update(&prefix(author).to_be_bytes()).update(&epoch.to_be_bytes());
                    hasher.update(&chain.told().to_be_bytes()).update(&chain.check(chain.told()).to_be_bytes());
                }
            }
            end(hasher)
        };
        let outcome = || {
            let mut hasher = blake3::Hasher::new();
            for ((author, epoch), count) in self.applied.iter().filter(|(_, count)| **count > 0) {
                hasher.update(&author.0).update(&epoch.to_be_bytes()).update(&count.to_be_bytes());
            }
            for item in self.document.order() {
                hasher.update(&item.0.to_be_bytes());
            }
            end(hasher)
        };
        let edits = if self.is_joined() { fold(false) } else { 0 };
        // What is told is in the document, and nothing else.
        let settled = self.pace.settle.is_none() && self.chains.values().all(|chain| chain.told() == chain.len());
        let outcome = if self.is_joined() && settled { outcome() } else { 0 };
        Hashes { list: self.id, statements: fold(true), edits, outcome }
    }

    /// What the other lacks of what we have, statements first, at most so many; and whether we lack something of what it has.
    pub(super) fn compare(&mut self, theirs: &Heads, max: usize) -> (Vec<(ChainId, u32)>, bool) {
        let whole = self.is_joined();
        let map: BTreeMap<(u64, u32), &Head> =
            theirs.heads.iter().map(|head| ((head.author, head.epoch), head)).collect();
        let mut give = Vec::new();
        let mut known = 0;
        let mut behind = false;
        for statements in [true, false] {
            for ((author, epoch), chain) in &mut self.chains {
                if epoch.is_multiple_of(2) == statements || (!statements && !whole) {
                    continue;
                }
                let head = map.get(&(prefix(author), *epoch));
                known += usize::from(head.is_some());
                let (n, beyond) = head.map_or((0, 0), |head| (head.n, head.beyond));
                behind |= n > chain.len();
                if !statements && !theirs.whole {
                    continue;
                }
                let left = u32::try_from(max - give.len()).unwrap_or(0);
                if head.is_some_and(|head| (1..=chain.told()).contains(&n) && chain.check(n) != head.check) {
                    behind = true;
                    if left > 0 {
                        give.extend(chain.doubtful(n, left).map(|number| ((*author, *epoch), number)));
                    }
                }
                for number in n + 1..=chain.told() {
                    if give.len() >= max {
                        break;
                    }
                    let bit = (number - n).checked_sub(2).filter(|bit| *bit < 32);
                    if bit.is_none_or(|bit| beyond & 1 << bit == 0) {
                        give.push(((*author, *epoch), number));
                    }
                }
            }
        }
        let wanted = theirs.heads.iter().filter(|head| head.n > 0 && (whole || !head.epoch.is_multiple_of(2))).count();
        (give, behind || known < wanted)
    }
}

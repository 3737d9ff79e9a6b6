//! Who may edit a list. What members say about it only ever adds up, so it is the same at all in the end.

use std::collections::BTreeMap;

use crate::wire::PublicKey;

use super::Standing;
use super::span::{Statement, What};

/// Most who take part in a list.
pub(super) const MEMBERS_MAX: usize = 256;
/// Most who may take part in a list that is not open.
const INVITED_MAX: usize = 1_024;

/// Who may take part in a list, and who does.
#[derive(Debug, Default)]
pub(super) struct Members {
    pub(super) name: String,
    pub(super) creator: Option<PublicKey>,
    pub(super) open: bool,
    /// By whom.
    invited: BTreeMap<PublicKey, PublicKey>,
    /// The last word of everybody who ever took part.
    joined: BTreeMap<PublicKey, Word>,
    /// The greatest order of a statement.
    order: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Word {
    order: u32,
    epoch: u32,
    here: bool,
}

impl Members {
    /// True when this one may say that.
    pub(super) fn may_say(&self, author: &PublicKey, what: &What) -> bool {
        match what {
            What::Create(_) => self.creator.is_none(),
            What::Invite(key) => {
                self.ever_joined(author) && (self.invited.contains_key(key) || self.invited.len() < INVITED_MAX)
            }
            What::Open => self.ever_joined(author),
            What::Join => self.may_join(author) && (self.ever_joined(author) || self.joined.len() < MEMBERS_MAX),
            What::Leave => self.ever_joined(author),
        }
    }

    /// Takes note of what somebody said who may.
    pub(super) fn say(&mut self, author: PublicKey, statement: &Statement) {
        self.order = self.order.max(statement.order);
        let (order, epoch) = (statement.order, statement.place.epoch);
        let mut word = |here| {
            let word = Word { order, epoch, here };
            let last = self.joined.entry(author).or_insert(word);
            *last = word.max(*last);
        };
        match &statement.what {
            What::Create(name) => {
                word(true);
                self.name.clone_from(name);
                self.creator = Some(author);
            }
            What::Invite(key) => {
                self.invited.entry(*key).or_insert(author);
            }
            What::Open => self.open = true,
            What::Join => word(true),
            What::Leave => word(false),
        }
    }

    /// True when this one may edit: it took part at some time.
    pub(super) fn ever_joined(&self, key: &PublicKey) -> bool {
        self.joined.contains_key(key)
    }

    /// True when this one may take part.
    pub(super) fn may_join(&self, key: &PublicKey) -> bool {
        self.open || self.creator == Some(*key) || self.invited.contains_key(key)
    }

    pub(super) fn invited_by(&self, key: &PublicKey) -> Option<PublicKey> {
        self.invited.get(key).copied()
    }

    /// How somebody stands; none for who has nothing to do with the list.
    pub(super) fn standing(&self, key: &PublicKey) -> Option<Standing> {
        match self.joined.get(key) {
            Some(word) if word.here => Some(Standing::Joined),
            Some(_) => Some(Standing::Left),
            None => self.may_join(key).then_some(Standing::Invited),
        }
    }

    /// Everybody who was ever named, by key.
    pub(super) fn all(&self) -> impl Iterator<Item = (PublicKey, Standing)> {
        let mut all: BTreeMap<PublicKey, Standing> = self.invited.keys().map(|key| (*key, Standing::Invited)).collect();
        let word = |word: &Word| if word.here { Standing::Joined } else { Standing::Left };
        all.extend(self.joined.iter().map(|(key, last)| (*key, word(last))));
        all.into_iter()
    }

    /// Who takes part, by key.
    pub(super) fn joined(&self) -> impl Iterator<Item = &PublicKey> {
        self.joined.iter().filter(|(_, word)| word.here).map(|(key, _)| key)
    }

    /// The order of the next statement.
    pub(super) fn next_order(&self) -> u32 {
        self.order.saturating_add(1)
    }
}

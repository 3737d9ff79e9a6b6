//! Taking back our own edits, by what they meant.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::data::Error;
use crate::wire::PublicKey;

use super::document::Document;
use super::replica::Replica;
use super::span::Op;
use super::{Edit, ItemId};

/// What takes an edit of ours back. It is kept beside the edit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Inverse {
    Remove { item: u64 },
    Move { item: u64, to: usize },
    Set { item: u64, text: Option<String>, fields: BTreeMap<String, Option<String>> },
    Add { text: String, at: usize, fields: BTreeMap<String, String> },
}

impl Inverse {
    /// What takes an edit back that is about to be done; `added` is the item that it makes.
    pub(super) fn of(op: &Op, document: &Document, added: ItemId) -> Option<Self> {
        Some(match op {
            Op::Add { .. } => Self::Remove { item: added.0 },
            Op::Move { item, from, .. } => Self::Move { item: *item, to: *from as usize },
            Op::Set { item, text, fields } => {
                let id = ItemId(*item);
                let before = |name: &String| (name.clone(), document.field(id, name));
                let text = text.as_ref().map(|_| document.text(id));
                Self::Set { item: *item, text, fields: fields.keys().map(before).collect() }
            }
            Op::Remove { pos, .. } => {
                let at = *pos as usize;
                let item = *document.order().get(at)?;
                let fields = document.fields().remove(&item).unwrap_or_default();
                Self::Add { text: document.text(item), at, fields }
            }
        })
    }

    /// The edit that does it, as the list is now; none when there is nothing left to take back.
    fn edit(&self, document: &Document) -> Option<Edit> {
        let here = |item: &u64| {
            let item = document.now_called(ItemId(*item));
            document.place_of(item).map(|place| (item, place))
        };
        match self {
            Self::Remove { item } => here(item).map(|(item, _)| Edit::Remove { item }),
            Self::Move { item, to } => {
                let (item, place) = here(item)?;
                (place != *to).then_some(Edit::Move { item, to: *to })
            }
            Self::Set { item, text, fields } => {
                here(item).map(|(item, _)| Edit::Set { item, text: text.clone(), fields: fields.clone() })
            }
            Self::Add { text, at, fields } => {
                Some(Edit::Add { text: text.clone(), at: Some(*at), fields: fields.clone() })
            }
        }
    }
}

impl Replica {
    /// The newest edit of ours that is not taken back and is none itself that took one back: the edit that takes it back, and
    /// its epoch and number.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn newest_to_undo(&self, me: &PublicKey) -> Result<(Edit, (u32, u32)), Error> {
        let own = || self.document.log().iter().filter(|done| done.by == *me);
        let undone: BTreeSet<(u32, u32)> = own().filter_map(|done| done.undoes).collect();
        let mut left: Vec<_> = own().filter(|done| done.undoes.is_none()).collect();
        left.sort_by_key(|done| std::cmp::Reverse((done.lamport, done.epoch, done.n)));
        for done in left.into_iter().filter(|done| !undone.contains(&(done.epoch, done.n))) {
            let inverse = self.inverses.get(&(done.epoch, done.n));
            let item_is_here = matches!(done.act, super::document::Act::Removed { item }
                if self.document.place_of(self.document.now_called(item)).is_some());
            if let Some(edit) = inverse.and_then(|inverse| inverse.edit(&self.document)).filter(|_| !item_is_here) {
                return Ok((edit, (done.epoch, done.n)));
            }
        }
        Err(Error::NothingToUndo)
    }
}

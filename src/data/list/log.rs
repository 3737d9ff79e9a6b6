//! What was done to a list, told to people.

use std::collections::{BTreeMap, BTreeSet};

use crate::wire::PublicKey;

use super::document::{Act, Done};
use super::replica::Replica;
use super::span::{Body, What};
use super::{Change, ItemId, LogEntry};

impl Replica {
    /// What an edit did, in words.
    pub(super) fn change(&self, act: &Act) -> Change {
        let text = |item: &ItemId| self.document.text(*item);
        match act {
            Act::Added { item, at } => {
                let first = self.document.birth(*item).map(|birth| birth.text().to_owned()).unwrap_or_default();
                Change::Added { item: *item, text: first, at: *at }
            }
            Act::Moved { item, to } => Change::Moved { item: *item, text: text(item), to: *to },
            Act::Changed { item, text: new } => {
                Change::Changed { item: *item, text: new.clone().unwrap_or_else(|| text(item)) }
            }
            Act::Removed { item } => Change::Removed { item: *item, text: text(item) },
        }
    }

    /// The same of an edit that was the last: its place is that which the item has now.
    pub(super) fn last_change(&self, act: &Act) -> Change {
        let here = |item: &ItemId, place: usize| self.document.place_of(*item).unwrap_or(place);
        let mut change = self.change(act);
        if let Change::Added { item, at: place, .. } | Change::Moved { item, to: place, .. } = &mut change {
            *place = here(item, *place);
        }
        change
    }

    /// What was done, the newest last, at most so many.
    pub(super) fn entries(&self, limit: usize) -> Vec<LogEntry> {
        let mut done: Vec<&Done> = self.document.log().iter().collect();
        done.sort_by_key(|done| (done.lamport, done.by, done.epoch, done.n));
        let undone: BTreeSet<(PublicKey, u32, u32)> =
            done.iter().filter_map(|done| done.undoes.map(|(epoch, n)| (done.by, epoch, n))).collect();
        let returned = self.returned(&done);
        // Edits have their order among themselves; statements stand among them where the clocks of their authors say.
        let mut statements = self.statements().into_iter().map(|(_, entry)| entry).peekable();
        let (mut entries, mut clock): (Vec<LogEntry>, u64) = (Vec::new(), 0);
        for (place, done) in done.iter().enumerate() {
            clock = clock.max(done.at);
            while let Some(entry) = statements.next_if(|entry| entry.at <= clock) {
                entries.push(entry);
            }
            let (by, change) = match returned.get(&place) {
                Some((item, mover)) => (*mover, Change::Returned { item: *item, text: self.document.text(*item) }),
                None => (done.by, self.change(&done.act)),
            };
            let undone = undone.contains(&(done.by, done.epoch, done.n));
            entries.push(LogEntry { by, at: done.at, change, undone });
        }
        entries.extend(statements);
        entries.split_off(entries.len().saturating_sub(limit))
    }

    /// Removals of items that are here still, and moves of items that were removed: by their places among all edits, the item
    /// and who moved it.
    fn returned(&self, done: &[&Done]) -> BTreeMap<usize, (ItemId, PublicKey)> {
        let here: BTreeSet<ItemId> = self.document.order().iter().copied().collect();
        let mut removed: BTreeMap<ItemId, usize> = BTreeMap::new();
        let mut returned = BTreeMap::new();
        for (place, done) in done.iter().enumerate() {
            match &done.act {
                Act::Removed { item } => {
                    removed.insert(*item, place);
                }
                Act::Moved { item, .. } if removed.remove(item).is_some() => {
                    returned.insert(place, (*item, done.by));
                }
                Act::Added { .. } | Act::Moved { .. } | Act::Changed { .. } => {}
            }
        }
        for (item, place) in removed.into_iter().filter(|(item, _)| here.contains(item)) {
            let moved = |other: &&&Done| matches!(other.act, Act::Moved { item: moved, .. } if moved == item);
            let mover = done.iter().rev().find(moved).map(|done| done.by);
            returned.extend(mover.map(|mover| (place, (item, mover))));
        }
        returned
    }

    fn statements(&self) -> Vec<(u32, LogEntry)> {
        let mut all = Vec::new();
        for ((by, epoch), chain) in &self.chains {
            if epoch.is_multiple_of(2) {
                continue;
            }
            for n in 1..=chain.len() {
                let Some(Body::Statement(said)) = chain.get(n).and_then(|held| Body::decode(&held.body)) else {
                    continue;
                };
                let change = change_of(&said.what);
                all.push((said.order, LogEntry { by: *by, at: said.place.at, change, undone: false }));
            }
        }
        all.sort_by_key(|(order, entry)| (*order, entry.by));
        all
    }
}

/// What a statement did.
pub(super) fn change_of(what: &What) -> Change {
    match what {
        What::Create(_) => Change::Created,
        What::Invite(key) => Change::Invited(*key),
        What::Open => Change::Opened,
        What::Join => Change::Joined,
        What::Leave => Change::Left,
    }
}

//! Two things that one author said under one number (protocol.md §11.3): one of them stands, at all the same. Whoever said
//! something that falls says it again.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::data::{Event, Row, Turn, list};
use crate::engine::Instant;

use super::chain::Datagram;
use super::document::{Act, ChainId, Document, Done};
use super::machine::Lists;
use super::replica::{Own, Replica};
use super::span::{Body, What};
use super::{Edit, ListId};

/// A list is made anew at most so often.
const PAUSE: Duration = Duration::from_secs(2);

/// What fell away.
#[derive(Debug, Default)]
pub(super) struct Fallen {
    /// What drops it from the disk.
    pub(super) rows: Vec<Row>,
    /// What we said about who takes part.
    pub(super) statements: Vec<What>,
    /// What our edits did that are in the document no more.
    pub(super) edits: Vec<Edit>,
}

impl Replica {
    /// Takes what stands in place of what was held under its number; false when it may not be, or not yet.
    pub(super) fn change_over(
        &mut self,
        chain: ChainId,
        body: &Body,
        datagram: Datagram,
        taken: &mut Vec<(ChainId, u32)>,
        now: Instant,
    ) -> bool {
        let refused = matches!(body, Body::Statement(said) if !self.members.may_say(&chain.0, &said.what));
        let Some(place) = body.place().filter(|_| !refused) else { return false };
        if self.forked.is_some_and(|last| now.since(last) < PAUSE) {
            return false;
        }
        self.forked = Some(now);
        self.fall(chain, place.n);
        if self.is_me(&chain.0) {
            self.inverses.retain(|(epoch, n), _| *epoch != chain.1 || *n < place.n);
            self.own = match chain.1 % 2 {
                0 => Own { edits: None, ..self.own },
                _ => Own { statements: None, ..self.own },
            };
        }
        self.leave_out_strangers();
        let (raw, bytes) = datagram;
        let held = self.chains.entry(chain).or_default();
        held.drop_next();
        held.put(place, &raw, &bytes);
        self.recount();
        let good = self.advance(chain, taken);
        let before = std::mem::replace(&mut self.document, Document::new());
        self.settle_anew();
        self.fallen.edits.extend(self.missing(&before, Some((chain, place.n))));
        good
    }

    /// Drops a chain from this number on.
    fn fall(&mut self, chain: ChainId, n: u32) {
        let Some(held) = self.chains.get(&chain) else { return };
        let said = (n..=held.len()).filter_map(|n| held.get(n)).filter_map(|held| Body::decode(&held.body));
        let statements = said.filter_map(|body| match body {
            Body::Statement(said) => Some(said.what),
            Body::Edit(_) | Body::Heads(_) | Body::Hashes(_) => None,
        });
        let (statements, rows): (Vec<What>, _) = (statements.collect(), self.drops_of(&chain, n));
        self.fallen.rows.extend(rows);
        if self.is_me(&chain.0) {
            self.fallen.statements.extend(statements);
        }
        if let Some(held) = self.chains.get_mut(&chain) {
            held.cut(n);
        }
    }

    /// Drops what was said by those who were let in by nothing that stands.
    fn leave_out_strangers(&mut self) {
        let may = self.recount_members();
        let chains: Vec<ChainId> = self.chains.keys().copied().collect();
        for chain in chains {
            if !chain.1.is_multiple_of(2) {
                self.fall(chain, may.get(&chain).copied().unwrap_or(0) + 1);
            } else if !self.members.ever_joined(&chain.0) {
                self.fall(chain, 1);
            }
        }
    }

    /// What our edits did that were in the document before and are not now, as edits of what the list is now. Of this chain,
    /// something else stands from this number on.
    pub(super) fn missing(&self, before: &Document, fallen: Option<(ChainId, u32)>) -> Vec<Edit> {
        let ours = |document: &'_ Document| -> Vec<Done> {
            document.log().iter().filter(|done| self.is_me(&done.by)).cloned().collect()
        };
        let here: BTreeSet<(u32, u32)> = ours(&self.document).iter().map(|done| (done.epoch, done.n)).collect();
        let (now, fields) = (&self.document, before.fields());
        let (mut added, mut others) = (Vec::new(), Vec::new());
        let fell = |done: &Done| fallen.is_some_and(|(chain, first)| chain == (done.by, done.epoch) && done.n >= first);
        for done in ours(before).into_iter().filter(|done| fell(done) || !here.contains(&(done.epoch, done.n))) {
            let (Act::Added { item, .. } | Act::Moved { item, .. } | Act::Changed { item, .. } | Act::Removed { item }) =
                done.act;
            let (place, is_here) = (before.place_of(item), now.place_of(item).is_some());
            let fields = fields.get(&item).cloned().unwrap_or_default();
            match (done.act, place) {
                (Act::Added { .. }, Some(at)) => {
                    added.push((at, Edit::Add { text: before.text(item), at: Some(at), fields }));
                }
                (Act::Moved { .. }, Some(to)) if is_here => others.push(Edit::Move { item, to }),
                (Act::Changed { .. }, Some(_)) if is_here => {
                    let text = Some(before.text(item));
                    let fields = fields.into_iter().map(|(name, value)| (name, Some(value))).collect();
                    others.push(Edit::Set { item, text, fields });
                }
                (Act::Removed { .. }, None) if is_here => others.push(Edit::Remove { item }),
                _ => {}
            }
        }
        added.sort_by_key(|(at, _)| *at);
        added.into_iter().map(|(_, edit)| edit).chain(others).collect()
    }
}

impl Lists {
    /// A list was made anew: tells so, drops what fell away, and says again what of it was ours.
    pub(super) fn say_again(&mut self, id: ListId, turn: &mut Turn<'_>) {
        let Some(replica) = self.lists.get_mut(&id) else { return };
        let Fallen { rows, statements, edits } = std::mem::take(&mut replica.fallen);
        if let (Some(last), true) = (replica.document.log().last(), replica.is_joined()) {
            let change = replica.last_change(&last.act);
            turn.event(Event::List(list::Event::Changed { list: replica.summary(), by: last.by, change }));
        }
        self.rows.extend(rows);
        // Nobody waits for these; what cannot be said any more is gone.
        for what in statements {
            let _ = self.say(id, what, turn);
        }
        for edit in edits {
            let _ = self.edit(id, &edit, None, turn);
        }
    }
}

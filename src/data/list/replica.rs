//! One list, as far as it is here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use loro::json::JsonChange;

use crate::engine::Instant;
use crate::wire::PublicKey;

use super::chain::{Chain, Put};
use super::document::{ChainId, Document, replica_id};
use super::fork::Fallen;
use super::members::Members;
use super::span::{Body, Edit, Place, Statement};
use super::{ListId, Standing};

/// Most edits and statements of a list.
pub(super) const SPANS_MAX: usize = 100_000;
/// Most bytes that they take.
const BYTES_MAX: usize = 96 << 20;
/// Most chains of an author: of edits, of statements.
const CHAINS_MAX: (usize, usize) = (16, 8);
/// Most statements of an author in one chain.
const STATEMENTS_MAX: u32 = 2_048;

/// One list.
#[derive(Debug)]
pub(super) struct Replica {
    pub(super) id: ListId,
    pub(super) members: Members,
    pub(super) chains: BTreeMap<ChainId, Chain>,
    pub(super) document: Document,
    /// How many of each chain of edits are in the document.
    pub(super) applied: BTreeMap<ChainId, u32>,
    /// Chains that made the library fail, and so are left out from this number on.
    aside: BTreeMap<ChainId, u32>,
    /// How our own edits are taken back, by epoch and number.
    pub(super) inverses: BTreeMap<(u32, u32), super::undo::Inverse>,
    /// The chains that we go on with.
    pub(super) own: Own,
    pub(super) refused: u64,
    pub(super) rebuilt: u64,
    pub(super) pace: super::sync::Pace,
    /// What fell away since this was last taken.
    pub(super) fallen: Fallen,
    /// When something fell away the last time.
    pub(super) forked: Option<Instant>,
    /// The hash of the edits of which the document was made in the order that is the same at all.
    ordered: u64,
    spans: usize,
    bytes: usize,
    me: PublicKey,
}

/// Our own chains, by epoch.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Own {
    pub(super) edits: Option<u32>,
    pub(super) statements: Option<u32>,
}

/// What became of something that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    New,
    Known,
    Refused,
    /// Something else stands under its number.
    Later,
}

impl Replica {
    pub(super) fn new(id: ListId, me: PublicKey, now: Instant) -> Self {
        Self {
            id,
            members: Members::default(),
            chains: BTreeMap::new(),
            document: Document::new(),
            applied: BTreeMap::new(),
            aside: BTreeMap::new(),
            inverses: BTreeMap::new(),
            own: Own::default(),
            fallen: Fallen::default(),
            forked: None,
            ordered: 0,
            refused: 0,
            rebuilt: 0,
            pace: super::sync::Pace::new(now),
            spans: 0,
            bytes: 0,
            me,
        }
    }

    /// How we stand; none when nobody told that we may take part.
    pub(super) fn standing(&self) -> Option<Standing> {
        self.members.creator?;
        self.members.standing(&self.me)
    }

    pub(super) fn me(&self) -> PublicKey {
        self.me
    }

    pub(super) fn is_me(&self, key: &PublicKey) -> bool {
        self.me == *key
    }

    /// Finds the chains of ours to go on with: those in which we spoke last.
    pub(super) fn find_own(&mut self) {
        let last = |odd: bool| {
            let own =
                self.chains.iter().filter(|((author, epoch), _)| *author == self.me && epoch.is_multiple_of(2) != odd);
            let own = own.filter(|(_, chain)| !chain.has_gap());
            own.max_by_key(|(_, chain)| (chain.last_at(), chain.len())).map(|((_, epoch), _)| *epoch)
        };
        self.own = Own { edits: last(false), statements: last(true) };
    }

    pub(super) fn is_joined(&self) -> bool {
        self.standing() == Some(Standing::Joined)
    }

    /// True when there is place for more.
    pub(super) fn has_room(&self) -> bool {
        self.spans < SPANS_MAX && self.bytes < BYTES_MAX
    }

    /// Takes what somebody signed; numbers of its chain that came to stand are added to `taken`.
    pub(super) fn take(
        &mut self,
        author: PublicKey,
        body: &Body,
        (raw, bytes): (&Arc<[u8]>, &Arc<[u8]>),
        taken: &mut Vec<(ChainId, u32)>,
        now: Instant,
    ) -> Taken {
        let (place, statement) = match body {
            Body::Edit(edit) => (edit.place, None),
            Body::Statement(statement) => (statement.place, Some(statement)),
            Body::Heads(_) | Body::Hashes(_) => return Taken::Refused,
        };
        let chain = (author, place.epoch);
        let may = match statement {
            Some(statement) => {
                let known = self.members.ever_joined(&author) || self.members.may_say(&author, &statement.what);
                known && place.n <= STATEMENTS_MAX
            }
            None => self.members.ever_joined(&author),
        };
        let spans_of_it =
            || self.chains.keys().filter(|(of, epoch)| *of == author && epoch % 2 == place.epoch % 2).count();
        let max = if statement.is_some() { CHAINS_MAX.1 } else { CHAINS_MAX.0 };
        if !may || !self.has_room() || (!self.chains.contains_key(&chain) && spans_of_it() >= max) {
            self.refused += 1;
            return Taken::Refused;
        }
        let put = self.chains.entry(chain).or_default().put(&place, raw, bytes);
        let good = match put {
            Put::Known => return Taken::Known,
            Put::Far => return Taken::Refused,
            Put::New => self.advance(chain, taken),
            Put::Earlier => self.change_over(chain, body, (Arc::clone(raw), Arc::clone(bytes)), taken, now),
            Put::Later | Put::Astray => false,
        };
        if good {
            return Taken::New;
        }
        self.refused += 1;
        if put == Put::Later { Taken::Later } else { Taken::Refused }
    }

    /// Takes all of a chain that is next; false when some of it may not be.
    pub(super) fn advance(&mut self, chain: ChainId, taken: &mut Vec<(ChainId, u32)>) -> bool {
        while let Some((n, body, check)) = self.chains.get(&chain).and_then(Chain::peek_next) {
            let body = Body::decode(body);
            let good = match body {
                Some(body) if body.place().is_none_or(|place| place.before != check) => false,
                Some(Body::Edit(_)) => true,
                Some(Body::Statement(statement)) => {
                    let may = self.members.may_say(&chain.0, &statement.what);
                    if may {
                        self.members.say(chain.0, &statement);
                    }
                    may
                }
                _ => false,
            };
            let Some(held) = self.chains.get_mut(&chain) else { return false };
            if !good {
                held.drop_next();
                return false;
            }
            held.take_next();
            self.spans += 1;
            self.bytes += held.get(n).map_or(0, |held| held.raw.len() + held.body.len());
            taken.push((chain, n));
        }
        true
    }

    /// Adds an edit of ours that is in the document already.
    pub(super) fn push_edit(&mut self, edit: &Edit, lamport: u32, raw: &Arc<[u8]>, body: &Arc<[u8]>) {
        let chain = (self.me, edit.place.epoch);
        self.document.note(&chain, replica_id(&self.id, &chain), edit, lamport);
        self.push(chain, raw, body);
        self.applied.insert(chain, edit.place.n);
    }

    /// Adds a statement of ours.
    pub(super) fn push_statement(&mut self, statement: &Statement, raw: &Arc<[u8]>, body: &Arc<[u8]>) {
        self.members.say(self.me, statement);
        self.push((self.me, statement.place.epoch), raw, body);
    }

    fn push(&mut self, chain: ChainId, raw: &Arc<[u8]>, body: &Arc<[u8]>) {
        self.chains.entry(chain).or_default().push(Arc::clone(raw), Arc::clone(body));
        self.spans += 1;
        self.bytes += raw.len() + body.len();
    }

    /// Brings what came into the document: what was done, by number in its log.
    pub(super) fn settle(&mut self) -> std::ops::Range<usize> {
        let before = self.document.log().len();
        let (batch, changes) = self.ready_batch();
        if changes.is_empty() {
            return before..before;
        }
        if self.document.import(changes).is_err() {
            self.rebuild(&batch);
        }
        let after = self.document.log().len();
        before.min(after)..after
    }

    /// All edits that may be brought into the document, and takes note of them as if they were.
    fn ready_batch(&mut self) -> (Vec<ChainId>, Vec<JsonChange>) {
        let (mut batch, mut changes) = (Vec::new(), Vec::new());
        loop {
            let count = changes.len();
            for (chain, held) in &self.chains {
                if !chain.1.is_multiple_of(2) {
                    continue;
                }
                let applied = self.applied.entry(*chain).or_default();
                let limit = self.aside.get(chain).copied().unwrap_or(u32::MAX);
                while *applied < held.len() && *applied + 1 < limit {
                    let Some(Body::Edit(edit)) = held.get(*applied + 1).and_then(|held| Body::decode(&held.body))
                    else {
                        break;
                    };
                    let replica = replica_id(&self.id, chain);
                    let Some(change) = self.document.ready(replica, &edit) else { break };
                    self.document.note(chain, replica, &edit, change.lamport);
                    *applied += 1;
                    batch.push(*chain);
                    changes.push(change);
                }
            }
            if changes.len() == count {
                return (batch, changes);
            }
        }
    }

    /// Makes the document anew of what is held, after the library failed at one of the last edits: that one, and what its
    /// author did after it, is left out.
    pub(super) fn rebuild(&mut self, suspects: &[ChainId]) {
        self.rebuilt += 1;
        let mut suspects: BTreeSet<ChainId> = suspects.iter().copied().collect();
        let mut careful = false;
        loop {
            std::mem::replace(&mut self.document, Document::new()).discard();
            self.applied.clear();
            // All that worked before, at once; then the others, one by one; then what follows them.
            let limits = self.aside.clone();
            for chain in &suspects {
                self.aside.entry(*chain).or_insert(1);
            }
            let worked = self.import_ready();
            self.aside = limits;
            if worked {
                match self.find_culprit(&suspects, careful) {
                    Some((chain, n)) => {
                        self.refused += 1;
                        self.aside.insert(chain, n);
                        continue;
                    }
                    None if self.document.refresh().is_err() && !careful => {
                        careful = true;
                        continue;
                    }
                    None if self.import_ready() => return,
                    None => {}
                }
            }
            suspects = self.chains.keys().copied().collect();
        }
    }

    /// Makes the document anew in an order that is the same at all who have these edits: somebody who has them has another
    /// list, as what the library makes of edits that are wrong depends on their order. False when it is of that order.
    pub(super) fn put_in_order(&mut self, edits: u64) -> bool {
        if self.ordered == edits {
            return false;
        }
        self.ordered = edits;
        self.aside.clear();
        let before = std::mem::replace(&mut self.document, Document::new());
        let all: Vec<ChainId> = self.chains.keys().copied().collect();
        self.rebuild(&all);
        self.fallen.edits.extend(self.missing(&before, None));
        true
    }

    fn import_ready(&mut self) -> bool {
        let (_, changes) = self.ready_batch();
        changes.is_empty() || self.document.import(changes).is_ok()
    }

    /// Brings edits of these chains into the document, one by one; the first at which the library fails. Carefully, with the
    /// order that each makes.
    fn find_culprit(&mut self, suspects: &BTreeSet<ChainId>, careful: bool) -> Option<(ChainId, u32)> {
        loop {
            let mut some = false;
            for chain in suspects {
                let stop = self.aside.get(chain).copied().unwrap_or(u32::MAX);
                let Some((n, change)) = self.next_alone(chain, stop) else { continue };
                some = true;
                let document = &mut self.document;
                let import = if careful { Document::import } else { Document::import_unread };
                if import(document, vec![change]).is_err() {
                    return Some((*chain, n));
                }
            }
            if !some {
                return None;
            }
        }
    }

    fn next_alone(&mut self, chain: &ChainId, stop: u32) -> Option<(u32, JsonChange)> {
        let n = self.applied.get(chain).copied().unwrap_or(0) + 1;
        if n >= stop || !chain.1.is_multiple_of(2) {
            return None;
        }
        let held = self.chains.get(chain)?.get(n)?;
        let Some(Body::Edit(edit)) = Body::decode(&held.body) else { return None };
        let replica = replica_id(&self.id, chain);
        let change = self.document.ready(replica, &edit)?;
        self.document.note(chain, replica, &edit, change.lamport);
        self.applied.insert(*chain, n);
        Some((n, change))
    }

    /// What we said from this number on is not on the disk: it never was.
    pub(super) fn take_back(&mut self, chain: ChainId, n: u32) {
        if let Some(held) = self.chains.get_mut(&chain) {
            held.cut(n);
        }
        self.inverses.retain(|(epoch, number), _| *epoch != chain.1 || *number < n);
        self.own = Own::default();
        if chain.1.is_multiple_of(2) {
            self.rebuild(&[]);
        } else {
            self.recount_members();
        }
    }

    /// Who takes part, anew; how many statements of each chain may be said.
    pub(super) fn recount_members(&mut self) -> BTreeMap<ChainId, u32> {
        self.members = Members::default();
        let mut done: BTreeMap<ChainId, u32> = BTreeMap::new();
        loop {
            let mut some = false;
            for (chain, held) in self.chains.iter().filter(|((_, epoch), _)| !epoch.is_multiple_of(2)) {
                let done = done.entry(*chain).or_default();
                while let Some(Body::Statement(statement)) =
                    held.get(*done + 1).and_then(|held| Body::decode(&held.body))
                {
                    if !self.members.may_say(&chain.0, &statement.what) {
                        break;
                    }
                    self.members.say(chain.0, &statement);
                    *done += 1;
                    some = true;
                }
            }
            if !some {
                return done;
            }
        }
    }

    /// Forgets all edits: we take no part any more.
    pub(super) fn forget_edits(&mut self) {
        self.chains.retain(|(_, epoch), _| !epoch.is_multiple_of(2));
        self.document = Document::new();
        self.applied.clear();
        self.aside.clear();
        self.inverses.clear();
        self.own.edits = None;
        self.recount();
    }

    /// What all that is held takes.
    pub(super) fn recount(&mut self) {
        self.spans = self.chains.values().map(|chain| chain.len() as usize).sum();
        self.bytes = self.chains.values().map(Chain::bytes).sum();
    }

    /// Makes the document anew of what is held.
    pub(super) fn settle_anew(&mut self) {
        self.document = Document::new();
        self.applied.clear();
        self.aside.clear();
        self.settle();
    }

    /// Our chain of edits and its next number, if it may be gone on with: all of it is here and in the document.
    pub(super) fn own_edits(&self) -> Option<(u32, u32)> {
        let epoch = self.own.edits?;
        let chain = (self.me, epoch);
        let len = self.chains.get(&chain).map_or(0, Chain::len);
        let gap = self.chains.get(&chain).is_some_and(Chain::has_gap);
        let whole = self.applied.get(&chain).copied().unwrap_or(0) == len && !self.aside.contains_key(&chain);
        (whole && !gap).then_some((epoch, len + 1))
    }

    /// The place of what we say next in a chain.
    pub(super) fn own_place(&self, epoch: u32, n: u32, at: u64) -> Place {
        let before = self.chains.get(&(self.me, epoch)).map_or(0, |chain| chain.check(n - 1));
        Place { list: self.id, epoch, n, before, at }
    }

    /// Our chain of statements, and its next number.
    pub(super) fn own_statements(&self) -> Option<(u32, u32)> {
        let epoch = self.own.statements?;
        let chain = self.chains.get(&(self.me, epoch));
        let next = chain.map_or(0, Chain::len) + 1;
        (!chain.is_some_and(Chain::has_gap) && next <= STATEMENTS_MAX).then_some((epoch, next))
    }
}

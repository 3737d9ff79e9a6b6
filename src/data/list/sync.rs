//! How lists become the same at all who take part: what is new is sent to everybody at once; then each tells one other, now
//! and then, how far it is, and is given what it lacks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::seq::IndexedRandom;

use crate::data::{Event, Turn, list};
use crate::engine::{Arrived, Channel, Instant, To};
use crate::wire::PublicKey;

use super::document::Act;
use super::log::change_of;
use super::machine::{Asked, Lists};
use super::replica::{Replica, Taken};
use super::span::{Body, HASHES_MAX, Hashes, Heads, Statement, What};
use super::{Change, ItemId, ListId, Standing};

/// Edits and statements that are given at once.
const GIVEN_MAX: usize = 64;
/// Those that one peer is given in a second, and at once: fewer than it takes.
const GIVING: (u64, u64) = (450, 800);
/// After something new, one other is told how far we are after this time, and then after twice the time, and so on.
const GOSSIP: Duration = Duration::from_millis(40);
/// Until it is this long; from then on there are only the rounds.
const GOSSIP_MAX: Duration = Duration::from_secs(6);
/// Somebody is told of all lists at this pace.
const ROUND: Duration = Duration::from_secs(12);
/// What we know to lack is asked for again after this time.
const PULL: Duration = Duration::from_millis(60);
const PULLS_MAX: u32 = 8;
/// The same heads of the same peer are answered again after this time.
const SAME: Duration = Duration::from_millis(25);
/// With more chains than that, only their hash is told at first.
const SMALL: usize = 24;
/// Edits that come close together are brought into the document together.
const SETTLE: Duration = Duration::from_millis(4);
/// Lists that are asked after because somebody names them.
const ASKED_MAX: usize = 32;
/// How long one is asked for a list that we do not know before another is.
const ASKED_FOR: Duration = Duration::from_millis(500);

/// When what is due with a list.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) gossip: Option<Instant>,
    step: u32,
    pub(super) settle: Option<Instant>,
    settled: Instant,
    pub(super) pull: Option<Pull>,
    /// The last heads of each peer, and when it was answered.
    answered: BTreeMap<PublicKey, (Instant, u64)>,
    pub(super) born: Instant,
}

/// Somebody has what we lack.
#[derive(Debug)]
pub(super) struct Pull {
    from: PublicKey,
    theirs: Heads,
    pub(super) at: Instant,
    tries: u32,
}

/// What one peer may be given yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purse {
    left: u64,
    since: Instant,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self { gossip: None, step: 0, settle: None, settled: now, pull: None, answered: BTreeMap::new(), born: now }
    }

    /// There is something new.
    pub(super) fn news(&mut self, turn: &mut Turn<'_>) {
        if self.gossip.is_none() || self.step > 1 {
            self.step = 0;
            self.gossip = Some(turn.now + jittered(GOSSIP, turn));
        }
    }

    pub(super) fn next(&self) -> Option<Instant> {
        [self.gossip, self.settle, self.pull.as_ref().map(|pull| pull.at)].into_iter().flatten().min()
    }
}

/// From 3/4 to 5/4 of a time.
fn jittered(time: Duration, turn: &mut Turn<'_>) -> Duration {
    let part = u32::try_from(turn.random() % 512).unwrap_or(0);
    time / 1024 * (768 + part)
}

impl Lists {
    /// Takes what came.
    pub(super) fn hear(&mut self, arrived: &Arrived, turn: &mut Turn<'_>) {
        let Some(body) = Body::decode(&arrived.body) else {
            self.refused += 1;
            return;
        };
        match body {
            Body::Edit(_) | Body::Statement(_) => self.hear_span(arrived, &body, turn),
            Body::Heads(heads) if arrived.is_sealed() => self.hear_heads(&arrived.from, heads, turn),
            Body::Hashes(hashes) if arrived.is_sealed() => self.hear_hashes(&arrived.from, &hashes, turn),
            Body::Heads(_) | Body::Hashes(_) => self.refused += 1,
        }
    }

    fn hear_span(&mut self, arrived: &Arrived, body: &Body, turn: &mut Turn<'_>) {
        let Some(raw) = &arrived.raw else {
            self.refused += 1;
            return;
        };
        let id = match body {
            Body::Statement(Statement { what: What::Create(_), .. }) => ListId::of(raw),
            Body::Statement(statement) => statement.place.list,
            Body::Edit(edit) => edit.place.list,
            Body::Heads(_) | Body::Hashes(_) => return,
        };
        let creates = matches!(body, Body::Statement(Statement { what: What::Create(_), .. }));
        if !self.lists.contains_key(&id) {
            if !creates || self.asked.remove(&id).is_none() || !self.has_room_for_strangers() {
                return;
            }
            self.lists.insert(id, Replica::new(id, turn.me(), turn.now));
        }
        let Some(replica) = self.lists.get_mut(&id) else { return };
        let before = replica.standing();
        if matches!(body, Body::Edit(_)) && before != Some(Standing::Joined) {
            return;
        }
        let mut taken = Vec::new();
        let outcome = replica.take(arrived.author, body, (raw, &arrived.body), &mut taken, turn.now);
        if outcome == Taken::Later {
            self.give_what_stands(id, arrived, body, turn);
        }
        if taken.is_empty() {
            return;
        }
        if self.lists.get(&id).is_some_and(|replica| !replica.fallen.rows.is_empty()) {
            self.say_again(id, turn);
        }
        let Some(replica) = self.lists.get_mut(&id) else { return };
        let after = replica.standing();
        if after.is_some() {
            let rows: Vec<_> = if before.is_none() {
                replica.rows()
            } else {
                taken.iter().filter_map(|(chain, n)| replica.row(chain, *n)).collect()
            };
            self.rows.extend(rows);
        }
        if after == Some(Standing::Joined) {
            replica.pace.news(turn);
        }
        if before.is_none() && after == Some(Standing::Invited) {
            turn.event(Event::List(list::Event::Invited(replica.summary())));
        }
        if let Body::Statement(statement) = body {
            if before == Some(Standing::Joined) && taken.last().is_some_and(|(chain, _)| chain.0 == arrived.author) {
                let change = change_of(&statement.what);
                let list = replica.summary();
                turn.event(Event::List(list::Event::Changed { list, by: arrived.author, change }));
            }
            if before != after && before == Some(Standing::Invited) {
                replica.pace.gossip = Some(turn.now);
            }
        } else {
            self.settle_soon(id, turn);
        }
    }

    /// Somebody takes something for what stands under a number that is not it.
    fn give_what_stands(&mut self, id: ListId, arrived: &Arrived, body: &Body, turn: &mut Turn<'_>) {
        let (Some(replica), Some(place)) = (self.lists.get(&id), body.place()) else { return };
        let held = replica.chains.get(&(arrived.author, place.epoch)).and_then(|chain| chain.get(place.n));
        let purse = self.purses.entry(arrived.from).or_insert(Purse { left: GIVING.1, since: turn.now });
        if let Some(held) = held.filter(|_| replica.shares_with(&arrived.from) && purse.fill(turn.now) > 0) {
            purse.left -= 1;
            turn.pass_on(&arrived.from, &held.raw, &held.body);
        }
    }

    /// Brings edits into the document now, or in a moment when that was done just now.
    fn settle_soon(&mut self, id: ListId, turn: &mut Turn<'_>) {
        let Some(replica) = self.lists.get_mut(&id) else { return };
        let at = replica.pace.settled + SETTLE;
        if at <= turn.now {
            replica.settle_now(turn);
        } else {
            replica.pace.settle = Some(at);
        }
    }

    fn hear_hashes(&mut self, from: &PublicKey, hashes: &[Hashes], turn: &mut Turn<'_>) {
        for theirs in hashes {
            let Some(replica) = self.lists.get_mut(&theirs.list) else {
                self.ask_for(theirs.list, *from, turn);
                continue;
            };
            let ours = replica.hashes();
            if !replica.shares_with(from) {
                // It may know more than we do: what let it in may be lost here.
                if replica.is_joined() && ours.statements != theirs.statements {
                    turn.send_sealed(from, Channel::List, &replica.heads_of_statements().encode(), false);
                }
                continue;
            }
            let both = theirs.edits != 0 && ours.edits != 0;
            if ours.statements != theirs.statements || (both && ours.edits != theirs.edits) {
                turn.send_sealed(from, Channel::List, &replica.heads().encode(), false);
            } else if both
                && theirs.outcome != 0
                && ours.outcome != 0
                && ours.outcome != theirs.outcome
                && replica.members.standing(from) == Some(Standing::Joined)
                && replica.put_in_order(ours.edits)
            {
                self.say_again(theirs.list, turn);
            }
        }
    }

    /// Asks for the statements of a list that somebody names, to see whether it concerns us.
    fn ask_for(&mut self, id: ListId, from: PublicKey, turn: &mut Turn<'_>) {
        self.asked.retain(|_, asked| turn.now.since(asked.at) < ASKED_FOR * 10);
        let busy = self.asked.get(&id).is_some_and(|asked| turn.now.since(asked.at) < ASKED_FOR);
        let many = self.asked.values().filter(|asked| asked.from == from).count() >= ASKED_MAX / 4;
        if busy
            || many
            || (self.asked.len() >= ASKED_MAX && !self.asked.contains_key(&id))
            || !self.has_room_for_strangers()
        {
            return;
        }
        self.asked.insert(id, Asked { from, at: turn.now });
        let nothing = Heads { list: id, whole: false, heads: Vec::new() };
        turn.send_sealed(&from, Channel::List, &nothing.encode(), false);
    }

    fn hear_heads(&mut self, from: &PublicKey, mut theirs: Heads, turn: &mut Turn<'_>) {
        let Some(replica) = self.lists.get_mut(&theirs.list) else { return };
        if !replica.shares_with(from) && replica.standing().is_some() {
            return;
        }
        theirs.whole &= replica.members.standing(from) == Some(Standing::Joined);
        let folded = fold(&theirs);
        let now = turn.now;
        replica.pace.answered.retain(|_, (at, _)| now.since(*at) < SAME);
        if replica.pace.answered.insert(*from, (now, folded)).is_some_and(|(_, last)| last == folded) {
            return;
        }
        let purse = self.purses.entry(*from).or_insert(Purse { left: GIVING.1, since: now });
        let max = usize::try_from(purse.fill(now)).unwrap_or(0).min(GIVEN_MAX);
        let (give, behind) = replica.compare(&theirs, max);
        purse.left -= give.len() as u64;
        let more = give.len() == max && max > 0;
        for (chain, n) in give {
            if let Some(held) = replica.chains.get(&chain).and_then(|held| held.get(n)) {
                turn.pass_on(from, &held.raw, &held.body);
            }
        }
        if behind || more {
            turn.send_sealed(from, Channel::List, &replica.heads().encode(), false);
        }
        if behind {
            let tries = replica.pace.pull.as_ref().filter(|pull| pull.theirs == theirs).map_or(0, |pull| pull.tries);
            replica.pace.pull = Some(Pull { from: *from, theirs, at: now + PULL, tries });
        }
    }

    /// Does what is due with lists.
    pub(super) fn beat(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        for replica in self.lists.values_mut() {
            if replica.pace.settle.is_some_and(|at| at <= now) {
                replica.settle_now(turn);
            }
            if replica.pace.pull.as_ref().is_some_and(|pull| pull.at <= now) {
                replica.pull_again(turn);
            }
            if replica.pace.gossip.is_some_and(|at| at <= now) {
                replica.gossip(turn);
            }
        }
        if self.round <= now {
            self.round = now + jittered(ROUND, turn);
            self.purses.retain(|key, _| turn.people.is_here(key));
            // What was named to us and turned out not to concern us.
            self.lists.retain(|_, replica| {
                let concerns_us = replica.standing().is_some() || now.since(replica.pace.born) < ROUND;
                self.refused += if concerns_us { 0 } else { replica.refused };
                concerns_us
            });
            let here: Vec<PublicKey> = turn.people.iter().map(|(key, _)| *key).collect();
            let shared: Vec<&PublicKey> =
                here.iter().filter(|key| self.lists.values().any(|replica| replica.shares_with(key))).collect();
            let some: Vec<PublicKey> = shared.sample(turn.rng, 1 + shared.len() / 16).map(|key| **key).collect();
            for key in some {
                self.tell_hashes(&key, turn);
            }
        }
    }

    /// Tells somebody how far we are with all lists that concern it.
    pub(super) fn tell_hashes(&self, to: &PublicKey, turn: &mut Turn<'_>) {
        let all: Vec<Hashes> =
            self.lists.values().filter(|replica| replica.shares_with(to)).map(Replica::hashes).collect();
        for some in all.chunks(HASHES_MAX / 6) {
            turn.send_sealed(to, Channel::List, &Hashes::encode(some), false);
        }
    }
}

impl Purse {
    fn fill(&mut self, now: Instant) -> u64 {
        let millis = u64::try_from(now.since(self.since).as_millis()).unwrap_or(u64::MAX);
        let earned = millis.saturating_mul(GIVING.0) / 1_000;
        if earned > 0 {
            self.left = self.left.saturating_add(earned).min(GIVING.1);
            self.since = now;
        }
        self.left
    }
}

fn fold(heads: &Heads) -> u64 {
    let hash = blake3::hash(&heads.encode());
    u64::from_le_bytes(hash.as_bytes().first_chunk().copied().unwrap_or_default())
}

impl Replica {
    /// True for somebody whom this list concerns, when it concerns us.
    pub(super) fn shares_with(&self, key: &PublicKey) -> bool {
        let theirs = self.members.standing(key);
        match self.standing() {
            Some(Standing::Joined) => matches!(theirs, Some(Standing::Joined | Standing::Invited)),
            Some(Standing::Invited) => theirs == Some(Standing::Joined),
            Some(Standing::Left) | None => false,
        }
    }

    /// Who takes part and is here, besides us.
    fn neighbours(&self, turn: &Turn<'_>) -> Vec<PublicKey> {
        self.members.joined().filter(|key| !self.is_me(key) && turn.people.is_here(key)).copied().collect()
    }

    /// Sends something that we signed just now to all who take part.
    pub(super) fn send(&self, raw: &Arc<[u8]>, turn: &mut Turn<'_>) {
        turn.send_signed(&To::Keys(self.neighbours(turn)), raw);
    }

    fn gossip(&mut self, turn: &mut Turn<'_>) {
        let neighbours = self.neighbours(turn);
        if let Some(one) = neighbours.choose(turn.rng) {
            let heads = self.heads();
            let body = if heads.heads.len() > SMALL { Hashes::encode(&[self.hashes()]) } else { heads.encode() };
            turn.send_sealed(one, Channel::List, &body, false);
        }
        self.pace.step += 1;
        let wait = GOSSIP * 2_u32.saturating_pow(self.pace.step.min(16));
        self.pace.gossip = (wait <= GOSSIP_MAX && !neighbours.is_empty()).then(|| turn.now + jittered(wait, turn));
    }

    fn pull_again(&mut self, turn: &mut Turn<'_>) {
        let Some(mut pull) = self.pace.pull.take() else { return };
        let (_, behind) = self.compare(&pull.theirs, 0);
        pull.tries += 1;
        if !behind || pull.tries > PULLS_MAX || !turn.people.is_here(&pull.from) {
            return;
        }
        turn.send_sealed(&pull.from, Channel::List, &self.heads().encode(), false);
        pull.at = turn.now + jittered(PULL * (1 + pull.tries), turn);
        self.pace.pull = Some(pull);
    }

    /// Brings all that came into the document, and tells of it.
    fn settle_now(&mut self, turn: &mut Turn<'_>) {
        self.pace.settle = None;
        self.pace.settled = turn.now;
        let here_before = self.document.order().to_vec();
        let done = self.settle();
        let log = &self.document.log()[done];
        let Some(last) = log.last() else { return };
        let mut told: Vec<(PublicKey, Change)> = Vec::new();
        let mut back: Vec<ItemId> = Vec::new();
        for done in log.iter().rev().take(64) {
            let (item, mover) = match &done.act {
                Act::Moved { item, .. } if !here_before.contains(item) => (*item, Some(done.by)),
                Act::Removed { item } => (*item, self.document.last_mover(*item)),
                Act::Added { .. } | Act::Moved { .. } | Act::Changed { .. } => continue,
            };
            let born_here =
                log.iter().any(|other| matches!(&other.act, Act::Added { item: born, .. } if *born == item));
            let is_back = self.document.place_of(item).is_some() && !born_here && !back.contains(&item);
            if let Some(mover) = mover.filter(|_| is_back && back.len() < 4) {
                back.push(item);
                told.push((mover, Change::Returned { item, text: self.document.text(item) }));
            }
        }
        told.reverse();
        let ends_with_it =
            matches!(&last.act, Act::Removed { item } | Act::Moved { item, .. } if back.first() == Some(item));
        if !ends_with_it {
            told.push((last.by, self.last_change(&last.act)));
        }
        for (by, change) in told {
            turn.event(Event::List(list::Event::Changed { list: self.summary(), by, change }));
        }
    }
}

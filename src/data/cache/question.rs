//! Looking for a key at others: who has it, and if nobody has, who makes it.
//!
//! All that are trusted are asked at once, those that are silent again and again. Who wants to make the value asks with a
//! random claim. Two that ask each other see both claims, or that the other makes it already; the lower claim goes on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::data::{self, Error, Job, Turn};
use crate::engine::Instant;
use crate::wire::PublicKey;

use super::fetch::{Offer, patience};
use super::making::Making;
use super::said::{KeyId, Said};
use super::{Cache, Key, QUESTIONS_MAX, Reply, say};

/// Peers that are asked at most.
const ASKED_MAX: usize = 256;

/// When those that are silent are asked again, milliseconds after the last time; after the last one they have nothing.
const ROUNDS: [u64; 9] = [40, 60, 100, 150, 200, 250, 300, 300, 300];

/// From this round on a peer may have lost what we share.
const ANEW: usize = 3;

/// Who did not answer the last question is waited for so long.
const MUTE: Duration = Duration::from_millis(200);

/// Numbers of questions that an answer may name.
const NUMBERS: usize = 8;

/// How often who makes it is asked how far it is, and how long it may be silent.
const POLL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(4));

/// How often a value is asked for of one peer before it is given up.
const WANTS: u8 = 16;

/// Who waits for what somebody makes does so this long.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// A key that is looked for.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) key: Key,
    /// The commands that wait; with true, it is to be made when nobody has it.
    pub(super) jobs: Vec<(Job, bool)>,
    claim: u64,
    pub(super) phase: Phase,
    begun: Instant,
    /// What the last questions were named, and when they were sent.
    numbers: VecDeque<(u64, Instant)>,
    pub(super) offers: Vec<Offer>,
    pub(super) failures: BTreeMap<PublicKey, u8>,
    /// Who asked with a claim meanwhile.
    rivals: BTreeSet<PublicKey>,
}

#[derive(Debug)]
pub(super) enum Phase {
    Asking { since: Instant, round: usize, next: Instant, silent: BTreeSet<PublicKey> },
    Fetching { offer: Offer, stream: Option<Job>, next: Instant, wants: u8 },
    Waiting { maker: PublicKey, heard: Instant, poll: Instant },
}

impl Question {
    pub(super) fn next(&self) -> Option<Instant> {
        let next = match self.phase {
            Phase::Asking { next, .. } | Phase::Fetching { next, .. } => next,
            Phase::Waiting { poll, .. } => poll,
        };
        Some(next)
    }

    fn makes(&self) -> bool {
        self.jobs.iter().any(|(_, make)| *make)
    }

    fn number(&mut self, turn: &mut Turn<'_>) -> u64 {
        let number = turn.random().max(1);
        self.numbers.push_back((number, turn.now));
        if self.numbers.len() > NUMBERS {
            self.numbers.pop_front();
        }
        number
    }

    pub(super) fn asked_at(&self, number: u64) -> Option<Instant> {
        self.numbers.iter().find(|(other, _)| *other == number).map(|(_, at)| *at)
    }
}

impl Cache {
    /// Looks for a key at others.
    pub(super) fn look_for(&mut self, id: KeyId, key: Key, jobs: Vec<(Job, bool)>, turn: &mut Turn<'_>) {
        let now = turn.now;
        if let Some(question) = self.questions.get_mut(&id) {
            question.jobs.extend(jobs);
            if matches!(question.phase, Phase::Waiting { .. }) {
                self.miss(&id, turn);
            }
            return;
        }
        if self.questions.len() >= QUESTIONS_MAX.0 {
            jobs.into_iter().for_each(|(job, _)| turn.done(job, Err(Error::Busy)));
            return;
        }
        let ours = self.making.contains_key(&id) && jobs.iter().all(|(_, make)| *make);
        let phase = if ours {
            Phase::Waiting { maker: turn.me(), heard: now, poll: now + PATIENCE }
        } else {
            Phase::Asking { since: now, round: 0, next: now, silent: BTreeSet::new() }
        };
        let question = Question {
            key,
            jobs,
            claim: turn.random(),
            phase,
            begun: now,
            numbers: VecDeque::new(),
            offers: Vec::new(),
            failures: BTreeMap::new(),
            rivals: BTreeSet::new(),
        };
        self.questions.insert(id, question);
        if !ours {
            self.ask(&id, turn);
        }
    }

    /// Asks everybody, from the beginning.
    pub(super) fn ask(&mut self, id: &KeyId, turn: &mut Turn<'_>) {
        let me = turn.me();
        let all = turn.people.iter().map(|(key, _)| *key).filter(|key| *key != me && turn.trusts(key));
        let silent = all.take(ASKED_MAX).collect();
        let Some(question) = self.questions.get_mut(id) else { return };
        question.offers.clear();
        question.phase = Phase::Asking { since: turn.now, round: 0, next: turn.now, silent };
        self.go_on(id, turn);
    }

    /// Does what is due about all that is looked for.
    pub(super) fn go_on_asking(&mut self, turn: &mut Turn<'_>) {
        let due = self.questions.iter().filter(|(_, question)| question.next().is_some_and(|next| next <= turn.now));
        let due: Vec<KeyId> = due.map(|(id, _)| *id).collect();
        due.iter().for_each(|id| self.go_on(id, turn));
    }

    pub(super) fn go_on(&mut self, id: &KeyId, turn: &mut Turn<'_>) {
        let now = turn.now;
        let Some(question) = self.questions.get_mut(id) else { return };
        let claim = question.makes().then_some(question.claim);
        match &mut question.phase {
            Phase::Asking { since, round, next, silent } => {
                let only_mute = now.since(*since) >= MUTE && silent.is_subset(&self.mute);
                if silent.is_empty() || only_mute || *round >= ROUNDS.len() {
                    self.mute.append(silent);
                    return self.decide(id, turn);
                }
                if now < *next {
                    return;
                }
                let (anew, to) = (*round >= ANEW, silent.clone());
                *next = now + Duration::from_millis(ROUNDS[*round]);
                *round += 1;
                let said = Said::Ask { q: question.number(turn), k: (*id).into(), c: claim };
                let away: Vec<_> = to.iter().filter(|key| !say(&said, key, anew, turn)).collect();
                if let Phase::Asking { silent, .. } = &mut question.phase {
                    silent.retain(|key| !away.contains(&key));
                    if silent.is_empty() {
                        self.decide(id, turn);
                    }
                }
            }
            Phase::Fetching { next, .. } if now < *next => {}
            Phase::Fetching { stream: Some(_), .. } => self.fail(id, turn),
            Phase::Fetching { offer, next, wants, .. } => {
                *wants += 1;
                *next = now + patience(offer.size);
                let (anew, over) = (*wants > 2, *wants > WANTS);
                let (said, from) = (Said::Want { h: offer.hash.into() }, offer.from);
                if over || !say(&said, &from, anew, turn) {
                    self.fail(id, turn);
                }
            }
            Phase::Waiting { maker, .. } if *maker == turn.me() => self.miss_all(id, turn),
            Phase::Waiting { maker, heard, poll } => {
                if now.since(question.begun) >= PATIENCE {
                    return self.miss_all(id, turn);
                }
                let (maker, silent) = (*maker, now.since(*heard) >= POLL.1);
                *poll = now + POLL.0;
                let said = Said::Ask { q: question.number(turn), k: (*id).into(), c: claim };
                if silent {
                    self.mute.insert(maker);
                }
                if silent || !say(&said, &maker, false, turn) {
                    self.ask(id, turn);
                }
            }
        }
    }

    /// Nobody has it: the first that wants to make it does so.
    pub(super) fn decide(&mut self, id: &KeyId, turn: &mut Turn<'_>) {
        self.miss(id, turn);
        let Some(question) = self.questions.get_mut(id) else { return };
        let (job, _) = question.jobs.remove(0);
        let waiting = std::mem::take(&mut question.rivals);
        question.phase = Phase::Waiting { maker: turn.me(), heard: turn.now, poll: turn.now + PATIENCE };
        if question.jobs.is_empty() {
            self.questions.remove(id);
        }
        self.counted.misses += 1;
        self.making.insert(*id, Making::new(waiting, turn.now));
        turn.done(job, Ok(data::Reply::Cache(Reply::Make)));
    }

    /// Those that do not want to make it are told that nobody has it; the question ends if there are no others.
    fn miss(&mut self, id: &KeyId, turn: &mut Turn<'_>) {
        let Some(question) = self.questions.get_mut(id) else { return };
        for (job, _) in question.jobs.extract_if(.., |(_, make)| !*make) {
            self.counted.misses += 1;
            turn.done(job, Err(Error::Miss));
        }
        if question.jobs.is_empty() {
            self.questions.remove(id);
        }
    }

    fn miss_all(&mut self, id: &KeyId, turn: &mut Turn<'_>) {
        if let Some(question) = self.questions.get_mut(id) {
            question.jobs.iter_mut().for_each(|(_, make)| *make = false);
        }
        self.miss(id, turn);
    }

    /// Somebody else makes it, or will.
    fn wait_for(&mut self, id: &KeyId, maker: PublicKey, turn: &mut Turn<'_>) {
        self.miss(id, turn);
        if let Some(question) = self.questions.get_mut(id) {
            question.phase = Phase::Waiting { maker, heard: turn.now, poll: turn.now + POLL.0 };
        }
    }

    /// Somebody asks.
    pub(super) fn asked(&mut self, from: PublicKey, q: u64, id: KeyId, claim: Option<u64>, turn: &mut Turn<'_>) {
        if let Some(have) = self.have(q, &id, &from, turn) {
            say(&Said::Have(have), &from, false, turn);
            return;
        }
        let k = id.into();
        if let Some(making) = self.making.get_mut(&id) {
            if claim.is_some() {
                making.wait(from);
            }
            say(&Said::Making { q, k }, &from, false, turn);
            return;
        }
        let me = turn.me();
        let question = self.questions.get_mut(&id).filter(|question| question.makes());
        let asking = question.filter(|question| !matches!(question.phase, Phase::Waiting { .. }));
        let ours = asking.as_ref().map(|question| question.claim);
        say(&Said::Nothing { q, k, c: ours }, &from, false, turn);
        let (Some(question), Some(claim)) = (asking, claim) else { return };
        if (claim, from) < (question.claim, me) && matches!(question.phase, Phase::Asking { .. }) {
            self.wait_for(&id, from, turn);
        } else if question.rivals.len() < ASKED_MAX {
            question.rivals.insert(from);
        }
    }

    /// Somebody has it not.
    pub(super) fn denied(&mut self, from: PublicKey, q: u64, id: KeyId, claim: Option<u64>, turn: &mut Turn<'_>) {
        let Some(question) = self.questions.get_mut(&id) else { return };
        let lower = claim.is_some_and(|claim| question.makes() && (claim, from) < (question.claim, turn.me()));
        let known = question.asked_at(q).is_some();
        match &mut question.phase {
            Phase::Asking { .. } if known && lower => self.wait_for(&id, from, turn),
            Phase::Asking { silent, .. } if known => {
                silent.remove(&from);
                if claim.is_some() && question.rivals.len() < ASKED_MAX {
                    question.rivals.insert(from);
                }
                if silent.is_empty() {
                    self.decide(&id, turn);
                }
            }
            Phase::Waiting { maker, heard, .. } if *maker == from && known && lower => *heard = turn.now,
            // It gave up; without a number, it says so by itself.
            Phase::Waiting { maker, .. } if *maker == from && (known || q == 0) => self.ask(&id, turn),
            Phase::Asking { .. } | Phase::Fetching { .. } | Phase::Waiting { .. } => {}
        }
    }

    /// Somebody makes it.
    pub(super) fn told_of_making(&mut self, from: PublicKey, q: u64, id: KeyId, turn: &mut Turn<'_>) {
        let Some(question) = self.questions.get_mut(&id) else { return };
        if question.asked_at(q).is_none() && q != 0 {
            return;
        }
        let makes = question.makes();
        match &mut question.phase {
            Phase::Asking { .. } if makes => self.wait_for(&id, from, turn),
            Phase::Asking { silent, .. } => {
                silent.remove(&from);
                if silent.is_empty() {
                    self.decide(&id, turn);
                }
            }
            Phase::Waiting { maker, heard, .. } if *maker != turn.me() => (*maker, *heard) = (from, turn.now),
            Phase::Fetching { .. } | Phase::Waiting { .. } => {}
        }
    }

    /// Somebody is here no longer: nothing more is to be expected of it.
    pub(super) fn lose_peer(&mut self, key: &PublicKey, turn: &mut Turn<'_>) {
        let ids: Vec<KeyId> = self.questions.keys().copied().collect();
        for id in ids {
            let Some(question) = self.questions.get_mut(&id) else { continue };
            question.rivals.remove(key);
            match &mut question.phase {
                Phase::Asking { silent, .. } => {
                    if silent.remove(key) && silent.is_empty() {
                        self.decide(&id, turn);
                    }
                }
                Phase::Fetching { offer, .. } if offer.from == *key => self.fail(&id, turn),
                Phase::Waiting { maker, .. } if maker == key => self.ask(&id, turn),
                Phase::Fetching { .. } | Phase::Waiting { .. } => {}
            }
        }
    }

    /// What we made is in, or we do not make it any more: those here that wait for it look for it again.
    pub(super) fn ask_ours(&mut self, id: &KeyId, turn: &mut Turn<'_>) {
        if let Some(Question { key, jobs, .. }) = self.questions.remove(id) {
            let hash = self.shelf.get(id, turn.now).map(|entry| entry.hash);
            match hash {
                Some(hash) => self.read(hash, super::Reading::Get { id: *id, key, jobs }, turn),
                None => self.look_for(*id, key, jobs, turn),
            }
        }
    }
}

//! How boards become the same: what is told is sent again a few times, and boards are compared two by two.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Channel, Instant, To};
use crate::wire::PublicKey;

use super::super::Turn;
use super::Board;
use super::lines::{Lines, PARTS, part_range};
use super::talk::{HEADS, Head, Talk, WANTED};

/// Lines of ours that are sent again, at most so many at a time and to so many peers; to more they come by comparing.
const REPEATS: usize = 16;
const REPEATED_TO: usize = 32;
/// When, since the time before.
const AGAIN: [Duration; 3] = [Duration::from_millis(150), Duration::from_millis(350), Duration::from_millis(1_000)];

/// The time between two comparisons after news, and when there is none: it doubles from one to the other.
const GAP: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(20));
/// The time between two comparisons with those who came, or with whom something is different.
const SOON: Duration = Duration::from_millis(150);
/// Those with whom the board is compared soon.
const GREETED: usize = 16;

/// Messages that answer one comparison.
const ANSWERS: usize = 8;
/// Lines that are sent in answer to one message.
const GIVEN: usize = 32;
/// What one peer is sent of what it asks for: the time for a line, for a message, and how much may be owed.
const LINE_COST: Duration = Duration::from_millis(5);
const TALK_COST: Duration = Duration::from_millis(25);
const OWED: Duration = Duration::from_secs(2);
/// A comparison with the same peer that follows another one soon: the time for one, and how much may be owed. Boards that
/// cannot become the same, as one is full, are compared no more often than others after that.
const ROUND_COST: Duration = Duration::from_secs(2);
const ROUNDS_OWED: Duration = Duration::from_secs(128);
/// Peers of which that is known.
const DEBTORS: usize = 1_024;

/// What is to be sent, and when.
#[derive(Debug, Default)]
pub(super) struct Gossip {
    repeats: VecDeque<Repeat>,
    soon: VecDeque<PublicKey>,
    at: Option<Instant>,
    gap: Duration,
    debts: BTreeMap<PublicKey, Debt>,
}

/// When what somebody was sent is paid for, and the comparisons with it.
#[derive(Debug, Default)]
struct Debt {
    sent: Instant,
    rounds: Instant,
}

#[derive(Debug)]
struct Repeat {
    at: Instant,
    tries: usize,
    raw: Arc<[u8]>,
    long: Option<Arc<[u8]>>,
    to: Option<PublicKey>,
}

impl Gossip {
    /// A line of ours that was just sent is sent again: there is no answer to it.
    pub(super) fn repeat(
        &mut self,
        raw: Arc<[u8]>,
        long: Option<Arc<[u8]>>,
        to: Option<PublicKey>,
        turn: &mut Turn<'_>,
    ) {
        if self.repeats.len() < REPEATS && (to.is_some() || turn.people.len() <= REPEATED_TO) {
            self.repeats.push_back(Repeat { at: turn.now + AGAIN[0], tries: 1, raw, long, to });
        }
    }

    pub(super) fn repeat_due(&mut self, turn: &mut Turn<'_>) {
        for repeat in &mut self.repeats {
            if repeat.at > turn.now {
                continue;
            }
            let readers: Vec<PublicKey> = match repeat.to {
                Some(key) => vec![key],
                None => turn.people.iter().map(|(key, _)| *key).collect(),
            };
            for key in readers {
                turn.pass_on(&key, &repeat.raw, repeat.long.as_deref().unwrap_or_default());
            }
            repeat.at = turn.now + AGAIN.get(repeat.tries).copied().unwrap_or_default();
            repeat.tries += 1;
        }
        self.repeats.retain(|repeat| repeat.tries <= AGAIN.len());
    }

    /// The board changed.
    pub(super) fn news(&mut self, turn: &mut Turn<'_>) {
        self.gap = GAP.0;
        let wait = jittered(GAP.0, turn);
        self.call(turn.now + wait);
    }

    /// The board is compared soon with somebody.
    pub(super) fn greet(&mut self, key: PublicKey, turn: &mut Turn<'_>) {
        if self.soon.len() < GREETED && !self.soon.contains(&key) {
            self.soon.push_back(key);
        }
        let wait = jittered(SOON, turn);
        self.call(turn.now + wait);
    }

    fn call(&mut self, at: Instant) {
        self.at = Some(self.at.map_or(at, |other| other.min(at)));
    }

    /// Begins to compare the board with that of somebody.
    pub(super) fn talk_due(&mut self, lines: &Lines, turn: &mut Turn<'_>) {
        if self.at.is_none_or(|at| at > turn.now) {
            return;
        }
        self.at = None;
        if lines.is_empty() || turn.people.is_empty() {
            return;
        }
        let soon = std::iter::from_fn(|| self.soon.pop_front()).find(|key| turn.people.is_here(key));
        let any = usize::try_from(turn.random()).unwrap_or(0) % turn.people.len();
        let Some(key) = soon.or_else(|| turn.people.iter().nth(any).map(|(key, _)| *key)) else { return };
        let sums = lines.sums().map(last_half);
        turn.send(&To::Keys(vec![key]), Channel::Board, Talk::Sums(Box::new(sums)).write().as_bytes());
        let wait = if self.soon.is_empty() {
            let gap = self.gap.max(GAP.0);
            self.gap = (gap * 2).min(GAP.1);
            gap
        } else {
            SOON
        };
        let wait = jittered(wait, turn);
        self.call(turn.now + wait);
    }

    /// When something is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.repeats.iter().map(|repeat| repeat.at).chain(self.at).min()
    }

    /// True when somebody may be sent something of this cost.
    fn owes(&mut self, key: &PublicKey, cost: Duration, turn: &Turn<'_>) -> bool {
        if self.debts.len() >= DEBTORS && !self.debts.contains_key(key) {
            self.debts.retain(|_, debt| debt.sent > turn.now || debt.rounds > turn.now);
            if self.debts.len() >= DEBTORS {
                return false;
            }
        }
        pay(&mut self.debts.entry(*key).or_default().sent, cost, OWED, turn.now)
    }

    /// The boards are not the same yet.
    fn go_on_with(&mut self, key: PublicKey, turn: &mut Turn<'_>) {
        let debt = self.debts.get_mut(&key);
        if debt.is_some_and(|debt| pay(&mut debt.rounds, ROUND_COST, ROUNDS_OWED, turn.now)) {
            self.greet(key, turn);
        }
    }
}

impl Board {
    /// Takes what another board says; false when that is too much.
    pub(super) fn hear(&mut self, talk: Talk, from: PublicKey, turn: &mut Turn<'_>) -> bool {
        if !self.gossip.owes(&from, TALK_COST, turn) {
            return false;
        }
        match talk {
            Talk::Sums(theirs) => {
                let differences = differences(&self.lines, &theirs);
                for heads in &differences {
                    turn.send(&To::Keys(vec![from]), Channel::Board, heads.write().as_bytes());
                }
                if !differences.is_empty() && !self.lines.is_empty() {
                    // Any of what follows may be lost.
                    self.gossip.go_on_with(from, turn);
                }
            }
            Talk::Heads { first, last, heads } => self.settle(from, (first, last), &heads, turn),
            Talk::Want(names) => {
                for name in names {
                    self.give(&from, name, turn);
                }
            }
        }
        true
    }

    /// Gives what another board lacks, and asks for what it has more.
    fn settle(&mut self, from: PublicKey, (first, last): (u64, u64), heads: &[Head], turn: &mut Turn<'_>) {
        let theirs: BTreeMap<u64, &Head> = heads.iter().map(|head| (head.name, head)).collect();
        let mut wanted: Vec<u64> = Vec::new();
        let mut given: Vec<u64> = Vec::new();
        let mut known: Vec<u64> = Vec::new();
        for (name, record) in self.lines.within(first, last) {
            known.push(name.hash);
            let ours = record.entry.lamport;
            match theirs.get(&name.hash) {
                Some(head) if head.mark == last_half(record.mark()) && head.lamport == ours => {}
                Some(head) => {
                    if head.lamport >= ours {
                        wanted.push(name.hash);
                    }
                    if head.lamport <= ours {
                        given.push(name.hash);
                    }
                }
                None => given.push(name.hash),
            }
        }
        wanted.extend(theirs.keys().filter(|name| known.binary_search(name).is_err()));
        if wanted.is_empty() && given.is_empty() {
            return;
        }
        for name in given.into_iter().take(GIVEN) {
            self.give(&from, name, turn);
        }
        if !wanted.is_empty() {
            wanted.truncate(WANTED);
            turn.send(&To::Keys(vec![from]), Channel::Board, Talk::Want(wanted).write().as_bytes());
        }
        self.gossip.go_on_with(from, turn);
    }

    fn give(&mut self, to: &PublicKey, name: u64, turn: &mut Turn<'_>) {
        for (_, record) in self.lines.within(name, name).take(4) {
            if !self.gossip.owes(to, LINE_COST, turn) {
                return;
            }
            turn.pass_on(to, &record.raw, record.long.as_deref().unwrap_or_default());
        }
    }
}

/// What we have where another board is different.
fn differences(lines: &Lines, theirs: &[u32; PARTS]) -> Vec<Talk> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    let parts = lines.sums().iter().zip(theirs).enumerate();
    for (part, _) in parts.filter(|(_, (ours, theirs))| last_half(**ours) != **theirs) {
        let (first, last) = part_range(part);
        match ranges.last_mut() {
            // Where we have nothing it costs nothing to say so.
            Some((_, end)) if lines.within(*end, first).all(|(name, _)| name.hash == *end || name.hash == first) => {
                *end = last;
            }
            _ => ranges.push((first, last)),
        }
    }
    let mut answers = Vec::new();
    for (mut first, last) in ranges {
        let heads: Vec<Head> = lines
            .within(first, last)
            .map(|(name, record)| Head {
                name: name.hash,
                lamport: record.entry.lamport,
                mark: last_half(record.mark()),
            })
            .collect();
        let mut rest = heads.chunks(HEADS).peekable();
        if rest.peek().is_none() {
            answers.push(Talk::Heads { first, last, heads: Vec::new() });
        }
        while let Some(heads) = rest.next()
            && answers.len() < ANSWERS
        {
            let end = heads.last().filter(|_| rest.peek().is_some()).map_or(last, |head| head.name);
            answers.push(Talk::Heads { first, last: end, heads: heads.to_vec() });
            first = end.saturating_add(1);
        }
        if answers.len() >= ANSWERS {
            break;
        }
    }
    answers
}

/// True when so much more may be owed, which then is.
fn pay(until: &mut Instant, cost: Duration, most: Duration, now: Instant) -> bool {
    let next = (*until).max(now) + cost;
    let allowed = next.since(now) <= most;
    if allowed {
        *until = next;
    }
    allowed
}

fn last_half(word: u64) -> u32 {
    u32::try_from(word & u64::from(u32::MAX)).unwrap_or_default()
}

/// Up to a fifth shorter or longer.
fn jittered(time: Duration, turn: &mut Turn<'_>) -> Duration {
    time * 4 / 5 + time * u32::try_from(turn.random() % 400).unwrap_or_default() / 1_000
}

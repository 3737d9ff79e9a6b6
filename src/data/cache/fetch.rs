//! Getting a value from who says to have it, by a stream or in datagrams.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use crate::data::{self, Job, Turn};
use crate::engine::Instant;
use crate::wire::PublicKey;

use super::question::{Phase, Question};
use super::said::{Have, KeyId};
use super::shelf::TTL;
use super::{Cache, Event, SMALL_MAX, VALUE_MAX, ValueHash, Work};

/// Larger values come by a stream, where there is one, bytes.
const STREAM_FROM: u32 = 8 << 10;

/// Offers of one value that are remembered.
const OFFERS: usize = 16;

/// Failures of one peer to send what it said to have.
const FAILURES: u8 = 2;

/// A stream is given up after this: it ends earlier by itself.
const STREAM_TIME: Duration = Duration::from_secs(40);

/// Somebody has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer {
    pub(super) from: PublicKey,
    pub(super) hash: ValueHash,
    pub(super) size: u32,
    pub(super) by: PublicKey,
    pub(super) end: Instant,
    pub(super) port: Option<u16>,
}

impl Cache {
    /// Somebody has it.
    pub(super) fn offered(&mut self, from: PublicKey, have: Have, turn: &mut Turn<'_>) {
        let id = KeyId(have.k.0);
        let Some(question) = self.questions.get_mut(&id) else { return };
        let asked_at = match have.q {
            0 => Some(turn.now),
            q => question.asked_at(q),
        };
        let (Some(asked_at), by) = (asked_at, PublicKey(have.b.0)) else { return };
        // What is good for so long was so when it was said: not before we asked.
        let end = asked_at + Duration::from_millis(have.t).min(TTL.1);
        let (hash, size) = (ValueHash(have.h.0), have.s);
        let trusted = turn.trusts(&by);
        if !trusted {
            self.counted.untrusted += 1;
        }
        let failed = question.failures.get(&from).is_some_and(|failures| *failures >= FAILURES);
        let port = have.p.filter(|port| *port != 0 && self.stream_port.is_some());
        let large = size as usize > SMALL_MAX && port.is_none();
        let good = trusted && !failed && end > turn.now && size as usize <= VALUE_MAX;
        if good && large {
            self.counted.too_large += 1;
            let event = Event::TooLarge { key: question.key.clone(), size: u64::from(size), at: from };
            turn.event(data::Event::Cache(event));
        }
        if !good || large {
            if let Phase::Asking { silent, .. } = &mut question.phase {
                silent.remove(&from);
                if silent.is_empty() {
                    self.decide(&id, turn);
                }
            }
            return;
        }
        let offer = Offer { from, hash, size, by, end, port };
        if let Some(value) = have.v {
            return self.value_of(&id, offer, &value.0, turn);
        }
        if question.offers.len() < OFFERS {
            question.offers.push(offer);
        }
        if !matches!(question.phase, Phase::Fetching { .. }) {
            self.fetch(&id, turn);
        }
    }

    /// Fetches what somebody has, by a stream or in datagrams; asks again when nobody has it any more.
    fn fetch(&mut self, id: &KeyId, turn: &mut Turn<'_>) {
        loop {
            let chance = turn.random() as usize;
            let Some(question) = self.questions.get_mut(id) else { return };
            if question.offers.is_empty() {
                return self.ask(id, turn);
            }
            let offer = question.offers.swap_remove(chance % question.offers.len());
            let Offer { from, hash, size, .. } = offer;
            let failures = question.failures.get(&from).copied().unwrap_or(0);
            let small = size as usize <= SMALL_MAX;
            if failures >= FAILURES || offer.end <= turn.now {
                continue;
            }
            // What a stream did not bring, datagrams may.
            let port = offer.port.filter(|_| size > STREAM_FROM && (failures == 0 || !small));
            let address = turn.engine.data_address(&from).zip(port);
            let Some((address, port)) = address else {
                if !small {
                    continue;
                }
                question.phase = Phase::Fetching { offer, stream: None, next: turn.now, wants: 0 };
                return self.go_on(id, turn);
            };
            let job = turn.job();
            question.phase = Phase::Fetching { offer, stream: Some(job), next: turn.now + STREAM_TIME, wants: 0 };
            self.fetching.insert(job, *id);
            let address = SocketAddrV4::new(*address.ip(), port);
            return turn.work(Work::Fetch { job, from, address, hash, size });
        }
    }

    /// It did not come from there.
    pub(super) fn fail(&mut self, id: &KeyId, turn: &mut Turn<'_>) {
        let Some(question) = self.questions.get_mut(id) else { return };
        if let Phase::Fetching { offer, stream, .. } = &question.phase {
            *question.failures.entry(offer.from).or_default() += 1;
            if let Some(job) = stream {
                self.fetching.remove(job);
            }
        }
        self.fetch(id, turn);
    }

    /// A stream brought it, or not.
    pub(super) fn fetched(&mut self, job: Job, value: Result<Arc<[u8]>, bool>, turn: &mut Turn<'_>) {
        let Some(id) = self.fetching.remove(&job) else { return };
        let Some(Phase::Fetching { offer, stream, .. }) = self.questions.get(&id).map(|question| &question.phase)
        else {
            return;
        };
        if *stream != Some(job) {
            return;
        }
        match value {
            Ok(value) => self.value_of(&id, *offer, &value, turn),
            Err(broken) => {
                self.counted.broken += u64::from(broken);
                self.fail(&id, turn);
            }
        }
    }

    /// Datagrams brought it.
    pub(super) fn value_came(&mut self, from: PublicKey, hash: ValueHash, value: &[u8], turn: &mut Turn<'_>) {
        for (id, offer) in self.fetching_from(&from, &hash) {
            self.value_of(&id, offer, value, turn);
        }
    }

    /// It does not come from there, or not now.
    pub(super) fn value_gone(&mut self, from: PublicKey, hash: ValueHash, again: bool, turn: &mut Turn<'_>) {
        for (id, _) in self.fetching_from(&from, &hash) {
            let later = turn.now + Duration::from_millis(500 + turn.random() % 1_500);
            match self.questions.get_mut(&id).map(|question| &mut question.phase) {
                Some(Phase::Fetching { next, wants, .. }) if again => (*next, *wants) = (later, 0),
                _ => self.fail(&id, turn),
            }
        }
    }

    fn fetching_from(&self, from: &PublicKey, hash: &ValueHash) -> Vec<(KeyId, Offer)> {
        let fetching = self.questions.iter().filter_map(|(id, question)| match &question.phase {
            Phase::Fetching { offer, stream: None, .. } => Some((*id, *offer)),
            Phase::Fetching { .. } | Phase::Asking { .. } | Phase::Waiting { .. } => None,
        });
        fetching.filter(|(_, offer)| offer.from == *from && offer.hash == *hash).collect()
    }

    /// Takes a value if it is what was offered.
    fn value_of(&mut self, id: &KeyId, offer: Offer, value: &[u8], turn: &mut Turn<'_>) {
        let good = value.len() == offer.size as usize && ValueHash::of(value) == offer.hash;
        if !good {
            self.counted.broken += 1;
        }
        let Some(question) = self.questions.get_mut(id) else { return };
        if !good || offer.end <= turn.now {
            *question.failures.entry(offer.from).or_default() += 1;
            return match &question.phase {
                Phase::Fetching { offer: other, .. } if other.from != offer.from => {}
                Phase::Fetching { .. } | Phase::Asking { .. } | Phase::Waiting { .. } => self.fetch(id, turn),
            };
        }
        if let Some(Question { key, jobs, .. }) = self.questions.remove(id) {
            self.take_value(key, (offer.hash, offer.by, offer.end), offer.from, &value.into(), jobs, turn);
        }
    }
}

/// When a value of this size is asked for again in datagrams: a large one comes in pieces.
pub(super) fn patience(size: u32) -> Duration {
    let pieces = u64::from(size) / 600;
    if pieces == 0 { Duration::from_millis(600) } else { Duration::from_millis(2_000 + 50 * pieces) }
}

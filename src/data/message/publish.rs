//! Saying something to those who want to know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Instant, To};
use crate::wire::PublicKey;

use super::super::{self as data, Error, Job, Step, Turn};
use super::others::Rate;
use super::window::Seen;
use super::{CHANNEL, Delivery, Due, Event, Kind, Message, Messages, Number, Receipt, Reply, SHORT, Topic};
use super::{patience, said};

/// Messages that we say: more would be lost, and with them all else that we say, as others take no more from one path
/// (protocol.md §8.2).
const SAY: Rate = Rate { each: Duration::from_micros(6_250), burst: 200 };
/// Messages of ours that wait to be acknowledged.
const POSTED: usize = 256;
/// Bytes of all of them.
const POSTED_BYTES: usize = 4 << 20;
/// For how long they are sent again.
const KEEP_ON: Duration = Duration::from_secs(10);
/// The first and the longest time between two.
const PACE: (Duration, Duration) = (Duration::from_millis(150), Duration::from_millis(750));
/// The same for bodies that are pulled in pieces.
const LONG_PACE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));

/// What we said and is not acknowledged by all.
#[derive(Debug, Default)]
pub(super) struct Posted {
    all: BTreeMap<u64, Post>,
    bytes: usize,
}

#[derive(Debug)]
struct Post {
    job: Job,
    text: String,
    sealed: bool,
    sent: usize,
    waits_for: BTreeSet<PublicKey>,
    acknowledged: BTreeSet<PublicKey>,
    missing: BTreeSet<PublicKey>,
    until: Instant,
    tries: u32,
}

impl Post {
    fn receipt(self) -> Receipt {
        let missing = self.missing.into_iter().chain(self.waits_for).collect::<BTreeSet<_>>();
        Receipt {
            sent: self.sent,
            acknowledged: self.acknowledged.into_iter().collect(),
            missing: missing.into_iter().collect(),
        }
    }

    fn pace(&self) -> (Duration, Duration) {
        if self.text.len() > SHORT { LONG_PACE } else { PACE }
    }
}

impl Messages {
    pub(super) fn publish(
        &mut self,
        topic: &Topic,
        kind: Kind,
        body: &str,
        delivery: Delivery,
        to: Option<Vec<PublicKey>>,
        turn: &mut Turn<'_>,
    ) -> Result<Step, Error> {
        let sealed = to.is_some();
        let readers: BTreeSet<PublicKey> = match to {
            Some(keys) => keys.into_iter().filter(|key| *key != turn.me()).collect(),
            None => turn.people.iter().map(|(key, _)| *key).collect(),
        };
        if sealed && !readers.is_empty() && !readers.iter().any(|key| turn.people.is_here(key)) {
            return Err(Error::NotHere);
        }
        let wanted = delivery == Delivery::Acknowledged;
        if wanted && (self.posted.all.len() >= POSTED || self.posted.bytes + body.len() > POSTED_BYTES) {
            return Err(Error::Busy);
        }
        if readers.iter().any(|key| turn.people.is_here(key)) {
            SAY.take(&mut self.said_until, turn.now).map_err(Error::TooFast)?;
        }
        let number = wanted.then(|| {
            self.posted_count += 1;
            Number { start: self.start(turn), count: self.posted_count }
        });
        let text = said::published(topic, kind, body, number);
        let reached = send(&readers, &text, sealed, false, turn);
        let (from, name) = (turn.me(), turn.engine.own_name());
        let body = Arc::from(body);
        let message = Message { from, name, topic: topic.clone(), kind, body, sealed, ours: true };
        turn.event(data::Event::Message(Event::Published(message)));
        let missing: BTreeSet<PublicKey> = readers.difference(&reached).copied().collect();
        let Some(number) = number.filter(|_| !reached.is_empty()) else {
            let missing = if wanted { missing.into_iter().collect() } else { Vec::new() };
            let receipt = Receipt { sent: reached.len(), acknowledged: Vec::new(), missing };
            return Ok(Step::Now(data::Reply::Message(Reply::Published(receipt))));
        };
        let job = turn.job();
        self.posted.bytes += text.len();
        let post = Post {
            job,
            text,
            sealed,
            sent: reached.len(),
            waits_for: reached,
            acknowledged: BTreeSet::new(),
            missing,
            until: turn.now + KEEP_ON,
            tries: 0,
        };
        let (first, most) = post.pace();
        self.posted.all.insert(number.count, post);
        let wait = patience(0, first, most, turn);
        self.due.insert((turn.now + wait, Due::Posted(number.count)));
        Ok(Step::Later(job))
    }

    /// Sends it again to those who have not acknowledged it.
    pub(super) fn post_again(&mut self, count: u64, turn: &mut Turn<'_>) {
        let Some(post) = self.posted.all.get_mut(&count) else { return };
        if turn.now >= post.until {
            return self.finish_post(count, turn);
        }
        // Who had it sealed may have lost what we shared.
        send(&post.waits_for, &post.text, post.sealed, true, turn);
        post.tries += 1;
        let (first, most) = post.pace();
        let wait = patience(post.tries, first, most, turn);
        self.due.insert(((turn.now + wait).min(post.until), Due::Posted(count)));
    }

    /// Somebody has what we said.
    pub(super) fn take_came(&mut self, from: &PublicKey, number: Number, turn: &mut Turn<'_>) -> bool {
        let Some(post) = self.posted.all.get_mut(&number.count).filter(|_| self.start == Some(number.start)) else {
            return false;
        };
        if !post.waits_for.remove(from) {
            return false;
        }
        post.acknowledged.insert(*from);
        if post.waits_for.is_empty() {
            self.finish_post(number.count, turn);
        }
        true
    }

    /// Somebody left before it acknowledged what we said.
    pub(super) fn wait_no_longer_for(&mut self, key: &PublicKey, turn: &mut Turn<'_>) {
        let mut finished = Vec::new();
        for (count, post) in &mut self.posted.all {
            if post.waits_for.remove(key) {
                post.missing.insert(*key);
                if post.waits_for.is_empty() {
                    finished.push(*count);
                }
            }
        }
        for count in finished {
            self.finish_post(count, turn);
        }
    }

    fn finish_post(&mut self, count: u64, turn: &mut Turn<'_>) {
        let Some(post) = self.posted.all.remove(&count) else { return };
        self.posted.bytes -= post.text.len();
        let job = post.job;
        turn.done(job, Ok(data::Reply::Message(Reply::Published(post.receipt()))));
    }

    /// Somebody says something; false when it is not taken.
    pub(super) fn take_published(&mut self, message: Message, number: Option<Number>, turn: &mut Turn<'_>) -> bool {
        let (from, sealed) = (message.from, message.sealed);
        let other = self.others.get(from, turn.people, turn.now);
        if !other.may_say(turn.now) {
            return false;
        }
        let seen = number.map_or(Seen::New, |number| other.said.note(number.start, number.count));
        if seen == Seen::Lost {
            return false;
        }
        if let Some(number) = number {
            let came = said::came(number);
            match sealed {
                true => drop(turn.send_sealed(&from, CHANNEL, came.as_bytes(), false)),
                false => turn.send(&To::Keys(vec![from]), CHANNEL, came.as_bytes()),
            }
        }
        if seen == Seen::New {
            turn.event(data::Event::Message(Event::Published(message)));
        }
        true
    }
}

/// Sends a message to those of the readers who are here, and tells which.
fn send(
    readers: &BTreeSet<PublicKey>,
    text: &str,
    sealed: bool,
    anew: bool,
    turn: &mut Turn<'_>,
) -> BTreeSet<PublicKey> {
    let here = readers.iter().copied().filter(|key| turn.people.is_here(key));
    let mut here: BTreeSet<PublicKey> = here.collect();
    if sealed {
        here.retain(|key| turn.send_sealed(key, CHANNEL, text.as_bytes(), anew));
    } else if !here.is_empty() {
        // Signed each time: what is signed once is no more than a replay the second time.
        turn.send(&To::Keys(here.iter().copied().collect()), CHANNEL, text.as_bytes());
    }
    here
}

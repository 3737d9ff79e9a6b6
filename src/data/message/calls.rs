//! Calls of ours: sent until they are answered, or for as long as the caller waits.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::Instant;
use crate::wire::{PublicKey, Sid};

use super::super::{self as data, Error, Job, Step, Turn};
use super::said::Why;
use super::{CHANNEL, Due, Messages, Number, PATIENCE_MAX, Reply, SHORT, Topic};
use super::{patience, said};

/// Calls of ours that are not answered.
const CALLS: usize = 256;
/// The first and the longest time after which a call is sent again.
const PACE: (Duration, Duration) = (Duration::from_millis(150), Duration::from_secs(1));
/// The same for one whose body is pulled in pieces.
const LONG_PACE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(2));

/// Calls of ours that are not answered, by number.
pub(super) type Calls = BTreeMap<u64, Asked>;

#[derive(Debug)]
pub(super) struct Asked {
    pub(super) job: Job,
    to: PublicKey,
    /// The start of the peer that is to do it.
    at: Sid,
    /// The call as it is sent; none once the other side has it.
    text: Option<String>,
    patience: Duration,
    until: Instant,
    due: Instant,
    tries: u32,
    long: bool,
}

impl Messages {
    pub(super) fn call(
        &mut self,
        to: PublicKey,
        method: Topic,
        body: &str,
        waits: Duration,
        turn: &mut Turn<'_>,
    ) -> Result<Step, Error> {
        if waits > PATIENCE_MAX || waits.is_zero() {
            return Err(Error::Bad("a call waits for 1 ms to 10 minutes"));
        }
        let ours = to == turn.me();
        let at = if ours { Some(turn.engine.sid()) } else { turn.people.get(&to).and_then(|here| here.sid) };
        let at = at.ok_or(Error::NotHere)?;
        if self.calls.len() >= CALLS {
            return Err(Error::Busy);
        }
        let number = Number { start: self.start(turn), count: self.call_count + 1 };
        let text = said::call(number, at, &method, waits, body);
        if !ours && !turn.send_sealed(&to, CHANNEL, text.as_bytes(), false) {
            return Err(Error::NotHere);
        }
        self.call_count += 1;
        let long = text.len() > SHORT;
        let (first, most) = if long { LONG_PACE } else { PACE };
        let until = turn.now + waits;
        let due = if ours { until } else { (turn.now + patience(0, first, most, turn)).min(until) };
        let job = turn.job();
        let asked = Asked { job, to, at, text: Some(text), patience: waits, until, due, tries: 0, long };
        self.calls.insert(number.count, asked);
        self.due.insert((due, Due::Call(number.count)));
        if ours {
            self.take_call((to, number), at, method, waits, body.into(), turn);
        }
        Ok(Step::Later(job))
    }

    /// Sends a call again, or gives it up.
    pub(super) fn call_again(&mut self, count: u64, turn: &mut Turn<'_>) {
        let start = self.start(turn);
        let Some(asked) = self.calls.get_mut(&count) else { return };
        if turn.now >= asked.until {
            let patience = asked.patience;
            return self.end_call(count, Err(Error::NoAnswer(patience)), turn);
        }
        let again;
        let text = match &asked.text {
            Some(text) => text,
            None => {
                again = said::again(Number { start, count }, asked.at);
                &again
            }
        };
        // Nothing came back: the other side may have lost what we shared.
        turn.send_sealed(&asked.to, CHANNEL, text.as_bytes(), true);
        asked.tries += 1;
        let (first, most) = if asked.long { LONG_PACE } else { PACE };
        asked.due = (turn.now + patience(asked.tries, first, most, turn)).min(asked.until);
        self.due.insert((asked.due, Due::Call(count)));
    }

    /// A call of ours, if it is one to this peer.
    fn asked(&mut self, from: &PublicKey, number: Number) -> Option<&mut Asked> {
        let ours = self.start == Some(number.start);
        self.calls.get_mut(&number.count).filter(|asked| ours && asked.to == *from)
    }

    /// A program of the other side is at it.
    pub(super) fn take_working(&mut self, from: &PublicKey, number: Number, _turn: &mut Turn<'_>) -> bool {
        let Some(asked) = self.asked(from, number) else { return false };
        asked.text = None;
        true
    }

    pub(super) fn take_answer(
        &mut self,
        from: &PublicKey,
        number: Number,
        answer: Result<String, (Why, String)>,
        turn: &mut Turn<'_>,
    ) -> bool {
        if self.asked(from, number).is_none() {
            return false;
        }
        let answer = match answer {
            Ok(body) => Ok(data::Reply::Message(Reply::Answered(body.into()))),
            Err((Why::Restarted, _)) => Err(Error::Restarted),
            Err((_, reason)) => Err(Error::Refused(reason)),
        };
        self.end_call(number.count, answer, turn);
        true
    }

    fn end_call(&mut self, count: u64, answer: Result<data::Reply, Error>, turn: &mut Turn<'_>) {
        let Some(asked) = self.calls.remove(&count) else { return };
        self.due.remove(&(asked.due, Due::Call(count)));
        turn.done(asked.job, answer);
    }

    /// Whom we called is here no longer: nobody knows what it did.
    pub(super) fn end_calls_to(&mut self, key: &PublicKey, turn: &mut Turn<'_>) {
        self.end_calls(|asked| asked.to == *key, &Error::Restarted, turn);
    }

    /// Whom we called may have started anew: nobody knows what the earlier start did.
    pub(super) fn end_calls_of_earlier_starts(&mut self, key: &PublicKey, turn: &mut Turn<'_>) {
        let Some(sid) = turn.people.get(key).and_then(|here| here.sid) else { return };
        self.end_calls(|asked| asked.to == *key && asked.at != sid, &Error::Restarted, turn);
    }

    fn end_calls(&mut self, which: impl Fn(&Asked) -> bool, error: &Error, turn: &mut Turn<'_>) {
        let counts: Vec<u64> = self.calls.iter().filter(|(_, asked)| which(asked)).map(|(count, _)| *count).collect();
        for count in counts {
            self.end_call(count, Err(error.clone()), turn);
        }
    }
}

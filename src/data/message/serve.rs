//! Calls of others: told to programs here at most once each, and answered again when the answer was lost.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::Instant;
use crate::wire::{PublicKey, Sid};

use super::super::{self as data, Error, Step, Turn};
use super::said::Why;
use super::window::Seen;
use super::{CHANNEL, CallId, Due, ERROR_MAX, Event, Messages, Number, PATIENCE_MAX, SHORT, Topic};
use super::{checked, name_of, said};

/// Methods that are served here.
const METHODS: usize = 256;
/// Calls that are not answered: in all, and of one caller.
const OPEN: (usize, usize) = (256, 64);
/// Answers that are kept to be sent again, and their bytes.
const ANSWERS: (usize, usize) = (256, 4 << 20);

/// A call is known by its caller and its number.
type Caller = (PublicKey, Number);

#[derive(Debug, Default)]
pub(super) struct Serving {
    /// How many programs serve each.
    methods: BTreeMap<Topic, u32>,
    open: BTreeMap<CallId, Open>,
    by_caller: BTreeMap<Caller, CallId>,
    answers: BTreeMap<Caller, Arc<str>>,
    /// The oldest first.
    order: VecDeque<Caller>,
    bytes: usize,
    count: u64,
}

/// A call that is not answered.
#[derive(Debug)]
struct Open {
    caller: Caller,
    method: Topic,
    until: Instant,
}

impl Serving {
    fn keep_answer(&mut self, caller: Caller, answer: Arc<str>) {
        self.bytes += answer.len();
        self.order.push_back(caller);
        self.answers.insert(caller, answer);
        while (self.order.len() > ANSWERS.0 || self.bytes > ANSWERS.1)
            && let Some(oldest) = self.order.pop_front()
        {
            self.bytes -= self.answers.remove(&oldest).map_or(0, |answer| answer.len());
        }
    }

    fn close(&mut self, call: CallId) -> Option<Open> {
        let open = self.open.remove(&call)?;
        self.by_caller.remove(&open.caller);
        Some(open)
    }
}

impl Messages {
    pub(super) fn serve(&mut self, method: Topic) -> Result<Step, Error> {
        let full = self.serving.methods.len() >= METHODS;
        if full && !self.serving.methods.contains_key(&method) {
            return Err(Error::Full { what: "methods", max: METHODS, advice: "serve fewer" });
        }
        *self.serving.methods.entry(method).or_default() += 1;
        Ok(Step::Now(data::Reply::Done))
    }

    pub(super) fn unserve(&mut self, method: &Topic, turn: &mut Turn<'_>) -> Result<Step, Error> {
        let unknown = || Error::Unknown { what: "served method", name: method.to_string() };
        let programs = self.serving.methods.get_mut(method).ok_or_else(unknown)?;
        *programs -= 1;
        if *programs == 0 {
            self.serving.methods.remove(method);
            let open = self.serving.open.iter().filter(|(_, open)| open.method == *method);
            let calls: Vec<CallId> = open.map(|(call, _)| *call).collect();
            for call in calls {
                self.end_open(call, Err((Why::Gone, "the program that was at it has ended".to_owned())), turn);
            }
        }
        Ok(Step::Now(data::Reply::Done))
    }

    pub(super) fn answer(
        &mut self,
        call: CallId,
        answer: Result<Arc<str>, String>,
        turn: &mut Turn<'_>,
    ) -> Result<Step, Error> {
        if !self.serving.open.contains_key(&call) {
            return Err(Error::Unknown { what: "open call", name: call.0.to_string() });
        }
        let answer = match answer {
            Ok(body) => Ok(checked(&body)?),
            Err(reason) if reason.len() > ERROR_MAX => {
                return Err(Error::TooLong { what: "the error", bytes: reason.len(), max: ERROR_MAX });
            }
            Err(reason) => Err((Why::Failed, reason)),
        };
        self.end_open(call, answer, turn);
        Ok(Step::Now(data::Reply::Done))
    }

    /// Answers a call, and keeps the answer as it may get lost.
    fn end_open(&mut self, call: CallId, answer: Result<String, (Why, String)>, turn: &mut Turn<'_>) {
        let Some(open) = self.serving.close(call) else { return };
        self.due.remove(&(open.until, Due::Open(call)));
        let (key, number) = open.caller;
        if let Some(other) = self.others.known(&key) {
            other.open = other.open.saturating_sub(1);
        }
        if key == turn.me() {
            self.take_answer(&key, number, answer, turn);
            return;
        }
        let text = match &answer {
            Ok(body) => said::answer(number, body),
            Err((why, reason)) => said::refusal(number, *why, reason),
        };
        turn.send_sealed(&key, CHANNEL, text.as_bytes(), false);
        self.serving.keep_answer(open.caller, text.into());
    }

    /// The caller waits no longer.
    pub(super) fn forget_open(&mut self, call: CallId) {
        let Some(open) = self.serving.close(call) else { return };
        if let Some(other) = self.others.known(&open.caller.0) {
            other.open = other.open.saturating_sub(1);
        }
    }

    /// Somebody calls; false when no program here is told.
    pub(super) fn take_call(
        &mut self,
        caller: Caller,
        at: Sid,
        method: Topic,
        patience: Duration,
        body: Arc<str>,
        turn: &mut Turn<'_>,
    ) -> bool {
        if self.tell_fate(caller, turn) {
            return true;
        }
        let (from, number) = caller;
        if let Some((why, reason)) = self.hindrance(caller, at, &method, turn) {
            self.refuse_call(caller, why, reason, turn);
            return false;
        }
        let other = self.others.get(from, turn.people, turn.now);
        other.called.note(number.start, number.count);
        other.open += 1;
        self.serving.count += 1;
        let call = CallId(self.serving.count);
        let patience = patience.min(PATIENCE_MAX);
        let until = turn.now + patience;
        self.serving.open.insert(call, Open { caller, method: method.clone(), until });
        self.serving.by_caller.insert(caller, call);
        self.due.insert((until, Due::Open(call)));
        let name = if from == turn.me() { turn.engine.own_name() } else { name_of(&from, turn) };
        let long = body.len() > SHORT;
        turn.event(data::Event::Message(Event::Called { call, from, name, method, patience, body }));
        if long && from != turn.me() {
            // The caller need not send it once more.
            turn.send_sealed(&from, CHANNEL, said::working(number).as_bytes(), false);
        }
        true
    }

    /// The caller asks what became of a call.
    pub(super) fn take_again(&mut self, caller: Caller, at: Sid, turn: &mut Turn<'_>) -> bool {
        if self.tell_fate(caller, turn) {
            return true;
        }
        let why = if at == turn.engine.sid() { Why::Gone } else { Why::Restarted };
        self.refuse_call(caller, why, "nobody is at it", turn);
        false
    }

    /// Tells the caller once more what became of a call that came before; false for one that is not known.
    fn tell_fate(&mut self, caller: Caller, turn: &mut Turn<'_>) -> bool {
        let (from, number) = caller;
        if self.serving.by_caller.contains_key(&caller) {
            turn.send_sealed(&from, CHANNEL, said::working(number).as_bytes(), false);
            return true;
        }
        let Some(answer) = self.serving.answers.get(&caller).map(Arc::clone) else { return false };
        // It was lost: the caller may have lost what we shared, too.
        turn.send_sealed(&from, CHANNEL, answer.as_bytes(), true);
        true
    }

    /// Why no program is told of a call.
    fn hindrance(
        &mut self,
        (from, number): Caller,
        at: Sid,
        method: &Topic,
        turn: &mut Turn<'_>,
    ) -> Option<(Why, &'static str)> {
        if at != turn.engine.sid() {
            return Some((Why::Restarted, "this peer has started anew"));
        }
        let other = self.others.get(from, turn.people, turn.now);
        if other.called.look(number.start, number.count) != Seen::New {
            return Some((Why::Gone, "the answer is not known any more"));
        }
        if !self.serving.methods.contains_key(method) {
            return Some((Why::Unknown, "nobody serves that method here"));
        }
        let busy = self.serving.open.len() >= OPEN.0 || other.open >= OPEN.1;
        busy.then_some((Why::Busy, "too many calls at once"))
    }

    fn refuse_call(&mut self, (from, number): Caller, why: Why, reason: &str, turn: &mut Turn<'_>) {
        if from == turn.me() {
            self.take_answer(&from, number, Err((why, reason.to_owned())), turn);
            return;
        }
        if self.others.get(from, turn.people, turn.now).may_be_refused(turn.now) {
            turn.send_sealed(&from, CHANNEL, said::refusal(number, why, reason).as_bytes(), false);
        }
    }
}

//! Messages of programs: topics, requests and replies (protocol.md §11.6).

mod calls;
mod others;
mod publish;
mod said;
mod serve;
mod types;
mod window;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub use types::{
    BODY_MAX, CallId, Command, Delivery, ERROR_MAX, Event, Kind, Message, PATIENCE_MAX, Pattern, Receipt, Reply, Topic,
    TopicError,
};

use crate::engine::{Arrived, Channel, Instant};
use crate::wire::PublicKey;

use super::{Error, Step, Turn, json};
use calls::Calls;
use others::Others;
use publish::Posted;
use said::{Number, Said};
use serve::Serving;

/// What programs said and asked.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    /// The random number of this start.
    start: Option<u64>,
    /// The last number of what is to be acknowledged, and of a call.
    posted_count: u64,
    call_count: u64,
    posted: Posted,
    /// When the last message that we said is paid for.
    said_until: Instant,
    calls: Calls,
    serving: Serving,
    others: Others,
    due: BTreeSet<(Instant, Due)>,
    /// What came in and was not taken.
    refused: u64,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// What was not acknowledged is sent again.
    Posted(u64),
    /// A call is sent again, or given up.
    Call(u64),
    /// A call that nobody answered here is forgotten.
    Open(CallId),
}

/// Bodies above this are not in the datagram that tells of them.
const SHORT: usize = 400;

impl Messages {
    pub(crate) fn command(&mut self, command: Command, turn: &mut Turn<'_>) -> Result<Step, Error> {
        match command {
            Command::Publish { topic, kind, body, delivery, to } => {
                self.publish(&topic, kind, &checked(&body)?, delivery, to, turn)
            }
            Command::Call { to, method, body, patience } => self.call(to, method, &checked(&body)?, patience, turn),
            Command::Serve { method } => self.serve(method),
            Command::Unserve { method } => self.unserve(&method, turn),
            Command::Answer { call, answer } => self.answer(call, answer, turn),
        }
    }

    /// Somebody came, or started anew.
    pub(crate) fn met(&mut self, key: PublicKey, turn: &mut Turn<'_>) {
        self.end_calls_of_earlier_starts(&key, turn);
    }

    /// Somebody is here no longer.
    pub(crate) fn parted(&mut self, key: PublicKey, turn: &mut Turn<'_>) {
        self.end_calls_to(&key, turn);
        self.wait_no_longer_for(&key, turn);
    }

    pub(crate) fn arrived(&mut self, arrived: &Arrived, turn: &mut Turn<'_>) {
        // What others pass on may be old: who has something to say says it itself.
        let said = if arrived.carried { None } else { Said::read(&arrived.body) };
        let (from, sealed) = (arrived.author, arrived.is_sealed());
        let taken = match said {
            Some(Said::Published { topic, kind, body, number }) => {
                let name = name_of(&from, turn);
                let body = body.into();
                let message = Message { from, name, topic, kind, body, sealed, ours: false };
                self.take_published(message, number, turn)
            }
            Some(Said::Came(number)) => self.take_came(&from, number, turn),
            Some(Said::Call { number, at, method, patience, body }) if sealed => {
                self.take_call((from, number), at, method, patience, body.into(), turn)
            }
            Some(Said::Again { number, at }) if sealed => self.take_again((from, number), at, turn),
            Some(Said::Working(number)) if sealed => self.take_working(&from, number, turn),
            Some(Said::Answer { number, answer }) if sealed => self.take_answer(&from, number, answer, turn),
            _ => false,
        };
        self.refused += u64::from(!taken);
    }

    pub(crate) fn timeout(&mut self, turn: &mut Turn<'_>) {
        while let Some((at, due)) = self.due.first().copied()
            && at <= turn.now
        {
            self.due.pop_first();
            match due {
                Due::Posted(count) => self.post_again(count, turn),
                Due::Call(count) => self.call_again(count, turn),
                Due::Open(call) => self.forget_open(call),
            }
        }
    }

    /// When something is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Messages of others that were not taken: no messages, too many, or for nothing that is known.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }

    fn start(&mut self, turn: &mut Turn<'_>) -> u64 {
        *self.start.get_or_insert_with(|| turn.random())
    }
}

/// The body of a message of ours: checked, on one line.
fn checked(body: &str) -> Result<String, Error> {
    if body.len() > 2 * BODY_MAX {
        return Err(Error::TooLong { what: "the body", bytes: body.len(), max: BODY_MAX });
    }
    let body = json::clean(body).ok_or(Error::Bad(
        "the body is not JSON, is nested more than 32 deep, or has half a character such as \\ud800 alone",
    ))?;
    if body.len() > BODY_MAX {
        return Err(Error::TooLong { what: "the body", bytes: body.len(), max: BODY_MAX });
    }
    Ok(body)
}

fn name_of(key: &PublicKey, turn: &Turn<'_>) -> Arc<str> {
    turn.people.get(key).map_or_else(|| "".into(), |here| Arc::clone(&here.name))
}

/// How long to wait before something is sent again: longer each time, up to `most`, and up to a fifth longer than that.
fn patience(tries: u32, first: Duration, most: Duration, turn: &mut Turn<'_>) -> Duration {
    let wait = first * 3_u32.pow(tries.min(8)) / 2_u32.pow(tries.min(8));
    let wait = wait.min(most);
    wait + wait * u32::try_from(turn.random() % 200).unwrap_or_default() / 1_000
}

const CHANNEL: Channel = Channel::Message;

//! What a part of the data space has at hand while it does something.

use std::collections::VecDeque;
use std::sync::Arc;

use rand::Rng;
use rand::rngs::StdRng;

use crate::engine::{Channel, Engine, Instant, To};
use crate::wire::PublicKey;

use super::{Error, Event, Job, Output, People, Reply, Row, Ticket, cache};

/// One input, being taken.
pub(crate) struct Turn<'a> {
    pub(crate) now: Instant,
    pub(crate) people: &'a People,
    pub(crate) engine: &'a mut Engine,
    pub(crate) rng: &'a mut StdRng,
    pub(super) outputs: &'a mut VecDeque<Output>,
    pub(super) count: &'a mut u64,
}

impl Turn<'_> {
    /// Ourselves.
    pub(crate) fn me(&self) -> PublicKey {
        self.people.me
    }

    /// True for ourselves, everybody in the same group, and who is verified, here or not: who may fill our cache.
    pub(crate) fn trusts(&self, key: &PublicKey) -> bool {
        self.people.trusts(key) || self.engine.is_verified(key)
    }

    /// Unix seconds: a label, never an order.
    pub(crate) fn unix(&self) -> u64 {
        self.engine.unix_at(self.now)
    }

    /// Random bits.
    pub(crate) fn random(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Signs a body as a datagram of ours, which can be kept, sent and passed on. It is sent to nobody.
    pub(crate) fn sign(&mut self, channel: Channel, body: &[u8]) -> Arc<[u8]> {
        self.engine.sign_data(channel, body)
    }

    /// Sends a datagram that [`Turn::sign`] just made, once.
    pub(crate) fn send_signed(&mut self, to: &To, raw: &Arc<[u8]>) {
        self.engine.send_signed_data(to, raw, self.now);
    }

    /// Signs a body and sends it.
    pub(crate) fn send(&mut self, to: &To, channel: Channel, body: &[u8]) {
        let raw = self.engine.sign_data(channel, body);
        self.engine.send_signed_data(to, &raw, self.now);
    }

    /// Seals a body for one and sends it; false when it is not here. `anew`, the reader may have lost what we shared.
    pub(crate) fn send_sealed(&mut self, to: &PublicKey, channel: Channel, body: &[u8], anew: bool) -> bool {
        self.engine.send_sealed_data(to, channel, body, anew, self.now)
    }

    /// Passes on what somebody signed, we ourselves included, some time ago. The body is given for what is long.
    pub(crate) fn pass_on(&mut self, to: &PublicKey, raw: &Arc<[u8]>, body: &[u8]) {
        self.engine.pass_on_data(to, raw, body, self.now);
    }

    /// Tells people and programs.
    pub(crate) fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Keeps rows, all or none; the caller is told when that is done.
    pub(crate) fn keep(&mut self, rows: Vec<Row>) -> Ticket {
        *self.count += 1;
        self.outputs.push_back(Output::Keep(Ticket(*self.count), rows));
        Ticket(*self.count)
    }

    /// Work with values of the cache.
    pub(crate) fn work(&mut self, work: cache::Work) {
        self.outputs.push_back(Output::Value(work));
    }

    /// A command that is done later.
    pub(crate) fn job(&mut self) -> Job {
        *self.count += 1;
        Job(*self.count)
    }

    /// A command is done.
    pub(crate) fn done(&mut self, job: Job, outcome: Result<Reply, Error>) {
        self.outputs.push_back(Output::Done(job, outcome));
    }
}

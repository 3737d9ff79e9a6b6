//! What has to wait: messages of ours until a peer answers or the user says a word, and messages of others until their
//! sender proves to be there (protocol.md §9.3, §9.8).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{OwnMessageId, Untrusted};

use super::signed::Signed;

use super::{CommandError, Config, Engine, Event, Failure, Instant, Mark, Peer, PeerId, Timer, Told};

/// What a peer signed at most so many datagrams before it answered is told when it answers.
const JUST_BEFORE: u64 = 64;

/// Why somebody is asked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// The user wrote to it.
    Ours,
    /// It wrote to us, or somebody says so.
    Theirs,
}

/// A message of ours.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) what: What,
    pub(super) since: Instant,
}

/// What waits.
#[derive(Debug)]
pub(super) enum What {
    /// A DM, sealed when it goes.
    Dm { id: OwnMessageId, text: String },
    /// A POST or PROFILE, signed already.
    Payload(Arc<[u8]>),
}

/// What it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    /// The peer answers where it is.
    Answer,
    /// The user says whether the new key is right.
    Word,
}

/// A message of somebody who has not proved to be there.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) text: Untrusted,
    /// A DM, and whether it was sealed; else a POST.
    pub(super) dm: Option<bool>,
    /// Its SEQ.
    pub(super) seq: u64,
    pub(super) at: Instant,
}

/// Both tables.
#[derive(Debug, Default)]
pub(super) struct Waits {
    ours: BTreeMap<PeerId, Vec<Waiting>>,
    theirs: BTreeMap<PeerId, Vec<Held>>,
}

impl Waits {
    fn ours(&self) -> usize {
        self.ours.values().map(Vec::len).sum()
    }

    fn theirs(&self) -> usize {
        self.theirs.values().map(Vec::len).sum()
    }
}

impl Engine {
    /// Lets a message of ours wait; [`CommandError::TooManyWaiting`] when too many do.
    pub(super) fn wait_with(&mut self, id: PeerId, what: What, now: Instant) -> Result<(), CommandError> {
        let (each, all) = self.config.limits.waiting;
        let total = self.waits.ours();
        let queue = self.waits.ours.entry(id).or_default();
        if queue.len() >= each || total >= all {
            return Err(CommandError::TooManyWaiting);
        }
        queue.push(Waiting { what, since: now });
        self.timers.set(now, Timer::Waiting(id));
        Ok(())
    }

    /// Something changed for a peer: sends what waited, if it may go.
    pub(super) fn go_on_waiting(&mut self, id: PeerId, now: Instant) {
        let Some(peer) = self.peers.get(id) else { return };
        if !self.waits.ours.contains_key(&id) || !matches!(self.hindrance(&peer), Ok(None)) {
            return;
        }
        for waiting in self.waits.ours.remove(&id).unwrap_or_default() {
            match waiting.what {
                What::Payload(payload) => self.transmit(&[peer.address()], payload),
                What::Dm { id, text } => {
                    let to = peer.clone();
                    let sent = self.send_sealed(&peer, &text, id, now);
                    let mark = if sent { Mark::Sent } else { Mark::Failed(Failure::BadKey) };
                    self.event(Event::Marked { id, to, mark, text: text.into() });
                }
            }
        }
    }

    /// Asks once more whom a message waits for, and gives up what waited too long for an answer.
    pub(super) fn check_waiting(&mut self, id: PeerId, now: Instant) {
        let Some(peer) = self.peers.get(id) else { return };
        if !self.waits.ours.contains_key(&id) {
            return;
        }
        match self.hindrance(&peer) {
            Ok(None) => return self.go_on_waiting(id, now),
            Ok(Some(Hold::Word)) => return,
            Ok(Some(Hold::Answer)) | Err(_) => {}
        }
        let late = |waiting: &Waiting| now.since(waiting.since) >= Config::WAIT;
        let queue = self.waits.ours.get_mut(&id).map(std::mem::take).unwrap_or_default();
        let (given_up, queue): (Vec<Waiting>, Vec<Waiting>) = queue.into_iter().partition(late);
        self.not_sent(&peer, given_up);
        if queue.is_empty() {
            self.waits.ours.remove(&id);
            return;
        }
        self.waits.ours.insert(id, queue);
        self.ask_now(id, Urgency::Ours, now);
        if peer.prekey.is_none() && peer.best_path().proven {
            // The answer to an ASK tells it.
            self.probe(id, false, now);
        }
        self.timers.set(now + Config::ECHO_RETRY, Timer::Waiting(id));
    }

    /// The peer is gone or blocked: nothing waits for it any more.
    pub(super) fn give_up_waiting(&mut self, id: PeerId) {
        if let (Some(peer), Some(queue)) = (self.peers.get(id), self.waits.ours.remove(&id)) {
            self.not_sent(&peer, queue);
        }
    }

    /// The same for a peer that is off the list already.
    pub(super) fn forget_waiting(&mut self, peer: &Peer) {
        if let Some(queue) = self.waits.ours.remove(&peer.id) {
            self.not_sent(peer, queue);
        }
        self.drop_held(peer.id);
    }

    fn not_sent(&mut self, to: &Peer, queue: Vec<Waiting>) {
        for waiting in queue {
            if let What::Dm { id, text } = waiting.what {
                let mark = Mark::Failed(Failure::Expired);
                self.event(Event::Marked { id, to: to.clone(), mark, text: text.into() });
            }
        }
    }

    /// Tells what a peer said, if this start of it has answered us; else holds it and asks. What was recorded some time
    /// ago and is sent again by somebody else is never answered for.
    pub(super) fn tell(&mut self, id: PeerId, signed: Option<Signed>, text: Untrusted, dm: Option<bool>, now: Instant) {
        let unproven = signed.filter(|signed| !self.authors.get(&signed.key).is_some_and(|author| author.fresh));
        let Some(Signed { seq, .. }) = unproven else { return self.tell_now(id, text, dm) };
        let (each, all) = self.config.limits.held;
        let total = self.waits.theirs();
        let queue = self.waits.theirs.entry(id).or_default();
        if queue.len() >= each || total >= all {
            self.counters.unproven += 1;
            return;
        }
        queue.push(Held { text, dm, seq, at: now });
        self.timers.set(now + Config::HELD, Timer::Held(id));
        self.ask_now(id, Urgency::Theirs, now);
    }

    fn tell_now(&mut self, id: PeerId, text: Untrusted, dm: Option<bool>) {
        let Some(from) = self.peers.get(id) else { return };
        match dm {
            Some(private) => self.event(Event::Dm { from, text, private, told: Told::default() }),
            None if from.muted => {}
            None => self.event(Event::Post { from, text, told: Told::default() }),
        }
    }

    /// The peer has proved to be there: tells what it said just before. What it said long ago was for others.
    pub(super) fn tell_held(&mut self, id: PeerId) {
        let key = self.peers.read(id, |peer| peer.key).flatten();
        let greatest = key.and_then(|key| self.authors.get(&key)).map_or(0, |author| author.window.greatest());
        for held in self.waits.theirs.remove(&id).unwrap_or_default() {
            if greatest - held.seq.min(greatest) <= JUST_BEFORE {
                self.tell_now(id, held.text, held.dm);
            } else {
                self.counters.unproven += 1;
            }
        }
    }

    /// Another start of the peer is here: what the one before said is not told any more.
    pub(super) fn drop_held(&mut self, id: PeerId) {
        let held = self.waits.theirs.remove(&id).map_or(0, |held| held.len());
        self.counters.unproven += held as u64;
    }

    /// Drops what was held for too long.
    pub(super) fn check_held(&mut self, id: PeerId, now: Instant) {
        let Some(queue) = self.waits.theirs.get_mut(&id) else { return };
        let before = queue.len();
        queue.retain(|held| now.since(held.at) < Config::HELD);
        self.counters.unproven += (before - queue.len()) as u64;
        if queue.is_empty() {
            self.waits.theirs.remove(&id);
        } else {
            self.timers.set(now + Duration::from_secs(1), Timer::Held(id));
        }
    }
}

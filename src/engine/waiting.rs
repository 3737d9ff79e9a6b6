//! What has to wait: messages of ours until a peer answers or the user says a word, and messages of others until their
//! sender proves to be there (protocol.md §9.3, §9.8).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::commits::{Fate, Incoming};
use super::signed::Signed;
use super::{Config, Engine, Instant, Kind, Peer, PeerId, Timer};

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

/// A POST or PROFILE of ours, signed already.
#[derive(Debug)]
pub(super) struct Waiting {
    payload: Arc<[u8]>,
    since: Instant,
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
    said: Incoming,
    /// Its SEQ.
    seq: u64,
    at: Instant,
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
    /// Lets a signed message of ours wait until the peer answers. With too many waiting it is lost, as it may be on the way.
    pub(super) fn wait_with(&mut self, id: PeerId, payload: Arc<[u8]>, now: Instant) {
        let (each, all) = self.config.limits.waiting;
        let total = self.waits.ours();
        let queue = self.waits.ours.entry(id).or_default();
        if queue.len() < each && total < all {
            queue.push(Waiting { payload, since: now });
            self.timers.set(now, Timer::Waiting(id));
        }
    }

    /// Something changed for a peer: sends what waited, if it may go.
    pub(super) fn go_on_waiting(&mut self, id: PeerId, now: Instant) {
        let Some(peer) = self.peers.get(id) else { return };
        if !matches!(self.hindrance(&peer), Ok(None)) {
            return;
        }
        for waiting in self.waits.ours.remove(&id).unwrap_or_default() {
            self.transmit(&[peer.address()], waiting.payload);
        }
        if let Some(key) = peer.key {
            self.deliver_anew(&key, now);
        }
    }

    /// Asks once more whom a message waits for, and gives up what waited too long for an answer.
    pub(super) fn check_waiting(&mut self, id: PeerId, now: Instant) {
        let Some(peer) = self.peers.get(id) else { return };
        if let Some(queue) = self.waits.ours.get_mut(&id) {
            queue.retain(|waiting| now.since(waiting.since) < Config::WAIT);
            if queue.is_empty() {
                self.waits.ours.remove(&id);
            }
        }
        let fresh_mail = peer.key.is_some_and(|key| self.outbox.has_since(&key, now));
        if !self.waits.ours.contains_key(&id) && !fresh_mail {
            return;
        }
        match self.hindrance(&peer) {
            Ok(None) => self.go_on_waiting(id, now),
            Ok(Some(Hold::Word)) => {}
            Ok(Some(Hold::Answer)) | Err(_) => self.press(&peer, now),
        }
    }

    /// The peer is off the list: what is signed is not sent, and DMs wait until it is heard again.
    pub(super) fn forget_waiting(&mut self, peer: &Peer) {
        self.waits.ours.remove(&peer.id);
        self.await_reader(peer);
        self.drop_held(peer.id);
    }

    /// Takes what a peer said, if this start of it has answered us; else holds it and asks. What was recorded some time
    /// ago and is sent again by somebody else is never answered for.
    pub(super) fn take_said(&mut self, said: Incoming, signed: Option<Signed>, now: Instant) {
        let unproven = signed.filter(|signed| !self.authors.get(&signed.key).is_some_and(|author| author.fresh));
        let Some(Signed { seq, .. }) = unproven else { return self.keep_said(said, now) };
        let (each, all) = self.config.limits.held;
        let (id, total) = (said.from.id, self.waits.theirs());
        let queue = self.waits.theirs.entry(id).or_default();
        if queue.len() >= each || total >= all {
            self.counters.unproven += 1;
            return;
        }
        if let (Kind::Dm { .. }, Some(key)) = (said.kind, said.from.key) {
            self.commits.set_fate(&key, &said.message_id, Fate::Held, self.config.limits.acked);
        }
        queue.push(Held { said, seq, at: now });
        self.timers.set(now + Config::HELD, Timer::Held(id));
        self.ask_now(id, Urgency::Theirs, now);
    }

    /// The peer has proved to be there: takes what it said just before. What it said long ago was for others.
    pub(super) fn take_held(&mut self, id: PeerId, now: Instant) {
        let key = self.peers.read(id, |peer| peer.key).flatten();
        let greatest = key.and_then(|key| self.authors.get(&key)).map_or(0, |author| author.window.greatest());
        for held in self.waits.theirs.remove(&id).unwrap_or_default() {
            if greatest - held.seq.min(greatest) <= JUST_BEFORE {
                self.keep_said(held.said, now);
            } else {
                self.drop_said(&held.said);
            }
        }
    }

    /// It is not told; when it comes again it is new.
    fn drop_said(&mut self, said: &Incoming) {
        self.counters.unproven += 1;
        if let Some(key) = said.from.key {
            self.commits.forget_fate(&key, &said.message_id);
        }
    }

    /// Another start of the peer is here: what the one before said is not told any more.
    pub(super) fn drop_held(&mut self, id: PeerId) {
        for held in self.waits.theirs.remove(&id).unwrap_or_default() {
            self.drop_said(&held.said);
        }
    }

    /// Drops what was held for too long.
    pub(super) fn check_held(&mut self, id: PeerId, now: Instant) {
        let Some(queue) = self.waits.theirs.get_mut(&id) else { return };
        let late = queue.extract_if(.., |held| now.since(held.at) >= Config::HELD).collect::<Vec<_>>();
        if queue.is_empty() {
            self.waits.theirs.remove(&id);
        } else {
            self.timers.set(now + Duration::from_secs(1), Timer::Held(id));
        }
        late.iter().for_each(|held| self.drop_said(&held.said));
    }
}

//! DMs of ours on their way: tries and marks (protocol.md §10.2).

use std::sync::Arc;
use std::time::Duration;

use crate::wire::{Caps, LONG_MAX, OwnMessageId, PublicKey};

use super::commits::{Pending, Said};
use super::parcels::{ASKS, Parcel, patience};
use super::waiting::{Hold, Urgency};
use super::{
    Author, CommandError, Commit, Config, Correspondent, Engine, Entry, Event, Failure, Instant, Kind, Mark, Output,
    Peer, PeerId, Reply, Timer, Until, Whom,
};

/// After a start, DMs that are too old are tried for so long before they are given up: the clock may be wrong.
const GRACE: Duration = Duration::from_secs(60);

impl Engine {
    /// A DM to somebody with a key: sealed, always, and kept until it is delivered.
    pub(super) fn private_dm(&mut self, to: Whom, text: &str, now: Instant) -> Result<Reply, CommandError> {
        let (key, row) = match to {
            Whom::Peer(id) => (self.peers.read(id, |peer| peer.key).flatten().ok_or(CommandError::NoKey)?, Some(id)),
            Whom::Key(key) => (key, self.authors.get(&key).ok_or(CommandError::UnknownPeer)?.row),
        };
        let to = self.person(&key, now).ok_or(CommandError::UnknownPeer)?;
        if to.blocked {
            return Err(CommandError::Blocked);
        }
        if text.trim().is_empty() {
            return Err(CommandError::NoText);
        }
        if text.len() > LONG_MAX {
            return Err(CommandError::TextTooLong { bytes: text.len(), max: LONG_MAX });
        }
        if row.is_some() && !to.caps.has(Caps::SYNC) && text.len() > self.letter_max(&to) {
            return Err(CommandError::TextTooLong { bytes: text.len(), max: self.letter_max(&to) });
        }
        let (each, all) = self.config.limits.outbox;
        let full = self.outbox.count >= all || self.outbox.bytes + text.len() > self.config.limits.outbox_bytes;
        if full || self.outbox.of.get(&key).is_some_and(|queue| queue.parcels.len() >= each) {
            return Err(CommandError::TooManyWaiting);
        }
        let hold = match row {
            Some(_) => self.hindrance(&to)?,
            None if to.trust == super::Trust::Changed => Some(Hold::Word),
            None => None,
        };
        let until = match (row, hold) {
            (_, Some(Hold::Word)) => Some(Until::Word),
            (None, _) => Some(Until::Away),
            (_, Some(Hold::Answer)) => Some(Until::Answer),
            (Some(_), None) => None,
        };
        let (id, text, at) = (self.message_id(), Arc::<str>::from(text), self.unix(now));
        let mark = if until.is_some() { Mark::Waiting } else { Mark::Sent };
        let mut parcel = Parcel::new(id, Arc::clone(&text), at, mark, now);
        parcel.committed = !self.config.history;
        parcel.written = Some(now);
        self.outbox.push(key, parcel);
        if !std::mem::replace(&mut self.outbox.watched, true) {
            self.timers.set(now + Config::OUTBOX, Timer::Outbox);
        }
        self.commit_own_dm(&to, id, &text, mark, now);
        self.deliver(&key, now);
        match until {
            Some(Until::Answer) => self.press(&to, now),
            Some(Until::Away) => self.carry_open(&key, now),
            Some(Until::Word) | None => {}
        }
        Ok(match until {
            Some(until) => Reply::Waiting { id, to, until },
            None => Reply::Sent { id, to, private: true },
        })
    }

    /// Keeps a line about a DM of ours.
    pub(super) fn commit_own_dm(&mut self, to: &Peer, id: OwnMessageId, text: &str, mark: Mark, now: Instant) {
        let at = self.unix(now);
        let entry = Entry {
            author: self.own_author(),
            message_id: id.to_string(),
            kind: Kind::Dm { private: to.key.is_some() },
            ours: true,
            with: Some(Correspondent::of(to)),
            text: text.to_owned(),
            stamp: at,
            at,
            lamport: self.posts.greatest(),
            post: None,
            mark: Some(mark),
        };
        self.commit(entry, Pending::Own(Box::new(Said::dm(id, to, text, at))), now);
    }

    /// Us, as the author of a line.
    pub(super) fn own_author(&self) -> Author {
        self.own_key().map_or_else(|| Author::Label(Arc::clone(&self.own.user_id)), Author::Key)
    }

    /// Somebody known by key: its row, else what is kept of it.
    pub(super) fn person(&self, key: &PublicKey, now: Instant) -> Option<Peer> {
        let author = self.authors.get(key)?;
        author.row.and_then(|id| self.peers.get(id)).or_else(|| Some(Peer::away(author.contact.as_deref()?, now)))
    }

    /// Sends what is due to this reader, if it may go, and sets the timer for what is next.
    pub(super) fn deliver(&mut self, key: &PublicKey, now: Instant) {
        if !self.outbox.is_for(key) {
            return;
        }
        let Some(id) = self.authors.get(key).and_then(|author| author.row) else { return };
        let Some(peer) = self.peers.get(id) else { return };
        if !matches!(self.hindrance(&peer), Ok(None)) {
            return;
        }
        let Some(mut queue) = self.outbox.of.remove(key) else { return };
        let (unproven, proven) = self.config.limits.in_flight;
        let window = if peer.best_path().proven { proven } else { unproven };
        let mut next: Option<Instant> = None;
        let mut flying = 0;
        for parcel in &mut queue.parcels {
            let open =
                parcel.mark.is_open() || parcel.mark == Mark::Received && parcel.due <= now && parcel.asks < ASKS;
            if queue.stalled || !open || flying >= window {
                continue;
            }
            flying += 1;
            if parcel.due > now {
                next = Some(next.map_or(parcel.due, |next| next.min(parcel.due)));
                continue;
            }
            if parcel.mark.is_open() && parcel.tries >= Config::TRIES {
                if queue.answered.is_none_or(|at| now.since(at) > Config::RETRY_LONGEST * 2) {
                    queue.stalled = true;
                    continue;
                }
                // It is there, and much is lost on the way.
                parcel.tries = Config::TRIES - 1;
            }
            let sent = self.send_sealed(&peer, parcel.id, &parcel.text, parcel.at, parcel.tries > 0, now);
            self.counters.retries += u64::from(parcel.tries > 0);
            parcel.tries = parcel.tries.saturating_add(1);
            if parcel.mark == Mark::Received {
                parcel.asks += 1;
                parcel.due = now + Config::OUTBOX;
                continue;
            }
            parcel.due = now + self.jittered(patience(parcel.tries), 20);
            // One try at an announcement is no news: it waits on until something comes back.
            let waits_on = parcel.mark == Mark::Waiting && parcel.tries >= Config::TRIES;
            parcel.mark = match sent {
                true if waits_on => Mark::Waiting,
                true => Mark::Sent,
                false => Mark::Failed(Failure::BadKey),
            };
            parcel.silent = !peer.caps.has(Caps::SYNC);
            next = Some(next.map_or(parcel.due, |next| next.min(parcel.due)));
        }
        if queue.stalled {
            next = None;
            for parcel in queue.parcels.iter_mut().filter(|parcel| parcel.mark == Mark::Sent) {
                parcel.mark = Mark::Waiting;
            }
        }
        if let Some(next) = next
            && queue.timer.is_none_or(|timer| timer <= now || next < timer)
        {
            queue.timer = Some(next);
            self.timers.set(next, Timer::Deliver(id));
        }
        let stalled = queue.stalled;
        self.outbox.of.insert(*key, queue);
        self.tell_marks(key, &peer);
        if stalled {
            self.carry_open(key, now);
        }
    }

    /// Time for the next tries to this peer.
    pub(super) fn deliver_more(&mut self, id: PeerId, now: Instant) {
        if let Some(key) = self.peers.read(id, |peer| peer.key).flatten() {
            self.deliver(&key, now);
        }
    }

    /// The reader answers, or something else that held DMs to it is over: all of them go, from the first try on.
    pub(super) fn deliver_anew(&mut self, key: &PublicKey, now: Instant) {
        let Some(queue) = self.outbox.of.get_mut(key) else { return };
        queue.stalled = false;
        for parcel in &mut queue.parcels {
            (parcel.tries, parcel.due) = (0, now);
        }
        self.deliver(key, now);
    }

    /// The reader is heard: what it did not acknowledge is sent once more.
    pub(super) fn deliver_on_beat(&mut self, key: &PublicKey, now: Instant) {
        let Some(queue) = self.outbox.of.get_mut(key) else { return };
        let stalled = std::mem::take(&mut queue.stalled);
        for parcel in &mut queue.parcels {
            if parcel.mark == Mark::Received {
                if parcel.asks >= ASKS {
                    parcel.asks = ASKS + 1;
                }
                parcel.due = now;
            } else if stalled && parcel.tries >= Config::TRIES {
                (parcel.tries, parcel.due) = (Config::TRIES - 1, now);
            }
        }
        self.outbox.tidy(key);
        // Its announcement may have told the prekey that was missing, too.
        match self.authors.get(key).and_then(|author| author.row).and_then(|id| self.peers.get(id)) {
            Some(peer) if matches!(self.hindrance(&peer), Ok(Some(Hold::Answer))) => self.press(&peer, now),
            _ => self.deliver(key, now),
        }
    }

    /// Asks a peer that has not answered, because something waits for it.
    pub(super) fn press(&mut self, peer: &Peer, now: Instant) {
        self.ask_now(peer.id, Urgency::Ours, now);
        if peer.prekey.is_none() && peer.best_path().proven {
            // The answer to an ASK tells it.
            self.probe(peer.id, false, now);
        }
        self.timers.set(now + Config::ECHO_RETRY, Timer::Waiting(peer.id));
    }

    /// The reader is off the list: what it did not acknowledge waits.
    pub(super) fn await_reader(&mut self, peer: &Peer) {
        let Some(key) = peer.key else { return };
        let Some(queue) = self.outbox.of.get_mut(&key) else { return };
        queue.timer = None;
        for parcel in queue.parcels.iter_mut().filter(|parcel| parcel.mark == Mark::Sent) {
            parcel.mark = Mark::Waiting;
        }
        self.tell_marks(&key, peer);
    }

    /// Nothing is sent to this reader any more.
    pub(super) fn give_up_on(&mut self, key: &PublicKey, failure: Failure, now: Instant) {
        let Some(queue) = self.outbox.of.get_mut(key) else { return };
        for parcel in queue.parcels.iter_mut().filter(|parcel| parcel.mark.is_open()) {
            parcel.mark = Mark::Failed(failure);
        }
        if let Some(peer) = self.person(key, now) {
            self.tell_marks(key, &peer);
        }
    }

    /// Gives up what waited for 7 days.
    pub(super) fn expire_outbox(&mut self, now: Instant) {
        let (unix, born) = (self.unix(now), now.since(self.birth.0));
        let most = Config::OUTBOX.as_secs();
        for key in self.outbox.readers() {
            let Some(queue) = self.outbox.of.get_mut(&key) else { continue };
            for parcel in queue.parcels.iter_mut().filter(|parcel| unix.saturating_sub(parcel.at) >= most) {
                if parcel.mark == Mark::Received {
                    parcel.asks = ASKS + 1;
                } else if parcel.mark.is_open() && born >= GRACE {
                    parcel.mark = Mark::Failed(Failure::Expired);
                }
            }
            match self.person(&key, now) {
                Some(peer) => self.tell_marks(&key, &peer),
                None => self.keep_marks(&key),
            }
        }
        if self.outbox.watch() {
            let wait = if born < GRACE { GRACE } else { Duration::from_secs(3600) };
            self.timers.set(now + wait, Timer::Outbox);
        }
    }

    /// Its reader has a DM of ours, in its program or on its disk. False when there is no such DM.
    pub(super) fn acknowledge(&mut self, key: &PublicKey, message_id: &str, stored: bool, now: Instant) -> bool {
        let Some(id) = OwnMessageId::parse(message_id) else { return false };
        let Some(parcel) = self.outbox.find(key, id) else { return false };
        let mark = if stored { Mark::Stored } else { Mark::Received };
        if let Some(written) = parcel.written.take() {
            self.counters.acknowledged(now.since(written));
        }
        if parcel.mark < mark || parcel.mark.is_open() {
            (parcel.mark, parcel.due) = (mark, now + Config::OUTBOX);
        }
        if let Some(peer) = self.person(key, now) {
            self.tell_marks(key, &peer);
        }
        self.outbox.tidy(key);
        if let Some(queue) = self.outbox.of.get_mut(key) {
            queue.answered = Some(now);
            // It hears us: what it did not answer for a long time may go again.
            if std::mem::take(&mut queue.stalled) {
                queue.parcels.iter_mut().for_each(|parcel| (parcel.tries, parcel.due) = (0, now));
            }
        }
        self.deliver(key, now);
        true
    }

    /// Our own line about this DM is on the disk, or will not be.
    pub(super) fn own_dm_committed(&mut self, key: &PublicKey, id: OwnMessageId, now: Instant) {
        if let Some(parcel) = self.outbox.find(key, id) {
            parcel.committed = true;
        }
        if let Some(peer) = self.person(key, now) {
            self.tell_marks(key, &peer);
        }
    }

    /// Tells and keeps what changed of the marks of this reader's DMs.
    fn tell_marks(&mut self, key: &PublicKey, to: &Peer) {
        for (id, mark, text) in self.news_of_marks(key) {
            self.keep_mark(id, mark);
            self.event(Event::Marked { id, to: to.clone(), mark, text });
        }
        self.outbox.tidy(key);
    }

    /// Keeps what changed of the marks of DMs to a reader of whom nothing is known any more.
    fn keep_marks(&mut self, key: &PublicKey) {
        for (id, mark, _) in self.news_of_marks(key) {
            self.keep_mark(id, mark);
        }
        self.outbox.tidy(key);
    }

    fn news_of_marks(&mut self, key: &PublicKey) -> Vec<(OwnMessageId, Mark, Arc<str>)> {
        let Some(queue) = self.outbox.of.get_mut(key) else { return Vec::new() };
        let changed = queue.parcels.iter_mut().filter(|parcel| parcel.committed && parcel.told != parcel.mark);
        let news = changed.map(|parcel| {
            parcel.told = parcel.mark;
            (parcel.id, parcel.mark, Arc::clone(&parcel.text))
        });
        news.collect()
    }

    /// Keeps what became of a DM of ours.
    pub(super) fn keep_mark(&mut self, id: OwnMessageId, mark: Mark) {
        if self.config.history {
            self.outputs.push_back(Output::Commit(Commit::Mark(id, mark)));
        }
    }

    /// DMs to this reader that nobody carries yet.
    pub(super) fn uncarried(&self, key: &PublicKey) -> Vec<(OwnMessageId, Arc<str>, u64)> {
        let queue = self.outbox.of.get(key);
        let open = queue.into_iter().flat_map(|queue| &queue.parcels);
        let open = open.filter(|parcel| parcel.mark.is_open() && !parcel.carried);
        open.map(|parcel| (parcel.id, Arc::clone(&parcel.text), parcel.at)).collect()
    }

    /// Others carry this DM.
    pub(super) fn note_carried(&mut self, key: &PublicKey, id: OwnMessageId) {
        if let Some(parcel) = self.outbox.find(key, id) {
            parcel.carried = true;
        }
    }
}

//! What we make for all, and those who wait for it.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::data::{self, Error, Step, Turn};
use crate::engine::Instant;
use crate::wire::PublicKey;

use super::said::{KeyId, Said};
use super::{Cache, Key, say};

/// A program that makes something must say so again within this time.
const LEASE: Duration = Duration::from_secs(10);

/// Those who wait are told so often that it is being made.
const BEAT: Duration = Duration::from_secs(1);

/// Those who wait for one key.
const WAITING_MAX: usize = 256;

/// When those who wait are told again that it is in, milliseconds.
const TELLS: [u64; 4] = [100, 300, 900, 2_700];

/// A value that we make.
#[derive(Debug)]
pub(super) struct Making {
    /// Somebody else may make it after this.
    until: Instant,
    beat: Instant,
    pub(super) waiting: BTreeSet<PublicKey>,
}

/// A value that we made, and those who are told.
#[derive(Debug)]
pub(super) struct Telling {
    to: BTreeSet<PublicKey>,
    round: usize,
    pub(super) next: Instant,
}

impl Making {
    pub(super) fn new(waiting: BTreeSet<PublicKey>, now: Instant) -> Self {
        Self { until: now + LEASE, beat: now, waiting }
    }

    pub(super) fn next(&self) -> Instant {
        if self.waiting.is_empty() { self.until } else { self.beat.min(self.until) }
    }

    pub(super) fn wait(&mut self, key: PublicKey) {
        if self.waiting.len() < WAITING_MAX {
            self.waiting.insert(key);
        }
    }
}

impl Cache {
    pub(super) fn still_making(&mut self, key: &Key, turn: &mut Turn<'_>) -> Result<Step, Error> {
        let making = self.making.get_mut(&KeyId::of(key)).ok_or(NOT_OURS)?;
        making.until = turn.now + LEASE;
        Ok(Step::Now(data::Reply::Done))
    }

    pub(super) fn give_up(&mut self, key: &Key, turn: &mut Turn<'_>) -> Result<Step, Error> {
        let id = KeyId::of(key);
        if !self.making.contains_key(&id) {
            return Err(NOT_OURS);
        }
        self.stop_making(&id, turn);
        Ok(Step::Now(data::Reply::Done))
    }

    /// We do not make it any more: somebody else may.
    pub(super) fn stop_making(&mut self, id: &KeyId, turn: &mut Turn<'_>) {
        let Some(making) = self.making.remove(id) else { return };
        let said = Said::Nothing { q: 0, k: (*id).into(), c: None };
        for key in &making.waiting {
            say(&said, key, false, turn);
        }
        self.ask_ours(id, turn);
    }

    /// It is in: those who wait are told.
    pub(super) fn made(&mut self, id: &KeyId, turn: &mut Turn<'_>) {
        if let Some(making) = self.making.remove(id).filter(|making| !making.waiting.is_empty()) {
            self.telling.insert(*id, Telling { to: making.waiting, round: 0, next: turn.now });
            self.tell(id, turn);
        }
        self.ask_ours(id, turn);
    }

    fn tell(&mut self, id: &KeyId, turn: &mut Turn<'_>) {
        let Some(mut telling) = self.telling.remove(id) else { return };
        let anew = telling.round > 1;
        telling
            .to
            .retain(|key| self.have(0, id, key, turn).is_some_and(|have| say(&Said::Have(have), key, anew, turn)));
        if let Some(wait) = TELLS.get(telling.round).filter(|_| !telling.to.is_empty()) {
            telling.round += 1;
            telling.next = turn.now + Duration::from_millis(*wait);
            self.telling.insert(*id, telling);
        }
    }

    /// Does what is due about all that we make and made.
    pub(super) fn go_on_making(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        let due = self.making.iter().filter(|(_, making)| making.next() <= now);
        let due: Vec<KeyId> = due.map(|(id, _)| *id).collect();
        for id in due {
            let Some(making) = self.making.get_mut(&id) else { continue };
            if making.until <= now {
                self.stop_making(&id, turn);
                continue;
            }
            making.beat = now + BEAT;
            let said = Said::Making { q: 0, k: id.into() };
            for key in &making.waiting {
                say(&said, key, false, turn);
            }
        }
        let due: Vec<KeyId> =
            self.telling.iter().filter(|(_, telling)| telling.next <= now).map(|(id, _)| *id).collect();
        due.iter().for_each(|id| self.tell(id, turn));
    }
}

const NOT_OURS: Error = Error::Bad("that is not for this peer to make, or not any more");

//! A cache that saves the LAN from fetching or making the same thing twice (protocol.md §11.4).
//!
//! An entry is a value under a key; values are named by their hash and lie outside of the data space ([`Work`]). Who looks
//! for a key that is not here asks all that are trusted (`question`); who makes it tells who waits (`making`).

mod fetch;
mod making;
mod question;
mod said;
mod shelf;
mod types;
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

pub use types::{
    Command, Event, Found, Key, Place, Reply, SMALL_MAX, Stats, VALUE_MAX, ValueHash, Which, Work, Worked,
};

use crate::engine::{Arrived, Channel, Instant};
use crate::wire::PublicKey;

use super::{Error, Job, Row, Step, Turn};
use making::{Making, Telling};
use question::Question;
use said::{Have, KeyId, Said};
use shelf::{BYTES_MAX, ENTRIES_MAX, Entry, Shelf, TTL};
use values::{Reading, Writing};

/// Values of at most so many bytes are at hand, and travel in the answer itself when that fits into a datagram with them.
const INLINE_MAX: usize = 384;

/// Bytes of an answer without the value.
const HAVE_MAX: usize = 170;

/// Works of one kind with values at the same time.
const WORKS_MAX: usize = 256;

/// Values that wait to be written, bytes.
const WRITING_MAX: usize = 16 << 20;

/// Keys that are looked for at the same time, and commands that wait for one of them.
const QUESTIONS_MAX: (usize, usize) = (256, 64);

/// What is in the cache, and who makes what.
#[derive(Debug)]
pub(crate) struct Cache {
    stream_port: Option<u16>,
    /// What earlier runs kept, until the first turn.
    kept: Option<Vec<Row>>,
    birth: Instant,
    shelf: Shelf,
    counted: Stats,
    writing: BTreeMap<Job, Writing>,
    reading: BTreeMap<Job, (ValueHash, Reading)>,
    /// Streams that are on their way, and for which key.
    fetching: BTreeMap<Job, KeyId>,
    questions: BTreeMap<KeyId, Question>,
    making: BTreeMap<KeyId, Making>,
    telling: BTreeMap<KeyId, Telling>,
    /// Who did not answer the last time.
    mute: BTreeSet<PublicKey>,
    /// Who may fetch from us by streams.
    serving: Option<Vec<PublicKey>>,
    /// Bytes that were sent without streams, and since when.
    sent: (Instant, usize),
}

impl Cache {
    pub(crate) fn new(rows: Vec<Row>, stream_port: Option<u16>, now: Instant) -> Self {
        Self {
            stream_port,
            kept: Some(rows),
            birth: now,
            shelf: Shelf::default(),
            counted: Stats::default(),
            writing: BTreeMap::new(),
            reading: BTreeMap::new(),
            fetching: BTreeMap::new(),
            questions: BTreeMap::new(),
            making: BTreeMap::new(),
            telling: BTreeMap::new(),
            mute: BTreeSet::new(),
            serving: None,
            sent: (now, 0),
        }
    }

    pub(crate) fn command(&mut self, command: Command, turn: &mut Turn<'_>) -> Result<Step, Error> {
        self.begin(turn);
        match command {
            Command::Put { key, value, ttl } => self.put(key, &value, ttl, turn),
            Command::Get { key } => self.get(key, false, turn),
            Command::GetOrMake { key } => self.get(key, true, turn),
            Command::GiveUp { key } => self.give_up(&key, turn),
            Command::StillMaking { key } => self.still_making(&key, turn),
            Command::Forget(which) => {
                let ids = match which {
                    Which::All => self.shelf.ids(|_| true),
                    Which::Namespace(namespace) => self.shelf.ids(|key| key.namespace == namespace),
                    Which::Key(key) => vec![KeyId::of(&key)],
                };
                let mut rows = Vec::new();
                ids.iter().for_each(|id| self.drop_entry(id, &mut rows, turn));
                let count = rows.len();
                keep(rows, turn);
                Ok(Step::Now(super::Reply::Cache(Reply::Forgotten(count))))
            }
            Command::Stats => {
                let (entries, bytes) = (self.shelf.len(), self.shelf.bytes());
                let bounds = Stats { entries, entries_max: ENTRIES_MAX, bytes, bytes_max: BYTES_MAX, ..self.counted };
                Ok(Step::Now(super::Reply::Cache(Reply::Stats(bounds))))
            }
        }
    }

    fn put(&mut self, key: Key, value: &Arc<[u8]>, ttl: Duration, turn: &mut Turn<'_>) -> Result<Step, Error> {
        check_key(&key)?;
        if value.len() > VALUE_MAX {
            return Err(Error::TooLong { what: "the value", bytes: value.len(), max: VALUE_MAX });
        }
        if !(TTL.0..=TTL.1).contains(&ttl) {
            return Err(Error::Bad("a value is good for 1 second to 7 days"));
        }
        if !self.can_write(value.len()) {
            return Err(Error::Busy);
        }
        let job = turn.job();
        let size = u32::try_from(value.len()).unwrap_or(u32::MAX);
        let entry = Entry::new(key, ValueHash::of(value), size, turn.me(), turn.now + ttl);
        self.write(entry, value, Some(job), turn);
        Ok(Step::Later(job))
    }

    fn get(&mut self, key: Key, make: bool, turn: &mut Turn<'_>) -> Result<Step, Error> {
        check_key(&key)?;
        let id = KeyId::of(&key);
        if let Some(entry) = self.shelf.get(&id, turn.now) {
            if turn.trusts(&entry.by) {
                if self.reading.len() >= WORKS_MAX {
                    return Err(Error::Busy);
                }
                let (hash, job) = (entry.hash, turn.job());
                self.read(hash, Reading::Get { id, key, jobs: vec![(job, make)] }, turn);
                return Ok(Step::Later(job));
            }
            // Somebody who was trusted then.
            let mut rows = Vec::new();
            self.drop_entry(&id, &mut rows, turn);
            keep(rows, turn);
        }
        match self.questions.get(&id) {
            Some(question) if question.jobs.len() >= QUESTIONS_MAX.1 => return Err(Error::Busy),
            None if self.questions.len() >= QUESTIONS_MAX.0 => return Err(Error::Busy),
            Some(_) | None if make && self.making.len() >= QUESTIONS_MAX.0 => return Err(Error::Busy),
            Some(_) | None => {}
        }
        let job = turn.job();
        self.look_for(id, key, vec![(job, make)], turn);
        Ok(Step::Later(job))
    }

    /// Somebody came, or is trusted more or less than before.
    pub(crate) fn met(&mut self, _key: PublicKey, turn: &mut Turn<'_>) {
        self.begin(turn);
        self.serve(turn);
    }

    /// Somebody is here no longer.
    pub(crate) fn parted(&mut self, key: PublicKey, turn: &mut Turn<'_>) {
        self.begin(turn);
        self.mute.remove(&key);
        self.serve(turn);
        for making in self.making.values_mut() {
            making.waiting.remove(&key);
        }
        self.lose_peer(&key, turn);
    }

    pub(crate) fn arrived(&mut self, arrived: &Arrived, turn: &mut Turn<'_>) {
        self.begin(turn);
        // What others could read, or somebody passes on, is none of this.
        let Some(said) = Said::decode(&arrived.body).filter(|_| arrived.is_sealed()) else { return };
        let from = arrived.author;
        self.mute.remove(&from);
        if !turn.trusts(&from) {
            self.counted.untrusted += 1;
            // It need not wait for us.
            if let Said::Ask { q, k, .. } = said {
                say(&Said::Nothing { q, k, c: None }, &from, false, turn);
            }
            return;
        }
        match said {
            Said::Ask { q, k, c } => self.asked(from, q, KeyId(k.0), c, turn),
            Said::Have(have) => self.offered(from, have, turn),
            Said::Nothing { q, k, c } => self.denied(from, q, KeyId(k.0), c, turn),
            Said::Making { q, k } => self.told_of_making(from, q, KeyId(k.0), turn),
            Said::Want { h } => self.wanted(from, ValueHash(h.0), turn),
            Said::Value { h, v } => self.value_came(from, ValueHash(h.0), &v.0, turn),
            Said::Gone { h, w } => self.value_gone(from, ValueHash(h.0), w, turn),
        }
    }

    /// What is to be said to somebody of an entry, if there is one.
    fn have(&mut self, q: u64, id: &KeyId, to: &PublicKey, turn: &Turn<'_>) -> Option<Have> {
        let entry = self.shelf.get(id, turn.now).filter(|entry| turn.trusts(&entry.by))?;
        let left = u64::try_from(entry.end.since(turn.now).as_millis()).unwrap_or(u64::MAX);
        let room = turn.engine.sealed_room(to).saturating_sub(HAVE_MAX);
        let v = entry.small.as_ref().filter(|value| value.len() <= room).map(|value| said::Blob(value.to_vec()));
        let have = Have {
            q,
            k: (*id).into(),
            h: entry.hash.into(),
            s: entry.size,
            t: left,
            b: said::Bytes32(entry.by.0),
            p: self.stream_port,
            v,
        };
        self.shelf.touch(id);
        Some(have)
    }

    /// Takes what earlier runs kept: at the first turn, which knows what time it is.
    fn begin(&mut self, turn: &mut Turn<'_>) {
        let Some(kept) = self.kept.take() else { return };
        let unix = turn.unix();
        let (mut entries, mut stale) = (Vec::new(), Vec::new());
        for row in kept {
            match Entry::read(&row, unix, turn.now) {
                Some(entry) => entries.push(entry),
                None => stale.push(Row { value: None, ..row }),
            }
        }
        // In the order in which they came.
        entries.sort_by_key(|(from, entry)| (*from, entry.hash));
        for (_, entry) in entries {
            self.shelf.insert(KeyId::of(&entry.key), entry);
        }
        self.make_room(&mut stale, turn);
        keep(stale, turn);
        turn.work(Work::Only { hashes: self.shelf.hashes() });
    }

    /// Tells who may fetch from us by streams, when that changed.
    fn serve(&mut self, turn: &mut Turn<'_>) {
        if self.stream_port.is_none() {
            return;
        }
        let me = turn.me();
        let to = turn.people.iter().map(|(key, _)| *key).filter(|key| *key != me && turn.trusts(key)).collect();
        if self.serving.as_ref() != Some(&to) {
            self.serving = Some(to.clone());
            turn.work(Work::Serve { to });
        }
    }

    pub(crate) fn timeout(&mut self, turn: &mut Turn<'_>) {
        self.begin(turn);
        let mut rows = Vec::new();
        while let Some(id) = self.shelf.expired(turn.now) {
            self.drop_entry(&id, &mut rows, turn);
            self.counted.expired += 1;
        }
        keep(rows, turn);
        self.go_on_asking(turn);
        self.go_on_making(turn);
    }

    /// When something is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        if self.kept.is_some() {
            return Some(self.birth);
        }
        let questions = self.questions.values().filter_map(Question::next);
        let making = self.making.values().map(Making::next);
        let telling = self.telling.values().map(|telling| telling.next);
        questions.chain(making).chain(telling).chain(self.shelf.next()).min()
    }
}

fn check_key(key: &Key) -> Result<(), Error> {
    if key.namespace.len() > 128 {
        return Err(Error::TooLong { what: "the namespace", bytes: key.namespace.len(), max: 128 });
    }
    match key.name.len() {
        0 => Err(Error::Bad("a key has at least one character")),
        1..=512 => Ok(()),
        bytes => Err(Error::TooLong { what: "the key", bytes, max: 512 }),
    }
}

fn keep(rows: Vec<Row>, turn: &mut Turn<'_>) {
    if !rows.is_empty() {
        turn.keep(rows);
    }
}

/// Says something to one peer; false when it is not here. `anew`, it may have lost what we share.
fn say(said: &Said, to: &PublicKey, anew: bool, turn: &mut Turn<'_>) -> bool {
    turn.send_sealed(to, Channel::Cache, &said.encode(), anew)
}

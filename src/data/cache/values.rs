//! Values on their way to the disk, from there, and to others.

use std::sync::Arc;
use std::time::Duration;

use crate::data::{self, Error, Job, Row, Turn};
use crate::engine::{Channel, Instant};
use crate::wire::PublicKey;

use super::said::{Blob, KeyId, Said};
use super::shelf::Entry;
use super::{
    Cache, Event, Found, INLINE_MAX, Key, Place, Reply, SMALL_MAX, ValueHash, WORKS_MAX, WRITING_MAX, Work, Worked,
};
use super::{keep, say};

/// Bytes of values that are sent without streams in [`SENT_TIME`]: the pieces of what is on its way are in memory.
const SENT_MAX: usize = 384 << 10;

const SENT_TIME: Duration = Duration::from_secs(2);

/// A value on its way to the disk.
#[derive(Debug)]
pub(super) struct Writing {
    pub(super) entry: Entry,
    /// The command that put it in.
    put: Option<Job>,
}

/// Why a value is read.
#[derive(Debug)]
pub(super) enum Reading {
    /// Somebody here wants it; with true, else to make it.
    Get { id: KeyId, key: Key, jobs: Vec<(Job, bool)> },
    /// Another peer wants it.
    Want { to: PublicKey },
}

impl Cache {
    /// Has a value written; after that it is in.
    pub(super) fn write(&mut self, mut entry: Entry, value: &Arc<[u8]>, put: Option<Job>, turn: &mut Turn<'_>) {
        let (job, hash) = (turn.job(), entry.hash);
        self.shelf.hold(hash, entry.size);
        entry.small = (value.len() <= INLINE_MAX).then(|| Arc::clone(value));
        self.writing.insert(job, Writing { entry, put });
        turn.work(Work::Write { job, hash, value: Arc::clone(value) });
    }

    /// True when one more value of this size may wait to be written.
    pub(super) fn can_write(&self, size: usize) -> bool {
        let waiting: usize = self.writing.values().map(|writing| writing.entry.size as usize).sum();
        self.writing.len() < WORKS_MAX && waiting + size <= WRITING_MAX
    }

    /// Reads a value; the work is told apart by a job of its own.
    pub(super) fn read(&mut self, hash: ValueHash, why: Reading, turn: &mut Turn<'_>) {
        let job = turn.job();
        let small = self.shelf.with_value(&hash, turn.now).and_then(|entry| entry.small.clone());
        match small {
            Some(value) => self.use_value(hash, why, Some(value), turn),
            None => {
                // It stays where it is until it is read.
                self.shelf.hold(hash, 0);
                self.reading.insert(job, (hash, why));
                turn.work(Work::Read { job, hash });
            }
        }
    }

    /// A value was written, read or fetched, or not.
    pub(crate) fn worked(&mut self, done: Worked, turn: &mut Turn<'_>) {
        self.begin(turn);
        match done {
            Worked::Written(job, written) => {
                if let Some(writing) = self.writing.remove(&job) {
                    self.written(writing, written, turn);
                }
            }
            Worked::Read(job, value) => {
                let Some((hash, why)) = self.reading.remove(&job) else { return };
                self.release(&hash, turn);
                let good = value.filter(|value| ValueHash::of(value) == hash);
                self.use_value(hash, why, good, turn);
            }
            Worked::Fetched(job, value) => self.fetched(job, value, turn),
            Worked::Served => self.counted.served += 1,
        }
    }

    fn written(&mut self, writing: Writing, written: bool, turn: &mut Turn<'_>) {
        let Writing { entry, put } = writing;
        let (id, hash) = (KeyId::of(&entry.key), entry.hash);
        if !written || entry.end <= turn.now {
            self.release(&hash, turn);
            if let Some(job) = put {
                let outcome = if written { Ok(data::Reply::Cache(Reply::Put { hash })) } else { Err(Error::NotKept) };
                turn.done(job, outcome);
                self.stop_making(&id, turn);
            }
            return;
        }
        let event = Event::In { key: entry.key.clone(), size: u64::from(entry.size), by: entry.by };
        let mut rows = vec![entry.row(turn.unix(), turn.now)];
        let before = self.shelf.insert(id, entry);
        self.release(&hash, turn);
        if let Some(before) = &before {
            self.release(&before.hash, turn);
        }
        self.make_room(&mut rows, turn);
        keep(rows, turn);
        if before.is_none_or(|before| before.hash != hash) {
            turn.event(data::Event::Cache(event));
        }
        if let Some(job) = put {
            turn.done(job, Ok(data::Reply::Cache(Reply::Put { hash })));
            self.made(&id, turn);
        }
    }

    /// Drops what is of no use until all fits.
    pub(super) fn make_room(&mut self, rows: &mut Vec<Row>, turn: &mut Turn<'_>) {
        while let Some(id) = self.shelf.over() {
            self.drop_entry(&id, rows, turn);
            self.counted.evicted += 1;
        }
    }

    /// Drops an entry, its row, and its value if nothing else needs it.
    pub(super) fn drop_entry(&mut self, id: &KeyId, rows: &mut Vec<Row>, turn: &mut Turn<'_>) {
        if let Some(entry) = self.shelf.remove(id) {
            rows.push(Row { table: Channel::Cache, key: id.0.to_vec(), value: None });
            self.release(&entry.hash, turn);
        }
    }

    fn release(&mut self, hash: &ValueHash, turn: &mut Turn<'_>) {
        if self.shelf.release(hash) {
            turn.work(Work::Drop { hash: *hash });
        }
    }

    /// A value was read, or is not what it should be, or not there.
    fn use_value(&mut self, hash: ValueHash, why: Reading, value: Option<Arc<[u8]>>, turn: &mut Turn<'_>) {
        match &value {
            None => {
                self.counted.broken += 1;
                let mut rows = Vec::new();
                for id in self.shelf.with_lost_value(&hash) {
                    self.drop_entry(&id, &mut rows, turn);
                }
                keep(rows, turn);
            }
            Some(value) if value.len() <= INLINE_MAX => self.shelf.remember(&hash, value),
            Some(_) => {}
        }
        match why {
            Reading::Get { id, key, jobs } => {
                let entry = self.shelf.get(&id, turn.now).filter(|entry| entry.hash == hash);
                let Some((entry, value)) = entry.zip(value) else { return self.look_for(id, key, jobs, turn) };
                let (ttl, by) = (entry.end.since(turn.now), entry.by);
                let found = Found { value, hash, place: Place::Here, ttl, by };
                self.shelf.touch(&id);
                self.counted.hits += jobs.len() as u64;
                for (job, _) in jobs {
                    turn.done(job, Ok(data::Reply::Cache(Reply::Found(found.clone()))));
                }
            }
            Reading::Want { to } => {
                let said = match value {
                    Some(value) => Said::Value { h: hash.into(), v: Blob(value.to_vec()) },
                    None => Said::Gone { h: hash.into(), w: false },
                };
                if matches!(said, Said::Value { .. }) {
                    self.counted.served += 1;
                }
                say(&said, &to, false, turn);
            }
        }
    }

    /// Another peer wants a value in datagrams.
    pub(super) fn wanted(&mut self, from: PublicKey, hash: ValueHash, turn: &mut Turn<'_>) {
        let size = self.shelf.with_value(&hash, turn.now).map(|entry| entry.size as usize);
        let Some(size) = size.filter(|size| *size <= SMALL_MAX) else {
            say(&Said::Gone { h: hash.into(), w: false }, &from, false, turn);
            return;
        };
        if turn.now.since(self.sent.0) >= SENT_TIME {
            self.sent = (turn.now, 0);
        }
        if self.sent.1 + size > SENT_MAX || self.reading.len() >= WORKS_MAX {
            say(&Said::Gone { h: hash.into(), w: true }, &from, false, turn);
            return;
        }
        self.sent.1 += size;
        self.read(hash, Reading::Want { to: from }, turn);
    }

    /// A value came from somebody else, and is what it is named by: those who wait for it get it, and it is kept.
    pub(super) fn take_value(
        &mut self,
        key: Key,
        (hash, by, end): (ValueHash, PublicKey, Instant),
        from: PublicKey,
        value: &Arc<[u8]>,
        jobs: Vec<(Job, bool)>,
        turn: &mut Turn<'_>,
    ) {
        self.counted.peer_hits += jobs.len() as u64;
        let ttl = end.since(turn.now);
        let found = Found { value: Arc::clone(value), hash, place: Place::Peer(from), ttl, by };
        for (job, _) in jobs {
            turn.done(job, Ok(data::Reply::Cache(Reply::Found(found.clone()))));
        }
        let size = u32::try_from(value.len()).unwrap_or(u32::MAX);
        if self.can_write(value.len()) {
            self.write(Entry::new(key, hash, size, by, end), value, None, turn);
        }
    }
}

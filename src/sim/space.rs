//! The data space beside a peer of ours: its disk, its values, its outputs.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rand::Rng;

use crate::data::cache::{ValueHash, Work, Worked};
use crate::data::{Beginning, Command, Error, Event, Job, Output, Reply, Row, Space, Step, Ticket};
use crate::engine::{Arrived, Channel, Data, Engine, Instant};
use crate::wire::PublicKey;

use super::lan::Due;
use super::program::Kind;
use super::{Disk, DiskState, Lan, ProgramId, Setup};

/// Bytes of a value that a stream carries in a second.
const STREAM_RATE: f64 = 50e6;

/// A stream to somebody who does not answer is given up after this.
const STREAM_PATIENCE: Duration = Duration::from_secs(5);

/// Where others fetch values from a peer of ours, as it says.
const STREAM_PORT: u16 = 7_000;

/// What a data space keeps.
#[derive(Debug, Clone, Default)]
pub(super) struct Shelf {
    rows: BTreeMap<(Channel, Vec<u8>), Arc<[u8]>>,
    pub(super) values: BTreeMap<ValueHash, Arc<[u8]>>,
}

/// A data space and what it put out.
#[derive(Debug)]
pub(super) struct Beside {
    space: Space,
    events: Vec<(Instant, Event)>,
    arrived: Vec<Arrived>,
    outcomes: BTreeMap<Job, Result<Reply, Error>>,
    /// Rows on their way to the disk.
    pending: VecDeque<(Option<Instant>, Ticket, Vec<Row>)>,
    /// Who may fetch values.
    serving: BTreeSet<PublicKey>,
}

impl Shelf {
    fn take(&mut self, rows: Vec<Row>) {
        for Row { table, key, value } in rows {
            match value {
                Some(value) => self.rows.insert((table, key), value),
                None => self.rows.remove(&(table, key)),
            };
        }
    }

    fn all(&self) -> Vec<Row> {
        let row = |((table, key), value): (&(Channel, Vec<u8>), &Arc<[u8]>)| Row {
            table: *table,
            key: key.clone(),
            value: Some(Arc::clone(value)),
        };
        self.rows.iter().map(row).collect()
    }
}

impl Lan {
    /// The data space of a peer that begins, if it has one.
    pub(super) fn beside(&mut self, setup: &Setup, disk: &Disk) -> Option<Box<Beside>> {
        let me = disk.key().filter(|_| setup.config.data && !setup.config.scan)?;
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let beginning =
            Beginning { rows: disk.shelf.all(), stream_port: setup.streams.then_some(STREAM_PORT), lasting: true };
        let space = Space::new(me, setup.group.is_some(), beginning, seed, self.now);
        Some(Box::new(Beside {
            space,
            events: Vec::new(),
            arrived: Vec::new(),
            outcomes: BTreeMap::new(),
            pending: VecDeque::new(),
            serving: BTreeSet::new(),
        }))
    }

    /// Does what the user of a peer of ours wants with data.
    ///
    /// # Errors
    /// As [`Space::handle_command`].
    ///
    /// # Panics
    /// When the program has no data space.
    pub fn data(&mut self, id: ProgramId, command: Command) -> Result<Step, Error> {
        let now = self.now;
        let step = self.with_space(id, |space, engine| space.handle_command(command, engine, now));
        let step = step.unwrap_or_else(|| panic!("{id:?} has no data space"));
        self.drain(id);
        step
    }

    /// The same, and lets time go by until it is done.
    ///
    /// # Errors
    /// As [`Space::handle_command`]; [`Error::NoAnswer`] when it was not done within `limit`.
    pub fn data_done(&mut self, id: ProgramId, command: Command, limit: Duration) -> Result<Reply, Error> {
        let job = match self.data(id, command)? {
            Step::Now(reply) => return Ok(reply),
            Step::Later(job) => job,
        };
        let step = Duration::from_millis(1);
        self.run_while(limit, step, |lan| lan.outcome(id, job).is_some());
        self.outcome(id, job).cloned().unwrap_or(Err(Error::NoAnswer(limit)))
    }

    /// The data space of a peer of ours takes something as if its engine had let it through.
    pub fn inject_data(&mut self, id: ProgramId, arrived: Arrived) {
        let now = self.now;
        self.with_space(id, |space, engine| space.handle_data(Data::Arrived(arrived), engine, now));
        self.drain(id);
    }

    /// What became of a command that was to be done later.
    #[must_use]
    pub fn outcome(&self, id: ProgramId, job: Job) -> Option<&Result<Reply, Error>> {
        self.programs[id.0].beside.as_ref()?.outcomes.get(&job)
    }

    /// What the data space of a peer of ours told, and when.
    #[must_use]
    pub fn data_events(&self, id: ProgramId) -> &[(Instant, Event)] {
        self.programs[id.0].beside.as_ref().map_or(&[], |beside| &beside.events)
    }

    /// What it told since the last call.
    pub fn take_data_events(&mut self, id: ProgramId) -> Vec<Event> {
        let Some(beside) = &mut self.programs[id.0].beside else { return Vec::new() };
        std::mem::take(&mut beside.events).into_iter().map(|(_, event)| event).collect()
    }

    /// All DATA that came to a peer of ours.
    #[must_use]
    pub fn arrived(&self, id: ProgramId) -> &[Arrived] {
        self.programs[id.0].beside.as_ref().map_or(&[], |beside| &beside.arrived)
    }

    /// Does something with the engine of a peer of ours that its data space may do; none of an older client.
    pub fn with_engine<R>(&mut self, id: ProgramId, act: impl FnOnce(&mut Engine, Instant) -> R) -> Option<R> {
        let now = self.now;
        let Kind::Peer(engine) = &mut self.programs[id.0].kind else { return None };
        let done = act(engine, now);
        self.drain(id);
        Some(done)
    }

    pub(super) fn hear_data(&mut self, id: ProgramId, data: Data) {
        let now = self.now;
        if let (true, Some(beside), Data::Arrived(arrived)) = (self.keep_events, &mut self.programs[id.0].beside, &data)
        {
            beside.arrived.push(arrived.clone());
        }
        self.with_space(id, |space, engine| space.handle_data(data, engine, now));
    }

    /// Reads the data space of a peer of ours.
    #[must_use]
    pub fn space(&self, id: ProgramId) -> Option<&Space> {
        self.programs[id.0].beside.as_ref().map(|beside| &beside.space)
    }

    pub(super) fn with_space<R>(&mut self, id: ProgramId, act: impl FnOnce(&mut Space, &mut Engine) -> R) -> Option<R> {
        let program = &mut self.programs[id.0];
        let (Kind::Peer(engine), Some(beside)) = (&mut program.kind, &mut program.beside) else { return None };
        Some(act(&mut beside.space, engine))
    }

    /// Does one thing that the data space wants; when there is none, the moment at which something is due, if any.
    pub(super) fn drain_space(&mut self, id: ProgramId) -> Result<(), Option<Instant>> {
        let now = self.now;
        self.finish_rows(id);
        let keep_events = self.keep_events;
        let Some(beside) = &mut self.programs[id.0].beside else { return Err(None) };
        match beside.space.poll() {
            Output::Event(event) => {
                if keep_events {
                    beside.events.push((now, event));
                }
            }
            Output::Keep(ticket, rows) => {
                let state = self.programs[id.0].disk.as_ref().map(|disk| disk.state);
                let due = match state {
                    Some(DiskState::Writes(time)) => Some(now + time),
                    Some(DiskState::Full) | None => {
                        self.with_space(id, |space, engine| space.handle_kept(ticket, false, engine, now));
                        return Ok(());
                    }
                    Some(DiskState::Stuck) => None,
                };
                if let Some(beside) = &mut self.programs[id.0].beside {
                    beside.pending.push_back((due, ticket, rows));
                }
                if let Some(due) = due {
                    self.push(due, Due::Written(id));
                }
            }
            Output::Done(job, outcome) => {
                beside.outcomes.insert(job, outcome);
            }
            Output::Value(work) => self.work(id, work),
            Output::Wait(until) => return Err(until),
        }
        Ok(())
    }

    /// Rows that are on the disk by now.
    fn finish_rows(&mut self, id: ProgramId) {
        let now = self.now;
        loop {
            let program = &mut self.programs[id.0];
            let (Some(beside), Some(disk)) = (&mut program.beside, &mut program.disk) else { return };
            if !beside.pending.front().is_some_and(|(due, ..)| due.is_some_and(|due| due <= now)) {
                return;
            }
            let Some((_, ticket, rows)) = beside.pending.pop_front() else { return };
            disk.shelf.take(rows);
            self.with_space(id, |space, engine| space.handle_kept(ticket, true, engine, now));
        }
    }

    /// Rows that are written at the end.
    pub(super) fn finish_all_rows(&mut self, id: ProgramId) {
        let program = &mut self.programs[id.0];
        let (Some(beside), Some(disk)) = (&mut program.beside, &mut program.disk) else { return };
        for (_, _, rows) in beside.pending.drain(..) {
            if disk.state != DiskState::Full {
                disk.shelf.take(rows);
            }
        }
    }

    fn work(&mut self, id: ProgramId, work: Work) {
        let (now, program) = (self.now, &mut self.programs[id.0]);
        let (Some(beside), Some(disk)) = (&mut program.beside, &mut program.disk) else { return };
        let (after, done) = match work {
            Work::Write { job, hash, value } => {
                let room = disk.state != DiskState::Full;
                if room {
                    disk.shelf.values.insert(hash, value);
                }
                (Duration::ZERO, Worked::Written(job, room))
            }
            Work::Read { job, hash } => {
                let value = disk.shelf.values.get(&hash).cloned();
                let good = value.filter(|value| ValueHash::of(value) == hash);
                if good.is_none() {
                    disk.shelf.values.remove(&hash);
                }
                (Duration::ZERO, Worked::Read(job, good))
            }
            Work::Drop { hash } => {
                disk.shelf.values.remove(&hash);
                return;
            }
            Work::Only { hashes } => {
                disk.shelf.values.retain(|hash, _| hashes.contains(hash));
                return;
            }
            Work::Serve { to } => {
                beside.serving = to.into_iter().collect();
                return;
            }
            Work::Fetch { job, from, hash, size, .. } => {
                let me = disk.key();
                let value = self.served(id, &from, me, hash);
                match value {
                    Some(value) if ValueHash::of(&value) == hash && value.len() == size as usize => {
                        let time = Duration::from_secs_f64(value.len() as f64 / STREAM_RATE);
                        (time + self.air.delay * 2, Worked::Fetched(job, Ok(value)))
                    }
                    Some(_) => (self.air.delay * 2, Worked::Fetched(job, Err(true))),
                    None => (STREAM_PATIENCE, Worked::Fetched(job, Err(false))),
                }
            }
        };
        self.push(now + after, Due::Worked(id, Box::new(done)));
    }

    /// What somebody hands out to this one by a stream.
    fn served(&mut self, to: ProgramId, from: &PublicKey, me: Option<PublicKey>, hash: ValueHash) -> Option<Arc<[u8]>> {
        let at = self.programs.iter().position(|program| program.running && program.key() == Some(*from))?;
        let (one, other) = (self.programs[to.0].host, self.programs[at].host);
        let near = self.connected(one, other);
        let serves = self.programs[at].beside.as_ref()?.serving.contains(&me?);
        let value = self.programs[at].disk.as_ref()?.shelf.values.get(&hash).cloned();
        if !(near && serves) {
            return None;
        }
        self.push(self.now, Due::Worked(ProgramId(at), Box::new(Worked::Served)));
        value
    }

    /// Something else than what was kept stands on the disk of a peer of ours, under the name of a value.
    pub fn spoil_value(&mut self, id: ProgramId, hash: ValueHash, value: &[u8]) {
        if let Some(disk) = &mut self.programs[id.0].disk {
            disk.shelf.values.insert(hash, value.into());
        }
    }
}

//! The board of progress: the newest status of each user in each lesson, the same at all peers (protocol.md §11.5).

mod gossip;
mod lines;
mod record;
mod talk;
mod types;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

pub use types::{Command, Entry, Event, Progress, Reply};

use crate::engine::{Arrived, Channel, Instant, To};
use crate::wire::{PieceHash, PublicKey};

use super::{self as data, Error, Job, Row, Step, Ticket, Turn};
use gossip::Gossip;
use lines::{Lines, OF_ONE, Put};
use record::{LAMPORT_MAX, Name, Record};
use talk::Talk;

/// Lines of ours on their way to the disk.
const TELLINGS: usize = 256;

/// Lines of ours that somebody without a key said.
const TAKEN: usize = 512;

/// The time between two things that are taken from somebody without a key, and how many may come at once.
const TAKES: (Duration, u32) = (Duration::from_millis(50), 100);

/// Lines that were told, so that they are not told again.
const RECENT: usize = 4_096;

/// All that is on the board.
#[derive(Debug, Default)]
pub(crate) struct Board {
    lines: Lines,
    tellings: BTreeMap<Ticket, Telling>,
    recent: Recent,
    gossip: Gossip,
    /// When the last thing that was taken is paid for.
    taken_until: Instant,
    /// What came in and was not taken.
    refused: u64,
}

/// A line of ours on its way to the disk.
#[derive(Debug)]
struct Telling {
    job: Job,
    record: Record,
    /// Who is told; none for everybody.
    to: Option<PublicKey>,
    /// What stood there.
    before: Option<PieceHash>,
}

#[derive(Debug, Default)]
struct Recent {
    all: BTreeSet<PieceHash>,
    order: VecDeque<PieceHash>,
}

impl Recent {
    /// Notes a line; false when it was noted before.
    fn note(&mut self, hash: PieceHash) -> bool {
        let new = self.all.insert(hash);
        if new {
            self.order.push_back(hash);
            if self.order.len() > RECENT
                && let Some(oldest) = self.order.pop_front()
            {
                self.all.remove(&oldest);
            }
        }
        new
    }
}

impl Board {
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        let mut board = Self::default();
        for record in rows.iter().filter_map(Record::restored) {
            board.lines.put(record);
        }
        board
    }

    pub(crate) fn command(&mut self, command: Command, turn: &mut Turn<'_>) -> Result<Step, Error> {
        match command {
            Command::Tell(progress) => self.tell(progress, None, turn),
            Command::TellOne { to, .. } if !turn.people.is_here(&to) => Err(Error::NotHere),
            Command::TellOne { to, progress } => self.tell(progress, Some(to), turn),
            Command::Take(progress) => self.take(progress, turn),
            Command::Board => {
                let mut entries: Vec<Entry> = self.lines.iter().map(|record| record.entry.clone()).collect();
                entries.sort_by(|a, b| {
                    (&a.progress.user, &a.progress.lesson).cmp(&(&b.progress.user, &b.progress.lesson))
                });
                Ok(Step::Now(data::Reply::Board(Reply::Board(entries))))
            }
        }
    }

    fn tell(&mut self, progress: Progress, to: Option<PublicKey>, turn: &mut Turn<'_>) -> Result<Step, Error> {
        record::check(&progress)?;
        let name = Name::of(&progress);
        let me = turn.me();
        let standing = self.lines.get(&name);
        let ours = standing.is_some_and(|record| record.entry.by == me);
        if !ours && self.lines.count(&me) >= OF_ONE {
            return Err(Error::Full { what: "lines of yours on the board", max: OF_ONE, advice: "tell fewer" });
        }
        if self.tellings.len() >= TELLINGS {
            return Err(Error::Busy);
        }
        let on_their_way = self.tellings.values().filter(|telling| telling.record.name() == name);
        let known = on_their_way.map(|telling| &telling.record).chain(standing).map(|record| record.entry.lamport);
        let lamport = known.max().unwrap_or(0) + 1;
        if lamport > LAMPORT_MAX {
            return Err(Error::Bad("that line was told so often that nothing can follow it: name the lesson anew"));
        }
        let before = standing.map(|record| record.hash);
        let body = record::write(&progress, lamport).into_bytes();
        let raw = turn.sign(Channel::Board, &body);
        let record = Record::read(me, &raw, &body.into()).ok_or(Error::Bad("that cannot be told"))?;
        let ticket = turn.keep(vec![record.row()]);
        let job = turn.job();
        self.tellings.insert(ticket, Telling { job, record, to, before });
        Ok(Step::Later(job))
    }

    /// Tells as ours what somebody without a key said. It may come from anybody, so it leaves room for what we say.
    fn take(&mut self, progress: Progress, turn: &mut Turn<'_>) -> Result<Step, Error> {
        let next = self.taken_until.max(turn.now) + TAKES.0;
        if next.since(turn.now) > TAKES.0 * TAKES.1 {
            return Err(Error::Busy);
        }
        let me = turn.me();
        let ours = self.lines.get(&Name::of(&progress)).is_some_and(|record| record.entry.by == me);
        if !ours && self.lines.count(&me) + self.tellings.len() >= TAKEN {
            return Err(Error::Full { what: "lines of others without a key", max: TAKEN, advice: "they need a peer" });
        }
        let step = self.tell(progress, None, turn)?;
        self.taken_until = next;
        Ok(step)
    }

    pub(crate) fn kept(&mut self, ticket: Ticket, kept: bool, turn: &mut Turn<'_>) {
        let Some(Telling { job, record, to, before }) = self.tellings.remove(&ticket) else { return };
        if !kept {
            return turn.done(job, Err(Error::NotKept));
        }
        let (name, entry, hash) = (record.name(), record.entry.clone(), record.hash);
        let (raw, long) = (record.raw.clone(), record.long.clone());
        let moved = self.lines.get(&name).map(|record| record.hash) != before;
        let put = self.lines.put(record);
        let newest = matches!(put, Put::Newest(_));
        if let Put::Newest(Some(place)) = put {
            turn.keep(vec![Row { table: Channel::Board, key: place.row(), value: None }]);
        }
        if moved && let Some(standing) = self.lines.get(&name) {
            // What came in between may stand on the disk in place of this.
            turn.keep(vec![standing.row()]);
        }
        self.recent.note(hash);
        let peers = match to {
            Some(to) => usize::from(turn.people.is_here(&to)),
            None => turn.people.len(),
        };
        if peers > 0 {
            let readers = to.map_or(To::All, |key| To::Keys(vec![key]));
            turn.send_signed(&readers, &raw);
            self.gossip.repeat(raw, long, to, turn);
        }
        self.gossip.news(turn);
        turn.event(data::Event::Board(Event::Told { entry, newest, late: false }));
        turn.done(job, Ok(data::Reply::Board(Reply::Told { peers })));
    }

    /// Somebody came, or started anew.
    pub(crate) fn met(&mut self, key: PublicKey, turn: &mut Turn<'_>) {
        if !self.lines.is_empty() {
            self.gossip.greet(key, turn);
        }
    }

    pub(crate) fn arrived(&mut self, arrived: &Arrived, turn: &mut Turn<'_>) {
        let Some(raw) = &arrived.raw else {
            self.refused += 1;
            return;
        };
        if let Some(record) = Record::read(arrived.author, raw, &arrived.body) {
            return self.take_record(record, arrived.from != arrived.author, turn);
        }
        let taken = match Talk::read(&arrived.body).filter(|_| !arrived.carried) {
            Some(talk) => self.hear(talk, arrived.author, turn),
            None => false,
        };
        self.refused += u64::from(!taken);
    }

    fn take_record(&mut self, record: Record, late: bool, turn: &mut Turn<'_>) {
        let (entry, row) = (record.entry.clone(), record.row());
        let new = self.recent.note(record.hash);
        let newest = match self.lines.put(record) {
            Put::Newest(place) => {
                let place = place.map(|place| Row { table: Channel::Board, key: place.row(), value: None });
                turn.keep([row].into_iter().chain(place).collect());
                self.gossip.news(turn);
                true
            }
            Put::Older => false,
            Put::Same => return,
            Put::Full => {
                self.refused += 1;
                return;
            }
        };
        // What was overtaken on its way through others is no news.
        if new && (newest || !late) {
            turn.event(data::Event::Board(Event::Told { entry, newest, late }));
        }
    }

    pub(crate) fn timeout(&mut self, turn: &mut Turn<'_>) {
        self.gossip.repeat_due(turn);
        self.gossip.talk_due(&self.lines, turn);
    }

    /// When something is due.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.gossip.next()
    }

    /// What others sent for the board and was not taken.
    pub(crate) fn refused(&self) -> u64 {
        self.refused
    }
}

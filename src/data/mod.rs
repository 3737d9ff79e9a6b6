//! The data space: what peers share besides talk. Lists that several people edit, a cache, a board of progress, and messages
//! of programs (protocol.md §11). Holds no socket, reads no clock, starts no task.
//!
//! A [`Space`] stands beside an [`Engine`], which signs, seals, sends and checks for it. The loop around both: what the engine
//! puts out as [`engine::Output::Data`](crate::engine::Output) goes into [`Space::handle_data`]; after that
//! [`Space::poll`] is called until [`Output::Wait`].

pub mod board;
pub mod cache;
mod error;
mod json;
pub mod list;
pub mod message;
mod people;
mod turn;

use std::collections::VecDeque;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;

pub use error::Error;
pub use people::{Here, People};
pub(crate) use turn::Turn;

use crate::engine::{Channel, Data, Engine, Instant};
use crate::wire::PublicKey;

/// What a user or a program wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// About a shared list.
    List(list::Command),
    /// About the cache.
    Cache(cache::Command),
    /// About the board of progress.
    Board(board::Command),
    /// About messages of programs.
    Message(message::Command),
    /// Tells how much of what others sent was refused.
    Refused,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It is done, or on its way.
    Done,
    /// About a shared list.
    List(list::Reply),
    /// About the cache.
    Cache(cache::Reply),
    /// About the board of progress.
    Board(board::Reply),
    /// About messages of programs.
    Message(message::Reply),
    /// How much of what others sent was refused since the start, by part; the cache tells of it itself.
    Refused([(Channel, u64); 3]),
}

/// How far a command is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// It is done.
    Now(Reply),
    /// [`Output::Done`] follows, and names this.
    Later(Job),
}

/// A command that is being carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job(pub u64);

/// Names a [`Output::Keep`] on its way to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What happened, for people and programs. A slow subscriber may miss some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// With a shared list.
    List(list::Event),
    /// With the cache.
    Cache(cache::Event),
    /// On the board of progress.
    Board(board::Event),
    /// A message of a program.
    Message(message::Event),
}

/// What should happen now. [`Space::poll`] yields them until [`Output::Wait`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Output {
    /// Tell people and programs.
    Event(Event),
    /// Keep these rows, all or none; [`Space::handle_kept`] is to be called as soon as they are on the disk, or cannot be.
    Keep(Ticket, Vec<Row>),
    /// A command that was to be done later is done.
    Done(Job, Result<Reply, Error>),
    /// Do this with the values of the cache.
    Value(cache::Work),
    /// Nothing more until then; call [`Space::handle_timeout`] at that moment.
    Wait(Option<Instant>),
}

/// Something that is kept for the next start. The same (table, key) replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Whose it is.
    pub table: Channel,
    /// Its name there.
    pub key: Vec<u8>,
    /// What it holds; none to drop it.
    pub value: Option<Arc<[u8]>>,
}

/// Who we are, and what earlier runs kept.
#[derive(Debug, Clone, Default)]
pub struct Beginning {
    /// All rows that were kept.
    pub rows: Vec<Row>,
    /// The port at which others can fetch values from us, where that is built in.
    pub stream_port: Option<u16>,
    /// What is kept survives the end of the program.
    pub lasting: bool,
}

/// The data space of one peer.
#[derive(Debug)]
pub struct Space {
    lists: list::Lists,
    cache: cache::Cache,
    board: board::Board,
    messages: message::Messages,
    people: People,
    rng: StdRng,
    outputs: VecDeque<Output>,
    /// The last [`Job`] and [`Ticket`].
    count: u64,
}

impl Space {
    /// The data space of this peer at its birth. The same seed and the same inputs give the same outputs.
    #[must_use]
    pub fn new(me: PublicKey, grouped: bool, beginning: Beginning, seed: [u8; 32], now: Instant) -> Self {
        let mut rows: [Vec<Row>; 4] = Default::default();
        for row in beginning.rows {
            rows[row.table as usize].push(row);
        }
        let [list, cache, board, message] = rows;
        // What messages keep is nothing so far.
        drop(message);
        Self {
            lists: list::Lists::new(list, me, now),
            cache: cache::Cache::new(cache, beginning.stream_port, now),
            board: board::Board::new(board),
            messages: message::Messages::default(),
            people: People::new(me, grouped),
            rng: StdRng::from_seed(seed),
            outputs: VecDeque::new(),
            count: 0,
        }
    }

    /// Does what a user or a program wants.
    ///
    /// # Errors
    /// Why it was refused; a refused command sends nothing and changes nothing.
    pub fn handle_command(&mut self, command: Command, engine: &mut Engine, now: Instant) -> Result<Step, Error> {
        let (mut turn, machines) = self.turn(engine, now);
        match command {
            Command::List(command) => machines.lists.command(command, &mut turn),
            Command::Cache(command) => machines.cache.command(command, &mut turn),
            Command::Board(command) => machines.board.command(command, &mut turn),
            Command::Message(command) => machines.messages.command(command, &mut turn),
            Command::Refused => {
                let parts = [Channel::List, Channel::Board, Channel::Message];
                Ok(Step::Now(Reply::Refused(parts.map(|channel| (channel, self.refused(channel))))))
            }
        }
    }

    /// Takes what the engine found: who came and went, and what they sent.
    pub fn handle_data(&mut self, data: Data, engine: &mut Engine, now: Instant) {
        match data {
            Data::Here(peer) => {
                let Some(key) = peer.key() else { return };
                let new = self.people.note(key, &peer);
                let (mut turn, machines) = self.turn(engine, now);
                // Also when it is trusted more or less than before.
                machines.cache.met(key, &mut turn);
                if new {
                    machines.lists.met(key, &mut turn);
                    machines.board.met(key, &mut turn);
                    machines.messages.met(key, &mut turn);
                }
            }
            Data::Away(key) => {
                if self.people.forget(&key) {
                    let (mut turn, machines) = self.turn(engine, now);
                    machines.lists.parted(key, &mut turn);
                    machines.cache.parted(key, &mut turn);
                    machines.messages.parted(key, &mut turn);
                }
            }
            Data::Arrived(arrived) => {
                let (mut turn, machines) = self.turn(engine, now);
                match arrived.channel {
                    Channel::List => machines.lists.arrived(&arrived, &mut turn),
                    Channel::Cache => machines.cache.arrived(&arrived, &mut turn),
                    Channel::Board => machines.board.arrived(&arrived, &mut turn),
                    Channel::Message => machines.messages.arrived(&arrived, &mut turn),
                }
            }
        }
    }

    /// Takes what became of rows that [`Output::Keep`] named: whether they are on the disk.
    pub fn handle_kept(&mut self, ticket: Ticket, kept: bool, engine: &mut Engine, now: Instant) {
        let (mut turn, machines) = self.turn(engine, now);
        machines.lists.kept(ticket, kept, &mut turn);
        machines.board.kept(ticket, kept, &mut turn);
    }

    /// Takes what became of a value that [`Output::Value`] wanted.
    pub fn handle_value(&mut self, done: cache::Worked, engine: &mut Engine, now: Instant) {
        let (mut turn, machines) = self.turn(engine, now);
        machines.cache.worked(done, &mut turn);
    }

    /// Does what is due. Calling it early or late is fine.
    pub fn handle_timeout(&mut self, engine: &mut Engine, now: Instant) {
        let (mut turn, machines) = self.turn(engine, now);
        machines.lists.timeout(&mut turn);
        machines.cache.timeout(&mut turn);
        machines.board.timeout(&mut turn);
        machines.messages.timeout(&mut turn);
    }

    /// Yields what should happen, one thing a call; call until [`Output::Wait`].
    pub fn poll(&mut self) -> Output {
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        let next = [self.lists.next(), self.cache.next(), self.board.next(), self.messages.next()];
        Output::Wait(next.into_iter().flatten().min())
    }

    /// How much of what others sent for a part of the data space was refused so far.
    #[must_use]
    pub fn refused(&self, channel: Channel) -> u64 {
        match channel {
            Channel::Message => self.messages.refused(),
            Channel::Board => self.board.refused(),
            Channel::List => self.lists.refused(),
            Channel::Cache => 0,
        }
    }

    /// Who is here.
    #[must_use]
    pub fn people(&self) -> &People {
        &self.people
    }

    fn turn<'a>(&'a mut self, engine: &'a mut Engine, now: Instant) -> (Turn<'a>, Machines<'a>) {
        let Self { lists, cache, board, messages, people, rng, outputs, count } = self;
        let turn = Turn { now, people, engine, rng, outputs, count };
        (turn, Machines { lists, cache, board, messages })
    }
}

struct Machines<'a> {
    lists: &'a mut list::Lists,
    cache: &'a mut cache::Cache,
    board: &'a mut board::Board,
    messages: &'a mut message::Messages,
}

//! Commit before telling and before ACK: what came in goes to the disk first (protocol.md §10.1, §10.2).

use std::collections::VecDeque;
use std::sync::Arc;

use crate::wire::{OwnMessageId, PublicKey, Untrusted};

use super::entry::Tickets;
use super::hash::{Key, Table};
use super::{
    Author, Commit, Config, Correspondent, Engine, Entry, Event, Instant, Kind, Outcome, Output, Peer, PostRecord,
    RowId, Ticket, Timer, Told,
};

/// What waits for an outcome.
#[derive(Debug)]
pub(super) enum Pending {
    /// What we are called.
    Profile,
    /// What we said.
    Own(Box<Said>),
    /// What somebody said.
    Theirs(Box<Incoming>),
}

/// What we said.
#[derive(Debug)]
pub(super) struct Said {
    id: OwnMessageId,
    /// Of a DM.
    to: Option<Peer>,
    text: Arc<str>,
    stamp: u64,
}

impl Said {
    pub(super) fn post(id: OwnMessageId, text: &str, stamp: u64) -> Self {
        Self { id, to: None, text: text.into(), stamp }
    }

    pub(super) fn dm(id: OwnMessageId, to: &Peer, text: &str, stamp: u64) -> Self {
        Self { id, to: Some(to.clone()), text: text.into(), stamp }
    }

    fn event(&self, row: Option<RowId>) -> Event {
        let told = Told { message_id: self.id.to_string(), row, stamp: self.stamp, late: false };
        Event::Said { to: self.to.clone(), text: Arc::clone(&self.text), told }
    }
}

/// What somebody said.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    pub(super) from: Peer,
    /// Its MESSAGE_ID as it travels; empty where there is none.
    pub(super) message_id: String,
    pub(super) kind: Kind,
    pub(super) text: Untrusted,
    pub(super) stamp: u64,
    pub(super) lamport: u64,
    pub(super) post: Option<Box<PostRecord>>,
    /// Somebody else passed it on.
    pub(super) late: bool,
}

/// What became of a DM of somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is held until its sender answers, or its text is being pulled.
    Held,
    /// It is on its way to the disk; true once it was acknowledged as received.
    Committing(bool),
    /// It is on the disk, or only told.
    Done { stored: bool },
}

/// The fates of the last DMs of others, and what is on its way to the disk.
#[derive(Debug)]
pub(super) struct Commits {
    tickets: Tickets<Waiting>,
    fates: Table<u64, Fate>,
    order: VecDeque<u64>,
    /// A timer for slow ones is set.
    watched: bool,
    key: Key,
}

#[derive(Debug)]
struct Waiting {
    pending: Pending,
    told: bool,
}

impl Commits {
    pub(super) fn new(key: Key) -> Self {
        Self {
            tickets: Tickets::default(),
            fates: Table::with_hasher(key),
            order: VecDeque::new(),
            watched: false,
            key,
        }
    }

    /// What is on its way to the disk.
    pub(super) fn len(&self) -> usize {
        self.tickets.len()
    }

    fn name(&self, author: &PublicKey, message_id: &str) -> u64 {
        self.key.hash(&[&author.0[..], message_id.as_bytes()].concat())
    }

    pub(super) fn fate(&self, author: &PublicKey, message_id: &str) -> Option<Fate> {
        self.fates.get(&self.name(author, message_id)).copied()
    }

    pub(super) fn set_fate(&mut self, author: &PublicKey, message_id: &str, fate: Fate, cap: usize) {
        let name = self.name(author, message_id);
        if self.fates.insert(name, fate).is_none() {
            self.order.push_back(name);
            if self.order.len() > cap
                && let Some(oldest) = self.order.pop_front()
            {
                self.fates.remove(&oldest);
            }
        }
    }

    /// It was dropped: when it comes again it is new.
    pub(super) fn forget_fate(&mut self, author: &PublicKey, message_id: &str) {
        let name = self.name(author, message_id);
        if self.fates.remove(&name).is_some() {
            self.order.retain(|other| *other != name);
        }
    }
}

impl Engine {
    /// Gives a line to the history; without one, or when it is behind, it counts as not kept at once.
    pub(super) fn commit(&mut self, entry: Entry, pending: Pending, now: Instant) {
        self.give_to_history(entry, Waiting { pending, told: false }, now);
    }

    fn give_to_history(&mut self, entry: Entry, waiting: Waiting, now: Instant) {
        if !self.config.history || self.commits.tickets.len() >= self.config.limits.commits {
            if self.config.history {
                self.counters.not_kept += 1;
            }
            return self.committed(waiting, Outcome::Failed, now);
        }
        let ticket = self.commits.tickets.issue(waiting, now);
        self.outputs.push_back(Output::Commit(Commit::Entry(ticket, Box::new(entry))));
        if !std::mem::replace(&mut self.commits.watched, true) {
            self.timers.set(now + Config::SLOW_COMMIT, Timer::Commits);
        }
    }

    /// Takes what became of an entry that [`Output::Commit`] named. An unknown ticket does nothing.
    pub fn handle_committed(&mut self, ticket: Ticket, outcome: Outcome, now: Instant) {
        if let Some((waiting, _)) = self.commits.tickets.close(ticket)
            && !self.left
        {
            self.committed(waiting, outcome, now);
        }
    }

    fn committed(&mut self, waiting: Waiting, outcome: Outcome, now: Instant) {
        match waiting.pending {
            Pending::Profile => {}
            Pending::Own(said) => {
                let row = if let Outcome::Stored(row) = outcome { Some(row) } else { None };
                if !waiting.told {
                    self.event(said.event(row));
                }
                if let Some(key) = said.to.and_then(|to| to.key) {
                    self.own_dm_committed(&key, said.id, now);
                }
            }
            Pending::Theirs(said) => {
                let late = said.late && said.kind == Kind::Post;
                if let (Kind::Dm { .. }, Some(key)) = (said.kind, said.from.key) {
                    let stored = outcome != Outcome::Failed;
                    let cap = self.config.limits.acked;
                    self.commits.set_fate(&key, &said.message_id, Fate::Done { stored }, cap);
                    self.acknowledge_to(&key, &said.message_id, stored, now);
                }
                match outcome {
                    _ if waiting.told => {}
                    Outcome::Stored(row) => self.tell_said(*said, Some(row)),
                    Outcome::Failed => self.tell_said(*said, None),
                    Outcome::Again => {}
                }
                if late {
                    self.told_late();
                }
            }
        }
    }

    /// Looks at what has been on its way to the disk for too long.
    pub(super) fn check_commits(&mut self, now: Instant) {
        let mut slow = Vec::new();
        let mut stuck = Vec::new();
        let mut own = Vec::new();
        let mut next = None;
        for (waiting, since) in self.commits.tickets.iter_mut() {
            let age = now.since(since);
            let told = waiting.told;
            waiting.told |= age >= Config::STUCK_COMMIT;
            match &waiting.pending {
                Pending::Theirs(said) => {
                    if waiting.told && !told {
                        stuck.push(said.clone());
                    }
                    if age >= Config::SLOW_COMMIT {
                        slow.push((said.from.key, said.kind, said.message_id.clone()));
                    }
                }
                Pending::Own(said) if waiting.told && !told => own.push(said.event(None)),
                Pending::Own(_) => {}
                Pending::Profile => continue,
            }
            let due = since + if age < Config::SLOW_COMMIT { Config::SLOW_COMMIT } else { Config::STUCK_COMMIT };
            if due > now && next.is_none_or(|next| due < next) {
                next = Some(due);
            }
        }
        for (key, kind, message_id) in slow {
            let (Some(key), Kind::Dm { .. }) = (key, kind) else { continue };
            if self.commits.fate(&key, &message_id) == Some(Fate::Committing(false)) {
                self.commits.set_fate(&key, &message_id, Fate::Committing(true), self.config.limits.acked);
                self.acknowledge_to(&key, &message_id, false, now);
            }
        }
        for said in stuck {
            self.tell_said(*said, None);
        }
        for said in own {
            self.event(said);
        }
        self.commits.watched = next.is_some();
        if let Some(next) = next {
            self.timers.set(next, Timer::Commits);
        }
    }

    /// Keeps what somebody said, and tells it as soon as that is done.
    pub(super) fn keep_said(&mut self, said: Incoming, now: Instant) {
        self.keep(said, false, now);
    }

    /// Tries once more to keep what is told already.
    pub(super) fn keep_told(&mut self, said: Incoming, now: Instant) {
        self.keep(said, true, now);
    }

    fn keep(&mut self, said: Incoming, told: bool, now: Instant) {
        let author = match said.from.key {
            Some(key) => Author::Key(key),
            None => Author::Label(Arc::clone(&said.from.user_id)),
        };
        if let (Author::Key(key), Kind::Dm { .. }) = (&author, said.kind) {
            // Of what is told, its sender knows that it is received.
            self.commits.set_fate(key, &said.message_id, Fate::Committing(told), self.config.limits.acked);
        }
        let message_id = match &author {
            Author::Key(_) => said.message_id.clone(),
            // Numbers of older clients may begin anew with each start: the same only with the same text and time.
            Author::Label(_) => {
                let hash = blake3::hash(format!("{}\n{}", said.stamp, said.text.raw()).as_bytes());
                format!("{}~{}", said.message_id, &hash.to_hex()[..16])
            }
        };
        if said.late && said.kind == Kind::Post {
            self.syncing.telling.open += 1;
            self.syncing.telling.all += 1;
        }
        if let Some(post) = &said.post {
            let fork = self.posts.hold((**post).clone(), self.own_key(), &self.config.limits);
            self.counters.forks += u64::from(fork);
        }
        let entry = Entry {
            author,
            message_id,
            kind: said.kind,
            ours: said.post.as_ref().is_some_and(|post| Some(post.author) == self.own_key()),
            with: Some(Correspondent::of(&said.from)),
            text: said.text.raw().to_owned(),
            stamp: said.stamp,
            at: self.unix(now),
            lamport: said.lamport,
            post: said.post.clone(),
            mark: None,
        };
        self.give_to_history(entry, Waiting { pending: Pending::Theirs(Box::new(said)), told }, now);
    }

    fn tell_said(&mut self, said: Incoming, row: Option<RowId>) {
        // What it is called may have changed, and what the user thinks of it.
        let from = self.peers.get(said.from.id).unwrap_or(said.from);
        let told = Told { message_id: said.message_id, row, stamp: said.stamp, late: said.late };
        match said.kind {
            Kind::Dm { private } => self.event(Event::Dm { from, text: said.text, private, told }),
            Kind::Post if from.muted => {}
            Kind::Post => self.event(Event::Post { from, text: said.text, told }),
            Kind::Profile => {}
        }
    }

    /// A peer is called something else, or has another status: a line of history.
    pub(super) fn keep_profile(&mut self, from: &Peer, now: Instant) {
        if !self.config.history || from.key.is_none() {
            return;
        }
        let status = from.about.as_ref().and_then(|about| about.status.as_deref());
        let text = called(from.raw_display_name().unwrap_or_else(|| from.raw_name()), status);
        let said = Incoming {
            from: from.clone(),
            message_id: format!("profile-{}", self.message_id()),
            kind: Kind::Profile,
            text: Untrusted::new(text),
            stamp: self.unix(now),
            lamport: self.posts.greatest(),
            post: None,
            late: false,
        };
        self.keep_said(said, now);
    }

    /// We are called something else, or have another status: a line of history.
    pub(super) fn keep_own_profile(&mut self, now: Instant) {
        if !self.config.history {
            return;
        }
        let name = self.own.display_name.as_deref().unwrap_or_else(|| self.own.called());
        let entry = Entry {
            text: called(name, self.own.status.as_deref()),
            author: self.own_author(),
            message_id: format!("profile-{}", self.message_id()),
            kind: Kind::Profile,
            ours: true,
            with: None,
            stamp: self.unix(now),
            at: self.unix(now),
            lamport: self.posts.greatest(),
            post: None,
            mark: None,
        };
        self.commit(entry, Pending::Profile, now);
    }
}

/// The text of a line about a profile.
fn called(name: &str, status: Option<&str>) -> String {
    format!("{name}{}{}", if status.is_some() { "\n" } else { "" }, status.unwrap_or_default())
}

//! Time going on: what is due happens, programs are called, datagrams fly.

use std::cmp::Reverse;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::{Commit, Event, Instant, Mark, Outcome, Output, Record, Socket, Transmit};

use super::lan::Due;
use super::program::Kind;
use super::route::{Route, route};
use super::trace::Hash;
use super::{Frame, HostId, Lan, ProgramId};

/// How long a datagram takes that stays on one host.
const LOOPBACK: Duration = Duration::from_micros(20);

impl Lan {
    /// Lets so much time go by.
    pub fn run_for(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    /// Lets time go by until then.
    pub fn run_until(&mut self, until: Instant) {
        while let Some(Reverse((at, _, place))) = self.queue.peek().copied()
            && at <= until
        {
            self.queue.pop();
            self.now = at;
            self.free.push(place);
            if let Some(due) = self.due[place].take() {
                self.happen(due);
            }
        }
        self.now = until;
    }

    /// Lets time go by until `done` says so, looking once every `step`; false when it did not within `limit`.
    pub fn run_while(&mut self, limit: Duration, step: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = self.now + limit;
        while !done(self) {
            if self.now >= end {
                return false;
            }
            self.run_for(step);
        }
        true
    }

    pub(super) fn push(&mut self, at: Instant, due: Due) {
        let place = self.free.pop().unwrap_or(self.due.len());
        if place == self.due.len() {
            self.due.push(Some(due));
        } else {
            self.due[place] = Some(due);
        }
        self.count += 1;
        self.queue.push(Reverse((at, self.count, place)));
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Call(id) => {
                let program = &mut self.programs[id.0];
                if program.call != Some(self.now) || !program.running || program.asleep.is_some() {
                    return;
                }
                program.call = None;
                self.timeout(id);
            }
            Due::Wake(id) => {
                let program = &mut self.programs[id.0];
                if program.asleep == Some(self.now) {
                    program.asleep = None;
                    program.call = None;
                    self.timeout(id);
                }
            }
            Due::Written(id) => match self.programs[id.0].asleep {
                Some(until) => self.push(until, Due::Written(id)),
                None if self.programs[id.0].running => self.drain(id),
                None => {}
            },
            Due::Worked(id, done) => {
                let now = self.now;
                if self.programs[id.0].running {
                    self.with_space(id, |space, engine| space.handle_value(*done, engine, now));
                    self.drain(id);
                }
            }
            Due::One { host, to, from, payload, hash, broadcast } => {
                self.hash.add(hash);
                self.arrive(host, to, from, &payload, broadcast);
            }
            Due::Everyone { sender, port, from, payload, hash } => {
                self.hash.add(hash);
                for number in 0..self.hosts.len() {
                    if self.hear_each_other(sender, HostId(number), *from.ip()) {
                        let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, port);
                        self.arrive(HostId(number), to, from, &payload, true);
                    }
                }
            }
        }
    }

    fn timeout(&mut self, id: ProgramId) {
        let now = self.now;
        match &mut self.programs[id.0].kind {
            Kind::Peer(engine) => {
                engine.handle_timeout(now);
                self.with_space(id, |space, engine| space.handle_timeout(engine, now));
                self.drain(id);
            }
            Kind::Older(older) => {
                let outgoing = if older.next() <= now { older.announce(now) } else { Vec::new() };
                let next = older.next();
                self.send_all(id, outgoing);
                self.call_at(id, next);
            }
        }
    }

    pub(super) fn call_at(&mut self, id: ProgramId, at: Instant) {
        let program = &mut self.programs[id.0];
        let at = at.max(self.now);
        if program.call.is_none_or(|call| at < call) {
            program.call = Some(at);
            self.push(at, Due::Call(id));
        }
    }

    /// Does what a peer of ours wants done.
    pub(super) fn drain(&mut self, id: ProgramId) {
        loop {
            let program = &mut self.programs[id.0];
            let outcome = program.outcomes.pop_front();
            if outcome.is_some() && program.is_killed_now() {
                return self.stop(id);
            }
            let Kind::Peer(engine) = &mut program.kind else { return };
            if let Some((ticket, outcome)) = outcome {
                engine.handle_committed(ticket, outcome, self.now);
                continue;
            }
            let output = engine.poll();
            if !matches!(output, Output::Wait(_)) && program.is_killed_now() {
                return self.stop(id);
            }
            match output {
                Output::Transmit(Transmit { to, payload }) => self.send(id, &to, payload),
                Output::Event(event) => {
                    self.check_mark(id, &event);
                    if self.keep_events {
                        self.programs[id.0].events.push((self.now, event));
                    }
                }
                Output::Store(record) => self.keep(id, record),
                Output::Commit(commit) => self.commit(id, commit),
                Output::Data(data) => self.hear_data(id, data),
                Output::Reopen => {
                    self.programs[id.0].reopened += 1;
                    self.show_links(id);
                }
                Output::Wait(until) => {
                    let outcomes = program.disk.as_mut().filter(|_| program.running).map(|disk| disk.write(self.now));
                    program.outcomes.extend(outcomes.unwrap_or_default());
                    if !program.outcomes.is_empty() {
                        continue;
                    }
                    if program.beside.is_some() && program.is_killed_now() {
                        return self.stop(id);
                    }
                    if let Err(due) = self.drain_space(id) {
                        return self.call_at(id, due.map_or(until, |due| due.min(until)));
                    }
                }
            }
        }
    }

    fn commit(&mut self, id: ProgramId, commit: Commit) {
        let program = &mut self.programs[id.0];
        let cap = program.setup.as_ref().map_or(0, |setup| setup.config.limits.commits);
        let Some(disk) = program.disk.as_mut().filter(|_| program.running) else { return };
        match disk.commit(commit, cap, self.now) {
            Ok(due) => {
                if let Some(due) = due.filter(|due| *due > self.now) {
                    self.push(due, Due::Written(id));
                }
            }
            Err(entry) => program.outcomes.extend(entry.map(|ticket| (ticket, Outcome::Failed))),
        }
    }

    /// Takes note of a mark that says what is not so.
    fn check_mark(&mut self, id: ProgramId, event: &Event) {
        let Event::Marked { id: message, to, mark: Mark::Stored, .. } = event else { return };
        let (Some(author), Some(reader)) = (self.programs[id.0].key(), to.key()) else { return };
        let disks = self.programs.iter().filter(|program| program.key() == Some(reader));
        let mut disks = disks.filter_map(|program| program.disk.as_ref());
        if !disks.any(|disk| disk.history.holds(&author, &message.to_string())) {
            self.false_marks.push((id, *message));
        }
    }

    fn keep(&mut self, id: ProgramId, record: Record) {
        let program = &mut self.programs[id.0];
        if let Some(disk) = &mut program.disk {
            disk.keep(&record);
        }
        if self.keep_events {
            program.records.push(record);
        }
    }

    pub(super) fn send(&mut self, id: ProgramId, to: &[SocketAddrV4], payload: Arc<[u8]>) {
        let (sender, port) = (self.programs[id.0].host, self.programs[id.0].port);
        if !self.programs[id.0].running {
            return;
        }
        let hash = Hash::of(&payload);
        for to in to {
            let Some((way, source)) = route(&self.hosts[sender.0], *to) else { continue };
            let from = SocketAddrV4::new(source, port);
            self.hosts[sender.0].sent += 1;
            self.programs[id.0].sent += 1;
            if self.capture {
                self.frames.push(Frame { at: self.now, from, to: *to, payload: Arc::clone(&payload) });
            }
            let one = |host, broadcast, payload| Due::One { host, to: *to, from, payload, hash, broadcast };
            match way {
                Route::Here => self.push(self.now + LOOPBACK, one(sender, false, Arc::clone(&payload))),
                Route::EveryoneHere => self.push(self.now + LOOPBACK, one(sender, true, Arc::clone(&payload))),
                Route::Neighbour | Route::Afar => {
                    if let Some(host) = self.at.get(to.ip()).copied() {
                        let near = way == Route::Afar || self.hear_each_other(sender, host, source);
                        if near && self.connected(sender, host) {
                            self.fly(host, *to, from, &payload, hash, false);
                        }
                    }
                }
                Route::Everyone if self.air.is_calm() && self.air.broadcast => {
                    let everyone = Due::Everyone { sender, port: to.port(), from, payload: Arc::clone(&payload), hash };
                    self.push(self.now + self.air.delay, everyone);
                }
                Route::Everyone => {
                    self.push(self.now + LOOPBACK, one(sender, true, Arc::clone(&payload)));
                    for number in 0..self.hosts.len() {
                        let host = HostId(number);
                        if host != sender && self.air.broadcast && self.hear_each_other(sender, host, source) {
                            self.fly(host, *to, from, &payload, hash, true);
                        }
                    }
                }
            }
        }
    }

    /// True when the host is on the network of `source`, an address of the sender, and both have their cables in.
    fn hear_each_other(&self, sender: HostId, host: HostId, source: Ipv4Addr) -> bool {
        self.connected(sender, host) && self.hosts[host.0].link_to(source).is_some()
    }

    pub(super) fn connected(&self, one: HostId, other: HostId) -> bool {
        let (a, b) = (&self.hosts[one.0], &self.hosts[other.0]);
        one == other || (!a.cut && !b.cut && a.cell == b.cell)
    }

    fn fly(
        &mut self,
        host: HostId,
        to: SocketAddrV4,
        from: SocketAddrV4,
        payload: &Arc<[u8]>,
        hash: u64,
        broadcast: bool,
    ) {
        for fate in self.air.fates(payload.len(), &mut self.rng) {
            let payload = match fate.turned {
                Some(bit) => {
                    let mut bytes = payload.to_vec();
                    bytes[bit / 8] ^= 1 << (bit % 8);
                    bytes.into()
                }
                None => Arc::clone(payload),
            };
            self.push(self.now + fate.delay, Due::One { host, to, from, payload, hash, broadcast });
        }
    }

    /// A datagram reaches a host: every socket on the port when it was broadcast, else the last one.
    fn arrive(&mut self, host: HostId, to: SocketAddrV4, from: SocketAddrV4, payload: &[u8], broadcast: bool) {
        if !broadcast && !to.ip().is_loopback() && !self.hosts[host.0].has(*to.ip()) {
            return;
        }
        let port = to.port();
        let count = self.hosts[host.0].programs.len();
        for at in (0..count).rev() {
            let Some(id) = self.hosts[host.0].programs.get(at).copied() else { continue };
            let program = &self.programs[id.0];
            if !program.listens(port) {
                continue;
            }
            let socket =
                if program.port == port && program.setup.is_some() { Socket::Unicast } else { Socket::Discovery };
            self.receive(id, payload, from, socket);
            if !broadcast {
                return;
            }
        }
    }

    pub(super) fn receive(&mut self, id: ProgramId, bytes: &[u8], from: SocketAddrV4, socket: Socket) {
        self.deliveries += 1;
        self.hash.add(self.now.as_nanos() ^ ((id.0 as u64) << 48) ^ u64::from(from.port()));
        let now = self.now;
        match &mut self.programs[id.0].kind {
            Kind::Peer(engine) => {
                // Refusing a datagram is no failure: the engine counts it.
                let _ = engine.handle_datagram(bytes, from, socket, now);
                self.drain(id);
            }
            Kind::Older(older) => {
                let outgoing = older.receive(bytes, from, now);
                self.send_all(id, outgoing);
            }
        }
    }
}

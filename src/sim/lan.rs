//! The virtual LAN: time, and everything that happens in it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::data::cache::Worked;
use crate::engine::{Command, CommandError, Counters, Event, Instant, Peer, Record, Reply, Socket};
use crate::wire::{DISCOVERY_PORT, OwnMessageId};

use super::host::Host;
use super::older::Outgoing;
use super::program::{Kind, Program};
use super::trace::Hash;
use super::{Air, Frame, HostId, Older, ProgramId};

/// Hosts, programs and the air between them. Time goes on only in [`Lan::run_until`] and [`Lan::run_for`].
#[derive(Debug)]
pub struct Lan {
    /// How bad the air is now.
    pub air: Air,
    /// Whether every frame is kept for [`Lan::frames`].
    pub capture: bool,
    /// Whether events are kept for [`Lan::events`].
    pub keep_events: bool,
    pub(super) seed: u64,
    pub(super) now: Instant,
    pub(super) rng: StdRng,
    pub(super) queue: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    /// What is in the queue, by place; empty places are used again.
    pub(super) due: Vec<Option<Due>>,
    pub(super) free: Vec<usize>,
    pub(super) count: u64,
    pub(super) hosts: Vec<Host>,
    pub(super) programs: Vec<Program>,
    pub(super) at: BTreeMap<Ipv4Addr, HostId>,
    pub(super) frames: Vec<Frame>,
    pub(super) hash: Hash,
    pub(super) deliveries: u64,
    pub(super) false_marks: Vec<(ProgramId, OwnMessageId)>,
}

#[derive(Debug)]
pub(super) enum Due {
    Call(ProgramId),
    Wake(ProgramId),
    /// Something came to its disk.
    Written(ProgramId),
    /// Work with values of its data space is done.
    Worked(ProgramId, Box<Worked>),
    One {
        host: HostId,
        to: SocketAddrV4,
        from: SocketAddrV4,
        payload: Arc<[u8]>,
        hash: u64,
        broadcast: bool,
    },
    Everyone {
        sender: HostId,
        port: u16,
        from: SocketAddrV4,
        payload: Arc<[u8]>,
        hash: u64,
    },
}

impl Lan {
    /// An empty LAN; the same seed and the same calls give the same trace.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            air: Air::default(),
            capture: true,
            keep_events: true,
            seed,
            now: Instant::BIRTH,
            rng: StdRng::seed_from_u64(seed),
            queue: BinaryHeap::new(),
            due: Vec::new(),
            free: Vec::new(),
            count: 0,
            hosts: Vec::new(),
            programs: Vec::new(),
            at: BTreeMap::new(),
            frames: Vec::new(),
            hash: Hash::new(),
            deliveries: 0,
            false_marks: Vec::new(),
        }
    }

    /// The seed, to be printed when something fails.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Folds everything that came in anywhere, in order, into one number.
    #[must_use]
    pub fn trace_hash(&self) -> u64 {
        self.hash.value()
    }

    /// Datagrams that came in, one to many counted for each receiver.
    #[must_use]
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// Every datagram sent since the last call of [`Lan::forget_frames`], in order.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Begins a new capture.
    pub fn forget_frames(&mut self) {
        self.frames.clear();
    }

    /// Datagrams sent by all programs of a host; one to many counts once for each address.
    #[must_use]
    pub fn sent_by(&self, host: HostId) -> u64 {
        self.hosts[host.0].sent
    }

    /// Datagrams sent by one program.
    #[must_use]
    pub fn sent(&self, program: ProgramId) -> u64 {
        self.programs[program.0].sent
    }

    /// A host with these addresses, as `10.0.0.1/24`; the first has the default route.
    pub fn host(&mut self, addresses: &[&str]) -> HostId {
        let id = HostId(self.hosts.len());
        self.hosts.push(Host::new(addresses));
        self.index();
        id
    }

    /// So many hosts, numbered, on 10.0.0.0/16.
    pub fn hosts(&mut self, count: usize) -> Vec<HostId> {
        (0..count).map(|n| self.host(&[&format!("10.0.{}.{}/16", n / 200, n % 200 + 1)])).collect()
    }

    /// Gives a host other addresses, and tells its peers.
    pub fn move_host(&mut self, host: HostId, addresses: &[&str]) {
        self.hosts[host.0].set_addresses(addresses);
        self.index();
        self.tell_links(host);
    }

    /// Takes the default route from a host, and tells its peers.
    pub fn drop_default_route(&mut self, host: HostId) {
        self.hosts[host.0].default_route = None;
        self.tell_links(host);
    }

    fn index(&mut self) {
        self.at.clear();
        for (number, host) in self.hosts.iter().enumerate() {
            for link in host.links.iter().skip(1) {
                self.at.insert(link.address, HostId(number));
            }
        }
    }

    fn tell_links(&mut self, host: HostId) {
        for id in self.hosts[host.0].programs.clone() {
            self.show_links(id);
            self.drain(id);
        }
    }

    pub(super) fn show_links(&mut self, id: ProgramId) {
        let program = &mut self.programs[id.0];
        let view = self.hosts[program.host.0].view(program.discovery_open);
        if let Kind::Peer(engine) = &mut program.kind {
            engine.handle_links(view, self.now);
        }
    }

    /// Pulls the cable of a host; its peers are not told.
    pub fn cut(&mut self, host: HostId) {
        self.hosts[host.0].cut = true;
    }

    /// Puts the cable back.
    pub fn restore(&mut self, host: HostId) {
        self.hosts[host.0].cut = false;
    }

    /// Puts these hosts behind a wall: they and the others do not hear each other.
    pub fn wall_off(&mut self, hosts: &[HostId], cell: usize) {
        for host in hosts {
            self.hosts[host.0].cell = cell;
        }
    }

    /// Does what the user of a peer of ours wants.
    ///
    /// # Errors
    /// As [`Engine::handle_command`](crate::engine::Engine::handle_command).
    ///
    /// # Panics
    /// When the program is none of ours.
    pub fn command(&mut self, id: ProgramId, command: Command) -> Result<Reply, CommandError> {
        let Kind::Peer(engine) = &mut self.programs[id.0].kind else { panic!("{id:?} is an older client") };
        let reply = engine.handle_command(command, self.now);
        self.drain(id);
        reply
    }

    /// What a peer of ours counted.
    #[must_use]
    pub fn counters(&mut self, id: ProgramId) -> Counters {
        match self.command(id, Command::Stats) {
            Ok(Reply::Stats(counters)) => *counters,
            _ => Counters::default(),
        }
    }

    /// The peers that a peer of ours lists; nobody of an older client.
    #[must_use]
    pub fn peers_of(&self, id: ProgramId) -> Vec<Peer> {
        match &self.programs[id.0].kind {
            Kind::Peer(engine) => engine.peers().snapshot(),
            Kind::Older(_) => Vec::new(),
        }
    }

    /// How many peers a peer of ours lists.
    #[must_use]
    pub fn peer_count(&self, id: ProgramId) -> usize {
        match &self.programs[id.0].kind {
            Kind::Peer(engine) => engine.peers().len(),
            Kind::Older(older) => older.known.len(),
        }
    }

    /// What a peer of ours told its user, and when.
    #[must_use]
    pub fn events(&self, id: ProgramId) -> &[(Instant, Event)] {
        &self.programs[id.0].events
    }

    /// Takes what a peer of ours told its user since the last call.
    pub fn take_events(&mut self, id: ProgramId) -> Vec<Event> {
        std::mem::take(&mut self.programs[id.0].events).into_iter().map(|(_, event)| event).collect()
    }

    /// What a peer of ours gave to be kept.
    #[must_use]
    pub fn records(&self, id: ProgramId) -> &[Record] {
        &self.programs[id.0].records
    }

    /// DMs that a peer of ours told its user to be stored while they were on no disk of their readers.
    #[must_use]
    pub fn false_marks(&self) -> &[(ProgramId, OwnMessageId)] {
        &self.false_marks
    }

    /// How often a peer of ours wanted its sockets opened anew.
    #[must_use]
    pub fn reopened(&self, id: ProgramId) -> usize {
        self.programs[id.0].reopened
    }

    /// Where a program listens: the primary address of its host and its unicast port.
    #[must_use]
    pub fn address(&self, id: ProgramId) -> SocketAddrV4 {
        let program = &self.programs[id.0];
        program.source(self.hosts[program.host.0].view(true).primary)
    }

    /// The older client.
    ///
    /// # Panics
    /// When the program is one of ours.
    #[must_use]
    pub fn older_client(&self, id: ProgramId) -> &Older {
        match &self.programs[id.0].kind {
            Kind::Older(older) => older,
            Kind::Peer(_) => panic!("{id:?} is a peer of ours"),
        }
    }

    /// What the user of an older client types: POST.
    pub fn older_post(&mut self, id: ProgramId, text: &str) {
        self.older_does(id, |older| older.post(text));
    }

    /// What the user of an older client types: DM.
    pub fn older_dm(&mut self, id: ProgramId, to: &str, text: &str) {
        self.older_does(id, |older| older.dm(to, text));
    }

    /// What the user of an older client types: PROFILE.
    pub fn older_profile(&mut self, id: ProgramId, name: &str, status: &str) {
        self.older_does(id, |older| older.tell_profile(name, status));
    }

    fn older_does(&mut self, id: ProgramId, act: impl FnOnce(&mut Older) -> Vec<Outgoing>) {
        let Kind::Older(older) = &mut self.programs[id.0].kind else { return };
        let outgoing = act(older);
        self.send_all(id, outgoing);
    }

    pub(super) fn send_all(&mut self, id: ProgramId, outgoing: Vec<Outgoing>) {
        for (to, payload) in outgoing {
            self.send(id, &[to], payload.into());
        }
    }

    /// Somebody who is no program here sends a datagram to a program's socket, at once and without loss. What is sent
    /// back to them is in [`Lan::frames`].
    pub fn inject(&mut self, from: SocketAddrV4, to: ProgramId, socket: Socket, bytes: &[u8]) {
        self.hash.add(Hash::of(bytes));
        self.receive(to, bytes, from, socket);
    }

    /// Somebody who is no program here broadcasts a datagram to the discovery port of every host on the network of
    /// that address.
    pub fn inject_everywhere(&mut self, from: SocketAddrV4, bytes: &[u8]) {
        for number in 0..self.hosts.len() {
            if self.hosts[number].link_to(*from.ip()).is_some() {
                for id in self.hosts[number].programs.clone() {
                    if self.programs[id.0].listens(DISCOVERY_PORT) {
                        self.inject(from, id, Socket::Discovery, bytes);
                    }
                }
            }
        }
    }
}

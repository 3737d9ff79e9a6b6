//! Programs start, end, and start again.

use std::collections::VecDeque;
use std::time::Duration;

use rand::Rng;

use crate::engine::{Command, CommandError, Engine, Instant, Reply};
use crate::wire::{DISCOVERY_PORT, PublicKey};

use super::lan::Due;
use super::program::{Kind, Program};
use super::{Disk, DiskState, HostId, Lan, Older, OlderKind, ProgramId, Setup};

/// Unix time at the beginning of every run.
const UNIX: Duration = Duration::from_secs(1_728_938_500);

impl Lan {
    /// Starts a peer of ours with this name and the defaults.
    pub fn peer(&mut self, host: HostId, name: &str) -> ProgramId {
        self.start(host, Setup::named(name))
    }

    /// Starts a peer of ours.
    pub fn start(&mut self, host: HostId, mut setup: Setup) -> ProgramId {
        let id = ProgramId(self.programs.len());
        if setup.identity.port == 0 {
            setup.identity.port = 8000 + u16::try_from(self.hosts[host.0].programs.len()).unwrap_or(0);
        }
        let mut disk = self.new_disk(&setup);
        let engine = self.engine(&setup, &mut disk);
        let beside = self.beside(&setup, &disk);
        self.add(Program {
            host,
            port: setup.identity.port,
            discovery_port: setup.config.discovery_port,
            discovery_open: setup.discovery_open,
            kind: Kind::Peer(Box::new(engine)),
            disk: Some(disk),
            beside,
            killed_in: None,
            setup: Some(setup),
            running: true,
            asleep: None,
            call: None,
            events: Vec::new(),
            records: Vec::new(),
            outcomes: VecDeque::new(),
            reopened: 0,
            sent: 0,
        });
        self.show_links(id);
        self.drain(id);
        id
    }

    /// Starts an older client.
    pub fn older(&mut self, host: HostId, kind: OlderKind, name: &str) -> ProgramId {
        let id = ProgramId(self.programs.len());
        let port = match kind {
            OlderKind::Reference => 9000 + u16::try_from(self.hosts[host.0].programs.len()).unwrap_or(0),
            OlderKind::Spaced => DISCOVERY_PORT,
        };
        let ip = self.hosts[host.0].view(true).primary;
        self.add(Program {
            host,
            kind: Kind::Older(Older::new(kind, name, ip, port, DISCOVERY_PORT, self.now)),
            setup: None,
            disk: None,
            beside: None,
            killed_in: None,
            port,
            discovery_port: DISCOVERY_PORT,
            discovery_open: true,
            running: true,
            asleep: None,
            call: None,
            events: Vec::new(),
            records: Vec::new(),
            outcomes: VecDeque::new(),
            reopened: 0,
            sent: 0,
        });
        self.call_at(id, self.now);
        id
    }

    fn add(&mut self, program: Program) {
        self.hosts[program.host.0].programs.push(ProgramId(self.programs.len()));
        self.programs.push(program);
    }

    fn engine(&mut self, setup: &Setup, disk: &mut Disk) -> Engine {
        let mut seed = [0; 32];
        self.rng.fill_bytes(&mut seed);
        let unix = self.unix(setup);
        let engine = Engine::new(setup.identity.clone(), setup.config.clone(), seed, self.now, unix);
        match disk.open(setup.group.as_ref(), unix) {
            Some(keyring) if !setup.config.scan => engine.with_keys(keyring),
            _ => engine,
        }
    }

    /// What the wall clock of a peer shows, since 1970.
    fn unix(&self, setup: &Setup) -> Duration {
        let unix = UNIX + self.now.since(Instant::BIRTH);
        let offset = Duration::from_secs(setup.unix_offset.unsigned_abs());
        if setup.unix_offset < 0 { unix.saturating_sub(offset) } else { unix + offset }
    }

    fn new_disk(&mut self, setup: &Setup) -> Disk {
        let mut identity = [0; 32];
        self.rng.fill_bytes(&mut identity);
        Disk::new(setup.signing, identity)
    }

    /// Ends a program without a word. What was not on its disk yet is lost.
    pub fn stop(&mut self, id: ProgramId) {
        let program = &mut self.programs[id.0];
        program.running = false;
        if let Some(disk) = &mut program.disk {
            disk.history.lose();
        }
        self.hosts[program.host.0].programs.retain(|other| *other != id);
    }

    /// Ends a peer of ours as a user does: it says goodbye.
    pub fn leave(&mut self, id: ProgramId) {
        // A peer that left already has nothing more to say.
        let _ = self.command(id, Command::Leave);
        let program = &mut self.programs[id.0];
        if let (true, Some(disk)) = (program.running, &mut program.disk) {
            disk.finish();
        }
        self.finish_all_rows(id);
        self.stop(id);
    }

    /// Ends a program without a word, as soon as it has put out so much more: a datagram, an event, a record, a line of
    /// history; or heard what became of one.
    pub fn kill_in(&mut self, id: ProgramId, outputs: u32) {
        if !self.is_running(id) {
            return;
        }
        self.programs[id.0].killed_in = Some(outputs);
    }

    /// True while a program runs, asleep or not.
    #[must_use]
    pub fn is_running(&self, id: ProgramId) -> bool {
        self.programs[id.0].running
    }

    /// Starts a peer of ours that was ended or not, again at the same port with the same name and what it kept.
    pub fn restart(&mut self, id: ProgramId) {
        self.stop(id);
        let program = &mut self.programs[id.0];
        let (Some(setup), Some(mut disk)) = (program.setup.clone(), program.disk.take()) else { return };
        let engine = self.engine(&setup, &mut disk);
        let beside = self.beside(&setup, &disk);
        let program = &mut self.programs[id.0];
        program.disk = Some(disk);
        program.beside = beside;
        program.killed_in = None;
        program.outcomes.clear();
        program.kind = Kind::Peer(Box::new(engine));
        program.running = true;
        program.asleep = None;
        program.call = None;
        self.hosts[program.host.0].programs.push(id);
        self.show_links(id);
        self.drain(id);
    }

    /// Starts a peer of ours again with a new key and nothing kept, under the name that it had.
    pub fn reinstall(&mut self, id: ProgramId) {
        let Some(setup) = self.programs[id.0].setup.clone() else { return };
        let disk = self.new_disk(&setup);
        self.programs[id.0].disk = Some(disk);
        self.restart(id);
    }

    /// Starts a peer of ours again with what another disk holds: a backup of its own, or a copy of another's.
    pub fn restart_from(&mut self, id: ProgramId, disk: Disk) {
        self.programs[id.0].disk = Some(disk);
        self.restart(id);
    }

    /// What a peer of ours keeps.
    ///
    /// # Panics
    /// When the program is none of ours.
    #[must_use]
    pub fn disk(&self, id: ProgramId) -> &Disk {
        let disk = self.programs[id.0].disk.as_ref();
        disk.unwrap_or_else(|| panic!("{id:?} is an older client"))
    }

    /// Changes how a peer of ours is started the next time.
    ///
    /// # Panics
    /// When the program is none of ours.
    pub fn setup(&mut self, id: ProgramId) -> &mut Setup {
        let setup = self.programs[id.0].setup.as_mut();
        setup.unwrap_or_else(|| panic!("{id:?} is an older client"))
    }

    /// The disk of a peer of ours does something else from now on.
    pub fn turn_disk(&mut self, id: ProgramId, state: DiskState) {
        let now = self.now;
        let Some(disk) = &mut self.programs[id.0].disk else { return };
        if let Some(due) = disk.turn(state, now) {
            self.push(due, Due::Written(id));
        }
        if self.is_running(id) {
            self.drain(id);
        }
    }

    /// The user of a peer of ours has all forgotten that this one wrote, and what was written to it.
    ///
    /// # Errors
    /// As [`Engine::handle_command`](crate::engine::Engine::handle_command).
    pub fn forget(&mut self, id: ProgramId, with: PublicKey) -> Result<Reply, CommandError> {
        let disk = self.programs[id.0].disk.as_mut();
        let posts = disk.map(|disk| disk.history.forget(&with)).unwrap_or_default();
        self.command(id, Command::Forget { posts, with: Some(with) })
    }

    /// Lets a program sleep so long, as with a closed lid: it hears nothing and its timers do not run.
    pub fn sleep(&mut self, id: ProgramId, time: Duration) {
        let until = self.now + time;
        self.programs[id.0].asleep = Some(until);
        self.push(until, Due::Wake(id));
    }
}

//! What runs on a host.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use crate::engine::{Config, Engine, Event, Identity, Instant, Outcome, Record, Secret, Ticket};
use crate::wire::{Name, PublicKey};

use super::space::Beside;
use super::{Disk, HostId, Older};

/// A program's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgramId(pub(super) usize);

/// What a peer of ours starts with.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Who it is. Port 0 stands for the next free one.
    pub identity: Identity,
    /// How it behaves.
    pub config: Config,
    /// Whether it gets the shared discovery socket.
    pub discovery_open: bool,
    /// How it signs.
    pub signing: Signing,
    /// The key of the closed group that it is in.
    pub group: Option<Secret>,
    /// Seconds by which its wall clock is ahead of the others'.
    pub unix_offset: i64,
    /// Values travel by streams.
    pub streams: bool,
}

/// How a peer of ours signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// Not at all, as version 0.1.0.
    Unsigned,
    /// With a [`FakeCrypto`](super::FakeCrypto) of its own.
    Hashed,
    /// With a real key; for up to some dozens of peers.
    Real,
}

impl Setup {
    /// A peer with this name and the defaults.
    ///
    /// # Panics
    /// When the name cannot travel.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let name = Name::new(name).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        let identity = Identity { name, display_name: None, status: None, avatar: None, port: 0 };
        let config = Config { shards: 2, history: true, ..Config::default() };
        Self {
            identity,
            config,
            discovery_open: true,
            signing: Signing::Hashed,
            group: None,
            unix_offset: 0,
            streams: true,
        }
    }

    /// The same peer as version 0.1.0: it has a SID, no key and no history.
    #[must_use]
    pub fn unsigned(self) -> Self {
        Self { signing: Signing::Unsigned, ..self }.forgetful()
    }

    /// The same peer without a history.
    #[must_use]
    pub fn forgetful(mut self) -> Self {
        self.config.history = false;
        self
    }

    /// The same peer with a data space.
    #[must_use]
    pub fn with_data(mut self) -> Self {
        self.config.data = true;
        self
    }

    /// The same peer, built without streams.
    #[must_use]
    pub fn without_streams(self) -> Self {
        Self { streams: false, ..self }
    }

    /// The same peer with a wall clock that is so many seconds ahead, or behind.
    #[must_use]
    pub fn ahead(self, seconds: i64) -> Self {
        Self { unix_offset: seconds, ..self }
    }

    /// The same peer in the closed group of this secret.
    #[must_use]
    pub fn in_group(self, secret: [u8; 32]) -> Self {
        Self { group: Some(Secret(secret)), ..self }
    }
}

#[derive(Debug)]
pub(super) enum Kind {
    Peer(Box<Engine>),
    Older(Older),
}

#[derive(Debug)]
pub(super) struct Program {
    pub(super) host: HostId,
    pub(super) kind: Kind,
    /// How a peer of ours is started again.
    pub(super) setup: Option<Setup>,
    /// What it keeps.
    pub(super) disk: Option<Disk>,
    /// Its data space.
    pub(super) beside: Option<Box<Beside>>,
    /// It is killed when it has put out so much more.
    pub(super) killed_in: Option<u32>,
    pub(super) port: u16,
    pub(super) discovery_port: u16,
    pub(super) discovery_open: bool,
    pub(super) running: bool,
    /// Neither hears nor does anything until then.
    pub(super) asleep: Option<Instant>,
    /// The moment of the wake-up call that is in the queue.
    pub(super) call: Option<Instant>,
    pub(super) events: Vec<(Instant, Event)>,
    pub(super) records: Vec<Record>,
    /// What became of lines of history, and is not told to a peer of ours yet.
    pub(super) outcomes: VecDeque<(Ticket, Outcome)>,
    pub(super) reopened: usize,
    pub(super) sent: u64,
}

impl Program {
    /// True when a datagram that was sent to this port of its host reaches one of its sockets.
    pub(super) fn listens(&self, port: u16) -> bool {
        self.running
            && self.asleep.is_none()
            && (self.port == port || (self.discovery_open && self.discovery_port == port))
    }

    pub(super) fn source(&self, ip: std::net::Ipv4Addr) -> SocketAddrV4 {
        SocketAddrV4::new(ip, self.port)
    }

    pub(super) fn key(&self) -> Option<PublicKey> {
        self.disk.as_ref().and_then(Disk::key)
    }

    /// Counts something that it put out or took: true when it is killed before that.
    pub(super) fn is_killed_now(&mut self) -> bool {
        match &mut self.killed_in {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }
}

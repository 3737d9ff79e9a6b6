//! The protocol: who is there, what is said. Holds no socket, reads no clock, starts no task.

mod command;
mod config;
mod counters;
mod hash;
mod instant;
mod limits;
mod links;
mod output;
mod peer;
mod peers;
mod who;

use std::net::SocketAddrV4;
use std::time::Duration;

pub use command::{Command, CommandError, Me, Reply};
pub use config::Config;
pub use counters::Counters;
pub use instant::Instant;
pub use limits::Limits;
pub use links::{Link, Links};
pub use output::{Event, Output, Record, Transmit};
pub use peer::{Peer, PeerId, Presence};
pub use peers::Peers;
pub use who::{Who, WhoError};

use crate::wire::Name;

/// Which of our two sockets a datagram came in on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Socket {
    /// The exclusive one that sends everything.
    Unicast,
    /// The shared one on the discovery port, which only listens.
    Discovery,
}

/// What a peer starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The name in our id.
    pub name: Name,
    /// What we want to be called, if not by that name.
    pub display_name: Option<String>,
    /// A line about us.
    pub status: Option<String>,
    /// Our picture: PNG or JPEG.
    pub avatar: Option<Vec<u8>>,
    /// The port of our unicast socket.
    pub port: u16,
}

/// One peer's protocol state.
#[derive(Debug)]
pub struct Engine {
    peers: peers::PeerTable,
}

/// Why a datagram was dropped; nothing changed but the counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Rejected {
    /// It was not understood.
    #[error("malformed: {0}")]
    Malformed(#[from] crate::wire::DecodeError),
}

impl Engine {
    /// A peer at its birth. It is silent until the first [`Engine::handle_links`].
    ///
    /// The same seed and the same inputs give the same outputs. `unix` is the time since 1970 at `now`; a step of the
    /// wall clock later is not followed (TIMESTAMP is a label).
    #[must_use]
    pub fn new(identity: Identity, config: Config, seed: [u8; 32], now: Instant, unix: Duration) -> Self {
        let _ = (identity, seed, now, unix);
        Self { peers: peers::PeerTable::new(config.shards, hash::Key(1, 2)) }
    }

    /// Takes a datagram. Any bytes at all are fine.
    ///
    /// # Errors
    /// Why it was dropped; a dropped datagram changes nothing but the counters.
    pub fn handle_datagram(
        &mut self,
        bytes: &[u8],
        from: SocketAddrV4,
        socket: Socket,
        now: Instant,
    ) -> Result<(), Rejected> {
        let _ = (bytes, from, socket, now);
        Ok(())
    }

    /// Does what a user or a program wants.
    ///
    /// # Errors
    /// Why it was refused; a refused command sends nothing and changes nothing.
    pub fn handle_command(&mut self, command: Command, now: Instant) -> Result<Reply, CommandError> {
        let _ = (command, now);
        Ok(Reply::Done)
    }

    /// Takes the interfaces as they are now: at the start, and whenever they changed.
    pub fn handle_links(&mut self, links: Links, now: Instant) {
        let _ = (links, now);
    }

    /// Does what is due. Calling it early or late is fine.
    pub fn handle_timeout(&mut self, now: Instant) {
        let _ = now;
    }

    /// Yields what should happen, one thing a call; call until [`Output::Wait`].
    pub fn poll(&mut self) -> Output {
        Output::Wait(Instant::BIRTH)
    }

    /// Reads the peer table, from anywhere.
    #[must_use]
    pub fn peers(&self) -> Peers {
        self.peers.reader()
    }
}

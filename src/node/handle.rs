//! How the rest of the program speaks to the running peer.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{broadcast, mpsc, oneshot, watch};

use crate::data;
use crate::engine::{Command, CommandError, Event, Instant, Link, Peers, Reply};

use crate::wire::PublicKey;

use super::Trend;
use super::clock::Clock;
use super::resolve::Named;

/// A command on its way to the task that owns the engine.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) command: Command,
    /// None where nobody waits for the outcome.
    pub(super) reply: Option<oneshot::Sender<Result<Reply, CommandError>>>,
}

/// A command for the data space on its way there.
#[derive(Debug)]
pub(super) struct DataRequest {
    pub(super) command: data::Command,
    pub(super) reply: oneshot::Sender<Result<data::Reply, data::Error>>,
}

/// Commands that may wait for the owner task.
pub(super) const REQUESTS: usize = 64;

/// Speaks to a running peer. The peer says goodbye and ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(super) requests: mpsc::Sender<Request>,
    pub(super) events: broadcast::WeakSender<Event>,
    pub(super) data: mpsc::Sender<DataRequest>,
    pub(super) data_events: broadcast::WeakSender<data::Event>,
    pub(super) ended: watch::Receiver<()>,
    pub(super) peers: Peers,
    pub(super) clock: Clock,
    pub(super) port: u16,
    pub(super) faults: Arc<Counts>,
    pub(super) trend: Trend,
    pub(super) links: watch::Receiver<Arc<[Link]>>,
    pub(super) discovery_port: u16,
    pub(super) key: Option<PublicKey>,
}

impl Handle {
    /// Has the engine do something. After [`Command::Leave`] the peer ends.
    ///
    /// # Errors
    /// What the engine says, and nothing changed; [`CommandError::Left`] when the peer has ended.
    pub async fn command(&self, command: Command) -> Result<Reply, CommandError> {
        let (reply, outcome) = oneshot::channel();
        let request = Request { command, reply: Some(reply) };
        self.requests.send(request).await.map_err(|_| CommandError::Left)?;
        outcome.await.unwrap_or(Err(CommandError::Left))
    }

    /// All that happens from now on. Who reads too slowly gets
    /// [`Lagged`](broadcast::error::RecvError::Lagged) and goes on with the oldest event that is left.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Event> {
        // After the end: a channel that is closed.
        self.events.upgrade().map_or_else(|| broadcast::channel(1).1, |events| events.subscribe())
    }

    /// Has the data space do something, and waits until it is done: a call until it is answered. Whoever drops the future
    /// early does not stop what was begun.
    ///
    /// # Errors
    /// Why it was refused or failed; [`data::Error::NoKey`] of a peer without a key, [`data::Error::Left`] when the peer has
    /// ended.
    pub async fn data(&self, command: data::Command) -> Result<data::Reply, data::Error> {
        let (reply, outcome) = oneshot::channel();
        let request = DataRequest { command, reply };
        self.data.send(request).await.map_err(|_| data::Error::Left)?;
        outcome.await.unwrap_or(Err(data::Error::Left))
    }

    /// All that happens in the data space from now on. Who reads too slowly gets
    /// [`Lagged`](broadcast::error::RecvError::Lagged), as with [`Handle::events`].
    #[must_use]
    pub fn data_events(&self) -> broadcast::Receiver<data::Event> {
        self.data_events.upgrade().map_or_else(|| broadcast::channel(1).1, |events| events.subscribe())
    }

    /// The peer table.
    #[must_use]
    pub fn peers(&self) -> Peers {
        self.peers.clone()
    }

    /// This moment by the engine's clock, to be compared with [`Peer::heard`](crate::engine::Peer::heard).
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The port of the unicast socket at the start.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What went wrong with the sockets so far.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.faults.read()
    }

    /// What was counted over the last hour.
    #[must_use]
    pub fn trend(&self) -> Trend {
        self.trend.clone()
    }

    /// Our live links, the loopback included.
    #[must_use]
    pub fn links(&self) -> Arc<[Link]> {
        self.links.borrow().clone()
    }

    /// The same, to be read also by those who do not hold the peer up.
    pub(crate) fn watch_links(&self) -> watch::Receiver<Arc<[Link]>> {
        self.links.clone()
    }

    /// Our public key; none of a peer without one.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        self.key
    }

    /// The port that everyone listens on.
    #[must_use]
    pub fn discovery_port(&self) -> u16 {
        self.discovery_port
    }

    /// The address that `HOST[:PORT]` means, by default at the discovery port; a name is looked up.
    ///
    /// # Errors
    /// [`LookUpError`].
    pub async fn look_up(&self, text: &str) -> Result<SocketAddrV4, LookUpError> {
        let named = Named::parse(text, self.discovery_port).map_err(LookUpError::NoHost)?;
        match named.address() {
            Some(address) => Ok(address),
            None => named.look_up().await.map_err(LookUpError::NoAddress),
        }
    }

    /// Says goodbye, waits until it is sent and the history is written, and ends the peer: within a second, with a slow
    /// disk within three.
    pub async fn leave(&self) {
        // An error means that the peer has ended already.
        let _ = self.command(Command::Leave).await;
        self.ended().await;
    }

    /// Returns when the peer has ended.
    pub async fn ended(&self) {
        self.end().await;
    }

    /// The same, for those who do not hold the peer up.
    pub(crate) fn end(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut ended = self.ended.clone();
        async move { while ended.changed().await.is_ok() {} }
    }
}

/// Why there is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookUpError {
    /// The text is no `HOST[:PORT]`.
    #[error("{0}: write HOST or HOST:PORT")]
    NoHost(&'static str),
    /// What the system says.
    #[error("{0}")]
    NoAddress(String),
}

/// What went wrong with the sockets; the peer lives on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Faults {
    /// Receptions that failed, such as a report that a peer's port is closed.
    pub received: u64,
    /// Datagrams that the system refused to send.
    pub refused: u64,
    /// Datagrams given up because the system's queue stayed full.
    pub given_up: u64,
    /// Datagrams passed over because they came from an interface that is not to be used.
    pub other_interface: u64,
    /// How often the sockets were opened anew.
    pub reopened: u64,
}

/// [`Faults`] as they are counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) received: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) given_up: AtomicU64,
    pub(super) other_interface: AtomicU64,
    pub(super) reopened: AtomicU64,
}

impl Counts {
    fn read(&self) -> Faults {
        Faults {
            received: self.received.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            given_up: self.given_up.load(Ordering::Relaxed),
            other_interface: self.other_interface.load(Ordering::Relaxed),
            reopened: self.reopened.load(Ordering::Relaxed),
        }
    }
}

/// Counts some more.
pub(super) fn count(counter: &AtomicU64, more: u64) {
    counter.fetch_add(more, Ordering::Relaxed);
}

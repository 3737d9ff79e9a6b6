//! Values of the cache by QUIC streams (protocol.md §11.4): one endpoint a peer, on a thread of its own, with the same
//! key. Addresses of the LAN alone: no relay, no name service, no port mapping.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use iroh::endpoint::{Connection, IdleTimeout, Incoming, PortmapperConfig, QuicTransportConfig, VarInt, presets};
use iroh::{Endpoint, EndpointAddr, EndpointId, NetReportConfig, RelayMode, SecretKey};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::data::Job;
use crate::data::cache::{VALUE_MAX, ValueHash, Work, Worked};
use crate::engine::Secret;
use crate::wire::PublicKey;

use super::values::Files;

/// What the two sides of a stream speak.
const ALPN: &[u8] = b"lsnp/cache/1";

/// How long the endpoint may take to open.
const OPENING: Duration = Duration::from_secs(10);

/// Handshakes of others at the same time, and how long one may take.
const HANDSHAKES: (usize, Duration) = (32, Duration::from_secs(3));

/// Connections of others, in all and of one.
const CONNECTIONS: (usize, usize) = (64, 4);

/// Streams of one connection at the same time.
const STREAMS: u32 = 8;

/// Values on their way to others at the same time, each in memory, and how long one may take.
const SERVED: (usize, Duration) = (16, Duration::from_secs(20));

/// Values on their way to us at the same time, and how long one may take, the connection included.
const FETCHED: (usize, Duration) = (16, Duration::from_secs(20));

/// How long a connection may take to be made.
const CONNECTING: Duration = Duration::from_secs(3);

/// A connection without a stream is closed after this.
const IDLE: Duration = Duration::from_secs(10);

/// Connections to others that are kept for the next value.
const POOLED: usize = 32;

/// The code that a connection is closed with when it is not for that key.
const REFUSED: VarInt = VarInt::from_u32(1);

/// The endpoint of a peer.
#[derive(Debug)]
pub(super) struct Streams {
    port: u16,
    fetches: UnboundedSender<Fetch>,
    serving: Arc<Serving>,
}

/// Who may fetch values from us, and how many connections it has.
#[derive(Debug, Default)]
struct Serving {
    to: Mutex<BTreeSet<PublicKey>>,
    connections: Mutex<BTreeMap<PublicKey, usize>>,
}

#[derive(Debug)]
struct Fetch {
    job: Job,
    from: PublicKey,
    address: SocketAddrV4,
    hash: ValueHash,
    size: usize,
}

impl Streams {
    /// Opens the endpoint at a port that the system picks.
    pub(super) fn start(identity: &Secret, files: Arc<Files>, done: UnboundedSender<Worked>) -> io::Result<Self> {
        let secret = SecretKey::from_bytes(&identity.0);
        let (fetches, orders) = unbounded_channel();
        let (opened, port) = mpsc::sync_channel(1);
        let serving = Arc::new(Serving::default());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let host = Host { files, serving: Arc::clone(&serving), done };
        thread::Builder::new().name("streams".to_owned()).spawn(move || {
            runtime.block_on(async move {
                match timeout(OPENING, open(secret)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
                    Ok((endpoint, port)) => {
                        let _ = opened.send(Ok(port));
                        run(endpoint, host, orders).await;
                    }
                    Err(error) => {
                        let _ = opened.send(Err(error));
                    }
                }
            });
        })?;
        let port = port.recv().map_err(io::Error::other)??;
        Ok(Self { port, fetches, serving })
    }

    /// Where others find it.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Fetches, or takes note of whom to serve.
    pub(super) fn work(&self, work: Work) {
        match work {
            Work::Fetch { job, from, address, hash, size } => {
                // The thread ends after us.
                let _ = self.fetches.send(Fetch { job, from, address, hash, size: size as usize });
            }
            Work::Serve { to } => *lock(&self.serving.to) = to.into_iter().collect(),
            Work::Write { .. } | Work::Read { .. } | Work::Drop { .. } | Work::Only { .. } => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn open(secret: SecretKey) -> io::Result<(Endpoint, u16)> {
    let transport = QuicTransportConfig::builder()
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .send_window(2 * VALUE_MAX as u64)
        .receive_window(VarInt::from_u32(4 * VALUE_MAX as u32))
        .stream_receive_window(VarInt::from_u32(2 * VALUE_MAX as u32))
        .max_idle_timeout(IdleTimeout::try_from(IDLE).ok());
    let endpoint = Endpoint::builder(presets::Minimal)
        .secret_key(secret)
        .relay_mode(RelayMode::Disabled)
        .alpns(vec![ALPN.to_vec()])
        .portmapper_config(PortmapperConfig::Disabled)
        .net_report_config(NetReportConfig::minimal())
        .transport_config(transport.build())
        .clear_ip_transports()
        .bind_addr(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))
        .map_err(io::Error::other)?
        .bind()
        .await
        .map_err(io::Error::other)?;
    let port = endpoint.bound_sockets().iter().find(|address| address.is_ipv4()).map(SocketAddr::port);
    port.map(|port| (endpoint, port)).ok_or_else(|| io::Error::other("no port"))
}

#[derive(Debug, Clone)]
struct Host {
    files: Arc<Files>,
    serving: Arc<Serving>,
    done: UnboundedSender<Worked>,
}

/// Serves and fetches until nobody gives orders any more.
async fn run(endpoint: Endpoint, host: Host, mut orders: UnboundedReceiver<Fetch>) {
    let pool = Arc::new(Pool { endpoint: endpoint.clone(), connections: Mutex::default() });
    let fetched = Arc::new(Semaphore::new(FETCHED.0));
    let served = Arc::new(Semaphore::new(SERVED.0));
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES.0));
    let connections = Arc::new(Semaphore::new(CONNECTIONS.0));
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(fetch) = order else { break };
                let (pool, slots, done) = (Arc::clone(&pool), Arc::clone(&fetched), host.done.clone());
                tokio::spawn(async move {
                    let _slot = slots.acquire_owned().await;
                    let got = timeout(FETCHED.1, pool.fetch(&fetch)).await.unwrap_or(Err(false));
                    let _ = done.send(Worked::Fetched(fetch.job, got));
                });
            }
            incoming = endpoint.accept() => {
                let Some(incoming) = incoming else { break };
                // Who floods us must at least have the address that it says.
                if handshakes.available_permits() <= HANDSHAKES.0 / 2 && !incoming.remote_addr_validated() {
                    let _ = incoming.retry();
                    continue;
                }
                let Ok(handshake) = Arc::clone(&handshakes).try_acquire_owned() else {
                    incoming.ignore();
                    continue;
                };
                let Ok(slot) = Arc::clone(&connections).try_acquire_owned() else {
                    incoming.refuse();
                    continue;
                };
                tokio::spawn(host.clone().take(incoming, handshake, slot, Arc::clone(&served)));
            }
        }
    }
    let _ = timeout(HANDSHAKES.1, endpoint.close()).await;
}

impl Host {
    async fn take(
        self,
        incoming: Incoming,
        handshake: OwnedSemaphorePermit,
        _slot: OwnedSemaphorePermit,
        served: Arc<Semaphore>,
    ) {
        let Ok(accepting) = incoming.accept() else { return };
        let Ok(Ok(connection)) = timeout(HANDSHAKES.1, accepting).await else { return };
        drop(handshake);
        let key = PublicKey(*connection.remote_id().as_bytes());
        let Some(_place) = Place::take(&self.serving, key) else {
            connection.close(REFUSED, b"");
            return;
        };
        while let Ok((send, receive)) = connection.accept_bi().await {
            if !lock(&self.serving.to).contains(&key) {
                connection.close(REFUSED, b"");
                return;
            }
            let (host, served) = (self.clone(), Arc::clone(&served));
            tokio::spawn(async move {
                let _ = timeout(SERVED.1, host.serve(send, receive, served)).await;
            });
        }
    }

    /// A stream asks with 32 bytes, the name of a value, and gets that value; nothing when it is not here.
    async fn serve(
        &self,
        mut send: iroh::endpoint::SendStream,
        mut receive: iroh::endpoint::RecvStream,
        served: Arc<Semaphore>,
    ) -> Option<()> {
        let hash = ValueHash(receive.read_to_end(32).await.ok()?.try_into().ok()?);
        let _slot = served.acquire_owned().await.ok()?;
        let files = Arc::clone(&self.files);
        let value = tokio::task::spawn_blocking(move || files.read(&hash)).await.ok()??;
        send.write_all(&value).await.ok()?;
        send.finish().ok()?;
        // The slot is taken as long as bytes of it are in memory.
        if let Ok(None) = send.stopped().await {
            let _ = self.done.send(Worked::Served);
        }
        Some(())
    }
}

/// One of the connections that somebody may have.
struct Place<'a>(&'a Serving, PublicKey);

impl<'a> Place<'a> {
    fn take(serving: &'a Serving, key: PublicKey) -> Option<Self> {
        if !lock(&serving.to).contains(&key) {
            return None;
        }
        let mut connections = lock(&serving.connections);
        let count = connections.entry(key).or_default();
        if *count >= CONNECTIONS.1 {
            return None;
        }
        *count += 1;
        Some(Self(serving, key))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut connections = lock(&self.0.connections);
        if let Some(count) = connections.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                connections.remove(&self.1);
            }
        }
    }
}

/// Connections to others.
#[derive(Debug)]
struct Pool {
    endpoint: Endpoint,
    connections: Mutex<BTreeMap<(PublicKey, SocketAddrV4), Connection>>,
}

impl Pool {
    /// A value that is what it is named by; else whether what came is not.
    async fn fetch(&self, fetch: &Fetch) -> Result<Arc<[u8]>, bool> {
        if fetch.size > VALUE_MAX || fetch.address.port() == 0 {
            return Err(false);
        }
        let place = (fetch.from, fetch.address);
        let kept = lock(&self.connections).get(&place).filter(|kept| kept.close_reason().is_none()).cloned();
        let connection = match kept {
            Some(kept) => kept,
            None => self.connect(place).await.ok_or(false)?,
        };
        let (mut send, mut receive) = connection.open_bi().await.map_err(|_| false)?;
        send.write_all(&fetch.hash.0).await.map_err(|_| false)?;
        send.finish().map_err(|_| false)?;
        let bytes = match receive.read_to_end(fetch.size).await {
            Ok(bytes) => bytes,
            Err(iroh::endpoint::ReadToEndError::TooLong) => return Err(true),
            Err(iroh::endpoint::ReadToEndError::Read(_)) => return Err(false),
        };
        let good = bytes.len() == fetch.size && ValueHash::of(&bytes) == fetch.hash;
        if good { Ok(bytes.into()) } else { Err(!bytes.is_empty()) }
    }

    async fn connect(&self, place: (PublicKey, SocketAddrV4)) -> Option<Connection> {
        let (from, address) = place;
        let id = EndpointId::from_bytes(&from.0).ok()?;
        let to = EndpointAddr::new(id).with_ip_addr(address.into());
        let connection = timeout(CONNECTING, self.endpoint.connect(to, ALPN)).await.ok()?.ok()?;
        let mut connections = lock(&self.connections);
        connections.retain(|_, kept| kept.close_reason().is_none());
        while connections.len() >= POOLED {
            // It ends when nothing is on its way any more.
            connections.pop_first();
        }
        connections.insert(place, connection.clone());
        Some(connection)
    }
}

#[cfg(test)]
mod tests;

//! What goes over the wire: every UDP datagram that passes a host's interface.

use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};

use super::lan::Host;

/// All protocols, and what the host itself sends too.
const ETH_P_ALL: u16 = 3;
const UDP: u8 = 17;

/// One datagram as it was on the wire.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    pub(crate) at: Instant,
    pub(crate) from: SocketAddrV4,
    pub(crate) to: SocketAddrV4,
    pub(crate) payload: Vec<u8>,
}

/// Which datagrams are of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// What the host sends to others.
    Out,
    /// What comes to the host from others.
    In,
}

/// Listens until it is dropped.
pub(crate) struct Tap {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    packets: Arc<Mutex<Vec<Packet>>>,
}

impl Tap {
    /// Keeps the datagrams of this host that go this way.
    pub(crate) fn keep(host: &Host, way: Way) -> io::Result<Self> {
        let packets = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&packets);
        let mut tap = Self::each(host, way, move |packet| lock(&kept).push(packet))?;
        tap.packets = packets;
        Ok(tap)
    }

    /// Gives each datagram of this host that goes this way to `use_it`, as it passes.
    pub(crate) fn each(host: &Host, way: Way, mut use_it: impl FnMut(Packet) + Send + 'static) -> io::Result<Self> {
        let own: Ipv4Addr = host.ip.parse().map_err(io::Error::other)?;
        let mut socket = host.inside(|| {
            let protocol = Protocol::from(i32::from(ETH_P_ALL.to_be()));
            let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol))?;
            rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, 64 << 20)?;
            socket.set_read_timeout(Some(Duration::from_millis(50)))?;
            Ok(socket)
        })?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while !stopped.load(Ordering::Relaxed) {
                let Ok(size) = socket.read(&mut buffer) else { continue };
                let Some(packet) = read(&buffer[..size]) else { continue };
                let (from, to) = (*packet.from.ip(), *packet.to.ip());
                let wanted = match way {
                    Way::Out => from == own && to != own,
                    Way::In => from != own && !from.is_loopback(),
                };
                if wanted {
                    use_it(packet);
                }
            }
        });
        Ok(Self { stop, thread: Some(thread), packets: Arc::default() })
    }

    /// What was kept so far.
    pub(crate) fn packets(&self) -> MutexGuard<'_, Vec<Packet>> {
        lock(&self.packets)
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // One that panicked has kept what it had.
            let _ = thread.join();
        }
    }
}

/// An IPv4 packet that holds UDP; of a fragment all bytes after the first count as payload.
fn read(packet: &[u8]) -> Option<Packet> {
    let header = usize::from(packet.first().filter(|byte| **byte >> 4 == 4)? & 15) * 4;
    let total = usize::from(u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?]));
    let body = packet.get(header..total.min(packet.len()))?;
    if *packet.get(9)? != UDP {
        return None;
    }
    let ip = |at: usize| packet.get(at..at + 4).map(|b| Ipv4Addr::new(b[0], b[1], b[2], b[3]));
    let port = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let is_first = u16::from_be_bytes([packet[6], packet[7]]) & 0x1fff == 0;
    let (from, to, payload) = if is_first { (port(0)?, port(2)?, body.get(8..)?) } else { (0, 0, body) };
    Some(Packet {
        at: Instant::now(),
        from: SocketAddrV4::new(ip(12)?, from),
        to: SocketAddrV4::new(ip(16)?, to),
        payload: payload.to_vec(),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

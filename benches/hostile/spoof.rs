//! Datagrams from any address, as anyone on a LAN can send them.

use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::lan::Host;

/// IPPROTO_RAW: the IP header is ours.
const RAW: i32 = 255;
const UDP: u8 = 17;
const HEADERS: usize = 28;

/// Sends from one host in the name of any.
pub(crate) struct Spoofer {
    socket: Socket,
    packet: Vec<u8>,
}

impl Spoofer {
    pub(crate) fn new(host: &Host) -> io::Result<Self> {
        let socket = host.inside(|| {
            let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(RAW)))?;
            socket.set_broadcast(true)?;
            socket.set_send_buffer_size(1 << 20)?;
            Ok(socket)
        })?;
        Ok(Self { socket, packet: Vec::new() })
    }

    /// Sends one datagram; the system fills in identification and checksum of the IP header.
    pub(crate) fn send(&mut self, from: SocketAddrV4, to: SocketAddrV4, payload: &[u8]) -> io::Result<()> {
        let size = |bytes: usize| u16::try_from(bytes).map_err(io::Error::other).map(u16::to_be_bytes);
        self.packet.clear();
        let mut ip = [0; 20];
        (ip[0], ip[8], ip[9]) = (0x45, 64, UDP);
        ip[2..4].copy_from_slice(&size(payload.len() + HEADERS)?);
        ip[12..16].copy_from_slice(&from.ip().octets());
        ip[16..].copy_from_slice(&to.ip().octets());
        self.packet.extend_from_slice(&ip);
        self.packet.extend_from_slice(&from.port().to_be_bytes());
        self.packet.extend_from_slice(&to.port().to_be_bytes());
        self.packet.extend_from_slice(&size(payload.len() + 8)?);
        // No checksum: IPv4 allows it.
        self.packet.extend_from_slice(&[0, 0]);
        self.packet.extend_from_slice(payload);
        self.socket.send_to(&self.packet, &SockAddr::from(SocketAddr::V4(to))).map(drop)
    }
}

/// An even rate.
pub(crate) struct Pace {
    began: Instant,
    rate: f64,
    count: f64,
}

impl Pace {
    /// So many a second.
    pub(crate) fn new(rate: f64) -> Self {
        Self { began: Instant::now(), rate, count: 0.0 }
    }

    /// Waits until the next is due.
    pub(crate) fn next(&mut self) {
        self.count += 1.0;
        let ahead = self.count / self.rate - self.began.elapsed().as_secs_f64();
        // A sleep is never shorter than a fraction of a millisecond: fast ones go in small bursts.
        if ahead > 0.001 {
            std::thread::sleep(Duration::from_secs_f64(ahead));
        }
    }
}

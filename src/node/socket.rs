//! The two sockets: the unicast one sends everything, the discovery one only listens (protocol.md §1).

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use socket2::{Domain, Protocol, Socket as RawSocket, Type};

use crate::engine::Socket;
use crate::wire::MAX_DATAGRAM;

#[cfg(unix)]
pub(super) use super::udp::UdpSocket;
#[cfg(not(unix))]
pub(super) use tokio::net::UdpSocket;

/// Ports that a peer picks from, as the older clients do.
const USUAL: std::ops::RangeInclusive<u16> = 8000..=9999;

/// Ports of that range that are tried before the system picks one.
const TRIES: usize = 64;

/// Room for datagrams that wait to be received, bytes; the system may give less.
const WAITING: usize = 1 << 20;

/// Our two sockets.
#[derive(Debug)]
pub(super) struct Sockets {
    /// None when it failed and could not be opened anew.
    unicast: Option<UdpSocket>,
    port: u16,
    discovery: Option<UdpSocket>,
    discovery_port: u16,
    /// The last try to open the discovery socket failed.
    pub(super) closed_told: bool,
}

impl Sockets {
    pub(super) fn new(unicast: UdpSocket, port: u16, discovery_port: u16) -> Self {
        Self { unicast: Some(unicast), port, discovery: None, discovery_port, closed_told: false }
    }

    /// The port of the unicast socket.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn discovery_port(&self) -> u16 {
        self.discovery_port
    }

    pub(super) fn get(&self, which: Socket) -> Option<&UdpSocket> {
        match which {
            Socket::Unicast => self.unicast.as_ref(),
            Socket::Discovery => self.discovery.as_ref(),
        }
    }

    /// Returns when something waits to be received; never while that socket is closed.
    pub(super) async fn readable(&self, which: Socket) {
        match self.get(which) {
            // What is wrong shows at the next look at the socket.
            Some(socket) => drop(socket.readable().await),
            None => std::future::pending().await,
        }
    }

    /// Takes one datagram that waits.
    pub(super) fn receive(&self, which: Socket, buffer: &mut [u8]) -> Received {
        self.get(which).map_or(Received::Empty, |socket| receive(socket, buffer))
    }

    /// Opens the discovery socket, unless it is open.
    pub(super) fn open_discovery(&mut self) -> io::Result<()> {
        if self.discovery.is_none() {
            let opened = open_discovery(self.discovery_port);
            self.closed_told = opened.is_err();
            self.discovery = Some(opened?);
        }
        Ok(())
    }

    pub(super) fn close_discovery(&mut self) {
        self.discovery = None;
    }

    /// Opens the unicast socket anew, at the same port when that is free; tells the port.
    pub(super) fn reopen_unicast(&mut self) -> io::Result<u16> {
        self.unicast = None;
        let opened = open_unicast(self.port).or_else(|_| open_unicast(0))?;
        self.port = port(&opened)?;
        self.unicast = Some(opened);
        Ok(self.port)
    }
}

/// Opens the unicast socket at this port and no other.
///
/// It allows nobody else on its port: with another socket there, datagrams for us would go astray.
pub(super) fn open_unicast(port: u16) -> io::Result<UdpSocket> {
    let socket = new()?;
    socket.set_broadcast(true)?;
    bind(socket, port)
}

/// Opens the unicast socket at the usual port, else at any free one, but never at the discovery port.
pub(super) fn open_unicast_near(usual: Option<u16>, discovery: u16, seed: [u8; 32]) -> io::Result<UdpSocket> {
    let mut rng = StdRng::from_seed(seed);
    let others = std::iter::repeat_with(|| rng.random_range(USUAL)).take(TRIES);
    for port in usual.into_iter().chain(others).filter(|port| *port != discovery && *port >= 1024) {
        match open_unicast(port) {
            Ok(socket) => return Ok(socket),
            Err(error) if is_taken(&error) => {}
            Err(error) => return Err(error),
        }
    }
    open_unicast(0)
}

/// Picks a port for a profile to keep.
pub(super) fn pick_port(seed: [u8; 32]) -> u16 {
    StdRng::from_seed(seed).random_range(USUAL)
}

/// Opens the discovery socket, which shares its port with those of other peers on this host.
fn open_discovery(port: u16) -> io::Result<UdpSocket> {
    let socket = new()?;
    socket.set_reuse_address(true)?;
    #[cfg(any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd",
        target_os = "dragonfly"
    ))]
    socket.set_reuse_port(true)?;
    bind(socket, port)
}

/// The port is another program's; Windows may call that a lack of permission.
pub(super) fn is_taken(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::AddrInUse || cfg!(windows) && error.kind() == io::ErrorKind::PermissionDenied
}

fn new() -> io::Result<RawSocket> {
    let socket = RawSocket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    // Less room only means that a flood is noticed earlier.
    let _ = socket.set_recv_buffer_size(WAITING);
    Ok(socket)
}

fn bind(socket: RawSocket, port: u16) -> io::Result<UdpSocket> {
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
    UdpSocket::from_std(socket.into())
}

/// The port that a socket is bound to.
pub(super) fn port(socket: &UdpSocket) -> io::Result<u16> {
    socket.local_addr().map(|address| address.port())
}

/// Room for one datagram, and a byte more, so that a longer one shows.
pub(super) fn buffer() -> Box<[u8]> {
    vec![0; MAX_DATAGRAM + 1].into_boxed_slice()
}

/// What one look at a socket gave.
#[derive(Debug)]
pub(super) enum Received {
    /// A datagram of this length.
    Datagram(usize, SocketAddrV4),
    /// Nothing that matters: a report about a datagram sent earlier.
    Passed(io::Error),
    /// Nothing waits.
    Empty,
    /// The socket is of no use any more.
    Closed(io::Error),
}

/// Takes one datagram that waits.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Received {
    match socket.try_recv_from(buffer) {
        Ok((length, SocketAddr::V4(from))) => Received::Datagram(length, from),
        Ok((_, SocketAddr::V6(_))) => Received::Passed(io::Error::other("not from an IPv4 address")),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Received::Empty,
        Err(error) if is_closed(&error) => Received::Closed(error),
        Err(error) => Received::Passed(error),
    }
}

/// EBADF and ENOTSOCK, WSAENOTSOCK and WSAESHUTDOWN: nothing will come any more.
fn is_closed(error: &io::Error) -> bool {
    #[cfg(unix)]
    return matches!(
        rustix::io::Errno::from_io_error(error),
        Some(rustix::io::Errno::BADF | rustix::io::Errno::NOTSOCK)
    );
    #[cfg(not(unix))]
    matches!(error.raw_os_error(), Some(10_038 | 10_058))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_unicast_port_is_ours_alone_and_the_discovery_port_is_shared() {
        let first = open_unicast(0).unwrap();
        let taken = port(&first).unwrap();
        assert!(is_taken(&open_unicast(taken).unwrap_err()));
        let near = open_unicast_near(Some(taken), 1, [7; 32]).unwrap();
        assert_ne!(port(&near).unwrap(), taken);

        assert!(is_taken(&open_discovery(taken).unwrap_err()));
        drop(first);
        let one = open_discovery(taken).unwrap();
        let two = open_discovery(taken).unwrap();
        assert_eq!(port(&one).unwrap(), port(&two).unwrap());
    }

    #[tokio::test]
    async fn a_usual_port_is_kept_while_it_is_free() {
        let free = port(&open_unicast(0).unwrap()).unwrap();
        assert_eq!(port(&open_unicast_near(Some(free), 1, [7; 32]).unwrap()).unwrap(), free);
        let never = open_unicast_near(Some(free), free, [7; 32]).unwrap();
        assert_ne!(port(&never).unwrap(), free, "not the discovery port");
    }

    #[test]
    fn a_picked_port_is_one_of_the_usual() {
        assert!((0..50).all(|n| USUAL.contains(&pick_port([n; 32]))));
    }

    #[tokio::test]
    async fn a_datagram_is_received_and_a_closed_port_of_a_peer_is_passed_over() {
        let ours = open_unicast(0).unwrap();
        let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port(&ours).unwrap());
        let other = open_unicast(0).unwrap();
        other.try_send_to(b"hello", to.into()).unwrap();
        ours.readable().await.unwrap();
        let mut buffer = buffer();
        assert!(matches!(receive(&ours, &mut buffer), Received::Datagram(5, from) if from.ip().is_loopback()));
        assert_eq!(&buffer[..5], b"hello");
        assert!(matches!(receive(&ours, &mut buffer), Received::Empty));
    }

    #[test]
    fn only_a_closed_socket_is_the_end() {
        use io::ErrorKind as Kind;
        for kind in [Kind::ConnectionRefused, Kind::ConnectionReset, Kind::NetworkUnreachable, Kind::NetworkDown] {
            assert!(!is_closed(&kind.into()), "{kind}");
        }
    }
}

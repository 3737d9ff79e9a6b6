//! A UDP socket that is woken by what comes, and not by what has left.
//!
//! tokio's own asks the system for both at once: each datagram that is sent then wakes its task once more, as soon as the
//! other side has taken it.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, UdpSocket as System};
use std::os::fd::{AsFd, BorrowedFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Does what those of `tokio::net::UdpSocket` do that have the same names.
#[derive(Debug)]
pub(super) struct UdpSocket(AsyncFd<System>);

impl UdpSocket {
    /// Takes a socket that does not block.
    pub(super) fn from_std(socket: System) -> io::Result<Self> {
        watch(socket, Interest::READABLE).map(Self)
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.get_ref().local_addr()
    }

    /// For one task at a time: the one that asked last is woken.
    pub(super) async fn readable(&self) -> io::Result<()> {
        poll_fn(|context| self.0.poll_read_ready(context).map_ok(|mut ready| ready.retain_ready())).await
    }

    pub(super) fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.0.try_io(Interest::READABLE, |socket| socket.recv_from(buffer))
    }

    /// Seldom waited for: only here is the system asked to tell of it.
    pub(super) async fn writable(&self) -> io::Result<()> {
        let twin = self.0.get_ref().try_clone()?;
        watch(twin, Interest::WRITABLE)?.writable().await.map(drop)
    }

    pub(super) fn try_send_to(&self, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
        self.0.get_ref().send_to(bytes, to)
    }
}

fn watch(socket: System, interest: Interest) -> io::Result<AsyncFd<System>> {
    #[expect(deprecated, reason = "its successor is unsafe; what it asks for holds, as this owns its socket")]
    AsyncFd::with_interest(socket, interest)
}

impl AsFd for UdpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.get_ref().as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn open() -> (UdpSocket, SocketAddr) {
        let socket = System::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        (UdpSocket::from_std(socket).unwrap(), address)
    }

    #[tokio::test]
    async fn what_comes_is_waited_for_and_taken_once() {
        let ((from, source), (to, address)) = (open(), open());
        for text in [b"one", b"two"] {
            assert_eq!(from.try_send_to(text, address).unwrap(), 3);
        }
        let mut buffer = [0; 8];
        for text in [b"one", b"two"] {
            timeout(PATIENCE, to.readable()).await.unwrap().unwrap();
            assert_eq!(to.try_recv_from(&mut buffer).unwrap(), (3, source));
            assert_eq!(&buffer[..3], text);
        }
        assert_eq!(to.try_recv_from(&mut buffer).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        // Nothing is there any more, until something comes.
        assert!(timeout(Duration::ZERO, to.readable()).await.is_err());
        from.try_send_to(b"three", address).unwrap();
        timeout(PATIENCE, to.readable()).await.unwrap().unwrap();
        assert!(timeout(Duration::ZERO, from.readable()).await.is_err());
    }

    #[tokio::test]
    async fn it_can_be_waited_for_until_there_is_room() {
        let (from, _) = open();
        for _ in 0..2 {
            timeout(PATIENCE, from.writable()).await.unwrap().unwrap();
        }
    }
}

//! Ports that no other test has, neither in this process nor in one beside it.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::{Mutex, PoisonError};

/// Held until the process ends: what is chosen may be bound much later.
static HELD: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());

/// A UDP port that nobody uses, out of the range that systems give out by themselves.
pub(crate) fn free_port() -> u16 {
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    let start = u16::try_from(std::process::id() % 10_000).unwrap_or(0);
    for step in 0..10_000 {
        let port = 20_000 + (start + step) % 10_000;
        let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) else { continue };
        if UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok() {
            held.push(listener);
            return port;
        }
    }
    panic!("no port is free");
}

//! What any program needs for the same: datagrams and commits, without anything of ours.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::lan::Host;

const PATIENCE: Duration = Duration::from_secs(10);

/// Sockets on some hosts: the first asks, all others answer.
pub(crate) struct Bare {
    asks: UdpSocket,
    others: Vec<SocketAddr>,
}

impl Bare {
    /// The first of these asks. What answers ends with the program.
    pub(crate) fn new(asks: &Host, others: &[&Host]) -> io::Result<Self> {
        let open = |host: &Host| {
            let ip: Ipv4Addr = host.ip.parse().map_err(io::Error::other)?;
            host.inside(|| UdpSocket::bind((ip, 0)))
        };
        let asks = open(asks)?;
        asks.set_read_timeout(Some(PATIENCE))?;
        let mut addresses = Vec::new();
        for host in others {
            let answers = open(host)?;
            addresses.push(answers.local_addr()?);
            std::thread::spawn(move || {
                let mut buffer = [0; 2048];
                while let Ok((size, from)) = answers.recv_from(&mut buffer) {
                    let _ = answers.send_to(&buffer[..size], from);
                }
            });
        }
        Ok(Self { asks, others: addresses })
    }

    /// A datagram of so many bytes to each of the others, and an answer from each.
    pub(crate) fn round(&self, size: usize) -> io::Result<Duration> {
        let began = Instant::now();
        let payload = vec![b'x'; size];
        for to in &self.others {
            self.asks.send_to(&payload, to)?;
        }
        for _ in &self.others {
            self.asks.recv(&mut [0; 2048])?;
        }
        Ok(began.elapsed())
    }
}

/// A database beside those of the peers.
pub(crate) struct Commits(Connection);

impl Commits {
    /// In this folder.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let opened = Connection::open(folder.join("bare.db")).map_err(io::Error::other)?;
        opened
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE bare (number INTEGER, text TEXT)",
            )
            .map_err(io::Error::other)?;
        Ok(Self(opened))
    }

    /// One row, to the disk.
    pub(crate) fn commit(&self, number: usize) -> io::Result<Duration> {
        let began = Instant::now();
        let insert = "INSERT INTO bare VALUES (?1, 'number, of the usual length of a line')";
        let number = i64::try_from(number).unwrap_or(0);
        self.0.prepare_cached(insert).and_then(|mut insert| insert.execute([number])).map_err(io::Error::other)?;
        Ok(began.elapsed())
    }
}

//! The port of `peer progress listen`: where it is, what comes there, and how much of it is looked at.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;

use crate::data::board::Progress;
use crate::engine::Instant;
use crate::node::{Interfaces, LinkFilter, port_holders};
use crate::wire::{PublicKey, Safe};

use super::super::trouble::Trouble;
use super::lone;

/// The port that is tried first.
pub(super) const USUAL: u16 = 8000;

/// So many after it are tried.
const MORE: u16 = 20;

/// What one sender may send a second, and all together; four times as much at once.
const ONE: u64 = 20;
const ALL: u64 = 100;

/// Senders, and datagrams, that are remembered.
const SENDERS: usize = 256;
const SEEN: usize = 1_024;

/// An open port.
#[derive(Debug)]
pub(super) struct Port {
    socket: UdpSocket,
    pub(super) number: u16,
    gate: Gate,
}

/// Progress that came to the port.
#[derive(Debug)]
pub(super) struct Came {
    pub(super) progress: Progress,
    pub(super) by: PublicKey,
    pub(super) from: SocketAddr,
}

impl Port {
    /// Opens the port that is asked for, or the usual one or one of those after it; with a remark where it is not the
    /// usual one.
    pub(super) async fn open(wanted: Option<u16>) -> Result<(Self, Option<String>), Trouble> {
        let Some(port) = wanted else { return Self::any().await };
        match UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port)).await {
            Ok(socket) => Ok((Self { socket, number: port, gate: Gate::default() }, None)),
            Err(error) => Err(Trouble::failed(format!("{}: name another with --port", taken(port, &error)))),
        }
    }

    async fn any() -> Result<(Self, Option<String>), Trouble> {
        let mut first = None;
        for number in USUAL..USUAL + MORE {
            match UdpSocket::bind((Ipv4Addr::UNSPECIFIED, number)).await {
                Ok(socket) => {
                    let remark = first.map(|why| format!("{why}, so it is port {number}"));
                    return Ok((Self { socket, number, gate: Gate::default() }, remark));
                }
                Err(error) => first = first.or_else(|| Some(taken(number, &error))),
            }
        }
        let why = first.unwrap_or_default();
        Err(Trouble::failed(format!("{why}, and none of the {MORE} after it is free: name one with --port")))
    }

    /// The next progress that comes, which has not come before. Nothing is lost by dropping the future early.
    pub(super) async fn next(&mut self, now: impl Fn() -> Instant) -> Came {
        let mut bytes = [0; lone::DATAGRAM + 1];
        loop {
            // The system tells here, too, that something sent before did not arrive; nothing is sent.
            let Ok((count, from)) = self.socket.recv_from(&mut bytes).await else {
                tokio::time::sleep(Duration::from_millis(10)).await;
                continue;
            };
            let bytes = bytes.get(..count).unwrap_or_default();
            if !self.gate.takes(from.ip(), now()) || self.gate.knows(bytes) {
                continue;
            }
            match lone::decode(bytes) {
                Some((by, progress)) => {
                    self.gate.note(bytes);
                    return Came { progress, by, from };
                }
                None => self.gate.refused += 1,
            }
        }
    }

    /// How many datagrams came too fast, and how many were none of ours.
    pub(super) fn dropped(&self) -> (u64, u64) {
        (self.gate.too_fast, self.gate.refused)
    }
}

fn taken(port: u16, error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::AddrInUse {
        return format!("port {port} cannot be used ({error})");
    }
    let holders = port_holders(port);
    let names: Vec<String> =
        holders.iter().map(|holder| format!("{}, process {}", Safe::fitted(&holder.program, 40), holder.pid)).collect();
    match names.as_slice() {
        [] => format!("port {port} is taken"),
        names => format!("port {port} is taken by {}", names.join(" and ")),
    }
}

/// Where others reach a port of this computer: the address of the default route first, then those of the other live
/// interfaces; alone the loopback.
pub(super) fn addresses(wanted: Vec<String>) -> Vec<Ipv4Addr> {
    let Ok(found) = Interfaces::read(&LinkFilter::new(wanted)) else { return vec![Ipv4Addr::LOCALHOST] };
    let mut all = vec![found.primary];
    for link in &found.links {
        if !link.address.is_loopback() && !all.contains(&link.address) {
            all.push(link.address);
        }
    }
    all
}

/// What passes of all that comes.
#[derive(Debug, Default)]
struct Gate {
    senders: BTreeMap<IpAddr, Bucket>,
    all: Bucket,
    seen: VecDeque<[u8; 32]>,
    too_fast: u64,
    refused: u64,
}

/// How much somebody sent of late: it runs out with time.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    used: u64,
    at: Instant,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { used: 0, at: Instant::from_nanos(0) }
    }
}

impl Bucket {
    /// Lets one through, if it is not the fifth second's worth.
    fn takes(&mut self, rate: u64, now: Instant) -> bool {
        let ran_out = u64::try_from(now.since(self.at).as_millis()).unwrap_or(u64::MAX).saturating_mul(rate) / 1_000;
        // A clock that was set back begins anew.
        if ran_out > 0 || now < self.at {
            self.used = self.used.saturating_sub(ran_out);
            self.at = now;
        }
        let takes = self.used < rate * 4;
        self.used += u64::from(takes);
        takes
    }
}

impl Gate {
    fn takes(&mut self, from: IpAddr, now: Instant) -> bool {
        if self.senders.len() >= SENDERS && !self.senders.contains_key(&from) {
            self.senders.clear();
        }
        let takes = self.senders.entry(from).or_default().takes(ONE, now) && self.all.takes(ALL, now);
        self.too_fast += u64::from(!takes);
        takes
    }

    fn knows(&self, bytes: &[u8]) -> bool {
        self.seen.contains(blake3::hash(bytes).as_bytes())
    }

    fn note(&mut self, bytes: &[u8]) {
        if self.seen.len() >= SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back(*blake3::hash(bytes).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: u64) -> Instant {
        Instant::from_nanos(milliseconds * 1_000_000)
    }

    #[test]
    fn a_flood_is_cut_short_and_others_still_get_through() {
        let mut gate = Gate::default();
        let [flooder, other] = [[10, 0, 0, 1], [10, 0, 0, 2]].map(IpAddr::from);
        let passed = (0..100_000).filter(|n| gate.takes(flooder, at(1_000 + n / 10_000))).count();
        assert_eq!(passed, 80);
        assert!(gate.takes(other, at(1_010)));
        assert!(gate.takes(flooder, at(1_100)), "a tenth of a second later there is room again");
        let passed = (0..100_000_u32).filter(|n| gate.takes(IpAddr::from(n.to_be_bytes()), at(1_100))).count();
        assert!(passed <= 400 && gate.senders.len() <= SENDERS, "{passed}");
    }

    #[test]
    fn the_same_datagram_is_taken_once() {
        let mut gate = Gate::default();
        assert!(!gate.knows(b"x"));
        gate.note(b"x");
        assert!(gate.knows(b"x"));
        (0..10_000_u32).for_each(|n| gate.note(&n.to_be_bytes()));
        assert!(gate.seen.len() == SEEN && !gate.knows(b"x"));
    }

    #[test]
    fn addresses_are_some_and_never_unspecified() {
        let all = addresses(Vec::new());
        assert!(!all.is_empty() && all.iter().all(|ip| !ip.is_unspecified()), "{all:?}");
    }
}

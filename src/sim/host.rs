//! The machines of the LAN.

use std::net::Ipv4Addr;

use crate::engine::{Link, Links};

use super::ProgramId;

/// A host's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub(super) usize);

#[derive(Debug)]
pub(super) struct Host {
    /// The loopback link first.
    pub(super) links: Vec<Link>,
    /// The link of the default route, by its place.
    pub(super) default_route: Option<usize>,
    /// No cable.
    pub(super) cut: bool,
    /// Hosts with different numbers do not hear each other.
    pub(super) cell: usize,
    /// In the order of their start: a unicast to the discovery port reaches the last one.
    pub(super) programs: Vec<ProgramId>,
    pub(super) sent: u64,
}

impl Host {
    pub(super) fn new(addresses: &[&str]) -> Self {
        let mut host =
            Self { links: Vec::new(), default_route: None, cut: false, cell: 0, programs: Vec::new(), sent: 0 };
        host.set_addresses(addresses);
        host
    }

    /// Takes these addresses (`10.0.0.1/24`) in place of the others; the first has the default route.
    pub(super) fn set_addresses(&mut self, addresses: &[&str]) {
        let loopback = Link { name: "lo".into(), address: Ipv4Addr::LOCALHOST, prefix: 8, broadcast: None };
        self.links = vec![loopback];
        for (at, text) in addresses.iter().enumerate() {
            if let Some(link) = parse(&format!("eth{at}"), text) {
                self.links.push(link);
            }
        }
        self.default_route = (self.links.len() > 1).then_some(1);
    }

    /// What an engine on this host is told.
    pub(super) fn view(&self, discovery_open: bool) -> Links {
        let first = self.default_route.or((self.links.len() > 1).then_some(1)).unwrap_or(0);
        Links { links: self.links.clone(), primary: self.links[first].address, discovery_open }
    }

    pub(super) fn has(&self, ip: Ipv4Addr) -> bool {
        self.links.iter().any(|link| link.address == ip)
    }

    /// The link that this address is on, the loopback aside.
    pub(super) fn link_to(&self, ip: Ipv4Addr) -> Option<&Link> {
        self.links.iter().skip(1).find(|link| link.reaches(ip))
    }
}

/// Reads `10.0.0.1/24`.
fn parse(name: &str, text: &str) -> Option<Link> {
    let (address, prefix) = text.split_once('/')?;
    let (address, prefix): (Ipv4Addr, u8) = (address.parse().ok()?, prefix.parse().ok()?);
    let hosts = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    let broadcast = (prefix < 31).then(|| Ipv4Addr::from_bits(address.to_bits() | hosts));
    Some(Link { name: name.to_owned(), address, prefix, broadcast })
}

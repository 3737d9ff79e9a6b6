//! The live IPv4 interfaces, as the system has them.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, UdpSocket};

use if_addrs::{IfAddr, Interface};

use crate::engine::{Link, Links};

/// Which interfaces the user wants: by name or IPv4 address; none named means all.
///
/// The loopback stays in any case: what goes over it does not leave this computer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LinkFilter(Vec<String>);

impl LinkFilter {
    /// Only these, and the loopback.
    #[must_use]
    pub fn new(wanted: Vec<String>) -> Self {
        Self(wanted)
    }

    /// The names and addresses.
    #[must_use]
    pub fn wanted(&self) -> &[String] {
        &self.0
    }

    fn takes(&self, link: &Link) -> bool {
        // A second address may go by the interface's name and a label: eth0:1.
        let interface = link.name.split(':').next().unwrap_or_default();
        let named = |text: &String| *text == link.name || text == interface || text.parse() == Ok(link.address);
        self.0.is_empty() || link.address.is_loopback() || self.0.iter().any(named)
    }
}

/// The live interfaces: those that may be used, and those that the user does not want.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interfaces {
    /// Those that may be used, loopback included, in the system's order.
    pub links: Vec<Link>,
    /// Live ones that [`LinkFilter`] leaves out.
    pub unwanted: Vec<Link>,
    /// The address of the default route, else of the first live link, else 127.0.0.1.
    pub primary: Ipv4Addr,
}

impl Interfaces {
    /// Reads them from the system.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(filter: &LinkFilter) -> io::Result<Self> {
        let found = if_addrs::get_if_addrs()?;
        Ok(Self::of(found.iter().filter_map(live_link).collect(), filter, default_route()))
    }

    /// No interface at all, as it is before the first look.
    pub(super) fn none() -> Self {
        Self { links: Vec::new(), unwanted: Vec::new(), primary: Ipv4Addr::LOCALHOST }
    }

    fn of(live: Vec<Link>, filter: &LinkFilter, route: Option<Ipv4Addr>) -> Self {
        let (links, unwanted): (Vec<Link>, Vec<Link>) = live.into_iter().partition(|link| filter.takes(link));
        let outside = || links.iter().map(|link| link.address).find(|ip| !ip.is_loopback());
        let primary = route.filter(|ip| links.iter().any(|link| link.address == *ip)).or_else(outside);
        Self { primary: primary.unwrap_or(Ipv4Addr::LOCALHOST), links, unwanted }
    }

    /// The names of those that may be used and lead off this computer.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for link in self.links.iter().filter(|link| !link.address.is_loopback()) {
            if !names.contains(&link.name) {
                names.push(link.name.clone());
            }
        }
        names
    }

    /// True when what comes from `ip` came over an interface that the user does not want.
    #[must_use]
    pub fn hides(&self, ip: Ipv4Addr) -> bool {
        // A network part of no bits says nothing about where a datagram came from.
        let over = |links: &[Link]| links.iter().any(|link| link.prefix > 0 && link.reaches(ip));
        over(&self.unwanted) && !over(&self.links)
    }

    /// What the engine must know.
    #[must_use]
    pub fn for_engine(&self, discovery_open: bool) -> Links {
        Links { links: self.links.clone(), primary: self.primary, discovery_open }
    }
}

fn live_link(interface: &Interface) -> Option<Link> {
    let IfAddr::V4(found) = &interface.addr else { return None };
    if !interface.is_oper_up() || found.ip.is_unspecified() {
        return None;
    }
    let broadcast = if interface.is_p2p { None } else { broadcast(found.ip, found.prefixlen, found.broadcast) };
    Some(Link { name: interface.name.clone(), address: found.ip, prefix: found.prefixlen, broadcast })
}

/// The directed broadcast address: the system's, else the last address of the network. Networks of one or two hosts
/// have none.
fn broadcast(ip: Ipv4Addr, prefix: u8, told: Option<Ipv4Addr>) -> Option<Ipv4Addr> {
    if !(1..=30).contains(&prefix) {
        return None;
    }
    let hosts = u32::MAX >> prefix;
    let last = Ipv4Addr::from_bits(ip.to_bits() | hosts);
    Some(told.filter(|told| !told.is_unspecified() && *told != ip).unwrap_or(last))
}

/// The address that datagrams to the internet would leave from. Nothing is sent.
fn default_route() -> Option<Ipv4Addr> {
    /// Of a network that is kept for documentation: only the default route leads there.
    const AWAY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(203, 0, 113, 1), 9);
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect(AWAY).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(ip) => Some(ip).filter(|ip| !ip.is_unspecified()),
        IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str, ip: [u8; 4], prefix: u8) -> Link {
        let address = Ipv4Addr::from(ip);
        Link { name: name.to_owned(), address, prefix, broadcast: broadcast(address, prefix, None) }
    }

    fn three() -> Vec<Link> {
        vec![link("lo", [127, 0, 0, 1], 8), link("eth0", [192, 168, 1, 11], 24), link("tun0", [10, 8, 0, 2], 32)]
    }

    #[test]
    fn a_directed_broadcast_is_computed_where_the_system_gives_none() {
        let ip = Ipv4Addr::new(10, 1, 130, 7);
        assert_eq!(broadcast(ip, 20, None), Some(Ipv4Addr::new(10, 1, 143, 255)));
        assert_eq!(broadcast(ip, 20, Some(Ipv4Addr::UNSPECIFIED)), Some(Ipv4Addr::new(10, 1, 143, 255)));
        assert_eq!(broadcast(ip, 20, Some(Ipv4Addr::new(10, 1, 128, 0))), Some(Ipv4Addr::new(10, 1, 128, 0)));
        assert_eq!(broadcast(Ipv4Addr::LOCALHOST, 8, None), Some(Ipv4Addr::new(127, 255, 255, 255)));
        for prefix in [0, 31, 32] {
            assert_eq!(broadcast(ip, prefix, None), None, "/{prefix}");
        }
    }

    #[test]
    fn the_default_route_names_us_else_the_first_link_else_the_loopback() {
        let route = Some(Ipv4Addr::new(10, 8, 0, 2));
        let all = LinkFilter::default();
        assert_eq!(Interfaces::of(three(), &all, route).primary, Ipv4Addr::new(10, 8, 0, 2));
        assert_eq!(Interfaces::of(three(), &all, None).primary, Ipv4Addr::new(192, 168, 1, 11));
        assert_eq!(Interfaces::of(three()[..1].to_vec(), &all, None).primary, Ipv4Addr::LOCALHOST);
        let only = LinkFilter::new(vec!["eth0".to_owned()]);
        assert_eq!(Interfaces::of(three(), &only, route).primary, Ipv4Addr::new(192, 168, 1, 11));
    }

    #[test]
    fn a_filter_takes_names_and_addresses_and_keeps_the_loopback() {
        for wanted in ["eth0", "192.168.1.11"] {
            let found = Interfaces::of(three(), &LinkFilter::new(vec![wanted.to_owned()]), None);
            let names: Vec<&str> = found.links.iter().map(|link| link.name.as_str()).collect();
            assert_eq!(names, ["lo", "eth0"]);
            assert_eq!(found.names(), ["eth0"]);
        }
        let mut labelled = three();
        labelled.push(link("eth0:1", [192, 168, 2, 11], 24));
        let found = Interfaces::of(labelled, &LinkFilter::new(vec!["eth0".to_owned()]), None);
        assert_eq!(found.names(), ["eth0", "eth0:1"]);
        let none = Interfaces::of(three(), &LinkFilter::new(vec!["wlan7".to_owned()]), None);
        assert!(none.names().is_empty() && none.links.len() == 1);
    }

    #[test]
    fn what_comes_over_an_unwanted_interface_is_hidden() {
        let found = Interfaces::of(three(), &LinkFilter::new(vec!["tun0".to_owned()]), None);
        assert!(found.hides(Ipv4Addr::new(192, 168, 1, 12)));
        assert!(!found.hides(Ipv4Addr::new(10, 8, 0, 2)));
        assert!(!found.hides(Ipv4Addr::new(8, 8, 8, 8)), "a peer beyond a router may come over any of them");
        assert!(!found.hides(Ipv4Addr::LOCALHOST));
    }

    #[test]
    fn this_host_has_a_loopback_with_a_broadcast_address() {
        let found = Interfaces::read(&LinkFilter::default()).unwrap();
        let lo = found.links.iter().find(|link| link.address.is_loopback()).unwrap();
        assert_eq!(lo.broadcast, Some(Ipv4Addr::new(127, 255, 255, 255)));
    }
}

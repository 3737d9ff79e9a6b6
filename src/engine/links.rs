//! The network interfaces that the engine may use, as the shell found them.

use std::net::Ipv4Addr;

/// One IPv4 address of one live interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The interface's name.
    pub name: String,
    /// Our address on it.
    pub address: Ipv4Addr,
    /// Length of the network part, bits, 0 to 32.
    pub prefix: u8,
    /// Where a datagram for everyone on it goes; none on point-to-point links.
    pub broadcast: Option<Ipv4Addr>,
}

impl Link {
    /// True when `ip` is a neighbour on this link, or we ourselves.
    #[must_use]
    pub fn reaches(&self, ip: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32))).unwrap_or(0);
        ip.to_bits() & mask == self.address.to_bits() & mask
    }
}

/// The one of these links that what is sent to `ip` leaves by: that of the smallest network with it; the loopback for
/// our own addresses. None for an address beyond a router.
#[must_use]
pub fn link_to(links: &[Link], ip: Ipv4Addr) -> Option<&Link> {
    let own = ip.is_loopback() || links.iter().any(|link| link.address == ip);
    if let Some(loopback) = links.iter().find(|link| own && link.address.is_loopback()) {
        return Some(loopback);
    }
    let near = links.iter().filter(|link| link.prefix > 0 && link.reaches(ip));
    // The first of those that are alike, as the system has them.
    near.rev().max_by_key(|link| link.prefix)
}

/// All that the engine must know of the host's network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Links {
    /// The live links, loopback included, in the system's order.
    pub links: Vec<Link>,
    /// The IP that stands in our id: of the default route, else of the first live link, else 127.0.0.1.
    pub primary: Ipv4Addr,
    /// Whether the shared discovery socket is open; without it every announcement asks for answers.
    pub discovery_open: bool,
}

impl Default for Links {
    fn default() -> Self {
        Self { links: Vec::new(), primary: Ipv4Addr::LOCALHOST, discovery_open: true }
    }
}

impl Links {
    /// True when `ip` is one of our own addresses; the whole of 127.0.0.0/8 is.
    #[must_use]
    pub fn is_own(&self, ip: Ipv4Addr) -> bool {
        ip.is_loopback() || self.links.iter().any(|link| link.address == ip)
    }

    /// True when `ip` is a host's address on one of our links: ours or a neighbour's, no broadcast address.
    #[must_use]
    pub fn is_on_link(&self, ip: Ipv4Addr) -> bool {
        !self.links.iter().any(|link| link.broadcast == Some(ip))
            && (ip.is_loopback() || self.links.iter().any(|link| link.reaches(ip)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(name: &str, ip: [u8; 4], prefix: u8) -> Link {
        Link { name: name.to_owned(), address: ip.into(), prefix, broadcast: None }
    }

    #[test]
    fn an_address_is_reached_by_the_smallest_network_with_it() {
        let links = [
            link("lo", [127, 0, 0, 1], 8),
            link("eth0", [10, 0, 0, 7], 16),
            link("wlan0", [10, 0, 3, 7], 24),
            link("wlan1", [10, 0, 3, 8], 24),
            link("ppp0", [192, 168, 9, 9], 32),
            link("odd", [172, 16, 0, 1], 0),
        ];
        let by = |ip: [u8; 4]| link_to(&links, ip.into()).map(|link| link.name.as_str());
        assert_eq!(by([10, 0, 9, 1]), Some("eth0"));
        assert_eq!(by([10, 0, 3, 1]), Some("wlan0"), "the first of those that are alike");
        assert_eq!((by([127, 0, 0, 2]), by([10, 0, 0, 7]), by([192, 168, 9, 9])), (Some("lo"), Some("lo"), Some("lo")));
        assert_eq!((by([8, 8, 8, 8]), by([192, 168, 9, 8])), (None, None), "beyond a router");
        let alone = [link("eth0", [10, 0, 0, 7], 24)];
        assert_eq!(link_to(&alone, [10, 0, 0, 7].into()).map(|link| link.name.as_str()), Some("eth0"));
    }
}

//! Where a datagram goes, as a kernel decides it.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::host::Host;

/// Where a datagram goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// To one address of this host.
    Here,
    /// To everyone on this host.
    EveryoneHere,
    /// To one address of the network that `source` is on.
    Neighbour,
    /// To everyone on the network that `source` is on, us included.
    Everyone,
    /// To one address elsewhere, by the default route.
    Afar,
}

/// Where `to` leads from this host, and the source address that such a datagram gets; nothing where it cannot be sent.
pub(super) fn route(host: &Host, to: SocketAddrV4) -> Option<(Route, Ipv4Addr)> {
    let ip = *to.ip();
    let default = host.default_route.map(|at| host.links[at].address);
    if ip == Ipv4Addr::new(127, 255, 255, 255) {
        return Some((Route::EveryoneHere, Ipv4Addr::LOCALHOST));
    }
    if ip.is_loopback() {
        return Some((Route::Here, Ipv4Addr::LOCALHOST));
    }
    if host.has(ip) {
        return Some((Route::Here, ip));
    }
    if ip.is_broadcast() {
        return default.map(|source| (Route::Everyone, source));
    }
    if let Some(link) = host.links.iter().find(|link| link.broadcast == Some(ip)) {
        return Some((Route::Everyone, link.address));
    }
    if let Some(link) = host.link_to(ip) {
        return Some((Route::Neighbour, link.address));
    }
    default.map(|source| (Route::Afar, source))
}

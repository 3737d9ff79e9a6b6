//! Finds out what the doctor judges.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4};
use std::time::Duration;

use tokio::time::timeout;

use crate::engine::Link;
use crate::node::{self, port_holders};
use crate::wire::UserId;

use super::super::args::Options;
use super::facts::{Facts, Host, Interface, Local, Missing, Neighbour, Port, Reached, Seen, Sent, Target};
use super::group::Group;
use super::probe::{self, Probe, TRIES, Voice};
use super::{firewall, interfaces};

/// How long everyone is asked.
const SCAN: Duration = Duration::from_secs(3);

/// Addresses that are asked alone.
const ALONE: usize = 64;

/// A name is looked up for this long.
const LOOKUP: Duration = Duration::from_secs(5);

/// An address outside: only the default route leads there. Of a network that is kept for documentation.
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

/// Finds out everything; takes some seconds.
///
/// # Errors
/// What the system says when it tells no interfaces or gives no socket.
pub(super) async fn gather(options: &Options, target: Option<&str>, group: Option<Group>) -> io::Result<Facts> {
    let discovery_port = options.discovery_port;
    let rules = tokio::task::spawn_blocking(firewall::read);
    let (mut found, links) = interfaces::read(options.interfaces())?;
    let route = probe::source_towards(OUTSIDE);
    let primary = links.iter().map(|link| link.address).find(|ip| !ip.is_loopback());
    let primary = route.or(primary).unwrap_or(Ipv4Addr::LOCALHOST);
    // Without its folder no peer of this user runs here.
    let running = node::neighbours(&node::runtime_folder(), discovery_port).unwrap_or_default();
    let (mut probe, closed) = Probe::open(links.clone(), primary, discovery_port, group)?;
    let mut holders = port_holders(discovery_port);
    // In the process of a peer, that peer holds it as well as we do.
    let in_peer = running.iter().any(|peer| peer.pid == std::process::id());
    holders.retain(|holder| in_peer || holder.pid != std::process::id());
    let port = match closed {
        None => Port::Open(holders),
        Some(reason) => Port::Closed { holders, reason },
    };

    let addresses: Vec<SocketAddrV4> = running.iter().map(node::Neighbour::address).collect();
    probe.scan(&addresses, SCAN).await;
    let own = |ip: Ipv4Addr| ip.is_loopback() || links.iter().any(|link| link.address == ip);
    let listed = listed(&probe, &links, &own);
    let mut alone: BTreeSet<SocketAddrV4> = addresses.iter().copied().collect();
    alone.extend(probe.found.voices.keys().filter(|address| !own(*address.ip())).take(ALONE));
    let silent = |ip: &Ipv4Addr| !probe.found.voices.keys().any(|address| address.ip() == ip);
    alone.extend(listed.keys().filter(|ip| silent(ip)).map(|ip| SocketAddrV4::new(*ip, discovery_port)).take(ALONE));
    let alone: Vec<SocketAddrV4> = alone.into_iter().collect();
    // Each address shows by itself whether it answered.
    let _ = probe.ask(&alone).await;
    let target = match target {
        Some(text) => Some(Target { text: text.to_owned(), reached: reach(text, &mut probe, &links, &listed).await }),
        None => None,
    };

    let local = running.iter().map(|peer| Local {
        pid: peer.pid,
        id: peer.id.clone(),
        port: peer.port,
        answers: probe.found.answers.contains_key(&peer.address()),
    });
    let local = local.collect();
    measured(&mut found, &probe, &links);
    Ok(Facts {
        system: interfaces::system(),
        discovery_port,
        interfaces: found,
        route,
        port,
        firewall: rules.await.unwrap_or_default(),
        local,
        closed: probe.found.closed,
        hosts: hosts(&probe, &listed, &alone, &own),
        target,
    })
}

/// The ids that peers here have on their lists, by the neighbour's address.
fn listed(probe: &Probe, links: &[Link], own: &dyn Fn(Ipv4Addr) -> bool) -> BTreeMap<Ipv4Addr, Vec<String>> {
    let mut listed: BTreeMap<Ipv4Addr, Vec<String>> = BTreeMap::new();
    for id in &probe.found.listed {
        if let Some(ip) = UserId::new(id).and_then(UserId::ip)
            && !own(ip)
            && links.iter().any(|link| link.reaches(ip))
        {
            listed.entry(ip).or_default().push(id.clone());
        }
    }
    listed
}

/// Puts what was measured on each link to its address.
fn measured(interfaces: &mut [Interface], probe: &Probe, links: &[Link]) {
    for interface in interfaces {
        for address in &mut interface.addresses {
            let link = links.iter().position(|link| link.name == interface.name && link.address == address.ip);
            let Some(link) = link else { continue };
            address.sent = probe.found.sent.get(link).cloned().unwrap_or(Sent::No);
            address.echo = probe.found.echoes.get(link).copied().flatten();
            address.answers = probe.found.voices.values().filter(|voice| voice.answered.contains(&link)).count();
        }
    }
}

fn hosts(
    probe: &Probe,
    listed: &BTreeMap<Ipv4Addr, Vec<String>>,
    alone: &[SocketAddrV4],
    own: &dyn Fn(Ipv4Addr) -> bool,
) -> Vec<Host> {
    let hardware = interfaces::neighbours();
    let mut ips: BTreeSet<Ipv4Addr> = listed.keys().copied().collect();
    ips.extend(probe.found.voices.keys().map(|address| *address.ip()));
    let host = |ip: Ipv4Addr| {
        let voices: Vec<(&SocketAddrV4, &Voice)> = probe.found.voices.iter().filter(|(at, _)| *at.ip() == ip).collect();
        let asked = alone.iter().any(|to| *to.ip() == ip);
        let answers = probe.found.answers.iter().filter(|(to, _)| *to.ip() == ip).map(|(_, answer)| answer.round_trip);
        Host {
            ip,
            own: own(ip),
            peers: voices.iter().map(|(address, voice)| seen(**address, voice)).collect(),
            listed: listed.get(&ip).cloned().unwrap_or_default(),
            heard: voices.iter().any(|(_, voice)| voice.heard),
            hears_broadcast: voices.iter().any(|(_, voice)| !voice.answered.is_empty()),
            answered: answers.min(),
            asked: if asked { TRIES } else { 0 },
            neighbour: hardware.get(&ip).copied().unwrap_or(Neighbour::Unknown),
        }
    };
    ips.into_iter().map(host).collect()
}

fn seen(address: SocketAddrV4, voice: &Voice) -> Seen {
    Seen { address, id: voice.id.clone(), name: voice.name.clone(), older: voice.older }
}

/// Tests the way to one peer or host.
async fn reach(
    text: &str,
    probe: &mut Probe,
    links: &[Link],
    listed: &BTreeMap<Ipv4Addr, Vec<String>>,
) -> Result<Reached, Missing> {
    let mut to = address_of(text, probe, listed).await?;
    let own = |ip: Ipv4Addr| ip.is_loopback() || links.iter().any(|link| link.address == ip);
    if own(*to.ip()) && to.port() == probe.discovery_port() {
        // Here that port is ours as well, and only one of all who share it would be asked.
        let here = |address: &&SocketAddrV4| own(*address.ip());
        let none = || Missing::Nobody("no peer runs on this computer".to_owned());
        to = *probe.found.voices.keys().find(here).ok_or_else(none)?;
    }
    let known = probe.found.answers.contains_key(&to);
    let sent = probe.ask(&[to]).await;
    let answer = probe.found.answers.get(&to).cloned();
    let ip = *to.ip();
    let voices = || probe.found.voices.iter().filter(|(at, _)| *at.ip() == ip).map(|(_, voice)| voice);
    let own = own(ip);
    let link = links.iter().find(|link| link.prefix > 0 && link.reaches(ip)).map(|link| link.name.clone());
    Ok(Reached {
        to,
        own,
        link,
        sent: if known { Ok(()) } else { sent },
        tries: TRIES,
        refused: answer.is_none() && probe::is_refused(probe, to).await,
        answer,
        neighbour: interfaces::neighbours().get(&ip).copied().unwrap_or(Neighbour::Unknown),
        heard: voices().any(|voice| voice.heard),
        listed: listed.contains_key(&ip),
        hears_broadcast: voices().any(|voice| !voice.answered.is_empty()),
    })
}

/// An address as typed; a peer by its id, name or display name, or the beginning of one; else a host's name.
async fn address_of(
    text: &str,
    probe: &Probe,
    listed: &BTreeMap<Ipv4Addr, Vec<String>>,
) -> Result<SocketAddrV4, Missing> {
    let discovery_port = probe.discovery_port();
    let text = text.trim();
    if let Ok(address) = text.parse::<SocketAddrV4>() {
        return Ok(address);
    }
    if let Ok(ip) = text.parse::<Ipv4Addr>() {
        return Ok(SocketAddrV4::new(ip, discovery_port));
    }
    if text.parse::<Ipv6Addr>().is_ok() || text.starts_with('[') {
        return Err(Missing::Nobody("peers speak IPv4 only".to_owned()));
    }
    let mut known: Vec<Known> = probe
        .found
        .voices
        .iter()
        .map(|(address, voice)| Known { id: voice.id.clone(), name: voice.name.clone(), address: *address })
        .collect();
    for (ip, ids) in listed {
        for id in ids.iter().filter(|id| !known.iter().any(|peer| peer.id == **id)).cloned().collect::<Vec<_>>() {
            let name = UserId::new(&id).map(|id| id.name().to_owned()).unwrap_or_default();
            known.push(Known { id, name, address: SocketAddrV4::new(*ip, discovery_port) });
        }
    }
    match among(text, &known) {
        Ok(Some(address)) => return Ok(address),
        Ok(None) => {}
        Err(names) => return Err(Missing::Ambiguous(names)),
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => match port.parse() {
            Ok(port) if !host.is_empty() => (host, port),
            _ => return Err(Missing::Nobody("write HOST or HOST:PORT".to_owned())),
        },
        None => (text, discovery_port),
    };
    if host.contains('@') {
        return Err(Missing::Nobody("an id, but of nobody who answers".to_owned()));
    }
    match timeout(LOOKUP, tokio::net::lookup_host((host, port))).await {
        Ok(Ok(mut found)) => found
            .find_map(|address| match address {
                std::net::SocketAddr::V4(v4) => Some(v4),
                std::net::SocketAddr::V6(_) => None,
            })
            .ok_or_else(|| Missing::Nobody("it has no IPv4 address".to_owned())),
        Ok(Err(error)) => Err(Missing::Nobody(error.to_string())),
        Err(_) => Err(Missing::Nobody("looking it up takes too long".to_owned())),
    }
}

/// A peer that may be meant.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    id: String,
    name: String,
    address: SocketAddrV4,
}

/// The one that is meant: the whole id, else the name, else the beginning of either; the candidates, if several are.
fn among(text: &str, known: &[Known]) -> Result<Option<SocketAddrV4>, Vec<String>> {
    let lower = text.trim_matches('"').to_lowercase();
    let begins = |of: &str| of.to_lowercase().starts_with(&lower);
    let is = |of: &str| of.to_lowercase() == lower;
    let name_in_id = |peer: &Known| is(peer.id.rsplit_once('@').map_or(peer.id.as_str(), |(name, _)| name));
    let ranks: [&dyn Fn(&Known) -> bool; 3] =
        [&|peer| is(&peer.id), &|peer| is(&peer.name) || name_in_id(peer), &|peer| {
            begins(&peer.name) || begins(&peer.id)
        }];
    for rank in ranks {
        let found: Vec<&Known> = known.iter().filter(|peer| !lower.is_empty() && rank(peer)).collect();
        let ids: BTreeSet<&str> = found.iter().map(|peer| peer.id.as_str()).collect();
        let hosts: BTreeSet<(bool, Ipv4Addr)> =
            found.iter().map(|peer| (peer.address.ip().is_loopback(), *peer.address.ip())).collect();
        match found.as_slice() {
            [] => {}
            // One peer may be heard from several of its addresses; the one off the loopback is told.
            [.., last] if ids.len() == 1 && hosts.iter().filter(|(loopback, _)| !loopback).count() <= 1 => {
                let outer = found.iter().find(|peer| !peer.address.ip().is_loopback());
                return Ok(Some(outer.map_or(last.address, |peer| peer.address)));
            }
            several => return Err(several.iter().map(|peer| format!("{} ({})", peer.id, peer.address)).collect()),
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(id: &str, name: &str, address: &str) -> Known {
        Known { id: id.to_owned(), name: name.to_owned(), address: address.parse().unwrap() }
    }

    #[test]
    fn a_peer_is_found_by_id_name_or_beginning_and_never_guessed() {
        let all = [
            known("bob@10.0.0.2", "Bob the Great", "10.0.0.2:8001"),
            known("bobby@10.0.0.3", "bobby", "10.0.0.3:8002"),
            known("eve@10.0.0.4", "eve", "10.0.0.4:8003"),
            known("eve@10.0.0.5", "eve", "10.0.0.5:8003"),
        ];
        let at = |text: &str| among(text, &all).map(|found| found.map(|address| address.to_string()));
        assert_eq!(at("BOB"), Ok(Some("10.0.0.2:8001".to_owned())), "the name goes before a beginning");
        assert_eq!(at("bob@10.0.0.2"), Ok(Some("10.0.0.2:8001".to_owned())));
        assert_eq!(at("\"Bob the\""), Ok(Some("10.0.0.2:8001".to_owned())));
        assert_eq!(at("bobb"), Ok(Some("10.0.0.3:8002".to_owned())));
        assert_eq!(at("nobody"), Ok(None));
        assert_eq!(at(""), Ok(None));
        assert_eq!(at("eve").unwrap_err(), ["eve@10.0.0.4 (10.0.0.4:8003)", "eve@10.0.0.5 (10.0.0.5:8003)"]);
    }

    #[test]
    fn one_peer_at_several_addresses_is_one() {
        let here = [known("al@10.0.0.1", "al", "127.0.0.1:8001"), known("al@10.0.0.1", "al", "10.0.0.1:8001")];
        assert_eq!(among("al", &here), Ok(Some("10.0.0.1:8001".parse().unwrap())));
    }
}

//! The interfaces of this computer, those that are down included, and what the system knows of its neighbours.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use if_addrs::IfAddr;

use crate::engine::Link;
use crate::node::{Interfaces, LinkFilter};

use super::facts::{Address, Family, Interface, Medium, Neighbour, Sent, System};

/// Names of interfaces that only programs of this computer are behind.
const VIRTUAL: [&str; 10] = ["docker", "br-", "virbr", "veth", "vmnet", "vboxnet", "lxcbr", "lxdbr", "podman", "cni"];

/// Names of tunnels, where they do not show otherwise.
const TUNNELS: [&str; 7] = ["tun", "wg", "ppp", "utun", "tailscale", "ipsec", "nordlynx"];

/// The interfaces, and the links among them that can be used.
pub(super) fn read(wanted: Vec<String>) -> io::Result<(Vec<Interface>, Vec<Link>)> {
    let usable = Interfaces::read(&LinkFilter::new(wanted))?;
    let mut interfaces: BTreeMap<String, Interface> = BTreeMap::new();
    for name in names() {
        interfaces.insert(name.clone(), described(name));
    }
    for found in if_addrs::get_if_addrs()? {
        let interface = interfaces
            .entry(found.name.clone())
            .or_insert_with(|| Interface { up: found.is_oper_up(), ..described(found.name.clone()) });
        if found.is_loopback() {
            interface.medium = Medium::Loopback;
        } else if found.is_p2p {
            interface.medium = Medium::Tunnel;
        }
        let IfAddr::V4(v4) = &found.addr else { continue };
        let link =
            usable.links.iter().chain(&usable.unwanted).find(|link| link.name == found.name && link.address == v4.ip);
        let broadcast = link.and_then(|link| link.broadcast);
        let address = Address { ip: v4.ip, prefix: v4.prefixlen, broadcast, sent: Sent::No, echo: None, answers: 0 };
        interface.addresses.push(address);
        interface.unwanted = usable.unwanted.iter().any(|link| link.name == found.name);
    }
    let mut interfaces: Vec<Interface> = interfaces.into_values().collect();
    interfaces.sort_by_key(|interface| (interface.medium == Medium::Loopback, !interface.is_lan()));
    Ok((interfaces, usable.links))
}

/// All names, of interfaces without an address as well; empty where the system does not tell.
fn names() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/dev").unwrap_or_default();
    table.lines().filter_map(|line| line.split_once(':')).map(|(name, _)| name.trim().to_owned()).collect()
}

fn described(name: String) -> Interface {
    let folder = Path::new("/sys/class/net").join(&name);
    let told = |file: &str| std::fs::read_to_string(folder.join(file)).ok().map(|text| text.trim().to_owned());
    let flags = told("flags").and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok());
    let begins = |list: &[&str]| list.iter().any(|begin| name.starts_with(begin));
    let medium = if flags.is_some_and(|flags| flags & 0x8 != 0) {
        Medium::Loopback
    } else if folder.join("wireless").exists() || folder.join("phy80211").exists() {
        Medium::Wireless
    } else if flags.is_some_and(|flags| flags & 0x10 != 0) || begins(&TUNNELS) {
        Medium::Tunnel
    } else if begins(&VIRTUAL) {
        Medium::Virtual
    } else {
        Medium::Wired
    };
    Interface {
        medium,
        up: flags.is_none_or(|flags| flags & 0x1 != 0),
        carrier: told("carrier").map(|text| text == "1"),
        device: folder.join("device").exists(),
        unwanted: false,
        addresses: Vec::new(),
        name,
    }
}

/// What the system knows of each neighbour on the link; empty where it does not tell.
pub(super) fn neighbours() -> BTreeMap<Ipv4Addr, Neighbour> {
    parse_neighbours(&std::fs::read_to_string("/proc/net/arp").unwrap_or_default())
}

fn parse_neighbours(table: &str) -> BTreeMap<Ipv4Addr, Neighbour> {
    let line = |line: &str| {
        let mut columns = line.split_ascii_whitespace();
        let ip = columns.next()?.parse().ok()?;
        let flags = u32::from_str_radix(columns.nth(1)?.trim_start_matches("0x"), 16).ok()?;
        Some((ip, if flags & 0x2 != 0 { Neighbour::There } else { Neighbour::Silent }))
    };
    table.lines().skip(1).filter_map(line).collect()
}

/// What kind of system this is.
pub(super) fn system() -> System {
    let family = if cfg!(target_os = "linux") {
        Family::Linux
    } else if cfg!(windows) {
        Family::Windows
    } else if cfg!(target_os = "macos") {
        Family::MacOs
    } else {
        Family::Other
    };
    let version = std::fs::read_to_string("/proc/version").unwrap_or_default().to_lowercase();
    let marked = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"];
    System {
        family,
        wsl: version.contains("microsoft"),
        container: marked.iter().any(|file| Path::new(file).exists()) || std::env::var_os("container").is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_that_answered_and_those_that_did_not_are_told_apart() {
        let table = "IP address       HW type     Flags       HW address            Mask     Device\n\
                     192.0.2.1        0x1         0x2         02:fc:00:00:00:05     *        eth0\n\
                     192.0.2.9        0x1         0x0         00:00:00:00:00:00     *        eth0\nrubbish\n";
        let found = parse_neighbours(table);
        assert_eq!(found.get(&Ipv4Addr::new(192, 0, 2, 1)), Some(&Neighbour::There));
        assert_eq!(found.get(&Ipv4Addr::new(192, 0, 2, 9)), Some(&Neighbour::Silent));
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn this_computer_has_a_loopback() {
        let (interfaces, links) = read(Vec::new()).unwrap();
        assert!(interfaces.iter().any(|interface| interface.medium == Medium::Loopback && interface.is_live()));
        assert!(links.iter().any(|link| link.address.is_loopback()));
    }
}

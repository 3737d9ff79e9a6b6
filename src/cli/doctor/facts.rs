//! What was found out about this computer and its networks. Nothing here judges.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use crate::node::Holder;

use super::filter::Filter;

/// All that was found out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Facts {
    pub(super) system: System,
    pub(super) discovery_port: u16,
    pub(super) interfaces: Vec<Interface>,
    /// The source address of what goes to the internet.
    pub(super) route: Option<Ipv4Addr>,
    pub(super) port: Port,
    pub(super) firewall: Firewall,
    /// Peers of this user that run here.
    pub(super) local: Vec<Local>,
    /// Somebody speaks in a closed group whose secret we do not have.
    pub(super) closed: bool,
    pub(super) hosts: Vec<Host>,
    pub(super) target: Option<Target>,
}

/// What kind of system this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct System {
    pub(super) family: Family,
    /// The Windows Subsystem for Linux, with a network of its own.
    pub(super) wsl: bool,
    pub(super) container: bool,
}

/// Whose commands to type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Linux,
    Windows,
    MacOs,
    Other,
}

/// One network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: String,
    pub(super) medium: Medium,
    /// Whether it is switched on.
    pub(super) up: bool,
    /// Whether a cable or a Wi-Fi is there; none where the system does not tell.
    pub(super) carrier: Option<bool>,
    /// Whether it is a device that can be touched.
    pub(super) device: bool,
    /// Whether the options leave it out.
    pub(super) unwanted: bool,
    pub(super) addresses: Vec<Address>,
}

/// What an interface is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    Loopback,
    Wired,
    Wireless,
    /// A VPN or another tunnel.
    Tunnel,
    /// Between programs of this computer: bridges of containers and virtual machines.
    Virtual,
}

/// One IPv4 address of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) ip: Ipv4Addr,
    pub(super) prefix: u8,
    pub(super) broadcast: Option<Ipv4Addr>,
    pub(super) sent: Sent,
    /// How long our own broadcast took to come back.
    pub(super) echo: Option<Duration>,
    /// Addresses that answered what was broadcast here.
    pub(super) answers: usize,
}

/// What became of our broadcast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent {
    /// There was none.
    No,
    Yes,
    /// What the system says.
    Refused(String),
}

/// The discovery port on this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Port {
    /// We could listen; these do as well.
    Open(Vec<Holder>),
    /// We could not.
    Closed { holders: Vec<Holder>, reason: String },
}

/// What is known of the firewall.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Firewall {
    /// Rules that could be read.
    pub(super) filters: Vec<Filter>,
    /// Tools that were there and told nothing.
    pub(super) unread: Vec<&'static str>,
    /// What can be seen without reading rules: ufw is switched on.
    pub(super) ufw_on: bool,
    /// The ports that firewalld lets through, where it told: first and last of each range.
    pub(super) firewalld: Option<Vec<(u16, u16)>>,
}

/// A peer of this user that runs here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Local {
    pub(super) pid: u32,
    pub(super) id: String,
    pub(super) port: u16,
    pub(super) answers: bool,
}

/// Another computer, or this one, with the peers on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) ip: Ipv4Addr,
    /// Ours.
    pub(super) own: bool,
    pub(super) peers: Vec<Seen>,
    /// Ids at this host that a peer which runs here has on its list.
    pub(super) listed: Vec<String>,
    /// A broadcast of it was heard.
    pub(super) heard: bool,
    /// It answered our broadcast.
    pub(super) hears_broadcast: bool,
    /// It answered a question sent to it alone, after this time.
    pub(super) answered: Option<Duration>,
    /// How often it was asked alone.
    pub(super) asked: u8,
    pub(super) neighbour: Neighbour,
}

/// One peer that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) address: SocketAddrV4,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) older: bool,
}

/// What the system knows of a neighbour's hardware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Neighbour {
    /// It answered on the link.
    There,
    /// It did not.
    Silent,
    /// Not asked, not on our networks, or the system does not tell.
    Unknown,
}

/// The one path that was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// As typed.
    pub(super) text: String,
    pub(super) reached: Result<Reached, Missing>,
}

/// Why there is no address to test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Missing {
    /// Nobody is called so, and the system knows no such host.
    Nobody(String),
    /// More than one is called so.
    Ambiguous(Vec<String>),
}

/// The test of one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reached {
    pub(super) to: SocketAddrV4,
    /// Whether it is ourselves.
    pub(super) own: bool,
    /// The interface whose network it is on; none when it is behind a router.
    pub(super) link: Option<String>,
    pub(super) sent: Result<(), String>,
    pub(super) tries: u8,
    pub(super) answer: Option<Answer>,
    /// The other computer says that nobody listens at that port.
    pub(super) refused: bool,
    pub(super) neighbour: Neighbour,
    /// A broadcast of it was heard.
    pub(super) heard: bool,
    /// A peer that runs here has it on its list.
    pub(super) listed: bool,
    /// It answered our broadcast.
    pub(super) hears_broadcast: bool,
}

/// What the other end answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) from: SocketAddrV4,
    pub(super) id: String,
    pub(super) older: bool,
    pub(super) round_trip: Duration,
}

impl Interface {
    /// Whether a datagram can leave by it.
    pub(super) fn is_live(&self) -> bool {
        self.up && self.carrier != Some(false) && !self.addresses.is_empty()
    }

    /// Whether it leads to a network where everyone can be spoken to at once.
    pub(super) fn is_lan(&self) -> bool {
        let outward = !matches!(self.medium, Medium::Loopback | Medium::Tunnel);
        outward && !self.unwanted && self.is_live() && self.addresses.iter().any(|address| address.broadcast.is_some())
    }
}

impl Host {
    /// Who is there, for people.
    pub(super) fn names(&self) -> String {
        let mut names: Vec<&str> = self.peers.iter().map(|peer| peer.id.as_str()).collect();
        names.extend(self.listed.iter().map(String::as_str));
        names.sort_unstable();
        names.dedup();
        let more = names.len().saturating_sub(3);
        names.truncate(3);
        let list = names.join(", ");
        if more == 0 { list } else { format!("{list} and {more} more") }
    }

    /// Whether it answers in some way.
    pub(super) fn answers(&self) -> bool {
        self.hears_broadcast || self.answered.is_some()
    }
}

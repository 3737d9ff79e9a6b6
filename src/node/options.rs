//! What a peer is started with, why it did not start, and what its user must know.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::engine::Config;
use crate::wire::Name;

use super::{Holder, Keys};

/// What a peer starts with.
#[derive(Debug, Clone)]
pub struct Options {
    /// The name in its id.
    pub name: Name,
    /// What it wants to be called, if not by that name.
    pub display_name: Option<String>,
    /// A line about it.
    pub status: Option<String>,
    /// Its picture: PNG or JPEG of at most 20,480 bytes.
    pub avatar: Option<Vec<u8>>,
    /// What makes it a signed peer; none for one that shows no key, such as one that only looks around.
    pub keys: Option<Keys>,
    /// The durations of the protocol.
    pub config: Config,
    /// The port of the unicast socket and no other; the start fails when it is taken.
    pub port: Option<u16>,
    /// The port of the unicast socket when it is free; else another is taken. See [`Settings::port`](super::Settings).
    pub usual_port: Option<u16>,
    /// Names or IPv4 addresses of the interfaces to use; empty for all. The loopback is always used.
    pub interfaces: Vec<String>,
    /// Peers to try at every beat, `HOST[:PORT]`; the port is by default the discovery port.
    pub peers: Vec<String>,
    /// The file that remembers where peers answered; see [`Profile::paths_file`](super::Profile::paths_file).
    pub paths: Option<PathBuf>,
    /// Whether peers of this user on this host find each other by files, too. A peer that only looks around
    /// ([`Config::scan`]) reads them and writes none.
    pub neighbours: bool,
    /// The folder of those files; none for the usual one of this user.
    pub runtime_folder: Option<PathBuf>,
}

impl Options {
    /// A peer with this name, without a key, and nothing else unusual. It keeps no file but that for its neighbours.
    #[must_use]
    pub fn new(name: Name) -> Self {
        Self {
            name,
            display_name: None,
            status: None,
            avatar: None,
            keys: None,
            config: Config::default(),
            port: None,
            usual_port: None,
            interfaces: Vec::new(),
            peers: Vec::new(),
            paths: None,
            neighbours: true,
            runtime_folder: None,
        }
    }
}

/// Why a peer did not start; nothing runs and nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port that was asked for is taken.
    #[error("port {port} is in use{}: choose another one with --port, or leave --port out", by(holders))]
    PortInUse {
        /// The port.
        port: u16,
        /// Who holds it, where the system tells.
        holders: Vec<Holder>,
    },
    /// The port that was asked for is the one that everybody listens on.
    #[error("port {0} is the discovery port: choose another one with --port, or leave --port out")]
    PortIsDiscovery(u16),
    /// The port that was asked for is one that other peers do not answer.
    #[error("port {0} is below 1024, and peers take nothing from there: choose another one with --port")]
    PortTooLow(u16),
    /// An entry of [`Options::peers`] that is no `HOST[:PORT]`.
    #[error("not a peer's address: {text} ({reason}); write HOST or HOST:PORT")]
    BadPeer {
        /// The entry.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file that [`Keys::folder`] holds is of a newer version; all files are as they were.
    #[error("{} is of version {version}, which a newer peer wrote: use that one, or another --profile", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The system gives no UDP socket.
    #[error("cannot open a UDP socket: {0}")]
    Socket(#[source] io::Error),
    /// The system gives no clock, timer or random numbers.
    #[error("cannot use the system's {what}: {source}")]
    System {
        /// What is missing.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

/// What the user must know about this host. The peer runs on. Each can be shown as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The discovery port cannot be had: peers are found only by asking, and later.
    DiscoveryClosed {
        /// The port.
        port: u16,
        /// Who holds it, where the system tells.
        holders: Vec<Holder>,
        /// What the system says.
        reason: String,
    },
    /// The discovery port is open, after it was not.
    DiscoveryOpen {
        /// The port.
        port: u16,
    },
    /// No interface but the loopback is up, or none of those asked for: only peers on this computer can be reached.
    NoInterface {
        /// The interfaces asked for; empty for all.
        wanted: Vec<String>,
    },
    /// An interface is up again, after none was.
    Interface {
        /// The names of those that are up.
        names: Vec<String>,
    },
    /// An entry of [`Options::peers`] has no address; it is tried again.
    Unresolved {
        /// The entry.
        peer: String,
        /// What the system says.
        reason: String,
    },
    /// The interfaces cannot be read.
    Interfaces {
        /// What the system says.
        reason: String,
    },
    /// The peer had to take another port.
    PortMoved {
        /// The port that it had.
        from: u16,
        /// The port that it has.
        to: u16,
    },
    /// A file of the profile could not be understood; it was set aside, and the peer goes on without it.
    SetAside {
        /// The file.
        file: PathBuf,
        /// Where it is kept.
        aside: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What that costs.
        lost: &'static str,
    },
    /// A file of the profile cannot be written. It is tried again.
    NotKept {
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Something is wrong with the history, or is right again.
    History {
        /// What the user must know, fit to be shown.
        line: String,
    },
    /// Something is wrong with what is shared, or is right again.
    Data {
        /// What the user must know, fit to be shown.
        line: String,
    },
    /// The sockets are gone for good: the peer has ended.
    Ended {
        /// What the system says.
        reason: String,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiscoveryClosed { port, holders, reason } => {
                match by(holders) {
                    by if by.is_empty() => write!(f, "Discovery port {port} is not available ({reason})")?,
                    by => write!(f, "Discovery port {port} is held{by}, which does not share it")?,
                }
                f.write_str(": peers are found more slowly.")
            }
            Self::DiscoveryOpen { port } => write!(f, "Discovery port {port} is open again."),
            Self::NoInterface { wanted } if wanted.is_empty() => {
                write!(f, "No network: only peers on this computer can be reached.")
            }
            Self::NoInterface { wanted } => {
                let wanted = crate::wire::Safe::line(&wanted.join(", "));
                write!(f, "No interface {wanted} is up: only peers on this computer can be reached.")
            }
            Self::Interface { names } => write!(f, "Network is up: {}.", crate::wire::Safe::line(&names.join(", "))),
            Self::Unresolved { peer, reason } => {
                let (peer, reason) = (crate::wire::Safe::line(peer), crate::wire::Safe::line(reason));
                write!(f, "Peer {peer} has no address ({reason}); trying again later.")
            }
            Self::Interfaces { reason } => write!(f, "Cannot read the network interfaces: {reason}."),
            Self::PortMoved { from, to } => write!(f, "Port {from} is taken by another program; using {to}."),
            Self::SetAside { file, aside, reason, lost } => {
                let (file, aside) = (shown(file), shown(aside));
                write!(f, "{file} could not be read ({reason}): {lost}. It was set aside as {aside}.")
            }
            Self::NotKept { file, reason } => {
                write!(f, "{} cannot be written ({reason}): what is new is lost at the end.", shown(file))
            }
            Self::History { line } | Self::Data { line } => f.write_str(crate::wire::Safe::line(line).as_str()),
            Self::Ended { reason } => write!(f, "The network sockets failed ({reason}): start again."),
        }
    }
}

fn shown(file: &Path) -> String {
    crate::wire::Safe::line(&file.to_string_lossy()).as_str().to_owned()
}

/// ` by NAME (process PID)`, or nothing.
fn by(holders: &[Holder]) -> String {
    let mut text = String::new();
    for holder in holders.iter().take(3) {
        text.push_str(if text.is_empty() { " by " } else { ", " });
        text.push_str(&format!("{} (process {})", crate::wire::Safe::line(&holder.program), holder.pid));
    }
    text
}

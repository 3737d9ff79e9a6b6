//! Opens everything that a peer needs, and starts it.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddrV4;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::{broadcast, mpsc, watch};

use crate::crypto::KeyPair;
use crate::data::cache::Worked;
use crate::data::{Beginning, Space};
use crate::engine::{Command, Config, Crypto, Engine, Identity, Kept, Keyring, Reply};

use super::clock::{self, Clock, Timer};
use super::handle::{Counts, Handle, REQUESTS};
use super::interfaces::LinkFilter;
use super::kept::Keeper;
use super::keys::Keys;
use super::ledger::Commits;
use super::neighbours::{self, Neighbour, Presence};
use super::paths::Paths;
use super::resolve::{self, Named};
use super::run::{Channels, Shell};
use super::socket::{self, Sockets, UdpSocket};
use super::space::Beside;
use super::stock::Shelf;
use super::values::Values;
use super::{Ledger, Node, Options, StartError, Stock, Trend, port_holders};

/// Events that a slow subscriber may be behind.
const EVENTS: usize = 1024;

/// Values of the cache, bytes: what it holds, and what goes when something else comes.
const VALUES: u64 = (256 << 20) + (16 << 20);

/// Notices that may wait to be read; more are dropped.
const NOTICES: usize = 64;

pub(super) fn start(options: Options, ledger: Option<Ledger>, stock: Option<Stock>) -> Result<Node, StartError> {
    let discovery_port = options.config.discovery_port;
    let named = options.peers.iter().map(|text| {
        let bad = |reason| StartError::BadPeer { text: text.clone(), reason };
        Named::parse(text, discovery_port).map_err(bad)
    });
    let named = named.collect::<Result<Vec<_>, _>>()?;
    let clock = Clock::new();
    let system = |what| move |source| StartError::System { what, source };
    let timer = Timer::new(clock).map_err(system("timers"))?;
    let seed = clock::seed().map_err(system("random numbers"))?;
    let grouped = options.keys.as_ref().is_some_and(|keys| keys.group.is_some());
    let keys = options.keys.clone();
    let key_pair = options.keys.as_ref().map(|keys| KeyPair::new(&keys.identity));
    let unicast = open_unicast(&options)?;
    let port = socket::port(&unicast).map_err(StartError::Socket)?;

    let me = key_pair.as_ref().map(KeyPair::public_key);
    let has_space = me.is_some() && !options.config.scan;
    let config = Config { history: ledger.is_some(), data: has_space, ..options.config };
    let (commits, archive) = ledger.map(Commits::new).unwrap_or_default();
    let (keyring, keeper, kept_notices) = match options.keys.zip(key_pair) {
        None => (None, None, Vec::new()),
        Some((Keys { group, folder, .. }, pair)) => {
            let (keeper, kept, notices) = Keeper::open(folder.as_deref(), pair.public_key())?;
            let kept = Kept { archive, ..kept };
            (Some(Keyring { crypto: Box::new(pair), group, kept }), Some(keeper), notices)
        }
    };

    let scan = config.scan;
    let (requests, asked) = mpsc::channel(REQUESTS);
    let (events, first_events) = broadcast::channel(EVENTS);
    let (notices, first_notices) = mpsc::channel(NOTICES);
    let (links_told, links) = watch::channel(Arc::default());
    let (end, ended) = watch::channel(());
    let (data, data_asked) = mpsc::channel(REQUESTS);
    let data_events = broadcast::Sender::new(EVENTS);
    let faults = Arc::new(Counts::default());
    let channels = Channels { requests: asked, events, notices: notices.clone(), links: links_told, end };

    let identity = Identity {
        name: options.name,
        display_name: options.display_name,
        status: options.status,
        avatar: options.avatar,
        port,
    };
    let mut engine = Engine::new(identity, config, seed, clock.now(), clock::unix_now());
    if let Some(keyring) = keyring {
        engine = engine.with_keys(keyring);
    }
    let (shelf, rows) = Shelf::new(stock);
    let values = keys.filter(|_| has_space).and_then(|keys| keep_values(&keys, shelf.lasts()));
    let stream_port = values.as_ref().and_then(|(values, _)| values.port());
    let space = match me.filter(|_| has_space) {
        None => None,
        Some(me) => {
            let seed = clock::seed().map_err(system("random numbers"))?;
            let beginning = Beginning { rows, stream_port, lasting: shelf.lasts() };
            Some(Space::new(me, grouped, beginning, seed, clock.now()))
        }
    };
    let handle_events = data_events.downgrade();
    let beside =
        Beside { space, shelf, values, requests: Some(data_asked), events: data_events, jobs: BTreeMap::new() };
    let sockets = Sockets::new(unicast, port, discovery_port);
    let filter = LinkFilter::new(options.interfaces);
    let paths = Paths::open(options.paths);
    let peers = engine.peers();
    let trend = Trend::default();
    let handle = Handle {
        requests: requests.clone(),
        events: channels.events.downgrade(),
        data,
        data_events: handle_events,
        ended,
        peers,
        clock,
        port,
        faults: Arc::clone(&faults),
        trend: trend.clone(),
        links: links.clone(),
        discovery_port,
        key: me,
    };

    let mut shell = Shell::new(
        engine,
        (clock, timer),
        sockets,
        filter,
        (paths, keeper, commits, beside),
        channels,
        (faults, trend),
    );
    kept_notices.into_iter().for_each(|notice| shell.notice(notice));
    shell.refresh(true);
    if options.neighbours {
        let folder = options.runtime_folder.unwrap_or_else(neighbours::runtime_folder);
        if let Err(error) = meet_neighbours(&mut shell, &folder, (port, discovery_port), scan) {
            tracing::warn!(folder = %folder.display(), %error, "peers of this host do not meet by files");
        }
    }
    for to in shell.remembered() {
        reach(&mut shell, to, false);
    }
    let (written, names): (Vec<Named>, Vec<Named>) = named.into_iter().partition(|named| named.address().is_some());
    for to in written.iter().filter_map(Named::address) {
        reach(&mut shell, to, true);
    }
    if !names.is_empty() {
        tokio::spawn(resolve::resolve(names, requests.downgrade(), notices, links));
    }
    tokio::spawn(shell.run());
    Ok(Node { handle, events: first_events, notices: first_notices })
}

/// Where values of the cache are: without a folder, in memory.
fn keep_values(keys: &Keys, lasting: bool) -> Option<(Values, mpsc::UnboundedReceiver<Worked>)> {
    let folder = keys.folder.as_ref().filter(|_| lasting).map(|folder| folder.join("cache"));
    match Values::open(folder.as_deref(), VALUES, Some(&keys.identity)) {
        Ok(values) => Some(values),
        Err(error) => {
            tracing::warn!(%error, "values of the cache cannot be kept");
            None
        }
    }
}

fn reach(shell: &mut Shell, to: SocketAddrV4, lasting: bool) {
    if let Err(error) = shell.command(Command::Reach { to, lasting }) {
        tracing::warn!(%to, %error, "not tried");
    }
}

fn open_unicast(options: &Options) -> Result<UdpSocket, StartError> {
    let discovery_port = options.config.discovery_port;
    match options.port {
        Some(port) if port == discovery_port => Err(StartError::PortIsDiscovery(port)),
        Some(port @ 1..1024) => Err(StartError::PortTooLow(port)),
        Some(port) => socket::open_unicast(port).map_err(|error| {
            if socket::is_taken(&error) {
                StartError::PortInUse { port, holders: port_holders(port) }
            } else {
                StartError::Socket(error)
            }
        }),
        None => {
            let seed = clock::seed().map_err(|source| StartError::System { what: "random numbers", source })?;
            socket::open_unicast_near(options.usual_port, discovery_port, seed).map_err(StartError::Socket)
        }
    }
}

/// Tells the peers that run here where we are, unless we only look around, and tries them.
fn meet_neighbours(shell: &mut Shell, folder: &Path, (port, discovery_port): (u16, u16), scan: bool) -> io::Result<()> {
    // Told before looked: of two that start at the same moment, one at least sees the other.
    if !scan {
        let id = match shell.command(Command::WhoAmI) {
            Ok(Reply::Me(me)) => me.user_id.as_ref().to_owned(),
            _ => String::new(),
        };
        let told = Neighbour { pid: std::process::id(), id, port, discovery_port };
        shell.present(Presence::tell(folder, told, clock::seed()?)?);
    }
    for neighbour in neighbours::neighbours(folder, discovery_port)?.iter().filter(|other| other.port != port) {
        reach(shell, neighbour.address(), false);
    }
    Ok(())
}

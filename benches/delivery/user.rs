//! Somebody whose peer is started, ended and killed, and what it said to its user over all that time.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use lsnp::engine::{Kind, Mark};
use lsnp::store::{self, Keep, Line as Row};

use super::lan::Host;
use super::process::{Home, Line, Peer};

/// The profile that is used; its folder is known by it.
const PROFILE: &str = "bench";

/// The longest wait for two peers to meet.
pub(crate) const MEETING: Duration = Duration::from_secs(30);

/// One user on one host.
pub(crate) struct User<'lan> {
    pub(crate) name: String,
    pub(crate) id: String,
    host: &'lan Host,
    program: PathBuf,
    home: Home,
    peer: Option<Peer>,
    /// Lines of earlier runs.
    said: Vec<Line>,
}

impl<'lan> User<'lan> {
    /// A user with a new home; its peer is not started.
    pub(crate) fn new(program: &Path, host: &'lan Host) -> io::Result<Self> {
        Self::named(program, host, &format!("u{}", host.number))
    }

    /// The same, called so.
    pub(crate) fn named(program: &Path, host: &'lan Host, name: &str) -> io::Result<Self> {
        let (id, name) = (format!("{name}@{}", host.ip), name.to_owned());
        Ok(Self { name, id, host, program: program.to_owned(), home: Home::new()?, peer: None, said: Vec::new() })
    }

    /// Starts the peer; how long it took until it was on the network.
    pub(crate) fn start(&mut self) -> io::Result<Duration> {
        let began = Instant::now();
        let peer = Peer::start(&self.program, self.host, &self.home, &self.name, &["--profile", PROFILE])?;
        let took = began.elapsed();
        if peer.lines(<[Line]>::is_empty) {
            return Err(io::Error::other(format!("the peer of {} says nothing", self.name)));
        }
        self.peer = Some(peer);
        Ok(took)
    }

    /// The running peer.
    pub(crate) fn peer(&self) -> io::Result<&Peer> {
        self.peer.as_ref().ok_or_else(|| io::Error::other(format!("the peer of {} does not run", self.name)))
    }

    /// Ends the peer as its user would; false when it did not end well.
    pub(crate) fn end(&mut self) -> io::Result<bool> {
        let Some(peer) = self.peer.take() else { return Ok(true) };
        let log = peer.log();
        let ended = peer.end();
        self.said.extend(log.lines());
        ended
    }

    /// Kills the peer as a power cut would.
    pub(crate) fn crash(&mut self) -> io::Result<()> {
        let Some(peer) = self.peer.take() else { return Ok(()) };
        let log = peer.log();
        peer.crash()?;
        log.until_the_end();
        self.said.extend(log.lines());
        Ok(())
    }

    /// Every line that was ever printed.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let now = self.peer.as_ref().map(|peer| peer.lines(<[Line]>::to_vec)).unwrap_or_default();
        self.said.iter().cloned().chain(now).collect()
    }

    /// The texts of DMs that were shown, and how often.
    pub(crate) fn shown(&self) -> BTreeMap<String, usize> {
        let mut shown = BTreeMap::new();
        for line in self.lines().iter().filter(|line| line.kind() == "DM") {
            *shown.entry(line.said().to_owned()).or_default() += 1;
        }
        shown
    }

    /// The ids of DMs whose mark was told to be this one.
    pub(crate) fn told(&self, mark: Mark) -> BTreeSet<String> {
        let lines = self.lines();
        let marks = lines.iter().filter(|line| line.kind() == "MARK").map(Line::said);
        marks.filter_map(|said| said.strip_prefix(mark.word())?.split_whitespace().next().map(str::to_owned)).collect()
    }

    /// The profile's folder.
    pub(crate) fn folder(&self) -> PathBuf {
        self.home.folder().join("state/lsnp").join(PROFILE)
    }

    /// The DMs of its history. Only while the peer does not run.
    pub(crate) fn history(&self) -> io::Result<Vec<Row>> {
        let opened = store::open(&self.folder(), None, Keep::default(), lsnp::node::unix_now().as_secs());
        let opened = opened.map_err(io::Error::other)?;
        let mut rows = Vec::new();
        let each = &mut |row: Row| {
            if matches!(row.kind, Kind::Dm { .. }) {
                rows.push(row);
            }
            true
        };
        opened.history.each(&store::Query::default(), each).map_err(io::Error::other)?;
        if opened.notices.is_empty() { Ok(rows) } else { Err(io::Error::other(opened.notices.join("; "))) }
    }
}

/// Waits until both list each other.
pub(crate) fn meet(one: &User<'_>, two: &User<'_>) -> io::Result<()> {
    for (user, other) in [(one, two), (two, one)] {
        if !user.peer()?.knows(&[&other.id], MEETING) {
            let tail = user.peer()?.tail(8);
            return Err(io::Error::other(format!("{} does not list {}:\n    {tail}", user.name, other.name)));
        }
    }
    Ok(())
}

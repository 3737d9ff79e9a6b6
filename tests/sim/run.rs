//! A run of the simulator, and what tests ask of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddrV4;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use lsnp::engine::{Command, CommandError, Contact, Event, Instant, Mark, Peer, Presence, Reply, Socket, Whom};
use lsnp::sim::{Frame, HostId, Lan, ProgramId, Setup};
use lsnp::wire::{OwnMessageId, PieceHash, PublicKey};

/// A LAN that tells its seed when the test fails.
pub(crate) struct Run(Lan);

impl Run {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Lan::new(seed))
    }

    /// So many hosts with one peer each, all started now.
    pub(crate) fn crowd(&mut self, count: usize) -> Vec<ProgramId> {
        let hosts: Vec<HostId> = self.hosts(count);
        hosts.iter().enumerate().map(|(n, host)| self.peer(*host, &format!("p{n}"))).collect()
    }

    /// So many hosts with one peer each of version 0.1.0, which signs nothing.
    pub(crate) fn unsigned_crowd(&mut self, count: usize) -> Vec<ProgramId> {
        let hosts: Vec<HostId> = self.hosts(count);
        let start = |(n, host): (usize, &HostId)| self.start(*host, Setup::named(&format!("p{n}")).unsigned());
        hosts.iter().enumerate().map(start).collect()
    }

    /// Two peers that know each other and are done with their quick announcements.
    pub(crate) fn pair(seed: u64) -> (Self, ProgramId, ProgramId) {
        let mut run = Self::new(seed);
        let pair = run.crowd(2);
        run.acquaint(&pair)
    }

    /// The same of version 0.1.0.
    pub(crate) fn unsigned_pair(seed: u64) -> (Self, ProgramId, ProgramId) {
        let mut run = Self::new(seed);
        let pair = run.unsigned_crowd(2);
        run.acquaint(&pair)
    }

    fn acquaint(self, pair: &[ProgramId]) -> (Self, ProgramId, ProgramId) {
        let mut run = self;
        run.run_for(secs(10));
        assert!(run.all_know_all(pair));
        (run, pair[0], pair[1])
    }

    pub(crate) fn knows(&self, one: ProgramId, other: ProgramId) -> bool {
        let address = self.address(other);
        self.peers_of(one).iter().any(|peer| {
            peer.presence() == Presence::Live && peer.paths().iter().any(|(path, proven)| *path == address && *proven)
        })
    }

    pub(crate) fn all_know_all(&self, all: &[ProgramId]) -> bool {
        all.iter().all(|one| all.iter().all(|other| one == other || self.knows(*one, *other)))
    }

    pub(crate) fn all_list_all(&self, all: &[ProgramId]) -> bool {
        all.iter().all(|one| self.peer_count(*one) == all.len() - 1)
    }

    pub(crate) fn id_of(&self, one: ProgramId, name: &str) -> lsnp::engine::PeerId {
        let peers = self.peers_of(one);
        let found: Vec<_> = peers.iter().filter(|peer| peer.raw_name() == name).collect();
        assert_eq!(found.len(), 1, "{name} among {peers:?}");
        found[0].id()
    }

    pub(crate) fn post(&mut self, from: ProgramId, text: &str) {
        self.command(from, Command::Post { text: text.into() }).unwrap();
    }

    pub(crate) fn dm(&mut self, from: ProgramId, name: &str, text: &str) {
        let to = self.id_of(from, name);
        self.command(from, Command::Dm { to: Whom::Peer(to), text: text.into() }).unwrap();
    }

    /// Writes to one by its key, here or not; waits while that is too fast.
    pub(crate) fn write(&mut self, from: ProgramId, to: ProgramId, text: &str) -> OwnMessageId {
        let to = Whom::Key(self.key_of(to));
        loop {
            match self.command(from, Command::Dm { to, text: text.into() }) {
                Ok(Reply::Sent { id, .. } | Reply::Waiting { id, .. }) => return id,
                Err(CommandError::TooFast { retry_after }) => self.run_for(retry_after),
                other => panic!("{other:?}"),
            }
        }
    }

    /// What a peer told of a DM that it wrote, in order.
    pub(crate) fn told_marks(&self, of: ProgramId, id: OwnMessageId) -> Vec<Mark> {
        let marks = self.events(of).iter().filter_map(|(_, event)| match event {
            Event::Marked { id: marked, mark, .. } if *marked == id => Some(*mark),
            _ => None,
        });
        marks.collect()
    }

    /// What became of a DM, as it is on its writer's disk.
    pub(crate) fn mark(&self, of: ProgramId, id: OwnMessageId) -> Option<Mark> {
        self.disk(of).history().marks().get(&id.to_string()).copied()
    }

    /// How often a text is in the history of a peer.
    pub(crate) fn kept(&self, of: ProgramId, text: &str) -> usize {
        self.disk(of).history().rows().iter().filter(|row| row.entry.text == text).count()
    }

    /// The texts of the posts in the history of a peer, in their order.
    pub(crate) fn ordered(&self, of: ProgramId) -> Vec<(PublicKey, u64, PieceHash)> {
        self.disk(of).history().posts().iter().map(|post| (post.author, post.number, post.id)).collect()
    }

    /// Texts that a peer showed, with TYPE.
    pub(crate) fn texts(&self, of: ProgramId) -> Vec<String> {
        let texts = self.events(of).iter().filter_map(|(_, event)| match event {
            Event::Post { text, .. } => Some(format!("POST {}", text.raw())),
            Event::Dm { text, .. } => Some(format!("DM {}", text.raw())),
            _ => None,
        });
        texts.collect()
    }

    /// What became of other peers, in words: `here p1`.
    pub(crate) fn comings(&self, of: ProgramId) -> Vec<String> {
        let words = self.events(of).iter().filter_map(|(_, event)| {
            let (word, peer) = match event {
                Event::Here(peer) => ("here", peer),
                Event::Left(peer) => ("left", peer),
                Event::Gone(peer) => ("gone", peer),
                Event::Quiet(peer) => ("quiet", peer),
                Event::Back(peer) => ("back", peer),
                _ => return None,
            };
            Some(format!("{word} {}", peer.raw_name()))
        });
        words.collect()
    }

    pub(crate) fn when(&self, of: ProgramId, like: impl Fn(&Event) -> bool) -> Option<Instant> {
        self.events(of).iter().find(|(_, event)| like(event)).map(|(at, _)| *at)
    }

    /// The SID that a program announced last.
    pub(crate) fn sid_of(&self, of: ProgramId) -> String {
        let address = self.address(of);
        let frame = self.frames().iter().rev().find(|f| f.from == address && f.value("SID").is_some());
        frame.expect("it announced itself").value("SID").unwrap().to_owned()
    }

    /// The key of a peer of ours.
    pub(crate) fn key_of(&self, of: ProgramId) -> PublicKey {
        self.disk(of).key().unwrap()
    }

    /// What `one` knows of `other` by its key.
    pub(crate) fn row(&self, one: ProgramId, other: ProgramId) -> Peer {
        let key = self.key_of(other);
        let peers = self.peers_of(one);
        let row = peers.iter().find(|peer| peer.key() == Some(key));
        row.unwrap_or_else(|| panic!("{other:?} among {peers:?}")).clone()
    }

    pub(crate) fn contacts(&mut self, of: ProgramId) -> Vec<Contact> {
        match self.command(of, Command::Contacts).unwrap() {
            Reply::Contacts(contacts) => contacts,
            other => panic!("{other:?}"),
        }
    }

    /// All that a peer knows of those with a key, but for what each sign of life changes.
    pub(crate) fn known(&mut self, of: ProgramId) -> BTreeMap<PublicKey, String> {
        let mut known: BTreeMap<PublicKey, String> = BTreeMap::new();
        for peer in self.peers_of(of) {
            let Some(key) = peer.key() else { continue };
            let proven: BTreeSet<_> = peer.paths().into_iter().filter(|(_, proven)| *proven).collect();
            let name = (peer.raw_id(), peer.raw_display_name(), peer.shown_status());
            let word = (peer.trust(), peer.is_blocked(), peer.is_muted(), peer.is_settled(), peer.has_avatar());
            known.insert(
                key,
                format!("{:?} {name:?} {} {proven:?} {word:?} {:?}", peer.id(), peer.address(), peer.sid()),
            );
        }
        for contact in self.contacts(of) {
            let name = (&contact.name, &contact.display_name, contact.sid, contact.prekey);
            let word = (contact.verified, contact.changed, contact.blocked, contact.muted, contact.ip);
            known.entry(contact.key).or_default().push_str(&format!(" kept {name:?} {word:?}"));
        }
        known
    }

    /// Keys that wrote the texts that a peer showed.
    pub(crate) fn shown_of(&self, of: ProgramId, key: PublicKey) -> Vec<String> {
        let texts = self.events(of).iter().filter_map(|(_, event)| match event {
            Event::Post { from, text, .. } if from.key() == Some(key) => Some(format!("POST {}", text.raw())),
            Event::Dm { from, text, .. } if from.key() == Some(key) => Some(format!("DM {}", text.raw())),
            _ => None,
        });
        texts.collect()
    }

    /// Delivers something that was sent before once more, from its source or another address, to whoever it was for.
    pub(crate) fn deliver(&mut self, frame: &Frame, from: Option<SocketAddrV4>, to: ProgramId) {
        let discovery = frame.to.port() == lsnp::wire::DISCOVERY_PORT;
        let socket = if discovery { Socket::Discovery } else { Socket::Unicast };
        self.inject(from.unwrap_or(frame.from), to, socket, &frame.payload);
    }

    /// Datagrams that left some host, in all.
    pub(crate) fn on_the_wire(&self) -> usize {
        self.frames().iter().filter(|frame| !frame.to.ip().is_loopback()).count()
    }
}

impl Deref for Run {
    type Target = Lan;

    fn deref(&self) -> &Lan {
        &self.0
    }
}

impl DerefMut for Run {
    fn deref_mut(&mut self) -> &mut Lan {
        &mut self.0
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the run with seed {} failed at {:?}", self.0.seed(), self.0.now());
        }
    }
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// How many seeds a test runs: so many, or as many times as the environment variable `SIM_SEEDS` says.
pub(crate) fn seeds(usual: u64) -> u64 {
    let times = std::env::var("SIM_SEEDS").ok().and_then(|text| text.parse().ok());
    usual * times.unwrap_or(1_u64)
}

//! Asks the network, and notes who answers what. It is not a peer: it answers nobody and is listed by nobody of our
//! kind (protocol.md §5.3).

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::Duration;

use rand::TryRng;
use rand::rngs::SysRng;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

use crate::cli::discover::passing_name;
use crate::engine::Link;
use crate::node::unix_now;
use crate::wire::{
    self, Discovery, Extension, GroupFrame, MAX_DATAGRAM, Message, Octets, OwnMessageId, PeerListRequest, Safe, Style,
    UserId, VERSION,
};

use super::facts::{Answer, Sent};
use super::group::Group;

/// When the broadcasts go out: a lost one is made good by the next.
const ROUNDS: [Duration; 3] = [Duration::ZERO, Duration::from_millis(400), Duration::from_millis(800)];

/// Questions to one address, and the time that each is given.
pub(super) const TRIES: u8 = 3;
const PATIENCE: Duration = Duration::from_millis(500);

/// Addresses that are noted.
const MOST: usize = 1_024;

/// Ids that are taken from one list.
const LIST_MAX: usize = 64;

/// Asks and listens.
#[derive(Debug)]
pub(super) struct Probe {
    unicast: UdpSocket,
    discovery: Option<UdpSocket>,
    port: u16,
    discovery_port: u16,
    id: String,
    sid: u64,
    /// In a closed group everything is said in its frames.
    group: Option<Group>,
    links: Vec<Link>,
    /// The broadcasts: the nonce, the link, and when.
    broadcasts: BTreeMap<u64, (usize, Duration)>,
    /// The questions to one address: the nonce, whom, and when.
    questions: BTreeMap<u64, (SocketAddrV4, Duration)>,
    buffer: Vec<u8>,
    pub(super) found: Found,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// What became of the broadcast of each link.
    pub(super) sent: Vec<Sent>,
    /// How long our broadcast took to come back, of each link.
    pub(super) echoes: Vec<Option<Duration>>,
    pub(super) voices: BTreeMap<SocketAddrV4, Voice>,
    /// Ids that peers which run here have on their lists.
    pub(super) listed: Vec<String>,
    /// Somebody speaks in a closed group that we are not in.
    pub(super) closed: bool,
    /// Answers to questions, by the address that was asked.
    pub(super) answers: BTreeMap<SocketAddrV4, Answer>,
}

/// One address that spoke.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) older: bool,
    /// A broadcast of it was heard.
    pub(super) heard: bool,
    /// The links whose broadcast it answered.
    pub(super) answered: Vec<usize>,
}

impl Probe {
    /// Opens the sockets. The discovery socket may be missing, with the reason.
    ///
    /// # Errors
    /// What the system says when it gives no socket at all.
    pub(super) fn open(
        links: Vec<Link>,
        primary: Ipv4Addr,
        discovery_port: u16,
        group: Option<Group>,
    ) -> io::Result<(Self, Option<String>)> {
        let unicast = open_unicast(discovery_port)?;
        let (discovery, reason) = match open_discovery(discovery_port) {
            Ok(socket) => (Some(socket), None),
            Err(error) => (None, Some(plain(&error))),
        };
        let port = unicast.local_addr()?.port();
        let count = links.len();
        let found = Found { sent: vec![Sent::No; count], echoes: vec![None; count], ..Found::default() };
        let probe = Self {
            unicast,
            discovery,
            port,
            discovery_port,
            id: format!("{}@{primary}", passing_name("doctor")),
            sid: random(),
            group,
            links,
            broadcasts: BTreeMap::new(),
            questions: BTreeMap::new(),
            buffer: vec![0; MAX_DATAGRAM + 1],
            found,
        };
        Ok((probe, reason))
    }

    /// The port that everyone listens on.
    pub(super) fn discovery_port(&self) -> u16 {
        self.discovery_port
    }

    /// Asks everyone on every link, and the peers that run here for their lists.
    pub(super) async fn scan(&mut self, neighbours: &[SocketAddrV4], whole: Duration) {
        for to in neighbours {
            self.ask_for_list(*to).await;
        }
        let mut past = Duration::ZERO;
        for (round, at) in ROUNDS.into_iter().enumerate() {
            if at > whole {
                break;
            }
            self.listen(at - past).await;
            past = at;
            self.broadcast(round == 0).await;
        }
        self.listen(whole.saturating_sub(past)).await;
    }

    /// Asks each address up to three times, all at the same time.
    pub(super) async fn ask(&mut self, addresses: &[SocketAddrV4]) -> Result<(), String> {
        let mut error = None;
        for _ in 0..TRIES {
            let open: Vec<_> = addresses.iter().filter(|to| !self.found.answers.contains_key(to)).copied().collect();
            if open.is_empty() {
                break;
            }
            for to in open {
                let nonce = random();
                self.questions.insert(nonce, (to, unix_now()));
                let datagram = self.announcement(nonce);
                error = self.unicast.send_to(&datagram, SocketAddr::V4(to)).await.err().or(error);
            }
            let all = addresses.to_vec();
            let probe = &mut *self;
            let answered = async move {
                while !all.iter().all(|to| probe.found.answers.contains_key(to)) {
                    probe.receive().await;
                }
            };
            // Who did not answer in this time is asked again.
            let _ = timeout(PATIENCE, answered).await;
        }
        match error {
            Some(error) if self.found.answers.is_empty() => Err(plain(&error)),
            _ => Ok(()),
        }
    }

    async fn broadcast(&mut self, first: bool) {
        for at in 0..self.links.len() {
            let Some(ip) = self.links[at].broadcast else { continue };
            let nonce = random();
            self.broadcasts.insert(nonce, (at, unix_now()));
            let datagram = self.announcement(nonce);
            let sent = self.unicast.send_to(&datagram, SocketAddr::from((ip, self.discovery_port))).await;
            if first {
                self.found.sent[at] = match sent {
                    Ok(_) => Sent::Yes,
                    Err(error) => Sent::Refused(plain(&error)),
                };
            }
        }
    }

    async fn ask_for_list(&mut self, to: SocketAddrV4) {
        let Some(from) = UserId::new(&self.id) else { return };
        let id = OwnMessageId::new(random());
        let request = PeerListRequest { from, timestamp: Some(unix_now().as_secs()), message_id: Some(id.as_field()) };
        let mut datagram = Vec::new();
        let extension = Extension { sid: Some(Octets(self.sid)), ..Extension::default() };
        request.encode(&extension, Style::Tight, &mut datagram);
        let datagram = self.wrapped(datagram);
        // A peer that cannot be asked tells no list.
        let _ = self.unicast.send_to(&datagram, SocketAddr::V4(to)).await;
    }

    fn announcement(&self, nonce: u64) -> Vec<u8> {
        let mut datagram = Vec::new();
        let Some(user_id) = UserId::new(&self.id) else { return datagram };
        let id = OwnMessageId::new(random());
        let discovery = Discovery {
            user_id,
            port: Some(self.port),
            timestamp: Some(unix_now().as_secs()),
            message_id: Some(id.as_field()),
            display_name: None,
            status: None,
            avatar: None,
            prekey: None,
        };
        let extension = Extension {
            version: Some(VERSION),
            sid: Some(Octets(self.sid)),
            ask: Some(Octets(nonce)),
            scan: true,
            ..Extension::default()
        };
        discovery.encode(&extension, Style::Tight, &mut datagram);
        self.wrapped(datagram)
    }

    fn wrapped(&self, datagram: Vec<u8>) -> Vec<u8> {
        match &self.group {
            Some(group) => group.wrap(Octets(self.sid), datagram),
            None => datagram,
        }
    }

    /// Takes what comes for so long.
    async fn listen(&mut self, long: Duration) {
        let probe = &mut *self;
        let forever = async move {
            loop {
                probe.receive().await;
            }
        };
        let () = timeout(long, forever).await.unwrap_or(());
    }

    /// Takes what waits at one of the sockets.
    async fn receive(&mut self) {
        let discovery = async {
            match &self.discovery {
                Some(socket) => socket.readable().await,
                None => std::future::pending().await,
            }
        };
        let (broadcast, ready) = tokio::select! {
            ready = self.unicast.readable() => (false, ready),
            ready = discovery => (true, ready),
        };
        let mut buffer = std::mem::take(&mut self.buffer);
        let socket = if broadcast { self.discovery.as_ref() } else { Some(&self.unicast) };
        let received =
            ready.and_then(|()| socket.map_or(Err(io::ErrorKind::WouldBlock.into()), |s| s.try_recv_from(&mut buffer)));
        if let Ok((length, SocketAddr::V4(from))) = received {
            self.take(&buffer[..length], from, broadcast);
        }
        self.buffer = buffer;
        if received.is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock) {
            // A report about something sent earlier; a short rest keeps a socket that fails for good from spinning.
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn take(&mut self, bytes: &[u8], from: SocketAddrV4, broadcast: bool) {
        let framed = GroupFrame::of(bytes).is_some();
        let opened = self.group.as_ref().and_then(|group| group.unwrap(bytes));
        self.found.closed |= framed && opened.is_none();
        if (framed || self.group.is_some()) && opened.is_none() {
            return;
        }
        let Ok(datagram) = wire::decode(opened.as_deref().unwrap_or(bytes)) else { return };
        let extension = datagram.extension;
        let now = unix_now();
        if extension.sid == Some(Octets(self.sid)) {
            let sent = extension.ask.and_then(|ask| self.broadcasts.get(&ask.0));
            if let Some((link, at)) = sent
                && broadcast
            {
                self.found.echoes[*link].get_or_insert(now.saturating_sub(*at));
            }
            return;
        }
        match &datagram.message {
            // Somebody else who only looks around.
            Message::Discovery(_) if extension.scan => {}
            Message::Discovery(said) => {
                let name = said.display_name.map(|name| Safe::fitted(name, 32).as_str().to_owned()).unwrap_or_default();
                self.note(said.user_id, name, &extension, from, broadcast);
                self.note_answer(said.user_id, &extension, from, broadcast, now);
            }
            Message::Ping(said) => self.note(said.user_id, String::new(), &extension, from, broadcast),
            Message::Profile(said) => self.note(said.user_id, String::new(), &extension, from, broadcast),
            Message::PeerListResponse(list) if from.ip().is_loopback() => {
                self.found.listed.extend(list.ids(LIST_MAX));
                self.found.listed.truncate(MOST);
            }
            Message::PeerListResponse(_)
            | Message::PeerListRequest(_)
            | Message::Post(_)
            | Message::Dm(_)
            | Message::Follow(_)
            | Message::Unfollow(_)
            | Message::Ack(_)
            | Message::Sync(_)
            | Message::Data(_)
            | Message::FollowResponse(_)
            | Message::UnfollowResponse(_)
            | Message::Revoke(_)
            | Message::ChunkRequest(_)
            | Message::Chunk(_)
            | Message::Other(_) => {}
        }
    }

    fn note(&mut self, id: UserId<'_>, name: String, extension: &Extension, from: SocketAddrV4, broadcast: bool) {
        if self.found.voices.len() >= MOST && !self.found.voices.contains_key(&from) {
            return;
        }
        let shown = if name.trim().is_empty() { Safe::fitted(id.name(), 32).as_str().to_owned() } else { name };
        let voice = self.found.voices.entry(from).or_insert_with(|| Voice {
            id: Safe::fitted(id.as_str(), 60).as_str().to_owned(),
            name: shown,
            older: extension.sid.is_none(),
            heard: false,
            answered: Vec::new(),
        });
        voice.heard |= broadcast;
        if broadcast {
            return;
        }
        // An older client answers every announcement, and does not say which.
        let link = match extension.ans {
            Some(answer) => self.broadcasts.get(&answer.0).map(|(link, _)| *link),
            None => self.links.iter().position(|link| voice.older && link.reaches(*from.ip())),
        };
        voice.answered.extend(link.filter(|link| !voice.answered.contains(link)));
    }

    fn note_answer(
        &mut self,
        id: UserId<'_>,
        extension: &Extension,
        from: SocketAddrV4,
        broadcast: bool,
        now: Duration,
    ) {
        let older = extension.sid.is_none();
        let asked = match extension.ans {
            Some(answer) => self.questions.get(&answer.0).copied(),
            None if older && !broadcast => {
                self.questions.values().filter(|(to, _)| to.ip() == from.ip()).max_by_key(|(_, at)| *at).copied()
            }
            None => None,
        };
        // A computer with several addresses may answer from another one.
        let Some((to, at)) = asked else { return };
        let id = Safe::fitted(id.as_str(), 60).as_str().to_owned();
        let answer = Answer { from, id, older, round_trip: now.saturating_sub(at) };
        self.found.answers.entry(to).or_insert(answer);
    }
}

/// Whether somebody says that nobody listens at this address. Sends one more question, from a socket of its own.
pub(super) async fn is_refused(probe: &Probe, to: SocketAddrV4) -> bool {
    let asked = async {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
        socket.connect(SocketAddr::V4(to)).await?;
        socket.send(&probe.announcement(random())).await?;
        let mut buffer = [0; 1];
        socket.recv(&mut buffer).await
    };
    matches!(timeout(PATIENCE, asked).await, Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused)
}

/// The address that datagrams to somewhere leave from. Nothing is sent.
pub(super) fn source_towards(to: Ipv4Addr) -> Option<Ipv4Addr> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((to, 9)).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(ip) => Some(ip).filter(|ip| !ip.is_unspecified()),
        IpAddr::V6(_) => None,
    }
}

/// A port among those that peers use, so that the same firewall rules count.
fn open_unicast(discovery_port: u16) -> io::Result<UdpSocket> {
    let usual = std::iter::repeat_with(|| 8000 + u16::try_from(random() % 2000).unwrap_or(0)).take(32);
    for port in usual.filter(|port| *port != discovery_port).chain([0]) {
        match bind(port, false) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            socket => return socket,
        }
    }
    bind(0, false)
}

fn open_discovery(port: u16) -> io::Result<UdpSocket> {
    bind(port, true)
}

fn bind(port: u16, shared: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    if shared {
        socket.set_reuse_address(true)?;
        #[cfg(any(
            target_vendor = "apple",
            target_os = "freebsd",
            target_os = "netbsd",
            target_os = "openbsd",
            target_os = "dragonfly"
        ))]
        socket.set_reuse_port(true)?;
    } else {
        socket.set_broadcast(true)?;
    }
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
    UdpSocket::from_std(socket.into())
}

/// What the system says, without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(text, _)| text.to_owned())
}

fn random() -> u64 {
    // Without random numbers two runs could be confused, which harms no one.
    SysRng.try_next_u64().unwrap_or_else(|_| u64::try_from(unix_now().as_nanos() & u128::from(u64::MAX)).unwrap_or(0))
}

//! The protocol: who is there, what is said. Holds no socket, reads no clock, starts no task.
//!
//! The loop around it, whole: take a datagram, a command, new links or the time with a `handle_*`, then call
//! [`Engine::poll`] and do what it says until it says [`Output::Wait`].

mod acks;
mod announce;
mod authors;
mod avatar;
mod budget;
mod carry;
mod command;
mod commits;
mod config;
mod contacts;
mod counters;
mod crypto;
mod data;
mod delivery;
mod echo;
mod entry;
mod group;
mod hash;
mod hints;
mod inbox;
mod instant;
mod kept;
mod late;
mod letters;
mod limits;
mod links;
mod meet;
mod outbox;
mod output;
mod own;
mod parcels;
mod peer;
mod peers;
mod person;
mod posts;
mod presence;
mod probation;
mod profile;
mod pull;
mod pulls;
mod rejected;
#[cfg(test)]
pub(crate) mod sample;
mod sessions;
mod signed;
mod sync;
mod tables;
#[cfg(test)]
mod tests;
mod texts;
mod timer;
mod waiting;
mod wanted;
mod who;
mod window;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

pub use command::{Command, CommandError, Fill, Me, Reply, Until, Whom, Word};
pub use config::{CatchUp, Config};
pub use counters::Counters;
pub use crypto::{Crypto, LETTER_OVERHEAD, SEAL_OVERHEAD, Secret};
pub use data::{Arrived, Channel, Data, To};
pub use entry::{
    Archive, Author, Carried, Commit, Correspondent, Entry, Failure, Kind, Mark, Outcome, Outgoing, PostRecord, RowId,
    Ticket, Told,
};
pub use instant::Instant;
pub use kept::{Contact, Kept, Keyring, LEASE, OwnPrekey, Posted};
pub use limits::Limits;
pub use links::{Link, Links, link_to};
pub use output::{Event, Output, Record, Transmit};
pub use own::Identity;
pub use peer::{Peer, PeerId, Presence, Trust, Ways};
pub use peers::Peers;
pub use person::{Person, find, shown_id};
pub use rejected::Rejected;
pub use who::{Called, Named, Who, WhoError, look};

use crate::wire::{self, AvatarLabel, Carry, Message, PublicKey, Sid, Untrusted};
use acks::OlderSent;
use announce::{Answer, Beats};
use authors::Authors;
use avatar::Pictures;
use budget::{Answered, Bucket, Inflow, Knocks, Pace, Seen};
use carry::Carrier;
use commits::Commits;
use data::Passing;
use group::Group;
use hash::Key;
use hints::Hints;
use letters::{Ring, Seeds};
use own::Own;
use parcels::Outbox;
use peers::PeerTable;
use posts::Posts;
use presence::Watch;
use pull::Pull;
use sessions::Sessions;
use signed::{Sequence, Signed};
use sync::Syncing;
use texts::Texts;
use timer::{Timer, Timers};
use waiting::Waits;

/// Which of our two sockets a datagram came in on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Socket {
    /// The exclusive one that sends everything.
    Unicast,
    /// The shared one on the discovery port, which only listens.
    Discovery,
}

/// One peer's protocol state.
#[derive(Debug)]
pub struct Engine {
    own: Own,
    /// What we sign and seal with; none of a peer that only looks around.
    ring: Option<Ring>,
    group: Option<Group>,
    authors: Authors,
    sessions: Sessions,
    waits: Waits,
    outbox: Outbox,
    older_sent: OlderSent,
    commits: Commits,
    posts: Posts,
    texts: Texts,
    syncing: Syncing,
    carrier: Carrier,
    data: Passing,
    /// Peers without a key that the user lets have a name that a key had.
    excused: BTreeSet<PeerId>,
    /// Asks of those whom a message waits for.
    urgent: Pace,
    knocks: Knocks,
    /// Asks of those who say something before they have answered.
    claimed: Pace,
    config: Config,
    rng: StdRng,
    key: Key,
    /// The moment of birth, and the Unix time then: the wall clock is derived.
    birth: (Instant, Duration),
    links: Links,
    peers: PeerTable,
    timers: Timers,
    beats: Beats,
    answers: BTreeMap<SocketAddrV4, Answer>,
    answered: Answered,
    /// Echoes that are out: whose path each nonce is to prove.
    asks: BTreeMap<u64, (PeerId, SocketAddrV4)>,
    /// Strangers in line to be asked.
    strangers: BTreeSet<(PeerId, SocketAddrV4)>,
    watch: Watch,
    hints: Hints,
    inflow: Inflow,
    /// What users send to addresses that have proved nothing.
    outflow: BTreeMap<SocketAddrV4, Bucket>,
    own_outflow: Bucket,
    seen: Seen,
    pulls: BTreeMap<PeerId, (AvatarLabel, Pull)>,
    pictures: Pictures,
    /// When older clients at an IP were last sent our picture.
    pictured: BTreeMap<SocketAddrV4, Instant>,
    /// Starts that said goodbye a moment ago: what they sent before may still come in.
    departed: VecDeque<((Option<PublicKey>, Sid), Instant)>,
    counters: Counters,
    trace: bool,
    left: bool,
    outputs: VecDeque<Output>,
    scratch: Vec<u8>,
}

/// A datagram that came in, with all that is known of its way.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    from: SocketAddrV4,
    socket: Socket,
    bytes: usize,
    style: wire::Style,
    extension: wire::Extension,
    /// Who signed it, if somebody did.
    signed: Option<Signed>,
    now: Instant,
}

impl Engine {
    /// A peer at its birth. It is silent until the first [`Engine::handle_links`].
    ///
    /// The same seed and the same inputs give the same outputs. `unix` is the time since 1970 at `now`; a step of the
    /// wall clock later is not followed (TIMESTAMP is a label).
    #[must_use]
    pub fn new(identity: Identity, config: Config, seed: [u8; 32], now: Instant, unix: Duration) -> Self {
        let mut rng = StdRng::from_seed(seed);
        let key = Key(rng.next_u64(), rng.next_u64());
        let sid = wire::Octets(rng.next_u64());
        Self {
            own: Own::new(identity, sid),
            ring: None,
            group: None,
            authors: Authors::new(Vec::new(), key, &config.limits, now),
            sessions: Sessions::new(key),
            waits: Waits::default(),
            outbox: Outbox::default(),
            older_sent: OlderSent::default(),
            commits: Commits::new(key),
            posts: Posts::default(),
            texts: Texts::default(),
            syncing: Syncing::default(),
            carrier: Carrier::default(),
            data: Passing::default(),
            excused: BTreeSet::new(),
            urgent: Pace::default(),
            knocks: Knocks::default(),
            claimed: Pace::default(),
            peers: PeerTable::new(config.shards, key),
            inflow: Inflow::new(&config.limits, key, now),
            own_outflow: Bucket::full(config.limits.own_rate, now),
            beats: Beats::default(),
            watch: Watch::new(now),
            config,
            rng,
            key,
            birth: (now, unix),
            links: Links::default(),
            timers: Timers::default(),
            answers: BTreeMap::new(),
            answered: Answered::default(),
            strangers: BTreeSet::new(),
            asks: BTreeMap::new(),
            hints: Hints::default(),
            outflow: BTreeMap::new(),
            seen: Seen::default(),
            pulls: BTreeMap::new(),
            pictures: Pictures::default(),
            pictured: BTreeMap::new(),
            departed: VecDeque::new(),
            counters: Counters::default(),
            trace: false,
            left: false,
            outputs: VecDeque::new(),
            scratch: Vec::with_capacity(wire::OWN_DATAGRAM_MAX),
        }
    }

    /// Makes it a signed peer. To be called before anything else.
    #[must_use]
    pub fn with_keys(mut self, keyring: Keyring) -> Self {
        let Keyring { crypto, group, kept } = keyring;
        let now = self.birth.0;
        let Kept { leased, prekeys, posted, contacts, mut archive } = kept;
        self.authors = Authors::new(contacts, self.key, &self.config.limits, now);
        self.group = group.map(|secret| Group::new(secret, self.key));
        let seeds = Seeds::new(&mut self.rng);
        self.ring = Some(Ring { crypto, sequence: Sequence::new(leased), prekeys, posted, seeds });
        self.turn_prekeys(now);
        let own = self.own_key();
        self.posts = Posts::restored(&mut archive, own, &self.config.limits);
        self.syncing = Syncing::new(&self.posts, archive.lamport);
        self.carrier = Carrier::restored(archive.carried, &self.config.limits);
        self.outbox = Outbox::restored(archive.outbox, now);
        if self.outbox.watch() {
            self.timers.set(now, Timer::Outbox);
        }
        self
    }

    /// Takes a datagram. Any bytes at all are fine (protocol.md §8.1).
    ///
    /// # Errors
    /// Why it was dropped; a dropped datagram changes nothing but counters and budgets.
    pub fn handle_datagram(
        &mut self,
        bytes: &[u8],
        from: SocketAddrV4,
        socket: Socket,
        now: Instant,
    ) -> Result<(), Rejected> {
        self.notice_wake(now);
        self.counters.received_bytes += bytes.len() as u64;
        let taken = self.take(bytes, from, socket, now);
        match &taken {
            Ok(()) => self.counters.received += 1,
            Err(rejected) => rejected.count(&mut self.counters),
        }
        if self.trace && taken != Err(Rejected::OwnEcho) {
            let kind = wire::Lines::of(bytes).map_or("?", |(kind, _)| kind);
            self.trace(false, from, 1, kind, bytes.len(), taken.err());
        }
        taken
    }

    fn take(&mut self, bytes: &[u8], from: SocketAddrV4, socket: Socket, now: Instant) -> Result<(), Rejected> {
        if self.left {
            return Err(Rejected::Left);
        }
        let ip = *from.ip();
        let broadcast = ip.is_broadcast() || self.links.links.iter().any(|link| link.broadcast == Some(ip));
        if from.port() < 1024 || ip.is_multicast() || ip.is_unspecified() || broadcast {
            return Err(Rejected::BadSource);
        }
        if self.group.is_none()
            && let Some(opened) = self.open_frame(bytes)
        {
            return self.on_frame(opened, bytes.len(), from, now);
        }
        if !self.holds_answer(bytes, from) && !self.expects(bytes, from) {
            let claims = self.group.is_some() || self.claims_path(bytes, from);
            self.inflow.admit(from, claims, &self.config.limits, now)?;
        }
        let Some(group) = &mut self.group else { return self.take_plain(bytes, from, socket, now) };
        let ring = self.ring.as_ref().ok_or(Rejected::OutsideGroup)?;
        let inner = group.unwrap(&*ring.crypto, self.own.sid, bytes, &self.config.limits);
        if inner.is_err() {
            self.inflow.spend(from, false, &self.config.limits, now);
        }
        let inner = inner?;
        if let Some(opened) = self.open_frame(&inner) {
            return self.on_frame(opened, inner.len(), from, now);
        }
        self.take_plain(&inner, from, socket, now)
    }

    /// Takes a datagram as its sender wrote it.
    fn take_plain(&mut self, bytes: &[u8], from: SocketAddrV4, socket: Socket, now: Instant) -> Result<(), Rejected> {
        let ip = *from.ip();
        if let Some(carry) = Carry::of(bytes)? {
            return self.on_carry(&carry, from, now);
        }
        let datagram = wire::decode(bytes)?;
        let wire::Datagram { message, extension, style } = datagram;
        // What older clients get of us names no SID. Nobody else sends from our port on this host.
        let ours = from.port() == self.own.port && self.links.is_own(ip);
        if extension.sid.map_or(ours, |sid| sid == self.own.sid) {
            return Err(Rejected::OwnEcho);
        }
        if !self.links.is_on_link(ip) && extension.sid.is_none() {
            return Err(Rejected::OffLink);
        }
        let signed = self.check_signed(bytes, &message, &extension, from, socket, now)?;
        let arrival = Arrival { from, socket, bytes: bytes.len(), style, extension, signed, now };
        if !self.links.is_on_link(ip) && !self.may_come_from_afar(&message, &arrival) {
            return Err(Rejected::OffLink);
        }
        match message {
            Message::Discovery(discovery) => self.on_discovery(&discovery, &arrival),
            Message::Ping(ping) => self.on_ping(&ping, &arrival),
            Message::Post(post) => self.on_post(&post, bytes, &arrival),
            Message::Dm(dm) => self.on_dm(&dm, &arrival),
            Message::Profile(profile) => self.on_profile(&profile, &arrival),
            Message::PeerListRequest(request) => self.on_list_request(&request, &arrival),
            Message::PeerListResponse(response) => self.on_list_response(&response, &arrival),
            Message::Follow(follow) => self.on_follow(&follow, false, &arrival),
            Message::Unfollow(follow) => self.on_follow(&follow, true, &arrival),
            Message::FollowResponse(response) => self.on_follow_response(&response, false, &arrival),
            Message::UnfollowResponse(response) => self.on_follow_response(&response, true, &arrival),
            Message::Revoke(revoke) => self.on_revoke(&revoke, &arrival),
            Message::ChunkRequest(request) => self.on_chunk_request(&request, &arrival),
            Message::Chunk(chunk) => self.on_chunk(&chunk, &arrival),
            Message::Ack(ack) => self.on_ack(&ack, &arrival),
            Message::Sync(sync) => self.on_sync(&sync, &arrival),
            Message::Data(data) => self.on_data(&data, bytes, &arrival),
            Message::Other(_) => Err(Rejected::OtherType),
        }
    }

    /// Takes the interfaces as they are now: at the start, and whenever they changed.
    pub fn handle_links(&mut self, links: Links, now: Instant) {
        if self.left || (links == self.links && self.beats.started()) {
            return;
        }
        let before = std::mem::replace(&mut self.links, links);
        self.leave_lost_links(&before);
        let renamed = self.own.rename(self.links.primary, now);
        if renamed && self.beats.started() {
            self.event(Event::Renamed { user_id: Arc::clone(&self.own.user_id) });
        }
        self.restart_beats(now);
    }

    /// Does what is due. Calling it early or late is fine.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.notice_wake(now);
        while !self.left
            && let Some(timer) = self.timers.due(now)
        {
            match timer {
                Timer::Beat => self.beat(now),
                Timer::Presence(id) => self.check_presence(id, now),
                Timer::Suspect(id, since) => self.check_suspect(id, since),
                Timer::Echo(id, path) => self.check_echo(id, path, now),
                Timer::Answer(address) => self.send_answer(address, now),
                Timer::Approach => self.approach_next(now),
                Timer::Hint => self.probe_hint(now),
                Timer::Waiting(id) => self.check_waiting(id, now),
                Timer::Held(id) => self.check_held(id, now),
                Timer::Deliver(id) => self.deliver_more(id, now),
                Timer::Outbox => self.expire_outbox(now),
                Timer::Commits => self.check_commits(now),
                Timer::Sync => self.go_on_syncing(now),
                Timer::Text(root) => self.go_on_pulling_text(root, now),
                Timer::Prekey => self.turn_prekeys(now),
                Timer::Pull(id) => self.go_on_pulling(id, now),
            }
        }
    }

    /// Yields what should happen, one thing a call; call until [`Output::Wait`].
    pub fn poll(&mut self) -> Output {
        if let Some(output) = self.outputs.pop_front() {
            return output;
        }
        let deadline = if self.left { Instant::from_nanos(u64::MAX) } else { self.deadline() };
        self.watch.promise(deadline);
        Output::Wait(deadline)
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Reads the peer table, from anywhere.
    #[must_use]
    pub fn peers(&self) -> Peers {
        self.peers.reader()
    }

    /// The earliest moment at which something is due.
    fn deadline(&self) -> Instant {
        self.timers.next().unwrap_or(self.birth.0 + Duration::from_secs(u64::from(u32::MAX)))
    }

    /// Tells people; of what somebody blocked does, nothing.
    fn event(&mut self, event: Event) {
        self.mirror(&event);
        if event.of_blocked() {
            return;
        }
        self.outputs.push_back(Output::Event(event));
    }

    /// Sends one payload to these addresses, if there are any.
    fn transmit(&mut self, to: &[SocketAddrV4], payload: Arc<[u8]>) {
        if to.is_empty() {
            return;
        }
        let said = Arc::clone(&payload);
        let payload = match (&mut self.group, &self.ring) {
            (Some(group), Some(ring)) => group.wrap(&*ring.crypto, self.own.sid, &payload),
            _ => payload,
        };
        self.counters.sent += to.len() as u64;
        self.counters.sent_bytes += (to.len() * payload.len()) as u64;
        if self.trace {
            let kind = wire::Lines::of(&said).map_or("?", |(kind, _)| kind).to_owned();
            self.trace(true, to[0], to.len(), &kind, payload.len(), None);
        }
        self.outputs.push_back(Output::Transmit(Transmit { to: to.into(), payload }));
    }

    fn trace(
        &mut self,
        out: bool,
        address: SocketAddrV4,
        count: usize,
        kind: &str,
        bytes: usize,
        dropped: Option<Rejected>,
    ) {
        let kind = Untrusted::new(kind.chars().take(40).collect::<String>());
        self.event(Event::Traced { out, address, count, kind, bytes, dropped: dropped.map(Rejected::reason) });
    }

    /// Unix seconds, for TIMESTAMP.
    fn unix(&self, now: Instant) -> u64 {
        (self.birth.1 + now.since(self.birth.0)).as_secs()
    }

    fn message_id(&mut self) -> wire::OwnMessageId {
        wire::OwnMessageId::new(self.rng.next_u64())
    }

    /// A random share of `whole`, evenly spread.
    fn share(&mut self, whole: Duration) -> Duration {
        whole.mul_f64(self.rng.next_u32() as f64 / f64::from(u32::MAX))
    }

    /// `whole`, up to so many hundredths shorter or longer.
    fn jittered(&mut self, whole: Duration, hundredths: u32) -> Duration {
        whole * (100 - hundredths) / 100 + self.share(whole * 2 * hundredths / 100)
    }
}

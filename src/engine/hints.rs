//! Addresses where a peer may be: named by the user, remembered, or on another peer's list (protocol.md §5.7).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddrV4;
use std::time::Duration;

use rand::Rng;

use crate::wire::{
    ENVELOPE_MAX, Extension, Nonce, OWN_DATAGRAM_MAX, Octets, PeerListRequest, PeerListResponse, Untrusted, UserId,
};

use super::peer::Greeting;
use super::{Arrival, CommandError, Config, Engine, Event, Instant, PeerId, Rejected, Timer};

/// Entries of one list that are looked at.
const LIST_MAX: usize = 64;

/// Where peers may be.
#[derive(Debug, Default)]
pub(super) struct Hints {
    /// Named by the user, with the nonce of the last ASK.
    lasting: BTreeMap<SocketAddrV4, u64>,
    queue: VecDeque<SocketAddrV4>,
    /// When an address was probed last.
    probed: BTreeMap<SocketAddrV4, Instant>,
    /// Nonces of the latest probes, with where they went.
    nonces: VecDeque<(u64, SocketAddrV4)>,
    /// Whom we asked for a list, and when.
    lists: BTreeMap<PeerId, Instant>,
}

impl Hints {
    /// True for the nonce of an ASK to an address that the user named.
    pub(super) fn answered(&self, nonce: Nonce) -> bool {
        self.lasting.values().any(|asked| *asked == nonce.0)
    }

    /// True for the nonce of a probe of this address.
    pub(super) fn asked(&self, nonce: Nonce, from: SocketAddrV4) -> bool {
        self.nonces.contains(&(nonce.0, from))
    }

    /// A probe was answered: nobody answers it again.
    pub(super) fn answered_there(&mut self, nonce: Nonce, from: SocketAddrV4) {
        self.nonces.retain(|probe| *probe != (nonce.0, from));
    }
}

impl Engine {
    /// Tries an address: a lasting one now and at every beat, another one once.
    pub(super) fn reach(&mut self, to: SocketAddrV4, lasting: bool, now: Instant) -> Result<(), CommandError> {
        let ip = *to.ip();
        if to.port() == 0 || ip.is_unspecified() || ip.is_broadcast() || ip.is_multicast() {
            return Err(CommandError::BadAddress);
        }
        if !lasting {
            self.add_hint(to, now);
        } else if self.hints.lasting.len() < self.config.limits.lasting {
            self.hints.lasting.insert(to, 0);
            if self.beats.started() {
                self.greet_lasting_at(to, now);
            }
        }
        Ok(())
    }

    /// Announces us to all addresses that the user named.
    pub(super) fn greet_lasting(&mut self, now: Instant) {
        let all: Vec<SocketAddrV4> = self.hints.lasting.keys().copied().collect();
        for to in all {
            self.greet_lasting_at(to, now);
        }
        if self.is_tenth_beat() {
            let lasting = |id: &PeerId| self.peers.read(*id, |peer| peer.lasting).unwrap_or(false);
            let friends: Vec<PeerId> = self.peers.ids().into_iter().filter(lasting).collect();
            if !friends.is_empty() {
                let at = self.rng.next_u32() as usize % friends.len();
                self.ask_for_list(friends[at], now);
            }
        }
    }

    fn greet_lasting_at(&mut self, to: SocketAddrV4, now: Instant) {
        let nonce = self.rng.next_u64();
        self.hints.lasting.insert(to, nonce);
        self.send_ask(to, nonce, true, now);
    }

    fn send_ask(&mut self, to: SocketAddrV4, nonce: u64, profile: bool, now: Instant) {
        let ask = Some(Octets(nonce));
        let payload = self.announcement(Extension { ask, ..Extension::default() }, profile, now);
        self.transmit(&[to], payload);
    }

    /// Keeps us on the lists of older clients that do not listen to announcements.
    pub(super) fn greet_those_who_miss_broadcasts(&mut self, now: Instant) {
        for id in self.peers.ids() {
            let deaf = self.peers.read(id, |peer| {
                let deaf = peer.is_older() && peer.dialect.greeting != Greeting::Discovery;
                deaf.then(|| (peer.dialect, peer.address()))
            });
            if let Some(Some((dialect, to))) = deaf {
                let payload = self.greeting(dialect, now);
                self.send_within_budget(id, to, payload, now);
            }
        }
    }

    /// The row of whoever sent this: by the key that signed it, else by what it says and where it comes from.
    pub(super) fn row_of(&self, label: &str, arrival: &Arrival) -> Option<PeerId> {
        match arrival.signed {
            Some(signed) => self.authors.get(&signed.key)?.row,
            None => self.peers.find(label, arrival.extension.sid, arrival.from, &self.links),
        }
    }

    /// Queues an address for one probe, unless it was probed within the last minute or the queue is full.
    pub(super) fn add_hint(&mut self, to: SocketAddrV4, now: Instant) {
        self.hints.probed.retain(|_, at| now.since(*at) < Config::HINT_AGAIN);
        let full = self.hints.queue.len() + self.hints.probed.len() >= self.config.limits.hints;
        if full || self.hints.probed.contains_key(&to) || self.hints.queue.contains(&to) {
            self.counters.hints_dropped += u64::from(full);
            return;
        }
        self.hints.queue.push_back(to);
        if self.hints.queue.len() == 1 {
            self.timers.set(now, Timer::Hint);
        }
    }

    /// Probes the next hint.
    pub(super) fn probe_hint(&mut self, now: Instant) {
        let Some(to) = self.hints.queue.pop_front() else { return };
        if !self.hints.queue.is_empty() {
            self.timers.set(now + Duration::from_secs(1) / self.config.limits.hints_rate.max(1), Timer::Hint);
        }
        if !self.links.is_on_link(*to.ip()) || !self.may_knock(to, now) {
            self.counters.hints_dropped += 1;
            return;
        }
        self.hints.probed.insert(to, now);
        let nonce = self.rng.next_u64();
        self.hints.nonces.push_back((nonce, to));
        if self.hints.nonces.len() > 64 {
            self.hints.nonces.pop_front();
        }
        self.send_ask(to, nonce, false, now);
    }

    /// Asks a peer whom it knows.
    pub(super) fn ask_for_list(&mut self, id: PeerId, now: Instant) {
        let Some((to, style, older)) =
            self.peers.read(id, |peer| (peer.address(), peer.dialect.style, peer.is_older()))
        else {
            return;
        };
        self.hints.lists.retain(|_, at| now.since(*at) < Duration::from_secs(10));
        self.hints.lists.insert(id, now);
        let message_id = self.message_id();
        let request = PeerListRequest {
            from: self.own.field(),
            timestamp: Some(self.unix(now)),
            message_id: Some(message_id.as_field()),
        };
        let extension = Extension { sid: (!older).then_some(self.own.sid), ..Extension::default() };
        request.encode(&extension, style, &mut self.scratch);
        let payload = if older { self.scratch.as_slice().into() } else { self.signed() };
        self.transmit(&[to], payload);
    }

    /// Somebody asks whom we know: a proven path gets a datagram full, another at most three times what it sent.
    pub(super) fn on_list_request(&mut self, request: &PeerListRequest<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let Arrival { from, now, bytes, extension, .. } = *arrival;
        let asker = self.row_of(request.from.as_str(), arrival);
        let proven = asker.is_some_and(|id| self.is_proven(id, from));
        let room = if proven { OWN_DATAGRAM_MAX } else { OWN_DATAGRAM_MAX.min(3 * bytes) };
        let own = self.links.is_own(*from.ip());
        let identity = self.key.hash(b"PEER_LIST_REQUEST");
        if self.config.scan || !self.answered.allow(from, identity, Duration::from_secs(1), own, now) {
            return Err(Rejected::Unanswered);
        }
        let mut ids = self.peers.ids();
        let start = if ids.is_empty() { 0 } else { self.rng.next_u32() as usize % ids.len() };
        ids.rotate_left(start);
        let labels: Vec<String> = ids
            .into_iter()
            .filter(|id| Some(*id) != asker)
            .filter_map(|id| self.peers.read(id, |peer| peer.raw_id().to_owned()))
            .collect();
        let message_id = self.message_id();
        let unix = self.unix(now);
        let envelope = if extension.sid.is_some() && self.ring.is_some() { ENVELOPE_MAX } else { 0 };
        let room = room.min(self.datagram_max());
        let ours = extension.sid.map(|_| self.own.sid);
        let extra = Extension { sid: ours, ans: extension.ask, ..Extension::default() };
        PeerListResponse::encode(
            self.own.field(),
            labels.iter().map(String::as_str),
            unix,
            message_id.as_field(),
            &extra,
            room.saturating_sub(envelope),
            &mut self.scratch,
        );
        if self.scratch.len() + envelope > room || !(proven || self.may_knock(from, now)) {
            return Err(Rejected::Unanswered);
        }
        let payload = if envelope > 0 { self.signed() } else { self.scratch.as_slice().into() };
        self.transmit(&[from], payload);
        Ok(())
    }

    /// A list that we asked for: told to people, and its entries on our links are hints.
    pub(super) fn on_list_response(
        &mut self,
        response: &PeerListResponse<'_>,
        arrival: &Arrival,
    ) -> Result<(), Rejected> {
        let now = arrival.now;
        let id = self.row_of(response.from.as_str(), arrival).ok_or(Rejected::Stranger)?;
        match self.hints.lists.remove(&id) {
            Some(asked) if now.since(asked) < Duration::from_secs(10) => {}
            _ => return Err(Rejected::StrayAnswer),
        }
        let ids = response.ids(LIST_MAX);
        for label in &ids {
            let ip = UserId::new(label).and_then(UserId::ip);
            let known = !self.peers.labelled(label).is_empty() || *label == *self.own.user_id;
            if let Some(ip) = ip
                && !known
                && !ip.is_loopback()
                && self.links.is_on_link(ip)
            {
                self.add_hint(SocketAddrV4::new(ip, self.config.discovery_port), now);
            }
        }
        if let Some(peer) = self.peers.get(id) {
            self.event(Event::PeerList { from: peer, ids: ids.into_iter().map(Untrusted::new).collect() });
        }
        Ok(())
    }
}

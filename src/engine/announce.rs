//! Announcing ourselves, and answering those who do (protocol.md §5.1, §5.3, §5.4).

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use rand::Rng;

use crate::wire::{Caps, Discovery, ENVELOPE_MAX, Extension, Nonce, Octets, Ping, Profile, Style, VERSION};

use super::budget::Pace;
use super::meet::Sender;
use super::peer::{Dialect, Greeting};
use super::{Arrival, Config, Engine, Event, Instant, PeerId, Rejected, Socket, Timer};

/// Most bytes of an announcement of ours besides the id, display name, status, prekey and envelope.
const ANNOUNCEMENT_HEAD: usize = 20 + 9 + 11 + 32 + 28 + 41 + 5 + 16 + 24 + 10 + 32 + 1;

/// When we announce.
#[derive(Debug, Default)]
pub(super) struct Beats {
    /// When the next announcement is due; timers set for earlier are void.
    due: Option<Instant>,
    /// Quick announcements sent since the last start, wake or change.
    quick: usize,
    count: u64,
    restarted: Option<Instant>,
    /// When an announcement was last brought forward.
    hurried: Option<Instant>,
    /// What goes to strangers by unicast.
    pace: Pace,
    pub(super) announced: Option<Instant>,
    /// The nonces of our latest broadcast ASKs.
    asks: ArrayVec<u64, 4>,
}

/// An answer that waits to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer {
    /// Whom it is for; nobody for one that only looks around.
    peer: Option<PeerId>,
    /// The ASK that it echoes.
    echo: Option<Nonce>,
    /// Bytes of the datagram that it answers.
    bytes: usize,
    /// It answers what everybody heard, of somebody who had proved nothing: a broadcast does as well.
    stranger: bool,
}

impl Beats {
    pub(super) fn started(&self) -> bool {
        self.due.is_some()
    }

    /// True for a nonce that we broadcast lately.
    pub(super) fn asked(&self, nonce: Nonce) -> bool {
        self.asks.contains(&nonce.0)
    }
}

impl Engine {
    /// Starts the quick announcements: at a start, a wake, a change of address, or when asked to; at most once a
    /// second.
    pub(super) fn restart_beats(&mut self, now: Instant) {
        let soonest = match self.beats.restarted {
            // It is about to happen already: another call does not put it off.
            Some(at) if at > now => at,
            Some(at) => now.max(at + Config::RESTART_GAP),
            None => now,
        };
        self.beats.quick = 0;
        self.beats.due = Some(soonest);
        self.beats.restarted = Some(soonest);
        self.timers.set(soonest, Timer::Beat);
    }

    /// True when a stranger may be sent something by unicast now. In a crowd of newcomers the pace runs out; then our
    /// next announcement has to do (protocol.md §5.3). So a crowd costs no more than its number in broadcasts, and no
    /// system's table of neighbours overflows.
    pub(super) fn may_approach(&mut self, to: SocketAddrV4, now: Instant) -> bool {
        let (gap, burst) = self.pace();
        self.links.is_own(*to.ip()) || self.beats.pace.take(gap, burst, now)
    }

    /// How long until a stranger may be approached.
    pub(super) fn next_approach(&self, now: Instant) -> Duration {
        let (gap, burst) = self.pace();
        self.beats.pace.wait(gap, burst, now)
    }

    /// Lets our next announcement answer a stranger, which is asked itself when the pace allows.
    fn answer_by_broadcast(&mut self, id: Option<PeerId>, to: SocketAddrV4, now: Instant) {
        self.hurry(now);
        if let Some(id) = id {
            self.approach_later(id, to, now);
        }
    }

    /// The pace for strangers, which rises with the number of peers.
    fn pace(&self) -> (Duration, u32) {
        let (gap, burst) = self.config.limits.strangers;
        // Newcomers do not count: anybody can make them up.
        let crowd = u32::try_from(self.peers.settled() / 50).unwrap_or(u32::MAX).max(1);
        (gap / crowd, burst.saturating_mul(crowd))
    }

    /// Brings the next announcement forward, at most once in 2 s: who comes too soon after the last waits as long.
    pub(super) fn hurry(&mut self, now: Instant) {
        if self.left {
            return;
        }
        let lately = self.beats.hurried.filter(|at| now.since(*at) < Config::HURRY_GAP);
        let since = lately.map_or(now, |at| at + Config::HURRY_GAP);
        let at = since + self.jittered(Config::HURRY_GAP / 2, 50);
        if self.beats.due.is_some_and(|due| due > at) {
            self.beats.hurried = Some(since);
            self.beats.due = Some(at);
            self.timers.set(at, Timer::Beat);
        }
    }

    /// Announces us on every link, and to those who need it by unicast.
    pub(super) fn beat(&mut self, now: Instant) {
        if self.beats.due.is_none_or(|due| now < due) {
            return;
        }
        let quick = self.beats.quick < Config::QUICK.len();
        let alone = quick && self.peers.len() == 0;
        let ask = (self.beats.quick == 0 || alone || !self.links.discovery_open || self.config.scan).then(|| {
            let nonce = self.rng.next_u64();
            if self.beats.asks.is_full() {
                self.beats.asks.remove(0);
            }
            self.beats.asks.push(nonce);
            Octets(nonce)
        });
        let targets = self.broadcast_addresses();
        let payload = self.announcement(Extension { ask, ..Extension::default() }, true, now);
        self.transmit(&targets, payload);
        self.beats.announced = Some(now);
        self.beats.count += 1;
        self.greet_lasting(now);
        self.greet_those_who_miss_broadcasts(now);
        let wait = if quick && self.beats.quick + 1 < Config::QUICK.len() {
            let gap = Config::QUICK[self.beats.quick + 1] - Config::QUICK[self.beats.quick];
            self.jittered(gap, 20)
        } else {
            let interval = self.interval();
            self.jittered(interval, 10)
        };
        self.beats.quick = (self.beats.quick + 1).min(Config::QUICK.len());
        self.beats.due = Some(now + wait);
        self.timers.set(now + wait, Timer::Beat);
    }

    /// Between two announcements: longer with very many peers, never beyond 100 s for their sake.
    pub(super) fn interval(&self) -> Duration {
        let crowd = Duration::from_secs(self.peers.live() as u64 / 50).min(Duration::from_secs(100));
        self.config.heartbeat.max(crowd)
    }

    /// True at every tenth beat, the first included.
    pub(super) fn is_tenth_beat(&self) -> bool {
        self.beats.count.is_multiple_of(Config::LIMITED_EVERY)
    }

    /// The directed broadcast address of each link, that of this host, and the limited one where it is due.
    fn broadcast_addresses(&self) -> Vec<SocketAddrV4> {
        let outer = || self.links.links.iter().filter(|link| !link.address.is_loopback());
        let mut ips: Vec<Ipv4Addr> = outer().filter_map(|link| link.broadcast).collect();
        let undirected = outer().any(|link| link.broadcast.is_none());
        if self.beats.quick == 0 || self.is_tenth_beat() || undirected {
            ips.push(Ipv4Addr::BROADCAST);
        }
        ips.sort_unstable();
        ips.dedup();
        // Last, so that peers of this host first hear us at the address that others see.
        ips.push(Ipv4Addr::new(127, 255, 255, 255));
        ips.into_iter().map(|ip| SocketAddrV4::new(ip, self.config.discovery_port)).collect()
    }

    /// Our announcement with these extra keys, with our profile or without.
    pub(super) fn announcement(&mut self, extra: Extension, profile: bool, now: Instant) -> Arc<[u8]> {
        let id = self.message_id();
        let timestamp = self.unix(now);
        let beat = u16::try_from(self.interval().as_secs()).unwrap_or(u16::MAX).max(1);
        let extension = Extension {
            version: Some(VERSION),
            sid: Some(self.own.sid),
            caps: Some(if self.config.data { Caps::OURS } else { Caps::OURS.without(Caps::DATA) }),
            beat: Some(beat),
            scan: self.config.scan,
            posts: self.ring.as_ref().map(|ring| ring.posted.number).filter(|number| *number > 0 && !self.config.scan),
            ..extra
        };
        let (own, prekey) = (&self.own, self.own_prekey().filter(|_| profile));
        let envelope = if self.ring.is_some() { ENVELOPE_MAX } else { 0 };
        let mut discovery = Discovery {
            user_id: own.field(),
            port: Some(own.port),
            timestamp: Some(timestamp),
            message_id: Some(id.as_field()),
            display_name: own.display_name.as_deref().filter(|_| profile),
            status: own.status.as_deref().filter(|_| profile),
            avatar: own.avatar.as_ref().map(|avatar| avatar.label).filter(|_| profile),
            prekey,
        };
        discovery.encode(&extension, Style::Tight, &mut self.scratch);
        if self.scratch.len() + envelope > self.datagram_max() {
            // Only a profile that an earlier version kept can be so long.
            discovery.status = None;
            discovery.encode(&extension, Style::Tight, &mut self.scratch);
        }
        self.signed()
    }

    /// True when everything about us fits into one announcement, an answer that asks included.
    pub(super) fn announcement_fits(&self) -> bool {
        let field = |text: Option<&str>, key: usize| text.map_or(0, |text| key + text.len());
        let own = &self.own;
        let about = field(own.display_name.as_deref(), 14) + field(own.status.as_deref(), 8);
        let envelope = if self.ring.is_some() { ENVELOPE_MAX + 61 } else { 0 };
        ANNOUNCEMENT_HEAD + own.user_id.len() + about + envelope <= self.datagram_max()
    }

    /// What makes an older client list us, in its dialect: the bare announcement, a PING or a PROFILE.
    pub(super) fn greeting(&mut self, dialect: Dialect, now: Instant) -> Arc<[u8]> {
        let id = self.message_id();
        let timestamp = Some(self.unix(now));
        let (own, none) = (&self.own, Extension::default());
        match dialect.greeting {
            Greeting::Discovery => Discovery {
                user_id: own.field(),
                port: Some(own.port),
                timestamp,
                message_id: Some(id.as_field()),
                display_name: None,
                status: None,
                avatar: None,
                prekey: None,
            }
            .encode(&none, dialect.style, &mut self.scratch),
            Greeting::Ping => {
                Ping { user_id: own.field(), port: None }.encode(&none, dialect.style, &mut self.scratch);
            }
            Greeting::Profile => Profile {
                user_id: own.field(),
                display_name: Some(own.display_name.as_deref().unwrap_or(own.field().name())),
                status: Some(own.status.as_deref().unwrap_or_default()),
                timestamp,
                message_id: Some(id.as_field()),
                avatar: None,
                avatar_data: None,
            }
            .encode(&none, None, dialect.style, &mut self.scratch),
        }
        self.scratch.as_slice().into()
    }

    pub(super) fn on_discovery(&mut self, discovery: &Discovery<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let extension = &arrival.extension;
        if let Some(bye) = extension.bye {
            return self.on_bye(bye, arrival);
        }
        if extension.scan {
            return self.answer_scan(arrival);
        }
        let sender = Sender::announcing(discovery.user_id, discovery.port, Greeting::Discovery, arrival, &self.config);
        let met = self.meet(&sender)?;
        // A unicast echo may leave the profile out for its size; a broadcast never does.
        let Discovery { display_name, status, avatar, prekey, .. } = *discovery;
        let said = [display_name.is_some(), status.is_some(), avatar.is_some(), prekey.is_some()];
        let whole = arrival.socket == Socket::Discovery || said.contains(&true);
        let believed = extension.sid.is_some() && whole && met.believed;
        let changed = believed && self.learn(met.id, display_name, status, avatar, prekey);
        self.introduce(met, changed);
        let stray = match extension.ans {
            Some(answer) => !self.on_echo(met.id, answer, arrival),
            None => false,
        };
        self.answer(met, arrival);
        self.heard_again(met.id, extension.posts, arrival);
        if stray { Err(Rejected::StrayAnswer) } else { Ok(()) }
    }

    /// A peer announces itself: what waits for that goes on.
    fn heard_again(&mut self, id: PeerId, posts: Option<u64>, arrival: &Arrival) {
        let Some(signed) = arrival.signed.filter(|signed| signed.newest) else { return };
        self.deliver_on_beat(&signed.key, arrival.now);
        if !self.authors.get(&signed.key).is_some_and(|author| author.fresh) {
            return;
        }
        self.pass_carried(id, arrival.now);
        if let Some(posts) = posts {
            self.on_post_count(id, posts, arrival.now);
        }
    }

    pub(super) fn on_ping(&mut self, ping: &Ping<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let sender = Sender::announcing(ping.user_id, ping.port, Greeting::Ping, arrival, &self.config);
        let met = self.meet(&sender)?;
        self.introduce(met, false);
        self.answer(met, arrival);
        Ok(())
    }

    /// Answers an announcement where it must be answered: an ASK always; without one, only somebody new who was heard
    /// on the discovery port.
    pub(super) fn answer(&mut self, met: super::meet::Met, arrival: &Arrival) {
        let Arrival { now, .. } = *arrival;
        self.show_picture(met.id, now);
        let Some(to) = self.peers.read(met.id, |peer| if peer.is_older() { peer.address() } else { arrival.from })
        else {
            return;
        };
        // What everybody heard may be answered by a broadcast as well; older clients want theirs by unicast.
        let everybody = arrival.socket == Socket::Discovery && arrival.extension.sid.is_some();
        let stranger = everybody && !self.is_proven(met.id, to);
        let answer = Answer { peer: Some(met.id), echo: arrival.extension.ask, bytes: arrival.bytes, stranger };
        if arrival.extension.ask.is_some() {
            self.queue_answer(to, answer, arrival);
        } else if arrival.socket == Socket::Discovery && (met.new || met.restarted) {
            let sid = arrival.extension.sid.map_or(0, |sid| sid.0);
            let label = self.peers.read(met.id, |peer| self.key.hash(peer.user_id.as_bytes())).unwrap_or(0);
            let own = self.links.is_own(*to.ip());
            if self.answered.allow(to, label ^ sid, Config::ANSWER_AGAIN, own, now) {
                self.queue_answer(to, answer, arrival);
            } else {
                self.counters.unanswered += 1;
            }
        } else {
            self.prove_if_needed(met.id, arrival.from, now);
        }
    }

    /// Somebody looks around: is answered, and not listed.
    fn answer_scan(&mut self, arrival: &Arrival) -> Result<(), Rejected> {
        if arrival.extension.ask.is_none() || self.config.scan {
            return Ok(());
        }
        let answer = Answer { peer: None, echo: arrival.extension.ask, bytes: arrival.bytes, stranger: false };
        self.queue_answer(arrival.from, answer, arrival);
        Ok(())
    }

    fn queue_answer(&mut self, to: SocketAddrV4, answer: Answer, arrival: &Arrival) {
        if self.config.scan && answer.echo.is_none() {
            return;
        }
        if let Some(waiting) = self.answers.get_mut(&to) {
            waiting.echo = answer.echo.or(waiting.echo);
            waiting.peer = answer.peer.or(waiting.peer);
            waiting.bytes = waiting.bytes.max(answer.bytes);
            waiting.stranger &= answer.stranger;
            return;
        }
        let live = self.peers.live();
        let mut delay = Duration::ZERO;
        if arrival.socket == Socket::Discovery {
            if answer.stranger && !self.links.is_own(*to.ip()) && !self.next_approach(arrival.now).is_zero() {
                return self.answer_by_broadcast(answer.peer, to, arrival.now);
            }
            let chance = Config::ANSWER_ALWAYS as f64 / live.max(1) as f64;
            if live > Config::ANSWER_ALWAYS && f64::from(self.rng.next_u32()) > chance * f64::from(u32::MAX) {
                self.counters.unanswered += 1;
                return;
            }
            let spread = Config::ANSWER_SPREAD * u32::try_from(live).unwrap_or(u32::MAX);
            delay = self.share(spread.min(Config::ANSWER_LATEST));
        }
        if self.answers.len() >= self.config.limits.answers {
            self.counters.unanswered += 1;
            return;
        }
        self.answers.insert(to, answer);
        if delay.is_zero() {
            self.send_answer(to, arrival.now);
        } else {
            self.timers.set(arrival.now + delay, Timer::Answer(to));
        }
    }

    /// Sends the answer that waits for this address.
    pub(super) fn send_answer(&mut self, to: SocketAddrV4, now: Instant) {
        let Some(answer) = self.answers.remove(&to) else { return };
        let extra = Extension { ans: answer.echo, ..Extension::default() };
        let Some(id) = answer.peer else {
            for profile in [true, false] {
                let payload = self.announcement(extra, profile, now);
                if payload.len() <= 3 * answer.bytes && self.may_knock(to, now) {
                    return self.transmit(&[to], payload);
                }
            }
            self.counters.unanswered += 1;
            return;
        };
        match self.peers.read(id, |peer| peer.is_older().then_some(peer.dialect)) {
            Some(Some(dialect)) => {
                let payload = self.greeting(dialect, now);
                self.send_within_budget(id, to, payload, now);
                if dialect.greeting != Greeting::Profile {
                    self.tell_profile(id, now);
                }
            }
            // The other was quicker, and has our answer to its own.
            Some(None) if answer.stranger && self.is_proven(id, to) => {}
            Some(None) if answer.stranger && !self.may_approach(to, now) => self.answer_by_broadcast(Some(id), to, now),
            Some(None) => {
                let ask = self.ask_of(id, to, now);
                for profile in [true, false] {
                    let payload = self.announcement(Extension { ask, ..extra }, profile, now);
                    if self.fits_budget(id, to, payload.len()) || !profile {
                        self.send_within_budget(id, to, payload, now);
                        return;
                    }
                }
            }
            None => {}
        }
    }

    /// Says goodbye to those who understand it.
    pub(super) fn say_goodbye(&mut self, now: Instant) {
        let mut to = Vec::new();
        for id in self.peers.ids() {
            let paths = |peer: &super::Peer| {
                let listens = peer.caps.has(Caps::BYE);
                // A path of somebody with a key that has not answered may be anybody's.
                let paths = peer.paths.iter().filter(|path| listens && (path.proven || peer.key.is_none()));
                paths.map(|path| path.address).collect::<Vec<_>>()
            };
            to.extend(self.peers.read(id, paths).unwrap_or_default());
        }
        let bye = Extension { bye: Some(self.own.sid), ..Extension::default() };
        let payload = self.announcement(bye, false, now);
        self.transmit(&to, payload);
    }

    /// Somebody says goodbye. Only the peer itself may: its SID, from where it is sent to.
    fn on_bye(&mut self, bye: Octets, arrival: &Arrival) -> Result<(), Rejected> {
        let own = arrival.extension.sid == Some(bye);
        if let Some(signed) = arrival.signed {
            let row = self.authors.get(&signed.key).and_then(|author| author.row).filter(|_| own);
            return self.depart(row.ok_or(Rejected::StrayGoodbye)?, bye, arrival);
        }
        let id = self.peers.find("", Some(bye), arrival.from, &self.links).filter(|id| {
            let from = arrival.from;
            let same_host = |ip: &Ipv4Addr| self.links.is_own(*ip) && self.links.is_own(*from.ip());
            let here = |peer: &super::Peer| {
                let is = |at: &SocketAddrV4| at.port() == from.port() && (at.ip() == from.ip() || same_host(at.ip()));
                let best = peer.best_path();
                is(&best.address) || (!best.proven && peer.paths.iter().any(|path| is(&path.address)))
            };
            own && self.peers.read(*id, here).unwrap_or(false)
        });
        self.depart(id.ok_or(Rejected::StrayGoodbye)?, bye, arrival)
    }

    /// Takes somebody off the list who said goodbye.
    fn depart(&mut self, id: PeerId, bye: Octets, arrival: &Arrival) -> Result<(), Rejected> {
        let key = arrival.signed.map(|signed| signed.key);
        self.departed.push_back(((key, bye), arrival.now));
        if self.departed.len() > 64 {
            self.departed.pop_front();
        }
        if let Some(peer) = self.forget(id) {
            self.event(Event::Left(peer));
        }
        Ok(())
    }
}

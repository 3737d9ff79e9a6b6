//! Who sent this: rows of the peer table, their paths, and what they tell about themselves.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{AvatarLabel, Caps, Message, Prekey, Sid, Style, UserId};

use super::authors::Author;
use super::peer::{About, Dialect, Greeting, Path, Tier, Trust, Ways};
use super::signed::Signed;
use super::{Arrival, Config, Engine, Event, Instant, Peer, PeerId, Presence, Rejected, Socket, Timer};

/// The sender of a datagram, by what the datagram says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender<'a> {
    label: UserId<'a>,
    sid: Option<Sid>,
    from: SocketAddrV4,
    /// Where it wants answers; only announcements of older clients tell.
    reply: Option<SocketAddrV4>,
    greeting: Option<Greeting>,
    /// Whether it has a TOKEN, of a TYPE that may have one.
    token: Option<bool>,
    signed: Option<Signed>,
    arrival: Arrival,
}

/// The row of a sender.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met {
    pub(super) id: PeerId,
    pub(super) new: bool,
    /// Known, and started anew: another SID, or an older client at another port.
    pub(super) restarted: bool,
    /// Was quiet.
    back: bool,
    /// What it says about itself counts: it is heard where it has answered, or it has answered nowhere yet.
    pub(super) believed: bool,
    /// A path that answered before, and is doubted: the peer is heard from somewhere else.
    doubted: Option<SocketAddrV4>,
    /// A path that made place for another.
    displaced: Option<Path>,
}

impl Met {
    fn again(id: PeerId) -> Self {
        Self { id, new: false, restarted: false, back: false, believed: false, doubted: None, displaced: None }
    }
}

impl<'a> Sender<'a> {
    /// The sender of an announcement. Ours send from the socket that they name; an older client is answered at its
    /// PORT, else where it listens: at the port it sent from, or at the discovery port (protocol.md §7.2).
    pub(super) fn announcing(
        label: UserId<'a>,
        port: Option<u16>,
        greeting: Greeting,
        arrival: &Arrival,
        config: &Config,
    ) -> Self {
        let (from, sid) = (arrival.from, arrival.extension.sid);
        let broadcast = arrival.socket == Socket::Discovery;
        let reply_port = match port {
            Some(port) if broadcast && port >= 1024 => port,
            Some(_) => from.port(),
            None if broadcast => config.discovery_port,
            None => from.port(),
        };
        let reply = if sid.is_some() { from } else { SocketAddrV4::new(*from.ip(), reply_port) };
        let token = (greeting == Greeting::Ping).then_some(true);
        let signed = arrival.signed;
        Self { label, sid, from, reply: Some(reply), greeting: Some(greeting), token, signed, arrival: *arrival }
    }

    /// The sender of a message.
    pub(super) fn speaking(label: UserId<'a>, arrival: &Arrival) -> Self {
        let sid = arrival.extension.sid;
        let (from, token) = (arrival.from, Some(arrival.extension.token));
        let signed = arrival.signed;
        Self { label, sid, from, reply: sid.map(|_| from), greeting: None, token, signed, arrival: *arrival }
    }
}

impl Engine {
    /// Finds or makes the sender's row, and notes that it was heard.
    ///
    /// # Errors
    /// [`Rejected::Departed`], or [`Rejected::TableFull`] when a newcomer finds no place.
    pub(super) fn meet(&mut self, sender: &Sender<'_>) -> Result<Met, Rejected> {
        let now = sender.arrival.now;
        while self.departed.front().is_some_and(|(_, at)| now.since(*at) >= Duration::from_secs(3)) {
            self.departed.pop_front();
        }
        let key = sender.signed.map(|signed| signed.key);
        if sender.sid.is_some_and(|sid| self.departed.iter().any(|(gone, _)| *gone == (key, sid))) {
            return Err(Rejected::Departed);
        }
        self.watch.heard(now, self.links.is_own(*sender.from.ip()));
        let at = sender.reply.unwrap_or(sender.from);
        let known = match key {
            Some(key) => self.authors.get(&key).and_then(|author| author.row),
            None => self.peers.find(sender.label.as_str(), sender.sid, at, &self.links),
        };
        match known {
            Some(id) => Ok(self.meet_again(id, sender)),
            None => self.meet_first(sender),
        }
    }

    fn meet_again(&mut self, id: PeerId, sender: &Sender<'_>) -> Met {
        let Arrival { now, bytes, style, extension, socket, .. } = sender.arrival;
        let (paths, expiry) = (self.config.limits.paths, self.config.expiry);
        let change = |peer: &mut Peer| {
            let mut met = Met::again(id);
            if sender.signed.is_some_and(|signed| signed.again) {
                (_, met.displaced) = peer.touch(sender, paths, bytes, now);
                return met;
            }
            if sender.sid.is_none() && peer.sid.is_some() {
                return met;
            }
            if peer.sid != sender.sid {
                met.restarted = true;
                peer.sid = sender.sid;
                peer.paths.iter_mut().for_each(|path| path.proven = false);
            }
            peer.heard = now;
            peer.probes = 0;
            peer.ways = if peer.presence == Presence::Quiet { Ways::by(socket) } else { peer.ways.and(socket) };
            let best = *peer.best_path();
            let elsewhere = best.proven && best.address != sender.from;
            // What a key signs about itself counts wherever it is heard; what nobody signed, only where it has answered.
            let newest = sender.signed.map(|signed| signed.newest);
            if peer.sid.is_some() && newest.unwrap_or(!elsewhere) && *peer.user_id != *sender.label.as_str() {
                peer.user_id = sender.label.as_str().into();
            }
            let path = peer.path_mut(sender.from).copied();
            met.believed = newest.unwrap_or(!elsewhere || path.is_some_and(|path| path.proven));
            let renamed = *peer.user_id != *sender.label.as_str();
            // A beat and a half: the other paths are heard, this one is not.
            let silent = now.since(best.heard) > peer.patience(expiry) * 3 / 5;
            if elsewhere && (path.is_none() || renamed || silent) {
                met.doubted = Some(best.address);
            }
            let (moved, displaced) = peer.touch(sender, paths, bytes, now);
            met.restarted |= moved;
            met.displaced = displaced;
            if peer.is_older() {
                peer.dialect.style = style;
                peer.dialect.token = sender.token.or(peer.dialect.token);
                if sender.greeting == Some(Greeting::Discovery) {
                    peer.dialect.greeting = Greeting::Discovery;
                }
                if peer.tier == Tier::Probation && now.since(peer.since) >= Duration::from_secs(20) {
                    peer.tier = Tier::Older;
                }
            } else if met.believed {
                peer.caps = extension.caps.unwrap_or(peer.caps);
                peer.beat = extension.beat.unwrap_or(peer.beat);
            }
            let proven = peer.is_older() || peer.paths.iter().any(|path| path.proven);
            met.back = peer.presence == Presence::Quiet;
            peer.presence = if proven { Presence::Live } else { Presence::Heard };
            met
        };
        let met = self.peers.update(id, change);
        let met = met.unwrap_or(Met::again(id));
        if let Some(path) = &met.displaced {
            self.drop_path(path);
        }
        if sender.signed.is_some_and(|signed| signed.restarted)
            && let Some(signed) = sender.signed
        {
            self.sessions.end(&signed.key);
        }
        if let Some(path) = met.doubted {
            self.doubt(id, path, now);
        }
        met
    }

    fn meet_first(&mut self, sender: &Sender<'_>) -> Result<Met, Rejected> {
        let Arrival { now, bytes, style, extension, socket, .. } = sender.arrival;
        let address = sender.reply.unwrap_or(match socket {
            Socket::Unicast => sender.from,
            Socket::Discovery => SocketAddrV4::new(*sender.from.ip(), self.config.discovery_port),
        });
        let greeting =
            sender.greeting.unwrap_or(if style == Style::Spaced { Greeting::Ping } else { Greeting::Discovery });
        let older = sender.sid.is_none();
        let (trust, blocked, muted) =
            sender.signed.map_or((Trust::Unsigned, false, false), |signed| self.standing_of(&signed.key));
        let peer = Peer {
            id: PeerId(0),
            user_id: sender.label.as_str().into(),
            about: None,
            sid: sender.sid,
            heard: now,
            since: now,
            paths: vec![Path::new(address, bytes, now)],
            presence: if older { Presence::Live } else { Presence::Heard },
            // Our kind is written to in one style, which is the only one that can be signed.
            dialect: Dialect { style: if older { style } else { Style::Tight }, greeting, token: sender.token },
            caps: extension.caps.unwrap_or(if older { Caps::default() } else { Caps::OURS }),
            beat: extension.beat.unwrap_or(30),
            probes: 0,
            tier: Tier::Probation,
            lasting: false,
            pictured: false,
            key: sender.signed.map(|signed| signed.key),
            trust,
            blocked,
            muted,
            prekey: None,
            ways: Ways::by(socket),
        };
        let patience = peer.patience(self.config.expiry);
        let (id, evicted) =
            self.peers.insert(peer, &self.config.limits, &self.links).map_err(|_| Rejected::TableFull)?;
        if let Some(signed) = sender.signed {
            self.join(&signed, id, now);
        }
        if let Some(peer) = evicted {
            self.counters.evicted += 1;
            self.clean_up_after(&peer);
            self.event(Event::Gone(peer));
            self.timers.tidy(|id| self.peers.read(id, |_| ()).is_some());
        }
        self.timers.set(now + patience, Timer::Presence(id));
        if !older && sender.signed.is_none() {
            self.suspect_namesakes(id, sender.label.as_str(), now);
        }
        Ok(Met { new: true, believed: true, ..Met::again(id) })
    }

    /// A key has a row now.
    fn join(&mut self, signed: &Signed, id: PeerId, now: Instant) {
        match self.authors.get_mut(&signed.key) {
            Some(author) => author.row = Some(id),
            None => {
                let author = Author::new(signed.sid, signed.seq, id, now);
                self.authors.meet(signed.key, author);
            }
        }
    }

    /// Tells people about a newcomer, one that is back, or one that changed what it is called.
    pub(super) fn introduce(&mut self, met: Met, changed: bool) {
        let Some(peer) = self.peers.get(met.id) else { return };
        if met.new {
            self.event(Event::Here(peer));
        } else {
            if met.back {
                self.event(Event::Back(peer.clone()));
            }
            // What somebody is called who never answered may be from long ago.
            if changed && (peer.key.is_none() || peer.is_settled()) {
                self.keep_profile(&peer, peer.heard);
                self.event(Event::Profile(peer));
            }
        }
    }

    /// Takes over what a peer tells about itself; true when something changed.
    pub(super) fn learn(
        &mut self,
        id: PeerId,
        display_name: Option<&str>,
        status: Option<&str>,
        avatar: Option<AvatarLabel>,
        prekey: Option<Prekey>,
    ) -> bool {
        let news = |text: Option<&str>, limit: usize| -> Option<Box<str>> {
            text.filter(|text| !text.trim().is_empty()).map(|text| text.chars().take(limit).collect::<String>().into())
        };
        let about = About { display_name: news(display_name, 64), status: news(status, 280), avatar };
        let about = (about != About::NOTHING).then_some(about);
        let changed = self.peers.update(id, |peer| {
            peer.prekey = prekey.or(peer.prekey);
            if peer.about.as_deref() == about.as_ref() {
                return (false, false);
            }
            let picture = peer.avatar() != avatar;
            peer.about = about.map(Arc::new);
            (true, picture)
        });
        if changed.is_some_and(|(_, picture)| picture) {
            self.pictures.drop_of(id);
            self.pulls.remove(&id);
        }
        self.rename_contact(id);
        changed.is_some_and(|(changed, _)| changed)
    }

    /// Takes a peer off the list and out of every other table.
    pub(super) fn forget(&mut self, id: PeerId) -> Option<Peer> {
        let peer = self.peers.remove(id)?;
        self.clean_up_after(&peer);
        Some(peer)
    }

    fn clean_up_after(&mut self, peer: &Peer) {
        peer.paths.iter().for_each(|path| self.drop_path(path));
        self.watch.suspects.remove(&peer.id);
        self.excused.remove(&peer.id);
        self.forget_waiting(peer);
        if let Some(key) = peer.key {
            self.authors.leave(&key);
            self.sessions.end(&key);
        }
        self.pulls.remove(&peer.id);
        self.pictures.drop_of(peer.id);
    }

    fn drop_path(&mut self, path: &Path) {
        self.inflow.forget(path.address);
        if let Some(asked) = path.asked {
            self.asks.remove(&asked.nonce);
        }
    }

    /// From another network come only peers of our kind: somebody that asks or answers, or speaks on a known path.
    pub(super) fn may_come_from_afar(&self, message: &Message<'_>, arrival: &Arrival) -> bool {
        let Some(sid) = arrival.extension.sid else { return false };
        let known = match arrival.signed {
            Some(signed) => self.authors.get(&signed.key).and_then(|author| author.row),
            None => self.peers.find("", Some(sid), arrival.from, &self.links),
        };
        let known = known.is_some_and(|id| {
            self.peers.read(id, |peer| peer.paths.iter().any(|path| path.address == arrival.from)).unwrap_or(false)
        });
        let echo = arrival.extension.ask.is_some() || arrival.extension.ans.is_some();
        known || (matches!(message, Message::Discovery(_)) && echo)
    }
}

impl Peer {
    /// Notes on which path the peer was heard: true when an older client moved to another port, and the path that made
    /// place.
    fn touch(&mut self, sender: &Sender<'_>, cap: usize, bytes: usize, now: Instant) -> (bool, Option<Path>) {
        let at = sender.reply.unwrap_or(sender.from);
        if let Some(path) = self.path_mut(at) {
            path.note(bytes, now);
            return (false, None);
        }
        let older = self.is_older();
        let same_host = self.paths.iter_mut().find(|path| path.address.ip() == at.ip());
        if older && let Some(path) = same_host {
            if sender.reply.is_some() {
                return (true, Some(std::mem::replace(path, Path::new(at, bytes, now))));
            }
            path.note(bytes, now);
            return (false, None);
        }
        if sender.reply.is_none() {
            return (false, None);
        }
        if self.paths.len() < cap {
            self.paths.push(Path::new(at, bytes, now));
            return (false, None);
        }
        let stalest = self.paths.iter_mut().filter(|path| !path.proven).min_by_key(|path| path.heard);
        (false, stalest.map(|path| std::mem::replace(path, Path::new(at, bytes, now))))
    }
}

impl Path {
    fn new(address: SocketAddrV4, bytes: usize, now: Instant) -> Self {
        let received = u32::try_from(bytes).unwrap_or(u32::MAX);
        Self { address, heard: now, proven: false, asked: None, round_trip: None, received, sent: 0 }
    }

    pub(super) fn note(&mut self, bytes: usize, now: Instant) {
        self.heard = now;
        self.received = self.received.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
    }
}

//! Proving paths: an ASK sent to an address comes back from it as ANS (protocol.md §5.2, §8.3).

use std::net::SocketAddrV4;
use std::sync::Arc;

use rand::Rng;

use crate::wire::{Extension, Nonce, Octets};

use super::peer::{Asked, Path, Tier};
use super::waiting::Urgency;
use super::{Arrival, Config, Engine, Event, Instant, Links, Output, Peer, PeerId, Presence, Record, Timer};

/// Asks for one unproven path before its next sign of life.
const TRIES: u8 = 2;

impl Path {
    /// True when an echo may come any moment.
    fn is_asked_lately(&self, now: Instant) -> bool {
        self.asked.is_some_and(|asked| now.since(asked.at) < Config::ECHO_RETRY)
    }

    /// True while an echo may still come; of a probe that stayed unanswered none does.
    fn is_asked(&self, now: Instant) -> bool {
        self.asked.is_some_and(|asked| now.since(asked.at) <= Config::ECHO_RETRY * u32::from(TRIES))
    }
}

impl Engine {
    /// The nonce to ask an unproven path with; none where there is nothing to prove.
    pub(super) fn ask_of(&mut self, id: PeerId, path: SocketAddrV4, now: Instant) -> Option<Nonce> {
        let nonce = self.rng.next_u64();
        let set = self.peers.update(id, |peer| {
            let older = peer.is_older();
            let path = peer.path_mut(path).filter(|path| !path.proven && !older)?;
            let before = path.asked;
            if let Some(asked) = before.filter(|asked| now.since(asked.at) < Config::ECHO_RETRY) {
                return Some((asked.nonce, None, false));
            }
            path.asked = Some(Asked { nonce, at: now, tries: 1, probe: false });
            Some((nonce, before.map(|asked| asked.nonce), true))
        });
        let (nonce, old, fresh) = set.flatten()?;
        self.remember_ask(id, path, nonce, old);
        if fresh {
            self.timers.set(now + Config::ECHO_RETRY, Timer::Echo(id, path));
        }
        Some(Octets(nonce))
    }

    fn remember_ask(&mut self, id: PeerId, path: SocketAddrV4, nonce: u64, old: Option<u64>) {
        if let Some(old) = old {
            self.asks.remove(&old);
        }
        self.asks.insert(nonce, (id, path));
    }

    /// Asks a path that was just heard, if it is unproven and not asked already.
    pub(super) fn prove_if_needed(&mut self, id: PeerId, path: SocketAddrV4, now: Instant) {
        let needed = self.peers.read(id, |peer| {
            !peer.is_older() && peer.paths.iter().any(|p| p.address == path && !p.proven && !p.is_asked(now))
        });
        if needed != Some(true) {
            return;
        }
        if self.may_approach(path, now) {
            self.ask(id, path, now);
        } else {
            self.approach_later(id, path, now);
        }
    }

    /// Puts a stranger's path in line, to be asked when the pace allows.
    pub(super) fn approach_later(&mut self, id: PeerId, path: SocketAddrV4, now: Instant) {
        if self.strangers.is_empty() {
            self.timers.set(now + self.next_approach(now), Timer::Approach);
        }
        if self.strangers.len() < self.config.limits.answers {
            self.strangers.insert((id, path));
        }
    }

    /// Asks the next in line that is a stranger still.
    pub(super) fn approach_next(&mut self, now: Instant) {
        if self.next_approach(now).is_zero()
            && let Some((id, path)) = self.strangers.pop_first()
        {
            self.prove_if_needed(id, path, now);
        }
        if !self.strangers.is_empty() {
            self.timers.set(now + self.next_approach(now), Timer::Approach);
        }
    }

    fn ask(&mut self, id: PeerId, path: SocketAddrV4, now: Instant) {
        let Some(ask) = self.ask_of(id, path, now) else { return };
        let payload = self.announcement(Extension { ask: Some(ask), ..Extension::default() }, false, now);
        self.send_within_budget(id, path, payload, now);
    }

    /// The echo on this path is overdue: asks once more, or gives up until the path is heard again; a path that does
    /// not answer any more is no longer proven.
    pub(super) fn check_echo(&mut self, id: PeerId, path: SocketAddrV4, now: Instant) {
        let overdue = self.peers.update(id, |peer| {
            let path = peer.path_mut(path)?;
            let asked = path.asked.as_mut().filter(|asked| now.since(asked.at) >= Config::ECHO_RETRY)?;
            if asked.tries >= TRIES {
                let nonce = asked.nonce;
                path.asked = None;
                path.proven = false;
                return Some((nonce, false));
            }
            asked.tries += 1;
            asked.at = now;
            Some((asked.nonce, true))
        });
        match overdue.flatten() {
            Some((nonce, true)) => {
                self.timers.set(now + Config::ECHO_RETRY, Timer::Echo(id, path));
                let extra = Extension { ask: Some(Octets(nonce)), ..Extension::default() };
                let payload = self.announcement(extra, false, now);
                self.send_within_budget(id, path, payload, now);
            }
            Some((nonce, false)) => {
                self.asks.remove(&nonce);
            }
            None => {}
        }
    }

    /// Asks a proven path again, because its peer is heard from somewhere else: it moved, has another path, or somebody
    /// copies it. Only if the path stays silent does it give way.
    pub(super) fn doubt(&mut self, id: PeerId, path: SocketAddrV4, now: Instant) {
        let nonce = self.rng.next_u64();
        let asked = Asked { nonce, at: now, tries: 1, probe: false };
        let set = self.peers.update(id, |peer| {
            let path = peer.path_mut(path).filter(|path| !path.is_asked(now))?;
            Some(path.asked.replace(asked))
        });
        let Some(old) = set.flatten() else { return };
        self.remember_ask(id, path, nonce, old.map(|asked| asked.nonce));
        self.timers.set(now + Config::ECHO_RETRY, Timer::Echo(id, path));
        let extra = Extension { ask: Some(Octets(nonce)), ..Extension::default() };
        let payload = self.announcement(extra, false, now);
        self.transmit(&[path], payload);
    }

    /// Paths over links that are no more give way to those that still lead somewhere.
    pub(super) fn leave_lost_links(&mut self, before: &Links) {
        let links = &self.links;
        let lost = |path: &Path| before.is_on_link(*path.address.ip()) && !links.is_on_link(*path.address.ip());
        for id in self.peers.ids() {
            self.peers.update(id, |peer| {
                if peer.paths.iter().any(|path| path.proven && !lost(path)) {
                    peer.paths.iter_mut().filter(|path| lost(path)).for_each(|path| path.proven = false);
                }
            });
        }
    }

    /// Asks a peer on all its paths whether it is there; an older client is greeted, and answers that by its nature.
    pub(super) fn probe(&mut self, id: PeerId, by_user: bool, now: Instant) {
        let Some(peer) = self.peers.get(id) else { return };
        if peer.is_older() {
            let (to, payload) = (peer.address(), self.greeting(peer.dialect, now));
            if by_user {
                self.transmit(&[to], payload);
            } else {
                self.send_within_budget(id, to, payload, now);
            }
            return;
        }
        for path in &peer.paths {
            let nonce = self.rng.next_u64();
            let asked = Asked { nonce, at: now, tries: TRIES, probe: by_user };
            let old = self.peers.update(id, |peer| peer.path_mut(path.address).and_then(|p| p.asked.replace(asked)));
            self.remember_ask(id, path.address, nonce, old.flatten().map(|asked| asked.nonce));
            let extra = Extension { ask: Some(Octets(nonce)), ..Extension::default() };
            let payload = self.announcement(extra, false, now);
            if by_user {
                self.transmit(&[path.address], payload);
            } else {
                self.send_within_budget(id, path.address, payload, now);
            }
        }
    }

    /// Takes an ANS; false when it answers nothing that we asked.
    pub(super) fn on_echo(&mut self, id: PeerId, answer: Nonce, arrival: &Arrival) -> bool {
        let Arrival { from, now, .. } = *arrival;
        let lasting = self.hints.answered(answer);
        if lasting {
            self.peers.update(id, |peer| peer.lasting = true);
        }
        let Some((asked, path)) = self.asks.get(&answer.0).copied() else {
            let ours = arrival.signed.is_some_and(|signed| signed.answers);
            return ours || lasting || self.beats.asked(answer) || self.hints.asked(answer, from);
        };
        // For a peer with a key nobody else answers.
        let keyed = self.peers.read(asked, |peer| peer.key.is_some()).unwrap_or(false);
        if path != from || (keyed && arrival.signed.is_none()) {
            return false;
        }
        self.asks.remove(&answer.0);
        self.knocks.answered(*from.ip());
        if asked != id {
            // Somebody else answers at this address, so whom we asked there is not there.
            let unproven = self.peers.read(asked, |peer| peer.tier == Tier::Probation).unwrap_or(false);
            if unproven && let Some(peer) = self.forget(asked) {
                self.event(Event::Gone(peer));
            }
            return true;
        }
        let proof = self.peers.update(id, |peer| {
            let path = peer.path_mut(from)?;
            let asked = path.asked.take()?;
            // What was asked twice may answer either.
            if asked.tries == 1 || asked.probe {
                path.round_trip = u32::try_from(now.since(asked.at).as_micros()).ok();
            }
            let first = !std::mem::replace(&mut path.proven, true);
            peer.presence = Presence::Live;
            Some((asked, first, peer.lasting, Arc::clone(&peer.user_id)))
        });
        let Some((asked, first, lasting, user_id)) = proof.flatten() else { return true };
        self.settle(id);
        if let Some(signed) = arrival.signed
            && let Some(author) = self.authors.get_mut(&signed.key)
            && !std::mem::replace(&mut author.fresh, true)
        {
            author.window.raise(signed.seq);
        }
        if first {
            let keyed = self.peers.read(id, |peer| peer.key.is_some()).unwrap_or(false);
            self.inflow.prove(from, keyed, &self.config.limits, now);
            self.know(id, *from.ip(), now);
            self.take_held(id, now);
            self.sync_with(id, now);
            self.tell_data(id);
            self.pass_carried(id, now);
            self.carry_all(now);
            self.go_on_waiting(id, now);
            self.outputs.push_back(Output::Store(Record::Path { user_id, address: from }));
            if lasting {
                self.ask_for_list(id, now);
            }
        }
        if asked.probe
            && let Some(peer) = self.peers.get(id)
        {
            self.event(Event::Answered { peer, round_trip: now.since(asked.at) });
        }
        true
    }

    /// True for the nonce of an ASK of ours that somebody at this address may answer.
    pub(super) fn asked(&self, nonce: Nonce, from: SocketAddrV4) -> bool {
        self.asked_there(nonce, from) || self.hints.answered(nonce) || self.beats.asked(nonce)
    }

    /// True for the nonce of an ASK that we sent to this address alone.
    pub(super) fn asked_there(&self, nonce: Nonce, from: SocketAddrV4) -> bool {
        self.asks.get(&nonce.0).is_some_and(|(_, path)| *path == from) || self.hints.asked(nonce, from)
    }

    /// Asks the unproven paths of a peer at once, because something waits for the answer.
    pub(super) fn ask_now(&mut self, id: PeerId, urgency: Urgency, now: Instant) {
        let (gap, burst) = match urgency {
            Urgency::Ours => Config::URGENT,
            Urgency::Theirs => Config::CLAIMED,
        };
        let Some(peer) = self.peers.get(id) else { return };
        for path in peer.paths.iter().filter(|path| !path.proven && !path.is_asked_lately(now)) {
            let pace = if urgency == Urgency::Ours { &mut self.urgent } else { &mut self.claimed };
            if self.links.is_own(*path.address.ip()) || pace.take(gap, burst, now) {
                self.ask(id, path.address, now);
            }
        }
    }

    /// True when this path of the peer answered an echo.
    pub(super) fn is_proven(&self, id: PeerId, at: SocketAddrV4) -> bool {
        let proven = |peer: &Peer| peer.paths.iter().any(|path| path.address == at && path.proven);
        self.peers.read(id, proven).unwrap_or(false)
    }

    /// True when so many bytes may go to this path of the peer: a proven one takes all, another at most three times
    /// what it sent.
    pub(super) fn fits_budget(&self, id: PeerId, to: SocketAddrV4, bytes: usize) -> bool {
        let fits = self.peers.read(id, |peer| {
            peer.paths.iter().any(|path| {
                let room = u64::from(path.received) * 3;
                path.address == to && (path.proven || u64::from(path.sent).saturating_add(bytes as u64) <= room)
            })
        });
        fits.unwrap_or(false)
    }

    /// True when something may go to an address where nobody has answered.
    pub(super) fn may_knock(&mut self, to: SocketAddrV4, now: Instant) -> bool {
        self.links.is_own(*to.ip()) || self.knocks.take(*to.ip(), self.config.limits.knocks, now)
    }

    /// Sends to a path of the peer what its budget allows; true when it went.
    pub(super) fn send_within_budget(
        &mut self,
        id: PeerId,
        to: SocketAddrV4,
        payload: Arc<[u8]>,
        now: Instant,
    ) -> bool {
        if !self.fits_budget(id, to, payload.len()) || !(self.is_proven(id, to) || self.may_knock(to, now)) {
            self.counters.unanswered += 1;
            return false;
        }
        let bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        self.peers.update(id, |peer| {
            if let Some(path) = peer.path_mut(to).filter(|path| !path.proven) {
                path.sent = path.sent.saturating_add(bytes);
            }
        });
        self.transmit(&[to], payload);
        true
    }
}

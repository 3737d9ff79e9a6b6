//! Quiet, gone, asleep, cut off (protocol.md §5.5).

use std::collections::{BTreeSet, VecDeque};

use super::peer::Tier;
use super::{Config, Engine, Event, Instant, Output, PeerId, Presence, Timer};

/// What the engine watches about itself: a peer is silent only while we can hear.
#[derive(Debug)]
pub(super) struct Watch {
    /// Since when we are awake and can hear.
    awake: Instant,
    /// When we said that we want to be called next.
    promised: Instant,
    /// When peers went quiet, lately.
    quiet: VecDeque<Instant>,
    /// Since when we suspect ourselves, not the others.
    cut_off: Option<Instant>,
    /// Who is asked because of a namesake.
    pub(super) suspects: BTreeSet<PeerId>,
}

impl Watch {
    pub(super) fn new(now: Instant) -> Self {
        let promised = Instant::from_nanos(u64::MAX);
        Self { awake: now, promised, quiet: VecDeque::new(), cut_off: None, suspects: BTreeSet::new() }
    }

    pub(super) fn promise(&mut self, deadline: Instant) {
        self.promised = deadline;
    }

    /// Somebody was heard; from another host, that shows that we are not cut off.
    pub(super) fn heard(&mut self, now: Instant, own_host: bool) {
        if self.cut_off.is_some() && !own_host {
            self.cut_off = None;
            self.awake = now;
        }
    }
}

impl Engine {
    /// Notices that the machine slept: we are called far later than promised.
    pub(super) fn notice_wake(&mut self, now: Instant) {
        if now.since(self.watch.promised) > Config::SLEPT {
            self.watch.awake = now;
            self.outputs.push_back(Output::Reopen);
            self.restart_beats(now);
        }
        self.watch.promised = Instant::from_nanos(u64::MAX);
    }

    /// A peer may be quiet, or gone.
    pub(super) fn check_presence(&mut self, id: PeerId, now: Instant) {
        let expiry = self.config.expiry;
        let state = self.peers.read(id, |peer| (peer.heard, peer.presence, peer.patience(expiry), peer.probes));
        let Some((heard, presence, patience, probes)) = state else { return };
        let base = heard.max(self.watch.awake);
        let silent = now.since(base);
        let held = self.watch.cut_off.is_some_and(|since| now.since(since) < expiry);
        if silent >= expiry && !held {
            if let Some(peer) = self.forget(id) {
                self.event(Event::Gone(peer));
            }
            return;
        }
        if presence != Presence::Quiet && silent < patience {
            return self.timers.set(base + patience, Timer::Presence(id));
        }
        if presence != Presence::Quiet {
            self.peers.update(id, |peer| peer.presence = Presence::Quiet);
            if let Some(peer) = self.peers.get(id) {
                let settled = peer.tier != Tier::Probation;
                self.event(Event::Quiet(peer));
                if settled {
                    self.suspect_ourselves(now);
                }
            }
        }
        self.probe(id, false, now);
        self.peers.update(id, |peer| peer.probes = peer.probes.saturating_add(1));
        let next = now + if probes < 2 { Config::PROBE_GAP } else { self.interval() };
        let last = base + expiry;
        self.timers.set(if now < last { next.min(last) } else { next }, Timer::Presence(id));
    }

    /// More than half of all, and at least three, went quiet within one beat: more likely it is us. Newcomers do not
    /// count: anybody can make them up.
    fn suspect_ourselves(&mut self, now: Instant) {
        let within = self.interval();
        self.watch.quiet.retain(|at| now.since(*at) <= within);
        self.watch.quiet.push_back(now);
        let many = self.watch.quiet.len() >= 3 && self.watch.quiet.len() * 2 > self.peers.settled();
        if many && self.watch.cut_off.is_none() {
            self.watch.cut_off = Some(now);
            self.event(Event::CutOff);
            self.outputs.push_back(Output::Reopen);
            self.restart_beats(now);
        }
    }

    /// Another start with the same label is here: perhaps the old one ended without a word, so ask it.
    pub(super) fn suspect_namesakes(&mut self, newcomer: PeerId, label: &str, now: Instant) {
        for id in self.peers.labelled(label) {
            let ours = self.peers.read(id, |peer| !peer.is_older() && peer.key.is_none()).unwrap_or(false);
            if id != newcomer && ours && self.watch.suspects.insert(id) {
                self.probe(id, false, now);
                self.timers.set(now + Config::ECHO_RETRY * 2, Timer::Suspect(id, now));
            }
        }
    }

    /// The suspect had its time to answer.
    pub(super) fn check_suspect(&mut self, id: PeerId, since: Instant) {
        self.watch.suspects.remove(&id);
        if self.peers.read(id, |peer| peer.heard <= since).unwrap_or(false) {
            self.forget(id);
        }
    }
}

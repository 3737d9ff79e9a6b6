//! Catching up: what others have and we have not, and the other way round (protocol.md §10.4).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{Caps, Carry, Extension, Numbers, PublicKey, SYNC_MAX, Sync, Synced};

use super::budget::Bucket;
use super::late::Late;
use super::posts::Posts;
use super::wanted::Wanted;
use super::{Arrival, Engine, Instant, Peer, PeerId, Rejected, Timer};

/// The first round after a start follows the first peer that answers by about so long.
const FIRST: Duration = Duration::from_millis(100);

/// A round follows a newly met peer within this.
const AFTER_MEETING: Duration = Duration::from_secs(8);

/// Time between rounds: after one that brought something, and at most.
pub(super) const ROUND: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));

/// Offers are taken so long after we asked.
const OPEN: Duration = Duration::from_secs(5);

/// So many are asked at the start before we go on without an answer.
pub(super) const ASKED: usize = 4;

/// While something is wanted, it is looked after so often.
pub(super) const TICK: Duration = Duration::from_millis(100);

/// What came is told after this at the latest.
pub(super) const LATEST: Duration = Duration::from_secs(2);

/// Posts that we pass on in a second, and at once.
const PASS_RATE: (u32, u32) = (2_000, 500);

/// Summaries and requests that we look at in a second, and at once.
const LOOK_RATE: (u32, u32) = (200, 400);

/// Posts that one request names.
const WANT_MAX: usize = 32;

/// What is going on between us and those whom we ask.
#[derive(Debug, Default)]
pub(super) struct Syncing {
    /// No posts with a LAMPORT below are wanted.
    pub(super) since: u64,
    /// The first catch-up after the start is over.
    pub(super) joined: bool,
    /// Whom we asked lately, and where.
    pub(super) asked: VecDeque<(PeerId, Instant)>,
    /// Whom we met since the last round.
    pub(super) met: BTreeSet<PeerId>,
    pub(super) wanted: BTreeMap<(PublicKey, u64), Wanted>,
    /// What came and is not told yet.
    pub(super) late: Vec<Late>,
    pub(super) telling: Telling,
    pub(super) round: Option<Instant>,
    pub(super) tick: Option<Instant>,
    pub(super) gap: Duration,
    /// When something last came.
    pub(super) news: Option<Instant>,
    /// When the first came that is not told yet.
    pub(super) first: Option<Instant>,
    /// Posts that came so far, and the least LAMPORT among them.
    pub(super) came: usize,
    pub(super) least: u64,
    pub(super) passed: Option<Bucket>,
    /// Summaries that are looked at.
    looked: Option<Bucket>,
    /// Where posts were asked for.
    pub(super) sources: Vec<SocketAddrV4>,
}

/// Posts of one catch-up on their way to the disk, and to be told after that.
#[derive(Debug, Default)]
pub(super) struct Telling {
    pub(super) open: usize,
    pub(super) all: usize,
    /// More of them are being given to the disk.
    pub(super) more: bool,
}

impl Syncing {
    pub(super) fn new(posts: &Posts, lamport: u64) -> Self {
        Self { since: posts.least().unwrap_or(lamport), ..Self::default() }
    }
}

impl Engine {
    pub(super) fn may_sync(&self) -> bool {
        self.ring.is_some() && !self.config.scan && self.config.catch_up.posts > 0
    }

    /// A peer of our kind answered for the first time, or again: it may have posts that we have not.
    pub(super) fn sync_with(&mut self, id: PeerId, now: Instant) {
        if !self.may_sync() || !self.can_sync(id) {
            return;
        }
        self.syncing.met.insert(id);
        self.syncing.gap = ROUND.0;
        let wait = if self.syncing.joined { self.share(AFTER_MEETING) } else { self.jittered(FIRST, 50) };
        self.plan_round(now + wait);
    }

    /// Something could not be had: another round follows soon.
    pub(super) fn sync_again(&mut self, now: Instant) {
        self.syncing.gap = ROUND.0;
        let wait = self.share(ROUND.0);
        self.plan_round(now + wait);
    }

    pub(super) fn can_sync(&self, id: PeerId) -> bool {
        let fresh = |key: &PublicKey| self.authors.get(key).is_some_and(|author| author.fresh);
        let fit = |peer: &Peer| {
            peer.caps.has(Caps::SYNC)
                && peer.best_path().proven
                && !peer.blocked
                && peer.key.as_ref().is_some_and(fresh)
        };
        self.peers.read(id, fit).unwrap_or(false)
    }

    pub(super) fn plan_round(&mut self, at: Instant) {
        if self.syncing.round.is_none_or(|round| at < round) {
            self.syncing.round = Some(at);
            self.timers.set(at, Timer::Sync);
        }
    }

    pub(super) fn plan_tick(&mut self, at: Instant) {
        if self.syncing.tick.is_none_or(|tick| at < tick) {
            self.syncing.tick = Some(at);
            self.timers.set(at, Timer::Sync);
        }
    }

    /// What is due of catching up.
    pub(super) fn go_on_syncing(&mut self, now: Instant) {
        if self.syncing.round.is_some_and(|at| at <= now) {
            self.syncing.round = None;
            self.start_round(now);
        }
        if self.syncing.tick.is_some_and(|at| at <= now) {
            self.syncing.tick = None;
            self.ask_for_posts(now);
            self.finish_if_done(now);
        }
    }

    /// Tells somebody what we know, to be told what it knows beyond that.
    fn start_round(&mut self, now: Instant) {
        let unix = self.unix(now);
        self.posts.expire(unix.saturating_sub(self.config.catch_up.age.as_secs()));
        let met: Vec<PeerId> = std::mem::take(&mut self.syncing.met).into_iter().collect();
        let mut fit: Vec<PeerId> = met.into_iter().filter(|id| self.can_sync(*id)).collect();
        if fit.is_empty() {
            fit = self.peers.ids().into_iter().filter(|id| self.can_sync(*id)).collect();
        }
        let unasked = |id: &PeerId| !self.syncing.asked.iter().any(|(asked, _)| asked == id);
        if !self.syncing.joined && fit.iter().any(unasked) {
            fit.retain(unasked);
        }
        if fit.is_empty() {
            return;
        }
        let share = self.share(Duration::from_secs(1)).as_secs_f64();
        let at = ((share * fit.len() as f64) as usize).min(fit.len() - 1);
        self.ask_for_summary(fit[at], now);
        if !self.syncing.joined {
            // Whoever was asked may not answer.
            self.plan_tick(now + TICK * 5);
        }
        let gap = self.syncing.gap.max(ROUND.0);
        self.syncing.gap = (gap * 4).min(ROUND.1);
        let wait = self.jittered(gap, 20);
        self.plan_round(now + wait);
    }

    fn ask_for_summary(&mut self, id: PeerId, now: Instant) {
        self.syncing.asked.retain(|(_, at)| now.since(*at) < OPEN);
        self.syncing.asked.push_back((id, now));
        let last = if self.syncing.joined { u32::MAX } else { self.config.catch_up.posts };
        let since = self.syncing.since;
        let known: Vec<Numbers> = self.posts.known().collect();
        let parts = parts(known, self.sync_room());
        let count = parts.len();
        let mut low = PublicKey([0; 32]);
        for (at, have) in parts.into_iter().enumerate() {
            let end = have.last().map(|numbers| numbers.author).filter(|_| at + 1 < count);
            let high = end.unwrap_or(PublicKey([0xff; 32]));
            self.send_sync(id, Synced::Ask { span: (low, high), have, last, since });
            low = successor(high);
        }
    }

    /// Bytes of numbers that one SYNC of ours holds: less inside the frame of a group.
    pub(super) fn sync_room(&self) -> usize {
        if self.group.is_some() { SYNC_MAX / 2 } else { SYNC_MAX }
    }

    pub(super) fn send_sync(&mut self, id: PeerId, what: Synced) {
        let Some(to) = self.peers.read(id, Peer::address) else { return };
        let extension = Extension { sid: Some(self.own.sid), ..Extension::default() };
        Sync { from: self.own.field(), what }.encode(&extension, &mut self.scratch);
        let payload = self.signed();
        self.transmit(&[to], payload);
    }

    pub(super) fn on_sync(&mut self, sync: &Sync<'_>, arrival: &Arrival) -> Result<(), Rejected> {
        let key = arrival.signed.ok_or(Rejected::Stranger)?.key;
        let id = self.authors.get(&key).and_then(|author| author.row).ok_or(Rejected::Stranger)?;
        if !self.can_sync(id) || !self.is_proven(id, arrival.from) || self.config.scan {
            return Err(Rejected::Stranger);
        }
        let now = arrival.now;
        let looked = self.syncing.looked.get_or_insert_with(|| Bucket::full(LOOK_RATE, now));
        if !looked.take(LOOK_RATE, now) {
            return Err(Rejected::Unanswered);
        }
        match &sync.what {
            Synced::Ask { span, have, last, since } => {
                let beyond = self.posts.beyond(*span, have, *last, *since);
                for part in parts(beyond, self.sync_room()) {
                    self.send_sync(id, Synced::Offer(part));
                }
                // Before our own first round is over, not all that others have is wanted.
                if self.syncing.joined {
                    self.want(id, have, now);
                }
            }
            Synced::Offer(have) => {
                if !self.syncing.asked.iter().any(|(asked, at)| *asked == id && now.since(*at) < OPEN) {
                    return Err(Rejected::StrayAnswer);
                }
                self.want(id, have, now);
                self.syncing.news = Some(now);
                self.plan_tick(now + TICK);
            }
            Synced::Want(want) => self.pass_on(arrival.from, want, now),
        }
        Ok(())
    }

    /// Passes on posts that somebody who has answered asks for.
    fn pass_on(&mut self, to: SocketAddrV4, want: &[Numbers], now: Instant) {
        let unix = self.unix(now);
        let mut passed = self.syncing.passed.take().unwrap_or_else(|| Bucket::full(PASS_RATE, now));
        let places = want.iter().flat_map(|numbers| {
            numbers.ranges.iter().flat_map(|range| range.clone().take(WANT_MAX)).map(|number| (numbers.author, number))
        });
        for (author, number) in places.take(WANT_MAX) {
            let Some(post) = self.posts.at(author, number) else { continue };
            if !passed.take(PASS_RATE, now) {
                break;
            }
            let age = u32::try_from(unix.saturating_sub(post.since)).unwrap_or(u32::MAX);
            let raw = Arc::clone(&post.raw);
            let mut out = Vec::with_capacity(raw.len() + 90);
            Carry { sid: self.own.sid, age, to: None, inner: &raw }.encode(&mut out);
            self.transmit(&[to], out.into());
        }
        self.syncing.passed = Some(passed);
    }
}

/// The key that follows.
fn successor(mut key: PublicKey) -> PublicKey {
    for byte in key.0.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
    key
}

/// A list in parts that fit into one datagram each; one empty part of an empty list.
pub(super) fn parts(list: Vec<Numbers>, most: usize) -> Vec<Vec<Numbers>> {
    let mut parts = vec![Vec::new()];
    let mut room = most;
    for numbers in list {
        let bytes = numbers.written_len();
        if bytes > room {
            parts.push(Vec::new());
            room = most;
        }
        room = room.saturating_sub(bytes);
        if let Some(part) = parts.last_mut() {
            part.push(numbers);
        }
    }
    parts
}

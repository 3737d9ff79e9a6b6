//! Catching up: what others have and we have not, and the other way round (protocol.md §10.4).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::Duration;

use crate::wire::{
    Carry, Chain, Envelope, Extension, Message, Numbers, PieceHash, PublicKey, SIGNED_DOMAIN, SYNC_MAX, Sync, Synced,
    Untrusted, decode, unescaped,
};

use super::budget::Bucket;
use super::commits::Incoming;
use super::posts::{Posts, ranges};
use super::signed::Signed;
use super::{Arrival, Engine, Event, Instant, Kind, Peer, PeerId, PostRecord, Rejected, Timer};

/// The first round after a start follows the first peer that answers by about so long.
const FIRST: Duration = Duration::from_millis(100);

/// A round follows a newly met peer within this.
const AFTER_MEETING: Duration = Duration::from_secs(8);

/// Time between rounds: after one that brought something, and at most.
const ROUND: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(300));

/// Offers are taken so long after we asked.
const OPEN: Duration = Duration::from_secs(5);

/// So many are asked at the start before we go on without an answer.
const ASKED: usize = 4;

/// While something is wanted, it is looked after so often.
const TICK: Duration = Duration::from_millis(100);

/// A post that was asked for is asked for again after this.
const PATIENCE: Duration = Duration::from_millis(400);

/// A post is asked for so often.
const TRIES: u8 = 6;

/// Posts that we pass on in a second, and at once.
const PASS_RATE: (u32, u32) = (2_000, 500);

/// Posts that one request names.
const WANT_MAX: usize = 32;

/// What is going on between us and those whom we ask.
#[derive(Debug, Default)]
pub(super) struct Syncing {
    /// No posts with a LAMPORT below are wanted.
    since: u64,
    /// The first catch-up after the start is over.
    joined: bool,
    /// Whom we asked lately, and where.
    asked: VecDeque<(PeerId, Instant)>,
    /// Whom we met since the last round.
    met: BTreeSet<PeerId>,
    wanted: BTreeMap<(PublicKey, u64), Wanted>,
    /// What came and is not told yet.
    late: Vec<Late>,
    round: Option<Instant>,
    tick: Option<Instant>,
    gap: Duration,
    /// When something last came.
    news: Option<Instant>,
    passed: Option<Bucket>,
}

/// A post that others have.
#[derive(Debug, Default)]
struct Wanted {
    sources: Vec<PeerId>,
    asked: Option<(PeerId, Instant)>,
    tries: u8,
}

/// A post that was passed on to us.
#[derive(Debug)]
struct Late {
    said: Incoming,
    author: PublicKey,
    chain: Chain,
    raw: Arc<[u8]>,
    age: u32,
    from: PeerId,
}

impl Syncing {
    pub(super) fn new(posts: &Posts, lamport: u64) -> Self {
        Self { since: posts.least().unwrap_or(lamport), ..Self::default() }
    }
}

impl Engine {
    fn may_sync(&self) -> bool {
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

    pub(super) fn can_sync(&self, id: PeerId) -> bool {
        let fresh = |key: &PublicKey| self.authors.get(key).is_some_and(|author| author.fresh);
        let fit = |peer: &Peer| {
            peer.caps.has(crate::wire::Caps::SYNC)
                && peer.best_path().proven
                && !peer.blocked
                && peer.key.as_ref().is_some_and(fresh)
        };
        self.peers.read(id, fit).unwrap_or(false)
    }

    fn plan_round(&mut self, at: Instant) {
        if self.syncing.round.is_none_or(|round| at < round) {
            self.syncing.round = Some(at);
            self.timers.set(at, Timer::Sync);
        }
    }

    fn plan_tick(&mut self, at: Instant) {
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
        let parts = parts(known);
        let count = parts.len();
        let mut low = PublicKey([0; 32]);
        for (at, have) in parts.into_iter().enumerate() {
            let end = have.last().map(|numbers| numbers.author).filter(|_| at + 1 < count);
            let high = end.unwrap_or(PublicKey([0xff; 32]));
            self.send_sync(id, Synced::Ask { span: (low, high), have, last, since });
            low = high;
        }
    }

    fn send_sync(&mut self, id: PeerId, what: Synced) {
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
        match &sync.what {
            Synced::Ask { span, have, last, since } => {
                let beyond = self.posts.beyond(*span, have, *last, *since);
                for part in parts(beyond) {
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
                self.syncing.news.get_or_insert(now);
                self.plan_tick(now + TICK);
            }
            Synced::Want(want) => self.pass_on(arrival.from, want, now),
        }
        Ok(())
    }

    /// An author says how many posts it has written: what we lack of the newest is asked for.
    pub(super) fn on_post_count(&mut self, id: PeerId, count: u64, now: Instant) {
        let Some(key) = self.peers.read(id, |peer| peer.key).flatten() else { return };
        let Some(newest) = self.posts.newest_of(&key).filter(|newest| *newest < count) else { return };
        if !self.may_sync() || !self.can_sync(id) {
            return;
        }
        let first = (newest + 1).max(count.saturating_sub(self.config.limits.posts.0 as u64));
        self.want(id, &[Numbers { author: key, ranges: vec![first..=count] }], now);
    }

    /// Notes what somebody has and we have not, the newest first while there is room, and asks for it.
    fn want(&mut self, id: PeerId, have: &[Numbers], now: Instant) {
        if !self.may_sync() {
            return;
        }
        let most = self.config.limits.posts.0;
        let own = self.own_key();
        for Numbers { author, ranges } in have {
            if self.authors.contact(author).is_some_and(|contact| contact.blocked) {
                continue;
            }
            let own = own == Some(*author);
            let mut looked = 0;
            for number in ranges.iter().rev().flat_map(|range| range.clone().rev()) {
                looked += 1;
                if looked > 2 * most {
                    break;
                }
                // Numbers that we never gave are somebody else's with a copy of our key.
                let beyond = own && self.ring.as_ref().is_some_and(|ring| number > ring.posted.number);
                if beyond || self.posts.knows(author, number) {
                    continue;
                }
                if self.syncing.wanted.len() >= most && !self.syncing.wanted.contains_key(&(*author, number)) {
                    break;
                }
                let wanted = self.syncing.wanted.entry((*author, number)).or_default();
                if wanted.sources.len() < 3 && !wanted.sources.contains(&id) {
                    wanted.sources.push(id);
                }
            }
        }
        if !self.syncing.wanted.is_empty() {
            self.ask_for_posts(now);
        }
    }

    /// Asks for what is wanted and not on its way, a few posts of each source at a time.
    fn ask_for_posts(&mut self, now: Instant) {
        let (all, each) = self.config.limits.wanted;
        let mut flying: BTreeMap<PeerId, usize> = BTreeMap::new();
        let mut asks: BTreeMap<PeerId, BTreeMap<PublicKey, BTreeSet<u64>>> = BTreeMap::new();
        let mut total = 0;
        for wanted in self.syncing.wanted.values() {
            if let Some((id, _)) = wanted.asked.filter(|(_, at)| now.since(*at) < PATIENCE) {
                *flying.entry(id).or_default() += 1;
                total += 1;
            }
        }
        let mut dropped = Vec::new();
        let here = |id: &PeerId| self.peers.read(*id, |_| ()).is_some();
        for (place, wanted) in &mut self.syncing.wanted {
            if total >= all {
                break;
            }
            if wanted.asked.is_some_and(|(_, at)| now.since(at) < PATIENCE) {
                continue;
            }
            wanted.sources.retain(here);
            if wanted.tries >= TRIES || wanted.sources.is_empty() {
                dropped.push(*place);
                continue;
            }
            let id = wanted.sources[usize::from(wanted.tries) % wanted.sources.len()];
            let on_way = flying.entry(id).or_default();
            if *on_way >= each {
                continue;
            }
            *on_way += 1;
            total += 1;
            wanted.asked = Some((id, now));
            wanted.tries += 1;
            asks.entry(id).or_default().entry(place.0).or_default().insert(place.1);
        }
        for place in dropped {
            self.syncing.wanted.remove(&place);
        }
        for (id, authors) in asks {
            let list = authors.into_iter().map(|(author, numbers)| Numbers { author, ranges: ranges(numbers) });
            for part in parts(list.collect()) {
                self.send_sync(id, Synced::Want(part));
            }
        }
        if !self.syncing.wanted.is_empty() {
            self.plan_tick(now + TICK);
        }
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

    /// True for a post or a piece that somebody at this address was asked for: whoever sends it spends no budget.
    pub(super) fn expects(&self, bytes: &[u8], from: SocketAddrV4) -> bool {
        if bytes.starts_with(b"TYPE:CARRY\n") {
            return self.syncing.wanted.values().any(|wanted| {
                let at = wanted.asked.map(|(id, _)| id);
                at.is_some_and(|id| self.is_proven(id, from))
            });
        }
        bytes.starts_with(b"TYPE:CHUNK\n") && self.pulls_text_from(from)
    }

    /// Takes a post that somebody passes on. It proves by itself who wrote it; only what we asked for is looked at.
    pub(super) fn on_carried_post(
        &mut self,
        carry: &Carry<'_>,
        from: SocketAddrV4,
        now: Instant,
    ) -> Result<(), Rejected> {
        let Envelope { key, signature, signed, .. } = Envelope::of(carry.inner)?;
        let datagram = decode(carry.inner)?;
        let Message::Post(post) = datagram.message else { return Err(Rejected::OtherType) };
        let chain = Chain::of(carry.inner)?.ok_or(Rejected::OtherType)?;
        let wanted = self.syncing.wanted.get(&(key, chain.number)).ok_or(Rejected::Duplicate)?;
        let id = wanted.sources.iter().copied().find(|id| self.is_proven(*id, from)).ok_or(Rejected::Stranger)?;
        let good = self.ring.as_ref().is_some_and(|ring| ring.crypto.verify(&key, SIGNED_DOMAIN, signed, &signature));
        if !good {
            self.inflow.spend(from, false, &self.config.limits, now);
            return Err(Rejected::BadSignature);
        }
        self.syncing.wanted.remove(&(key, chain.number));
        if u64::from(carry.age) > self.config.catch_up.age.as_secs() {
            self.posts.note_known(key, chain.number..=chain.number);
            return Err(Rejected::Replay);
        }
        let writer = match self.person(&key, now) {
            Some(peer) => peer,
            None => Peer {
                key: Some(key),
                trust: super::Trust::Known,
                ..Peer::nobody(post.user_id.as_str(), *from.ip(), now)
            },
        };
        let text = if datagram.extension.escaped { unescaped(post.content) } else { post.content.into() };
        let said = Incoming {
            from: writer,
            message_id: post.message_id.map(|id| id.as_str().to_owned()).unwrap_or_default(),
            kind: Kind::Post,
            text: Untrusted::new(text),
            stamp: post.timestamp.unwrap_or(self.unix(now)),
            lamport: 0,
            post: None,
            late: true,
        };
        let raw = carry.inner.into();
        self.syncing.late.push(Late { said, author: key, chain, raw, age: carry.age, from: id });
        self.syncing.news = Some(now);
        self.plan_tick(now + TICK);
        let flying = self
            .syncing
            .wanted
            .values()
            .any(|wanted| wanted.asked.is_some_and(|(source, at)| source == id && now.since(at) < PATIENCE));
        if !flying && !self.syncing.wanted.is_empty() {
            self.ask_for_posts(now);
        }
        Ok(())
    }

    /// Tells what came, in its order, as soon as nothing more is to come.
    fn finish_if_done(&mut self, now: Instant) {
        let quiet = self.syncing.news.is_some_and(|at| now.since(at) >= TICK);
        if !self.syncing.wanted.is_empty() {
            return;
        }
        if !quiet {
            if self.syncing.news.is_some() {
                self.plan_tick(now + TICK);
            } else if !self.syncing.joined && self.syncing.round.is_none_or(|round| round > now + TICK * 5) {
                // Nobody has answered yet: somebody else may, up to a point.
                self.syncing.joined = self.syncing.asked.len() >= ASKED;
                self.plan_round(now + TICK);
            }
            return;
        }
        self.syncing.news = None;
        let mut late = std::mem::take(&mut self.syncing.late);
        late.sort_by_cached_key(|late| (late.chain.lamport, late.author, PieceHash::of(&late.raw)));
        let came = late.len();
        if !std::mem::replace(&mut self.syncing.joined, true) {
            let full = came >= usize::try_from(self.config.catch_up.posts).unwrap_or(usize::MAX);
            let least = late.first().map(|late| late.chain.lamport);
            // What is older than the first that a newcomer gets is for others.
            if full && let Some(least) = least {
                self.syncing.since = self.syncing.since.max(least);
            }
        }
        for Late { said, author, chain, raw, age, from } in late {
            self.take_post_of(said, author, &chain, &raw, None, (age, from), now);
        }
        if came > 0 {
            self.syncing.gap = ROUND.0;
            let wait = self.jittered(ROUND.0, 20);
            self.plan_round(now + wait);
            if came > 1 {
                self.event(Event::CaughtUp { posts: came });
            }
        }
    }

    /// Takes a post: from its author, or passed on by somebody after so many seconds.
    pub(super) fn take_post_of(
        &mut self,
        said: Incoming,
        author: PublicKey,
        chain: &Chain,
        raw: &[u8],
        signed: Option<Signed>,
        (age, from): (u32, PeerId),
        now: Instant,
    ) {
        let lamport = self.posts.believe(chain);
        let record = PostRecord {
            author,
            number: chain.number,
            id: PieceHash::of(raw),
            lamport,
            raw: raw.into(),
            long: None,
            since: self.unix(now).saturating_sub(u64::from(age)),
        };
        if said.late && lamport < self.syncing.since {
            self.posts.note_known(author, chain.number..=chain.number);
            return;
        }
        let said = Incoming { lamport, post: Some(Box::new(record)), ..said };
        match chain.long {
            Some(long) => self.pull_post(said, long, from, signed, now),
            None => self.take_said(said, signed, now),
        }
    }
}

/// A list in parts that fit into one datagram each; one empty part of an empty list.
fn parts(list: Vec<Numbers>) -> Vec<Vec<Numbers>> {
    let mut parts = vec![Vec::new()];
    let mut room = SYNC_MAX;
    for numbers in list {
        let bytes = numbers.written_len();
        if bytes > room {
            parts.push(Vec::new());
            room = SYNC_MAX;
        }
        room = room.saturating_sub(bytes);
        if let Some(part) = parts.last_mut() {
            part.push(numbers);
        }
    }
    parts
}

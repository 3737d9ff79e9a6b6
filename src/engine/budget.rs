//! How much is taken from whom: token buckets and the memory of what was seen (protocol.md §8.1, §8.2).

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::hash::{Key, Table};
use super::{Instant, Limits};

/// A token bucket: so many a second, so many at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    tokens: f32,
    at: Instant,
}

impl Bucket {
    pub(super) fn full((_, burst): (u32, u32), now: Instant) -> Self {
        Self { tokens: burst as f32, at: now }
    }

    /// Takes one token, if there is one.
    pub(super) fn take(&mut self, rate: (u32, u32), now: Instant) -> bool {
        self.refill(rate, now);
        let good = self.tokens >= 1.0;
        if good {
            self.tokens -= 1.0;
        }
        good
    }

    /// How long until there is a token.
    pub(super) fn wait(&mut self, rate: (u32, u32), now: Instant) -> Duration {
        self.refill(rate, now);
        Duration::from_secs_f32(((1.0 - self.tokens) / rate.0.max(1) as f32).max(0.0))
    }

    fn refill(&mut self, (rate, burst): (u32, u32), now: Instant) {
        let gained = now.since(self.at).as_secs_f32() * rate as f32;
        self.tokens = (self.tokens + gained).min(burst as f32);
        self.at = now;
    }

    fn is_full(&self, (rate, burst): (u32, u32), now: Instant) -> bool {
        self.tokens + now.since(self.at).as_secs_f32() * rate as f32 >= burst as f32
    }
}

/// A slow pace: one in each gap, and a burst of so many (the generic cell rate algorithm).
#[derive(Debug, Default)]
pub(super) struct Pace(Instant);

impl Pace {
    /// Takes one, if there is one.
    pub(super) fn take(&mut self, gap: Duration, burst: u32, now: Instant) -> bool {
        let good = self.wait(gap, burst, now).is_zero();
        if good {
            self.0 = self.0.max(now) + gap;
        }
        good
    }

    /// How long until there is one.
    pub(super) fn wait(&self, gap: Duration, burst: u32, now: Instant) -> Duration {
        self.0.since(now).saturating_sub(gap * burst.saturating_sub(1))
    }
}

/// What is on its way to addresses where nobody has answered. If nobody is there, each datagram takes a place in the
/// system's queue for 3 s; of some 150 places, enough stay free for those who are there.
#[derive(Debug, Default)]
pub(super) struct Knocks(VecDeque<(Instant, Ipv4Addr)>);

impl Knocks {
    /// How long a system looks for a neighbour.
    const WAIT: Duration = Duration::from_secs(3);

    /// Takes a place for a datagram to this IP, if there is one.
    pub(super) fn take(&mut self, to: Ipv4Addr, cap: usize, now: Instant) -> bool {
        while self.0.front().is_some_and(|(at, _)| now.since(*at) >= Self::WAIT) {
            self.0.pop_front();
        }
        let good = self.0.len() < cap;
        if good {
            self.0.push_back((now, to));
        }
        good
    }

    /// Somebody is there: nothing waits for that IP.
    pub(super) fn answered(&mut self, ip: Ipv4Addr) {
        self.0.retain(|(_, to)| *to != ip);
    }
}

/// Who may send how much.
#[derive(Debug)]
pub(super) struct Inflow {
    unproven: Table<SocketAddrV4, Bucket>,
    /// With whether only what its key signed counts there.
    proven: Table<SocketAddrV4, (Bucket, bool)>,
    /// For newcomers when the table is full.
    shared: Bucket,
    unknown: Bucket,
    /// What is checked in vain of those who say to be a key that answered where they are.
    forged: Bucket,
    cleaned: Instant,
}

/// Why a datagram is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooMuch {
    Source,
    Global,
}

impl Inflow {
    pub(super) fn new(limits: &Limits, key: Key, now: Instant) -> Self {
        Self {
            unproven: Table::with_hasher(key),
            proven: Table::with_hasher(key),
            shared: Bucket::full(limits.unknown_rate, now),
            unknown: Bucket::full(limits.global_rate, now),
            forged: Bucket::full(limits.forged_rate, now),
            cleaned: now,
        }
    }

    /// Lets one datagram in, or not. `claims`: it says to be signed by the key that answered there. Others who send from
    /// that address, or forge it, have no part in the budget of that key.
    pub(super) fn admit(
        &mut self,
        from: SocketAddrV4,
        claims: bool,
        limits: &Limits,
        now: Instant,
    ) -> Result<(), TooMuch> {
        if let Some((bucket, true)) = self.proven.get_mut(&from)
            && claims
        {
            // It is spent when the signature turns out to be right: whoever forges it spends something else.
            let room =
                bucket.wait(limits.known_rate, now).is_zero() && self.forged.wait(limits.forged_rate, now).is_zero();
            return if room { Ok(()) } else { Err(TooMuch::Source) };
        }
        if let Some((bucket, false)) = self.proven.get_mut(&from) {
            return if bucket.take(limits.known_rate, now) { Ok(()) } else { Err(TooMuch::Source) };
        }
        if self.unproven.len() >= limits.buckets && !self.unproven.contains_key(&from) {
            self.clean(limits, now);
        }
        let bucket = if self.unproven.len() < limits.buckets || self.unproven.contains_key(&from) {
            self.unproven.entry(from).or_insert_with(|| Bucket::full(limits.unknown_rate, now))
        } else {
            &mut self.shared
        };
        if !bucket.take(limits.unknown_rate, now) {
            return Err(TooMuch::Source);
        }
        if self.unknown.take(limits.global_rate, now) { Ok(()) } else { Err(TooMuch::Global) }
    }

    /// What came from this proven path was signed, or sealed, by who says to be there; or it was not.
    pub(super) fn spend(&mut self, from: SocketAddrV4, good: bool, limits: &Limits, now: Instant) {
        match self.proven.get_mut(&from) {
            Some((bucket, true)) if good => drop(bucket.take(limits.known_rate, now)),
            Some((_, true)) => drop(self.forged.take(limits.forged_rate, now)),
            Some((_, false)) | None => {}
        }
    }

    /// A path answered an echo: it may send more from now on.
    pub(super) fn prove(&mut self, address: SocketAddrV4, keyed: bool, limits: &Limits, now: Instant) {
        self.unproven.remove(&address);
        self.proven.entry(address).or_insert_with(|| (Bucket::full(limits.known_rate, now), keyed)).1 = keyed;
    }

    /// True for an address that answered an echo.
    pub(super) fn is_proven(&self, address: &SocketAddrV4) -> bool {
        self.proven.contains_key(address)
    }

    /// How many proven addresses there are.
    #[cfg(test)]
    pub(super) fn proven(&self) -> usize {
        self.proven.len()
    }

    /// A path is no longer known.
    pub(super) fn forget(&mut self, address: SocketAddrV4) {
        self.proven.remove(&address);
    }

    /// Drops the buckets of unknown sources that are full again; at most once a second.
    fn clean(&mut self, limits: &Limits, now: Instant) {
        if now.since(self.cleaned) < Duration::from_secs(1) {
            return;
        }
        self.cleaned = now;
        self.unproven.retain(|_, bucket| !bucket.is_full(limits.unknown_rate, now));
    }
}

/// Which announcements were answered a moment ago.
#[derive(Debug, Default)]
pub(super) struct Answered {
    recent: BTreeMap<(SocketAddrV4, u64), Instant>,
    order: VecDeque<(Instant, SocketAddrV4, u64)>,
    addresses: BTreeMap<SocketAddrV4, Bucket>,
    hosts: BTreeMap<Ipv4Addr, Bucket>,
    cleaned: Instant,
}

impl Answered {
    const CAP: usize = 4_096;
    /// Answers a second to one IP:port, and at once.
    const PER_ADDRESS: (u32, u32) = (1, 3);
    /// Answers a second to one IP, and at once.
    const PER_HOST: (u32, u32) = (20, 20);

    /// True when this identity (a hash of label and SID) at this address may be answered, which is then noted.
    pub(super) fn allow(&mut self, to: SocketAddrV4, identity: u64, again: Duration, own: bool, now: Instant) -> bool {
        while let Some((at, address, identity)) = self.order.front().copied()
            && (now.since(at) >= again || self.order.len() >= Self::CAP)
        {
            self.order.pop_front();
            self.recent.remove(&(address, identity));
        }
        if self.recent.contains_key(&(to, identity)) {
            return false;
        }
        if !own && !self.within_rates(to, now) {
            return false;
        }
        self.recent.insert((to, identity), now);
        self.order.push_back((now, to, identity));
        true
    }

    fn within_rates(&mut self, to: SocketAddrV4, now: Instant) -> bool {
        let full = |this: &Self| this.addresses.len() >= Self::CAP || this.hosts.len() >= Self::CAP;
        if full(self) && now.since(self.cleaned) >= Duration::from_secs(1) {
            self.cleaned = now;
            self.addresses.retain(|_, bucket| !bucket.is_full(Self::PER_ADDRESS, now));
            self.hosts.retain(|_, bucket| !bucket.is_full(Self::PER_HOST, now));
        }
        if full(self) {
            return false;
        }
        let host = self.hosts.entry(*to.ip()).or_insert_with(|| Bucket::full(Self::PER_HOST, now));
        if !host.take(Self::PER_HOST, now) {
            return false;
        }
        let address = self.addresses.entry(to).or_insert_with(|| Bucket::full(Self::PER_ADDRESS, now));
        address.take(Self::PER_ADDRESS, now)
    }
}

/// Which messages were shown, by a keyed hash of author and MESSAGE_ID; proven peers apart from others, so that
/// strangers cannot push out what friends sent.
#[derive(Debug, Default)]
pub(super) struct Seen {
    proven: Ring,
    others: Ring,
}

#[derive(Debug, Default)]
struct Ring {
    set: BTreeSet<u64>,
    order: VecDeque<u64>,
}

impl Seen {
    /// Notes a message; true when it is new.
    pub(super) fn note(&mut self, message: u64, proven: bool, cap: usize) -> bool {
        if self.proven.set.contains(&message) || self.others.set.contains(&message) {
            return false;
        }
        let ring = if proven { &mut self.proven } else { &mut self.others };
        if ring.order.len() >= cap
            && let Some(oldest) = ring.order.pop_front()
        {
            ring.set.remove(&oldest);
        }
        ring.order.push_back(message);
        ring.set.insert(message)
    }
}

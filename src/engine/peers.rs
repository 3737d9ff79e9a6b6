//! The peer table: one writer in the engine, readers everywhere (DESIGN: docs/concepts/discovery.md).

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::net::SocketAddrV4;
use std::sync::Arc;

use dashmap::DashMap;

use crate::wire::Sid;

use super::hash::{Key, Table};
use super::peer::{Tier, Trust};
use super::probation::Probation;
use super::{Limits, Links, Peer, PeerId, Presence};

type Map = DashMap<PeerId, Peer, BuildHasherDefault<IdHasher>>;

/// Reads the peer table while the engine runs: clone it into other tasks. Never holds up the engine for longer than
/// one clone of one peer.
#[derive(Debug, Clone)]
pub struct Peers {
    map: Arc<Map>,
}

impl Peers {
    /// The peer, if it is still known.
    #[must_use]
    pub fn get(&self, id: PeerId) -> Option<Peer> {
        self.map.get(&id).map(|peer| peer.clone())
    }

    /// How many peers are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// True when nobody is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// All peers by label and number. Each is consistent; the set is not one instant's.
    #[must_use]
    pub fn snapshot(&self) -> Vec<Peer> {
        #[expect(clippy::disallowed_methods, reason = "sorted before anyone sees it")]
        let mut peers: Vec<Peer> = self.map.iter().map(|entry| entry.value().clone()).collect();
        peers.sort_by(|a, b| (&a.user_id, a.id).cmp(&(&b.user_id, b.id)));
        peers
    }
}

/// The writer: owned by one engine, not `Clone`, gives out no guard.
#[derive(Debug)]
pub(super) struct PeerTable {
    map: Arc<Map>,
    key: Key,
    by_label: BTreeSet<(u64, PeerId)>,
    /// No two rows share a SID: who comes with one that is known is that row.
    by_sid: Table<Sid, PeerId>,
    /// Identities at each address.
    at: BTreeMap<SocketAddrV4, u16>,
    probation: Probation,
    /// Those with a proven path, grouped as newcomers are.
    settled: Probation,
    older: usize,
    live: usize,
    next: u32,
}

/// Why a newcomer is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl PeerTable {
    pub(super) fn new(shards: usize, key: Key) -> Self {
        let shards = shards.next_power_of_two().max(2);
        Self {
            map: Arc::new(DashMap::with_hasher_and_shard_amount(BuildHasherDefault::default(), shards)),
            key,
            by_label: BTreeSet::new(),
            by_sid: Table::with_hasher(key),
            at: BTreeMap::new(),
            probation: Probation::default(),
            settled: Probation::default(),
            older: 0,
            live: 0,
            next: 0,
        }
    }

    pub(super) fn reader(&self) -> Peers {
        Peers { map: Arc::clone(&self.map) }
    }

    pub(super) fn len(&self) -> usize {
        self.by_label.len()
    }

    /// Peers that are no newcomers any more.
    pub(super) fn settled(&self) -> usize {
        self.len() - self.probation.len()
    }

    /// Who makes place when more peers have a proven path than there may be: of those about whom the user said nothing,
    /// the youngest of the IP that most came from; our own go last.
    pub(super) fn too_settled(&self, limits: &Limits, links: &Links) -> Option<PeerId> {
        if self.settled.len() <= limits.settled {
            return None;
        }
        self.settled.crowded_of(links, |id| self.read(id, |peer| peer.trust <= Trust::Known).unwrap_or(false))
    }

    /// Peers that are not quiet.
    pub(super) fn live(&self) -> usize {
        self.live
    }

    pub(super) fn get(&self, id: PeerId) -> Option<Peer> {
        self.map.get(&id).map(|peer| peer.clone())
    }

    /// What `read` makes of the peer, without a copy of it.
    pub(super) fn read<R>(&self, id: PeerId, read: impl FnOnce(&Peer) -> R) -> Option<R> {
        self.map.get(&id).map(|peer| read(&peer))
    }

    /// All numbers, in ascending order.
    pub(super) fn ids(&self) -> Vec<PeerId> {
        let mut ids: Vec<PeerId> = self.by_label.iter().map(|(_, id)| *id).collect();
        ids.sort_unstable();
        ids
    }

    /// The peer without a key that an unsigned message names and whose it can be: by its SID; else by its label, at an address of that peer.
    ///
    /// An older client keeps its place when it comes back at the same IP; one of this host at the same port of another
    /// of our IPs too.
    pub(super) fn find(&self, label: &str, sid: Option<Sid>, from: SocketAddrV4, links: &Links) -> Option<PeerId> {
        if let Some(sid) = sid
            && let Some(id) = self.by_sid.get(&sid)
        {
            return Some(*id);
        }
        let mut close = None;
        for id in self.labelled(label) {
            let fit = self.read(id, |peer| {
                if peer.key.is_some() {
                    return 0;
                }
                if peer.paths.iter().any(|path| path.address == from) {
                    return 2;
                }
                let here = |at: SocketAddrV4| links.is_own(*at.ip()) && at.port() == from.port();
                let near = |at: SocketAddrV4| at.ip() == from.ip() || (here(at) && here(from));
                u8::from(sid.is_none() && peer.is_older() && peer.paths.iter().any(|path| near(path.address)))
            });
            match fit {
                Some(2) => return Some(id),
                Some(1) => close = close.or(Some(id)),
                _ => {}
            }
        }
        close
    }

    /// All peers with this label.
    pub(super) fn labelled(&self, label: &str) -> Vec<PeerId> {
        let hash = self.key.hash(label.as_bytes());
        let range = self.by_label.range((hash, PeerId(0))..=(hash, PeerId(u32::MAX)));
        range.map(|(_, id)| *id).filter(|id| self.read(*id, |peer| *peer.user_id == *label).unwrap_or(false)).collect()
    }

    /// Lists a newcomer, which may cost another newcomer its place; that one comes back as well.
    pub(super) fn insert(
        &mut self,
        mut peer: Peer,
        limits: &Limits,
        links: &Links,
    ) -> Result<(PeerId, Option<Peer>), Full> {
        let address = peer.address();
        let here = self.at.get(&address).copied().unwrap_or(0);
        if usize::from(here) >= limits.identities && !links.is_own(*address.ip()) {
            return Err(Full);
        }
        if peer.is_older() && self.older >= limits.older {
            return Err(Full);
        }
        let mut evicted = None;
        let full = self.len() >= limits.peers;
        if full || self.probation.len() >= limits.probation {
            // Newcomers with an address each may be a crowd that starts at once, and not one forger.
            let least = if full || self.probation.len() >= limits.crowd { 1 } else { 2 };
            match self.probation.crowded(least, links) {
                // The youngest from there is the one to come.
                Some((_, ip)) if ip == *address.ip() => return Err(Full),
                Some((id, _)) => evicted = self.remove(id),
                None if least == 1 => return Err(Full),
                None => {}
            }
        }
        let id = PeerId(self.next);
        self.next += 1;
        peer.id = id;
        self.by_label.insert((self.key.hash(peer.user_id.as_bytes()), id));
        if let Some(sid) = peer.sid.filter(|_| peer.key.is_none()) {
            self.by_sid.insert(sid, id);
        }
        self.count(&peer, true);
        self.probation.add(id, *address.ip());
        self.map.insert(id, peer);
        Ok((id, evicted))
    }

    pub(super) fn remove(&mut self, id: PeerId) -> Option<Peer> {
        let (_, peer) = self.map.remove(&id)?;
        self.by_label.remove(&(self.key.hash(peer.user_id.as_bytes()), id));
        if let Some(sid) = peer.sid.filter(|_| peer.key.is_none()) {
            self.by_sid.remove(&sid);
        }
        self.probation.remove(id);
        self.settled.remove(id);
        self.count(&peer, false);
        Some(peer)
    }

    /// Changes a peer and keeps every index true.
    pub(super) fn update<R>(&mut self, id: PeerId, change: impl FnOnce(&mut Peer) -> R) -> Option<R> {
        let mut peer = self.map.get_mut(&id)?;
        let before = Indexed::of(&peer);
        let result = change(&mut peer);
        let after = Indexed::of(&peer);
        if before == after {
            return Some(result);
        }
        let label = (!Arc::ptr_eq(&before.label, &after.label))
            .then(|| (self.key.hash(before.label.as_bytes()), self.key.hash(after.label.as_bytes())));
        drop(peer);
        if let Some((old, new)) = label {
            self.by_label.remove(&(old, id));
            self.by_label.insert((new, id));
        }
        if before.sid != after.sid && !after.keyed {
            if let Some(sid) = before.sid {
                self.by_sid.remove(&sid);
            }
            if let Some(sid) = after.sid {
                self.by_sid.insert(sid, id);
            }
        }
        if before.tier == Tier::Probation && after.tier != Tier::Probation {
            self.probation.remove(id);
        }
        if after.tier == Tier::Proven
            && before.tier != Tier::Proven
            && let Some(first) = after.first
        {
            self.settled.add(id, *first.ip());
        }
        self.recount(&before, false);
        self.recount(&after, true);
        Some(result)
    }

    fn count(&mut self, peer: &Peer, add: bool) {
        self.recount(&Indexed::of(peer), add);
    }

    fn recount(&mut self, peer: &Indexed, add: bool) {
        let step = |count: &mut usize, yes: bool| {
            if yes {
                *count = if add { *count + 1 } else { count.saturating_sub(1) };
            }
        };
        step(&mut self.older, peer.sid.is_none() && !peer.keyed);
        step(&mut self.live, peer.live);
        if let Some(first) = peer.first {
            let at = self.at.entry(first).or_default();
            *at = if add { at.saturating_add(1) } else { at.saturating_sub(1) };
            if *at == 0 {
                self.at.remove(&first);
            }
        }
    }
}

/// The parts of a peer that indexes and counts depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Indexed {
    label: Arc<str>,
    sid: Option<Sid>,
    tier: Tier,
    live: bool,
    keyed: bool,
    first: Option<SocketAddrV4>,
}

impl Indexed {
    fn of(peer: &Peer) -> Self {
        Self {
            label: Arc::clone(&peer.user_id),
            sid: peer.sid,
            tier: peer.tier,
            live: peer.presence != Presence::Quiet,
            keyed: peer.key.is_some(),
            first: peer.paths.first().map(|path| path.address),
        }
    }
}

/// Spreads peer numbers, which are given out in order and not chosen by anybody.
#[derive(Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}

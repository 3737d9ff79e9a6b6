//! Posts that others have and we have not: what is asked for, of whom, and when again (protocol.md §10.4).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::wire::{Numbers, PublicKey, Synced};

use super::posts::ranges;
use super::sync::{TICK, parts};
use super::{Engine, Instant, Peer, PeerId};

/// A post that was asked for is asked for again after this.
pub(super) const PATIENCE: Duration = Duration::from_millis(400);

/// A post is asked for so often.
const TRIES: u8 = 6;

/// A post that others have.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) sources: Vec<PeerId>,
    pub(super) asked: Option<(PeerId, Instant)>,
    pub(super) tries: u8,
}

/// Posts that are asked for of an author of whom none is known.
const NEW: u64 = 4;

impl Engine {
    /// An author says how many posts it has written: what we lack of the newest is asked for.
    pub(super) fn on_post_count(&mut self, id: PeerId, count: u64, now: Instant) {
        let Some(key) = self.peers.read(id, |peer| peer.key).flatten() else { return };
        // Of somebody of whom nothing is known, the last few may have been lost on their way; what is older comes with a round.
        let newest = self.posts.newest_of(&key).unwrap_or(count.saturating_sub(NEW));
        if newest >= count || !self.syncing.joined || !self.may_sync() || !self.can_sync(id) {
            return;
        }
        let first = (newest + 1).max(count.saturating_sub(self.config.limits.posts.0 as u64));
        self.want(id, &[Numbers { author: key, ranges: vec![first..=count] }], now);
    }

    /// Notes what somebody has and we have not, the newest first while there is room, and asks for it.
    pub(super) fn want(&mut self, id: PeerId, have: &[Numbers], now: Instant) {
        if !self.may_sync() {
            return;
        }
        let most = self.config.limits.wanted.2;
        let mut of_source = self.syncing.wanted.values().filter(|wanted| wanted.sources.first() == Some(&id)).count();
        let own = self.own_key();
        // Of all authors together: a list of few bytes may name very many numbers.
        let mut looked = 0;
        for Numbers { author, ranges } in have {
            if self.authors.contact(author).is_some_and(|contact| contact.blocked) {
                continue;
            }
            // Numbers that we never gave are somebody else's with a copy of our key.
            let ours = self.ring.as_ref().filter(|_| own == Some(*author)).map(|ring| ring.posted.number);
            let missing = self.posts.missing(author, ranges);
            for number in missing.into_iter().rev().flat_map(|range| range.rev().take(most)) {
                looked += 1;
                if looked > most {
                    break;
                }
                if ours.is_some_and(|last| number > last) {
                    continue;
                }
                let new = !self.syncing.wanted.contains_key(&(*author, number));
                if new && of_source >= most {
                    break;
                }
                of_source += usize::from(new);
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
    pub(super) fn ask_for_posts(&mut self, now: Instant) {
        let (all, each, _) = self.config.limits.wanted;
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
        self.syncing.sources = flying.into_keys().flat_map(|id| self.peers.read(id, Peer::address)).collect();
        for (id, authors) in asks {
            let list = authors.into_iter().map(|(author, numbers)| Numbers { author, ranges: ranges(numbers) });
            for part in parts(list.collect(), self.sync_room()) {
                self.send_sync(id, Synced::Want(part));
            }
        }
        if !self.syncing.wanted.is_empty() {
            self.plan_tick(now + TICK);
        }
    }
}

//! Newcomers that have proved nothing, by the address that they came from (protocol.md §8.2).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use super::{Links, PeerId};

/// Who is on probation. Grouped and counted as they come and go, so that a flood of newcomers costs no search.
#[derive(Debug, Default)]
pub(super) struct Probation {
    from: BTreeMap<PeerId, Ipv4Addr>,
    groups: BTreeMap<Ipv4Addr, BTreeSet<PeerId>>,
    /// How many came from each address, the youngest of them, and the address.
    sizes: BTreeSet<(usize, PeerId, Ipv4Addr)>,
}

impl Probation {
    pub(super) fn len(&self) -> usize {
        self.from.len()
    }

    pub(super) fn add(&mut self, id: PeerId, ip: Ipv4Addr) {
        self.from.insert(id, ip);
        self.regroup(ip, |group| group.insert(id));
    }

    /// Lets one go: it proved itself, or is off the list.
    pub(super) fn remove(&mut self, id: PeerId) {
        if let Some(ip) = self.from.remove(&id) {
            self.regroup(ip, |group| group.remove(&id));
        }
    }

    /// The youngest of the address that most came from, where those are at least so many, and that address; our own go
    /// last.
    pub(super) fn crowded(&self, least: usize, links: &Links) -> Option<(PeerId, Ipv4Addr)> {
        let foreign = self.sizes.iter().rev().find(|(_, _, ip)| !links.is_own(*ip));
        let most = foreign.or_else(|| self.sizes.last()).filter(|(size, ..)| *size >= least);
        most.map(|(_, youngest, ip)| (*youngest, *ip))
    }

    /// The youngest that `may` go of the address that most came from; our own go last.
    pub(super) fn crowded_of(&self, links: &Links, may: impl Fn(PeerId) -> bool) -> Option<PeerId> {
        let foreign = self.sizes.iter().rev().filter(|(_, _, ip)| !links.is_own(*ip));
        let own = self.sizes.iter().rev().filter(|(_, _, ip)| links.is_own(*ip));
        foreign.chain(own).find_map(|(_, _, ip)| self.groups.get(ip)?.iter().rev().copied().find(|id| may(*id)))
    }

    fn regroup(&mut self, ip: Ipv4Addr, change: impl FnOnce(&mut BTreeSet<PeerId>) -> bool) {
        let group = self.groups.entry(ip).or_default();
        if let Some(youngest) = group.last() {
            self.sizes.remove(&(group.len(), *youngest, ip));
        }
        change(group);
        if let Some(youngest) = group.last() {
            self.sizes.insert((group.len(), *youngest, ip));
        } else {
            self.groups.remove(&ip);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_youngest_of_the_most_crowded_address_makes_place() {
        let mut probation = Probation::default();
        let links = Links::default();
        let ip = |last: u8| Ipv4Addr::new(10, 0, 0, last);
        let crowded = |probation: &Probation, least| probation.crowded(least, &links).map(|(id, _)| id);
        assert_eq!(crowded(&probation, 1), None);
        for (id, from) in [(1, ip(1)), (2, ip(2)), (3, ip(2)), (4, ip(3))] {
            probation.add(PeerId(id), from);
        }
        assert_eq!(crowded(&probation, 1), Some(PeerId(3)));
        probation.remove(PeerId(3));
        assert_eq!(crowded(&probation, 1), Some(PeerId(4)));
        assert_eq!(crowded(&probation, 2), None, "each has an address of its own");
        for id in 5..9 {
            probation.add(PeerId(id), Ipv4Addr::LOCALHOST);
        }
        assert_eq!(crowded(&probation, 1), Some(PeerId(4)), "our own go last");
        [1, 2, 4].into_iter().for_each(|id| probation.remove(PeerId(id)));
        assert_eq!(crowded(&probation, 1), Some(PeerId(8)));
        assert_eq!(probation.len(), 4);
    }
}

//! All lines of the board, within their bounds, and sums of them that tell two boards apart (protocol.md §11.5).

use std::collections::BTreeMap;

use crate::wire::PublicKey;

use super::record::{Name, Record};

/// Parts of the board that are compared each by a sum of its own.
pub(super) const PARTS: usize = 64;
/// Lines in all. Above, one of the author with the most makes place.
pub(super) const LINES: usize = 4_096;
/// Lines of one author.
pub(super) const OF_ONE: usize = 1_024;

/// The lines, by name.
#[derive(Debug)]
pub(super) struct Lines {
    all: BTreeMap<Name, Record>,
    of: BTreeMap<PublicKey, usize>,
    sums: [u64; PARTS],
}

/// What became of a line that was put on the board.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It stands; the other made place.
    Newest(Option<Name>),
    /// One that is newer stands there.
    Older,
    /// It stands there already.
    Same,
    /// There is no place for it.
    Full,
}

impl Default for Lines {
    fn default() -> Self {
        Self { all: BTreeMap::new(), of: BTreeMap::new(), sums: [0; PARTS] }
    }
}

fn part(hash: u64) -> usize {
    (hash >> 58) as usize
}

/// The names that a part may hold: the first and the last hash.
pub(super) fn part_range(part: usize) -> (u64, u64) {
    let first = (part as u64) << 58;
    (first, first | (u64::MAX >> 6))
}

impl Lines {
    pub(super) fn put(&mut self, record: Record) -> Put {
        let (name, author) = (record.name(), record.entry.by);
        let mut place = None;
        if let Some(known) = self.all.get(&name) {
            if known.hash == record.hash {
                return Put::Same;
            }
            if known.rank() > record.rank() {
                return Put::Older;
            }
        }
        let before = self.all.get(&name).map(|record| record.entry.by);
        if before != Some(author) && self.count(&author) >= OF_ONE {
            return Put::Full;
        }
        if before.is_none() && self.all.len() >= LINES {
            place = self.place_for(&author);
            let Some(place) = &place else { return Put::Full };
            self.remove(place);
        }
        self.remove(&name);
        *self.of.entry(author).or_default() += 1;
        self.sums[part(name.hash)] ^= record.mark();
        self.all.insert(name, record);
        Put::Newest(place)
    }

    /// A line of the author with the most, if that has more than this one: the same at all who have the same lines.
    fn place_for(&self, author: &PublicKey) -> Option<Name> {
        let (most, count) = self.of.iter().max_by_key(|(key, count)| (**count, **key))?;
        if *count <= self.count(author) + 1 {
            return None;
        }
        let least =
            self.all.iter().filter(|(_, record)| record.entry.by == *most).min_by_key(|(_, record)| record.hash);
        least.map(|(name, _)| name.clone())
    }

    fn remove(&mut self, name: &Name) {
        let Some(record) = self.all.remove(name) else { return };
        self.sums[part(name.hash)] ^= record.mark();
        if let Some(count) = self.of.get_mut(&record.entry.by) {
            *count -= 1;
            if *count == 0 {
                self.of.remove(&record.entry.by);
            }
        }
    }

    /// How many lines of an author stand.
    pub(super) fn count(&self, author: &PublicKey) -> usize {
        self.of.get(author).copied().unwrap_or(0)
    }

    pub(super) fn get(&self, name: &Name) -> Option<&Record> {
        self.all.get(name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Record> {
        self.all.values()
    }

    /// The sum of each part: of the first 8 bytes of the hashes of its lines, exclusive or.
    pub(super) fn sums(&self) -> &[u64; PARTS] {
        &self.sums
    }

    /// The lines whose names have hashes from the first to the last.
    pub(super) fn within(&self, first: u64, last: u64) -> impl Iterator<Item = (&Name, &Record)> {
        let least = Name { hash: first, user: String::new(), lesson: String::new() };
        self.all.range(least..).take_while(move |(name, _)| name.hash <= last)
    }

    #[cfg(test)]
    fn rank_of(&self, name: &Name) -> Option<super::record::Rank> {
        self.all.get(name).map(Record::rank)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::super::Progress;
    use super::super::record::write;
    use super::*;

    fn line(author: u8, user: usize, lamport: u64, status: &str) -> Record {
        let progress = Progress { user: format!("u{user}"), lesson: "l".into(), status: status.into(), at: 1 };
        let body: Arc<[u8]> = write(&progress, lamport).into_bytes().into();
        let raw = [&[author], &body[..]].concat();
        Record::read(PublicKey([author; 32]), &raw.into(), &body).unwrap()
    }

    fn hashes(lines: &Lines) -> Vec<crate::wire::PieceHash> {
        lines.iter().map(|record| record.hash).collect()
    }

    #[test]
    fn one_author_has_its_share_and_no_more() {
        let mut lines = Lines::default();
        for user in 0..10_000 {
            lines.put(line(1, user, 1, "x"));
        }
        assert_eq!((lines.all.len(), lines.count(&PublicKey([1; 32]))), (OF_ONE, OF_ONE));
        assert_eq!(lines.put(line(1, 3, 2, "y")), Put::Newest(None), "what stands can be told anew");
        assert_eq!(lines.put(line(2, 9_999, 1, "x")), Put::Newest(None), "another has room");
    }

    #[test]
    fn many_authors_share_and_who_has_most_makes_place() {
        let mut lines = Lines::default();
        for author in 1..=4 {
            for user in 0..OF_ONE {
                lines.put(line(author, usize::from(author) * 10_000 + user, 1, "x"));
            }
        }
        assert_eq!(lines.all.len(), LINES);
        for user in 0..2_000 {
            lines.put(line(9, user, 1, "x"));
        }
        assert_eq!(lines.all.len(), LINES);
        let shares: Vec<usize> = lines.of.values().copied().collect();
        assert!(shares.iter().all(|share| (818..=820).contains(share)), "{shares:?}");
        let again = lines.all.values().fold([0; PARTS], |mut sums, record| {
            sums[part(record.name().hash)] ^= record.mark();
            sums
        });
        assert_eq!(again, lines.sums);
    }

    proptest! {
        #[test]
        fn any_order_ends_the_same(told in proptest::collection::vec((1_u8..4, 0_usize..5, 1_u64..4, "[ab]"), 1..40)) {
            let records: Vec<Record> = told.iter().map(|(a, u, l, s)| line(*a, *u, *l, s)).collect();
            let (mut one, mut other) = (Lines::default(), Lines::default());
            for record in &records {
                one.put(record.clone());
            }
            for record in records.iter().rev().chain(&records) {
                other.put(record.clone());
            }
            prop_assert_eq!(hashes(&one), hashes(&other));
            prop_assert_eq!(one.sums, other.sums);
            for record in &records {
                prop_assert!(one.rank_of(&record.name()) >= Some(record.rank()));
            }
        }
    }
}

//! Posts that are passed on to others, and where each stands among them (protocol.md §9.4, §10.4).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use arrayvec::ArrayVec;

use crate::wire::{Chain, Numbers, PieceHash, PublicKey, RANGES_MAX, SEEN_MAX};

use super::{Archive, Engine, Limits, Output, PostRecord, Posted, Record};

/// A LAMPORT may be so much greater than any other without naming posts that are known.
const LEAP: u64 = 1 << 20;

/// No LAMPORT from here on is believed without posts that support it.
const LAMPORT_MAX: u64 = 1 << 48;

/// Authors whose numbers are remembered.
const AUTHORS: usize = 8_192;

/// Ranges of numbers that are remembered of one author.
const RANGES: usize = 64;

/// The posts that are held, and the numbers of all that are known.
#[derive(Debug, Default)]
pub(super) struct Posts {
    held: BTreeMap<PieceHash, PostRecord>,
    places: BTreeMap<(PublicKey, u64), PieceHash>,
    /// By LAMPORT, author and content id: the same at everybody.
    order: BTreeSet<(u64, PublicKey, PieceHash)>,
    /// Held posts with a long text, by the root of that.
    texts: BTreeMap<PieceHash, PieceHash>,
    known: BTreeMap<PublicKey, Known>,
    /// Posts of others with the greatest LAMPORT, the greatest last.
    newest: ArrayVec<(u64, PieceHash), SEEN_MAX>,
    greatest: u64,
    bytes: usize,
}

/// What is known of one author.
#[derive(Debug, Default)]
struct Known {
    numbers: Vec<RangeInclusive<u64>>,
    /// Bytes that are held.
    bytes: usize,
}

impl Known {
    fn note(&mut self, range: RangeInclusive<u64>) {
        let at = self.numbers.partition_point(|other| *other.end() < range.start().saturating_sub(1));
        let (mut first, mut last) = range.into_inner();
        let until = self.numbers.partition_point(|other| *other.start() <= last.saturating_add(1));
        for merged in self.numbers.drain(at..until.max(at)) {
            (first, last) = (first.min(*merged.start()), last.max(*merged.end()));
        }
        self.numbers.insert(at, first..=last);
        if self.numbers.len() > RANGES {
            // The oldest gap is not worth asking for.
            let last = *self.numbers[1].end();
            let first = *self.numbers.remove(0).start();
            self.numbers[0] = first..=last;
        }
    }
}

impl Posts {
    /// What earlier runs left.
    pub(super) fn restored(archive: &mut Archive, own: Option<PublicKey>, limits: &Limits) -> Self {
        let mut posts = Self { greatest: archive.lamport, ..Self::default() };
        for (author, ranges) in archive.known.drain(..) {
            ranges.into_iter().for_each(|range| posts.note_known(author, range));
        }
        for post in archive.posts.drain(..) {
            posts.hold(post, own, limits);
        }
        posts
    }

    pub(super) fn greatest(&self) -> u64 {
        self.greatest
    }

    /// Posts that are held.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// The bytes of all that are held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn has(&self, id: &PieceHash) -> bool {
        self.held.contains_key(id)
    }

    /// The least LAMPORT that is held.
    pub(super) fn least(&self) -> Option<u64> {
        self.order.first().map(|(lamport, ..)| *lamport)
    }

    /// The post with this number of this author.
    pub(super) fn at(&self, author: PublicKey, number: u64) -> Option<&PostRecord> {
        self.held.get(self.places.get(&(author, number))?)
    }

    /// The long text of a held post, by the hash that names its pieces.
    pub(super) fn with_text(&self, root: PieceHash) -> Option<&Arc<str>> {
        self.held.get(self.texts.get(&root)?)?.long.as_ref()
    }

    /// What is not known of these numbers of an author.
    pub(super) fn missing(&self, author: &PublicKey, have: &[RangeInclusive<u64>]) -> Vec<RangeInclusive<u64>> {
        let known = self.known.get(author).map_or(&[][..], |known| &known.numbers);
        let mut missing = Vec::new();
        for range in have {
            let mut first = *range.start();
            for other in known.iter().filter(|other| other.end() >= range.start() && other.start() <= range.end()) {
                if first < *other.start() {
                    missing.push(first..=other.start() - 1);
                }
                first = first.max(other.end().saturating_add(1));
            }
            if first <= *range.end() {
                missing.push(first..=*range.end());
            }
        }
        missing
    }

    /// The greatest number that is known of an author.
    pub(super) fn newest_of(&self, author: &PublicKey) -> Option<u64> {
        self.known.get(author)?.numbers.last().map(|range| *range.end())
    }

    /// What counts as LAMPORT of a post with this place: its claim, if the posts that it names support it (protocol.md
    /// §9.4).
    pub(super) fn believe(&self, chain: &Chain) -> u64 {
        let mut named = chain.seen.iter().chain(&chain.prev).map(|id| self.held.get(id).map(|post| post.lamport));
        let most = named.clone().flatten().max().unwrap_or(0);
        if chain.lamport == most + 1 {
            return chain.lamport;
        }
        let all_known = named.all(|lamport| lamport.is_some()) && (chain.prev.is_some() || !chain.seen.is_empty());
        let alone = chain.prev.is_none() && chain.seen.is_empty();
        // Who has no posts yet cannot tell what is far.
        let near = self.greatest == 0 || chain.lamport <= self.greatest.saturating_add(LEAP);
        if !all_known && !alone && chain.lamport < LAMPORT_MAX && near {
            chain.lamport
        } else {
            chain.lamport.min(most + 1)
        }
    }

    /// Takes a post to be passed on; true when another one stands at its place.
    pub(super) fn hold(&mut self, post: PostRecord, own: Option<PublicKey>, limits: &Limits) -> bool {
        let (id, author, lamport) = (post.id, post.author, post.lamport);
        if self.held.contains_key(&id) {
            return false;
        }
        self.note_known(author, post.number..=post.number);
        self.note_lamport(lamport);
        let fork = *self.places.entry((author, post.number)).or_insert(id) != id;
        let bytes = size(&post);
        self.bytes += bytes;
        if let Some(known) = self.known.get_mut(&author) {
            known.bytes += bytes;
        }
        if let Some(root) = root_of(&post) {
            self.texts.insert(root, id);
        }
        self.order.insert((lamport, author, id));
        self.held.insert(id, post);
        if Some(author) != own {
            if self.newest.is_full() && self.newest.first().is_some_and(|(least, _)| *least < lamport) {
                self.newest.remove(0);
            }
            if !self.newest.is_full() {
                let at = self.newest.partition_point(|(other, _)| *other <= lamport);
                self.newest.insert(at, (lamport, id));
            }
        }
        while self.held.len() > limits.posts.0 || self.bytes > limits.posts.1 {
            if !self.drop_one() {
                break;
            }
        }
        fork
    }

    fn note_lamport(&mut self, lamport: u64) {
        self.greatest = self.greatest.max(lamport);
    }

    /// Takes note of numbers that are not wanted any more.
    pub(super) fn note_known(&mut self, author: PublicKey, range: RangeInclusive<u64>) {
        // Posts are counted from 1, and a SYNC names none of the number 0.
        let range = (*range.start()).max(1)..=*range.end();
        if range.is_empty() {
            return;
        }
        if self.known.len() >= AUTHORS && !self.known.contains_key(&author) {
            let idle = self.known.iter().find(|(_, known)| known.bytes == 0).map(|(author, _)| *author);
            if let Some(idle) = idle {
                self.known.remove(&idle);
            }
        }
        self.known.entry(author).or_default().note(range);
    }

    /// Drops the first post of the author of whom most is held.
    fn drop_one(&mut self) -> bool {
        let author = self.known.iter().max_by_key(|(_, known)| known.bytes).map(|(author, _)| *author);
        let first = self.order.iter().find(|(_, other, _)| Some(*other) == author).copied();
        first.is_some_and(|(_, _, id)| self.let_go(&id))
    }

    /// Passes a post on no more.
    fn let_go(&mut self, id: &PieceHash) -> bool {
        let Some(post) = self.held.remove(id) else { return false };
        self.order.remove(&(post.lamport, post.author, post.id));
        if self.places.get(&(post.author, post.number)) == Some(id) {
            self.places.remove(&(post.author, post.number));
        }
        if let Some(root) = root_of(&post) {
            self.texts.remove(&root);
        }
        let bytes = size(&post);
        self.bytes -= bytes;
        if let Some(known) = self.known.get_mut(&post.author) {
            known.bytes -= bytes;
        }
        true
    }

    /// Passes on nothing that somebody knew before this moment.
    pub(super) fn expire(&mut self, before: u64) {
        let old: Vec<PieceHash> = self.held.values().filter(|post| post.since < before).map(|post| post.id).collect();
        for id in &old {
            self.let_go(id);
        }
    }

    /// The user had these forgotten.
    pub(super) fn forget(&mut self, posts: &[(PublicKey, u64)]) {
        for place in posts {
            self.note_known(place.0, place.1..=place.1);
            if let Some(id) = self.places.get(place).copied() {
                self.let_go(&id);
            }
        }
    }

    /// All numbers that are known, by ascending author; of each author the newest ranges.
    pub(super) fn known(&self) -> impl Iterator<Item = Numbers> {
        self.known.iter().filter(|(_, known)| !known.numbers.is_empty()).map(|(author, known)| {
            let skipped = known.numbers.len().saturating_sub(RANGES_MAX);
            Numbers { author: *author, ranges: known.numbers[skipped..].to_vec() }
        })
    }

    /// What is held beyond `have` of the authors in the span: the newest `last` of all, none with a LAMPORT below `since`.
    pub(super) fn beyond(
        &self,
        (low, high): (PublicKey, PublicKey),
        have: &[Numbers],
        last: u32,
        since: u64,
    ) -> Vec<Numbers> {
        let has = |author: &PublicKey, number: u64| {
            let at = have.binary_search_by_key(author, |numbers| numbers.author);
            at.is_ok_and(|at| have[at].ranges.iter().any(|range| range.contains(&number)))
        };
        let mut beyond: BTreeMap<PublicKey, BTreeSet<u64>> = BTreeMap::new();
        let newest = self.order.iter().rev().take(usize::try_from(last).unwrap_or(usize::MAX));
        for (_, author, id) in newest.take_while(|(lamport, ..)| *lamport >= since) {
            if *author < low || *author > high {
                continue;
            }
            if let Some(post) = self.held.get(id).filter(|post| !has(author, post.number)) {
                beyond.entry(*author).or_default().insert(post.number);
            }
        }
        beyond.into_iter().map(|(author, numbers)| Numbers { author, ranges: ranges(numbers) }).collect()
    }
}

/// What names the pieces of a post's long text.
fn root_of(post: &PostRecord) -> Option<PieceHash> {
    post.long.as_ref()?;
    Chain::of(&post.raw).ok()??.long.map(|long| long.root)
}

/// How much memory a post takes, nearly.
fn size(post: &PostRecord) -> usize {
    post.raw.len() + post.long.as_ref().map_or(0, |text| text.len()) + 200
}

/// Ascending numbers as ranges; of too many ranges the newest.
pub(super) fn ranges(numbers: impl IntoIterator<Item = u64>) -> Vec<RangeInclusive<u64>> {
    let mut ranges: Vec<RangeInclusive<u64>> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(range) if *range.end() + 1 == number => *range = *range.start()..=number,
            _ => ranges.push(number..=number),
        }
    }
    let skipped = ranges.len().saturating_sub(RANGES_MAX);
    ranges.split_off(skipped)
}

impl Engine {
    /// The place of our next post; none of a peer without a key.
    pub(super) fn next_place(&self) -> Option<Chain> {
        let posted = self.ring.as_ref()?.posted;
        let seen = self.posts.newest.iter().map(|(_, id)| *id).collect();
        let greatest = self.posts.newest.last().map_or(0, |(lamport, _)| *lamport);
        let lamport = posted.lamport.max(greatest) + 1;
        Some(Chain { number: posted.number + 1, prev: posted.last, seen, lamport, long: None })
    }

    /// Our post of these bytes stands there, and is passed on from now on.
    pub(super) fn note_own_post(&mut self, post: PostRecord) {
        let Some(ring) = &mut self.ring else { return };
        ring.posted = Posted { number: post.number, last: Some(post.id), lamport: post.lamport };
        let (posted, own) = (ring.posted, ring.crypto.public_key());
        self.posts.hold(post, Some(own), &self.config.limits);
        self.outputs.push_back(Output::Store(Record::Posted(posted)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_merge_into_ranges() {
        let mut known = Known::default();
        for number in [5, 1, 3, 2, 9, 4, 7] {
            known.note(number..=number);
        }
        assert_eq!(known.numbers, [1..=5, 7..=7, 9..=9]);
        known.note(6..=8);
        assert_eq!(known.numbers, [1..=9]);
    }

    #[test]
    fn what_is_missing_lies_between_what_is_known() {
        let author = PublicKey([7; 32]);
        let mut posts = Posts::default();
        assert_eq!(posts.missing(&author, &[2..=9]), [2..=9]);
        [3..=4, 7..=7, 20..=30].into_iter().for_each(|range| posts.note_known(author, range));
        assert_eq!(posts.missing(&author, &[1..=2, 4..=8, 25..=40]), [1..=2, 5..=6, 8..=8, 31..=40]);
        assert!(posts.missing(&author, &[20..=30]).is_empty());
    }

    #[test]
    fn of_too_many_ranges_the_oldest_gap_is_closed() {
        let mut known = Known::default();
        (0..200).for_each(|at| known.note(at * 3 + 1..=at * 3 + 1));
        assert_eq!(known.numbers.len(), RANGES);
        assert_eq!((known.numbers[0].start(), known.numbers.last()), (&1, Some(&(598..=598))));
    }

    #[test]
    fn ranges_of_numbers_are_the_newest() {
        assert_eq!(ranges([1, 2, 3, 7, 8, 10]), [1..=3, 7..=8, 10..=10]);
        let many = ranges((1..100).map(|at| at * 2));
        assert_eq!((many.len(), many.last().cloned()), (RANGES_MAX, Some(198..=198)));
    }
}

//! The history of one peer of ours, kept as the store keeps it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::RangeInclusive;

use crate::engine::{
    Archive, Author, Carried, Commit, Entry, Instant, Kind, Mark, Outcome, Outgoing, PostRecord, RowId, Ticket,
};
use crate::wire::{OwnMessageId, PieceHash, PublicKey};

/// What is carried for others is given up after so long, seconds.
const WEEK: u64 = 7 * 24 * 3600;

/// Posts of the last day are given back at the next start, seconds.
const DAY: u64 = 24 * 3600;

/// So many posts at most.
const POSTS: usize = 4_096;

/// What is on the disk, and what is on its way there.
#[derive(Debug, Clone, Default)]
pub struct History {
    rows: Vec<Row>,
    /// Which row each message has; none that the user had forgotten.
    names: BTreeMap<(Author, String), Option<RowId>>,
    /// Which row each message of ours has.
    own: BTreeMap<String, RowId>,
    /// Posts that were here once, forgotten ones included.
    known: BTreeMap<PublicKey, BTreeSet<u64>>,
    carried: Vec<Carried>,
    greatest: u64,
    count: i64,
    /// Taken and not on the disk yet, and when it will be. A kill loses it.
    coming: VecDeque<(Instant, Commit)>,
}

/// One line of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its number.
    pub id: RowId,
    /// What it is; its mark is what became of it last.
    pub entry: Entry,
}

impl Row {
    /// Where it stands among the others.
    fn place(&self) -> (u64, &Author, Option<PieceHash>, RowId) {
        (self.entry.lamport, &self.entry.author, self.entry.post.as_ref().map(|post| post.id), self.id)
    }
}

impl History {
    /// All lines in their order: by LAMPORT, author, content id and row.
    #[must_use]
    pub fn rows(&self) -> Vec<&Row> {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| row.place());
        rows
    }

    /// Every signed post, in the order of the history.
    #[must_use]
    pub fn posts(&self) -> Vec<&PostRecord> {
        self.rows().into_iter().filter_map(|row| row.entry.post.as_deref()).collect()
    }

    /// What became of each DM of ours, by message.
    #[must_use]
    pub fn marks(&self) -> BTreeMap<String, Mark> {
        let ours = self.rows.iter().filter(|row| row.entry.ours);
        let marked = ours.filter_map(|row| Some((row.entry.message_id.clone(), row.entry.mark?)));
        marked.collect()
    }

    /// True when a message is on the disk, or was and is forgotten.
    #[must_use]
    pub fn holds(&self, author: &PublicKey, message_id: &str) -> bool {
        self.names.contains_key(&(Author::Key(*author), message_id.to_owned()))
    }

    /// What is carried for others, the oldest first.
    #[must_use]
    pub fn carried(&self) -> &[Carried] {
        &self.carried
    }

    /// How much is on its way to the disk.
    #[must_use]
    pub fn coming(&self) -> usize {
        self.coming.len()
    }

    pub(super) fn take(&mut self, commit: Commit, due: Instant) {
        let due = self.coming.back().map_or(due, |(before, _)| due.max(*before));
        self.coming.push_back((due, commit));
    }

    /// Writes what is due by then; what became of the entries.
    pub(super) fn write(&mut self, now: Instant) -> Vec<(Ticket, Outcome)> {
        let mut outcomes = Vec::new();
        while let Some((due, _)) = self.coming.front()
            && *due <= now
            && let Some((_, commit)) = self.coming.pop_front()
        {
            outcomes.extend(self.keep(commit));
        }
        outcomes
    }

    /// What is on its way comes at this moment.
    pub(super) fn postpone(&mut self, due: Instant) {
        self.coming.iter_mut().for_each(|coming| coming.0 = due);
    }

    /// What is on its way never comes; what became of the entries.
    pub(super) fn fail(&mut self) -> Vec<(Ticket, Outcome)> {
        let coming = std::mem::take(&mut self.coming);
        let entries = coming.into_iter().filter_map(|(_, commit)| match commit {
            Commit::Entry(ticket, _) => Some((ticket, Outcome::Failed)),
            Commit::Mark(..) | Commit::Carry(_) | Commit::Delivered(_) => None,
        });
        entries.collect()
    }

    /// The program was killed: what was not on the disk yet is lost.
    pub(super) fn lose(&mut self) {
        self.coming.clear();
    }

    fn keep(&mut self, commit: Commit) -> Option<(Ticket, Outcome)> {
        match commit {
            Commit::Entry(ticket, entry) => Some((ticket, self.keep_entry(*entry))),
            Commit::Mark(id, mark) => {
                self.mark(id, mark);
                None
            }
            Commit::Carry(carried) => {
                if self.carried.iter().all(|other| other.id != carried.id) {
                    self.carried.push(*carried);
                }
                None
            }
            Commit::Delivered(id) => {
                self.carried.retain(|carried| carried.id != id);
                None
            }
        }
    }

    fn keep_entry(&mut self, entry: Entry) -> Outcome {
        let name = (entry.author.clone(), entry.message_id.clone());
        if self.names.contains_key(&name) {
            return Outcome::Again;
        }
        self.count += 1;
        let id = RowId(self.count);
        self.names.insert(name, Some(id));
        self.greatest = self.greatest.max(entry.lamport);
        if let Some(post) = &entry.post {
            self.known.entry(post.author).or_default().insert(post.number);
        }
        if entry.ours {
            self.own.insert(entry.message_id.clone(), id);
        }
        self.rows.push(Row { id, entry });
        Outcome::Stored(id)
    }

    fn mark(&mut self, id: OwnMessageId, mark: Mark) {
        let at = self.own.get(&id.to_string()).and_then(|row| self.rows.binary_search_by_key(row, |row| row.id).ok());
        if let Some(at) = at {
            self.rows[at].entry.mark = Some(mark);
        }
    }

    /// Forgets all that this one wrote, and what was written to it; the posts among it.
    pub(super) fn forget(&mut self, with: &PublicKey) -> Vec<(PublicKey, u64)> {
        let theirs = |row: &Row| row.entry.with.as_ref().and_then(|with| with.key) == Some(*with);
        let (gone, kept): (Vec<Row>, Vec<Row>) = std::mem::take(&mut self.rows).into_iter().partition(theirs);
        self.rows = kept;
        for row in &gone {
            self.names.insert((row.entry.author.clone(), row.entry.message_id.clone()), None);
        }
        gone.iter().filter_map(|row| row.entry.post.as_ref().map(|post| (post.author, post.number))).collect()
    }

    /// What an engine that starts is given back.
    pub(super) fn archive(&self, unix: u64) -> Archive {
        // However old: the engine gives up what is too old, and says so.
        let outbox = self.rows.iter().filter(|row| row.entry.ours).filter_map(outgoing);
        let mut posts: Vec<PostRecord> = self.posts().into_iter().cloned().collect();
        posts.retain(|post| post.since + DAY > unix);
        posts.drain(..posts.len().saturating_sub(POSTS));
        let known = self.known.iter().map(|(author, numbers)| (*author, ranges(numbers))).collect();
        let carried = self.carried.iter().filter(|carried| carried.since + WEEK > unix).cloned().collect();
        Archive { outbox: outbox.collect(), posts, known, carried, lamport: self.greatest }
    }
}

fn outgoing(row: &Row) -> Option<Outgoing> {
    let Entry { kind, with, text, at, mark, message_id, .. } = &row.entry;
    let (Kind::Dm { .. }, Some(to)) = (kind, with.as_ref()?.key) else { return None };
    let mark = mark.filter(|mark| mark.is_open() || *mark == Mark::Received)?;
    let id = OwnMessageId::parse(message_id)?;
    Some(Outgoing { id, to, text: text.as_str().into(), at: *at, mark })
}

/// Numbers as ranges.
fn ranges(numbers: &BTreeSet<u64>) -> Vec<RangeInclusive<u64>> {
    let mut ranges: Vec<RangeInclusive<u64>> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(last) if *last.end() + 1 == *number => *last = *last.start()..=*number,
            _ => ranges.push(*number..=*number),
        }
    }
    ranges
}

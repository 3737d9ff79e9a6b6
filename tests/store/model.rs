//! Whatever is done in whatever order, the history holds what a plain map holds.

use std::collections::{BTreeMap, BTreeSet};

use lsnp::engine::{Author, Commit, Entry, Mark, Outcome, RowId, Trust};
use lsnp::store::{Forget, Query};
use lsnp::wire::{OwnMessageId, PublicKey};
use proptest::prelude::*;

use crate::desk::{Desk, Folder, ME, NOW, dm, key, peer, plain, post};

const WORDS: [&str; 4] = ["tea", "coffee", "東京", "naïve"];

#[derive(Debug, Clone)]
enum Step {
    Put(Vec<Entry>),
    Mark(u64, Mark),
    Read(usize),
    Forget(Forget),
    Reopen,
}

fn entries() -> impl Strategy<Value = Entry> {
    (0..5_u8, 2..5_u8, 1..9_u64, 0..WORDS.len(), 0..40_u64).prop_map(|(kind, who, number, word, age)| {
        let text = format!("{} {number}", WORDS[word]);
        let entry = match kind {
            0 => dm(who, number, &text),
            1 => post(who, number, &text),
            2 => plain(["a@1", "b@1"][usize::from(who % 2)], &format!("{number}"), &text),
            3 => plain("a@1", "", &text),
            _ => Entry {
                author: Author::Key(ME),
                message_id: OwnMessageId::new(number).to_string(),
                ours: true,
                with: Some(peer(who, Trust::Known)),
                mark: Some(Mark::Waiting),
                ..dm(1, number, &text)
            },
        };
        Entry { at: NOW - age, ..entry }
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let marks = prop_oneof![Just(Mark::Sent), Just(Mark::Received), Just(Mark::Stored)];
    let forget = prop_oneof![
        (2..5_u8).prop_map(|who| Forget::With(key(who))),
        Just(Forget::WithLabel("a@1".to_owned())),
        (0..40_u64).prop_map(|age| Forget::Before(NOW - age)),
        Just(Forget::Everything),
    ];
    prop_oneof![
        6 => proptest::collection::vec(entries(), 1..6).prop_map(Step::Put),
        2 => (1..9_u64, marks).prop_map(|(number, mark)| Step::Mark(number, mark)),
        1 => (0..20_usize).prop_map(Step::Read),
        1 => forget.prop_map(Step::Forget),
        1 => Just(Step::Reopen),
    ]
}

/// What the history should hold.
#[derive(Debug, Default)]
struct Model {
    lines: BTreeMap<RowId, (Entry, bool)>,
    gone: BTreeSet<(Author, String)>,
    gone_posts: BTreeSet<(PublicKey, u64)>,
}

impl Model {
    fn holds(&self, entry: &Entry) -> bool {
        let name = (entry.author.clone(), entry.message_id.clone());
        let post = entry.post.as_ref().map(|post| (post.author, post.number));
        let named = !entry.message_id.is_empty();
        let same = |kept: &Entry| kept.author == entry.author && kept.message_id == entry.message_id;
        named && (self.gone.contains(&name) || self.lines.values().any(|(kept, _)| same(kept)))
            || post.is_some_and(|post| self.gone_posts.contains(&post))
    }

    fn forget(&mut self, what: &Forget) -> u64 {
        let with = |entry: &Entry, wanted: &Author| {
            entry.with.as_ref().is_some_and(|with| match (with.key, wanted) {
                (Some(key), Author::Key(wanted)) => key == *wanted,
                (None, Author::Label(wanted)) => with.user_id == *wanted,
                (Some(_), Author::Label(_)) | (None, Author::Key(_)) => false,
            })
        };
        let wanted = |entry: &Entry| match what {
            Forget::With(key) => with(entry, &Author::Key(*key)),
            Forget::WithLabel(label) => with(entry, &Author::Label(label.as_str().into())),
            Forget::Before(at) => entry.at < *at && !entry.mark.is_some_and(Mark::is_open),
            Forget::Everything => true,
        };
        let before = self.lines.len();
        let (gone, kept) = std::mem::take(&mut self.lines).into_iter().partition(|(_, (entry, _))| wanted(entry));
        self.lines = kept;
        for (_, (entry, _)) in gone {
            match &entry.post {
                Some(post) => {
                    self.gone_posts.insert((post.author, post.number));
                }
                None if entry.ours || entry.message_id.is_empty() => {}
                None => {
                    self.gone.insert((entry.author, entry.message_id));
                }
            }
        }
        (before - self.lines.len()) as u64
    }

    /// Rows in the order of the history.
    fn rows(&self, wanted: impl Fn(&Entry, bool) -> bool) -> Vec<RowId> {
        let mut rows: Vec<_> = self.lines.iter().filter(|(_, (entry, read))| wanted(entry, *read)).collect();
        let id = |entry: &Entry| entry.post.as_ref().map_or_else(Vec::new, |post| post.id.0.to_vec());
        let who = |author: &Author| match author {
            Author::Label(label) => (false, label.as_bytes().to_vec()),
            Author::Key(key) => (true, key.0.to_vec()),
        };
        // What is no signed post stands behind the posts of its LAMPORT, as it came.
        rows.sort_by_key(|(row, (entry, _))| {
            let post = entry.post.as_ref().map(|_| (who(&entry.author), id(entry)));
            (entry.lamport, post.is_none(), post, **row)
        });
        rows.into_iter().map(|(row, _)| *row).collect()
    }
}

fn play(steps: Vec<Step>) {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Put(entries) => {
                let outcomes = desk.put(entries.clone());
                for (entry, outcome) in entries.into_iter().zip(outcomes) {
                    assert_eq!(outcome == Outcome::Again, model.holds(&entry), "{entry:?}");
                    if let Outcome::Stored(row) = outcome {
                        assert!(model.lines.keys().all(|earlier| *earlier < row), "greater ones came later");
                        let read = entry.ours;
                        model.lines.insert(row, (entry, read));
                    }
                }
            }
            Step::Mark(number, mark) => {
                let id = OwnMessageId::new(number);
                desk.commits.send(Commit::Mark(id, mark)).unwrap();
                // What comes after it is written after it, and this is nothing new.
                let after = desk.put_one(plain("c@1", "after", "after"));
                if let Outcome::Stored(row) = after {
                    model.lines.insert(row, (plain("c@1", "after", "after"), false));
                }
                let lines = model.lines.values_mut();
                for (entry, _) in lines.filter(|(entry, _)| entry.ours && entry.message_id == id.to_string()) {
                    entry.mark = Some(mark);
                }
            }
            Step::Read(place) => {
                if let Some((row, (_, read))) = model.lines.iter_mut().nth(place) {
                    *read = true;
                    desk.history.mark_read(&[*row]).unwrap();
                }
            }
            Step::Forget(what) => {
                let forgotten = desk.history.forget(&what).unwrap();
                assert_eq!(forgotten.lines, model.forget(&what));
            }
            Step::Reopen => {
                desk.end();
                desk = Desk::open(&folder.0);
                let outbox: BTreeSet<String> = desk.archive.outbox.iter().map(|open| open.id.to_string()).collect();
                let open = |entry: &Entry| entry.mark.is_some_and(|mark| mark.is_open() || mark == Mark::Received);
                let expected = model.lines.values().filter(|(entry, _)| open(entry));
                assert_eq!(outbox, expected.map(|(entry, _)| entry.message_id.clone()).collect());
            }
        }
        check(&desk, &model);
    }
}

fn check(desk: &Desk, model: &Model) {
    let lines = desk.all();
    let rows = |lines: Vec<lsnp::store::Line>| lines.iter().map(|line| line.row).collect::<Vec<_>>();
    for line in &lines {
        let (entry, read) = &model.lines[&line.row];
        assert_eq!((&line.text, line.mark, line.read, line.at), (&entry.text, entry.mark, *read, entry.at));
        assert_eq!((&line.message_id, line.lamport, line.ours), (&entry.message_id, entry.lamport, entry.ours));
    }
    assert_eq!(rows(lines), model.rows(|_, _| true));
    assert_eq!(desk.history.unread().unwrap(), model.rows(|_, read| !read).len() as u64);
    for word in WORDS {
        let query = Query { words: Some(word.to_owned()), ..Query::default() };
        let expected = model.rows(|entry, _| entry.text.starts_with(word));
        assert_eq!(rows(desk.history.lines(&query).unwrap()), expected, "{word}");
        let mut each = Vec::new();
        let query = Query { with: Some(key(2)), unread: true, ..query };
        desk.history
            .each(&query, &mut |line| {
                each.push(line.row);
                true
            })
            .unwrap();
        let with = |entry: &Entry| entry.with.as_ref().is_some_and(|with| with.key == Some(key(2)));
        assert_eq!(each, model.rows(|entry, read| entry.text.starts_with(word) && with(entry) && !read));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_history_is_a_map(steps in proptest::collection::vec(steps(), 1..24)) {
        play(steps);
    }
}

//! What is forgotten, and stays so.

use std::fs;

use lsnp::engine::{Author, Commit, Entry, Mark, Outcome, Trust};
use lsnp::store::{Forget, Query};
use lsnp::wire::OwnMessageId;

use crate::desk::{Desk, Folder, ME, NOW, dm, key, peer, plain, post, texts};

fn ours(number: u64, to: u8, mark: Mark) -> Entry {
    Entry {
        author: Author::Key(ME),
        message_id: OwnMessageId::new(number).to_string(),
        ours: true,
        with: Some(peer(to, Trust::Known)),
        mark: Some(mark),
        ..dm(1, number, &format!("ours {number}"))
    }
}

#[test]
fn what_is_forgotten_does_not_come_back() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let lines = || [dm(2, 1, "a"), post(2, 7, "b"), post(2, 8, "c"), dm(3, 2, "d"), post(3, 9, "e"), post(2, 5, "f")];
    desk.put(lines());
    desk.put_one(ours(77, 2, Mark::Waiting));
    let mut forgotten = desk.history.forget(&Forget::With(key(2))).unwrap();
    forgotten.posts.sort();
    assert_eq!(forgotten.lines, 5);
    assert_eq!(forgotten.posts, [(key(2), 5), (key(2), 7), (key(2), 8)]);
    assert_eq!(texts(&desk.all()), ["d", "e"]);
    let again = |desk: &mut Desk| assert_eq!(desk.put(lines()), [Outcome::Again; 6]);
    again(&mut desk);
    desk.end();

    let mut desk = Desk::open(&folder.0);
    again(&mut desk);
    assert_eq!(desk.archive.known, [(key(2), vec![5..=5, 7..=8]), (key(3), vec![9..=9])]);
    assert!(desk.archive.outbox.is_empty());
    assert_eq!(desk.archive.posts.len(), 1);
    assert!(matches!(desk.put_one(post(2, 6, "another")), Outcome::Stored(_)));
    desk.history.forget(&Forget::Everything).unwrap();
    desk.end();
    let desk = Desk::open(&folder.0);
    assert_eq!(desk.archive.known, [(key(2), vec![5..=8]), (key(3), vec![9..=9])]);
    assert_eq!(desk.archive.lamport, 77, "it is not used again");
}

#[test]
fn a_label_is_not_a_key() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put([dm(2, 1, "by the key"), plain("p2@10.0.0.2", "x", "by the label")]);
    assert_eq!(desk.history.forget(&Forget::WithLabel("p2@10.0.0.2".to_owned())).unwrap().lines, 1);
    assert_eq!(texts(&desk.all()), ["by the key"]);
    assert_eq!(desk.put_one(plain("p2@10.0.0.2", "x", "by the label")), Outcome::Again);
    assert!(matches!(desk.put_one(plain("p2@10.0.0.2", "y", "by the label")), Outcome::Stored(_)));
}

#[test]
fn by_age_what_is_still_to_be_sent_stays() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put([
        Entry { at: NOW - 100, ..dm(2, 1, "old") },
        Entry { at: NOW - 100, ..ours(2, 2, Mark::Waiting) },
        Entry { at: NOW - 100, ..ours(3, 2, Mark::Stored) },
        dm(2, 4, "new"),
    ]);
    assert_eq!(desk.history.forget(&Forget::Before(NOW)).unwrap().lines, 2);
    assert_eq!(texts(&desk.all()), ["ours 2", "new"]);
    desk.tell(Commit::Mark(OwnMessageId::new(2), Mark::Stored));
    assert_eq!(desk.history.forget(&Forget::Before(NOW)).unwrap().lines, 1);
}

#[test]
fn nothing_of_it_is_left_in_the_file() {
    const SECRET: &str = "xylophonequartz";
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put((1..=3_000).map(|number| {
        let text = if number % 3 == 0 { format!("{SECRET} number{number}") } else { format!("other {number}") };
        dm(2 + u8::from(number % 3 == 0), number, &text)
    }));
    let holds = || {
        fs::read_dir(&folder.0).unwrap().any(|file| {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
        })
    };
    assert!(holds());
    desk.history.forget(&Forget::With(key(3))).unwrap();
    let query = Query { words: Some(SECRET.to_owned()), ..Query::default() };
    assert!(desk.history.lines(&query).unwrap().is_empty());
    desk.end();
    assert!(!holds());
}

#[test]
fn what_is_said_meanwhile_is_kept() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put((1..=4_000).map(|number| dm(2, number, "old")));
    let history = desk.history.clone();
    let forgetting = std::thread::spawn(move || history.forget(&Forget::With(key(2))).unwrap().lines);
    let outcomes: Vec<Outcome> = (1..=50).map(|number| desk.put_one(dm(3, number, "new"))).collect();
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Stored(_))));
    assert_eq!(forgetting.join().unwrap(), 4_000);
    assert_eq!(texts(&desk.all()), vec!["new"; 50]);
}

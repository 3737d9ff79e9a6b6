//! What becomes of what is to be kept.

use lsnp::engine::{Author, Commit, Entry, Kind, Mark, Outcome, RowId, Trust};
use lsnp::store::{Person, Query};
use lsnp::wire::OwnMessageId;

use crate::desk::{Desk, Folder, ME, NOW, dm, key, peer, plain, post, row, texts};

#[test]
fn what_is_stored_is_there_after_a_restart() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let outcomes = desk.put([dm(2, 1, "one"), post(3, 2, "two\nlines"), plain("bob@10.0.0.9", "x", "three")]);
    assert_eq!(outcomes, [1, 2, 3].map(|row| Outcome::Stored(RowId(row))));
    let before = desk.all();
    desk.end();

    let desk = Desk::open(&folder.0);
    assert!(desk.notices.is_empty());
    assert_eq!(desk.all(), before);
    assert_eq!(texts(&before), ["one", "two\nlines", "three"]);
    let one = &before[0];
    assert_eq!((one.row, one.kind, one.ours, one.read), (RowId(1), Kind::Dm { private: true }, false, false));
    assert_eq!((one.stamp, one.at, one.lamport, one.mark), (NOW - 5, NOW, 1, None));
    let person = |number| Person {
        key: Some(key(number)),
        user_id: format!("p{number}@10.0.0.{number}"),
        name: format!("Peer {number}"),
        trust: Trust::Known,
    };
    assert_eq!(one.with, Some(person(2)));
    let bob = before[2].with.as_ref().unwrap();
    assert_eq!((bob.key, &*bob.user_id, bob.trust), (None, "bob@10.0.0.9", Trust::Unsigned));
}

#[test]
fn a_message_is_its_author_and_its_id() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let label = Author::Label("p2@10.0.0.2".into());
    let outcomes = desk.put([
        dm(2, 1, "first"),
        dm(2, 1, "again, in the same batch"),
        dm(3, 1, "of somebody else"),
        Entry { author: label.clone(), ..dm(2, 1, "of somebody who only says so") },
        Entry { author: label.clone(), message_id: String::new(), ..dm(2, 1, "without an id") },
        Entry { author: label, message_id: String::new(), ..dm(2, 1, "without an id, once more") },
    ]);
    let stored = |outcome: &Outcome| matches!(outcome, Outcome::Stored(_));
    assert_eq!(outcomes.iter().map(stored).collect::<Vec<_>>(), [true, false, true, true, true, true]);
    assert_eq!(desk.put_one(dm(2, 1, "again")), Outcome::Again);
    desk.end();
    assert_eq!(Desk::open(&folder.0).put_one(dm(2, 1, "again, after a restart")), Outcome::Again);
}

#[test]
fn lines_stand_in_the_order_of_the_history() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    // Late, by somebody with a greater key, by one with a smaller.
    let rows: Vec<RowId> = [post(5, 9, "d"), post(5, 3, "b"), post(4, 3, "a"), post(6, 3, "c")]
        .map(|entry| row(desk.put_one(entry)))
        .into();
    assert_eq!(texts(&desk.all()), ["a", "b", "c", "d"]);
    let page = |limit, before| desk.history.lines(&Query { limit: Some(limit), before, ..Query::default() }).unwrap();
    assert_eq!(texts(&page(2, None)), ["c", "d"]);
    assert_eq!(texts(&page(2, Some(rows[3]))), ["a", "b"]);
    assert_eq!(texts(&page(2, Some(rows[2]))), [""; 0]);
    assert_eq!(texts(&page(0, None)), [""; 0]);
    let mut told = Vec::new();
    let query = Query { limit: Some(3), ..Query::default() };
    desk.history
        .each(&query, &mut |line| {
            told.push(line.text);
            told.len() < 2
        })
        .unwrap();
    assert_eq!(told, ["b", "c"]);
}

#[test]
fn marks_follow_a_message_of_ours() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let id = OwnMessageId::new(0x1234);
    let ours = Entry {
        author: Author::Key(ME),
        message_id: id.to_string(),
        ours: true,
        with: Some(peer(2, Trust::Verified)),
        mark: Some(Mark::Waiting),
        ..dm(1, 1, "to you")
    };
    let told = row(desk.put_one(ours));
    assert_eq!(desk.history.mark(id).unwrap(), Some(Mark::Waiting));
    desk.tell(Commit::Mark(id, Mark::Sent));
    assert_eq!(desk.history.mark(id).unwrap(), Some(Mark::Sent));
    assert_eq!(desk.history.mark(OwnMessageId::new(1)).unwrap(), None);
    desk.end();

    let mut desk = Desk::open(&folder.0);
    assert_eq!(desk.archive.outbox.len(), 1);
    let open = &desk.archive.outbox[0];
    assert_eq!((open.id, open.to, &*open.text, open.at, open.mark), (id, key(2), "to you", NOW, Mark::Sent));
    desk.tell(Commit::Mark(id, Mark::Stored));
    let line = desk.all().into_iter().find(|line| line.row == told).unwrap();
    assert_eq!(line.mark, Some(Mark::Stored));
    desk.end();
    assert!(Desk::open(&folder.0).archive.outbox.is_empty());
}

#[test]
fn what_was_shown_is_read() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let rows: Vec<RowId> = desk.put([dm(2, 1, "a"), dm(2, 2, "b"), dm(3, 3, "c")]).into_iter().map(row).collect();
    desk.put([Entry { ours: true, ..dm(2, 4, "ours") }, Entry { kind: Kind::Profile, ..dm(2, 5, "a name") }]);
    assert_eq!(desk.history.unread().unwrap(), 3);
    desk.history.mark_read(&[rows[0], rows[1], RowId(1_000)]).unwrap();
    desk.history.mark_read(&[rows[0]]).unwrap();
    assert_eq!(desk.history.unread().unwrap(), 1);
    let unread = Query { unread: true, ..Query::default() };
    assert_eq!(texts(&desk.history.lines(&unread).unwrap()), ["c"]);
    let history = desk.end();
    assert_eq!(history.unread().unwrap(), 1);
}

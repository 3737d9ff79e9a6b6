//! Conversations: who they are with, what is new in them, and that they are found without reading every line.

use std::time::{Duration, Instant};

use lsnp::engine::{Author, Correspondent, Entry, Kind, Trust};
use lsnp::store::{Query, Talk, Topic};
use lsnp::wire::PublicKey;

use crate::desk::{Desk, Folder, ME, NOW, dm, peer, plain, post, texts};

/// Each as `who: unread last`.
fn told(talks: &[Talk]) -> Vec<String> {
    let tell = |talk: &Talk| {
        let last = talk.last.as_ref().unwrap();
        let with = last.with.as_ref().map_or("nobody", |with| with.name.as_str());
        format!("{with}: {} {}", talk.unread, last.text)
    };
    talks.iter().map(tell).collect()
}

/// A DM of ours.
fn own(to: u8, number: u64, text: &str) -> Entry {
    Entry { author: Author::Key(ME), ours: true, ..dm(to, number, text) }
}

fn renamed(entry: Entry, name: &str) -> Entry {
    let with = entry.with.map(|with| Correspondent { name: name.to_owned(), trust: Trust::Verified, ..with });
    Entry { with, ..entry }
}

#[test]
fn everyone_is_there_and_each_one_with_dms() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let empty = desk.history.talks().unwrap();
    assert!(empty.everyone.last.is_none() && empty.everyone.unread == 0 && empty.people.is_empty());
    desk.put([
        dm(2, 1, "a"),
        post(2, 2, "a post"),
        dm(3, 3, "b"),
        dm(3, 4, "c"),
        plain("old@10.0.0.9", "1", "d"),
        Entry { kind: Kind::Profile, message_id: "profile-1".into(), ..dm(4, 9, "Peer 4") },
        own(2, 6, "e"),
        Entry { with: None, ours: true, author: Author::Key(ME), ..post(1, 7, "our post") },
        post(5, 8, "the last post"),
    ]);
    let talks = desk.history.talks().unwrap();
    assert_eq!(told(&talks.people), ["Peer 2: 1 e", "Peer 0: 1 d", "Peer 3: 2 c"]);
    assert_eq!(told(&[talks.everyone]), ["Peer 5: 2 the last post"]);
    let label = talks.people[1].last.as_ref().unwrap().with.as_ref().unwrap();
    assert_eq!((label.key, label.user_id.as_str()), (None, "old@10.0.0.9"));

    let rows: Vec<_> = desk.all().iter().filter(|line| line.text != "b").map(|line| line.row).collect();
    desk.history.mark_read(&rows).unwrap();
    let talks = desk.history.talks().unwrap();
    assert_eq!(told(&talks.people), ["Peer 2: 0 e", "Peer 0: 0 d", "Peer 3: 1 c"]);
    assert_eq!(talks.everyone.unread, 0);
}

#[test]
fn the_last_line_is_the_last_of_the_order_and_has_the_newest_name() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put([dm(2, 5, "later"), renamed(dm(3, 6, "x"), "New Name"), dm(2, 1, "from before, came late")]);
    let talks = desk.history.talks().unwrap();
    assert_eq!(told(&talks.people), ["New Name: 1 x", "Peer 2: 2 later"]);
    let last = talks.people[0].last.as_ref().unwrap();
    assert_eq!(last.with.as_ref().unwrap().trust, Trust::Verified);
}

#[test]
fn of_a_long_text_there_is_the_beginning() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let long = "\u{e9}".repeat(20_000);
    desk.put([dm(2, 1, &long), post(3, 2, &long)]);
    let talks = desk.history.talks().unwrap();
    for talk in [&talks.people[0], &talks.everyone] {
        assert_eq!(talk.last.as_ref().unwrap().text, "\u{e9}".repeat(500));
    }
    assert_eq!(desk.all()[0].text, long);
}

#[test]
fn posts_and_dms_are_told_apart() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put([
        dm(2, 1, "sealed"),
        plain("old@10.0.0.9", "1", "open"),
        post(2, 8, "a post"),
        Entry { kind: Kind::Profile, message_id: "profile-1".into(), ..dm(2, 9, "Peer 2") },
    ]);
    let of = |topic| Query { topic: Some(topic), ..Query::default() };
    assert_eq!(texts(&desk.history.lines(&of(Topic::Posts)).unwrap()), ["a post"]);
    assert_eq!(texts(&desk.history.lines(&of(Topic::Dms)).unwrap()), ["sealed", "open"]);
    let with = Query { with: Some(crate::desk::key(2)), words: Some("a".into()), ..of(Topic::Dms) };
    assert!(desk.history.lines(&with).unwrap().is_empty());
    let mut seen = Vec::new();
    let each = &mut |line: lsnp::store::Line| {
        seen.push(line.text);
        true
    };
    desk.history.each(&Query { with: Some(crate::desk::key(2)), ..of(Topic::Dms) }, each).unwrap();
    assert_eq!(seen, ["sealed"]);
}

#[test]
fn no_more_than_a_thousand_are_told() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let person = |number: u16| {
        let [high, low] = number.to_be_bytes();
        let key = PublicKey(std::array::from_fn(|at| if at % 2 == 0 { high } else { low }));
        let with = Correspondent { key: Some(key), ..peer(2, Trust::Known) };
        Entry { author: Author::Key(key), with: Some(with), ..dm(2, number.into(), &number.to_string()) }
    };
    desk.put((1..=1_010).map(person));
    let talks = desk.history.talks().unwrap();
    assert_eq!(talks.people.len(), 1_000);
    assert_eq!(talks.people[0].last.as_ref().unwrap().text, "1010");
    assert_eq!(talks.people[999].last.as_ref().unwrap().text, "11");
}

/// Not asserted: a loaded machine says nothing. The figure of a release build is in benches/history.rs.
#[test]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn a_thousand_conversations_in_a_hundred_thousand_lines_are_measured() {
    const LINES: u32 = 100_000;
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put([post(2, 1, "a post"), dm(2, 2, "a dm")]);
    let history = desk.end();
    let mut db = rusqlite::Connection::open(folder.file()).unwrap();
    let tx = db.transaction().unwrap();
    {
        let mut insert = tx
            .prepare(
                "INSERT INTO line (lamport, author, id, message_id, kind, ours, peer, text, stamp, at, read, details)
                 VALUES (?1, ?2, x'', ?1, ?3, 0, ?2, 'some words that somebody wrote', ?4, ?4, ?5, NULL)",
            )
            .unwrap();
        for number in 10..LINES {
            let who = number.wrapping_mul(2_654_435_761) % 1_000;
            let key = [who.to_be_bytes(); 8].concat();
            let kind = if number % 3 == 0 { "post" } else { "sealed" };
            insert.execute(rusqlite::params![number, key, kind, NOW as i64, number % 10 != 0]).unwrap();
        }
    }
    tx.commit().unwrap();
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let mut times = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        let talks = history.talks().unwrap();
        times.push(start.elapsed());
        // Those of the two lines before are the same person as none of these.
        assert_eq!(talks.people.len(), 1_000);
        assert!(talks.everyone.unread > 3_000);
    }
    let mut bare = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        let mut all = db.prepare("SELECT peer, max(lamport), sum(read = 0) FROM line GROUP BY peer").unwrap();
        let found = all.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap().count();
        bare.push(start.elapsed());
        assert!(found > 1_000);
    }
    println!(
        "1,000 conversations in {LINES} lines: {:?}; a bare query over all lines: {:?}",
        median(&mut times),
        median(&mut bare)
    );
}

//! What makes place: by age, by size, by share; and a clock that is wrong.

use std::fs;
use std::time::Duration;

use lsnp::engine::{Author, Commit, Correspondent, Entry, Kind, Mark, Outcome, Trust};
use lsnp::store::{Keep, Query};
use lsnp::wire::OwnMessageId;

use crate::desk::{BARE, Desk, Folder, ME, NOW, dm, peer, plain, post, texts};

const DAY: u64 = 86_400;
const MONTH: Keep = Keep { time: Some(Duration::from_secs(30 * DAY)), size: 1 << 30 };

/// What is left after a run at that time that had all the time it wants.
fn left(folder: &Folder, keep: Keep, unix: u64) -> Vec<String> {
    let history = Desk::try_open(&folder.0, keep, BARE, unix).unwrap().end();
    history.lines(&Query::default()).unwrap().into_iter().map(|line| line.text).collect()
}

fn aged(number: u64, at: u64, text: &str) -> Entry {
    Entry { at, ..dm(2, number, text) }
}

#[test]
fn what_is_too_old_goes_and_the_outbox_stays() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let waiting = Entry {
        author: Author::Key(ME),
        message_id: OwnMessageId::new(9).to_string(),
        ours: true,
        mark: Some(Mark::Waiting),
        ..aged(2, NOW - 40 * DAY, "waiting")
    };
    desk.put([aged(1, NOW - 40 * DAY, "old"), waiting, aged(3, NOW - 20 * DAY, "new")]);
    desk.end();
    assert_eq!(left(&folder, Keep::default(), NOW), ["old", "waiting", "new"]);
    assert_eq!(left(&folder, MONTH, NOW), ["waiting", "new"]);
    assert_eq!(left(&folder, MONTH, NOW + 9 * DAY), ["waiting", "new"]);
    assert_eq!(left(&folder, MONTH, NOW + 11 * DAY), ["waiting"]);
    // What made place does not come back.
    let mut desk = Desk::try_open(&folder.0, MONTH, BARE, NOW + 11 * DAY).unwrap();
    assert_eq!(desk.put_one(aged(1, NOW, "old")), Outcome::Again);
    desk.tell(Commit::Mark(OwnMessageId::new(9), Mark::Stored));
    desk.end();
    assert_eq!(left(&folder, MONTH, NOW + 12 * DAY), ["after"]);
}

#[test]
fn many_old_lines_go() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put((1..=2_000).map(|number| aged(number, NOW - 40 * DAY, "old")));
    desk.put_one(dm(2, 3_000, "new"));
    desk.end();
    assert_eq!(left(&folder, MONTH, NOW), ["new"]);
}

#[test]
fn a_clock_that_jumps_removes_nothing_for_a_day() {
    const YEARS: u64 = 3_650 * DAY;
    let folder = Folder::new();
    let mut desk = Desk::try_open(&folder.0, MONTH, BARE, NOW).unwrap();
    desk.put([aged(1, NOW, "a"), aged(2, NOW, "b")]);
    desk.end();
    assert_eq!(left(&folder, MONTH, NOW + YEARS).len(), 2);
    let mut desk = Desk::try_open(&folder.0, MONTH, BARE, NOW + YEARS + 3_600).unwrap();
    desk.put([aged(3, NOW + YEARS, "from the future"), post(3, 1, "a post")]);
    desk.end();
    assert_eq!(left(&folder, MONTH, NOW + YEARS + 7_200).len(), 4);
    // It is put right, and after a day ages count again; the line with the wrong time is as old as those around it.
    assert_eq!(left(&folder, MONTH, NOW + DAY).len(), 4);
    assert_eq!(left(&folder, MONTH, NOW + 3 * DAY).len(), 4);
    assert_eq!(left(&folder, MONTH, NOW + 29 * DAY).len(), 4);
    let mut desk = Desk::try_open(&folder.0, MONTH, BARE, NOW + 29 * DAY).unwrap();
    desk.put_one(aged(4, NOW + 20 * DAY, "later"));
    desk.end();
    assert_eq!(left(&folder, MONTH, NOW + 40 * DAY), ["later"]);
}

#[test]
fn a_clock_in_the_past_makes_nothing_old() {
    let folder = Folder::new();
    // A host without a clock of its own starts in 1970.
    let mut desk = Desk::try_open(&folder.0, MONTH, BARE, 5_000).unwrap();
    desk.put([aged(1, 5_000, "a"), aged(2, 5_010, "b")]);
    desk.end();
    assert_eq!(left(&folder, MONTH, NOW).len(), 2);
    let mut desk = Desk::try_open(&folder.0, MONTH, BARE, NOW + 2 * DAY).unwrap();
    desk.put_one(aged(3, NOW + 2 * DAY, "c"));
    desk.end();
    assert_eq!(left(&folder, MONTH, NOW + 3 * DAY), ["a", "b", "c"]);
    assert_eq!(left(&folder, MONTH, NOW + 25 * DAY), ["a", "b", "c"]);
    // They came before something that is too old.
    assert!(left(&folder, MONTH, NOW + 33 * DAY).is_empty());
}

#[test]
fn the_file_stays_within_its_size() {
    let folder = Folder::new();
    let keep = Keep { time: None, size: 2 << 20 };
    let mut desk = Desk::try_open(&folder.0, keep, BARE, NOW).unwrap();
    let text = "a text of some words that are all the same ".repeat(10);
    for batch in 0..60_u64 {
        let outcomes = desk.put((1..=200).map(|number| {
            let entry = dm(2, batch * 200 + number, &format!("{text}{number}"));
            Entry { with: Some(peer(2, Trust::Verified)), ..entry }
        }));
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Stored(_))));
        let size = fs::metadata(folder.file()).unwrap().len();
        assert!(size < 4 << 20, "{size} bytes");
    }
    let lines = desk.all();
    assert_eq!(lines.last().unwrap().lamport, 12_000, "the oldest go");
    // Lines go 256 at a time, and a busy disk makes place late: a file as small as this one loses many at once.
    assert!(lines.len() > 100, "{} lines", lines.len());
    let gap = lines.windows(2).find(|pair| pair[0].lamport + 1 != pair[1].lamport);
    assert!(
        gap.is_none(),
        "{} lines, and a gap: {:?}",
        lines.len(),
        gap.map(|pair| (pair[0].lamport, pair[1].lamport))
    );
    desk.end();
    assert!(fs::metadata(folder.file()).unwrap().len() <= 2 << 20);
}

#[test]
fn those_without_a_key_make_place_before_others() {
    let folder = Folder::new();
    let keep = Keep { time: None, size: 2 << 20 };
    let mut desk = Desk::try_open(&folder.0, keep, BARE, NOW).unwrap();
    desk.put((1..=300).map(|number| Entry { with: Some(peer(2, Trust::Verified)), ..dm(2, number, "of a friend") }));
    let text = "a flood of words ".repeat(30);
    for batch in 0..40_u64 {
        desk.put((1..=100).map(|number| plain(&format!("x{number}@10.0.0.9"), &format!("{batch} {number}"), &text)));
    }
    let lines = desk.all();
    assert_eq!(lines.iter().filter(|line| line.text == "of a friend").count(), 300);
    assert!(lines.len() < 4_000);
}

#[test]
fn a_sender_that_nobody_verified_has_a_share() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let changed = Some(peer(4, Trust::Changed));
    for batch in 0..12_u64 {
        let numbers = batch * 100 + 1..=batch * 100 + 100;
        desk.put(numbers.clone().map(|number| plain("bob@10.0.0.9", &format!("{number}"), &format!("plain {number}"))));
        desk.put(numbers.clone().map(|number| Entry { with: changed.clone(), ..dm(4, number, "changed") }));
        desk.put(numbers.map(|number| dm(2, number, "known")));
    }
    let own = Entry { ours: true, with: changed, ..dm(1, 5_000, "ours, to it") };
    desk.put_one(own);
    let lines = desk.all();
    let count = |wanted: &dyn Fn(&str) -> bool| lines.iter().filter(|line| wanted(&line.text)).count();
    let plain_lines = count(&|text| text.starts_with("plain"));
    assert!((900..=1_000).contains(&plain_lines), "{plain_lines}");
    let changed = count(&|text| text == "changed");
    assert!((900..=1_000).contains(&changed), "{changed}");
    assert_eq!(count(&|text| text == "known"), 1_200);
    assert_eq!(count(&|text| text == "ours, to it"), 1);
    assert!(texts(&lines).contains(&"plain 1200") && !texts(&lines).contains(&"plain 1"));
    assert_eq!(desk.put_one(plain("bob@10.0.0.9", "1", "plain 1")), Outcome::Again);

    let big = "b".repeat(60_000);
    for number in 2_000..2_100 {
        desk.put_one(plain("bob@10.0.0.9", &format!("{number}"), &big));
    }
    let lines = desk.all();
    let bytes: usize =
        lines.iter().filter(|line| line.kind == Kind::Dm { private: false }).map(|line| line.text.len()).sum();
    assert!((3 << 20..=4 << 20).contains(&bytes), "{bytes}");
}

#[test]
fn a_lower_trust_takes_nothing_from_a_higher() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let label = |trust| Some(Correspondent { trust, ..peer(2, trust) });
    desk.put((1..=1_500).map(|number| Entry { with: label(Trust::Verified), ..dm(2, number, "verified") }));
    // Somebody who says to be p2, without its key.
    desk.put((1..=1_500).map(|number| plain("p2@10.0.0.2", &format!("{number}"), "says so")));
    let verified = desk.all().iter().filter(|line| line.text == "verified").count();
    assert_eq!(verified, 1_500);
}

#[test]
fn posts_are_given_back_as_long_as_they_are_passed_on() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let since = |number: u64, since: u64| {
        let mut entry = post(2, number, &format!("post {number}"));
        let mut record = entry.post.take().unwrap();
        record.since = since;
        Entry { post: Some(record), ..entry }
    };
    desk.put([since(1, NOW - 9 * DAY), since(2, NOW - 2 * DAY), since(4, NOW - 3_600), since(3, NOW - 60)]);
    desk.end();
    let desk = Desk::open(&folder.0);
    let numbers: Vec<u64> = desk.archive.posts.iter().map(|post| post.number).collect();
    assert_eq!(numbers, [3, 4], "in their order");
    assert_eq!(desk.archive.posts[0].raw, post(2, 3, "post 3").post.unwrap().raw);
    assert_eq!(desk.archive.known, [(peer(2, Trust::Known).key.unwrap(), vec![2..=4])]);
    assert_eq!(desk.archive.lamport, 4);
    desk.end();
    assert_eq!(Desk::open(&folder.0).put_one(since(1, NOW)), Outcome::Again, "what is not known by number is by name");
}

#[test]
fn what_is_carried_is_given_back_until_it_is_delivered() {
    use lsnp::engine::Carried;
    use lsnp::wire::PieceHash;

    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let carried = |number: u8, since| Carried {
        to: crate::desk::key(7),
        author: crate::desk::key(8),
        id: PieceHash([number; 16]),
        message_id: format!("{number}"),
        raw: vec![number; 500].into(),
        since,
    };
    let all = [carried(1, NOW - 8 * DAY), carried(2, NOW - DAY), carried(3, NOW - 2 * DAY), carried(4, NOW)];
    for one in &all {
        desk.commits.send(Commit::Carry(Box::new(one.clone()))).unwrap();
    }
    desk.commits.send(Commit::Carry(Box::new(all[1].clone()))).unwrap();
    desk.tell(Commit::Delivered(PieceHash([4; 16])));
    desk.end();
    let desk = Desk::open(&folder.0);
    assert_eq!(desk.archive.carried, [all[2].clone(), all[1].clone()]);
}

#[test]
fn a_long_text_is_given_back_with_its_post() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    let text = "long ".repeat(5_000);
    let with_long = |number: u64, long: &str, text: &str| {
        let mut entry = post(2, number, text);
        entry.post.as_mut().unwrap().long = Some(long.into());
        entry
    };
    desk.put([with_long(1, &text, &text), with_long(2, "as it was", "as it is shown")]);
    desk.end();
    let mut desk = Desk::open(&folder.0);
    assert_eq!(desk.archive.posts[0].long.as_deref(), Some(&*text));
    assert_eq!(desk.archive.posts[1].long.as_deref(), Some("as it was"));
    // No more than two MiB, the newest.
    desk.put((3..60).map(|number| with_long(number, &"x".repeat(65_000), "x")));
    desk.end();
    let mut desk = Desk::open(&folder.0);
    let numbers: Vec<u64> = desk.archive.posts.iter().map(|post| post.number).collect();
    assert_eq!(numbers, (28..60).collect::<Vec<_>>());
    assert!(desk.troubles.try_recv().is_err());
}

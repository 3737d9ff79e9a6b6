//! A disk that is full, read-only, or gone.

use std::fs;
use std::path::Path;
use std::process::Command;

use lsnp::engine::{Author, Commit, Entry, Mark, Outcome, Trust};
use lsnp::store::{Bounds, Forget, Keep, OpenError};
use lsnp::wire::OwnMessageId;

use crate::desk::{BARE, Desk, Folder, ME, NOW, dm, peer, wait};

fn is_stored(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Stored(_))
}

fn long(number: u64) -> Entry {
    dm(2, number, &format!("number {number} {}", "and so on ".repeat(100)))
}

fn ours(number: u64) -> Entry {
    Entry {
        author: Author::Key(ME),
        message_id: OwnMessageId::new(number).to_string(),
        ours: true,
        with: Some(peer(3, Trust::Known)),
        mark: Some(Mark::Sent),
        ..dm(1, number, "ours")
    }
}

/// All that is said to be stored, and nothing else, is there.
fn is_true(desk: &Desk, outcomes: &[Outcome]) {
    let stored = outcomes.iter().filter(|outcome| is_stored(outcome)).count();
    assert_eq!(desk.all().len(), stored);
}

#[test]
fn a_full_file_fails_what_does_not_fit_and_says_so_once() {
    let folder = Folder::new();
    let bounds = Bounds { pages: Some(200), ..BARE };
    let mut desk = Desk::try_open(&folder.0, Keep::default(), bounds, NOW).unwrap();
    let mut outcomes = Vec::new();
    for number in 1..=2_000 {
        outcomes.push(desk.put_one(long(number)));
    }
    let (stored, failed): (Vec<Outcome>, Vec<Outcome>) = outcomes.iter().partition(|outcome| is_stored(outcome));
    assert!(stored.len() > 50 && failed.len() > 1_000, "{} {}", stored.len(), failed.len());
    assert!(failed.iter().all(|outcome| *outcome == Outcome::Failed));
    is_true(&desk, &outcomes);
    let line = wait(&mut desk.troubles);
    assert!(line.contains("not kept") && line.contains("full"), "{line}");
    assert!(desk.troubles.try_recv().is_err(), "once");

    desk.history.forget(&Forget::Everything).unwrap();
    assert!(is_stored(&desk.put_one(dm(3, 1, "there is room"))));
    assert!(wait(&mut desk.troubles).contains("kept again"));
    assert!(desk.troubles.try_recv().is_err());
    assert!(is_stored(&desk.put_one(long(2_000))), "what failed is not said to be there");
}

#[test]
fn little_room_on_the_disk_stops_lines_and_not_marks() {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put_one(ours(1));
    desk.end();
    let bounds = Bounds { free: u64::MAX, ..BARE };
    let mut desk = Desk::try_open(&folder.0, Keep::default(), bounds, NOW).unwrap();
    desk.commits.send(Commit::Mark(OwnMessageId::new(1), Mark::Stored)).unwrap();
    assert_eq!(desk.put([dm(2, 1, "a"), dm(2, 2, "b")]), [Outcome::Failed; 2]);
    assert_eq!(desk.put_one(dm(2, 3, "c")), Outcome::Failed);
    let line = wait(&mut desk.troubles);
    assert!(line.contains("free on the disk"), "{line}");
    assert!(desk.troubles.try_recv().is_err(), "once");
    assert_eq!(desk.history.mark(OwnMessageId::new(1)).unwrap(), Some(Mark::Stored));
}

/// A disk of one MiB, if we may make one.
struct Disk(Folder);

impl Disk {
    fn new() -> Option<Self> {
        let folder = Folder::new();
        let made = mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], &folder.0);
        if !made {
            println!("skipped: no file system can be mounted here");
        }
        made.then_some(Self(folder))
    }

    fn set(&self, option: &str) {
        assert!(mount(&["-o", &format!("remount,{option}")], &self.0.0), "{option}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0.0).status();
    }
}

fn mount(options: &[&str], at: &Path) -> bool {
    let mounted = Command::new("mount").args(options).arg(at).output();
    mounted.is_ok_and(|output| output.status.success())
}

#[test]
fn a_full_disk_loses_nothing_that_was_stored() {
    let Some(disk) = Disk::new() else { return };
    let mut desk = Desk::open(&disk.0.0);
    let mut outcomes = vec![desk.put_one(ours(1))];
    for number in 1..=1_000 {
        outcomes.push(desk.put_one(long(number)));
    }
    assert_eq!(outcomes.last(), Some(&Outcome::Failed));
    is_true(&desk, &outcomes);
    assert!(wait(&mut desk.troubles).contains("full"));
    // A mark that finds no room is written when there is some.
    let filled = fs::write(disk.0.0.join("filler"), vec![7; 1 << 20]);
    assert!(filled.is_err(), "the disk is full");
    desk.commits.send(Commit::Mark(OwnMessageId::new(1), Mark::Stored)).unwrap();
    outcomes.push(desk.put_one(long(5_000)));
    assert_eq!(outcomes.last(), Some(&Outcome::Failed));
    disk.set("size=4m");
    outcomes.push(desk.put_one(long(5_001)));
    assert!(outcomes.last().is_some_and(is_stored));
    assert_eq!(desk.history.mark(OwnMessageId::new(1)).unwrap(), Some(Mark::Stored));
    assert!(wait(&mut desk.troubles).contains("kept again"));
    is_true(&desk, &outcomes);
    let before = desk.all();
    desk.end();
    let desk = Desk::open(&disk.0.0);
    assert!(desk.notices.is_empty(), "{:?}", desk.notices);
    assert_eq!(desk.all(), before);
    desk.end();
}

#[test]
fn a_disk_that_turns_read_only_fails_all_until_it_is_not() {
    let Some(disk) = Disk::new() else { return };
    disk.set("size=16m");
    let mut desk = Desk::open(&disk.0.0);
    assert!(is_stored(&desk.put_one(dm(2, 1, "before"))));
    let before = desk.all();
    desk.end();
    disk.set("ro");
    // It can still be read, or it is said to be unusable; nothing is set aside.
    match Desk::try_open(&disk.0.0, Keep::default(), BARE, NOW) {
        Err(error) => assert!(matches!(error, OpenError::Unusable { .. }), "{error}"),
        Ok(mut desk) => {
            assert_eq!(desk.put_one(dm(2, 2, "meanwhile")), Outcome::Failed);
            let line = wait(&mut desk.troubles);
            assert!(line.contains("not kept"), "{line}");
            assert!(desk.history.mark_read(&[before[0].row]).is_err());
            assert!(desk.history.forget(&Forget::Everything).is_err());
            disk.set("rw");
            assert!(is_stored(&desk.put_one(dm(2, 3, "after"))));
            assert!(wait(&mut desk.troubles).contains("kept again"));
            desk.end();
        }
    }
    disk.set("rw");
    let desk = Desk::open(&disk.0.0);
    assert!(desk.notices.is_empty(), "{:?}", desk.notices);
    assert_eq!(desk.all()[0], before[0]);
    desk.end();
}

#[test]
fn without_a_place_there_is_no_history() {
    let Some(disk) = Disk::new() else { return };
    disk.set("ro");
    let error = Desk::try_open(&disk.0.0.join("profile"), Keep::default(), BARE, NOW).unwrap_err();
    assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
    let error = Desk::try_open(&disk.0.0, Keep::default(), BARE, NOW).unwrap_err();
    assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
}

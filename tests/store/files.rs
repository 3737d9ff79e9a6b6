//! The file: broken, of another version, closed to others.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::path::PathBuf;

use lsnp::engine::Outcome;
use lsnp::store::{Keep, OpenError, Query};

use crate::desk::{BARE, Desk, Folder, NOW, dm, plain, wait};

/// A file with some lines, as a run that has ended leaves it.
fn filled(lines: u64) -> Folder {
    let folder = Folder::new();
    let mut desk = Desk::open(&folder.0);
    desk.put((1..=lines).map(|number| dm((number % 7) as u8, number, &format!("line {number} of {lines}"))));
    desk.end();
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "no log is left");
    folder
}

fn aside(folder: &Folder) -> Vec<PathBuf> {
    let files = fs::read_dir(&folder.0).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.to_string_lossy().contains(".broken-")).collect()
}

/// It is set aside as it was, said, and there is a new one that works.
fn is_set_aside(folder: &Folder) {
    let before = fs::read(folder.file()).unwrap();
    let mut desk = Desk::open(&folder.0);
    let set_aside = folder.0.join(format!("history.db.broken-{NOW}"));
    assert_eq!(aside(folder), std::slice::from_ref(&set_aside));
    assert_eq!(fs::read(&set_aside).unwrap(), before, "nothing of it is lost");
    assert_eq!(desk.notices.len(), 1);
    assert!(desk.notices[0].contains(&*set_aside.to_string_lossy()), "{:?}", desk.notices);
    assert!(desk.all().is_empty());
    assert!(matches!(desk.put_one(dm(2, 1, "new")), Outcome::Stored(_)));
    desk.end();
    assert_eq!(Desk::open(&folder.0).all().len(), 1);
}

#[test]
fn garbage_is_set_aside() {
    let folder = Folder::new();
    fs::write(folder.file(), "this is no database ".repeat(1_000)).unwrap();
    is_set_aside(&folder);
}

#[test]
fn a_file_that_was_cut_is_set_aside() {
    for part in [2, 3, 10] {
        let folder = filled(2_000);
        let file = fs::OpenOptions::new().write(true).open(folder.file()).unwrap();
        file.set_len(file.metadata().unwrap().len() / part).unwrap();
        is_set_aside(&folder);
    }
}

#[test]
fn a_file_with_a_page_of_zeros_is_set_aside() {
    let pages = fs::metadata(filled(1_000).file()).unwrap().len() / 4_096;
    for page in (0..pages).step_by(usize::try_from(pages / 12).unwrap()) {
        let folder = filled(1_000);
        let file = fs::OpenOptions::new().write(true).open(folder.file()).unwrap();
        file.write_all_at(&[0; 4_096], page * 4_096).unwrap();
        println!("page {page} of {pages}");
        is_set_aside(&folder);
    }
}

#[test]
fn each_broken_file_gets_a_name_of_its_own() {
    let folder = Folder::new();
    for count in 1..=3 {
        fs::write(folder.file(), "broken once more".repeat(count * 100)).unwrap();
        let desk = Desk::open(&folder.0);
        assert_eq!(aside(&folder).len(), count, "{:?}", desk.notices);
        desk.end();
    }
}

#[test]
fn a_file_that_breaks_while_it_is_used_is_set_aside() {
    let folder = filled(5_000);
    let mut desk = Desk::open(&folder.0);
    let file = fs::OpenOptions::new().write(true).open(folder.file()).unwrap();
    for page in 1..file.metadata().unwrap().len() / 4_096 {
        file.write_all_at(&[0xa5; 4_096], page * 4_096).unwrap();
    }
    let outcomes = desk.put((10_001..10_400).map(|number| dm((number % 7) as u8, number, "meanwhile")));
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Stored(_))), "{outcomes:?}");
    assert!(wait(&mut desk.troubles).contains("set aside as"));
    assert_eq!(aside(&folder).len(), 1, "{:?}", aside(&folder));
    let kept = desk.all().len();
    assert_eq!(kept, outcomes.len(), "what is stored is in the new file");
    desk.end();
    assert_eq!(Desk::open(&folder.0).all().len(), kept);
}

#[test]
fn whoever_reads_a_broken_file_has_it_set_aside() {
    let folder = filled(5_000);
    let mut desk = Desk::open(&folder.0);
    let file = fs::OpenOptions::new().write(true).open(folder.file()).unwrap();
    for page in 1..file.metadata().unwrap().len() / 4_096 {
        file.write_all_at(&[0; 4_096], page * 4_096).unwrap();
    }
    assert!(desk.history.lines(&Query::default()).is_err());
    assert!(wait(&mut desk.troubles).contains("set aside as"));
    assert!(desk.all().is_empty());
    assert!(matches!(desk.put_one(dm(2, 1, "new")), Outcome::Stored(_)));
}

#[test]
fn a_file_that_is_removed_while_it_is_used_is_made_anew() {
    let folder = filled(10);
    let mut desk = Desk::open(&folder.0);
    desk.put_one(dm(2, 20, "before"));
    fs::remove_file(folder.file()).unwrap();
    let outcome = desk.put_one(dm(2, 21, "after"));
    assert!(matches!(outcome, Outcome::Stored(_)));
    assert!(wait(&mut desk.troubles).contains("was removed"));
    desk.end();
    assert_eq!(Desk::open(&folder.0).all()[0].text, "after");
}

#[test]
fn a_disk_that_breaks_every_file_is_given_up() {
    let folder = filled(10);
    let mut desk = Desk::open(&folder.0);
    let mut outcomes = Vec::new();
    for number in 100..110 {
        let db = rusqlite::Connection::open(folder.file()).unwrap();
        let broken = "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 99999 WHERE name = 'line';
                      PRAGMA schema_version = 1000;";
        // The last one is broken already.
        let _ = db.execute_batch(broken);
        drop(db);
        outcomes.push(desk.put_one(dm(2, number, "meanwhile")));
    }
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Stored(_))).count(), 8, "{outcomes:?}");
    assert_eq!(outcomes[8..], [Outcome::Failed; 2]);
    assert_eq!(aside(&folder).len(), 8);
}

#[test]
fn a_file_of_a_newer_version_stays_as_it_is() {
    let folder = filled(10);
    let db = rusqlite::Connection::open(folder.file()).unwrap();
    db.pragma_update(None, "user_version", 1_000).unwrap();
    drop(db);
    let before = fs::read(folder.file()).unwrap();
    let error = Desk::try_open(&folder.0, Keep::default(), BARE, NOW).unwrap_err();
    assert!(matches!(error, OpenError::Newer { version: 1_000, .. }), "{error}");
    assert_eq!(fs::read(folder.file()).unwrap(), before);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[test]
fn a_file_of_version_1_is_brought_up() {
    let folder = Folder::new();
    let db = rusqlite::Connection::open(folder.file()).unwrap();
    db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;").unwrap();
    db.execute_batch(include_str!("version-1.sql")).unwrap();
    for number in 1..=1_100 {
        db.execute(
            "INSERT INTO line (lamport, author, id, message_id, kind, ours, peer, text, stamp, at, read)
             VALUES (?1, 'bob@10.0.0.9', x'', 'm' || ?1, 'dm', 0, 'bob@10.0.0.9', 'old ' || ?1, 5, 6, 0)",
            [number],
        )
        .unwrap();
        db.execute("INSERT INTO words(rowid, text) VALUES(?1, 'old ' || ?1)", [number]).unwrap();
    }
    db.pragma_update(None, "user_version", 1).unwrap();
    drop(db);

    let mut desk = Desk::open(&folder.0);
    assert!(desk.notices.is_empty());
    let lines = desk.all();
    assert_eq!((lines.len(), &*lines[6].text, lines[6].at), (1_100, "old 7", 6));
    assert_eq!(lines[6].with.as_ref().unwrap().user_id, "bob@10.0.0.9");
    assert_eq!(desk.put_one(plain("bob@10.0.0.9", "m7", "old 7")), Outcome::Again);
    // What was there counts for the share of its sender.
    assert!(matches!(desk.put_one(plain("bob@10.0.0.9", "new", "new")), Outcome::Stored(_)));
    assert!((900..=1_000).contains(&desk.all().len()), "{}", desk.all().len());
    let found = Query { words: Some("old 1000".to_owned()), ..Query::default() };
    assert_eq!(desk.history.lines(&found).unwrap().len(), 1);
    desk.end();
    let db = rusqlite::Connection::open(folder.file()).unwrap();
    let version: u32 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 4);
}

#[test]
fn what_is_no_file_of_ours_is_not_used() {
    let folder = Folder::new();
    fs::create_dir(folder.file()).unwrap();
    let error = Desk::try_open(&folder.0, Keep::default(), BARE, NOW).unwrap_err();
    assert!(matches!(error, OpenError::Unusable { .. }), "{error}");

    let other = filled(3);
    let folder = Folder::new();
    symlink(other.file(), folder.file()).unwrap();
    let error = Desk::try_open(&folder.0, Keep::default(), BARE, NOW).unwrap_err();
    assert!(matches!(error, OpenError::Unusable { .. }), "a link is not followed: {error}");

    let folder = Folder::new();
    fs::write(folder.0.join("in the way"), "").unwrap();
    let error = Desk::try_open(&folder.0.join("in the way"), Keep::default(), BARE, NOW).unwrap_err();
    assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
}

#[test]
fn nobody_else_can_read_it() {
    let parent = Folder::new();
    let folder = parent.0.join("profile");
    let mut desk = Desk::open(&folder);
    desk.put_one(dm(2, 1, "a secret"));
    let closed = || {
        let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        let files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 3, "with a log: {files:?}");
        assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
    };
    closed();
    desk.end();
    fs::set_permissions(folder.join("history.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let mut desk = Desk::open(&folder);
    desk.put_one(dm(2, 2, "another"));
    closed();
}

#[test]
fn it_can_be_looked_at_with_other_programs() {
    let folder = filled(3);
    let Ok(shown) = std::process::Command::new("sqlite3")
        .arg(folder.file())
        .arg("SELECT kind, text, hex(author) FROM line WHERE row = 2")
        .output()
    else {
        println!("skipped: there is no sqlite3 here");
        return;
    };
    assert_eq!(String::from_utf8(shown.stdout).unwrap(), format!("sealed|line 2 of 3|{}\n", "02".repeat(32)));
}

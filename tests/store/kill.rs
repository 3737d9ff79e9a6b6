//! A process that is killed while it writes.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use lsnp::engine::Commit;
use lsnp::engine::{Outcome, Ticket};

use crate::desk::{Desk, Folder, dm, wait};

const CHILD: &str = "LSNP_STORE_CHILD";

/// Not a test by itself: the process that is killed. It says which entries are stored.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(CHILD) else { return };
    let first: u64 = std::env::var("LSNP_STORE_FIRST").unwrap().parse().unwrap();
    let mut desk = Desk::open(folder.as_ref());
    let commits = desk.commits.clone();
    std::thread::spawn(move || {
        for number in first.. {
            let entry = dm((number % 5) as u8, number, &format!("number {number}"));
            commits.send(Commit::Entry(Ticket(number), Box::new(entry))).unwrap();
        }
    });
    let mut out = std::io::stdout();
    loop {
        for (Ticket(number), outcome) in wait(&mut desk.outcomes) {
            assert!(!matches!(outcome, Outcome::Failed), "{number}");
            // One write each, so that no half of a number is read.
            out.write_all(format!("stored {number}\n").as_bytes()).unwrap();
        }
    }
}

#[test]
fn what_was_reported_before_a_kill_is_there() {
    let folder = Folder::new();
    let mut reported: BTreeSet<u64> = BTreeSet::new();
    for round in 0..20_u64 {
        let first = reported.last().map_or(1, |last| last.saturating_sub(10).max(1));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::child", "--nocapture", "--test-threads=1"])
            .env(CHILD, &folder.0)
            .env("LSNP_STORE_FIRST", first.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut note = |line: String| {
            let number = line.strip_prefix("stored ").and_then(|number| number.parse().ok());
            number.is_some_and(|number| {
                reported.insert(number);
                true
            })
        };
        // After another number of lines each time, wherever the writer is then.
        let enough = 1 + round * 37 % 400;
        let mut seen = 0;
        for line in told.by_ref() {
            seen += u64::from(note(line));
            if seen == enough {
                break;
            }
        }
        assert_eq!(seen, enough, "the child has ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        told.for_each(|line| {
            note(line);
        });

        let desk = Desk::open(&folder.0);
        assert!(desk.notices.is_empty(), "{:?}", desk.notices);
        let lines = desk.all();
        let kept: BTreeSet<u64> = lines.iter().map(|line| line.lamport).collect();
        assert_eq!(kept.len(), lines.len(), "none twice");
        let missing: Vec<&u64> = reported.difference(&kept).collect();
        assert!(missing.is_empty(), "round {round}: {missing:?}");
        assert!(lines.iter().all(|line| line.text == format!("number {}", line.lamport)));
        desk.end();
    }
}

//! The history: entries written a second with the search index and the memory that it takes, the wait for a lone entry,
//! searches in 100,000 messages, conversations with 1,000 people, removing, and opening again. The same run measures a bare table without an index, and a
//! bare wait for the disk.
//!
//! `HISTORY_BENCH_DIR` names a folder on the disk to be measured; otherwise it is the one of this package's builds.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench measures with the clock and prints")]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use lsnp::engine::{Author, Commit, Correspondent, Entry, Kind, Outcome, PostRecord, Ticket, Trust};
use lsnp::store::{Forget, History, Keep, Opened, Query, open};
use lsnp::wire::{PieceHash, PublicKey};

/// Messages in all.
const MESSAGES: u64 = 100_000;

/// People who write them.
const PEOPLE: u64 = 20;

/// Words that they use, some far more than others.
const WORDS: u64 = 20_000;

/// Unix time of the first message.
const UNIX: u64 = 1_800_000_000;

fn main() {
    let folder = std::env::var_os("HISTORY_BENCH_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let folder = folder.join(format!("bench-history-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    idle(&folder);
    let wait = bare_wait(&folder);
    let bare = bare_table(&folder);
    println!("baseline: a bare wait for the disk {wait:?}, a bare table {bare:.0} rows/s in batches of 256");
    let history = write(&folder, bare);
    search(&history);
    drop(history);
    lone(&folder, wait);
    reopen(&folder);
    remove(&folder);
    talks(&folder);
    std::fs::remove_dir_all(&folder).expect("removed");
}

/// The memory that a history takes: opened, with one line, at rest, and closed.
fn idle(folder: &Path) {
    let before = ["VmRSS", "RssAnon", "RssFile"].map(memory);
    let tell = |when: &str| {
        let [all, own, code] = ["VmRSS", "RssAnon", "RssFile"].map(memory);
        println!("{when:12} {:6} {:6} {:6}", all - before[0], own - before[1], code - before[2]);
    };
    println!("memory, KiB     all    own  files and code");
    let Opened { history, ledger: mut end, .. } =
        open(&folder.join("idle"), None, Keep::default(), UNIX).expect("a history");
    tell("opened");
    end.commits.send(Commit::Entry(Ticket(0), Box::new(entry(0)))).expect("the thread runs");
    end.outcomes.blocking_recv().expect("the thread runs");
    tell("one line");
    // It rests after a second.
    std::thread::sleep(Duration::from_secs(2));
    tell("at rest");
    history.lines(&Query::default()).expect("an answer");
    tell("read");
    drop(end.commits);
    while end.outcomes.blocking_recv().is_some() {}
    tell("closed");
}

/// The median time to have 4 KiB more on the disk.
fn bare_wait(folder: &Path) -> Duration {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join("wait")).expect("a file");
    let mut times: Vec<Duration> = (0..200)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[7; 4_096]).and_then(|()| file.sync_data()).expect("on the disk");
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// Rows a second into one table without any index, with the same care for the disk.
fn bare_table(folder: &Path) -> f64 {
    let mut db = rusqlite::Connection::open(folder.join("bare.db")).expect("a file");
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE line (row INTEGER PRIMARY KEY, text)",
    )
    .expect("a table");
    let start = Instant::now();
    let batches = MESSAGES / 4 / 256;
    for batch in 0..batches {
        let tx = db.transaction().expect("a transaction");
        for number in 0..256 {
            let mut insert = tx.prepare_cached("INSERT INTO line (text) VALUES (?)").expect("a statement");
            insert.execute([text(batch * 256 + number)]).expect("a row");
        }
        tx.commit().expect("on the disk");
    }
    (batches * 256) as f64 / start.elapsed().as_secs_f64()
}

fn write(folder: &Path, bare: f64) -> History {
    let Opened { history, mut ledger, .. } = open(folder, None, Keep::default(), UNIX).expect("a history");
    println!("written  seconds  messages/s  RSS KiB  file MiB");
    let commits = ledger.commits.clone();
    let start = Instant::now();
    let writer = std::thread::spawn(move || {
        for number in 0..MESSAGES {
            commits.send(Commit::Entry(Ticket(number), Box::new(entry(number)))).expect("the thread runs");
        }
    });
    let (mut done, mut last) = (0, Instant::now());
    let mut slowest = f64::MAX;
    while done < MESSAGES {
        let told = ledger.outcomes.blocking_recv().expect("the thread runs");
        assert!(told.iter().all(|(_, outcome)| matches!(outcome, Outcome::Stored(_))), "all is stored");
        let before = done;
        done += told.len() as u64;
        if before / 10_000 < done / 10_000 {
            let pace = 10_000.0 / last.elapsed().as_secs_f64();
            slowest = slowest.min(pace);
            last = Instant::now();
            let file = std::fs::metadata(folder.join("history.db")).map_or(0, |found| found.len());
            println!(
                "{done:7}  {:7.2}  {pace:10.0}  {:7}  {:8.1}",
                start.elapsed().as_secs_f64(),
                memory("VmRSS"),
                file as f64 / 1_048_576.0
            );
        }
    }
    writer.join().expect("it ends");
    let pace = MESSAGES as f64 / start.elapsed().as_secs_f64();
    println!(
        "sustained: {pace:.0} messages/s, slowest tenth {slowest:.0}; {:.2} of the bare table (target: 5000/s)",
        pace / bare
    );
    drop(ledger.commits);
    while ledger.outcomes.blocking_recv().is_some() {}
    history
}

fn search(history: &History) {
    let words = |words: &str| Query { words: Some(words.to_owned()), limit: Some(20), ..Query::default() };
    let somebody = Query { with: Some(key(3)), ..words(&word(1)) };
    let queries = [
        ("the newest 20, no word", Query { limit: Some(20), ..Query::default() }),
        ("a rare word", words(&word(WORDS - 10))),
        ("a common word", words(&word(0))),
        ("3 words", words(&format!("{} {} {}", word(0), word(1), word(2)))),
        ("a phrase", words(&format!("{}-{}", word(0), word(1)))),
        ("a prefix", words("ba*")),
        ("no hit", words("nobodysaidthis")),
        ("a common word, one person", somebody),
    ];
    println!("search in {MESSAGES} messages      found  median us  p99 us");
    for (name, query) in queries {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..200 {
            let start = Instant::now();
            found = history.lines(&query).expect("an answer").len();
            times.push(start.elapsed().as_micros());
        }
        times.sort_unstable();
        println!("{name:34} {found:5}  {:9}  {:6}", times[100], times[197]);
    }
    println!("RSS after the searches: {} KiB", memory("VmRSS"));
}

/// The wait for one entry at a time.
fn lone(folder: &Path, wait: Duration) {
    let Opened { ledger: mut end, .. } = open(folder, None, Keep::default(), UNIX).expect("a history");
    let mut times: Vec<Duration> = (MESSAGES..MESSAGES + 500)
        .map(|number| {
            let start = Instant::now();
            end.commits.send(Commit::Entry(Ticket(number), Box::new(entry(number)))).expect("the thread runs");
            end.outcomes.blocking_recv().expect("the thread runs");
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    let (median, p99) = (times[250], times[494]);
    println!(
        "a lone entry: median {median:?}, p99 {p99:?}; {:.1} of the bare wait for the disk",
        median.as_secs_f64() / wait.as_secs_f64()
    );
    drop(end.commits);
    while end.outcomes.blocking_recv().is_some() {}
}

fn reopen(folder: &Path) {
    let start = Instant::now();
    let opened = open(folder, None, Keep::default(), UNIX + MESSAGES).expect("a history");
    let took = start.elapsed();
    let archive = &opened.ledger.archive;
    println!(
        "open again: {took:?}, with {} posts to pass on, {} authors, {} open DMs",
        archive.posts.len(),
        archive.known.len(),
        archive.outbox.len()
    );
}

fn remove(folder: &Path) {
    for (name, what) in [("one person", Forget::With(key(3))), ("everything", Forget::Everything)] {
        let opened = open(folder, None, Keep::default(), UNIX + MESSAGES).expect("a history");
        let start = Instant::now();
        let forgotten = opened.history.forget(&what).expect("forgotten");
        println!("forget {name}: {} lines in {:?}", forgotten.lines, start.elapsed());
    }
}

/// Conversations with 1,000 people, in as many messages; and one query that reads them all.
fn talks(folder: &Path) {
    let folder = folder.join("talks");
    let Opened { history, mut ledger, .. } = open(&folder, None, Keep::default(), UNIX).expect("a history");
    let commits = ledger.commits.clone();
    let writer = std::thread::spawn(move || {
        for number in 0..MESSAGES {
            let author = PublicKey([(mixed(number) % 1_000).to_be_bytes(); 4].concat().try_into().expect("32 bytes"));
            let entry = entry(number);
            let with = entry.with.map(|with| Correspondent { key: Some(author), ..with });
            let entry = Entry { author: Author::Key(author), with, ..entry };
            commits.send(Commit::Entry(Ticket(number), Box::new(entry))).expect("the thread runs");
        }
    });
    let mut done = 0;
    while done < MESSAGES {
        done += ledger.outcomes.blocking_recv().expect("the thread runs").len() as u64;
    }
    writer.join().expect("it ends");
    drop(ledger.commits);
    while ledger.outcomes.blocking_recv().is_some() {}
    let median = |ask: &dyn Fn() -> usize| {
        let mut times: Vec<Duration> = (0..50)
            .map(|_| {
                let start = Instant::now();
                assert!(ask() >= 1_000, "all are told");
                start.elapsed()
            })
            .collect();
        times.sort_unstable();
        times[times.len() / 2]
    };
    let asked = median(&|| history.talks().expect("an answer").people.len());
    let db = rusqlite::Connection::open(folder.join("history.db")).expect("a file");
    let bare = median(&|| {
        let mut all =
            db.prepare("SELECT peer, max(lamport), sum(read = 0) FROM line GROUP BY peer").expect("a statement");
        all.query_map([], |row| row.get::<_, i64>(1)).expect("an answer").count()
    });
    println!("1,000 conversations in {MESSAGES} messages: {asked:?} (target: 20 ms); a bare query over all: {bare:?}");
}

fn key(number: u64) -> PublicKey {
    PublicKey([number as u8; 32])
}

/// The same for the same number; numbers that are close give words that are not.
fn mixed(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn word(number: u64) -> String {
    const SYLLABLES: [&str; 16] =
        ["ba", "de", "fi", "go", "ku", "la", "me", "ni", "po", "ru", "sa", "te", "vi", "wo", "zu", "sho"];
    let mut rest = mixed(number + 1);
    let count = 2 + number.min(WORDS / 2) * 3 / WORDS;
    (0..count + 1)
        .map(|_| {
            rest = rest.rotate_right(4);
            SYLLABLES[(rest & 15) as usize]
        })
        .collect()
}

/// Twelve words, the common ones far more often: the n-th about as often as 1 in n.
fn text(number: u64) -> String {
    let pick = |place: u64| {
        let draw = mixed(number * 12 + place + 1) as f64 / u64::MAX as f64;
        word(((WORDS as f64).powf(draw) - 1.0) as u64)
    };
    (0..12).map(pick).collect::<Vec<_>>().join(" ")
}

/// Two DMs of three lines, and a signed post.
fn entry(number: u64) -> Entry {
    let (author, text) = (key(1 + number % PEOPLE), text(number));
    let post = number.is_multiple_of(3).then(|| {
        let raw: Arc<[u8]> =
            format!("TYPE:POST\nUSER_ID:somebody@192.168.1.11\nCONTENT:{text}\n{:200}\n\n", number).into_bytes().into();
        let id = PieceHash::of(&raw);
        Box::new(PostRecord {
            author,
            number: 1 + number / PEOPLE,
            id,
            lamport: number,
            raw,
            long: None,
            since: UNIX + number,
        })
    });
    Entry {
        author: Author::Key(author),
        message_id: format!("{:016x}", mixed(number)),
        kind: if post.is_some() { Kind::Post } else { Kind::Dm { private: true } },
        ours: false,
        with: Some(Correspondent {
            key: Some(author),
            user_id: "somebody@192.168.1.11".into(),
            name: "Some Body".to_owned(),
            trust: Trust::Verified,
            address: None,
        }),
        text,
        stamp: UNIX + number,
        at: UNIX + number,
        lamport: number,
        post,
        mark: None,
    }
}

/// Memory of this process, KiB; 0 where the system does not say.
fn memory(what: &str) -> i64 {
    let status = File::open("/proc/self/status").and_then(std::io::read_to_string).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

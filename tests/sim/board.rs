//! The board of progress (protocol.md §11.5): the same at all, however lossy the air, and bounded, whoever tells.

use std::time::Duration;

use lsnp::data::board::{Command, Entry, Event, Progress, Reply};
use lsnp::data::{self, Error, Step};
use lsnp::engine::Channel;
use lsnp::sim::{Air, DiskState, Lan, ProgramId, Setup};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::run::{Run, millis, secs, seeds};
use super::signer::Signer;

/// So many hosts with a peer each that has a data space, all acquainted.
fn crowd(run: &mut Run, count: usize) -> Vec<ProgramId> {
    let hosts = run.hosts(count);
    let start = |(n, host): (usize, &lsnp::sim::HostId)| run.start(*host, Setup::named(&format!("p{n}")).with_data());
    let all: Vec<ProgramId> = hosts.iter().enumerate().map(start).collect();
    let met = |lan: &Lan| all.iter().all(|id| lan.space(*id).unwrap().people().len() == count - 1);
    assert!(run.run_while(secs(60), millis(100), met));
    all
}

fn pair(seed: u64) -> (Run, ProgramId, ProgramId) {
    let mut run = Run::new(seed);
    let all = crowd(&mut run, 2);
    (run, all[0], all[1])
}

fn progress(user: &str, lesson: &str, status: &str) -> Progress {
    Progress { user: user.into(), lesson: lesson.into(), status: status.into(), at: 1_728_938_500 }
}

fn command(command: Command) -> data::Command {
    data::Command::Board(command)
}

fn tell(run: &mut Run, of: ProgramId, what: Progress) -> Result<data::Reply, Error> {
    run.data_done(of, command(Command::Tell(what)), secs(1))
}

fn board(lan: &mut Lan, of: ProgramId) -> Vec<Entry> {
    match lan.data(of, command(Command::Board)) {
        Ok(Step::Now(data::Reply::Board(Reply::Board(entries)))) => entries,
        other => panic!("{other:?}"),
    }
}

/// What stands on the board, in words.
fn words(lan: &mut Lan, of: ProgramId) -> Vec<String> {
    let word = |entry: &Entry| format!("{} {} {}", entry.progress.user, entry.progress.lesson, entry.progress.status);
    board(lan, of).iter().map(word).collect()
}

fn all_same(run: &mut Run, all: &[ProgramId]) -> bool {
    let first = board(run, all[0]);
    all[1..].iter().all(|id| board(run, *id) == first)
}

/// Lets time go by until all boards are the same.
fn settle(run: &mut Run, all: &[ProgramId], limit: Duration) -> Option<Duration> {
    let since = run.now();
    while !all_same(run, all) {
        if run.now().since(since) > limit {
            return None;
        }
        run.run_for(millis(100));
    }
    Some(run.now().since(since))
}

fn told(run: &mut Run, of: ProgramId) -> Vec<(String, bool, bool)> {
    let told = run.take_data_events(of).into_iter().map(|event| match event {
        data::Event::Board(Event::Told { entry, newest, late }) => (entry.progress.status, newest, late),
        other => panic!("{other:?}"),
    });
    told.collect()
}

#[test]
fn what_is_told_stands_on_all_boards_at_once() {
    let mut run = Run::new(1);
    let all = crowd(&mut run, 3);
    let reply = tell(&mut run, all[0], progress("fatuma", "lesson-001", "completed")).unwrap();
    assert_eq!(reply, data::Reply::Board(Reply::Told { peers: 2 }));
    run.run_for(millis(2));
    for id in &all {
        assert_eq!(words(&mut run, *id), ["fatuma lesson-001 completed"]);
        assert_eq!(told(&mut run, *id), [("completed".to_owned(), true, false)]);
    }
    let frame = run.frames().iter().rev().find(|frame| frame.kind() == "DATA").unwrap();
    let body = frame.value("BODY").unwrap();
    assert!(
        body.starts_with("{\"v\":1,\"user\":\"fatuma\",\"lesson\":\"lesson-001\",\"status\":\"completed\","),
        "{body}"
    );
    run.run_for(secs(60));
    assert!(all.iter().all(|id| told(&mut run, *id).is_empty()), "it is told once, though it is sent a few times");
}

#[test]
fn the_last_writer_counts_whatever_its_clock_says() {
    let (mut run, a, b) = pair(2);
    tell(&mut run, a, Progress { at: 4_000_000_000, ..progress("u", "l", "started") }).unwrap();
    run.run_for(millis(5));
    tell(&mut run, b, Progress { at: 5, ..progress("u", "l", "completed") }).unwrap();
    run.run_for(millis(5));
    assert_eq!((words(&mut run, a), words(&mut run, b)), (vec!["u l completed".into()], vec!["u l completed".into()]));
    assert_eq!(board(&mut run, a)[0].lamport, 2);
}

#[test]
fn twenty_boards_become_the_same_at_40_percent_loss() {
    for seed in 0..seeds(3) {
        let mut run = Run::new(1_000 + seed);
        let all = crowd(&mut run, 20);
        run.air = Air { loss: 0.4, jitter: millis(30), duplicate: 0.1, ..Air::default() };
        let mut rng = StdRng::seed_from_u64(seed);
        for n in 0..100 {
            let by = all[rng.random_range(0..all.len())];
            let what = progress(&format!("u{}", rng.random_range(0..10)), &format!("l{}", rng.random_range(0..5)), "x");
            tell(&mut run, by, Progress { at: n, ..what }).unwrap();
            run.run_for(millis(rng.random_range(0..200)));
        }
        let time = settle(&mut run, &all, secs(120)).expect("they are the same");
        eprintln!("20 boards, 100 lines, 40 % loss: the same {time:?} after the last");
        assert!(!board(&mut run, all[0]).is_empty());
        // What every author saw last of its own is on the board, or something that knew of it.
        for id in &all {
            let key = run.key_of(*id);
            for (_, event) in run.data_events(*id).to_vec() {
                let data::Event::Board(Event::Told { entry, .. }) = event else { continue };
                if entry.by == key {
                    let name = (&entry.progress.user, &entry.progress.lesson);
                    let board = board(&mut run, all[0]);
                    let stands =
                        board.iter().find(|line| (&line.progress.user, &line.progress.lesson) == name).unwrap();
                    assert!(stands.lamport >= entry.lamport, "{stands:?} {entry:?}");
                }
            }
        }
    }
}

#[test]
fn halves_that_were_apart_become_the_same() {
    for seed in 0..seeds(3) {
        let mut run = Run::new(2_000 + seed);
        let hosts = run.hosts(10);
        let start = |host: &lsnp::sim::HostId| run.start(*host, Setup::named("p").with_data());
        let all: Vec<ProgramId> = hosts.iter().map(start).collect();
        run.run_for(secs(10));
        run.air = Air { loss: 0.2, ..Air::default() };
        run.wall_off(&hosts[5..], 1);
        for n in 0..60 {
            let status = format!("of-{n}");
            tell(&mut run, all[n % 10], progress(&format!("u{}", n % 7), &format!("l{}", n % 3), &status)).unwrap();
            run.run_for(millis(50));
        }
        run.run_for(secs(20));
        assert!(!all_same(&mut run, &all));
        run.wall_off(&hosts[5..], 0);
        let time = settle(&mut run, &all, secs(180)).expect("they are the same");
        eprintln!("two halves: the same {time:?} after the wall fell");
    }
}

#[test]
fn it_survives_restarts_and_goes_on_counting() {
    let (mut run, a, b) = pair(3);
    tell(&mut run, a, progress("u", "l", "started")).unwrap();
    // One that does not fit into a datagram.
    let books = "\u{1f4d8}".repeat(64);
    tell(&mut run, b, progress(&books, &books, &books)).unwrap();
    run.run_for(secs(1));
    let before = board(&mut run, b);
    assert_eq!((before.len(), board(&mut run, a)), (2, before.clone()));
    run.stop(a);
    run.restart(b);
    assert_eq!(board(&mut run, b), before);
    run.run_for(secs(5));
    tell(&mut run, b, progress("u", "l", "completed")).unwrap();
    run.restart(a);
    assert_eq!(words(&mut run, a)[0], "u l started");
    assert!(settle(&mut run, &[a, b], secs(30)).is_some());
    assert_eq!((words(&mut run, a)[0].as_str(), board(&mut run, a)[0].lamport), ("u l completed", 2));
}

#[test]
fn a_newcomer_gets_all_of_a_full_board() {
    let mut run = Run::new(4);
    let hosts = run.hosts(3);
    let start = |host| Setup::named(host).with_data();
    let all = [run.start(hosts[0], start("a")), run.start(hosts[1], start("b"))];
    run.run_for(secs(5));
    for n in 0..600 {
        tell(&mut run, all[n % 2], progress(&format!("user-{n}"), "l", "x")).unwrap();
    }
    let late = run.start(hosts[2], start("late"));
    let time = settle(&mut run, &[all[0], all[1], late], secs(60)).expect("they are the same");
    eprintln!("600 lines came to a newcomer in {time:?}");
    assert_eq!(board(&mut run, late).len(), 600);
}

#[test]
fn it_is_told_only_when_it_is_on_the_disk() {
    let (mut run, a, b) = pair(5);
    run.turn_disk(a, DiskState::Full);
    assert_eq!(tell(&mut run, a, progress("u", "l", "x")), Err(Error::NotKept));
    run.run_for(secs(30));
    assert_eq!((board(&mut run, a), board(&mut run, b)), (vec![], vec![]));
    run.turn_disk(a, DiskState::Writes(millis(20)));
    tell(&mut run, a, progress("u", "l", "x")).unwrap();
    // Two at once, before the first is on the disk: the second follows the first.
    let first = run.data(a, command(Command::Tell(progress("u", "l", "y")))).unwrap();
    let last = run.data(a, command(Command::Tell(progress("u", "l", "z")))).unwrap();
    assert!(matches!((first, last), (Step::Later(_), Step::Later(_))));
    run.run_for(secs(1));
    for id in [a, b] {
        assert_eq!((words(&mut run, id), board(&mut run, id)[0].lamport), (vec!["u l z".to_owned()], 3));
    }
    run.restart(a);
    assert_eq!(words(&mut run, a), ["u l z"]);
}

#[test]
fn what_one_is_told_comes_to_its_board_though_datagrams_are_lost() {
    let (mut run, a, b) = pair(6);
    let key = run.key_of(b);
    run.air = Air { loss: 0.4, ..Air::default() };
    let to_b = Command::TellOne { to: key, progress: progress("fatuma", "lesson-001", "completed") };
    let reply = run.data_done(a, command(to_b.clone()), secs(1)).unwrap();
    assert_eq!(reply, data::Reply::Board(Reply::Told { peers: 1 }));
    assert!(run.run_while(secs(10), millis(10), |lan| !lan.data_events(b).is_empty()));
    assert_eq!(told(&mut run, b), [("completed".to_owned(), true, false)]);
    run.stop(b);
    run.run_for(secs(200));
    assert_eq!(run.data(a, command(to_b)), Err(Error::NotHere));
}

#[test]
fn what_has_no_key_is_taken_as_said_by_us_and_leaves_room() {
    let (mut run, a, _) = pair(7);
    let taken = run.data_done(a, command(Command::Take(progress("fatuma", "l", "x"))), secs(1)).unwrap();
    assert_eq!(taken, data::Reply::Board(Reply::Told { peers: 1 }));
    assert_eq!(board(&mut run, a)[0].by, run.key_of(a));
    let mut refused = Vec::new();
    for n in 0..2_000 {
        run.run_for(millis(60));
        let flood = Command::Take(progress(&format!("u{n}"), "l", "x"));
        refused.extend(run.data_done(a, command(flood), secs(1)).err());
    }
    assert_eq!(board(&mut run, a).len(), 512);
    assert!(refused.iter().all(|error| matches!(error, Error::Full { .. })));
    let mut fast = (0..200).map(|n| run.data(a, command(Command::Take(progress("fatuma", "l", &n.to_string())))));
    assert!(fast.any(|taken| taken == Err(Error::Busy)));
    tell(&mut run, a, progress("mine", "l", "x")).unwrap();
}

#[test]
fn what_cannot_be_shown_is_refused() {
    let (mut run, a, _) = pair(8);
    let long = "x".repeat(65);
    for bad in ["", " ", " a", "a\nb", "\u{1b}[2J", "a\u{202e}b", "\u{200b}", &long] {
        assert!(matches!(tell(&mut run, a, progress(bad, "l", "s")), Err(Error::Bad(_))), "{bad:?}");
        assert!(matches!(tell(&mut run, a, progress("u", bad, "s")), Err(Error::Bad(_))), "{bad:?}");
        assert!(matches!(tell(&mut run, a, progress("u", "l", bad)), Err(Error::Bad(_))), "{bad:?}");
    }
    assert_eq!(board(&mut run, a), vec![]);
}

#[test]
fn a_hostile_author_has_its_share_and_nothing_more() {
    let (mut run, a, b) = pair(9);
    tell(&mut run, a, progress("fatuma", "lesson-001", "started")).unwrap();
    let mut mallory = Signer::new(1, "mallory", "10.0.0.66:9000".parse().unwrap());
    assert!(mallory.meets(&mut run, b));
    let line = |user: &str, status: &str, lamport: u64| {
        format!(
            "{{\"v\":1,\"user\":\"{user}\",\"lesson\":\"l\",\"status\":\"{status}\",\"at\":1,\"lamport\":{lamport}}}"
        )
    };
    let mut say = |run: &mut Run, body: &str| {
        let bytes = mallory.says("DATA", &[("OF", "board"), ("BODY", body)]);
        mallory.sends(run, b, &bytes);
    };
    let before = run.space(b).unwrap().refused(Channel::Board);
    for bad in [
        line("fatuma", "\\u001b[2J", 9),
        line("\\u202eamutaf", "x", 9),
        line("x", "x", 0),
        line("x", "x", u64::MAX),
        "{\"v\":1,\"sums\":\"\"}".to_owned(),
        "{\"v\":1,\"want\":\"AAAA\"}".to_owned(),
        format!("{{\"v\":1,\"x\":{}}}", "[".repeat(400)),
    ] {
        say(&mut run, &bad);
        run.run_for(millis(20));
    }
    assert_eq!(run.space(b).unwrap().refused(Channel::Board), before + 7);
    assert_eq!(words(&mut run, b), ["fatuma lesson-001 started"]);
    for n in 0..20_000_u64 {
        say(&mut run, &line(&format!("m{n}"), "x", (1 << 40) - 1));
        if n % 20 == 0 {
            run.run_for(millis(100));
        }
    }
    run.run_for(secs(5));
    assert!((1_000..=1_025).contains(&board(&mut run, b).len()), "{}", board(&mut run, b).len());
    assert_eq!(words(&mut run, b)[0], "fatuma lesson-001 started");
    // Where a line is told to its end nothing follows, and the user hears why.
    assert!(matches!(tell(&mut run, b, progress("m0", "l", "mine")), Err(Error::Bad(_))));
    tell(&mut run, b, progress("fatuma", "lesson-001", "completed")).unwrap();
    assert!(settle(&mut run, &[a, b], secs(120)).is_some());
}

#[test]
fn boards_that_are_the_same_say_little() {
    let mut run = Run::new(10);
    let all = crowd(&mut run, 5);
    run.run_for(secs(60));
    let data = |run: &Run| run.frames().iter().filter(|frame| matches!(frame.kind(), "DATA" | "CARRY")).count();
    run.forget_frames();
    run.run_for(secs(600));
    assert_eq!(data(&run), 0, "an empty board says nothing");
    tell(&mut run, all[0], progress("u", "l", "x")).unwrap();
    run.run_for(secs(120));
    run.forget_frames();
    run.run_for(secs(600));
    assert!(data(&run) <= 5 * 600 / 16 + 5, "{} datagrams in 10 minutes", data(&run));
}

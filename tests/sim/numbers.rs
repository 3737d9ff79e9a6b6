//! SEQ: leases, kills at any moment, copies of old disks, jumps.

use std::collections::BTreeMap;

use lsnp::engine::{Command, CommandError, LEASE, Trust};
use lsnp::sim::{Frame, ProgramId};
use lsnp::wire::Envelope;

use super::run::{Run, millis, secs};
use super::signer::Signer;

/// No number stands on two different datagrams of one key.
fn assert_numbers_once(frames: &[Frame]) {
    let mut used: BTreeMap<_, &[u8]> = BTreeMap::new();
    for frame in frames {
        if let Ok(envelope) = Envelope::of(&frame.payload) {
            let first = *used.entry((envelope.key, envelope.seq)).or_insert(&frame.payload);
            assert!(first == &*frame.payload, "SEQ {} stands on two datagrams", envelope.seq);
        }
    }
}

fn greatest(run: &Run, of: ProgramId) -> u64 {
    let key = run.key_of(of);
    let seqs = run.frames().iter().filter_map(|frame| Envelope::of(&frame.payload).ok());
    seqs.filter(|envelope| envelope.key == key).map(|envelope| envelope.seq).max().unwrap()
}

#[test]
#[cfg_attr(debug_assertions, ignore = "posts 98,304 times")]
fn a_lease_that_is_used_up_is_followed_by_the_next() {
    let (mut run, a, b) = Run::pair(1);
    let first = run.disk(b).leased();
    run.capture = false;
    run.take_events(a);
    let mut posted = 0_u64;
    while posted < LEASE * 3 / 2 {
        match run.command(b, Command::Post { text: posted.to_string() }) {
            Ok(_) => posted += 1,
            Err(CommandError::TooFast { retry_after }) => run.run_for(retry_after),
            Err(other) => panic!("{other:?}"),
        }
    }
    run.run_for(secs(1));
    assert_eq!(run.texts(a).len() as u64, posted, "all of them are shown");
    run.capture = true;
    run.post(b, "the last");
    run.run_for(secs(1));
    assert!(run.texts(a).last().unwrap().ends_with("the last"));
    assert!(greatest(&run, b) > first && greatest(&run, b) < run.disk(b).leased());
    assert_eq!(run.disk(b).leased(), first + 2 * LEASE, "the next is reserved when half of one is left");
}

#[test]
fn a_kill_at_any_moment_uses_no_number_twice_and_leaves_everyone_known() {
    let rounds = if cfg!(debug_assertions) { 60 } else { 400 };
    let (mut run, a, b) = Run::pair(2);
    for round in 0..rounds {
        run.kill_in(b, round % 25);
        if run.is_running(b) {
            // A kill may fall into the command itself.
            let _ = run.command(b, Command::Post { text: format!("post {round}") });
        }
        run.run_for(millis(u64::from(round) * 37 % 3_000));
        let leased = run.disk(b).leased();
        assert!(greatest(&run, b) < leased, "nothing leaves before its number is reserved");
        run.restart(b);
        run.run_for(secs(3));
        run.post(b, &format!("alive {round}"));
        run.run_for(secs(1));
        assert_eq!(run.texts(a).last().unwrap(), &format!("POST alive {round}"), "{:?}", run.comings(a));
        assert_eq!(run.row(a, b).trust(), Trust::Known);
    }
    assert_eq!(run.peer_count(a), 1);
    assert_numbers_once(run.frames());
    let texts = run.texts(a);
    let mut once = texts.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), texts.len(), "nothing is shown twice");
}

#[test]
fn a_receiver_that_is_killed_at_any_moment_shows_nothing_twice() {
    let rounds = if cfg!(debug_assertions) { 60 } else { 400 };
    let (mut run, a, b) = Run::pair(3);
    let mut shown: Vec<String> = Vec::new();
    for round in 0..rounds {
        run.forget_frames();
        run.kill_in(a, round % 12);
        run.post(b, &format!("post {round}"));
        if run.peers_of(b).iter().any(|peer| peer.raw_name() == "p0") {
            run.dm(b, "p0", &format!("dm {round}"));
        }
        run.run_for(millis(500));
        shown.extend(run.texts(a));
        run.take_events(a);
        let said: Vec<Frame> =
            run.frames().iter().filter(|f| f.kind() == "POST" || f.kind() == "DM").cloned().collect();
        run.restart(a);
        run.run_for(secs(3));
        said.iter().for_each(|frame| run.deliver(frame, None, a));
        run.run_for(secs(6));
        shown.extend(run.texts(a));
        run.take_events(a);
    }
    let all = shown.len();
    shown.sort();
    shown.dedup();
    assert_eq!(shown.len(), all);
    assert!(all > rounds as usize / 2, "{all}");
}

#[test]
fn a_copy_of_an_old_disk_is_believed_when_it_answers() {
    for seed in 0..if cfg!(debug_assertions) { 3 } else { 20 } {
        let (mut run, a, b) = Run::pair(100 + seed);
        let backup = run.disk(b).clone();
        for _ in 0..3 {
            run.restart(b);
            run.run_for(secs(20));
            run.post(b, "as before");
        }
        run.run_for(secs(10 * seed));
        let high = greatest(&run, b);
        run.forget_frames();
        run.restart_from(b, backup);
        run.run_for(secs(70));
        assert!(greatest(&run, b) < high);
        assert!(run.knows(a, b) && run.knows(b, a), "{:?}", run.comings(a));
        run.post(b, "from the backup");
        run.dm(b, "p0", "for you");
        run.run_for(secs(5));
        assert!(run.texts(a).ends_with(&["POST from the backup".into(), "DM for you".into()]), "{:?}", run.texts(a));
        run.dm(a, "p1", "and back");
        run.run_for(secs(5));
        assert_eq!(run.texts(b).last().unwrap(), "DM and back");
        assert_eq!(run.peer_count(a), 1);
        assert_eq!(run.row(a, b).trust(), Trust::Known, "its key is the same");
    }
}

#[test]
fn what_ran_after_the_backup_does_not_come_back() {
    let (mut run, a, b) = Run::pair(4);
    let backup = run.disk(b).clone();
    run.restart(b);
    run.run_for(secs(20));
    run.command(b, Command::Profile { display_name: Some("After".into()), status: None }).unwrap();
    run.post(b, "after the backup");
    run.run_for(secs(20));
    let later: Vec<Frame> = run.frames().iter().filter(|f| f.from == run.address(b)).cloned().collect();
    run.restart_from(b, backup);
    run.run_for(secs(70));
    assert!(run.knows(a, b));
    run.take_events(a);
    let before = run.known(a);
    for frame in later.iter().rev().chain(&later) {
        run.deliver(frame, None, a);
        run.run_for(millis(20));
    }
    run.run_for(secs(10));
    assert_eq!(run.texts(a), Vec::<String>::new());
    assert_eq!(run.known(a), before);
}

#[test]
fn a_great_jump_counts_only_with_an_answer() {
    let (mut run, a, _) = Run::pair(5);
    let mut far = Signer::new(1, "far", "10.0.200.7:8500".parse().unwrap());
    assert!(far.meets(&mut run, a));
    let post = far.posts("one");
    far.sends(&mut run, a, &post);
    let before = far.clone();
    far.seq += (1 << 32) + 10;
    let post = far.posts("out of nowhere");
    far.sends(&mut run, a, &post);
    run.run_for(secs(1));
    assert_eq!(run.texts(a), ["POST one"]);
    // It was nobody: who is there goes on as before.
    let mut there = before;
    let post = there.posts("two");
    there.sends(&mut run, a, &post);
    assert_eq!(run.texts(a), ["POST one", "POST two"]);
    // Asked, it answers, and then the jump is right.
    let ask = far.asked(&run, lsnp::engine::Instant::BIRTH + secs(10)).unwrap();
    let answer = far.announces(&[("ANS", &ask)]);
    far.sends(&mut run, a, &answer);
    let post = far.posts("three");
    far.sends(&mut run, a, &post);
    run.run_for(secs(1));
    assert_eq!(run.texts(a), ["POST one", "POST two", "POST three"]);
}

#[test]
fn the_greatest_numbers_of_all_do_no_harm() {
    let (mut run, a, b) = Run::pair(6);
    for (number, seq) in (1..).zip([u64::MAX - 3, u64::MAX - 1, 0, 1]) {
        let mut end = Signer::new(number, "end", format!("10.0.200.{number}:8500").parse().unwrap());
        end.seq = seq;
        let announcement = end.announces(&[]);
        run.inject(end.at, a, lsnp::engine::Socket::Discovery, &announcement);
        run.run_for(secs(1));
    }
    run.post(b, "still here");
    run.run_for(secs(1));
    assert_eq!(run.texts(a), ["POST still here"]);
}

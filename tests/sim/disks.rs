//! Slow, full and stuck disks: nothing is said to be stored that is not, all is told once, and the peer goes on.

use lsnp::engine::{Event, Instant, Mark};
use lsnp::sim::{DiskState, ProgramId};

use super::run::{Run, millis, secs};

fn told_at(run: &Run, of: ProgramId) -> Vec<Instant> {
    let told = run.events(of).iter().filter(|(_, event)| matches!(event, Event::Dm { .. } | Event::Post { .. }));
    told.map(|(at, _)| *at).collect()
}

/// Two peers that have a session, and whose texts are behind them.
fn talking(seed: u64) -> (Run, ProgramId, ProgramId) {
    let (mut run, a, b) = Run::pair(seed);
    run.write(a, b, "one");
    run.run_for(secs(1));
    run.write(b, a, "two");
    run.run_for(secs(1));
    run.take_events(a);
    run.take_events(b);
    (run, a, b)
}

#[test]
fn a_dm_is_told_when_it_is_stored_and_not_before() {
    let (mut run, a, b) = talking(1);
    run.turn_disk(b, DiskState::Writes(millis(30)));
    let since = run.now();
    let id = run.write(a, b, "hello");
    run.run_for(secs(1));
    let told = told_at(&run, b);
    assert_eq!(told.len(), 1);
    assert!(told[0].since(since) >= millis(30));
    let marks = run.told_marks(a, id);
    assert_eq!(marks.last(), Some(&Mark::Stored));
    assert!(!marks.contains(&Mark::Received), "it took 30 ms: {marks:?}");
}

#[test]
fn over_a_slow_disk_a_dm_is_received_and_then_stored() {
    let (mut run, a, b) = talking(2);
    run.turn_disk(b, DiskState::Writes(millis(300)));
    let since = run.now();
    let id = run.write(a, b, "hello");
    run.run_for(millis(250));
    assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Received));
    assert_eq!(told_at(&run, b), [], "it is told when it is stored");
    run.run_for(millis(100));
    assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Stored), "in less than a heartbeat");
    assert!(told_at(&run, b)[0].since(since) >= millis(300));
    run.run_for(secs(200));
    assert_eq!(run.texts(b), ["DM hello"]);
    assert_eq!((run.mark(a, id), run.false_marks().len()), (Some(Mark::Stored), 0));
}

#[test]
fn on_a_full_disk_all_is_told_and_nothing_is_stored() {
    let (mut run, a, b) = talking(3);
    run.turn_disk(b, DiskState::Full);
    let id = run.write(a, b, "hello");
    run.post(a, "to all");
    run.run_for(secs(300));
    assert_eq!(run.texts(b), ["DM hello", "POST to all"]);
    assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Received));
    assert_eq!((run.mark(a, id), run.kept(b, "hello")), (Some(Mark::Received), 0));
    run.write(b, a, "I live");
    run.run_for(secs(1));
    assert_eq!(run.texts(a), ["DM I live"], "it talks on");
    assert_eq!(run.false_marks(), []);
}

#[test]
fn what_a_full_disk_did_not_keep_is_stored_when_there_is_room_again_and_not_told_again() {
    let (mut run, a, b) = talking(4);
    run.turn_disk(b, DiskState::Full);
    let id = run.write(a, b, "hello");
    run.run_for(secs(5));
    assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Received));
    run.turn_disk(b, DiskState::Writes(millis(0)));
    run.run_for(secs(120));
    assert_eq!((run.mark(a, id), run.kept(b, "hello")), (Some(Mark::Stored), 1));
    assert_eq!(run.texts(b), ["DM hello"]);
    assert_eq!(run.false_marks(), []);
}

#[test]
fn a_stuck_disk_stops_nobody() {
    let (mut run, a, b) = talking(5);
    run.turn_disk(b, DiskState::Stuck);
    let since = run.now();
    let id = run.write(a, b, "hello");
    run.post(a, "to all");
    run.run_for(secs(5));
    let told = told_at(&run, b);
    assert_eq!(told.len(), 2, "{:?}", run.texts(b));
    assert!(told.iter().all(|at| at.since(since) >= secs(2) && at.since(since) < secs(3)), "{told:?}");
    assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Received));
    run.forget_frames();
    run.run_for(secs(300));
    let (from, to) = (run.address(b), run.address(a));
    let beats = run.frames().iter().filter(|f| f.from == from && f.kind() == "PEER_DISCOVERY").count();
    assert!(beats >= 9, "{beats} announcements in 300 s");
    assert!(run.knows(a, b));
    let again = run.frames().iter().filter(|f| f.from == to && f.kind() == "DM").count();
    assert!(again <= 3, "{again} more tries for a DM that is received");
    run.turn_disk(b, DiskState::Writes(millis(5)));
    run.run_for(secs(120));
    // Its writer asked three times, and lets it be.
    assert!(run.mark(a, id).is_some_and(Mark::is_delivered));
    assert_eq!((run.kept(b, "hello"), run.kept(b, "to all")), (1, 1));
    assert_eq!(run.texts(b).len(), 2, "told once: {:?}", run.texts(b));
    assert_eq!(run.false_marks(), []);
}

#[test]
fn what_is_kept_late_is_marked_as_stored() {
    let (mut run, a, b) = talking(11);
    run.turn_disk(b, DiskState::Stuck);
    let id = run.write(a, b, "hello");
    run.run_for(secs(10));
    assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Received));
    run.turn_disk(b, DiskState::Writes(millis(0)));
    run.run_for(secs(1));
    assert_eq!((run.mark(a, id), run.kept(b, "hello")), (Some(Mark::Stored), 1));
    assert_eq!(run.texts(b), ["DM hello"]);
}

#[test]
fn a_flood_before_a_stuck_disk_is_told_and_takes_bounded_room() {
    let (mut run, a, b) = talking(6);
    run.capture = false;
    run.turn_disk(b, DiskState::Stuck);
    let count = 4_000;
    for number in 0..count {
        loop {
            match run.command(a, lsnp::engine::Command::Post { text: number.to_string() }) {
                Ok(_) => break,
                Err(lsnp::engine::CommandError::TooFast { retry_after }) => run.run_for(retry_after),
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    run.run_for(secs(10));
    let cap = run.setup(b).config.limits.commits;
    assert!(run.disk(b).history().coming() <= cap);
    assert_eq!(run.texts(b).len(), count, "each is told once");
    run.turn_disk(b, DiskState::Writes(millis(1)));
    run.run_for(secs(60));
    assert_eq!(run.texts(b).len(), count);
    assert_eq!(run.false_marks(), []);
}

#[test]
fn a_kill_before_a_stuck_disk_loses_nothing_that_is_stored() {
    let (mut run, a, b) = talking(7);
    run.turn_disk(b, DiskState::Stuck);
    let id = run.write(a, b, "hello");
    run.run_for(secs(10));
    assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Received));
    run.turn_disk(b, DiskState::Stuck);
    run.restart(b);
    run.turn_disk(b, DiskState::Writes(millis(0)));
    run.run_for(secs(120));
    assert_eq!((run.mark(a, id), run.kept(b, "hello")), (Some(Mark::Stored), 1));
}

#[test]
fn a_full_disk_of_the_writer_stops_no_dm() {
    for state in [DiskState::Full, DiskState::Stuck] {
        let (mut run, a, b) = talking(8);
        run.turn_disk(a, state);
        run.write(a, b, "hello");
        run.post(a, "to all");
        run.run_for(secs(60));
        let mut texts = run.texts(b);
        texts.sort();
        assert_eq!(texts, ["DM hello", "POST to all"], "{state:?}");
        assert_eq!(run.false_marks(), []);
    }
}

#[test]
fn without_a_history_a_dm_is_received_and_never_stored() {
    let mut run = Run::new(9);
    let hosts = run.hosts(2);
    let (a, b) = (run.peer(hosts[0], "p0"), run.start(hosts[1], lsnp::sim::Setup::named("p1").forgetful()));
    run.run_for(secs(10));
    let id = run.write(a, b, "hello");
    run.write(b, a, "hello back");
    run.run_for(secs(1));
    assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Received));
    run.forget_frames();
    run.run_for(secs(600));
    assert_eq!((run.texts(a), run.texts(b)), (vec!["DM hello back".to_owned()], vec!["DM hello".to_owned()]));
    assert_eq!(run.mark(a, id), Some(Mark::Received));
    let (from, to) = (run.address(a), run.address(b));
    let again = run.frames().iter().filter(|f| f.kind() == "DM" && f.from == from && f.to == to).count();
    assert!(again <= 3, "{again} more tries for what is received");
}

#[test]
fn a_disk_that_fails_now_and_then_keeps_the_marks_true() {
    let (mut run, a, b) = talking(10);
    let states = [DiskState::Full, DiskState::Writes(millis(10)), DiskState::Stuck, DiskState::Writes(millis(200))];
    let mut ids = Vec::new();
    for number in 0..100_usize {
        run.turn_disk(b, states[number / 5 % 4]);
        run.turn_disk(a, states[number / 7 % 4]);
        ids.push(run.write(a, b, &format!("dm {number}")));
        run.run_for(millis(700));
    }
    run.turn_disk(a, DiskState::Writes(millis(0)));
    run.turn_disk(b, DiskState::Writes(millis(0)));
    run.run_for(secs(300));
    let mut texts = run.texts(b);
    texts.sort();
    let mut expected: Vec<String> = (0..100).map(|n| format!("DM dm {n}")).collect();
    expected.sort();
    assert_eq!(texts, expected, "each is told once");
    assert_eq!(run.false_marks(), []);
    for (number, id) in ids.iter().enumerate() {
        let last = run.told_marks(a, *id).last().copied();
        assert!(last.is_some_and(Mark::is_delivered), "{number}: {last:?}");
        assert!(last != Some(Mark::Stored) || run.kept(b, &format!("dm {number}")) == 1, "{number}");
    }
}

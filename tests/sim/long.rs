//! Texts of up to 64 KiB travel whole, in pieces that their readers pull.

use lsnp::engine::{Command, CommandError, Mark, Whom};
use lsnp::sim::{Air, OlderKind, ProgramId, Setup};
use lsnp::wire::LONG_MAX;

use super::letters::holds;
use super::run::{Run, millis, secs};

/// A text of so many bytes in which no two pieces are the same.
fn text(bytes: usize, word: &str) -> String {
    let mut text = String::with_capacity(bytes + 16);
    let mut number = 0;
    while text.len() < bytes {
        text.push_str(&format!("{word} {number:06}\n"));
        number += 1;
    }
    text.truncate(bytes);
    text
}

/// Datagrams by which pieces are asked for.
fn requests(run: &Run) -> usize {
    run.frames().iter().filter(|frame| frame.kind() == "CHUNK_REQUEST").count()
}

#[test]
fn a_long_dm_comes_whole() {
    for (loss, size) in [(0.0, 2_000), (0.0, LONG_MAX), (0.3, LONG_MAX), (0.3, 20_000)] {
        let (mut run, a, b) = Run::pair(1);
        run.air = Air { loss, jitter: millis(20), duplicate: 0.1, ..Air::default() };
        let said = text(size, "canary-1");
        let since = run.now();
        let id = run.write(a, b, &said);
        let done =
            run.run_while(secs(120), millis(100), |lan| lan.disk(a).history().marks()[&id.to_string()] == Mark::Stored);
        assert!(done, "{size} bytes at {loss}: {:?}", run.told_marks(a, id));
        eprintln!("a DM of {size} bytes at {:.0} % loss: {:?}", loss * 100.0, run.now().since(since));
        assert_eq!(run.texts(b), [format!("DM {said}")]);
        assert_eq!(run.kept(b, &said), 1);
        assert_eq!(run.false_marks(), []);
        assert!(run.frames().iter().all(|frame| frame.payload.len() <= 1_200));
        assert!(!run.frames().iter().any(|frame| holds(&frame.payload, "canary-1")), "nobody else can read it");
        let pieces = size.div_ceil(600) + 10;
        assert!(requests(&run) <= pieces * if loss > 0.0 { 8 } else { 2 }, "{} requests", requests(&run));
    }
}

#[test]
fn a_long_post_comes_whole_to_all() {
    for loss in [0.0, 0.3] {
        let mut run = Run::new(2);
        let all = run.crowd(6);
        run.run_for(secs(15));
        run.air = Air { loss, jitter: millis(20), duplicate: 0.1, ..Air::default() };
        let said = text(LONG_MAX, "a long post");
        let since = run.now();
        run.post(all[0], &said);
        let has = |lan: &lsnp::sim::Lan, id: &ProgramId| {
            lan.disk(*id).history().rows().iter().any(|row| row.entry.text == said)
        };
        let done = run.run_while(secs(300), secs(1), |lan| all.iter().all(|id| has(lan, id)));
        assert!(done, "at {loss}: {:?}", all.iter().map(|id| has(&run, id)).collect::<Vec<_>>());
        eprintln!("a POST of 64 KiB to five at {:.0} % loss: {:?}", loss * 100.0, run.now().since(since));
        run.run_for(secs(60));
        for id in &all[1..] {
            assert_eq!(run.texts(*id), [format!("POST {said}")]);
        }
        assert!(all.iter().all(|id| run.ordered(*id).len() == 1));
        assert!(run.frames().iter().all(|frame| frame.payload.len() <= 1_200));
    }
}

#[test]
fn longer_texts_are_refused_with_the_limit() {
    let (mut run, a, b) = Run::pair(3);
    let to = Whom::Key(run.key_of(b));
    for command in [Command::Post { text: text(LONG_MAX + 1, "x") }, Command::Dm { to, text: text(LONG_MAX + 1, "x") }]
    {
        let refused = run.command(a, command).unwrap_err();
        assert_eq!(refused, CommandError::TextTooLong { bytes: LONG_MAX + 1, max: LONG_MAX });
    }
    run.run_for(secs(5));
    assert_eq!(run.texts(b), Vec::<String>::new());
}

#[test]
fn pieces_that_are_not_what_was_asked_for_count_for_nothing() {
    let (mut run, a, b) = Run::pair(4);
    run.air = Air { corrupt: 0.2, ..Air::default() };
    let said = text(LONG_MAX, "whole");
    let id = run.write(a, b, &said);
    let done = run.run_while(secs(300), secs(1), |lan| lan.disk(a).history().marks()[&id.to_string()] == Mark::Stored);
    assert!(done, "{:?}", run.told_marks(a, id));
    assert_eq!(run.texts(b), [format!("DM {said}")]);
}

#[test]
fn a_long_post_comes_from_others_when_its_author_has_left() {
    let mut run = Run::new(5);
    let hosts = run.hosts(4);
    let all: Vec<ProgramId> = (0..3).map(|n| run.peer(hosts[n], &format!("p{n}"))).collect();
    run.run_for(secs(15));
    // One of two hears of it late: it is in the middle of it when the author leaves.
    run.wall_off(&hosts[2..3], 1);
    let said = text(40_000, "from others");
    run.post(all[0], &said);
    run.run_for(secs(20));
    assert_eq!(run.kept(all[1], &said), 1);
    run.wall_off(&hosts[2..3], 0);
    run.run_for(secs(1));
    run.leave(all[0]);
    let late = run.peer(hosts[3], "late");
    for id in [all[2], late] {
        let done = run.run_while(secs(120), secs(1), |lan| {
            lan.disk(id).history().rows().iter().any(|row| row.entry.text == said)
        });
        assert!(done, "{id:?}: {:?}", run.texts(id).iter().map(String::len).collect::<Vec<_>>());
    }
    assert_eq!((run.ordered(late), run.ordered(all[2])), (run.ordered(all[1]), run.ordered(all[1])));
}

#[test]
fn an_author_who_leaves_in_the_middle_is_gone_and_others_who_have_it_serve_it() {
    let mut run = Run::new(6);
    let all = run.crowd(3);
    run.run_for(secs(15));
    run.air.delay = millis(20);
    let said = text(LONG_MAX, "in the middle");
    run.post(all[0], &said);
    run.run_for(millis(300));
    run.stop(all[0]);
    run.run_for(secs(60));
    let have: usize = all[1..].iter().map(|id| run.kept(*id, &said)).sum();
    run.restart(all[0]);
    let done = run.run_while(secs(600), secs(5), |lan| {
        all.iter().all(|id| lan.disk(*id).history().rows().iter().any(|row| row.entry.text == said))
    });
    assert!(done, "{have} had it without the author");
    for id in &all[1..] {
        assert_eq!(run.texts(*id), [format!("POST {said}")], "told once and whole");
    }
}

#[test]
fn a_long_dm_waits_for_its_reader_over_restarts() {
    let (mut run, a, b) = Run::pair(7);
    run.leave(b);
    run.run_for(secs(400));
    let said = text(30_000, "later");
    let id = run.write(a, b, &said);
    run.restart(a);
    run.run_for(secs(30));
    run.restart(b);
    run.run_for(secs(60));
    assert_eq!(run.texts(b), [format!("DM {said}")]);
    assert_eq!(run.mark(a, id), Some(Mark::Stored));
}

#[test]
fn a_reader_who_restarts_in_the_middle_gets_it_all_the_same() {
    for after in [5, 30, 100, 400] {
        let (mut run, a, b) = Run::pair(8);
        run.air.delay = millis(10);
        let said = text(LONG_MAX, "again");
        let id = run.write(a, b, &said);
        run.run_for(millis(after));
        run.restart(b);
        run.run_for(secs(120));
        assert_eq!(run.kept(b, &said), 1, "killed after {after} ms");
        assert_eq!(run.mark(a, id), Some(Mark::Stored));
        assert!(run.texts(b).len() <= 1);
    }
}

#[test]
fn an_older_client_is_refused_what_one_datagram_does_not_hold() {
    for kind in [OlderKind::Reference, OlderKind::Spaced] {
        let mut run = Run::new(9);
        let hosts = run.hosts(2);
        let (a, old) = (run.peer(hosts[0], "p0"), run.older(hosts[1], kind, "dave"));
        run.run_for(secs(40));
        let to = Whom::Peer(run.id_of(a, "dave"));
        let refused = run.command(a, Command::Dm { to, text: text(5_000, "x") }).unwrap_err();
        let CommandError::TextTooLong { bytes, max } = refused else { panic!("{refused:?}") };
        assert!(bytes >= 5_000 && (500..1_200).contains(&max), "{bytes} {max}");
        // A post goes to those of our kind, and never in part to others.
        let _ = run.command(a, Command::Post { text: text(5_000, "x") });
        run.run_for(secs(5));
        assert!(run.older_client(old).shown.iter().all(|shown| shown.text.is_empty() || shown.kind == "PROFILE"));
    }
}

#[test]
fn a_peer_of_version_0_1_0_is_refused_as_well() {
    let mut run = Run::new(10);
    let hosts = run.hosts(2);
    let (a, b) = (run.peer(hosts[0], "p0"), run.start(hosts[1], Setup::named("p1").unsigned()));
    run.run_for(secs(15));
    let to = Whom::Peer(run.id_of(a, "p1"));
    let refused = run.command(a, Command::Dm { to, text: text(5_000, "x") }).unwrap_err();
    assert!(matches!(refused, CommandError::TextTooLong { .. }), "{refused:?}");
    run.run_for(secs(5));
    assert_eq!(run.texts(b), Vec::<String>::new());
}

#[test]
fn many_long_texts_at_once_are_pulled_in_turn() {
    let (mut run, a, b) = Run::pair(11);
    let texts: Vec<String> = (0..6).map(|n| text(20_000, &format!("text {n}"))).collect();
    let ids: Vec<_> = texts.iter().map(|said| run.write(a, b, said)).collect();
    run.run_for(secs(300));
    for said in &texts {
        assert_eq!(run.kept(b, said), 1);
    }
    assert!(ids.iter().all(|id| run.mark(a, *id) == Some(Mark::Stored)));
    let mut told = run.texts(b);
    told.sort();
    assert_eq!(told, texts.iter().map(|said| format!("DM {said}")).collect::<Vec<_>>());
}

#[test]
fn pulls_of_what_is_nowhere_end() {
    let (mut run, a, b) = Run::pair(12);
    let said = text(LONG_MAX, "gone");
    run.write(a, b, &said);
    run.run_for(millis(1));
    run.stop(a);
    run.run_for(secs(30));
    run.forget_frames();
    run.run_for(secs(600));
    assert!(requests(&run) <= 20, "{} more requests", requests(&run));
    assert_eq!(run.texts(b), Vec::<String>::new());
}

#[test]
fn a_long_post_is_in_the_history_of_who_restarts_and_served_by_it() {
    let mut run = Run::new(13);
    let hosts = run.hosts(3);
    let (a, b) = (run.peer(hosts[0], "p0"), run.peer(hosts[1], "p1"));
    run.run_for(secs(15));
    let said = text(LONG_MAX, "kept");
    run.post(a, &said);
    run.run_for(secs(30));
    run.leave(a);
    run.restart(b);
    run.run_for(secs(10));
    let c = run.peer(hosts[2], "p2");
    run.run_for(secs(60));
    assert_eq!(run.kept(c, &said), 1);
    assert_eq!(run.texts(c), [format!("POST {said}")]);
}

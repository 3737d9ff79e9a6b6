//! Sessions: what two live peers exchange after a letter and its answer.

use std::collections::BTreeSet;

use lsnp::engine::Socket;
use lsnp::sim::{Air, Frame, ProgramId};

use super::run::{Run, millis, secs};

/// What the DMs since the last call were: `1` for a letter, `2` for a frame of a session, which an ACK has as well.
fn forms(run: &mut Run) -> Vec<String> {
    let sealed = run.frames().iter().filter(|frame| frame.kind() == "DM");
    let forms = sealed.map(|frame| frame.value("SEAL").unwrap_or("plain").to_owned()).collect();
    run.forget_frames();
    forms
}

fn say(run: &mut Run, from: ProgramId, to: &str, text: &str) {
    run.dm(from, to, text);
    run.run_for(millis(50));
}

#[test]
fn a_session_begins_with_the_answer_to_a_letter() {
    let (mut run, a, b) = Run::pair(1);
    run.forget_frames();
    say(&mut run, a, "p1", "one");
    say(&mut run, a, "p1", "two");
    assert_eq!(forms(&mut run), ["1", "2", "2", "2"], "the ACK of a letter is an answer");
    say(&mut run, b, "p0", "three");
    say(&mut run, a, "p1", "four");
    say(&mut run, b, "p0", "five");
    assert_eq!(forms(&mut run), ["2"; 6]);
    assert_eq!(run.texts(b), ["DM one", "DM two", "DM four"]);
    assert_eq!(run.texts(a), ["DM three", "DM five"]);
}

#[test]
fn a_frame_holds_no_signature_and_nothing_that_can_be_read() {
    let (mut run, a, b) = Run::pair(2);
    say(&mut run, a, "p1", "one");
    say(&mut run, b, "p0", "two");
    let frame = run.frames().iter().rev().find(|frame| frame.value("SEAL") == Some("2")).unwrap().clone();
    let text = String::from_utf8(frame.payload.to_vec()).unwrap();
    assert!(text.starts_with("TYPE:DM\nSEAL:2\nKID:"), "{text}");
    for key in ["SIG", "PK", "SEQ", "CONTENT", "TIMESTAMP"] {
        assert_eq!(frame.value(key), None, "{text}");
    }
}

#[test]
fn a_session_ends_with_the_start_of_the_peer() {
    for leaves in [false, true] {
        let (mut run, a, b) = Run::pair(3);
        say(&mut run, a, "p1", "one");
        say(&mut run, b, "p0", "two");
        if leaves {
            run.leave(b);
        }
        run.restart(b);
        run.run_for(secs(5));
        run.forget_frames();
        say(&mut run, a, "p1", "three");
        assert_eq!(forms(&mut run), ["1", "2"]);
        say(&mut run, b, "p0", "four");
        say(&mut run, a, "p1", "five");
        assert_eq!(forms(&mut run), ["2"; 4]);
        assert_eq!(run.texts(b), ["DM one", "DM three", "DM five"]);
        assert_eq!(run.texts(a), ["DM two", "DM four"]);
    }
}

#[test]
fn our_own_restart_ends_the_session_as_well() {
    let (mut run, a, b) = Run::pair(4);
    say(&mut run, a, "p1", "one");
    say(&mut run, b, "p0", "two");
    run.restart(a);
    run.run_for(secs(5));
    run.forget_frames();
    say(&mut run, b, "p0", "three");
    say(&mut run, a, "p1", "four");
    assert_eq!(forms(&mut run), ["1", "2", "2", "2"]);
    assert_eq!(run.texts(a).last().unwrap(), "DM three");
    assert_eq!(run.texts(b).last().unwrap(), "DM four");
}

#[test]
fn both_may_open_one_at_once_and_then_use_the_same() {
    for seed in 0..10 {
        let (mut run, a, b) = Run::pair(10 + seed);
        run.forget_frames();
        run.dm(a, "p1", "from a");
        run.dm(b, "p0", "from b");
        run.run_for(millis(50));
        assert_eq!(forms(&mut run), ["1", "1", "2", "2"]);
        run.dm(a, "p1", "again from a");
        run.dm(b, "p0", "again from b");
        run.run_for(millis(50));
        say(&mut run, a, "p1", "third from a");
        say(&mut run, b, "p0", "third from b");
        let kids = run.frames().iter().filter(|frame| frame.value("SEAL") == Some("2"));
        let last: Vec<String> = kids.filter_map(|frame| frame.value("KID")).map(|kid| kid[..11].to_owned()).collect();
        assert_eq!(last.len(), 8, "four texts and their ACKs");
        assert!(last[4..].iter().all(|kid| *kid == last[4]), "both use the session whose letter the lower key wrote");
        assert_eq!(run.texts(b), ["DM from a", "DM again from a", "DM third from a"]);
        assert_eq!(run.texts(a), ["DM from b", "DM again from b", "DM third from b"]);
    }
}

#[test]
fn no_counter_is_used_twice_under_a_key() {
    let mut run = Run::new(30);
    let all = run.crowd(3);
    run.run_for(secs(10));
    run.air = Air { loss: 0.2, duplicate: 0.3, jitter: millis(100), ..Air::default() };
    for round in 0..200_usize {
        let (one, other) = (round % 3, (round / 3 + 1) % 3);
        if run.peers_of(all[one]).iter().any(|peer| peer.raw_name() == format!("p{other}")) && one != other {
            say(&mut run, all[one], &format!("p{other}"), &format!("round {round}"));
        }
        if round % 50 == 49 {
            run.restart(all[round % 3]);
            run.run_for(secs(10));
        }
    }
    let mut used: BTreeSet<(String, String)> = BTreeSet::new();
    let mut frames = 0;
    for frame in run.frames().iter().filter(|frame| frame.value("SEAL") == Some("2")) {
        let place = (frame.value("KID").unwrap().to_owned(), frame.value("NO").unwrap().to_owned());
        assert!(used.insert(place.clone()), "{place:?} twice");
        frames += 1;
    }
    assert!(frames > 30, "{frames}");
}

#[test]
fn frames_in_any_order_are_shown_once() {
    let (mut run, a, b) = Run::pair(31);
    say(&mut run, a, "p1", "letter");
    say(&mut run, b, "p0", "answer");
    run.forget_frames();
    run.air.loss = 1.0;
    for n in 0..16 {
        run.dm(a, "p1", &format!("number {n:02}"));
        run.run_for(millis(20));
    }
    run.air.loss = 0.0;
    let frames: Vec<Frame> = run.frames().iter().filter(|frame| frame.kind() == "DM").cloned().collect();
    assert_eq!(frames.len(), 16);
    for at in (0..16).rev().chain(0..16).chain([5, 15, 0]) {
        run.deliver(&frames[at], None, b);
    }
    let mut texts = run.texts(b)[1..].to_vec();
    texts.sort();
    assert_eq!(texts, (0..16).map(|n| format!("DM number {n:02}")).collect::<Vec<_>>());
}

#[test]
fn a_letter_that_is_sent_again_opens_no_old_session() {
    let (mut run, a, b) = Run::pair(32);
    run.forget_frames();
    say(&mut run, a, "p1", "one");
    say(&mut run, b, "p0", "two");
    say(&mut run, a, "p1", "three");
    let said: Vec<Frame> = run.frames().iter().filter(|frame| frame.kind() == "DM").cloned().collect();
    for restarts in [vec![], vec![b], vec![a], vec![a, b]] {
        for id in &restarts {
            run.restart(*id);
        }
        run.run_for(secs(5));
        run.take_events(a);
        run.take_events(b);
        run.forget_frames();
        for frame in said.iter().chain(&said) {
            let to = if frame.to == run.address(b) { b } else { a };
            run.deliver(frame, None, to);
            run.run_for(millis(50));
        }
        assert_eq!((run.texts(a), run.texts(b)), (vec![], vec![]), "{restarts:?}");
        assert!(!run.frames().iter().any(|frame| frame.kind() == "DM"), "nobody answers");
        say(&mut run, b, "p0", "still private");
        assert_eq!(run.texts(a), ["DM still private"]);
    }
}

#[test]
fn an_unknown_session_gets_no_reply() {
    let (mut run, a, b) = Run::pair(33);
    say(&mut run, a, "p1", "one");
    say(&mut run, b, "p0", "two");
    run.air.loss = 1.0;
    run.dm(a, "p1", "three");
    // It does not try again.
    run.stop(a);
    run.air.loss = 0.0;
    let frame = run.frames().iter().rev().find(|frame| frame.kind() == "DM").unwrap().clone();
    let text = String::from_utf8(frame.payload.to_vec()).unwrap();
    let kid = frame.value("KID").unwrap().to_owned();
    run.run_for(secs(20));
    run.forget_frames();
    let other = |c: &str| if c == "A" { "B" } else { "A" };
    let mut wrong = vec![
        text.replace(&kid[..11], "AAAAAAAAAAA"),
        text.replace(&kid[12..20], "AAAAAAAA"),
        text.replace("MESSAGE_ID:", "MESSAGE_ID:0"),
        text.replace("\nNO:", "\nNO:1"),
    ];
    let at = text.find("BOX:").unwrap() + 4;
    for place in at..text.len() - 2 {
        let mut changed = text.clone();
        changed.replace_range(place..=place, other(&text[place..=place]));
        wrong.push(changed);
    }
    for bytes in &wrong {
        run.inject(frame.from, b, Socket::Unicast, bytes.as_bytes());
    }
    run.run_for(millis(500));
    assert_eq!(run.texts(b), ["DM one"]);
    assert!(!run.frames().iter().any(|sent| sent.from == run.address(b) && sent.to == frame.from));
    run.deliver(&frame, None, b);
    assert_eq!(run.texts(b), ["DM one", "DM three"], "what was wrong does not keep out what is right");
}

#[test]
fn a_frame_from_anywhere_is_the_peers_and_moves_it_nowhere() {
    let (mut run, a, b) = Run::pair(34);
    say(&mut run, a, "p1", "one");
    say(&mut run, b, "p0", "two");
    let before = run.known(b);
    run.air.loss = 1.0;
    run.dm(a, "p1", "three");
    run.air.loss = 0.0;
    let frame = run.frames().iter().rev().find(|frame| frame.kind() == "DM").unwrap().clone();
    run.deliver(&frame, Some("10.0.66.6:8666".parse().unwrap()), b);
    run.run_for(secs(3));
    assert_eq!(run.shown_of(b, run.key_of(a)), ["DM one", "DM three"]);
    assert_eq!(run.known(b), before);
}

//! Letters for somebody who is not here are carried by others, and word of their arrival comes back.

use lsnp::engine::{Event, Mark, Socket};
use lsnp::sim::{Frame, ProgramId};
use lsnp::wire::{Carry, OwnMessageId};

use super::forged::stranger;
use super::letters::holds;
use super::run::{Run, millis, secs};
use super::signer::Signer;

const DAY: u64 = 24 * 3_600;

/// So many peers that know each other; the second one leaves.
fn without_reader(seed: u64, count: usize) -> (Run, Vec<ProgramId>) {
    let mut run = Run::new(seed);
    let all = run.crowd(count);
    run.run_for(secs(20));
    assert!(run.all_know_all(&all));
    run.leave(all[1]);
    run.run_for(secs(5));
    (run, all)
}

fn dms(run: &Run, of: ProgramId) -> Vec<(String, bool)> {
    let dms = run.events(of).iter().filter_map(|(_, event)| match event {
        Event::Dm { text, told, private: true, .. } => Some((text.raw().to_owned(), told.late)),
        _ => None,
    });
    dms.collect()
}

/// Datagrams of others that were passed on.
fn carries(run: &Run) -> Vec<Frame> {
    run.frames()
        .iter()
        .filter(|frame| frame.kind() == "CARRY" || frame.payload.starts_with(b"TYPE:CARRY"))
        .cloned()
        .collect()
}

#[test]
fn a_letter_reaches_its_reader_when_its_writer_is_gone_and_the_ack_comes_back() {
    let (mut run, all) = without_reader(1, 5);
    let (a, b) = (all[0], all[1]);
    let id = run.write(a, b, "canary-1: see you");
    run.run_for(secs(5));
    let carriers = all[2..].iter().filter(|id| !run.disk(**id).history().carried().is_empty()).count();
    assert!((1..=3).contains(&carriers), "{carriers} carry it");
    run.leave(a);
    run.run_for(secs(3_600));
    run.restart(b);
    run.run_for(secs(10));
    assert_eq!(dms(&run, b), [("canary-1: see you".to_owned(), true)]);
    assert_eq!(run.mark(a, id), Some(Mark::Waiting), "nobody told it yet");
    run.leave(b);
    run.run_for(secs(60));
    run.restart(a);
    run.run_for(secs(10));
    assert_eq!(run.mark(a, id), Some(Mark::Stored));
    assert_eq!(run.false_marks(), []);
    run.restart(b);
    run.run_for(secs(120));
    assert_eq!((dms(&run, b).len(), run.kept(b, "canary-1: see you")), (1, 1));
    for carrier in &all[2..] {
        let letters =
            run.disk(*carrier).history().carried().iter().filter(|one| one.raw.starts_with(b"TYPE:DM")).count();
        assert_eq!(letters, 0, "nobody carries what has arrived");
    }
    assert!(!run.frames().iter().any(|frame| holds(&frame.payload, "canary-1")), "nobody else can read it");
}

#[test]
fn a_letter_is_carried_for_days_over_kills_of_its_carriers() {
    for day in [1, 6] {
        let (mut run, all) = without_reader(2, 4);
        run.capture = false;
        let (a, b) = (all[0], all[1]);
        run.write(a, b, "see you");
        run.run_for(secs(5));
        run.leave(a);
        for round in 0..day {
            run.run_for(secs(DAY));
            for carrier in &all[2..] {
                if round % 2 == 0 {
                    run.stop(*carrier)
                } else {
                    run.leave(*carrier)
                }
                run.run_for(secs(5));
                run.restart(*carrier);
            }
        }
        run.run_for(secs(60));
        run.restart(b);
        run.run_for(secs(20));
        assert_eq!(dms(&run, b), [("see you".to_owned(), true)], "after {day} days");
    }
}

#[test]
fn a_letter_is_carried_no_longer_than_seven_days() {
    let (mut run, all) = without_reader(3, 4);
    run.capture = false;
    let (a, b) = (all[0], all[1]);
    run.write(a, b, "too late");
    run.run_for(secs(5));
    run.leave(a);
    run.run_for(secs(7 * DAY + 7_200));
    run.restart(b);
    run.run_for(secs(60));
    assert_eq!(dms(&run, b), []);
    run.restart(all[2]);
    run.run_for(secs(60));
    assert_eq!(dms(&run, b), []);
    assert_eq!(run.disk(all[2]).history().carried().len(), 0);
}

#[test]
fn a_letter_that_comes_from_its_writer_and_from_carriers_is_shown_once() {
    for seed in 0..super::run::seeds(5) {
        let (mut run, all) = without_reader(400 + seed, 6);
        let (a, b) = (all[0], all[1]);
        let ids: Vec<OwnMessageId> = (0..10).map(|n| run.write(a, b, &format!("dm {n}"))).collect();
        run.run_for(secs(400));
        run.air.loss = 0.2;
        run.air.jitter = millis(50);
        run.restart(b);
        run.run_for(secs(60));
        run.air.loss = 0.0;
        run.restart(b);
        run.run_for(secs(300));
        let mut texts: Vec<String> = dms(&run, b).into_iter().map(|(text, _)| text).collect();
        texts.sort();
        assert_eq!(texts, (0..10).map(|n| format!("dm {n}")).collect::<Vec<_>>());
        assert!(ids.iter().all(|id| run.mark(a, *id) == Some(Mark::Stored)));
        assert_eq!(run.false_marks(), []);
    }
}

#[test]
fn a_carrier_keeps_so_much_of_one_author_and_no_more() {
    let (mut run, all) = without_reader(5, 3);
    run.capture = false;
    let (a, b, c) = (all[0], all[1], all[2]);
    for number in 0..250 {
        run.write(a, b, &format!("{number} {}", "x".repeat(400)));
        run.run_for(millis(100));
    }
    let bytes: usize = run.disk(c).history().carried().iter().map(|one| one.raw.len()).sum();
    assert!(bytes > 32 << 10 && bytes <= 64 << 10, "{bytes}");
    run.restart(c);
    run.run_for(secs(20));
    let bytes: usize = run.disk(c).history().carried().iter().map(|one| one.raw.len()).sum();
    assert!(bytes <= 64 << 10, "{bytes}");
    run.restart(b);
    run.run_for(secs(120));
    assert_eq!(dms(&run, b).len(), 250);
}

#[test]
fn what_is_forged_or_too_old_is_not_carried() {
    let (mut run, all) = without_reader(6, 3);
    let (a, b, c) = (all[0], all[1], all[2]);
    run.write(a, b, "hello");
    run.run_for(secs(1));
    let genuine = carries(&run).into_iter().find(|frame| frame.to == run.address(c)).expect("c is asked to carry it");
    let from = run.address(a);
    // Delivered is what c has; another carrier is asked for what it has not.
    let carried = |run: &Run, id| run.disk(id).history().carried().len();
    assert_eq!(carried(&run, c), 1);
    let carry = Carry::of(&genuine.payload).unwrap().unwrap();
    let inner = carry.inner.to_vec();
    let at = inner.len() / 2;
    let mut out = Vec::new();
    // Turned anywhere.
    for bit in (0..inner.len() * 8).step_by(97) {
        let mut inner = inner.clone();
        inner[bit / 8] ^= 1 << (bit % 8);
        Carry { inner: &inner, ..carry }.encode(&mut out);
        run.inject(from, c, Socket::Unicast, &out);
    }
    assert_eq!(carried(&run, c), 1, "{at}");
    // Of somebody who says that it is the author.
    let mut liar = Signer::new(1, "liar", stranger());
    assert!(liar.meets(&mut run, c));
    let sid = lsnp::wire::Sid::parse(&liar.sid).unwrap();
    Carry { sid, ..carry }.encode(&mut out);
    run.inject(liar.at, c, Socket::Unicast, &out);
    // Another letter, older than a week.
    run.stop(c);
    run.write(a, b, "old");
    run.restart(c);
    let ages = [7 * DAY as u32, 8 * DAY as u32, u32::MAX];
    run.forget_frames();
    run.run_for(secs(20));
    let second = carries(&run).into_iter().rfind(|frame| frame.to == run.address(c));
    let before = carried(&run, c);
    if let Some(second) = second {
        let carry = Carry::of(&second.payload).unwrap().unwrap();
        for age in ages {
            Carry { age, ..carry }.encode(&mut out);
            run.inject(from, c, Socket::Unicast, &out);
        }
    }
    assert_eq!(carried(&run, c), before);
}

#[test]
fn what_is_carried_to_a_reader_is_looked_at_as_if_it_came_from_its_author() {
    let (mut run, all) = without_reader(7, 4);
    let (a, b, c) = (all[0], all[1], all[2]);
    run.write(a, b, "hello");
    run.run_for(secs(1));
    let genuine = carries(&run).into_iter().next().unwrap();
    run.leave(a);
    run.air.loss = 1.0;
    run.restart(b);
    run.run_for(secs(1));
    run.air.loss = 0.0;
    run.run_for(secs(1));
    let carry = Carry::of(&genuine.payload).unwrap().unwrap();
    let inner = carry.inner.to_vec();
    let sid = lsnp::wire::Sid::parse(&run.sid_of(c)).unwrap();
    let mut out = Vec::new();
    for bit in (0..inner.len() * 8).step_by(53) {
        let mut inner = inner.clone();
        inner[bit / 8] ^= 1 << (bit % 8);
        Carry { sid, inner: &inner, ..carry }.encode(&mut out);
        let from = run.address(c);
        run.inject(from, b, Socket::Unicast, &out);
    }
    run.run_for(secs(60));
    assert!(dms(&run, b).iter().all(|(text, _)| text == "hello") && dms(&run, b).len() <= 1, "{:?}", dms(&run, b));
}

#[test]
fn a_stranger_who_carries_is_sent_little_and_makes_nobody_carry() {
    let (mut run, all) = without_reader(8, 3);
    let (a, b, c) = (all[0], all[1], all[2]);
    run.write(a, b, "hello");
    run.run_for(secs(1));
    let genuine = carries(&run).into_iter().next().unwrap();
    let before = run.disk(c).history().carried().len();
    run.forget_frames();
    for _ in 0..100 {
        run.inject(stranger(), c, Socket::Unicast, &genuine.payload);
        run.run_for(millis(100));
    }
    run.run_for(secs(60));
    let back: usize = run.frames().iter().filter(|f| f.to.ip() == stranger().ip()).map(|f| f.payload.len()).sum();
    assert!(back <= 3 * 100 * genuine.payload.len(), "{back}");
    assert_eq!(run.disk(c).history().carried().len(), before);
}

#[test]
fn a_flood_of_letters_to_carry_takes_bounded_room() {
    let (mut run, all) = without_reader(9, 3);
    run.capture = false;
    let c = all[2];
    let reader = run.key_of(all[1]);
    for number in 0..40 {
        run.capture = true;
        let mut flooder =
            Signer::new(number, &format!("f{number}"), format!("10.0.150.{}:8500", number + 1).parse().unwrap());
        assert!(flooder.meets(&mut run, c), "{number}");
        run.forget_frames();
        run.capture = false;
        let sid = lsnp::wire::Sid::parse(&flooder.sid).unwrap();
        for letter in 0..100 {
            let (label, id, text) = (flooder.label.clone(), format!("{number:08x}{letter:08x}"), "A".repeat(900));
            let inner = flooder.says(
                "DM",
                &[
                    ("FROM", &label),
                    ("TO", "p1@10.0.0.2"),
                    ("SEAL", "1"),
                    ("KID", "0000002a"),
                    ("MESSAGE_ID", &id),
                    ("BOX", &text),
                ],
            );
            let mut out = Vec::new();
            Carry { sid, age: 0, to: Some(reader), inner: &inner }.encode(&mut out);
            run.inject(flooder.at, c, Socket::Unicast, &out);
        }
        run.run_for(secs(1));
    }
    let carried = run.disk(c).history().carried();
    let bytes: usize = carried.iter().map(|one| one.raw.len()).sum();
    assert!(bytes <= 1 << 20, "{bytes}");
    for number in 0..40 {
        let author = Signer::new(number, "x", stranger()).key();
        let of_one: usize = carried.iter().filter(|one| one.author == author).map(|one| one.raw.len()).sum();
        assert!(of_one <= 64 << 10, "{of_one}");
    }
}

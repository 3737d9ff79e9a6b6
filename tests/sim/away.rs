//! DMs to somebody who is not here, and to those who say nothing of delivery.

use lsnp::engine::{Command, CommandError, Event, Failure, Mark, Reply, Socket, Until, Whom, Word};
use lsnp::sim::{OlderKind, ProgramId};
use lsnp::wire::OwnMessageId;

use super::forged::datagram;
use super::run::{Run, millis, secs};

const DAY: u64 = 24 * 3_600;

/// Writes by key; what came back says that it waits.
fn write_away(run: &mut Run, from: ProgramId, to: ProgramId, text: &str) -> OwnMessageId {
    let to = Whom::Key(run.key_of(to));
    match run.command(from, Command::Dm { to, text: text.into() }) {
        Ok(Reply::Waiting { id, until: Until::Away, .. }) => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_dm_waits_for_its_reader_six_days_over_restarts_and_kills_of_its_writer() {
    for goodbye in [true, false] {
        let (mut run, a, b) = Run::pair(1);
        run.capture = false;
        if goodbye {
            run.leave(b)
        } else {
            run.stop(b)
        }
        run.run_for(secs(400));
        let id = write_away(&mut run, a, b, "see you");
        assert_eq!(run.mark(a, id), Some(Mark::Waiting));
        for day in 0..6 {
            run.run_for(secs(DAY));
            match day {
                1 => run.restart(a),
                3 => {
                    run.leave(a);
                    run.run_for(secs(60));
                    run.restart(a);
                }
                _ => {}
            }
        }
        assert_eq!(run.mark(a, id), Some(Mark::Waiting));
        run.restart(b);
        run.run_for(secs(5));
        assert_eq!(run.texts(b), ["DM see you"]);
        assert_eq!(run.mark(a, id), Some(Mark::Stored));
        let told = run.told_marks(a, id);
        assert_eq!(told.last(), Some(&Mark::Stored), "{told:?}");
        run.run_for(secs(600));
        assert_eq!(run.texts(b), ["DM see you"]);
    }
}

#[test]
fn a_dm_is_given_up_after_seven_days() {
    for restarts in [false, true] {
        let (mut run, a, b) = Run::pair(2);
        run.capture = false;
        run.leave(b);
        run.run_for(secs(400));
        let id = write_away(&mut run, a, b, "too late");
        run.run_for(secs(7 * DAY - 600));
        assert_eq!(run.mark(a, id), Some(Mark::Waiting));
        if restarts {
            run.stop(a);
            run.run_for(secs(DAY));
            run.restart(a);
            run.run_for(secs(300));
        } else {
            run.run_for(secs(DAY));
        }
        assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Failed(Failure::Expired)));
        assert_eq!(run.mark(a, id), Some(Mark::Failed(Failure::Expired)));
        run.restart(b);
        run.run_for(secs(600));
        assert_eq!(run.texts(b), Vec::<String>::new());
    }
}

#[test]
fn many_dms_come_in_their_order_when_the_reader_is_here_again() {
    let (mut run, a, b) = Run::pair(3);
    run.leave(b);
    run.run_for(secs(400));
    let texts: Vec<String> = (0..100).map(|n| format!("DM {n:03}")).collect();
    for text in &texts {
        write_away(&mut run, a, b, &text[3..]);
        run.run_for(secs(2));
    }
    run.restart(a);
    run.run_for(secs(20));
    run.restart(b);
    run.run_for(secs(30));
    assert_eq!(run.texts(b), texts);
    assert!(run.disk(a).history().marks().values().all(|mark| *mark == Mark::Stored));
}

#[test]
fn the_outbox_has_an_end_and_says_so() {
    let (mut run, a, b) = Run::pair(4);
    run.capture = false;
    run.leave(b);
    run.run_for(secs(400));
    let to = Whom::Key(run.key_of(b));
    let mut count = 0;
    loop {
        match run.command(a, Command::Dm { to, text: format!("{count}") }) {
            Ok(_) => count += 1,
            Err(CommandError::TooFast { retry_after }) => run.run_for(retry_after),
            Err(CommandError::TooManyWaiting) => break,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!((200..=512).contains(&count), "{count}");
    run.restart(b);
    run.run_for(secs(60));
    assert_eq!(run.texts(b).len(), count);
}

#[test]
fn a_dm_for_the_old_key_never_goes_to_a_new_one_of_the_same_name() {
    let (mut run, a, b) = Run::pair(5);
    run.capture = false;
    run.leave(b);
    run.run_for(secs(400));
    let old = run.disk(b).clone();
    let id = write_away(&mut run, a, b, "for the old one");
    run.reinstall(b);
    run.run_for(secs(60));
    assert!(run.when(a, |event| matches!(event, Event::KeyChanged { .. })).is_some());
    // The word that the new key is right is about what is written to the new one.
    let new = Whom::Key(run.key_of(b));
    run.command(a, Command::Judge { whom: new, word: Word::Trust }).unwrap();
    run.restart(a);
    run.run_for(secs(600));
    assert_eq!(run.texts(b), Vec::<String>::new());
    assert_eq!(run.mark(a, id), Some(Mark::Waiting));
    run.restart_from(b, old);
    run.run_for(secs(30));
    assert_eq!(run.texts(b), ["DM for the old one"]);
    assert_eq!(run.mark(a, id), Some(Mark::Stored));
}

#[test]
fn a_dm_to_a_new_key_waits_for_the_users_word_over_a_restart() {
    let (mut run, a, b) = Run::pair(6);
    run.leave(b);
    run.run_for(secs(5));
    run.reinstall(b);
    run.run_for(secs(10));
    let to = Whom::Key(run.key_of(b));
    let reply = run.command(a, Command::Dm { to, text: "is it you?".into() });
    let Ok(Reply::Waiting { id, until: Until::Word, .. }) = reply else { panic!("{reply:?}") };
    run.run_for(secs(60));
    run.restart(a);
    run.run_for(secs(60));
    run.restart(b);
    run.run_for(secs(60));
    assert_eq!((run.texts(b).len(), run.mark(a, id)), (0, Some(Mark::Waiting)));
    run.command(a, Command::Judge { whom: to, word: Word::Trust }).unwrap();
    run.run_for(secs(5));
    assert_eq!(run.texts(b), ["DM is it you?"]);
    assert_eq!(run.mark(a, id), Some(Mark::Stored));
}

#[test]
fn a_block_gives_up_what_waits() {
    for away in [true, false] {
        let (mut run, a, b) = Run::pair(7);
        if away {
            run.leave(b);
            run.run_for(secs(400));
        } else {
            run.air.loss = 1.0;
        }
        let id = run.write(a, b, "no");
        run.run_for(secs(1));
        let whom = Whom::Key(run.key_of(b));
        run.command(a, Command::Judge { whom, word: Word::Block }).unwrap();
        assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Failed(Failure::Blocked)));
        assert_eq!(run.mark(a, id), Some(Mark::Failed(Failure::Blocked)));
        run.air.loss = 0.0;
        if away {
            run.restart(b);
        }
        run.run_for(secs(5));
        run.command(a, Command::Judge { whom, word: Word::Unblock }).unwrap();
        run.restart(a);
        run.run_for(secs(120));
        assert_eq!(run.texts(b), Vec::<String>::new());
    }
}

#[test]
fn what_the_user_forgets_does_not_wait_any_more() {
    let (mut run, a, b) = Run::pair(8);
    run.leave(b);
    run.run_for(secs(400));
    let id = write_away(&mut run, a, b, "never mind");
    let whom = run.key_of(b);
    run.forget(a, whom).unwrap();
    assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Failed(Failure::Dropped)));
    run.restart(b);
    run.run_for(secs(120));
    run.restart(a);
    run.run_for(secs(120));
    assert_eq!(run.texts(b), Vec::<String>::new());
}

#[test]
fn nobody_is_written_to_who_was_never_here() {
    let (mut run, a, _) = Run::pair(9);
    let nobody = super::signer::Signer::new(9, "nobody", super::forged::stranger()).key();
    let refused = run.command(a, Command::Dm { to: Whom::Key(nobody), text: "hi".into() }).unwrap_err();
    assert_eq!(refused, CommandError::UnknownPeer);
}

/// A peer of ours and an older client that know each other.
fn beside(kind: OlderKind) -> (Run, ProgramId, ProgramId) {
    let mut run = Run::new(10);
    let hosts = run.hosts(2);
    let (a, old) = (run.peer(hosts[0], "p0"), run.older(hosts[1], kind, "dave"));
    run.run_for(secs(40));
    (run, a, old)
}

fn dm_to_older(run: &mut Run, a: ProgramId) -> OwnMessageId {
    let to = Whom::Peer(run.id_of(a, "dave"));
    match run.command(a, Command::Dm { to, text: "hello".into() }) {
        Ok(Reply::Sent { id, private: false, .. }) => id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_older_client_is_sent_a_dm_once() {
    for kind in [OlderKind::Reference, OlderKind::Spaced] {
        let (mut run, a, old) = beside(kind);
        run.air.loss = 1.0;
        let id = dm_to_older(&mut run, a);
        run.run_for(millis(1));
        run.air.loss = 0.0;
        run.run_for(secs(600));
        run.restart(a);
        run.run_for(secs(600));
        let (from, to) = (run.address(a), run.address(old));
        let dms = run.frames().iter().filter(|f| f.kind() == "DM" && f.from == from && f.to == to).count();
        assert_eq!(dms, 1);
        assert_eq!(run.mark(a, id), Some(Mark::Sent));
    }
}

#[test]
fn an_ack_of_an_older_client_counts_from_the_address_sent_to_only() {
    let (mut run, a, old) = beside(OlderKind::Reference);
    let id = dm_to_older(&mut run, a);
    let ack = |id: &str| datagram("ACK", &[("MESSAGE_ID", id), ("STATUS", "RECEIVED")]);
    let text = id.to_string();
    run.inject("10.0.200.7:8500".parse().unwrap(), a, Socket::Unicast, &ack(&text));
    run.inject("10.0.0.2:7777".parse().unwrap(), a, Socket::Unicast, &ack(&text));
    assert_eq!(run.mark(a, id), Some(Mark::Sent));
    let from = run.address(old);
    run.inject(from, a, Socket::Unicast, &ack("0123456789abcdef"));
    assert_eq!(run.mark(a, id), Some(Mark::Sent));
    run.inject(from, a, Socket::Unicast, &ack(&text));
    run.inject(from, a, Socket::Unicast, &ack(&text));
    assert_eq!(run.mark(a, id), Some(Mark::Acknowledged));
    let told = run.told_marks(a, id);
    assert_eq!(told.iter().filter(|mark| **mark == Mark::Acknowledged).count(), 1, "{told:?}");
}

#[test]
fn an_unsigned_ack_says_nothing_of_a_dm_to_a_key() {
    let (mut run, a, b) = Run::pair(12);
    run.air.loss = 1.0;
    let id = run.write(a, b, "hello");
    let from = run.address(b);
    for status in ["RECEIVED", "STORED"] {
        let ack = datagram("ACK", &[("MESSAGE_ID", &id.to_string()), ("STATUS", status)]);
        run.inject(from, a, Socket::Unicast, &ack);
    }
    run.run_for(secs(2));
    assert!(run.mark(a, id).is_some_and(Mark::is_open), "{:?}", run.mark(a, id));
}

#[test]
fn a_signed_ack_of_somebody_else_says_nothing() {
    let (mut run, a, b) = Run::pair(13);
    let mut liar = super::signer::Signer::new(1, "liar", super::forged::stranger());
    assert!(liar.meets(&mut run, a));
    run.air.loss = 1.0;
    let id = run.write(a, b, "hello").to_string();
    let ack = liar.says("ACK", &[("MESSAGE_ID", &id), ("STATUS", "STORED")]);
    liar.sends(&mut run, a, &ack);
    let from = run.address(b);
    run.inject(from, a, Socket::Unicast, &ack);
    run.run_for(secs(2));
    let mark = run.disk(a).history().marks()[&id];
    assert!(mark.is_open(), "{mark:?}");
}

#[test]
fn a_peer_of_version_0_1_0_gets_a_dm_as_before() {
    let mut run = Run::new(14);
    let hosts = run.hosts(2);
    let (a, b) = (run.peer(hosts[0], "p0"), run.start(hosts[1], lsnp::sim::Setup::named("p1").unsigned()));
    run.run_for(secs(10));
    run.dm(a, "p1", "hello");
    run.run_for(secs(60));
    assert_eq!(run.texts(b), ["DM hello"]);
    let dms = run.frames().iter().filter(|frame| frame.kind() == "DM").count();
    assert_eq!(dms, 1);
}

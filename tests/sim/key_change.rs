//! A name that comes with another key is never taken over in silence.

use lsnp::engine::{Command, CommandError, Event, Failure, Mark, Reply, Socket, Trust, Until, Whom, Word};
use lsnp::sim::{ProgramId, Setup};

use super::letters::holds;
use super::run::{Run, millis, secs};
use super::signer::Signer;

fn alerts(run: &Run, at: ProgramId) -> usize {
    run.events(at).iter().filter(|(_, event)| matches!(event, Event::KeyChanged { .. })).count()
}

fn verify(run: &mut Run, at: ProgramId, of: ProgramId) {
    let whom = Whom::Key(run.key_of(of));
    run.command(at, Command::Judge { whom, word: Word::Verify }).unwrap();
}

#[test]
fn a_new_key_under_a_known_name_is_told_and_messages_wait() {
    for verified in [false, true] {
        let (mut run, a, b) = Run::pair(1);
        let old = run.key_of(b);
        if verified {
            verify(&mut run, a, b);
        }
        run.leave(b);
        run.run_for(secs(5));
        run.reinstall(b);
        run.run_for(secs(5));
        let told: Vec<_> = run
            .events(a)
            .iter()
            .filter_map(|(_, event)| match event {
                Event::KeyChanged { peer, before } => Some((peer.key(), before.key, before.verified)),
                _ => None,
            })
            .collect();
        assert_eq!(told, [(Some(run.key_of(b)), old, verified)]);
        let row = run.row(a, b);
        assert_eq!(row.trust(), Trust::Changed);
        run.forget_frames();
        let reply = run.command(a, Command::Dm { to: Whom::Peer(row.id()), text: "canary-1".into() }).unwrap();
        assert!(matches!(reply, Reply::Waiting { until: Until::Word, .. }), "{reply:?}");
        run.run_for(secs(60));
        assert_eq!(run.texts(b), Vec::<String>::new());
        assert!(!run.frames().iter().any(|frame| frame.kind() == "DM"));
        let word = if verified { Word::Verify } else { Word::Trust };
        run.command(a, Command::Judge { whom: Whom::Peer(row.id()), word }).unwrap();
        run.run_for(secs(1));
        assert_eq!(run.texts(b), ["DM canary-1"]);
        assert!(run.when(a, |event| matches!(event, Event::Marked { mark: Mark::Sent, .. })).is_some());
        assert!(!run.frames().iter().any(|frame| holds(&frame.payload, "canary-1")));
        assert_eq!(run.row(a, b).trust(), if verified { Trust::Verified } else { Trust::Known });
        let kept = run.contacts(a).into_iter().find(|contact| contact.key == old).unwrap();
        assert_eq!(kept.verified, verified, "what was said of the old key is said of that key alone");
    }
}

#[test]
fn a_thousand_changes_are_a_thousand_alerts() {
    let swaps = if cfg!(debug_assertions) { 100 } else { 1_000 };
    let (mut run, a, b) = Run::pair(2);
    verify(&mut run, a, b);
    let verified = run.key_of(b);
    run.post(b, "before");
    run.run_for(secs(1));
    let mut keys = std::collections::BTreeSet::from([verified]);
    for swap in 0..swaps {
        match swap % 3 {
            0 => run.leave(b),
            1 => run.stop(b),
            _ => {}
        }
        run.reinstall(b);
        run.run_for(millis(50));
        run.post(b, &format!("swap {swap}"));
        if run.peers_of(b).iter().any(|peer| peer.raw_name() == "p0") {
            let id = run.peers_of(b)[0].id();
            // Too many changes of the other side: it may be unproven still.
            let _ = run.command(b, Command::Dm { to: Whom::Peer(id), text: format!("dm {swap}") });
        }
        run.run_for(secs(310));
        let key = run.key_of(b);
        assert!(keys.insert(key));
        assert_eq!(alerts(&run, a), swap + 1, "{:?}", run.peers_of(a));
        assert_eq!(run.row(a, b).trust(), Trust::Changed);
        assert!(run.shown_of(a, key).contains(&format!("POST swap {swap}")), "its messages are under its own key");
    }
    assert_eq!(run.shown_of(a, verified), ["POST before"], "nothing is under the old contact");
    for (_, event) in run.events(a) {
        if let Event::Post { from, text, .. } | Event::Dm { from, text, .. } = event {
            assert!(text.raw() == "before" || from.trust() == Trust::Changed, "{text:?}");
        }
    }
    let kept = run.contacts(a);
    assert!(kept.iter().filter(|contact| contact.key != verified).all(|contact| contact.changed && !contact.verified));
}

#[test]
fn somebody_else_with_a_verified_name_is_told_even_while_its_owner_is_here() {
    let mut run = Run::new(3);
    let hosts = run.hosts(3);
    let (a, b) = (run.peer(hosts[0], "a"), run.peer(hosts[1], "bob"));
    run.run_for(secs(10));
    verify(&mut run, a, b);
    let thief = run.peer(hosts[2], "bob");
    run.run_for(secs(10));
    assert_eq!(alerts(&run, a), 1);
    assert_eq!((run.row(a, b).trust(), run.row(a, thief).trust()), (Trust::Verified, Trust::Changed));
    assert_eq!(alerts(&run, b), 0);
}

#[test]
fn namesakes_in_a_classroom_raise_no_alert() {
    let mut run = Run::new(4);
    run.capture = false;
    let hosts = run.hosts(30);
    let all: Vec<ProgramId> = hosts
        .iter()
        .map(|host| {
            let id = run.peer(*host, "student");
            run.run_for(millis(700));
            id
        })
        .collect();
    run.run_for(secs(120));
    for id in &all {
        assert_eq!(run.peer_count(*id), 29);
        assert_eq!(alerts(&run, *id), 0, "{:?}", run.comings(*id));
        assert!(run.peers_of(*id).iter().all(|peer| peer.trust() == Trust::Known));
    }
    run.restart(all[3]);
    run.run_for(secs(20));
    assert!(all.iter().all(|id| alerts(&run, *id) == 0), "the next morning they have the same keys");
}

#[test]
fn names_that_look_alike_are_told_as_well() {
    for (name, shown) in [("B0b", None), ("\u{412}ob", None), ("bob", None), ("x", Some("bob")), ("x", Some("BOB"))] {
        let mut run = Run::new(5);
        let hosts = run.hosts(3);
        let (a, b) = (run.peer(hosts[0], "a"), run.peer(hosts[1], if name == "B0b" { "BOb" } else { "bob" }));
        run.run_for(secs(10));
        verify(&mut run, a, b);
        let mut setup = Setup::named(name);
        setup.identity.display_name = shown.map(str::to_owned);
        run.start(hosts[2], setup);
        run.run_for(secs(10));
        assert_eq!(alerts(&run, a), 1, "{name} {shown:?}");
    }
}

#[test]
fn a_rename_to_a_verified_name_is_told() {
    let mut run = Run::new(6);
    let hosts = run.hosts(3);
    let (a, b, c) = (run.peer(hosts[0], "a"), run.peer(hosts[1], "bob"), run.peer(hosts[2], "carol"));
    run.run_for(secs(10));
    verify(&mut run, a, b);
    assert_eq!(alerts(&run, a), 0);
    run.command(c, Command::Profile { display_name: Some("bob".into()), status: None }).unwrap();
    run.run_for(secs(2));
    assert_eq!(alerts(&run, a), 1);
    assert_eq!(run.row(a, c).trust(), Trust::Changed);
}

#[test]
fn who_never_answers_where_it_is_asked_says_nothing_under_a_known_name() {
    let (mut run, a, b) = Run::pair(7);
    verify(&mut run, a, b);
    run.leave(b);
    run.restart(a);
    run.run_for(millis(5));
    let ask = run.frames().iter().rev().find(|f| f.from == run.address(a) && f.value("ASK").is_some());
    let ask = ask.unwrap().value("ASK").unwrap().to_owned();
    // It answers what everybody is asked, and nothing that it is asked itself.
    let mut thief = Signer::new(1, "p1", "10.0.66.6:8666".parse().unwrap());
    let answer = thief.announces(&[("ANS", &ask)]);
    thief.sends(&mut run, a, &answer);
    run.run_for(millis(200));
    for n in 0..20 {
        let said = thief.posts(&format!("I am p1, {n}"));
        thief.sends(&mut run, a, &said);
        run.run_for(secs(1));
    }
    assert!(run.texts(a).is_empty() || alerts(&run, a) == 1, "{:?} without an alert", run.texts(a));
}

#[test]
fn a_changed_key_stays_changed_over_restarts_until_the_user_says_a_word() {
    let (mut run, a, b) = Run::pair(8);
    run.leave(b);
    run.reinstall(b);
    run.run_for(secs(10));
    for _ in 0..3 {
        run.restart(a);
        run.restart(b);
        run.run_for(secs(10));
        let row = run.row(a, b);
        assert_eq!(row.trust(), Trust::Changed);
        let reply = run.command(a, Command::Dm { to: Whom::Peer(row.id()), text: "waits".into() }).unwrap();
        assert!(matches!(reply, Reply::Waiting { until: Until::Word, .. }));
    }
    let id = run.row(a, b).id();
    run.command(a, Command::Judge { whom: Whom::Peer(id), word: Word::Trust }).unwrap();
    run.restart(a);
    run.run_for(secs(10));
    assert_eq!(run.row(a, b).trust(), Trust::Known);
    assert_eq!(alerts(&run, a), 1);
}

#[test]
fn a_block_of_a_changed_key_gives_up_what_waits() {
    let (mut run, a, b) = Run::pair(9);
    run.leave(b);
    run.reinstall(b);
    run.run_for(secs(10));
    let id = run.row(a, b).id();
    run.command(a, Command::Dm { to: Whom::Peer(id), text: "waits".into() }).unwrap();
    run.command(a, Command::Judge { whom: Whom::Peer(id), word: Word::Block }).unwrap();
    assert!(run.when(a, |event| matches!(event, Event::Marked { mark: Mark::Failed(Failure::Blocked), .. })).is_some());
    run.command(a, Command::Judge { whom: Whom::Peer(id), word: Word::Trust }).unwrap();
    run.run_for(secs(5));
    assert_eq!(run.texts(b), Vec::<String>::new());
    assert_eq!(
        run.command(a, Command::Dm { to: Whom::Peer(id), text: "hi".into() }).unwrap_err(),
        CommandError::Blocked
    );
}

#[test]
fn the_owner_of_a_name_comes_back_as_before() {
    let (mut run, a, b) = Run::pair(10);
    verify(&mut run, a, b);
    run.leave(b);
    let mut thief = Signer::new(1, "p1", "10.0.66.6:8666".parse().unwrap());
    assert!(thief.meets(&mut run, a));
    assert_eq!(alerts(&run, a), 1);
    run.restart(b);
    run.run_for(secs(10));
    assert_eq!(run.row(a, b).trust(), Trust::Verified);
    assert_eq!(alerts(&run, a), 1);
    let id = run.row(a, b).id();
    run.command(a, Command::Dm { to: Whom::Peer(id), text: "for the owner".into() }).unwrap();
    run.run_for(secs(1));
    assert_eq!(run.texts(b), ["DM for the owner"]);
    let said = thief.announces(&[]);
    run.inject(thief.at, a, Socket::Discovery, &said);
    assert_eq!(alerts(&run, a), 1, "told once");
}

#[test]
fn the_name_in_a_label_is_kept_for_its_owner_whatever_it_shows() {
    let (mut run, a, b) = Run::pair(11);
    run.command(b, Command::Profile { display_name: Some("Alice".into()), status: None }).unwrap();
    run.run_for(secs(2));
    verify(&mut run, a, b);
    run.leave(b);
    run.run_for(secs(5));
    let mut thief = Signer::new(1, "p1", "10.0.66.6:8666".parse().unwrap());
    assert!(thief.meets(&mut run, a));
    assert_eq!(alerts(&run, a), 1, "who types p1 means its owner");
}

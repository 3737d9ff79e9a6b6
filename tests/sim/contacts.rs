//! Whom we know by key, what the user said about them, and what waits for an answer.

use std::net::SocketAddrV4;

use lsnp::engine::{Command, CommandError, Event, Failure, Mark, Reply, Socket, Trust, Until, Whom, Word};
use lsnp::sim::{OlderKind, ProgramId, Setup};

use super::forged::{announcement, octets};
use super::letters::holds;
use super::run::{Run, millis, secs};
use super::signer::Signer;

fn judge(run: &mut Run, at: ProgramId, name: &str, word: Word) {
    let id = run.id_of(at, name);
    run.command(at, Command::Judge { whom: Whom::Peer(id), word }).unwrap();
}

fn stranger() -> SocketAddrV4 {
    "10.0.200.7:8500".parse().unwrap()
}

/// A peer and somebody with a key who announced itself and has not answered yet.
fn heard(seed: u64) -> (Run, ProgramId, Signer) {
    let (mut run, a, _) = Run::pair(seed);
    let mut new = Signer::new(1, "new", stranger());
    let announcement = new.announces(&[]);
    run.inject(new.at, a, Socket::Discovery, &announcement);
    run.run_for(millis(100));
    (run, a, new)
}

#[test]
fn a_dm_waits_until_the_peer_answers_and_goes_then() {
    let (mut run, a, mut new) = heard(1);
    let since = run.now();
    let id = run.id_of(a, "new");
    for n in 0..3 {
        let reply = run.command(a, Command::Dm { to: Whom::Peer(id), text: format!("canary-{n}") });
        assert!(matches!(reply, Ok(Reply::Waiting { until: Until::Answer, .. })), "{reply:?}");
    }
    run.run_for(millis(1_500));
    assert!(!run.frames().iter().any(|frame| frame.to == stranger() && frame.kind() == "DM"));
    let ask = new.asked(&run, since).expect("it is asked at once");
    let answer = new.announces(&[("ANS", &ask)]);
    new.sends(&mut run, a, &answer);
    run.run_for(millis(10));
    let late: Vec<String> = run
        .events(a)
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Marked { text, mark: Mark::Sent, .. } => Some(text.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(late, ["canary-0", "canary-1", "canary-2"]);
    let letters = run.frames().iter().filter(|f| f.to == stranger() && f.value("SEAL") == Some("1")).count();
    assert_eq!(letters, 3);
    assert!(!run.frames().iter().any(|frame| holds(&frame.payload, "canary-")));
}

fn failures(run: &Run, at: ProgramId) -> Vec<Failure> {
    let failed = run.events(at).iter().filter_map(|(_, event)| match event {
        Event::Marked { mark: Mark::Failed(why), .. } => Some(*why),
        _ => None,
    });
    failed.collect()
}

#[test]
fn a_dm_that_waits_in_vain_is_given_up_after_seven_days() {
    let (mut run, a, _) = heard(2);
    let id = run.id_of(a, "new");
    let reply = run.command(a, Command::Dm { to: Whom::Peer(id), text: "canary-1".into() }).unwrap();
    let Reply::Waiting { id, .. } = reply else { panic!("{reply:?}") };
    run.run_for(secs(3_600));
    assert!(!run.frames().iter().any(|frame| frame.to == stranger() && frame.kind() == "DM"));
    run.capture = false;
    run.run_for(secs(6 * 24 * 3_600));
    assert_eq!(run.mark(a, id), Some(Mark::Waiting));
    run.run_for(secs(2 * 24 * 3_600));
    assert_eq!(run.mark(a, id), Some(Mark::Failed(Failure::Expired)));
}

#[test]
fn a_dm_that_waits_goes_on_waiting_when_the_peer_leaves() {
    let (mut run, a, mut new) = heard(3);
    let id = run.id_of(a, "new");
    run.command(a, Command::Dm { to: Whom::Peer(id), text: "hello".into() }).unwrap();
    let sid = new.sid.clone();
    let bye = new.announces(&[("BYE", &sid)]);
    new.sends(&mut run, a, &bye);
    assert_eq!(run.comings(a).last().unwrap(), "left new");
    run.run_for(secs(60));
    assert_eq!(failures(&run, a), []);
    let letters =
        |run: &Run| run.frames().iter().filter(|f| f.to == stranger() && f.value("SEAL") == Some("1")).count();
    assert_eq!(letters(&run), 0);
    new.sid = octets(77);
    assert!(new.meets(&mut run, a));
    run.run_for(millis(500));
    assert!(letters(&run) > 0, "it goes when the reader is here again");
}

#[test]
fn only_so_many_messages_wait() {
    let (mut run, a, _) = heard(4);
    let id = run.id_of(a, "new");
    let mut waiting = 0;
    loop {
        match run.command(a, Command::Dm { to: Whom::Peer(id), text: "x".into() }) {
            Ok(_) => waiting += 1,
            Err(CommandError::TooManyWaiting) => break,
            Err(CommandError::TooFast { retry_after }) => run.run_for(retry_after),
            Err(other) => panic!("{other:?}"),
        }
        assert!(waiting <= 1_000);
    }
    judge(&mut run, a, "new", Word::Block);
    assert_eq!(failures(&run, a), vec![Failure::Blocked; waiting], "each is told");
}

#[test]
fn a_post_waits_for_those_who_have_not_answered() {
    let (mut run, a, mut new) = heard(5);
    let since = lsnp::engine::Instant::BIRTH + secs(10);
    run.post(a, "for all");
    run.run_for(millis(300));
    let posts = |run: &Run| run.frames().iter().filter(|f| f.to == stranger() && f.kind() == "POST").count();
    assert_eq!(posts(&run), 0);
    let ask = new.asked(&run, since).unwrap();
    let answer = new.announces(&[("ANS", &ask)]);
    new.sends(&mut run, a, &answer);
    assert_eq!(posts(&run), 1);
}

#[test]
fn what_somebody_says_is_told_when_it_answers() {
    let (mut run, a, _) = Run::pair(6);
    let mut new = Signer::new(1, "new", stranger());
    let since = run.now();
    let said = [new.posts("one"), new.posts("two")];
    for bytes in &said {
        new.sends(&mut run, a, bytes);
    }
    run.run_for(millis(500));
    assert_eq!(run.texts(a), Vec::<String>::new());
    let ask = new.asked(&run, since).unwrap();
    let answer = new.announces(&[("ANS", &ask)]);
    new.sends(&mut run, a, &answer);
    run.run_for(millis(10));
    assert_eq!(run.texts(a), ["POST one", "POST two"]);
    assert_eq!(run.contacts(a).len(), 2);
}

#[test]
fn what_nobody_answers_for_is_never_told() {
    let (mut run, a, _) = Run::pair(7);
    let mut new = Signer::new(1, "new", stranger());
    for n in 0..100 {
        let bytes = new.posts(&n.to_string());
        new.sends(&mut run, a, &bytes);
        run.run_for(millis(100));
    }
    run.run_for(secs(30));
    assert_eq!(run.texts(a), Vec::<String>::new());
    assert!(run.counters(a).unproven >= 90, "{:?}", run.counters(a));
    assert_eq!(run.contacts(a).len(), 1, "nobody is kept who never answered");
}

#[test]
fn a_dm_to_somebody_without_a_key_is_refused_if_the_name_had_one() {
    let (mut run, a, b) = Run::pair(8);
    run.leave(b);
    run.run_for(secs(5));
    let forged = announcement("p1@10.0.200.7", 8500, &[("SID", &octets(7)), ("CAP", "bye")]);
    run.inject(stranger(), a, Socket::Discovery, &forged);
    let id = run.id_of(a, "p1");
    let dm = |text: &str| Command::Dm { to: Whom::Peer(id), text: text.to_owned() };
    let refused = run.command(a, dm("canary-1")).unwrap_err();
    assert!(matches!(refused, CommandError::Downgrade { .. }), "{refused:?}");
    run.run_for(secs(5));
    assert!(!run.frames().iter().any(|frame| holds(&frame.payload, "canary-1")));
    judge(&mut run, a, "p1", Word::Trust);
    let reply = run.command(a, dm("canary-2")).unwrap();
    assert!(matches!(reply, Reply::Sent { private: false, .. }), "{reply:?}");
    run.restart(a);
    run.inject(stranger(), a, Socket::Discovery, &forged);
    run.run_for(secs(5));
    let id = run.id_of(a, "p1");
    let refused = run.command(a, Command::Dm { to: Whom::Peer(id), text: "again".into() }).unwrap_err();
    assert!(matches!(refused, CommandError::Downgrade { .. }), "the word held for that run: {refused:?}");
}

#[test]
fn names_that_look_alike_are_refused_as_well() {
    for name in ["P1", "\u{440}1", "p\u{200b}1"] {
        let (mut run, a, b) = Run::pair(9);
        run.leave(b);
        run.run_for(secs(5));
        let forged = announcement(&format!("{name}@10.0.200.7"), 8500, &[("SID", &octets(7))]);
        run.inject(stranger(), a, Socket::Discovery, &forged);
        let Some(peer) = run.peers_of(a).first().cloned() else { continue };
        let refused = run.command(a, Command::Dm { to: Whom::Peer(peer.id()), text: "canary-1".into() });
        assert!(matches!(refused, Err(CommandError::Downgrade { .. })), "{name:?}: {refused:?}");
    }
}

#[test]
fn a_display_name_that_a_key_has_is_refused_as_well() {
    let (mut run, a, b) = Run::pair(10);
    let about = Command::Profile { display_name: Some("Alice".into()), status: None };
    run.command(b, about).unwrap();
    run.run_for(secs(2));
    run.leave(b);
    for (name, shown) in [("x", Some("Alice")), ("alice", None), ("p1", None), ("p1", Some("Somebody"))] {
        let more = [("SID", "AAAAAAAAAAA"), ("DISPLAY_NAME", shown.unwrap_or("-"))];
        let more = if shown.is_some() { &more[..] } else { &more[..1] };
        run.inject(stranger(), a, Socket::Discovery, &announcement(&format!("{name}@10.0.200.7"), 8500, more));
        let peer = run.peers_of(a).into_iter().find(|peer| peer.raw_name() == name).unwrap();
        let refused = run.command(a, Command::Dm { to: Whom::Peer(peer.id()), text: "canary-1".into() });
        assert!(matches!(refused, Err(CommandError::Downgrade { .. })), "{name} {shown:?}: {refused:?}");
        run.run_for(secs(400));
    }
}

#[test]
fn only_private_messages_are_sent_by_one_that_wants_it_so() {
    let mut run = Run::new(11);
    let hosts = run.hosts(4);
    let mut setup = Setup::named("a");
    setup.config.private_only = true;
    let a = run.start(hosts[0], setup);
    run.older(hosts[1], OlderKind::Reference, "old");
    run.start(hosts[2], Setup::named("before").unsigned());
    let b = run.peer(hosts[3], "b");
    run.run_for(secs(40));
    for name in ["old", "before"] {
        let id = run.id_of(a, name);
        let refused = run.command(a, Command::Dm { to: Whom::Peer(id), text: "canary-1".into() }).unwrap_err();
        assert_eq!(refused, CommandError::PrivateOnly);
        judge(&mut run, a, name, Word::Trust);
        assert!(
            run.command(a, Command::Dm { to: Whom::Peer(id), text: "canary-1".into() }).is_err(),
            "trust changes nothing"
        );
    }
    run.dm(a, "b", "canary-2");
    run.run_for(secs(1));
    assert_eq!(run.texts(b), ["DM canary-2"]);
    assert!(!run.frames().iter().any(|frame| holds(&frame.payload, "canary-")));
}

#[test]
fn the_users_word_survives_restarts_of_both() {
    let (mut run, a, b) = Run::pair(12);
    judge(&mut run, a, "p1", Word::Verify);
    judge(&mut run, a, "p1", Word::Mute);
    for (one, crash) in [(a, false), (a, true), (b, false), (b, true)] {
        if crash {
            run.stop(one)
        } else {
            run.leave(one)
        }
        run.restart(one);
        run.run_for(secs(10));
        let row = run.row(a, b);
        assert_eq!((row.trust(), row.is_muted(), row.is_blocked()), (Trust::Verified, true, false));
        assert_eq!(run.contacts(a).len(), 1);
    }
    judge(&mut run, a, "p1", Word::Unmute);
    judge(&mut run, a, "p1", Word::Block);
    run.restart(a);
    run.run_for(secs(10));
    let contact = run.contacts(a)[0].clone();
    assert_eq!((contact.verified, contact.muted, contact.blocked), (true, false, true));
}

#[test]
fn of_somebody_muted_no_post_is_shown_and_dms_are() {
    let (mut run, a, b) = Run::pair(13);
    judge(&mut run, a, "p1", Word::Mute);
    run.post(b, "quiet");
    run.dm(b, "p0", "for you");
    run.run_for(secs(1));
    assert_eq!(run.texts(a), ["DM for you"]);
    judge(&mut run, a, "p1", Word::Unmute);
    run.post(b, "loud");
    run.run_for(secs(1));
    assert_eq!(run.texts(a), ["DM for you", "POST loud"]);
}

#[test]
fn of_somebody_blocked_nothing_is_shown_and_nothing_is_sent_to_it() {
    let (mut run, a, b) = Run::pair(14);
    run.dm(a, "p1", "a letter");
    run.run_for(secs(1));
    run.dm(b, "p0", "in a session");
    run.run_for(secs(1));
    judge(&mut run, a, "p1", Word::Block);
    run.take_events(a);
    run.forget_frames();
    run.post(b, "one");
    run.dm(b, "p0", "two");
    run.command(b, Command::Profile { display_name: Some("Other".into()), status: None }).unwrap();
    run.run_for(secs(1));
    run.leave(b);
    run.restart(b);
    run.run_for(secs(5));
    run.post(b, "three");
    run.post(a, "not for p1");
    run.run_for(secs(1));
    assert_eq!(run.texts(a), Vec::<String>::new());
    assert_eq!(run.comings(a), Vec::<String>::new());
    assert!(run.counters(a).blocked >= 3, "{:?}", run.counters(a));
    let (from, to) = (run.address(a), run.address(b));
    let texts = run.frames().iter().filter(|f| f.from == from && f.to == to && ["POST", "DM"].contains(&f.kind()));
    assert_eq!(texts.count(), 0);
    let id = run.row(a, b).id();
    let refused = run.command(a, Command::Dm { to: Whom::Peer(id), text: "hi".into() }).unwrap_err();
    assert_eq!(refused, CommandError::Blocked);
    let whom = Whom::Key(run.key_of(b));
    run.command(a, Command::Judge { whom, word: Word::Unblock }).unwrap();
    run.post(b, "four");
    run.run_for(secs(1));
    assert_eq!(run.texts(a), ["POST four"]);
}

#[test]
fn words_about_nobody_are_refused() {
    let mut run = Run::new(15);
    let hosts = run.hosts(2);
    let (a, b) = (run.peer(hosts[0], "a"), run.start(hosts[1], Setup::named("b").unsigned()));
    run.run_for(secs(10));
    let id = run.id_of(a, "b");
    let verify = |whom| Command::Judge { whom, word: Word::Verify };
    assert_eq!(run.command(a, verify(Whom::Peer(id))).unwrap_err(), CommandError::NoKey);
    let nobody = Signer::new(9, "nobody", stranger()).key();
    assert_eq!(run.command(a, verify(Whom::Key(nobody))).unwrap_err(), CommandError::UnknownPeer);
    run.stop(b);
    run.run_for(secs(400));
    assert_eq!(run.command(a, verify(Whom::Peer(id))).unwrap_err(), CommandError::UnknownPeer);
}

#[test]
fn somebody_without_a_key_is_blocked_for_this_run() {
    let mut run = Run::new(16);
    let hosts = run.hosts(2);
    let (a, b) = (run.peer(hosts[0], "a"), run.start(hosts[1], Setup::named("b").unsigned()));
    run.run_for(secs(10));
    judge(&mut run, a, "b", Word::Block);
    run.post(b, "one");
    run.dm(b, "a", "two");
    run.run_for(secs(1));
    assert_eq!(run.texts(a), Vec::<String>::new());
}

//! POST, DM, PROFILE.

use lsnp::engine::{Command, CommandError, Event, Reply, Socket};
use lsnp::sim::Air;

use super::forged::{datagram, stranger};
use super::run::{Run, millis, secs};

#[test]
fn a_post_reaches_everyone_once_and_as_it_was() {
    let mut run = Run::new(1);
    let all = run.crowd(5);
    run.run_for(secs(10));
    run.air = Air { duplicate: 1.0, jitter: millis(50), ..Air::default() };
    let text = "first line\nsecond\tline\u{2028}C:\\new \u{1b}[31m";
    let reply = run.command(all[0], Command::Post { text: text.into() }).unwrap();
    let Reply::Posted { to, .. } = reply else { panic!("{reply:?}") };
    assert_eq!(to.len(), 4);
    run.run_for(secs(1));
    for id in &all[1..] {
        assert_eq!(run.texts(*id), [format!("POST {text}")]);
    }
    assert!(run.texts(all[0]).is_empty());
}

#[test]
fn a_dm_reaches_the_one_it_is_for() {
    let mut run = Run::new(2);
    let all = run.crowd(3);
    run.run_for(secs(10));
    run.dm(all[0], "p2", "for you");
    run.run_for(secs(1));
    assert_eq!(run.texts(all[2]), ["DM for you"]);
    assert!(run.texts(all[1]).is_empty());
}

#[test]
fn a_dm_for_somebody_else_is_not_shown() {
    let (mut run, a, _) = Run::pair(3);
    let dm = datagram("DM", &[("FROM", "x@10.0.200.7"), ("TO", "p9@10.0.0.10"), ("CONTENT", "psst")]);
    run.inject(stranger(), a, Socket::Unicast, &dm);
    assert!(run.texts(a).is_empty());
    assert_eq!(run.counters(a).not_for_us, 1);
}

#[test]
fn the_same_message_again_is_not_shown_again() {
    let (mut run, a, _) = Run::pair(4);
    let post = |id: &str| datagram("POST", &[("USER_ID", "x@10.0.200.7"), ("CONTENT", "hi"), ("MESSAGE_ID", id)]);
    for _ in 0..3 {
        run.inject(stranger(), a, Socket::Unicast, &post("1"));
        run.run_for(secs(2));
    }
    run.inject(stranger(), a, Socket::Unicast, &post("2"));
    assert_eq!(run.texts(a), ["POST hi", "POST hi"]);
    assert_eq!(run.counters(a).duplicates, 2);
}

#[test]
fn text_is_sent_whole_or_refused() {
    let (mut run, a, b) = Run::pair(5);
    let mut longest = 0;
    for size in (0..1_400).rev() {
        match run.command(a, Command::Post { text: "x".repeat(size) }) {
            Ok(_) => {
                longest = size;
                break;
            }
            Err(CommandError::TextTooLong { bytes, max }) => {
                assert_eq!(bytes, size);
                assert!(max < size);
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    run.run_for(secs(1));
    assert!(longest > 500, "{longest}");
    assert_eq!(run.texts(b), [format!("POST {}", "x".repeat(longest))]);
    assert!(run.frames().iter().all(|frame| frame.payload.len() <= 1_200));
    assert_eq!(run.command(a, Command::Post { text: " \n".into() }).unwrap_err(), CommandError::NoText);
}

#[test]
fn many_messages_at_once_wait_and_none_is_lost() {
    let (mut run, a, b) = Run::pair(8);
    let mut waits = 0;
    for n in 0..1_000 {
        while let Err(error) = run.command(a, Command::Post { text: n.to_string() }) {
            let CommandError::TooFast { retry_after } = error else { panic!("{error:?}") };
            waits += 1;
            run.run_for(retry_after);
        }
    }
    run.run_for(secs(1));
    assert!(waits > 0);
    assert_eq!(run.texts(b), (0..1_000).map(|n| format!("POST {n}")).collect::<Vec<_>>());
}

#[test]
fn a_profile_reaches_all_and_whoever_comes_later() {
    let mut run = Run::new(6);
    let hosts = run.hosts(3);
    let (a, b) = (run.peer(hosts[0], "p0"), run.peer(hosts[1], "p1"));
    run.run_for(secs(10));
    let told = Command::Profile { display_name: Some("Alice A.".into()), status: Some("at home".into()) };
    run.command(a, told).unwrap();
    run.run_for(secs(1));
    let shown = |run: &Run, id| {
        let peer = run.peers_of(id).into_iter().find(|peer| peer.raw_name() == "p0").unwrap();
        (peer.shown_name().to_string(), peer.shown_status().map(|status| status.to_string()))
    };
    let expected = ("Alice A.".to_owned(), Some("at home".to_owned()));
    assert_eq!(shown(&run, b), expected);
    assert!(run.when(b, |event| matches!(event, Event::Profile(_))).is_some());
    let c = run.peer(hosts[2], "p2");
    run.run_for(secs(1));
    assert_eq!(shown(&run, c), expected);
}

#[test]
fn nobody_is_sent_anything_after_leaving() {
    let (mut run, a, _) = Run::pair(7);
    run.command(a, Command::Leave).unwrap();
    run.forget_frames();
    let sent = run.sent(a);
    assert_eq!(run.command(a, Command::Post { text: "hello?".into() }).unwrap_err(), CommandError::Left);
    run.run_for(secs(300));
    assert_eq!(run.sent(a), sent);
}

#[test]
fn the_same_text_without_id_and_time_is_shown_again_when_it_is_said_again() {
    let (mut run, a, _) = Run::pair(20);
    let post = super::forged::datagram("POST", &[("USER_ID", "x@10.0.200.7"), ("CONTENT", "lunch?")]);
    for _ in 0..2 {
        for _ in 0..2 {
            run.inject(super::forged::stranger(), a, lsnp::engine::Socket::Unicast, &post);
        }
        run.run_for(secs(3_600));
    }
    assert_eq!(run.texts(a), ["POST lunch?", "POST lunch?"], "doubled on the way, it is one");
}

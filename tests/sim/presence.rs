//! Live, quiet, gone, asleep, cut off.

use lsnp::engine::{Command, Event, Presence, Socket};

use super::forged::{announcement, octets, stranger};
use super::run::{Run, millis, secs};

#[test]
fn a_silent_peer_is_quiet_after_two_and_a_half_beats_and_gone_after_three_hundred_seconds() {
    let (mut run, a, b) = Run::pair(1);
    run.run_for(secs(50));
    let heard = run.peers_of(a)[0].heard();
    run.stop(b);
    run.run_for(secs(400));
    assert_eq!(run.comings(a), ["here p1", "quiet p1", "gone p1"]);
    let quiet = run.when(a, |event| matches!(event, Event::Quiet(_))).unwrap().since(heard);
    let gone = run.when(a, |event| matches!(event, Event::Gone(_))).unwrap().since(heard);
    assert!((74.0..77.0).contains(&quiet.as_secs_f64()), "quiet after {quiet:?}");
    assert!((299.0..305.0).contains(&gone.as_secs_f64()), "gone after {gone:?}");
}

#[test]
fn a_quiet_peer_that_is_heard_again_is_back() {
    let (mut run, a, b) = Run::pair(2);
    let host = run.hosts(1)[0];
    let _ = (host, b);
    run.sleep(b, secs(120));
    run.run_for(secs(180));
    assert_eq!(run.comings(a), ["here p1", "quiet p1", "back p1"]);
    assert!(run.knows(a, b));
}

#[test]
fn everyone_is_told_of_a_goodbye_within_a_second() {
    let mut run = Run::new(3);
    let all = run.crowd(5);
    run.run_for(secs(10));
    run.leave(all[0]);
    run.run_for(secs(1));
    for id in &all[1..] {
        assert_eq!(run.comings(*id).last().unwrap(), "left p0");
        assert_eq!(run.peer_count(*id), 3);
    }
}

#[test]
fn a_late_datagram_of_one_that_left_does_not_bring_it_back() {
    let mut run = Run::new(4);
    run.air.jitter = millis(900);
    let all = run.crowd(3);
    run.run_for(secs(20));
    run.post(all[0], "last words");
    run.leave(all[0]);
    run.run_for(secs(20));
    assert_eq!(run.peer_count(all[1]), 1, "{:?}", run.comings(all[1]));
}

#[test]
fn one_that_left_and_starts_again_is_here_at_once() {
    let (mut run, a, b) = Run::pair(5);
    run.leave(b);
    run.run_for(millis(200));
    run.restart(b);
    run.run_for(millis(200));
    assert_eq!(run.comings(a), ["here p1", "left p1", "here p1"]);
    assert!(run.knows(a, b) && run.knows(b, a));
}

#[test]
fn a_restart_without_a_word_keeps_one_row() {
    for seed in 0..10 {
        let (mut run, a, b) = Run::pair(seed);
        run.run_for(secs(7 * seed));
        run.restart(b);
        run.run_for(secs(5));
        assert_eq!(run.peer_count(a), 1, "{:?}", run.comings(a));
        assert!(run.knows(a, b) && run.knows(b, a));
        run.post(a, "still there?");
        run.run_for(secs(1));
        assert_eq!(run.texts(b).last().unwrap(), "POST still there?");
    }
}

#[test]
fn many_short_starts_leave_one_row() {
    let (mut run, a, b) = Run::pair(10);
    for _ in 0..10 {
        run.restart(b);
        run.run_for(millis(40));
    }
    run.run_for(secs(6));
    assert_eq!(run.peer_count(a), 1, "{:?}", run.comings(a));
    assert!(run.knows(a, b));
}

#[test]
fn after_a_sleep_nobody_is_gone_and_all_are_told() {
    let mut run = Run::new(6);
    let all = run.crowd(4);
    run.run_for(secs(20));
    run.sleep(all[0], secs(3_600));
    run.run_for(secs(3_600));
    assert_eq!(run.peer_count(all[1]), 2, "the others took it off their lists");
    run.run_for(secs(3));
    assert!(run.reopened(all[0]) > 0, "its sockets are opened anew");
    assert!(!run.comings(all[0]).iter().any(|word| word.starts_with("gone")), "{:?}", run.comings(all[0]));
    run.run_for(secs(10));
    assert!(run.all_know_all(&all));
}

#[test]
fn one_that_is_cut_off_suspects_itself() {
    let mut run = Run::new(7);
    let hosts = run.hosts(6);
    let all: Vec<_> = hosts.iter().enumerate().map(|(n, host)| run.peer(*host, &format!("p{n}"))).collect();
    run.run_for(secs(20));
    run.cut(hosts[0]);
    run.run_for(secs(335));
    assert!(run.when(all[0], |event| matches!(event, Event::CutOff)).is_some());
    assert!(run.reopened(all[0]) > 0);
    assert_eq!(run.peer_count(all[0]), 5, "it keeps its list: {:?}", run.comings(all[0]));
    assert_eq!(run.peer_count(all[1]), 4, "the others drop it: {:?}", run.comings(all[1]));
    run.restore(hosts[0]);
    run.run_for(secs(40));
    assert!(run.all_know_all(&all), "{:?}", run.comings(all[0]));
    run.cut(hosts[0]);
    run.run_for(secs(700));
    assert_eq!(run.peer_count(all[0]), 0, "in the end it believes it: {:?}", run.comings(all[0]));
}

#[test]
fn one_quiet_peer_of_many_is_not_our_fault() {
    let mut run = Run::new(8);
    let all = run.crowd(6);
    run.run_for(secs(20));
    run.stop(all[5]);
    run.run_for(secs(400));
    assert!(run.when(all[0], |event| matches!(event, Event::CutOff)).is_none());
    assert_eq!(run.peer_count(all[0]), 4);
}

#[test]
fn a_wall_and_its_fall_leave_everyone_known() {
    let mut run = Run::new(9);
    let hosts = run.hosts(8);
    let all: Vec<_> = hosts.iter().enumerate().map(|(n, host)| run.peer(*host, &format!("p{n}"))).collect();
    run.run_for(secs(20));
    run.wall_off(&hosts[..3], 1);
    run.run_for(secs(900));
    run.wall_off(&hosts[..3], 0);
    run.run_for(secs(60));
    assert!(run.all_know_all(&all), "{:?}", run.comings(all[0]));
    assert!(run.peers_of(all[0]).iter().all(|peer| peer.presence() == Presence::Live));
}

#[test]
fn a_quiet_peer_is_asked_at_once_after_two_and_four_seconds_and_then_at_every_beat() {
    let (mut run, a, b) = Run::pair(10);
    let to = run.address(b);
    run.stop(b);
    run.forget_frames();
    run.run_for(secs(200));
    let asked: Vec<_> = run.frames().iter().filter(|f| f.to == to && f.value("ASK").is_some()).map(|f| f.at).collect();
    let gaps: Vec<u64> = asked.windows(2).map(|two| two[1].since(two[0]).as_secs()).take(4).collect();
    assert_eq!(gaps, [2, 2, 30, 30], "{:?}", run.comings(a));
}

#[test]
fn one_that_announces_a_slow_beat_is_asked_before_it_is_gone() {
    let (mut run, a, _) = Run::pair(11);
    let slow = announcement("slow@10.0.200.7", 8500, &[("SID", &octets(7)), ("BEAT", "3600")]);
    run.inject(stranger(), a, Socket::Discovery, &slow);
    let heard = run.now();
    run.run_for(secs(400));
    assert_eq!(run.comings(a), ["here p1", "here slow", "quiet slow", "gone slow"]);
    let gone = run.when(a, |event| matches!(event, Event::Gone(_))).unwrap().since(heard);
    assert!((299.0..305.0).contains(&gone.as_secs_f64()), "gone after {gone:?}");
}

#[test]
fn newcomers_that_prove_nothing_do_not_make_us_suspect_ourselves() {
    let (mut run, a, b) = Run::pair(12);
    for n in 1..=20_u8 {
        let forged = announcement(&format!("f{n}@10.0.200.{n}"), 8500, &[("SID", &octets(n.into()))]);
        run.inject(format!("10.0.200.{n}:8500").parse().unwrap(), a, Socket::Discovery, &forged);
    }
    run.run_for(secs(400));
    assert!(run.when(a, |event| matches!(event, Event::Quiet(_))).is_some());
    assert!(run.when(a, |event| matches!(event, Event::CutOff)).is_none());
    assert!(run.reopened(a) == 0 && run.knows(a, b));
}

#[test]
fn calls_to_announce_do_not_put_the_announcement_off() {
    let (mut run, a, _) = Run::pair(13);
    run.forget_frames();
    for _ in 0..40 {
        run.command(a, Command::Announce).unwrap();
        run.run_for(millis(50));
    }
    let from = run.address(a);
    let announced = run.frames().iter().filter(|f| f.from == from && f.to.ip().is_broadcast()).count();
    assert!((2..=3).contains(&announced), "{announced} announcements in 2 s");
}

//! What was recorded and is sent again counts for nothing: not here, not after a restart, not elsewhere.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;

use lsnp::engine::{Command, Event, Socket, Whom};
use lsnp::sim::{Frame, ProgramId, Setup};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::run::{Run, millis, secs};

const PEERS: usize = if cfg!(debug_assertions) { 6 } else { 20 };
const TIMES: usize = if cfg!(debug_assertions) { 1 } else { 3 };

/// A peer that does not ask for what was said before it came.
fn nothing_old(name: &str) -> Setup {
    let mut setup = Setup::named(name);
    setup.config.catch_up.posts = 0;
    setup
}

/// An hour on a LAN: everybody says something of every kind, some move, rename themselves, leave and come back.
fn an_hour(seed: u64) -> (Run, Vec<ProgramId>, Vec<Frame>) {
    let mut run = Run::new(seed);
    let mut rng = StdRng::seed_from_u64(seed);
    let hosts = run.hosts(PEERS);
    let all: Vec<ProgramId> = hosts
        .iter()
        .enumerate()
        .map(|(n, host)| {
            let mut setup = Setup::named(&format!("p{n}"));
            setup.identity.avatar = Some([&b"\x89PNG\r\n\x1a\n"[..], &[n as u8; 1_500]].concat());
            run.start(*host, setup)
        })
        .collect();
    run.run_for(secs(60));
    let minutes = if cfg!(debug_assertions) { 12 } else { 60 };
    for minute in 0..minutes {
        for _ in 0..PEERS / 2 {
            let (one, other) = (rng.next_u32() as usize % PEERS, rng.next_u32() as usize % PEERS);
            let (peer, number) = (all[one], rng.next_u32());
            run.post(peer, &format!("post {number}"));
            let found = run.peers_of(peer).into_iter().find(|p| p.raw_name() == format!("p{other}"));
            let Some(found) = found else { continue };
            let text = format!("for p{other}: {number}");
            run.command(peer, Command::Dm { to: Whom::Peer(found.id()), text: text.clone() }).unwrap();
            let display_name = Some(format!("P{one} at {minute}"));
            let status = Some(format!("minute {minute}"));
            match number % 8 {
                0 => drop(run.command(peer, Command::Profile { display_name, status }).unwrap()),
                1 => drop(run.command(peer, Command::AskPeers(found.id())).unwrap()),
                // The picture may be here already, or change.
                2 => drop(run.command(peer, Command::FetchAvatar(found.id()))),
                3 => drop(run.command(peer, Command::Probe(found.id())).unwrap()),
                4 => drop(run.command(peer, Command::Follow(found.id())).unwrap()),
                _ => {}
            }
            run.run_for(millis(400));
        }
        if minute % 5 == 4 {
            let one = minute / 5 % PEERS;
            match minute / 5 % 3 {
                0 => run.move_host(hosts[one], &[&format!("10.0.9.{}/16", minute + 1)]),
                1 => run.restart(all[one]),
                _ => {
                    run.leave(all[one]);
                    run.run_for(secs(2));
                    run.restart(all[one]);
                }
            }
        }
        run.run_for(secs(60 - PEERS as u64 / 2));
    }
    run.run_for(secs(100));
    assert!(run.all_know_all(&all));
    let frames: Vec<Frame> = run.frames().to_vec();
    assert!(frames.len() > if cfg!(debug_assertions) { 600 } else { 10_000 }, "{} frames", frames.len());
    run.capture = false;
    (run, all, frames)
}

/// The peers that a frame reached, or would have reached.
fn receivers(run: &Run, all: &[ProgramId], frame: &Frame) -> Vec<ProgramId> {
    let to = frame.to;
    let everyone = to.port() == lsnp::wire::DISCOVERY_PORT;
    all.iter().copied().filter(|id| everyone || run.address(*id) == to).collect()
}

/// Sends all frames again, in random order, from where they came or from elsewhere.
fn again(run: &mut Run, all: &[ProgramId], frames: &[Frame], from: Option<SocketAddrV4>, times: usize) {
    let mut rng = StdRng::seed_from_u64(run.seed() ^ 0x00a9_a125);
    let mut order: Vec<usize> = (0..frames.len() * times).map(|n| n % frames.len()).collect();
    for at in (1..order.len()).rev() {
        order.swap(at, rng.next_u32() as usize % (at + 1));
    }
    for (count, at) in order.into_iter().enumerate() {
        for id in receivers(run, all, &frames[at]) {
            run.deliver(&frames[at], from, id);
        }
        if count % 4 == 0 {
            run.run_for(millis(6));
        }
    }
    run.run_for(secs(12));
}

/// Every text that a peer showed, with how often, and what it was told of others.
fn shown(run: &Run, all: &[ProgramId]) -> Vec<BTreeMap<String, usize>> {
    all.iter()
        .map(|id| {
            let mut counts = BTreeMap::new();
            run.texts(*id).into_iter().for_each(|text| *counts.entry(text).or_default() += 1);
            counts
        })
        .collect()
}

/// The first difference in what is known, for people.
fn changed(before: &[BTreeMap<lsnp::wire::PublicKey, String>], run: &mut Run, all: &[ProgramId]) -> Option<String> {
    let after = known(run, all);
    for (at, (before, after)) in before.iter().zip(&after).enumerate() {
        for key in before.keys().chain(after.keys()) {
            if before.get(key) != after.get(key) {
                return Some(format!("p{at} knew\n{:?}\nand knows\n{:?}", before.get(key), after.get(key)));
            }
        }
    }
    None
}

fn known(run: &mut Run, all: &[ProgramId]) -> Vec<BTreeMap<lsnp::wire::PublicKey, String>> {
    all.iter().map(|id| run.known(*id)).collect()
}

#[test]
fn nothing_is_shown_twice_or_changed_by_what_is_sent_again() {
    let (mut run, all, frames) = an_hour(1);
    let thief = "10.0.200.66:8666".parse().unwrap();
    for from in [None, Some(thief)] {
        let (before, texts) = (known(&mut run, &all), shown(&run, &all));
        assert!(texts.iter().all(|counts| counts.values().all(|count| *count == 1)));
        let comings: Vec<usize> = all.iter().map(|id| run.comings(*id).len()).collect();
        again(&mut run, &all, &frames, from, TIMES);
        assert_eq!(shown(&run, &all), texts, "from {from:?}");
        assert_eq!(changed(&before, &mut run, &all), None, "from {from:?}");
        for (id, count) in all.iter().zip(comings) {
            assert_eq!(run.comings(*id)[count..], [] as [&str; 0]);
        }
        assert!(all.iter().all(|id| run.counters(*id).replays > 100));
    }
}

#[test]
fn nothing_is_shown_again_after_a_restart() {
    for crash in [false, true] {
        let (mut run, all, frames) = an_hour(2 + u64::from(crash));
        for id in &all {
            if crash { run.stop(*id) } else { run.leave(*id) }
        }
        run.run_for(secs(5));
        for id in &all {
            run.take_events(*id);
            run.restart(*id);
        }
        run.run_for(secs(30));
        assert!(run.all_know_all(&all));
        let state = known(&mut run, &all);
        again(&mut run, &all, &frames, None, TIMES);
        let texts: Vec<_> = all.iter().flat_map(|id| run.texts(*id)).collect();
        assert_eq!(texts, Vec::<String>::new(), "crash: {crash}");
        assert_eq!(changed(&state, &mut run, &all), None, "crash: {crash}");
    }
}

#[test]
fn nobody_is_brought_back_by_what_it_said_before() {
    let (mut run, all, frames) = an_hour(4);
    let (here, gone) = all.split_at(2);
    for (at, id) in gone.iter().enumerate() {
        if at % 2 == 0 { run.leave(*id) } else { run.stop(*id) }
    }
    for id in here {
        run.restart(*id);
        run.take_events(*id);
    }
    run.run_for(secs(10));
    let state = known(&mut run, here);
    again(&mut run, here, &frames, None, TIMES);
    for id in here {
        assert_eq!(run.peer_count(*id), 1, "{:?}", run.comings(*id));
        assert_eq!(run.texts(*id), Vec::<String>::new());
    }
    assert_eq!(changed(&state, &mut run, here), None);
}

#[test]
fn what_was_for_others_shows_nothing_to_one_that_comes_later() {
    let (mut run, all, frames) = an_hour(5);
    // What was signed just before the first that is heard may have been overtaken on the way, and is told.
    run.run_for(secs(400));
    let host = run.host(&["10.0.77.1/16"]);
    let late = run.start(host, nothing_old("late"));
    run.run_for(secs(120));
    for id in &all {
        assert!(run.knows(late, *id));
    }
    let state = known(&mut run, &[late]);
    let mut rng = StdRng::seed_from_u64(5);
    for _ in 0..frames.len() * TIMES {
        let frame = &frames[rng.next_u32() as usize % frames.len()];
        run.inject(frame.from, late, Socket::Unicast, &frame.payload);
        run.run_for(millis(3));
    }
    run.run_for(secs(12));
    assert_eq!(run.texts(late), Vec::<String>::new());
    assert_eq!(changed(&state, &mut run, &[late]), None);
}

#[test]
fn another_lan_learns_nothing_from_what_was_recorded_here() {
    let (_, _, frames) = an_hour(6);
    let mut run = Run::new(60);
    let others = run.crowd(3);
    run.run_for(secs(20));
    run.capture = false;
    for id in &others {
        run.take_events(*id);
    }
    let state = known(&mut run, &others);
    let frames: Vec<Frame> = frames
        .into_iter()
        .map(|mut frame| {
            // As if the sender were on this LAN.
            if !frame.to.ip().is_loopback() {
                frame.from =
                    SocketAddrV4::new(format!("10.0.150.{}", frame.from.ip().octets()[3]).parse().unwrap(), 8000);
            }
            frame
        })
        .collect();
    let mut rng = StdRng::seed_from_u64(6);
    for _ in 0..frames.len() * TIMES {
        let frame = &frames[rng.next_u32() as usize % frames.len()];
        for id in &others {
            let socket = if rng.next_u32().is_multiple_of(2) { Socket::Unicast } else { Socket::Discovery };
            run.inject(frame.from, *id, socket, &frame.payload);
        }
        run.run_for(millis(3));
    }
    run.run_for(secs(12));
    for (id, state) in others.iter().zip(state) {
        assert_eq!(run.texts(*id), Vec::<String>::new());
        let known = run.known(*id);
        for key in state.keys() {
            assert_eq!(known[key], state[key]);
        }
        assert_eq!(run.contacts(*id).len(), others.len() - 1, "nobody is kept who never answered");
        let settled = run.peers_of(*id).iter().filter(|peer| peer.is_settled()).count();
        assert_eq!(settled, others.len() - 1);
    }
    run.run_for(secs(700));
    assert!(run.all_list_all(&others), "they are gone again");
}

#[test]
fn an_announcement_that_somebody_passes_on_at_once_moves_nobody() {
    let mut run = Run::new(7);
    let all = run.crowd(2);
    let (a, b) = (all[0], all[1]);
    run.run_for(secs(10));
    let (key, own) = (run.key_of(b), run.address(b));
    let before = run.known(a)[&key].clone();
    for round in 0..20_u8 {
        // The thief hears the broadcast and is faster than the air, or a little slower.
        run.forget_frames();
        run.air.loss = if round % 2 == 0 { 1.0 } else { 0.0 };
        run.command(b, Command::Announce).unwrap();
        run.run_for(millis(1_100));
        run.air.loss = 0.0;
        let said = run.frames().iter().find(|frame| frame.from == own && frame.to.port() == 50999).unwrap().clone();
        for thief in 0..10 {
            let from = SocketAddrV4::new([10, 0, 66, thief + 1].into(), 8000 + u16::from(round));
            run.inject(from, a, Socket::Discovery, &said.payload);
        }
        run.run_for(millis(300));
        assert_eq!(run.row(a, b).address(), own);
        run.forget_frames();
        let text = format!("round {round}");
        run.dm(a, "p1", &text);
        run.post(a, &text);
        run.run_for(millis(100));
        assert_eq!(run.shown_of(b, run.key_of(a)).iter().filter(|shown| shown.ends_with(&text)).count(), 2);
        let strayed = run.frames().iter().filter(|f| f.from == run.address(a) && f.to.ip().octets()[2] == 66);
        let strayed = strayed.filter(|f| f.kind() != "PEER_DISCOVERY").count();
        assert_eq!(strayed, 0, "nothing but a question goes to the thief");
        run.run_for(secs(30));
    }
    assert_eq!(run.known(a)[&key], before);
    assert!(!run.comings(a).iter().any(|word| word.starts_with("gone") || word.starts_with("left")));
}

#[test]
fn a_goodbye_that_was_kept_back_ends_no_later_start() {
    let (mut run, a, b) = Run::pair(8);
    run.air.loss = 1.0;
    run.leave(b);
    run.air.loss = 0.0;
    let bye = run.frames().iter().rev().find(|frame| frame.value("BYE").is_some()).unwrap().clone();
    run.restart(b);
    run.run_for(secs(5));
    assert!(run.knows(a, b));
    for _ in 0..3 {
        run.deliver(&bye, None, a);
        run.run_for(secs(4));
    }
    assert_eq!(run.comings(a), ["here p1"]);
}

#[test]
fn an_old_text_is_not_told_when_a_later_start_answers() {
    let (mut run, _, b) = Run::pair(9);
    run.post(b, "said long ago");
    run.run_for(secs(1));
    let old = run.frames().iter().rev().find(|frame| frame.kind() == "POST").unwrap().clone();
    run.leave(b);
    run.run_for(secs(60));
    run.restart(b);
    run.run_for(secs(20));
    // Somebody is quicker than the peer that a newcomer is about to hear.
    let host = run.host(&["10.0.77.1/16"]);
    let late = run.start(host, nothing_old("late"));
    let from = run.address(b);
    run.inject(from, late, Socket::Unicast, &old.payload);
    run.run_for(secs(20));
    assert!(run.knows(late, b));
    assert_eq!(run.texts(late), Vec::<String>::new());
}

#[test]
fn what_a_start_said_before_we_knew_it_is_not_told() {
    let (mut run, _, b) = Run::pair(10);
    run.post(b, "said before");
    run.run_for(secs(600));
    let old = run.frames().iter().rev().find(|frame| frame.kind() == "POST").unwrap().clone();
    let host = run.host(&["10.0.77.1/16"]);
    let late = run.start(host, nothing_old("late"));
    run.run_for(secs(20));
    assert!(run.knows(late, b));
    run.deliver(&old, None, late);
    run.run_for(secs(20));
    assert_eq!(run.texts(late), Vec::<String>::new());
}

#[test]
fn doubled_and_reordered_messages_are_all_shown_once() {
    let (mut run, a, b) = Run::pair(11);
    run.air = lsnp::sim::Air { duplicate: 0.5, jitter: millis(400), ..lsnp::sim::Air::default() };
    for n in 0..300 {
        run.post(b, &format!("number {n:03}"));
        run.run_for(millis(20));
    }
    run.run_for(secs(2));
    let mut texts = run.texts(a);
    texts.sort();
    assert_eq!(texts, (0..300).map(|n| format!("POST number {n:03}")).collect::<Vec<_>>());
    let alerts = run.events(a).iter().filter(|(_, event)| matches!(event, Event::KeyChanged { .. })).count();
    assert_eq!(alerts, 0);
}

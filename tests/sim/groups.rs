//! Closed groups: outsiders see no name and no text, and are not heard.

use lsnp::engine::{Command, Reply, Socket, Whom};
use lsnp::sim::{Frame, HostId, OlderKind, ProgramId, Setup};

use super::forged::{announcement, one_of_each, stranger};
use super::letters::holds;
use super::run::{Run, millis, secs};
use super::signer::Signer;

const RED: [u8; 32] = [1; 32];
const BLUE: [u8; 32] = [2; 32];

fn member(run: &mut Run, host: HostId, name: &str, secret: [u8; 32]) -> ProgramId {
    run.start(host, Setup::named(name).in_group(secret))
}

/// A group of so many, done with its quick announcements.
fn group(seed: u64, count: usize) -> (Run, Vec<ProgramId>) {
    let mut run = Run::new(seed);
    let hosts = run.hosts(count);
    let all: Vec<ProgramId> =
        hosts.iter().enumerate().map(|(n, host)| member(&mut run, *host, &format!("canary-r{n}"), RED)).collect();
    run.run_for(secs(10));
    (run, all)
}

/// All that an outsider sees of a frame of a group is that there is one.
fn assert_closed(frame: &Frame) {
    let text = String::from_utf8_lossy(&frame.payload);
    assert!(!holds(&frame.payload, "canary-"), "{text}");
    if frame.value("SEAL") == Some("2") {
        panic!("a session frame shows FROM and TO: {text}");
    }
    let keys: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once(':')?.0)).collect();
    assert_eq!(keys, ["TYPE", "SID", "NO", "BOX"], "{text}");
    assert!(frame.payload.len() <= 1_350, "{} bytes", frame.payload.len());
}

#[test]
fn members_do_all_that_others_do_and_outsiders_see_nothing_of_it() {
    let (mut run, all) = group(1, 4);
    assert!(run.all_know_all(&all));
    let outside = run.host(&["10.0.50.1/16"]);
    let outsider = run.peer(outside, "outsider");
    let old = run.host(&["10.0.50.2/16"]);
    let old = run.older(old, OlderKind::Reference, "old");
    let wrong = run.host(&["10.0.50.3/16"]);
    let wrong = member(&mut run, wrong, "wrong", BLUE);
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], b"canary-picture", &[7; 3_000]].concat();
    run.command(all[0], Command::Avatar(Some(picture))).unwrap();
    let about = Command::Profile { display_name: Some("canary-name".into()), status: Some("canary-status".into()) };
    run.command(all[0], about).unwrap();
    run.run_for(secs(2));
    run.post(all[0], "canary-post");
    run.dm(all[1], "canary-r2", "canary-letter");
    run.run_for(secs(1));
    run.dm(all[2], "canary-r1", "canary-session");
    for command in [Command::FetchAvatar, Command::AskPeers, Command::Follow, Command::Probe] {
        let id = run.id_of(all[3], "canary-r0");
        run.command(all[3], command(id)).unwrap();
        run.run_for(secs(2));
    }
    let posted = run.command(all[0], Command::Post { text: "canary-again".into() }).unwrap();
    let Reply::Posted { to, .. } = posted else { panic!("{posted:?}") };
    assert_eq!(to.len(), 3, "nobody outside is sent a post");
    run.run_for(secs(600));
    run.leave(all[3]);
    run.run_for(secs(1));
    assert_eq!(run.texts(all[1]), ["POST canary-post", "DM canary-session", "POST canary-again"]);
    assert_eq!(run.texts(all[2]), ["POST canary-post", "DM canary-letter", "POST canary-again"]);
    let got = run.events(all[3]).iter().any(|(_, event)| matches!(event, lsnp::engine::Event::Avatar { .. }));
    assert!(got, "the picture came whole");
    assert!(run.comings(all[0]).contains(&"left canary-r3".to_owned()));
    for frame in run.frames() {
        let ip = frame.from.ip().octets();
        if ip[2] == 0 && ip[0] == 10
            || frame.from.ip().is_loopback() && all.iter().any(|id| run.address(*id) == frame.from)
        {
            assert_closed(frame);
        }
    }
    assert_eq!((run.peer_count(outsider), run.texts(outsider).len()), (1, 0), "only the older client");
    assert_eq!(run.peer_count(wrong), 0);
    assert_eq!(run.older_client(old).known.len(), 1, "only the outsider");
    assert!(run.older_client(old).shown.is_empty());
    for id in &all[..3] {
        assert_eq!(run.peer_count(*id), 2, "nobody outside is listed: {:?}", run.comings(*id));
        assert!(run.counters(*id).outside_group > 10);
    }
}

#[test]
fn two_groups_on_one_lan_do_not_hear_each_other() {
    let mut run = Run::new(2);
    let hosts = run.hosts(8);
    let all: Vec<ProgramId> = hosts
        .iter()
        .enumerate()
        .map(|(n, host)| member(&mut run, *host, &format!("p{n}"), if n % 2 == 0 { RED } else { BLUE }))
        .collect();
    run.run_for(secs(20));
    for (n, id) in all.iter().enumerate() {
        assert_eq!(run.peer_count(*id), 3);
        run.post(*id, &format!("from p{n}"));
    }
    run.run_for(secs(1));
    for (n, id) in all.iter().enumerate() {
        let expected: Vec<String> =
            (0..8).filter(|m| *m != n && m % 2 == n % 2).map(|m| format!("POST from p{m}")).collect();
        assert_eq!(run.texts(*id), expected);
    }
}

#[test]
fn two_members_on_one_host_know_each_other() {
    let mut run = Run::new(3);
    let host = run.host(&[]);
    let all = [member(&mut run, host, "a", RED), member(&mut run, host, "b", RED)];
    run.run_for(secs(1));
    assert!(run.all_list_all(&all));
}

#[test]
fn nothing_that_is_not_sealed_for_the_group_is_heard() {
    let (mut run, all) = group(4, 2);
    let (a, b) = (all[0], all[1]);
    let before = run.known(a);
    run.forget_frames();
    let mut mallory = Signer::new(1, "canary-r1", stranger());
    let sid = run.frames().first().map_or_else(|| "AAAAAAAAAAA".to_owned(), |_| run.sid_of(b));
    let mut said = one_of_each("canary-r1@10.0.0.2", "canary-r0@10.0.0.1", &[("SID", &sid)]);
    said.extend(one_of_each("canary-r1@10.0.0.2", "canary-r0@10.0.0.1", &[]));
    said.push(announcement("x@10.0.200.7", 8500, &[("ASK", "AAAAAAAAAAA")]));
    said.push(mallory.announces(&[("ASK", "AAAAAAAAAAA")]));
    said.push(mallory.posts("I am r1"));
    said.push(b"TYPE:PEER_DISCOVERY\nSID:AAAAAAAAAAA\nNO:1\nBOX:AAAA\n\n".to_vec());
    said.push(b"TYPE:PEER_DISCOVERY\nSID:AAAAAAAAAAA\nNO:1\nBOX:\n\n".to_vec());
    let count = said.len() as u64;
    for from in [stranger(), run.address(b)] {
        let dropped = run.counters(a).outside_group;
        for bytes in &said {
            run.inject(from, a, Socket::Discovery, bytes);
            run.run_for(millis(60));
        }
        assert!(run.counters(a).outside_group >= dropped + count);
    }
    run.run_for(secs(5));
    assert_eq!(run.known(a), before);
    assert_eq!(run.texts(a), Vec::<String>::new());
    assert_eq!(run.peer_count(a), 1);
    assert!(!run.frames().iter().any(|frame| frame.to == stranger()), "nobody outside is answered");
}

#[test]
fn a_changed_frame_is_no_frame() {
    let (mut run, all) = group(5, 2);
    run.air.loss = 1.0;
    run.forget_frames();
    run.post(all[1], "hello");
    run.air.loss = 0.0;
    let frame = run.frames().last().unwrap().clone();
    for at in 0..frame.payload.len() {
        let mut bytes = frame.payload.to_vec();
        bytes[at] ^= 1;
        // Before the next announcement says that there is one more post.
        run.inject(frame.from, all[0], Socket::Unicast, &bytes);
    }
    run.run_for(millis(100));
    assert_eq!(run.texts(all[0]), Vec::<String>::new());
    run.deliver(&frame, None, all[0]);
    assert_eq!(run.texts(all[0]), ["POST hello"]);
    run.deliver(&frame, None, all[0]);
    run.deliver(&frame, Some(stranger()), all[0]);
    assert_eq!(run.texts(all[0]), ["POST hello"]);
}

#[test]
fn a_member_that_starts_again_is_known_and_uses_no_number_twice() {
    let (mut run, all) = group(6, 3);
    for round in 0..5 {
        run.restart(all[round % 3]);
        run.run_for(secs(10));
        assert!(run.all_know_all(&all), "round {round}");
        run.post(all[round % 3], &format!("round {round}"));
        run.run_for(secs(1));
    }
    let mut used = std::collections::BTreeMap::new();
    for frame in run.frames() {
        let place = (frame.value("SID").unwrap().to_owned(), frame.value("NO").unwrap().to_owned());
        let first = used.entry(place.clone()).or_insert_with(|| frame.payload.clone());
        assert!(*first == frame.payload, "{place:?} twice");
    }
}

#[test]
fn the_longest_text_fits_into_a_frame() {
    let (mut run, all) = group(7, 2);
    let id = run.id_of(all[0], "canary-r1");
    let commands: [&dyn Fn(String) -> Command; 2] =
        [&|text| Command::Post { text }, &|text| Command::Dm { to: Whom::Peer(id), text }];
    for command in commands {
        let mut size = 1_300;
        while run.command(all[0], command("x".repeat(size))).is_err() {
            size -= 1;
        }
        assert!(size > 150, "{size}");
        run.run_for(secs(1));
        assert!(run.texts(all[1]).last().unwrap().ends_with(&"x".repeat(size)));
    }
    // A piece of 600 bytes is longer in its frame than anything else.
    let long = run.frames().iter().map(|frame| frame.payload.len()).max();
    assert!(long <= Some(1_400), "{long:?}");
}

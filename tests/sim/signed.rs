//! Who signs is known by key, and nothing that nobody signed changes what is known of it.

use lsnp::engine::{Command, Event, Presence, Socket, Trust};
use lsnp::sim::{OlderKind, ProgramId, Setup};

use super::forged::{announcement, datagram, octets, one_of_each};
use super::run::{Run, millis, secs};
use super::signer::{Signer, is_signed_by, without_signature};

#[test]
fn two_know_each_other_by_key() {
    let (run, a, b) = Run::pair(1);
    for (one, other) in [(a, b), (b, a)] {
        let peer = run.row(one, other);
        assert_eq!((peer.trust(), peer.is_private(), peer.presence()), (Trust::Known, true, Presence::Live));
        assert_eq!(run.peer_count(one), 1);
    }
}

#[test]
fn real_keys_do_as_well() {
    let mut run = Run::new(2);
    let hosts = run.hosts(5);
    let start = |(n, host): (usize, &_)| {
        run.start(*host, Setup { signing: lsnp::sim::Signing::Real, ..Setup::named(&format!("p{n}")) })
    };
    let all: Vec<ProgramId> = hosts.iter().enumerate().map(start).collect();
    run.run_for(secs(20));
    assert!(run.all_know_all(&all));
    run.post(all[0], "hello");
    run.dm(all[1], "p2", "first");
    run.run_for(secs(1));
    run.dm(all[2], "p1", "second");
    run.run_for(secs(1));
    assert_eq!(run.texts(all[2]), ["POST hello", "DM first"]);
    assert_eq!(run.texts(all[1]), ["POST hello", "DM second"]);
    assert!(run.frames().iter().any(|frame| frame.value("SEAL") == Some("2")));
}

#[test]
fn all_that_is_said_among_signed_peers_is_signed() {
    let mut run = Run::new(3);
    let hosts = run.hosts(4);
    let mut painter = Setup::named("p0");
    painter.identity.avatar = Some([&b"\x89PNG\r\n\x1a\n"[..], &[7; 2_000]].concat());
    let mut all = vec![run.start(hosts[0], painter)];
    all.extend(hosts[1..].iter().enumerate().map(|(n, host)| run.peer(*host, &format!("p{}", n + 1))));
    run.run_for(secs(10));
    let name = Command::Profile { display_name: Some("Painter".into()), status: Some("x".repeat(140)) };
    run.command(all[0], name).unwrap();
    run.post(all[0], "hello");
    run.dm(all[0], "p1", "a letter");
    run.run_for(secs(1));
    run.dm(all[1], "p0", "in a session");
    for command in [Command::FetchAvatar, Command::AskPeers, Command::Follow, Command::Unfollow, Command::Probe] {
        let id = run.id_of(all[2], "p0");
        run.command(all[2], command(id)).unwrap();
        run.run_for(secs(2));
    }
    run.leave(all[3]);
    run.run_for(secs(40));
    let mut kinds = std::collections::BTreeSet::new();
    let mut noise = std::collections::BTreeSet::new();
    for frame in run.frames() {
        let text = String::from_utf8_lossy(&frame.payload);
        assert!(frame.payload.len() <= 1_200, "{text}");
        let sender = all.iter().find(|id| {
            run.address(**id).port() == frame.from.port() && {
                let ip = *run.address(**id).ip();
                ip == *frame.from.ip() || frame.from.ip().is_loopback()
            }
        });
        let session = frame.value("SEAL") == Some("2");
        kinds.insert(format!("{}{}", frame.kind(), if session { " in a session" } else { "" }));
        if frame.kind() == "CHUNK" || session {
            assert!(frame.value("PK").is_none() && frame.value("SIG").is_none());
            continue;
        }
        let signer = all.iter().find(|id| is_signed_by(&frame.payload, &run.key_of(**id)));
        assert!(signer.is_some() && (frame.from.ip().is_loopback() || signer == sender), "{text}");
        assert!(frame.value("SID").is_some(), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        let grease = lines[lines.len() - 5].split_once(':').unwrap();
        assert!(grease.0.starts_with('X') && grease.0.len() == 5, "{text}");
        noise.insert(grease.0.to_owned());
    }
    let expected = [
        "CHUNK",
        "CHUNK_REQUEST",
        "DM",
        "DM in a session",
        "FOLLOW",
        "FOLLOW_RESPONSE",
        "PEER_DISCOVERY",
        "PEER_LIST_REQUEST",
        "PEER_LIST_RESPONSE",
        "POST",
        "PROFILE",
        "SYNC",
        "UNFOLLOW",
        "UNFOLLOW_RESPONSE",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert!(noise.len() > 10, "the unknown key is another one each time: {noise:?}");
}

#[test]
fn no_number_is_used_twice() {
    let mut run = Run::new(4);
    let all = run.crowd(4);
    for round in 0..5 {
        run.run_for(secs(20));
        run.post(all[round % 4], "hello");
        run.run_for(secs(1));
        run.restart(all[(round + 1) % 4]);
    }
    run.run_for(secs(20));
    let mut last = std::collections::BTreeMap::new();
    for frame in run.frames() {
        let Ok(envelope) = lsnp::wire::Envelope::of(&frame.payload) else { continue };
        let (seq, bytes) = last.entry(envelope.key).or_insert((0, frame.payload.clone()));
        assert!(envelope.seq > *seq || bytes == &frame.payload, "{} after {seq}", envelope.seq);
        (*seq, *bytes) = (envelope.seq, frame.payload.clone());
    }
    assert_eq!(last.len(), 4);
}

/// All that somebody who knows everything but the key of `b` may send in its name.
fn in_the_name_of(run: &Run, a: ProgramId, b: ProgramId) -> Vec<Vec<u8>> {
    let (from, to) = (run.row(a, b).raw_id().to_owned(), run.row(b, a).raw_id().to_owned());
    let sid = run.sid_of(b);
    let prekey = "00000001,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let claims =
        [("DISPLAY_NAME", "Mallory"), ("STATUS", "owned"), ("PREKEY", prekey), ("CAP", "fly"), ("BEAT", "3600")];
    let mut all = Vec::new();
    for sid in [Some(sid.clone()), Some(octets(4_711)), None] {
        let sid = sid.as_deref().map(|sid| ("SID", sid));
        let more: Vec<(&str, &str)> = sid.into_iter().collect();
        all.extend(one_of_each(&from, &to, &more));
        all.push(announcement(&from, 8000, &[&more[..], &claims[..]].concat()));
        all.push(announcement("elsewhere@10.0.99.99", 8000, &[&more[..], &claims[..]].concat()));
        let bye = sid.map_or("AAAAAAAAAAA", |(_, sid)| sid);
        all.push(announcement(&from, 8000, &[&more[..], &[("BYE", bye)]].concat()));
        let profile = [("USER_ID", from.as_str()), ("DISPLAY_NAME", "Mallory"), ("STATUS", "owned")];
        all.push(datagram("PROFILE", &[&profile[..], &more].concat()));
    }
    all
}

#[test]
fn nothing_unsigned_changes_what_is_known_of_a_signed_peer() {
    let (mut run, a, b) = Run::pair(5);
    let about = Command::Profile { display_name: Some("Bob".into()), status: Some("at home".into()) };
    run.command(b, about).unwrap();
    run.run_for(secs(2));
    let (before, own) = (run.known(a), run.address(b));
    let thief = "10.0.66.6:8666".parse().unwrap();
    for from in [own, thief] {
        for socket in [Socket::Unicast, Socket::Discovery] {
            for bytes in in_the_name_of(&run, a, b) {
                run.inject(from, a, socket, &bytes);
                run.run_for(millis(300));
                assert_eq!(run.known(a), before, "after\n{}", String::from_utf8_lossy(&bytes));
            }
        }
    }
    let key = run.key_of(b);
    let told = run.events(a).iter().filter(|(_, event)| match event {
        Event::Left(peer) | Event::Gone(peer) | Event::Quiet(peer) | Event::Back(peer) => peer.key() == Some(key),
        Event::KeyChanged { .. } => true,
        _ => false,
    });
    assert_eq!(told.count(), 0, "{:?}", run.comings(a));
    assert_eq!(run.shown_of(a, key), Vec::<String>::new());
}

#[test]
fn what_nobody_signed_does_not_keep_a_signed_peer_alive() {
    let (mut run, a, b) = Run::pair(6);
    let (key, from, stopped) = (run.key_of(b), run.address(b), run.now());
    let forged = in_the_name_of(&run, a, b);
    run.stop(b);
    let gone = |event: &Event| matches!(event, Event::Gone(peer) if peer.key() == Some(key));
    for _ in 0..40 {
        for bytes in &forged {
            run.inject(from, a, Socket::Discovery, bytes);
        }
        run.run_for(secs(10));
    }
    let gone = run.when(a, gone).expect("it is gone");
    assert!(gone.since(stopped) <= secs(305), "{:?}", gone.since(stopped));
}

#[test]
fn what_nobody_signed_never_stands_in_the_way_of_what_somebody_did() {
    let (mut run, a, b) = Run::pair(7);
    let (from, key) = (run.address(b), run.key_of(b));
    for (kind, shown) in [("POST", "POST genuine"), ("DM", "DM genuine")] {
        run.air.loss = 1.0;
        run.forget_frames();
        if kind == "POST" {
            run.post(b, "genuine")
        } else {
            run.dm(b, "p0", "genuine")
        }
        run.run_for(millis(100));
        run.air.loss = 0.0;
        let frame = run.frames().iter().find(|frame| frame.kind() == kind).unwrap().clone();
        let plain = String::from_utf8(without_signature(&frame.payload)).unwrap();
        let plain = plain.replace("SEAL:1\n", "CONTENT:forged\n");
        for bytes in [plain.replace("genuine", "forged"), plain.replace("SID:", "SID_:").replace("genuine", "forged")] {
            run.inject(from, a, Socket::Unicast, bytes.as_bytes());
            run.inject("10.0.66.6:8666".parse().unwrap(), a, Socket::Unicast, bytes.as_bytes());
        }
        assert_eq!(run.shown_of(a, key).iter().filter(|text| *text == shown).count(), 0);
        run.deliver(&frame, None, a);
        assert_eq!(run.shown_of(a, key).iter().filter(|text| *text == shown).count(), 1, "{:?}", run.texts(a));
    }
    assert!(run.shown_of(a, key).iter().all(|text| text.ends_with("genuine")));
}

#[test]
fn a_signature_that_was_taken_off_makes_it_somebody_elses() {
    let (mut run, a, b) = Run::pair(8);
    run.air.loss = 1.0;
    run.post(b, "hello");
    run.air.loss = 0.0;
    let frame = run.frames().iter().rev().find(|frame| frame.kind() == "POST").unwrap().clone();
    run.inject(frame.from, a, Socket::Unicast, &without_signature(&frame.payload));
    // Before the next announcement says that there is one more post.
    run.run_for(millis(200));
    assert_eq!(run.shown_of(a, run.key_of(b)), Vec::<String>::new());
    let shown = run.events(a).iter().find_map(|(_, event)| match event {
        Event::Post { from, .. } => Some((from.trust(), from.is_private())),
        _ => None,
    });
    assert_eq!(shown, Some((Trust::Unsigned, false)));
}

#[test]
fn part_of_a_signature_is_not_none() {
    let (mut run, a, b) = Run::pair(9);
    run.air.loss = 1.0;
    run.post(b, "hello");
    run.air.loss = 0.0;
    let frame = run.frames().iter().rev().find(|frame| frame.kind() == "POST").unwrap().clone();
    let text = String::from_utf8(frame.payload.to_vec()).unwrap();
    let before = run.known(a);
    let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap().to_owned() + "\n";
    let (pk, seq, sig) = (line("PK:"), line("SEQ:"), line("SIG:"));
    let mut wrong: Vec<String> = [&pk, &seq, &sig].map(|line| text.replace(line.as_str(), "")).into();
    wrong.push(text.replace(&pk, "").replace(&seq, ""));
    wrong.push(text.replace(&sig, "").replace(&seq, ""));
    wrong.push(text.replace("hello", "hallo"));
    wrong.push(text.replace(&seq, &format!("SEQ:{}\n", u64::MAX)));
    wrong.push(text.replace("CONTENT:hello\n", "CONTENT:hello\nCONTENT:hallo\n"));
    wrong.push(text.replace("CONTENT:hello\n", "CONTENT:hallo\nCONTENT:hello\n"));
    wrong.push(text.replace('\n', "\r\n"));
    wrong.push(format!("{text}CONTENT:hallo\n"));
    wrong.push(format!("{text}\n"));
    wrong.push(text.trim_end().to_owned());
    for bytes in &wrong {
        let came = run.counters(a);
        run.inject(frame.from, a, Socket::Unicast, bytes.as_bytes());
        let dropped = run.counters(a);
        let counted = dropped.malformed + dropped.bad_signatures - came.malformed - came.bad_signatures;
        assert!(counted == 1 || dropped.replays > came.replays, "{dropped:?} for\n{bytes}");
    }
    // Before the next announcement says that there is one more post.
    run.run_for(millis(200));
    assert_eq!(run.texts(a), Vec::<String>::new());
    assert_eq!(run.known(a), before);
    run.deliver(&frame, None, a);
    assert_eq!(run.texts(a), ["POST hello"], "what was wrong does not keep out what is right");
}

#[test]
fn another_key_with_the_same_label_and_sid_is_another_peer() {
    let (mut run, a, b) = Run::pair(10);
    let before = run.known(a)[&run.key_of(b)].clone();
    let mut mallory = Signer::new(1, "p1", run.address(b));
    mallory.sid = run.sid_of(b);
    for _ in 0..20 {
        let said = [mallory.announces(&[("DISPLAY_NAME", "Mallory")]), mallory.posts("I am p1")];
        for bytes in said {
            run.inject(mallory.at, a, Socket::Discovery, &bytes);
        }
        run.run_for(secs(1));
    }
    assert_eq!(run.known(a)[&run.key_of(b)], before);
    assert_eq!(run.shown_of(a, run.key_of(b)), Vec::<String>::new());
}

#[test]
fn older_clients_get_nothing_signed_and_are_shown_for_what_they_are() {
    let mut run = Run::new(11);
    let hosts = run.hosts(4);
    let (a, b) = (run.peer(hosts[0], "p0"), run.peer(hosts[1], "p1"));
    let old = run.older(hosts[2], OlderKind::Reference, "old");
    let spaced = run.older(hosts[3], OlderKind::Spaced, "dave");
    run.run_for(secs(60));
    run.post(a, "for all");
    run.dm(a, "old", "for old");
    run.run_for(secs(1));
    run.older_dm(old, "p0@10.0.0.1", "from old");
    run.run_for(secs(1));
    for older in [old, spaced] {
        let to = run.address(older);
        for frame in run.frames().iter().filter(|frame| frame.to == to && frame.to.port() != 50999) {
            assert!(frame.value("SIG").is_none(), "{}", String::from_utf8_lossy(&frame.payload));
        }
        assert!(run.older_client(older).shown.iter().any(|shown| shown.text == "for all"));
        assert!(run.older_client(older).shown.iter().all(|shown| shown.kind != "SIG"));
    }
    assert!(run.older_client(old).shown.iter().any(|shown| shown.text == "for old"));
    let words: Vec<Trust> = run.peers_of(a).iter().map(lsnp::engine::Peer::trust).collect();
    assert_eq!(words.iter().filter(|trust| **trust == Trust::Unsigned).count(), 2, "{words:?}");
    let private = run.events(a).iter().find_map(|(_, event)| match event {
        Event::Dm { private, .. } => Some(*private),
        _ => None,
    });
    assert_eq!(private, Some(false));
    assert_eq!(run.texts(b), ["POST for all"]);
}

#[test]
fn a_peer_of_the_version_before_is_heard_and_unverified() {
    let mut run = Run::new(12);
    let hosts = run.hosts(2);
    let (a, b) = (run.peer(hosts[0], "p0"), run.start(hosts[1], Setup::named("p1").unsigned()));
    run.run_for(secs(10));
    assert!(run.knows(a, b) && run.knows(b, a));
    let peer = run.peers_of(a)[0].clone();
    assert_eq!((peer.trust(), peer.key(), peer.is_private()), (Trust::Unsigned, None, false));
    run.post(b, "hi");
    run.dm(b, "p0", "hi you");
    run.dm(a, "p1", "not private");
    run.run_for(secs(1));
    assert_eq!(run.texts(a), ["POST hi", "DM hi you"]);
    assert_eq!(run.texts(b), ["DM not private"]);
    run.stop(b);
    run.run_for(secs(400));
    assert_eq!(run.comings(a), ["here p1", "quiet p1", "gone p1"]);
}

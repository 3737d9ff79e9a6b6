//! Pulling avatars.

use lsnp::engine::{Command, CommandError, Event};
use lsnp::sim::{Air, Setup};

use super::forged::announcement;
use super::run::{Run, millis, secs};

fn picture(size: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend((bytes.len()..size).map(|n| (n * 7 % 251) as u8));
    bytes
}

#[test]
fn an_avatar_is_pulled_through_bad_air() {
    for (seed, size) in [(1, 9), (2, 600), (3, 601), (4, 7_777), (5, 20_480)] {
        let mut run = Run::new(seed);
        let hosts = run.hosts(2);
        let mut setup = Setup::named("painter");
        setup.identity.avatar = Some(picture(size));
        let painter = run.start(hosts[0], setup);
        let viewer = run.peer(hosts[1], "viewer");
        run.run_for(secs(10));
        run.air = Air { loss: 0.2, duplicate: 0.2, jitter: millis(20), ..Air::default() };
        let id = run.id_of(viewer, "painter");
        run.command(viewer, Command::FetchAvatar(id)).unwrap();
        run.run_for(secs(60));
        let got = run.events(viewer).iter().find_map(|(_, event)| match event {
            Event::Avatar { bytes, .. } => Some(bytes.to_vec()),
            _ => None,
        });
        assert!(got == Some(picture(size)), "{size} bytes: {:?}", got.map(|bytes| bytes.len()));
        run.forget_frames();
        run.command(viewer, Command::FetchAvatar(id)).unwrap();
        assert!(run.frames().is_empty(), "it is here already");
        let _ = painter;
    }
}

#[test]
fn a_pull_from_one_that_vanished_fails_in_time() {
    let mut run = Run::new(6);
    let hosts = run.hosts(2);
    let mut setup = Setup::named("painter");
    setup.identity.avatar = Some(picture(5_000));
    let painter = run.start(hosts[0], setup);
    let viewer = run.peer(hosts[1], "viewer");
    run.run_for(secs(10));
    run.stop(painter);
    run.forget_frames();
    let id = run.id_of(viewer, "painter");
    run.command(viewer, Command::FetchAvatar(id)).unwrap();
    run.run_for(secs(60));
    assert!(run.when(viewer, |event| matches!(event, Event::AvatarFailed(_))).is_some());
    let requests = run.frames().iter().filter(|frame| frame.kind() == "CHUNK_REQUEST").count();
    assert!(requests <= 20, "{requests} requests");
}

#[test]
fn one_without_an_avatar_has_none_to_fetch() {
    let (mut run, a, _) = Run::pair(7);
    let id = run.id_of(a, "p1");
    assert_eq!(run.command(a, Command::FetchAvatar(id)).unwrap_err(), CommandError::NoAvatar);
}

#[test]
fn an_address_that_never_answers_is_sent_one_picture_an_hour() {
    let mut run = Run::new(3);
    let host = run.hosts(1)[0];
    let mut setup = Setup::named("a");
    setup.identity.avatar = Some(picture(5_000));
    let a = run.start(host, setup);
    run.run_for(secs(3));
    run.forget_frames();
    let ip = "10.0.200.7".parse().unwrap();
    for round in 0..100 {
        for n in 0..8 {
            let port = 20_000 + n;
            let forged = announcement(&format!("f{n}@10.0.200.7"), port, &[]);
            run.inject(std::net::SocketAddrV4::new(ip, port), a, lsnp::engine::Socket::Discovery, &forged);
        }
        run.run_for(secs(if round < 50 { 25 } else { 400 }));
    }
    let pictures = run.frames().iter().filter(|frame| frame.value("AVATAR_DATA").is_some()).count();
    assert!((1..=7).contains(&pictures), "{pictures} pictures in 6 hours");
}

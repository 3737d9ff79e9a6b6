//! `peer progress`: to everybody, to one, to a port of a listener; and the board.

use std::net::UdpSocket;
use std::time::Duration;

use rustix::process::Signal;

use crate::world::World;

/// A port that nobody has at the moment.
fn free_port() -> u16 {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

const SENT: [&str; 6] = ["--user", "fatuma", "--lesson", "lesson-001", "--status", "completed"];

#[test]
fn the_command_that_a_listener_prints_reaches_it() {
    let world = World::new();
    let port = free_port().to_string();
    let listen = ["--profile", "bob", "--name", "bob", "progress", "listen", "--port", &port];
    let mut listener = world.piped_with(&listen);
    listener.shows("To send progress here");
    listener.shows("\n");
    listener.shows("peer progress send ");
    let command = listener.shows("\n");
    assert!(command.contains("--user fatuma --lesson lesson-001 --status completed --to "), "{command}");
    assert!(command.ends_with(&format!(":{port}")) && !command.contains("0.0.0.0"), "{command}");

    let words: Vec<&str> = ["progress", "send"].into_iter().chain(command.split(' ')).collect();
    let sent = world.ran(&[&["--profile", "nobody"], &words[..]].concat(), b"");
    assert_eq!(sent.status, Some(0), "{sent:?}");
    assert!(sent.out.starts_with("Sent to ") && sent.out.ends_with(": fatuma lesson-001 completed\n"), "{sent:?}");
    assert_eq!(sent.error, "");
    listener.shows("PROGRESS\tfatuma\tlesson-001\tcompleted\n");

    // It is on the board of the listener's peer, and told once.
    let there = format!("127.0.0.1:{port}");
    let other = ["--user", "amina", "--lesson", "2", "--status", "started", "--to", &there];
    let sent = world.ran(&[&["--temporary", "progress", "send", "--json"], &other[..]].concat(), b"");
    assert_eq!((&sent.objects()[0]["to"], &sent.objects()[0]["user"]), (&there.as_str().into(), &"amina".into()));
    listener.shows("PROGRESS\tamina\t2\tstarted\n");
    let on_board = |_| {
        let board = world.ran(&["--profile", "bob", "progress", "board", "--json"], b"");
        board.objects().len() == 2
    };
    assert!((0..300).any(on_board), "not on the board");
    listener.signals(Signal::INT);
    let (status, text) = listener.ends_within(Duration::from_secs(3));
    assert_eq!((status, text.matches("PROGRESS\t").count()), (Some(0), 2), "{text}");

    let board = world.ran(&["--profile", "bob", "--name", "bob", "progress", "board"], b"");
    let lines: Vec<&str> = board.out.lines().collect();
    assert_eq!(lines, ["PROGRESS\tamina\t2\tstarted", "PROGRESS\tfatuma\tlesson-001\tcompleted"], "{board:?}");
}

#[test]
fn an_address_where_nobody_listens_says_so() {
    let world = World::new();
    let there = format!("127.0.0.1:{}", free_port());
    let sent = world.ran(&[&["progress", "send"], &SENT[..], &["--to", &there]].concat(), b"");
    assert_eq!((sent.status, sent.out.as_str()), (Some(3), ""), "{sent:?}");
    assert!(sent.error.starts_with(&format!("peer: Nobody listens at {there}")), "{sent:?}");
    for wrong in ["0.0.0.0:8000", "127.0.0.1:0", "224.0.0.1:8000"] {
        let sent = world.ran(&[&["progress", "send"], &SENT[..], &["--to", wrong]].concat(), b"");
        assert_eq!(sent.status, Some(2), "{wrong}: {sent:?}");
    }
    for (user, lesson) in [("", "x"), ("x", "a\nb"), ("\u{202e}x", "x")] {
        let sent = world.ran(&["progress", "send", "--user", user, "--lesson", lesson, "--status", "s"], b"");
        assert_eq!((sent.status, sent.out.as_str()), (Some(2), ""), "{sent:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_told_with_who_has_it() {
    let world = World::new();
    let taken = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = world.ran(&["--temporary", "--name", "bob", "progress", "listen", "--port", &port], b"");
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(ran.error.starts_with(&format!("peer: Port {port} is taken")), "{ran:?}");
    #[cfg(target_os = "linux")]
    assert!(ran.error.contains(&format!("process {}", std::process::id())), "{ran:?}");
}

#[test]
fn a_flood_and_garbage_leave_a_listener_standing() {
    let world = World::new();
    let port = free_port().to_string();
    let mut listener = world.piped_with(&["--temporary", "--name", "bob", "progress", "listen", "--port", &port]);
    listener.shows("peer progress send ");
    let there = format!("127.0.0.1:{port}");
    let attacker = UdpSocket::bind("127.0.0.1:0").unwrap();
    for n in 0..5_000_usize {
        let garbage = vec![u8::try_from(n % 256).unwrap(); n % 2_000];
        // The listener's queue may be full.
        let _ = attacker.send_to(&garbage, &there);
        let _ = attacker.send_to(b"TYPE:DATA\nOF:board\nBODY:{\"v\":1,\"user\":\"\\u001b[2J\"}\n\n", &there);
    }
    // Once the flood is over, what is good gets through.
    let sent = |_| {
        let sent = world.ran(&[&["--temporary", "progress", "send"], &SENT[..], &["--to", &there]].concat(), b"");
        sent.status == Some(0) && listener.text().contains("PROGRESS\tfatuma\tlesson-001\tcompleted\n")
    };
    assert!((0..100).any(sent), "it is deaf");
    assert!(!listener.text().contains('\x1b'), "{:?}", listener.text());
    listener.signals(Signal::TERM);
    assert_eq!(listener.ends_within(Duration::from_secs(3)).0, Some(0));
}

#[test]
fn everybody_is_told_and_the_board_is_the_same_at_all() {
    let world = World::new();
    let mut bob = world.piped_with(&["--profile", "bob", "--name", "bob", "progress", "listen", "--json"]);
    bob.shows("\"type\":\"listening\"");
    let alice =
        |args: &[&str]| world.ran(&[&["--profile", "alice", "--name", "alice", "progress"], args].concat(), b"");
    let sent = alice(&[&["send"], &SENT[..]].concat());
    assert_eq!((sent.status, sent.out.as_str()), (Some(0), "Sent to 1: fatuma lesson-001 completed\n"), "{sent:?}");
    bob.shows("\"user\":\"fatuma\"");
    bob.shows("\"name\":\"alice\"");
    let sent = alice(&["send", "--user", "amina", "--lesson", "1", "--status", "started", "--to", "bob"]);
    assert_eq!((sent.status, sent.out.as_str()), (Some(0), "Sent to bob: amina 1 started\n"), "{sent:?}");
    bob.shows("\"user\":\"amina\"");
    let nobody = alice(&[&["send"], &SENT[..], &["--to", "carl"]].concat());
    assert_eq!(nobody.status, Some(3), "{nobody:?}");
    let board = world.ran(&["--profile", "bob", "progress", "board", "--json"], b"").objects();
    assert_eq!(board.len(), 2, "{board:?}");
    bob.signals(Signal::INT);
    assert_eq!(bob.ends_within(Duration::from_secs(3)).0, Some(0));

    let nobody = world.ran(&[&["--temporary", "--name", "carl", "progress", "send"], &SENT[..]].concat(), b"");
    assert_eq!((nobody.status, nobody.out.as_str()), (Some(3), ""), "{nobody:?}");
    let kept = world.ran(&["--profile", "bob", "progress", "board", "--json"], b"").objects();
    assert_eq!(kept.len(), 2, "it survives the end: {kept:?}");
}

#[test]
fn progress_does_not_leave_the_closed_group_of_the_peer_that_runs() {
    let world = World::new();
    let mut command = world.command(&["--profile", "bob", "--name", "bob"]);
    command.env("PEER_SECRET", "a secret of five words here");
    let mut bob = world.runs(command);
    bob.shows("INFO\t\t\tYou are bob@");
    let ear = UdpSocket::bind("127.0.0.1:0").unwrap();
    ear.set_nonblocking(true).unwrap();
    let there = ear.local_addr().unwrap().to_string();
    // The secret is the peer's; the commands are not told of it.
    let sent = world.ran(&[&["--profile", "bob", "progress", "send"], &SENT[..], &["--to", &there]].concat(), b"");
    assert_eq!((sent.status, sent.out.as_str()), (Some(3), ""), "{sent:?}");
    assert!(sent.error.contains("closed group"), "{sent:?}");
    assert!(ear.recv(&mut [0; 1]).is_err(), "it left in the clear");
    let mut listener = world.piped_with(&["--profile", "bob", "progress", "listen"]);
    listener.shows("From another member of the group");
}

#[test]
fn what_is_no_address_of_a_listener_is_told_so() {
    let world = World::new();
    for (to, why) in [("10.0.0.7:99999", "port"), ("", "--to"), ("255.255.255.255", "leave --to out")] {
        let sent = world.ran(&[&["progress", "send"], &SENT[..], &["--to", to]].concat(), b"");
        assert_eq!((sent.status, sent.out.as_str()), (Some(2), ""), "{to}: {sent:?}");
        assert!(sent.error.contains(why), "{to}: {sent:?}");
    }
    let spaced = ["--user", " fatuma", "--lesson", "1", "--status", "s", "--to", "127.0.0.1:9"];
    let sent = world.ran(&[&["progress", "send"], &spaced[..]].concat(), b"");
    assert!(sent.status == Some(2) && sent.error.contains("spaces"), "{sent:?}");
}

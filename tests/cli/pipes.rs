//! Sessions on pipes: tab-separated lines in and out.

use std::io::Write;
use std::net::UdpSocket;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::SOON;
use crate::world::{Running, World, end};

/// The lines of one kind.
fn lines<'a>(text: &'a str, kind: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.split('\t').next() == Some(kind)).collect()
}

/// Each of these lists all the others.
fn all_meet(peers: &mut [&mut Running], names: &[&str]) {
    for (at, peer) in peers.iter_mut().enumerate() {
        for (other, name) in names.iter().enumerate() {
            if other != at {
                peer.meets(name);
            }
        }
    }
}

#[test]
fn three_peers_list_post_write_and_leave() {
    let world = World::new();
    let [mut alice, mut bob, mut charlie] = ["alice", "bob", "charlie"].map(|name| world.piped(name));
    all_meet(&mut [&mut alice, &mut bob, &mut charlie], &["alice", "bob", "charlie"]);

    alice.types("list");
    alice.shows("PEER\tbob@");
    alice.shows("PEER\tcharlie@");
    alice.shows("[this computer]");

    alice.types("POST hi: all");
    alice.shows("SENT\t\t\tPosted to 2: bob, charlie\n");
    bob.shows("\talice\thi: all\n");
    charlie.shows("\talice\thi: all\n");

    alice.types("dm BO only you");
    alice.shows("\tTo bob, private: only you\n");
    bob.shows("\talice\tonly you\n");

    bob.types("PROFILE Bob The Second | busy: a|b");
    bob.shows("INFO\t\t\tYou are called Bob The Second, status: busy: a|b\n");
    alice.shows("\tBob The Second\tbusy: a|b\n");
    alice.types("DM \"Bob The Second\" by your new name");
    bob.shows("by your new name\n");

    alice.types("POST");
    alice.types("answered later");
    charlie.shows("\talice\tanswered later\n");

    alice.types("DM nobody hi");
    alice.shows("ERROR\t\t\tNobody here is called nobody");
    alice.types("hello");
    alice.shows("ERROR\t\t\tNot a command. To tell everyone: POST hello\n");
    alice.types(&format!("POST {}", "x".repeat(66_000)));
    alice.shows("ERROR\t\t\tThe text takes 66");
    alice.types("PEERS charlie");
    let knows = alice.shows("\nPEERS\tcharlie@");
    assert!(!knows.contains("ERROR"), "{knows}");

    alice.types("VERBOSE");
    alice.shows("INFO\t\t\tEvery message is shown");
    charlie.types("DM alice traced");
    alice.shows("TRACE\t\t\t");
    alice.shows(" <- ");
    alice.shows(" DM ");

    charlie.types("QUIT");
    let (status, _) = charlie.ends_within(SOON);
    assert_eq!(status, Some(0));
    alice.shows("LEFT\tcharlie@");
    bob.shows("LEFT\tcharlie@");
    bob.hangs_up();
    let (status, text) = bob.ends_within(SOON);
    assert_eq!(status, Some(0));
    assert_eq!(lines(&text, "POST").len(), 2, "{text}");
    assert_eq!(lines(&text, "DM").len(), 2, "{text}");
    assert!(text.lines().all(|line| line.matches('\t').count() == 3), "{text}");
    alice.shows("LEFT\tbob@");
}

#[test]
fn one_command_from_a_script_reaches_who_is_there() {
    let world = World::new();
    let mut bob = world.piped("bob");
    bob.shows("You are bob@");
    let mut alice = world.piped("alice");
    alice.types("POST from a script");
    alice.hangs_up();
    let (status, text) = alice.ends_within(SOON * 3);
    assert_eq!(status, Some(0));
    assert!(text.contains("SENT\t\t\tPosted to 1: bob\n"), "{text}");
    bob.shows("\talice\tfrom a script\n");
    bob.shows("LEFT\talice@");
}

#[test]
fn alone_a_list_says_what_to_do_and_a_post_waits_for_who_comes() {
    let mut alice = World::new().piped("alice");
    alice.types("LIST");
    alice.shows("INFO\t\t\tNobody yet; announced ");
    alice.shows(" s ago. Start `peer` on another machine, or try: peer doctor\n");
    alice.types("POST hi");
    alice.shows("SENT\t\t\tNobody is here yet: who comes later gets it\n");
}

#[test]
fn a_name_that_two_share_is_refused_with_both() {
    let world = World::new();
    let mut alice = world.piped("alice");
    let [_one, _two] = [world.piped("bob"), world.piped("bob")];
    alice.meets("bob");
    alice.meets("bob");
    alice.types("DM bob hi");
    alice.shows("ERROR\t\t\tbob can be bob#");
    // Two of one name at one address: the second may be somebody else.
    alice.has("KEY\tbob@");
    alice.types("LIST");
    let mut rows = [alice.shows("same id as another"), alice.shows("same id as another")];
    rows.sort_by_key(|row| row.contains("new key"));
    assert!(!rows[0].contains("new key") && rows[1].contains("new key"), "{rows:?}");
    let row = &rows[0];
    let address = row.split('\t').next_back().unwrap().split(' ').next().unwrap().to_owned();
    alice.types(&format!("DM {address} by address"));
    alice.shows("\tTo bob#");
    alice.shows(", private: by address\n");
}

#[test]
fn an_avatar_travels_whole_and_overwrites_nothing() {
    let world = World::new();
    let picture: Vec<u8> = b"\x89PNG\r\n\x1a\n".iter().copied().chain((0..9000).map(|n| (n % 251) as u8)).collect();
    std::fs::write(world.folder.join("my face.png"), &picture).unwrap();
    let [mut alice, mut bob] = ["alice", "bob"].map(|name| world.piped(name));
    all_meet(&mut [&mut alice, &mut bob], &["alice", "bob"]);
    alice.types("AVATAR nothing.png");
    alice.shows("ERROR\t\t\tCannot read nothing.png");
    alice.types("AVATAR my face.png");
    alice.shows("INFO\t\t\tYour picture is my face.png (9,008 bytes)\n");
    bob.shows("PROFILE\talice@");
    bob.types("AVATAR alice save copy.png");
    bob.shows("has a picture: PNG, 9,008 bytes\n");
    bob.shows("INFO\t\t\tSaved as copy.png\n");
    assert_eq!(std::fs::read(world.folder.join("copy.png")).unwrap(), picture);
    bob.types("AVATAR alice save copy.png");
    bob.shows("ERROR\t\t\tcopy.png exists already");
}

#[test]
fn nothing_is_lost_when_posts_come_too_fast_for_an_older_client() {
    let world = World::new();
    let mut alice = world.piped("alice");
    alice.shows("You are alice@");
    let older = UdpSocket::bind("127.0.0.1:0").unwrap();
    older.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let port = older.local_addr().unwrap().port();
    let hello = format!("TYPE:PEER_DISCOVERY\nUSER_ID:zed@127.0.0.1\nPORT:{port}\n\n");
    older.send_to(hello.as_bytes(), ("127.0.0.1", world.port)).unwrap();
    alice.meets("zed");
    for number in 0..130 {
        alice.types(&format!("POST number {number}."));
    }
    let mut wanted: Vec<String> = (0..130).map(|number| format!("CONTENT:number {number}.\n")).collect();
    let mut bytes = [0; 2048];
    while !wanted.is_empty() {
        let count = older.recv(&mut bytes).unwrap_or_else(|_| panic!("never came: {wanted:?}"));
        let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
        wanted.retain(|content| !text.contains(content));
    }
    let text = alice.text();
    assert!(lines(&text, "ERROR").is_empty(), "{text}");
}

#[test]
fn every_end_of_a_pipe_session_is_clean() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let world = World::new();
        let [mut alice, mut bob] = ["alice", "bob"].map(|name| world.piped(name));
        all_meet(&mut [&mut alice, &mut bob], &["alice", "bob"]);
        // A way that carried a message carries the goodbye.
        alice.types("DM bob hi");
        bob.shows("\talice\thi\n");
        alice.signals(signal);
        assert_eq!(alice.ends_within(SOON).0, Some(0), "{signal:?}");
        bob.shows("LEFT\talice@");
    }
}

#[test]
fn a_reader_that_went_away_ends_the_session_quietly() {
    let world = World::new();
    let mut command = world.command(&["--temporary", "--name", "alice"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut error = child.stderr.take().unwrap();
    // Kept open: it is not the end of the input that ends it.
    let mut input = child.stdin.take().unwrap();
    let _ = input.write_all(b"HELP\n");
    assert_eq!(end(child, SOON * 2), Some(0));
    let mut text = String::new();
    std::io::Read::read_to_string(&mut error, &mut text).unwrap();
    assert_eq!(text, "");
}

#[test]
fn a_reader_that_has_stopped_does_not_keep_the_peer_from_ending() {
    let world = World::new();
    let mut bob = world.piped("bob");
    bob.shows("You are bob@");
    let mut command = world.command(&["--temporary", "--name", "alice"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    bob.meets("alice");
    // Far more than the pipe and the queue hold; the peer stops reading, so this goes on aside.
    let writer = std::thread::spawn(move || {
        for _ in 0..100_000 {
            if input.write_all(b"HELP ALL\n").is_err() {
                return;
            }
        }
    });
    // Still there while its reader stands.
    bob.types("POST are you there");
    bob.shows("Posted to 1: alice");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::TERM).unwrap();
    let _unread = child.stdout.take();
    assert_eq!(end(child, SOON), Some(0));
    bob.shows("LEFT\talice@");
    writer.join().unwrap();
}

impl Running {
    /// Waits until it lists a peer with this name.
    #[track_caller]
    fn meets(&mut self, name: &str) {
        // The order in which several are met is not known: look at all that was shown.
        self.has(&format!("HERE\t{name}@"));
    }
}

#[test]
fn one_other_is_counted_as_one() {
    let world = World::new();
    let _bob = world.piped("bob");
    let mut alice = world.piped("alice");
    alice.shows("HERE\tbob@");
    alice.types("STATS");
    alice.shows("INFO\t\t\t1 peer; received ");
}

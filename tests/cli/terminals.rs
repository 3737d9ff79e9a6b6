//! Sessions at terminals: the prompt, the first five minutes, and the terminal afterwards.

use std::net::UdpSocket;
use std::time::Duration;

use rustix::process::Signal;

use crate::SOON;
use crate::world::World;

#[test]
fn the_first_five_minutes_in_three_terminals() {
    let world = World::new();
    let mut alice = world.at_terminal(&[]);
    alice.shows("Your name [jack]: ");
    alice.types("alice");
    let line = alice.shows(" HELP lists commands.\n");
    let line = line.lines().last().unwrap();
    assert!(
        line.starts_with("You are alice@") && line.contains(" (port ") && line.contains("this computer)."),
        "{line}"
    );
    alice.types("LIST");
    alice.shows("Nobody yet; announced ");
    alice.shows(" s ago. Start `peer` on another machine, or try: peer doctor\n");
    alice.types("POST hi");
    alice.shows("Nobody is here yet: who comes later gets it\n");

    let mut bob = world.at_terminal(&[]);
    bob.shows("Profile jack is in use by another peer; using jack-2\n");
    bob.shows("Your name [jack-2]: ");
    bob.types("bob");
    alice.shows("bob is here (");
    bob.shows("alice is here (");

    let mut charlie = world.at_terminal(&[]);
    charlie.shows("using jack-3\n");
    charlie.types("charlie");
    alice.shows("charlie is here (");
    bob.shows("charlie is here (");
    charlie.has("alice is here (");
    charlie.has("bob is here (");

    alice.types("POST hi");
    alice.shows("Posted to 2: bob, charlie\n");
    bob.shows("alice: hi\n");
    charlie.has("alice: hi\n");
    alice.types("hello");
    alice.shows("Not a command. To tell everyone: POST hello\n");
    alice.types("DM bob hi");
    alice.shows("To bob, private: hi\n");
    bob.shows("alice to you: hi\n");
    alice.types("list");
    alice.shows("NAME     ID");
    alice.shows("bob");
    alice.shows("this computer\n");

    bob.types("POST");
    bob.shows("Message: ");
    bob.types("good bye");
    alice.shows("bob: good bye\n");
    bob.types("QUIT");
    assert_eq!(bob.ends_within(SOON).0, Some(0));
    alice.shows("bob left\n");

    alice.presses("\x04");
    assert_eq!(alice.ends_within(SOON).0, Some(0));
    charlie.shows("alice left\n");

    // The name is kept, and asked for no more.
    let mut again = world.at_terminal(&[]);
    let before = again.shows("You are alice@");
    assert!(!before.contains("Your name"), "{before}");
}

#[test]
fn a_message_does_not_break_the_line_being_typed() {
    let world = World::new();
    let mut alice = world.at_terminal(&["--temporary", "--name", "alice"]);
    alice.shows("HELP lists commands.");
    let mut bob = world.piped("bob");
    alice.shows("bob is here (");
    alice.presses("POST 半分の line");
    alice.shows("line");
    bob.types("POST 割り込み");
    alice.shows("bob: 割り込み\n");
    alice.shows("> POST 半分の line");
    alice.presses(" done\r");
    bob.shows("\talice\t半分の line done\n");
    // Pasted text keeps its line breaks, and no line of it becomes a command.
    alice.presses("\x1b[200~POST one\nQUIT\x1b[201~\r");
    bob.shows("\talice\tone QUIT\n");
    alice.types("POST still here");
    bob.shows("\talice\tstill here\n");
}

#[test]
fn commands_and_peers_are_completed_and_history_is_kept() {
    let world = World::new();
    let mut bob = world.piped("bobby");
    bob.shows("You are");
    let mut alice = world.at_terminal(&["--name", "alice"]);
    alice.shows("bobby is here (");
    alice.presses("po\t");
    alice.shows("POST ");
    alice.presses("\x15dm bo\t");
    alice.shows("dm bobby ");
    alice.presses("hi\r");
    alice.shows("To bobby, private: hi\n");
    alice.types("QUIT");
    assert_eq!(alice.ends_within(SOON).0, Some(0));
    let mut alice = world.at_terminal(&[]);
    alice.shows("bobby is here (");
    // Up, up: past QUIT.
    alice.presses("\x1b[A\x1b[A");
    alice.shows("dm bobby hi");
    alice.presses("\r");
    alice.shows("To bobby, private: hi\n");
}

#[test]
fn every_end_leaves_the_terminal_as_it_was() {
    for end in ["\x03", "\x04", "quit\r"] {
        let mut alice = World::new().at_terminal(&["--temporary", "--name", "alice"]);
        alice.shows("> ");
        alice.presses(end);
        assert_eq!(alice.ends_within(SOON).0, Some(0), "{end:?}");
    }
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut alice = World::new().at_terminal(&["--temporary", "--name", "alice"]);
        alice.shows("> ");
        alice.presses("half a line");
        alice.shows("half a line");
        alice.signals(signal);
        assert_eq!(alice.ends_within(SOON).0, Some(0), "{signal:?}");
    }
    for end in ["\x03", "\x04"] {
        let mut nobody = World::new().at_terminal(&[]);
        nobody.shows("Your name [jack]: ");
        nobody.presses(end);
        assert_eq!(nobody.ends_within(SOON).0, Some(0), "{end:?}");
    }
}

#[test]
fn a_name_that_cannot_travel_is_asked_for_again() {
    let mut alice = World::new().at_terminal(&[]);
    alice.shows("Your name [jack]: ");
    alice.types("a@b");
    alice.shows("A name cannot hold '@'\n");
    alice.shows("Your name [jack]: ");
    alice.types("");
    alice.shows("You are jack@");
}

#[test]
fn alone_for_ten_seconds_the_likely_cause_is_told_once() {
    let mut alice = World::new().at_terminal(&["--temporary", "--name", "alice"]);
    alice.shows("Nobody after 10 s.");
    alice.shows("peer doctor\n");
}

#[test]
fn hostile_text_never_reaches_the_terminal_raw() {
    let world = World::new();
    let mut alice = world.at_terminal(&["--temporary", "--name", "alice", "--verbose"]);
    alice.shows("> ");
    let eve = UdpSocket::bind("127.0.0.1:0").unwrap();
    eve.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let nasty = "\x1b]0;owned\x07\x1b[2J\u{9b}2J\u{202e}\u{8}";
    let port = eve.local_addr().unwrap().port();
    for datagram in [
        format!("TYPE:PEER_DISCOVERY\nUSER_ID:eve@127.0.0.1\nPORT:{port}\n\n"),
        format!("TYPE:PROFILE\nUSER_ID:eve@127.0.0.1\nDISPLAY_NAME:Eve{nasty}\nSTATUS:{nasty}\n\n"),
        format!("TYPE:POST\nUSER_ID:eve@127.0.0.1\nCONTENT:{nasty}gotcha\nTIMESTAMP:1\nMESSAGE_ID:0{nasty}\n\n"),
        format!("TYPE:POST\nUSER_ID:eve@127.0.0.1\nCONTENT:{nasty}gotcha\nTIMESTAMP:1\nMESSAGE_ID:01\n\n"),
        format!("TYPE:X{nasty}\nUSER_ID:eve@127.0.0.1\n\n"),
    ] {
        eve.send_to(datagram.as_bytes(), ("127.0.0.1", world.port)).unwrap();
    }
    alice.shows("gotcha");
    alice.types("LIST");
    alice.shows("Eve");
    alice.types("QUIT");
    let raw = String::from_utf8_lossy(&alice.raw()).into_owned();
    for part in ["\x1b]", "\x07", "\x1b[2J", "\u{9b}", "\u{202e}", "\u{8}"] {
        assert!(!raw.contains(part), "{part:?} in {raw:?}");
    }
}

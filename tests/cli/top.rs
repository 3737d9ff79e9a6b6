//! The overview in the terminal, of a peer that runs.

use std::io::Read;
use std::process::Stdio;

use rustix::process::Signal;

use crate::SOON;
use crate::screen::Screen;
use crate::world::{Running, World, end, terminal};

/// The overview at a terminal.
struct Top {
    running: Running,
    size: (u16, u16),
    /// What was written before the size was this.
    from: usize,
}

impl Top {
    fn of(world: &World, profile: &str) -> Self {
        Self { running: world.at_terminal_of(80, 24, &["--profile", profile, "top"]), size: (80, 24), from: 0 }
    }

    fn screen(&self) -> Screen {
        Screen::after(&self.running.raw()[self.from..], self.size.0, self.size.1)
    }

    /// Waits until the rows are so.
    #[track_caller]
    fn shows(&self, what: &str, holds: impl Fn(&[String]) -> bool) {
        let (columns, rows) = self.size;
        let shown = self.running.holds(|raw| holds(&Screen::after(&raw[self.from..], columns, rows).rows()));
        assert!(shown, "no {what} in {:#?}", self.screen().rows());
    }

    /// Waits until one row has all of these.
    #[track_caller]
    fn has(&self, parts: &[&str]) {
        self.shows(&parts.join(" "), |rows| rows.iter().any(|row| parts.iter().all(|part| row.contains(part))));
    }

    fn presses(&mut self, keys: &str) {
        self.running.presses(keys);
    }

    fn resizes(&mut self, columns: u16, rows: u16) {
        self.from = self.running.resizes(columns, rows);
        self.size = (columns, rows);
    }

    /// It ends in time, and leaves the terminal as it was.
    #[track_caller]
    fn ends(self, status: i32) {
        let raw = self.running.holds(|raw| {
            let screen = Screen::after(raw, 80, 24);
            !screen.alternate && !screen.hidden
        });
        assert!(raw, "the screen is not given back");
        assert_eq!(self.running.ends_within(SOON).0, Some(status));
    }
}

#[test]
fn who_is_here_and_what_is_unread_is_shown_at_once() {
    let world = World::new();
    let alice = world.daemon("alice");
    let mut top = Top::of(&world, "alice");
    top.shows("header", |rows| rows[0].starts_with("alice@") && rows[0].ends_with("0 here, 0 quiet, 0 away"));
    top.has(&["key "]);
    top.has(&["Nobody yet."]);
    assert!(top.screen().alternate && top.screen().hidden);
    let bob = world.daemon("bob");
    top.has(&["bob ", " live ", " ms ", " lo "]);
    top.has(&["1 here, 0 quiet, 0 away"]);
    assert!(top.screen().colored);
    assert_eq!(world.ran(&["--profile", "bob", "dm", "alice", "hi"], b"").status, Some(0));
    top.shows("one unread", |rows| rows.iter().any(|row| row.starts_with("bob ") && row.ends_with(" 1")));
    top.presses("3");
    top.has(&["THE LAST HOUR"]);
    top.has(&["posts to pass on"]);
    top.presses("\t\t\x1b[Z2");
    top.has(&["lo ", "127.0.0.1"]);
    top.presses("?");
    top.has(&["end; the peer goes on"]);
    top.presses("?1");
    top.has(&["bob ", " live "]);
    bob.signals(Signal::TERM);
    top.has(&["bob ", " away"]);
    top.presses("q");
    top.ends(0);
    assert_eq!(world.ran(&["--profile", "alice", "status"], b"").status, Some(0), "the peer goes on");
    drop(alice);
}

#[test]
fn a_peer_that_is_killed_is_told_and_found_again() {
    let world = World::new();
    let alice = world.daemon("alice");
    let mut top = Top::of(&world, "alice");
    top.has(&["Nobody yet."]);
    alice.signals(Signal::KILL);
    top.shows("notice", |rows| rows[23].ends_with("; trying again") && rows[0].ends_with("not connected"));
    top.presses("d");
    top.has(&["No peer runs that could look around"]);
    drop(alice);
    let alice = world.daemon("alice");
    top.shows("header", |rows| rows[23].starts_with("q quit") && rows[0].ends_with("away"));
    let _bob = world.daemon("bob");
    top.presses("1");
    top.has(&["bob ", " live "]);
    assert_eq!(world.ran(&["--profile", "alice", "stop"], b"").status, Some(0));
    top.has(&["; trying again"]);
    drop(alice);
    top.presses("\x03");
    top.ends(0);
}

#[test]
fn every_size_of_the_terminal_is_followed() {
    let world = World::new();
    let _alice = world.daemon("alice");
    let mut top = Top::of(&world, "alice");
    top.has(&["Nobody yet."]);
    for (columns, rows) in [(40, 10), (200, 50), (1, 1), (20, 5), (100, 30)] {
        top.resizes(columns, rows);
        if rows > 2 {
            top.shows("keys in the last row", |shown| shown[usize::from(rows) - 1].starts_with("q quit"));
        }
    }
    top.shows("header", |rows| rows[0].starts_with("alice@") && rows[4].contains("4 Doctor"));
    top.presses("q");
    top.ends(0);
}

#[test]
fn every_end_gives_the_terminal_back() {
    let world = World::new();
    let _alice = world.daemon("alice");
    for key in ["q", "\x1b", "\x03"] {
        let mut top = Top::of(&world, "alice");
        top.has(&["Nobody yet."]);
        top.presses(key);
        top.ends(0);
    }
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let top = Top::of(&world, "alice");
        top.has(&["Nobody yet."]);
        top.running.signals(signal);
        top.ends(0);
    }
}

#[test]
fn a_terminal_that_hangs_up_ends_it() {
    let world = World::new();
    let _alice = world.daemon("alice");
    let (mut master, slave) = terminal(80, 24);
    let end_of_it = || Stdio::from(slave.try_clone().unwrap());
    let mut command = world.command(&["--profile", "alice", "top"]);
    let child = command.stdin(end_of_it()).stdout(end_of_it()).stderr(end_of_it()).spawn().unwrap();
    drop((command, slave));
    let (mut shown, mut bytes) = (Vec::new(), [0; 4096]);
    while !String::from_utf8_lossy(&shown).contains("alice@") {
        let count = master.read(&mut bytes).unwrap();
        shown.extend_from_slice(&bytes[..count]);
    }
    // Nobody tells it by a signal: it is no terminal that controls it.
    drop(master);
    assert_eq!(end(child, SOON), Some(0));
}

#[test]
fn keys_that_mean_nothing_do_nothing() {
    let world = World::new();
    let _alice = world.daemon("alice");
    let mut top = Top::of(&world, "alice");
    top.has(&["Nobody yet."]);
    top.presses("\x1b[999;999R\x1b[<0;1;1M\x1b[200~xyz\x1b[201~\u{202e}你e\u{301}\x00\x01\x02\x0f\x7f\r\x1bOP\x1b[24~\x1b[I\x1b[O");
    top.presses("/\u{202e}no\u{301}body\r");
    top.has(&["nobody fits what is asked for"]);
    top.presses("/\x1b");
    top.has(&["Nobody yet."]);
    top.presses(&"\x1b[A\x1b[B\x1b[5~\x1b[6~\x1b[H\x1b[Fjk".repeat(500));
    top.presses("n");
    top.has(&["by name"]);
    top.presses("n\x0c");
    top.has(&["by name, reversed"]);
    top.presses("q");
    top.ends(0);
}

#[test]
fn without_a_terminal_all_is_printed_once() {
    let world = World::new();
    let none = world.ran(&["--profile", "alice", "top"], b"");
    assert_eq!((none.status, none.out.as_str()), (Some(3), ""));
    assert!(none.error.contains("To start one: peer, or peer run"), "{}", none.error);
    let _alice = world.daemon("alice");
    for args in [&["--profile", "alice", "top"][..], &["--profile", "alice", "top", "--once"]] {
        let ran = world.ran(args, b"");
        assert_eq!((ran.status, ran.error.as_str()), (Some(0), ""));
        for part in ["alice@", "NAME", "INTERFACE", "127.0.0.1", "DROPPED", "TABLE"] {
            assert!(ran.out.contains(part), "{part} in {}", ran.out);
        }
        assert!(!ran.out.contains(|c: char| c.is_control() && c != '\n'), "{:?}", ran.out);
    }
    let mut bare = world.piped_with(&["--profile", "bare", "--name", "bare", "--history", "off"]);
    bare.shows("You are");
    let ran = world.ran(&["--profile", "bare", "top"], b"");
    assert_eq!((ran.status, ran.error.as_str()), (Some(0), ""), "without a history");
    let mut once = world.at_terminal(&["--profile", "alice", "top", "--once"]);
    once.shows("TABLE");
    assert!(!once.raw().contains(&0x1b));
    assert_eq!(once.ends_within(SOON).0, Some(0));
}

//! `peer watch`: rows, objects, and a command for every message.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use rustix::process::Signal;

use crate::world::World;

#[test]
fn what_is_said_comes_as_rows_or_as_objects() {
    let world = World::new();
    let _bob = world.daemon("bob");
    let mut rows = world.piped_with(&["--profile", "bob", "watch"]);
    let mut objects = world.piped_with(&["--profile", "bob", "watch", "--json"]);
    let mut alice = world.piped("alice");
    alice.shows("HERE\tbob@");
    // Nothing tells when they have begun to watch.
    for _ in 0..200 {
        alice.types("DM bob hi");
        alice.shows("\tstored ");
        if rows.text().contains("\thi\n") && objects.text().contains("\"text\":\"hi\"") {
            break;
        }
    }
    rows.shows("\talice\thi\n");
    objects.shows("{\"v\":1,\"type\":\"dm\",\"row\":");
    objects.shows("\"text\":\"hi\"");
    rows.signals(Signal::INT);
    assert_eq!(rows.ends_within(Duration::from_secs(3)).0, Some(0));
    let stopped = world.ran(&["--profile", "bob", "stop"], b"");
    assert_eq!(stopped.status, Some(0), "{stopped:?}");
    assert_eq!(objects.ends_within(Duration::from_secs(3)).0, Some(1), "the peer has ended");
}

#[test]
fn without_a_running_peer_it_is_one_itself_that_others_can_speak_to() {
    let world = World::new();
    let mut watch = world.piped_with(&["--profile", "bob", "--name", "bob", "watch"]);
    let mut alice = world.piped("alice");
    watch.shows("HERE\talice@");
    let status = world.ran(&["--profile", "bob", "status"], b"");
    assert_eq!(status.status, Some(0), "{status:?}");
    alice.shows("HERE\tbob@");
    alice.types("POST all");
    watch.shows("POST\talice@");
    watch.signals(Signal::TERM);
    assert_eq!(watch.ends_within(Duration::from_secs(3)).0, Some(0));
    alice.shows("LEFT\tbob@");
}

#[test]
fn a_command_gets_the_text_on_its_input_and_nothing_in_its_line() {
    let world = World::new();
    let _bob = world.daemon("bob");
    let script = "printf '%s|%s|%s|' \"$PEER_TYPE\" \"$PEER_FROM_NAME\" \"$PEER_PRIVATE\" >> got; cat >> got; echo >> got; echo ran $PEER_TYPE";
    let mut watch = world.piped_with(&["--profile", "bob", "watch", "--exec", script]);
    let mut other = world.piped_with(&["--profile", "bob", "watch", "--from", "alice", "--exec", "exit 3"]);
    let mut alice = world.piped("alice");
    alice.shows("HERE\tbob@");
    // Nothing tells when it has begun to watch.
    for _ in 0..200 {
        alice.types("DM bob hi");
        alice.shows("\tstored ");
        if watch.text().contains("ran dm\n") {
            break;
        }
    }
    alice.types("POST begin");
    watch.shows("ran post\n");
    alice.types("DM bob $(touch pwned) `touch pwned` '; touch pwned #");
    watch.shows("ran dm\n");
    alice.types("POST all");
    watch.shows("ran post\n");
    let got = std::fs::read_to_string(world.folder.join("got")).unwrap();
    let last = "post|alice||begin\ndm|alice|1|$(touch pwned) `touch pwned` '; touch pwned #\npost|alice||all\n";
    assert!(got.ends_with(last), "{got}");
    assert!(!world.folder.join("pwned").exists());
    other.hangs_up();
}

#[test]
fn a_reader_that_has_gone_ends_it_at_once() {
    let world = World::new();
    let _bob = world.daemon("bob");
    let (watch, out) = world.unread(&["--profile", "alice", "--name", "alice", "watch"]);
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).unwrap();
    assert!(line.starts_with("HERE\tbob@"), "{line}");
    assert_eq!(watch.ends_within(Duration::from_secs(10)), Some(0));
}

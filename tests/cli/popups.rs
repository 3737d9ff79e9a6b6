//! Notifications of the desktop, with a notify-send that writes down what it gets.

use crate::world::World;

#[test]
fn dms_and_mentions_pop_up_at_a_terminal_and_never_on_a_pipe() {
    let world = World::new();
    world.pipe("got");
    world.program("notify-send", "touch called; for word; do printf '%s|' \"$word\"; done > got");
    let mut bob = world.at_terminal(&["--temporary", "--name", "bob", "--notify", "on"]);
    bob.shows("You are bob@");
    let mut carl = world.piped_with(&["--temporary", "--name", "carl", "--notify", "on"]);
    let mut alice = world.piped("alice");
    for name in ["bob", "carl"] {
        alice.has(&format!("HERE\t{name}@"));
    }
    carl.has("HERE\talice@");
    alice.types("DM carl on a pipe");
    carl.shows("on a pipe");
    alice.types("POST not about anybody");
    bob.shows("not about anybody");
    assert!(!world.folder.join("called").exists());
    alice.types("DM bob <b>hi</b> $(touch pwned)");
    let got = world.comes_through("got");
    assert_eq!(got, "--app-name=peer|--|alice to you|&lt;b&gt;hi&lt;/b&gt; $(touch pwned)|");
    assert!(!world.folder.join("pwned").exists());
}

#[test]
fn quiet_shows_none() {
    let world = World::new();
    world.program("notify-send", "touch got");
    let mut bob = world.at_terminal(&["--temporary", "--name", "bob", "--notify", "on"]);
    bob.shows("You are bob@");
    bob.types("QUIET");
    bob.shows("No notifications; QUIET OFF shows them again");
    let mut alice = world.piped("alice");
    alice.shows("HERE\tbob@");
    alice.types("DM bob hi");
    bob.shows("alice to you: hi");
    bob.types("QUIT");
    assert_eq!(bob.ends_within(crate::SOON * 3).0, Some(0));
    assert!(!world.folder.join("got").exists());
}

//! `peer publish`, `peer subscribe`, `peer call`, `peer serve`.

use std::time::Duration;

use rustix::process::Signal;

use crate::world::{Ran, Running, World};

fn subscribe(world: &World, name: &str, args: &[&str]) -> Running {
    world.piped_with(&[&["--profile", name, "--name", name, "subscribe"], args].concat())
}

/// Publishes until it is heard: nothing tells when somebody has begun to listen.
#[track_caller]
fn publishes_until(world: &World, args: &[&str], heard: impl Fn() -> bool) {
    let publish = |_| {
        let published = world.ran(&[&["--profile", "alice", "--name", "alice", "publish"], args].concat(), b"");
        published.status == Some(0) && heard()
    };
    assert!((0..100).any(publish), "never heard");
}

#[test]
fn what_is_published_reaches_who_subscribes_to_its_topic() {
    let world = World::new();
    let mut all = subscribe(&world, "bob", &["sensors/#"]);
    let mut one = subscribe(&world, "carl", &["sensors/+/heat", "--json", "--count", "1"]);
    let heard = || all.text().contains("MESSAGE\t") && one.text().contains("\"topic\":");
    publishes_until(&world, &["sensors/room-1/heat", "{\"c\": 21.50}"], heard);
    all.shows("\talice\tsensors/room-1/heat {\"c\":21.50}\n");
    one.shows("\"topic\":\"sensors/room-1/heat\"");
    let (status, text) = one.ends_within(Duration::from_secs(3));
    assert_eq!((status, text.lines().count()), (Some(0), 1), "{text}");

    let done = world.ran(
        &[
            "--profile",
            "alice",
            "publish",
            "sensors/door",
            "\"open\"",
            "--kind",
            "control",
            "--delivery",
            "acknowledged",
        ],
        b"",
    );
    assert_eq!((done.status, done.out.as_str()), (Some(0), "Published to 1, acknowledged by 1\n"), "{done:?}");
    all.shows("sensors/door \"open\"\n");
    let long = format!("\"{}\"", "x".repeat(60_000));
    let to_one = ["--profile", "alice", "publish", "sensors/long", "-", "--to", "bob", "--delivery", "acknowledged"];
    let done = world.ran(&[&to_one[..], &["--json"]].concat(), long.as_bytes());
    assert_eq!((done.status, &done.objects()[0]["acknowledged"][0]["name"]), (Some(0), &"bob".into()), "{done:?}");
    all.shows(&long);
    all.signals(Signal::INT);
    assert_eq!(all.ends_within(Duration::from_secs(3)).0, Some(0));
    let nobody = world.ran(&["--profile", "alice", "publish", "a", "1"], b"");
    assert_eq!((nobody.status, nobody.out.as_str()), (Some(3), ""), "{nobody:?}");
}

#[test]
fn a_command_gets_a_message_on_its_input_and_nothing_in_its_line() {
    let world = World::new();
    let script = "printf '%s|' \"$PEER_TOPIC\"; cat; echo";
    let mut bob = subscribe(&world, "bob", &["a/#", "--exec", script]);
    let hostile = "{\"x\":\"$(touch pwned) `touch pwned`'; touch pwned #\"}";
    publishes_until(&world, &["a/b", hostile], || bob.text().contains("a/b|"));
    bob.shows(&format!("a/b|{hostile}\n"));
    assert!(!world.folder.join("pwned").exists());
}

#[test]
fn a_call_is_answered_by_a_command_or_told_why_not() {
    let world = World::new();
    let script =
        "read x; case $x in 0) echo 'not zero' >&2; exit 3;; 1) echo hello;; *) echo \"{\\\"got\\\": $x}\";; esac";
    let mut bob = world.piped_with(&["--profile", "bob", "--name", "bob", "serve", "math/half", "--exec", script]);
    bob.shows("Serving math/half");
    let call = |args: &[&str]| -> Ran {
        world.ran(&[&["--profile", "alice", "--name", "alice", "call", "bob"], args].concat(), b"")
    };
    let called = |_| call(&["math/half", "[8, 1.0]"]).status == Some(0);
    assert!((0..50).any(called), "never answered: {:?}", call(&["math/half", "[8, 1.0]"]));
    let answered = call(&["math/half", "[8, 1.0]"]);
    assert_eq!(answered.out, "{\"got\":[8,1.0]}\n");
    assert_eq!(call(&["math/half", "-8"]).out, "{\"got\":-8}\n", "a number may be less than nothing");
    let object = call(&["math/half", "2", "--json"]).objects().remove(0);
    assert_eq!(object["body"]["got"], 2);
    let refused = call(&["math/half", "0"]);
    assert_eq!((refused.status, refused.out.as_str()), (Some(1), ""), "{refused:?}");
    assert!(refused.error.contains("not zero"), "{refused:?}");
    let none = call(&["math/half", "1"]);
    assert!(none.status == Some(1) && none.error.contains("no JSON"), "{none:?}");
    let unknown = call(&["math/other", "2"]);
    assert_eq!(unknown.status, Some(1), "{unknown:?}");
    bob.has("alice: answered");
    bob.signals(Signal::INT);
    assert_eq!(bob.ends_within(Duration::from_secs(3)).0, Some(0));

    let nobody = world.ran(&["--profile", "alice", "call", "bob", "math/half", "2", "--timeout", "200ms"], b"");
    assert_eq!(nobody.status, Some(3), "{nobody:?}");
}

#[test]
fn a_command_that_takes_too_long_is_ended_and_the_caller_told() {
    let world = World::new();
    let serve = ["serve", "slow", "--timeout", "100ms", "--exec", "sleep 100 | sleep 100"];
    let mut bob = world.piped_with(&[&["--profile", "bob", "--name", "bob"], &serve[..]].concat());
    bob.shows("Serving slow");
    let call = || world.ran(&["--profile", "alice", "--name", "alice", "call", "bob", "slow"], b"");
    let refused = |_| {
        let called = call();
        called.status == Some(1) && called.error.contains("longer than 0.1 s")
    };
    assert!((0..50).any(refused), "{:?}", call());
    bob.signals(Signal::TERM);
    assert_eq!(bob.ends_within(Duration::from_secs(3)).0, Some(0));
}

#[test]
fn a_call_whose_caller_waits_no_longer_takes_nobodys_place() {
    let world = World::new();
    ["began", "go"].iter().for_each(|pipe| world.pipe(pipe));
    let script = "read x; echo $x >> ran; [ $x != 1 ] || { echo > began; read y < go; }; echo $x";
    let serve = ["serve", "one", "--jobs", "1", "--json", "--exec", script];
    let mut bob = world.piped_with(&[&["--profile", "bob", "--name", "bob"], &serve[..]].concat());
    let _alice = world.daemon("alice");
    let call = |args: &[&str]| world.ran(&[&["--profile", "alice", "call", "bob", "one"], args].concat(), b"");
    assert!((0..50).any(|_| call(&["0"]).status == Some(0)), "never answered: {:?}", call(&["0"]));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| call(&["1", "--timeout", "1m"]));
        world.comes_through("began");
        assert_eq!(call(&["2", "--timeout", "50ms"]).status, Some(4));
        // By then that is over at the other side, too.
        assert_eq!(call(&["4", "--timeout", "500ms"]).status, Some(4));
        std::fs::write(world.folder.join("go"), "\n").unwrap();
        assert_eq!(first.join().unwrap().out, "1\n");
    });
    assert_eq!(call(&["3"]).out, "3\n");
    bob.has("it waits no longer");
    let ran = std::fs::read_to_string(world.folder.join("ran")).unwrap();
    assert!(ran.ends_with("3\n") && !ran.contains('2'), "{ran}");
}

#[test]
fn no_answer_in_time_is_exit_status_4() {
    let world = World::new();
    let mut bob = world.piped_with(&["--profile", "bob", "--name", "bob", "serve", "slow", "--exec", "sleep 100"]);
    bob.shows("Serving slow");
    let call =
        || world.ran(&["--profile", "alice", "--name", "alice", "call", "bob", "slow", "--timeout", "300ms"], b"");
    assert!((0..50).any(|_| call().status == Some(4)), "{:?}", call());
}

#[test]
fn what_is_no_json_no_topic_or_too_long_is_refused_before_anything_is_sent() {
    let world = World::new();
    for args in [
        &["publish", "a", "hello"][..],
        &["publish", "a b", "1"],
        &["publish", "a/#", "1"],
        &["publish", "a", "1", "--kind", "loud"],
        &["subscribe", "#/a"],
        &["call", "bob", "+", "1"],
        &["call", "bob", "m", "{"],
        &["call", "bob", "m", "1", "--timeout", "11m"],
        &["serve", "m"],
        &["serve", "m", "--exec", "true", "--jobs", "0"],
    ] {
        let ran = world.ran(args, b"");
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{args:?}: {ran:?}");
    }
    let long = format!("\"{}\"", "x".repeat(65_535));
    let ran = world.ran(&["publish", "a", "-"], long.as_bytes());
    assert!(ran.status == Some(1) && ran.error.contains("65,53"), "{:?}", ran.error);
}

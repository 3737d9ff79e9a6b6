//! `peer share`: lists of two real peers.
#![cfg(feature = "shared")]

use std::time::Duration;

use rustix::process::Signal;

use crate::screen::Screen;
use crate::world::{Ran, World};

fn share(world: &World, profile: &str, args: &[&str]) -> Ran {
    world.ran(&[&["--profile", profile, "--name", profile, "share"], args].concat(), b"")
}

/// Tries until it is so: what one does reaches the other some time later.
#[track_caller]
fn comes_to(world: &World, profile: &str, args: &[&str], is: impl Fn(&Ran) -> bool) -> Ran {
    let mut last = None;
    for _ in 0..300 {
        let ran = share(world, profile, args);
        if is(&ran) {
            return ran;
        }
        last = Some(ran);
    }
    panic!("{profile} {args:?}: {last:?}");
}

#[track_caller]
fn texts(ran: &Ran) -> Vec<String> {
    let whole = &ran.objects()[0];
    whole["items"].as_array().unwrap().iter().map(|item| item["text"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn two_edit_one_list_and_both_see_the_same() {
    let world = World::new();
    let [_alice, _bob] = ["alice", "bob"].map(|name| world.daemon(name));
    let alice = |args: &[&str]| share(&world, "alice", args);
    let made = alice(&["new", "party"]);
    assert!(made.status == Some(0) && made.out.starts_with("Made the list party"), "{made:?}");
    assert_eq!(alice(&["add", "party", "Song", "one"]).out, "Added \"Song one\" at place 1 (party)\n");
    let field = alice(&["add", "party", "Song two", "--at", "1", "--field", "artist=Somebody", "--json"]);
    assert_eq!((&field.objects()[0]["type"], &field.objects()[0]["change"]["place"]), (&"edited".into(), &1.into()));
    comes_to(&world, "alice", &["invite", "party", "bob"], |ran| ran.status == Some(0));

    comes_to(&world, "bob", &["join", "party"], |ran| ran.status == Some(0));
    let shown = comes_to(&world, "bob", &["show", "party"], |ran| ran.out.lines().count() == 2);
    let rows: Vec<Vec<&str>> = shown.out.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!((rows[0][2], rows[0][3]), ("1", "Song two  [artist=Somebody]"), "{shown:?}");
    assert_eq!(
        share(&world, "bob", &["move", "party", "Song two", "2"]).out,
        "Moved \"Song two\" to place 2 (party)\n"
    );
    assert_eq!(share(&world, "bob", &["set", "party", "1", "Song", "1"]).out, "Changed \"Song 1\" (party)\n");
    comes_to(&world, "alice", &["show", "party", "--json"], |ran| texts(ran) == ["Song 1", "Song two"]);
    assert_eq!(alice(&["remove", "party", "1"]).out, "Removed \"Song 1\" (party)\n");
    comes_to(&world, "bob", &["show", "party", "--json"], |ran| texts(ran) == ["Song two"]);
    let undone = alice(&["undo", "party"]);
    assert!(undone.status == Some(0) && undone.out.starts_with("Taken back: "), "{undone:?}");
    comes_to(&world, "bob", &["show", "party", "--json"], |ran| texts(ran) == ["Song 1", "Song two"]);
    let log = share(&world, "bob", &["log", "party"]);
    assert!(log.out.contains("alice added \"Song one\"") && log.out.contains("you moved \"Song two\""), "{log:?}");

    for (args, status) in [
        (&["add", "food", "x"][..], 3),
        (&["remove", "party", "9"], 3),
        (&["add", "party"], 2),
        (&["set", "party", "1"], 2),
        (&["move", "party", "1", "0"], 2),
        (&["add", "party", "x", "--field", "A=b"], 2),
        (&["invite", "party", "carl"], 3),
        (&["new", "a\tb"], 2),
        (&["add", "party", "a\nb"], 2),
    ] {
        let ran = alice(args);
        assert_eq!((ran.status, ran.out.as_str()), (Some(status), ""), "{args:?}: {ran:?}");
    }
    assert_eq!(share(&world, "bob", &["leave", "party"]).out, "You take part in party no longer\n");
    assert_eq!(share(&world, "bob", &["show", "party"]).status, Some(3));
    assert_eq!(share(&world, "bob", &["join", "food"]).status, Some(3));
    assert_eq!(share(&world, "bob", &["join", "party"]).out, "You take part in party\n");
    comes_to(&world, "bob", &["show", "party", "--json"], |ran| texts(ran) == ["Song 1", "Song two"]);
    assert_eq!(alice(&["list", "--json"]).objects().len(), 1);
}

#[test]
fn who_watches_sees_every_change_and_the_prompt_tells_of_it() {
    let world = World::new();
    let _bob = world.daemon("bob");
    let mut alice = world.piped_with(&["--profile", "alice", "--name", "alice"]);
    alice.shows("HERE\tbob@");
    assert_eq!(share(&world, "bob", &["new", "party"]).status, Some(0));
    assert_eq!(share(&world, "bob", &["add", "party", "milk"]).status, Some(0));
    comes_to(&world, "bob", &["invite", "party", "all"], |ran| ran.status == Some(0));
    comes_to(&world, "alice", &["join", "party"], |ran| ran.status == Some(0));
    comes_to(&world, "alice", &["show", "party"], |ran| ran.out.contains("milk"));
    let mut objects = world.piped_with(&["--profile", "alice", "share", "show", "party", "--watch", "--json"]);
    let mut rows = world.piped_with(&["--profile", "alice", "share", "show", "party", "--watch"]);
    objects.shows("\"type\":\"whole-list\"");
    rows.shows("\tmilk");
    assert_eq!(share(&world, "bob", &["add", "party", "bread"]).status, Some(0));
    objects.shows("\"text\":\"bread\"");
    rows.shows("bob added \"bread\" at place 2\n");
    alice.has("added \"bread\" at place 2");
    rows.signals(Signal::INT);
    assert_eq!(rows.ends_within(Duration::from_secs(3)).0, Some(0));
}

#[test]
fn at_a_terminal_the_list_stands_in_its_place_and_is_drawn_anew() {
    let world = World::new();
    let _alice = world.daemon("alice");
    assert_eq!(share(&world, "alice", &["new", "party"]).status, Some(0));
    for n in 1..=9 {
        assert_eq!(share(&world, "alice", &["add", "party", &format!("song {n}")]).status, Some(0));
    }
    let watch = world.at_terminal_of(60, 12, &["--profile", "alice", "share", "show", "party", "--watch"]);
    let shows = |expected: &[&str]| {
        let rows = |raw: &[u8]| {
            let rows = Screen::after(raw, 60, 12).rows();
            rows.into_iter().map(|row| row.trim_end().to_owned()).filter(|row| !row.is_empty()).collect::<Vec<_>>()
        };
        assert!(watch.holds(|raw| rows(raw) == expected), "{:#?}", rows(&watch.raw()));
    };
    let head = ["party (9 items, 1 member)", "1. song 1", "2. song 2", "3. song 3", "4. song 4", "5. song 5"];
    let rest = ["6. song 6", "7. song 7", "8. song 8", "and 1 more"];
    shows(&[&head[..], &rest[..]].concat());
    assert_eq!(share(&world, "alice", &["remove", "party", "9"]).status, Some(0));
    let head = [&["party (8 items, 1 member)"][..], &head[1..]].concat();
    shows(&[&head[..], &rest[..3], &["party: you removed \"song 9\""][..]].concat());
    watch.signals(Signal::INT);
    assert_eq!(watch.ends_within(Duration::from_secs(3)).0, Some(0));
}

#[test]
fn without_a_running_peer_a_list_is_edited_and_kept() {
    let world = World::new();
    let alice = |args: &[&str]| share(&world, "alice", args);
    assert_eq!(alice(&["new", "party"]).status, Some(0));
    assert_eq!(alice(&["add", "party", "milk"]).status, Some(0));
    let args = ["--profile", "alice", "--name", "alice", "share", "add", "party", "-", "--at", "1"];
    let lines = world.ran(&args, b"bread\r\n\nsalt\n");
    assert_eq!(lines.out, "Added \"bread\" at place 1 (party)\nAdded \"salt\" at place 2 (party)\n", "{lines:?}");
    for _ in 0..2 {
        assert_eq!(alice(&["remove", "party", "1"]).status, Some(0));
    }
    assert_eq!(texts(&alice(&["show", "party", "--json"])), ["milk"]);
    for _ in 0..4 {
        assert_eq!(alice(&["undo", "party"]).status, Some(0));
    }
    assert_eq!(alice(&["undo", "party"]).out, "Taken back: removed \"milk\"\n");
    assert_eq!(alice(&["show", "party"]).out, "");
    let nothing = alice(&["undo", "party"]);
    assert_eq!((nothing.status, nothing.out.as_str()), (Some(1), ""), "{nothing:?}");
}

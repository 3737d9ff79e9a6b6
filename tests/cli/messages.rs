//! One-shot commands that send: through a running peer and without one, and what their exit statuses say.

use std::time::Duration;

use rustix::process::Signal;

use crate::SOON;
use crate::world::World;

#[test]
fn without_a_running_peer_a_command_finds_the_others_itself() {
    let world = World::new();
    let bob = world.daemon("bob");
    let alice = |args: &[&str]| world.ran(&[&["--profile", "alice", "--name", "alice"], args].concat(), b"");

    let listed = alice(&["list", "--json"]);
    assert_eq!((listed.status, listed.error.as_str()), (Some(0), ""));
    let peers = listed.objects();
    assert_eq!((peers.len(), &peers[0]["name"], &peers[0]["trust"]), (1, &"bob".into(), &"known".into()), "{listed:?}");
    let table = alice(&["list"]);
    assert!(table.out.starts_with("NAME  ID") && table.out.lines().count() == 2, "{table:?}");

    let posted = alice(&["post", "hello", "all"]);
    assert_eq!((posted.status, posted.out.as_str()), (Some(0), "Posted to 1\n"), "{posted:?}");
    let sent = alice(&["dm", "bob", "--wait", "stored", "--json", "only you"]);
    assert_eq!(sent.status, Some(0), "{sent:?}");
    let object = &sent.objects()[0];
    assert_eq!((&object["mark"], &object["private"]), (&"stored".into(), &true.into()));
    assert_eq!(object["v"], 1);
    assert_eq!(alice(&["dm", "bob", "again"]).out, "To bob: stored\n");

    let kept = world.ran(&["--profile", "bob", "history", "--json"], b"");
    let mut texts: Vec<String> = kept.objects().iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect();
    texts.sort();
    assert_eq!(texts, ["again", "hello all", "only you"]);

    bob.signals(Signal::TERM);
    assert_eq!(bob.ends_within(SOON), Some(0));
    let nobody = alice(&["list"]);
    assert_eq!((nobody.status, nobody.out.as_str()), (Some(3), ""), "{nobody:?}");
}

#[test]
fn beside_a_running_peer_commands_go_through_it() {
    let world = World::new();
    let [alice, bob] = ["alice", "bob"].map(|name| world.daemon(name));
    let ran = |args: &[&str]| world.ran(&[&["--profile", "alice"], args].concat(), b"");
    // Until they know each other, a command with a peer of its own would find nobody for its profile.
    let mut listed = ran(&["list", "--json"]);
    while listed.status == Some(3) {
        listed = ran(&["list", "--json"]);
    }
    assert_eq!(listed.objects().len(), 1, "the running peer itself is not among them: {listed:?}");
    let sent = ran(&["dm", "bob", "hi", "--wait", "stored", "--json"]);
    assert_eq!((sent.status, &sent.objects()[0]["mark"]), (Some(0), &"stored".into()), "{sent:?}");
    let status = ran(&["status", "--json"]).objects().remove(0);
    assert_eq!((&status["profile"], &status["peers"]), (&"alice".into(), &1.into()), "{status}");

    let changed = ran(&["profile", "set", "name", "Alice B.", "--json"]);
    assert_eq!(changed.objects()[0]["name"], "Alice B.", "{changed:?}");
    assert_eq!(ran(&["profile", "set", "status", "at lunch"]).status, Some(0));
    let shown = ran(&["profile"]);
    assert!(shown.out.contains("name     Alice B.\n") && shown.out.contains("status   at lunch\n"), "{shown:?}");
    std::fs::write(world.folder.join("me.png"), b"\x89PNG\r\n\x1a\nxx").unwrap();
    let pictured = ran(&["profile", "set", "avatar", "me.png"]);
    assert!(pictured.out.contains("picture  10 bytes"), "{pictured:?}");
    assert_eq!(ran(&["profile", "set", "avatar", "nowhere.png"]).status, Some(1));

    let stopped = ran(&["stop"]);
    assert_eq!((stopped.status, stopped.error.as_str()), (Some(0), ""));
    assert_eq!(alice.ends_within(SOON), Some(0));
    for args in [&["stop"][..], &["status"], &["status", "--json"]] {
        let gone = ran(args);
        assert_eq!((gone.status, gone.out.as_str()), (Some(3), ""), "{args:?}: {gone:?}");
        assert!(gone.error.contains("no peer runs") || gone.error.contains("No peer runs"), "{gone:?}");
    }
    drop(bob);
}

#[test]
fn what_waits_is_sent_when_the_other_is_heard_again() {
    let world = World::new();
    let bob = world.daemon("bob");
    let alice = |args: &[&str]| world.ran(&[&["--profile", "alice", "--name", "alice"], args].concat(), b"");
    assert_eq!(alice(&["dm", "bob", "now"]).status, Some(0));
    bob.signals(Signal::INT);
    assert_eq!(bob.ends_within(SOON), Some(0));

    let late = alice(&["dm", "bob", "later", "--timeout", "200ms"]);
    assert_eq!((late.status, late.out.as_str()), (Some(4), ""), "{late:?}");
    assert!(late.error.contains("not delivered to bob") || late.error.contains("Not delivered to bob"), "{late:?}");
    let late = alice(&["dm", "bob", "json", "--timeout", "200ms", "--json"]);
    assert_eq!((late.status, &late.objects()[0]["mark"]), (Some(4), &"waiting".into()), "{late:?}");
    let error: serde_json::Value = serde_json::from_str(&late.error).unwrap();
    assert_eq!((&error["error"], &error["v"]), (&"not-delivered".into(), &1.into()));
    assert_eq!(alice(&["dm", "bob", "whenever", "--wait", "none"]).status, Some(0));

    let _bob = world.daemon("bob");
    let _alice = world.daemon("alice");
    let came = |_| {
        let kept = world.ran(&["--profile", "bob", "history", "--json"], b"").out;
        ["later", "json", "whenever"].iter().all(|text| kept.contains(&format!("\"text\":\"{text}\"")))
    };
    assert!((0..300).any(came), "not all that waited came");
}

#[test]
fn nobody_or_more_than_one_is_exit_status_3() {
    let world = World::new();
    let mut bobs = [world.piped("bob"), world.piped("bob")];
    let alice = |args: &[&str]| world.ran(&[&["--temporary", "--name", "alice"], args].concat(), b"");
    for bob in &mut bobs {
        bob.shows("HERE\tbob@");
    }
    let nobody = alice(&["dm", "carl", "hi"]);
    assert_eq!((nobody.status, nobody.out.as_str()), (Some(3), ""), "{nobody:?}");
    assert_eq!(nobody.error, "peer: Nobody is called carl\n");
    let both = alice(&["dm", "bob", "hi", "--json"]);
    assert_eq!((both.status, both.out.as_str()), (Some(3), ""), "{both:?}");
    let error: serde_json::Value = serde_json::from_str(&both.error).unwrap();
    assert_eq!(error["error"], "ambiguous");
    assert_eq!(error["candidates"].as_array().unwrap().len(), 2, "{error}");
    let both = alice(&["dm", "bob", "hi"]);
    assert_eq!(both.error.lines().count(), 1, "{both:?}");
}

#[test]
fn alone_a_post_reaches_nobody_and_says_so() {
    let world = World::new();
    let posted = world.ran(&["--temporary", "--name", "alice", "post", "hi"], b"");
    assert_eq!((posted.status, posted.out.as_str()), (Some(3), ""), "{posted:?}");
    assert!(posted.error.starts_with("peer: Nobody is here"), "{posted:?}");
}

#[test]
fn a_text_comes_whole_from_the_input_or_not_at_all() {
    let world = World::new();
    let _bob = world.daemon("bob");
    let alice = |args: &[&str], input: &[u8]| world.ran(&[&["--profile", "alice"], args].concat(), input);
    let long: String = (0..).map(|n| format!("line {n}\n")).take_while(|_| true).take(9000).collect();
    let long = &long[..65_536];
    for (text, kept) in [("two\nlines\n", "two\nlines"), (long, long.trim_end_matches('\n'))] {
        let sent = alice(&["dm", "bob", "-", "--wait", "stored"], text.as_bytes());
        assert_eq!(sent.status, Some(0), "{sent:?}");
        let last = world.ran(&["--profile", "bob", "history", "--limit", "1", "--json"], b"").objects().remove(0);
        assert_eq!(last["text"].as_str().unwrap().len(), kept.len());
        assert_eq!(last["text"], kept);
    }
    let too_long = alice(&["dm", "bob", "-"], "x".repeat(65_537).as_bytes());
    assert_eq!(too_long.status, Some(1));
    assert!(too_long.error.contains("65,537") && too_long.error.contains("65,536"), "{too_long:?}");
    let endless = alice(&["dm", "bob", "-"], &vec![b'x'; 200_000]);
    assert!(endless.status == Some(1) && endless.error.contains("65,536"), "{endless:?}");
    for (args, input) in [(&["post", "-"][..], &b"\n"[..]), (&["post", " "], b"")] {
        let nothing = alice(args, input);
        assert_eq!(nothing.status, Some(2), "{nothing:?}");
    }
    assert_eq!(alice(&["post", "-"], b"\xff").status, Some(1));
}

#[test]
fn wrong_arguments_are_exit_status_2() {
    let world = World::new();
    for args in [
        &["dm", "bob"][..],
        &["dm"],
        &["post"],
        &["dm", "bob", "hi", "--wait", "soon"],
        &["dm", "bob", "hi", "--timeout", "2h"],
        &["history", "--since", "yesterday"],
        &["history", "--limit", "0"],
        &["forget"],
        &["forget", "--all", "--with", "bob"],
        &["forget", "--all"],
        &["export", "--format", "pdf"],
        &["profile", "set", "hat", "red"],
        &["service"],
        &["config"],
        &["completions", "cmd"],
    ] {
        let ran = world.ran(args, b"");
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{args:?}: {ran:?}");
    }
}

#[test]
fn two_commands_at_once_take_turns() {
    let world = World::new();
    let _bob = world.daemon("bob");
    let texts = ["one", "two", "three"];
    let ran: Vec<_> = std::thread::scope(|scope| {
        let run = |text| world.ran(&["--profile", "alice", "--name", "alice", "dm", "bob", text], b"");
        let all: Vec<_> = texts.iter().map(|text| scope.spawn(move || run(text))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for one in &ran {
        assert_eq!((one.status, one.out.as_str()), (Some(0), "To bob: stored\n"), "{ran:?}");
    }
}

#[test]
fn a_profile_that_is_in_use_is_refused_to_another_peer() {
    let world = World::new();
    let daemon = world.daemon("work");
    for args in [&["--profile", "work"][..], &["--profile", "work", "run"]] {
        let refused = world.ran(args, b"");
        assert_eq!(refused.status, Some(1), "{refused:?}");
        let told = refused.out + &refused.error;
        assert!(told.contains("uses the profile work") && told.contains("--profile"), "{told}");
    }
    daemon.signals(Signal::HUP);
    assert_eq!(daemon.ends_within(Duration::from_secs(2)), Some(0));
}

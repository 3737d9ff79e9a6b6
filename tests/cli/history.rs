//! What was said, later: at the prompt, by commands, over restarts and kills.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use rustix::process::Signal;

use crate::SOON;
use crate::world::{Ran, World};

fn texts(ran: &Ran) -> Vec<String> {
    ran.objects().iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect()
}

fn sorted(ran: &Ran) -> Vec<String> {
    let mut texts = texts(ran);
    texts.sort();
    texts
}

/// Alice said these to bob, and bob does not run any more.
fn told(world: &World, texts: &[&str]) {
    let bob = world.daemon("bob");
    for text in texts {
        let sent = world.ran(&["--profile", "alice", "--name", "alice", "dm", "bob", text, "--wait", "stored"], b"");
        assert_eq!(sent.status, Some(0), "{sent:?}");
    }
    bob.signals(Signal::TERM);
    assert_eq!(bob.ends_within(SOON), Some(0));
}

#[test]
fn history_outlives_the_peer_and_is_read_once() {
    let world = World::new();
    told(&world, &["hello bob", "lunch at one?"]);
    let bob = |args: &[&str]| world.ran(&[&["--profile", "bob"], args].concat(), b"");

    assert_eq!(sorted(&bob(&["history", "--json"])), ["hello bob", "lunch at one?"]);
    let rows = bob(&["history"]).out;
    assert!(rows.lines().all(|row| row.starts_with("HISTORY\talice@") && row.contains(" DM, unread: ")), "{rows}");
    assert_eq!(texts(&bob(&["history", "--with", "alice", "--limit", "1", "--json"])).len(), 1);
    assert_eq!(texts(&bob(&["history", "--since", "1h", "--json"])).len(), 2);
    assert_eq!(bob(&["history", "--with", "nobody"]).status, Some(3));
    assert_eq!(texts(&bob(&["search", "LUNCH", "--json"])), ["lunch at one?"]);
    let found = bob(&["search", "a AND \"b", "--json"]);
    assert_eq!((found.status, found.out.as_str()), (Some(0), ""), "{found:?}");

    let mut prompt = world.piped_with(&["--profile", "bob"]);
    prompt.shows("INFO\t\t\t2 unread messages: HISTORY UNREAD shows them\n");
    prompt.types("HISTORY UNREAD");
    let first = prompt.shows("lunch at one?\n");
    assert!(first.contains("DM, unread: hello bob\n"), "{first}");
    prompt.types("HISTORY UNREAD");
    prompt.shows("You have seen everything\n");
    prompt.types("SEARCH lunch");
    prompt.shows("Z DM: lunch at one?\n");
    prompt.types("HISTORY alice 1");
    prompt.shows("HISTORY\talice@");
    prompt.types("HISTORY carl");
    prompt.shows("ERROR\t\t\tNobody is called carl");
    prompt.types("FORGET alice");
    prompt.shows("Forgotten: 2 lines with alice");
    prompt.types("HISTORY");
    prompt.shows("Nothing was said as far as the history goes\n");
    prompt.hangs_up();
    assert_eq!(prompt.ends_within(SOON * 2).0, Some(0));
    assert_eq!(bob(&["history", "--json"]).out, "");
}

#[test]
fn history_unread_shows_each_line_once() {
    let world = World::new();
    told(&world, &["one", "two"]);
    let unread = || world.ran(&["--profile", "bob", "history", "--unread", "--json"], b"");
    assert_eq!(sorted(&unread()), ["one", "two"]);
    assert_eq!(unread().out, "");
}

#[test]
fn what_the_screen_did_not_take_is_unread_after_a_kill() {
    let world = World::new();
    let mut command = world.command(&["--profile", "bob", "--name", "bob"]);
    // A pipe that nobody reads holds 64 KiB: the second text is torn.
    let mut bob = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let [first, second] = ["1", "2"].map(|digit| digit.repeat(60_000));
    for text in [&first, &second] {
        let args = ["--profile", "alice", "--name", "alice", "dm", "bob", "-", "--wait", "stored"];
        let sent = world.ran(&args, text.as_bytes());
        assert_eq!(sent.status, Some(0), "{sent:?}");
    }
    let unread = |_| {
        let status = world.ran(&["--profile", "bob", "status", "--json"], b"");
        status.objects().remove(0)["unread"].as_u64().unwrap()
    };
    // The first is noted as read as soon as it is written.
    let settled = (0..500).map(unread).any(|count| count == 1);
    assert!(settled, "the first text counts as unread");
    bob.kill().unwrap();
    bob.wait().unwrap();
    let left = world.ran(&["--profile", "bob", "history", "--unread", "--json"], b"");
    assert_eq!(texts(&left), [second]);
}

#[test]
fn an_export_is_whole_private_and_overwrites_nothing() {
    let world = World::new();
    told(&world, &["one", "# two\nlines"]);
    let bob = |args: &[&str]| world.ran(&[&["--profile", "bob"], args].concat(), b"");
    let whole = bob(&["export"]);
    assert_eq!((whole.status, sorted(&whole)), (Some(0), vec!["# two\nlines".to_owned(), "one".to_owned()]));
    assert_eq!(bob(&["export", "all.jsonl"]).status, Some(0));
    let file = world.folder.join("all.jsonl");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), whole.out);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let again = bob(&["export", "all.jsonl"]);
    assert!(again.status == Some(1) && again.error.contains("exists already"), "{again:?}");
    let page = bob(&["export", "--format", "markdown", "-"]).out;
    assert!(page.starts_with("## ") && page.contains("**alice** to you: one\n"), "{page}");
    assert!(page.contains("to you: \\# two  \n  lines\n"), "{page}");

    // The same through a running peer.
    let _bob = world.daemon("bob");
    assert_eq!(bob(&["export"]).out, whole.out);
    assert_eq!(bob(&["export", "--with", "nobody", "none.jsonl"]).status, Some(3));
    assert!(!world.folder.join("none.jsonl").exists());
}

#[test]
fn what_is_forgotten_is_gone_also_beside_a_running_peer() {
    let world = World::new();
    told(&world, &["one", "two"]);
    let bob = |args: &[&str]| world.ran(&[&["--profile", "bob"], args].concat(), b"");
    let refused = bob(&["forget", "--all"]);
    assert!(refused.status == Some(2) && refused.error.contains("--yes"), "{refused:?}");
    let none = bob(&["forget", "--older-than", "30d", "--yes", "--json"]);
    assert_eq!((none.status, &none.objects()[0]["lines"]), (Some(0), &0.into()), "{none:?}");
    assert_eq!(bob(&["forget", "--with", "carl", "--yes"]).status, Some(3));
    let daemon = world.daemon("bob");
    let all = bob(&["forget", "--with", "alice", "--yes"]);
    assert_eq!((all.status, all.out.as_str()), (Some(0), "Forgotten: 2 lines\n"), "{all:?}");
    assert_eq!(bob(&["history"]).out, "");
    drop(daemon);
    assert_eq!(bob(&["history"]).out, "");
}

#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let world = World::new();
    told(&world, &["one", "two", "three"]);
    for args in
        [&["history"][..], &["history", "--json"], &["export"], &["man"], &["completions", "bash"], &["config", "show"]]
    {
        let mut command = world.command(&[&["--profile", "bob"], args].concat());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*error), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn with_history_off_nothing_is_kept() {
    let world = World::new();
    let bob = world.daemon("bob");
    let alice = ["--profile", "alice", "--name", "alice", "--history", "off"];
    let sent = world.ran(&[&alice[..], &["dm", "bob", "hi"]].concat(), b"");
    assert_eq!(sent.status, Some(0), "{sent:?}");
    assert!(!world.folder.join("state/lsnp/alice/history.db").exists());
    let nothing = world.ran(&["--profile", "alice", "history"], b"");
    assert_eq!((nothing.status, nothing.out.as_str()), (Some(0), ""), "{nothing:?}");
    let mut prompt = world.piped_with(&alice);
    prompt.types("HISTORY");
    prompt.shows("ERROR\t\t\tNothing is kept of what is said: there is no history\n");
    drop(bob);
    let nothing = world.ran(&["--temporary", "history"], b"");
    assert_eq!(nothing.status, Some(1), "{nothing:?}");
}

#[test]
fn marks_are_told_on_a_pipe() {
    let world = World::new();
    let bob = world.daemon("bob");
    let mut alice = world.piped_with(&["--profile", "alice", "--name", "alice"]);
    alice.types("DM bob hi");
    alice.shows("SENT\tbob@");
    alice.shows("MARK\tbob@");
    alice.shows("\tbob\tstored ");
    bob.signals(Signal::TERM);
    assert_eq!(bob.ends_within(SOON), Some(0));
    alice.shows("LEFT\tbob@");
    alice.types("DM bob later");
    alice.shows("WAITS\tbob@");
    alice.hangs_up();
    let (status, text) = alice.ends_within(SOON * 3);
    assert_eq!(status, Some(0));
    assert!(text.ends_with(": later\n") && text.contains("is sent after the next start"), "{text}");
}

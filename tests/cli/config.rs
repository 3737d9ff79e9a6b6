//! The configuration file, and what goes before it.

use std::fs;
use std::path::PathBuf;

use crate::world::{Ran, World};

fn written(world: &World, name: &str, text: &str) -> PathBuf {
    let file = world.folder.join("config/lsnp").join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, text).unwrap();
    file
}

/// What `config show` says of a key.
#[track_caller]
fn shown(ran: &Ran, key: &str) -> String {
    assert_eq!((ran.status, ran.error.as_str()), (Some(0), ""), "{ran:?}");
    let line = ran.out.lines().find(|line| line.starts_with(&format!("{key} = ")));
    line.unwrap_or_else(|| panic!("no {key} in {}", ran.out)).to_owned()
}

#[test]
fn an_option_goes_before_the_environment_that_before_the_file_that_before_the_default() {
    let world = World::new();
    let heartbeat = |args: &[&str], variables: &[(&str, &str)]| {
        shown(&world.ran_with(&[&["config", "show"], args].concat(), b"", variables), "heartbeat")
    };
    assert_eq!(heartbeat(&[], &[]), "heartbeat = \"30s\"  # default");
    let file =
        written(&world, "config.toml", "# mine\nheartbeat = \"5s\"\nprivate-only = true\npeer = [\"a\", \"b:9\"]\n");
    assert_eq!(heartbeat(&[], &[]), format!("heartbeat = \"5s\"  # {} line 2", file.display()));
    let variables = [("PEER_HEARTBEAT", "6s")];
    assert_eq!(heartbeat(&[], &variables), "heartbeat = \"6s\"  # environment");
    assert_eq!(heartbeat(&[], &[("PEER_HEARTBEAT", "")]), format!("heartbeat = \"5s\"  # {} line 2", file.display()));
    assert_eq!(heartbeat(&["--heartbeat", "7s"], &variables), "heartbeat = \"7s\"  # option");

    let show = |args: &[&str]| world.ran(&[&["config", "show"], args].concat(), b"");
    assert!(shown(&show(&[]), "private-only").starts_with("private-only = true  # /"));
    assert_eq!(shown(&show(&["--private-only=no"]), "private-only"), "private-only = false  # option");
    assert!(shown(&show(&[]), "peer").starts_with("peer = [\"a\", \"b:9\"]  # /"));
    assert_eq!(shown(&show(&["--peer", "c"]), "peer"), "peer = [\"c\"]  # option");
    assert_eq!(shown(&show(&[]), "port"), "port = (not set)  # default");
}

#[test]
fn the_file_counts_at_a_start_and_each_profile_has_its_own() {
    let world = World::new();
    written(&world, "config.toml", "name = \"from-file\"\n");
    written(&world, "profiles/office.toml", "name = \"at-office\"\nhistory = false\n");
    let started = |args: &[&str]| world.ran(args, b"").out;
    assert!(started(&[]).contains("You are from-file@"), "{}", started(&[]));
    assert!(started(&["--profile", "office"]).contains("You are at-office@"));
    assert!(!world.folder.join("state/lsnp/office/history.db").exists());
    assert!(world.folder.join("state/lsnp/jack/history.db").exists());
    assert!(started(&["--name", "given"]).contains("You are given@"));
    let path = |args: &[&str]| world.ran(&[args, &["config", "path"]].concat(), b"").out;
    assert!(path(&[]).ends_with("/config/lsnp/config.toml\n"));
    // The profile of the login, also when it is named.
    assert_eq!(path(&["--profile", "jack"]), path(&[]));
    assert!(path(&["--profile", "office"]).ends_with("/config/lsnp/profiles/office.toml\n"));
}

#[test]
fn a_wrong_file_stops_the_start_with_every_line_that_is_wrong() {
    let world = World::new();
    let file = written(&world, "config.toml", "heartbeet = \"5s\"\n\nport = 80\n");
    for args in [&["config", "check"][..], &[], &["list"], &["config", "show"]] {
        let ran = world.ran(args, b"");
        let status = if args == ["config", "check"] { 1 } else { 2 };
        assert_eq!((ran.status, ran.out.as_str()), (Some(status), ""), "{args:?}: {ran:?}");
        let first = format!("{}: line 1: there is no key \"heartbeet\"; perhaps heartbeat is meant", file.display());
        let third = format!("{}: line 3: ", file.display());
        assert!(ran.error.contains(&first) && ran.error.contains(&third), "{args:?}: {ran:?}");
        assert!(status == 1 || ran.error.ends_with("To correct it: peer config edit\n"), "{args:?}: {ran:?}");
    }
    // What mends it works all the same.
    assert_eq!(world.ran(&["config", "path"], b"").status, Some(0));
    assert_eq!(world.ran(&["completions", "bash"], b"").status, Some(0));
    fs::write(&file, "port = 8123\n").unwrap();
    let right = world.ran(&["config", "check"], b"");
    assert_eq!((right.status, right.out), (Some(0), format!("{} is right\n", file.display())));
    fs::remove_file(&file).unwrap();
    assert_eq!(world.ran(&["config", "check"], b"").status, Some(0));
}

#[test]
fn the_editor_gets_a_file_with_every_key_and_it_is_checked_then() {
    let world = World::new();
    world.program("my-editor", "test \"$1\" = --wait && cp \"$2\" seen && printf '%s' \"$TEXT\" > \"$2\"");
    let edit = |text: &str| world.ran_with(&["config", "edit"], b"", &[("EDITOR", "my-editor --wait"), ("TEXT", text)]);
    let right = edit("heartbeat = \"9s\"\n");
    assert_eq!(right.status, Some(0), "{right:?}");
    let template = fs::read_to_string(world.folder.join("seen")).unwrap();
    for key in ["heartbeat", "keep-time", "catch-up", "quiet-hours", "peer"] {
        assert!(template.contains(&format!("\n#{key} = ")), "{key}: {template}");
    }
    assert!(shown(&world.ran(&["config", "show"], b""), "heartbeat").starts_with("heartbeat = \"9s\""));
    let wrong = edit("heartbeat = 9 s\n");
    assert!(wrong.status == Some(1) && wrong.error.contains("line 1"), "{wrong:?}");
    let failed = world.ran_with(&["config", "edit"], b"", &[("VISUAL", "false")]);
    assert!(failed.status == Some(1) && failed.error.contains("false ended"), "{failed:?}");
}

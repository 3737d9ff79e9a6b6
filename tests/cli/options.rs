//! Arguments that are wrong, and what stops a start.

use std::net::UdpSocket;

use crate::world::World;

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    let output = World::new().command(args).stdin(std::process::Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn help_names_every_option_and_its_variable() {
    let (status, help, _) = run(&["--help"]);
    assert_eq!(status, Some(0));
    for option in [
        "--name",
        "--peer",
        "--interface",
        "--port",
        "--discovery-port",
        "--heartbeat",
        "--expiry",
        "--profile",
        "--temporary",
        "--verbose",
        "--log",
        "--secret-file",
        "--private-only",
        "discover",
        "doctor",
        "identity",
        "secret",
        "PEER_NAME",
        "PEER_PEERS",
        "PEER_INTERFACES",
        "PEER_PORT",
        "PEER_DISCOVERY_PORT",
        "PEER_HEARTBEAT",
        "PEER_EXPIRY",
        "PEER_PROFILE",
        "PEER_TEMPORARY",
        "PEER_VERBOSE",
        "PEER_LOG",
        "PEER_SECRET",
        "PEER_SECRET_FILE",
        "PEER_PRIVATE_ONLY",
    ] {
        assert!(help.contains(option), "{option} is not in {help}");
    }
    assert_eq!(run(&["--version"]).0, Some(0));
}

#[test]
fn wrong_options_are_refused_with_the_reason() {
    for (args, reason) in [
        (&["--nonsense"][..], "--nonsense"),
        (&["--name", "a@b"], "cannot hold '@'"),
        (&["--name", "a:b"], "cannot hold ':'"),
        (&["--name", "a\tb"], "U+0009"),
        (&["--name", ""], "at least one character"),
        (&["--name", "123456789012345678901234567890123"], "at most 32 characters"),
        (&["--heartbeat", "0s"], "1s to 100s"),
        (&["--expiry", "60s"], "at least 2.5 heartbeats"),
        (&["--port", "70000"], "70000"),
        (&["--profile", "../else"], "cannot be the name of a profile"),
        (&["--profile", ""], "cannot be the name of a profile"),
        (&["--peer", "host:notaport"], "write HOST or HOST:PORT"),
        (&["list", "--peer", "10.0.0.7,no host"], "write HOST or HOST:PORT"),
    ] {
        let (status, out, error) = run(args);
        assert_eq!((status, out.as_str()), (Some(2), ""), "{args:?}");
        assert!(error.contains(reason), "{args:?}: {error}");
    }
}

#[test]
fn a_port_in_use_is_named_with_what_to_do() {
    let taken = UdpSocket::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let (status, out, _) = run(&["--temporary", "--name", "alice", "--port", &port]);
    assert_eq!(status, Some(1));
    assert!(out.starts_with(&format!("ERROR\t\t\tPort {port} is in use")) && out.contains("--port"), "{out}");
    assert_eq!(out.lines().count(), 1, "{out}");
}

#[test]
fn a_log_that_cannot_be_written_stops_the_start() {
    let why = "Cannot write the log /nowhere/at/all.log: ";
    let (status, out, _) = run(&["--log", "/nowhere/at/all.log"]);
    assert!(status == Some(1) && out.starts_with(&format!("ERROR\t\t\t{why}")), "{out}");
    let (status, out, error) = run(&["--log", "/nowhere/at/all.log", "list"]);
    assert!(status == Some(1) && out.is_empty() && error.starts_with(&format!("peer: {why}")), "{out}{error}");
}

#[test]
fn a_reader_that_has_gone_had_enough_and_a_full_disk_is_told() {
    let world = World::new();
    let _bob = world.daemon("bob");
    for (args, status) in [
        (&["--profile", "bob", "identity"][..], 0),
        (&["--profile", "bob", "list", "--json"], 3),
        (&["secret", "new"], 0),
        (&["service", "status"], 3),
        (&["config", "show"], 0),
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = world.command(args).stdin(std::process::Stdio::null()).stdout(writer).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(status) && !error.contains("annot show"), "{args:?}: {error}");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = world.command(args).stdin(std::process::Stdio::null()).stdout(full).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(status == 3 || error.contains("Cannot show anything: "), "{args:?}: {error}");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = world.command(&["doctor", "--json"]).stdout(full).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && error.contains("Cannot show anything: "), "{error}");
}

#[test]
fn the_log_goes_to_its_file_alone() {
    let world = World::new();
    let mut command = world.command(&["--temporary", "--name", "alice", "--log", "peer.log"]);
    command.env("RUST_LOG", "trace");
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.lines().all(|line| line.starts_with("INFO\t\t\t")), "{out}");
    assert!(output.stderr.is_empty());
    assert!(world.folder.join("peer.log").exists());
}

#[test]
fn without_a_usable_interface_it_runs_on_and_says_what_to_do() {
    let world = World::new();
    let mut alice = world.piped_with(&["--temporary", "--name", "alice", "--interface", "none0"]);
    alice.shows("INFO\t\t\tYou are alice@127.0.0.1 ");
    alice.shows("INFO\t\t\tNo interface none0 is up");
    alice.shows("Check --interface, or try: peer doctor\n");
    // Others on this computer are found all the same.
    let mut bob = world.piped("bob");
    bob.shows("HERE\talice@");
    alice.shows("HERE\tbob@");
}

#[test]
fn an_empty_variable_counts_as_none() {
    let world = World::new();
    let mut command = world.command(&["--temporary"]);
    for variable in
        ["NAME", "PEERS", "INTERFACES", "PORT", "HEARTBEAT", "EXPIRY", "PROFILE", "TEMPORARY", "VERBOSE", "LOG"]
            .into_iter()
            .chain(["SECRET_FILE", "PRIVATE_ONLY", "PASSPHRASE"])
    {
        command.env(format!("PEER_{variable}"), "");
    }
    let output = command.stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn a_peer_that_no_command_would_reach_does_not_run_and_says_what_to_do() {
    let world = World::new();
    let ran = world.ran_with(&["--name", "alice", "run"], b"", &[("XDG_STATE_HOME", "/dev/null")]);
    assert!(ran.status == Some(1) && ran.error.contains("not even `peer stop`. Make its folder writable"), "{ran:?}");
}

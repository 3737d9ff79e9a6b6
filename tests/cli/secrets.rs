//! Secrets of closed groups: where they come from, and that they are never shown.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::SOON;
use crate::world::World;

const CANARY: &str = "canary-in-the-mine";

/// Exit status, and all that was shown.
fn run(world: &World, args: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = world.command(args);
    let output = command.envs(variables.iter().copied()).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

fn secret_file(world: &World, text: &str, mode: u32) -> String {
    let file = world.folder.join("secret");
    fs::write(&file, text).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_new_secret_is_strong_and_each_time_another() {
    let world = World::new();
    let (status, first) = run(&world, &["secret", "new"], &[]);
    let (_, second) = run(&world, &["secret", "new"], &[]);
    assert_eq!(status, Some(0));
    assert!(first.trim().len() >= 26 && first.lines().count() == 1, "{first}");
    assert_ne!(first, second);
    assert_eq!(run(&world, &["secret"], &[]).0, Some(2));
}

#[test]
fn a_secret_is_never_shown() {
    let world = World::new();
    let file = secret_file(&world, CANARY, 0o644);
    for (args, variables) in [
        (&["--help"][..], &[("PEER_SECRET", CANARY)][..]),
        (&["--help"], &[("PEER_PASSPHRASE", CANARY)]),
        (&["--name", "alice", "--log", "log"], &[("PEER_SECRET", CANARY), ("RUST_LOG", "trace")]),
        (&["--name", "alice", "--log", "log", "--secret-file", &file], &[("RUST_LOG", "trace")]),
        (&["--secret-file", &file], &[("PEER_SECRET", CANARY)]),
        (&["--nonsense"], &[("PEER_SECRET", CANARY)]),
    ] {
        let (_, shown) = run(&world, args, variables);
        assert!(!shown.is_empty() && !shown.contains(CANARY), "{args:?}: {shown}");
    }
    let log = fs::read_to_string(world.folder.join("log")).unwrap();
    assert!(!log.is_empty() && !log.contains(CANARY), "{log}");
    for entry in fs::read_dir(world.folder.join("state/lsnp/jack")).unwrap().flatten() {
        // The folder of the cache is empty: nothing was put in.
        let bytes = if entry.path().is_dir() { Vec::new() } else { fs::read(entry.path()).unwrap() };
        assert!(!bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()), "{entry:?}");
    }
}

#[test]
fn a_secret_that_is_no_secret_is_refused_before_anything_is_sent() {
    let world = World::new();
    let empty = secret_file(&world, " \n", 0o600);
    let long = world.folder.join("long");
    fs::write(&long, vec![b'x'; 5000]).unwrap();
    let bytes = world.folder.join("bytes");
    fs::write(&bytes, [0xff; 10]).unwrap();
    for (args, variables, why) in [
        (&["--secret-file", "none"][..], &[][..], "none"),
        (&["--secret-file", &empty], &[], "peer secret new"),
        (&["--secret-file", "."], &[], "folder"),
        (&["--secret-file", long.to_str().unwrap()], &[], "4096"),
        (&["--secret-file", bytes.to_str().unwrap()], &[], "UTF-8"),
        (&[], &[("PEER_SECRET", "")], "PEER_SECRET is set and empty"),
        (&[], &[("PEER_SECRET", " \t")], "PEER_SECRET is set and empty"),
        (&["discover"], &[("PEER_SECRET", "")], "PEER_SECRET is set and empty"),
    ] {
        let (status, shown) = run(&world, args, variables);
        assert_eq!(status, Some(1), "{args:?}: {shown}");
        assert!(shown.contains(why), "{args:?}: {shown}");
    }
    let both = [("PEER_SECRET", "x"), ("PEER_SECRET_FILE", empty.as_str())];
    let (status, shown) = run(&world, &[], &both);
    assert!(status == Some(2) && shown.contains("PEER_SECRET"), "{shown}");
}

#[test]
fn a_secret_file_that_others_can_read_is_told() {
    let world = World::new();
    let open = secret_file(&world, "tea at five\n", 0o644);
    let (status, shown) = run(&world, &["--name", "alice", "--secret-file", &open], &[]);
    assert!(status == Some(0) && shown.contains("chmod 600"), "{shown}");
    let closed = secret_file(&world, "tea at five\n", 0o600);
    let (status, shown) = run(&world, &["--name", "alice", "--secret-file", &closed], &[]);
    assert!(status == Some(0) && !shown.contains("chmod"), "{shown}");
    assert!(world.folder.join("state/lsnp/jack/group").exists());
}

#[test]
fn nothing_of_a_temporary_group_is_kept() {
    let world = World::new();
    let (status, _) = run(&world, &["--temporary", "--name", "alice"], &[("PEER_SECRET", CANARY)]);
    assert_eq!(status, Some(0));
    assert!(!world.folder.join("state").exists());
}

#[test]
fn a_group_hears_itself_and_nobody_else() {
    let world = World::new();
    let file = secret_file(&world, "tea at five\n", 0o600);
    let args = |name| ["--temporary", "--name", name, "--heartbeat", "1s", "--secret-file", file.as_str()];
    let mut alice = world.piped_with(&args("alice"));
    let mut bob = world.piped_with(&args("bob"));
    let mut eve = world.piped("eve");
    alice.has("HERE\tbob@");
    bob.has("HERE\talice@");
    eve.shows("You are eve@");
    alice.types("POST tea?");
    bob.has("\ttea?");
    let (status, found) =
        run(&world, &["discover", "--timeout", "5", "--temporary"], &[("PEER_SECRET", "tea at five")]);
    assert_eq!(status, Some(0), "{found}");
    assert!(found.contains("alice") && found.contains("bob") && !found.contains("eve"), "{found}");
    let (_, found) = run(&world, &["discover", "--timeout", "2", "--temporary"], &[]);
    assert!(found.contains("eve") && !found.contains("alice") && !found.contains("bob"), "{found}");
    let (_, report) = run(&world, &["doctor", "--temporary"], &[("PEER_SECRET", "tea at five")]);
    let answers = |name: &str| report.lines().any(|line| line.contains(name) && line.contains("and answers"));
    assert!(answers("alice@") && answers("bob@") && !answers("eve@"), "{report}");
    let (_, report) = run(&world, &["doctor", "--temporary"], &[]);
    assert!(report.contains("somebody speaks in another closed group"), "{report}");
    for mut peer in [alice, bob, eve] {
        peer.hangs_up();
        let (status, text) = peer.ends_within(SOON);
        assert_eq!(status, Some(0));
        let of_eve = text.contains("You are eve@");
        let strangers = if of_eve { &["alice@", "bob@"][..] } else { &["eve@", "discover-", "doctor-"] };
        assert!(strangers.iter().all(|stranger| !text.contains(stranger)), "{text}");
    }
}

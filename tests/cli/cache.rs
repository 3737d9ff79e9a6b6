//! `peer cache`: one runs a command for all, and whatever is wrong with the cache, the command runs.

use std::time::Duration;

use rustix::process::Signal;

use crate::world::{Ran, Running, World, end};

/// A closed group: its members trust each other.
const GROUP: [(&str, &str); 1] = [("PEER_SECRET", "a secret of five words here")];

fn ran(world: &World, profile: &str, args: &[&str], input: &[u8]) -> Ran {
    world.ran_with(&[&["--profile", profile, "--name", profile, "cache"], args].concat(), input, &GROUP)
}

/// A peer of the group that runs.
fn member(world: &World, name: &str) -> Running {
    let mut command = world.command(&["--profile", name, "--name", name]);
    command.envs(GROUP);
    world.runs(command)
}

/// One alone.
fn alone(world: &World) -> Running {
    let mut alice = member(world, "alice");
    alice.shows("INFO\t\t\tYou are alice@");
    alice
}

/// Two that see each other.
fn two(world: &World) -> [Running; 2] {
    let mut alice = alone(world);
    // The key of the group takes its time: it is worked out once.
    let profiles = world.folder.join("state/lsnp");
    std::fs::create_dir_all(profiles.join("bob")).unwrap();
    for file in std::fs::read_dir(profiles.join("alice")).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with("group") {
            std::fs::copy(file.path(), profiles.join("bob").join(file.file_name())).unwrap();
        }
    }
    let mut bob = member(world, "bob");
    alice.shows("HERE\tbob@");
    bob.shows("HERE\talice@");
    [alice, bob]
}

#[test]
fn a_value_is_found_here_and_at_others_byte_by_byte() {
    let world = World::new();
    let _both = two(&world);
    let value: Vec<u8> = (0..900_000_u32).flat_map(|n| n.to_le_bytes()).take(300_000).collect();
    std::fs::write(world.folder.join("value"), &value).unwrap();
    let put = ran(&world, "alice", &["put", "k", "value"], b"");
    assert_eq!((put.status, put.out.as_str()), (Some(0), "In the cache: k\n"), "{put:?}");
    for (profile, file) in [("alice", "a"), ("bob", "b")] {
        let got = ran(&world, profile, &["get", "k", "--out", file, "--json"], b"");
        assert_eq!((got.status, &got.objects()[0]["size"]), (Some(0), &300_000.into()), "{profile}: {got:?}");
        assert_eq!(std::fs::read(world.folder.join(file)).unwrap(), value, "{profile}");
    }
    let again = ran(&world, "bob", &["get", "k", "--out", "b"], b"");
    assert_eq!(again.status, Some(1), "no file is written over: {again:?}");
    let miss = ran(&world, "bob", &["get", "k", "--namespace", "owner/repo"], b"");
    assert_eq!((miss.status, miss.out.as_str()), (Some(3), ""), "{miss:?}");
    let text = ran(&world, "alice", &["put", "text", "-", "--ttl", "1h", "--json"], b"two\nlines");
    assert_eq!(text.objects()[0]["type"], "cached", "{text:?}");
    assert_eq!(ran(&world, "bob", &["get", "text"], b"").out, "two\nlines");
    let stats = ran(&world, "bob", &["stats", "--json"], b"").objects().remove(0);
    assert_eq!((&stats["peer_hits"], &stats["misses"]), (&2.into(), &1.into()), "{stats}");
    let forgotten = ran(&world, "bob", &["forget", "--all"], b"");
    assert_eq!((forgotten.status, forgotten.out.as_str()), (Some(0), "Dropped here: 2\n"), "{forgotten:?}");
    let too_long = ran(&world, "alice", &["put", "long", "-"], &vec![0; (1 << 20) + 1]);
    assert!(too_long.status == Some(1) && too_long.error.contains("1,048,576"), "{too_long:?}");
}

#[test]
fn a_command_runs_once_for_all_who_want_what_it_prints() {
    let world = World::new();
    let _both = two(&world);
    let script = "echo ran >> runs; echo out; echo err >&2";
    let run = |profile: &str| ran(&world, profile, &["run", "--ttl", "10m", "--", "sh", "-c", script], b"");
    let all: Vec<Ran> = std::thread::scope(|scope| {
        let runs: Vec<_> = ["alice", "bob", "alice", "bob"].map(|profile| scope.spawn(move || run(profile))).into();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for one in &all {
        assert_eq!((one.status, one.out.as_str()), (Some(0), "out\n"), "{all:?}");
    }
    assert_eq!(std::fs::read_to_string(world.folder.join("runs")).unwrap(), "ran\n");
    assert_eq!(all.iter().filter(|one| one.error == "err\n").count(), 1, "{all:?}");
    // Another key is another value.
    let other = ran(&world, "bob", &["run", "--key", "other", "--json", "--", "sh", "-c", script], b"");
    let told: serde_json::Value = serde_json::from_str(other.error.lines().last().unwrap()).unwrap();
    assert_eq!((&told["place"], &told["shared"], &told["status"]), (&"made".into(), &true.into(), &0.into()), "{told}");
    let again = ran(&world, "alice", &["run", "--key", "other", "--json", "--", "false"], b"");
    assert_eq!((again.status, again.out.as_str()), (Some(0), "out\n"), "{again:?}");
}

#[test]
fn a_command_that_fails_is_not_shared_and_the_next_one_runs() {
    let world = World::new();
    let _both = two(&world);
    let run = |profile: &str, script: &str| ran(&world, profile, &["run", "--key", "k", "--", "sh", "-c", script], b"");
    assert_eq!((run("alice", "echo bad; exit 7").status, run("alice", "kill -9 $$").status), (Some(7), Some(137)));
    assert_eq!(ran(&world, "alice", &["run", "--key", "k", "--", "no-such-command"], b"").status, Some(127));
    let good = run("bob", "echo good");
    assert_eq!((good.status, good.out.as_str()), (Some(0), "good\n"), "{good:?}");
    assert_eq!(run("alice", "echo other").out, "good\n");
    // What is longer than a value may be passes, and is not shared.
    let long = |_| ran(&world, "bob", &["run", "--key", "long", "--", "head", "-c", "2000000", "/dev/zero"], b"");
    let longs = [0, 1].map(long);
    assert!(longs.iter().all(|long| long.out.len() == 2_000_000), "{:?}", longs.map(|long| long.status));
    assert!(longs[1].error.contains("1,048,576"), "{}", longs[1].error);
}

#[test]
fn ctrl_c_gives_the_claim_up_and_another_one_runs() {
    let world = World::new();
    let _both = two(&world);
    world.pipe("began");
    let mut slow = world.command(&[
        "--profile",
        "alice",
        "cache",
        "run",
        "--key",
        "k",
        "--",
        "sh",
        "-c",
        "echo > began; exec sleep 100",
    ]);
    slow.envs(GROUP);
    let slow = slow.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::null()).spawn().unwrap();
    world.comes_through("began");
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| ran(&world, "bob", &["run", "--key", "k", "--", "echo", "mine"], b""));
        rustix::process::kill_process(rustix::process::Pid::from_child(&slow), Signal::INT).unwrap();
        assert_eq!(end(slow, Duration::from_secs(10)), Some(130));
        let mine = waits.join().unwrap();
        assert_eq!((mine.status, mine.out.as_str()), (Some(0), "mine\n"), "{mine:?}");
    });
}

#[test]
fn without_a_peer_the_command_runs_with_a_remark() {
    let world = World::new();
    let alone = ran(&world, "alice", &["run", "--", "sh", "-c", "cat; exit 5"], b"in");
    assert_eq!((alone.status, alone.out.as_str()), (Some(5), "in"), "{alone:?}");
    assert!(alone.error.starts_with("peer: No peer runs") && alone.error.lines().count() == 1, "{alone:?}");
    let joined = ran(&world, "alice", &["run", "--join", "--", "echo", "x"], b"");
    assert_eq!((joined.status, joined.out.as_str(), joined.error.as_str()), (Some(0), "x\n", ""), "{joined:?}");
    let again = ran(&world, "alice", &["run", "--join", "--", "echo", "x"], b"");
    assert_eq!(again.out, "x\n", "{again:?}");
    for wrong in [&["run"][..], &["run", "echo"], &["run", "--ttl", "8d", "--", "echo"], &["forget"], &["put", "k"]] {
        let ran = ran(&world, "alice", wrong, b"");
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{wrong:?}: {ran:?}");
    }
}

#[test]
fn a_signal_reaches_the_command_as_it_came_and_its_status_stands() {
    let world = World::new();
    let _alice = alone(&world);
    world.pipe("began");
    let script = "trap 'exit 5' INT; trap 'exit 6' TERM; trap 'exit 7' HUP; echo > began; while :; do sleep 0.1; done";
    for (signal, status) in [(Signal::INT, 5), (Signal::TERM, 6), (Signal::HUP, 7)] {
        let mut command = world.command(&["--profile", "alice", "cache", "run", "--", "sh", "-c", script]);
        command.envs(GROUP).stdin(std::process::Stdio::null());
        let running = command.spawn().unwrap();
        world.comes_through("began");
        rustix::process::kill_process(rustix::process::Pid::from_child(&running), signal).unwrap();
        assert_eq!(end(running, Duration::from_secs(10)), Some(status), "{signal:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_shown_is_no_success_and_not_shared() {
    let world = World::new();
    let _alice = alone(&world);
    let full = || std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = world.command(&["--profile", "alice", "cache", "run", "--key", "k", "--", "echo", "lost"]);
    let lost = command.envs(GROUP).stdout(full()).output().unwrap();
    let told = String::from_utf8_lossy(&lost.stderr);
    assert!(lost.status.code() == Some(1) && told.starts_with("peer: Cannot show anything"), "{lost:?}");
    let next = ran(&world, "alice", &["run", "--key", "k", "--", "echo", "shown"], b"");
    assert_eq!((next.status, next.out.as_str()), (Some(0), "shown\n"), "{next:?}");
}

#[test]
fn all_of_a_namespace_is_forgotten_and_nothing_else() {
    let world = World::new();
    let _alice = alone(&world);
    for (namespace, key) in [("one", "a"), ("one", "b"), ("other", "a"), ("", "a")] {
        let put = ran(&world, "alice", &["put", key, "-", "--namespace", namespace], b"x");
        assert_eq!(put.status, Some(0), "{put:?}");
    }
    let forgotten = |args: &[&str]| ran(&world, "alice", &[&["forget", "--all"], args].concat(), b"").out;
    assert_eq!(forgotten(&["--namespace", "one"]), "Dropped here: 2\n");
    assert_eq!(ran(&world, "alice", &["get", "a", "--namespace", "other"], b"").out, "x");
    assert_eq!(forgotten(&[]), "Dropped here: 2\n");
}

#[test]
fn a_peer_that_joins_for_a_command_is_there_for_other_commands_meanwhile() {
    let world = World::new();
    ["began", "go"].iter().for_each(|pipe| world.pipe(pipe));
    let join = ["--profile", "alice", "--name", "alice", "cache", "run", "--join", "--key", "k", "--"];
    let script = "echo > began; read x < go; echo made";
    let first = world.command(&[&join[..], &["sh", "-c", script]].concat()).envs(GROUP).spawn().unwrap();
    world.comes_through("began");
    let other = world.ran_with(&[&join[..7], &["--", "echo", "other"]].concat(), b"", &GROUP);
    assert_eq!((other.status, other.out.as_str(), other.error.as_str()), (Some(0), "other\n", ""), "{other:?}");
    std::fs::write(world.folder.join("go"), "\n").unwrap();
    assert_eq!(end(first, Duration::from_secs(10)), Some(0));
}

//! Who a peer is: the key file, `peer identity`, and what becomes of both when files are not as they should be.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::Signal;

use crate::SOON;
use crate::world::World;

/// Exit status, output, and what went to the standard error.
type Ran = (Option<i32>, String, String);

fn run_with(world: &World, args: &[&str], input: &str, variables: &[(&str, &str)]) -> Ran {
    let mut command = world.command(args);
    command.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end without reading it.
    let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn run(world: &World, args: &[&str], input: &str) -> Ran {
    run_with(world, args, input, &[])
}

fn folder(world: &World, profile: &str) -> PathBuf {
    world.folder.join("state/lsnp").join(profile)
}

/// Starts a peer once, which makes the identity; its fingerprint.
fn made(world: &World) -> String {
    let (status, out, _) = run(world, &[], "");
    assert_eq!(status, Some(0), "{out}");
    fingerprint(world, "jack")
}

fn fingerprint(world: &World, profile: &str) -> String {
    let (status, out, error) = run(world, &["identity", "--profile", profile], "");
    assert_eq!((status, error.as_str()), (Some(0), ""));
    let line = out.lines().next().unwrap();
    line.strip_prefix("Fingerprint  ").unwrap_or_else(|| panic!("{out}")).to_owned()
}

#[test]
fn the_first_start_makes_an_identity_that_stays() {
    let world = World::new();
    let (status, out, error) = run(&world, &["identity"], "");
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(error.contains("no identity") && error.contains("first start"), "{error}");
    assert!(!folder(&world, "jack").exists(), "looking makes nothing");

    let first = made(&world);
    assert_eq!(made(&world), first);
    assert_eq!(first.len(), 8 * 4 + 7, "{first}");
    let file = fs::metadata(folder(&world, "jack").join("identity")).unwrap();
    assert_eq!((file.mode() & 0o777, file.len()), (0o600, 77));
    assert_eq!(fs::metadata(folder(&world, "jack")).unwrap().mode() & 0o777, 0o700);
}

#[test]
fn a_pipe_gets_text_and_a_terminal_or_qr_the_code() {
    let world = World::new();
    made(&world);
    let (_, plain, _) = run(&world, &["identity"], "");
    assert!(
        plain.lines().count() == 3 && plain.contains("\nLink         peer://connect/") && !plain.contains('█'),
        "{plain}"
    );
    let (_, with_code, _) = run(&world, &["identity", "--qr"], "");
    assert!(with_code.starts_with(&plain) && with_code.contains("█▀"), "{with_code}");
    let mut shown = world.at_terminal(&["identity"]);
    shown.shows("Fingerprint");
    shown.shows("█▀");
    assert_eq!(shown.ends_within(SOON).0, Some(0));
    let (status, _, error) = run(&world, &["identity", "--temporary"], "");
    assert!(status == Some(1) && error.contains("--temporary"), "{error}");
}

#[test]
fn while_a_peer_runs_its_identity_is_shown_and_exported_but_not_replaced() {
    let world = World::new();
    let mut jack = world.piped_with(&["--name", "jack"]);
    jack.shows("You are jack@");
    let shown = fingerprint(&world, "jack");
    assert_eq!(run(&world, &["identity", "export", "key.pem"], "open sesame\n").0, Some(0));
    let (status, _, error) = run(&world, &["identity", "import", "key.pem", "--replace"], "open sesame\n");
    assert_eq!(status, Some(1));
    assert!(error.contains("uses the profile jack"), "{error}");
    jack.hangs_up();
    assert_eq!(jack.ends_within(SOON).0, Some(0));
    assert_eq!(fingerprint(&world, "jack"), shown);
}

#[test]
fn an_identity_travels_in_a_file_that_only_the_passphrase_opens() {
    let world = World::new();
    let jack = made(&world);
    let (status, out, error) = run(&world, &["identity", "export", "key.pem"], "open sesame\n");
    assert_eq!((status, error.as_str()), (Some(0), ""));
    assert!(out.contains(&jack) && out.contains("key.pem"), "{out}");
    let file = world.folder.join("key.pem");
    let pem = fs::read_to_string(&file).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{pem}");
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    let (status, _, error) = run(&world, &["identity", "export", "key.pem"], "open sesame\n");
    assert!(status == Some(1) && error.contains("exists already"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), pem, "never overwritten");
    let (status, out, _) = run_with(&world, &["identity", "export", "-"], "", &[("PEER_PASSPHRASE", "open sesame")]);
    assert!(status == Some(0) && out.starts_with("-----BEGIN") && out.ends_with("KEY-----\n"), "{out}");

    let import = ["identity", "import", "key.pem", "--profile", "other"];
    for (input, why) in [("open sesam\n", "passphrase"), ("", "passphrase is empty"), ("\n", "passphrase is empty")] {
        let (status, out, error) = run(&world, &import, input);
        assert_eq!((status, out.as_str()), (Some(1), ""), "{input:?}");
        assert!(error.contains(why), "{error}");
        assert!(!folder(&world, "other").join("identity").exists());
    }
    // A line of the input, with or without its end, and the variable.
    let (status, out, _) = run(&world, &import, "open sesame\r\nmore\n");
    assert!(status == Some(0) && out.contains(&jack), "{out}");
    assert_eq!(fingerprint(&world, "other"), jack);
    let third = ["identity", "import", "key.pem", "--profile", "third"];
    assert_eq!(run_with(&world, &third, "", &[("PEER_PASSPHRASE", "open sesame")]).0, Some(0));
    assert_eq!(fingerprint(&world, "third"), jack);
}

#[test]
fn an_identity_is_replaced_only_when_that_is_said_and_the_old_one_is_kept() {
    let world = World::new();
    let jack = made(&world);
    assert_eq!(run(&world, &["identity", "export", "key.pem"], "x\n").0, Some(0));
    assert_eq!(run(&world, &["--profile", "mary"], "").0, Some(0));
    let mary = fingerprint(&world, "mary");
    assert_ne!(mary, jack);

    let import = ["identity", "import", "key.pem", "--profile", "mary"];
    let (status, _, error) = run(&world, &import, "x\n");
    assert!(status == Some(1) && error.contains("--replace") && error.contains(&mary), "{error}");
    assert_eq!(fingerprint(&world, "mary"), mary);
    let replace = [&import[..], &["--replace"]].concat();
    assert_eq!(run(&world, &replace, "wrong\n").0, Some(1));
    assert_eq!(fingerprint(&world, "mary"), mary, "a wrong passphrase changes nothing");
    let (status, out, _) = run(&world, &replace, "x\n");
    assert!(status == Some(0) && out.contains("identity.old"), "{out}");
    assert_eq!(fingerprint(&world, "mary"), jack);
    let old = folder(&world, "mary").join("identity.old");
    assert_eq!(fs::metadata(&old).unwrap().mode() & 0o777, 0o600);
    fs::rename(old, folder(&world, "mary").join("identity")).unwrap();
    assert_eq!(fingerprint(&world, "mary"), mary);
}

#[test]
fn files_that_are_no_export_are_refused() {
    let world = World::new();
    fs::write(world.folder.join("empty"), "").unwrap();
    fs::write(world.folder.join("text"), "hello\n").unwrap();
    fs::write(world.folder.join("bytes"), [0xff; 100]).unwrap();
    fs::write(world.folder.join("huge"), vec![b'-'; 200_000]).unwrap();
    fs::write(world.folder.join("public"), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").unwrap();
    fs::create_dir(world.folder.join("folder")).unwrap();
    for file in ["empty", "text", "bytes", "huge", "public", "folder", "none"] {
        let (status, out, error) = run(&world, &["identity", "import", file], "x\n");
        assert_eq!((status, out.as_str()), (Some(1), ""), "{file}");
        assert!(error.starts_with("peer: ") && error.contains(file), "{file}: {error}");
        assert!(!folder(&world, "jack").join("identity").exists());
    }
    assert_eq!(run(&world, &["identity", "import"], "").0, Some(2));
    assert_eq!(run(&world, &["identity", "nonsense"], "").0, Some(2));
}

#[test]
fn at_a_terminal_the_passphrase_is_asked_for_and_never_shown() {
    let world = World::new();
    let jack = made(&world);
    let mut export = world.at_terminal(&["identity", "export", "key.pem"]);
    export.shows("New passphrase: ");
    export.presses("open sesamee\u{7f}\r");
    export.shows("The same again: ");
    export.presses("garbage\u{15}open sesame\r");
    export.shows(&jack);
    let (status, text) = export.ends_within(SOON * 10);
    assert!(status == Some(0) && !text.contains("sesame") && !text.contains("garbage"), "{text}");

    let mut import = world.at_terminal(&["identity", "import", "key.pem", "--profile", "other"]);
    import.shows("Passphrase: ");
    import.presses("open sesame\r");
    import.shows(&jack);
    assert_eq!(import.ends_within(SOON * 10).0, Some(0));

    let mut differs = world.at_terminal(&["identity", "export", "2.pem"]);
    differs.shows("New passphrase: ");
    differs.presses("one\r");
    differs.shows("The same again: ");
    differs.presses("two\r");
    differs.shows("different");
    assert_eq!(differs.ends_within(SOON).0, Some(1));
    for key in ["\u{3}", "\u{4}"] {
        let mut given_up = world.at_terminal(&["identity", "export", "2.pem"]);
        given_up.shows("New passphrase: ");
        given_up.presses(&format!("op{key}"));
        given_up.shows("Nothing was changed");
        assert_eq!(given_up.ends_within(SOON).0, Some(1));
    }
    assert!(!world.folder.join("2.pem").exists());
}

/// The program does not start, says why, and changes nothing.
#[track_caller]
fn refused(world: &World, file: &Path, why: &str) {
    let before = fs::symlink_metadata(file).unwrap();
    let (status, out, _) = run(world, &["--profile", "jack"], "");
    assert_eq!(status, Some(1), "{out}");
    let last = out.lines().last().unwrap();
    assert!(last.starts_with("ERROR\t\t\tYour identity ") && last.contains(why), "{why}: {out}");
    assert!(last.contains(file.to_str().unwrap()), "{out}");
    let after = fs::symlink_metadata(file).unwrap();
    assert_eq!((before.ino(), before.mode(), before.len()), (after.ino(), after.mode(), after.len()));
    for args in [&["identity"][..], &["identity", "export", "-"]] {
        let (status, out, error) = run(world, args, "x\n");
        assert_eq!((status, out.as_str()), (Some(1), ""));
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn an_identity_that_is_not_right_stops_the_start_with_what_to_do() {
    let world = World::new();
    let jack = made(&world);
    let file = folder(&world, "jack").join("identity");
    let whole = fs::read(&file).unwrap();

    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    refused(&world, &file, "chmod 600");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    for (bytes, why) in [
        (&b""[..], "empty"),
        (b"garbage\n", "identity import FILE --replace"),
        (&whole[..76], "is broken"),
        (b"lsnp identity 7 0123456789abcdef\n", "newer peer"),
    ] {
        fs::write(&file, bytes).unwrap();
        refused(&world, &file, why);
    }
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    refused(&world, &file, "is no file");
    fs::remove_dir(&file).unwrap();
    let elsewhere = world.folder.join("elsewhere");
    fs::write(&elsewhere, &whole).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&elsewhere, &file).unwrap();
    refused(&world, &file, "is a link");
    fs::remove_file(&file).unwrap();
    fs::rename(&elsewhere, &file).unwrap();
    assert_eq!(made(&world), jack);
}

#[test]
fn an_identity_that_is_gone_is_told_and_can_be_brought_back() {
    let world = World::new();
    let jack = made(&world);
    assert_eq!(run(&world, &["identity", "export", "key.pem"], "x\n").0, Some(0));
    fs::remove_file(folder(&world, "jack").join("identity")).unwrap();
    let (status, out, _) = run(&world, &[], "");
    assert!(status == Some(0) && out.contains("identity of this profile is gone"), "{out}");
    assert_ne!(fingerprint(&world, "jack"), jack);
    assert_eq!(run(&world, &["identity", "import", "key.pem", "--replace"], "x\n").0, Some(0));
    assert_eq!(fingerprint(&world, "jack"), jack);
}

#[test]
fn kept_files_that_are_broken_are_set_aside_and_those_of_a_newer_peer_stop_the_start() {
    let world = World::new();
    let jack = made(&world);
    let folder = folder(&world, "jack");
    for kind in ["sequence", "prekeys", "posted", "contacts", "journal"] {
        fs::write(folder.join(kind), "garbage").unwrap();
    }
    let (status, out, _) = run(&world, &[], "WHOAMI\n");
    assert_eq!(status, Some(0), "{out}");
    for kind in ["sequence", "prekeys", "posted", "contacts", "journal"] {
        let aside = folder.join(format!("{kind}.broken"));
        assert_eq!(fs::read(&aside).unwrap(), b"garbage");
        assert!(out.contains(aside.to_str().unwrap()), "{kind}: {out}");
    }
    assert!(out.contains("verified"), "{out}");
    assert_eq!(run(&world, &[], "").1.lines().count(), 1, "told once");
    assert_eq!(made(&world), jack);

    fs::write(folder.join("contacts"), "lsnp contacts 2 0\n").unwrap();
    let (status, out, _) = run(&world, &[], "");
    assert_eq!(status, Some(1));
    assert!(out.contains("contacts is of version 2, which a newer peer wrote"), "{out}");
    assert_eq!(fs::read(folder.join("contacts")).unwrap(), b"lsnp contacts 2 0\n");
}

#[test]
fn a_folder_that_cannot_be_used_gives_a_peer_that_keeps_nothing_and_says_so() {
    let world = World::new();
    fs::write(world.folder.join("state"), "a file in the way").unwrap();
    let (status, out, _) = run(&world, &["--name", "alice"], "WHOAMI\n");
    assert_eq!(status, Some(0), "{out}");
    assert!(out.starts_with("INFO\t\t\tNothing will be kept, and others see a new identity"), "{out}");
}

#[test]
fn two_that_start_at_once_have_two_identities() {
    let world = World::new();
    let mut peers: Vec<_> = (0..4).map(|_| world.piped_with(&[])).collect();
    for peer in &mut peers {
        peer.shows("You are ");
    }
    let profiles = ["jack", "jack-2", "jack-3", "jack-4"];
    let mut all: Vec<String> = profiles.iter().map(|profile| fingerprint(&world, profile)).collect();
    for mut peer in peers {
        peer.hangs_up();
        assert_eq!(peer.ends_within(SOON).0, Some(0));
    }
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 4);
}

#[test]
fn numbers_are_reserved_before_they_are_used_whatever_ends_the_peer() {
    let world = World::new();
    let sequence = || fs::read(folder(&world, "jack").join("sequence")).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..3 {
        let mut jack = world.piped_with(&["--name", "jack"]);
        jack.shows("You are jack@");
        assert!(seen.insert(sequence()), "the same numbers again");
        jack.signals(Signal::KILL);
        assert_eq!(jack.ends_within(SOON).0, None);
        assert!(seen.contains(&sequence()));
    }
}

#[test]
fn a_peer_that_is_killed_still_knows_whom_it_knew_and_what_was_said_of_them() {
    let world = World::new();
    let mut bob = world.piped_with(&["--name", "bob", "--profile", "bob"]);
    let start = || world.piped_with(&["--name", "alice", "--profile", "alice"]);
    let mut alice = start();
    bob.has("HERE\talice@");
    alice.has("HERE\tbob@");
    alice.types("DM bob hi");
    bob.has("\thi\n");
    alice.types("MUTE bob");
    alice.has("uted");
    alice.signals(Signal::KILL);
    assert_eq!(alice.ends_within(SOON).0, None);
    bob.hangs_up();
    assert_eq!(bob.ends_within(SOON).0, Some(0));

    let mut alice = start();
    alice.types("CONTACTS");
    alice.types("WHOAMI");
    alice.shows("bob");
    alice.shows("muted");
    alice.hangs_up();
    let (status, text) = alice.ends_within(SOON);
    let short = &fingerprint(&world, "bob")[..4];
    assert!(status == Some(0) && text.contains(short) && !text.contains("KEY\t"), "{text}");
}

/// A file system of its own in the place of all that is kept; none where that needs a right that we do not have.
struct Mounted(PathBuf);

impl Mounted {
    fn new(world: &World, how: &str) -> Option<Self> {
        let folder = world.folder.join("state");
        fs::create_dir_all(&folder).unwrap();
        let mounted = Self::mount(&["-t", "tmpfs", "-o", how, "lsnp-test"], &folder);
        mounted.then_some(Self(folder))
    }

    fn mount(how: &[&str], folder: &Path) -> bool {
        let done = std::process::Command::new("mount").args(how).arg(folder).stderr(Stdio::null()).status();
        done.is_ok_and(|status| status.success())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_disk_that_is_full_or_read_only_it_runs_and_says_that_nothing_is_kept() {
    let world = World::new();
    {
        let Some(_mounted) = Mounted::new(&world, "ro") else { return };
        let (status, out, _) = run(&world, &["--name", "alice"], "WHOAMI\n");
        assert!(status == Some(0) && out.starts_with("INFO\t\t\tNothing will be kept"), "{out}");
        assert_eq!(run(&world, &["identity", "import", "none"], "").0, Some(1));
    }
    let Some(mounted) = Mounted::new(&world, "size=4k") else { return };
    let (status, out, _) = run(&world, &["--name", "alice"], "WHOAMI\n");
    assert!(status == Some(0) && out.contains("Nothing will be kept, and others see a new identity"), "{out}");
    let left: Vec<_> = fs::read_dir(folder(&world, "jack")).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("identity")), "{left:?}");
    assert!(Mounted::mount(&["-o", "remount,size=1m"], &mounted.0));
    let jack = made(&world);
    assert_eq!(made(&world), jack);
}

//! `peer service`, with a systemctl that writes down what it is asked.

use std::fs;

use crate::world::World;

#[test]
fn a_unit_is_installed_once_shown_and_removed() {
    let world = World::new();
    world.program("systemctl", "echo \"$@\" >> asked; test \"$2\" = is-active && echo active; exit 0");
    let unit = world.folder.join("config/systemd/user/peer-work.service");
    let service = |task: &str| world.ran(&["--profile", "work", "service", task], b"");
    let asked = || fs::read_to_string(world.folder.join("asked")).unwrap_or_default();
    let status = service("status");
    assert_eq!((status.status, status.out.as_str()), (Some(3), "peer-work.service is not installed\n"));

    for start in ["restart", "start"] {
        let _ = fs::remove_file(world.folder.join("asked"));
        let installed = service("install");
        assert_eq!((installed.status, installed.error.as_str()), (Some(0), ""), "{installed:?}");
        let expected =
            format!("--user daemon-reload\n--user enable peer-work.service\n--user {start} peer-work.service\n");
        assert_eq!(asked(), expected);
    }
    let text = fs::read_to_string(&unit).unwrap();
    let program = env!("CARGO_BIN_EXE_peer");
    assert!(text.contains(&format!("ExecStart=\"{program}\" run --profile \"work\"\n")), "{text}");
    assert!(text.contains("Type=notify\n") && text.contains("WantedBy=default.target\n"), "{text}");
    let status = service("status");
    assert_eq!((status.status, status.out.as_str()), (Some(0), "peer-work.service is installed and active\n"));

    assert_eq!(service("remove").status, Some(0));
    assert!(!unit.exists() && asked().contains("--user disable --now peer-work.service\n"));
    assert_eq!(service("remove").status, Some(0), "to remove nothing is done");
}

#[test]
fn without_systemd_it_says_what_to_do_and_writes_nothing() {
    let world = World::new();
    let ran = world.ran_with(&["service", "install"], b"", &[("PATH", "/nonexistent")]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(ran.error.contains("no systemctl") && ran.error.contains("peer run"), "{ran:?}");
    assert!(!world.folder.join("config/systemd").exists());
}

#[test]
fn what_systemctl_says_is_told() {
    let world = World::new();
    world.program("systemctl", "echo 'Failed to connect to bus' >&2; exit 1");
    let ran = world.ran(&["service", "install"], b"");
    assert_eq!(ran.status, Some(1));
    assert!(ran.error.contains("Failed to connect to bus"), "{ran:?}");
}

//! `peer service`, with a systemctl that writes down what it is asked.

use std::fs;

use crate::world::World;

#[test]
fn a_unit_is_installed_once_shown_and_removed() {
    let world = World::new();
    world.program("systemctl", "echo \"$@\" >> asked; test \"$2\" = is-active && echo active; exit 0");
    stand_in_for_the_desktop(&world);
    let unit = world.folder.join("config/systemd/user/peer-work.service");
    let service = |task: &str| world.ran(&["--profile", "work", "service", task], b"");
    let asked = || fs::read_to_string(world.folder.join("asked")).unwrap_or_default();
    let status = service("status");
    let out = "peer-work.service is not installed\nLinks peer://... are not opened by it\n";
    assert_eq!((status.status, status.out.as_str()), (Some(3), out));

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
    let out = "peer-work.service is installed and active\nLinks peer://... are opened by `peer open`\n";
    assert_eq!((status.status, status.out.as_str()), (Some(0), out));

    assert_eq!(service("remove").status, Some(0));
    assert!(!unit.exists() && asked().contains("--user disable --now peer-work.service\n"));
    assert_eq!(service("remove").status, Some(0), "to remove nothing is done");
}

/// Programs of a desktop that write down what they are asked.
fn stand_in_for_the_desktop(world: &World) {
    for name in ["xdg-mime", "update-desktop-database"] {
        world.program(name, &format!("echo \"{name} $@\" >> desktop; exit 1"));
    }
}

#[test]
fn links_are_opened_by_the_profile_that_was_installed_last() {
    let world = World::new();
    world.program("systemctl", "exit 0");
    stand_in_for_the_desktop(&world);
    let service = |profile: &str, task: &str| world.ran(&["--profile", profile, "service", task], b"");
    let file = world.folder.join("data/applications/peer-link.desktop");
    // What the desktop's own programs come to changes nothing.
    assert_eq!(service("work", "install").status, Some(0));
    let folder = world.folder.join("data/applications");
    let told = fs::read_to_string(world.folder.join("desktop")).unwrap();
    let expected = "xdg-mime default peer-link.desktop x-scheme-handler/peer\n";
    assert_eq!(told, format!("{expected}update-desktop-database {}\n", folder.display()));
    let text = fs::read_to_string(&file).unwrap();
    let exec = format!("Exec=\"{}\" --profile \"work\" open -- %u\n", env!("CARGO_BIN_EXE_peer"));
    assert!(text.contains(&exec) && text.contains("MimeType=x-scheme-handler/peer;\n"), "{text}");
    assert!(text.contains("NoDisplay=true\n") && text.contains("Terminal=false\n"), "{text}");

    assert_eq!(service("home", "install").status, Some(0));
    assert!(service("work", "status").out.ends_with("Links peer://... are not opened by it\n"));
    assert!(service("home", "status").out.ends_with("Links peer://... are opened by `peer open`\n"));
    assert_eq!(service("work", "remove").status, Some(0));
    assert!(file.exists(), "it is of another profile");
    assert_eq!(service("home", "remove").status, Some(0));
    assert!(!file.exists());
}

#[test]
fn without_systemd_it_says_what_to_do_and_opens_links_all_the_same() {
    let world = World::new();
    let ran = world.ran_with(&["service", "install"], b"", &[("PATH", "/nonexistent")]);
    let out = "Links peer://... are opened by `peer open`\nThe menu of the desktop has an entry for the page: peer\n";
    assert_eq!((ran.status, ran.out.as_str()), (Some(1), out), "{ran:?}");
    assert!(ran.error.contains("no systemctl") && ran.error.contains("peer run"), "{ran:?}");
    assert!(!world.folder.join("config/systemd").exists());
    let text = fs::read_to_string(world.folder.join("data/applications/peer-link.desktop")).unwrap();
    assert!(text.contains(&format!("Exec=\"{}\" open -- %u\n", env!("CARGO_BIN_EXE_peer"))), "{text}");
    assert_eq!(world.ran(&["service", "remove"], b"").status, Some(0));
    assert!(!world.folder.join("data/applications/peer-link.desktop").exists());
}

#[test]
fn who_uses_no_terminal_opens_the_page_from_the_menu() {
    let world = World::new();
    world.program("systemctl", "exit 0");
    let file = world.folder.join("data/applications/peer.desktop");
    assert_eq!(world.ran(&["--profile", "work", "service", "install"], b"").status, Some(0));
    let text = fs::read_to_string(&file).unwrap();
    let exec = format!("Exec=\"{}\" --profile \"work\" web\n", env!("CARGO_BIN_EXE_peer"));
    assert!(text.contains(&exec) && text.contains("Terminal=false\n") && !text.contains("NoDisplay"), "{text}");
    assert_eq!(world.ran(&["--profile", "home", "service", "remove"], b"").status, Some(0));
    assert!(file.exists(), "it is of another profile");
    assert_eq!(world.ran(&["--profile", "work", "service", "remove"], b"").status, Some(0));
    assert!(!file.exists());
}

#[test]
fn what_systemctl_says_is_told() {
    let world = World::new();
    world.program("systemctl", "echo 'Failed to connect to bus' >&2; exit 1");
    let ran = world.ran(&["service", "install"], b"");
    assert_eq!(ran.status, Some(1));
    assert!(ran.error.contains("Failed to connect to bus") && ran.error.contains("peer run"), "{ran:?}");
}

#[test]
fn a_unit_goes_also_where_no_manager_answers() {
    let world = World::new();
    world.program("systemctl", "echo 'Failed to connect to bus' >&2; exit 1");
    let folder = world.folder.join("config/systemd/user");
    assert_eq!(world.ran(&["service", "install"], b"").status, Some(1));
    let wants = folder.join("default.target.wants");
    fs::create_dir(&wants).unwrap();
    std::os::unix::fs::symlink(folder.join("peer.service"), wants.join("peer.service")).unwrap();
    let ran = world.ran(&["service", "remove"], b"");
    assert_eq!(ran.status, Some(1), "it may still run");
    assert!(ran.error.contains("Failed to connect to bus") && ran.error.contains("peer stop"), "{ran:?}");
    assert!(!folder.join("peer.service").exists() && wants.read_dir().unwrap().next().is_none());
    assert_eq!(world.ran(&["service", "remove"], b"").status, Some(0));
}

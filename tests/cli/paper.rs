//! Completions and manual pages.

use crate::world::World;

#[test]
fn every_shell_gets_completions() {
    let world = World::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = world.ran(&["completions", shell], b"");
        assert_eq!((ran.status, ran.error.as_str()), (Some(0), ""), "{shell}");
        for word in ["history", "quiet-hours", "service"] {
            assert!(ran.out.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn every_subcommand_has_a_page() {
    let world = World::new();
    let page = world.ran(&["man"], b"");
    assert_eq!(page.status, Some(0));
    assert!(page.out.contains(".TH peer 1") && page.out.contains("PEER_HEARTBEAT"), "{}", page.out);
    let made = world.ran(&["man", "pages"], b"");
    assert_eq!((made.status, made.out.as_str()), (Some(0), ""), "{made:?}");
    for name in [
        "peer",
        "peer-dm",
        "peer-history",
        "peer-service-install",
        "peer-config-check",
        "peer-web",
        "peer-open",
        "peer-add",
        "peer-share-add",
        "peer-cache-run",
        "peer-progress-listen",
        "peer-publish",
        "peer-subscribe",
        "peer-call",
        "peer-serve",
    ] {
        assert!(world.folder.join(format!("pages/{name}.1")).exists(), "{name}");
    }
    assert_eq!(world.ran(&["man", "/dev/null/pages"], b"").status, Some(1));
}

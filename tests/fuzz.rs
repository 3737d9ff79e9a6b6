//! Replays the fuzz corpus, and cases of its kind.
#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, unreachable_pub, missing_docs, reason = "tests")]

use std::fs;
use std::path::Path;

#[path = "../fuzz/src/cases.rs"]
mod cases;

fn replay(target: &str, case: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 10, "{} holds only {} cases", folder.display(), paths.len());
    for path in paths {
        let bytes = fs::read(&path).unwrap();
        let run = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| case(&bytes)));
        assert!(run.is_ok(), "{} fails", path.display());
    }
}

#[test]
fn of_decode() {
    replay("decode", cases::decode);
}

#[test]
fn of_roundtrip() {
    replay("roundtrip", cases::roundtrip);
}

#[test]
fn of_engine() {
    replay("engine", cases::engine);
}

#[test]
fn of_signed() {
    replay("signed", cases::signed);
}

#[test]
fn of_sealed() {
    replay("sealed", cases::sealed);
}

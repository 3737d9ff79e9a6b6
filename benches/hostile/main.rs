//! Attacks on real peers on a LAN of network namespaces, against the project's targets. Linux, root and `ip` needed.
//!
//! `scripts/hostile.sh` builds and runs it; `--help` tells its options.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::disallowed_methods, reason = "a bench of real processes reads the real clock")
)]
#![cfg_attr(target_os = "linux", expect(clippy::print_stderr, reason = "a bench says what went wrong"))]
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[cfg(target_os = "linux")]
mod amplification;
#[cfg(target_os = "linux")]
#[path = "../netns/bench.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod bench;
#[cfg(target_os = "linux")]
mod crowd;
#[cfg(target_os = "linux")]
mod flood;
#[cfg(target_os = "linux")]
mod forger;
#[cfg(target_os = "linux")]
mod identities;
#[cfg(target_os = "linux")]
mod key_change;
#[cfg(target_os = "linux")]
#[path = "../netns/lan.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod lan;
#[cfg(target_os = "linux")]
mod privacy;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod process;
#[cfg(target_os = "linux")]
mod replay;
#[cfg(target_os = "linux")]
#[path = "../netns/report.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod report;
#[cfg(target_os = "linux")]
mod siege;
#[cfg(target_os = "linux")]
mod spoof;
#[cfg(target_os = "linux")]
mod tap;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
use bench::{Bench, Options};

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("hostile: nothing done: network namespaces are Linux's");
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    static BENCH: Bench = Bench {
        name: "hostile",
        parts: &[
            ("replay", replay::attack),
            ("privacy", privacy::attack),
            ("amplification", amplification::attack),
            ("flood", flood::attack),
            ("siege", siege::attack),
            ("identities", identities::attack),
            ("keychange", key_change::attack),
        ],
        own: &[],
        clean_up: process::remove_homes,
    };
    BENCH.run()
}

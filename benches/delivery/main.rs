//! What becomes of messages between real peers: on a bad network, with kill -9, on bad disks, and how fast. Linux, root
//! and `ip` needed.
//!
//! `scripts/deliver.sh` builds and runs it; `--help` tells its options.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::disallowed_methods, reason = "a bench of real processes reads the real clock")
)]
#![cfg_attr(target_os = "linux", expect(clippy::print_stderr, reason = "a bench says what went wrong"))]
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[cfg(target_os = "linux")]
#[path = "../netns/bench.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod bench;
#[cfg(target_os = "linux")]
mod disk;
#[cfg(target_os = "linux")]
mod kill;
#[cfg(target_os = "linux")]
#[path = "../netns/lan.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod lan;
#[cfg(target_os = "linux")]
mod latency;
#[cfg(target_os = "linux")]
mod lossy;
#[cfg(target_os = "linux")]
#[path = "../hostile/process.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod process;
#[cfg(target_os = "linux")]
#[path = "../netns/report.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod report;
#[cfg(target_os = "linux")]
mod user;
#[cfg(target_os = "linux")]
mod wire;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
use bench::{Bench, Options};

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("delivery: nothing done: network namespaces are Linux's");
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    static BENCH: Bench = Bench {
        name: "delivery",
        parts: &[
            ("lossy", lossy::measure),
            ("kill", kill::measure),
            ("latency", latency::measure),
            ("disk", disk::measure),
        ],
        own: &[],
        clean_up: || {
            disk::unmount_all();
            process::remove_homes();
        },
    };
    BENCH.run()
}

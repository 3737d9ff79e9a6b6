//! The whole program on a LAN of network namespaces, against the project's targets. Linux, root and `ip` needed.
//!
//! `scripts/lan.sh bench` builds and runs it; `--help` tells its options.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::disallowed_methods, reason = "a bench of real processes reads the real clock")
)]
#![cfg_attr(target_os = "linux", expect(clippy::print_stderr, reason = "a bench says what went wrong"))]
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[cfg(target_os = "linux")]
mod bench;
#[cfg(target_os = "linux")]
mod crowd;
#[cfg(target_os = "linux")]
mod idle;
#[cfg(target_os = "linux")]
#[expect(dead_code, reason = "shared with other benches, which need more of it")]
mod lan;
#[cfg(target_os = "linux")]
mod process;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod starts;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
use bench::{Bench, Options};

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("netns: nothing done: network namespaces are Linux's");
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    static BENCH: Bench = Bench {
        name: "netns",
        parts: &[("starts", starts::measure), ("crowd", crowd::measure), ("talk", idle::talk), ("cost", idle::cost)],
        own: &[
            ("--starts N", "starts of two fresh peers (1000)"),
            ("--hosts N", "hosts that all know all, at most 199 (50)"),
            ("--idle SECONDS", "how long idle peers are watched (60)"),
        ],
        clean_up: process::remove_homes,
    };
    BENCH.run()
}

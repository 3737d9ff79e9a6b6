//! What shared data costs between real peers, and how peers find each other: on LANs of network namespaces, and for large
//! crowds in the simulator. Linux, root and `ip` needed.
//!
//! `scripts/bench.sh` builds and runs it; `--help` tells its options.

#![cfg_attr(
    target_os = "linux",
    expect(clippy::disallowed_methods, reason = "a bench of real processes reads the real clock")
)]
#![cfg_attr(target_os = "linux", expect(clippy::print_stderr, reason = "a bench says what went wrong"))]
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[cfg(target_os = "linux")]
mod api;
#[cfg(target_os = "linux")]
mod bare;
#[cfg(target_os = "linux")]
#[path = "../netns/bench.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod bench;
#[cfg(target_os = "linux")]
mod cache;
#[cfg(target_os = "linux")]
mod call;
#[cfg(target_os = "linux")]
mod crew;
#[cfg(target_os = "linux")]
mod crowd;
#[cfg(target_os = "linux")]
mod edit;
#[cfg(target_os = "linux")]
#[path = "../netns/lan.rs"]
mod lan;
#[cfg(target_os = "linux")]
#[path = "../hostile/process.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod process;
#[cfg(target_os = "linux")]
#[path = "../netns/report.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod report;
#[cfg(target_os = "linux")]
mod sheet;
#[cfg(target_os = "linux")]
mod spread;
#[cfg(target_os = "linux")]
#[path = "../hostile/tap.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod tap;
#[cfg(target_os = "linux")]
mod usage;
#[cfg(target_os = "linux")]
#[path = "../delivery/wire.rs"]
#[expect(dead_code, reason = "shared with another bench, which needs more of it")]
mod wire;

use std::process::ExitCode;

#[cfg(target_os = "linux")]
use bench::{Bench, Options};

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("data: nothing done: network namespaces are Linux's");
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    static BENCH: Bench = Bench {
        name: "data",
        parts: &[
            ("edit", edit::measure),
            ("insert", edit::insert),
            ("same", cache::same),
            ("fetch", cache::fetch),
            ("call", call::measure),
            ("discovery", crowd::measure),
            ("propagation", spread::measure),
        ],
        own: &[("--sheets FOLDER", "write what the plots are drawn from into this folder, too")],
        clean_up: process::remove_homes,
    };
    BENCH.run()
}

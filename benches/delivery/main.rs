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

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("delivery: nothing done: network namespaces are Linux's");
    ExitCode::SUCCESS
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("delivery: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Some(reason) = lan::obstacle() {
        println!("delivery: nothing done: {reason}");
        return ExitCode::SUCCESS;
    }
    clean_up_when_stopped();
    let mut report = report::Report::new(!options.quick);
    let done = lan::remove_stale().and_then(|()| options.run(&mut report));
    clean_up();
    let held = report.print();
    match done {
        Ok(()) if held => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("delivery: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
const USAGE: &str = "\
options: [--only PART[,PART]...] [--quick] [--seed N] [--peer PROGRAM]
  --only PARTS    of: lossy, kill, latency, disk
  --quick         a few of everything, in about a minute; speeds are shown, not judged
  --seed N        which frames are lost and which moments are chosen (1)
  --peer PROGRAM  test this program instead";

#[cfg(target_os = "linux")]
const PARTS: [&str; 4] = ["lossy", "kill", "latency", "disk"];

/// What to measure.
#[cfg(target_os = "linux")]
struct Options {
    parts: Vec<String>,
    quick: bool,
    seed: u64,
    peer: std::path::PathBuf,
}

#[cfg(target_os = "linux")]
impl Options {
    /// Reads the arguments; `None` when help is wanted.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            parts: PARTS.map(str::to_owned).to_vec(),
            quick: false,
            seed: 1,
            peer: env!("CARGO_BIN_EXE_peer").into(),
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                // Cargo says this to every bench.
                "--bench" => {}
                "--only" => options.parts = value()?.split(',').map(str::to_owned).collect(),
                "--quick" => options.quick = true,
                "--seed" => options.seed = value()?.parse().map_err(|_| "not a number".to_owned())?,
                "--peer" => options.peer = value()?.into(),
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("unknown option {arg}")),
            }
        }
        match options.parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
            Some(part) => Err(format!("no part is called {part}")),
            None => Ok(Some(options)),
        }
    }

    fn run(&self, report: &mut report::Report) -> std::io::Result<()> {
        let measures = [lossy::measure, kill::measure, latency::measure, disk::measure];
        for (part, measure) in PARTS.iter().zip(measures) {
            if self.parts.iter().any(|wanted| wanted == part) {
                println!("\n{part}");
                let began = std::time::Instant::now();
                measure(self, report)?;
                println!("    {part} took {:.0} s", began.elapsed().as_secs_f64());
            }
        }
        Ok(())
    }

    /// One number for a short run, another for a whole one.
    fn scale<T>(&self, short: T, whole: T) -> T {
        if self.quick { short } else { whole }
    }
}

#[cfg(target_os = "linux")]
fn clean_up() {
    disk::unmount_all();
    process::remove_homes();
}

/// Removes the namespaces when a signal ends the bench.
#[cfg(target_os = "linux")]
fn clean_up_when_stopped() {
    use tokio::signal::unix::{SignalKind, signal};

    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        });
        lan::remove_all();
        clean_up();
        std::process::exit(130);
    });
}

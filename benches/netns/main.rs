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

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("netns: nothing done: network namespaces are Linux's");
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
            eprintln!("netns: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Some(reason) = lan::obstacle() {
        println!("netns: nothing done: {reason}");
        return ExitCode::SUCCESS;
    }
    clean_up_when_stopped();
    let mut report = report::Report::new(!options.quick);
    let done = lan::remove_stale().and_then(|()| options.run(&mut report));
    process::remove_homes();
    let held = report.print();
    match done {
        Ok(()) if held => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("netns: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
const USAGE: &str = "\
options: [--starts N] [--hosts N] [--idle SECONDS] [--only PART[,PART]...] [--quick] [--peer PROGRAM]
  --starts N      starts of two fresh peers (1000)
  --hosts N       hosts that all know all, at most 199 (50)
  --idle SECONDS  how long idle peers are watched (60)
  --only PARTS    of: starts, crowd, talk, cost
  --quick         12 starts, 6 hosts, 5 idle seconds; figures are shown, not judged
  --peer PROGRAM  measure this program instead";

#[cfg(target_os = "linux")]
const PARTS: [&str; 4] = ["starts", "crowd", "talk", "cost"];

/// What to measure.
#[cfg(target_os = "linux")]
struct Options {
    starts: usize,
    hosts: usize,
    idle: std::time::Duration,
    parts: Vec<String>,
    quick: bool,
    peer: std::path::PathBuf,
}

#[cfg(target_os = "linux")]
impl Options {
    /// Reads the arguments; `None` when help is wanted.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            starts: 1000,
            hosts: 50,
            idle: std::time::Duration::from_secs(60),
            parts: PARTS.map(str::to_owned).to_vec(),
            quick: false,
            peer: env!("CARGO_BIN_EXE_peer").into(),
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            let number = |text: String| text.parse::<usize>().map_err(|_| format!("not a number: {text}"));
            match arg.as_str() {
                // Cargo says this to every bench.
                "--bench" => {}
                "--starts" => options.starts = number(value()?)?.max(1),
                "--hosts" => options.hosts = number(value()?)?.clamp(2, 199),
                "--idle" => options.idle = std::time::Duration::from_secs(number(value()?)?.max(1) as u64),
                "--only" => options.parts = value()?.split(',').map(str::to_owned).collect(),
                "--quick" => {
                    options.quick = true;
                    (options.starts, options.hosts) = (12, 6);
                    options.idle = std::time::Duration::from_secs(5);
                }
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
        let measures = [starts::measure, crowd::measure, idle::talk, idle::cost];
        for (part, measure) in PARTS.iter().zip(measures) {
            if self.parts.iter().any(|wanted| wanted == part) {
                println!("\n{part}");
                measure(self, report)?;
            }
        }
        Ok(())
    }
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
        process::remove_homes();
        std::process::exit(130);
    });
}

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

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("hostile: nothing done: network namespaces are Linux's");
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
            eprintln!("hostile: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Some(reason) = lan::obstacle() {
        println!("hostile: nothing done: {reason}");
        return ExitCode::SUCCESS;
    }
    clean_up_when_stopped();
    let mut report = report::Report::new(!options.quick);
    for row in &options.also {
        row.show(&mut report);
    }
    let done = lan::remove_stale().and_then(|()| options.run(&mut report));
    process::remove_homes();
    let held = report.print();
    match done {
        Ok(()) if held => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("hostile: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
const USAGE: &str = "\
options: [--only PART[,PART]...] [--quick] [--peer PROGRAM] [--also 'WHAT|TARGET|MEASURED|HELD']...
  --only PARTS    of: replay, privacy, amplification, flood, siege, identities, keychange; or none
  --quick         a few of everything, in less than a minute; speeds are shown, not judged
  --peer PROGRAM  attack this program instead
  --also ROW      a row of the table that was measured elsewhere; HELD is yes, no or empty";

#[cfg(target_os = "linux")]
const PARTS: [&str; 7] = ["replay", "privacy", "amplification", "flood", "siege", "identities", "keychange"];

/// What to measure.
#[cfg(target_os = "linux")]
struct Options {
    parts: Vec<String>,
    quick: bool,
    peer: std::path::PathBuf,
    also: Vec<Row>,
}

/// A row of the table that was measured elsewhere.
#[cfg(target_os = "linux")]
struct Row([String; 4]);

#[cfg(target_os = "linux")]
impl Row {
    fn parse(text: &str) -> Option<Self> {
        let columns: Vec<String> = text.split('|').map(|column| column.trim().to_owned()).collect();
        columns.try_into().ok().map(Self)
    }

    fn show(&self, report: &mut report::Report) {
        let Self([what, target, measured, held]) = self;
        match held.as_str() {
            "" => report.fact(what, measured.clone()),
            held => report.must(what, target, measured.clone(), held == "yes"),
        }
    }
}

#[cfg(target_os = "linux")]
impl Options {
    /// Reads the arguments; `None` when help is wanted.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            parts: PARTS.map(str::to_owned).to_vec(),
            quick: false,
            peer: env!("CARGO_BIN_EXE_peer").into(),
            also: Vec::new(),
        };
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or(format!("{arg} needs a value"));
            match arg.as_str() {
                // Cargo says this to every bench.
                "--bench" => {}
                "--only" => options.parts = value()?.split(',').map(str::to_owned).collect(),
                "--quick" => options.quick = true,
                "--peer" => options.peer = value()?.into(),
                "--also" => options.also.push(Row::parse(&value()?).ok_or("a row has four columns")?),
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("unknown option {arg}")),
            }
        }
        options.parts.retain(|part| part != "none");
        match options.parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
            Some(part) => Err(format!("no part is called {part}")),
            None => Ok(Some(options)),
        }
    }

    fn run(&self, report: &mut report::Report) -> std::io::Result<()> {
        let attacks = [
            replay::attack,
            privacy::attack,
            amplification::attack,
            flood::attack,
            siege::attack,
            identities::attack,
            key_change::attack,
        ];
        for (part, attack) in PARTS.iter().zip(attacks) {
            if self.parts.iter().any(|wanted| wanted == part) {
                println!("\n{part}");
                let began = std::time::Instant::now();
                attack(self, report)?;
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

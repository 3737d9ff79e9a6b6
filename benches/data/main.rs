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

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    println!("data: nothing done: network namespaces are Linux's");
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
            eprintln!("data: {problem}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Some(reason) = lan::obstacle() {
        println!("data: nothing done: {reason}");
        return ExitCode::SUCCESS;
    }
    clean_up_when_stopped();
    let mut report = report::Report::new(!options.quick);
    let done = lan::remove_stale().and_then(|()| options.run(&mut report));
    process::remove_homes();
    for row in &options.also {
        let [what, target, measured, held] = row;
        report.must(what, target, measured.clone(), held == "yes");
    }
    let held = report.print();
    match done {
        Ok(()) if held => ExitCode::SUCCESS,
        Ok(()) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("data: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
const USAGE: &str = "\
options: [--only PART[,PART]...] [--quick] [--seed N] [--sheets FOLDER] [--also WHAT|TARGET|MEASURED|HELD]... [--peer PROGRAM]
  --only PARTS     of: edit, insert, same, fetch, call, discovery, propagation
  --quick          a few of everything, in about a minute; speeds are shown, not judged
  --seed N         which moments and orders are chosen (1)
  --sheets FOLDER  write what the plots are drawn from into this folder, too
  --also ROW       a row more for the table, measured elsewhere
  --peer PROGRAM   measure this program instead";

#[cfg(target_os = "linux")]
type Measure = fn(&Options, &mut report::Report) -> std::io::Result<()>;

#[cfg(target_os = "linux")]
const PARTS: [(&str, Measure); 7] = [
    ("edit", edit::measure),
    ("insert", edit::insert),
    ("same", cache::same),
    ("fetch", cache::fetch),
    ("call", call::measure),
    ("discovery", crowd::measure),
    ("propagation", spread::measure),
];

/// What to measure.
#[cfg(target_os = "linux")]
struct Options {
    parts: Vec<String>,
    quick: bool,
    seed: u64,
    sheets: Option<std::path::PathBuf>,
    also: Vec<[String; 4]>,
    peer: std::path::PathBuf,
}

#[cfg(target_os = "linux")]
impl Options {
    /// Reads the arguments; `None` when help is wanted.
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self {
            parts: PARTS.map(|(part, _)| part.to_owned()).to_vec(),
            quick: false,
            seed: 1,
            sheets: None,
            also: Vec::new(),
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
                "--sheets" => options.sheets = Some(value()?.into()),
                "--also" => {
                    let row: Vec<String> = value()?.split('|').map(str::to_owned).collect();
                    options.also.push(row.try_into().map_err(|_| "a row has four columns".to_owned())?);
                }
                "--peer" => options.peer = value()?.into(),
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("unknown option {arg}")),
            }
        }
        let known = |part: &String| part == "none" || PARTS.iter().any(|(name, _)| name == part);
        match options.parts.iter().find(|part| !known(part)) {
            Some(part) => Err(format!("no part is called {part}")),
            None => Ok(Some(options)),
        }
    }

    fn run(&self, report: &mut report::Report) -> std::io::Result<()> {
        for (part, measure) in PARTS {
            if self.parts.iter().any(|wanted| wanted == part) {
                println!("\n{part}");
                let began = std::time::Instant::now();
                measure(self, report)?;
                println!("    {part} took {:.0} s", began.elapsed().as_secs_f64());
            }
        }
        Ok(())
    }

    /// One thing for a short run, another for a whole one.
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

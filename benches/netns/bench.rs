//! What the benches of real processes have in common: their options, their parts one after the other, the table at the end.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use super::lan;
use super::report::Report;

/// Measures, and writes what it found into the report.
pub(crate) type Measure = fn(&Options, &mut Report) -> io::Result<()>;

/// One bench.
pub(crate) struct Bench {
    pub(crate) name: &'static str,
    /// In the order in which they are run.
    pub(crate) parts: &'static [(&'static str, Measure)],
    /// Options of its own with the names of their values, and what they say.
    pub(crate) own: &'static [(&'static str, &'static str)],
    /// Removes what is left at the end.
    pub(crate) clean_up: fn(),
}

/// What to measure, and how.
pub(crate) struct Options {
    parts: Vec<String>,
    also: Vec<[String; 4]>,
    own: BTreeMap<&'static str, String>,
    pub(crate) quick: bool,
    pub(crate) seed: u64,
    pub(crate) peer: PathBuf,
}

impl Bench {
    /// Runs the wanted parts and prints the table; fails when a figure was missed.
    pub(crate) fn run(&'static self) -> ExitCode {
        let options = match self.parse(std::env::args().skip(1)) {
            Ok(Some(options)) => options,
            Ok(None) => {
                println!("{}", self.usage());
                return ExitCode::SUCCESS;
            }
            Err(problem) => {
                eprintln!("{}: {problem}\n{}", self.name, self.usage());
                return ExitCode::from(2);
            }
        };
        if let Some(reason) = lan::obstacle() {
            println!("{}: nothing done: {reason}", self.name);
            return ExitCode::SUCCESS;
        }
        self.clean_up_when_stopped();
        let mut report = Report::new(!options.quick);
        let done = lan::remove_stale().and_then(|()| self.measure(&options, &mut report));
        (self.clean_up)();
        for [what, target, measured, held] in &options.also {
            match held.as_str() {
                "" => report.fact(what, measured.clone()),
                held => report.must(what, target, measured.clone(), held == "yes"),
            }
        }
        let held = report.print();
        match done {
            Ok(()) if held => ExitCode::SUCCESS,
            Ok(()) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("{}: {error}", self.name);
                ExitCode::FAILURE
            }
        }
    }

    fn usage(&self) -> String {
        let parts: Vec<&str> = self.parts.iter().map(|(part, _)| *part).collect();
        let mut usage = format!(
            "options:\n  \
             --only PART,...  of: {}; or none\n  \
             --quick          a few of everything, in about a minute; speeds are shown, not judged\n  \
             --seed N         which moments, orders and losses are chosen (1)\n  \
             --peer PROGRAM   measure this program instead\n  \
             --also ROW       a row more for the table, measured elsewhere: WHAT|TARGET|MEASURED|yes, no or nothing",
            parts.join(", ")
        );
        for (option, what) in self.own {
            usage.push_str(&format!("\n  {option:15}  {what}"));
        }
        usage
    }

    /// Reads the arguments; `None` when help is wanted.
    fn parse(&self, mut args: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
        let mut options = Options {
            parts: self.parts.iter().map(|(part, _)| (*part).to_owned()).collect(),
            also: Vec::new(),
            own: BTreeMap::new(),
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
                "--also" => {
                    let row: Vec<String> = value()?.split('|').map(|column| column.trim().to_owned()).collect();
                    options.also.push(row.try_into().map_err(|_| "a row has four columns".to_owned())?);
                }
                "--help" | "-h" => return Ok(None),
                other => match self.own.iter().filter_map(|(own, _)| own.split(' ').next()).find(|own| *own == other) {
                    Some(own) => drop(options.own.insert(own, value()?)),
                    None => return Err(format!("unknown option {other}")),
                },
            }
        }
        options.parts.retain(|part| part != "none");
        match options.parts.iter().find(|part| self.parts.iter().all(|(name, _)| name != part)) {
            Some(part) => Err(format!("no part is called {part}")),
            None => Ok(Some(options)),
        }
    }

    fn measure(&self, options: &Options, report: &mut Report) -> io::Result<()> {
        for (part, measure) in self.parts.iter().filter(|(name, _)| options.parts.iter().any(|part| part == name)) {
            println!("\n{part}");
            let began = Instant::now();
            measure(options, report)?;
            println!("    {part} took {:.0} s", began.elapsed().as_secs_f64());
        }
        Ok(())
    }

    /// Removes the namespaces when a signal ends the bench.
    fn clean_up_when_stopped(&'static self) {
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
            (self.clean_up)();
            std::process::exit(130);
        });
    }
}

impl Options {
    /// One number for a short run, another for a whole one.
    pub(crate) fn scale<T>(&self, short: T, whole: T) -> T {
        if self.quick { short } else { whole }
    }

    /// The value of an option that only this bench has.
    pub(crate) fn own(&self, option: &str) -> Option<&str> {
        self.own.get(option).map(String::as_str)
    }

    /// The number of an option that only this bench has, or another one.
    ///
    /// # Errors
    /// What was given is no number.
    pub(crate) fn number(&self, option: &str, otherwise: usize) -> io::Result<usize> {
        match self.own(option) {
            Some(text) => text.parse().map_err(|_| io::Error::other(format!("{option} {text}: not a number"))),
            None => Ok(otherwise),
        }
    }
}

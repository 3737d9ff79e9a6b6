//! One `peer` in pipe mode: its lines, and when they came.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::lan::Host;

static SERIAL: AtomicUsize = AtomicUsize::new(0);

/// A running peer called `u<host's number>`; it is ended with its value.
pub(crate) struct Peer {
    /// Its id.
    pub(crate) id: String,
    /// Just before its process was started.
    pub(crate) started: Instant,
    child: Child,
    stdin: Option<ChildStdin>,
    log: Arc<Log>,
    home: Home,
}

/// A home of its own: hosts here share one file system.
struct Home(PathBuf);

#[derive(Default)]
struct Log {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Who is listed, and since when.
    here: BTreeMap<String, Instant>,
    lines: u64,
    last: VecDeque<String>,
    ended: bool,
}

impl Peer {
    /// Starts a fresh peer on this host.
    pub(crate) fn start(program: &Path, host: &Host) -> io::Result<Self> {
        let home = Home::new()?;
        let mut command = home.command(program);
        command.args(["--name", &format!("u{}", host.number)]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let (started, mut child) = host.inside(|| {
            let started = Instant::now();
            Ok((started, command.spawn()?))
        })?;
        let log = Arc::new(Log::default());
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        if let Some(stdout) = stdout {
            let log = Arc::clone(&log);
            std::thread::spawn(move || log.read(stdout));
        }
        Ok(Self { id: format!("u{}@{}", host.number, host.ip), started, child, stdin, log, home })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// When it came to list all of these, or `None` at the deadline.
    pub(crate) fn lists<'a>(
        &self,
        others: impl Iterator<Item = &'a str> + Clone,
        deadline: Instant,
    ) -> Option<Instant> {
        let all = |state: &State| -> Option<Instant> {
            let mut latest = self.started;
            for other in others.clone() {
                latest = latest.max(*state.here.get(other)?);
            }
            Some(latest)
        };
        self.log.wait(deadline, |state| all(state).is_some() || state.ended);
        all(&self.log.lock())
    }

    /// Waits for its first line, which it prints once it is on the network.
    pub(crate) fn speaks(&self, deadline: Instant) -> bool {
        self.log.wait(deadline, |state| state.lines > 0 || state.ended);
        self.log.lock().lines > 0
    }

    /// Whom of these it does not list, what it counted, and its last lines: for the report of a failure.
    pub(crate) fn story<'a>(&self, others: impl Iterator<Item = &'a str>) -> String {
        if let Some(mut stdin) = self.stdin.as_ref() {
            // One that has ended has nothing to tell.
            let _ = stdin.write_all(b"STATS\n");
            let lines = self.log.lock().lines;
            self.log.wait(Instant::now() + Duration::from_secs(1), |state| state.lines > lines || state.ended);
        }
        let errors = fs::read_to_string(format!("/proc/{}/net/snmp", self.pid())).unwrap_or_default();
        let errors: Vec<&str> = errors.lines().filter(|line| line.starts_with("Udp:")).collect();
        let state = self.log.lock();
        let missing: Vec<&str> = others.filter(|other| !state.here.contains_key(*other)).collect();
        let last: Vec<&str> = state.last.iter().map(String::as_str).collect();
        let ended = if state.ended { " has ended and" } else { "" };
        format!(
            "{}{ended} lists {}, not {}\n    {}\n    {}",
            self.id,
            state.here.len(),
            missing.join(" "),
            errors.join("\n    "),
            last.join("\n    ")
        )
    }

    /// Closes its input and waits for its end; true when it ended by itself with status 0.
    pub(crate) fn end(mut self) -> io::Result<bool> {
        self.stdin = None;
        self.log.wait(Instant::now() + Duration::from_secs(3), |state| state.ended);
        if self.log.lock().ended {
            return Ok(self.child.wait()?.success());
        }
        Ok(false)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stdin = None;
        // One that has ended cannot be killed; both calls are then without effect.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.home.0);
    }
}

impl Log {
    fn read(&self, stdout: impl Read) {
        let mut lines = BufReader::new(stdout).split(b'\n');
        while let Some(Ok(line)) = lines.next() {
            let now = Instant::now();
            let line = String::from_utf8_lossy(&line).into_owned();
            let mut columns = line.split('\t');
            let (kind, id) = (columns.next().unwrap_or_default(), columns.next().unwrap_or_default());
            let mut state = self.lock();
            match kind {
                "HERE" => {
                    state.here.entry(id.to_owned()).or_insert(now);
                }
                "LEFT" | "GONE" => {
                    state.here.remove(id);
                }
                _ => {}
            }
            state.lines += 1;
            if state.last.len() == 8 {
                state.last.pop_front();
            }
            state.last.push_back(line);
            drop(state);
            self.changed.notify_all();
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }

    fn wait(&self, deadline: Instant, until: impl Fn(&State) -> bool) {
        let mut state = self.lock();
        while !until(&state) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = match self.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Home {
    fn new() -> io::Result<Self> {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let folder = homes().join(serial.to_string());
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PEER_") {
                command.env_remove(name);
            }
        }
        command.env("HOME", &self.0).env("XDG_RUNTIME_DIR", &self.0);
        for kind in ["DATA", "STATE", "CONFIG", "CACHE"] {
            command.env(format!("XDG_{kind}_HOME"), self.0.join(kind.to_lowercase()));
        }
        command
    }
}

/// Where the homes of all peers of this bench are.
fn homes() -> PathBuf {
    std::env::temp_dir().join(format!("lsnp-bench-{}", std::process::id()))
}

/// Removes them all: for the way out.
pub(crate) fn remove_homes() {
    // There may be none.
    let _ = fs::remove_dir_all(homes());
}

/// Runs the program on this host to its end, with a home of its own: its output, and how long it took.
pub(crate) fn run(program: &Path, host: &Host, args: &[&str]) -> io::Result<(String, Duration)> {
    let home = Home::new()?;
    let mut command = home.command(program);
    command.args(args).stdin(Stdio::null());
    let result = host.inside(|| {
        let started = Instant::now();
        let done = command.output()?;
        Ok((String::from_utf8_lossy(&done.stdout).into_owned(), started.elapsed()))
    });
    fs::remove_dir_all(&home.0)?;
    result
}

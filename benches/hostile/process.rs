//! One `peer` in pipe mode: what it is told, what it prints and when, what it costs.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::lan::Host;

static SERIAL: AtomicUsize = AtomicUsize::new(0);

/// A running peer; it is ended with its value, its home stays.
pub(crate) struct Peer {
    child: Child,
    stdin: Option<ChildStdin>,
    log: Arc<Log>,
}

/// Where a peer keeps what it knows; goes away with its value.
pub(crate) struct Home(PathBuf);

/// One line that a peer printed.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) at: Instant,
    pub(crate) text: String,
}

/// The lines of one peer, also after it has ended.
#[derive(Default)]
pub(crate) struct Log {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<Line>,
    ended: bool,
}

impl Line {
    /// The first of its four columns.
    pub(crate) fn kind(&self) -> &str {
        self.column(0)
    }

    /// The second: whose id.
    pub(crate) fn id(&self) -> &str {
        self.column(1)
    }

    /// The third: what that one is called.
    pub(crate) fn name(&self) -> &str {
        self.column(2)
    }

    /// The fourth.
    pub(crate) fn said(&self) -> &str {
        self.column(3)
    }

    fn column(&self, at: usize) -> &str {
        self.text.split('\t').nth(at).unwrap_or_default()
    }
}

impl Home {
    pub(crate) fn new() -> io::Result<Self> {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let folder = homes().join(serial.to_string());
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// A file in it.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
        let file = self.0.join(name);
        fs::write(&file, bytes)?;
        Ok(file)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // What is left is removed with all homes.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Peer {
    /// Starts a peer of this name on this host, with these options too.
    pub(crate) fn start(program: &Path, host: &Host, home: &Home, name: &str, options: &[&str]) -> io::Result<Self> {
        Self::start_with(program, host, home, name, options, &[])
    }

    /// The same with environment variables.
    pub(crate) fn start_with(
        program: &Path,
        host: &Host,
        home: &Home,
        name: &str,
        options: &[&str],
        variables: &[(&str, &str)],
    ) -> io::Result<Self> {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PEER_") {
                command.env_remove(name);
            }
        }
        command.env("HOME", &home.0).env("XDG_RUNTIME_DIR", &home.0);
        for kind in ["DATA", "STATE", "CONFIG", "CACHE"] {
            command.env(format!("XDG_{kind}_HOME"), home.0.join(kind.to_lowercase()));
        }
        command.envs(variables.iter().copied()).args(["--name", name]).args(options);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = host.inside(|| command.spawn())?;
        let log = Arc::new(Log::default());
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        if let Some(stdout) = stdout {
            let log = Arc::clone(&log);
            std::thread::spawn(move || log.read(stdout));
        }
        let peer = Self { child, stdin, log };
        // It prints its first line once it is on the network.
        peer.wait(Duration::from_secs(10), |lines| !lines.is_empty());
        Ok(peer)
    }

    /// Types a line; of one that has ended, an error.
    pub(crate) fn say(&self, line: &str) -> io::Result<()> {
        let mut stdin = self.stdin.as_ref().ok_or_else(|| io::Error::other("its input is closed"))?;
        stdin.write_all(format!("{line}\n").as_bytes())
    }

    /// Waits until its lines are so; false when they were not in time, or it ended before.
    pub(crate) fn wait(&self, patience: Duration, until: impl Fn(&[Line]) -> bool) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = self.log.lock();
        loop {
            if until(&state.lines) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.ended {
                return false;
            }
            state = match self.log.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// All its lines so far, or what is made of them.
    pub(crate) fn lines<T>(&self, look: impl FnOnce(&[Line]) -> T) -> T {
        look(&self.log.lock().lines)
    }

    /// Its lines, also after it has ended.
    pub(crate) fn log(&self) -> Arc<Log> {
        Arc::clone(&self.log)
    }

    /// Types a command and collects the lines of these kinds that it prints for it.
    pub(crate) fn ask(&self, command: &str, kinds: &[&str]) -> io::Result<Vec<Line>> {
        let mark = format!("END{}", SERIAL.fetch_add(1, Ordering::Relaxed));
        let before = self.lines(<[Line]>::len);
        self.say(command)?;
        // What is no command is named in an error: that is the last line of the answer.
        self.say(&mark)?;
        let is_mark = |line: &Line| line.kind() == "ERROR" && line.text.contains(&mark);
        if !self.wait(Duration::from_secs(30), |lines| lines[before..].iter().any(is_mark)) {
            return Err(io::Error::other(format!("no answer to {command}")));
        }
        Ok(self.lines(|lines| {
            let answer = lines[before..].iter().take_while(|line| !is_mark(line));
            answer.filter(|line| kinds.contains(&line.kind())).cloned().collect()
        }))
    }

    /// Where its unicast socket is.
    pub(crate) fn address(&self, host: &Host) -> io::Result<SocketAddrV4> {
        let lines = self.ask("WHOAMI", &["INFO"])?;
        let text = lines.iter().map(Line::said).collect::<Vec<_>>().join(" ");
        let digits = text.split_once("(port ").and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next());
        let port = digits.and_then(|digits| digits.parse().ok());
        let port = port.ok_or_else(|| io::Error::other(format!("WHOAMI names no port: {text}")))?;
        Ok(SocketAddrV4::new(host.ip.parse().map_err(io::Error::other)?, port))
    }

    /// What it counted, as it prints it.
    pub(crate) fn stats(&self) -> String {
        let lines = self.ask("STATS", &["INFO"]).unwrap_or_default();
        lines.iter().map(|line| line.said().to_owned()).collect::<Vec<_>>().join("; ")
    }

    /// Its last lines, for the report of a failure.
    pub(crate) fn tail(&self, count: usize) -> String {
        self.lines(|lines| {
            let last = &lines[lines.len().saturating_sub(count)..];
            last.iter().map(|line| line.text.clone()).collect::<Vec<_>>().join("\n    ")
        })
    }

    /// Waits until it lists these ids.
    pub(crate) fn knows(&self, ids: &[&str], patience: Duration) -> bool {
        self.wait(patience, |lines| {
            ids.iter().all(|id| {
                let last =
                    lines.iter().rev().find(|line| line.id() == *id && ["HERE", "LEFT", "GONE"].contains(&line.kind()));
                last.is_some_and(|line| line.kind() == "HERE")
            })
        })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Memory that it holds now, KiB.
    pub(crate) fn rss_kib(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|word| word.parse().ok());
        number.ok_or_else(|| io::Error::other("no VmRSS in /proc/PID/status"))
    }

    /// Datagrams that its host dropped because it did not read them in time.
    pub(crate) fn overflows(&self) -> io::Result<u64> {
        let snmp = fs::read_to_string(format!("/proc/{}/net/snmp", self.child.id()))?;
        let mut udp = snmp.lines().filter(|line| line.starts_with("Udp:"));
        let (names, values) = (udp.next().unwrap_or_default(), udp.next().unwrap_or_default());
        let mut both = names.split_whitespace().zip(values.split_whitespace());
        let found = both.find(|(name, _)| *name == "RcvbufErrors").and_then(|(_, value)| value.parse().ok());
        found.ok_or_else(|| io::Error::other("no RcvbufErrors in /proc/PID/net/snmp"))
    }

    /// Closes its input and waits for its end; true when it ended by itself with status 0.
    pub(crate) fn end(mut self) -> io::Result<bool> {
        self.stdin = None;
        let deadline = Instant::now() + Duration::from_secs(5);
        while !self.log.lock().ended && Instant::now() < deadline {
            self.wait(Duration::from_millis(100), |_| false);
        }
        let ended = self.log.lock().ended;
        Ok(ended && self.child.wait()?.success())
    }

    /// Kills it as a power cut would.
    pub(crate) fn crash(mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stdin = None;
        // One that has ended cannot be killed; both calls are then without effect.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Log {
    /// All lines so far.
    pub(crate) fn lines(&self) -> Vec<Line> {
        self.lock().lines.clone()
    }

    /// Waits until all is read that a peer which was killed had printed.
    pub(crate) fn until_the_end(&self) {
        let state = self.changed.wait_timeout_while(self.lock(), Duration::from_secs(5), |state| !state.ended);
        drop(state);
    }

    fn read(&self, stdout: impl Read) {
        let mut lines = BufReader::new(stdout).split(b'\n');
        while let Some(Ok(line)) = lines.next() {
            let line = Line { at: Instant::now(), text: String::from_utf8_lossy(&line).into_owned() };
            self.lock().lines.push(line);
            self.changed.notify_all();
        }
        self.lock().ended = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Where the homes of all peers of this bench are.
fn homes() -> PathBuf {
    std::env::temp_dir().join(format!("lsnp-homes-{}", std::process::id()))
}

/// Removes them all: for the way out.
pub(crate) fn remove_homes() {
    // There may be none.
    let _ = fs::remove_dir_all(homes());
}

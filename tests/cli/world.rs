//! Real peers of one user on this computer, apart from all others: own folders, own discovery port.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{PipeReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::OpenptFlags;
use rustix::termios::Termios;

use super::port::free_port;

/// Nothing takes longer than that.
const DEADLINE: Duration = Duration::from_secs(15);

/// Folders and a discovery port of its own.
pub(crate) struct World {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("lsnp-cli-").tempdir().unwrap().keep();
        std::fs::create_dir(folder.join("run")).unwrap();
        Self { folder, port: free_port() }
    }

    /// `peer` with these arguments.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_peer"));
        for (name, _) in std::env::vars_os() {
            let ours = name.to_string_lossy().starts_with("PEER_");
            if ours || name == "NO_COLOR" || name == "RUST_LOG" {
                command.env_remove(name);
            }
        }
        command.args(args).current_dir(&self.folder).env("HOME", &self.folder).env("USER", "jack");
        command.env("LOGNAME", "jack").env("TERM", "xterm").env("PEER_DISCOVERY_PORT", self.port.to_string());
        // What a test puts there goes before what the system has, and no notification pops up at who runs the tests.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = [self.folder.join("bin")].into_iter().chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(folders).unwrap()).env("PEER_NOTIFY", "off");
        for name in ["NOTIFY_SOCKET", "VISUAL", "EDITOR", "BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "JOURNAL_STREAM"] {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.folder.join("config")).env("XDG_DATA_HOME", self.folder.join("data"));
        command.env("XDG_STATE_HOME", self.folder.join("state")).env("XDG_RUNTIME_DIR", self.folder.join("run"));
        command
    }

    /// Runs it to its end with this input.
    pub(crate) fn ran(&self, args: &[&str], input: &[u8]) -> Ran {
        self.ran_with(args, input, &[])
    }

    /// The same with these variables.
    pub(crate) fn ran_with(&self, args: &[&str], input: &[u8], variables: &[(&str, &str)]) -> Ran {
        let mut command = self.command(args);
        command.envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may end without reading it.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Ran { status: output.status.code(), out: text(&output.stdout), error: text(&output.stderr) }
    }

    /// Makes a named pipe, through which a program says that it is done.
    pub(crate) fn pipe(&self, name: &str) {
        use rustix::fs::{CWD, FileType, Mode, mknodat};
        mknodat(CWD, self.folder.join(name), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    }

    /// Waits until a program writes into the named pipe; what it writes.
    #[track_caller]
    pub(crate) fn comes_through(&self, name: &str) -> String {
        let (file, (said, heard)) = (self.folder.join(name), std::sync::mpsc::channel());
        std::thread::spawn(move || said.send(std::fs::read_to_string(file).unwrap()));
        heard.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("nothing through {name} after {DEADLINE:?}"))
    }

    /// Puts a program of this name before those of the system.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let folder = self.folder.join("bin");
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }

    /// A peer without a prompt that is ready.
    pub(crate) fn daemon(&self, profile: &str) -> Daemon {
        let socket = self.folder.join(format!("notify-{profile}"));
        let _ = std::fs::remove_file(&socket);
        let manager = UnixDatagram::bind(&socket).unwrap();
        manager.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut command = self.command(&["--profile", profile, "--name", profile, "run"]);
        command.env("NOTIFY_SOCKET", &socket).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let mut told = [0; 64];
        let count = manager.recv(&mut told).unwrap();
        assert_eq!(&told[..count], b"READY=1\n");
        Daemon(Some(child))
    }

    /// What this command starts, whose output goes through a pipe that nobody has read yet.
    pub(crate) fn unread(&self, args: &[&str]) -> (Daemon, PipeReader) {
        let (reader, writer) = std::io::pipe().unwrap();
        let mut command = self.command(args);
        command.stdin(Stdio::null()).stdout(writer).stderr(Stdio::piped());
        (Daemon(Some(command.spawn().unwrap())), reader)
    }

    /// A peer on pipes that keeps nothing.
    pub(crate) fn piped(&self, name: &str) -> Running {
        self.piped_with(&["--temporary", "--name", name])
    }

    pub(crate) fn piped_with(&self, args: &[&str]) -> Running {
        self.runs(self.command(args))
    }

    /// What this command starts, on pipes.
    pub(crate) fn runs(&self, mut command: Command) -> Running {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().map(In::Pipe);
        let output = child.stdout.take().unwrap();
        Running { child: Some(child), input, seen: Seen::of(output), at: 0, had: BTreeMap::new(), terminal: None }
    }

    /// A peer at a terminal of its own.
    pub(crate) fn at_terminal(&self, args: &[&str]) -> Running {
        self.at_terminal_of(100, 24, args)
    }

    /// A peer at a terminal of its own, of this size.
    pub(crate) fn at_terminal_of(&self, columns: u16, rows: u16, args: &[&str]) -> Running {
        let (master, slave) = terminal(columns, rows);
        let before = rustix::termios::tcgetattr(&slave).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        let child = self.command(args).stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let input = Some(In::Terminal(master.try_clone().unwrap()));
        Running {
            child: Some(child),
            input,
            seen: Seen::of(master),
            at: 0,
            had: BTreeMap::new(),
            terminal: Some((slave, before)),
        }
    }
}

/// Both ends of a terminal of this size: who sits there, and what the program has.
pub(crate) fn terminal(columns: u16, rows: u16) -> (File, OwnedFd) {
    let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    // Programs of other tests must not hold it open.
    rustix::io::fcntl_setfd(&master, rustix::io::FdFlags::CLOEXEC).unwrap();
    rustix::pty::grantpt(&master).unwrap();
    rustix::pty::unlockpt(&master).unwrap();
    let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
    let slave: OwnedFd = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap().into();
    rustix::termios::tcsetwinsize(&slave, size(columns, rows)).unwrap();
    (File::from(master), slave)
}

fn size(columns: u16, rows: u16) -> rustix::termios::Winsize {
    rustix::termios::Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

enum In {
    Pipe(ChildStdin),
    Terminal(File),
}

/// What a program came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

impl Ran {
    /// Each line of the output as JSON.
    #[track_caller]
    pub(crate) fn objects(&self) -> Vec<serde_json::Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A peer without a prompt; killed when dropped.
pub(crate) struct Daemon(Option<Child>);

impl Daemon {
    pub(crate) fn signals(&self, signal: Signal) {
        kill_process(Pid::from_child(self.0.as_ref().unwrap()), signal).unwrap();
    }

    /// Its exit status, which must be here within that time.
    #[track_caller]
    pub(crate) fn ends_within(mut self, longest: Duration) -> Option<i32> {
        self.0.take().and_then(|child| end(child, longest))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A running peer; ended when dropped.
pub(crate) struct Running {
    child: Option<Child>,
    input: Option<In>,
    seen: Seen,
    /// All before it was expected already.
    at: usize,
    had: BTreeMap<String, usize>,
    terminal: Option<(OwnedFd, Termios)>,
}

impl Running {
    /// Types a line.
    pub(crate) fn types(&mut self, line: &str) {
        match self.input.as_mut().unwrap() {
            // At a terminal, Enter sends a carriage return.
            In::Terminal(terminal) => terminal.write_all(format!("{line}\r").as_bytes()).unwrap(),
            In::Pipe(pipe) => pipe.write_all(format!("{line}\n").as_bytes()).unwrap(),
        }
    }

    /// Presses keys at a terminal.
    pub(crate) fn presses(&mut self, keys: &str) {
        let Some(In::Terminal(terminal)) = &mut self.input else { panic!("no terminal") };
        terminal.write_all(keys.as_bytes()).unwrap();
    }

    /// Gives its terminal another size; what it wrote until then.
    pub(crate) fn resizes(&self, columns: u16, rows: u16) -> usize {
        let (slave, _) = self.terminal.as_ref().unwrap();
        let written = self.raw().len();
        rustix::termios::tcsetwinsize(slave, size(columns, rows)).unwrap();
        self.signals(Signal::WINCH);
        written
    }

    /// Waits until this holds for all that it wrote; false at the deadline.
    pub(crate) fn holds(&self, holds: impl Fn(&[u8]) -> bool) -> bool {
        let state = self.seen.state.0.lock().unwrap();
        let wait = self.seen.state.1.wait_timeout_while(state, DEADLINE, |output| !output.ended && !holds(&output.raw));
        holds(&wait.unwrap().0.raw)
    }

    /// Ends its input.
    pub(crate) fn hangs_up(&mut self) {
        self.input = None;
    }

    pub(crate) fn signals(&self, signal: Signal) {
        kill_process(Pid::from_child(self.child.as_ref().unwrap()), signal).unwrap();
    }

    /// Waits until it shows this, after all that was expected before; returns what stood between.
    #[track_caller]
    pub(crate) fn shows(&mut self, text: &str) -> String {
        let (found, all) = self.seen.wait(self.at, text);
        let Some(found) = found else { panic!("no {text:?} after {:?} in {all:?}", &all[..self.at]) };
        let between = all[self.at..found].to_owned();
        self.at = found + text.len();
        between
    }

    /// Waits until it has shown this, at whatever time since its start, once more than it was waited for so before.
    #[track_caller]
    pub(crate) fn has(&mut self, text: &str) {
        let times = self.had.entry(text.to_owned()).or_default();
        *times += 1;
        let mut from = 0;
        for _ in 0..*times {
            let (found, all) = self.seen.wait(from, text);
            let Some(found) = found else { panic!("no {text:?} in {all:?}") };
            from = found + text.len();
        }
    }

    /// All that it showed, without the prompt's control sequences.
    pub(crate) fn text(&self) -> String {
        self.seen.text()
    }

    /// All that it wrote, as it came.
    pub(crate) fn raw(&self) -> Vec<u8> {
        self.seen.state.0.lock().unwrap().raw.clone()
    }

    /// Its exit status, which must be here within that time, and all that it showed; its terminal is as it was.
    #[track_caller]
    pub(crate) fn ends_within(mut self, longest: Duration) -> (Option<i32>, String) {
        let status = end(self.child.take().unwrap(), longest);
        match &self.terminal {
            Some((slave, before)) => {
                let after = rustix::termios::tcgetattr(slave).unwrap();
                assert_eq!(format!("{before:?}"), format!("{after:?}"), "the terminal is not as it was");
            }
            None => self.seen.ended(),
        }
        (status, self.seen.text())
    }
}

/// The exit status, which must be here within that time.
#[track_caller]
pub(crate) fn end(mut child: Child, longest: Duration) -> Option<i32> {
    let pid = Pid::from_child(&child);
    let (sender, status) = mpsc::channel();
    let waiter = std::thread::spawn(move || sender.send(child.wait()));
    let Ok(status) = status.recv_timeout(longest) else {
        let _ = kill_process(pid, Signal::KILL);
        panic!("still running after {longest:?}");
    };
    waiter.join().unwrap().unwrap();
    status.unwrap().code()
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Output as it comes.
struct Seen {
    state: Arc<(Mutex<Output>, Condvar)>,
}

#[derive(Default)]
struct Output {
    raw: Vec<u8>,
    ended: bool,
}

impl Seen {
    fn of(mut output: impl Read + Send + 'static) -> Self {
        let state = Arc::new((Mutex::new(Output::default()), Condvar::new()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            loop {
                let count = output.read(&mut bytes).unwrap_or(0);
                let mut state = shared.0.lock().unwrap();
                state.raw.extend_from_slice(&bytes[..count]);
                state.ended = count == 0;
                shared.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Self { state }
    }

    fn text(&self) -> String {
        plain(&self.state.0.lock().unwrap().raw)
    }

    /// Where `text` begins, at `from` or after it, none at the deadline; and all that there is.
    fn wait(&self, from: usize, text: &str) -> (Option<usize>, String) {
        let find = |output: &Output| plain(&output.raw)[from..].find(text).map(|at| from + at);
        let state = self.state.0.lock().unwrap();
        let wait = self.state.1.wait_timeout_while(state, DEADLINE, |output| !output.ended && find(output).is_none());
        let (state, _) = wait.unwrap();
        (find(&state), plain(&state.raw))
    }

    fn ended(&self) {
        let state = self.state.0.lock().unwrap();
        let _unused = self.state.1.wait_timeout_while(state, DEADLINE, |output| !output.ended).unwrap();
    }
}

/// Text without the control sequences of a prompt, and without carriage returns.
fn plain(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(raw);
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => {
                // CSI: up to its final letter.
                if chars.next() == Some('[') {
                    for c in chars.by_ref() {
                        if ('@'..='~').contains(&c) {
                            break;
                        }
                    }
                }
            }
            '\r' => {}
            c => out.push(c),
        }
    }
    out
}

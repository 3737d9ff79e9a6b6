//! Runs a command of the user's for something that came from somebody else: its input and its variables hold that, its
//! command line nothing of it. What it takes and how long is bounded.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::wire::Safe;

use super::super::render::grouped;

/// What it still writes after its end is waited for so long: a program that it left behind may hold the pipe for ever.
const LAST: Duration = Duration::from_millis(500);

/// Most columns of a line of its standard error that is told to somebody else.
const COMPLAINT: usize = 300;

/// What to run.
#[derive(Debug)]
pub(super) struct Order {
    /// For `sh -c`.
    pub(super) command: String,
    pub(super) input: Vec<u8>,
    pub(super) variables: Vec<(&'static str, String)>,
    /// Most bytes that it may print.
    pub(super) output: usize,
    pub(super) patience: Duration,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It ended with 0; what it printed.
    Printed(Vec<u8>),
    /// Why there is nothing to take, fit to be shown.
    Failed(String),
}

/// A command that runs; it and all that it started is ended when this is dropped.
#[derive(Debug)]
struct Guarded(Arc<Mutex<Option<Child>>>);

impl Drop for Guarded {
    fn drop(&mut self) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(child) = child.as_mut() {
            end(child);
        }
    }
}

/// Ends a command and all that it started.
fn end(child: &mut Child) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
        // It has ended by itself.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    let _ = child.kill();
}

/// Runs it to its end, and no longer than it may take.
pub(super) async fn run(order: Order) -> io::Result<Outcome> {
    let Order { command, input, mut variables, output, patience } = order;
    // No variable can hold it.
    variables.iter_mut().for_each(|(_, value)| value.retain(|c| c != '\0'));
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell.envs(variables);
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut shell, 0);
    let mut child = shell.spawn()?;
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let child = Arc::new(Mutex::new(Some(child)));
    let guarded = Guarded(Arc::clone(&child));
    let ran = tokio::task::spawn_blocking(move || attend(&child, streams, input, output));
    match tokio::time::timeout(patience, ran).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(io::Error::other("its thread failed")),
        Err(_) => {
            drop(guarded);
            Ok(Outcome::Failed(format!("it took longer than {} s", patience.as_secs_f64())))
        }
    }
}

type Streams = (Option<std::process::ChildStdin>, Option<std::process::ChildStdout>, Option<std::process::ChildStderr>);

fn attend(child: &Mutex<Option<Child>>, streams: Streams, input: Vec<u8>, most: usize) -> io::Result<Outcome> {
    let (stdin, stdout, stderr) = streams;
    std::thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            // A command that does not read its input is fine.
            let _ = stdin.write_all(&input);
        }
    });
    let printed: Arc<Mutex<Vec<u8>>> = Arc::default();
    let (gathering, gathered) = mpsc::channel::<()>();
    let into = Arc::clone(&printed);
    std::thread::spawn(move || {
        if let Some(stdout) = stdout {
            // What is longer is refused: the rest need not be read.
            gather(stdout.take(most as u64 + 1), &into);
        }
        drop(gathering);
    });
    let (complained, complaint) = mpsc::channel();
    std::thread::spawn(move || complained.send(stderr.map(last_line).unwrap_or_default()));
    let status = wait(child)?;
    // It is over, or what it left behind holds the pipe.
    let _ = gathered.recv_timeout(LAST);
    let bytes = std::mem::take(&mut *printed.lock().unwrap_or_else(PoisonError::into_inner));
    // Before its status, which may only tell that nobody read more.
    if bytes.len() > most {
        return Ok(Outcome::Failed(format!("it printed more than {} bytes", grouped(most))));
    }
    if !status.success() {
        let complaint = complaint.recv_timeout(LAST).unwrap_or_default();
        let why = if complaint.is_empty() { format!("it ended with {status}") } else { complaint };
        return Ok(Outcome::Failed(why));
    }
    Ok(Outcome::Printed(bytes))
}

/// Reads to the end; what came until now can be taken at any moment.
fn gather(mut from: impl Read, into: &Mutex<Vec<u8>>) {
    let mut part = [0; 8_192];
    loop {
        match from.read(&mut part) {
            Ok(0) => return,
            Ok(count) => {
                let part = part.get(..count).unwrap_or_default();
                into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(part);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// Waits until it ends. Its number stays its own until it is taken out, so that nobody else is ended in its place.
fn wait(child: &Mutex<Option<Child>>) -> io::Result<ExitStatus> {
    let lock = || child.lock().unwrap_or_else(PoisonError::into_inner);
    #[cfg(unix)]
    {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let pid = lock().as_ref().map(Pid::from_child);
        if let Some(pid) = pid {
            let left = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), left), Err(rustix::io::Errno::INTR)) {}
        }
    }
    match lock().take() {
        Some(mut child) => child.wait(),
        None => Err(io::Error::other("nothing runs")),
    }
}

/// Passes its standard error on, and gives the last line that says something, fit to be shown.
fn last_line(stderr: std::process::ChildStderr) -> String {
    let mut last = String::new();
    let mut lines = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match (&mut lines).take(8_192).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return last,
            Ok(_) => {}
        }
        // Where nobody reads it, the caller is still told.
        let _ = io::stderr().lock().write_all(&line);
        let text = Safe::fitted(String::from_utf8_lossy(&line).trim(), COMPLAINT);
        if !text.is_empty() {
            text.as_str().clone_into(&mut last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(command: &str, input: &[u8]) -> Order {
        let (command, input) = (command.to_owned(), input.to_vec());
        let variables = vec![("PEER_X", "$(touch pwned)\0".to_owned())];
        Order { command, input, variables, output: 64 << 10, patience: Duration::from_secs(60) }
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    fn ran(command: &str, input: &[u8]) -> Outcome {
        block_on(run(order(command, input))).unwrap()
    }

    #[test]
    fn input_output_and_variables_pass_and_a_failure_is_told() {
        assert_eq!(ran("cat; printf %s \"$PEER_X\"", b"{}"), Outcome::Printed(b"{}$(touch pwned)".to_vec()));
        assert_eq!(ran("true", &vec![b'x'; 1 << 20]), Outcome::Printed(Vec::new()));
        let told = ran("echo one >&2; printf 'two \\033[2J\\n\\n' >&2; exit 3", b"");
        assert_eq!(told, Outcome::Failed("two [2J".to_owned()));
        assert!(matches!(ran("exit 3", b""), Outcome::Failed(why) if why.contains('3')));
        let much = ran("yes", b"");
        assert!(matches!(&much, Outcome::Failed(why) if why.contains("more than 65,536 bytes")), "{much:?}");
        let left_behind = ran("sleep 100 & echo 1", b"");
        assert_eq!(left_behind, Outcome::Printed(b"1\n".to_vec()), "something else holds the pipe");
    }

    #[test]
    fn who_takes_too_long_is_ended() {
        let order = Order { patience: Duration::from_millis(20), ..order("sleep 100", b"") };
        let ended = block_on(run(order)).unwrap();
        assert!(matches!(&ended, Outcome::Failed(why) if why.contains("longer")), "{ended:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_not_wanted_any_more_is_ended_with_all_that_it_started() {
        let pids = tempfile::NamedTempFile::new().unwrap();
        let read = || std::fs::read_to_string(pids.path()).unwrap().trim().parse::<i32>().ok();
        let command = format!("sleep 100 & echo $! > {}; sleep 100", pids.path().display());
        block_on(async {
            let started = async {
                while read().is_none() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                ended = run(order(&command, b"")) => panic!("{ended:?}"),
                () = started => {}
            }
        });
        let file = format!("/proc/{}/stat", read().unwrap());
        let is_gone = || std::fs::read_to_string(&file).map_or(true, |state| state.contains(") Z"));
        while !is_gone() {
            std::thread::yield_now();
        }
    }
}

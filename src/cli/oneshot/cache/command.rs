//! Runs the command of `peer cache run`: what it prints is shown as it comes and kept to be shared, all else is its own.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::data::cache::VALUE_MAX;

use super::super::super::signals::Signal;

/// Exit statuses of shells for a command that is not there, and for one that cannot be run.
const NOT_THERE: u8 = 127;
const NOT_RUN: u8 = 126;

/// A command that runs.
#[derive(Debug)]
pub(super) struct Running {
    child: Arc<Mutex<Child>>,
    ended: JoinHandle<io::Result<ExitStatus>>,
    printed: Option<oneshot::Receiver<Printed>>,
}

/// What it printed.
#[derive(Debug)]
pub(super) enum Printed {
    /// All of it.
    Whole(Vec<u8>),
    /// More than a value of the cache may have.
    Long,
    /// Nobody wanted to read it to its end.
    Broken,
    /// It could not be shown, so it is lost.
    Lost(io::Error),
    /// It was not looked at.
    Unseen,
}

impl Running {
    /// Starts it; what it prints is kept with `keeps`. The error comes with an exit status.
    pub(super) fn start(command: &[OsString], keeps: bool) -> Result<Self, (u8, io::Error)> {
        let (name, arguments) = command.split_first().ok_or_else(|| (NOT_RUN, io::Error::other("no command")))?;
        let mut command = Command::new(name);
        command.args(arguments);
        if keeps {
            command.stdout(Stdio::piped());
        }
        let mut child = command.spawn().map_err(|error| {
            let status = if error.kind() == io::ErrorKind::NotFound { NOT_THERE } else { NOT_RUN };
            (status, error)
        })?;
        let printed = child.stdout.take().map(|output| {
            let (sender, printed) = oneshot::channel();
            std::thread::spawn(move || sender.send(copy(output, io::stdout())));
            printed
        });
        let child = Arc::new(Mutex::new(child));
        let waiting = Arc::clone(&child);
        let ended = tokio::task::spawn_blocking(move || wait(&waiting));
        Ok(Self { child, ended, printed })
    }

    /// Waits for its end. Nothing is lost by dropping the future early.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        (&mut self.ended).await.map_err(io::Error::other)?
    }

    /// Waits until all is shown that it printed. Nothing is lost by dropping the future early.
    pub(super) async fn printed(&mut self) -> Printed {
        match &mut self.printed {
            Some(printed) => printed.await.unwrap_or(Printed::Broken),
            None => Printed::Unseen,
        }
    }

    /// Lets it know of a signal, as if it had come to the command alone.
    pub(super) fn signal(&self, signal: Signal) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // Its number is its own until its end is noted.
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        #[cfg(unix)]
        signal.pass_on(&child);
        // A console tells all that run at it.
        #[cfg(not(unix))]
        let _ = signal;
    }
}

/// Waits for its end without holding it, so that it can be told to end.
fn wait(child: &Mutex<Child>) -> io::Result<ExitStatus> {
    let lock = || child.lock().unwrap_or_else(PoisonError::into_inner);
    #[cfg(unix)]
    {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
        let pid = Pid::from_child(&lock());
        // Its number stays its own until it is taken note of below, so that nobody else is ended in its place.
        let left = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(waitid(WaitId::Pid(pid), left), Err(rustix::io::Errno::INTR)) {}
    }
    lock().wait()
}

/// Copies it as it comes.
fn copy(mut from: impl Read, mut to: impl Write) -> Printed {
    let mut kept = Some(Vec::new());
    let mut part = vec![0; 64 << 10];
    loop {
        let count = match from.read(&mut part) {
            Ok(0) => return kept.map_or(Printed::Long, Printed::Whole),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => return Printed::Broken,
        };
        let part = part.get(..count).unwrap_or_default();
        match to.write_all(part).and_then(|()| to.flush()) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Printed::Broken,
            Err(error) => return Printed::Lost(error),
        }
        if let Some(bytes) = &mut kept {
            bytes.extend_from_slice(part);
        }
        kept = kept.filter(|bytes| bytes.len() <= VALUE_MAX);
    }
}

/// The exit status of a shell for how a command ended.
pub(super) fn status(ended: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&ended) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    ended.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

/// The command line as a key: as a shell reads it, or a hash of it where it is no short plain text.
pub(super) fn key(command: &[OsString]) -> String {
    /// Longest key, bytes.
    const LONGEST: usize = 512;
    let words: Option<Vec<String>> = command.iter().map(|word| word.to_str().map(quoted)).collect();
    let line = words.map(|words| words.join(" "));
    if let Some(line) = line.filter(|line| line.len() <= LONGEST && crate::wire::is_clean(line) && !line.is_empty()) {
        return line;
    }
    let mut hasher = blake3::Hasher::new();
    for word in command {
        let bytes = word.as_encoded_bytes();
        hasher.update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
    }
    format!("command:{}", hasher.finalize().to_hex())
}

fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_passes_whole_and_is_kept_if_it_fits() {
        let (fits, long) = (vec![b'x'; VALUE_MAX], vec![b'x'; VALUE_MAX + 1]);
        let mut out = Vec::new();
        assert!(matches!(copy(fits.as_slice(), &mut out), Printed::Whole(kept) if kept == fits));
        assert_eq!(out, fits);
        out.clear();
        assert!(matches!(copy(long.as_slice(), &mut out), Printed::Long));
        assert_eq!(out, long);
        assert!(matches!(copy(long.as_slice(), [0; 10].as_mut_slice()), Printed::Lost(_)));
    }

    #[test]
    fn different_command_lines_have_different_keys() {
        let key = |words: &[&str]| key(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(key(&["cargo", "metadata", "--locked"]), "cargo metadata --locked");
        assert_eq!(key(&["sh", "-c", "echo it's"]), r"sh -c 'echo it'\''s'");
        let all = [
            key(&["a b"]),
            key(&["a", "b"]),
            key(&["a", "", "b"]),
            key(&["'a", "b'"]),
            key(&["a\nb"]),
            key(&["a", "\nb"]),
            key(&["a\n", "b"]),
            key(&[&"x".repeat(513)]),
            key(&[&"x".repeat(514)]),
        ];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:#?}");
        assert!(all.iter().all(|key| key.len() <= 512 && crate::wire::is_clean(key)), "{all:#?}");
    }
}

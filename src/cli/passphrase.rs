//! Passphrases: from the environment, typed without being shown, or the first line of the input.

use std::io::{self, BufRead, IsTerminal, Read};

use zeroize::Zeroizing;

/// The variable that may hold it.
const VARIABLE: &str = "PEER_PASSPHRASE";

/// Longest passphrase, bytes. Room for all of it is there from the start, so that no copies are left behind.
const LONGEST: usize = 1024;

/// A passphrase, erased when dropped.
pub(super) type Passphrase = Zeroizing<String>;

/// A new passphrase, typed twice at a terminal. The error is for the user.
pub(super) fn new() -> Result<Passphrase, String> {
    let Some(first) = given()? else {
        let first = typed("New passphrase: ")?;
        if typed("The same again: ")? != first {
            return Err("These are two different passphrases".to_owned());
        }
        return not_empty(first);
    };
    not_empty(first)
}

/// The passphrase of what there is already. The error is for the user.
pub(super) fn known() -> Result<Passphrase, String> {
    not_empty(match given()? {
        Some(given) => given,
        None => typed("Passphrase: ")?,
    })
}

fn not_empty(passphrase: Passphrase) -> Result<Passphrase, String> {
    if passphrase.is_empty() { Err("The passphrase is empty".to_owned()) } else { Ok(passphrase) }
}

/// From the environment or the input; none at a terminal.
fn given() -> Result<Option<Passphrase>, String> {
    match std::env::var(VARIABLE) {
        Ok(given) if !given.is_empty() => return Ok(Some(Zeroizing::new(given))),
        Err(std::env::VarError::NotUnicode(_)) => return Err(format!("{VARIABLE} is not UTF-8")),
        Ok(_) | Err(std::env::VarError::NotPresent) => {}
    }
    if io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST + 2));
    let read = io::stdin().lock().take(LONGEST as u64 + 2).read_until(b'\n', &mut line);
    read.map_err(|error| format!("Cannot read the passphrase from the input: {error}"))?;
    for end in [b'\n', b'\r'] {
        if line.last() == Some(&end) {
            line.pop();
        }
    }
    text(line).map(Some)
}

/// The passphrase in these bytes.
fn text(bytes: Zeroizing<Vec<u8>>) -> Result<Passphrase, String> {
    if bytes.len() > LONGEST {
        return Err(format!("The passphrase is longer than {LONGEST} bytes"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "The passphrase is not UTF-8".to_owned())?;
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(unix)]
fn typed(prompt: &str) -> Result<Passphrase, String> {
    use std::io::Write;

    let failed = |error: io::Error| format!("Cannot ask for the passphrase: {error}; set {VARIABLE}");
    let mut out = io::stderr().lock();
    let mut say = |text: &str| out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(failed);
    let mut hidden = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    let terminal = Silent::new().map_err(failed)?;
    say(prompt)?;
    let ended = terminal.line(&mut hidden);
    drop(terminal);
    say("\n")?;
    if ended.map_err(failed)? { text(hidden) } else { Err("Nothing was changed".to_owned()) }
}

#[cfg(not(unix))]
fn typed(_: &str) -> Result<Passphrase, String> {
    Err(format!("Set {VARIABLE}, or give the passphrase as the first line of the input"))
}

/// The terminal while it shows nothing of what is typed; as it was when this is dropped.
#[cfg(unix)]
struct Silent(rustix::termios::Termios);

#[cfg(unix)]
impl Silent {
    fn new() -> io::Result<Self> {
        let found = rustix::termios::tcgetattr(io::stdin())?;
        let mut silent = found.clone();
        // Keys that end programs come as bytes, so that none ends this one while the terminal is silent.
        silent.make_raw();
        silent.output_modes = found.output_modes;
        rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Flush, &silent)?;
        Ok(Self(found))
    }

    /// Reads a line; false when it was given up.
    fn line(&self, line: &mut Vec<u8>) -> io::Result<bool> {
        let mut byte = [0];
        loop {
            // Byte by byte: what comes after the line is for others.
            if rustix::io::read(io::stdin(), &mut byte)? == 0 {
                return Ok(false);
            }
            match byte[0] {
                b'\r' | b'\n' => return Ok(true),
                // Ctrl-C, Ctrl-D, Ctrl-Z and Ctrl-\.
                0x03 | 0x04 | 0x1a | 0x1c => return Ok(false),
                // Ctrl-U.
                0x15 => line.clear(),
                // Backspace: a whole character.
                0x08 | 0x7f => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
                byte if line.len() <= LONGEST => line.push(byte),
                _ => {}
            }
        }
    }
}

#[cfg(unix)]
impl Drop for Silent {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Flush, &self.0);
    }
}

//! Why a command did not do what it should: a line, or an object, and the exit status.

use std::io::{self, Write};

use crate::web::{ClientError, ErrorObject, PeerObject, SCHEMA};

use super::super::host::sentence;
use super::super::screen;
use super::super::shown::{Shown, Tone};

/// Exit statuses.
const FAILED: u8 = 1;
const USAGE: u8 = 2;
const NOBODY: u8 = 3;
const LATE: u8 = 4;

/// Why a command ends early.
#[derive(Debug)]
pub(in crate::cli) struct Trouble {
    status: u8,
    object: Box<ErrorObject>,
    /// Nobody reads what it shows: it says nothing more.
    silent: bool,
}

impl Trouble {
    fn new(status: u8, error: &str, message: impl Into<String>) -> Self {
        let object = ErrorObject {
            v: SCHEMA,
            kind: "error".to_owned(),
            error: error.to_owned(),
            message: message.into(),
            retry_after_ms: None,
            candidates: Vec::new(),
        };
        Self { status, object: Box::new(object), silent: false }
    }

    pub(in crate::cli) fn failed(message: impl Into<String>) -> Self {
        Self::new(FAILED, "failed", message)
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(USAGE, "usage", message)
    }

    pub(super) fn nobody(message: impl Into<String>) -> Self {
        Self::new(NOBODY, "nobody", message)
    }

    pub(super) fn not_running(message: impl Into<String>) -> Self {
        Self::new(NOBODY, "not-running", message)
    }

    pub(super) fn late(message: impl Into<String>) -> Self {
        Self::new(LATE, "not-delivered", message)
    }

    pub(super) fn no_history() -> Self {
        Self::new(FAILED, "no-history", "this peer keeps no history")
    }

    pub(super) fn ambiguous(message: impl Into<String>) -> Self {
        Self::new(NOBODY, "ambiguous", message)
    }

    /// What was to be shown could not be; a reader that has gone had enough.
    pub(super) fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self { status: 0, silent: true, ..Self::failed("") };
        }
        Self::failed(format!("cannot show anything: {error}"))
    }

    /// The exit status tells all.
    pub(super) fn silent(status: u8) -> Self {
        Self { status, silent: true, ..Self::failed("") }
    }

    /// Why, as a part of a sentence.
    pub(super) fn message(&self) -> &str {
        &self.object.message
    }

    /// Whether nobody is called so.
    pub(super) fn is_nobody(&self) -> bool {
        self.object.error == "nobody"
    }

    /// How long to wait before another try, if that is all.
    pub(super) fn retry_after(&self) -> Option<std::time::Duration> {
        let wait = self.object.retry_after_ms.filter(|_| self.object.error == "too-fast");
        wait.map(std::time::Duration::from_millis)
    }

    /// Says why; the exit status.
    pub(super) fn tell(&self, json: bool) -> u8 {
        if self.silent {
            return self.status;
        }
        if json {
            // Where nobody reads, the exit status still tells.
            let _ = writeln!(io::stderr().lock(), "{}", crate::web::json(&self.object));
            return self.status;
        }
        let mut text = sentence(&self.object.message);
        if !self.object.candidates.is_empty() && !self.object.candidates.iter().any(|peer| text.contains(&peer.who)) {
            let names = self.object.candidates.iter().map(candidate);
            text.push_str(&format!(": {}", super::super::render::some(names)));
        }
        screen::complain(&Shown::line(false, &[(Tone::Plain, &text)]));
        self.status
    }
}

fn candidate(peer: &PeerObject) -> String {
    let verified = if peer.trust == "verified" { ", verified" } else { "" };
    if peer.who.ends_with(&peer.id) {
        return peer.who.clone();
    }
    format!("{} ({}{verified})", peer.who, peer.id)
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Refused { object, .. } => {
                let status = match object.error.as_str() {
                    "usage" => USAGE,
                    "nobody" | "ambiguous" | "unknown" | "miss" => NOBODY,
                    "no-answer" => LATE,
                    _ => FAILED,
                };
                Self { status, object, silent: false }
            }
            ClientError::File(_) | ClientError::Gone(_) | ClientError::Full | ClientError::Garbled(_) => {
                Self::failed(error.to_string())
            }
        }
    }
}

//! What can be wrong with the disk, and when the user is told.

use rusqlite::{Error, ErrorCode};
use tokio::sync::mpsc::UnboundedSender;

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The file is broken.
    Broken,
    /// The disk takes or gives nothing at the moment.
    Disk,
    /// It is something in what was to be written.
    Entry,
}

impl Fault {
    pub(super) fn of(error: &Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Broken,
            Some(
                ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::TooBig
                | ErrorCode::ParameterOutOfRange,
            )
            | None => Self::Entry,
            Some(_) => Self::Disk,
        }
    }
}

/// Why it is, for people.
pub(super) fn reason(error: &Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full".to_owned(),
        Some(ErrorCode::ReadOnly) => "it is read-only".to_owned(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program has locked it".to_owned(),
        Some(ErrorCode::SystemIoFailure) => format!("the disk has an error: {error}"),
        _ => error.to_string(),
    }
}

/// Tells the user once that nothing is kept, and once that it is again.
#[derive(Debug)]
pub(super) struct Troubles {
    to: UnboundedSender<String>,
    told: bool,
}

impl Troubles {
    pub(super) fn new(to: UnboundedSender<String>) -> Self {
        Self { to, told: false }
    }

    /// Says so, whatever was said before.
    pub(super) fn tell(&self, line: String) {
        // Nobody listens when the peer has ended.
        let _ = self.to.send(line);
    }

    /// Nothing can be kept.
    pub(super) fn begin(&mut self, reason: &str) {
        if !self.told {
            self.told = true;
            self.tell(format!("the history is not kept at the moment: {reason}"));
        }
    }

    /// All is kept.
    pub(super) fn end(&mut self) {
        if self.told {
            self.told = false;
            self.tell("the history is kept again".to_owned());
        }
    }
}

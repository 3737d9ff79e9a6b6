//! Where peers answered, kept for the next start.

use std::net::SocketAddrV4;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::files;

/// Paths that are kept.
const MOST: usize = 64;

/// Largest file that is read, bytes.
const FILE_MAX: u64 = 64 << 10;

/// One address at which a peer answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    user_id: String,
    address: SocketAddrV4,
}

/// The newest of them, the newest last.
#[derive(Debug, Default)]
pub(super) struct Paths {
    file: Option<PathBuf>,
    known: Vec<Remembered>,
    changed: bool,
}

impl Paths {
    /// Reads the file. One that cannot be understood is set aside and counts as empty.
    pub(super) fn open(file: Option<PathBuf>) -> Self {
        let mut paths = Self { file, ..Self::default() };
        let Some(file) = &paths.file else { return paths };
        let read = files::read(file, FILE_MAX).map_err(|error| error.to_string()).and_then(|bytes| match bytes {
            Some(bytes) => rmp_serde::from_slice(&bytes).map_err(|error| error.to_string()),
            None => Ok(Vec::new()),
        });
        match read {
            Ok(known) => paths.known = known,
            Err(reason) => {
                let aside = files::set_aside(file);
                tracing::warn!(file = %file.display(), reason, ?aside, "remembered addresses cannot be read");
            }
        }
        let excess = paths.known.len().saturating_sub(MOST);
        paths.known.drain(..excess);
        paths
    }

    /// The addresses, newest first.
    pub(super) fn addresses(&self) -> Vec<SocketAddrV4> {
        self.known.iter().rev().map(|known| known.address).collect()
    }

    /// Remembers one more; the oldest goes when there are too many.
    pub(super) fn remember(&mut self, user_id: &str, address: SocketAddrV4) {
        if self.file.is_none() {
            return;
        }
        self.known.retain(|known| known.address != address);
        if self.known.len() >= MOST {
            self.known.remove(0);
        }
        self.known.push(Remembered { user_id: user_id.to_owned(), address });
        self.changed = true;
    }

    /// True when something is not in the file yet.
    pub(super) fn is_changed(&self) -> bool {
        self.changed
    }

    /// Writes the file, if something is not in it yet. A failure costs a slower start only.
    pub(super) fn write(&mut self) {
        let Some(file) = self.file.as_ref().filter(|_| self.changed) else { return };
        self.changed = false;
        let written = rmp_serde::to_vec(&self.known).map_err(std::io::Error::other);
        if let Err(error) = written.and_then(|bytes| files::write(file, &bytes)) {
            tracing::warn!(file = %file.display(), %error, "addresses are not remembered");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::files::Scratch;

    fn at(port: u16) -> SocketAddrV4 {
        SocketAddrV4::new([10, 0, 0, 1].into(), port)
    }

    #[test]
    fn the_newest_are_remembered_over_a_restart() {
        let scratch = Scratch::new();
        let file = scratch.0.join("paths");
        let mut paths = Paths::open(Some(file.clone()));
        for port in 1..=70 {
            paths.remember("bob@10.0.0.1", at(port));
        }
        paths.remember("bob@10.0.0.1", at(30));
        assert!(paths.is_changed());
        paths.write();
        assert!(!paths.is_changed());

        let again = Paths::open(Some(file)).addresses();
        assert_eq!((again.len(), again[0], again[1], again[63]), (MOST, at(30), at(70), at(7)));
    }

    #[test]
    fn a_broken_file_is_set_aside() {
        let scratch = Scratch::new();
        let file = scratch.0.join("paths");
        std::fs::write(&file, b"\xc1 no paths").unwrap();
        assert!(Paths::open(Some(file.clone())).addresses().is_empty());
        assert!(!file.exists());
        assert_eq!(std::fs::read(scratch.0.join("paths.broken")).unwrap(), b"\xc1 no paths");
    }

    #[test]
    fn without_a_file_nothing_is_kept() {
        let mut paths = Paths::open(None);
        paths.remember("bob@10.0.0.1", at(1));
        assert!(!paths.is_changed() && paths.addresses().is_empty());
    }
}

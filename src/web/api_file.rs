//! `api.toml`: where the API of a running peer is, for programs of the same user.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::node::files;

/// Largest file that is read, bytes.
const LARGEST: u64 = 4 << 10;

/// What stands in the file. Keys of later versions are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entrance {
    /// The process of the peer.
    pub(super) pid: u32,
    /// The port of 127.0.0.1.
    pub(super) port: u16,
    /// The same port, where `[::1]` has it, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) port6: Option<u16>,
    /// What every request has to show.
    pub(super) token: Token,
}

/// What every request has to show. It does not get into a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Token(pub(super) String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// The file of a running peer, there and locked until this is dropped.
#[derive(Debug)]
pub(super) struct ApiFile {
    file: PathBuf,
    _lock: File,
}

impl ApiFile {
    /// Writes the file: whole, locked, and for the eyes of this user only.
    pub(super) fn write(file: &Path, entrance: &Entrance) -> io::Result<Self> {
        let text = toml::to_string(entrance).map_err(io::Error::other)?;
        let hidden = files::with_suffix(file, ".new");
        // What a run that was cut short left over. Only a file that nobody has yet is opened, so no link is followed.
        files::remove(&hidden)?;
        let mut opened = files::private().create_new(true).open(&hidden)?;
        let written = opened.write_all(text.as_bytes());
        #[cfg(unix)]
        let written = written.and_then(|()| opened.try_lock().map_err(io::Error::from));
        if let Err(error) = written.and_then(|()| fs::rename(&hidden, file)) {
            let _ = fs::remove_file(&hidden);
            return Err(error);
        }
        Ok(Self { file: file.to_owned(), _lock: opened })
    }
}

impl Drop for ApiFile {
    fn drop(&mut self) {
        // What is left over is known by its lock.
        let _ = fs::remove_file(&self.file);
    }
}

/// Where the API of a running peer is; none when no peer runs.
///
/// # Errors
/// The file is not readable, or not one of ours alone.
pub(super) fn read(file: &Path) -> io::Result<Option<Entrance>> {
    let opened = match File::open(file) {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !is_private(&opened)? {
        let reason = "others may read or write it: remove it, and start the peer again";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    }
    // A running peer holds a lock on its file, which ends with the process, however that ends.
    #[cfg(unix)]
    if opened.try_lock_shared().is_ok() {
        return Ok(None);
    }
    let Some(bytes) = files::read(file, LARGEST)? else { return Ok(None) };
    let text = String::from_utf8(bytes).map_err(|_| invalid("not UTF-8"))?;
    let entrance = toml::from_str::<Entrance>(&text).map_err(|error| invalid(error.message()))?;
    Ok(Some(entrance))
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason.to_owned())
}

#[cfg(unix)]
fn is_private(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let found = file.metadata()?;
    Ok(found.is_file() && found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o077 == 0)
}

#[cfg(not(unix))]
fn is_private(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.is_file())
}

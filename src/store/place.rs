//! The file and its folder.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Files of one name that are set aside.
const MOST_ASIDE: u32 = 1_000;

/// Makes the folder and the file if they are not there, closed to other users.
pub(super) fn make(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Err(_) => close(file),
        Ok(_) => Ok(()),
    }
}

/// Closes a file of ours to other users. SQLite gives the files beside it the same mode.
#[cfg(unix)]
fn close(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let found = fs::symlink_metadata(file)?;
    if !found.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    if found.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn close(file: &Path) -> io::Result<()> {
    if fs::symlink_metadata(file)?.is_file() {
        Ok(())
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"))
    }
}

/// Gives a broken file another name, `FILE.broken-UNIX`, with what SQLite keeps beside it.
pub(super) fn set_aside(file: &Path, unix: u64) -> io::Result<PathBuf> {
    let names = (0..MOST_ASIDE).map(|number| match number {
        0 => with_suffix(file, &format!(".broken-{unix}")),
        number => with_suffix(file, &format!(".broken-{unix}-{number}")),
    });
    let free = names.into_iter().find(|name| fs::symlink_metadata(name).is_err());
    let aside = free.ok_or_else(|| io::Error::other("too many files were set aside already"))?;
    // The file goes last: with its log under another name, it would lose what is only there.
    for suffix in ["-wal", "-shm"] {
        match fs::rename(with_suffix(file, suffix), with_suffix(&aside, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::rename(file, &aside)?;
    Ok(aside)
}

fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Bytes that are free on the disk of this file; none when the system does not say.
#[cfg(unix)]
pub(super) fn free_bytes(file: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(file).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
pub(super) fn free_bytes(_: &Path) -> Option<u64> {
    None
}

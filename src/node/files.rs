//! Small files of ours: read with a limit, written whole or not at all, for our eyes only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Makes a folder with its parents, closed to other users.
pub(super) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    if !fs::symlink_metadata(folder)?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotADirectory, "not a folder"));
    }
    close_folder(folder)
}

#[cfg(unix)]
fn close_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    let found = fs::symlink_metadata(folder)?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the folder belongs to another user"));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same on every system")]
fn close_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Options to write a file that only we may read.
pub(super) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Reads a whole file; none when there is none. A longer one than `max` bytes is an error.
pub(super) fn read(file: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
    // Looked at before it is opened: to open a pipe is to wait for its writer.
    match fs::metadata(file) {
        Ok(found) if found.is_file() => {}
        Ok(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "not a file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut bytes = Vec::new();
    File::open(file)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("longer than {max} bytes")));
    }
    Ok(Some(bytes))
}

/// Writes a whole file. Whoever reads it meanwhile sees the old one or the new one.
pub(super) fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(file, bytes, |_| Ok(()))
}

/// The same, and it is on the disk before this returns.
pub(super) fn write_durably(file: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(file, bytes, File::sync_all)
}

fn replace(file: &Path, bytes: &[u8], finish: impl FnOnce(&File) -> io::Result<()>) -> io::Result<()> {
    let new = with_suffix(file, ".new");
    let mut opened = private().create(true).truncate(true).open(&new)?;
    opened.write_all(bytes)?;
    finish(&opened)?;
    drop(opened);
    fs::rename(&new, file)
}

/// Gives a file that cannot be understood another name, `FILE.broken`; an older one of that name is replaced.
pub(super) fn set_aside(file: &Path) -> io::Result<PathBuf> {
    let aside = with_suffix(file, ".broken");
    fs::rename(file, &aside)?;
    Ok(aside)
}

/// `FILE` with more at the end of its name.
pub(super) fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A folder for one test, removed at its end.
#[cfg(test)]
pub(super) struct Scratch(pub(super) PathBuf);

#[cfg(test)]
impl Scratch {
    pub(super) fn new() -> Self {
        let seed = super::clock::seed().unwrap();
        let name = data_encoding::HEXLOWER.encode(&seed[..8]);
        let folder = std::env::temp_dir().join(format!("lsnp-test-{name}"));
        make_folder(&folder).unwrap();
        Self(folder)
    }
}

#[cfg(test)]
impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_a_limit_holds() {
        let scratch = Scratch::new();
        let file = scratch.0.join("file");
        assert_eq!(read(&file, 10).unwrap(), None);
        write(&file, b"0123456789").unwrap();
        write_durably(&file, b"abc").unwrap();
        assert_eq!(read(&file, 3).unwrap().unwrap(), b"abc");
        assert!(read(&file, 2).is_err());
        assert!(read(&scratch.0, 10).is_err(), "a folder is no file");
        assert!(read(Path::new("/dev/zero"), 10).is_err(), "a device is no file");
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1, "no remains");
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_are_closed_to_others() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

        let scratch = Scratch::new();
        let folder = scratch.0.join("a/b");
        make_folder(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        make_folder(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        write(&folder.join("file"), b"x").unwrap();
        assert_eq!(fs::metadata(folder.join("file")).unwrap().mode() & 0o777, 0o600);

        symlink(&folder, scratch.0.join("link")).unwrap();
        assert!(make_folder(&scratch.0.join("link")).is_err(), "a link is no folder of ours");
    }
}

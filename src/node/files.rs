//! Small files of ours: read with a limit, written whole or not at all, for our eyes only.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Files of one name that are set aside.
const MOST_ASIDE: usize = 100;

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
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Reads a whole file; none when there is none. A longer one than `max` bytes is an error.
pub(crate) fn read(file: &Path, max: u64) -> io::Result<Option<Vec<u8>>> {
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

/// Writes a whole file. Whoever reads it meanwhile sees the old one or the new one; after a failure it is the old one.
pub(super) fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(file, bytes, false)
}

/// The same, and it is on the disk before this returns.
pub(super) fn write_durably(file: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(file, bytes, true)?;
    sync_folder(file)
}

/// The same where other processes may write it as well: the last one wins. Who may read it is told; else we alone.
pub(crate) fn write_beside_others(file: &Path, bytes: &[u8], permissions: Option<fs::Permissions>) -> io::Result<()> {
    let new = with_suffix(file, &format!(".{}.new", std::process::id()));
    replace_by(file, &new, bytes, true, permissions)?;
    sync_folder(file)
}

fn replace(file: &Path, bytes: &[u8], durably: bool) -> io::Result<()> {
    replace_by(file, &with_suffix(file, ".new"), bytes, durably, None)
}

fn replace_by(
    file: &Path,
    new: &Path,
    bytes: &[u8],
    durably: bool,
    permissions: Option<fs::Permissions>,
) -> io::Result<()> {
    // What a run that was cut short left over. Only a file that nobody has yet is opened, so no link is followed.
    remove(new)?;
    let write_new = || {
        let mut opened = private().create_new(true).open(new)?;
        if let Some(permissions) = permissions {
            opened.set_permissions(permissions)?;
        }
        opened.write_all(bytes)?;
        if durably { opened.sync_all() } else { Ok(()) }
    };
    let written = write_new().and_then(|()| fs::rename(new, file));
    if written.is_err() {
        // On a full disk, remains would take the place of what matters more.
        let _ = fs::remove_file(new);
    }
    written
}

/// Removes a file, if there is one.
pub(crate) fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Has the name of a file on the disk, too.
#[cfg(unix)]
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    let Some(folder) = file.parent() else { return Ok(()) };
    match File::open(folder)?.sync_all() {
        // Some file systems cannot, and need not.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same on every system")]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Gives a file that cannot be understood another name, `FILE.broken`, or `FILE.broken-2` and so on.
pub(super) fn set_aside(file: &Path) -> io::Result<PathBuf> {
    move_aside(file, ".broken")
}

/// Gives a file another name that no file has: `FILE` and the suffix, or with a number after that.
pub(super) fn move_aside(file: &Path, suffix: &str) -> io::Result<PathBuf> {
    let names = (1..).map(|number| match number {
        1 => with_suffix(file, suffix),
        number => with_suffix(file, &format!("{suffix}-{number}")),
    });
    let free = names.take(MOST_ASIDE).find(|name| fs::symlink_metadata(name).is_err());
    let aside = free.ok_or_else(|| io::Error::other(format!("{MOST_ASIDE} files were set aside already")))?;
    fs::rename(file, &aside)?;
    Ok(aside)
}

/// `FILE` with more at the end of its name.
pub(crate) fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A folder for one test, removed at its end.
#[cfg(test)]
pub(crate) struct Scratch(pub(crate) PathBuf);

#[cfg(test)]
impl Scratch {
    pub(crate) fn new() -> Self {
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

    #[test]
    fn a_file_that_cannot_be_replaced_stays_and_leaves_no_remains() {
        let scratch = Scratch::new();
        let folder = scratch.0.join("folder");
        fs::create_dir_all(folder.join("full")).unwrap();
        assert!(write(&folder, b"x").is_err(), "a folder in the way");
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 1, "no remains");

        let file = scratch.0.join("file");
        fs::write(scratch.0.join("file.new"), "cut short").unwrap();
        write_durably(&file, b"whole").unwrap();
        assert_eq!(read(&file, 10).unwrap().unwrap(), b"whole");
        assert!(!scratch.0.join("file.new").exists());
    }

    #[test]
    fn what_is_set_aside_is_never_lost() {
        let scratch = Scratch::new();
        let file = scratch.0.join("file");
        for (text, name) in [("a", "file.broken"), ("b", "file.broken-2"), ("c", "file.broken-3")] {
            fs::write(&file, text).unwrap();
            assert_eq!(set_aside(&file).unwrap(), scratch.0.join(name));
        }
        assert_eq!(fs::read(scratch.0.join("file.broken")).unwrap(), b"a");
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

        let victim = scratch.0.join("victim");
        symlink(&victim, folder.join("planted.new")).unwrap();
        write(&folder.join("planted"), b"x").unwrap();
        assert!(!victim.exists(), "a link is not followed");

        symlink(&folder, scratch.0.join("link")).unwrap();
        assert!(make_folder(&scratch.0.join("link")).is_err(), "a link is no folder of ours");
    }
}

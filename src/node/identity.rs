//! The file that holds who we are: the secret key, for our eyes only.
//!
//! It is text: the line of every kept file, then the key as 43 characters of base64url. A file that is not right is
//! never replaced: a new key is a new identity for everybody else (protocol.md §9.8).

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use zeroize::{Zeroize, Zeroizing};

use crate::engine::Secret;

use super::files;
use super::stored::{Fault, checked, head};

/// Its name in the profile's folder, and its kind.
pub(super) const FILE: &str = "identity";

/// Bytes of the file.
const SIZE: u64 = 33 + 44;

/// Why the identity was not read; the file is as it was.
#[derive(Debug, thiserror::Error)]
#[error("your identity {} {fault}", file.display())]
pub struct IdentityError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it.
    pub fault: IdentityFault,
}

/// What is wrong with the file of an identity, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityFault {
    /// Other users may read or write it.
    #[error(
        "is open to other users of this computer (mode {mode:03o}). If you are sure that nobody has copied or changed \
         it: chmod 600 it. If not, move it away: the next start makes a new one, and others are warned of the new key"
    )]
    Open {
        /// Its permissions.
        mode: u32,
    },
    /// It leads elsewhere.
    #[error("is a link: put the file itself there")]
    Link,
    /// It is a folder, or something else.
    #[error("is no file: move it away, and put back your identity from a copy if there is one")]
    NotAFile,
    /// Another user owns it.
    #[error("belongs to another user (number {user}): make it yours with chown, or use another --profile")]
    Owner {
        /// Who owns it.
        user: u32,
    },
    /// It is not what was written.
    #[error(
        "is broken ({reason}). Put it back from a copy, or run: peer identity import FILE --replace. Without a copy, \
         move it away: the next start makes a new one, and others are warned of the new key"
    )]
    Broken {
        /// What is wrong.
        reason: String,
    },
    /// A newer version of the program wrote it.
    #[error("is of version {version}, which a newer peer wrote: use that one, or another --profile")]
    Newer {
        /// The version.
        version: u32,
    },
    /// The system does not let us read it.
    #[error("cannot be read: {0}")]
    System(#[source] io::Error),
}

/// Reads the secret key; none when there is no file.
pub(super) fn read(file: &Path) -> Result<Option<Secret>, IdentityError> {
    read_file(file).map_err(|fault| IdentityError { file: file.to_owned(), fault })
}

fn read_file(file: &Path) -> Result<Option<Secret>, IdentityFault> {
    let Some(opened) = open(file)? else { return Ok(None) };
    // Of what was opened, so that nobody can put another file there in between.
    let found = opened.metadata().map_err(IdentityFault::System)?;
    if !found.is_file() {
        return Err(IdentityFault::NotAFile);
    }
    check_access(&found)?;
    let broken = |reason: &str| IdentityFault::Broken { reason: reason.to_owned() };
    let mut bytes = Zeroizing::new(Vec::with_capacity(100));
    opened.take(100).read_to_end(&mut bytes).map_err(IdentityFault::System)?;
    if bytes.is_empty() {
        return Err(broken("it is empty"));
    }
    let content = checked(FILE, &bytes).map_err(|fault| match fault {
        Fault::Newer(version) => IdentityFault::Newer { version },
        Fault::Broken(reason) => IdentityFault::Broken { reason },
    })?;
    if bytes.len() as u64 != SIZE {
        return Err(broken("its size is wrong"));
    }
    let mut secret = Secret([0; 32]);
    match content.strip_suffix(b"\n").map(|text| BASE64URL_NOPAD.decode_mut(text, &mut secret.0)) {
        Some(Ok(32)) => Ok(Some(secret)),
        _ => Err(broken("it holds no key")),
    }
}

#[cfg(unix)]
fn open(file: &Path) -> Result<Option<File>, IdentityFault> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    // To open a pipe is to wait for its writer, but not so.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    match fs::OpenOptions::new().read(true).custom_flags(flags).open(file) {
        Ok(opened) => Ok(Some(opened)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => match fs::symlink_metadata(file) {
            Ok(found) if found.is_symlink() => Err(IdentityFault::Link),
            Ok(found) if !found.is_file() => Err(IdentityFault::NotAFile),
            Ok(found) => Err(check_access(&found).err().unwrap_or(IdentityFault::System(error))),
            Err(_) => Err(IdentityFault::System(error)),
        },
    }
}

#[cfg(unix)]
fn check_access(found: &fs::Metadata) -> Result<(), IdentityFault> {
    use std::os::unix::fs::MetadataExt;

    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(IdentityFault::Owner { user: found.uid() });
    }
    match found.mode() & 0o777 {
        mode if mode & 0o077 != 0 => Err(IdentityFault::Open { mode }),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn open(file: &Path) -> Result<Option<File>, IdentityFault> {
    match fs::symlink_metadata(file) {
        Ok(found) if found.is_symlink() => Err(IdentityFault::Link),
        Ok(found) if !found.is_file() => Err(IdentityFault::NotAFile),
        Ok(_) => File::open(file).map(Some).map_err(IdentityFault::System),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(IdentityFault::System(error)),
    }
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "the same on every system")]
fn check_access(_: &fs::Metadata) -> Result<(), IdentityFault> {
    Ok(())
}

/// Writes a secret key where no file is; it is on the disk before this returns. Only for who holds the profile's lock.
pub(super) fn create(file: &Path, secret: &Secret) -> io::Result<()> {
    if fs::symlink_metadata(file).is_ok() {
        return Err(io::Error::from(io::ErrorKind::AlreadyExists));
    }
    let mut text = Zeroizing::new([0; 44]);
    BASE64URL_NOPAD.encode_mut(&secret.0, &mut text[..43]);
    text[43] = b'\n';
    let mut bytes = head(FILE, text.as_slice()).into_bytes();
    bytes.extend_from_slice(text.as_slice());
    let written = files::write_durably(file, &bytes);
    bytes.zeroize();
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::files::Scratch;

    const SECRET: Secret = Secret([0xa5; 32]);

    fn fault(file: &Path) -> IdentityFault {
        read(file).unwrap_err().fault
    }

    fn scratch() -> (Scratch, PathBuf) {
        let scratch = Scratch::new();
        let file = scratch.0.join(FILE);
        (scratch, file)
    }

    #[test]
    fn a_key_is_read_as_it_was_written_and_never_replaced() {
        let (_scratch, file) = scratch();
        assert!(read(&file).unwrap().is_none());
        create(&file, &SECRET).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().len(), SIZE);
        assert_eq!(read(&file).unwrap(), Some(SECRET));
        assert_eq!(create(&file, &Secret([1; 32])).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read(&file).unwrap(), Some(SECRET));
    }

    #[test]
    fn a_broken_file_is_told_and_left() {
        let (_scratch, file) = scratch();
        create(&file, &SECRET).unwrap();
        let whole = fs::read(&file).unwrap();
        let newer = [b"lsnp identity 2 ", &whole[16..]].concat();
        let mut flipped = whole.clone();
        flipped[40] ^= 1;
        let longer = [&whole[..], b"\n"].concat();
        for (bytes, what) in [
            (&b""[..], "empty"),
            (b"garbage", "first line"),
            (&whole[..60], "check"),
            (&flipped, "check"),
            (&longer, "check"),
            (&[0; 5000], "first line"),
            (&newer, "version 2"),
        ] {
            fs::write(&file, bytes).unwrap();
            let error = read(&file).unwrap_err().to_string();
            assert!(error.contains(what) && error.contains(file.to_str().unwrap()), "{error}");
            assert_eq!(fs::read(&file).unwrap(), bytes);
        }
        // Well formed, but no key.
        let odd = |content: &[u8]| [head(FILE, content).as_bytes(), content].concat();
        for content in [&[b'!'; 44][..], &[b'A'; 44], &[b'\n'; 44], b"AAAA\n"] {
            fs::write(&file, odd(content)).unwrap();
            assert!(matches!(fault(&file), IdentityFault::Broken { .. }), "{content:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_is_not_ours_alone_is_refused() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let (scratch, file) = scratch();
        create(&file, &SECRET).unwrap();
        let mode = |mode| fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        for open in [0o640, 0o604, 0o620, 0o602, 0o644, 0o610, 0o777] {
            mode(open);
            assert!(matches!(fault(&file), IdentityFault::Open { mode } if mode == open), "{open:o}");
        }
        mode(0o400);
        assert_eq!(read(&file).unwrap(), Some(SECRET));

        let moved = scratch.0.join("elsewhere");
        fs::rename(&file, &moved).unwrap();
        symlink(&moved, &file).unwrap();
        assert!(matches!(fault(&file), IdentityFault::Link));
        assert!(create(&file, &SECRET).is_err());
        fs::remove_file(&moved).unwrap();
        assert!(matches!(fault(&file), IdentityFault::Link), "one that leads nowhere");
        assert!(create(&file, &SECRET).is_err());
        assert!(!moved.exists());
        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(matches!(fault(&file), IdentityFault::NotAFile));
        fs::remove_dir(&file).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert!(matches!(fault(&file), IdentityFault::NotAFile), "a pipe");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_another_user_is_refused() {
        let (_scratch, file) = scratch();
        create(&file, &SECRET).unwrap();
        // Only root can give files away.
        if std::os::unix::fs::chown(&file, Some(12345), None).is_ok() {
            assert!(matches!(fault(&file), IdentityFault::Owner { user: 12345 }));
        }
    }
}

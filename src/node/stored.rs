//! The form of what is kept in files: one line that says what it is, of which version, with a check, then the content.
//!
//! The line is `lsnp KIND VERSION CHECK`; CHECK is 16 hex digits of a hash over all the rest.

use std::io;
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::files;

/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// A newer version of the program wrote it: it is left alone.
    #[error("it is of version {0}, which a newer peer wrote")]
    Newer(u32),
    /// It cannot be read or understood.
    #[error("{0}")]
    Broken(String),
}

/// One kind of file.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) file: PathBuf,
    kind: &'static str,
    /// Largest file that is read, bytes.
    max: u64,
}

impl Stored {
    /// The file of this kind, named after it.
    pub(super) fn new(folder: &Path, kind: &'static str, max: u64) -> Self {
        Self { file: folder.join(kind), kind, max }
    }

    /// Reads the content; none when there is no file.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<Option<T>, Fault> {
        let bytes = files::read(&self.file, self.max).map_err(|error| Fault::Broken(error.to_string()))?;
        let Some(bytes) = bytes.map(Zeroizing::new) else { return Ok(None) };
        let content = checked(self.kind, &bytes)?;
        rmp_serde::from_slice(content).map(Some).map_err(|error| Fault::Broken(error.to_string()))
    }

    /// Replaces the content; on the disk before this returns, if `durably`.
    pub(super) fn write<T: Serialize>(&self, content: &T, durably: bool) -> io::Result<()> {
        let write = if durably { files::write_durably } else { files::write };
        write(&self.file, &self.encoded(content)?)
    }

    /// The file with this content.
    pub(super) fn encoded<T: Serialize>(&self, content: &T) -> io::Result<Zeroizing<Vec<u8>>> {
        let content = Zeroizing::new(rmp_serde::to_vec(content).map_err(io::Error::other)?);
        let mut bytes = Zeroizing::new(Vec::with_capacity(content.len() + 64));
        bytes.extend_from_slice(head(self.kind, &content).as_bytes());
        bytes.extend_from_slice(&content);
        Ok(bytes)
    }
}

/// The first line for this content, with its line end.
pub(super) fn head(kind: &str, content: &[u8]) -> String {
    format!("lsnp {kind} {VERSION} {}\n", HEXLOWER.encode(&check(kind, content)))
}

/// The content of a file of this kind.
pub(super) fn checked<'a>(kind: &str, bytes: &'a [u8]) -> Result<&'a [u8], Fault> {
    let broken = |what: &str| Fault::Broken(what.to_owned());
    let end = bytes.iter().take(100).position(|byte| *byte == b'\n');
    let (line, content) = bytes.split_at(end.ok_or_else(|| broken("it has no first line"))?);
    let content = &content[1..];
    let line = std::str::from_utf8(line).map_err(|_| broken("its first line is no text"))?;
    let mut words = line.split(' ');
    if words.next() != Some("lsnp") || words.next() != Some(kind) {
        return Err(broken(&format!("it is no file of the kind {kind}")));
    }
    match words.next().and_then(|word| word.parse().ok()) {
        Some(VERSION) => {}
        Some(version) if version > VERSION => return Err(Fault::Newer(version)),
        _ => return Err(broken("it has no version")),
    }
    if words.next() != Some(HEXLOWER.encode(&check(kind, content)).as_str()) || words.next().is_some() {
        return Err(broken("its check is wrong"));
    }
    Ok(content)
}

/// 8 bytes that tell a whole file from one that was cut or changed by accident; no protection against people.
pub(super) fn check(kind: &str, content: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(kind.as_bytes()).update(&[0]).update(content);
    let mut check = [0; 8];
    hasher.finalize_xof().fill(&mut check);
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::files::Scratch;

    #[test]
    fn what_is_written_is_read() {
        let scratch = Scratch::new();
        let stored = Stored::new(&scratch.0, "test", 100);
        assert_eq!(stored.read::<(u64, String)>().unwrap(), None);
        for durably in [false, true] {
            stored.write(&(7_u64, "text"), durably).unwrap();
            assert_eq!(stored.read().unwrap(), Some((7_u64, "text".to_owned())));
        }
    }

    #[test]
    fn every_change_and_every_cut_is_noticed() {
        let scratch = Scratch::new();
        let stored = Stored::new(&scratch.0, "test", 100);
        stored.write(&(7_u64, "text"), false).unwrap();
        let whole = std::fs::read(&stored.file).unwrap();
        let faulty = |bytes: &[u8]| {
            std::fs::write(&stored.file, bytes).unwrap();
            stored.read::<(u64, String)>().unwrap_err()
        };
        for length in 0..whole.len() {
            assert!(matches!(faulty(&whole[..length]), Fault::Broken(_)), "{length}");
        }
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                faulty(&changed);
            }
        }
        faulty(&[&whole[..], b"x"].concat());
        faulty(&[b'x'; 101]);
        let other = Stored { kind: "other", ..stored.clone() };
        other.write(&(7_u64, "text"), false).unwrap();
        assert!(matches!(stored.read::<(u64, String)>(), Err(Fault::Broken(_))), "another kind of file");
        std::fs::write(&stored.file, b"lsnp test 2 in another way\n").unwrap();
        assert_eq!(stored.read::<(u64, String)>().unwrap_err(), Fault::Newer(2));
        std::fs::remove_file(&stored.file).unwrap();
        std::fs::create_dir(&stored.file).unwrap();
        assert!(matches!(stored.read::<(u64, String)>(), Err(Fault::Broken(_))), "a folder in the way");
    }
}

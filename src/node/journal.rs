//! What became known of others since the contacts were last written whole: one small write each, so that a program that
//! is killed has lost nothing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::engine::Contact;
use crate::wire::{PublicKey, Sid};

use super::files;
use super::stored::{Fault, check};

/// Its name in the profile's folder.
const KIND: &str = "journal";

/// The first line; the version stands at its end.
const HEAD: &[u8] = b"lsnp journal 1\n";

/// Largest file that is read, bytes.
const FILE_MAX: u64 = 16 << 20;

/// No more is appended to a file of this size, bytes: what is read next must have room.
const LONGEST: u64 = FILE_MAX / 2;

/// Longest entry, bytes.
const ENTRY_MAX: usize = 4096;

/// Bytes around an entry: its length before it, its check after it.
const LENGTH: usize = 2;
const CHECK: usize = 8;

/// One thing that became known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Entry {
    /// See [`Record::Heard`](crate::engine::Record::Heard).
    Heard { key: PublicKey, sid: Sid, seq: u64 },
    /// See [`Record::Contact`](crate::engine::Record::Contact).
    Contact(Box<Contact>),
    /// See [`Record::Forgotten`](crate::engine::Record::Forgotten).
    Forgotten(PublicKey),
}

/// The file, which is there only when something is in it.
#[derive(Debug)]
pub(super) struct Journal {
    file: PathBuf,
    opened: Option<File>,
    /// Bytes of it that are whole.
    length: u64,
}

impl Journal {
    /// The journal of this folder, and what is in it. What was cut short or changed is passed over.
    pub(super) fn open(folder: &Path) -> Result<(Self, Vec<Entry>), Fault> {
        let mut journal = Self::empty(folder);
        let (_, mut all) = read(&journal.old())?;
        let (length, entries) = read(&journal.file)?;
        journal.length = length;
        all.extend(entries);
        Ok((journal, all))
    }

    /// True when the contacts were being written when the last run ended.
    pub(super) fn was_rotated(&self) -> bool {
        self.old().exists()
    }

    /// The journal of this folder, when nothing is in it.
    pub(super) fn empty(folder: &Path) -> Self {
        Self { file: folder.join(KIND), opened: None, length: 0 }
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Its size, bytes.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Adds an entry. After a failure it is as it was.
    pub(super) fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let content = rmp_serde::to_vec(entry).map_err(io::Error::other)?;
        let mut bytes = if self.length == 0 { HEAD.to_vec() } else { Vec::new() };
        let length = u16::try_from(content.len()).ok().filter(|_| content.len() <= ENTRY_MAX);
        let length = length.ok_or_else(|| io::Error::other("an entry is too long"))?;
        if self.length > LONGEST {
            return Err(io::Error::other("it is too long"));
        }
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&content);
        bytes.extend_from_slice(&check(KIND, &content));
        if self.opened.is_none() {
            let opened = files::private().append(true).create(true).open(&self.file)?;
            opened.set_len(self.length)?;
            self.opened = Some(opened);
        }
        let Some(opened) = &mut self.opened else { return Ok(()) };
        // One call to the system, so that a kill falls before or after it.
        let written = match opened.write(&bytes) {
            Ok(count) if count == bytes.len() => Ok(()),
            Ok(_) => Err(io::Error::from(io::ErrorKind::StorageFull)),
            Err(error) => Err(error),
        };
        match written {
            Ok(()) => self.length += bytes.len() as u64,
            // What cannot be taken back is passed over by the reader.
            Err(_) => drop(opened.set_len(self.length)),
        }
        written
    }

    /// The file, to be brought to the disk; none where nothing was appended.
    pub(super) fn to_sync(&self) -> io::Result<Option<File>> {
        self.opened.as_ref().map(File::try_clone).transpose()
    }

    /// Begins anew. All that is in it stays in the file that this returns, until that is removed.
    pub(super) fn rotate(&mut self) -> io::Result<PathBuf> {
        let old = self.old();
        if old.exists() {
            return Err(io::Error::from(io::ErrorKind::AlreadyExists));
        }
        fs::rename(&self.file, &old)?;
        (self.opened, self.length) = (None, 0);
        Ok(old)
    }

    /// Empties it: all that is in it stands elsewhere.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        files::remove(&self.old())?;
        self.opened = None;
        files::remove(&self.file)?;
        self.length = 0;
        Ok(())
    }

    fn old(&self) -> PathBuf {
        files::with_suffix(&self.file, ".old")
    }
}

/// How much of the file counts, and what is in it.
fn read(file: &Path) -> Result<(u64, Vec<Entry>), Fault> {
    let bytes = files::read(file, FILE_MAX).map_err(|error| Fault::Broken(error.to_string()))?.unwrap_or_default();
    if bytes.len() < HEAD.len() && HEAD.starts_with(&bytes) {
        // There is none, or its very first write was cut short.
        return Ok((0, Vec::new()));
    }
    let content = bytes.strip_prefix(HEAD).ok_or_else(|| fault(&bytes))?;
    Ok((bytes.len() as u64, entries(content)))
}

/// What is wrong with a file that does not begin as it should.
fn fault(bytes: &[u8]) -> Fault {
    let line = bytes.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
    match line.and_then(|line| line.strip_prefix("lsnp journal ")?.parse().ok()) {
        Some(version) if version > 1 => Fault::Newer(version),
        _ => Fault::Broken("it is no file of the kind journal".to_owned()),
    }
}

/// All whole entries; after a bad one, the next is looked for.
fn entries(mut content: &[u8]) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut passed = 0_usize;
    while !content.is_empty() {
        match first(content) {
            Some((entry, rest)) => {
                entries.push(entry);
                content = rest;
            }
            None => {
                passed += 1;
                content = &content[1..];
            }
        }
    }
    if passed > 0 {
        tracing::warn!(bytes = passed, "a part of the journal is no entry: it was cut short");
    }
    entries
}

fn first(content: &[u8]) -> Option<(Entry, &[u8])> {
    let (length, rest) = content.split_first_chunk::<LENGTH>()?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length > ENTRY_MAX || rest.len() < length + CHECK {
        return None;
    }
    let (entry, rest) = rest.split_at(length);
    let (found, rest) = rest.split_at(CHECK);
    if found != check(KIND, entry) {
        return None;
    }
    Some((rmp_serde::from_slice(entry).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::files::Scratch;
    use crate::wire::Octets;

    fn heard(seq: u64) -> Entry {
        Entry::Heard { key: PublicKey([7; 32]), sid: Octets(9), seq }
    }

    fn reread(folder: &Path) -> Vec<Entry> {
        Journal::open(folder).unwrap().1
    }

    #[test]
    fn entries_are_read_in_their_order() {
        let scratch = Scratch::new();
        let mut journal = Journal::empty(&scratch.0);
        assert!(!journal.file().exists());
        let all = [heard(1), Entry::Forgotten(PublicKey([1; 32])), heard(u64::MAX)];
        for entry in &all {
            journal.append(entry).unwrap();
        }
        assert_eq!(reread(&scratch.0), all);

        let (mut again, _) = Journal::open(&scratch.0).unwrap();
        assert_eq!(again.length(), journal.length());
        again.append(&heard(3)).unwrap();
        assert_eq!(reread(&scratch.0).len(), 4);
        again.clear().unwrap();
        assert!(!journal.file().exists() && reread(&scratch.0).is_empty());
        again.append(&heard(4)).unwrap();
        assert_eq!(reread(&scratch.0), [heard(4)]);
    }

    #[test]
    fn whatever_is_cut_off_the_entries_before_it_count() {
        let scratch = Scratch::new();
        let mut journal = Journal::empty(&scratch.0);
        let mut ends = vec![0];
        for seq in 0..5 {
            journal.append(&heard(seq)).unwrap();
            ends.push(journal.length());
        }
        let whole = std::fs::read(journal.file()).unwrap();
        for length in 0..whole.len() {
            std::fs::write(journal.file(), &whole[..length]).unwrap();
            let (mut cut, entries) = Journal::open(&scratch.0).unwrap();
            let left = ends.iter().filter(|end| **end != 0 && **end <= length as u64).count();
            assert_eq!(entries.len(), left, "{length}");
            cut.append(&heard(99)).unwrap();
            let last = reread(&scratch.0);
            assert_eq!((last.len(), last.last()), (left + 1, Some(&heard(99))), "{length}");
        }
    }

    #[test]
    fn a_changed_entry_costs_no_other() {
        let scratch = Scratch::new();
        let mut journal = Journal::empty(&scratch.0);
        for seq in 0..3 {
            journal.append(&heard(seq)).unwrap();
        }
        let whole = std::fs::read(journal.file()).unwrap();
        for at in HEAD.len()..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            std::fs::write(journal.file(), changed).unwrap();
            assert_eq!(reread(&scratch.0).len(), 2, "{at}");
        }
    }

    #[test]
    fn another_file_is_told_from_a_newer_one() {
        let scratch = Scratch::new();
        let file = scratch.0.join(KIND);
        std::fs::write(&file, "lsnp journal 2\nrest").unwrap();
        assert_eq!(Journal::open(&scratch.0).unwrap_err(), Fault::Newer(2));
        for text in ["garbage", "lsnp journal x\n", "lsnp contacts 1\n"] {
            std::fs::write(&file, text).unwrap();
            assert!(matches!(Journal::open(&scratch.0), Err(Fault::Broken(_))), "{text}");
        }
    }

    #[test]
    fn what_was_rotated_comes_first() {
        let scratch = Scratch::new();
        let mut journal = Journal::empty(&scratch.0);
        journal.append(&heard(1)).unwrap();
        let old = journal.rotate().unwrap();
        journal.append(&heard(2)).unwrap();
        let (again, entries) = Journal::open(&scratch.0).unwrap();
        assert_eq!((again.was_rotated(), entries), (true, vec![heard(1), heard(2)]));
        assert!(journal.rotate().is_err(), "nothing is lost");
        fs::remove_file(old).unwrap();
        assert_eq!(reread(&scratch.0), [heard(2)]);
        journal.rotate().unwrap();
        journal.clear().unwrap();
        assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 0);
    }

    #[test]
    fn it_has_an_end() {
        let scratch = Scratch::new();
        let mut journal = Journal::empty(&scratch.0);
        journal.append(&heard(1)).unwrap();
        journal.length = LONGEST + 1;
        assert!(journal.append(&heard(2)).is_err());
    }
}

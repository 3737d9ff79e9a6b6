//! What the engine wants kept over a restart, in the profile's folder.
//!
//! | File | What it holds | Written |
//! |---|---|---|
//! | `sequence` | the first number for SEQ that no run has reserved | before the numbers are used, to the disk |
//! | `prekeys` | our prekeys with their secrets | when they change, to the disk |
//! | `posted` | where our posts are | before each post |
//! | `journal` | what became known of others | at once, one small write each |
//! | `contacts` | all known of others, whole | when the journal gets long |
//! | `journal.old` | a journal whose content is on its way to `contacts` | then |

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::engine::{Archive, Contact, Kept, LEASE, OwnPrekey, Posted, Record};
use crate::wire::PublicKey;

use super::files;
use super::journal::{Entry, Journal};
use super::stored::{Fault, Stored};
use super::{Notice, StartError};

/// The contacts are written whole when the journal is longer, bytes.
const JOURNAL_LONG: u64 = 256 << 10;

/// What became of the last work in the background.
const DONE: u8 = 0;
const RUNNING: u8 = 1;
const FAILED: u8 = 2;

/// Largest files that are read, bytes: 4,096 contacts, and a handful of prekeys.
const CONTACTS_MAX: u64 = 8 << 20;
const SMALL_MAX: u64 = 16 << 10;

/// Keeps what the engine says; nothing without a folder.
#[derive(Debug)]
pub(super) struct Keeper {
    files: Option<Files>,
    /// Whose posts and prekeys they are.
    key: PublicKey,
    contacts: BTreeMap<PublicKey, Contact>,
    waiting: Waiting,
    background: Arc<AtomicU8>,
    /// The user was told that something cannot be kept.
    told: bool,
}

#[derive(Debug)]
struct Files {
    sequence: Stored,
    prekeys: Stored,
    posted: Stored,
    contacts: Stored,
    journal: Journal,
}

/// What is not in its file yet.
#[derive(Debug, Default)]
struct Waiting {
    lease: Option<u64>,
    prekeys: Option<(PublicKey, Vec<OwnPrekey>)>,
    posted: Option<(PublicKey, Posted)>,
    /// The journal could not take something.
    contacts: bool,
    /// The journal is long.
    long: bool,
    /// The journal is not on the disk.
    sync: bool,
}

impl Keeper {
    /// Reads what earlier runs left, and reserves numbers for SEQ. What cannot be understood is set aside.
    ///
    /// # Errors
    /// [`StartError::Newer`]; nothing was changed.
    pub(super) fn open(folder: Option<&Path>, key: PublicKey) -> Result<(Self, Kept, Vec<Notice>), StartError> {
        let mut keeper = Self {
            files: None,
            key,
            contacts: BTreeMap::new(),
            waiting: Waiting::default(),
            background: Arc::new(AtomicU8::new(DONE)),
            told: false,
        };
        let Some(folder) = folder else {
            return Ok((keeper, Kept { leased: 1..1 + LEASE, ..Kept::default() }, Vec::new()));
        };
        let stored = |kind, max| Stored::new(folder, kind, max);
        let sequence = stored("sequence", SMALL_MAX);
        let prekeys = stored("prekeys", SMALL_MAX);
        let posted = stored("posted", SMALL_MAX);
        let contacts = stored("contacts", CONTACTS_MAX);
        // All are read before any is changed: a file of a newer version leaves all as they are.
        let next = read::<u64>(&sequence)?;
        let own_prekeys = read::<(PublicKey, Vec<OwnPrekey>)>(&prekeys)?;
        let own_posts = read::<(PublicKey, Posted)>(&posted)?;
        let known = read::<Vec<Contact>>(&contacts)?;
        let journal = match Journal::open(folder) {
            Err(Fault::Newer(version)) => {
                return Err(StartError::Newer { file: Journal::empty(folder).file().to_owned(), version });
            }
            opened => opened.map_err(|fault| fault.to_string()),
        };

        let mut notices = Vec::new();
        let mut aside = |file: &Path, reason, lost| notices.push(set_aside(file, reason, lost));
        let next = next.unwrap_or_else(|reason| {
            aside(&sequence.file, reason, "others may ask once more whether it is you");
            None
        });
        let own_prekeys = own_prekeys.unwrap_or_else(|reason| {
            aside(&prekeys.file, reason, "messages that are on their way may not be readable");
            None
        });
        let own_posts = own_posts.unwrap_or_else(|reason| {
            aside(&posted.file, reason, "others see that your posts begin anew");
            None
        });
        let known = known.unwrap_or_else(|reason| {
            aside(&contacts.file, reason, "whom you verified, trusted, blocked or muted is not known");
            None
        });
        let (journal, entries) = journal.unwrap_or_else(|reason| {
            let journal = Journal::empty(folder);
            aside(journal.file(), reason, "the newest of whom you know is lost");
            (journal, Vec::new())
        });

        keeper.contacts = known.into_iter().flatten().map(|contact| (contact.key, contact)).collect();
        for entry in entries {
            fold(&mut keeper.contacts, entry);
        }
        let first = next.unwrap_or(1).max(1);
        let until = first.saturating_add(LEASE);
        keeper.waiting.lease = Some(until);
        keeper.waiting.contacts = journal.was_rotated() || journal.length() > JOURNAL_LONG;
        keeper.files = Some(Files { sequence, prekeys, posted, contacts, journal });
        notices.extend(keeper.write());
        let ours = |owner: &PublicKey| *owner == key;
        let kept = Kept {
            leased: first..until,
            prekeys: own_prekeys.filter(|(owner, _)| ours(owner)).map(|(_, prekeys)| prekeys).unwrap_or_default(),
            posted: own_posts.filter(|(owner, _)| ours(owner)).map(|(_, posted)| posted).unwrap_or_default(),
            contacts: keeper.contacts.values().cloned().collect(),
            archive: Archive::default(),
        };
        Ok((keeper, kept, notices))
    }

    /// Keeps one thing. What must be in its file before anything more is sent is there on return. A notice tells the
    /// first failure; what could not be kept is tried again by [`Keeper::write`].
    pub(super) fn keep(&mut self, record: Record) -> Option<Notice> {
        let files = self.files.as_mut()?;
        let entry = match record {
            Record::Path { .. } => return None,
            Record::Lease(until) => {
                self.waiting.lease = Some(until);
                return self.write_small();
            }
            Record::Prekeys(prekeys) => {
                self.waiting.prekeys = Some((self.key, prekeys));
                return self.write_small();
            }
            Record::Posted(posted) => {
                self.waiting.posted = Some((self.key, posted));
                return self.write_small();
            }
            Record::Contact(contact) => Entry::Contact(contact),
            Record::Forgotten(key) => Entry::Forgotten(key),
            Record::Heard { key, sid, seq } => Entry::Heard { key, sid, seq },
        };
        let appended = files.journal.append(&entry);
        self.waiting.sync |= !matches!(entry, Entry::Heard { .. });
        fold(&mut self.contacts, entry);
        match appended {
            Ok(()) => {
                self.waiting.long |= files.journal.length() > JOURNAL_LONG;
                None
            }
            Err(error) => {
                self.waiting.contacts = true;
                let file = files.journal.file().to_owned();
                self.tell(Err((file, error)))
            }
        }
    }

    /// True when [`Keeper::write`] or [`Keeper::in_background`] has something to do.
    pub(super) fn is_waiting(&self) -> bool {
        let Waiting { lease, prekeys, posted, contacts, long, sync } = &self.waiting;
        let small = lease.is_some() || prekeys.is_some() || posted.is_some();
        small || *contacts || *long || *sync || self.background.load(Ordering::Acquire) != DONE
    }

    /// Writes what could not be written before.
    pub(super) fn write(&mut self) -> Option<Notice> {
        if self.background.compare_exchange(FAILED, DONE, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            self.waiting.contacts = true;
        }
        let small = self.write_small();
        let idle = self.background.load(Ordering::Acquire) == DONE;
        let contacts = if self.waiting.contacts && idle { self.write_contacts() } else { None };
        small.or(contacts)
    }

    /// What is to be done where nobody waits for the disk. Cut short, it is done at the next start.
    pub(super) fn in_background(&mut self) -> Option<Box<dyn FnOnce() + Send>> {
        let files = self.files.as_mut()?;
        if self.background.load(Ordering::Acquire) != DONE {
            return None;
        }
        if std::mem::take(&mut self.waiting.long) {
            let all: Vec<&Contact> = self.contacts.values().collect();
            let begun = files.contacts.encoded(&all).and_then(|bytes| Ok((bytes, files.journal.rotate()?)));
            let Ok((bytes, old)) = begun else {
                self.waiting.contacts = true;
                return None;
            };
            self.waiting.sync = false;
            self.background.store(RUNNING, Ordering::Release);
            let (background, file) = (Arc::clone(&self.background), files.contacts.file.clone());
            return Some(Box::new(move || {
                let written = files::write_durably(&file, &bytes).and_then(|()| files::remove(&old));
                background.store(if written.is_ok() { DONE } else { FAILED }, Ordering::Release);
            }));
        }
        if !std::mem::take(&mut self.waiting.sync) {
            return None;
        }
        let journal = files.journal.to_sync().ok()??;
        // After a failure the system holds it all the same.
        Some(Box::new(move || drop(journal.sync_data())))
    }

    fn write_small(&mut self) -> Option<Notice> {
        let written = self.try_write_small();
        self.tell(written)
    }

    fn try_write_small(&mut self) -> Result<(), (PathBuf, io::Error)> {
        let Some(files) = &self.files else { return Ok(()) };
        let Waiting { lease, prekeys, posted, .. } = &mut self.waiting;
        // All are tried, whatever becomes of the first.
        let written = [
            write_waiting(&files.sequence, lease, true),
            write_waiting(&files.posted, posted, false),
            write_waiting(&files.prekeys, prekeys, true),
        ];
        written.into_iter().collect()
    }

    fn write_contacts(&mut self) -> Option<Notice> {
        let written = self.try_write_contacts();
        self.waiting.contacts = written.is_err();
        self.tell(written)
    }

    fn try_write_contacts(&mut self) -> Result<(), (PathBuf, io::Error)> {
        let Some(files) = &mut self.files else { return Ok(()) };
        let all: Vec<&Contact> = self.contacts.values().collect();
        files.contacts.write(&all, true).map_err(|error| (files.contacts.file.clone(), error))?;
        (self.waiting.sync, self.waiting.long) = (false, false);
        // Cut short between the two, the next start does what the journal says once more: the outcome is the same.
        files.journal.clear().map_err(|error| (files.journal.file().to_owned(), error))
    }

    /// Has the user told of the first of several failures.
    fn tell(&mut self, written: Result<(), (PathBuf, io::Error)>) -> Option<Notice> {
        match written {
            Ok(()) => {
                self.told = self.told && self.is_waiting();
                None
            }
            Err((file, error)) => {
                tracing::warn!(file = %file.display(), %error, "not kept");
                let first = !std::mem::replace(&mut self.told, true);
                first.then(|| Notice::NotKept { file, reason: error.to_string() })
            }
        }
    }
}

fn write_waiting<T: Serialize>(
    stored: &Stored,
    waiting: &mut Option<T>,
    durably: bool,
) -> Result<(), (PathBuf, io::Error)> {
    if let Some(content) = waiting {
        stored.write(content, durably).map_err(|error| (stored.file.clone(), error))?;
        *waiting = None;
    }
    Ok(())
}

/// The content; the inner error is the reason why it must be set aside.
fn read<T: DeserializeOwned>(stored: &Stored) -> Result<Result<Option<T>, String>, StartError> {
    match stored.read() {
        Ok(content) => Ok(Ok(content)),
        Err(Fault::Newer(version)) => Err(StartError::Newer { file: stored.file.clone(), version }),
        Err(Fault::Broken(reason)) => Ok(Err(reason)),
    }
}

fn set_aside(file: &Path, reason: String, lost: &'static str) -> Notice {
    match files::set_aside(file) {
        Ok(aside) => Notice::SetAside { file: file.to_owned(), aside, reason, lost },
        Err(error) => Notice::NotKept { file: file.to_owned(), reason: format!("{reason}; {error}") },
    }
}

/// Takes what became known into what is known.
fn fold(contacts: &mut BTreeMap<PublicKey, Contact>, entry: Entry) {
    match entry {
        Entry::Contact(contact) => drop(contacts.insert(contact.key, *contact)),
        Entry::Forgotten(key) => drop(contacts.remove(&key)),
        Entry::Heard { key, sid, seq } => {
            if let Some(contact) = contacts.get_mut(&key) {
                contact.heard(sid, seq);
            }
        }
    }
}

#[cfg(test)]
mod tests;

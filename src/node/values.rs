//! The values of the cache: files named by what is in them, and the streams that bring them from others.
//!
//! A file is written whole or not at all and checked each time it is read. It need not survive a power cut: what is lost
//! is a miss.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;

#[cfg(not(feature = "streams"))]
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::data::cache::{VALUE_MAX, ValueHash, Work, Worked};
use crate::engine::Secret;

use super::files;
#[cfg(feature = "streams")]
use super::streams::Streams;

/// Does what the cache wants done with values, beside the task that asks for it.
#[derive(Debug)]
pub struct Values {
    queue: mpsc::Sender<Work>,
    #[cfg(feature = "streams")]
    streams: Option<Streams>,
    #[cfg(not(feature = "streams"))]
    done: UnboundedSender<Worked>,
}

impl Values {
    /// Opens the folder, or keeps values in memory when there is none; at most so many bytes in all. With an identity, and
    /// where it is built in, values come from others by streams and go to them. Each [`Work`] is answered in the channel.
    ///
    /// # Errors
    /// The folder cannot be made or read, or a thread cannot be started. That streams cannot be opened is no error: see
    /// [`Values::port`].
    pub fn open(
        folder: Option<&Path>,
        bound: u64,
        identity: Option<&Secret>,
    ) -> io::Result<(Self, UnboundedReceiver<Worked>)> {
        let files = Arc::new(Files::open(folder, bound)?);
        let (done, worked) = unbounded_channel();
        let (queue, works) = mpsc::channel();
        #[cfg(feature = "streams")]
        let streams = identity.and_then(|identity| {
            let started = Streams::start(identity, Arc::clone(&files), done.clone());
            started.inspect_err(|error| tracing::warn!(%error, "values travel without streams")).ok()
        });
        #[cfg(not(feature = "streams"))]
        let _ = identity;
        #[cfg(feature = "streams")]
        let told = done;
        #[cfg(not(feature = "streams"))]
        let told = done.clone();
        thread::Builder::new().name("values".to_owned()).spawn(move || {
            for work in works {
                if let Some(worked) = files.work(work) {
                    // Nobody listens at the end.
                    let _ = told.send(worked);
                }
            }
        })?;
        #[cfg(feature = "streams")]
        let values = Self { queue, streams };
        #[cfg(not(feature = "streams"))]
        let values = Self { queue, done };
        Ok((values, worked))
    }

    /// The port at which others can fetch values from us; none without streams.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        #[cfg(feature = "streams")]
        return self.streams.as_ref().map(Streams::port);
        #[cfg(not(feature = "streams"))]
        return None;
    }

    /// Does it soon. Never waits.
    pub fn work(&self, work: Work) {
        match work {
            Work::Fetch { .. } | Work::Serve { .. } => self.stream(work),
            Work::Write { .. } | Work::Read { .. } | Work::Drop { .. } | Work::Only { .. } => {
                // The thread ends after us.
                let _ = self.queue.send(work);
            }
        }
    }

    #[cfg(feature = "streams")]
    fn stream(&self, work: Work) {
        if let Some(streams) = &self.streams {
            streams.work(work);
        }
    }

    #[cfg(not(feature = "streams"))]
    fn stream(&self, work: Work) {
        if let Work::Fetch { job, .. } = work {
            let _ = self.done.send(Worked::Fetched(job, Err(false)));
        }
    }
}

/// Values by their names.
#[derive(Debug)]
pub(super) struct Files {
    folder: Option<PathBuf>,
    bound: u64,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    sizes: BTreeMap<ValueHash, u64>,
    total: u64,
    /// The values themselves, where there is no folder.
    memory: BTreeMap<ValueHash, Arc<[u8]>>,
}

impl Shelf {
    fn add(&mut self, hash: ValueHash, size: u64) {
        self.total += size;
        self.total -= self.sizes.insert(hash, size).unwrap_or(0);
    }

    fn remove(&mut self, hash: &ValueHash) {
        self.total -= self.sizes.remove(hash).unwrap_or(0);
        self.memory.remove(hash);
    }
}

impl Files {
    pub(super) fn open(folder: Option<&Path>, bound: u64) -> io::Result<Self> {
        let mut shelf = Shelf::default();
        if let Some(folder) = folder {
            files::make_folder(folder)?;
            for part in fs::read_dir(folder)?.flatten() {
                if part.file_type().is_ok_and(|kind| kind.is_dir()) {
                    scan(&part.path(), &mut shelf)?;
                }
            }
        }
        Ok(Self { folder: folder.map(Path::to_owned), bound, shelf: Mutex::new(shelf) })
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, work: Work) -> Option<Worked> {
        match work {
            Work::Write { job, hash, value } => {
                let written = self.write(hash, &value);
                if let Err(error) = &written {
                    tracing::warn!(%error, "a value of the cache was not written");
                }
                Some(Worked::Written(job, written.is_ok()))
            }
            Work::Read { job, hash } => Some(Worked::Read(job, self.read(&hash))),
            Work::Drop { hash } => {
                self.remove(&hash);
                None
            }
            Work::Only { mut hashes } => {
                hashes.sort_unstable();
                let all: Vec<ValueHash> = self.shelf().sizes.keys().copied().collect();
                all.iter().filter(|hash| hashes.binary_search(hash).is_err()).for_each(|hash| self.remove(hash));
                None
            }
            Work::Fetch { job, .. } => Some(Worked::Fetched(job, Err(false))),
            Work::Serve { .. } => None,
        }
    }

    fn path(&self, hash: &ValueHash) -> Option<PathBuf> {
        let name = hash.to_string();
        Some(self.folder.as_ref()?.join(&name[..2]).join(name))
    }

    pub(super) fn write(&self, hash: ValueHash, value: &Arc<[u8]>) -> io::Result<()> {
        let size = value.len() as u64;
        let mut shelf = self.shelf();
        let other = shelf.sizes.get(&hash).copied().unwrap_or(0);
        if value.len() > VALUE_MAX || shelf.total - other + size > self.bound {
            return Err(io::Error::other("there is no room for it"));
        }
        shelf.add(hash, size);
        let Some(path) = self.path(&hash) else {
            shelf.memory.insert(hash, Arc::clone(value));
            return Ok(());
        };
        drop(shelf);
        let written = path.parent().map_or(Ok(()), files::make_folder).and_then(|()| files::write(&path, value));
        if written.is_err() {
            self.remove(&hash);
        }
        written
    }

    /// A value; none when it is not there, or is not what it is named by. Then it is gone.
    pub(super) fn read(&self, hash: &ValueHash) -> Option<Arc<[u8]>> {
        let value = match self.path(hash) {
            None => self.shelf().memory.get(hash).cloned(),
            Some(path) => files::read(&path, VALUE_MAX as u64).ok().flatten().map(Arc::from),
        };
        let good = value.filter(|value| ValueHash::of(value) == *hash);
        if good.is_none() {
            self.remove(hash);
        }
        good
    }

    fn remove(&self, hash: &ValueHash) {
        self.shelf().remove(hash);
        if let Some(path) = self.path(hash) {
            // What stays is found at the next start.
            let _ = files::remove(&path);
        }
    }
}

/// Takes note of the values in a folder, and removes what is none.
fn scan(folder: &Path, shelf: &mut Shelf) -> io::Result<()> {
    for file in fs::read_dir(folder)?.flatten() {
        let hash = file.file_name().to_str().and_then(ValueHash::parse);
        let found = file.metadata().ok().filter(|found| found.is_file() && found.len() <= VALUE_MAX as u64);
        match hash.zip(found) {
            Some((hash, found)) => shelf.add(hash, found.len()),
            None => files::remove(&file.path()).unwrap_or(()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Job;
    use crate::node::files::Scratch;

    fn value(text: &str) -> (ValueHash, Arc<[u8]>) {
        (ValueHash::of(text.as_bytes()), text.as_bytes().into())
    }

    #[test]
    fn what_is_written_is_read_also_by_the_next_run() {
        let scratch = Scratch::new();
        let folder = scratch.0.join("cache");
        let (one, bytes) = value("one");
        let files = Files::open(Some(&folder), 10).unwrap();
        files.write(one, &bytes).unwrap();
        assert_eq!(files.read(&one), Some(Arc::clone(&bytes)));
        let remains = folder.join(&one.to_string()[..2]).join("remains.new");
        fs::write(&remains, "x").unwrap();
        let files = Files::open(Some(&folder), 10).unwrap();
        assert!(!remains.exists());
        assert_eq!((files.read(&one), files.shelf().total), (Some(bytes), 3));
        let (other, bytes) = value("another");
        files.write(other, &bytes).unwrap();
        assert_eq!(files.shelf().total, 10);
        let (much, bytes) = value("x");
        assert!(files.write(much, &bytes).is_err(), "there is no room");
        files.work(Work::Only { hashes: vec![other] });
        assert_eq!((files.read(&one), files.shelf().total), (None, 7));
        files.work(Work::Drop { hash: other });
        assert_eq!((files.read(&other), files.shelf().total), (None, 0));
    }

    #[test]
    fn without_a_folder_values_are_in_memory() {
        let files = Files::open(None, 3).unwrap();
        let (one, bytes) = value("one");
        assert_eq!(files.read(&one), None);
        files.write(one, &bytes).unwrap();
        assert_eq!(files.read(&one), Some(bytes));
        files.work(Work::Drop { hash: one });
        assert_eq!(files.read(&one), None);
    }

    #[test]
    fn a_value_that_was_changed_on_the_disk_is_never_served() {
        let scratch = Scratch::new();
        let files = Files::open(Some(&scratch.0.join("cache")), 1 << 20).unwrap();
        let bytes: Arc<[u8]> = (0..200).collect::<Vec<u8>>().into();
        let hash = ValueHash::of(&bytes);
        let path = files.path(&hash).unwrap();
        for turn in 0..5_000_usize {
            files.write(hash, &bytes).unwrap();
            let mut spoilt = bytes.to_vec();
            match turn % 4 {
                0 | 1 => spoilt[turn / 8 % 200] ^= 1 << (turn % 8),
                2 => spoilt.truncate(turn % 200),
                _ => spoilt.extend_from_slice(&bytes[..=turn % 200]),
            }
            fs::write(&path, &spoilt).unwrap();
            assert_eq!(files.read(&hash), None, "turn {turn}");
            assert!(!path.exists(), "it is gone");
        }
    }

    #[cfg(unix)]
    #[test]
    fn values_are_closed_to_other_users() {
        use std::os::unix::fs::MetadataExt;

        let scratch = Scratch::new();
        let folder = scratch.0.join("cache");
        let files = Files::open(Some(&folder), 10).unwrap();
        let (one, bytes) = value("one");
        files.write(one, &bytes).unwrap();
        let path = files.path(&one).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::metadata(folder).unwrap().mode() & 0o777, 0o700);
    }

    #[tokio::test]
    async fn each_work_is_answered() {
        let (values, mut worked) = Values::open(None, 1 << 20, None).unwrap();
        let (hash, bytes) = value("one");
        assert_eq!(values.port(), None);
        values.work(Work::Write { job: Job(1), hash, value: Arc::clone(&bytes) });
        assert_eq!(worked.recv().await, Some(Worked::Written(Job(1), true)));
        values.work(Work::Read { job: Job(2), hash });
        assert_eq!(worked.recv().await, Some(Worked::Read(Job(2), Some(bytes))));
        values.work(Work::Drop { hash });
        values.work(Work::Read { job: Job(3), hash });
        assert_eq!(worked.recv().await, Some(Worked::Read(Job(3), None)));
    }
}

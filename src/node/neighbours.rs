//! Peers of this user on this host, which find each other by a small file each, even where nothing can be broadcast.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use etcetera::BaseStrategy;
use serde::{Deserialize, Serialize};

use super::files;

/// Most files that are looked at.
const MOST: usize = 64;

/// Largest file that is read, bytes.
const FILE_MAX: u64 = 4096;

/// What a running peer tells its neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its process id.
    pub pid: u32,
    /// Its id, a label.
    pub id: String,
    /// The port of its unicast socket.
    pub port: u16,
    /// The port that it listens on for announcements. Peers of another one are strangers.
    pub discovery_port: u16,
}

impl Neighbour {
    /// Where it is reached.
    #[must_use]
    pub fn address(&self) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.port)
    }
}

/// The folder where running peers of this user meet: `$XDG_RUNTIME_DIR/lsnp`, else `lsnp-<user>` in the system's
/// folder for temporary files.
#[must_use]
pub fn runtime_folder() -> PathBuf {
    let native = etcetera::choose_base_strategy().ok().and_then(|strategy| strategy.runtime_dir());
    if let Some(folder) = native.filter(|folder| folder.is_dir()) {
        return folder.join("lsnp");
    }
    #[cfg(unix)]
    let user = rustix::process::geteuid().as_raw();
    #[cfg(not(unix))]
    let user = super::login_name().as_str().to_owned();
    std::env::temp_dir().join(format!("lsnp-{user}"))
}

/// The running peers of this user on this host that listen on this discovery port, by process id. Files of peers that
/// are gone are removed.
///
/// # Errors
/// What the system says: the folder is not there, or it is not ours alone.
pub fn neighbours(folder: &Path, discovery_port: u16) -> io::Result<Vec<Neighbour>> {
    files::make_folder(folder)?;
    let mut found: Vec<Neighbour> = Vec::new();
    for entry in fs::read_dir(folder)?.flatten().take(MOST) {
        let file = entry.path();
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        if is_stale(&file) {
            // Another peer may have removed it a moment before.
            let _ = fs::remove_file(&file);
        } else if let Some(neighbour) = read(&file) {
            found.push(neighbour);
        }
    }
    found.retain(|neighbour| neighbour.discovery_port == discovery_port && neighbour.port >= 1024);
    found.sort_by_key(|neighbour| (neighbour.pid, neighbour.port));
    Ok(found)
}

fn read(file: &Path) -> Option<Neighbour> {
    let bytes = files::read(file, FILE_MAX).ok()??;
    toml::from_str(std::str::from_utf8(&bytes).ok()?).ok()
}

/// A running peer holds a lock on its file, which ends with the process, however that ends.
#[cfg(unix)]
fn is_stale(file: &Path) -> bool {
    File::open(file).is_ok_and(|opened| opened.try_lock_shared().is_ok())
}

/// A lock would keep others from reading here; a file of yesterday is of a peer that was cut short.
#[cfg(not(unix))]
fn is_stale(file: &Path) -> bool {
    let written = fs::metadata(file).and_then(|found| found.modified()).ok();
    let age = written
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .map(|at| super::unix_now().saturating_sub(at));
    age.is_none_or(|age| age > std::time::Duration::from_secs(86_400))
}

/// Our own file, there until this is dropped.
#[derive(Debug)]
pub(super) struct Presence {
    file: PathBuf,
    opened: File,
    told: Neighbour,
}

impl Presence {
    /// Tells the neighbours that we are here.
    pub(super) fn tell(folder: &Path, told: Neighbour, seed: [u8; 32]) -> io::Result<Self> {
        files::make_folder(folder)?;
        let file = folder.join(format!("{}-{}.toml", told.pid, HEXLOWER.encode(&seed[..8])));
        let hidden = files::with_suffix(&file, ".new");
        let opened = files::private().create_new(true).open(&hidden)?;
        #[cfg(unix)]
        opened.try_lock()?;
        let mut presence = Self { file, opened, told };
        presence.write()?;
        // Seen by others only when it is whole and locked.
        fs::rename(&hidden, &presence.file)?;
        Ok(presence)
    }

    /// Tells them our new id.
    pub(super) fn rename(&mut self, id: &str) -> io::Result<()> {
        self.told.id = id.to_owned();
        self.write()
    }

    /// Tells them our new port.
    pub(super) fn move_to(&mut self, port: u16) -> io::Result<()> {
        self.told.port = port;
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        let text = toml::to_string(&self.told).map_err(io::Error::other)?;
        self.opened.rewind()?;
        self.opened.write_all(text.as_bytes())?;
        self.opened.set_len(text.len() as u64)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // What is left over is removed by the next peer that starts.
        let _ = fs::remove_file(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::files::Scratch;

    fn alice() -> Neighbour {
        Neighbour { pid: 7, id: "alice@127.0.0.1".to_owned(), port: 8123, discovery_port: 50999 }
    }

    #[test]
    fn a_running_peer_is_found_until_it_ends() {
        let scratch = Scratch::new();
        let folder = scratch.0.join("lsnp");
        let mut presence = Presence::tell(&folder, alice(), [1; 32]).unwrap();
        assert_eq!(neighbours(&folder, 50999).unwrap(), [alice()]);
        assert_eq!(neighbours(&folder, 50998).unwrap(), [], "another discovery port");
        presence.rename("a@10.0.0.1").unwrap();
        assert_eq!(neighbours(&folder, 50999).unwrap()[0].id, "a@10.0.0.1");
        presence.move_to(9000).unwrap();
        assert_eq!(neighbours(&folder, 50999).unwrap()[0].port, 9000);
        drop(presence);
        assert_eq!(neighbours(&folder, 50999).unwrap(), []);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_of_a_peer_that_was_killed_is_removed() {
        let scratch = Scratch::new();
        let killed = scratch.0.join("8-0000.toml");
        fs::write(&killed, toml::to_string(&alice()).unwrap()).unwrap();
        assert_eq!(neighbours(&scratch.0, 50999).unwrap(), []);
        assert!(!killed.exists());
    }

    #[test]
    fn rubbish_is_passed_over() {
        let scratch = Scratch::new();
        let broken = scratch.0.join("9-0000.toml");
        fs::write(&broken, "port = 'x'").unwrap();
        let lock = File::open(&broken).unwrap();
        lock.lock().unwrap();
        fs::write(scratch.0.join("readme"), "not ours").unwrap();
        assert_eq!(neighbours(&scratch.0, 50999).unwrap(), []);
        assert!(scratch.0.join("readme").exists());
    }
}

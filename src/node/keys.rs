//! What makes a peer a signed one, and how a profile keeps it.

use std::io;
use std::path::{Path, PathBuf};

use rand::TryRng;
use rand::rngs::SysRng;
use serde::{Deserialize, Serialize};

use crate::crypto::{self, GroupKeyError, KeyPair};
use crate::engine::Secret;

use super::profile::{folder_name, state_folder};
use super::stored::{Fault, Stored};
use super::{Profile, ProfileError, ProfileNotice, clock, files, identity};

/// Largest file of a group's key that is read, bytes.
const GROUP_MAX: u64 = 1024;

/// What makes a peer a signed one.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The secret bytes of its identity.
    pub identity: Secret,
    /// The key of the closed group that it is in; see [`group_key`].
    pub group: Option<Secret>,
    /// The folder for what is kept with them; none to keep nothing. Two peers may not use one folder at the same time.
    pub folder: Option<PathBuf>,
}

/// The key of a group as it is kept: to work it out takes a good part of a second.
#[derive(Debug, Serialize, Deserialize)]
struct KnownGroup {
    salt: [u8; 32],
    /// Of the text, by which it is known again.
    hash: [u8; 32],
    key: Secret,
}

impl Keys {
    /// A new identity that is not kept.
    ///
    /// # Errors
    /// What the system says when it gives no random numbers.
    pub fn temporary() -> io::Result<Self> {
        Ok(Self { identity: new_secret()?, group: None, folder: None })
    }
}

/// The key of the closed group with this secret text, white space around it left out. It is kept in the folder, if there
/// is one, so that the next call is fast.
///
/// # Errors
/// [`GroupKeyError`] for an empty text, or when memory is short.
pub fn group_key(text: &str, folder: Option<&Path>) -> Result<Secret, GroupKeyError> {
    let text = text.trim();
    let stored = folder.map(|folder| Stored::new(folder, "group", GROUP_MAX));
    let known = stored.as_ref().map_or(Ok(None), Stored::read::<KnownGroup>);
    if let Ok(Some(known)) = &known
        && blake3::Hash::from(known.hash) == blake3::keyed_hash(&known.salt, text.as_bytes())
    {
        return Ok(known.key.clone());
    }
    let key = crypto::group_key(text)?;
    if let Some(stored) = stored.filter(|_| !matches!(known, Err(Fault::Newer(_))))
        && let Ok(salt) = clock::seed()
    {
        let hash = *blake3::keyed_hash(&salt, text.as_bytes()).as_bytes();
        if let Err(error) = stored.write(&KnownGroup { salt, hash, key: key.clone() }, true) {
            tracing::warn!(%error, "the key of the group is not kept, so the next start is slow, too");
        }
    }
    Ok(key)
}

impl Profile {
    /// The keys of this profile; the first time, a new identity is made and kept. A temporary one gives keys that are
    /// not kept.
    ///
    /// # Errors
    /// [`ProfileError::Identity`] for a file that is not right, and [`ProfileError::Random`].
    pub fn keys(&self) -> Result<(Keys, Vec<ProfileNotice>), ProfileError> {
        let temporary = || Keys::temporary().map_err(ProfileError::Random);
        let (Some(folder), Some(file)) = (self.folder(), self.file(identity::FILE)) else {
            return Ok((temporary()?, Vec::new()));
        };
        let mut notices = Vec::new();
        let identity = match identity::read(&file)? {
            Some(identity) => identity,
            None => {
                let identity = new_secret().map_err(ProfileError::Random)?;
                if let Err(error) = identity::create(&file, &identity) {
                    let reason = format!("{}: {error}", file.display());
                    notices.push(ProfileNotice::NotKept { reason });
                    return Ok((temporary()?, notices));
                }
                // It is written after the identity, so the identity was there.
                if folder.join("sequence").exists() {
                    notices.push(ProfileNotice::NewIdentity);
                }
                identity
            }
        };
        Ok((Keys { identity, group: None, folder: Some(folder.to_owned()) }, notices))
    }

    /// The identity of the profile of that name, by default the login name, with its file, whether a peer uses it or
    /// not; none when there is no identity yet.
    ///
    /// # Errors
    /// [`ProfileError::Name`], [`ProfileError::Identity`] and [`ProfileError::Folder`].
    pub fn identity_of(name: Option<&str>) -> Result<(PathBuf, Option<KeyPair>), ProfileError> {
        let file = Self::folder_of(name)?.join(identity::FILE);
        let identity = identity::read(&file)?;
        Ok((file, identity.map(|secret| KeyPair::new(&secret))))
    }

    /// The folder of the profile of that name, by default the login name, whether it is there or not.
    ///
    /// # Errors
    /// [`ProfileError::Name`] and [`ProfileError::Folder`].
    pub fn folder_of(name: Option<&str>) -> Result<PathBuf, ProfileError> {
        Ok(state_folder().map_err(ProfileError::Folder)?.join(folder_name(name)?))
    }

    /// Opens the profile of that name, by default the login name, and no other.
    ///
    /// # Errors
    /// [`ProfileError::InUse`], [`ProfileError::Name`] and [`ProfileError::Folder`].
    pub fn open_only(name: Option<&str>) -> Result<Self, ProfileError> {
        let name = folder_name(name)?;
        let opened = state_folder().and_then(|state| Self::open_this(&state, &name));
        opened.map_err(ProfileError::Folder)?.map_err(|pid| ProfileError::InUse { profile: name, pid })
    }

    /// Makes this the identity of the profile. With `replace`, an earlier file is moved aside; returns where to.
    ///
    /// # Errors
    /// [`ProfileError::Write`]; the earlier identity is where it was. [`io::ErrorKind::AlreadyExists`] means that there
    /// is one and `replace` was not said.
    pub fn take_identity(&self, identity: &KeyPair, replace: bool) -> Result<Option<PathBuf>, ProfileError> {
        let Some(file) = self.file(identity::FILE) else { return Ok(None) };
        let write = || -> io::Result<Option<PathBuf>> {
            let there = std::fs::symlink_metadata(&file).is_ok();
            let aside = if replace && there { Some(files::move_aside(&file, ".old")?) } else { None };
            let created = identity::create(&file, &identity.secret());
            if let (Err(_), Some(aside)) = (&created, &aside) {
                std::fs::rename(aside, &file)?;
            }
            created.map(|()| aside)
        };
        write().map_err(|source| ProfileError::Write { file: file.clone(), source })
    }
}

/// Random bytes of the system, for [`crypto::export`] and the like.
///
/// # Errors
/// What the system says.
pub fn random_seed() -> io::Result<[u8; 32]> {
    clock::seed()
}

fn new_secret() -> io::Result<Secret> {
    let mut secret = Secret([0; 32]);
    SysRng.try_fill_bytes(&mut secret.0).map_err(io::Error::other)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::engine::Crypto;
    use crate::node::files::Scratch;

    fn profile(scratch: &Scratch) -> Profile {
        Profile::open_this(&scratch.0, "jack").unwrap().unwrap()
    }

    #[test]
    fn an_identity_is_made_once() {
        let scratch = Scratch::new();
        let (keys, notices) = profile(&scratch).keys().unwrap();
        assert!(notices.is_empty() && keys.folder == Some(scratch.0.join("jack")));
        let (again, notices) = profile(&scratch).keys().unwrap();
        assert_eq!((again.identity, notices), (keys.identity, Vec::new()));
        let others = [Profile::temporary().keys().unwrap(), Profile::temporary().keys().unwrap()];
        let [(first, _), (second, _)] = others;
        assert!(first.identity != second.identity && first.folder.is_none());
    }

    #[test]
    fn a_lost_identity_is_told() {
        let scratch = Scratch::new();
        let (keys, _) = profile(&scratch).keys().unwrap();
        fs::write(scratch.0.join("jack/sequence"), "").unwrap();
        fs::remove_file(scratch.0.join("jack/identity")).unwrap();
        let (other, notices) = profile(&scratch).keys().unwrap();
        assert!(other.identity != keys.identity);
        assert_eq!(notices, [ProfileNotice::NewIdentity]);
    }

    #[test]
    fn an_identity_that_is_not_right_is_an_error_and_stays() {
        let scratch = Scratch::new();
        let profile = profile(&scratch);
        let file = scratch.0.join("jack/identity");
        files::write(&file, b"garbage").unwrap();
        assert!(matches!(profile.keys(), Err(ProfileError::Identity(_))));
        assert_eq!(fs::read(file).unwrap(), b"garbage");
    }

    #[test]
    fn an_identity_is_replaced_only_when_that_is_said() {
        let scratch = Scratch::new();
        let profile = profile(&scratch);
        let pair = |byte| KeyPair::new(&Secret([byte; 32]));
        assert_eq!(profile.take_identity(&pair(1), false).unwrap(), None);
        assert!(profile.take_identity(&pair(2), false).is_err());
        assert_eq!(profile.keys().unwrap().0.identity, Secret([1; 32]));
        for (byte, aside) in [(2, "identity.old"), (3, "identity.old-2")] {
            let moved = profile.take_identity(&pair(byte), true).unwrap();
            assert_eq!(moved, Some(scratch.0.join("jack").join(aside)));
            let old = identity::read(&moved.unwrap()).unwrap().unwrap();
            assert_eq!(KeyPair::new(&old).public_key(), pair(byte - 1).public_key());
            assert_eq!(profile.keys().unwrap().0.identity, Secret([byte; 32]));
        }
    }

    #[test]
    fn the_key_of_a_group_is_worked_out_once() {
        let scratch = Scratch::new();
        let folder = Some(scratch.0.as_path());
        let key = group_key(" tea at five\n", folder).unwrap();
        assert_eq!(key, crypto::group_key("tea at five").unwrap());
        let file = scratch.0.join("group");
        let kept = fs::read(&file).unwrap();
        assert!(!kept.windows(3).any(|part| part == b"tea"), "the text is not kept");
        assert_eq!(group_key("tea at five", folder).unwrap(), key);
        assert_eq!(fs::read(&file).unwrap(), kept, "read, not written");

        let other = group_key("tea at six", folder).unwrap();
        assert!(other != key && fs::read(&file).unwrap() != kept);
        fs::write(&file, "garbage").unwrap();
        assert_eq!(group_key("tea at six", folder).unwrap(), other);
        fs::write(&file, "lsnp group 2\n").unwrap();
        assert_eq!(group_key("tea at six", folder).unwrap(), other);
        assert_eq!(fs::read(&file).unwrap(), b"lsnp group 2\n", "of a newer version");
        for empty in ["", " \n\t"] {
            assert!(group_key(empty, folder).is_err());
        }
    }
}

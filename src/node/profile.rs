//! What a user's peer keeps between two runs.

use std::path::{Path, PathBuf};

use crate::wire::Name;

/// What the user chose, kept in `profile.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The name in the id; none until the user was asked.
    pub name: Option<Name>,
    /// What the user wants to be called.
    pub display_name: Option<String>,
    /// A line about the user.
    pub status: Option<String>,
    /// The usual port of the unicast socket, picked once.
    pub port: Option<u16>,
}

/// The folder of one profile, locked while this lives.
#[derive(Debug)]
pub struct Profile {
    name: String,
    folder: Option<PathBuf>,
    settings: Settings,
}

/// What the user should know about the profile. Each can be shown as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileNotice {
    /// The profile is in use by another running peer, so the next free one was opened.
    #[error("profile {wanted} is in use by another peer; using {opened}")]
    InUse {
        /// The profile that was wanted.
        wanted: String,
        /// The one that was opened.
        opened: String,
    },
    /// A file could not be understood; it was set aside and the peer goes on without it.
    #[error("{} could not be read ({reason}); it was set aside as {}", file.display(), aside.display())]
    Broken {
        /// The file.
        file: PathBuf,
        /// Where it is kept.
        aside: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The folder cannot be used, so nothing is kept.
    #[error("nothing will be kept: {reason}")]
    NotKept {
        /// What the system says.
        reason: String,
    },
}

/// Why a profile was not opened or a change of it not kept; the files are as they were.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The name cannot be the name of a folder.
    #[error(
        "{0:?} cannot be the name of a profile: use 1 to 64 letters, digits, '-', '_' and '.', no '.' at the beginning"
    )]
    Name(String),
    /// A file could not be written.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

impl Profile {
    /// Opens the profile of that name, by default the login name; the next free one when it is in use.
    ///
    /// A folder that cannot be used gives a temporary profile and a notice.
    ///
    /// # Errors
    /// [`ProfileError::Name`].
    pub fn open(name: Option<&str>) -> Result<(Self, Vec<ProfileNotice>), ProfileError> {
        let _ = name;
        Ok((Self::temporary(), Vec::new()))
    }

    /// A profile that keeps nothing.
    #[must_use]
    pub fn temporary() -> Self {
        Self { name: String::new(), folder: None, settings: Settings::default() }
    }

    /// Its name; empty for a temporary one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder; none for a temporary one.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// What the user chose.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Changes what the user chose, and keeps it.
    ///
    /// # Errors
    /// [`ProfileError::Write`]; the change holds for this run.
    pub fn change(&mut self, change: impl FnOnce(&mut Settings)) -> Result<(), ProfileError> {
        change(&mut self.settings);
        Ok(())
    }

    /// The avatar, if there is one.
    #[must_use]
    pub fn avatar(&self) -> Option<Vec<u8>> {
        None
    }

    /// Keeps an avatar, or drops it.
    ///
    /// # Errors
    /// [`ProfileError::Write`].
    pub fn keep_avatar(&mut self, avatar: Option<&[u8]>) -> Result<(), ProfileError> {
        let _ = avatar;
        Ok(())
    }

    /// The file for [`Options::paths`](super::Options::paths); none for a temporary profile.
    #[must_use]
    pub fn paths_file(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join("paths"))
    }

    /// The file for the prompt's history; none for a temporary profile.
    #[must_use]
    pub fn history_file(&self) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join("history"))
    }
}

/// The login name as far as it can be a name, else `peer`.
#[must_use]
pub fn login_name() -> Name {
    todo!()
}

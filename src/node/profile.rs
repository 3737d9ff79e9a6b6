//! What a user's peer keeps between two runs: a folder, locked while the peer runs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::wire::{AvatarLabel, Name};

use super::settings::{self, Settings};
use super::{IdentityError, clock, files, socket};

/// Profiles of one name that can be in use at the same time.
const MOST: u32 = 99;

/// The file that is locked, with the process that locked it.
const LOCK: &str = "lock";

/// The file of the local API.
const API: &str = "api.toml";

/// Largest of the two that is read, bytes.
const SMALL: u64 = 4096;

/// The folder of one profile, locked while this lives.
#[derive(Debug)]
pub struct Profile {
    name: String,
    folder: Option<PathBuf>,
    settings: Settings,
    /// The lock ends with the file.
    _lock: Option<File>,
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
    #[error("nothing will be kept, and others see a new identity at every start: {reason}")]
    NotKept {
        /// What the system says.
        reason: String,
    },
    /// The profile was used before, and its identity is gone.
    #[error(
        "the identity of this profile is gone, and a new one was made: others are warned of a new key. If you have a \
         copy, end this peer and run: peer identity import FILE --replace"
    )]
    NewIdentity,
}

/// Why a profile was not opened or a change of it not kept; the files are as they were.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The name cannot be the name of a folder.
    #[error(
        "{0:?} cannot be the name of a profile: use 1 to 64 letters, digits, '-', '_' and '.', no '.' at either end"
    )]
    Name(String),
    /// A file could not be written.
    #[error("cannot write {}: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The identity in it is not right.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// A peer uses it.
    #[error("a peer{} uses the profile {profile}: end it first, or use another --profile", process(*pid))]
    InUse {
        /// The profile.
        profile: String,
        /// That peer's process, where it can be told.
        pid: Option<u32>,
    },
    /// The folder cannot be used.
    #[error("cannot use the profile: {0}")]
    Folder(#[source] io::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(#[source] io::Error),
}

impl Profile {
    /// Whether a profile can have this name.
    ///
    /// # Errors
    /// [`ProfileError::Name`].
    pub fn check_name(name: &str) -> Result<(), ProfileError> {
        folder_name(Some(name)).map(|_| ())
    }

    /// Opens the profile of that name and no other; without a name, that of the login, or the next free one when it is in
    /// use.
    ///
    /// A folder that cannot be used gives a temporary profile and a notice.
    ///
    /// # Errors
    /// [`ProfileError::Name`], and [`ProfileError::InUse`] of a profile that was named.
    pub fn open(name: Option<&str>) -> Result<(Self, Vec<ProfileNotice>), ProfileError> {
        let wanted = folder_name(name)?;
        let mut notices = Vec::new();
        let most = if name.is_some() { 1 } else { MOST };
        match state_folder().and_then(|state| Self::open_in(&state, &wanted, most, &mut notices)) {
            Ok(Ok(profile)) => Ok((profile, notices)),
            Ok(Err(pid)) if name.is_some() => Err(ProfileError::InUse { profile: wanted, pid }),
            Ok(Err(_)) => {
                let reason = format!("the profiles {wanted} to {wanted}-{MOST} are all in use");
                Ok((Self::temporary(), vec![ProfileNotice::NotKept { reason }]))
            }
            Err(error) => {
                notices.push(ProfileNotice::NotKept { reason: error.to_string() });
                Ok((Self::temporary(), notices))
            }
        }
    }

    /// The first of so many profiles of that name that is free; else the process that uses the last.
    fn open_in(
        state: &Path,
        wanted: &str,
        most: u32,
        notices: &mut Vec<ProfileNotice>,
    ) -> io::Result<Result<Self, Option<u32>>> {
        let mut user = None;
        for number in 1..=most {
            let name = if number == 1 { wanted.to_owned() } else { format!("{wanted}-{number}") };
            match Self::open_this(state, &name)? {
                Err(pid) => user = pid,
                Ok(mut profile) => {
                    if number > 1 {
                        notices.push(ProfileNotice::InUse { wanted: wanted.to_owned(), opened: name });
                    }
                    profile.load(notices);
                    return Ok(Ok(profile));
                }
            }
        }
        Ok(Err(user))
    }

    /// Opens the profile of that name and no other, without what the user chose; when it is in use, the process that uses
    /// it, where it can be told.
    pub(super) fn open_this(state: &Path, name: &str) -> io::Result<Result<Self, Option<u32>>> {
        Self::open_at(state.join(name), name)
    }

    fn open_at(folder: PathBuf, name: &str) -> io::Result<Result<Self, Option<u32>>> {
        files::make_folder(&folder).map_err(|error| about(&folder, &error))?;
        let lock = files::private().create(true).truncate(false).open(folder.join(LOCK));
        let mut lock = lock.map_err(|error| about(&folder, &error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(Err(user(&folder))),
            Err(fs::TryLockError::Error(error)) => return Err(about(&folder, &error)),
        }
        // For people only: a full disk does not keep a profile from being used.
        let _ = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        let settings = Settings::default();
        Ok(Ok(Self { name: name.to_owned(), folder: Some(folder), settings, _lock: Some(lock) }))
    }

    /// Opens this folder as a profile and no other; it is made when it is not there.
    ///
    /// # Errors
    /// [`ProfileError::InUse`] and [`ProfileError::Folder`].
    pub fn open_folder(folder: &Path) -> Result<(Self, Vec<ProfileNotice>), ProfileError> {
        let name = folder.display().to_string();
        let opened = Self::open_at(folder.to_owned(), &name).map_err(ProfileError::Folder)?;
        let mut profile = opened.map_err(|pid| ProfileError::InUse { profile: name, pid })?;
        let mut notices = Vec::new();
        profile.load(&mut notices);
        Ok((profile, notices))
    }

    fn load(&mut self, notices: &mut Vec<ProfileNotice>) {
        if let Some(file) = self.file(settings::FILE) {
            match settings::read(&file) {
                Ok(settings) => self.settings = settings,
                Err(reason) => notices.push(broken(file, reason)),
            }
        }
        if self.settings.port.is_none()
            && let Ok(seed) = clock::seed()
        {
            let port = Some(socket::pick_port(seed));
            // Not kept means that another port is picked at the next start.
            let _ = self.change(|settings| settings.port = port);
        }
        if let Some(file) = self.file("avatar")
            && let Err(error) = files::read(&file, AvatarLabel::MAX as u64)
        {
            notices.push(broken(file, error.to_string()));
        }
    }

    /// A profile that keeps nothing.
    #[must_use]
    pub fn temporary() -> Self {
        Self { name: String::new(), folder: None, settings: Settings::default(), _lock: None }
    }

    /// Its name; empty for a temporary one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its folder, which also holds its history; none for a temporary one.
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
        let Some(file) = self.file(settings::FILE) else { return Ok(()) };
        settings::write(&file, &self.settings).map_err(|source| ProfileError::Write { file, source })
    }

    /// The avatar, if there is one.
    #[must_use]
    pub fn avatar(&self) -> Option<Vec<u8>> {
        files::read(&self.file("avatar")?, AvatarLabel::MAX as u64).ok()?
    }

    /// Keeps an avatar, or drops it.
    ///
    /// # Errors
    /// [`ProfileError::Write`].
    pub fn keep_avatar(&mut self, avatar: Option<&[u8]>) -> Result<(), ProfileError> {
        let Some(file) = self.file("avatar") else { return Ok(()) };
        let kept = match avatar {
            Some(bytes) => files::write_durably(&file, bytes),
            None => files::remove(&file),
        };
        kept.map_err(|source| ProfileError::Write { file, source })
    }

    /// The file for [`Options::paths`](super::Options::paths); none for a temporary profile.
    #[must_use]
    pub fn paths_file(&self) -> Option<PathBuf> {
        self.file("paths")
    }

    /// The file for the prompt's history; none for a temporary profile.
    #[must_use]
    pub fn history_file(&self) -> Option<PathBuf> {
        self.file("history")
    }

    /// The file where the running peer tells how to reach its local API; none for a temporary profile.
    #[must_use]
    pub fn api_file(&self) -> Option<PathBuf> {
        self.file(API)
    }

    /// The same of the profile of that name, by default the login name, whether a peer uses it or not.
    ///
    /// # Errors
    /// [`ProfileError::Name`] and [`ProfileError::Folder`].
    pub fn api_file_of(name: Option<&str>) -> Result<PathBuf, ProfileError> {
        Ok(Self::folder_of(name)?.join(API))
    }

    pub(super) fn file(&self, name: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(name))
    }
}

/// The process that uses the profile in this folder, where it can be told: some systems let nobody read a locked file.
fn user(folder: &Path) -> Option<u32> {
    let text = |name| String::from_utf8(files::read(&folder.join(name), SMALL).ok()??).ok();
    let told = text(LOCK).and_then(|text| text.trim().parse().ok());
    told.or_else(|| text(API)?.parse::<toml::Table>().ok()?.get("pid")?.as_integer()?.try_into().ok())
}

fn process(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

fn about(folder: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", folder.display()))
}

fn broken(file: PathBuf, reason: String) -> ProfileNotice {
    match files::set_aside(&file) {
        Ok(aside) => ProfileNotice::Broken { file, aside, reason },
        Err(error) => ProfileNotice::NotKept { reason: format!("{}: {reason}; {error}", file.display()) },
    }
}

pub(super) fn state_folder() -> io::Result<PathBuf> {
    let strategy = etcetera::choose_base_strategy().map_err(io::Error::other)?;
    Ok(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("lsnp"))
}

/// The name of the folder for a profile of this name, by default the login name.
pub(super) fn folder_name(name: Option<&str>) -> Result<String, ProfileError> {
    match name {
        Some(name) if is_file_name(name) => Ok(name.to_owned()),
        Some(name) => Err(ProfileError::Name(name.to_owned())),
        None => Ok(file_name_of(login_name().as_str())),
    }
}

/// True for what every system takes as the name of a folder, and nothing that leads elsewhere.
fn is_file_name(name: &str) -> bool {
    const RESERVED: [&str; 4] = ["con", "prn", "aux", "nul"];
    let stem = name.split('.').next().unwrap_or_default().to_lowercase();
    let numbered = stem.len() == 4 && (stem.starts_with("com") || stem.starts_with("lpt"));
    (1..=64).contains(&name.chars().count())
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !RESERVED.contains(&stem.as_str())
        && !numbered
}

/// The name with every character replaced that a folder's name cannot hold.
fn file_name_of(name: &str) -> String {
    let fit: String = name.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect();
    if is_file_name(&fit) { fit } else { "peer".to_owned() }
}

/// The login name as far as it can be a name, else `peer`.
#[must_use]
pub fn login_name() -> Name {
    let told = ["LOGNAME", "USER", "USERNAME"].into_iter().filter_map(|key| std::env::var(key).ok());
    name_among(told.chain(account_name()))
}

fn name_among(texts: impl Iterator<Item = String>) -> Name {
    let fit = |text: String| {
        // A Windows login may be DOMAIN\name, one of a directory name@domain.
        let text = text.rsplit('\\').next().and_then(|text| text.split('@').next()).unwrap_or_default().to_owned();
        Name::new(&text)
            .or_else(|_| Name::new(&text.chars().filter(|c| c.is_alphanumeric()).take(32).collect::<String>()))
            .ok()
    };
    texts.filter_map(fit).chain(Name::new("peer")).next().unwrap_or_else(|| unreachable!("`peer` is a name"))
}

/// The name of our account in the system's own list.
#[cfg(unix)]
fn account_name() -> Option<String> {
    let user = rustix::process::geteuid().as_raw().to_string();
    let accounts = fs::read_to_string("/etc/passwd").ok()?;
    let mut lines = accounts.lines().map(|line| line.split(':'));
    lines.find_map(|mut line| {
        let name = line.next()?;
        (line.nth(1)? == user).then(|| name.to_owned())
    })
}

#[cfg(not(unix))]
fn account_name() -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::files::Scratch;

    fn open(scratch: &Scratch) -> (Profile, Vec<ProfileNotice>) {
        let mut notices = Vec::new();
        (Profile::open_in(&scratch.0, "jack", MOST, &mut notices).unwrap().unwrap(), notices)
    }

    #[test]
    fn what_the_user_chose_is_kept() {
        let scratch = Scratch::new();
        let (mut profile, notices) = open(&scratch);
        assert!(notices.is_empty() && profile.settings().name.is_none());
        let port = profile.settings().port.unwrap();
        profile
            .change(|settings| {
                settings.name = Some(Name::new("alice").unwrap());
                settings.status = Some("away".to_owned());
            })
            .unwrap();
        profile.keep_avatar(Some(b"\x89PNG\r\n\x1a\n")).unwrap();
        drop(profile);

        let (mut again, notices) = open(&scratch);
        assert!(notices.is_empty(), "{notices:?}");
        assert_eq!(again.settings().name.as_ref().map(Name::as_str), Some("alice"));
        assert_eq!(again.settings().status.as_deref(), Some("away"));
        assert_eq!(again.settings().port, Some(port), "picked once");
        assert_eq!(again.avatar().unwrap(), b"\x89PNG\r\n\x1a\n");
        again.keep_avatar(None).unwrap();
        again.keep_avatar(None).unwrap();
        assert_eq!(again.avatar(), None);
    }

    #[test]
    fn a_profile_in_use_opens_the_next_free_one() {
        let scratch = Scratch::new();
        let (first, _) = open(&scratch);
        let (second, notices) = open(&scratch);
        let (third, _) = open(&scratch);
        assert_eq!([first.name(), second.name(), third.name()], ["jack", "jack-2", "jack-3"]);
        assert_eq!(notices, [ProfileNotice::InUse { wanted: "jack".to_owned(), opened: "jack-2".to_owned() }]);
        drop(first);
        assert_eq!(open(&scratch).0.name(), "jack");
    }

    #[test]
    fn of_a_profile_that_was_named_the_user_is_told() {
        let scratch = Scratch::new();
        let (first, _) = open(&scratch);
        let again = || Profile::open_in(&scratch.0, "jack", 1, &mut Vec::new()).unwrap().map(|_| ());
        assert_eq!(again(), Err(Some(std::process::id())));
        let profile = "jack".to_owned();
        let told = ProfileError::InUse { profile: profile.clone(), pid: Some(7) }.to_string();
        assert_eq!(told, "a peer (process 7) uses the profile jack: end it first, or use another --profile");

        // Where nobody can read the lock.
        fs::write(scratch.0.join("jack/lock"), "").unwrap();
        assert_eq!(again(), Err(None));
        fs::write(first.api_file().unwrap(), "token = 'x'\npid = 4711\n").unwrap();
        assert_eq!(again(), Err(Some(4711)));
        drop(first);
        assert_eq!(again(), Ok(()));
        assert!(ProfileError::InUse { profile, pid: None }.to_string().starts_with("a peer uses the profile jack:"));
    }

    #[test]
    fn broken_files_are_set_aside() {
        let scratch = Scratch::new();
        let folder = scratch.0.join("jack");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("profile.toml"), "name = 'alice'\nport = 99999999\n").unwrap();
        fs::write(folder.join("avatar"), vec![0; 30_000]).unwrap();
        let (profile, notices) = open(&scratch);
        assert!(profile.settings().name.is_none() && profile.avatar().is_none());
        let aside = |notice| match notice {
            ProfileNotice::Broken { aside, .. } => Some(aside),
            ProfileNotice::InUse { .. } | ProfileNotice::NotKept { .. } | ProfileNotice::NewIdentity => None,
        };
        let files: Vec<PathBuf> = notices.into_iter().filter_map(aside).collect();
        assert_eq!(files, [folder.join("profile.toml.broken"), folder.join("avatar.broken")]);
        assert!(files.iter().all(|file| file.exists()));
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_an_error_and_no_panic() {
        let scratch = Scratch::new();
        let file = scratch.0.join("state");
        fs::write(&file, "").unwrap();
        let error = Profile::open_in(&file, "jack", MOST, &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("state"), "{error}");
    }

    #[test]
    fn only_safe_file_names_are_taken() {
        for name in ["jack", "a", "Jörg-2", "x.y_z"] {
            assert!(is_file_name(name), "{name}");
        }
        for name in ["", ".", "..", "a/b", "a\\b", ".hidden", "end.", "a b", "NUL", "com1.x", "a:b", "x\n"] {
            assert!(!is_file_name(name), "{name:?}");
            assert!(matches!(Profile::open(Some(name)), Err(ProfileError::Name(_))));
        }
        assert!(!is_file_name(&"x".repeat(65)));
        assert_eq!(file_name_of("jack x"), "jack_x");
        assert_eq!(file_name_of("con"), "peer");
    }

    #[test]
    fn a_login_becomes_a_name() {
        let named = |text: &str| name_among([text.to_owned()].into_iter()).as_str().to_owned();
        assert_eq!(named("jack"), "jack");
        assert_eq!(named("CORP\\jack"), "jack");
        assert_eq!(named("jack@corp.example"), "jack");
        assert_eq!(named("a:b"), "ab");
        assert_eq!(named(""), "peer");
        assert_eq!(named("::"), "peer");
    }
}

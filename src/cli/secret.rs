//! The secret of a closed group: where it comes from, and `peer secret`.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::crypto::new_group_secret;
use crate::engine::Secret;
use crate::node::{Profile, group_key, random_seed};

use super::args::{Options, SECRET, SecretArgs, SecretTask};
use super::host::sentence;
use super::screen;
use super::shown::{Shown, Tone};

/// Longest secret, bytes.
const LONGEST: u64 = 4096;

/// The secret text of a group.
#[derive(Debug)]
pub(super) struct Found {
    text: Zeroizing<String>,
    /// What the user should know about it.
    pub(super) warning: Option<String>,
}

impl Found {
    /// The key of the group, kept in the folder, if there is one. The error is for the user.
    pub(super) fn key(&self, folder: Option<&Path>) -> Result<Secret, String> {
        group_key(&self.text, folder).map_err(|error| sentence(&error.to_string()))
    }
}

/// The secret that the options or the environment give. The error is for the user, and does not hold the secret.
pub(super) fn of_group(options: &Options) -> Result<Option<Found>, String> {
    let found = match (&options.secret_file, std::env::var_os(SECRET)) {
        (Some(file), _) => {
            from_file(file).map_err(|why| format!("Cannot use the secret file {}: {why}", file.display()))?
        }
        (None, Some(text)) => {
            let text = text.into_string().map_err(|_| format!("{SECRET} is not UTF-8"))?;
            Found { text: Zeroizing::new(text), warning: None }
        }
        (None, None) => return Ok(None),
    };
    // To go on without would tell everyone what is meant for the group.
    if found.text.trim().is_empty() {
        return Err(match &options.secret_file {
            Some(file) => format!("The secret file {} is empty: make a secret with `peer secret new`", file.display()),
            None => format!("{SECRET} is set and empty: unset it, or give a secret; `peer secret new` makes one"),
        });
    }
    Ok(Some(found))
}

/// The folder that keeps the key of the group; none for who keeps nothing.
pub(super) fn kept_in(options: &Options) -> Option<PathBuf> {
    if options.temporary { None } else { Profile::folder_of(options.profile.as_deref()).ok() }
}

fn from_file(file: &Path) -> Result<Found, String> {
    let plain = |error: io::Error| error.to_string();
    let opened = File::open(file).map_err(plain)?;
    let about = opened.metadata().map_err(plain)?;
    if about.is_dir() {
        return Err("it is a folder".to_owned());
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(4097));
    opened.take(LONGEST + 1).read_to_end(&mut bytes).map_err(plain)?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let warning = is_open(&about).then(|| {
        format!("Other users of this computer can read the secret of your group: chmod 600 {}", file.display())
    });
    Ok(Found { text: Zeroizing::new(text.to_owned()), warning })
}

#[cfg(unix)]
fn is_open(about: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    about.is_file() && about.mode() & 0o044 != 0
}

#[cfg(not(unix))]
fn is_open(_: &std::fs::Metadata) -> bool {
    false
}

/// Runs `peer secret`; the exit status.
#[must_use]
pub fn run(args: &SecretArgs) -> u8 {
    match args.task {
        SecretTask::New => {}
    }
    let fail = |text: &str| {
        screen::complain(&Shown::line(false, &[(Tone::Plain, text)]));
        1
    };
    let seed = match random_seed() {
        Ok(seed) => Zeroizing::new(seed),
        Err(error) => return fail(&format!("The system gives no random numbers: {error}")),
    };
    let secret = Zeroizing::new(new_group_secret(*seed));
    screen::show(&secret).map_or_else(|text| fail(&text), |()| 0)
}

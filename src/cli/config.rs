//! The configuration file: options that hold at every start (docs/configuration.md).
//!
//! A key is the name of an option without its dashes, and takes what the option takes. So there is one place that knows
//! what is right: the options themselves.

mod change;
mod edit;
mod file;
mod key;
mod objects;
mod task;

use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};
use etcetera::BaseStrategy;

pub(super) use change::change;
pub use file::{Entry, Fault, File};
pub(super) use objects::settings_object;
pub use task::run;
pub(super) use task::told;

use crate::node::Profile;

/// What one option is, and what said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// Its name.
    pub key: String,
    /// What it is; several for a list, none where it is not set.
    pub values: Vec<String>,
    /// What said so.
    pub source: Source,
}

/// What said what an option is; the first that does counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The command line.
    Option,
    /// A variable of the environment.
    Environment,
    /// A line of the configuration file.
    File {
        /// The line.
        line: usize,
    },
    /// Nothing.
    Default,
}

/// The file of this profile, by default the one named after the login, whether it is there or not.
///
/// # Errors
/// Why there is none, for the user.
pub fn path(profile: Option<&str>) -> Result<PathBuf, String> {
    let text = |error: crate::node::ProfileError| super::host::sentence(&error.to_string());
    let strategy = etcetera::choose_base_strategy().map_err(|error| error.to_string())?;
    let folder = strategy.config_dir().join("lsnp");
    let usual = Profile::folder_of(None).map_err(text)?;
    let named = Profile::folder_of(profile).map_err(text)?;
    match named.file_name() {
        Some(name) if named != usual => {
            let mut file = name.to_owned();
            file.push(".toml");
            Ok(folder.join("profiles").join(file))
        }
        _ => Ok(folder.join("config.toml")),
    }
}

/// The keys of the file: names of options.
#[must_use]
pub fn keys() -> Vec<String> {
    key::all().map(|key| key.name().to_owned()).collect()
}

/// The command with what the file says in place of its defaults.
#[must_use]
pub fn with_file(command: Command, file: &File) -> Command {
    command.mut_args(|arg| {
        let entry = arg.get_long().and_then(|name| file.entry(name));
        match entry {
            Some(entry) => arg.default_values(entry.values.clone()),
            None => arg,
        }
    })
}

/// What every option is, and what said so.
#[must_use]
pub fn settings(matches: &ArgMatches, file: Option<&File>) -> Vec<Setting> {
    let mut settings = Vec::new();
    for key in key::all() {
        let (id, key) = (key.id().to_owned(), key.name().to_owned());
        let id = id.as_str();
        let raw = matches.get_raw(id).map(|raw| raw.map(|value| value.to_string_lossy().into_owned()).collect());
        let entry = file.and_then(|file| file.entry(&key));
        let source = match (matches.value_source(id), entry) {
            (Some(ValueSource::CommandLine), _) => Source::Option,
            (Some(ValueSource::EnvVariable), _) => Source::Environment,
            (_, Some(entry)) => Source::File { line: entry.line },
            (_, None) => Source::Default,
        };
        settings.push(Setting { key, values: raw.unwrap_or_default(), source });
    }
    settings
}

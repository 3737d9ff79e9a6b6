//! `peer config`: where the file is, what holds, and whether the file is right.

use std::path::Path;

use super::super::args::{ConfigTask, Options};
use super::super::screen;
use super::super::shown::{Shown, Tone};
use super::{Fault, File, Setting, Source, edit, key, path};

/// Does it; the exit status.
#[must_use]
pub fn run(options: &Options, task: ConfigTask) -> u8 {
    match try_run(options, task) {
        Ok(()) => 0,
        Err(texts) => {
            for text in texts {
                screen::complain(&Shown::line(false, &[(Tone::Plain, &text)]));
            }
            1
        }
    }
}

fn try_run(options: &Options, task: ConfigTask) -> Result<(), Vec<String>> {
    let file = path(options.profile.as_deref()).map_err(|text| vec![text])?;
    match task {
        ConfigTask::Path => print(&file.to_string_lossy()),
        ConfigTask::Show => options.settings.iter().try_for_each(|setting| print(&shown(setting, &file))),
        ConfigTask::Check => check(&file),
        ConfigTask::Edit => {
            edit::edit(&file).map_err(|text| vec![text])?;
            check(&file)
        }
    }
}

fn check(path: &Path) -> Result<(), Vec<String>> {
    match File::read(path) {
        Ok(Some(_)) => print(&format!("{} is right", path.display())),
        Ok(None) => print(&format!("There is no {}: the defaults hold", path.display())),
        Err(faults) => Err(faults.iter().map(|fault| told(path, fault)).collect()),
    }
}

/// A fault as it is shown.
pub(in crate::cli) fn told(path: &Path, fault: &Fault) -> String {
    let line = fault.line.map(|line| format!(" line {line}:")).unwrap_or_default();
    format!("{}:{line} {}", path.display(), fault.text)
}

fn shown(setting: &Setting, file: &Path) -> String {
    let value = match (key::of(&setting.key), setting.values.as_slice()) {
        (Some(key), values) if key.is_list() => {
            format!("[{}]", values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", "))
        }
        (Some(key), [value]) if key.is_yes_or_no() => key::truth(value).to_string(),
        (_, [value]) => quoted(value),
        (_, _) => "(not set)".to_owned(),
    };
    let source = match setting.source {
        Source::Option => "option".to_owned(),
        Source::Environment => "environment".to_owned(),
        Source::File { line } => format!("{} line {line}", file.display()),
        Source::Default => "default".to_owned(),
    };
    format!("{} = {value}  # {source}", setting.key)
}

fn quoted(value: &str) -> String {
    match value {
        value if value.parse::<u64>().is_ok() => value.to_owned(),
        value => format!("{value:?}"),
    }
}

fn print(text: &str) -> Result<(), Vec<String>> {
    screen::show(text).map_err(|text| vec![text])
}

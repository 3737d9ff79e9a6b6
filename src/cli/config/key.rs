//! A key of the file: an option, and how its values are written.

use clap::{Arg, ArgAction, Command};

/// Options that say which file is read, or that hold for one start alone.
const NOT_IN_FILE: [&str; 2] = ["profile", "temporary"];

/// One key.
#[derive(Debug, Clone)]
pub(super) struct Key(Arg);

/// All of them, in the order of the options.
pub(super) fn all() -> impl Iterator<Item = Key> {
    let options = <super::super::args::Options as clap::Args>::augment_args(Command::new("peer"));
    let known = |arg: &&Arg| arg.get_long().is_some_and(|name| !NOT_IN_FILE.contains(&name));
    options.get_arguments().filter(known).cloned().map(Key).collect::<Vec<_>>().into_iter()
}

/// The key of this name.
pub(super) fn of(name: &str) -> Option<Key> {
    all().find(|key| key.name() == name)
}

impl Key {
    pub(super) fn name(&self) -> &str {
        self.0.get_long().unwrap_or_default()
    }

    /// What the parser calls the option.
    pub(super) fn id(&self) -> &str {
        self.0.get_id().as_str()
    }

    /// What it does.
    pub(super) fn help(&self) -> String {
        self.0.get_help().map(ToString::to_string).unwrap_or_default()
    }

    pub(super) fn is_list(&self) -> bool {
        matches!(self.0.get_action(), ArgAction::Append)
    }

    pub(super) fn is_yes_or_no(&self) -> bool {
        matches!(self.value_name().as_str(), "yes|no" | "on|off")
    }

    fn is_number(&self) -> bool {
        self.value_name() == "N"
    }

    /// What its value looks like, as the help shows it.
    pub(super) fn value_name(&self) -> String {
        self.0.get_value_names().and_then(<[_]>::first).map(ToString::to_string).unwrap_or_default()
    }

    /// What it is where nothing says anything.
    pub(super) fn default(&self) -> Vec<String> {
        self.0.get_default_values().iter().map(|value| value.to_string_lossy().into_owned()).collect()
    }

    /// The values in one spelling: yes and no have several.
    pub(super) fn plain(&self, values: &[String]) -> Vec<String> {
        let yes_or_no = self.is_yes_or_no();
        values.iter().map(|value| if yes_or_no { truth(value).to_string() } else { value.clone() }).collect()
    }

    /// The values as they stand in the file.
    pub(super) fn toml(&self, values: &[String]) -> String {
        let text = |value: &String| toml::Value::String(value.clone()).to_string();
        match values {
            [value] if self.is_yes_or_no() && is_word(value) => truth(value).to_string(),
            [value] if self.is_number() && value.parse::<u64>().is_ok() => value.clone(),
            [value] if !self.is_list() => text(value),
            values => format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(", ")),
        }
    }
}

/// Whether this is a word for yes or no.
fn is_word(value: &str) -> bool {
    let words = ["0", "n", "no", "f", "false", "off", "1", "y", "yes", "t", "true", "on"];
    words.iter().any(|word| value.eq_ignore_ascii_case(word))
}

/// Whether a word that an option took for yes or no is yes.
pub(super) fn truth(value: &str) -> bool {
    !["", "0", "n", "no", "f", "false", "off"].iter().any(|no| value.eq_ignore_ascii_case(no))
}

//! Reads the file, and tells all that is wrong with it.

use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::super::args::Args;

/// Largest file that is read, bytes.
const LONGEST: u64 = 64 << 10;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// Where it is.
    pub path: PathBuf,
    entries: Vec<Entry>,
}

/// One key of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name of an option.
    pub key: String,
    /// What it is; several for a list.
    pub values: Vec<String>,
    /// Where it stands.
    pub line: usize,
}

/// What is wrong with a file, and in which line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1; none for the whole file.
    pub line: Option<usize>,
    /// What is wrong, fit to be shown.
    pub text: String,
}

impl File {
    /// Reads a file; none where there is none.
    ///
    /// # Errors
    /// All that is wrong with it, by line.
    pub fn read(path: &Path) -> Result<Option<Self>, Vec<Fault>> {
        Self::text(path)?.map(|text| Self::parse(path, &text)).transpose()
    }

    /// The text of a file; none where there is none.
    pub(super) fn text(path: &Path) -> Result<Option<String>, Vec<Fault>> {
        let whole = |text: String| vec![Fault { line: None, text }];
        let meta = match std::fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(whole(error.to_string())),
        };
        if !meta.is_file() || meta.len() > LONGEST {
            return Err(whole("it is no file of at most 64 KiB".to_owned()));
        }
        let bytes = std::fs::read(path).map_err(|error| whole(error.to_string()))?;
        String::from_utf8(bytes).map(Some).map_err(|_| whole("it is not UTF-8".to_owned()))
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// All that is wrong with it, by line.
    pub fn parse(path: &Path, text: &str) -> Result<Self, Vec<Fault>> {
        let line_of = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let table = DeTable::parse(text).map_err(|error| {
            let line = error.span().map(|span| line_of(span.start));
            vec![Fault { line, text: error.message().to_owned() }]
        })?;
        let known = super::keys();
        let mut entries = Vec::new();
        let mut faults = Vec::new();
        for (key, value) in table.get_ref().iter() {
            let line = line_of(key.span().start);
            let key = key.get_ref().to_string();
            let entry = if known.contains(&key) {
                values(&key, value).map(|values| Entry { key, values, line })
            } else {
                Err(unknown(&key, &known))
            };
            match entry {
                Ok(entry) => match wrong(&entry) {
                    None => entries.push(entry),
                    Some(text) => faults.push(Fault { line: Some(line), text }),
                },
                Err(text) => faults.push(Fault { line: Some(line), text }),
            }
        }
        if !faults.is_empty() {
            faults.sort_by_key(|fault| fault.line);
            return Err(faults);
        }
        Ok(Self { path: path.to_owned(), entries })
    }

    /// What it says of this option.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

/// What an option would have as its arguments.
fn values(key: &str, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, String> {
    let one = |value: &DeValue<'_>| match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.to_string()),
        DeValue::Boolean(is) => Some(is.to_string()),
        DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    };
    let values = match value.get_ref().as_array() {
        Some(items) => items.iter().map(|item| one(item.get_ref())).collect(),
        None => one(value.get_ref()).map(|value| vec![value]),
    };
    values.ok_or_else(|| format!("{key} takes a text in quotes, a number, true or false, or a list of texts"))
}

fn unknown(key: &str, known: &[String]) -> String {
    let nearest = Args::command().try_get_matches_from(["peer".to_owned(), format!("--{key}")]).err().and_then(
        |error| match error.get(ContextKind::SuggestedArg) {
            Some(ContextValue::String(name)) => Some(name.trim_start_matches('-').to_owned()),
            _ => None,
        },
    );
    match nearest.filter(|name| known.contains(name)) {
        Some(name) => format!("there is no key {key:?}; perhaps {name} is meant"),
        None => format!("there is no key {key:?}. There are: {}", known.join(", ")),
    }
}

/// What the option says to its value, if it does not take it.
fn wrong(entry: &Entry) -> Option<String> {
    let key = &entry.key;
    // The environment has its turn later.
    let command = Args::command().mut_args(|arg| arg.env(None::<&str>));
    let given = entry.values.iter().map(|value| format!("--{key}={value}"));
    let error = command.try_get_matches_from(["peer".to_owned()].into_iter().chain(given)).err()?;
    if entry.values.len() > 1 && error.kind() == clap::error::ErrorKind::ArgumentConflict {
        return Some(format!("{key} takes one value, not {}", entry.values.len()));
    }
    let text = error.to_string();
    let text = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    // The option is a key here.
    let text = text.replace(&format!("--{key} "), &format!("{key} ")).replace(&format!("'--{key}'"), key);
    Some(crate::wire::Safe::line(&text).as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<(Option<usize>, String)> {
        let faults = File::parse(Path::new("x"), text).unwrap_err();
        faults.into_iter().map(|fault| (fault.line, fault.text)).collect()
    }

    #[test]
    fn every_option_is_a_key_but_those_of_one_start() {
        let keys = super::super::keys();
        for key in
            ["name", "peer", "interface", "port", "heartbeat", "private-only", "history", "catch-up", "keep-size"]
        {
            assert!(keys.iter().any(|known| known == key), "{key}: {keys:?}");
        }
        assert!(!keys.iter().any(|key| key == "temporary" || key == "profile"), "{keys:?}");
    }

    #[test]
    fn values_are_texts_numbers_words_or_lists() {
        let text =
            "name = 'alice'\nport = 9_000\n# a remark\nhistory = false\npeer = ['a', \"b:1\"]\nheartbeat = \"5s\"\n";
        let file = File::parse(Path::new("x"), text).unwrap();
        let entry = |key: &str| file.entry(key).map(|entry| (entry.values.join(" "), entry.line)).unwrap();
        assert_eq!(entry("name"), ("alice".into(), 1));
        assert_eq!(entry("port"), ("9000".into(), 2));
        assert_eq!(entry("history"), ("false".into(), 4));
        assert_eq!(entry("peer"), ("a b:1".into(), 5));
        assert_eq!(File::parse(Path::new("x"), "").unwrap().entry("name"), None);
    }

    #[test]
    fn all_that_is_wrong_is_told_with_its_line() {
        let found = faults("heartbeet = '5s'\nheartbeat = '500s'\n\nname = 'a@b'\nport = 1.5\n");
        let lines: Vec<Option<usize>> = found.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [Some(1), Some(2), Some(4), Some(5)], "{found:?}");
        assert!(found[0].1.contains("perhaps heartbeat is meant"), "{found:?}");
        assert!(found[1].1.contains("1s to 100s"), "{found:?}");
        assert!(found[2].1.contains("'@'"), "{found:?}");
        assert!(found[3].1.contains("port takes"), "{found:?}");
        assert!(faults("name = ['a', 'b']")[0].1.contains("one value"), "{:?}", faults("name = ['a', 'b']"));
        assert_eq!(faults("port = 8000\nname = \n")[0].0, Some(2));
        assert_eq!(faults("temporary = true")[0].0, Some(1));
        assert!(faults("nothing_like_it = 1")[0].1.contains("There are: name"));
    }
}

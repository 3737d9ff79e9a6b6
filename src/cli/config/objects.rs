//! The configuration file as the API tells it.

use std::path::Path;

use crate::web::{SCHEMA, SettingObject, SettingsObject};
use crate::wire::Safe;

use super::{File, Setting, Source, key, told};

/// Every key of the file at this path, with what holds in this run. The error is for the user.
pub(in crate::cli) fn settings_object(path: &Path, run: &[Setting]) -> Result<SettingsObject, String> {
    let file = File::read(path).map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(|fault| told(path, fault)).collect();
        faults.join("\n")
    })?;
    let object = |key: key::Key| {
        let held = run.iter().find(|setting| setting.key == key.name());
        let entry = file.as_ref().and_then(|file| file.entry(key.name()));
        SettingObject {
            key: key.name().to_owned(),
            help: sentence(&key.help()).to_owned(),
            values: held.map(|setting| key.plain(&setting.values)).unwrap_or_default(),
            source: match held.map(|setting| setting.source) {
                Some(Source::Option) => "option",
                Some(Source::Environment) => "environment",
                Some(Source::File { .. }) => "file",
                Some(Source::Default) | None => "default",
            }
            .to_owned(),
            in_file: entry.map(|entry| key.plain(&entry.values)),
            default: key.plain(&key.default()),
            value: if key.is_yes_or_no() { String::new() } else { key.value_name() },
            list: key.is_list(),
        }
    };
    Ok(SettingsObject {
        v: SCHEMA,
        kind: "settings".to_owned(),
        file: Safe::line(&path.to_string_lossy()).as_str().to_owned(),
        settings: key::all().map(object).collect(),
    })
}

/// The first sentence.
fn sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_its_help_its_default_and_what_its_value_looks_like() {
        let run = [Setting { key: "history".to_owned(), values: vec!["off".to_owned()], source: Source::Option }];
        let object = settings_object(Path::new("/nowhere/config.toml"), &run).unwrap();
        let of = |key: &str| object.settings.iter().find(|setting| setting.key == key).unwrap();
        assert!(object.settings.iter().all(|setting| !setting.help.is_empty() && !setting.help.ends_with('.')));
        let history = of("history");
        assert_eq!((history.values.as_slice(), history.source.as_str()), (["false".to_owned()].as_slice(), "option"));
        assert_eq!((history.default.as_slice(), history.value.as_str()), (["true".to_owned()].as_slice(), ""));
        assert_eq!((of("heartbeat").value.as_str(), of("heartbeat").default[0].as_str()), ("TIME", "30s"));
        assert!(of("peer").list && !of("name").list && of("name").in_file.is_none());
        assert_eq!(
            of("secret-file").help,
            "Join a closed group: the file holds its secret, any text, the same for all"
        );
        assert_eq!(object.settings.len(), super::super::keys().len());
    }
}

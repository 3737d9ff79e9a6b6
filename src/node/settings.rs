//! `profile.toml`: what the user chose.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::wire::{Name, is_clean};

use super::files;

/// Its name in the profile's folder.
pub(super) const FILE: &str = "profile.toml";

/// Largest file that is read, bytes.
const FILE_MAX: u64 = 16 << 10;

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
    /// The usual port of the local API: what a browser keeps for the page belongs to it.
    pub api_port: Option<u16>,
    /// The public keys of browsers that may come back to the page, the newest last.
    pub browsers: Vec<String>,
}

/// The file as it is written. Keys of later versions are passed over.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_port: Option<u16>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    browsers: Vec<String>,
}

/// Reads the file; the defaults when there is none. The error tells what is wrong with it.
pub(super) fn read(file: &Path) -> Result<Settings, String> {
    let Some(bytes) = files::read(file, FILE_MAX).map_err(|error| error.to_string())? else {
        return Ok(Settings::default());
    };
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    let written: Written = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
    let name = written.name.as_deref().map(Name::new).transpose().map_err(|error| error.to_string())?;
    let texts = [("display_name", &written.display_name), ("status", &written.status)];
    if let Some((key, _)) = texts.iter().find(|(_, text)| text.as_deref().is_some_and(|text| !is_clean(text))) {
        return Err(format!("{key} holds control characters"));
    }
    let ports = [("port", written.port), ("api_port", written.api_port)];
    if let Some((key, _)) = ports.iter().find(|(_, port)| port.is_some_and(|port| port < 1024)) {
        return Err(format!("{key} is below 1024"));
    }
    let Written { display_name, status, port, api_port, browsers, .. } = written;
    Ok(Settings { name, display_name, status, port, api_port, browsers })
}

/// Writes the file.
pub(super) fn write(file: &Path, settings: &Settings) -> io::Result<()> {
    let written = Written {
        name: settings.name.as_ref().map(|name| name.as_str().to_owned()),
        display_name: settings.display_name.clone(),
        status: settings.status.clone(),
        port: settings.port,
        api_port: settings.api_port,
        browsers: settings.browsers.clone(),
    };
    let text = toml::to_string(&written).map_err(io::Error::other)?;
    files::write_durably(file, text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::files::Scratch;

    #[test]
    fn every_setting_is_read_as_it_was_written() {
        let scratch = Scratch::new();
        let file = scratch.0.join(FILE);
        let settings = Settings {
            name: Some(Name::new("zoë").unwrap()),
            display_name: Some("Zoë \"Z\" = # 你好".to_owned()),
            status: Some("at lunch".to_owned()),
            port: Some(8123),
            api_port: Some(40_123),
            browsers: vec!["BKey".to_owned(), "BOther".to_owned()],
        };
        write(&file, &settings).unwrap();
        assert_eq!(read(&file).unwrap(), settings);
    }

    #[test]
    fn what_is_wrong_is_told() {
        let scratch = Scratch::new();
        let file = scratch.0.join(FILE);
        for text in [
            "name = 3",
            "name = 'a@b'",
            "port = 80",
            "api_port = 80",
            "port = 70000",
            "status = \"a\\u001b[1m\"",
            "= =",
        ] {
            std::fs::write(&file, text).unwrap();
            assert!(read(&file).is_err(), "{text}");
        }
        std::fs::write(&file, b"name = '\xff'").unwrap();
        assert!(read(&file).is_err());
        assert_eq!(read(&scratch.0.join("none")).unwrap(), Settings::default());
    }
}

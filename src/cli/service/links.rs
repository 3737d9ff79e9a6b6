//! What opens links peer://...: an entry of the desktop that runs `peer open`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use etcetera::BaseStrategy;

use super::super::browser::on_path;

/// The entry.
const NAME: &str = "peer-link.desktop";

/// What it opens.
const SCHEME: &str = "x-scheme-handler/peer";

/// The entry for a profile. There is one for all profiles: the last that was installed counts.
#[derive(Debug)]
pub(super) struct Links {
    file: PathBuf,
    profile: String,
}

impl Links {
    /// None on systems whose desktops have no such entries.
    pub(super) fn of(profile: Option<&str>) -> Result<Option<Self>, String> {
        if cfg!(any(windows, target_os = "macos")) {
            return Ok(None);
        }
        let strategy = etcetera::choose_base_strategy().map_err(|error| error.to_string())?;
        let file = strategy.data_dir().join("applications").join(NAME);
        Ok(Some(Self { file, profile: profile.unwrap_or_default().to_owned() }))
    }

    pub(super) fn install(&self, program: &Path) -> Result<(), String> {
        let written = self.file.parent().map_or(Ok(()), fs::create_dir_all);
        let written = written.and_then(|()| fs::write(&self.file, entry(program, &self.profile)));
        written.map_err(|error| format!("Cannot write {}: {error}", self.file.display()))?;
        // Where these are not there, the entry alone may do.
        ran("xdg-mime", &["default".as_ref(), NAME.as_ref(), SCHEME.as_ref()]);
        self.noticed();
        Ok(())
    }

    /// Whether links are opened by this profile.
    pub(super) fn is_installed(&self) -> bool {
        let wanted = owner(&self.profile);
        fs::read_to_string(&self.file).is_ok_and(|text| text.lines().any(|line| line == wanted))
    }

    /// Removes the entry of this profile, and of no other.
    pub(super) fn remove(&self) -> Result<(), String> {
        if self.is_installed() {
            fs::remove_file(&self.file).map_err(|error| format!("Cannot remove {}: {error}", self.file.display()))?;
            self.noticed();
        }
        Ok(())
    }

    /// Has the desktop look at its entries anew.
    fn noticed(&self) {
        if let Some(folder) = self.file.parent() {
            ran("update-desktop-database", &[folder.as_os_str()]);
        }
    }
}

fn ran(program: &str, args: &[&std::ffi::OsStr]) {
    let Some(file) = on_path(program) else { return };
    let mut command = Command::new(file);
    command.args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match command.status() {
        Ok(ended) if ended.success() => {}
        ended => tracing::warn!(program, ?ended, "the desktop is not told"),
    }
}

fn owner(profile: &str) -> String {
    format!("X-Peer-Profile={profile}")
}

fn entry(program: &Path, profile: &str) -> String {
    let option = if profile.is_empty() { String::new() } else { format!(" --profile {}", quoted(profile)) };
    format!(
        "# Written by `peer service install`.\n\
         [Desktop Entry]\n\
         Type=Application\n\
         Name=peer\n\
         Comment=Opens links to people on the local network\n\
         Exec={}{option} open -- %u\n\
         Terminal=false\n\
         NoDisplay=true\n\
         MimeType={SCHEME};\n\
         {}\n",
        quoted(&program.to_string_lossy()),
        owner(profile)
    )
}

/// One word of a command, as desktops read it: quoted, and that once more as the value of a key.
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for c in word.chars() {
        match c {
            '\\' => text.push_str(r"\\\\"),
            '"' | '`' | '$' => text.extend(['\\', '\\', c]),
            '%' => text.push_str("%%"),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_names_program_and_profile_as_desktops_read_them() {
        let text = entry(Path::new("/opt/my \"tools\"/100%/$x/peer"), "work");
        assert!(
            text.contains("Exec=\"/opt/my \\\\\"tools\\\\\"/100%%/\\\\$x/peer\" --profile \"work\" open -- %u\n"),
            "{text}"
        );
        assert!(entry(Path::new("/usr/bin/peer"), "").contains("Exec=\"/usr/bin/peer\" open -- %u\n"));
        assert_eq!(quoted("a\\b"), "\"a\\\\\\\\b\"");
    }
}

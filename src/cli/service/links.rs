//! Entries of the desktop: what opens links peer://... by `peer open`, and what opens the page by `peer web`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use etcetera::BaseStrategy;

use super::super::browser::on_path;

/// What opens links; menus do not show it.
const LINK: &str = "peer-link.desktop";

/// What stands in the menu.
const MENU: &str = "peer.desktop";

/// What it opens.
const SCHEME: &str = "x-scheme-handler/peer";

/// The entries for a profile. They are the same for all profiles: the last that was installed counts.
#[derive(Debug)]
pub(super) struct Links {
    folder: PathBuf,
    profile: String,
}

impl Links {
    /// None on systems whose desktops have no such entries.
    pub(super) fn of(profile: Option<&str>) -> Result<Option<Self>, String> {
        if cfg!(any(windows, target_os = "macos")) {
            return Ok(None);
        }
        let strategy = etcetera::choose_base_strategy().map_err(|error| error.to_string())?;
        let folder = strategy.data_dir().join("applications");
        Ok(Some(Self { folder, profile: profile.unwrap_or_default().to_owned() }))
    }

    pub(super) fn install(&self, program: &Path) -> Result<(), String> {
        for (name, text) in [(LINK, link(program, &self.profile)), (MENU, menu(program, &self.profile))] {
            let file = self.folder.join(name);
            let written = fs::create_dir_all(&self.folder).and_then(|()| fs::write(&file, text));
            written.map_err(|error| format!("Cannot write {}: {error}", file.display()))?;
        }
        // Where these are not there, the entry alone may do.
        ran("xdg-mime", &["default".as_ref(), LINK.as_ref(), SCHEME.as_ref()]);
        self.noticed();
        Ok(())
    }

    /// Whether links are opened by this profile.
    pub(super) fn is_installed(&self) -> bool {
        self.is_ours(LINK)
    }

    fn is_ours(&self, name: &str) -> bool {
        let wanted = owner(&self.profile);
        fs::read_to_string(self.folder.join(name)).is_ok_and(|text| text.lines().any(|line| line == wanted))
    }

    /// Removes the entries of this profile, and of no other.
    pub(super) fn remove(&self) -> Result<(), String> {
        for name in [LINK, MENU].into_iter().filter(|name| self.is_ours(name)) {
            let file = self.folder.join(name);
            fs::remove_file(&file).map_err(|error| format!("Cannot remove {}: {error}", file.display()))?;
            self.noticed();
        }
        Ok(())
    }

    /// Has the desktop look at its entries anew.
    fn noticed(&self) {
        ran("update-desktop-database", &[self.folder.as_os_str()]);
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

fn link(program: &Path, profile: &str) -> String {
    let more = format!("Comment=Opens links to people on the local network\nNoDisplay=true\nMimeType={SCHEME};\n");
    entry(program, profile, "open -- %u", &more)
}

fn menu(program: &Path, profile: &str) -> String {
    let more =
        "Comment=Talk to people on the local network\nIcon=internet-chat\nCategories=Network;InstantMessaging;\n";
    entry(program, profile, "web", more)
}

fn entry(program: &Path, profile: &str, command: &str, more: &str) -> String {
    let option = if profile.is_empty() { String::new() } else { format!(" --profile {}", quoted(profile)) };
    format!(
        "# Written by `peer service install`.\n\
         [Desktop Entry]\n\
         Type=Application\n\
         Name=peer\n\
         Exec={}{option} {command}\n\
         Terminal=false\n\
         {more}{}\n",
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
        let text = link(Path::new("/opt/my \"tools\"/100%/$x/peer"), "work");
        assert!(
            text.contains("Exec=\"/opt/my \\\\\"tools\\\\\"/100%%/\\\\$x/peer\" --profile \"work\" open -- %u\n"),
            "{text}"
        );
        assert!(link(Path::new("/usr/bin/peer"), "").contains("Exec=\"/usr/bin/peer\" open -- %u\n"));
        assert!(menu(Path::new("/usr/bin/peer"), "").contains("Exec=\"/usr/bin/peer\" web\n"));
        assert_eq!(quoted("a\\b"), "\"a\\\\\\\\b\"");
    }
}

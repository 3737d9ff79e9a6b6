//! A configuration file in the user's editor.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;

use super::key;

/// Opens the file in the user's editor, made new with all keys as remarks where there is none.
pub(super) fn edit(path: &Path) -> Result<(), String> {
    let made = make(path).map_err(|error| format!("Cannot make {}: {error}", path.display()))?;
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let editor = named("VISUAL").or_else(|| named("EDITOR")).unwrap_or_else(|| "vi".into());
    // An editor may come with arguments; the file is none that a shell reads.
    let ended = Command::new("sh").arg("-c").arg("eval \"$0 \\\"\\$1\\\"\"").arg(&editor).arg(path).status();
    let ended = ended.map_err(|error| format!("Cannot start {}: {error}", editor.display()))?;
    if !ended.success() {
        let what = if made { "is as it was made" } else { "may be changed" };
        return Err(format!("{} ended with {ended}: {} {what}", editor.display(), path.display()));
    }
    Ok(())
}

/// Makes the file, if there is none; true when it did.
fn make(path: &Path) -> io::Result<bool> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(mut file) => file.write_all(template().as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// All keys with what they mean, as remarks.
pub(super) fn template() -> String {
    let mut text = String::from(
        "# What `peer` starts with. Take the # away from what you want to change.\n\
         # An option of the command line counts first, then the environment, then this file.\n",
    );
    for key in key::all() {
        let default = key.default();
        let value = match key.name() {
            "port" => "9000".to_owned(),
            _ if default.is_empty() && !key.is_list() => "\"\"".to_owned(),
            _ => key.toml(&default),
        };
        text.push_str(&format!("\n# {}\n#{} = {value}\n", key.help(), key.name()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::config::File;

    #[test]
    fn the_file_that_is_made_is_right_as_it_is_and_without_its_marks() {
        let text = template();
        assert_eq!(File::parse(Path::new("x"), &text), File::parse(Path::new("x"), ""));
        let bare: String = text
            .lines()
            .filter(|line| !line.starts_with("# ") && !line.contains("= \"\""))
            .map(|line| format!("{}\n", line.trim_start_matches('#')))
            .collect();
        let file = File::parse(Path::new("x"), &bare).unwrap();
        assert_eq!(file.entry("heartbeat").unwrap().values, ["30s"]);
    }
}

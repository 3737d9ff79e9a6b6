//! A browser that shows an address.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::args::SECRET;

/// What the user chose; several stand with a colon between them, and the address goes where `%s` is, or to the end.
const CHOICE: &str = "BROWSER";

/// A program with its first arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Browser {
    program: PathBuf,
    args: Vec<OsString>,
    /// Which of them holds `%s` for the address; none to put it last.
    place: Option<usize>,
}

impl Browser {
    /// None where no browser would be seen: without a desktop, and for root. What `$BROWSER` names is taken wherever that
    /// is.
    pub(super) fn find() -> Option<Self> {
        if !cfg!(windows)
            && let Some(chosen) = std::env::var_os(CHOICE)
            && let Some(browser) = chosen.to_str().and_then(|text| text.split(':').find_map(Self::chosen))
        {
            return Some(browser);
        }
        // A browser of root's would leave files of root's in the home of who typed sudo.
        if is_root() {
            return None;
        }
        let (programs, args): (&[&str], &[&str]) = if cfg!(target_os = "macos") {
            (&["open"], &[])
        } else if cfg!(windows) {
            (&["rundll32.exe"], &["url.dll,FileProtocolHandler"])
        } else if set("DISPLAY") || set("WAYLAND_DISPLAY") {
            (&["xdg-open", "wslview", "x-www-browser"], &[])
        } else {
            (&[], &[])
        };
        let program = programs.iter().find_map(on_path)?;
        Some(Self { program, args: args.iter().map(OsString::from).collect(), place: None })
    }

    /// One choice: a program, with arguments or without.
    fn chosen(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let program = on_path(words.next()?)?;
        let args: Vec<OsString> = words.map(OsString::from).collect();
        let place = args.iter().position(|arg| arg.to_string_lossy().contains("%s"));
        Some(Self { program, args, place })
    }

    fn args(&self, url: &str) -> Vec<OsString> {
        let mut args = self.args.clone();
        match self.place.and_then(|place| args.get_mut(place)) {
            Some(arg) => *arg = arg.to_string_lossy().replace("%s", url).into(),
            None => args.push(url.into()),
        }
        args
    }

    /// Shows an address, and waits for nothing. No shell reads it.
    pub(super) fn open(&self, url: &str) -> io::Result<()> {
        let mut command = Command::new(&self.program);
        command.args(self.args(url)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // It lives on after us, and what is secret here is none of its business.
        command.env_remove(SECRET).env_remove("PEER_PASSPHRASE");
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        // It ends by itself, whenever that is; nobody waits for it but this thread.
        let waiter = std::thread::Builder::new().name("browser".to_owned());
        waiter.spawn(move || child.wait()).map(drop)
    }
}

fn set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// A program by its name, or by its whole path.
pub(super) fn on_path(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    let name = PathBuf::from(name.as_ref());
    if name.is_absolute() {
        return name.is_file().then_some(name);
    }
    if name.components().count() != 1 {
        return None;
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(&name)).find(|file| file.is_file())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_one_argument_at_its_place() {
        let of = |text: &str| Browser::chosen(text).map(|browser| browser.args("http://x/#a b\";'&c"));
        let url = OsString::from("http://x/#a b\";'&c");
        assert_eq!(of("/bin/sh"), Some(vec![url.clone()]));
        assert_eq!(of("sh --new-window"), Some(vec!["--new-window".into(), url.clone()]));
        assert_eq!(of("sh --app=%s -x"), Some(vec!["--app=http://x/#a b\";'&c".into(), "-x".into()]));
        assert_eq!(of("no-such-program-at-all"), None);
        assert_eq!(of("bin/sh"), None, "from no folder that happens to be the current one");
        assert_eq!(of("  "), None);
    }
}

//! `peer service`: a unit of systemd that runs `peer run` for this user, and what opens links.

mod links;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use etcetera::BaseStrategy;

use super::args::{Options, ServiceTask};
use super::screen;
use super::shown::{Shown, Tone};
use links::Links;

/// Exit status for a service that is not there, or does not run.
const NOT_RUNNING: u8 = 3;

/// What opens links.
const OPENED: &str = "Links peer://... are opened by `peer open`";

/// What opens the page.
const IN_MENU: &str = "The menu of the desktop has an entry for the page: peer";

/// The unit of a profile.
struct Unit {
    name: String,
    file: PathBuf,
    links: Option<Links>,
}

/// Does it; the exit status.
#[must_use]
pub fn run(options: &Options, task: ServiceTask) -> u8 {
    let done = Unit::of(options).and_then(|unit| match task {
        ServiceTask::Install => unit.install(options),
        ServiceTask::Status => unit.status(),
        ServiceTask::Remove => unit.remove(),
    });
    match done {
        Ok(status) => status,
        Err(text) => {
            screen::complain(&Shown::line(false, &[(Tone::Plain, &text)]));
            1
        }
    }
}

impl Unit {
    fn of(options: &Options) -> Result<Self, String> {
        if options.temporary {
            return Err("A service keeps its profile: leave --temporary out".to_owned());
        }
        // A profile that cannot be is refused here, with the reason.
        super::config::path(options.profile.as_deref())?;
        let name = options.profile.as_ref().map_or_else(String::new, |profile| format!("-{profile}"));
        let name = format!("peer{name}.service");
        let strategy = etcetera::choose_base_strategy().map_err(|error| error.to_string())?;
        let file = strategy.config_dir().join("systemd").join("user").join(&name);
        Ok(Self { name, file, links: Links::of(options.profile.as_deref())? })
    }

    fn install(&self, options: &Options) -> Result<u8, String> {
        let program = std::env::current_exe().map_err(|error| format!("Cannot find this program: {error}"))?;
        if let Some(links) = &self.links {
            links.install(&program)?;
            print(OPENED)?;
            print(IN_MENU)?;
        }
        if !has_systemctl() {
            return Err(
                "There is no systemctl here, so no service was installed: have whatever starts programs on this \
                        computer run `peer run`"
                    .to_owned(),
            );
        }
        let text = unit(&program, options.profile.as_deref());
        let same = fs::read_to_string(&self.file).is_ok_and(|found| found == text);
        if !same {
            self.write(&text).map_err(|error| format!("Cannot write {}: {error}", self.file.display()))?;
        }
        // The first that needs a manager.
        systemctl(&["daemon-reload"]).map_err(|error| {
            format!(
                "{error}. If you came by su or sudo, log in as this user; where no systemd runs, have whatever starts \
                 programs on this computer run `peer run`"
            )
        })?;
        systemctl(&["enable", &self.name])?;
        // One that runs goes on with the new unit; one that is as it was is left alone.
        systemctl(&[if same { "start" } else { "restart" }, &self.name])?;
        print(&format!(
            "{} is installed and started. It starts at every login; `loginctl enable-linger` starts it at boot",
            self.name
        ))
    }

    fn write(&self, text: &str) -> io::Result<()> {
        if let Some(folder) = self.file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.file, text)
    }

    fn status(&self) -> Result<u8, String> {
        let status = self.service_status()?;
        if let Some(links) = &self.links {
            print(if links.is_installed() { OPENED } else { "Links peer://... are not opened by it" })?;
        }
        Ok(status)
    }

    fn service_status(&self) -> Result<u8, String> {
        if !self.file.exists() {
            print(&format!("{} is not installed", self.name))?;
            return Ok(NOT_RUNNING);
        }
        if !has_systemctl() {
            print(&format!("{} is installed, and there is no systemctl here to run it", self.name))?;
            return Ok(NOT_RUNNING);
        }
        let state = told(&asked(&["is-active", &self.name])?);
        print(&format!("{} is installed and {state}", self.name))?;
        Ok(if state == "active" { 0 } else { NOT_RUNNING })
    }

    fn remove(&self) -> Result<u8, String> {
        self.links.as_ref().map_or(Ok(()), Links::remove)?;
        if !self.file.exists() {
            return print(&format!("{} is not installed", self.name));
        }
        let stopped = if has_systemctl() { systemctl(&["disable", "--now", &self.name]) } else { Ok(()) };
        fs::remove_file(&self.file).map_err(|error| format!("Cannot remove {}: {error}", self.file.display()))?;
        // Where no manager could be asked to do that.
        let _ = fs::remove_file(self.file.with_file_name("default.target.wants").join(&self.name));
        print(&format!("{} is removed. Profile, history and configuration stay", self.name))?;
        stopped.map_err(|error| format!("{error}. If it runs, end it: peer stop"))?;
        if has_systemctl() {
            systemctl(&["daemon-reload"])?;
        }
        Ok(0)
    }
}

/// The text of the unit.
fn unit(program: &Path, profile: Option<&str>) -> String {
    let profile_text = profile.map(|profile| format!(" (profile {profile})")).unwrap_or_default();
    let option = profile.map(|profile| format!(" --profile {}", quoted(profile))).unwrap_or_default();
    format!(
        "# Written by `peer service install`.\n\
         [Unit]\n\
         Description=peer, a messenger for the local network{profile_text}\n\
         \n\
         [Service]\n\
         Type=notify\n\
         ExecStart={} run{option}\n\
         Restart=on-failure\n\
         RestartSec=5\n\
         NoNewPrivileges=yes\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        quoted(&program.to_string_lossy())
    )
}

/// One word of a command, as systemd reads it.
fn quoted(word: &str) -> String {
    let mut text = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '%' | '$' => text.extend([c, c]),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

fn has_systemctl() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("systemctl").is_file())
}

fn asked(args: &[&str]) -> Result<Output, String> {
    let output = Command::new("systemctl").arg("--user").args(args).stdin(Stdio::null()).output();
    output.map_err(|error| format!("Cannot run systemctl: {error}"))
}

fn systemctl(args: &[&str]) -> Result<(), String> {
    let output = asked(args)?;
    if output.status.success() {
        return Ok(());
    }
    let error = String::from_utf8_lossy(&output.stderr);
    let error = error.lines().find(|line| !line.trim().is_empty()).unwrap_or("it does not say why");
    Err(format!("systemctl --user {} failed: {}", args.join(" "), error.trim()))
}

/// What it says, in a word.
fn told(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if text.is_empty() { "in an unknown state".to_owned() } else { text }
}

fn print(text: &str) -> Result<u8, String> {
    screen::show(text).map(|()| 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_names_program_and_profile_as_systemd_reads_them() {
        let text = unit(Path::new("/opt/my \"tools\"/100%/peer"), Some("work"));
        assert!(text.contains("ExecStart=\"/opt/my \\\"tools\\\"/100%%/peer\" run --profile \"work\"\n"), "{text}");
        assert!(unit(Path::new("/usr/bin/peer"), None).contains("ExecStart=\"/usr/bin/peer\" run\n"));
    }
}

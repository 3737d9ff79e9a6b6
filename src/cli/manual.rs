//! `peer completions` and `peer man`: what the options themselves tell.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;
use clap_mangen::Man;

use super::args::Args;
use super::screen;
use super::shown::{Shown, Tone};

/// Prints completions for a shell; the exit status.
#[must_use]
pub fn completions(shell: Shell) -> u8 {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "peer", &mut text);
    ended(put(&text))
}

/// Prints the manual, or writes a page for every subcommand to a folder; the exit status.
#[must_use]
pub fn man(folder: Option<&Path>) -> u8 {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        return ended(Man::new(Args::command()).render(&mut page).and_then(|()| put(&page)));
    };
    let made = fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Args::command(), folder));
    match made {
        Ok(()) => 0,
        Err(error) => fail(&format!("Cannot write the manual to {}: {error}", folder.display())),
    }
}

fn put(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text)?;
    out.flush()
}

fn ended(put: io::Result<()>) -> u8 {
    match put {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&format!("Cannot show anything: {error}")),
        Ok(()) | Err(_) => 0,
    }
}

fn fail(text: &str) -> u8 {
    screen::complain(&Shown::line(false, &[(Tone::Plain, text)]));
    1
}

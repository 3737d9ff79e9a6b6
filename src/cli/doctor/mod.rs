//! `peer doctor`: why nobody is seen, or not that one.
//!
//! It gathers facts, judges them, and shows the report; nothing that gathers judges, and nothing that judges gathers.

mod advice;
#[cfg(test)]
mod cases;
mod facts;
mod filter;
mod firewall;
mod gather;
mod group;
mod interfaces;
mod iptables;
mod judge;
mod nft;
mod paths;
mod probe;
mod report;

use super::args::{DoctorArgs, Options};
use super::shown::{Shown, Tone};
use super::{screen, secret, terminal};
use crate::engine::Secret;

/// Looks for what is wrong; the exit status is 0 if nothing is.
#[must_use]
pub fn run(options: &Options, doctor: &DoctorArgs) -> u8 {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("The system gives no event queue: {error}")),
    };
    if !doctor.json && terminal::is_interactive() {
        screen::complain(&Shown::line(false, &[(Tone::Plain, "looking around, this takes some seconds ...")]));
    }
    let group = match group_key(options) {
        Ok(key) => key.map(group::Group::new),
        Err(text) => return fail(&text),
    };
    let gathered = runtime.block_on(gather::gather(options, doctor.target.as_deref(), group));
    // A tool that hangs, and a name that is being looked up, are left behind.
    runtime.shutdown_background();
    let facts = match gathered {
        Ok(facts) => facts,
        Err(error) => return fail(&format!("Cannot look at the network: {error}")),
    };
    let report = judge::judge(&facts);
    let lines = if doctor.json {
        vec![Shown::line(false, &[(Tone::Plain, &report.json().to_string())])]
    } else {
        report.lines(terminal::is_colored())
    };
    for line in &lines {
        // Where nobody reads, the exit status still tells.
        if screen::print(line).is_err() {
            break;
        }
    }
    u8::from(!report.healthy)
}

fn group_key(options: &Options) -> Result<Option<Secret>, String> {
    let Some(found) = secret::of_group(options)? else { return Ok(None) };
    found.key(secret::kept_in(options).as_deref()).map(Some)
}

fn fail(text: &str) -> u8 {
    screen::complain(&Shown::line(false, &[(Tone::Plain, text)]));
    1
}

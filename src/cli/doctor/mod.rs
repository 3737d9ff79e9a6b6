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
use crate::web::DoctorObject;
use report::Report;

/// Looks for what is wrong; the exit status is 0 if nothing is.
#[must_use]
pub fn run(options: &Options, doctor: &DoctorArgs) -> u8 {
    if !doctor.json && terminal::is_interactive() {
        screen::complain(&Shown::line(false, &[(Tone::Plain, "looking around, this takes some seconds ...")]));
    }
    let report = match look(options, doctor.target.as_deref()) {
        Ok(report) => report,
        Err(text) => return fail(&text),
    };
    let lines = if doctor.json {
        vec![Shown::line(false, &[(Tone::Plain, &report.json().to_string())])]
    } else {
        report.lines(terminal::is_colored())
    };
    for line in &lines {
        match screen::print(line) {
            Ok(()) => {}
            // Where nobody reads, the exit status still tells.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break,
            Err(error) => return fail(&format!("Cannot show anything: {error}")),
        }
    }
    u8::from(!report.healthy)
}

/// What `peer doctor` finds, for a peer that runs in this process. It takes some seconds, on a thread of its own.
pub(super) fn object(options: &Options, target: Option<&str>) -> Result<DoctorObject, String> {
    let looked = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("doctor".to_owned());
        let looking = thread.spawn_scoped(scope, || look(options, target));
        looking.map(|looking| looking.join().unwrap_or_else(|_| Err("The doctor has failed".to_owned())))
    });
    looked.map_err(|error| format!("The system gives no thread: {error}"))?.map(|report| report.object())
}

/// Looks for what is wrong. The error is for the user.
fn look(options: &Options, target: Option<&str>) -> Result<Report, String> {
    let group = group_key(options)?.map(group::Group::new);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("The system gives no event queue: {error}"))?;
    let gathered = runtime.block_on(gather::gather(options, target, group));
    // A tool that hangs, and a name that is being looked up, are left behind.
    runtime.shutdown_background();
    let facts = gathered.map_err(|error| format!("Cannot look at the network: {error}"))?;
    Ok(judge::judge(&facts))
}

fn group_key(options: &Options) -> Result<Option<Secret>, String> {
    let Some(found) = secret::of_group(options)? else { return Ok(None) };
    found.key(secret::kept_in(options).as_deref()).map(Some)
}

fn fail(text: &str) -> u8 {
    screen::complain(&Shown::line(false, &[(Tone::Plain, text)]));
    1
}

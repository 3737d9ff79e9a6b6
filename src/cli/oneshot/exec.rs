//! Runs a command for a message. What somebody else wrote reaches it on its input and in variables, never in a command
//! line.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::web::LineObject;

use super::super::screen;
use super::super::shown::{Shown, Tone};
use super::trouble::Trouble;

/// Runs it to its end; false when it failed, with a remark. It goes on when we are told to end.
pub(super) async fn run(command: &str, line: LineObject) -> Result<bool, Trouble> {
    let command = command.to_owned();
    let ended = tokio::task::spawn_blocking(move || run_now(&command, &line)).await;
    match ended {
        Ok(Ok(status)) if status.success() => Ok(true),
        Ok(Ok(status)) => {
            let text = format!("The command ended with {status}");
            screen::complain(&Shown::line(false, &[(Tone::Plain, &text)]));
            Ok(false)
        }
        Ok(Err(error)) => Err(Trouble::failed(format!("cannot run the command: {error}"))),
        Err(_) => Err(Trouble::failed("cannot run the command")),
    }
}

fn run_now(command: &str, line: &LineObject) -> io::Result<std::process::ExitStatus> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::piped()).envs(variables(line));
    let mut child = shell.spawn()?;
    if let Some(mut input) = child.stdin.take() {
        // A command that does not read its input is fine.
        let _ = input.write_all(line.text.as_bytes());
    }
    child.wait()
}

/// What is known of the message besides its text.
fn variables(line: &LineObject) -> Vec<(&'static str, String)> {
    let flag = |is: bool| if is { "1" } else { "" }.to_owned();
    let with = line.with.as_ref();
    let mut all = vec![
        ("PEER_TYPE", line.kind.clone()),
        ("PEER_MESSAGE", line.message.clone()),
        ("PEER_FROM_ID", with.map(|with| with.id.clone()).unwrap_or_default()),
        ("PEER_FROM_NAME", with.map(|with| with.name.clone()).unwrap_or_default()),
        ("PEER_FROM_KEY", with.and_then(|with| with.key.clone()).unwrap_or_default()),
        ("PEER_FROM_TRUST", with.map(|with| with.trust.clone()).unwrap_or_default()),
        ("PEER_AT", line.at.clone()),
        ("PEER_PRIVATE", flag(line.private == Some(true))),
        ("PEER_LATE", flag(line.late)),
    ];
    // No variable can hold it.
    all.iter_mut().for_each(|(_, value)| value.retain(|c| c != '\0'));
    all
}

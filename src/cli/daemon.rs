//! `peer run`: a peer without a prompt, for a service manager.

use std::time::Duration;

use crate::node::{Node, Notice, Profile, ProfileError};
use crate::web::Served;

use super::args::Options;
use super::host::{self, Host, sentence};
use super::page::Page;
use super::render;
use super::screen;
use super::shown::{Shown, Tone};
use super::signals::Signals;

/// Goodbye and the writing of the history take no longer.
const LAST: Duration = Duration::from_millis(2_500);

/// Runs a peer until it is told to end; the exit status.
#[must_use]
pub fn run(options: &Options) -> u8 {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("The system gives no event queue: {error}")),
    };
    let ended = runtime.block_on(opened(options));
    runtime.shutdown_background();
    match ended {
        Ok(()) => 0,
        Err(text) => fail(&text),
    }
}

fn fail(text: &str) -> u8 {
    remark(text);
    1
}

fn remark(text: &str) {
    screen::complain(&Shown::line(false, &[(Tone::Plain, text)]));
}

async fn opened(options: &Options) -> Result<(), String> {
    let signals = Signals::listen().map_err(|error| format!("Cannot listen for signals: {error}"))?;
    let (profile, notices) = open(options).map_err(|error| sentence(&error.to_string()))?;
    let page = options.web.then(Page::at_start);
    serve(options, profile, &notices, signals, page).await
}

/// Runs a peer of this profile until it is told to end; shows its page first, if that is wanted. The error is for the
/// user.
pub(super) async fn serve(
    options: &Options,
    profile: Profile,
    notices: &[String],
    mut signals: Signals,
    page: Option<Page>,
) -> Result<(), String> {
    notices.iter().for_each(|notice| remark(notice));
    let name = host::name(options, &profile);
    let mut host = Host::start(options, profile, name)?;
    let served = host.serve(page.is_some()).await;
    host.notices.iter().for_each(|notice| remark(notice));
    if served.is_none() && !options.temporary {
        // Nobody could speak to it, not even to end it.
        tokio::time::timeout(LAST, host.node.handle.leave()).await.unwrap_or_default();
        let advice = "No command would reach this peer, not even `peer stop`. Make its folder writable, name another by \
                      XDG_STATE_HOME, or keep nothing with --temporary";
        return Err(advice.to_owned());
    }
    tell_manager("READY=1\n");
    if let (Some(page), Some(served)) = (page, &served) {
        show(&page, served).await;
    }
    let Host { node: Node { handle, events, notices: mut told }, stop, .. } = host;
    // Nobody reads them here, and unread ones are held.
    drop(events);
    let ended = loop {
        tokio::select! {
            () = signals.came() => break Ok(()),
            () = stop.notified() => break Ok(()),
            notice = told.recv() => match notice {
                Some(Notice::Ended { reason }) => break Err(format!("The network sockets failed: {reason}")),
                Some(notice) => remark(&render::notice(&notice)),
                None => break Err("The peer has ended".to_owned()),
            },
        }
    };
    tell_manager("STOPPING=1\n");
    // A peer that hangs is not waited for.
    let _ = tokio::time::timeout(LAST, handle.leave()).await;
    drop(served);
    ended
}

/// Shows the page. Without it the peer runs on.
async fn show(page: &Page, served: &Served) {
    if let Err(error) = page.print(&served.client()).await {
        remark(&format!("The page cannot be shown: {error}"));
    }
}

/// The profile alone, never another one that is free: a second service of a profile is a mistake.
pub(super) fn open(options: &Options) -> Result<(Profile, Vec<String>), ProfileError> {
    if options.temporary {
        return Ok((Profile::temporary(), Vec::new()));
    }
    let folder = Profile::folder_of(options.profile.as_deref())?;
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
    let (profile, notices) = Profile::open(name.as_deref())?;
    Ok((profile, notices.iter().map(|notice| sentence(&notice.to_string())).collect()))
}

/// Tells systemd how we are, if it wants to know.
#[cfg(unix)]
fn tell_manager(state: &str) {
    use std::os::unix::net::UnixDatagram;

    let Some(socket) = std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) else { return };
    let told = UnixDatagram::unbound().and_then(|from| {
        #[cfg(target_os = "linux")]
        if let Some(name) = std::os::unix::ffi::OsStrExt::as_bytes(&*socket).strip_prefix(b"@") {
            use std::os::linux::net::SocketAddrExt;
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            return from.send_to_addr(state.as_bytes(), &address);
        }
        from.send_to(state.as_bytes(), &socket)
    });
    if let Err(error) = told {
        tracing::warn!(%error, "the service manager is not told");
    }
}

#[cfg(not(unix))]
fn tell_manager(_: &str) {}

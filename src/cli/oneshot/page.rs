//! `peer web` and `peer open`: the page in a browser.

use std::io::IsTerminal;

use crate::wire::PeerLink;

use super::super::args::{OpenArgs, Options, WebArgs};
use super::super::daemon;
use super::super::page::Page;
use super::super::screen;
use super::super::shown::{Shown, Tone};
use super::super::signals::Signals;
use super::link::{Found, profile, running};
use super::trouble::Trouble;

pub(super) async fn web(options: &Options, args: &WebArgs) -> Result<(), Trouble> {
    if args.lock {
        return lock(options).await;
    }
    let bare = args.print || !std::io::stdout().is_terminal();
    show(options, Page { opens: !args.print && !args.no_open, bare, ..Page::default() }).await
}

pub(super) async fn open(options: &Options, args: &OpenArgs) -> Result<(), Trouble> {
    // What is wrong with it is told, never what it is: it came from anywhere.
    let link = PeerLink::parse(&args.link).map_err(|error| Trouble::usage(error.to_string()))?;
    show(options, Page { opens: true, bare: !std::io::stdout().is_terminal(), link: Some(link), ..Page::default() })
        .await
}

/// Whoever was in needs a new address, whether a peer runs or not.
async fn lock(options: &Options) -> Result<(), Trouble> {
    let client = match running(options).await? {
        Some(client) => Some(client),
        None => match profile(options).await? {
            Found::Running(client) => Some(client),
            Found::Profile(mut profile, _) => {
                let changed = profile.change(|settings| settings.browsers.clear());
                changed.map_err(|error| Trouble::failed(error.to_string()))?;
                None
            }
        },
    };
    if let Some(client) = client {
        client.lock().await?;
    }
    let text = "No browser is in any more. To let one in: peer web";
    let printed = screen::print(&Shown::line(false, &[(Tone::Plain, text)]));
    printed.map_err(|error| Trouble::failed(format!("cannot show anything: {error}")))
}

/// Shows the page of the peer that runs; if none does, of one that runs from now on, until it is told to end.
async fn show(options: &Options, page: Page) -> Result<(), Trouble> {
    let signals = Signals::listen().map_err(|error| Trouble::failed(format!("cannot listen for signals: {error}")))?;
    let client = match running(options).await? {
        Some(client) => client,
        None => match profile(options).await? {
            Found::Running(client) => client,
            Found::Profile(profile, notices) => {
                let page = Page { starts: true, ..page };
                let served = daemon::serve(options, profile, &notices, signals, Some(page)).await;
                return served.map_err(Trouble::failed);
            }
        },
    };
    page.print(&client).await.map_err(Trouble::failed)
}

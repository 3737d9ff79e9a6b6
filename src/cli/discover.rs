//! `peer discover`: who is here.
//!
//! Runs a peer that only looks around: it is answered, and not listed (protocol.md §5.3).

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use unicode_width::UnicodeWidthStr;

use crate::engine::{Command, Config, Event, Peer, Presence, Reply};
use crate::node::{Handle, Keys, Node, Options as NodeOptions, unix_now};
use crate::wire::{Name, Safe};

use super::args::{DiscoverArgs, Options};
use super::screen;
use super::secret;
use super::shown::{Shown, Tone};
use super::signals::Signals;

/// Nobody new for so long after somebody was found, and the search is over: a second question goes out 1.2 s after the
/// first at the latest, and who missed the first has answered by then.
const SETTLED: Duration = Duration::from_millis(1_700);

/// How long one name is used.
const NAME_FOR: u64 = 240;

/// Widest name and id, columns.
const WIDEST: usize = 40;

/// Shows who is here; the exit status is 1 if nobody is.
#[must_use]
pub fn run(options: &Options, discover: &DiscoverArgs) -> u8 {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("The system gives no event queue: {error}")),
    };
    let ended = runtime.block_on(search(options, discover));
    runtime.shutdown_background();
    match ended {
        Ok(true) => 0,
        Ok(false) => fail("Nobody answers. Start `peer` on another machine, or try: peer doctor"),
        Err(text) => fail(&text),
    }
}

fn fail(text: &str) -> u8 {
    screen::complain(&Shown::line(false, &[(Tone::Plain, text)]));
    1
}

/// Looks around; true when somebody was found.
async fn search(options: &Options, discover: &DiscoverArgs) -> Result<bool, String> {
    let mut signals = Signals::listen().map_err(|error| format!("Cannot listen for signals: {error}"))?;
    let name = Name::new(&passing_name("discover")).map_err(|error| error.to_string())?;
    let node = Node::start(NodeOptions {
        keys: group_keys(options)?,
        config: Config { scan: true, ..options.config() },
        port: options.port,
        interfaces: options.interfaces(),
        peers: options.peers(),
        ..NodeOptions::new(name)
    });
    let Node { handle, mut events, mut notices } = node.map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        while let Some(notice) = notices.recv().await {
            screen::complain(&Shown::line(false, &[(Tone::Plain, &notice.to_string())]));
        }
    });
    let own = match handle.command(Command::WhoAmI).await {
        Ok(Reply::Me(me)) => me.links.iter().map(|link| link.address).collect(),
        _ => Vec::new(),
    };
    let rows = Rows { json: discover.json, watch: discover.watch, own };
    let searched = async {
        if discover.watch {
            return rows.watch(&handle, &mut events).await;
        }
        // The end of the time is no failure: what was found until then counts.
        let _ = timeout(discover.timeout, settle(&handle, &mut events, &rows.own)).await;
        let found = handle.peers().snapshot();
        rows.print(&found)?;
        Ok(!found.is_empty())
    };
    let found = tokio::select! {
        found = searched => found,
        () = signals.came() => Ok(!handle.peers().is_empty()),
    };
    handle.leave().await;
    match found {
        // Nobody reads on: what was shown was enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(true),
        found => found.map_err(|error| format!("Cannot show anything: {error}")),
    }
}

/// In a closed group nobody is heard without its key; who looks around shows a key of its own that is used once.
fn group_keys(options: &Options) -> Result<Option<Keys>, String> {
    let Some(found) = secret::of_group(options)? else { return Ok(None) };
    let folder = secret::kept_in(options);
    let group = Some(found.key(folder.as_deref())?);
    let keys = Keys::temporary().map_err(|error| format!("The system gives no random numbers: {error}"))?;
    Ok(Some(Keys { group, ..keys }))
}

/// A name for who only looks around. It is not the user's: an older client would take us for the peer that runs under
/// that name. It changes now and then: some older clients ignore for ever an id that they did not hear for 300 s.
pub(super) fn passing_name(word: &str) -> String {
    format!("{word}-{}", unix_now().as_secs() / NAME_FOR % 10_000)
}

/// Returns when nobody new comes any more.
async fn settle(handle: &Handle, events: &mut Receiver<Event>, own: &[Ipv4Addr]) {
    let mut any = false;
    loop {
        let next = newcomer(handle, events, own);
        let came = if any { timeout(SETTLED, next).await.unwrap_or(false) } else { next.await };
        if !came {
            return;
        }
        any = true;
    }
}

/// Returns when somebody new came; false at the end. A peer on this computer is asked whom it knows, and those are
/// tried.
async fn newcomer(handle: &Handle, events: &mut Receiver<Event>, own: &[Ipv4Addr]) -> bool {
    loop {
        match events.recv().await {
            Ok(Event::Here(peer)) => {
                if is_here(&peer, own) && !peer.is_older() {
                    // It may have left in this moment.
                    let _ = handle.command(Command::AskPeers(peer.id())).await;
                }
                return true;
            }
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return false,
        }
    }
}

fn is_here(peer: &Peer, own: &[Ipv4Addr]) -> bool {
    let ip = *peer.address().ip();
    ip.is_loopback() || own.contains(&ip)
}

/// How peers are shown.
struct Rows {
    json: bool,
    watch: bool,
    own: Vec<Ipv4Addr>,
}

impl Rows {
    /// Shows who comes and goes, until the peer ends.
    async fn watch(&self, handle: &Handle, events: &mut Receiver<Event>) -> io::Result<bool> {
        let mut any = false;
        loop {
            match events.recv().await {
                Ok(Event::Here(peer)) => {
                    any = true;
                    if is_here(&peer, &self.own) && !peer.is_older() {
                        // It may have left in this moment.
                        let _ = handle.command(Command::AskPeers(peer.id())).await;
                    }
                    self.change("here", &peer)?;
                }
                Ok(Event::Back(peer)) => self.change("here", &peer)?,
                Ok(Event::Quiet(peer)) => self.change("quiet", &peer)?,
                Ok(Event::Left(peer) | Event::Gone(peer)) => self.change("gone", &peer)?,
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(any),
            }
        }
    }

    fn change(&self, what: &'static str, peer: &Peer) -> io::Result<()> {
        if self.json {
            return self.object(peer, Some(what));
        }
        let [name, id, address, note] = self.cells(peer);
        let line = format!("{what:<5}  {name:<16}  {id:<28}  {address:<21}  {note}");
        screen::print(&Shown::line(false, &[(Tone::Plain, line.trim_end())]))
    }

    /// Shows all that were found.
    fn print(&self, peers: &[Peer]) -> io::Result<()> {
        if self.json {
            return peers.iter().try_for_each(|peer| self.object(peer, None));
        }
        let rows: Vec<[String; 4]> = peers.iter().map(|peer| self.cells(peer)).collect();
        let widest = |at: usize| rows.iter().map(|row| row[at].width()).max().unwrap_or_default();
        let widths = [0, 1, 2].map(widest);
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width - cell.width() + 2));
            }
            line.push_str(&row[3]);
            screen::print(&Shown::line(false, &[(Tone::Plain, line.trim_end())]))?;
        }
        Ok(())
    }

    /// Display name, id, address, and what is special.
    fn cells(&self, peer: &Peer) -> [String; 4] {
        let mut notes: Vec<String> = Vec::new();
        for (is, note) in [
            (is_here(peer, &self.own), "this computer"),
            (peer.is_older(), "older client"),
            (peer.presence() == Presence::Heard && !self.watch, "heard, but does not answer"),
        ] {
            if is {
                notes.push(note.to_owned());
            }
        }
        notes.extend(peer.shown_status().map(|status| format!("\"{status}\"")));
        let name = peer.shown_name().as_str().to_owned();
        let id = Safe::fitted(peer.raw_id(), WIDEST).as_str().to_owned();
        [name, id, peer.address().to_string(), notes.join(", ")]
    }

    fn object(&self, peer: &Peer, event: Option<&str>) -> io::Result<()> {
        let mut object = json!({
            "id": peer.shown_id().as_str(),
            "name": peer.shown_name().as_str(),
            "address": peer.address().to_string(),
            "status": peer.shown_status().map(|status| status.as_str().to_owned()),
            "older": peer.is_older(),
        });
        if let Some(event) = event {
            object["event"] = event.into();
        }
        screen::print(&Shown::line(false, &[(Tone::Plain, &object.to_string())]))
    }
}

//! `peer add`: tries where somebody may be.

use crate::web::{PeerObject, ReachedObject};

use super::super::args::{AddArgs, Options};
use super::super::host::sentence;
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{object, say};

pub(super) async fn add(options: &Options, args: &AddArgs) -> Result<(), Trouble> {
    let link = Link::open(options, Manner { json: args.json, serves: false, settles: true }).await?;
    let reached = link.client.reach(&args.to).await;
    let goes_on = !link.is_own();
    link.close().await;
    let reached = reached?;
    if args.json {
        object(&reached)?;
    }
    match &reached.peer {
        Some(peer) if is_here(peer) && args.json => Ok(()),
        Some(peer) if is_here(peer) => say(&sentence(&told(&reached, goes_on))),
        Some(_) | None => Err(Trouble::nobody(told(&reached, goes_on))),
    }
}

/// What came of it, for people.
pub(in crate::cli) fn told(reached: &ReachedObject, goes_on: bool) -> String {
    let tried = reached.tried.join(", ");
    let mut text = match &reached.peer {
        Some(peer) if is_here(peer) => return format!("{} ({}) is here", peer.name, peer.id),
        Some(peer) if tried.is_empty() => format!("{} is known, and away", peer.name),
        Some(peer) => format!("{} is known, and away; nobody answers at {tried}", peer.name),
        None if tried.is_empty() => "it is not known here, and there is no address to try".to_owned(),
        None => format!("nobody answers at {tried}"),
    };
    if !tried.is_empty() {
        text.push_str(if goes_on {
            ". It is tried again at every beat, and listed when it answers"
        } else {
            ". No peer runs here that would try again: start `peer`"
        });
    }
    text
}

fn is_here(peer: &PeerObject) -> bool {
    peer.presence != "away"
}

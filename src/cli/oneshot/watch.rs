//! `peer watch`: what is said, as it comes.

use crate::web::{EventObject, EventQuery, LineObject, PeerObject, SentObject};
use crate::wire::{Safe, SafeLines};

use super::super::args::{Options, WatchArgs};
use super::super::render::Render;
use super::super::shown::{Shown, Tone};
use super::super::signals::Signals;
use super::books::render;
use super::exec;
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{object, put, unread};

pub(super) async fn watch(options: &Options, args: &WatchArgs) -> Result<(), Trouble> {
    let mut signals = Signals::listen().map_err(|error| Trouble::failed(error.to_string()))?;
    // Nothing is missed, but whoever is asked for must be known.
    let manner = Manner { json: args.json, serves: true, settles: args.from.is_some() };
    let mut link = tokio::select! {
        link = Link::open(options, manner) => link?,
        () = signals.came() => return Ok(()),
    };
    let watched = tokio::select! {
        watched = follow(&mut link, args) => watched,
        () = unread() => Ok(()),
        () = signals.came() => Ok(()),
    };
    link.close().await;
    watched
}

async fn follow(link: &mut Link, args: &WatchArgs) -> Result<(), Trouble> {
    let query = EventQuery { from: args.from.clone(), ..EventQuery::default() };
    let mut events = match link.early.take().filter(|_| args.from.is_none()) {
        Some(events) => events,
        None => link.client.events(&query).await?,
    };
    let render = render();
    while let Some(event) = events.next().await? {
        if matches!(&event, EventObject::Line(line) if line.ours) {
            // What we say is no news to who says it, and a command must not answer it.
            continue;
        }
        if args.json {
            object(&event)?;
        } else if args.exec.is_none() {
            shown(render, &event).iter().try_for_each(put)?;
        }
        let EventObject::Line(line) = event else { continue };
        if let Some(command) = &args.exec
            && !exec::run(command, (*line).clone()).await?
        {
            // It stays unread.
            continue;
        }
        if let Some(row) = line.row {
            let read = link.client.read(&[row]).await;
            if let Err(error) = read {
                tracing::warn!(%error, "a line that was shown counts as unread");
            }
        }
    }
    Err(Trouble::failed("the peer has ended"))
}

/// An event as lines for a person, or as a row for a program: the same that `peer` shows.
fn shown(render: Render, event: &EventObject) -> Vec<Shown> {
    match event {
        EventObject::Line(line) => said(render, line),
        EventObject::Peer(peer) => passing(render, peer).into_iter().collect(),
        EventObject::Mark(mark) => vec![marked(render, mark)],
        EventObject::News(news) => match (news.kind.as_str(), news.posts) {
            ("caught-up", Some(posts)) if posts > 0 => vec![render.info(&format!("Caught up: {posts} posts"))],
            ("renamed", _) => {
                let id = news.id.as_deref().unwrap_or_default();
                vec![render.info(&format!("Your address changed: you are {id} now"))]
            }
            ("cut-off", _) => vec![render.info("Nearly everyone went quiet at once: this computer may be cut off")],
            ("reload", _) => {
                vec![render.error("Some events came too fast and are not shown; see: peer history --unread")]
            }
            _ => Vec::new(),
        },
        // They have commands of their own.
        EventObject::List(_)
        | EventObject::Progress(_)
        | EventObject::Cache(_)
        | EventObject::Message(_)
        | EventObject::Call(_) => Vec::new(),
    }
}

fn said(render: Render, line: &LineObject) -> Vec<Shown> {
    let Some(with) = &line.with else { return Vec::new() };
    let unverified = if with.key.is_none() { " (unverified)" } else { "" };
    let name = format!("{}{unverified}", with.name);
    if render.pipe {
        let kind = match (line.kind.as_str(), line.late) {
            ("post", true) => "LATE",
            ("post", false) => "POST",
            _ => "DM",
        };
        return vec![Shown::row(kind, &with.id, &name, &line.text)];
    }
    let mark = if with.trust == "verified" { "\u{2713} " } else { "" };
    let whom = match line.private {
        Some(true) => " to you",
        Some(false) => " to you, not private",
        None => "",
    };
    let late = if line.late { format!("[{}] ", line.stamp) } else { String::new() };
    let texts = SafeLines::of(&line.text);
    let mut texts = texts.iter().map(Safe::as_str);
    let head = [
        (Tone::Faint, late.as_str()),
        (Tone::Plain, mark),
        (Tone::Name, &name),
        (Tone::Plain, whom),
        (Tone::Plain, ": "),
        (Tone::Plain, texts.next().unwrap_or_default()),
    ];
    let mut lines = vec![Shown::line(render.color, &head)];
    lines.extend(texts.map(|text| Shown::line(render.color, &[(Tone::Plain, "    "), (Tone::Plain, text)])));
    lines
}

fn passing(render: Render, peer: &PeerObject) -> Option<Shown> {
    let (kind, what) = match peer.what.as_deref()? {
        "here" => ("HERE", "is here"),
        "left" => ("LEFT", "left"),
        "gone" => ("GONE", "is gone"),
        "quiet" => ("QUIET", "is quiet"),
        "back" => ("BACK", "is back"),
        "profile" => ("PROFILE", "changed its profile"),
        "new-key" => ("KEY", "has a new key: see PEER, VERIFY and TRUST at the prompt of `peer`"),
        _ => return None,
    };
    if render.pipe {
        let text = match kind {
            "HERE" => peer.address.clone().unwrap_or_default(),
            "PROFILE" => peer.status.clone().unwrap_or_default(),
            _ => what.to_owned(),
        };
        return Some(Shown::row(kind, &peer.id, &peer.name, &text));
    }
    let tone = if kind == "KEY" { Tone::Alarm } else { Tone::Faint };
    Some(Shown::line(render.color, &[(tone, &format!("{} {what}", peer.name))]))
}

fn marked(render: Render, mark: &SentObject) -> Shown {
    let (id, name) = mark.to.as_ref().map_or(("", ""), |to| (to.id.as_str(), to.name.as_str()));
    let reason = mark.reason.as_ref().map(|reason| format!(" {reason}")).unwrap_or_default();
    if render.pipe {
        return Shown::row("MARK", id, name, &format!("{} {}{reason}", mark.mark, mark.message));
    }
    let tone = if mark.mark == "failed" { Tone::Alarm } else { Tone::Faint };
    Shown::line(render.color, &[(tone, &format!("{}: {name}{reason}", mark.mark))])
}

//! `peer share show --watch`: a list, and then again whenever it changes.

use std::io::{self, IsTerminal, Write};

use crate::web::{EventObject, EventQuery, ListObject, WholeListObject};

use super::super::super::args::Options;
use super::super::super::shown::Shown;
use super::super::super::signals::Signals;
use super::super::books::render;
use super::super::link::{Link, Manner};
use super::super::trouble::Trouble;
use super::super::{object, put};
use super::found;

/// Lines that are left for the head and what happened last.
const AROUND: usize = 4;

/// Where the size of the terminal is not known.
const LINES: usize = 24;

/// To the first corner, and all of the screen gone.
const CLEAR: &str = "\x1b[H\x1b[2J";

pub(super) async fn watch(options: &Options, typed: &str, json: bool) -> Result<(), Trouble> {
    let mut signals = Signals::listen().map_err(|error| Trouble::failed(error.to_string()))?;
    let opened = Link::open(options, Manner { json, serves: true, settles: true });
    let mut link = tokio::select! {
        link = opened => link?,
        () = signals.came() => return Ok(()),
    };
    let watched = tokio::select! {
        watched = follow(&mut link, typed, json) => watched,
        () = signals.came() => Ok(()),
    };
    link.close().await;
    watched
}

async fn follow(link: &mut Link, typed: &str, json: bool) -> Result<(), Trouble> {
    // Nothing that happens after the first look is missed.
    let mut events = link.client.events(&EventQuery::default()).await?;
    link.early = None;
    let id = found(link, typed).await?.id;
    let whole = link.client.list(&id).await?;
    let drawn = !json && io::stdout().is_terminal();
    if json {
        object(&whole)?;
    } else if drawn {
        draw(&whole, None)?;
    } else {
        render().whole_list(&whole, usize::MAX).iter().try_for_each(put)?;
    }
    while let Some(event) = events.next().await? {
        let change = match event {
            EventObject::List(list) if list.id == id => Some(*list),
            EventObject::News(news) if news.kind == "reload" => None,
            EventObject::Line(_)
            | EventObject::Peer(_)
            | EventObject::Mark(_)
            | EventObject::News(_)
            | EventObject::List(_)
            | EventObject::Progress(_)
            | EventObject::Cache(_)
            | EventObject::Message(_)
            | EventObject::Call(_) => continue,
        };
        match change {
            _ if drawn => draw(&link.client.list(&id).await?, change.as_ref())?,
            Some(change) if json => object(&change)?,
            Some(change) => render().list_change(&change).iter().try_for_each(put)?,
            // What was missed is in the list as it is now.
            None if json => object(&link.client.list(&id).await?)?,
            None => render().whole_list(&link.client.list(&id).await?, usize::MAX).iter().try_for_each(put)?,
        }
    }
    Err(Trouble::failed("the peer has ended"))
}

/// Shows the list in place of what was there, and what happened last.
fn draw(list: &WholeListObject, last: Option<&ListObject>) -> Result<(), Trouble> {
    let render = render();
    let lines = crossterm::terminal::size().map_or(LINES, |(_, rows)| usize::from(rows));
    let mut shown = render.whole_list(list, lines.saturating_sub(AROUND).max(1));
    shown.extend(last.and_then(|last| render.list_change(last)));
    let text: Vec<&str> = shown.iter().map(Shown::as_str).collect();
    let mut out = io::stdout().lock();
    let written = writeln!(out, "{CLEAR}{}", text.join("\n")).and_then(|()| out.flush());
    written.map_err(Trouble::output)
}

//! The whole screen, as lines from top to bottom: what is shown where, in whatever room there is.

use jiff::tz::TimeZone;

use super::figures::grouped_u64;
use super::panes;
use super::people::{self, Table};
use super::seen::Seen;
use super::text::{Ink, Line, columns};
use super::view::{Pane, View};

/// The picture for a screen of this size: at most that many lines of at most that width.
pub(super) fn picture(seen: &Seen, view: &mut View, zone: &TimeZone, width: usize, height: usize) -> Vec<Line> {
    let above = match height {
        0..5 => 0,
        5..9 => 1,
        9..16 => 3,
        _ => 5,
    };
    let below = usize::from(height >= 3);
    let room = height.saturating_sub(above + below);
    let mut body = body(seen, view, width, room);
    body.resize(room, Line::new());
    let mut lines = panes::head(seen, zone, width);
    if above >= 3 {
        lines.truncate(above - 2);
        lines.push(panes::pulse(seen, width));
        lines.push(tabs(seen, view, width));
    }
    lines.truncate(above);
    lines.extend(body);
    if below > 0 {
        lines.push(foot(seen, view, width));
    }
    lines
}

fn tabs(seen: &Seen, view: &View, width: usize) -> Line {
    let mut line = Line::new();
    for (at, pane) in Pane::ALL.into_iter().enumerate() {
        let ink = if pane == view.pane && !view.help { Ink::Chosen } else { Ink::Plain };
        line = line.and(ink, &format!(" {} {} ", at + 1, pane.as_str())).and(Ink::Plain, " ");
    }
    if view.pane != Pane::People || view.help {
        return line;
    }
    let arrow = if view.reversed { ", reversed" } else { "" };
    let order = format!("by {}{arrow}", view.sort.as_str());
    line.ending(Ink::Faint, &format!("{}{order}", position(seen, view)), width)
}

fn foot(seen: &Seen, view: &View, width: usize) -> Line {
    if view.typing {
        // The end is what is being typed.
        let mut shown = view.filter.as_str();
        while columns(shown) + 2 > width && !shown.is_empty() {
            shown = shown.char_indices().nth(1).map_or("", |(at, _)| &shown[at..]);
        }
        return Line::of(Ink::Strong, "/").and(Ink::Plain, shown).and(Ink::Chosen, " ");
    }
    if let Some(why) = &seen.lost {
        return Line::of(Ink::Alarm, &format!("{why}; trying again"));
    }
    let keys = ["q quit", "? help", "d doctor", "/ find", "n p r h u order"];
    let mut line = Line::new();
    for key in keys {
        let gap = if line.width() == 0 { "" } else { "  " };
        if line.width() + gap.len() + key.len() <= width {
            line = line.and(Ink::Faint, gap).and(Ink::Faint, key);
        }
    }
    let filter = if view.filter.is_empty() { String::new() } else { format!("/{}", view.filter) };
    line.ending(Ink::Strong, &filter, width)
}

fn body(seen: &Seen, view: &mut View, width: usize, room: usize) -> Vec<Line> {
    if view.help {
        return part(panes::help(width), view, room);
    }
    match view.pane {
        Pane::People => people(seen, view, width, room),
        Pane::Network => part(panes::network(seen, width), view, room),
        Pane::Traffic => part(panes::traffic(seen, width, true), view, room),
        Pane::Doctor => part(panes::doctor(&seen.doctor, width), view, room),
    }
}

/// As much of the lines as there is room for.
fn part(lines: Vec<Line>, view: &mut View, room: usize) -> Vec<Line> {
    view.page = room;
    let last = lines.len().saturating_sub(room);
    let first = view.first();
    *first = (*first).min(last);
    lines.into_iter().skip(*first).take(room).collect()
}

/// The table, and below it all about the one that is chosen. Only what is shown is made.
fn people(seen: &Seen, view: &mut View, width: usize, room: usize) -> Vec<Line> {
    let headed = room >= 2;
    let detailed = room >= 5;
    let rows = room.saturating_sub(usize::from(headed) + usize::from(detailed));
    view.page = rows;
    let chosen = view.chosen(seen);
    let first = view.first();
    // The chosen one is always to be seen.
    *first = (*first).min(chosen).max((chosen + 1).saturating_sub(rows));
    let first = *first;
    let table = Table::of(width);
    let mut lines = Vec::with_capacity(room);
    if headed {
        lines.push(table.head());
    }
    let shown = view.order.iter().enumerate().skip(first).take(rows);
    lines.extend(shown.filter_map(|(at, place)| {
        let peer = seen.peers.get(*place)?;
        let row = table.row(peer, seen.unread(peer));
        Some(if at == chosen { row.chosen(width) } else { row })
    }));
    if view.order.is_empty() && rows > 0 {
        lines.push(Line::of(Ink::Faint, nobody(seen, view)));
    }
    if detailed {
        lines.resize(room - 1, Line::new());
        let peer = view.order.get(chosen).and_then(|place| seen.peers.get(*place));
        lines.push(peer.map(|peer| Line::of(Ink::Faint, &people::details(peer))).unwrap_or_default());
    }
    lines
}

/// Which one of how many is chosen, where not all are to be seen.
fn position(seen: &Seen, view: &View) -> String {
    if view.order.len() <= view.page {
        return String::new();
    }
    format!("{} of {}, ", grouped_u64(view.chosen(seen) as u64 + 1), grouped_u64(view.order.len() as u64))
}

fn nobody(seen: &Seen, view: &View) -> &'static str {
    if seen.status.is_none() {
        ""
    } else if !view.filter.is_empty() {
        "nobody fits what is asked for"
    } else if seen.peers.is_empty() {
        "Nobody yet. Start peer on another machine, or press d"
    } else {
        "nobody is here; a shows those who are away or blocked"
    }
}

//! The overview once, as plain text.

use jiff::tz::TimeZone;

use super::panes;
use super::people::Table;
use super::seen::Seen;
use super::text::Line;
use super::view::View;

/// Columns of the text.
const WIDTH: usize = 100;

/// All that the overview shows, one part below the other.
pub(super) fn lines(seen: &Seen, zone: &TimeZone) -> Vec<String> {
    let mut view = View::default();
    view.arrange(seen);
    let table = Table::of(WIDTH);
    let mut lines = panes::head(seen, zone, WIDTH);
    lines.push(Line::new());
    lines.push(table.head());
    let peers = view.order.iter().filter_map(|place| seen.peers.get(*place));
    lines.extend(peers.map(|peer| table.row(peer, seen.unread(peer))));
    for part in [panes::network(seen, WIDTH), panes::traffic(seen, WIDTH, false)] {
        lines.push(Line::new());
        lines.extend(part);
    }
    lines.iter().map(Line::plain).collect()
}

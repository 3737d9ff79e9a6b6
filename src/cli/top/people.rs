//! Who is here: in which order, and as which rows.

use std::cmp::{Ordering, Reverse};

use crate::web::PeerObject;

use super::figures;
use super::seen::Seen;
use super::text::{Ink, Line, Side, columns};

/// Widest name, columns.
const WIDEST: usize = 40;

/// What rows are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Presence,
    Name,
    RoundTrip,
    Heard,
    Unread,
}

impl Sort {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Presence => "presence",
            Self::Name => "name",
            Self::RoundTrip => "round trip",
            Self::Heard => "last heard",
            Self::Unread => "unread",
        }
    }
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Trust,
    State,
    RoundTrip,
    Heard,
    Interface,
    How,
    Unread,
}

/// From left to right.
const COLUMNS: [Column; 7] =
    [Column::Trust, Column::State, Column::RoundTrip, Column::Heard, Column::Interface, Column::How, Column::Unread];

/// What gives way first where there is no room.
const DISPENSABLE: [Column; 7] =
    [Column::How, Column::Interface, Column::RoundTrip, Column::Heard, Column::Unread, Column::State, Column::Trust];

impl Column {
    fn head(self) -> &'static str {
        match self {
            Self::Trust => "TRUST",
            Self::State => "STATE",
            Self::RoundTrip => "TRIP",
            Self::Heard => "HEARD",
            Self::Interface => "VIA",
            Self::How => "HOW",
            Self::Unread => "UNREAD",
        }
    }

    fn width(self) -> usize {
        match self {
            Self::Trust => 10,
            Self::State => 5,
            Self::RoundTrip | Self::Heard => 7,
            Self::Interface => 8,
            Self::How => 9,
            Self::Unread => 6,
        }
    }

    fn side(self) -> Side {
        match self {
            Self::RoundTrip | Self::Heard | Self::Unread => Side::Right,
            Self::Trust | Self::State | Self::Interface | Self::How => Side::Left,
        }
    }

    fn cell(self, peer: &PeerObject, unread: u64) -> (Ink, String) {
        match self {
            Self::Trust => trust(peer),
            Self::State => (presence(&peer.presence), peer.presence.clone()),
            Self::RoundTrip => (Ink::Plain, peer.round_trip_us.map(figures::round_trip).unwrap_or_default()),
            Self::Heard => (Ink::Plain, peer.heard.map(figures::age).unwrap_or_default()),
            Self::Interface => (Ink::Plain, peer.interface.clone().unwrap_or_default()),
            Self::How => (Ink::Plain, how(&peer.ways).to_owned()),
            Self::Unread if unread > 0 => (Ink::Strong, figures::grouped_u64(unread)),
            Self::Unread => (Ink::Plain, String::new()),
        }
    }
}

/// The word of trust; what the user said comes first.
fn trust(peer: &PeerObject) -> (Ink, String) {
    let (ink, word) = match peer.trust.as_str() {
        _ if peer.blocked => (Ink::Faint, "blocked"),
        "new key" => (Ink::Alarm, "new key"),
        "unverified" => (Ink::Warn, "unverified"),
        "verified" => (Ink::Good, "verified"),
        _ if peer.muted => (Ink::Faint, "muted"),
        _ => (Ink::Plain, ""),
    };
    (ink, word.to_owned())
}

fn presence(word: &str) -> Ink {
    match word {
        "live" => Ink::Good,
        "quiet" => Ink::Warn,
        "away" => Ink::Faint,
        _ => Ink::Plain,
    }
}

fn how(ways: &[String]) -> &'static str {
    let has = |way: &str| ways.iter().any(|known| known == way);
    match (has("broadcast"), has("unicast")) {
        (true, true) => "both",
        (true, false) => "broadcast",
        (false, true) => "direct",
        (false, false) => "",
    }
}

/// Those that are shown, in their order: places in the list of all.
pub(super) fn order(seen: &Seen, sort: Sort, reversed: bool, all: bool, filter: &str) -> Vec<usize> {
    let filter = filter.to_lowercase();
    let shown = |peer: &PeerObject| {
        let texts = [&peer.name, &peer.id, &peer.presence, &peer.trust, &peer.who];
        let more = [&peer.address, &peer.interface, &peer.status];
        let mut texts = texts.into_iter().chain(more.into_iter().flatten());
        (all || !(peer.blocked || peer.presence == "away"))
            && (filter.is_empty() || texts.any(|text| text.to_lowercase().contains(&filter)))
    };
    let mut rows: Vec<(Key, usize)> = (0..seen.peers.len())
        .filter(|at| shown(&seen.peers[*at]))
        .map(|at| (Key::of(&seen.peers[at], seen.unread(&seen.peers[at]), sort), at))
        .collect();
    rows.sort();
    let mut rows: Vec<usize> = rows.into_iter().map(|(_, at)| at).collect();
    if reversed {
        rows.reverse();
    }
    rows
}

/// What rows are compared by: what is not known comes last, those alike by their names.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    rank: Rank,
    name: String,
    who: String,
}

#[derive(PartialEq, Eq)]
enum Rank {
    Same,
    Low(Option<u64>),
    High(Reverse<u64>),
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Low(a), Self::Low(b)) => a.unwrap_or(u64::MAX).cmp(&b.unwrap_or(u64::MAX)),
            (Self::High(a), Self::High(b)) => a.cmp(b),
            (Self::Same | Self::Low(_) | Self::High(_), _) => Ordering::Equal,
        }
    }
}

impl Key {
    fn of(peer: &PeerObject, unread: u64, sort: Sort) -> Self {
        let rank = match sort {
            Sort::Name => Rank::Same,
            Sort::RoundTrip => Rank::Low(peer.round_trip_us),
            Sort::Heard => Rank::Low(peer.heard),
            Sort::Unread => Rank::High(Reverse(unread)),
            Sort::Presence => Rank::Low(Some(match peer.presence.as_str() {
                "live" => 0,
                "heard" => 1,
                "quiet" => 2,
                _ => 3,
            })),
        };
        Self { rank, name: peer.name.to_lowercase(), who: peer.who.clone() }
    }
}

/// The table of as many as are wanted, with a head line; each line is of that width.
pub(super) struct Table {
    name: usize,
    columns: Vec<Column>,
    gap: usize,
}

impl Table {
    /// For a screen of this width.
    pub(super) fn of(width: usize) -> Self {
        let gap = if width < 100 { 1 } else { 2 };
        let mut columns = COLUMNS.to_vec();
        let taken = |columns: &[Column]| columns.iter().map(|column| column.width() + gap).sum::<usize>();
        for column in DISPENSABLE {
            let least = if columns.len() > 2 { 16 } else { 6 };
            if taken(&columns) + least <= width {
                break;
            }
            columns.retain(|kept| *kept != column);
        }
        let name = width.saturating_sub(taken(&columns)).min(WIDEST);
        Self { name, columns, gap }
    }

    pub(super) fn head(&self) -> Line {
        let line = Line::new().cell(Ink::Faint, "NAME", self.name, Side::Left);
        self.columns.iter().fold(line, |line, column| {
            line.and(Ink::Plain, &" ".repeat(self.gap)).cell(Ink::Faint, column.head(), column.width(), column.side())
        })
    }

    pub(super) fn row(&self, peer: &PeerObject, unread: u64) -> Line {
        let faint = peer.presence == "away" || peer.blocked;
        let name = if faint { Ink::Faint } else { Ink::Plain };
        let line = Line::new().cell(name, &peer.name, self.name, Side::Left);
        self.columns.iter().fold(line, |line, column| {
            let (ink, text) = column.cell(peer, unread);
            line.and(Ink::Plain, &" ".repeat(self.gap)).cell(ink, &text, column.width(), column.side())
        })
    }
}

/// All that is known of one.
pub(super) fn details(peer: &PeerObject) -> String {
    let mut parts = vec![peer.id.clone()];
    parts.extend(peer.address.clone());
    for (is, word) in [
        (peer.trust == "verified", "verified"),
        (peer.trust == "new key", "new key"),
        (peer.trust == "unverified", "unverified"),
        (peer.private, "private"),
        (peer.blocked, "blocked"),
        (peer.muted, "muted"),
        (peer.older, "older client"),
    ] {
        if is {
            parts.push(word.to_owned());
        }
    }
    parts.extend(peer.status.as_ref().filter(|status| columns(status) > 0).map(|status| format!("\"{status}\"")));
    parts.join("  ")
}

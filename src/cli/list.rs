//! The list of peers, for people and for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use unicode_width::UnicodeWidthStr;

use crate::engine::{Instant, Peer, PeerId, Presence, Trust};
use crate::wire::Safe;

use super::names::Names;
use super::render::grouped;
use super::shown::{Shown, Tone};

/// Widest name, id and status in the table, columns.
const WIDEST: usize = 40;

/// So many that have proved nothing are shown one by one.
const UNPROVEN: usize = 20;

/// One peer as LIST shows it.
struct Row {
    cells: [String; 5],
    note: String,
    quiet: bool,
}

/// Those whom LIST shows without being asked for all, and a line about a crowd that has proved nothing.
pub(super) fn usual(peers: &[Peer]) -> (Vec<&Peer>, Option<String>) {
    let mut peers: Vec<&Peer> = peers.iter().filter(|peer| !peer.is_blocked()).collect();
    let is_unproven = |peer: &Peer| {
        !peer.is_settled()
            && !peer.is_lasting()
            && peer.trust() != Trust::Verified
            && !peer.paths().iter().any(|(_, proven)| *proven)
    };
    let mut unproven: Vec<&Peer> = peers.iter().copied().filter(|peer| is_unproven(peer)).collect();
    if unproven.len() <= UNPROVEN {
        return (peers, None);
    }
    // Who is here longest stays.
    unproven.sort_by_key(|peer| (peer.since(), peer.id()));
    let folded = unproven.split_off(UNPROVEN);
    let ips: BTreeSet<Ipv4Addr> = folded.iter().map(|peer| *peer.address().ip()).collect();
    let ids: BTreeSet<PeerId> = folded.iter().map(|peer| peer.id()).collect();
    peers.retain(|peer| !ids.contains(&peer.id()));
    let (count, from) = (grouped(folded.len()), grouped(ips.len()));
    let addresses = if ips.len() == 1 { "address" } else { "addresses" };
    (peers, Some(format!("and {count} unproven from {from} {addresses}; LIST ALL shows them")))
}

/// The table for people, with a head line.
pub(super) fn table(peers: &[&Peer], names: &Names, own: &[Ipv4Addr], now: Instant, color: bool) -> Vec<Shown> {
    let rows = rows(peers, names, own, now);
    let head = ["NAME", "ID", "ADDRESS", "STATE", "HEARD"];
    let width =
        |at: usize| rows.iter().map(|row| row.cells[at].width()).chain([head[at].len()]).max().unwrap_or_default();
    let widths = [0, 1, 2, 3, 4].map(width);
    let line = |cells: [&str; 5], note: &str| {
        let mut line = String::new();
        for (at, cell) in cells.iter().enumerate() {
            let gap = " ".repeat(widths[at] - cell.width());
            // Seconds stand at the right of their column.
            let (before, after) = if at == 4 { (gap.as_str(), "") } else { ("", gap.as_str()) };
            line.push_str(&format!("{before}{cell}{after}  "));
        }
        line.push_str(note);
        line.truncate(line.trim_end().len());
        line
    };
    let mut shown = vec![Shown::line(color, &[(Tone::Faint, &line(head, ""))])];
    for row in &rows {
        let text = line([0, 1, 2, 3, 4].map(|at| row.cells[at].as_str()), &row.note);
        shown.push(Shown::line(color, &[(if row.quiet { Tone::Faint } else { Tone::Plain }, &text)]));
    }
    shown
}

/// One line a peer for programs.
pub(super) fn lines(peers: &[&Peer], names: &Names, own: &[Ipv4Addr], now: Instant) -> Vec<Shown> {
    let rows = rows(peers, names, own, now);
    let line = |(peer, row): (&&Peer, Row)| {
        let [name, _, address, state, heard] = row.cells;
        let note = if row.note.is_empty() { String::new() } else { format!(" [{}]", row.note) };
        let text = format!("{address} {state} {heard}{note}");
        Shown::row("PEER", peer.raw_id(), &name, &text)
    };
    peers.iter().zip(rows).map(line).collect()
}

/// What a peer's presence is called.
pub(super) fn state(presence: Presence) -> &'static str {
    match presence {
        Presence::Heard => "heard",
        Presence::Live => "live",
        Presence::Quiet => "quiet",
        Presence::Away => "away",
    }
}

fn rows(peers: &[&Peer], names: &Names, own: &[Ipv4Addr], now: Instant) -> Vec<Row> {
    let mut same: BTreeMap<&str, usize> = BTreeMap::new();
    for peer in peers {
        *same.entry(peer.raw_id()).or_default() += 1;
    }
    let row = |peer: &&Peer| {
        let address = peer.address();
        let here = address.ip().is_loopback() || own.contains(address.ip());
        let mut notes: Vec<String> = Vec::new();
        for (is, note) in [
            (peer.trust() == Trust::Verified, "verified"),
            (peer.trust() == Trust::Changed, "new key"),
            (peer.trust() == Trust::Unsigned, "unverified"),
            (peer.is_blocked(), "blocked"),
            (peer.is_muted(), "muted"),
            (peer.is_older(), "older client"),
            (here, "this computer"),
            (peer.is_lasting(), "named by --peer"),
            (same.get(peer.raw_id()).is_some_and(|count| *count > 1), "same id as another"),
            (peer.has_avatar(), "has a picture"),
        ] {
            if is {
                notes.push(note.to_owned());
            }
        }
        if let Some(status) = peer.shown_status() {
            notes.push(format!("\"{}\"", Safe::fitted(status.as_str(), WIDEST)));
        }
        Row {
            cells: [
                names.short(peer),
                Safe::fitted(peer.shown_id().as_str(), WIDEST).as_str().to_owned(),
                address.to_string(),
                state(peer.presence()).to_owned(),
                format!("{} s", now.since(peer.heard()).as_secs()),
            ],
            note: notes.join(", "),
            quiet: peer.presence() == Presence::Quiet,
        }
    };
    peers.iter().map(row).collect()
}

//! The parts of the overview besides the people, as lines.

use jiff::tz::TimeZone;

use crate::web::{CheckObject, DoctorObject, InterfaceObject, TrafficObject};

use super::figures;
use super::seen::{Doctor, Seen};
use super::text::{Ink, Line, Side, wrapped};
use super::trend::{self, Rates};

/// Widest line of a trend, columns.
const TREND: usize = 60;

/// Columns that drops and tables take side by side, at least.
const BESIDE: usize = 77;

/// Who the peer is and since when it runs: at most three lines.
pub(super) fn head(seen: &Seen, zone: &TimeZone, width: usize) -> Vec<Line> {
    let Some(status) = &seen.status else {
        return vec![Line::of(Ink::Faint, "asking the peer ..."), Line::new(), Line::new()];
    };
    let own = status.id.split('@').next() == Some(status.name.as_str());
    let called = if own { String::new() } else { format!("  {}", status.name) };
    let [live, quiet, away] = seen.presences();
    let counts = match &seen.lost {
        Some(_) => "not connected".to_owned(),
        None => format!("{live} here, {quiet} quiet, {away} away"),
    };
    let first = Line::of(Ink::Strong, &status.id).and(Ink::Plain, &called);
    let first = first.ending(if seen.lost.is_some() { Ink::Alarm } else { Ink::Plain }, &counts, width);
    let key = status.fingerprint.as_deref().unwrap_or("without a key");
    let group = if status.grouped { "closed group" } else { "no group" };
    let second = Line::of(Ink::Faint, "key ").and(Ink::Plain, key);
    let unread =
        status.unread.filter(|unread| *unread > 0).map(|unread| format!("{} unread", figures::grouped_u64(unread)));
    let second = second.ending(Ink::Strong, unread.as_deref().unwrap_or_default(), width);
    let mut third = Line::of(Ink::Faint, "up ").and(Ink::Plain, &up(seen.traffic.as_ref(), zone));
    third = third.and(Ink::Faint, "  port ").and(Ink::Plain, &status.port.to_string());
    third = if status.discovery {
        third.and(Ink::Faint, "  discovery ").and(Ink::Plain, "open")
    } else {
        third.and(Ink::Faint, "  discovery ").and(Ink::Alarm, "its port is not available: d")
    };
    vec![first, second, third.and(Ink::Plain, "  ").and(Ink::Plain, group)]
}

/// How long the peer has run, and since when by the local clock.
fn up(traffic: Option<&TrafficObject>, zone: &TimeZone) -> String {
    let Some(traffic) = traffic else { return "?".to_owned() };
    let begin = trend::moment(&traffic.since);
    let now = traffic.samples.last().and_then(trend::when);
    let Some((begin, now)) = begin.zip(now) else { return "?".to_owned() };
    let since = jiff::Timestamp::from_millisecond(begin).unwrap_or_default().to_zoned(zone.clone());
    let seconds = u64::try_from(now.saturating_sub(begin)).unwrap_or_default() / 1_000;
    format!("{} (since {})", figures::span(seconds), since.strftime("%a %H:%M"))
}

/// What comes and goes, in one line.
pub(super) fn pulse(seen: &Seen, width: usize) -> Line {
    let Some(traffic) = &seen.traffic else { return Line::new() };
    let rates = Rates::now(traffic, seen.before.as_ref()).unwrap_or_default();
    let steps = trend::delivered(traffic);
    let time = |part| trend::quantile(&steps, part).map(|step| trend::step(step, &traffic.latency_bounds_ms));
    let parts = [
        ("in ", format!("{} {}", figures::rate(rates.received), figures::byte_rate(rates.received_bytes))),
        ("out ", format!("{} {}", figures::rate(rates.sent), figures::byte_rate(rates.sent_bytes))),
        ("dropped ", figures::rate(rates.dropped)),
        ("DMs take ", time(0.5).zip(time(0.99)).map_or_else(String::new, |(half, most)| format!("{half}, p99 {most}"))),
    ];
    let mut line = Line::new();
    for (what, figure) in parts {
        if figure.is_empty() {
            continue;
        }
        let gap = if line.width() == 0 { "" } else { "  " };
        let longer = line.clone().and(Ink::Plain, gap).and(Ink::Faint, what).and(Ink::Plain, &figure);
        if longer.width() <= width {
            line = longer;
        }
    }
    line
}

/// Our interfaces.
pub(super) fn network(seen: &Seen, width: usize) -> Vec<Line> {
    let Some(network) = &seen.network else { return vec![Line::of(Ink::Faint, "not known yet")] };
    let heads = ["INTERFACE", "ADDRESS", "NETWORK", "BROADCAST", "PEERS"];
    let cells = |link: &InterfaceObject| {
        let broadcast = match &link.broadcast {
            Some(broadcast) => broadcast.clone(),
            None if link.loopback => "this computer".to_owned(),
            None => "none".to_owned(),
        };
        [
            link.name.clone(),
            link.address.clone(),
            link.network.clone(),
            broadcast,
            figures::grouped_u64(link.peers as u64),
        ]
    };
    // Where there is no room, the network and the broadcast address give way.
    let columns: &[(usize, usize, Side)] = match width {
        0..30 => &[(0, 9, Side::Left), (1, 15, Side::Left)],
        30..66 => &[(0, 9, Side::Left), (1, 15, Side::Left), (4, 5, Side::Right)],
        _ => &[(0, 14, Side::Left), (1, 15, Side::Left), (2, 18, Side::Left), (3, 15, Side::Left), (4, 6, Side::Right)],
    };
    let line = |ink, cells: [String; 5]| {
        columns.iter().fold(Line::new(), |line, (at, width, side)| {
            let gap = if line.width() == 0 { "" } else { " " };
            line.and(Ink::Plain, gap).cell(ink, &cells[*at], *width, *side)
        })
    };
    let mut lines = vec![line(Ink::Faint, heads.map(str::to_owned))];
    lines.extend(network.interfaces.iter().map(|link| line(Ink::Plain, cells(link))));
    if !network.interfaces.iter().any(|link| !link.loopback) {
        lines.push(Line::of(Ink::Warn, "no network: only this computer is reached"));
    }
    if let Some(seconds) = network.announced {
        lines.push(Line::new());
        lines.push(Line::of(Ink::Faint, "announced ").and(Ink::Plain, &figures::age(seconds)).and(Ink::Faint, " ago"));
    }
    lines
}

/// What came and went, was dropped, tried again and kept.
pub(super) fn traffic(seen: &Seen, width: usize, drawn: bool) -> Vec<Line> {
    let Some(traffic) = &seen.traffic else { return vec![Line::of(Ink::Faint, "not known yet")] };
    let mut lines = flow(seen, traffic, width, drawn);
    lines.push(Line::new());
    let Some(spare) = width.checked_sub(BESIDE) else {
        lines.extend(drops(seen, traffic, width.saturating_sub(15).min(24)));
        lines.push(Line::new());
        lines.extend(tables(traffic, width.saturating_sub(18).min(30)));
        return lines;
    };
    let left = 20 + (spare / 2).min(4);
    let right = 22 + (spare - (left - 20)).min(8);
    let (drops, tables) = (drops(seen, traffic, left), tables(traffic, right));
    let rows = drops.len().max(tables.len());
    let (mut drops, mut tables) = (drops.into_iter(), tables.into_iter());
    lines.extend((0..rows).map(|_| {
        let drop = drops.next().unwrap_or_default();
        drop.up_to(left + 17).join(tables.next().unwrap_or_default())
    }));
    lines
}

/// Rates, each with how it went in the last hour.
fn flow(seen: &Seen, traffic: &TrafficObject, width: usize, drawn: bool) -> Vec<Line> {
    let rates = Rates::now(traffic, seen.before.as_ref());
    let rate = |of: fn(&Rates) -> f64, shown: fn(f64) -> String| rates.as_ref().map(of).map(shown).unwrap_or_default();
    let room = if drawn { width.saturating_sub(23).min(TREND) } else { 0 };
    let went = |of: fn(&crate::web::SampleObject) -> u64| trend::line(&traffic.samples, of, room);
    let row = |what: &str, now: &str, went: &str| {
        let line = Line::new().cell(Ink::Faint, what, 10, Side::Left).cell(Ink::Plain, now, 11, Side::Right);
        line.and(Ink::Plain, "  ").and(Ink::Good, went)
    };
    let mut head = Line::new().cell(Ink::Faint, "", 10, Side::Left).cell(Ink::Faint, "NOW", 11, Side::Right);
    if drawn {
        head = head.and(Ink::Faint, "  THE LAST HOUR");
    }
    let mut lines = vec![head];
    let peers = traffic.samples.last().map(|sample| figures::grouped_u64(sample.peers)).unwrap_or_default();
    lines.extend([
        row("in", &rate(|rates| rates.received, figures::rate), &went(|sample| sample.received)),
        row("", &rate(|rates| rates.received_bytes, figures::byte_rate), &went(|sample| sample.received_bytes)),
        row("out", &rate(|rates| rates.sent, figures::rate), &went(|sample| sample.sent)),
        row("", &rate(|rates| rates.sent_bytes, figures::byte_rate), &went(|sample| sample.sent_bytes)),
        row("dropped", &rate(|rates| rates.dropped, figures::rate), &went(|sample| sample.dropped)),
        row("retries", &rate(|rates| rates.retries, figures::rate), &went(|sample| sample.retries)),
        row("peers", &peers, &trend::height(&traffic.samples, |sample| sample.peers, room)),
    ]);
    let steps = trend::delivered(traffic);
    let time = |part| trend::quantile(&steps, part).map(|step| trend::step(step, &traffic.latency_bounds_ms));
    let median = time(0.5).unwrap_or_else(|| "no DM yet".to_owned());
    lines.push(row("DM, median", &median, &if drawn { trend::latency_line(traffic, room) } else { String::new() }));
    let count = steps.iter().fold(0_u64, |all, step| all.saturating_add(*step));
    if let Some(most) = time(0.99) {
        lines.push(
            row("DM, p99", &most, "").and(Ink::Faint, &format!("of {} in the last hour", figures::grouped_u64(count))),
        );
    }
    lines
}

/// Why datagrams were dropped, the most frequent reasons first.
fn drops(seen: &Seen, traffic: &TrafficObject, width: usize) -> Vec<Line> {
    let each = |reason: &String, count: u64| {
        let (old, after) = seen.before.as_ref()?;
        let old = old.drops.get(reason).copied().unwrap_or_default();
        Some(figures::float(count.saturating_sub(old)) / after.as_secs_f64().max(0.05))
    };
    let mut reasons: Vec<(&String, u64)> = traffic.drops.iter().map(|(reason, count)| (reason, *count)).collect();
    reasons.retain(|(_, count)| *count > 0);
    reasons.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let head = Line::new().cell(Ink::Faint, "DROPPED", width, Side::Left);
    let mut lines = vec![head.cell(Ink::Faint, "ALL", 7, Side::Right).cell(Ink::Faint, "NOW", 8, Side::Right)];
    if reasons.is_empty() {
        lines.push(Line::of(Ink::Good, "nothing"));
    }
    lines.extend(reasons.into_iter().map(|(reason, count)| {
        let line = Line::new().cell(Ink::Plain, reason, width, Side::Left);
        let line = line.cell(Ink::Plain, &figures::count(count), 7, Side::Right);
        line.cell(Ink::Plain, &each(reason, count).map(figures::rate).unwrap_or_default(), 8, Side::Right)
    }));
    lines
}

/// How full the tables are.
fn tables(traffic: &TrafficObject, width: usize) -> Vec<Line> {
    let head = Line::new().cell(Ink::Faint, "TABLE", width, Side::Left);
    let mut lines = vec![head.cell(Ink::Faint, "HOLDS", 9, Side::Right).cell(Ink::Faint, "OF", 9, Side::Right)];
    let mut last = "";
    lines.extend(traffic.tables.iter().map(|table| {
        let (name, shown): (&str, fn(u64) -> String) = match table.name.strip_suffix(", bytes") {
            Some(name) => (name, figures::bytes),
            None => (&table.name, figures::count),
        };
        let name = if std::mem::replace(&mut last, name) == name { "  bytes" } else { name };
        let ink = match table.size.saturating_mul(100) / table.cap.max(1) {
            0..80 => Ink::Plain,
            80..100 => Ink::Warn,
            _ => Ink::Alarm,
        };
        let line = Line::new().cell(Ink::Plain, name, width, Side::Left);
        line.cell(ink, &shown(table.size), 9, Side::Right).cell(Ink::Faint, &shown(table.cap), 9, Side::Right)
    }));
    lines
}

/// What the doctor found.
pub(super) fn doctor(doctor: &Doctor, width: usize) -> Vec<Line> {
    let told = |ink, text: &str| wrapped(text, width).iter().map(|text| Line::of(ink, text)).collect();
    match doctor {
        Doctor::NotAsked => {
            told(Ink::Plain, "Press d to look for what is wrong with the network. It takes some seconds.")
        }
        Doctor::Asked => told(Ink::Plain, "Looking around, this takes some seconds ..."),
        Doctor::Failed(why) => told(Ink::Alarm, why),
        Doctor::Found(found) => findings(found, width),
    }
}

fn findings(found: &DoctorObject, width: usize) -> Vec<Line> {
    let (ink, head) = if found.healthy { (Ink::Good, "Healthy") } else { (Ink::Alarm, "Most likely") };
    let mut lines = indented(ink, &format!("{head}: {}", found.cause), 0, width);
    lines.extend(found.advice.iter().flat_map(|step| indented(Ink::Plain, step, 4, width)));
    lines.push(Line::new());
    // What is wrong comes first.
    let rank = |check: &&CheckObject| match check.verdict.as_str() {
        "problem" => 0,
        "warning" => 1,
        _ => 2,
    };
    let mut checks: Vec<&CheckObject> = found.checks.iter().collect();
    checks.sort_by_key(rank);
    for check in checks {
        let ink = [Ink::Alarm, Ink::Warn, Ink::Faint][rank(&check)];
        let text = format!("{} {}: {}", check.name, check.subject, check.text);
        for (at, line) in indented(Ink::Plain, &text, 0, width.saturating_sub(9)).into_iter().enumerate() {
            let verdict = if at == 0 { check.verdict.as_str() } else { "" };
            lines.push(Line::new().cell(ink, verdict, 9, Side::Left).join(line));
        }
        if check.verdict != "ok" {
            lines.extend(check.advice.iter().flat_map(|step| indented(Ink::Plain, step, 13, width)));
        }
    }
    lines
}

fn indented(ink: Ink, text: &str, by: usize, width: usize) -> Vec<Line> {
    let by = by.min(width / 3);
    let lines = wrapped(text, width.saturating_sub(by));
    lines.iter().map(|line| Line::of(Ink::Plain, &" ".repeat(by)).and(ink, line)).collect()
}

/// What the keys do.
pub(super) fn help(width: usize) -> Vec<Line> {
    let keys = [
        ("1 2 3 4, Tab", "people, network, traffic, doctor"),
        ("arrows, j k", "up and down; also PgUp, PgDn, Home, End"),
        ("n p r h u", "order people by name, presence, round trip, last heard, unread; again: the other way round"),
        ("/", "show only people with this text; Enter keeps it, Esc removes it"),
        ("a", "leave out those who are away or blocked; again: show them"),
        ("d", "look for what is wrong with the network"),
        ("Ctrl-L, Ctrl-Z", "draw all anew; leave for the shell, come back by fg"),
        ("?", "this help; again: back"),
        ("q, Esc, Ctrl-C", "end; the peer goes on"),
    ];
    keys.iter()
        .flat_map(|(key, does)| {
            let lines = indented(Ink::Plain, does, 0, width.saturating_sub(16).max(8));
            let key = move |at| if at == 0 { *key } else { "" };
            lines
                .into_iter()
                .enumerate()
                .map(move |(at, line)| Line::new().cell(Ink::Strong, key(at), 16, Side::Left).join(line))
        })
        .collect()
}

//! Lists that several edit: how long until an edit is shown at all others, and what it weighs.

use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Options;
use super::bare::{Bare, Commits};
use super::crew::{self, Member};
use super::lan::{Host, Lan};
use super::report::{Report, Times, ms};
use super::tap::{Packet, Tap, Way};

/// The longest wait for one edit.
const PATIENCE: Duration = Duration::from_secs(20);

const LIST: &str = "party";

/// Ethernet, IPv4 and UDP in front of a datagram, bytes.
const HEADERS: usize = 14 + 20 + 8;

/// Edits a list at each of so many peers in turn.
pub(crate) fn measure(options: &Options, report: &mut Report) -> io::Result<()> {
    for count in options.scale(vec![3], vec![3, 5, 10, 20]) {
        let lan = Lan::new(count)?;
        let mut crew = crew::start(options, &lan, count, None)?;
        crew::share(&mut crew, LIST)?;
        let hosts: Vec<&Host> = lan.hosts.iter().skip(1).collect();
        let (bare, commits) = (Bare::new(&lan.hosts[0], &hosts)?, Commits::new(&crew[0].folder())?);
        let (mut shown, mut replied) = (Times::default(), Times::default());
        let (mut rounds, mut writes) = (Times::default(), Times::default());
        for number in 0..options.scale(30, 300) {
            rounds.add(bare.round(400)?);
            writes.add(commits.commit(number)?);
            let (to_reply, to_shown) = add(&mut crew, number % count, &format!("Song number {number}"))?;
            replied.add(to_reply);
            shown.add(to_shown);
        }
        let (p50, p99) = (shown.percent(50), shown.percent(99));
        let base = rounds.percent(50) + writes.percent(50);
        let ratio = p50.as_secs_f64() / base.as_secs_f64().max(1e-9);
        let what = |what: &str| format!("one edit, {count} peers, {what}");
        match count {
            3 => {
                report.figure(&what("until all show it, p50"), "<= 5 ms", ms(p50), p50 <= Duration::from_millis(5));
                report.figure(&what("p99"), "<= 50 ms", ms(p99), p99 <= Duration::from_millis(50));
            }
            20 => {
                report.fact(&what("until all show it, p50"), ms(p50));
                report.figure(&what("p99"), "<= 200 ms", ms(p99), p99 <= Duration::from_millis(200));
            }
            _ => report.fact(&what("until all show it"), both(&shown)),
        }
        report.fact("  of it until it is on the author's disk", both(&replied));
        report.fact("  a bare datagram to each and its answer", both(&rounds));
        report.fact("  a bare commit (SQLite, one row, to the disk)", both(&writes));
        report.fact("  p50 to p50 of the last two together", format!("{ratio:.2} times"));
        let ended = crew::end(crew)?;
        report.must("  all peers ended by themselves", "yes", yes(ended), ended);
    }
    Ok(())
}

/// One adds an item: how long until it is told that it is kept, and until the last of the others shows it.
pub(crate) fn add(crew: &mut [Member<'_>], author: usize, text: &str) -> io::Result<(Duration, Duration)> {
    let from: Vec<usize> = crew.iter().map(|member| member.events.len()).collect();
    let began = Instant::now();
    crew[author].api.post(&format!("/api/lists/{LIST}/edits"), &json!({ "add": { "text": text } }))?;
    let replied = began.elapsed();
    let mut last = began;
    for (at, member) in crew.iter().enumerate().filter(|(at, _)| *at != author) {
        let is_it = |event: &Value| event["type"] == "list" && event["change"]["text"] == text;
        match member.events.wait(from[at], PATIENCE, is_it) {
            Some((shown, _)) => last = last.max(shown),
            None => return Err(io::Error::other(format!("{text}: {} does not show it", member.name))),
        }
    }
    Ok((replied, last.saturating_duration_since(began)))
}

/// What one insert into a long list weighs on the wire.
pub(crate) fn insert(options: &Options, report: &mut Report) -> io::Result<()> {
    let items = options.scale(100, 1_000);
    let lan = Lan::new(3)?;
    lan.introduce()?;
    let mut crew = crew::start(options, &lan, 3, None)?;
    crew::share(&mut crew, LIST)?;
    let target = format!("/api/lists/{LIST}/edits");
    for number in 0..items {
        crew[number % 3].api.post(&target, &json!({ "add": { "text": format!("Song number {number}") } }))?;
    }
    for member in &mut crew {
        crew::until(&format!("{} has all items", member.name), || {
            let list = member.api.get(&format!("/api/lists/{LIST}"))?;
            Ok(list["items"].as_array().is_some_and(|all| all.len() == items))
        })?;
    }
    let (mut heaviest, mut most) = (0, 0);
    for number in 0..10 {
        // What the others still tell each other is over.
        std::thread::sleep(options.scale(Duration::from_millis(500), Duration::from_secs(3)));
        let tap = Tap::keep(&lan.hosts[0], Way::Out)?;
        let text = format!("Inserted song {number}");
        let from = crew[1].events.len();
        let at = 1 + number * items / 10;
        crew[0].api.post(&target, &json!({ "add": { "text": text, "at": at } }))?;
        let is_it = |event: &Value| event["type"] == "list" && event["change"]["text"] == *text;
        if crew[1].events.wait(from, PATIENCE, is_it).is_none() {
            return Err(io::Error::other(format!("{text} is not shown")));
        }
        std::thread::sleep(options.scale(Duration::from_millis(300), Duration::from_secs(2)));
        let packets: Vec<Packet> = tap.packets().clone();
        let first = packets.iter().find(|packet| is_list(packet)).map_or(0, |packet| packet.payload.len());
        heaviest = heaviest.max(first);
        let all: usize = packets.iter().map(|packet| packet.payload.len() + HEADERS).sum();
        most = most.max(all / 2);
    }
    let what = format!("one insert into a list of {items} items, to each peer");
    let measured = format!("{heaviest} B, {} B with Ethernet, IPv4 and UDP", heaviest + HEADERS);
    report.must(&what, "<= 400 B on the wire", measured, heaviest > 0 && heaviest + HEADERS <= 400);
    report.fact("  all that its author sends to each peer within 2 s, at most", format!("{most} B"));
    crew::end(crew)?;
    Ok(())
}

fn is_list(packet: &Packet) -> bool {
    let text = String::from_utf8_lossy(&packet.payload);
    text.starts_with("TYPE:DATA\n") && text.contains("\nOF:list\n")
}

fn both(times: &Times) -> String {
    format!("p50 {}, p99 {}", ms(times.percent(50)), ms(times.percent(99)))
}

fn yes(so: bool) -> String {
    if so { "yes" } else { "no" }.to_owned()
}

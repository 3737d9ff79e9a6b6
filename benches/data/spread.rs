//! How long one edit and one message of a program take to reach all others, by the number of peers and by the delay of the
//! network: the frames pass a switch of ours that holds each back for so long.

use std::io;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Options;
use super::api::Events;
use super::crew::{self, Member};
use super::edit;
use super::lan::Lan;
use super::report::{Report, Times, ms};
use super::sheet::Sheet;
use super::wire::{Faults, Wire};

/// The longest wait for one message.
const PATIENCE: Duration = Duration::from_secs(20);

/// Measures every mesh at every delay.
pub(crate) fn measure(options: &Options, report: &mut Report) -> io::Result<()> {
    let columns = ["what", "peers", "delay_ms", "p50_ms", "p99_ms", "longest_ms"];
    let mut sheet = Sheet::new(options, "propagation", &columns);
    for count in options.scale(vec![3], vec![3, 5, 10, 20]) {
        let lan = Lan::loose(count)?;
        let wire = Wire::join(&lan, options.seed)?;
        let mut crew = crew::start(options, &lan, count, None)?;
        crew::share(&mut crew, "party")?;
        let mut heard = Vec::new();
        for member in &crew {
            heard.push(member.api.events("?topic=bench")?);
        }
        for delay in options.scale(vec![0, 50], vec![0, 50, 100, 500]) {
            wire.set(Faults { delay: Duration::from_millis(delay), ..Faults::default() });
            let (mut edits, mut messages) = (Times::default(), Times::default());
            for round in 0..options.scale(5, if delay < 500 { 50 } else { 20 }) {
                let text = format!("Song {round} after {delay} ms");
                edits.add(edit::add(&mut crew, round % count, &text)?.1);
                messages.add(publish(&mut crew, &heard, round % count, &text)?);
            }
            for (what, times) in [("edit", &edits), ("publish", &messages)] {
                let (p50, p99, longest) = (times.percent(50), times.percent(99), times.percent(100));
                let measured = format!("p50 {}, p99 {}, longest {}", ms(p50), ms(p99), ms(longest));
                report.fact(&format!("{what}, {count} peers, {delay} ms of delay"), measured);
                let figure = |time: Duration| format!("{:.3}", time.as_secs_f64() * 1e3);
                let row = [what.to_owned(), count.to_string(), delay.to_string()];
                sheet.row(&[&row[..], &[figure(p50), figure(p99), figure(longest)]].concat());
            }
        }
        wire.set(Faults::default());
        drop(heard);
        crew::end(crew)?;
    }
    sheet.write()
}

/// One says something to all: how long until the last of the others has it.
fn publish(crew: &mut [Member<'_>], heard: &[Events], author: usize, text: &str) -> io::Result<Duration> {
    let from: Vec<usize> = heard.iter().map(Events::len).collect();
    let began = Instant::now();
    crew[author].api.post("/api/publish", &json!({ "topic": "bench", "body": text }))?;
    let mut last = began;
    for (at, events) in heard.iter().enumerate().filter(|(at, _)| *at != author) {
        let is_it = |event: &Value| event["type"] == "message" && event["body"] == text;
        match events.wait(from[at], PATIENCE, is_it) {
            Some((came, _)) => last = last.max(came),
            None => return Err(io::Error::other(format!("{text}: {} does not hear it", crew[at].name))),
        }
    }
    Ok(last.saturating_duration_since(began))
}

//! DMs over a LAN that loses, doubles and delays.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

use lsnp::engine::Mark;

use super::Options;
use super::lan::Lan;
use super::process::Line;
use super::report::{Report, Times, ms};
use super::user::{User, meet};
use super::wire::{Faults, Wire};

/// Between two DMs.
const PACE: Duration = Duration::from_millis(40);

/// All of them arrive within this, or are missing.
const PATIENCE: Duration = Duration::from_secs(420);

/// What is on the way when the last mark is told comes within this: copies, too.
const ECHOES: Duration = Duration::from_secs(2);

/// Writes DMs at each rate of loss and looks whether each was shown once, and whether the marks are true.
pub(crate) fn measure(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::loose(2)?;
    let wire = Wire::join(&lan, options.seed)?;
    let mut alice = User::new(&options.peer, &lan.hosts[0])?;
    let mut bob = User::new(&options.peer, &lan.hosts[1])?;
    alice.start()?;
    bob.start()?;
    meet(&alice, &bob)?;
    let count = options.scale(20, 200);
    for lost in options.scale(vec![0, 30], vec![0, 10, 30, 50]) {
        level(&wire, (&alice, &bob), lost, count, report)?;
    }
    let ended = alice.end()? & bob.end()?;
    report.must("lossy: both peers ended by themselves", "yes", if ended { "yes" } else { "no" }.to_owned(), ended);
    let kept: BTreeSet<String> = bob.history()?.into_iter().map(|row| row.message_id).collect();
    let told = alice.told(Mark::Stored);
    let wrong = told.difference(&kept).count();
    let measured = format!("{wrong} of {}", told.len());
    report.must("lossy: told as stored, not in the reader's history", "0", measured, wrong == 0);
    Ok(())
}

fn level(
    wire: &Wire,
    (alice, bob): (&User<'_>, &User<'_>),
    lost: u32,
    count: usize,
    report: &mut Report,
) -> io::Result<()> {
    let text = |number: usize| format!("with {lost} % loss, number {number}");
    let before = wire.counts();
    let marked = alice.told(Mark::Stored).len();
    wire.set(Faults { lost, doubled: 10, overtaken: 10, ..Faults::default() });
    let mut written = Vec::new();
    for number in 0..count {
        written.push(Instant::now());
        alice.peer()?.say(&format!("DM {} {}", bob.name, text(number)))?;
        std::thread::sleep(PACE);
    }
    let is_stored = |line: &&Line| line.kind() == "MARK" && line.said().starts_with("stored ");
    let all = |lines: &[Line]| lines.iter().filter(is_stored).count() >= marked + count;
    let stored_in_time = alice.peer()?.wait(PATIENCE, all);
    std::thread::sleep(ECHOES);
    wire.set(Faults::default());

    let (mut once, mut twice, mut times) = (0, 0, Times::default());
    let lines = bob.lines();
    for (number, written) in written.iter().enumerate() {
        let text = text(number);
        let shown: Vec<&Line> = lines.iter().filter(|line| line.kind() == "DM" && line.said() == text).collect();
        once += usize::from(shown.len() == 1);
        twice += usize::from(shown.len() > 1);
        times.add(shown.first().map_or(Duration::MAX, |line| line.at.saturating_duration_since(*written)));
    }
    let after = wire.counts();
    println!("    frames: {} arrived, {} lost; {}", after.0 - before.0, after.1 - before.1, alice.peer()?.stats());
    let what = format!("{count} DMs at {lost} % loss: shown once");
    let missing = count - once - twice;
    let measured = format!("{once}; {twice} twice, {missing} missing");
    report.must(&what, &format!("{count}; 0 twice, 0 missing"), measured, once == count);
    let stored = alice.told(Mark::Stored).len() - marked;
    report.must("  marked stored", &format!("{count}"), stored.to_string(), stored_in_time && stored == count);
    let (p50, p99, longest) = (ms(times.percent(50)), ms(times.percent(99)), ms(times.percent(100)));
    report.fact("  command to shown", format!("p50 {p50}, p99 {p99}, longest {longest}"));
    if once < count || !stored_in_time {
        println!("    {}\n    {}", alice.peer()?.tail(8), bob.peer()?.tail(8));
    }
    Ok(())
}

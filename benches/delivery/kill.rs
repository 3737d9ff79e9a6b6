//! kill -9 of either of two peers that write to each other.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

use lsnp::engine::Mark;
use lsnp::store::Line as Row;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::Options;
use super::lan::Lan;
use super::process::Line;
use super::report::{Report, Times, ms};
use super::user::{User, meet};

/// Each writes so often.
const PACE: Duration = Duration::from_millis(25);

/// Nothing more comes when nothing came for so long: longer than the time between two announcements.
const SILENCE: Duration = Duration::from_secs(40);

/// What waits is delivered within this after the last kill.
const PATIENCE: Duration = Duration::from_secs(180);

const REOPEN: Duration = Duration::from_secs(2);

/// What one user wrote, and where its numbers go on.
struct Writer<'lan> {
    user: User<'lan>,
    written: usize,
}

/// Kills again and again, lets everything arrive, and compares what was told with what is kept.
pub(crate) fn measure(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(2)?;
    let mut rng = StdRng::seed_from_u64(options.seed);
    let mut both = Vec::new();
    for host in &lan.hosts {
        let mut user = User::new(&options.peer, host)?;
        user.start()?;
        both.push(Writer { user, written: 0 });
    }
    meet(&both[0].user, &both[1].user)?;
    let kills = options.scale(12, 200);
    let mut reopened = Times::default();
    for kill in 0..kills {
        let victim = usize::from(rng.random::<bool>());
        talk(&mut both, None, Duration::from_millis(rng.random_range(0..500)))?;
        both[victim].user.crash()?;
        talk(&mut both, Some(victim), Duration::from_millis(rng.random_range(0..300)))?;
        reopened.add(both[victim].user.start()?);
        // Sometimes the next kill comes before they have met again.
        if rng.random_range(0..5) > 0 {
            meet(&both[0].user, &both[1].user)?;
        }
        if (kill + 1) % 20 == 0 {
            println!("    {} kills, {} and {} DMs written", kill + 1, both[0].written, both[1].written);
        }
    }
    meet(&both[0].user, &both[1].user)?;
    settle(&both, options.scale(Duration::from_secs(5), SILENCE))?;
    let ended = both[0].user.end()? & both[1].user.end()?;
    report.must("kill: both peers ended by themselves", "yes", if ended { "yes" } else { "no" }.to_owned(), ended);
    judge(&mut both, kills, report)?;
    let longest = reopened.percent(100);
    report.figure(
        "  start after a kill",
        "<= 2 s",
        format!("p50 {}, longest {}", ms(reopened.percent(50)), ms(longest)),
        longest <= REOPEN,
    );
    Ok(())
}

/// Both write to each other for so long, or the one that is not dead.
fn talk(both: &mut [Writer<'_>], dead: Option<usize>, time: Duration) -> io::Result<()> {
    let until = Instant::now() + time;
    while Instant::now() < until {
        for writer in 0..2 {
            if Some(writer) == dead {
                continue;
            }
            let to = both[1 - writer].user.name.clone();
            let Writer { user, written } = &mut both[writer];
            user.peer()?.say(&format!("DM {to} number {written} of {}", user.name))?;
            *written += 1;
        }
        std::thread::sleep(PACE);
    }
    Ok(())
}

/// Waits until nothing more comes.
fn settle(both: &[Writer<'_>], silence: Duration) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    let count = || both.iter().map(|writer| writer.user.lines().len()).sum::<usize>();
    let (mut before, mut since) = (count(), Instant::now());
    while since.elapsed() < silence && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(250));
        let now = count();
        if now != before {
            (before, since) = (now, Instant::now());
        }
    }
    Ok(())
}

fn judge(both: &mut [Writer<'_>], kills: usize, report: &mut Report) -> io::Result<()> {
    let histories = [both[0].user.history()?, both[1].user.history()?];
    let (mut stored, mut missing, mut in_file, mut wrong_in_file) = (0, 0, 0, 0);
    let (mut twice, mut shown_twice, mut torn, mut lost_unread, mut open, mut kept) = (0, 0, 0, 0, 0, 0);
    for (at, writer) in both.iter().enumerate() {
        let theirs: BTreeSet<&str> = of_others(&histories[1 - at]).map(|row| row.message_id.as_str()).collect();
        let told = writer.user.told(Mark::Stored);
        stored += told.len();
        missing += told.iter().filter(|id| !theirs.contains(id.as_str())).count();
        let own: Vec<&Row> = histories[at].iter().filter(|row| row.ours).collect();
        open += own.iter().filter(|row| row.mark.is_none_or(|mark| mark != Mark::Stored)).count();
        let marked: Vec<&&Row> = own.iter().filter(|row| row.mark == Some(Mark::Stored)).collect();
        in_file += marked.len();
        wrong_in_file += marked.iter().filter(|row| !theirs.contains(row.message_id.as_str())).count();

        let mut texts: BTreeMap<&str, usize> = BTreeMap::new();
        let shown = writer.user.shown();
        for row in of_others(&histories[at]) {
            kept += 1;
            *texts.entry(&row.text).or_default() += 1;
            if !shown.contains_key(&row.text) {
                torn += 1;
                lost_unread += usize::from(row.read);
            }
        }
        twice += texts.values().filter(|count| **count > 1).count();
        shown_twice += shown.values().filter(|count| **count > 1).count();
    }
    let written = both[0].written + both[1].written;
    report.fact(
        &format!("{kills} times kill -9 of one of two who write"),
        format!("{written} DMs written, {kept} kept by their readers"),
    );
    report.must(
        "  told as stored, not in the reader's history",
        "0",
        format!("{missing} of {stored}"),
        missing == 0 && stored > 0,
    );
    report.must(
        "  stored by the history, not in the reader's",
        "0",
        format!("{wrong_in_file} of {in_file}"),
        wrong_in_file == 0,
    );
    report.must("  twice in a history", "0", twice.to_string(), twice == 0);
    report.must("  shown twice", "0", shown_twice.to_string(), shown_twice == 0);
    report.must(
        "  kept, never shown, not unread",
        "0",
        format!("{lost_unread} of {torn} torn by a kill"),
        lost_unread == 0,
    );
    report.must("  not stored at the end", "0", open.to_string(), open == 0);
    unread(both, &histories, report)
}

/// At its next start a peer says how much is unread.
fn unread(both: &mut [Writer<'_>], histories: &[Vec<Row>; 2], report: &mut Report) -> io::Result<()> {
    let mut measured = Vec::new();
    let mut held = true;
    for (writer, history) in both.iter_mut().zip(histories) {
        let expected = of_others(history).filter(|row| !row.read).count();
        writer.user.start()?;
        let peer = writer.user.peer()?;
        let names = |line: &Line| line.said().contains("unread");
        peer.wait(Duration::from_secs(2), |lines| lines.iter().any(names));
        let line = peer.lines(|lines| lines.iter().find(|line| names(line)).cloned());
        let number =
            line.as_ref().and_then(|line| line.said().split_whitespace().next()?.replace(',', "").parse().ok());
        held &= number.unwrap_or(0) == expected;
        measured.push(format!("{} of {expected}", number.unwrap_or(0)));
        writer.user.end()?;
    }
    report.must("  unread lines named at the next start", "all", measured.join(", "), held);
    Ok(())
}

fn of_others(history: &[Row]) -> impl Iterator<Item = &Row> {
    history.iter().filter(|row| !row.ours)
}

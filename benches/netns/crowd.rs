//! Many hosts: all know all, and what `peer discover` finds.

use std::io;
use std::time::{Duration, Instant};

use super::Options;
use super::lan::{Host, Lan};
use super::process::{self, Peer};
use super::report::Report;

/// How many hosts are to know each other.
pub(crate) fn hosts(options: &Options) -> io::Result<usize> {
    Ok(options.number("--hosts", options.scale(6, 50))?.clamp(2, 199))
}

/// Starts a peer on each host of a LAN, one after the other without a pause, and looks around from one host more.
pub(crate) fn measure(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(hosts(options)? + 1)?;
    let Some((scanner, hosts)) = lan.hosts.split_last() else { return Ok(()) };
    let peers = start(options, hosts)?;
    let took = all_know_all(&peers, Duration::from_secs(30))?;
    let what = format!("{} hosts, all know all, after the last start", hosts.len());
    let measured = took.map_or("not in 30 s".to_owned(), |took| format!("{:.2} s", took.as_secs_f64()));
    report.must(&what, "<= 10 s", measured, took.is_some_and(|took| took <= Duration::from_secs(10)));

    let (found, took) = discover(options, scanner, &peers, "3s")?;
    let all = peers.len();
    let (what, target) = ("peer discover, 3 s", format!("{all} of {all}"));
    report.must(what, &target, format!("{found} of {all} ({:.2} s)", took.as_secs_f64()), found == all);
    let (first, one) = discover(options, scanner, &peers, "2s")?;
    let (second, two) = discover(options, scanner, &peers, "2s")?;
    let took = (one + two).as_secs_f64();
    let measured = format!("{first} and {second} of {all} ({took:.2} s)");
    let target = format!("{all} and {all} in 5 s");
    report.must("peer discover, twice", &target, measured, first == all && second == all && took <= 5.0);
    for peer in peers {
        peer.end()?;
    }
    Ok(())
}

/// Starts a peer on each of these hosts.
pub(crate) fn start(options: &Options, hosts: &[Host]) -> io::Result<Vec<Peer>> {
    hosts.iter().map(|host| Peer::start(&options.peer, host)).collect()
}

/// How long after the last start each of these came to list all the others; `None` if some did not in time.
pub(crate) fn all_know_all(peers: &[Peer], patience: Duration) -> io::Result<Option<Duration>> {
    let Some(began) = peers.iter().map(|peer| peer.started).max() else { return Ok(None) };
    let deadline = began + patience;
    let mut latest = began;
    for peer in peers {
        let others = peers.iter().map(|other| other.id.as_str()).filter(|id| *id != peer.id);
        match peer.lists(others.clone(), deadline) {
            Some(at) => latest = latest.max(at),
            None => {
                println!("{}", peer.story(others));
                return Ok(None);
            }
        }
    }
    Ok(Some(latest.saturating_duration_since(began)))
}

fn discover(options: &Options, scanner: &Host, peers: &[Peer], timeout: &str) -> io::Result<(usize, Duration)> {
    let began = Instant::now();
    let (output, _) = process::run(&options.peer, scanner, &["discover", "--json", "--timeout", timeout])?;
    let found = peers.iter().filter(|peer| output.contains(&format!("\"{}\"", peer.id))).count();
    Ok((found, began.elapsed()))
}

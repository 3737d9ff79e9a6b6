//! What peers do when nobody does anything: datagrams, CPU time, memory, wake-ups; and a flood.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use super::Options;
use super::crowd;
use super::lan::{Host, Lan};
use super::process::Peer;
use super::report::Report;

/// Until the announcements of the start are over.
const SETTLE: Duration = Duration::from_secs(10);

/// How long peers are watched.
fn idle(options: &Options) -> io::Result<Duration> {
    Ok(Duration::from_secs(options.number("--idle", options.scale(5, 60))?.max(1) as u64))
}

/// Datagrams that idle hosts put on the LAN, and answers to a flood of one stranger's announcements.
pub(crate) fn talk(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(crowd::hosts(options)?.min(20) + 1)?;
    let idle = idle(options)?;
    lan.introduce()?;
    let Some((stranger, hosts)) = lan.hosts.split_last() else { return Ok(()) };
    let peers = crowd::start(options, hosts)?;
    if crowd::all_know_all(&peers, Duration::from_secs(30))?.is_none() {
        report.must("idle hosts know each other", "yes", "no".to_owned(), false);
        return Ok(());
    }
    std::thread::sleep(SETTLE.min(idle));
    let (before, began) = (frames(&peers)?, Instant::now());
    std::thread::sleep(idle);
    let (after, took) = (frames(&peers)?, began.elapsed().as_secs_f64());
    let rates: Vec<f64> = before.iter().zip(&after).map(|(before, after)| (after - before) as f64 / took).collect();
    let busiest = rates.iter().copied().fold(0.0, f64::max);
    let mean = rates.iter().sum::<f64>() / rates.len().max(1) as f64;
    let what = format!("{} idle hosts, datagrams sent by the busiest", peers.len());
    report.figure(&what, "<= 0.1/s", format!("{busiest:.3}/s (mean {mean:.3}/s over {took:.0} s)"), busiest <= 0.1);

    if let Some(host) = hosts.first() {
        let answers = flood(stranger, host)?;
        let held = (1..=5).contains(&answers);
        report.must("answers to 500 announcements of a stranger in 1 s", "1 to 5", answers.to_string(), held);
    }
    for peer in peers {
        peer.end()?;
    }
    Ok(())
}

/// Frames that each peer's host has sent on its interface. With permanent neighbours they are all datagrams.
fn frames(peers: &[Peer]) -> io::Result<Vec<u64>> {
    let sent = |peer: &Peer| {
        let table = fs::read_to_string(format!("/proc/{}/net/dev", peer.pid()))?;
        let line = table.lines().find_map(|line| line.trim_start().strip_prefix("eth0:"));
        let sent = line.and_then(|line| line.split_whitespace().nth(9)).and_then(|word| word.parse().ok());
        sent.ok_or_else(|| io::Error::other("no eth0 in /proc/PID/net/dev"))
    };
    peers.iter().map(sent).collect()
}

/// 500 announcements of one stranger that never replies, in one second; how many datagrams came back to it.
fn flood(stranger: &Host, host: &Host) -> io::Result<usize> {
    let socket = stranger.inside(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 50999)))?;
    let announcement = format!("TYPE:PEER_DISCOVERY\nUSER_ID:eve@{}\nPORT:50999\n\n", stranger.ip);
    let began = Instant::now();
    for sent in 1..=500 {
        socket.send_to(announcement.as_bytes(), (host.ip.as_str(), 50999))?;
        let due = began + Duration::from_millis(2) * sent;
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    let (mut answers, mut buffer) = (0, [0; 2048]);
    socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    while let Ok((_, from)) = socket.recv_from(&mut buffer) {
        answers += usize::from(from.ip().to_string() == host.ip);
    }
    Ok(answers)
}

/// What two idle peers cost.
pub(crate) fn cost(options: &Options, report: &mut Report) -> io::Result<()> {
    let (lan, idle) = (Lan::new(2)?, idle(options)?);
    let peers = crowd::start(options, &lan.hosts)?;
    if crowd::all_know_all(&peers, Duration::from_secs(30))?.is_none() {
        report.must("two idle peers know each other", "yes", "no".to_owned(), false);
        return Ok(());
    }
    std::thread::sleep(SETTLE.min(idle));
    let before: Vec<Usage> = peers.iter().map(Usage::of).collect::<io::Result<_>>()?;
    let began = Instant::now();
    std::thread::sleep(idle);
    let took = began.elapsed().as_secs_f64();
    for (peer, before) in peers.iter().zip(&before) {
        let after = Usage::of(peer)?;
        let what = |what: &str| format!("{} idle for {took:.0} s, {what}", peer.id);
        let rate = (after.cpu_ns - before.cpu_ns) as f64 / 1e6 / took;
        report.figure(&what("CPU"), "<= 0.05 ms/s", format!("{rate:.4} ms/s"), rate <= 0.05);
        let mib = after.rss_kib as f64 / 1024.0;
        report.figure(&what("RSS"), "<= 8 MiB", format!("{mib:.2} MiB"), mib <= 8.0);
        // A datagram in wakes it, and so does a timer; each timer of an idle peer sends something.
        let (wakes, datagrams) = (after.wakes - before.wakes, after.datagrams - before.datagrams);
        let measured = format!("{wakes} ({datagrams} datagrams in and out)");
        report.figure(&what("wake-ups"), "<= datagrams in and out", measured, wakes <= datagrams);
    }
    for peer in peers {
        peer.end()?;
    }
    Ok(())
}

/// What the system has counted of one process.
struct Usage {
    cpu_ns: u64,
    rss_kib: u64,
    /// Times that a thread of it went to wait, and so woke up after.
    wakes: u64,
    /// Datagrams received and sent on its host, of which it is the only program.
    datagrams: u64,
}

impl Usage {
    fn of(peer: &Peer) -> io::Result<Self> {
        let folder = format!("/proc/{}", peer.pid());
        let (mut cpu_ns, mut wakes) = (0, 0);
        for task in fs::read_dir(format!("{folder}/task"))? {
            let task = task?.path();
            let schedstat = fs::read_to_string(task.join("schedstat"))?;
            cpu_ns += schedstat.split_whitespace().next().and_then(|word| word.parse::<u64>().ok()).unwrap_or(0);
            wakes += field(&fs::read_to_string(task.join("status"))?, "voluntary_ctxt_switches:")?;
        }
        let rss_kib = field(&fs::read_to_string(format!("{folder}/status"))?, "VmRSS:")?;
        let snmp = fs::read_to_string(format!("{folder}/net/snmp"))?;
        let mut udp = snmp.lines().filter(|line| line.starts_with("Udp:"));
        let (names, values) = (udp.next().unwrap_or_default(), udp.next().unwrap_or_default());
        let counted = names.split_whitespace().zip(values.split_whitespace());
        let datagrams = counted
            .filter(|(name, _)| ["InDatagrams", "OutDatagrams"].contains(name))
            .filter_map(|(_, value)| value.parse::<u64>().ok())
            .sum();
        Ok(Self { cpu_ns, rss_kib, wakes, datagrams })
    }
}

fn field(text: &str, name: &str) -> io::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|word| word.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("no {name} in /proc")))
}

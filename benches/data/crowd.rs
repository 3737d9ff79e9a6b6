//! How crowds find each other: real peers on namespaces up to 50, and the simulator beyond.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use lsnp::sim::{Lan as Simulated, Setup, Signing};

use super::Options;
use super::lan::Lan;
use super::process::{Home, Line, Peer};
use super::report::Report;
use super::sheet::Sheet;
use super::usage::{Usage, own_cpu_ns};

/// All know all within this.
const PATIENCE: Duration = Duration::from_secs(60);

/// After the last start the announcements of starts are over within this.
const SETTLE: Duration = Duration::from_secs(10);

/// A crowd that starts at once does so within this.
const AT_ONCE: Duration = Duration::from_secs(1);

/// From start to start where they start in turn.
const EACH: Duration = Duration::from_millis(300);

/// Ethernet, IPv4 and UDP in front of a datagram, bytes.
const HEADERS: u64 = 14 + 20 + 8;

/// What one crowd took.
struct Found {
    peers: usize,
    /// From the last start until all knew all.
    took: Option<Duration>,
    /// Of one peer until [`SETTLE`] after the last start, on average.
    cpu_ns: f64,
    frames: f64,
    bytes: f64,
    /// Datagrams that one peer sends a minute after that, on average.
    idle_frames: f64,
}

/// Starts crowds of several sizes.
pub(crate) fn measure(options: &Options, report: &mut Report) -> io::Result<()> {
    let columns = ["where", "signatures", "peers", "seconds", "cpu_ms", "datagrams", "kib", "idle_per_minute"];
    let mut sheet = Sheet::new(options, "discovery", &columns);
    for peers in options.scale(vec![5], vec![10, 20, 50]) {
        let found = real(options, peers)?;
        let took = found.took.unwrap_or(Duration::MAX);
        note(report, &mut sheet, "namespaces", "real", &found);
        let what = format!("{peers} hosts all know all after the last start");
        report.must(&what, "<= 10 s", seconds(found.took), took <= SETTLE);
    }
    for peers in options.scale(vec![10, 50], vec![10, 20, 50, 200]) {
        let found = simulated(options.seed, peers, Signing::Real, AT_ONCE);
        note(report, &mut sheet, "simulator", "real", &found);
    }
    for peers in options.scale(vec![50], vec![10, 20, 50, 200, 1_000]) {
        let found = simulated(options.seed, peers, Signing::Hashed, AT_ONCE);
        note(report, &mut sheet, "simulator", "hashed", &found);
    }
    for peers in options.scale(vec![20], vec![10, 20, 50, 200]) {
        let within = EACH * u32::try_from(peers).unwrap_or(1);
        let found = simulated(options.seed, peers, Signing::Hashed, within);
        note(report, &mut sheet, "simulator in turn", "hashed", &found);
    }
    sheet.write()
}

fn seconds(took: Option<Duration>) -> String {
    took.map_or_else(|| format!("not in {} s", PATIENCE.as_secs()), |took| format!("{:.3} s", took.as_secs_f64()))
}

fn note(report: &mut Report, sheet: &mut Sheet, place: &str, signatures: &str, found: &Found) {
    let Found { peers, took, cpu_ns, frames, bytes, idle_frames } = found;
    let (cpu, kib) = (cpu_ns / 1e6, bytes / 1024.0);
    let what = format!("{peers} peers, {place}, signatures {signatures}");
    let each = format!("{cpu:.1} ms CPU, {frames:.0} datagrams, {kib:.0} KiB sent");
    report.fact(&what, format!("{}; each {each}; then {idle_frames:.1} a minute", seconds(*took)));
    sheet.row(&[
        place.to_owned(),
        signatures.to_owned(),
        peers.to_string(),
        took.map_or_else(String::new, |took| format!("{:.3}", took.as_secs_f64())),
        format!("{cpu:.2}"),
        format!("{frames:.1}"),
        format!("{kib:.1}"),
        format!("{idle_frames:.2}"),
    ]);
}

fn real(options: &Options, count: usize) -> io::Result<Found> {
    let lan = Lan::new(count)?;
    lan.introduce()?;
    let homes: Vec<Home> = lan.hosts.iter().map(|_| Home::new()).collect::<io::Result<_>>()?;
    let (mut peers, mut last) = (Vec::new(), Instant::now());
    for (host, home) in lan.hosts.iter().zip(&homes) {
        last = Instant::now();
        peers.push(Peer::start(&options.peer, host, home, &format!("u{}", host.number), &[])?);
    }
    let ids: Vec<String> = lan.hosts.iter().map(|host| format!("u{0}@{1}", host.number, host.ip)).collect();
    let mut latest = Some(last);
    for (at, peer) in peers.iter().enumerate() {
        let others: Vec<&str> = ids.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, id)| &**id).collect();
        let left = (last + PATIENCE).saturating_duration_since(Instant::now());
        if peer.knows(&others, left) {
            latest = latest.max(peer.lines(|lines| heard_all(lines, &others)));
        } else {
            latest = None;
            break;
        }
    }
    // What a start costs is over for all at the same time after the last one.
    std::thread::sleep((last + SETTLE).saturating_duration_since(Instant::now()));
    let usage = || -> io::Result<Vec<Usage>> { peers.iter().map(|peer| Usage::of(peer.pid())).collect() };
    let (found, began) = (usage()?, Instant::now());
    std::thread::sleep(options.scale(Duration::from_secs(5), Duration::from_secs(30)));
    let minutes = began.elapsed().as_secs_f64() / 60.0;
    let idle: u64 = usage()?.iter().zip(&found).map(|(now, then)| now.since(*then).frames).sum();
    let mean = |of: fn(&Usage) -> u64| found.iter().map(of).sum::<u64>() as f64 / count as f64;
    let found = Found {
        peers: count,
        took: latest.map(|latest| latest.saturating_duration_since(last)),
        cpu_ns: mean(|usage| usage.cpu_ns),
        frames: mean(|usage| usage.frames),
        bytes: mean(|usage| usage.bytes - usage.frames * HEADERS),
        idle_frames: idle as f64 / count as f64 / minutes,
    };
    for peer in peers {
        peer.end()?;
    }
    Ok(found)
}

/// When the last of these was listed for the first time.
fn heard_all(lines: &[Line], others: &[&str]) -> Option<Instant> {
    let mut first: BTreeMap<&str, Instant> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.kind() == "HERE") {
        first.entry(line.id()).or_insert(line.at);
    }
    others.iter().filter_map(|id| first.get(id)).max().copied()
}

/// The same in virtual time: all start within so long. Nothing is lost, and a datagram takes 200 us.
fn simulated(seed: u64, count: usize, signing: Signing, within: Duration) -> Found {
    let mut lan = Simulated::new(seed);
    lan.capture = false;
    lan.keep_events = false;
    let before = own_cpu_ns();
    let hosts = lan.hosts(count);
    let mut peers = Vec::new();
    for (number, host) in hosts.iter().enumerate() {
        if number > 0 {
            lan.run_for(within / u32::try_from(count).unwrap_or(1));
        }
        let setup = Setup { signing, ..Setup::named(&format!("p{number}")) };
        peers.push(lan.start(*host, setup));
    }
    let last = lan.now();
    let all = |lan: &Simulated| peers.iter().all(|peer| lan.peer_count(*peer) == count - 1);
    let found = lan.run_while(PATIENCE, Duration::from_millis(1), all);
    let took = found.then(|| lan.now().since(last));
    lan.run_until(lan.now().max(last + SETTLE));
    let cpu_ns = (own_cpu_ns() - before) as f64 / count as f64;
    let sent = |lan: &Simulated| hosts.iter().map(|host| lan.sent_by(*host)).sum::<u64>();
    let frames = sent(&lan);
    let bytes = peers.iter().map(|peer| lan.counters(*peer).sent_bytes).sum::<u64>() as f64 / count as f64;
    lan.run_for(Duration::from_secs(60));
    let idle_frames = (sent(&lan) - frames) as f64 / count as f64;
    Found { peers: count, took, cpu_ns, frames: frames as f64 / count as f64, bytes, idle_frames }
}

//! Everything that peers said, said again: to them, after they started anew, to others, and on another LAN.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;

use super::Options;
use super::lan::{Host, Lan};
use super::process::{Home, Line, Peer};
use super::report::Report;
use super::spoof::{Pace, Spoofer};
use super::tap::{Packet, Tap, Way};

const NAMES: [&str; 4] = ["alice", "bob", "carol", "dave"];
const DISCOVERY: u16 = 50999;
/// Lines that say that something about somebody changed.
const CHANGES: [&str; 8] = ["HERE", "LEFT", "GONE", "PROFILE", "KEY", "FOLLOW", "AVATAR", "PEERS"];
/// Datagrams a second that a receiver takes from one known address, less what the peer itself sends.
const FROM_KNOWN: f64 = 180.0;
/// And from unknown ones, so that signatures of known keys are all looked at.
const FROM_UNKNOWN: f64 = 480.0;
const ROUNDS: usize = 3;

/// Captures what four peers say to each other, and replays it.
pub(crate) fn attack(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(6)?;
    lan.introduce()?;
    let [hosts @ .., fifth, attacker] = &lan.hosts[..] else { return Err(io::Error::other("a LAN of six")) };
    let homes = NAMES.iter().map(|_| Home::new()).collect::<io::Result<Vec<_>>>()?;
    let talk = Talk::new(options, hosts, &homes)?;
    talk.go(options.scale(12, 560), options.scale(15, 850))?;
    let packets = talk.captured();
    report.fact("replay: datagrams captured", counted(&packets));
    let mut peers = talk.peers;
    let mut replayer = Replayer { packets, spoofer: Spoofer::new(attacker)?, rng: StdRng::seed_from_u64(3), port: 0 };
    let attacker: Ipv4Addr = attacker.ip.parse().map_err(io::Error::other)?;

    let watched = watch(hosts, &peers)?;
    replayer.replay(&watched, From::Author, Share::Own)?;
    replayer.replay(&watched, From::Anywhere(attacker), Share::Own)?;
    judge(report, "replay in the same run", &watched)?;

    let home = Home::new()?;
    let other = Peer::start(&options.peer, fifth, &home, "erin", &[])?;
    let ids: Vec<String> = NAMES.iter().zip(hosts).map(|(name, host)| format!("{name}@{}", host.ip)).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    if !other.knows(&ids, Duration::from_secs(15)) {
        return Err(io::Error::other("a fifth peer does not meet the others"));
    }
    // What was overtaken on its way to somebody new may come a moment later; a replay comes after that.
    std::thread::sleep(Duration::from_secs(3));
    let watched = watch(std::slice::from_ref(fifth), std::slice::from_ref(&other))?;
    replayer.replay(&watched, From::Author, Share::All)?;
    replayer.replay(&watched, From::Anywhere(attacker), Share::All)?;
    judge(report, "replay at another recipient", &watched)?;
    other.end()?;

    let mut again = Vec::new();
    for (at, peer) in peers.drain(..).enumerate() {
        // Some end well, some do not.
        if at % 2 == 0 {
            peer.crash()?
        } else {
            peer.end()?;
        }
        again.push(Peer::start(&options.peer, &hosts[at], &homes[at], NAMES[at], &[])?);
    }
    peers = again;
    meet(&peers)?;
    let watched = watch(hosts, &peers)?;
    replayer.replay(&watched, From::Author, Share::Own)?;
    replayer.replay(&watched, From::Anywhere(attacker), Share::Own)?;
    judge(report, "replay after restart", &watched)?;

    // Who moves to another LAN meets what was captured on the first, and nobody else.
    drop(peers.drain(..).map(Peer::end).collect::<io::Result<Vec<_>>>()?);
    drop(lan);
    elsewhere(options, report, replayer, &homes)
}

/// A LAN with the same addresses, where one of those who talked is, and somebody new.
fn elsewhere(options: &Options, report: &mut Report, mut replayer: Replayer, homes: &[Home]) -> io::Result<()> {
    let lan = Lan::new(6)?;
    lan.introduce()?;
    let (moved, fresh) = (&lan.hosts[1], &lan.hosts[4]);
    let home = Home::new()?;
    let peers = [
        Peer::start(&options.peer, moved, &homes[1], NAMES[1], &[])?,
        Peer::start(&options.peer, fresh, &home, "frank", &[])?,
    ];
    if !peers[1].knows(&[&format!("bob@{}", moved.ip)], Duration::from_secs(15)) {
        return Err(io::Error::other("two peers on another LAN do not meet"));
    }
    replayer.spoofer = Spoofer::new(&lan.hosts[5])?;
    let attacker: Ipv4Addr = lan.hosts[5].ip.parse().map_err(io::Error::other)?;
    let watched: Vec<Watched<'_>> = [(moved, &peers[0]), (fresh, &peers[1])]
        .map(|(host, peer)| Watched::new(host, peer))
        .into_iter()
        .collect::<io::Result<_>>()?;
    replayer.replay(&watched, From::Author, Share::All)?;
    replayer.replay(&watched, From::Anywhere(attacker), Share::All)?;
    judge(report, "replay on another LAN", &watched)
}

/// Four peers that say all that can be said, with a tap at each.
struct Talk {
    peers: Vec<Peer>,
    taps: Vec<Tap>,
}

impl Talk {
    fn new(options: &Options, hosts: &[Host], homes: &[Home]) -> io::Result<Self> {
        let taps = hosts.iter().map(|host| Tap::keep(host, Way::Out)).collect::<io::Result<Vec<_>>>()?;
        let mut peers = Vec::new();
        for ((host, home), name) in hosts.iter().zip(homes).zip(NAMES) {
            peers.push(Peer::start(&options.peer, host, home, name, &[])?);
        }
        meet(&peers)?;
        let talk = Self { peers, taps };
        // The last leaves and comes back, so that goodbyes are captured too.
        talk.with_goodbye(options, hosts, homes)
    }

    fn with_goodbye(mut self, options: &Options, hosts: &[Host], homes: &[Home]) -> io::Result<Self> {
        let last = NAMES.len() - 1;
        if let Some(peer) = self.peers.pop() {
            peer.end()?;
        }
        self.peers.push(Peer::start(&options.peer, &hosts[last], &homes[last], NAMES[last], &[])?);
        meet(&self.peers)?;
        Ok(self)
    }

    /// So many posts and direct messages of each, and a few of all other things.
    fn go(&self, posts: usize, dms: usize) -> io::Result<()> {
        let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
        picture.resize(6_000, 7);
        let home = Home::new()?;
        let file = home.file("face.png", &picture)?;
        std::thread::scope(|scope| {
            let all: Vec<_> = self
                .peers
                .iter()
                .enumerate()
                .map(|(at, peer)| {
                    let file = file.display().to_string();
                    scope.spawn(move || {
                        let name = NAMES[at];
                        peer.say(&format!("PROFILE {name} the {at} | here since {at}"))?;
                        peer.say(&format!("AVATAR {file}"))?;
                        for count in 0..posts.max(dms) {
                            let to = NAMES[(at + 1 + count % 3) % 4];
                            if count < posts {
                                peer.say(&format!("POST post {count} of {name}"))?;
                            }
                            if count < dms {
                                peer.say(&format!("DM {to} message {count} of {name}"))?;
                            }
                            if count % 200 == 10 {
                                peer.say(&format!("PEERS {to}"))?;
                                peer.say(&format!("AVATAR {to}"))?;
                                peer.say(&format!("FOLLOW {to}"))?;
                                peer.say(&format!("PROFILE {name} at {count} | still here"))?;
                            }
                        }
                        let sent = posts + dms;
                        let done = |lines: &[Line]| lines.iter().filter(|line| line.kind() == "SENT").count() >= sent;
                        if peer.wait(Duration::from_secs(120), done) {
                            return Ok(());
                        }
                        Err(io::Error::other(format!("{name} did not send all:\n    {}", peer.tail(8))))
                    })
                })
                .collect();
            for one in all {
                one.join().unwrap_or_else(|_| Err(io::Error::other("talking panicked")))?;
            }
            io::Result::Ok(())
        })?;
        settle();
        Ok(())
    }

    fn captured(&self) -> Vec<Packet> {
        let mut packets: Vec<Packet> = self.taps.iter().flat_map(|tap| tap.packets().clone()).collect();
        packets.sort_by_key(|packet| packet.at);
        packets
    }
}

/// What of the capture a receiver is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    /// What it was sent before, by unicast or broadcast.
    Own,
    /// All, whomever it was for.
    All,
}

/// In whose name it is sent.
#[derive(Debug, Clone, Copy)]
enum From {
    Author,
    /// From many ports of this address: no one of them runs out of what may be sent.
    Anywhere(Ipv4Addr),
}

struct Replayer {
    packets: Vec<Packet>,
    spoofer: Spoofer,
    rng: StdRng,
    port: u16,
}

impl Replayer {
    /// Sends to each receiver what it is to be sent, three times in random order.
    fn replay(&mut self, watched: &[Watched<'_>], from: From, share: Share) -> io::Result<()> {
        let mut all = Vec::new();
        for (at, packet) in self.packets.iter().enumerate() {
            for receiver in watched {
                let own = *packet.to.ip() == receiver.ip || is_broadcast(*packet.to.ip());
                if *packet.from.ip() != receiver.ip && (own || share == Share::All) {
                    all.push((at, receiver));
                }
            }
        }
        let rate = match from {
            From::Author => FROM_KNOWN * 3.0,
            From::Anywhere(_) => FROM_UNKNOWN,
        };
        let mut pace = Pace::new(rate * watched.len() as f64);
        for _ in 0..ROUNDS {
            all.shuffle(&mut self.rng);
            for (at, receiver) in &all {
                let packet = &self.packets[*at];
                let source = match from {
                    From::Author => packet.from,
                    From::Anywhere(ip) => {
                        self.port = (self.port + 1) % 3_000;
                        SocketAddrV4::new(ip, 10_000 + self.port)
                    }
                };
                let port = if packet.to.port() == DISCOVERY { DISCOVERY } else { receiver.port };
                pace.next();
                self.spoofer.send(source, SocketAddrV4::new(receiver.ip, port), &packet.payload)?;
            }
        }
        println!("    {} sent again from {from:?}", all.len() * ROUNDS);
        settle();
        Ok(())
    }
}

/// A receiver, and what it showed and listed before.
struct Watched<'a> {
    peer: &'a Peer,
    ip: Ipv4Addr,
    port: u16,
    lines: usize,
    state: State,
}

impl<'a> Watched<'a> {
    fn new(host: &Host, peer: &'a Peer) -> io::Result<Self> {
        let address = peer.address(host)?;
        let (ip, port) = (*address.ip(), address.port());
        Ok(Self { peer, ip, port, state: State::of(peer)?, lines: peer.lines(<[Line]>::len) })
    }
}

fn watch<'a>(hosts: &[Host], peers: &'a [Peer]) -> io::Result<Vec<Watched<'a>>> {
    hosts.iter().zip(peers).map(|(host, peer)| Watched::new(host, peer)).collect()
}

/// Counts what the receivers showed and what changed in their lists since they are watched.
fn judge(report: &mut Report, what: &str, watched: &[Watched<'_>]) -> io::Result<()> {
    let (mut shown, mut changed, mut strangers) = (0, 0, 0);
    for receiver in watched {
        let new: Vec<Line> = receiver.peer.lines(|lines| lines[receiver.lines..].to_vec());
        let texts: Vec<&Line> = new.iter().filter(|line| ["POST", "DM"].contains(&line.kind())).collect();
        let now = State::of(receiver.peer)?;
        let is_stranger = |line: &&Line| ["HERE", "PROFILE"].contains(&line.kind()) && now.heard.contains(line.id());
        let events: Vec<&Line> =
            new.iter().filter(|line| CHANGES.contains(&line.kind()) && !is_stranger(line)).collect();
        let moved: Vec<&String> = now.known.symmetric_difference(&receiver.state.known).collect();
        for line in texts.iter().chain(&events).take(3) {
            println!("    {}: {}", receiver.ip, line.text);
        }
        for line in moved.iter().take(4) {
            println!("    {}: {} {line}", receiver.ip, if now.known.contains(*line) { "+" } else { "-" });
        }
        println!("    {}: {}", receiver.ip, receiver.peer.stats());
        shown += texts.len();
        changed += events.len() + moved.len();
        strangers += now.heard.difference(&receiver.state.heard).count();
    }
    report.must(&format!("{what}: shown twice"), "0", shown.to_string(), shown == 0);
    report.must(&format!("{what}: state changed"), "0", changed.to_string(), changed == 0);
    if strangers > 0 {
        report.fact(&format!("{what}: strangers listed as heard"), strangers.to_string());
    }
    Ok(())
}

/// What a peer lists and knows.
struct State {
    /// Lines without times, of all that proved something.
    known: BTreeSet<String>,
    /// Ids of those that were only heard, as anybody can be who sends an announcement.
    heard: BTreeSet<String>,
}

impl State {
    fn of(peer: &Peer) -> io::Result<Self> {
        let (heard, mut known): (Vec<Line>, Vec<Line>) =
            peer.ask("LIST ALL", &["PEER"])?.into_iter().partition(|line| line.said().contains(" heard "));
        known.extend(peer.ask("CONTACTS", &["CONTACT"])?);
        Ok(Self {
            known: known.iter().map(|line| without_times(&line.text)).collect(),
            heard: heard.iter().map(|line| line.id().to_owned()).collect(),
        })
    }
}

/// A line without its presence, and without any number of seconds or the like.
fn without_times(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    let kept = words.iter().enumerate().filter(|(at, word)| {
        let time = is_number(word) || (*at > 0 && is_number(words[at - 1]) && word.len() <= 4);
        !time && !["heard", "live", "quiet"].contains(word)
    });
    kept.map(|(_, word)| *word).collect::<Vec<_>>().join(" ")
}

/// Waits until all know all.
fn meet(peers: &[Peer]) -> io::Result<()> {
    for (at, peer) in peers.iter().enumerate() {
        let others: Vec<String> = (0..peers.len())
            .filter(|other| *other != at)
            .map(|other| format!("{}@10.77.0.{}", NAMES[other], other + 1))
            .collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        if !peer.knows(&others, Duration::from_secs(20)) {
            return Err(io::Error::other(format!("{} does not know all:\n    {}", NAMES[at], peer.tail(8))));
        }
    }
    // Every path is proven soon after.
    settle();
    Ok(())
}

fn is_broadcast(ip: Ipv4Addr) -> bool {
    ip.octets()[3] == 255
}

/// Until what is on its way has come.
fn settle() {
    let until = Instant::now() + Duration::from_millis(700);
    while let Some(left) = until.checked_duration_since(Instant::now()) {
        std::thread::sleep(left);
    }
}

/// How many of which TYPE.
fn counted(packets: &[Packet]) -> String {
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for packet in packets {
        let line = packet.payload.split(|byte| *byte == b'\n').next().unwrap_or_default();
        *kinds.entry(String::from_utf8_lossy(line).replace("TYPE:", "")).or_default() += 1;
    }
    let list: Vec<String> = kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    format!("{} ({})", packets.len(), list.join(", "))
}

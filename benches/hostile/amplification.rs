//! How much a peer sends to somebody who never asked: whose address was forged, or named in a list.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Options;
use super::crowd::Crowd;
use super::forger::{Forger, Says};
use super::lan::{Host, Lan};
use super::process::{Home, Line, Peer};
use super::report::Report;
use super::spoof::{Pace, Spoofer};
use super::tap::{Tap, Way};

/// Peers under attack, so that the pace at which each meets strangers hides little.
const PEERS: usize = 4;
/// The last bytes of the addresses that are forged.
const TARGETS: std::ops::Range<u8> = 100..240;
const NAMED: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 240);
const LARGEST: usize = 1_200;
const FACTOR: f64 = 3.0;

/// Forged addresses, then addresses that lists name.
pub(crate) fn attack(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(3)?;
    let [under, friend, attacker] = &lan.hosts[..] else { return Err(io::Error::other("a LAN of three")) };
    for last in TARGETS.start..250 {
        add_address(attacker, &format!("10.77.0.{last}"))?;
    }
    let homes = (0..=PEERS).map(|_| Home::new()).collect::<io::Result<Vec<_>>>()?;
    let tap = Tap::keep(under, Way::Out)?;
    let known = Peer::start(&options.peer, friend, &homes[PEERS], "friend", &[])?;
    let mut peers = Vec::new();
    for (at, home) in homes.iter().take(PEERS).enumerate() {
        let peer = Peer::start(&options.peer, under, home, &format!("u{at}"), &[])?;
        if !peer.knows(&[&format!("friend@{}", friend.ip)], Duration::from_secs(15)) {
            return Err(io::Error::other(format!("u{at} does not meet its friend:\n    {}", peer.tail(8))));
        }
        peers.push(peer);
    }
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.resize(20_000, 7);
    let picture = homes[0].file("face.png", &picture)?;
    for peer in &peers {
        peer.ask(&format!("AVATAR {}", picture.display()), &[])?;
    }
    let addresses = peers.iter().map(|peer| peer.address(under)).collect::<io::Result<Vec<_>>>()?;

    let mut forged = Forged { spoofer: Spoofer::new(attacker)?, sent: HashMap::new(), serial: 0 };
    let began = Instant::now();
    forged.every_type_and_size(&addresses, options.scale(97, 1))?;
    // An older client that stays for 20 s is no passer-by any more.
    let settlers = forged.settlers();
    forged.send_each(&settlers, &addresses)?;
    forged.steady(&addresses, options.scale(2, 21))?;
    forged.send_each(&settlers, &addresses)?;
    // Echoes that stay unanswered are asked for again, and answers wait for up to some seconds.
    std::thread::sleep(Duration::from_secs(options.scale(2, 12)));
    forged.judge(&tap, began, report);
    named(options, attacker, (&peers, &addresses), &tap, report)?;
    for peer in peers {
        println!("    {}", peer.stats());
        peer.end()?;
    }
    known.end()?;
    Ok(())
}

/// What was sent in the name of others.
struct Forged {
    spoofer: Spoofer,
    sent: HashMap<SocketAddrV4, (usize, String)>,
    serial: u64,
}

/// Who says to have sent it: an older client, a peer without a key, a peer with a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Author {
    Older,
    Unsigned,
    Signed,
}

impl Forged {
    /// Each datagram is from an address of its own.
    fn every_type_and_size(&mut self, to: &[SocketAddrV4], step: usize) -> io::Result<()> {
        for author in [Author::Older, Author::Unsigned, Author::Signed] {
            // No faster than signatures of unknown keys are looked at.
            let mut pace = Pace::new(if author == Author::Signed { 450.0 } else { 2_500.0 } * to.len() as f64 / 2.0);
            for size in (1..=LARGEST).step_by(step) {
                for kind in 0.. {
                    let (from, serial) = self.next_target();
                    let Some((name, datagram)) = datagram(author, kind, size, from, serial) else { break };
                    let to = to[serial as usize % to.len()];
                    pace.next();
                    self.send(from, to, &datagram, &format!("{name} {author:?} {size}"))?;
                }
            }
        }
        Ok(())
    }

    /// A steady stream of each kind, each from one address.
    fn steady(&mut self, to: &[SocketAddrV4], seconds: usize) -> io::Result<()> {
        let mut streams = Vec::new();
        for author in [Author::Older, Author::Unsigned, Author::Signed] {
            for kind in 0.. {
                let (from, serial) = self.next_target();
                let Some((name, datagram)) = datagram(author, kind, 0, from, serial) else { break };
                streams.push((from, datagram, format!("{name} {author:?} stream")));
            }
        }
        let mut pace = Pace::new(15.0 * streams.len() as f64);
        for _ in 0..seconds * 15 {
            for (at, (from, datagram, name)) in streams.iter().enumerate() {
                pace.next();
                self.send(*from, to[at % to.len()], datagram, name)?;
            }
        }
        Ok(())
    }

    /// Older clients of each kind that announces itself, each at an IP where nobody else is.
    fn settlers(&mut self) -> Vec<(SocketAddrV4, Vec<u8>, String)> {
        let mut settlers = Vec::new();
        for kind in 0.. {
            let from = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, TARGETS.end + 1 + settlers.len() as u8), 4_000);
            let Some((name, datagram)) = datagram(Author::Older, kind, 0, from, 1 << 40 | kind as u64) else { break };
            if ["PEER_DISCOVERY", "PING", "PROFILE"].contains(&name) {
                settlers.push((from, datagram, format!("{name} Older that stays")));
            }
        }
        settlers
    }

    fn send_each(&mut self, all: &[(SocketAddrV4, Vec<u8>, String)], to: &[SocketAddrV4]) -> io::Result<()> {
        for (from, datagram, name) in all {
            self.send(*from, to[0], datagram, name)?;
        }
        Ok(())
    }

    fn send(&mut self, from: SocketAddrV4, to: SocketAddrV4, datagram: &[u8], name: &str) -> io::Result<()> {
        let entry = self.sent.entry(from).or_insert_with(|| (0, name.to_owned()));
        entry.0 += datagram.len();
        self.spoofer.send(from, to, datagram)
    }

    fn next_target(&mut self) -> (SocketAddrV4, u64) {
        self.serial += 1;
        let (span, start) = (u64::from(TARGETS.end - TARGETS.start), u64::from(TARGETS.start));
        let last = u8::try_from(start + self.serial % span).unwrap_or(TARGETS.start);
        let port = u16::try_from(2_000 + self.serial / span % 60_000).unwrap_or(u16::MAX);
        (SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, last), port), self.serial)
    }

    fn judge(&self, tap: &Tap, began: Instant, report: &mut Report) {
        let mut back: HashMap<SocketAddrV4, usize> = HashMap::new();
        let mut whole = HashMap::new();
        for packet in tap.packets().iter().filter(|packet| packet.at > began && self.is_target(*packet.to.ip())) {
            // Only the first fragment of a large datagram names a port.
            let first = *whole.entry(*packet.to.ip()).or_insert(packet.to);
            let to = if packet.to.port() == 0 { first } else { packet.to };
            whole.insert(*packet.to.ip(), to);
            *back.entry(to).or_default() += packet.payload.len();
        }
        let ratio = |to: &SocketAddrV4, bytes: usize| {
            let sent = self.sent.get(to).map_or(0, |(sent, _)| *sent);
            if sent == 0 { f64::INFINITY } else { bytes as f64 / sent as f64 }
        };
        let worst = back.iter().map(|(to, bytes)| (ratio(to, *bytes), to)).max_by(|one, two| one.0.total_cmp(&two.0));
        let (most, what) = worst.map_or((0.0, String::new()), |(most, to)| {
            (most, self.sent.get(to).map_or_else(|| format!("{to} that sent nothing"), |(_, name)| name.clone()))
        });
        let mut hosts: HashMap<Ipv4Addr, (usize, usize)> = HashMap::new();
        for (address, (sent, _)) in &self.sent {
            hosts.entry(*address.ip()).or_default().0 += sent;
        }
        for (address, bytes) in &back {
            hosts.entry(*address.ip()).or_default().1 += bytes;
        }
        let host = hosts.values().map(|(sent, back)| *back as f64 / (*sent).max(1) as f64).fold(0.0, f64::max);
        let measured = format!("{most:.2} ({what}); {} of {} targets were sent anything", back.len(), self.sent.len());
        report.must("amplification: bytes out per byte in, worst IP:port", "<= 3.0", measured, most <= FACTOR);
        report.must("amplification: the same, worst IP", "<= 3.0", format!("{host:.3}"), host <= FACTOR);
    }

    fn is_target(&self, ip: Ipv4Addr) -> bool {
        ip.octets()[..3] == [10, 77, 0] && (TARGETS.start..250).contains(&ip.octets()[3]) && ip != NAMED
    }
}

/// The datagram of a kind with a size, in the name of somebody new at `from`; `None` after the last kind. A size of 0
/// leaves it as short as it is.
fn datagram(
    author: Author,
    kind: usize,
    size: usize,
    from: SocketAddrV4,
    serial: u64,
) -> Option<(&'static str, Vec<u8>)> {
    let mut forger = Forger::new(&format!("v{serial}"), from, serial);
    let mut all = forger.of_every_type("u0@10.77.0.1");
    for (name, lines) in [
        ("PING", "USER_ID:{id}\nPORT:{port}\n"),
        ("REVOKE", "USER_ID:{id}\n"),
        ("PEER_LIST_RESPONSE", "FROM:{id}\nPEERS:[]\nCOUNT:0\n"),
        ("FOLLOW_RESPONSE", "FROM:{id}\nTO:u0@10.77.0.1\nSTATUS:accepted\n"),
        ("CHUNK", "FROM:{id}\nDATA:AAAA\n"),
        ("ACK", "MESSAGE_ID:0000000000000000\nSTATUS:RECEIVED\n"),
        ("LIKE", "FROM:{id}\nTO:u0@10.77.0.1\n"),
    ] {
        let lines = lines.replace("{id}", &forger.id).replace("{port}", &from.port().to_string());
        all.push((name, format!("TYPE:{name}\n{lines}\n").into_bytes()));
    }
    let (name, mut datagram) = all.into_iter().nth(kind)?;
    if author == Author::Older {
        let text = String::from_utf8_lossy(&datagram);
        let ours = |line: &&str| ["PV:", "SID:", "CAP:", "ASK:", "PAD:"].iter().any(|key| line.starts_with(key));
        datagram = text.lines().filter(|line| !ours(line)).map(|line| format!("{line}\n")).collect::<String>().into();
    }
    let signature = if author == Author::Signed { forger.signed(datagram.clone()).len() - datagram.len() } else { 0 };
    let missing = size.saturating_sub(datagram.len() + signature + "PADDING:\n".len());
    if missing > 0 && datagram.pop().is_some() {
        datagram.extend_from_slice(format!("PADDING:{}\n\n", "0".repeat(missing)).as_bytes());
    }
    if author == Author::Signed {
        datagram = forger.signed(datagram);
    }
    if size > 0 {
        datagram.truncate(size);
    }
    Some((name, datagram))
}

/// Peers that proved their address tell of somebody all the time: how often a peer tries that address.
fn named(
    options: &Options,
    attacker: &Host,
    (peers, under): (&[Peer], &[SocketAddrV4]),
    tap: &Tap,
    report: &mut Report,
) -> io::Result<()> {
    let crowd = Crowd::new(attacker)?;
    let mut spoofer = Spoofer::new(attacker)?;
    let ip: Ipv4Addr = attacker.ip.parse().map_err(io::Error::other)?;
    let addresses: Vec<SocketAddrV4> = (0..3).map(|at| SocketAddrV4::new(ip, 9_000 + at)).collect();
    for (at, address) in addresses.iter().enumerate() {
        crowd.admit(Forger::new(&format!("mallory{at}"), *address, 77 + at as u64));
    }
    let seconds = options.scale(3, 130);
    let (mut pace, began) = (Pace::new(5.0), Instant::now());
    for round in 0..seconds * 5 {
        if round % 10 == 9 {
            // The user is curious: a list that nobody asked for names nobody.
            for peer in peers {
                peer.say(&format!("PEERS mallory{}", round / 10 % 3))?;
            }
        }
        for address in &addresses {
            let ids: Vec<String> = (0..20).map(|at| format!("w{}@{NAMED}", round % 50 * 20 + at)).collect();
            let hello = crowd.make(*address, |forger| {
                let ask = Some(forger.nonce());
                forger.announcement(Says { ask, ..Says::default() })
            })?;
            let list = crowd.make(*address, |forger| forger.list(&ids))?;
            for to in under {
                if round % 25 == 0 {
                    spoofer.send(*address, *to, &hello)?;
                }
                spoofer.send(*address, *to, &list)?;
            }
        }
        pace.next();
    }
    let told = |lines: &[Line]| lines.iter().filter(|line| line.kind() == "PEERS").count();
    let told: usize = peers.iter().map(|peer| peer.lines(told)).sum();
    let packets = tap.packets();
    let mut most = 0;
    for from in under {
        let at: Vec<Instant> = packets
            .iter()
            .filter(|packet| packet.at > began && packet.from == *from && *packet.to.ip() == NAMED)
            .map(|packet| packet.at)
            .collect();
        let within =
            |start: &Instant| at.iter().filter(|at| at.duration_since(*start).as_secs() < 60 && *at >= start).count();
        most = at.iter().map(within).max().unwrap_or(0).max(most);
    }
    let measured = format!("{most} (in {seconds} s; {told} lists taken, {} echoes answered)", crowd.answered());
    report.must(
        "probes to an address that lists name, most in 60 s",
        "<= 1",
        measured,
        most <= 1 && crowd.answered() > 0,
    );
    Ok(())
}

/// Gives a host one more address.
pub(crate) fn add_address(host: &Host, ip: &str) -> io::Result<()> {
    let cidr = format!("{ip}/24");
    let added =
        host.inside(|| Command::new("ip").args(["addr", "add", &cidr, "dev", "eth0"]).stderr(Stdio::null()).status())?;
    if added.success() { Ok(()) } else { Err(io::Error::other(format!("{ip} cannot be added"))) }
}

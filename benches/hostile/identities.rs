//! One attacker that is a hundred thousand people.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use super::Options;
use super::amplification::add_address;
use super::crowd::Crowd;
use super::forger::{Forger, Says};
use super::lan::{Host, Lan};
use super::process::{Home, Line, Peer};
use super::report::Report;
use super::spoof::{Pace, Spoofer};

/// Fewer lines than these are readable.
const READABLE: usize = 100;

/// A peer that knows many others meets the crowd: from one address, then from 200.
pub(crate) fn attack(options: &Options, report: &mut Report) -> io::Result<()> {
    let established = options.scale(5, 50);
    let lan = Lan::new(established + 2)?;
    let ([under, attacker], hosts) = (&[&lan.hosts[0], &lan.hosts[1]], &lan.hosts[2..]);
    let homes = (0..=established).map(|_| Home::new()).collect::<io::Result<Vec<_>>>()?;
    let peer = Peer::start(&options.peer, under, &homes[established], "under", &[])?;
    let mut others = Vec::new();
    for (at, host) in hosts.iter().enumerate() {
        others.push(Peer::start(&options.peer, host, &homes[at], &format!("friend{at}"), &[])?);
    }
    let ids: Vec<String> = hosts.iter().enumerate().map(|(at, host)| format!("friend{at}@{}", host.ip)).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    if !peer.knows(&ids, Duration::from_secs(30)) {
        return Err(io::Error::other(format!("not all are met:\n    {}", peer.tail(8))));
    }
    // Every path is proven soon after.
    std::thread::sleep(Duration::from_secs(options.scale(1, 20)));
    println!("    before: {}", peer.stats());

    let own: Ipv4Addr = attacker.ip.parse().map_err(io::Error::other)?;
    let count = options.scale(800, 100_000);
    let before = peer.rss_kib()?;
    one_crowd(&peer, attacker, &[own], under, count, "one address", (&ids, before), report)?;
    let first = established + 3;
    let many: Vec<Ipv4Addr> = (first..first + 200)
        .map(|last| u8::try_from(last).map(|last| Ipv4Addr::new(10, 77, 0, last)).map_err(io::Error::other))
        .collect::<io::Result<_>>()?;
    for ip in &many {
        add_address(attacker, &ip.to_string())?;
    }
    one_crowd(&peer, attacker, &many, under, count, "200 addresses", (&ids, before), report)?;
    for other in others {
        other.end()?;
    }
    peer.end()?;
    Ok(())
}

/// So many identities at these addresses, each of which answers when it is asked.
#[expect(clippy::too_many_arguments, reason = "one experiment, twice")]
fn one_crowd(
    peer: &Peer,
    attacker: &Host,
    ips: &[Ipv4Addr],
    under: &Host,
    count: usize,
    what: &str,
    (ids, before): (&[&str], u64),
    report: &mut Report,
) -> io::Result<()> {
    let crowd = Crowd::new(attacker)?;
    let mut spoofer = Spoofer::new(attacker)?;
    let to = SocketAddrV4::new(under.ip.parse().map_err(io::Error::other)?, 50_999);
    let lines = peer.lines(<[Line]>::len);
    let (mut pace, mut most) = (Pace::new(count as f64 / 60.0_f64.min(count as f64 / 400.0)), 0);
    let began = Instant::now();
    for number in 0..count {
        let port = u16::try_from(2_000 + number / ips.len() % 60_000).map_err(io::Error::other)?;
        let address = SocketAddrV4::new(ips[number % ips.len()], port);
        let seed = number as u64 ^ (ips.len() as u64) << 40;
        let mut forger = Forger::new(&format!("sybil{number}"), address, seed);
        let says = Says { ask: Some(forger.nonce()), ..Says::default() };
        let hello = forger.announcement(says);
        crowd.admit(forger);
        spoofer.send(address, to, &hello)?;
        if number % 1_000 == 0 {
            most = peer.rss_kib()?.max(most);
        }
        pace.next();
    }
    let took = began.elapsed().as_secs_f64();
    std::thread::sleep(Duration::from_secs(2));
    most = peer.rss_kib()?.max(most);
    let asked = Instant::now();
    let list = peer.ask("LIST", &["PEER", "INFO"])?;
    let listed = asked.elapsed();
    let here = |id: &&&str| list.iter().any(|line| line.id() == **id);
    let evicted = ids.len() - ids.iter().filter(here).count();
    let left = peer.lines(|all| {
        let gone =
            all[lines..].iter().filter(|line| ["LEFT", "GONE"].contains(&line.kind()) && ids.contains(&line.id()));
        gone.count()
    });
    let name = format!("{count} identities at {what}");
    let measured =
        format!("{} of {} ({left} lines of it; {took:.0} s, {} answered)", evicted, ids.len(), crowd.answered());
    report.must(&format!("{name}: established evicted"), "0", measured, evicted + left == 0);
    let grown = most.saturating_sub(before) as f64 / 1024.0;
    report.must(&format!("{name}: RSS growth"), "<= 64 MiB", format!("{grown:.1} MiB"), grown <= 64.0);
    let shown = format!("{} lines for {} established, in {} ms", list.len(), ids.len(), listed.as_millis());
    report.must(&format!("{name}: LIST"), "readable", shown, list.len() < ids.len() + READABLE);
    let told = peer.lines(|all| all.len()) - lines;
    report.fact(&format!("{name}: lines on the screen"), told.to_string());
    println!("    {}", peer.stats());
    Ok(())
}

//! Attacks that take something away from two who know each other, without much noise.

use std::io;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::Options;
use super::amplification::add_address;
use super::crowd::Crowd;
use super::flood::{Flood, SOMEBODY, Under};
use super::forger::{Forger, Says};
use super::lan::Lan;
use super::process::{Home, Line, Peer};
use super::report::Report;
use super::spoof::{Pace, Spoofer};
use super::tap::{Tap, Way};

/// Letters of one key: fewer than it may have sessions.
const LETTERS: usize = 30;

/// Sessions are pushed out, a friend is relayed, a friend is hidden.
pub(crate) fn attack(options: &Options, report: &mut Report) -> io::Result<()> {
    sessions(options, report)?;
    relay(options, report)?;
    if options.quick {
        return Ok(());
    }
    for (flood, what) in [(Flood::Keys, "flooder's"), (Flood::KeysNowhere, "nobody's")] {
        newcomer(options, flood, what, report)?;
    }
    hidden_friend(options, report)
}

/// Two have a session; then letters of many keys come, each of which opens one more.
fn sessions(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(3)?;
    lan.introduce()?;
    let [one, two, attacker] = &lan.hosts[..] else { return Err(io::Error::other("a LAN of three")) };
    let homes = [Home::new()?, Home::new()?];
    let alice = Peer::start(&options.peer, one, &homes[0], "alice", &[])?;
    let bob = Peer::start(&options.peer, two, &homes[1], "bob", &[])?;
    for (peer, id) in [(&alice, format!("bob@{}", two.ip)), (&bob, format!("alice@{}", one.ip))] {
        if !peer.knows(&[&id], Duration::from_secs(15)) {
            return Err(io::Error::other(format!("{id} was not met:\n    {}", peer.tail(8))));
        }
    }
    // The first is a letter, the answer shows that its session is shared, and then there are frames.
    for (from, to, name, text) in
        [(&alice, &bob, "bob", "one"), (&bob, &alice, "alice", "two"), (&alice, &bob, "bob", "three")]
    {
        from.say(&format!("DM {name} {text}"))?;
        if !to.wait(Duration::from_secs(5), |lines| lines.iter().any(|line| line.kind() == "DM" && line.said() == text))
        {
            return Err(io::Error::other(format!("{text} did not arrive:\n    {}", to.tail(8))));
        }
    }
    let crowd = Crowd::new(attacker)?;
    let mut spoofer = Spoofer::new(attacker)?;
    let to = bob.address(two)?;
    let ip = attacker.ip.parse().map_err(io::Error::other)?;
    let place = |writer: usize| SocketAddrV4::new(ip, 20_000 + writer as u16);
    crowd.admit(Forger::new("w0", place(0), 1 << 50));
    let hello = crowd.make(place(0), |forger| {
        let ask = Some(forger.nonce());
        forger.announcement(Says { ask, ..Says::default() })
    })?;
    spoofer.send(place(0), to, &hello)?;
    let (key, prekey) = crowd.wait_for_prekey(to)?;
    let count = options.scale(90, 4_600);
    let mut pace = Pace::new(440.0);
    for number in 0..count {
        let writer = number / LETTERS;
        if number % LETTERS == 0 && writer > 0 {
            crowd.admit(Forger::new(&format!("w{writer}"), place(writer), writer as u64 | 1 << 50));
        }
        let id = format!("bob@{}", two.ip);
        let letter = crowd.make(place(writer), |forger| forger.letter(&id, &key, &prekey, "a letter from nobody"))?;
        spoofer.send(place(writer), to, &letter.unwrap_or_default())?;
        pace.next();
    }
    let shown =
        |lines: &[Line]| lines.iter().filter(|line| line.kind() == "DM" && line.said().starts_with("after")).count();
    for number in 0..20 {
        alice.say(&format!("DM bob after {number}"))?;
    }
    bob.wait(Duration::from_secs(5), |lines| shown(lines) == 20);
    let arrived = bob.lines(shown);
    println!("    {}", bob.stats());
    let what = format!("{count} letters of {} fresh keys, then DMs of a friend", count / LETTERS);
    report.must(&what, "20 of 20", format!("{arrived} of 20"), arrived == 20);
    alice.end()?;
    bob.end()?;
    Ok(())
}

/// Somebody between two passes on all that they say, as from an address of its own: questions and answers too.
fn relay(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(3)?;
    lan.introduce()?;
    let [one, two, between] = &lan.hosts[..] else { return Err(io::Error::other("a LAN of three")) };
    let homes = [Home::new()?, Home::new()?];
    let beats = ["--heartbeat", "1s", "--expiry", "10s"];
    let alice = Peer::start(&options.peer, one, &homes[0], "alice", &beats)?;
    let bob = Peer::start(&options.peer, two, &homes[1], "bob", &beats)?;
    let id = format!("alice@{}", one.ip);
    if !bob.knows(&[&id], Duration::from_secs(15)) {
        return Err(io::Error::other(format!("{id} was not met:\n    {}", bob.tail(8))));
    }
    let ends = [alice.address(one)?, bob.address(two)?];
    let (own, mut spoofer) =
        (SocketAddrV4::new(between.ip.parse().map_err(io::Error::other)?, 7_777), Spoofer::new(between)?);
    let passed = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&passed);
    let tap = Tap::each(between, Way::In, move |packet| {
        let Some(from) = ends.iter().position(|end| *end == packet.from) else { return };
        let to = ends[1 - from];
        let to = if packet.to.port() == 50_999 { SocketAddrV4::new(*to.ip(), 50_999) } else { to };
        if spoofer.send(own, to, &packet.payload).is_ok() {
            count.fetch_add(1, Ordering::Relaxed);
        }
    })?;
    let before = bob.lines(<[Line]>::len);
    for number in 0..options.scale(3, 10) {
        std::thread::sleep(Duration::from_secs(1));
        alice.say(&format!("DM bob relayed {number}"))?;
        alice.say(&format!("POST relayed {number}"))?;
    }
    let list = bob.ask("LIST", &["PEER"])?;
    drop(tap);
    let texts = |lines: &[Line]| lines[before..].iter().filter(|line| line.said().starts_with("relayed")).count();
    bob.wait(Duration::from_secs(2), |lines| texts(lines) >= options.scale(6, 20));
    let rows: Vec<&Line> = list.iter().filter(|line| line.id() == id).collect();
    let stays = rows.len() == 1 && rows[0].said().starts_with(&ends[0].to_string());
    for row in &rows {
        println!("    {}", row.text);
    }
    println!("    {}", bob.stats());
    let (shown, of) = (bob.lines(texts), options.scale(6, 20));
    let passed = passed.load(Ordering::Relaxed);
    let measured =
        format!("{} ({passed} passed on), {shown} of {of} texts shown", if stays { "stays" } else { "moved" });
    report.must(
        "a friend whose every word is passed on",
        "stays, each text once",
        measured,
        stays && shown == of && passed > 0,
    );
    alice.end()?;
    bob.end()?;
    Ok(())
}

/// Somebody comes while new keys flood the one that is to be written to.
fn newcomer(options: &Options, flood: Flood, what: &str, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(4)?;
    lan.introduce()?;
    let [one, two, three, flooder] = &lan.hosts[..] else { return Err(io::Error::other("a LAN of four")) };
    for last in SOMEBODY {
        add_address(flooder, &format!("10.77.0.{last}"))?;
    }
    let tap = Tap::keep(one, Way::Out)?;
    let homes = (0..3).map(|_| Home::new()).collect::<io::Result<Vec<_>>>()?;
    let alice = Peer::start(&options.peer, one, &homes[0], "alice", &[])?;
    let bob = Peer::start(&options.peer, two, &homes[1], "bob", &[])?;
    if !bob.knows(&[&format!("alice@{}", one.ip)], Duration::from_secs(15)) {
        return Err(io::Error::other(format!("alice was not met:\n    {}", bob.tail(8))));
    }
    let under = Under::new(flooder, &tap, two)?;
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    let measured = std::thread::scope(|scope| {
        let flooding = scope.spawn(|| under.flood((flood, 1_000.0), Vec::new(), &stop, &count));
        let meet = || {
            std::thread::sleep(Duration::from_secs(5));
            let began = Instant::now();
            let carol = Peer::start(&options.peer, three, &homes[2], "carol", &[])?;
            let said = |lines: &[Line]| lines.iter().any(|line| line.kind() == "DM" && line.said() == "I am new");
            let mut tries = 0;
            let mut shown = false;
            while !shown && tries < 5 {
                tries += 1;
                carol.knows(&[&format!("bob@{}", two.ip)], Duration::from_secs(10));
                carol.say("DM bob I am new")?;
                shown = bob.wait(Duration::from_secs(10), said);
            }
            let took = began.elapsed().as_secs_f64();
            let end = carol.tail(2);
            io::Result::Ok(if shown {
                format!("after {took:.1} s, {tries} tries")
            } else {
                format!("not in {took:.0} s: {end}")
            })
        };
        let measured = meet();
        stop.store(true, Ordering::Relaxed);
        flooding.join().unwrap_or_else(|_| Err(io::Error::other("flooding panicked")))?;
        measured
    })?;
    report.fact(&format!("a newcomer's DM while new keys come from {what} addresses, 1,000/s"), measured);
    println!("    {}", bob.stats());
    alice.end()?;
    bob.end()?;
    Ok(())
}

/// Two that say nothing, with short beats; somebody forges one of them to the other for four times as long as a peer
/// may be unheard.
fn hidden_friend(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(3)?;
    lan.introduce()?;
    let [one, two, flooder] = &lan.hosts[..] else { return Err(io::Error::other("a LAN of three")) };
    let tap = Tap::keep(one, Way::Out)?;
    let homes = [Home::new()?, Home::new()?];
    let beats = ["--heartbeat", "1s", "--expiry", "3s"];
    let alice = Peer::start(&options.peer, one, &homes[0], "alice", &beats)?;
    let bob = Peer::start(&options.peer, two, &homes[1], "bob", &beats)?;
    let id = format!("alice@{}", one.ip);
    if !bob.knows(&[&id], Duration::from_secs(15)) {
        return Err(io::Error::other(format!("{id} was not met:\n    {}", bob.tail(8))));
    }
    std::thread::sleep(Duration::from_secs(3));
    let before = bob.lines(<[Line]>::len);
    let under = Under::new(flooder, &tap, two)?;
    let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let flooding = scope.spawn(|| under.flood((Flood::BadSignatures, 5_000.0), Vec::new(), &stop, &count));
        std::thread::sleep(Duration::from_secs(12));
        stop.store(true, Ordering::Relaxed);
        flooding.join().unwrap_or_else(|_| Err(io::Error::other("flooding panicked")))
    })?;
    let lost = |lines: &[Line]| {
        let of = |kind: &str| lines[before..].iter().filter(|line| line.kind() == kind && line.id() == id).count();
        (of("QUIET"), of("GONE"))
    };
    let (quiet, gone) = bob.lines(lost);
    let measured = format!("quiet {quiet}, gone {gone} times in 12 s with beats of 1 s");
    report.must("a silent friend, forged and wrongly signed, 5,000/s", "never gone", measured, gone == 0);
    println!("    {}", bob.stats());
    alice.end()?;
    bob.end()?;
    Ok(())
}

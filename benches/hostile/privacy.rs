//! What an ear on the wire can read.

use std::io;
use std::time::Duration;

use data_encoding::{BASE64, BASE64URL, HEXLOWER};

use super::Options;
use super::lan::Lan;
use super::process::{Home, Line, Peer};
use super::report::Report;
use super::tap::{Packet, Tap, Way};

/// Stands in every secret text. No word of the protocol holds it.
const CANARY: &str = "kanarienvogel";

/// Direct messages between two peers, then all traffic of a closed group.
pub(crate) fn attack(options: &Options, report: &mut Report) -> io::Result<()> {
    messages(options, report)?;
    group(options, report)
}

fn messages(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(3)?;
    let taps = lan.hosts.iter().map(|host| Tap::keep(host, Way::Out)).collect::<io::Result<Vec<_>>>()?;
    let homes = [Home::new()?, Home::new()?];
    let [one, two, third] = &lan.hosts[..] else { return Err(io::Error::other("a LAN of three")) };
    let alice = Peer::start(&options.peer, one, &homes[0], "alice", &[])?;
    let bob = Peer::start(&options.peer, two, &homes[1], "bob", &[])?;
    meet(&alice, &format!("bob@{}", two.ip))?;
    meet(&bob, &format!("alice@{}", one.ip))?;
    let count = options.scale(40, 1_000);
    std::thread::scope(|scope| {
        let ways = [scope.spawn(|| write(&alice, "bob", count)), scope.spawn(|| write(&bob, "alice", count))];
        for way in ways {
            way.join().unwrap_or_else(|_| Err(io::Error::other("writing panicked")))?;
        }
        io::Result::Ok(())
    })?;
    let both = [shown(&alice, count), shown(&bob, count)];
    let open = [&alice, &bob].map(|peer| {
        let is_open = |line: &&Line| line.kind() == "SENT" && line.said().contains("not private");
        peer.lines(|lines| lines.iter().filter(is_open).count())
    });
    let packets = all(&taps);
    let canaries = canaries(&packets);
    let arrived = format!("{} and {} of {count}, {} marked not private", both[0], both[1], open[0] + open[1]);
    let held = both == [count; 2] && open == [0; 2];
    report.must("sealed DMs both ways: shown", "all, none not private", arrived, held);
    let seen = format!("{canaries} in {} datagrams, {} bytes", packets.len(), bytes(&packets));
    report.must("sealed DMs: canaries on the wire", "0", seen, canaries == 0 && packets.len() > count);

    // The ear hears: what goes to an older client is in the clear.
    let older = third.inside(|| std::net::UdpSocket::bind(("0.0.0.0", 8123)))?;
    let hello = format!("TYPE:PEER_DISCOVERY\nUSER_ID:olga@{}\nPORT:8123\n\n", third.ip);
    older.send_to(hello.as_bytes(), (one.ip.as_str(), 50999))?;
    meet(&alice, &format!("olga@{}", third.ip))?;
    alice.say(&format!("DM olga {CANARY} in the clear"))?;
    alice.wait(Duration::from_secs(5), |lines| lines.iter().any(|line| line.said().contains("in the clear")));
    let heard = wait_for_canaries(&taps);
    report.must("  the same ear, a DM to an older client", ">= 1", heard.to_string(), heard > 0);
    alice.end()?;
    bob.end()?;
    Ok(())
}

fn group(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(4)?;
    let [one, two, three, outside] = &lan.hosts[..] else { return Err(io::Error::other("a LAN of four")) };
    let taps = [one, two, three].map(|host| Tap::keep(host, Way::Out)).into_iter().collect::<io::Result<Vec<_>>>()?;
    let homes = (0..4).map(|_| Home::new()).collect::<io::Result<Vec<_>>>()?;
    let secret = [("PEER_SECRET", "a secret that only three of them have")];
    let mut peers = Vec::new();
    for (at, host) in [one, two, three].into_iter().enumerate() {
        peers.push(Peer::start_with(&options.peer, host, &homes[at], &format!("{CANARY}{at}"), &[], &secret)?);
    }
    let outsider = Peer::start(&options.peer, outside, &homes[3], "eve", &[])?;
    for (at, peer) in peers.iter().enumerate() {
        let next = (at + 1) % 3;
        meet(peer, &format!("{CANARY}{next}@10.77.0.{}", next + 1))?;
    }
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.extend_from_slice(CANARY.repeat(200).as_bytes());
    let file = homes[0].file("face.png", &picture)?;
    peers[0].say(&format!("AVATAR {}", file.display()))?;
    let count = options.scale(20, 300);
    for (at, peer) in peers.iter().enumerate() {
        let next = (at + 1) % 3;
        peer.say(&format!("PROFILE {CANARY} name | {CANARY} status"))?;
        for number in 0..count {
            peer.say(&format!("POST {CANARY} post {number}"))?;
            peer.say(&format!("DM {CANARY}{next} {CANARY} message {number}"))?;
        }
        peer.say(&format!("PEERS {CANARY}{next}"))?;
        peer.say(&format!("AVATAR {CANARY}0@10.77.0.1"))?;
    }
    let mut arrived = Vec::new();
    for peer in &peers {
        let texts = |lines: &[Line]| lines.iter().filter(|line| ["POST", "DM"].contains(&line.kind())).count();
        peer.wait(Duration::from_secs(60), |lines| texts(lines) >= count * 3);
        arrived.push(peer.lines(texts));
    }
    let strangers = outsider.lines(|lines| lines.iter().filter(|line| line.kind() == "HERE").count());
    let inside =
        peers.iter().map(|peer| peer.lines(|lines| lines.iter().filter(|line| line.id().contains("eve")).count()));
    let inside: usize = inside.sum();
    for peer in peers {
        peer.end()?;
    }
    let packets = all(&taps);
    let canaries = canaries(&packets);
    let open = packets.iter().filter(|packet| !is_group_frame(&packet.payload)).count();
    let expected = count * 3;
    let shown = format!("{arrived:?} of {expected} each");
    report.must("group: posts and DMs shown inside", "all", shown, arrived.iter().all(|count| *count == expected));
    let seen = format!("{canaries} in {} datagrams", packets.len());
    report.must("group: canaries on the wire (names, posts, all)", "0", seen, canaries == 0 && packets.len() > count);
    report.must("group: datagrams that are not sealed", "0", open.to_string(), open == 0);
    let lists = format!("{strangers} outside, {inside} inside");
    report.must("group: listed across its border", "0", lists, strangers + inside == 0);
    outsider.end()?;
    Ok(())
}

fn write(peer: &Peer, to: &str, count: usize) -> io::Result<()> {
    for number in 0..count {
        peer.say(&format!("DM {to} {CANARY} number {number}"))?;
    }
    Ok(())
}

fn shown(peer: &Peer, count: usize) -> usize {
    let texts =
        |lines: &[Line]| lines.iter().filter(|line| line.kind() == "DM" && line.said().contains(CANARY)).count();
    peer.wait(Duration::from_secs(60), |lines| texts(lines) >= count);
    peer.lines(texts)
}

fn meet(peer: &Peer, id: &str) -> io::Result<()> {
    if peer.knows(&[id], Duration::from_secs(15)) {
        return Ok(());
    }
    Err(io::Error::other(format!("{id} was not met:\n    {}", peer.tail(8))))
}

fn all(taps: &[Tap]) -> Vec<Packet> {
    taps.iter().flat_map(|tap| tap.packets().clone()).collect()
}

fn bytes(packets: &[Packet]) -> usize {
    packets.iter().map(|packet| packet.payload.len()).sum()
}

fn wait_for_canaries(taps: &[Tap]) -> usize {
    for _ in 0..50 {
        let heard = canaries(&all(taps));
        if heard > 0 {
            return heard;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    0
}

/// Datagrams that hold the canary, as it is or in base64 or hex, in letters of either case.
fn canaries(packets: &[Packet]) -> usize {
    let forms = forms();
    let sings = |packet: &&Packet| {
        let text = packet.payload.to_ascii_lowercase();
        forms.iter().any(|form| memchr::memmem::find(&text, form).is_some())
    };
    packets.iter().filter(sings).count()
}

/// The canary and what it is in base64 at each of the three places where it may begin, and in hex.
fn forms() -> Vec<Vec<u8>> {
    let mut forms = vec![CANARY.to_owned(), HEXLOWER.encode(CANARY.as_bytes())];
    for shift in 0..3_usize {
        let bytes = [&[0; 3][..shift], CANARY.as_bytes()].concat();
        let whole = |text: String| {
            // Characters at both ends depend on what stands around.
            let (start, end) = ((shift * 8).div_ceil(6), bytes.len() * 8 / 6);
            text[start..end].to_owned()
        };
        forms.push(whole(BASE64.encode(&bytes)));
        forms.push(whole(BASE64URL.encode(&bytes)));
    }
    forms.iter().map(|form| form.to_ascii_lowercase().into_bytes()).collect()
}

fn is_group_frame(payload: &[u8]) -> bool {
    lsnp::wire::GroupFrame::of(payload).is_some()
}

//! Two peers that know each other write to one another while somebody floods them.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::Options;
use super::amplification::add_address;
use super::crowd::Crowd;
use super::forger::{Forger, Says};
use super::lan::{Host, Lan};
use super::process::{Home, Line, Peer};
use super::report::{Report, Times, ms};
use super::spoof::{Pace, Spoofer};
use super::tap::{Tap, Way};

/// Messages a second, each way.
const MESSAGES: f64 = 20.0;
const JUNK: f64 = 50_000.0;
const KEYS: f64 = 1_000.0;
/// The last bytes of addresses that the flooder has, and of some that nobody has.
pub(crate) const SOMEBODY: std::ops::Range<u8> = 100..170;
const NOBODY: std::ops::Range<u8> = 170..240;
/// Numbers messages, through all floods.
static SERIAL: AtomicU64 = AtomicU64::new(0);
const SLOWEST: Duration = Duration::from_millis(250);

/// What the flood is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flood {
    Nothing,
    /// Random bytes from the flooder's own address.
    Junk,
    /// Random bytes in the name of the other peer's address.
    JunkAsFriend,
    /// Announcements of older clients from any address.
    Older,
    /// Rightly signed by keys that nobody knows, from many addresses of the flooder.
    Keys,
    /// The same, from addresses where nobody is.
    KeysNowhere,
    /// Posts of keys that have proved to be there.
    Proven,
    /// In the name and with the key of the other peer, wrongly signed.
    BadSignatures,
    /// What the other peer sent a moment ago, again and again, from its address.
    Again,
    /// The same with other bits.
    Broken,
}

const FLOODS: [(Flood, &str, f64); 10] = [
    (Flood::Nothing, "no flood", 0.0),
    (Flood::Junk, "junk, 50,000/s", JUNK),
    (Flood::Proven, "posts of 64 keys that are there, 6,400/s", 6_400.0),
    (Flood::Keys, "signed by fresh keys, 1,000/s", KEYS),
    (Flood::JunkAsFriend, "junk in the friend's name, 50,000/s", JUNK),
    (Flood::BadSignatures, "wrongly signed in the friend's name, 50,000/s", JUNK),
    (Flood::Again, "the friend's own datagrams again, 50,000/s", JUNK),
    (Flood::Broken, "the friend's own datagrams broken, 50,000/s", JUNK),
    (Flood::KeysNowhere, "the same in the name of nobody's addresses, 1,000/s", KEYS),
    (Flood::Older, "older clients from any address, 20,000/s", 20_000.0),
];

/// One flood after the other, with a pause between.
pub(crate) fn attack(options: &Options, report: &mut Report) -> io::Result<()> {
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
    let carol = Peer::start(&options.peer, three, &homes[2], "carol", &[])?;
    for (peer, id) in [(&alice, format!("bob@{}", two.ip)), (&bob, format!("alice@{}", one.ip))] {
        if !peer.knows(&[&id], Duration::from_secs(15)) {
            return Err(io::Error::other(format!("{id} was not met:\n    {}", peer.tail(8))));
        }
    }
    let seconds = options.scale(2, 10);
    let began = [alice.rss_kib()?, bob.rss_kib()?];
    for (flood, what, rate) in FLOODS {
        if options.quick && !matches!(flood, Flood::Nothing | Flood::Junk | Flood::Keys | Flood::KeysNowhere) {
            continue;
        }
        let under = Under::new(flooder, &tap, two)?;
        let result = under.talk_during(flood, rate, [&alice, &bob], seconds)?;
        let shown = format!(
            "{} of {} shown, p50 {}, p99 {}, flood {:.0}/s, {} lost at the socket, RSS {:.1} MiB",
            result.times.len(),
            result.sent,
            ms(result.times.percent(50)),
            ms(result.times.percent(99)),
            result.rate,
            result.lost,
            result.rss_kib as f64 / 1024.0,
        );
        let held = result.times.len() == result.sent && result.times.percent(99) <= SLOWEST;
        let what = format!("DMs with {what}");
        if flood == Flood::Nothing {
            report.must(&what, "all, p99 <= 250 ms", shown, result.times.len() == result.sent);
        } else if matches!(flood, Flood::Junk | Flood::Keys | Flood::KeysNowhere) {
            report.figure(&what, "all after retry, p99 <= 250 ms", shown, held);
        } else {
            report.fact(&what, shown);
        }
        println!("    bob: {}", bob.stats());
        if result.times.len() < result.sent {
            for (name, peer) in [("alice", &alice), ("bob", &bob)] {
                let lagged =
                    peer.lines(|lines| lines.iter().filter(|line| line.text.contains("came too fast")).count());
                println!(
                    "    {name} lost events {lagged} times, waits: {}",
                    peer.lines(|lines| {
                        lines.iter().filter(|line| ["WAITS", "ERROR"].contains(&line.kind())).count()
                    })
                );
            }
            println!("    alice ends with:\n    {}\n    and bob:\n    {}", alice.tail(6), bob.tail(6));
        }
    }
    let under = Under::new(flooder, &tap, two)?;
    let after = under.talk_during(Flood::Nothing, 0.0, [&alice, &bob], 2)?;
    let shown = format!("{} of {}, p99 {}", after.times.len(), after.sent, ms(after.times.percent(99)));
    report.must("DMs after all floods", "all", shown, after.times.len() == after.sent);
    let grown = [alice.rss_kib()?, bob.rss_kib()?];
    let grown = grown.iter().zip(began).map(|(now, before)| now.saturating_sub(before)).max().unwrap_or(0);
    let mib = grown as f64 / 1024.0;
    report.must("RSS growth of the flooded", "<= 64 MiB", format!("{mib:.1} MiB"), mib <= 64.0);
    for peer in [alice, bob, carol] {
        peer.end()?;
    }
    Ok(())
}

pub(crate) struct Under<'a> {
    flooder: &'a Host,
    tap: &'a Tap,
    /// The flooded peer's host.
    ip: Ipv4Addr,
}

struct Outcome {
    sent: usize,
    times: Times,
    rate: f64,
    lost: u64,
    rss_kib: u64,
}

impl<'a> Under<'a> {
    pub(crate) fn new(flooder: &'a Host, tap: &'a Tap, target: &Host) -> io::Result<Self> {
        let ip: Ipv4Addr = target.ip.parse().map_err(io::Error::other)?;
        Ok(Self { flooder, tap, ip })
    }

    /// Both write at an even rate while the flood runs; all that is shown until a while after counts.
    fn talk_during(&self, flood: Flood, rate: f64, peers: [&Peer; 2], seconds: u64) -> io::Result<Outcome> {
        let (stop, count) = (AtomicBool::new(false), AtomicU64::new(0));
        let lost = peers[1].overflows()?;
        let crowd = if flood == Flood::Proven { self.prove(peers[1])? } else { Vec::new() };
        let mut rss_kib = 0;
        let mut said: HashMap<String, Instant> = HashMap::new();
        let (began, mut serial) = (Instant::now(), SERIAL.fetch_add(100_000, Ordering::Relaxed));
        let spent = std::thread::scope(|scope| {
            let flooding = scope.spawn(|| self.flood((flood, rate), crowd, &stop, &count));
            let mut talking = || {
                // The first messages meet the flood at its height.
                std::thread::sleep(Duration::from_millis(200));
                let mut pace = Pace::new(MESSAGES);
                for _ in 0..(seconds as f64 * MESSAGES) as usize {
                    for (at, (peer, to)) in peers.iter().zip(["bob", "alice"]).enumerate() {
                        serial += 1;
                        let text = format!("{flood:?} {at} number {serial} end");
                        said.insert(text.clone(), Instant::now());
                        peer.say(&format!("DM {to} {text}"))?;
                    }
                    for peer in peers {
                        rss_kib = peer.rss_kib()?.max(rss_kib);
                    }
                    pace.next();
                }
                io::Result::Ok(())
            };
            let talked = talking();
            let spent = began.elapsed();
            stop.store(true, Ordering::Relaxed);
            flooding.join().unwrap_or_else(|_| Err(io::Error::other("flooding panicked")))?;
            talked.map(|()| spent)
        })?;
        let shown =
            |lines: &[Line]| lines.iter().filter(|line| line.kind() == "DM" && said.contains_key(line.said())).count();
        for peer in peers {
            peer.wait(Duration::from_secs(3), |lines| shown(lines) >= said.len() / 2);
        }
        let mut times = Times::default();
        for peer in peers {
            peer.lines(|lines| {
                for line in lines.iter().filter(|line| line.kind() == "DM") {
                    if let Some(at) = said.get(line.said()) {
                        times.add(line.at.saturating_duration_since(*at));
                    }
                }
            });
        }
        let rate = count.load(Ordering::Relaxed) as f64 / spent.as_secs_f64();
        Ok(Outcome { sent: said.len(), times, rate, lost: peers[1].overflows()? - lost, rss_kib })
    }

    /// Keys that have proved to the flooded one that they are there.
    fn prove(&self, bob: &Peer) -> io::Result<Vec<Forger>> {
        let crowd = Crowd::new(self.flooder)?;
        let mut spoofer = Spoofer::new(self.flooder)?;
        let place = |at: u8| SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, SOMEBODY.start + at), 30_000);
        for at in 0..64 {
            crowd.admit(Forger::new(&format!("proven{at}"), place(at), u64::from(at) | 1 << 51));
        }
        let contacts = |bob: &Peer| bob.ask("CONTACTS", &["CONTACT"]);
        let known = |lines: &[Line]| lines.iter().filter(|line| line.id().starts_with("proven")).count();
        for _ in 0..40 {
            for at in 0..64 {
                let hello = crowd.make(place(at), |forger| forger.announcement(Says::default()))?;
                spoofer.send(place(at), SocketAddrV4::new(self.ip, 50_999), &hello)?;
            }
            std::thread::sleep(Duration::from_secs(1));
            if known(&contacts(bob)?) == 64 {
                break;
            }
        }
        println!("    {} of 64 keys have proved to be there", known(&contacts(bob)?));
        Ok(crowd.leave())
    }

    /// Floods until it is stopped.
    pub(crate) fn flood(
        &self,
        (flood, rate): (Flood, f64),
        mut crowd: Vec<Forger>,
        stop: &AtomicBool,
        count: &AtomicU64,
    ) -> io::Result<()> {
        if flood == Flood::Nothing {
            return Ok(());
        }
        let mut spoofer = Spoofer::new(self.flooder)?;
        let own: Ipv4Addr = self.flooder.ip.parse().map_err(io::Error::other)?;
        let own = SocketAddrV4::new(own, 9_999);
        // Who writes to the flooded one, and where it is written to.
        let genuine = self.latest();
        let (friend, target) =
            genuine.last().map(|(from, to, _)| (*from, *to)).ok_or_else(|| io::Error::other("no DM was sent yet"))?;
        let (mut rng, mut pace) = (StdRng::seed_from_u64(5), Pace::new(rate));
        let mut junk = vec![0; 1_400];
        for number in 0_u64.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let range = if flood == Flood::Keys { SOMEBODY } else { NOBODY };
            let last = range.start + (number % u64::from(range.end - range.start)) as u8;
            let anywhere = SocketAddrV4::new(Ipv4Addr::new(10, 77, 0, last), 2_000 + (number / 70 % 60_000) as u16);
            let to = if number % 4 == 0 { SocketAddrV4::new(self.ip, 50_999) } else { target };
            let sent = match flood {
                Flood::Nothing => Ok(()),
                Flood::Junk | Flood::JunkAsFriend => {
                    let size = 1 + rng.next_u32() as usize % 400;
                    rng.fill_bytes(&mut junk[..size]);
                    let from = if flood == Flood::Junk { own } else { friend };
                    spoofer.send(from, to, &junk[..size])
                }
                Flood::Older => {
                    let hello = format!(
                        "TYPE:PEER_DISCOVERY\nUSER_ID:o{number}@{}\nPORT:{}\n\n",
                        anywhere.ip(),
                        anywhere.port()
                    );
                    spoofer.send(anywhere, to, hello.as_bytes())
                }
                Flood::Keys | Flood::KeysNowhere => {
                    let mut forger = Forger::new(&format!("k{number}"), anywhere, number ^ (flood as u64) << 32);
                    let says = Says { ask: Some(forger.nonce()), ..Says::default() };
                    let hello = if number % 2 == 0 { forger.announcement(says) } else { forger.post("look at me") };
                    spoofer.send(anywhere, to, &hello)
                }
                Flood::Proven => {
                    let at = number as usize % crowd.len();
                    let post = crowd[at].post(&format!("spam {number}"));
                    spoofer.send(crowd[at].address, target, &post)
                }
                Flood::BadSignatures => {
                    let (_, _, payload) = &genuine[number as usize % genuine.len()];
                    let mut bytes = payload.clone();
                    renumber(&mut bytes, rng.next_u32());
                    spoofer.send(friend, target, &bytes)
                }
                Flood::Again => {
                    let (from, to, payload) = &genuine[number as usize % genuine.len()];
                    spoofer.send(*from, *to, payload)
                }
                Flood::Broken => {
                    let (from, to, payload) = &genuine[number as usize % genuine.len()];
                    let mut bytes = payload.clone();
                    let at = rng.next_u32() as usize % bytes.len();
                    bytes[at] = bytes[at].wrapping_add(1);
                    spoofer.send(*from, *to, &bytes)
                }
            };
            if sent.is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
            pace.next();
        }
        Ok(())
    }

    /// What was sent to the flooded one lately, from where, to which of its addresses.
    fn latest(&self) -> Vec<(SocketAddrV4, SocketAddrV4, Vec<u8>)> {
        let packets = self.tap.packets();
        let to_it = packets.iter().rev().filter(|packet| *packet.to.ip() == self.ip && packet.to.port() != 50_999);
        to_it.take(200).map(|packet| (packet.from, packet.to, packet.payload.clone())).collect()
    }
}

/// Gives a datagram a SEQ or NO that is still to come, which leaves it well formed and its signature wrong.
fn renumber(bytes: &mut [u8], mut random: u32) {
    for key in [b"\nSEQ:".as_slice(), b"\nNO:"] {
        let Some(start) = memchr::memmem::find(bytes, key).map(|at| at + key.len()) else { continue };
        let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        for (at, byte) in bytes[start..start + digits].iter_mut().enumerate() {
            *byte = if at == 0 { b'9' } else { b'0' + (random % 10) as u8 };
            random /= if at == 0 { 1 } else { 10 };
        }
    }
}

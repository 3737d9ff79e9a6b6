//! Two fresh peers: from the start of a process to both listed.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::Options;
use super::lan::{Host, Lan};
use super::process::{self, Peer};
use super::report::{Report, Times, ms};

const ORDERS: [&str; 3] = ["second starts on host 2", "second starts on host 1", "both start at once"];
const LONGEST: Duration = Duration::from_secs(20);

/// Starts two peers again and again, and a broadcast with its answer on plain sockets beside each.
pub(crate) fn measure(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(2)?;
    let [one, two] = &lan.hosts[..] else { return Err(io::Error::other("a LAN of two has two hosts")) };
    let plain = Plain::new(one, two)?;
    let (mut all, mut raw, mut bare) = (Times::default(), Times::default(), Times::default());
    let mut orders = [Times::default(), Times::default(), Times::default()];
    let mut unclean = 0;
    let starts = options.number("--starts", options.scale(12, 1_000))?.max(1);
    for round in 0..starts {
        let order = round % 3;
        let (took, clean) = match order {
            0 => in_turn(options, one, two, round)?,
            1 => in_turn(options, two, one, round)?,
            _ => at_once(options, one, two)?,
        };
        all.add(took);
        orders[order].add(took);
        unclean += usize::from(!clean);
        raw.add(plain.round()?);
        bare.add(process::run(&options.peer, one, &["--version"])?.1);
    }
    let (p50, p99) = (all.percent(50), all.percent(99));
    let within = all.within(Duration::from_secs(1));
    report.figure("two fresh peers, p50", "<= 10 ms", ms(p50), p50 <= Duration::from_millis(10));
    report.figure("two fresh peers, p99", "<= 250 ms", ms(p99), p99 <= Duration::from_millis(250));
    report.fact("two fresh peers, longest", ms(all.percent(100)));
    let (share, target) = (format!("{within} of {}", all.len()), format!("{0} of {0}", all.len()));
    report.must("both listed within 1 s", &target, share, within == all.len());
    for (order, times) in ORDERS.iter().zip(&orders) {
        let (p50, p99, longest) = (ms(times.percent(50)), ms(times.percent(99)), ms(times.percent(100)));
        report.fact(&format!("  {order}"), format!("p50 {p50}, p99 {p99}, longest {longest}"));
    }
    report.fact("  of it the bare process (--version), p50", ms(bare.percent(50)));
    let ratio = p50.as_secs_f64() / raw.percent(50).as_secs_f64().max(1e-9);
    let baseline = format!("{}; the peers take {ratio:.0} times that", ms(raw.percent(50)));
    report.fact("  plain sockets: a broadcast and its answer, p50", baseline);
    let ends = format!("{} of {starts}", starts - unclean);
    report.must("ended by themselves at end of input", "all", ends, unclean == 0);
    Ok(())
}

/// The second peer starts when the first is on the network.
fn in_turn(options: &Options, first: &Host, second: &Host, round: usize) -> io::Result<(Duration, bool)> {
    let first = Peer::start(&options.peer, first)?;
    first.speaks(Instant::now() + Duration::from_secs(1));
    // At different moments between the first one's announcements.
    std::thread::sleep(Duration::from_millis(20 + (round as u64 * 37) % 100));
    let second = Peer::start(&options.peer, second)?;
    let began = second.started;
    met(first, second, began)
}

fn at_once(options: &Options, one: &Host, two: &Host) -> io::Result<(Duration, bool)> {
    let barrier = Barrier::new(2);
    let start = |host| {
        barrier.wait();
        Peer::start(&options.peer, host)
    };
    let (first, second) = std::thread::scope(|scope| {
        let first = scope.spawn(|| start(one));
        let second = start(two);
        (first.join(), second)
    });
    let first = first.unwrap_or_else(|_| Err(io::Error::other("starting a peer panicked")))?;
    let second = second?;
    let began = first.started.min(second.started);
    met(first, second, began)
}

/// How long both took to list each other, and whether both ended well.
fn met(first: Peer, second: Peer, began: Instant) -> io::Result<(Duration, bool)> {
    let deadline = began + LONGEST;
    let one = first.lists(std::iter::once(second.id.as_str()), deadline);
    let two = second.lists(std::iter::once(first.id.as_str()), deadline);
    let took = match (one, two) {
        (Some(one), Some(two)) => one.max(two).saturating_duration_since(began),
        _ => {
            let (one, two) = (std::iter::once(first.id.as_str()), std::iter::once(second.id.as_str()));
            println!("not met: {}\n{}", first.story(two), second.story(one));
            Duration::MAX
        }
    };
    let (one, two) = (first.end()?, second.end()?);
    Ok((took, one && two))
}

/// Two plain UDP sockets on the same two hosts.
struct Plain {
    asks: UdpSocket,
    answers: UdpSocket,
    to: (Ipv4Addr, u16),
}

impl Plain {
    fn new(one: &Host, two: &Host) -> io::Result<Self> {
        let open = |port| {
            let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, port))?;
            socket.set_broadcast(true)?;
            socket.set_read_timeout(Some(Duration::from_secs(5)))?;
            Ok(socket)
        };
        let port = 7999;
        let (asks, answers) = (one.inside(|| open(0))?, two.inside(|| open(port))?);
        Ok(Self { asks, answers, to: (Ipv4Addr::new(10, 77, 0, 255), port) })
    }

    /// A broadcast of the size of an announcement, and its answer from the other host.
    fn round(&self) -> io::Result<Duration> {
        std::thread::scope(|scope| {
            let answering = scope.spawn(|| {
                let mut buffer = [0; 512];
                let (size, from) = self.answers.recv_from(&mut buffer)?;
                self.answers.send_to(&buffer[..size], from)
            });
            let began = Instant::now();
            self.asks.send_to(&[b'x'; 220], self.to)?;
            let mut buffer = [0; 512];
            self.asks.recv_from(&mut buffer)?;
            let took = began.elapsed();
            answering.join().unwrap_or_else(|_| Err(io::Error::other("answering panicked")))?;
            Ok(took)
        })
    }
}

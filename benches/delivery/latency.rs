//! One DM in a session on one computer: from the command to what the reader sees, and to the mark.

use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::Options;
use super::lan::{Host, Lan};
use super::process::Line;
use super::report::{Report, Times, ms};
use super::user::{User, meet};

/// The longest wait for one DM.
const PATIENCE: Duration = Duration::from_secs(10);

const MARK: Duration = Duration::from_millis(25);

/// Writes DMs one after the other, each beside a bare ping-pong and a bare commit.
pub(crate) fn measure(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(1)?;
    let host = &lan.hosts[0];
    let mut alice = User::named(&options.peer, host, "alice")?;
    let mut bob = User::named(&options.peer, host, "bob")?;
    alice.start()?;
    bob.start()?;
    meet(&alice, &bob)?;
    // The first goes in a letter, and what follows in the session that it opens.
    for number in 0..3 {
        send(&alice, &bob, &format!("to begin with {number}"))?;
    }
    let bare = Bare::new(host, &bob.folder())?;
    let (mut shown, mut marked, mut ping, mut commit) =
        (Times::default(), Times::default(), Times::default(), Times::default());
    for number in 0..options.scale(50, 1_000) {
        ping.add(bare.ping_pong()?);
        commit.add(bare.commit(number)?);
        let (to_shown, to_marked) = send(&alice, &bob, &format!("number {number}, of the usual length of a line"))?;
        shown.add(to_shown);
        marked.add(to_marked);
    }
    alice.end()?;
    bob.end()?;
    let base = ping.percent(50) + commit.percent(50);
    let ratio = shown.percent(50).as_secs_f64() / base.as_secs_f64().max(1e-9);
    let all = |times: &Times| format!("p50 {}, p99 {}", ms(times.percent(50)), ms(times.percent(99)));
    report.fact("a bare UDP ping-pong", all(&ping));
    report.fact("a bare commit (SQLite, one row, to the disk)", all(&commit));
    let what = "a DM in a session, command to shown, p50";
    report.figure(what, "<= 3 times both", format!("{}, {ratio:.2} times", ms(shown.percent(50))), ratio <= 3.0);
    report.fact("  all of them", all(&shown));
    let p99 = marked.percent(99);
    report.figure("  command to the mark stored, p99", "<= 25 ms", ms(p99), p99 <= MARK);
    report.fact("  all of them", all(&marked));
    Ok(())
}

/// How long until the text was shown, and until it was marked stored.
fn send(alice: &User<'_>, bob: &User<'_>, text: &str) -> io::Result<(Duration, Duration)> {
    let (from, to) = (alice.peer()?, bob.peer()?);
    let (marks, texts) = (from.lines(<[Line]>::len), to.lines(<[Line]>::len));
    let is_shown = |line: &Line| line.kind() == "DM" && line.said() == text;
    let is_marked = |line: &Line| line.kind() == "MARK" && line.said().starts_with("stored ");
    let began = Instant::now();
    from.say(&format!("DM {} {text}", bob.name))?;
    let shown = to.wait(PATIENCE, |lines| lines[texts..].iter().any(is_shown));
    let marked = from.wait(PATIENCE, |lines| lines[marks..].iter().any(is_marked));
    if !shown || !marked {
        return Err(io::Error::other(format!("{text}: shown {shown}, marked {marked}\n    {}", from.tail(5))));
    }
    let after = |lines: &[Line], is: &dyn Fn(&Line) -> bool| {
        lines.iter().find(|line| is(line)).map_or(Duration::MAX, |line| line.at.saturating_duration_since(began))
    };
    Ok((to.lines(|lines| after(&lines[texts..], &is_shown)), from.lines(|lines| after(&lines[marks..], &is_marked))))
}

/// What any program needs for it.
struct Bare {
    asks: UdpSocket,
    history: Connection,
}

impl Bare {
    /// Sockets on this host, and a database beside that of the reader.
    fn new(host: &Host, folder: &Path) -> io::Result<Self> {
        let (asks, answers) = host.inside(|| {
            let open = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0));
            Ok((open()?, open()?))
        })?;
        asks.connect(answers.local_addr()?)?;
        asks.set_read_timeout(Some(PATIENCE))?;
        std::thread::spawn(move || {
            let mut buffer = [0; 2048];
            // It ends with the program.
            while let Ok((size, from)) = answers.recv_from(&mut buffer) {
                let _ = answers.send_to(&buffer[..size], from);
            }
        });
        let history = Connection::open(folder.join("bare.db")).map_err(io::Error::other)?;
        history
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE bare (number INTEGER, text TEXT)",
            )
            .map_err(io::Error::other)?;
        Ok(Self { asks, history })
    }

    fn ping_pong(&self) -> io::Result<Duration> {
        let began = Instant::now();
        self.asks.send(&[b'x'; 300])?;
        self.asks.recv(&mut [0; 2048])?;
        Ok(began.elapsed())
    }

    fn commit(&self, number: i64) -> io::Result<Duration> {
        let began = Instant::now();
        let insert = "INSERT INTO bare VALUES (?1, 'number, of the usual length of a line')";
        self.history
            .prepare_cached(insert)
            .and_then(|mut insert| insert.execute([number]))
            .map_err(io::Error::other)?;
        Ok(began.elapsed())
    }
}

//! The cache: many want the same at once, and how fast a value goes from host to host.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Options;
use super::crew::{self, Member};
use super::lan::{Host, Lan};
use super::report::{Report, Times, ms};

/// Who knows it may fill the caches of the others.
const SECRET: &str = "correct horse battery staple";

const MIB: usize = 1 << 20;

/// What is to be at least carried from host to host, bytes a second.
const RATE: f64 = 50e6;

/// All want the same value at once, and a command makes it.
pub(crate) fn same(options: &Options, report: &mut Report) -> io::Result<()> {
    let count = options.scale(4, 20);
    let lan = Lan::new(count)?;
    let mut crew = crew::start(options, &lan, count, Some(SECRET))?;
    crew::all_live(&mut crew)?;
    let marks = crew[0].home().file("runs", b"")?;
    // Random, so that two runs would differ; it takes long enough for all others to ask meanwhile.
    let script = format!("echo run >>{} && sleep 0.5 && head -c {MIB} /dev/urandom", marks.display());
    let mut took = Times::default();
    let rounds = options.scale(1, 3);
    let (mut wrong, mut outputs) = (0, 0);
    for round in 0..rounds {
        let key = format!("the same {round}");
        let began = Instant::now();
        let mut running = Vec::new();
        for member in &crew {
            let mut command = program(options, member);
            command.args(["cache", "run", "--key", &key, "--", "sh", "-c", &script]);
            let child = member.host.inside(|| command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn())?;
            running.push(std::thread::spawn(move || (child.wait_with_output(), began.elapsed())));
        }
        let mut first: Option<Vec<u8>> = None;
        for thread in running {
            let Ok((done, after)) = thread.join() else { return Err(io::Error::other("a thread panicked")) };
            let done = done?;
            took.add(after);
            outputs += 1;
            if !done.status.success() {
                println!("{}: {}", done.status, String::from_utf8_lossy(&done.stderr).trim());
            }
            let same = first.get_or_insert_with(|| done.stdout.clone());
            wrong += usize::from(done.stdout.len() != MIB || *same != done.stdout);
        }
    }
    let runs = fs::read_to_string(&marks)?.lines().count();
    let what = format!("{count} peers want the same 1 MiB at once: the command runs");
    report.must(&what, &format!("{rounds} (once each time)"), runs.to_string(), runs == rounds);
    let measured = format!("{} of {outputs}", outputs - wrong);
    report.must("  all of them get the same, whole", &format!("{outputs} of {outputs}"), measured, wrong == 0);
    let (p50, longest) = (ms(took.percent(50)), ms(took.percent(100)));
    report.fact("  of which the command takes 500 ms", format!("p50 {p50}, longest {longest}"));
    crew::end(crew)?;
    Ok(())
}

/// A command beside this peer, which runs.
fn program(options: &Options, member: &Member<'_>) -> Command {
    let home = member.home().folder();
    let mut command = Command::new(&options.peer);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PEER_") {
            command.env_remove(name);
        }
    }
    command.env("HOME", home).env("XDG_RUNTIME_DIR", home).env("PEER_SECRET", SECRET);
    for kind in ["DATA", "STATE", "CONFIG", "CACHE"] {
        command.env(format!("XDG_{kind}_HOME"), home.join(kind.to_lowercase()));
    }
    command.args(["--profile", "bench"]).stdin(Stdio::null());
    command
}

/// One puts values in, another gets them; beside it the same over bare TCP.
pub(crate) fn fetch(options: &Options, report: &mut Report) -> io::Result<()> {
    let count = options.scale(8, 64);
    let lan = Lan::new(2)?;
    let mut crew = crew::start(options, &lan, 2, Some(SECRET))?;
    let values: Vec<Vec<u8>> = (0..count).map(value).collect();
    for (number, value) in values.iter().enumerate() {
        let answer = crew[0].api.ask("PUT", &target(number), "application/octet-stream", value)?;
        if answer.status >= 300 {
            let text = String::from_utf8_lossy(&answer.body);
            return Err(io::Error::other(format!("cannot put a value: {} {text}", answer.status)));
        }
    }
    let (mut each, mut wrong, mut spent) = (Times::default(), 0, Duration::ZERO);
    let half = count / 2;
    for (number, value) in values.iter().enumerate().take(half) {
        let began = Instant::now();
        let answer = crew[1].api.ask("GET", &target(number), "", &[])?;
        each.add(began.elapsed());
        spent += began.elapsed();
        wrong += usize::from(answer.status != 200 || answer.body != *value);
    }
    let alone = (half * MIB) as f64 / spent.as_secs_f64();
    let began = Instant::now();
    let rest: Vec<usize> = (half..count).collect();
    let parallel: io::Result<Vec<usize>> = std::thread::scope(|scope| {
        let crew = &crew;
        let values = &values;
        let threads: Vec<_> = rest
            .chunks(rest.len().div_ceil(4))
            .map(|numbers| {
                scope.spawn(move || {
                    let mut api = crew[1].api.again()?;
                    let mut wrong = 0;
                    for number in numbers {
                        let answer = api.ask("GET", &target(*number), "", &[])?;
                        wrong += usize::from(answer.status != 200 || answer.body != values[*number]);
                    }
                    Ok(wrong)
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err(io::Error::other("it panicked"))))
            .collect()
    });
    wrong += parallel?.iter().sum::<usize>();
    let four = (rest.len() * MIB) as f64 / began.elapsed().as_secs_f64();
    let bare = bare(&lan.hosts[0], &lan.hosts[1], half)?;
    let rate = |rate: f64| format!("{:.0} MB/s", rate / 1e6);
    let what = format!("{count} values of 1 MiB from host to host, whole");
    report.must(&what, &format!("{count} of {count}"), format!("{} of {count}", count - wrong), wrong == 0);
    let best = alone.max(four);
    let measured = format!("{} one after the other, {} four at a time", rate(alone), rate(four));
    report.figure("  by the API", ">= 50 MB/s", measured, best >= RATE);
    report.fact("  one value", format!("p50 {}, p99 {}", ms(each.percent(50)), ms(each.percent(99))));
    report.fact("  bare TCP, a connection for each", format!("{}, {:.1} times the best", rate(bare), bare / best));
    crew::end(crew)?;
    Ok(())
}

fn target(number: usize) -> String {
    format!("/api/cache?namespace=bench&key=value-{number}")
}

/// 1 MiB that nothing can make smaller.
fn value(number: usize) -> Vec<u8> {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    let mut value = vec![0; MIB];
    StdRng::seed_from_u64(number as u64).fill_bytes(&mut value);
    value
}

/// Bytes a second of 1 MiB again and again from one host to another, a TCP connection for each.
fn bare(from: &Host, to: &Host, count: usize) -> io::Result<f64> {
    let ip: Ipv4Addr = from.ip.parse().map_err(io::Error::other)?;
    let gives = from.inside(|| TcpListener::bind((ip, 0)))?;
    let address = gives.local_addr()?;
    let giving = std::thread::spawn(move || -> io::Result<()> {
        let value = value(0);
        for _ in 0..count {
            gives.accept()?.0.write_all(&value)?;
        }
        Ok(())
    });
    let began = Instant::now();
    for _ in 0..count {
        let mut taken = Vec::with_capacity(MIB);
        to.inside(|| TcpStream::connect(address))?.read_to_end(&mut taken)?;
    }
    let took = began.elapsed().as_secs_f64();
    giving.join().unwrap_or_else(|_| Err(io::Error::other("giving panicked")))?;
    Ok((count * MIB) as f64 / took)
}

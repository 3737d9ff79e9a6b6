//! A call between two programs on one computer, which use the library, beside a bare ping-pong.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use lsnp::data::message::{Command, Event, Topic};
use lsnp::data::{self, Reply};
use lsnp::engine::Config;
use lsnp::node::{Keys, Node, Options as Start};
use lsnp::wire::{Name, PublicKey};

use super::Options;
use super::bare::Bare;
use super::lan::{Host, Lan};
use super::report::{Report, Times};

const PATIENCE: Duration = Duration::from_secs(20);

const METHOD: &str = "bench/echo";

/// Calls again and again.
pub(crate) fn measure(options: &Options, report: &mut Report) -> io::Result<()> {
    let lan = Lan::new(1)?;
    let host = &lan.hosts[0];
    let bare = Bare::new(host, &[host])?;
    let count = options.scale(200, 5_000);
    let done = Arc::new(AtomicBool::new(false));
    let (calls, rounds) = std::thread::scope(|scope| {
        let serving = scope.spawn(|| task(host, serve(Arc::clone(&done))));
        let called = task(host, call(bare, count));
        done.store(true, Ordering::Relaxed);
        let served = serving.join().unwrap_or_else(|_| Err(io::Error::other("serving panicked")));
        called.and_then(|times| served.map(|()| times))
    })?;
    let (call, round) = (calls.percent(50), rounds.percent(50));
    let ratio = call.as_secs_f64() / round.as_secs_f64().max(1e-9);
    let measured = format!("{ratio:.2} times");
    report.figure("a call and its answer on the loopback, p50", "<= 3 times a bare ping-pong", measured, ratio <= 3.0);
    let figures = |times: &Times| format!("p50 {}, p90 {}, p99 {}", us(times, 50), us(times, 90), us(times, 99));
    report.fact("  calls", figures(&calls));
    report.fact("  bare UDP ping-pong of 300 B, two threads that wait", figures(&rounds));
    let tokio = tokio_rounds(host, count)?;
    let ratio = call.as_secs_f64() / tokio.percent(50).as_secs_f64().max(1e-9);
    report.fact("  the same by sockets of tokio", format!("{}; a call takes {ratio:.2} times that", figures(&tokio)));
    Ok(())
}

fn us(times: &Times, percent: usize) -> String {
    format!("{:.1} us", times.percent(percent).as_secs_f64() * 1e6)
}

/// A ping-pong between two threads, each with a runtime as a peer has one.
fn tokio_rounds(host: &Host, count: usize) -> io::Result<Times> {
    let (asks, answers) = host.inside(|| {
        let open = || {
            let socket = std::net::UdpSocket::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
            socket.set_nonblocking(true)?;
            Ok::<_, io::Error>(socket)
        };
        Ok((open()?, open()?))
    })?;
    let to = answers.local_addr()?;
    // It ends with the program.
    std::thread::spawn(move || -> io::Result<()> {
        runtime()?.block_on(async {
            let answers = tokio::net::UdpSocket::from_std(answers)?;
            let mut buffer = [0; 2048];
            loop {
                let (size, from) = answers.recv_from(&mut buffer).await?;
                answers.send_to(&buffer[..size], from).await?;
            }
        })
    });
    let mut times = Times::default();
    runtime()?.block_on(async {
        let asks = tokio::net::UdpSocket::from_std(asks)?;
        for _ in 0..count {
            let began = Instant::now();
            asks.send_to(&[b'x'; 300], to).await?;
            asks.recv(&mut [0; 2048]).await?;
            times.add(began.elapsed());
        }
        Ok::<_, io::Error>(())
    })?;
    Ok(times)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn start(name: &str) -> io::Result<Node> {
    let options = Start {
        config: Config { data: true, ..Config::default() },
        keys: Some(Keys::temporary()?),
        interfaces: vec!["127.0.0.1".to_owned()],
        neighbours: false,
        ..Start::new(Name::new(name).map_err(io::Error::other)?)
    };
    Node::start(options).map_err(io::Error::other)
}

fn topic() -> io::Result<Topic> {
    Topic::new(METHOD).map_err(io::Error::other)
}

/// Runs something on a host as a task, as a program's handlers run.
fn task<T: Send + 'static>(host: &Host, work: impl Future<Output = io::Result<T>> + Send + 'static) -> io::Result<T> {
    host.inside(|| runtime()?.block_on(async { tokio::spawn(work).await.map_err(io::Error::other)? }))
}

/// Answers every call with its body.
async fn serve(done: Arc<AtomicBool>) -> io::Result<()> {
    let node = start("server")?;
    let mut events = node.handle.data_events();
    let serve = data::Command::Message(Command::Serve { method: topic()? });
    node.handle.data(serve).await.map_err(io::Error::other)?;
    while !done.load(Ordering::Relaxed) {
        let next = tokio::time::timeout(Duration::from_millis(100), events.recv()).await;
        if let Ok(Ok(data::Event::Message(Event::Called { call, body, .. }))) = next {
            let answer = data::Command::Message(Command::Answer { call, answer: Ok(body) });
            node.handle.data(answer).await.map_err(io::Error::other)?;
        }
    }
    node.handle.leave().await;
    Ok(())
}

/// Times of calls, and of bare rounds in between.
async fn call(bare: Bare, count: usize) -> io::Result<(Times, Times)> {
    let (mut calls, mut rounds) = (Times::default(), Times::default());
    let node = start("client")?;
    let to = server(&node).await?;
    let body: Arc<str> = format!("\"{}\"", "x".repeat(98)).into();
    let ask = || {
        let call = Command::Call { to, method: topic()?, body: Arc::clone(&body), patience: PATIENCE };
        Ok::<_, io::Error>(data::Command::Message(call))
    };
    // The first goes in a letter, and what follows in the session that it opens.
    for _ in 0..10 {
        node.handle.data(ask()?).await.map_err(io::Error::other)?;
    }
    for _ in 0..count {
        rounds.add(bare.round(300)?);
        let command = ask()?;
        let began = Instant::now();
        let answer = node.handle.data(command).await.map_err(io::Error::other)?;
        calls.add(began.elapsed());
        if !matches!(&answer, Reply::Message(data::message::Reply::Answered(text)) if *text == body) {
            return Err(io::Error::other(format!("not the answer: {answer:?}")));
        }
    }
    node.handle.leave().await;
    Ok((calls, rounds))
}

/// Waits until the server is here and has answered.
async fn server(node: &Node) -> io::Result<PublicKey> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let here =
            node.handle.peers().snapshot().into_iter().find(|peer| peer.raw_name() == "server" && peer.paths()[0].1);
        if let Some(key) = here.and_then(|peer| peer.key()) {
            return Ok(key);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err(io::Error::other("the server is not here"))
}

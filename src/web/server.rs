//! The sockets of the API, and who is connected.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

use super::guard::Proven;
use super::owner::Ends;

/// Connections at the same time: a browser opens six, and each takes at most some 50 KiB.
const CONNECTIONS: usize = 64;

/// A connection that has shown no token by then ends once it is answered: no page takes so long to come.
const UNPROVEN: Duration = Duration::from_secs(30);

/// The headers of a request, and the time between two requests.
const HEADERS: Duration = Duration::from_secs(5);

/// The headers of a request, bytes.
const BUFFER: usize = 16 << 10;

/// How often a port is looked for that both families have.
const TRIES: usize = 8;

/// After the system gave no connection, another is tried.
const AGAIN: Duration = Duration::from_secs(1);

/// The sockets: 127.0.0.1, and the same port of `[::1]` where there is one.
#[derive(Debug)]
pub(super) struct Listeners {
    pub(super) v4: TcpListener,
    pub(super) v6: Option<TcpListener>,
    pub(super) port: u16,
}

impl Listeners {
    /// Opens the usual port if it is free, else another one that nobody else has in either family: who asks `localhost`
    /// may come to both.
    pub(super) async fn open(usual: Option<u16>) -> io::Result<Self> {
        if let Some(usual) = usual
            && let Ok(Some(listeners)) = Self::open_at(usual).await
        {
            return Ok(listeners);
        }
        for _ in 0..TRIES {
            if let Some(listeners) = Self::open_at(0).await? {
                return Ok(listeners);
            }
        }
        Err(io::Error::new(io::ErrorKind::AddrInUse, "no port is free in both families"))
    }

    /// Opens this port, any for 0; none when somebody else has it in the other family.
    async fn open_at(port: u16) -> io::Result<Option<Self>> {
        let v4 = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let port = v4.local_addr()?.port();
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
            Ok(v6) => Ok(Some(Self { v4, v6: Some(v6), port })),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => Ok(None),
            Err(_) => Ok(Some(Self { v4, v6: None, port })),
        }
    }

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.v6 {
            Some(v6) => tokio::select! {
                accepted = self.v4.accept() => accepted,
                accepted = v6.accept() => accepted,
            },
            None => self.v4.accept().await,
        }
    }
}

/// One connection.
#[derive(Debug)]
struct Connection {
    proven: Proven,
    task: AbortHandle,
}

/// Serves until it is dropped; all connections end with it. Those of pages end when they are told to.
pub(super) async fn run(listeners: Listeners, router: Router, pages_end: Arc<Notify>) {
    let mut tasks = JoinSet::new();
    let mut connections: BTreeMap<u64, Connection> = BTreeMap::new();
    let mut number = 0;
    loop {
        let stream = tokio::select! {
            accepted = listeners.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "no connection");
                    tokio::time::sleep(AGAIN).await;
                    continue;
                }
            },
            () = pages_end.notified() => {
                connections.values().filter(|connection| connection.proven.is_of_page()).for_each(|connection| {
                    connection.task.abort();
                });
                continue;
            }
            Some(_) = tasks.join_next() => {
                connections.retain(|_, connection| !connection.task.is_finished());
                continue;
            }
        };
        connections.retain(|_, connection| !connection.task.is_finished());
        if connections.len() >= CONNECTIONS && !make_place(&mut connections) {
            refuse(&stream);
            continue;
        }
        let proven = Proven::default();
        let task = tasks.spawn(serve(stream, router.clone(), proven.clone()));
        number += 1;
        connections.insert(number, Connection { proven, task });
    }
}

/// Ends the oldest connection that has not shown the token, so that who has none keeps nobody out.
fn make_place(connections: &mut BTreeMap<u64, Connection>) -> bool {
    let unproven = |(number, connection): (&u64, &Connection)| (!connection.proven.is_given()).then_some(*number);
    let oldest = connections.iter().find_map(unproven);
    oldest.and_then(|oldest| connections.remove(&oldest)).inspect(|connection| connection.task.abort()).is_some()
}

fn refuse(stream: &TcpStream) {
    // Who does not read it sees the end of the connection.
    let _ = stream.try_write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

async fn serve(stream: TcpStream, router: Router, proven: Proven) {
    // Answers are short: none waits to be filled.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let shown = proven.clone();
    let ends = stream.peer_addr().and_then(|client| Ok(Ends { client, server: stream.local_addr()? })).ok();
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(shown.clone());
        ends.map(|ends| request.extensions_mut().insert(ends));
        hyper::service::Service::call(&service, request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(BUFFER)
        .max_headers(64)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let served = tokio::select! {
        served = &mut connection => served,
        () = unproven_too_long(&proven) => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(HEADERS, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the API ended");
    }
}

/// Never returns where a token was shown in time.
async fn unproven_too_long(proven: &Proven) {
    tokio::time::sleep(UNPROVEN).await;
    if proven.is_given() {
        std::future::pending().await
    }
}

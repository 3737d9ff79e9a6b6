//! Speaks to the API of one peer, from outside of its network namespace.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::lan::Host;

/// A request is answered within this; a call or a claim may take its time.
const PATIENCE: Duration = Duration::from_secs(60);

/// A peer ends a connection on which nothing was asked for 5 s.
const QUIET: Duration = Duration::from_secs(3);

/// One connection that stays open while it is used.
pub(crate) struct Api<'lan> {
    host: &'lan Host,
    port: u16,
    token: String,
    stream: BufReader<TcpStream>,
    used: Instant,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Events as they come; the stream ends with its value.
pub(crate) struct Events {
    log: Arc<Log>,
    stream: TcpStream,
}

#[derive(Default)]
struct Log {
    lines: Mutex<Vec<(Instant, Value)>>,
    changed: Condvar,
}

impl<'lan> Api<'lan> {
    /// Opens a connection to the peer whose profile is in this folder.
    pub(crate) fn open(host: &'lan Host, folder: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(folder.join("api.toml"))?;
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
            line.map(|value| value.trim_matches('"').to_owned()).ok_or_else(|| io::Error::other("no api.toml of ours"))
        };
        let (port, token) = (value("port")?.parse().map_err(io::Error::other)?, value("token")?);
        Ok(Self { host, port, token, stream: BufReader::new(connect(host, port)?), used: Instant::now() })
    }

    /// Another connection to the same peer.
    pub(crate) fn again(&self) -> io::Result<Self> {
        let stream = BufReader::new(connect(self.host, self.port)?);
        Ok(Self { host: self.host, port: self.port, token: self.token.clone(), stream, used: Instant::now() })
    }

    /// Asks with a body, which may be empty; the answer, whatever its status.
    pub(crate) fn ask(&mut self, method: &str, target: &str, kind: &str, body: &[u8]) -> io::Result<Answer> {
        if self.used.elapsed() > QUIET {
            *self = self.again()?;
        }
        let head = self.head(method, target, kind, body.len());
        // In one piece: the second would wait for the acknowledgement of the first.
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        let (status, length) = read_head(&mut self.stream)?;
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.read_exact(&mut body)?;
        self.used = Instant::now();
        Ok(Answer { status, body })
    }

    /// Asks with JSON; what a refusal says is the error.
    pub(crate) fn post(&mut self, target: &str, body: &Value) -> io::Result<Value> {
        let answer = self.ask("POST", target, "application/json", body.to_string().as_bytes())?;
        json(target, &answer)
    }

    /// Asks for JSON.
    pub(crate) fn get(&mut self, target: &str) -> io::Result<Value> {
        let answer = self.ask("GET", target, "", &[])?;
        json(target, &answer)
    }

    /// Listens to events; the query may be empty.
    pub(crate) fn events(&self, query: &str) -> io::Result<Events> {
        let mut stream = connect(self.host, self.port)?;
        stream.write_all(self.head("GET", &format!("/api/events{query}"), "", 0).as_bytes())?;
        stream.set_read_timeout(None)?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let (status, _) = read_head(&mut reader)?;
        if status != 200 {
            return Err(io::Error::other(format!("/api/events{query}: {status}")));
        }
        let log = Arc::new(Log::default());
        let filled = Arc::clone(&log);
        // The lengths of chunks stand on lines of their own, which are no JSON.
        std::thread::spawn(move || {
            for line in reader.lines() {
                let Ok(line) = line else { return };
                let Some(data) = line.strip_prefix("data:") else { continue };
                let Ok(value) = serde_json::from_str(data.trim()) else { continue };
                lock(&filled.lines).push((Instant::now(), value));
                filled.changed.notify_all();
            }
        });
        Ok(Events { log, stream })
    }

    fn head(&self, method: &str, target: &str, kind: &str, length: usize) -> String {
        let kind = if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        format!(
            "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n{kind}Content-Length: {length}\r\n\r\n",
            self.port, self.token
        )
    }
}

impl Events {
    /// When the first event came that is so, from event number `from` on; none if it did not in time.
    pub(crate) fn wait(
        &self,
        from: usize,
        patience: Duration,
        is: impl Fn(&Value) -> bool,
    ) -> Option<(Instant, Value)> {
        let deadline = Instant::now() + patience;
        let (mut lines, mut at) = (lock(&self.log.lines), from);
        loop {
            if let Some(found) = lines.get(at..).unwrap_or_default().iter().find(|(_, value)| is(value)) {
                return Some(found.clone());
            }
            at = at.max(lines.len());
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            lines = self.log.changed.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How many came so far.
    pub(crate) fn len(&self) -> usize {
        lock(&self.log.lines).len()
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // Its thread ends with it; one that has ended already is as good.
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
    }
}

fn connect(host: &Host, port: u16) -> io::Result<TcpStream> {
    let stream = host.inside(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The status of an answer, and the length of its body where that is told.
fn read_head(stream: &mut impl BufRead) -> io::Result<(u16, Option<usize>)> {
    let (mut status, mut length) = (0, None);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end();
        if line.is_empty() {
            return Ok((status, length));
        }
        if let Some(rest) = line.strip_prefix("HTTP/1.1 ") {
            status = rest.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        } else if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
}

fn json(target: &str, answer: &Answer) -> io::Result<Value> {
    if answer.status >= 300 {
        let text = String::from_utf8_lossy(&answer.body);
        return Err(io::Error::other(format!("{target}: {} {text}", answer.status)));
    }
    serde_json::from_slice(&answer.body).map_err(io::Error::other)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

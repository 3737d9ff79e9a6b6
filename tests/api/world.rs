//! A peer on the loopback with an API, and requests written byte for byte.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lsnp::crypto::KeyPair;
use lsnp::engine::{Config, Crypto};
use lsnp::node::{Keys, Node, Options, Profile};
use lsnp::store::{self, History, Keep};
use lsnp::web::{Client, Context, EnteredObject, EntryObject, Now, PeerObject, Served};
use lsnp::wire::Name;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::timeout;

pub(crate) use super::port::free_port;

/// Longest wait for anything. A test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A folder for one test, removed at its end.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("lsnp-api-").tempdir().unwrap();
        Self(folder.keep())
    }

    pub(crate) fn api_file(&self) -> PathBuf {
        self.0.join("api.toml")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running peer with an API.
pub(crate) struct Peer {
    /// Ended with it.
    _node: Node,
    pub(crate) context: Context,
    pub(crate) served: Served,
    pub(crate) client: Client,
    pub(crate) scratch: Scratch,
    /// The discovery port.
    pub(crate) discovery: u16,
}

/// A page that is in.
pub(crate) struct Page {
    pub(crate) token: String,
    /// As it stands in a request.
    pub(crate) cookie: String,
}

/// A peer that uses the loopback only and meets nobody by files.
pub(crate) fn options(name: &str, discovery_port: u16) -> Options {
    Options {
        config: Config { discovery_port, ..Config::default() },
        interfaces: vec!["127.0.0.1".to_owned()],
        neighbours: false,
        keys: Some(Keys::temporary().unwrap()),
        ..Options::new(Name::new(name).unwrap())
    }
}

pub(crate) async fn start(name: &str, discovery: u16) -> Peer {
    start_with(options(name, discovery)).await
}

pub(crate) async fn start_with(options: Options) -> Peer {
    let (scratch, discovery) = (Scratch::new(), options.config.discovery_port);
    let me = options.keys.as_ref().map(|keys| KeyPair::new(&keys.identity).public_key());
    let kept = store::open(&scratch.0, me, Keep::default(), lsnp::node::unix_now().as_secs()).unwrap();
    let shared = store::open_data(&scratch.0).unwrap();
    let node = Node::start_keeping(options, Some(kept.ledger), Some(shared.stock)).unwrap();
    Peer { discovery, ..serve(node, Some(kept.history), scratch).await }
}

/// A peer that keeps nothing.
pub(crate) async fn start_forgetful(name: &str, discovery_port: u16) -> Peer {
    let node = Node::start(options(name, discovery_port)).unwrap();
    serve(node, None, Scratch::new()).await
}

async fn serve(node: Node, history: Option<History>, scratch: Scratch) -> Peer {
    let context = Context {
        handle: node.handle.clone(),
        history,
        profile: Arc::new(Mutex::new(Profile::temporary())),
        api_file: Some(scratch.api_file()),
        stop: Arc::new(Notify::new()),
        program: None,
        open_metrics: false,
    };
    let served = lsnp::web::serve(context.clone()).await.unwrap();
    let client = Client::connect(&scratch.api_file()).await.unwrap().unwrap();
    Peer { _node: node, context, served, client, scratch, discovery: 0 }
}

/// Two peers that know each other.
pub(crate) async fn pair() -> (Peer, Peer) {
    let port = free_port();
    let (alice, bob) = (start("alice", port).await, start("bob", port).await);
    meet(&alice, "bob").await;
    meet(&bob, "alice").await;
    (alice, bob)
}

/// Waits until that peer is on the list and live.
pub(crate) async fn meet(peer: &Peer, name: &str) -> PeerObject {
    let mut events = peer.context.handle.events();
    let found = async {
        loop {
            let peers = peer.client.peers(false).await.unwrap();
            if let Some(found) = peers.into_iter().find(|peer| peer.name == name && peer.presence == "live") {
                return found;
            }
            // Whatever happened: it is looked at again.
            let _ = timeout(Duration::from_millis(10), events.recv()).await;
        }
    };
    timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("{name} is not listed"))
}

impl Peer {
    /// A request with all that is wanted, but for what stands in `head` in place of it.
    pub(crate) fn request(&self, line: &str, head: &[(&str, &str)], body: &str) -> String {
        let host = format!("127.0.0.1:{}", self.served.port());
        let bearer = format!("Bearer {}", self.served.token());
        let usual = [("Host", host.as_str()), ("Authorization", &bearer), ("Connection", "close")];
        let mut text = format!("{line} HTTP/1.1\r\n");
        for (name, value) in usual.iter().filter(|(name, _)| !head.iter().any(|(other, _)| other == name)) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        // An empty value stands for no header.
        for (name, value) in head.iter().filter(|(_, value)| !value.is_empty()) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            text.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
        }
        text + "\r\n" + body
    }

    /// The same peer with another API, which is told nowhere.
    pub(crate) async fn served_by(self, now: Now, open_metrics: bool) -> Self {
        let context = Context { api_file: None, open_metrics, ..self.context.clone() };
        Self { served: lsnp::web::serve_by(now, context).await.unwrap(), ..self }
    }

    /// A code for a page to come in by.
    pub(crate) async fn code(&self) -> String {
        let (status, answer) = self.ask("POST /api/entry", &[], "").await;
        assert_eq!(status, 200, "{answer}");
        let entry: EntryObject = serde_json::from_str(body(&answer)).unwrap();
        let start = format!("http://127.0.0.1:{}/#enter=", self.served.port());
        entry.url.strip_prefix(&start).unwrap().to_owned()
    }

    /// What becomes of a page that shows this code.
    pub(crate) async fn enter(&self, code: &str) -> (u16, String) {
        let origin = format!("http://127.0.0.1:{}", self.served.port());
        let head = [("Authorization", ""), ("Origin", origin.as_str()), ("Sec-Fetch-Site", "same-origin")];
        self.ask("POST /api/enter", &head, &serde_json::json!({"code": code}).to_string()).await
    }

    /// A page that came in.
    pub(crate) async fn page(&self) -> Page {
        let (status, answer) = self.enter(&self.code().await).await;
        assert_eq!(status, 200, "{answer}");
        let entered: EnteredObject = serde_json::from_str(body(&answer)).unwrap();
        let cookie = header(&answer, "set-cookie").unwrap().split(';').next().unwrap().to_owned();
        Page { token: entered.token, cookie }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.served.port())).await.unwrap()
    }

    /// Sends these bytes, and reads until the other end hangs up.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // It may hang up before all is sent.
        let _ = stream.write_all(bytes).await;
        rest(&mut stream).await
    }

    /// The status of the answer to this request, and all of the answer.
    pub(crate) async fn ask(&self, line: &str, head: &[(&str, &str)], body: &str) -> (u16, String) {
        let answer = self.raw(self.request(line, head, body).as_bytes()).await;
        (status(&answer), answer)
    }
}

/// All that comes until the other end hangs up.
pub(crate) async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // An end by reset is an end, too.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.expect("the connection stays open");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads until this stands there.
pub(crate) async fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&seen).contains(text) {
            assert!(
                stream.read_buf(&mut seen).await.unwrap() > 0,
                "no {text:?} in {:?}",
                String::from_utf8_lossy(&seen)
            );
        }
    };
    timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("no {text:?}"));
    String::from_utf8(seen).unwrap()
}

/// The status of an answer; 0 for none.
pub(crate) fn status(answer: &str) -> u16 {
    let rest = answer.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5));
    rest.and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// A header of an answer, by its name in small letters.
pub(crate) fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    headers.find_map(|(known, value)| known.eq_ignore_ascii_case(name).then_some(value))
}

/// The body of an answer that is not chunked.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

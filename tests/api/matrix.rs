//! Every route with every wrong Host, Origin, Sec-Fetch-Site and token: none passes, and the right ones do.

use std::net::Ipv6Addr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::openapi::document;
use crate::world::{Page, Peer, body, free_port, rest, start, status};

/// What has to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Nothing.
    Open,
    /// A code.
    Code,
    /// A token, of the start or of a page.
    Token,
    /// One of these, or the cookie.
    Picture,
    /// The token of the start.
    Start,
}

use Door::{Code, Open, Picture, Start, Token};

/// What is asked for, with a body that would do something.
const REQUESTS: [(&str, &str, Door); 71] = [
    ("GET /api/openapi.json", "", Token),
    ("GET /api/status", "", Token),
    ("GET /api/peers", "", Token),
    ("GET /api/peers?all=true", "", Token),
    ("POST /api/posts", r#"{"text":"hacked"}"#, Token),
    ("POST /api/dms", r#"{"to":"bob","text":"hacked"}"#, Token),
    ("GET /api/messages/0123456789abcdef", "", Token),
    ("GET /api/events", "", Token),
    ("GET /api/events?serve=hacked", "", Token),
    ("GET /api/history", "", Token),
    ("GET /api/search?words=a", "", Token),
    ("GET /api/export", "", Token),
    ("POST /api/read", r#"{"rows":[1]}"#, Token),
    ("POST /api/forget", r#"{"all":true}"#, Token),
    ("GET /api/profile", "", Token),
    ("PATCH /api/profile", r#"{"name":"hacked"}"#, Token),
    ("PUT /api/avatar", "hacked", Token),
    ("DELETE /api/avatar", "", Token),
    ("POST /api/judge", r#"{"who":"bob","word":"block"}"#, Token),
    ("POST /api/stop", "", Token),
    ("GET /api/network", "", Token),
    ("GET /api/traffic", "", Token),
    ("GET /api/conversations", "", Token),
    ("GET /api/about", "", Token),
    ("POST /api/probe", r#"{"who":"nobody"}"#, Token),
    ("POST /api/reach", r#"{"to":"peer://connect/hacked"}"#, Token),
    ("GET /api/doctor", "", Token),
    ("GET /api/settings", "", Token),
    ("PATCH /api/settings", r#"{"key":"metrics","values":["open"]}"#, Token),
    ("GET /api/lists", "", Token),
    ("POST /api/lists", r#"{"name":"hacked"}"#, Token),
    ("GET /api/lists/hacked", "", Token),
    ("POST /api/lists/hacked/edits", r#"{"add":{"text":"hacked"}}"#, Token),
    ("POST /api/lists/hacked/invite", r#"{"all":true}"#, Token),
    ("POST /api/lists/hacked/join", "", Token),
    ("POST /api/lists/hacked/leave", "", Token),
    ("POST /api/lists/hacked/undo", "", Token),
    ("GET /api/lists/hacked/log", "", Token),
    ("PUT /api/cache?key=hacked", "hacked", Token),
    ("GET /api/cache?key=nothing", "", Token),
    ("DELETE /api/cache", "", Token),
    ("POST /api/cache/give-up", r#"{"key":"hacked"}"#, Token),
    ("POST /api/cache/still-making", r#"{"key":"hacked"}"#, Token),
    ("GET /api/cache/stats", "", Token),
    ("GET /api/board", "", Token),
    ("POST /api/progress", r#"{"user":"hacked","lesson":"x","status":"x"}"#, Token),
    ("POST /api/publish", r#"{"topic":"hacked","body":1}"#, Token),
    ("POST /api/call", r#"{"to":"bob","method":"hacked","body":1}"#, Token),
    ("POST /api/answers/0123456789abcdef", r#"{"body":1}"#, Token),
    ("GET /metrics", "", Token),
    ("POST /metrics", "", Token),
    ("GET /avatars/00112233445566778899aabbccddeeff", "", Picture),
    ("GET /avatars/", "", Picture),
    ("GET /avatars/../api/status", "", Picture),
    ("GET /avatars", "", Token),
    ("POST /api/entry", "", Start),
    ("DELETE /api/entry", "", Start),
    ("GET /api/entry", "", Start),
    ("POST /api/enter", r#"{"code":"hacked"}"#, Code),
    (
        "POST /api/enter",
        concat!(
            r#"{"proof":"","key":"BA"#,
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            r#""}"#
        ),
        Code,
    ),
    ("GET /api/enter", "", Token),
    ("DELETE /api/enter", "", Token),
    ("GET /nothing", "", Token),
    ("GET /api/status/", "", Token),
    ("OPTIONS /api/posts", "", Token),
    ("HEAD /api/status", "", Token),
    ("DELETE /api/status", "", Token),
    ("GET /", "", Open),
    ("HEAD /page/app.js", "", Open),
    ("GET /page/nothing", "", Open),
    ("GET /favicon.ico", "", Open),
];

/// What every answer has.
const ALWAYS: [&str; 8] = [
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
    "cache-control: no-store",
    "cross-origin-resource-policy: same-origin",
    "cross-origin-opener-policy: same-origin",
    "content-security-policy: default-src 'none';",
    "require-trusted-types-for 'script'; trusted-types 'none'",
    "permissions-policy: accelerometer=()",
];

/// What a request may show.
struct Shown {
    head: Vec<(&'static str, String)>,
    opens: &'static [Door],
}

/// What a peer and its pages gave out, and what an earlier start did.
struct Secrets {
    peer: String,
    page: Page,
    /// A page that left.
    left: Page,
    used: String,
    unused: String,
    old: String,
    old_page: Page,
}

impl Secrets {
    async fn of(peer: &Peer, old: &Peer) -> Self {
        let used = peer.code().await;
        assert_eq!(peer.enter(&used).await.0, 200);
        let left = peer.page().await;
        let head = [("Authorization", ""), ("X-Peer-Token", left.token.as_str())];
        assert_eq!(peer.ask("DELETE /api/enter", &head, "").await.0, 200);
        Self {
            peer: peer.served.token().to_owned(),
            page: peer.page().await,
            left,
            used,
            unused: peer.code().await,
            old: old.served.token().to_owned(),
            old_page: old.page().await,
        }
    }

    /// Right ones first.
    fn shown(&self) -> Vec<Shown> {
        let bearer = |token: &str| vec![("Authorization", format!("Bearer {token}"))];
        let plain = |token: &str| vec![("Authorization", String::new()), ("X-Peer-Token", token.to_owned())];
        let cookie = |cookie: &str| vec![("Authorization", String::new()), ("Cookie", cookie.to_owned())];
        let value = |page: &Page| page.cookie.split_once('=').unwrap().1.to_owned();
        let name = self.page.cookie.split_once('=').unwrap().0;
        let right = [
            Shown { head: bearer(&self.peer), opens: &[Token, Picture, Start] },
            Shown { head: plain(&self.page.token), opens: &[Token, Picture] },
            Shown { head: bearer(&self.page.token), opens: &[Token, Picture] },
            Shown { head: cookie(&self.page.cookie), opens: &[Picture] },
        ];
        let wrong = [
            vec![("Authorization", String::new())],
            bearer(""),
            bearer(&self.peer[..self.peer.len() / 2]),
            bearer(&format!("{}x", self.peer)),
            bearer(&self.peer.to_lowercase()),
            vec![("Authorization", format!("Basic {}", self.peer))],
            bearer(&self.old),
            plain(&self.old),
            plain(&self.old_page.token),
            plain(&self.left.token),
            plain(&self.used),
            plain(&self.unused),
            plain(&value(&self.page)),
            bearer(&"A".repeat(4_000)),
            cookie(&format!("token={}", self.peer)),
            cookie(&format!("{name}={}", self.page.token)),
            cookie(&format!("{name}={}", self.peer)),
            cookie(&self.left.cookie),
            cookie(&format!("{name}={}", value(&self.old_page))),
            cookie(&format!("x{}", self.page.cookie)),
            cookie(&format!("{}\r\nCookie: {}", self.page.cookie, self.page.cookie)),
            vec![("X-Peer-Token", self.peer.clone())],
            vec![("Authorization", format!("Bearer {0}\r\nAuthorization: Bearer {0}", self.peer))],
        ];
        right.into_iter().chain(wrong.map(|head| Shown { head, opens: &[] })).collect()
    }
}

/// Those of these that this peer takes come first.
fn hosts(port: u16) -> Vec<String> {
    let right = format!("127.0.0.1:{port}");
    vec![
        right.clone(),
        String::new(),
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "127.0.0.1".to_owned(),
        "localhost".to_owned(),
        format!("127.0.0.1:{}", port ^ 1),
        format!("127.0.0.2:{port}"),
        format!("0.0.0.0:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("127.0.0.1.rebind.example:{port}"),
        format!("7f000001.c0a80001.rbndr.us:{port}"),
        format!("LOCALHOST:{port}"),
        format!("127.0.0.1:{port}.evil.example"),
        format!("user@127.0.0.1:{port}"),
        format!("127.0.0.1:0{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        // Twice, the right one first and last.
        format!("{right}\r\nHost: evil.example"),
        format!("evil.example\r\nHost: {right}"),
        format!("{right}\r\nHost: {right}"),
    ]
}

/// The first two pass.
fn origins(port: u16) -> Vec<String> {
    vec![
        String::new(),
        format!("http://127.0.0.1:{port}"),
        "null".to_owned(),
        "http://evil.example".to_owned(),
        "http://127.0.0.1".to_owned(),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}.evil.example"),
        "file://".to_owned(),
        format!("http://127.0.0.1:{port}\r\nOrigin: http://evil.example"),
    ]
}

/// The first two pass; the third for what is open to everyone.
const SITES: [&str; 8] = [
    "",
    "same-origin",
    "none",
    "cross-site",
    "same-site",
    "SAME-ORIGIN",
    "same-origin, cross-site",
    "same-origin\r\nSec-Fetch-Site: cross-site",
];

/// The refusal of a request; none of one that passes.
fn refusal(door: Door, host: usize, origin: usize, site: usize, shown: &Shown) -> Option<u16> {
    let open = door == Open;
    match () {
        () if host > 0 => Some(421),
        () if origin > 1 || site > 2 || (site == 2 && !open) => Some(403),
        () if open || shown.opens.contains(&door) => None,
        // The code in it is wrong.
        () if door == Code => Some(401),
        () if door == Start && shown.opens.contains(&Token) => Some(403),
        () => Some(401),
    }
}

#[tokio::test]
async fn no_wrong_request_passes() {
    let port = free_port();
    let old = start("earlier", port).await;
    let peer = start("alice", port).await;
    let secrets = Secrets::of(&peer, &old).await;
    let (hosts, origins, shown) = (hosts(peer.served.port()), origins(peer.served.port()), secrets.shown());

    // Each wrong thing alone, and every so manieth of all that can be wrong together.
    let mut cases = Vec::new();
    for request in 0..REQUESTS.len() {
        cases.extend((0..hosts.len()).map(|host| (request, host, 0, 0, 0)));
        cases.extend((0..origins.len()).map(|origin| (request, 0, origin, 0, 0)));
        cases.extend((0..SITES.len()).map(|site| (request, 0, 0, site, 0)));
        cases.extend((0..shown.len()).map(|shown| (request, 0, 0, 0, shown)));
    }
    let all = REQUESTS.len() * hosts.len() * origins.len() * SITES.len() * shown.len();
    cases.extend((0..all).step_by(787).map(|number| {
        let (number, request) = (number / REQUESTS.len(), number % REQUESTS.len());
        let (number, host) = (number / hosts.len(), number % hosts.len());
        let (number, origin) = (number / origins.len(), number % origins.len());
        (request, host, origin, number % SITES.len(), number / SITES.len())
    }));

    let (mut asked, mut passed) = (0, Vec::new());
    for (request, host, origin, site, by) in cases {
        let (line, content, door) = REQUESTS[request];
        let Some(expected) = refusal(door, host, origin, site, &shown[by]) else { continue };
        let mut head =
            vec![("Host", hosts[host].as_str()), ("Origin", &origins[origin]), ("Sec-Fetch-Site", SITES[site])];
        head.extend(shown[by].head.iter().map(|(name, value)| (*name, value.as_str())));
        let (status, answer) = peer.ask(line, &head, content).await;
        asked += 1;
        if status != expected || !is_guarded(line, &answer) {
            passed.push(format!("{line} {head:?}: {answer}"));
        }
        if status == 401 {
            // The next wrong token is answered at once again.
            assert_eq!(peer.ask("GET /api/profile", &[], "").await.0, 200);
        }
    }
    println!("{asked} wrong requests, {} passed", passed.len());
    assert!(asked >= 5_000 && passed.is_empty(), "{asked} asked, passed: {passed:#?}");

    let profile = peer.client.profile().await.unwrap();
    assert_eq!((profile.name, profile.avatar), (None, None), "nothing was done");
    assert!(peer.client.lists().await.is_ok_and(|lists| lists.is_empty()), "nothing was made");
    assert_eq!((peer.client.board().await.unwrap(), peer.client.cache_stats().await.unwrap().entries), (Vec::new(), 0));
    let stopped = tokio::time::timeout(std::time::Duration::ZERO, peer.context.stop.notified()).await;
    assert!(stopped.is_err(), "nobody ended it");
    assert_eq!(peer.enter(&secrets.unused).await.0, 200, "nobody used it up");
}

#[tokio::test]
async fn every_right_request_passes_the_guard() {
    let port = free_port();
    let (old, peer) = (start("earlier", port).await, start("alice", port).await);
    let port = peer.served.port();
    let shown = Secrets::of(&peer, &old).await.shown();
    for host in ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}")) {
        let origin = format!("http://{host}");
        for (line, content, door) in REQUESTS {
            // A stream does not end, and a page that left is out.
            if line.starts_with("GET /api/events")
                || ["DELETE /api/enter", "DELETE /api/entry"].contains(&line)
                || door == Code
            {
                continue;
            }
            for shown in shown.iter().filter(|shown| door == Open || shown.opens.contains(&door)) {
                let site = if door == Open { "none" } else { "same-origin" };
                for mut head in [
                    vec![("Host", host.as_str())],
                    vec![("Host", &host), ("Origin", &origin), ("Sec-Fetch-Site", site)],
                ] {
                    head.extend(shown.head.iter().map(|(name, value)| (*name, value.as_str())));
                    let (status, answer) = peer.ask(line, &head, content).await;
                    let refused = [401, 421].contains(&status) || answer.contains(r#""error":"forbidden""#);
                    assert!(status != 0 && !refused && has_always(&answer), "{line} {head:?}: {answer}");
                }
            }
        }
    }
}

#[test]
fn every_route_is_among_the_requests() {
    let asked: Vec<(&str, &str)> = REQUESTS.iter().map(|(line, ..)| line.split_once(' ').unwrap()).collect();
    let document = document();
    for (path, methods) in document["paths"].as_object().unwrap() {
        let start = path.split('{').next().unwrap();
        for method in methods.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            let is_asked = |(asked, at): &(&str, &str)| {
                let at = at.split('?').next().unwrap();
                (*asked == method || (*asked == "HEAD" && method == "GET"))
                    && if start == path { at == path } else { at.starts_with(start) }
            };
            assert!(asked.iter().any(is_asked), "{method} {path} is not asked for");
        }
    }
}

#[tokio::test]
async fn the_other_family_has_the_same_port_and_the_same_guard() {
    let peer = start("alice", free_port()).await;
    let Ok(mut stream) = TcpStream::connect((Ipv6Addr::LOCALHOST, peer.served.port())).await else {
        return println!("no IPv6 here");
    };
    let host = format!("[::1]:{}", peer.served.port());
    let request = peer.request("GET /api/status", &[("Host", &host), ("Connection", "")], "");
    let foreign = peer.request("GET /api/status", &[("Host", "[::1]")], "");
    stream.write_all((request + &foreign).as_bytes()).await.unwrap();
    let answer = rest(&mut stream).await;
    assert!(answer.contains("HTTP/1.1 200") && answer.contains("HTTP/1.1 421"), "{answer}");
}

/// A refusal of ours, with all that every answer has.
fn is_guarded(line: &str, answer: &str) -> bool {
    let word = body(answer).contains(r#""error":"forbidden""#) || line.starts_with("HEAD");
    word && has_always(answer) && status(answer) != 0
}

fn has_always(answer: &str) -> bool {
    let head = answer.split_once("\r\n\r\n").map_or(answer, |(head, _)| head).to_lowercase();
    ALWAYS.iter().all(|header| head.contains(header)) && !head.contains("access-control")
}

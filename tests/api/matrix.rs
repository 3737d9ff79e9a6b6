//! Every route with every wrong Host, Origin, Sec-Fetch-Site and token: none passes, and the right ones do.

use std::net::Ipv6Addr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::world::{Peer, body, free_port, rest, start, status};

/// What is asked for, with a body that would do something.
const REQUESTS: [(&str, &str); 25] = [
    ("GET /api/openapi.json", ""),
    ("GET /api/status", ""),
    ("GET /api/peers", ""),
    ("GET /api/peers?all=true", ""),
    ("POST /api/posts", r#"{"text":"hacked"}"#),
    ("POST /api/dms", r#"{"to":"bob","text":"hacked"}"#),
    ("GET /api/messages/0123456789abcdef", ""),
    ("GET /api/events", ""),
    ("GET /api/history", ""),
    ("GET /api/search?words=a", ""),
    ("GET /api/export", ""),
    ("POST /api/read", r#"{"rows":[1]}"#),
    ("POST /api/forget", r#"{"all":true}"#),
    ("GET /api/profile", ""),
    ("PATCH /api/profile", r#"{"name":"hacked"}"#),
    ("PUT /api/avatar", "hacked"),
    ("DELETE /api/avatar", ""),
    ("POST /api/judge", r#"{"who":"bob","word":"block"}"#),
    ("POST /api/stop", ""),
    ("GET /", ""),
    ("GET /nothing", ""),
    ("GET /api/status/", ""),
    ("OPTIONS /api/posts", ""),
    ("HEAD /api/status", ""),
    ("DELETE /api/status", ""),
];

/// What every answer has.
const ALWAYS: [&str; 6] = [
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
    "cache-control: no-store",
    "cross-origin-resource-policy: same-origin",
    "cross-origin-opener-policy: same-origin",
    "content-security-policy: default-src 'none';",
];

/// Headers in place of the right ones, and the status that they get.
fn wrong(peer: &Peer, old: &str) -> Vec<(Vec<(&'static str, String)>, u16)> {
    let (port, token) = (peer.served.port(), peer.served.token());
    let right = format!("127.0.0.1:{port}");
    let hosts = [
        String::new(),
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        "127.0.0.1".to_owned(),
        "localhost".to_owned(),
        format!("127.0.0.1:{}", port ^ 1),
        format!("127.0.0.2:{port}"),
        format!("0.0.0.0:{port}"),
        format!("localhost.evil.example:{port}"),
        format!("LOCALHOST:{port}"),
        format!("127.0.0.1:{port}.evil.example"),
        format!("user@127.0.0.1:{port}"),
        format!("127.0.0.1:0{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
    ];
    let origins = [
        "null".to_owned(),
        "http://evil.example".to_owned(),
        "http://127.0.0.1".to_owned(),
        format!("https://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{}", port ^ 1),
        format!("http://localhost:{port}"),
        format!("http://127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}.evil.example"),
        "file://".to_owned(),
    ];
    let sites = ["cross-site", "same-site", "none", "SAME-ORIGIN", "same-origin, cross-site"];
    let half = &token[..token.len() / 2];
    let tokens = [
        vec![("Authorization", String::new())],
        vec![("Authorization", "Bearer ".to_owned())],
        vec![("Authorization", format!("Bearer {half}"))],
        vec![("Authorization", format!("Bearer {token}x"))],
        vec![("Authorization", format!("Bearer {}", token.to_lowercase()))],
        vec![("Authorization", format!("Basic {token}"))],
        vec![("Authorization", format!("Bearer {old}"))],
        vec![("Authorization", format!("Bearer {}", "A".repeat(4_000)))],
        vec![("Authorization", String::new()), ("X-Peer-Token", old.to_owned())],
        vec![("Authorization", String::new()), ("Cookie", format!("token={token}"))],
        vec![("X-Peer-Token", token.to_owned())],
        vec![("Authorization", format!("Bearer {token}\r\nAuthorization: Bearer {token}"))],
    ];
    let mut all = Vec::new();
    all.extend(hosts.map(|host| (vec![("Host", host)], 421)));
    // Twice, the right one first and last.
    all.push((vec![("Host", format!("{right}\r\nHost: evil.example"))], 421));
    all.push((vec![("Host", format!("evil.example\r\nHost: {right}"))], 421));
    all.push((vec![("Host", format!("{right}\r\nHost: {right}"))], 421));
    all.extend(origins.map(|origin| (vec![("Origin", origin)], 403)));
    all.push((vec![("Origin", format!("http://{right}\r\nOrigin: http://evil.example"))], 403));
    all.extend(sites.map(|site| (vec![("Sec-Fetch-Site", site.to_owned())], 403)));
    all.push((vec![("Sec-Fetch-Site", "same-origin\r\nSec-Fetch-Site: cross-site".to_owned())], 403));
    all.extend(tokens.map(|token| (token, 401)));
    all
}

#[tokio::test]
async fn no_wrong_request_passes() {
    let port = free_port();
    let old = start("earlier", port).await.served.token().to_owned();
    let peer = start("alice", port).await;
    let wrong = wrong(&peer, &old);
    let (mut asked, mut passed) = (0, Vec::new());
    for (line, content) in REQUESTS {
        for (head, expected) in &wrong {
            let head: Vec<_> = head.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let (status, answer) = peer.ask(line, &head, content).await;
            asked += 1;
            if status != *expected || !is_guarded(line, &answer) {
                passed.push(format!("{line} {head:?}: {answer}"));
            }
            if status == 401 {
                // The next wrong token is answered at once again.
                assert_eq!(peer.ask("GET /api/status", &[], "").await.0, 200);
            }
        }
    }
    println!("{asked} wrong requests, {} passed", passed.len());
    assert!(asked >= 500 && passed.is_empty(), "{asked} asked, passed: {passed:#?}");

    let profile = peer.client.profile().await.unwrap();
    assert_eq!((profile.name, profile.avatar), (None, None), "nothing was done");
    let stopped = tokio::time::timeout(std::time::Duration::ZERO, peer.context.stop.notified()).await;
    assert!(stopped.is_err(), "nobody ended it");
}

#[tokio::test]
async fn every_right_request_passes_the_guard() {
    let peer = start("alice", free_port()).await;
    let port = peer.served.port();
    for host in ["127.0.0.1", "localhost", "[::1]"].map(|host| format!("{host}:{port}")) {
        let origin = format!("http://{host}");
        let token = peer.served.token();
        for head in [
            vec![("Host", host.as_str())],
            vec![("Host", &host), ("Origin", &origin), ("Sec-Fetch-Site", "same-origin")],
            vec![("Host", &host), ("Authorization", ""), ("X-Peer-Token", token)],
        ] {
            for (line, content) in REQUESTS.into_iter().filter(|(line, _)| !line.ends_with("events")) {
                let (status, answer) = peer.ask(line, &head, content).await;
                let refused = [401, 421].contains(&status) || answer.contains(r#""error":"forbidden""#);
                assert!(status != 0 && !refused && has_always(&answer), "{line} {head:?}: {answer}");
            }
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

//! Connections that are slow, many, garbled or greedy.

use std::time::Duration;

use lsnp::web::{Client, ClientError, EventQuery};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::world::{PATIENCE, Peer, body, free_port, rest, start, status, until};

/// Connections that the API takes at the same time.
const CONNECTIONS: usize = 64;

/// Largest body, bytes.
const BODY: usize = 128 << 10;

async fn alice() -> Peer {
    start("alice", free_port()).await
}

/// An open event stream: it has shown the token.
async fn watching(peer: &Peer) -> TcpStream {
    let mut stream = peer.connect().await;
    stream.write_all(peer.request("GET /api/events", &[], "").as_bytes()).await.unwrap();
    until(&mut stream, ": open").await;
    stream
}

#[tokio::test(start_paused = true)]
async fn a_slow_head_is_cut_off() {
    let peer = alice().await;
    let request = peer.request("GET /api/status", &[], "");
    for part in ["", "G", &request[..request.len() - 2]] {
        let mut stream = peer.connect().await;
        stream.write_all(part.as_bytes()).await.unwrap();
        let answer = rest(&mut stream).await;
        assert!(!answer.contains("200 OK"), "{part:?}: {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_cut_off() {
    let peer = alice().await;
    let head = [("Content-Type", "application/json"), ("Content-Length", "100")];
    let request = peer.request("POST /api/posts", &head, "");
    let answer = peer.raw(format!("{request}{{").as_bytes()).await;
    assert_eq!(status(&answer), 408, "{answer}");
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_cut_off() {
    let peer = alice().await;
    let mut stream = peer.connect().await;
    stream.write_all(peer.request("GET /api/status", &[("Connection", "")], "").as_bytes()).await.unwrap();
    assert_eq!(status(&rest(&mut stream).await), 200);
}

#[tokio::test]
async fn connections_without_the_token_keep_nobody_out() {
    let peer = alice().await;
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS * 2 {
        idle.push(peer.connect().await);
    }
    assert_eq!(peer.ask("GET /api/status", &[], "").await.0, 200);
}

/// Asks for a file of the page and reads no more than its beginning.
async fn slow(peer: &Peer, line: &str) -> TcpStream {
    let mut stream = peer.connect().await;
    let head = [("Authorization", ""), ("Connection", "")];
    stream.write_all(peer.request(line, &head, "").as_bytes()).await.unwrap();
    until(&mut stream, "HTTP/1.1 200").await;
    stream
}

#[tokio::test]
async fn slow_readers_of_the_page_keep_nobody_out() {
    let peer = alice().await;
    // What a browser and some programs hold at the same time.
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS / 2 {
        streams.push(watching(&peer).await);
    }
    let mut greedy = Vec::new();
    for number in 0..CONNECTIONS * 3 {
        greedy.push(slow(&peer, ["GET /", "GET /page/app.js", "GET /page/style.css"][number % 3]).await);
        // Somebody comes in meanwhile.
        if number % CONNECTIONS == CONNECTIONS - 1 {
            let page = peer.page().await;
            let head = [("Authorization", ""), ("X-Peer-Token", page.token.as_str())];
            assert_eq!(peer.ask("GET /api/status", &head, "").await.0, 200);
            assert_eq!(peer.ask("GET /page/app.js", &[("Authorization", "")], "").await.0, 200);
        }
    }
    peer.client.status().await.unwrap();
    // None of the streams had to make place.
    peer.client.post("still there").await.unwrap();
    for stream in &mut streams {
        until(stream, "still there").await;
    }
}

/// Sends this request on one connection, again and again with some seconds in between, until that ends or is as old.
async fn again(peer: &Peer, head: &[(&str, &str)], age: Duration) -> Duration {
    let mut stream = peer.connect().await;
    let request = peer.request("GET /page/app.js", &[head, &[("Connection", "")]].concat(), "");
    let mut lived = Duration::ZERO;
    while lived < age {
        if stream.write_all(request.as_bytes()).await.is_err() {
            break;
        }
        // All of the answer that comes within the time.
        let mut bytes = Vec::new();
        let pause = Duration::from_secs(4);
        match timeout(pause, stream.read_to_end(&mut bytes)).await {
            Ok(_) => break,
            Err(_) => lived += pause,
        }
    }
    lived
}

#[tokio::test(start_paused = true)]
async fn without_a_token_a_connection_ends_soon() {
    let peer = alice().await;
    let minute = Duration::from_secs(60);
    let lived = again(&peer, &[("Authorization", "")], minute).await;
    assert!((24..=40).contains(&lived.as_secs()), "{lived:?}");

    // One that has shown it lives on.
    let mut stream = peer.connect().await;
    for _ in 0..15 {
        stream.write_all(peer.request("GET /api/profile", &[("Connection", "")], "").as_bytes()).await.unwrap();
        until(&mut stream, "profile").await;
        let more = timeout(Duration::from_secs(4), until(&mut stream, "more")).await;
        assert!(more.is_err(), "{more:?}");
    }
}

#[tokio::test]
async fn one_connection_too_many_is_refused_until_another_ends() {
    let peer = alice().await;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        open.push(watching(&peer).await);
    }
    assert_eq!(peer.ask("GET /api/status", &[], "").await.0, 503);
    assert!(peer.client.status().await.is_err());
    // A peer that is busy is no peer that does not run.
    assert!(matches!(Client::connect(&peer.scratch.api_file()).await, Err(ClientError::Full)));
    drop(open.pop());
    let again = async {
        while peer.ask("GET /api/status", &[], "").await.0 != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, again).await.unwrap();
}

#[tokio::test]
async fn a_wrong_token_waits_and_nobody_else() {
    let peer = alice().await;
    let wrong = [("Authorization", "Bearer wrong")];
    for _ in 0..3 {
        assert_eq!(peer.ask("GET /api/status", &wrong, "").await.0, 401);
    }
    let fourth = peer.ask("GET /api/status", &wrong, "");
    let others = async {
        for _ in 0..5 {
            assert_eq!(peer.ask("GET /api/status", &[], "").await.0, 200);
        }
    };
    tokio::select! {
        biased;
        (status, _) = fourth => panic!("{status} came before the others"),
        () = others => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_token_is_answered_in_the_end() {
    let peer = alice().await;
    for _ in 0..5 {
        assert_eq!(peer.ask("GET /api/status", &[("Authorization", "Bearer wrong")], "").await.0, 401);
    }
}

#[tokio::test]
async fn bodies_have_a_limit() {
    let peer = alice().await;
    let text = "x".repeat(BODY);
    let (status_, answer) = peer.ask("POST /api/posts", &[], &format!(r#"{{"text":"{text}"}}"#)).await;
    assert!(status_ == 413 && body(&answer).contains("too-long"), "{answer}");

    let head = [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")];
    let mut request = peer.request("POST /api/posts", &head, "").into_bytes();
    for _ in 0..=BODY / 0x1000 {
        request.extend_from_slice(b"1000\r\n");
        request.extend_from_slice(&[b'x'; 0x1000]);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    // It hangs up before all is sent, so the answer may be lost.
    let answer = peer.raw(&request).await;
    assert!([0, 413].contains(&status(&answer)), "{answer}");
    assert_eq!(peer.ask("GET /api/status", &[], "").await.0, 200);
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let peer = alice().await;
    let port = peer.served.port();
    let right = peer.request("GET /api/status", &[], "");
    let posted = |head: &[(&str, &str)], body: &str| {
        let kind = ("Content-Type", "application/json");
        peer.request("POST /api/posts", &[&[kind], head].concat(), "") + body
    };
    let long = "x".repeat(40_000);
    let cases: Vec<(Vec<u8>, &[u16])> = vec![
        (b"\0\x01\x02\xff\xfe\r\n\r\n".to_vec(), &[0, 400]),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(20), &[0, 400]),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), &[0, 400, 505]),
        (b"GET\r\n\r\n".to_vec(), &[0, 400]),
        (b"\r\n\r\n\r\n\r\nGET".repeat(1_000), &[0, 400]),
        (right.replace("HTTP/1.1", "HTTP/1.0").into_bytes(), &[505]),
        (right.replace("HTTP/1.1", "HTTP/2.0").into_bytes(), &[0, 400, 505]),
        (right.replace("/api/status", &format!("http://127.0.0.1:{port}/api/status")).into_bytes(), &[400]),
        (right.replace("/api/status", "http://evil.example/api/status").into_bytes(), &[400]),
        (right.replace("GET /api/status", &format!("CONNECT 127.0.0.1:{port}")).into_bytes(), &[400]),
        (right.replace("GET /api/status", "OPTIONS *").into_bytes(), &[404]),
        (right.replace("GET", "TRACE").into_bytes(), &[405]),
        (right.replace("GET", "BREW").into_bytes(), &[405]),
        (right.replace("/api/status", "/api/../api/status").into_bytes(), &[404]),
        (right.replace("/api/status", "//api/status").into_bytes(), &[404]),
        (right.replace("/api/status", "/api/stat%75s").into_bytes(), &[404]),
        (right.replace("/api/status", &format!("/{long}")).into_bytes(), &[0, 414, 431]),
        (right.replace("Host:", &format!("X: {long}\r\nHost:")).into_bytes(), &[0, 431]),
        (right.replace("Host:", &("A: b\r\n".repeat(100) + "Host:")).into_bytes(), &[0, 431]),
        (posted(&[("Content-Length", "5"), ("Transfer-Encoding", "chunked")], "0\r\n\r\nGET /").into(), &[0, 400]),
        (posted(&[("Content-Length", "2\r\nContent-Length: 3")], "{}x").into(), &[0, 400]),
        (posted(&[("Content-Length", "-1")], "{}").into(), &[0, 400]),
        (posted(&[("Transfer-Encoding", "chunked")], "zz\r\n{}\r\n0\r\n\r\n").into(), &[0, 400]),
    ];
    for (bytes, expected) in cases {
        let answer = peer.raw(&bytes).await;
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]).into_owned();
        assert!(expected.contains(&status(&answer)), "{shown:?}: {answer}");
    }
    assert_eq!(peer.ask("GET /api/status", &[], "").await.0, 200);
}

#[tokio::test]
async fn each_of_several_requests_in_one_piece_is_checked() {
    let peer = alice().await;
    let open = |head: &[(&str, &str)]| peer.request("GET /api/status", &[&[("Connection", "")], head].concat(), "");
    let last = peer.request("GET /api/profile", &[], "");
    let answer = peer.raw((open(&[]) + &open(&[]) + &last).as_bytes()).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3, "{answer}");

    let foreign = open(&[("Host", "evil.example")]);
    let answer = peer.raw((open(&[]) + &foreign + &last).as_bytes()).await;
    let statuses: Vec<&str> = answer.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "421"], "{answer}");
}

#[tokio::test]
async fn the_end_of_the_api_is_the_end_of_its_connections() {
    let peer = alice().await;
    let mut stream = watching(&peer).await;
    let mut events = peer.client.events(&EventQuery::default()).await.unwrap();
    drop(peer.served);
    rest(&mut stream).await;
    let ended = timeout(PATIENCE, events.next()).await.unwrap();
    assert!(matches!(ended, Ok(None) | Err(_)), "{ended:?}");
    assert!(peer.client.status().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_says_that_it_lives() {
    let peer = alice().await;
    let mut stream = watching(&peer).await;
    let beat = until(&mut stream, ": here").await;
    assert!(!beat.contains("reload"), "{beat}");
    // Nothing else is told of a peer that is alone.
    let more = timeout(Duration::from_secs(14), until(&mut stream, "data:")).await;
    assert!(more.is_err(), "{more:?}");
}

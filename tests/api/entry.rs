//! The page's way in: codes, tokens of pages, and the cookie.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lsnp::engine::Instant;
use lsnp::web::{Client, EntryObject};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::openapi::check;
use crate::world::{Page, Peer, body, free_port, header, start, until};

/// Pages that are in at the same time.
const PAGES: usize = 32;

async fn alice() -> Peer {
    start("alice", free_port()).await
}

/// The status of a request with the token of a page.
async fn by(peer: &Peer, line: &str, page: &Page) -> u16 {
    peer.ask(line, &[("Authorization", ""), ("X-Peer-Token", &page.token)], "").await.0
}

#[tokio::test]
async fn a_browser_comes_in_by_an_address_that_works_once() {
    let peer = alice().await;
    let (status, answer) = peer.ask("POST /api/entry", &[], "").await;
    let value: Value = serde_json::from_str(body(&answer)).unwrap();
    check("EntryObject", &value);
    let entry: EntryObject = serde_json::from_value(value).unwrap();
    assert_eq!((status, entry.expires), (200, 600));
    assert_eq!(peer.client.entry().await.unwrap().expires, 600);

    let (address, code) = entry.url.split_once("/#enter=").unwrap();
    assert_eq!((address, code.len()), (&*format!("http://127.0.0.1:{}", peer.served.port()), 43));
    let visit = [("Authorization", ""), ("Sec-Fetch-Site", "none")];
    let (status, page) = peer.ask("GET /", &visit, "").await;
    assert_eq!((status, header(&page, "content-type")), (200, Some("text/html; charset=utf-8")), "{page}");

    let (status, answer) = peer.enter(code).await;
    assert_eq!(status, 200, "{answer}");
    let entered: Value = serde_json::from_str(body(&answer)).unwrap();
    check("EnteredObject", &entered);
    let cookie = header(&answer, "set-cookie").unwrap();
    let (start, rest) = cookie.split_once(';').unwrap();
    let value = start.strip_prefix(&format!("peer-{}=", peer.served.port())).unwrap();
    assert_eq!(value.len(), 43);
    assert_eq!(rest, " HttpOnly; SameSite=Strict; Path=/avatars; Max-Age=31536000");
    let token = entered["token"].as_str().unwrap();
    assert!(token.len() == 43 && token != value && token != code && token != peer.served.token());

    let again = peer.enter(code).await;
    assert!(again.0 == 401 && again.1.contains("peer web"), "{again:?}");
    assert_eq!(header(&again.1, "set-cookie"), None);
}

#[tokio::test]
async fn a_page_does_what_programs_do_but_makes_no_ways_in() {
    let peer = alice().await;
    let page = peer.page().await;
    for line in ["GET /api/status", "GET /api/peers", "GET /metrics", "GET /api/history"] {
        assert_eq!(by(&peer, line, &page).await, 200, "{line}");
    }
    assert_eq!(by(&peer, "POST /api/entry", &page).await, 403);

    let mut stream = peer.connect().await;
    let head = [("Authorization", ""), ("X-Peer-Token", page.token.as_str())];
    stream.write_all(peer.request("GET /api/events", &head, "").as_bytes()).await.unwrap();
    until(&mut stream, ": open").await;
}

#[tokio::test]
async fn a_page_that_left_is_out() {
    let peer = alice().await;
    let (page, other) = (peer.page().await, peer.page().await);
    let head = [("Authorization", ""), ("X-Peer-Token", page.token.as_str())];
    let (status, answer) = peer.ask("DELETE /api/enter", &head, "").await;
    assert_eq!(status, 200, "{answer}");
    assert!(header(&answer, "set-cookie").unwrap().contains("Max-Age=0"), "{answer}");
    assert_eq!(by(&peer, "GET /api/status", &page).await, 401);
    assert_eq!(by(&peer, "GET /api/status", &other).await, 200);
    let picture = "GET /avatars/00112233445566778899aabbccddeeff";
    let shows = |page: &Page| [("Authorization", String::new()), ("Cookie", page.cookie.clone())];
    for (page, expected) in [(&page, 401), (&other, 404)] {
        let head = shows(page);
        let head: Vec<_> = head.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(peer.ask(picture, &head, "").await.0, expected);
    }
    assert_eq!(peer.ask("DELETE /api/enter", &[], "").await.0, 400, "the token of the start stays");
}

#[tokio::test]
async fn a_code_is_too_old_after_ten_minutes() {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&seconds);
    let now = move || Instant::from_nanos(clock.load(Ordering::Relaxed) * 1_000_000_000);
    let peer = alice().await.served_by(Arc::new(now), false).await;
    let (early, late) = (peer.code().await, peer.code().await);
    seconds.store(599, Ordering::Relaxed);
    assert_eq!(peer.enter(&early).await.0, 200);
    let page = peer.page().await;
    seconds.store(600, Ordering::Relaxed);
    assert_eq!(peer.enter(&late).await.0, 401);
    seconds.store(1_000_000, Ordering::Relaxed);
    assert_eq!(by(&peer, "GET /api/status", &page).await, 200, "a page that is in stays in");
}

#[tokio::test]
async fn of_too_many_pages_the_oldest_is_out() {
    let peer = alice().await;
    let mut pages = Vec::new();
    for _ in 0..PAGES {
        pages.push(peer.page().await);
    }
    assert_eq!(by(&peer, "GET /api/status", &pages[0]).await, 200);
    pages.push(peer.page().await);
    let mut statuses = Vec::new();
    for page in &pages {
        statuses.push(by(&peer, "GET /api/status", page).await);
    }
    assert_eq!(statuses[0], 401);
    assert!(statuses[1..].iter().all(|status| *status == 200), "{statuses:?}");
}

#[tokio::test]
async fn no_other_page_can_send_a_code() {
    let peer = alice().await;
    let code = peer.code().await;
    let sent = json!({ "code": code }).to_string();
    let none = ("Authorization", "");
    // What a form of another page can send.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let length = sent.len().to_string();
        let head = [none, ("Content-Type", kind), ("Content-Length", &length)];
        let (status, answer) = peer.ask("POST /api/enter", &head, "").await;
        assert_eq!(status, 400, "{answer}");
    }
    let query = format!("POST /api/enter?code={code}");
    for (line, head, content, expected) in [
        ("POST /api/enter", ("Origin", "null"), sent.as_str(), 403),
        ("POST /api/enter", ("Origin", "http://evil.example"), &sent, 403),
        ("POST /api/enter", ("Sec-Fetch-Site", "none"), &sent, 403),
        ("POST /api/enter", ("Sec-Fetch-Site", "same-site"), &sent, 403),
        ("POST /api/enter", ("Transfer-Encoding", "chunked"), "", 413),
        (&query, ("Accept", "*/*"), "{}", 400),
        ("POST /api/enter", ("Accept", "*/*"), &format!("{{\"code\":\"{}\"}}", "A".repeat(1_024)), 413),
        ("POST /api/enter", ("Accept", "*/*"), &format!("{{\"code\":\"{code}\",\"more\":1}}"), 400),
        ("POST /api/enter", ("Accept", "*/*"), "{\"code\":7}", 400),
        ("GET /api/enter", ("Accept", "*/*"), "", 401),
    ] {
        let (status, answer) = peer.ask(line, &[none, head], content).await;
        assert_eq!(status, expected, "{line} {head:?} {content}: {answer}");
        assert_eq!(header(&answer, "set-cookie"), None);
    }
    assert_eq!(peer.enter(&code).await.0, 200, "nothing of that used it up");
}

#[tokio::test]
async fn wrong_codes_wait_as_wrong_tokens_do() {
    let peer = alice().await;
    let stale = [("Authorization", ""), ("X-Peer-Token", "stale")];
    assert_eq!(peer.enter("wrong").await.0, 401);
    assert_eq!(peer.ask("GET /api/status", &stale, "").await.0, 401);
    assert_eq!(peer.ask("GET /avatars/0", &[("Authorization", ""), ("Cookie", "peer=stale")], "").await.0, 401);
    let fourth = peer.enter("wrong");
    let others = async {
        // What needs no token sets nothing right.
        for line in ["GET /", "GET /page/app.js", "GET /"] {
            assert_eq!(peer.ask(line, &[("Authorization", "")], "").await.0, 200);
        }
    };
    tokio::select! {
        biased;
        (status, _) = fourth => panic!("{status} came before the others"),
        () = others => {}
    }
    peer.page().await;
}

#[tokio::test]
async fn a_start_forgets_codes_and_pages() {
    let peer = alice().await;
    let (page, code) = (peer.page().await, peer.code().await);
    let now = {
        let handle = peer.context.handle.clone();
        move || handle.now()
    };
    let peer = peer.served_by(Arc::new(now), false).await;
    assert_eq!(by(&peer, "GET /api/status", &page).await, 401);
    assert_eq!(peer.enter(&code).await.0, 401);
    assert!(Client::connect(&peer.scratch.api_file()).await.unwrap().is_none(), "this one is told nowhere");
}

//! A browser that was in comes back after the peer started anew, by a key of its own.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::openapi::check;
use crate::world::{Page, Peer, body, free_port, header, rest, start, until};

/// Browsers that may come back.
const BROWSERS: usize = 32;

/// What a browser keeps.
struct Browser(EcdsaKeyPair);

impl Browser {
    fn new() -> Self {
        let (way, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(way, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(way, document.as_ref(), &random).unwrap())
    }

    fn key(&self) -> String {
        BASE64URL_NOPAD.encode(self.0.public_key().as_ref())
    }

    fn proof(&self, host: &str, start: &str) -> String {
        let said = format!("peer page\n{host}\n{start}");
        BASE64URL_NOPAD.encode(self.0.sign(&SystemRandom::new(), said.as_bytes()).unwrap().as_ref())
    }

    /// Comes in by a code.
    async fn enter(&self, peer: &Peer) -> Page {
        let (status, answer) = send(peer, &json!({"code": peer.code().await, "key": self.key()})).await;
        assert_eq!(status, 200, "{answer}");
        page(&answer)
    }

    async fn come_back(&self, peer: &Peer) -> (u16, String) {
        let proof = self.proof(&host(peer), &challenge(peer).await);
        send(peer, &json!({"key": self.key(), "proof": proof})).await
    }
}

fn host(peer: &Peer) -> String {
    format!("127.0.0.1:{}", peer.served.port())
}

fn page(answer: &str) -> Page {
    let entered: Value = serde_json::from_str(body(answer)).unwrap();
    check("EnteredObject", &entered);
    let cookie = header(answer, "set-cookie").unwrap().split(';').next().unwrap().to_owned();
    Page { token: entered["token"].as_str().unwrap().to_owned(), cookie }
}

async fn send(peer: &Peer, asked: &Value) -> (u16, String) {
    let origin = format!("http://{}", host(peer));
    let head = [("Authorization", ""), ("Origin", origin.as_str()), ("Sec-Fetch-Site", "same-origin")];
    peer.ask("POST /api/enter", &head, &asked.to_string()).await
}

/// What has to be signed at this start: every refusal of a token tells it.
async fn challenge(peer: &Peer) -> String {
    let (status, answer) = peer.ask("GET /api/status", &[("Authorization", "")], "").await;
    let told = header(&answer, "www-authenticate").unwrap();
    assert_eq!(status, 401);
    // The next wrong token is answered at once again.
    assert_eq!(peer.ask("GET /api/profile", &[], "").await.0, 200);
    told.strip_prefix("Peer start=\"").unwrap().strip_suffix('"').unwrap().to_owned()
}

async fn by(peer: &Peer, page: &Page) -> u16 {
    peer.ask("GET /api/status", &[("Authorization", ""), ("X-Peer-Token", &page.token)], "").await.0
}

/// Starts the API anew, with the profile that was kept.
async fn again(peer: Peer) -> Peer {
    let handle = peer.context.handle.clone();
    peer.served_by(Arc::new(move || handle.now()), false).await
}

#[tokio::test]
async fn a_browser_that_was_in_comes_back_after_every_start() {
    let browser = Browser::new();
    let mut peer = start("alice", free_port()).await;
    let mut page = browser.enter(&peer).await;
    for _ in 0..2 {
        peer = again(peer).await;
        assert_eq!(by(&peer, &page).await, 401, "a token is of one start");
        let (status, answer) = browser.come_back(&peer).await;
        assert_eq!(status, 200, "{answer}");
        page = self::page(&answer);
        assert_eq!(by(&peer, &page).await, 200);
        let picture = [("Authorization", ""), ("Cookie", page.cookie.as_str())];
        assert_eq!(peer.ask("GET /avatars/00112233445566778899aabbccddeeff", &picture, "").await.0, 404);
    }
    // Each browser has one token.
    let (_, answer) = browser.come_back(&peer).await;
    assert_eq!((by(&peer, &page).await, by(&peer, &self::page(&answer)).await), (401, 200));
}

#[tokio::test]
async fn nobody_else_comes_back() {
    let (browser, stranger) = (Browser::new(), Browser::new());
    let peer = start("alice", free_port()).await;
    browser.enter(&peer).await;
    let earlier = challenge(&peer).await;
    let peer = again(peer).await;
    let (host, start) = (host(&peer), challenge(&peer).await);
    let key = browser.key();
    let right = browser.proof(&host, &start);
    for (what, key, proof) in [
        ("one that was never in", stranger.key(), stranger.proof(&host, &start)),
        ("the key of another", key.clone(), stranger.proof(&host, &start)),
        ("what was signed for another start", key.clone(), browser.proof(&host, &earlier)),
        ("what another server of this computer asked for", key.clone(), browser.proof("127.0.0.1:1024", &start)),
        ("half of it", key.clone(), right[..40].to_owned()),
        ("nothing", key.clone(), String::new()),
    ] {
        let (status, answer) = send(&peer, &json!({"key": key, "proof": proof})).await;
        assert_eq!((status, header(&answer, "set-cookie")), (401, None), "{what}: {answer}");
        assert_eq!(peer.ask("GET /api/profile", &[], "").await.0, 200);
    }
    let code = peer.code().await;
    for wrong in [
        json!({}),
        json!({"key": key}),
        json!({"proof": right}),
        json!({"code": code, "key": key, "proof": right}),
        json!({"code": code, "key": "AAAA"}),
        json!({"code": code, "key": "?"}),
    ] {
        let (status, answer) = send(&peer, &wrong).await;
        assert_eq!(status, 400, "{wrong}: {answer}");
    }
    assert_eq!(peer.enter(&code).await.0, 200, "nothing of that used it up");
    assert_eq!(send(&peer, &json!({"key": key, "proof": right})).await.0, 200);
}

#[tokio::test]
async fn who_left_does_not_come_back() {
    let (browser, other) = (Browser::new(), Browser::new());
    let peer = start("alice", free_port()).await;
    let page = browser.enter(&peer).await;
    other.enter(&peer).await;
    let head = [("Authorization", ""), ("X-Peer-Token", page.token.as_str())];
    assert_eq!(peer.ask("DELETE /api/enter", &head, "").await.0, 200);
    let peer = again(peer).await;
    assert_eq!(browser.come_back(&peer).await.0, 401);
    assert_eq!(other.come_back(&peer).await.0, 200);
}

#[tokio::test]
async fn of_too_many_browsers_the_oldest_does_not_come_back() {
    let peer = start("alice", free_port()).await;
    let browsers: Vec<Browser> = (0..=BROWSERS).map(|_| Browser::new()).collect();
    for browser in &browsers {
        browser.enter(&peer).await;
    }
    let peer = again(peer).await;
    assert_eq!(browsers[0].come_back(&peer).await.0, 401);
    assert_eq!(browsers[1].come_back(&peer).await.0, 200);
}

#[tokio::test]
async fn a_lock_puts_every_browser_out_at_once() {
    let browser = Browser::new();
    let peer = start("alice", free_port()).await;
    let page = browser.enter(&peer).await;
    let code = peer.code().await;
    let mut streams = Vec::new();
    for head in [vec![("Authorization", ""), ("X-Peer-Token", page.token.as_str())], Vec::new()] {
        let mut stream = peer.connect().await;
        stream.write_all(peer.request("GET /api/events", &head, "").as_bytes()).await.unwrap();
        until(&mut stream, ": open").await;
        streams.push(stream);
    }
    peer.client.lock().await.unwrap();
    rest(&mut streams[0]).await;
    assert_eq!((by(&peer, &page).await, peer.enter(&code).await.0), (401, 401));
    assert_eq!(browser.come_back(&peer).await.0, 401);
    // A program goes on.
    peer.client.post("still here").await.unwrap();
    until(&mut streams[1], "still here").await;
}

//! Pictures under `/avatars/`.

use lsnp::engine::{Command, Event};
use lsnp::web::PeerObject;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::world::{PATIENCE, Page, Peer, free_port, header, meet, pair, rest, start, status};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nof bob";

/// Waits until this peer has a picture.
async fn pictured(peer: &Peer, name: &str) -> PeerObject {
    let mut events = peer.context.handle.events();
    let found = async {
        loop {
            let found = meet(peer, name).await;
            if found.picture.is_some() {
                return found;
            }
            while !matches!(events.recv().await, Ok(Event::Profile(_)) | Err(_)) {}
        }
    };
    timeout(PATIENCE, found).await.unwrap()
}

fn of(picture: &str) -> String {
    format!("GET /avatars/{picture}")
}

/// The request of an `<img>`.
async fn ask(peer: &Peer, picture: &str, page: &Page) -> (u16, String) {
    let head = [("Authorization", ""), ("Cookie", page.cookie.as_str()), ("Sec-Fetch-Site", "same-origin")];
    peer.ask(&of(picture), &head, "").await
}

#[tokio::test]
async fn pictures_are_served_by_cookie_and_by_token() {
    let (alice, bob) = pair().await;
    let own = bob.client.set_avatar(Some(PNG.to_vec())).await.unwrap().picture.unwrap();
    let picture = pictured(&alice, "bob").await.picture.unwrap();
    assert_eq!(own, picture, "it has the same name everywhere");
    let (page, of_bob) = (alice.page().await, bob.page().await);
    // Pulled, from the shelf, and our own.
    for (peer, page) in [(&alice, &page), (&alice, &page), (&bob, &of_bob)] {
        let (status, answer) = ask(peer, &picture, page).await;
        assert!(status == 200 && answer.ends_with("of bob"), "{answer}");
        assert_eq!(header(&answer, "content-type"), Some("image/png"));
        assert_eq!(header(&answer, "content-security-policy"), Some("sandbox; default-src 'none'"));
        assert_eq!(header(&answer, "cache-control"), Some("private, max-age=86400, immutable"));
        assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"));
        assert_eq!(header(&answer, "cross-origin-resource-policy"), Some("same-origin"));
    }
    assert_eq!(alice.ask(&of(&picture), &[], "").await.0, 200);
    let foreign = [("Authorization", ""), ("Cookie", page.cookie.as_str()), ("Sec-Fetch-Site", "same-site")];
    assert_eq!(alice.ask(&of(&picture), &foreign, "").await.0, 403);

    let padded = format!("{picture}0");
    let upper = picture.to_uppercase();
    for wrong in ["0", "..", "p1", &padded, &upper, &"a".repeat(9_000), "%00", "..%2f..%2fapi.toml"] {
        let (status, answer) = ask(&alice, wrong, &page).await;
        assert_eq!(status, 404, "{wrong}: {answer}");
        assert_eq!(header(&answer, "cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn ten_requests_are_one_pull() {
    let (alice, bob) = pair().await;
    // Of some pieces.
    let picture: Vec<u8> = PNG.iter().copied().chain((0..4_000_u32).map(|n| (n * n / 7).to_le_bytes()[0])).collect();
    bob.client.set_avatar(Some(picture.clone())).await.unwrap();
    let name = pictured(&alice, "bob").await.picture.unwrap();
    alice.context.handle.command(Command::Trace(true)).await.unwrap();
    let mut events = alice.context.handle.events();

    let mut streams = Vec::new();
    for _ in 0..10 {
        let mut stream = alice.connect().await;
        stream.write_all(alice.request(&of(&name), &[], "").as_bytes()).await.unwrap();
        streams.push(stream);
    }
    for mut stream in streams {
        assert_eq!(status(&rest(&mut stream).await), 200);
    }
    assert_eq!(alice.ask(&of(&name), &[], "").await.0, 200);

    let mut pieces = 0;
    while let Ok(event) = events.try_recv() {
        if let Event::Traced { out: false, kind, .. } = event
            && kind.raw() == "CHUNK"
        {
            pieces += 1;
        }
    }
    // The list of them and seven pieces. One that comes late is asked for twice; two pulls would be twice as many.
    assert!((8..16).contains(&pieces), "{pieces} pieces");
}

#[tokio::test]
async fn what_a_blocked_peer_shows_is_not_served() {
    let (alice, bob) = pair().await;
    bob.client.set_avatar(Some(PNG.to_vec())).await.unwrap();
    let name = pictured(&alice, "bob").await.picture.unwrap();
    assert_eq!(alice.ask(&of(&name), &[], "").await.0, 200);
    alice.client.judge("bob", "block").await.unwrap();
    assert_eq!(alice.ask(&of(&name), &[], "").await.0, 404, "also what is here already");
    alice.client.judge("bob", "unblock").await.unwrap();
    assert_eq!(alice.ask(&of(&name), &[], "").await.0, 200);
    // It shows another one now.
    bob.client.set_avatar(Some(b"\xff\xd8\xff of bob".to_vec())).await.unwrap();
    let mut events = alice.context.handle.events();
    let other = async {
        while alice.ask(&of(&name), &[], "").await.0 == 200 {
            let _ = events.recv().await;
        }
    };
    timeout(PATIENCE, other).await.unwrap();
}

/// Time stands still but for timers: the wait of 5 s is over at once where nothing else happens.
#[tokio::test(start_paused = true)]
async fn a_picture_that_never_comes_is_not_there() {
    let alice = start("alice", free_port()).await;
    // Says that it has a picture, and gives none.
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let hello = format!(
        "TYPE:PEER_DISCOVERY\nUSER_ID:mute@127.0.0.1\nPORT:{port}\nTIMESTAMP:1728938500\nMESSAGE_ID:0123456789abcdef\n\
         AVATAR:png,1234,AQIDBAUGBwgJCgsMDQ4PEA\nPV:1\nSID:AQIDBAUGBwg\nCAP:bye,chunk,esc\nBEAT:30\n\n"
    );
    let name = "0102030405060708090a0b0c0d0e0f10";
    let mut events = alice.context.handle.events();
    silent.send_to(hello.as_bytes(), ("127.0.0.1", alice.context.handle.port())).unwrap();
    while !alice.client.peers(true).await.unwrap().iter().any(|peer| peer.picture.as_deref() == Some(name)) {
        timeout(PATIENCE, events.recv()).await.unwrap().unwrap();
    }
    let (status, answer) = alice.ask(&of(name), &[], "").await;
    assert_eq!((status, header(&answer, "cache-control")), (404, Some("no-store")), "{answer}");
}

//! `api.toml`: who can read it, and what is made of one that is left over; the port; the files of the page.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use lsnp::web::{Client, ClientError, Context, Served, serve};

use crate::world::{PATIENCE, Scratch, body, free_port, header, start};

#[tokio::test]
async fn only_its_user_can_read_the_token_and_it_goes_with_the_peer() {
    let peer = start("alice", free_port()).await;
    let file = peer.scratch.api_file();
    let found = fs::metadata(&file).unwrap();
    assert_eq!(found.mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains(&format!("port = {}\n", peer.served.port())), "{text}");
    assert!(text.contains(&format!("pid = {}\n", std::process::id())) && text.contains(peer.served.token()));
    assert_eq!(peer.served.token().len(), 43, "256 bits");
    let logged = format!("{:?} {:?}", peer.served, peer.client);
    assert!(!logged.contains(peer.served.token()), "{logged}");
    assert!(!peer.scratch.0.join("api.toml.new").exists(), "no remains");

    drop(peer.served);
    assert!(!file.exists());
    assert!(Client::connect(&file).await.unwrap().is_none());
}

#[tokio::test]
async fn each_start_has_another_token() {
    let (one, other) = (start("alice", free_port()).await, start("bob", free_port()).await);
    assert_ne!(one.served.token(), other.served.token());
}

/// Starts the API once more, as the next start of the peer does.
async fn next(context: &Context) -> Served {
    serve(Context { api_file: None, ..context.clone() }).await.unwrap()
}

/// Waits until nobody listens there any more.
async fn closed(port: u16) {
    let gone = async {
        while TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
            || TcpListener::bind((Ipv6Addr::LOCALHOST, port)).is_err_and(|error| error.kind() == ErrorKind::AddrInUse)
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn the_port_stays_while_it_is_free() {
    let peer = start("alice", free_port()).await;
    let (port, token) = (peer.served.port(), peer.served.token().to_owned());
    drop(peer.served);
    closed(port).await;
    let again = next(&peer.context).await;
    assert_eq!(again.port(), port);
    assert_ne!(again.token(), token);

    // Somebody has it: in either family that is too much.
    drop(again);
    closed(port).await;
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    let other = next(&peer.context).await;
    assert_ne!(other.port(), port);
    let kept = other.port();
    drop((other, holder));
    closed(kept).await;
    let stays = next(&peer.context).await;
    assert_eq!(stays.port(), kept, "the other one is the usual one now");
    drop(stays);
    closed(kept).await;
    if let Ok(_holder) = TcpListener::bind((Ipv6Addr::LOCALHOST, kept)) {
        let other = next(&peer.context).await;
        assert_ne!(other.port(), kept);
    }
}

#[tokio::test]
async fn no_path_leads_to_a_file() {
    let peer = start("alice", free_port()).await;
    let long = "a".repeat(9_000);
    let deep = "a/".repeat(4_000);
    let paths = [
        "/page/../api.toml",
        "/page/../../api.toml",
        "/page/%2e%2e/api.toml",
        "/page/..%2fapi.toml",
        "/page/%2e%2e%2f%2e%2e%2fapi.toml",
        "/page/..\\api.toml",
        "/page/..%5capi.toml",
        "/page//etc/passwd",
        "/page/%2fetc%2fpasswd",
        "/page/./app.js",
        "/page//app.js",
        "//page/app.js",
        "/page/app.js/",
        "/page/app.js%00",
        "/page/%00",
        "/page/app.js%20",
        "/page/APP.JS",
        "/page/app.js~",
        "/page/",
        "/page",
        "/page/index.html",
        "/page/locale",
        "/page/locale/",
        "/page/locale/../app.js",
        "/page/%ff%fe",
        "/page/%",
        "/page/%zz",
        "/page/app.js;x",
        "/page/C:\\x",
        "/page/.",
        "/page/..",
        "/..",
        "/api.toml",
        "/index.html",
        "/app.js",
        "/page/\u{e4}",
        "/favicon.ico/",
        "/page/ app.js",
        "/page/\0",
        &format!("/page/{long}"),
        &format!("/page/{deep}"),
    ];
    for path in paths {
        let (status, answer) = peer.ask(&format!("GET {path}"), &[], "").await;
        assert!([400, 404].contains(&status), "{path}: {answer}");
        assert!(!answer.contains("token ="), "{path}: {answer}");
    }
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/app.js", "text/javascript; charset=utf-8"),
        ("/page/style.css?x=..", "text/css; charset=utf-8"),
        ("/page/icon.svg", "image/svg+xml"),
        ("/page/locale/en.json", "application/json"),
    ] {
        for method in ["GET", "HEAD"] {
            let (status, answer) = peer.ask(&format!("{method} {path}"), &[("Authorization", "")], "").await;
            assert_eq!((status, header(&answer, "content-type")), (200, Some(kind)), "{method} {path}: {answer}");
            assert_eq!(body(&answer).is_empty(), method == "HEAD", "{path}");
        }
    }
    assert_eq!(peer.ask("GET /favicon.ico", &[("Authorization", "")], "").await.0, 204);
}

#[tokio::test]
async fn a_planted_link_is_not_followed() {
    let peer = start("alice", free_port()).await;
    let scratch = Scratch::new();
    let victim = scratch.0.join("victim");
    symlink(&victim, scratch.0.join("api.toml.new")).unwrap();
    symlink(&victim, scratch.api_file()).unwrap();
    let context = lsnp::web::Context { api_file: Some(scratch.api_file()), ..peer.context.clone() };
    let served = lsnp::web::serve(context).await.unwrap();
    assert!(!victim.exists() && fs::symlink_metadata(scratch.api_file()).unwrap().is_file());
    drop(served);
}

#[tokio::test]
async fn what_a_killed_peer_left_is_nobody() {
    let peer = start("alice", free_port()).await;
    let scratch = Scratch::new();
    let left = scratch.api_file();
    fs::copy(peer.scratch.api_file(), &left).unwrap();
    assert!(Client::connect(&left).await.unwrap().is_none(), "nobody holds its lock");

    // Somebody holds it, and nobody answers there.
    let lock = fs::File::open(&left).unwrap();
    lock.lock().unwrap();
    drop(peer.served);
    assert!(Client::connect(&left).await.unwrap().is_none());
}

#[tokio::test]
async fn a_file_that_others_can_read_is_refused() {
    let peer = start("alice", free_port()).await;
    let file = peer.scratch.api_file();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let refused = Client::connect(&file).await;
    assert!(matches!(refused, Err(ClientError::File(_))), "{refused:?}");
}

#[tokio::test]
async fn a_broken_file_is_told() {
    let scratch = Scratch::new();
    let file = scratch.api_file();
    fs::write(&file, "port = 'x'").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let lock = fs::File::open(&file).unwrap();
    lock.lock().unwrap();
    assert!(matches!(Client::connect(&file).await, Err(ClientError::File(_))));
}

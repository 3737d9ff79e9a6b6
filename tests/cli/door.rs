//! What a running peer opens to browsers and other programs of this computer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use rustix::process::Signal;

use crate::SOON;
use crate::world::World;

/// The port and the token of the API of this profile.
fn entrance(world: &World, profile: &str) -> (u16, String) {
    let file = world.folder.join("state/lsnp").join(profile).join("api.toml");
    let file: toml::Table = std::fs::read_to_string(file).unwrap().parse().unwrap();
    (file["port"].as_integer().unwrap().try_into().unwrap(), file["token"].as_str().unwrap().to_owned())
}

/// The status line and the rest of the answer, with this header.
fn get(port: u16, path: &str, header: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn write(file: &Path, text: &[u8]) {
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

#[test]
fn the_port_of_the_page_stays_over_a_restart() {
    let world = World::new();
    let alice = world.daemon("alice");
    let (port, token) = entrance(&world, "alice");
    assert!(get(port, "/", "").starts_with("HTTP/1.1 200"));
    alice.signals(Signal::TERM);
    assert_eq!(alice.ends_within(SOON), Some(0));
    let _alice = world.daemon("alice");
    let again = entrance(&world, "alice");
    assert_eq!(again.0, port);
    assert_ne!(again.1, token);
    assert!(get(port, "/api/status", &format!("X-Peer-Token: {token}\r\n")).starts_with("HTTP/1.1 401"));
}

#[test]
fn metrics_are_open_where_the_user_says_so() {
    let world = World::new();
    let _alice = world.daemon("alice");
    let (port, _) = entrance(&world, "alice");
    assert!(get(port, "/metrics", "").starts_with("HTTP/1.1 401"));
    write(&world.folder.join("config/lsnp/profiles/bob.toml"), b"metrics = \"open\"\n");
    let _bob = world.daemon("bob");
    let (port, _) = entrance(&world, "bob");
    let answer = get(port, "/metrics", "");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\nlsnp_peers{"), "{answer}");
    assert!(get(port, "/api/status", "").starts_with("HTTP/1.1 401"));
}

#[test]
fn what_a_page_shows_is_not_told_at_the_prompt() {
    let world = World::new();
    write(&world.folder.join("bob.png"), b"\x89PNG\r\n\x1a\nof bob");
    let mut bob = world.piped("bob");
    bob.types("AVATAR bob.png");
    bob.has("Your picture is");
    let mut alice = world.piped_with(&["--profile", "alice", "--name", "alice"]);
    alice.has("bob");
    let (port, token) = entrance(&world, "alice");
    let header = format!("X-Peer-Token: {token}\r\n");
    let name = loop {
        let peers = get(port, "/api/peers", &header);
        if let Some((_, rest)) = peers.split_once("\"picture\":\"") {
            break rest.split('"').next().unwrap().to_owned();
        }
    };
    let answer = get(port, &format!("/avatars/{name}"), &header);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("of bob"), "{answer}");
    // The user asks: then it is told.
    alice.types("AVATAR bob");
    alice.has("has a picture");
    alice.hangs_up();
    let (_, shown) = alice.ends_within(SOON);
    assert_eq!(shown.matches("has a picture").count(), 1, "{shown}");
}

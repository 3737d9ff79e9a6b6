//! `api.toml`: who can read it, and what is made of one that is left over.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use lsnp::web::{Client, ClientError};

use crate::world::{Scratch, free_port, start};

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

//! Values that nobody has to get twice.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use lsnp::peer::{Cache, Error, Place, ValueHash};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::world::{PATIENCE, builder, free_port, started, two};

const TTL: Duration = Duration::from_secs(300);

#[tokio::test]
async fn a_value_comes_from_somebody_who_is_trusted_and_from_nobody_else() {
    let [alice, bob] = two().await;
    let (ours, theirs) = (alice.cache("owner/repo"), bob.cache("owner/repo"));
    let hash = theirs.put("index", &b"what it says"[..], TTL).await.unwrap();
    assert_eq!(hash, ValueHash::of(b"what it says"));
    assert_eq!(theirs.get("index").await.unwrap().map(|found| found.place), Some(Place::Here));
    assert_eq!(ours.get("index").await.unwrap(), None, "nobody verified anybody");

    alice.verify("bob").await.unwrap();
    bob.verify("alice").await.unwrap();
    let found = ours.get("index").await.unwrap().unwrap();
    assert_eq!((&*found.value, found.hash, found.by), (&b"what it says"[..], hash, bob.key()));
    assert_eq!(found.place, Place::Peer(bob.key()));
    assert!(found.ttl <= TTL && found.ttl > TTL / 2, "{:?}", found.ttl);
    // It is here as soon as it is on the disk.
    let kept = async { while ours.get("index").await.unwrap().map(|found| found.place) != Some(Place::Here) {} };
    timeout(PATIENCE, kept).await.unwrap();
    assert_eq!(alice.cache("owner/other").get("index").await.unwrap(), None, "another project");

    let stats = ours.stats().await.unwrap();
    assert_eq!((stats.hits, stats.misses), (1, 2));
    assert!(stats.peer_hits >= 1, "{stats:?}");
    assert_eq!(ours.forget(Some("index")).await.unwrap(), 1);
    assert_eq!(ours.forget(None).await.unwrap(), 0);
    let error = ours.put("large", vec![0; (1 << 20) + 1], TTL).await.unwrap_err();
    assert!(matches!(error, Error::Data(_)), "{error}");
}

#[tokio::test]
async fn a_mebibyte_comes_whole() {
    let [alice, bob] = two().await;
    alice.verify("bob").await.unwrap();
    bob.verify("alice").await.unwrap();
    // By a stream where that is built in; what is smaller by datagrams.
    let size = if cfg!(feature = "streams") { 1 << 20 } else { 60 << 10 };
    let value: Vec<u8> = (0..size).map(|at: u32| at.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    bob.cache("").put("large", value.clone(), TTL).await.unwrap();
    assert_eq!(*alice.cache("").get("large").await.unwrap().unwrap().value, *value);
}

#[tokio::test]
async fn of_all_who_want_it_one_makes_it() {
    let port = free_port();
    let peers = started(["alice", "bob", "carol"].map(|name| builder(name, port).group("a secret of three"))).await;
    let (runs, open) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    let want = |cache: Cache| {
        let (runs, open) = (Arc::clone(&runs), Arc::clone(&open));
        tokio::spawn(async move {
            let make = || async move {
                runs.fetch_add(1, Ordering::SeqCst);
                open.notified().await;
                Ok::<_, io::Error>(b"made".to_vec())
            };
            cache.get_or_make("slow", TTL, make).await.unwrap()
        })
    };
    let wanting: Vec<_> = peers.iter().map(|peer| want(peer.cache("p"))).collect();
    open.notify_one();
    for want in wanting {
        assert_eq!(*want.await.unwrap(), *b"made");
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_cannot_make_it_lets_the_next_one() {
    let port = free_port();
    let [alice, bob] = started(["alice", "bob"].map(|name| builder(name, port).group("a secret of two"))).await;
    let fail = || async { Err::<Vec<u8>, _>(io::Error::other("no network")) };
    let error = alice.cache("").get_or_make("it", TTL, fail).await.unwrap_err();
    assert!(matches!(&error, Error::NotMade(cause) if cause.to_string() == "no network"), "{error}");
    // Somebody who makes it, and is stopped.
    let stopped = alice.cache("");
    let begun = Arc::new(Notify::new());
    let begin = Arc::clone(&begun);
    let making = tokio::spawn(async move {
        let make = || async move {
            begin.notify_one();
            std::future::pending::<Result<Vec<u8>, io::Error>>().await
        };
        stopped.get_or_make("it", TTL, make).await.map(drop)
    });
    begun.notified().await;
    making.abort();
    let made = bob.cache("").get_or_make("it", TTL, || async { Ok::<_, io::Error>(b"bob's".to_vec()) }).await.unwrap();
    assert_eq!(*made, *b"bob's");
    assert_eq!(*alice.cache("").get("it").await.unwrap().unwrap().value, *b"bob's");
}

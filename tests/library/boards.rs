//! The board of progress.

use super::world::{PATIENCE, builder, folder, free_port, next, started};
use lsnp::peer::{Error, Event, Peer};

/// User, lesson and status of each line.
async fn lines(peer: &Peer) -> Vec<String> {
    let entries = peer.board().await.unwrap();
    entries.iter().map(|e| format!("{} {} {}", e.progress.user, e.progress.lesson, e.progress.status)).collect()
}

async fn shows(peer: &Peer, wanted: &[&str]) {
    let mut told = peer.watch_progress();
    let search = async {
        while lines(peer).await != wanted {
            told.next().await.unwrap();
        }
    };
    assert!(tokio::time::timeout(PATIENCE, search).await.is_ok(), "{wanted:?}: {:?}", lines(peer).await);
}

#[tokio::test]
async fn progress_is_told_and_stays_on_all_boards() {
    let (port, home) = (free_port(), folder());
    let bob = || builder("bob", port).folder(home.path());
    let [alice, first] = started([builder("alice", port), bob()]).await;
    let (mut events, mut told) = (first.events(), first.watch_progress());
    assert_eq!(alice.tell_progress("fatuma", "lesson-001", "started").await.unwrap(), 1);
    let entry = next(&mut told, "progress", Some).await;
    assert_eq!((entry.by, entry.progress.status.as_str()), (alice.key(), "started"));
    next(&mut events, "progress", |event| matches!(event, Event::Progress(_)).then_some(())).await;
    // Bob knew of the one, so his comes after it, whatever his clock says.
    first.tell_progress("fatuma", "lesson-001", "completed").await.unwrap();
    first.tell_progress("ali", "lesson-002", "started").await.unwrap();
    let both = ["ali lesson-002 started", "fatuma lesson-001 completed"];
    shows(&alice, &both).await;
    shows(&first, &both).await;

    first.leave().await;
    alice.tell_progress("ali", "lesson-002", "completed").await.unwrap();
    let again = bob().start().await.unwrap();
    let carol = builder("carol", port).start().await.unwrap();
    let newest = ["ali lesson-002 completed", "fatuma lesson-001 completed"];
    for peer in [&again, &carol] {
        shows(peer, &newest).await;
    }
    let error = alice.tell_progress("", "lesson", "status").await.unwrap_err();
    assert!(matches!(error, Error::Data(_)), "{error}");
}

#[tokio::test]
async fn what_is_told_to_one_is_on_its_board_only() {
    let port = free_port();
    let [alice, bob, carol] = started(["alice", "bob", "carol"].map(|name| builder(name, port))).await;
    let mut told = bob.watch_progress();
    alice.tell_progress_to("bob", "fatuma", "lesson-001", "completed").await.unwrap();
    assert_eq!(next(&mut told, "progress", Some).await.progress.user, "fatuma");
    assert!(matches!(alice.tell_progress_to("dave", "a", "b", "c").await, Err(Error::Nobody(_))));
    drop(carol);
}

//! Lists that several edit.

use lsnp::data;
use lsnp::peer::{Change, Error, Event, Item, Peer, SharedList};

use super::world::{PATIENCE, builder, folder, free_port, next, started, two};

/// Waits for an invitation, and takes it.
async fn joined(peer: &Peer, list: &SharedList) -> SharedList {
    let mut events = peer.events();
    let told = |lists: Vec<lsnp::peer::Summary>| lists.iter().any(|summary| summary.id == list.id());
    if !told(peer.lists().await.unwrap()) {
        next(&mut events, "invitation", |event| match event {
            Event::Invited(summary) => (summary.id == list.id()).then_some(()),
            _ => None,
        })
        .await;
    }
    peer.join(list.id()).await.unwrap()
}

/// Waits until that is what the list says.
async fn says(list: &SharedList, wanted: &[&str]) -> Vec<Item> {
    let mut changes = list.watch();
    let search = async {
        loop {
            let items = list.items().await.unwrap();
            if items.iter().map(|item| item.text.as_str()).eq(wanted.iter().copied()) {
                return items;
            }
            changes.next().await.unwrap();
        }
    };
    match tokio::time::timeout(PATIENCE, search).await {
        Ok(items) => items,
        Err(_) => panic!("not {wanted:?}: {:?}", list.show().await),
    }
}

#[tokio::test]
async fn a_list_is_edited_by_two_and_the_same_at_both() {
    let [alice, bob] = two().await;
    let party = alice.new_list("party").await.unwrap();
    assert!(matches!(bob.list(party.id()).await, Err(Error::Data(data::Error::Unknown { .. }))));
    party.invite("bob").await.unwrap();
    let bobs = joined(&bob, &party).await;
    let mut changes = party.watch();

    let one = party.add("one").field("artist", "somebody").await.unwrap();
    says(&bobs, &["one"]).await;
    let two = bobs.add("two").at(0).await.unwrap();
    let items = says(&party, &["two", "one"]).await;
    assert_eq!((items[0].id, items[0].by, items[1].id, items[1].by), (two, bob.key(), one, alice.key()));
    assert_eq!(items[1].fields.get("artist").map(String::as_str), Some("somebody"));
    next(&mut changes, "bob's edit", |change| {
        matches!(change.change, Change::Added { item, .. } if item == two && change.by == bob.key()).then_some(())
    })
    .await;

    bobs.move_to(two, 9).await.unwrap();
    says(&party, &["one", "two"]).await;
    party.set(two, "TWO").await.unwrap();
    party.set_field(two, "artist", Some("nobody")).await.unwrap();
    says(&bobs, &["one", "TWO"]).await;
    bobs.remove(one).await.unwrap();
    says(&party, &["TWO"]).await;
    bobs.undo().await.unwrap();
    let items = says(&party, &["one", "TWO"]).await;
    assert_eq!(items[0].fields.get("artist").map(String::as_str), Some("somebody"), "as it was");
    assert_ne!(items[0].id, one, "a new edit, so a new item");

    assert!(party.log(100).await.unwrap().iter().any(|entry| entry.undone && entry.by == bob.key()));
    assert_eq!(alice.list("party").await.unwrap().id(), party.id());
    let error = alice.list("other").await.unwrap_err();
    assert!(matches!(error, Error::Data(data::Error::Unknown { .. })), "{error}");
    bobs.leave().await.unwrap();
    assert!(bob.lists().await.unwrap().iter().all(|list| list.standing != lsnp::data::list::Standing::Joined));
}

#[tokio::test]
async fn a_list_open_to_all_survives_a_start_anew() {
    let (port, home) = (free_port(), folder());
    let alice = || builder("alice", port).folder(home.path());
    let [first, bob] = started([alice(), builder("bob", port)]).await;
    let party = first.new_list("party").await.unwrap();
    party.invite_all().await.unwrap();
    party.add("one").await.unwrap();
    let bobs = joined(&bob, &party).await;
    says(&bobs, &["one"]).await;
    first.leave().await;

    bobs.add("two").await.unwrap();
    let again = alice().start().await.unwrap();
    let party = again.list("party").await.unwrap();
    says(&party, &["one", "two"]).await;
    party.add("three").await.unwrap();
    says(&bobs, &["one", "two", "three"]).await;
}

//! Hostile edits, and the figures that one edit must keep to.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::Instant;
use crate::wire::PublicKey;

use super::document::{item_id, replica_id};
use super::replica::{Replica, Taken};
use super::span::{Body, Edit, Heads, Op, Place, Statement, What};
use super::{ItemId, ListId};

const ME: PublicKey = PublicKey([1; 32]);
const BOB: PublicKey = PublicKey([2; 32]);
const EVE: PublicKey = PublicKey([3; 32]);
const LIST: ListId = ListId([9; 16]);

fn take(replica: &mut Replica, author: PublicKey, body: &Body) -> Taken {
    let mut body = body.clone();
    if let Body::Edit(Edit { place, .. }) | Body::Statement(Statement { place, .. }) = &mut body {
        place.before =
            replica.chains.get(&(author, place.epoch)).map_or(0, |chain| chain.check(place.n.saturating_sub(1)));
    }
    let bytes = match &body {
        Body::Edit(edit) => edit.encode(),
        Body::Statement(statement) => statement.encode(),
        Body::Heads(heads) => heads.encode(),
        Body::Hashes(_) => Vec::new(),
    };
    let body = Body::decode(&bytes).expect("it is of the form");
    let bytes: Arc<[u8]> = bytes.into();
    let taken = replica.take(author, &body, (&bytes, &bytes), &mut Vec::new(), Instant::BIRTH);
    replica.settle();
    taken
}

fn place(epoch: u32, n: u32) -> Place {
    Place { list: LIST, epoch, n, before: 0, at: 1_728_938_500 }
}

fn say(epoch: u32, n: u32, what: What) -> Body {
    let list = if matches!(what, What::Create(_)) { ListId([0; 16]) } else { LIST };
    Body::Statement(Statement { place: Place { list, ..place(epoch, n) }, order: n, what })
}

fn edit(epoch: u32, n: u32, deps: &[(u64, u32)], op: Op) -> Body {
    Body::Edit(Edit { place: place(epoch, n), deps: deps.to_vec(), undoes: None, op })
}

fn adds(pos: u32) -> Op {
    Op::Add { pos, text: format!("item {pos}"), fields: BTreeMap::new() }
}

/// A list of ours with three items, in which Bob takes part.
fn party() -> Replica {
    let mut replica = Replica::new(LIST, ME, Instant::BIRTH);
    assert_eq!(take(&mut replica, ME, &say(1, 1, What::Create("party".into()))), Taken::New);
    assert_eq!(take(&mut replica, ME, &say(1, 2, What::Invite(BOB))), Taken::New);
    assert_eq!(take(&mut replica, BOB, &say(5, 1, What::Join)), Taken::New);
    for n in 1..=3 {
        assert_eq!(take(&mut replica, ME, &edit(2, n, &[], adds(n - 1))), Taken::New);
    }
    assert_eq!(replica.document.order().len(), 3);
    replica
}

fn ours() -> u64 {
    replica_id(&LIST, &(ME, 2))
}

#[test]
fn strangers_may_say_nothing() {
    let mut replica = party();
    for body in [
        edit(2, 1, &[], adds(0)),
        say(1, 1, What::Invite(EVE)),
        say(1, 1, What::Open),
        say(1, 1, What::Join),
        say(1, 1, What::Leave),
        say(1, 1, What::Create("mine".into())),
    ] {
        assert_eq!(take(&mut replica, EVE, &body), Taken::Refused, "{body:?}");
    }
    assert_eq!((replica.refused, replica.document.order().len()), (6, 3));
    assert!(!replica.chains.keys().any(|(author, _)| *author == EVE), "nothing of it is held");
}

#[test]
fn an_edit_that_makes_the_library_fail_is_set_aside_and_the_list_is_rebuilt() {
    let mut replica = party();
    take(&mut replica, BOB, &edit(4, 1, &[(ours(), 2)], adds(0)));
    assert_eq!(replica.document.order().len(), 4);
    take(&mut replica, BOB, &edit(4, 2, &[], adds(200_000)));
    take(&mut replica, BOB, &edit(4, 3, &[], adds(0)));
    assert_eq!((replica.rebuilt, replica.refused), (1, 1));
    assert_eq!(replica.document.order().len(), 4, "what was good is there, what follows the bad one is not");
    take(&mut replica, ME, &edit(2, 4, &[], adds(0)));
    take(&mut replica, BOB, &edit(6, 1, &[], adds(0)));
    assert_eq!(
        (replica.rebuilt, replica.document.order().len()),
        (1, 6),
        "others go on, and so does Bob in a new chain"
    );
}

#[test]
fn edits_that_follow_nothing_known_wait() {
    let mut replica = party();
    let nobody = replica_id(&LIST, &(EVE, 2));
    take(&mut replica, BOB, &edit(4, 1, &[(nobody, 7)], adds(0)));
    let unknown = item_id(nobody, 1).0;
    take(&mut replica, BOB, &edit(6, 1, &[(ours(), 2)], Op::Move { item: unknown, from: 0, to: 1 }));
    take(&mut replica, BOB, &edit(8, 1, &[(ours(), 2)], Op::Remove { pos: 0, start: (nobody, 3) }));
    take(&mut replica, BOB, &edit(10, 1, &[(ours(), 3)], adds(0)));
    assert_eq!((replica.document.order().len(), replica.rebuilt), (3, 0));
    take(&mut replica, ME, &edit(2, 4, &[], adds(0)));
    assert_eq!(replica.document.order().len(), 5, "one of them waited for this");
}

#[test]
fn what_one_author_may_have_is_bounded() {
    let mut replica = party();
    for chain in 0..100 {
        take(&mut replica, BOB, &edit(chain * 2, 1, &[(ours(), 2)], adds(0)));
    }
    assert_eq!(replica.chains.keys().filter(|(author, epoch)| *author == BOB && epoch % 2 == 0).count(), 16);
    for n in 2..1_000 {
        take(&mut replica, BOB, &edit(0, n + 1, &[], adds(0)));
    }
    let chain = &replica.chains[&(BOB, 0)];
    assert_eq!(chain.len(), 1);
    assert!(chain.head(&BOB, 0).beyond != 0);
    let twice = edit(0, 1, &[(ours(), 2)], adds(1));
    assert_eq!(take(&mut replica, BOB, &twice), Taken::Later, "another one stands under its number");
}

#[test]
fn bodies_of_no_form_are_refused_without_a_panic() {
    let good = [
        edit(2, 1, &[(7, 8), (9, 10)], adds(0)),
        edit(2, 2, &[], Op::Remove { pos: 3, start: (4, 5) }),
        edit(2, 3, &[], Op::Set { item: 6, text: Some("new".into()), fields: BTreeMap::from([("f".into(), None)]) }),
        say(1, 1, What::Create("party".into())),
        say(1, 2, What::Invite(BOB)),
    ];
    for body in good {
        let bytes = match &body {
            Body::Edit(edit) => edit.encode(),
            Body::Statement(statement) => statement.encode(),
            Body::Heads(_) | Body::Hashes(_) => unreachable!(),
        };
        assert_eq!(Body::decode(&bytes), Some(body));
        for end in 0..bytes.len() {
            assert_eq!(Body::decode(&bytes[..end]), None);
        }
        for at in 0..bytes.len() {
            for value in 0..=255 {
                let mut other = bytes.clone();
                other[at] = value;
                let _ = Body::decode(&other);
            }
        }
        assert_eq!(Body::decode(&[&bytes[..], &[0]].concat()), None);
    }
    let refused = [
        edit(2, 1, &[(9, 10), (7, 8)], adds(0)),
        edit(3, 1, &[], adds(0)),
        edit(2, u32::MAX, &[], adds(0)),
        edit(2, 0, &[], adds(0)),
        edit(2, 1, &[], adds(u32::MAX)),
        edit(2, 1, &[], Op::Add { pos: 0, text: "x".repeat(2_001), fields: BTreeMap::new() }),
        edit(2, 1, &[], Op::Add { pos: 0, text: "a\nb".into(), fields: BTreeMap::new() }),
    ];
    for body in refused {
        let Body::Edit(edit) = body else { unreachable!() };
        assert_eq!(Body::decode(&edit.encode()), None, "{edit:?}");
    }
    let heads = Heads { list: LIST, whole: true, heads: Vec::new() };
    assert_eq!(Body::decode(&heads.encode()), Some(Body::Heads(heads)));
}

#[test]
fn an_item_is_named_by_who_added_it_alone() {
    let replica = party();
    let expected: Vec<ItemId> = (1..=3).map(|n| item_id(ours(), n)).collect();
    assert_eq!(replica.document.order(), expected);
}

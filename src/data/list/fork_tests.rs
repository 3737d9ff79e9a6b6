//! Authors who say two things under one number: in whatever order it is heard, the list is the same.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

use crate::engine::Instant;
use crate::wire::PublicKey;

use super::chain::Chain;
use super::document::{ChainId, replica_id};
use super::replica::Replica;
use super::span::{Body, Edit, Op, Place, Statement, What};
use super::{ItemId, ListId};

const ME: PublicKey = PublicKey([1; 32]);
const BOB: PublicKey = PublicKey([2; 32]);
const EVE: PublicKey = PublicKey([3; 32]);
const LIST: ListId = ListId([9; 16]);

/// What somebody said.
type Said = (PublicKey, Arc<[u8]>);

/// One after the other, upon what stands before it in a chain, from this time on.
fn says(all: &mut Vec<Said>, before: &[Said], chain: ChainId, at: u64, bodies: Vec<Body>) -> Vec<Said> {
    let mut held = Chain::default();
    for (_, bytes) in before {
        held.push(Arc::clone(bytes), Arc::clone(bytes));
    }
    let mut said = before.to_vec();
    for mut body in bodies {
        let n = held.len() + 1;
        let list = if n == 1 && chain.0 == ME && chain.1 == 1 { ListId([0; 16]) } else { LIST };
        let place = Place { list, epoch: chain.1, n, before: held.check(n - 1), at: at + u64::from(n) };
        let bytes: Arc<[u8]> = match &mut body {
            Body::Edit(edit) => {
                edit.place = place;
                edit.encode().into()
            }
            Body::Statement(said) => {
                said.place = place;
                said.encode().into()
            }
            Body::Heads(_) | Body::Hashes(_) => unreachable!(),
        };
        held.push(Arc::clone(&bytes), Arc::clone(&bytes));
        said.push((chain.0, Arc::clone(&bytes)));
        all.push((chain.0, bytes));
    }
    said
}

fn nowhere() -> Place {
    Place { list: LIST, epoch: 0, n: 1, before: 0, at: 0 }
}

fn states(what: What) -> Body {
    Body::Statement(Statement { place: nowhere(), order: 1, what })
}

fn adds(text: &str, deps: &[(u64, u32)]) -> Body {
    let op = Op::Add { pos: 0, text: text.into(), fields: BTreeMap::new() };
    Body::Edit(Edit { place: nowhere(), deps: deps.to_vec(), undoes: None, op })
}

/// The items, and what is held of each chain, when all of it is heard in some order, again and again.
fn heard(all: &[Said], seed: u64) -> (Vec<ItemId>, Vec<(ChainId, u64)>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut replica = Replica::new(LIST, ME, Instant::BIRTH);
    let mut now = Instant::BIRTH;
    let mut all = all.to_vec();
    for _ in 0..12 {
        all.shuffle(&mut rng);
        for (author, bytes) in &all {
            now = now + Duration::from_secs(3);
            let body = Body::decode(bytes).expect("it is of the form");
            replica.take(*author, &body, (bytes, bytes), &mut Vec::new(), now);
            replica.settle();
        }
    }
    // Somebody else had another outcome.
    replica.put_in_order(replica.hashes().edits);
    let chains = replica.chains.iter().filter(|(_, held)| held.len() > 0);
    (replica.document.order().to_vec(), chains.map(|(chain, held)| (*chain, held.check(held.len()))).collect())
}

#[test]
fn in_whatever_order_it_is_heard_the_list_is_the_same() {
    let all = &mut Vec::new();
    let ours = |n| (replica_id(&LIST, &(ME, 2)), n);
    let bobs = |n| (replica_id(&LIST, &(BOB, 4)), n);
    says(all, &[], (ME, 1), 100, vec![states(What::Create("party".into())), states(What::Invite(BOB))]);
    says(all, &[], (BOB, 5), 110, vec![states(What::Join)]);
    says(all, &[], (ME, 2), 100, vec![adds("one", &[]), adds("two", &[])]);
    let bob = (BOB, 4);
    let first = says(all, &[], bob, 200, vec![adds("a", &[ours(1)]), adds("b", &[]), adds("c", &[])]);
    says(all, &[], bob, 300, vec![adds("A", &[ours(1)]), adds("B", &[]), adds("C", &[]), adds("D", &[])]);
    let third = says(all, &first[..1], bob, 150, vec![adds("bb", &[])]);
    says(all, &first[..2], bob, 120, vec![adds("cc", &[]), adds("dd", &[])]);
    // Who follows what falls waits; who follows what stands does not.
    says(all, &[], (ME, 6), 400, vec![adds("after", &[bobs(0)]), adds("never", &[bobs(3)])]);

    let (items, chains) = heard(all, 0);
    assert_eq!(items.len(), 2 + 2 + 1, "two of ours, a and bb, and what follows a");
    assert!(chains.contains(&(bob, {
        let mut held = Chain::default();
        third.iter().for_each(|(_, bytes)| held.push(Arc::clone(bytes), Arc::clone(bytes)));
        held.check(2)
    })));
    for seed in 1..100 {
        assert_eq!(heard(all, seed), (items.clone(), chains.clone()), "seed {seed}");
    }
}

#[test]
fn who_was_let_in_by_what_falls_is_out_at_all() {
    let all = &mut Vec::new();
    let ours = |n| (replica_id(&LIST, &(ME, 2)), n);
    let created = says(all, &[], (ME, 1), 100, vec![states(What::Create("party".into()))]);
    says(all, &created, (ME, 1), 200, vec![states(What::Invite(EVE)), states(What::Open)]);
    says(all, &created, (ME, 1), 150, vec![states(What::Invite(BOB))]);
    // What creates a list stands against everything.
    says(all, &[], (ME, 7), 0, vec![states(What::Leave)]);
    says(all, &[], (ME, 2), 100, vec![adds("one", &[])]);
    for key in [BOB, EVE] {
        says(all, &[], (key, 5), 300, vec![states(What::Join)]);
        says(all, &[], (key, 4), 300, vec![adds("two", &[ours(0)])]);
    }
    let (items, chains) = heard(all, 0);
    assert_eq!(items.len(), 2);
    assert!(!chains.iter().any(|((author, _), _)| *author == EVE), "{chains:?}");
    for seed in 1..100 {
        assert_eq!(heard(all, seed), (items.clone(), chains.clone()), "seed {seed}");
    }
}

#[test]
fn places_that_nobody_has_make_no_difference() {
    let all = &mut Vec::new();
    let ours = |n| (replica_id(&LIST, &(ME, 2)), n);
    says(all, &[], (ME, 1), 100, vec![states(What::Create("party".into())), states(What::Open)]);
    for key in [BOB, EVE] {
        says(all, &[], (key, 5), 110, vec![states(What::Join)]);
    }
    says(all, &[], (ME, 2), 100, (0..4).map(|n| adds(&format!("{n}"), &[])).collect());
    let does = |op, deps: &[(u64, u32)]| Body::Edit(Edit { place: nowhere(), deps: deps.to_vec(), undoes: None, op });
    let first = super::document::item_id(replica_id(&LIST, &(ME, 2)), 1).0;
    let far = |pos| Op::Add { pos, text: "far".into(), fields: BTreeMap::new() };
    let mut hostile = vec![
        does(far(5), &[ours(3)]),
        does(far(200_000), &[ours(3)]),
        does(Op::Move { item: first, from: 7, to: 1 }, &[ours(1)]),
        does(Op::Remove { pos: 6, start: ours(0) }, &[ours(3)]),
    ];
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..6 {
        let [from, to, pos, n, dep] = std::array::from_fn(|_| rng.random_range(0..6));
        let item = super::document::item_id(replica_id(&LIST, &(ME, 2)), n % 4 + 1).0;
        hostile.push(does(Op::Move { item, from, to }, &[ours(dep % 4)]));
        hostile.push(does(Op::Remove { pos, start: ours(n % 4) }, &[ours(dep % 4)]));
    }
    for (n, bad) in hostile.into_iter().enumerate() {
        let all = &mut all.clone();
        says(all, &[], (BOB, 4), 200, vec![adds("b", &[ours(1)]), bad, adds("c", &[])]);
        says(all, &[], (EVE, 4), 200, vec![adds("x", &[ours(0)]), adds("y", &[]), adds("z", &[ours(3)])]);
        let same = heard(all, 0);
        let others = (1..5).filter(|seed| heard(all, *seed) != same).count();
        assert_eq!(others, 0, "with {n} the list is another one in so many orders");
    }
}

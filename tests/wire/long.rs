//! Bulk data in pieces.

use std::collections::BTreeMap;

use lsnp::wire::{Assembly, CHUNK_MAX, DATA_MAX, LONG_MAX, PieceHash, Pieces, Taken, list_levels};
use proptest::prelude::*;

/// The most that is put together: the longest body of a DATA, sealed.
const MOST: usize = DATA_MAX + 16;
/// Hashes in a full list.
const FAN: usize = 37;

fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|n| (n * 31 % 251) as u8 ^ (n >> 8) as u8).collect()
}

fn stock(bytes: &[u8]) -> (PieceHash, BTreeMap<PieceHash, Vec<u8>>) {
    let pieces = Pieces::cut(bytes).unwrap();
    (pieces.root(), pieces.into_pieces().into_iter().collect())
}

/// Fetches what is wanted until there is an end; also how many pieces that took.
fn assembled(root: PieceHash, size: usize, stock: &BTreeMap<PieceHash, Vec<u8>>) -> (Option<Vec<u8>>, usize) {
    let mut assembly = Assembly::new(root, size).unwrap();
    for taken in 0.. {
        let next = assembly.missing().last();
        let Some(piece) = next.and_then(|name| stock.get(&name)) else { return (None, taken) };
        match assembly.take(piece.clone()) {
            Taken::More => assert_eq!(assembly.take(piece.clone()), Taken::Stray, "the same again"),
            Taken::Whole(whole) => return (Some(whole), taken + 1),
            Taken::Broken => return (None, taken + 1),
            Taken::Stray => panic!("it was wanted"),
        }
    }
    unreachable!()
}

#[test]
fn the_pieces_of_any_size_are_put_together_again() {
    let list = CHUNK_MAX * FAN;
    for size in [1, 2, 599, 600, 601, 1_200, 20_480, list - 1, list, list + 1, 2 * list, LONG_MAX, MOST - 1, MOST] {
        let bytes = bytes(size);
        let (root, stock) = stock(&bytes);
        assert!(stock.values().all(|piece| !piece.is_empty() && piece.len() <= CHUNK_MAX), "{size}");
        assert!(stock.iter().all(|(name, piece)| PieceHash::of(piece) == *name), "{size}");
        let (whole, taken) = assembled(root, size, &stock);
        assert!(whole == Some(bytes), "{size}");
        assert_eq!(taken, stock.len(), "{size}: each piece once");
        assert_eq!(list_levels(size), if size <= list { 1 } else { 2 }, "{size}");
    }
}

#[test]
fn equal_pieces_are_fetched_once() {
    for size in [2 * CHUNK_MAX, 100 * CHUNK_MAX + 7, MOST] {
        let (root, stock) = stock(&vec![b' '; size]);
        let (whole, taken) = assembled(root, size, &stock);
        assert!(whole == Some(vec![b' '; size]), "{size}");
        assert!(taken <= 6, "{taken} pieces");
    }
}

#[test]
fn one_list_names_the_pieces_of_an_avatar() {
    let bytes = bytes(20_480);
    let manifest: Vec<u8> = bytes.chunks(CHUNK_MAX).flat_map(|piece| PieceHash::of(piece).0).collect();
    let (root, stock) = stock(&bytes);
    assert_eq!(root, PieceHash::of(&manifest));
    assert_eq!(stock.get(&root), Some(&manifest));
}

#[test]
fn nothing_and_too_much_is_never_put_together() {
    let root = PieceHash([1; 16]);
    assert!(Pieces::cut(b"").is_none());
    for (size, good) in [(0, false), (1, true), (MOST, true), (MOST + 1, false), (usize::MAX, false)] {
        assert_eq!(Assembly::new(root, size).is_some(), good, "{size}");
    }
}

#[test]
fn what_nobody_wants_changes_nothing() {
    let bytes = bytes(30_000);
    let (root, stock) = stock(&bytes);
    let mut assembly = Assembly::new(root, 30_000).unwrap();
    assert_eq!(assembly.take(Vec::new()), Taken::Stray);
    for (_, piece) in stock.iter().filter(|(name, _)| **name != root) {
        assert_eq!(assembly.take(piece.clone()), Taken::Stray, "no list has named it");
    }
    assert_eq!(assembly.missing().collect::<Vec<_>>(), [root]);
    assert_eq!(assembly.take(stock[&root].clone()), Taken::More);
    assert_eq!(assembly.missing().count(), 2, "two lists");
    assert_eq!(assembly.take(stock[&root].clone()), Taken::Stray);
}

#[test]
fn a_piece_of_another_size_breaks_it_at_once() {
    for size in [1, 600, 601, 1_300, 22_200, 22_201, 50_000] {
        let (root, right) = stock(&bytes(size));
        for wrong in [size.saturating_sub(1), size + 1, size + CHUNK_MAX, size * 2] {
            if (1..=MOST).contains(&wrong) {
                assert_eq!(assembled(root, wrong, &right).0, None, "{size} bytes said to be {wrong}");
            }
        }
        let list = &right[&root];
        for torn in [&list[..list.len() - 1], &[list.as_slice(), &[0; 16]].concat(), &list[..list.len() / 2]] {
            if let Some(mut assembly) = Assembly::new(PieceHash::of(torn), size) {
                assert_eq!(assembly.take(torn.to_vec()), if torn.is_empty() { Taken::Stray } else { Taken::Broken });
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(100) })]

    #[test]
    fn any_order_and_any_strays_will_do(
        size in prop_oneof![1..=MOST, 1..3_000_usize], order: u64, strays in prop::collection::vec(any::<Vec<u8>>(), 0..20),
    ) {
        let bytes = bytes(size);
        let (root, stock) = stock(&bytes);
        let mut assembly = Assembly::new(root, size).unwrap();
        let mut strays = strays.into_iter();
        let mut step = order;
        loop {
            let wanted: Vec<PieceHash> = assembly.missing().collect();
            prop_assert!(!wanted.is_empty());
            step = step.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let name = wanted[(step >> 33) as usize % wanted.len()];
            if let Some(stray) = strays.next() && !stock.contains_key(&PieceHash::of(&stray)) {
                prop_assert_eq!(assembly.take(stray), Taken::Stray);
            }
            match assembly.take(stock[&name].clone()) {
                Taken::More => {}
                Taken::Whole(whole) => {
                    prop_assert!(whole == bytes);
                    break;
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn lists_that_lie_never_end_well_and_never_badly(
        size in 1..=MOST, lists in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..=CHUNK_MAX), 1..5),
        repeats in 1..60_usize,
    ) {
        // A list that names itself or anything else cannot be made, but what it names can be chosen.
        let mut stock: BTreeMap<PieceHash, Vec<u8>> = lists.iter().map(|list| (PieceHash::of(list), list.clone())).collect();
        let named: Vec<u8> = stock.keys().flat_map(|name| name.0).collect();
        let list = named.repeat(repeats)[..].chunks(CHUNK_MAX).next().unwrap().to_vec();
        let root = PieceHash::of(&list);
        stock.insert(root, list);
        if let (Some(whole), taken) = assembled(root, size, &stock) {
            prop_assert_eq!(whole.len(), size);
            prop_assert!(taken <= 200);
        }
    }
}

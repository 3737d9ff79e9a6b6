//! Names that look alike never stand alone.

use super::*;
use crate::engine::sample::{Sample, key};

fn hex(number: u64) -> String {
    key(number).fingerprint().hex()
}

/// Two numbers whose keys have fingerprints that begin with the same 4 digits.
fn twins() -> (u64, u64) {
    let mut seen = HashMap::new();
    (0..).find_map(|n| seen.insert(hex(n)[..4].to_owned(), n).map(|before| (before, n))).unwrap()
}

#[test]
fn a_name_alone_stands_without_digits() {
    let mut lan = Sample::new();
    let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Known);
    let carl = lan.older("carl", [10, 0, 0, 3]);
    let names = Names::of(lan.peers());
    assert_eq!((names.label(&lan.get(bob)), names.short(&lan.get(bob))), ("bob".into(), "bob".into()));
    assert_eq!(names.speaker(&lan.get(bob)), "bob");
    assert_eq!(
        (names.label(&lan.get(carl)), names.speaker(&lan.get(carl))),
        ("carl".into(), "carl (unverified)".into())
    );
    assert_eq!(names.typed(&lan.get(bob)), format!("bob#{}", &hex(1)[..4]));
    assert_eq!(names.typed(&lan.get(carl)), "carl@10.0.0.3");
}

#[test]
fn names_that_look_alike_carry_what_tells_them_apart() {
    let mut lan = Sample::new();
    let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Known);
    let mut names = Names::of(lan.peers());
    let mallory = lan.signed("mallory", [10, 0, 0, 3], key(2), Trust::Known);
    let older = lan.older("BOB", [10, 0, 0, 4]);
    lan.call(mallory, "b\u{43e}b");
    for id in [mallory, older] {
        names.learn(&Event::Here(lan.get(id)));
    }
    assert_eq!(names.label(&lan.get(bob)), format!("bob#{}", &hex(1)[..4]));
    assert_eq!(names.label(&lan.get(mallory)), format!("b\u{43e}b#{}", &hex(2)[..4]));
    assert_eq!(names.label(&lan.get(older)), "BOB (BOB@10.0.0.4)");
    assert_eq!(
        (names.short(&lan.get(older)), names.speaker(&lan.get(older))),
        ("BOB".into(), "BOB (BOB@10.0.0.4, unverified)".into())
    );
    let others = [mallory, older].map(|id| lan.get(id));
    lan.block(mallory);
    names.learn(&Event::Profile(lan.get(mallory)));
    lan.gone(older);
    names.learn(&Event::Gone(others[1].clone()));
    assert_eq!(names.label(&lan.get(bob)), "bob", "nothing is heard of the others any more");
    assert_eq!(names.label(&others[0]), format!("b\u{43e}b#{}", &hex(2)[..4]));
    lan.call(bob, "Robert");
    names.learn(&Event::Profile(lan.get(bob)));
    assert_eq!(names.label(&lan.get(mallory)), "b\u{43e}b", "the other one has another name");
}

#[test]
fn digits_go_on_until_they_differ() {
    let (one, two) = twins();
    let mut lan = Sample::new();
    let ids = [one, two].map(|n| lan.signed("bob", [10, 0, 1, n as u8], key(n), Trust::Known));
    let names = Names::of(lan.peers());
    let labels = ids.map(|id| names.label(&lan.get(id)));
    let alike = hex(one).bytes().zip(hex(two).bytes()).take_while(|(a, b)| a == b).count();
    assert!(alike >= 4);
    assert_eq!(labels, [one, two].map(|n| format!("bob#{}", &hex(n)[..=alike])));
    for (id, label) in ids.iter().zip(&labels) {
        let (who, _) = crate::engine::Who::split(label).unwrap();
        assert_eq!(who.resolve(&lan.peers()).unwrap().id(), *id);
    }
}

#[test]
fn who_takes_our_name_or_what_stands_around_names_is_marked() {
    let mut lan = Sample::new();
    let mut names = Names::of(lan.peers());
    let crate::engine::Reply::Me(me) = lan.engine.handle_command(crate::engine::Command::WhoAmI, lan.now).unwrap()
    else {
        panic!()
    };
    names.me(&me);
    let odd =
        ["\u{410}lice", "bob#7f3a", "bob (bob@10.0.0.2)", "bob to you", "bob: hi", "bob, private", "\u{ff03}7f3a"];
    for (n, name) in (2..).zip(odd) {
        let id = lan.signed("mallory", [10, 0, 0, n], key(n.into()), Trust::Known);
        lan.call(id, name);
        assert_eq!(names.label(&lan.get(id)), format!("{name}#{}", &hex(n.into())[..4]));
    }
    let new = lan.signed("carl", [10, 0, 0, 99], key(99), Trust::Changed);
    assert_eq!(names.label(&lan.get(new)), format!("carl#{}", &hex(99)[..4]), "also alone");
}

#[test]
fn what_can_be_typed_means_nobody_else() {
    let mut lan = Sample::new();
    let named = [
        "bob",
        "Bob The Second",
        "say \"hi\"",
        "b\u{43e}b",
        "#7f3a",
        "x\u{a0}y",
        "a very long name that goes on and on and on",
    ];
    let mut ids = Vec::new();
    for (n, name) in (0..).zip(named) {
        let id = lan.signed("mallory", [10, 0, 1, n], key(n.into()), Trust::Known);
        lan.call(id, name);
        ids.push(id);
        ids.push(lan.older(name, [10, 0, 2, n]));
    }
    let names = Names::of(lan.peers());
    for id in ids {
        let typed = names.typed(&lan.get(id));
        let found = crate::engine::find(&typed, lan.peers().snapshot(), |_| true).map(|peer| peer.id());
        assert_eq!(found.ok(), Some(id), "{typed}");
    }
}

#[test]
fn a_flood_of_look_alikes_costs_no_search() {
    let mut lan = Sample::new();
    let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Verified);
    for n in 0..20_000_u32 {
        let [_, a, b, c] = n.to_be_bytes();
        lan.newcomer("bob", [10, 1 + a, b, c]);
    }
    let names = Names::of(lan.peers());
    let bob = lan.get(bob);
    // A search among all would take minutes.
    for _ in 0..20_000 {
        assert_eq!(names.label(&bob).len(), 8);
    }
}

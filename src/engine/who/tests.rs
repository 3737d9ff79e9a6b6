use super::*;
use crate::engine::sample::{Sample, key};
use crate::engine::{PeerId, Trust};

fn find(sample: &Sample, typed: &str) -> Result<PeerId, Vec<PeerId>> {
    let (who, rest) = Who::split(typed).unwrap();
    assert_eq!(rest, "");
    match who.resolve(&sample.peers()) {
        Ok(peer) => Ok(peer.id()),
        Err(WhoError::Nobody) => Err(Vec::new()),
        Err(WhoError::Ambiguous(peers)) => Err(peers.iter().map(Peer::id).collect()),
    }
}

fn hex(number: u64) -> String {
    key(number).fingerprint().hex()
}

#[test]
fn a_name_that_looks_the_same_is_never_guessed() {
    for other in ["bob", "Bob", "BOB", "b\u{43e}b", "b\u{200b}ob", "\u{ff42}ob", "b ob"] {
        let mut lan = Sample::new();
        let one = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Known);
        let two = lan.signed("mallory", [10, 0, 0, 3], key(2), Trust::Known);
        lan.call(two, other);
        assert_eq!(find(&lan, "bob"), Err(vec![one, two]), "{other:?}");
        assert_eq!(find(&lan, "bob@10.0.0.2"), Ok(one), "{other:?}");
    }
}

#[test]
fn digits_of_the_fingerprint_name_one_of_two() {
    let mut lan = Sample::new();
    let one = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Known);
    let two = lan.signed("bob", [10, 0, 0, 3], key(2), Trust::Known);
    let older = lan.older("bob", [10, 0, 0, 4]);
    lan.call(two, "Bob B.");
    assert_eq!(find(&lan, "bob"), Err(vec![one, two, older]));
    for (number, id) in [(1, one), (2, two)] {
        for digits in [4, 7, 32] {
            assert_eq!(find(&lan, &format!("bob#{}", &hex(number)[..digits])), Ok(id));
            assert_eq!(find(&lan, &format!("#{}", &hex(number)[..digits])), Ok(id));
            assert_eq!(find(&lan, &format!("#{}", hex(number)[..digits].to_uppercase())), Ok(id));
        }
        assert_eq!(find(&lan, &format!("bob#{}", &hex(number)[..3])), Err(vec![]));
    }
    assert_eq!(find(&lan, &format!("\"Bob B.#{}\"", &hex(2)[..4])), Ok(two));
    assert_eq!(find(&lan, &format!("charlie#{}", &hex(2)[..4])), Err(vec![]));
    assert_eq!(find(&lan, "bob#0000"), Err(vec![]));
}

#[test]
fn who_is_called_like_a_fingerprint_takes_nobodys_place() {
    let mut lan = Sample::new();
    let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Known);
    let fake = format!("bob#{}", &hex(1)[..4]);
    let mallory = lan.older(&fake, [10, 0, 0, 3]);
    assert_eq!(find(&lan, &fake), Ok(bob));
    lan.gone(bob);
    assert_eq!(find(&lan, &fake), Ok(mallory), "a name like any other");
}

#[test]
fn a_shared_name_means_the_one_that_is_verified() {
    let mut lan = Sample::new();
    let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Verified);
    let other = lan.signed("BOB", [10, 0, 0, 3], key(2), Trust::Changed);
    let third = lan.older("b\u{43e}b", [10, 0, 0, 4]);
    assert_eq!(find(&lan, "bob"), Ok(bob));
    assert_eq!(find(&lan, "BOB"), Ok(bob), "also as the other one writes it");
    assert_eq!(find(&lan, "\"bob\""), Ok(bob));
    assert_eq!(find(&lan, "BOB@10.0.0.3"), Ok(other), "an id is exact");
    let begun = find(&lan, "bo").unwrap_err();
    assert!(begun.contains(&bob) && begun.contains(&other), "a beginning is no name");
    let two = lan.signed("bob", [10, 0, 0, 5], key(3), Trust::Verified);
    let mut found = find(&lan, "bob").unwrap_err();
    found.sort();
    assert_eq!(found, [bob, other, third, two], "two are verified");
}

#[test]
fn a_name_with_an_at_sign_is_no_id() {
    let mut lan = Sample::new();
    let mallory = lan.older("bob@10.0.0.2", [10, 0, 0, 3]);
    lan.call(mallory, "bob@10.0.0.2");
    assert_eq!(find(&lan, "\"bob@10.0.0.2\""), Ok(mallory));
    let bob = lan.signed("bob", [10, 0, 0, 2], key(1), Trust::Known);
    assert_eq!(find(&lan, "bob@10.0.0.2"), Ok(bob));
    assert_eq!(find(&lan, "BOB@10.0.0.2"), Ok(bob));
}

#[test]
fn contacts_are_found_like_peers() {
    let mut contact = crate::engine::sample::contact("bob", 1);
    let one = contact.clone();
    contact.key = key(2);
    let found = |typed: &str, people: &[Contact]| {
        let (who, _) = Who::split(typed).unwrap();
        who.among(people.to_vec()).map(|contact| contact.key).map_err(|error| match error {
            WhoError::Nobody => 0,
            WhoError::Ambiguous(all) => all.len(),
        })
    };
    let both = [one.clone(), contact.clone()];
    assert_eq!(found("bob", &both), Err(2));
    assert_eq!(found("bob@10.0.0.9", &both), Err(2));
    assert_eq!(found(&format!("bob#{}", &hex(2)[..4]), &both), Ok(key(2)));
    contact.verified = true;
    assert_eq!(found("bob", &[one, contact]), Ok(key(2)));
    assert_eq!(found("carl", &both), Err(0));
}

#[test]
fn plain_names_look_like_their_letters() {
    for first in ' '..='~' {
        for second in ' '..='~' {
            let name = format!("{first}m{second}");
            assert_eq!(look(&name), blankless(&name));
        }
    }
    for (one, other) in [("Bob", "b\u{43e}b"), ("rn", "m"), ("I1", "ll"), ("a b", "ab"), ("\u{2713}bob", "bob")] {
        assert_eq!(look(one), look(other));
    }
    assert_ne!(look("bob"), look("rob"));
}

#[test]
fn of_several_at_one_address_each_is_named_by_its_id_too() {
    use crate::engine::{find, shown_id};
    let mut lan = Sample::new();
    let [bob, carol] = ["bob", "c\u{202e}arol"].map(|name| lan.older(name, [10, 0, 0, 2]));
    let peers = lan.peers().snapshot();
    let address = peers[0].address();
    assert!(peers.iter().all(|peer| peer.address() == address));
    let found = |typed: &str| match find(typed, lan.peers().snapshot(), |_| false) {
        Ok(peer) => vec![peer.id()],
        Err(WhoError::Nobody) => Vec::new(),
        Err(WhoError::Ambiguous(peers)) => peers.iter().map(Peer::id).collect(),
    };
    assert_eq!(found(&address.to_string()), [bob, carol]);
    for peer in &peers {
        assert_eq!(found(&format!("{address}/{}", shown_id(peer.raw_id()))), [peer.id()]);
    }
    assert_eq!(found(&format!("{address}/dave@10.0.0.2")), []);
    assert_eq!(found("10.0.0.3:1/bob@10.0.0.2"), []);
}

#[test]
fn who_shows_no_name_is_called_by_its_id() {
    let mut lan = Sample::new();
    for name in ["", "\u{3164}", "\u{200b}"] {
        let id = lan.older(name, [10, 0, 0, 2]);
        assert_eq!(lan.peers().get(id).unwrap().shown_name().as_str().trim(), "@10.0.0.2", "{name:?}");
    }
}

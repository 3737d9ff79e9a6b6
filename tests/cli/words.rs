//! One-shot commands that say something about somebody, and whether the next command knows.

use crate::world::{Ran, World};

fn alice(world: &World, args: &[&str]) -> Ran {
    world.ran(&[&["--profile", "alice", "--name", "alice"], args].concat(), b"")
}

fn trust(world: &World) -> String {
    alice(world, &["list", "--json"]).objects()[0]["trust"].as_str().unwrap().to_owned()
}

#[test]
fn digits_of_the_other_computer_verify_and_others_do_not() {
    let world = World::new();
    let _bob = world.daemon("bob");
    let shown = alice(&world, &["verify", "bob"]);
    assert_eq!((shown.status, shown.error.as_str()), (Some(0), ""), "{shown:?}");
    let digits = shown.out.trim();
    assert_eq!((digits.len(), digits.split(' ').count()), (71, 12), "{shown:?}");
    assert_eq!(trust(&world), "known", "what is only shown changes nothing");
    let theirs = world.ran(&["--profile", "bob", "verify", "alice", "--json"], b"");
    assert_eq!(theirs.objects()[0]["digits"], digits, "{theirs:?}");

    let short = alice(&world, &["verify", "bob", "12345"]);
    assert!(short.status == Some(2) && short.error.contains("That is 5 digits, and there are 60"), "{short:?}");
    let last = if digits.ends_with('1') { '2' } else { '1' };
    let wrong = alice(&world, &["verify", "bob", &format!("{}{last}", &digits[..70])]);
    assert!(wrong.status == Some(1) && wrong.error.contains("The digits differ"), "{wrong:?}");
    assert_eq!(trust(&world), "known");

    let groups: Vec<&str> = ["verify", "bob"].into_iter().chain(digits.split(' ')).collect();
    let right = alice(&world, &groups);
    assert!(right.status == Some(0) && right.out.starts_with("Verified: bob (bob@"), "{right:?}");
    assert_eq!(trust(&world), "verified", "also for the next command");
    let again = alice(&world, &["verify", "bob", &digits.replace(' ', ""), "--json"]);
    assert_eq!(again.objects()[0]["trust"], "verified", "{again:?}");
    assert_eq!(alice(&world, &["verify", "nobody"]).status, Some(3));
}

#[test]
fn who_is_blocked_or_muted_stays_so_until_it_is_ended() {
    let world = World::new();
    let _bob = world.daemon("bob");
    let is = |what: &str| alice(&world, &["list", "--all", "--json"]).objects()[0][what].as_bool().unwrap();
    for (word, end, what) in [("block", "unblock", "blocked"), ("mute", "unmute", "muted")] {
        let said = alice(&world, &[word, "bob"]);
        assert!(said.status == Some(0) && said.out.to_lowercase().starts_with(&format!("{what}: bob (")), "{said:?}");
        assert!(is(what));
        let ended = alice(&world, &[end, "bob", "--json"]);
        assert_eq!((ended.status, &ended.objects()[0][what]), (Some(0), &false.into()), "{ended:?}");
        assert!(!is(what));
    }
    assert_eq!(alice(&world, &["trust", "bob"]).status, Some(0));
    assert_eq!(alice(&world, &["block", "nobody"]).status, Some(3));
}

//! The data space beside the engine (protocol.md §11.1): who is there for it.

use std::time::Duration;

use lsnp::engine::{Command, Whom, Word};
use lsnp::sim::{Lan, ProgramId, Setup};

fn names(lan: &Lan, id: ProgramId) -> Vec<String> {
    let people = lan.space(id).unwrap().people();
    let mut names: Vec<String> = people.iter().map(|(_, here)| here.name.to_string()).collect();
    names.sort();
    names
}

fn two(seed: u64) -> (Lan, ProgramId, ProgramId) {
    let mut lan = Lan::new(seed);
    let hosts = lan.hosts(2);
    let alice = lan.start(hosts[0], Setup::named("alice").with_data());
    let bob = lan.start(hosts[1], Setup::named("bob").with_data());
    lan.run_for(Duration::from_secs(2));
    (lan, alice, bob)
}

#[test]
fn those_who_have_answered_are_there_and_others_are_not() {
    let mut lan = Lan::new(1);
    let hosts = lan.hosts(4);
    let alice = lan.start(hosts[0], Setup::named("alice").with_data());
    let bob = lan.start(hosts[1], Setup::named("bob").with_data());
    lan.start(hosts[2], Setup::named("carol"));
    lan.start(hosts[3], Setup::named("old").unsigned());
    lan.run_for(Duration::from_secs(2));
    assert_eq!((names(&lan, alice), names(&lan, bob)), (vec!["bob".to_owned()], vec!["alice".to_owned()]));
}

#[test]
fn who_leaves_or_starts_again_is_away_until_it_answers() {
    let (mut lan, alice, bob) = two(2);
    lan.leave(bob);
    lan.run_for(Duration::from_millis(100));
    assert_eq!(names(&lan, alice), [""; 0]);
    lan.restart(bob);
    lan.run_for(Duration::from_secs(2));
    assert_eq!(names(&lan, alice), ["bob"]);
    lan.restart(bob);
    lan.run_for(Duration::from_secs(2));
    assert_eq!((names(&lan, alice), names(&lan, bob)), (vec!["bob".to_owned()], vec!["alice".to_owned()]));
}

#[test]
fn who_falls_silent_is_away_and_back_when_it_is_heard() {
    let (mut lan, alice, bob) = two(3);
    lan.sleep(bob, Duration::from_secs(150));
    lan.run_for(Duration::from_secs(120));
    assert_eq!(names(&lan, alice), [""; 0]);
    lan.run_for(Duration::from_secs(60));
    assert_eq!(names(&lan, alice), ["bob"]);
}

#[test]
fn whom_the_user_blocks_is_away_and_whom_it_verifies_is_trusted() {
    let (mut lan, alice, bob) = two(4);
    let key = lan.disk(bob).key().unwrap();
    let judge = |word| Command::Judge { whom: Whom::Key(key), word };
    assert!(!lan.space(alice).unwrap().people().trusts(&key));
    lan.command(alice, judge(Word::Verify)).unwrap();
    assert!(lan.space(alice).unwrap().people().trusts(&key));
    lan.command(alice, judge(Word::Block)).unwrap();
    assert_eq!(names(&lan, alice), [""; 0]);
    lan.command(alice, judge(Word::Unblock)).unwrap();
    assert_eq!(names(&lan, alice), ["bob"]);
}

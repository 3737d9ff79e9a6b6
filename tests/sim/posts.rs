//! Where a post stands: POST_NO, PREV, SEEN, LAMPORT.

use lsnp::engine::Socket;
use lsnp::sim::{Frame, ProgramId};
use lsnp::wire::{Chain, PieceHash};

use super::run::{Run, millis, secs};
use super::signer::Signer;

/// The posts of a peer in order, each once.
fn posts(run: &Run, of: ProgramId) -> Vec<(Frame, Chain)> {
    let address = run.address(of);
    let mut posts: Vec<(Frame, Chain)> = Vec::new();
    for frame in run.frames().iter().filter(|frame| frame.from == address && frame.kind() == "POST") {
        let Some(chain) = Chain::of(&frame.payload).unwrap() else { continue };
        if posts.last().is_none_or(|(last, _)| last.payload != frame.payload) {
            posts.push((frame.clone(), chain));
        }
    }
    posts
}

pub(crate) fn place(number: u64, lamport: u64, prev: Option<PieceHash>) -> Vec<(&'static str, String)> {
    let mut fields = vec![("POST_NO", number.to_string()), ("LAMPORT", lamport.to_string())];
    fields.extend(prev.map(|prev| ("PREV", prev.to_string())));
    fields
}

/// A post that somebody signs by hand, at this place.
pub(crate) fn post_at(writer: &mut Signer, text: &str, place: &[(&str, String)]) -> Vec<u8> {
    let (label, id) = (writer.label.clone(), format!("{:016x}", writer.seq));
    let mut fields = vec![("USER_ID", label.as_str()), ("CONTENT", text), ("MESSAGE_ID", id.as_str())];
    fields.extend(place.iter().map(|(key, value)| (*key, value.as_str())));
    writer.says("POST", &fields)
}

#[test]
fn the_posts_of_one_are_numbered_without_gaps_and_name_the_one_before() {
    let (mut run, a, b) = Run::pair(1);
    for round in 0..30 {
        match round % 10 {
            4 => run.restart(b),
            8 => {
                run.leave(b);
                run.restart(b);
            }
            _ => {}
        }
        run.run_for(secs(3));
        run.post(b, &format!("post {round}"));
        if round % 3 == 0 {
            run.post(a, "in between");
        }
        run.run_for(millis(100));
    }
    let mut prev = None;
    for (number, (frame, chain)) in (1..).zip(posts(&run, b)) {
        assert_eq!((chain.number, chain.prev), (number, prev), "{:?}", String::from_utf8_lossy(&frame.payload));
        prev = Some(PieceHash::of(&frame.payload));
    }
    assert_eq!(posts(&run, b).len(), 30);
    assert_eq!(run.counters(a).forks, 0);
}

#[test]
fn a_post_that_nobody_hears_counts_as_well() {
    let mut run = Run::new(2);
    let hosts = run.hosts(2);
    let alone = run.peer(hosts[0], "alone");
    run.run_for(secs(5));
    run.post(alone, "to nobody");
    let other = run.peer(hosts[1], "other");
    run.run_for(secs(5));
    run.post(alone, "to somebody");
    run.run_for(secs(1));
    assert_eq!(posts(&run, alone)[0].1.number, 2);
    // Who comes later catches up.
    assert_eq!(run.texts(other), ["POST to nobody", "POST to somebody"]);
}

#[test]
fn a_kill_between_two_outputs_leaves_no_gap_and_no_fork() {
    let (mut run, a, b) = Run::pair(3);
    for round in 0..40 {
        run.kill_in(b, round % 6);
        let _ = run.command(b, lsnp::engine::Command::Post { text: format!("cut {round}") });
        run.run_for(millis(100));
        run.restart(b);
        run.run_for(secs(3));
        run.post(b, &format!("whole {round}"));
        run.run_for(millis(100));
    }
    assert_eq!(run.counters(a).forks, 0);
    let numbers: Vec<u64> = posts(&run, b).iter().map(|(_, chain)| chain.number).collect();
    assert!(numbers.windows(2).all(|two| two[0] < two[1]), "{numbers:?}");
    let stored = run.disk(b).posted();
    assert_eq!(stored.number, *numbers.last().unwrap());
}

#[test]
fn lamport_goes_beyond_all_that_was_seen() {
    let mut run = Run::new(4);
    let all = run.crowd(3);
    run.run_for(secs(10));
    let mut last = 0;
    for round in 0..20_usize {
        let one = all[round * 7 % 3];
        run.post(one, &format!("round {round}"));
        run.run_for(millis(100));
        let (_, chain) = posts(&run, one).pop().unwrap();
        assert_eq!(chain.lamport, last + 1);
        last = chain.lamport;
        if round > 0 {
            assert!(!chain.seen.is_empty() || chain.prev.is_some());
        }
        if round == 10 {
            run.restart(all[1]);
            run.run_for(secs(10));
        }
    }
    let newest = all.iter().map(|id| posts(&run, *id).pop().unwrap()).max_by_key(|(_, chain)| chain.lamport).unwrap();
    run.post(all[0], "at last");
    let (_, chain) = posts(&run, all[0]).pop().unwrap();
    let own = posts(&run, all[0]).len() >= 2 && chain.prev == Some(PieceHash::of(&newest.0.payload));
    assert!(own || chain.seen.contains(&PieceHash::of(&newest.0.payload)), "it names the newest");
}

#[test]
fn a_lamport_that_nothing_supports_is_not_believed() {
    let (mut run, a, b) = Run::pair(5);
    let mut liar = Signer::new(1, "liar", "10.0.200.7:8500".parse().unwrap());
    assert!(liar.meets(&mut run, a) && liar.meets(&mut run, b));
    run.post(b, "one");
    run.run_for(millis(100));
    for (number, lamport) in [(1, u64::MAX), (2, u64::MAX - 1), (3, 1 << 40)] {
        let bytes = post_at(&mut liar, "huge", &place(number, lamport, None));
        liar.sends(&mut run, a, &bytes);
        liar.sends(&mut run, b, &bytes);
    }
    run.post(a, "two");
    run.run_for(millis(100));
    let (_, chain) = posts(&run, a).pop().unwrap();
    assert!(chain.lamport <= 6, "{chain:?}");
    assert_eq!(run.texts(a).iter().filter(|text| *text == "POST huge").count(), 3, "they are shown all the same");
}

#[test]
fn another_post_at_the_same_place_is_a_fork_and_shown() {
    let (mut run, a, _) = Run::pair(6);
    let mut two = Signer::new(1, "two", "10.0.200.7:8500".parse().unwrap());
    assert!(two.meets(&mut run, a));
    for text in ["first", "second"] {
        let bytes = post_at(&mut two, text, &place(1, 1, None));
        two.sends(&mut run, a, &bytes);
        two.sends(&mut run, a, &bytes);
    }
    assert_eq!(run.texts(a), ["POST first", "POST second"]);
    assert_eq!(run.counters(a).forks, 1);
}

#[test]
fn the_place_of_a_post_that_makes_no_sense_harms_nobody() {
    let (mut run, a, b) = Run::pair(7);
    let mut odd = Signer::new(1, "odd", "10.0.200.7:8500".parse().unwrap());
    assert!(odd.meets(&mut run, a));
    let hash = PieceHash::of(b"x").to_string();
    let seen = [hash.as_str(); 20].join(",");
    for (number, lamport) in [("0", "0"), ("-1", "x"), ("18446744073709551616", "1"), ("18446744073709551615", "0")] {
        let fields = [
            ("POST_NO", number.to_owned()),
            ("LAMPORT", lamport.to_owned()),
            ("PREV", "no hash".to_owned()),
            ("SEEN", seen.clone()),
        ];
        let bytes = post_at(&mut odd, number, &fields);
        run.inject(odd.at, a, Socket::Unicast, &bytes);
    }
    assert_eq!(run.texts(a).len(), 4);
    run.post(a, "as before");
    run.run_for(millis(100));
    let (_, chain) = posts(&run, a).pop().unwrap();
    assert!(chain.lamport <= 3, "{chain:?}");
    assert_eq!(run.texts(b), ["POST as before"]);
}

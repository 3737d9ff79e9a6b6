//! Those who lie about posts: the history of the others is the same as without them, and they are sent little.

use std::collections::BTreeSet;

use lsnp::engine::{Event, Socket};
use lsnp::sim::ProgramId;
use lsnp::wire::{Carry, Extension, Numbers, PieceHash, PublicKey, Sid, Sync, Synced, UserId};

use super::forged::stranger;
use super::posts::{place, post_at};
use super::run::{Run, millis, secs};
use super::signer::Signer;

const EVERYBODY: (PublicKey, PublicKey) = (PublicKey([0; 32]), PublicKey([0xff; 32]));

/// A signed SYNC.
fn sync(liar: &mut Signer, what: Synced) -> Vec<u8> {
    let (label, sid) = (liar.label.clone(), Sid::parse(&liar.sid).unwrap());
    let mut out = Vec::new();
    let extension = Extension { sid: Some(sid), ..Extension::default() };
    Sync { from: UserId::new(&label).unwrap(), what }.encode(&extension, &mut out);
    liar.sign(out)
}

fn ask(liar: &mut Signer, have: Vec<Numbers>) -> Vec<u8> {
    sync(liar, Synced::Ask { span: EVERYBODY, have, last: u32::MAX, since: 0 })
}

fn all_of(author: PublicKey) -> Vec<Numbers> {
    vec![Numbers { author, ranges: vec![1..=u64::MAX - 1] }]
}

/// Bytes that went to this liar.
fn sent_to(run: &Run, liar: &Signer) -> usize {
    run.frames().iter().filter(|frame| frame.to.ip() == liar.at.ip()).map(|frame| frame.payload.len()).sum()
}

/// Peers that have posts, and somebody who answered them.
fn among_honest(seed: u64, posts: usize) -> (Run, Vec<ProgramId>, Signer) {
    let mut run = Run::new(seed);
    let all = run.crowd(4);
    run.run_for(secs(15));
    for n in 0..posts {
        run.post(all[n % 4], &format!("post {n}"));
        run.run_for(millis(200));
    }
    let mut liar = Signer::new(1, "liar", stranger());
    for id in &all {
        assert!(liar.meets(&mut run, *id));
    }
    (run, all, liar)
}

/// Keeps the liar on the list.
fn beat(run: &mut Run, all: &[ProgramId], liar: &mut Signer) {
    for id in all {
        let bytes = liar.announces(&[]);
        run.inject(liar.at, *id, Socket::Discovery, &bytes);
    }
}

#[test]
fn offers_of_posts_that_are_not_there_hold_up_nobody() {
    let (mut run, all, mut liar) = among_honest(1, 20);
    let victim = all[0];
    let nobody: Vec<PublicKey> = (100..110).map(|n| Signer::new(n, "x", stranger()).key()).collect();
    run.forget_frames();
    for round in 0..60 {
        if round % 20 == 0 {
            beat(&mut run, &all, &mut liar);
        }
        let bytes = ask(&mut liar, all_of(nobody[round % 10]));
        liar.sends(&mut run, victim, &bytes);
        run.run_for(secs(1));
    }
    // Meanwhile somebody honest has posts that the victim lacks.
    run.air.loss = 1.0;
    for n in 0..10 {
        run.post(all[1], &format!("missed {n}"));
    }
    run.run_for(millis(10));
    run.air.loss = 0.0;
    for round in 0..60 {
        let bytes = ask(&mut liar, all_of(nobody[round % 10]));
        liar.sends(&mut run, victim, &bytes);
        run.run_for(secs(1));
    }
    let texts = run.texts(victim);
    assert!((0..10).all(|n| texts.contains(&format!("POST missed {n}"))), "{texts:?}");
    let asked = run.frames().iter().filter(|f| f.to == liar.at && f.kind() == "SYNC").count();
    eprintln!("120 offers of what is not there: {asked} SYNCs, {} bytes to the liar", sent_to(&run, &liar));
    assert!(asked <= 3_000, "{asked}");
}

#[test]
fn a_newcomer_among_liars_gets_the_posts_of_the_others() {
    let mut run = Run::new(2);
    let hosts = run.hosts(5);
    let all: Vec<ProgramId> = (0..4).map(|n| run.peer(hosts[n], &format!("p{n}"))).collect();
    run.run_for(secs(15));
    for n in 0..40 {
        run.post(all[n % 4], &format!("post {n}"));
        run.run_for(millis(200));
    }
    let newcomer = run.peer(hosts[4], "new");
    let start = run.now();
    let mut liar = Signer::new(1, "liar", stranger());
    assert!(liar.meets(&mut run, newcomer));
    let nobody = Signer::new(9, "nobody", stranger()).key();
    let author = run.key_of(all[0]);
    for _ in 0..100 {
        // It says that it has everything, and more.
        let offer = sync(&mut liar, Synced::Offer(all_of(nobody)));
        liar.sends(&mut run, newcomer, &offer);
        let offer = sync(&mut liar, Synced::Offer(all_of(author)));
        liar.sends(&mut run, newcomer, &offer);
        run.run_for(millis(300));
        if run.ordered(newcomer).len() == 40 {
            break;
        }
    }
    eprintln!("beside a liar, 40 posts after {:?}", run.now().since(start));
    assert_eq!(run.ordered(newcomer), run.ordered(all[1]));
}

#[test]
fn forged_posts_are_refused_and_the_genuine_ones_come() {
    let (mut run, all, mut liar) = among_honest(3, 12);
    let (victim, author) = (all[0], run.key_of(all[1]));
    run.air.loss = 1.0;
    run.post(all[1], "genuine");
    let frame = run.frames().iter().rfind(|frame| frame.kind() == "POST").unwrap().clone();
    run.run_for(millis(10));
    run.air.loss = 0.0;
    let genuine = frame.payload.to_vec();
    let sid = Sid::parse(&liar.sid).unwrap();
    let number = run.disk(all[1]).posted().number;
    for round in 0..20_usize {
        let bytes = ask(&mut liar, vec![Numbers { author, ranges: vec![number..=number] }]);
        liar.sends(&mut run, victim, &bytes);
        for bit in (round * 11..genuine.len() * 8).step_by(101) {
            let mut inner = genuine.clone();
            inner[bit / 8] ^= 1 << (bit % 8);
            let mut out = Vec::new();
            Carry { sid, age: 1, to: None, inner: &inner }.encode(&mut out);
            liar.sends(&mut run, victim, &out);
        }
        run.run_for(millis(500));
    }
    run.run_for(secs(60));
    let texts = run.texts(victim);
    assert_eq!(texts.iter().filter(|text| text.contains("genuine")).count(), 1, "{texts:?}");
    assert_eq!(run.ordered(victim), run.ordered(all[1]));
    assert_eq!(run.ordered(victim).len(), 13);
}

#[test]
fn a_flood_of_summaries_is_answered_with_a_bounded_number_of_bytes() {
    let (mut run, all, mut liar) = among_honest(4, 100);
    run.forget_frames();
    let mut sent = 0;
    for _ in 0..1_000 {
        let bytes = ask(&mut liar, Vec::new());
        sent += bytes.len();
        liar.sends(&mut run, all[0], &bytes);
        run.run_for(millis(10));
    }
    run.run_for(secs(5));
    let back = sent_to(&run, &liar);
    eprintln!("{sent} bytes of summaries, {back} bytes back to a peer that has answered");
    assert!(back <= 2 * sent, "{back} for {sent}");
    // Everybody else is heard all the time.
    run.post(all[1], "heard");
    run.run_for(secs(1));
    assert!(run.texts(all[0]).contains(&"POST heard".to_owned()));
}

#[test]
fn whoever_has_not_answered_where_it_says_to_be_gets_nothing_for_a_summary() {
    let (mut run, all, mut liar) = among_honest(5, 50);
    run.forget_frames();
    let victim = "10.0.201.9:8500".parse().unwrap();
    let author = run.key_of(all[1]);
    let mut sent = 0;
    for round in 0..200 {
        let what = match round % 3 {
            0 => Synced::Ask { span: EVERYBODY, have: Vec::new(), last: u32::MAX, since: 0 },
            1 => Synced::Want(vec![Numbers { author, ranges: vec![1..=12] }]),
            _ => Synced::Offer(all_of(author)),
        };
        let bytes = sync(&mut liar, what);
        sent += bytes.len();
        run.inject(victim, all[0], Socket::Unicast, &bytes);
        run.run_for(millis(50));
    }
    run.run_for(secs(60));
    let to_victim = run.frames().iter().filter(|frame| frame.to.ip() == victim.ip());
    let back: usize = to_victim.clone().map(|frame| frame.payload.len()).sum();
    assert!(to_victim.clone().all(|frame| frame.kind() == "PEER_DISCOVERY"), "no posts go there");
    assert!(back <= 3 * sent, "{back} for {sent}");
}

#[test]
fn wants_are_answered_with_what_is_held_at_a_bounded_pace() {
    let (mut run, all, mut liar) = among_honest(6, 100);
    run.forget_frames();
    let author = run.key_of(all[1]);
    for _ in 0..1_000 {
        let bytes = sync(&mut liar, Synced::Want(vec![Numbers { author, ranges: vec![1..=u64::MAX - 1] }]));
        liar.sends(&mut run, all[0], &bytes);
    }
    run.run_for(secs(10));
    let back =
        run.frames().iter().filter(|frame| frame.to == liar.at && frame.payload.starts_with(b"TYPE:CARRY")).count();
    eprintln!("1,000 wants at once: {back} posts passed on");
    assert!(back <= 2_500, "{back}");
}

#[test]
fn huge_lamports_do_not_move_the_posts_of_others() {
    let (mut run, all, mut liar) = among_honest(7, 20);
    let honest: BTreeSet<PublicKey> = all.iter().map(|id| run.key_of(*id)).collect();
    let claims = [u64::MAX, u64::MAX - 1, 1 << 63, 1 << 48, (1 << 48) - 1, 1 << 40, 1 << 21, 1_000];
    let mut prev = None;
    for (number, lamport) in (1..).zip(claims) {
        let bytes = post_at(&mut liar, "huge", &place(number, lamport, prev));
        prev = Some(PieceHash::of(&bytes));
        for id in &all {
            liar.sends(&mut run, *id, &bytes);
        }
        run.run_for(millis(100));
        run.post(all[0], &format!("after {number}"));
        run.run_for(millis(100));
    }
    // The same with posts named that nobody has.
    for number in 20..60 {
        let nothing = PieceHash::of(&[number as u8]).to_string();
        let mut fields = place(number, u64::MAX - number, Some(PieceHash::of(&[number as u8, 1])));
        fields.push(("SEEN", nothing));
        let bytes = post_at(&mut liar, "huge", &fields);
        for id in &all[..2] {
            liar.sends(&mut run, *id, &bytes);
        }
        run.run_for(millis(50));
        run.post(all[1], &format!("then {number}"));
        run.run_for(millis(50));
    }
    run.run_for(secs(120));
    let order = |run: &Run, id: ProgramId| -> Vec<PieceHash> {
        let of = run.ordered(id).into_iter().filter(|(author, ..)| honest.contains(author));
        of.map(|(.., id)| id).collect()
    };
    let first = order(&run, all[0]);
    assert_eq!(first.len(), 20 + 8 + 40);
    for id in &all {
        assert_eq!(order(&run, *id), first, "{id:?}");
    }
    let texts: Vec<String> = {
        let rows = run.disk(all[2]).history().rows();
        let posts = rows.iter().filter(|row| row.entry.post.is_some() && row.entry.text != "huge");
        posts.map(|row| row.entry.text.clone()).collect()
    };
    let expected: Vec<String> = (0..20)
        .map(|n| format!("post {n}"))
        .chain((1..9).map(|n| format!("after {n}")))
        .chain((20..60).map(|n| format!("then {n}")))
        .collect();
    assert_eq!(texts, expected, "in the order in which they were said");
    let greatest = run.disk(all[0]).history().posts().iter().map(|post| post.lamport).max().unwrap();
    assert!(greatest < 1 << 49, "{greatest}");
    // A newcomer, who sees all of them at once, has the same order.
    let host = run.host(&["10.0.77.1/16"]);
    let late = run.peer(host, "late");
    run.run_for(secs(60));
    assert_eq!(order(&run, late), first);
}

#[test]
fn posts_that_name_what_is_nowhere_make_nobody_ask_for_it() {
    let (mut run, all, mut liar) = among_honest(8, 10);
    run.run_for(secs(100));
    beat(&mut run, &all, &mut liar);
    run.run_for(secs(5));
    run.forget_frames();
    for number in 1..200 {
        let nothing = PieceHash::of(&[number as u8]).to_string();
        let mut fields = place(number * 1_000, 5, Some(PieceHash::of(&[number as u8, 1])));
        fields.push(("SEEN", nothing));
        let bytes = post_at(&mut liar, &format!("odd {number}"), &fields);
        liar.sends(&mut run, all[0], &bytes);
        run.run_for(millis(20));
    }
    run.run_for(secs(60));
    let back = sent_to(&run, &liar);
    let told = run
        .events(all[0])
        .iter()
        .filter(|(_, event)| matches!(event, Event::Post { text, .. } if text.raw().starts_with("odd")))
        .count();
    assert_eq!(told, 199);
    eprintln!("199 posts far apart: {back} bytes to their author");
    assert!(back <= 200_000, "{back}");
}

#[test]
fn a_count_of_posts_that_is_a_lie_costs_little() {
    let (mut run, all, mut liar) = among_honest(9, 10);
    let bytes = post_at(&mut liar, "one", &place(1, 1, None));
    liar.sends(&mut run, all[0], &bytes);
    run.run_for(secs(1));
    run.forget_frames();
    for _ in 0..10 {
        let count = (u64::MAX - 1).to_string();
        let announcement = liar.announces(&[("POSTS", &count)]);
        liar.sends(&mut run, all[0], &announcement);
        run.run_for(secs(20));
    }
    let back = sent_to(&run, &liar);
    eprintln!("ten lies about a count of posts: {back} bytes to the liar in 200 s");
    assert!(back <= 400_000, "{back}");
    run.air.loss = 1.0;
    run.post(all[1], "missed");
    run.run_for(millis(10));
    run.air.loss = 0.0;
    run.run_for(secs(60));
    assert!(run.texts(all[0]).contains(&"POST missed".to_owned()), "the lie stands in nobody's way");
}

#[test]
fn forks_are_kept_by_all_in_the_same_order() {
    let (mut run, all, mut liar) = among_honest(10, 10);
    let one = post_at(&mut liar, "left", &place(1, 11, None));
    let other = post_at(&mut liar, "right", &place(1, 11, None));
    for (at, id) in all.iter().enumerate() {
        liar.sends(&mut run, *id, if at % 2 == 0 { &one } else { &other });
        liar.sends(&mut run, *id, if at % 2 == 0 { &other } else { &one });
    }
    run.run_for(secs(30));
    let first = run.ordered(all[0]);
    assert_eq!(first.len(), 12);
    assert!(all.iter().all(|id| run.ordered(*id) == first));
}

//! Every DM is shown once, whatever the air is like, and no mark says more than is so.

use std::collections::BTreeMap;
use std::time::Duration;

use lsnp::engine::{Event, Instant, Mark};
use lsnp::sim::{Air, Lan, ProgramId};
use lsnp::wire::OwnMessageId;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::run::{Run, millis, secs};

const PEERS: usize = 20;

/// DMs in one run.
const COUNT: usize = if cfg!(debug_assertions) { 500 } else { 10_000 };

/// A DM that somebody wrote.
struct Written {
    from: ProgramId,
    to: ProgramId,
    id: OwnMessageId,
    at: Instant,
}

/// Everybody writes to everybody; each DM by its text.
fn write_all(run: &mut Run, all: &[ProgramId], rng: &mut StdRng) -> BTreeMap<String, Written> {
    let mut written = BTreeMap::new();
    for number in 0..COUNT {
        let from = number % PEERS;
        let to = (from + 1 + rng.next_u32() as usize % (PEERS - 1)) % PEERS;
        let text = format!("dm {number} from p{from} to p{to}");
        let at = run.now();
        let id = run.write(all[from], all[to], &text);
        written.insert(text, Written { from: all[from], to: all[to], id, at });
        run.run_for(millis(25));
    }
    written
}

/// How often, and when first, each text was shown at each peer.
fn shown(run: &Run, all: &[ProgramId]) -> BTreeMap<String, Vec<(ProgramId, Instant)>> {
    let mut shown: BTreeMap<String, Vec<(ProgramId, Instant)>> = BTreeMap::new();
    for id in all {
        for (at, event) in run.events(*id) {
            if let Event::Dm { text, .. } = event {
                shown.entry(text.raw().to_owned()).or_default().push((*id, *at));
            }
        }
    }
    shown
}

fn deliver_all(loss: f64, p99: Option<Duration>) {
    let mut run = Run::new(1 + (loss * 100.0) as u64);
    run.capture = false;
    let mut rng = StdRng::seed_from_u64(run.seed());
    let all = run.crowd(PEERS);
    run.run_for(secs(20));
    assert!(run.all_know_all(&all));
    run.air = Air { loss, jitter: millis(60), duplicate: 0.1, ..Air::default() };
    let written = write_all(&mut run, &all, &mut rng);
    let stored = |run: &Lan| {
        let marks: BTreeMap<_, _> = all.iter().map(|id| (*id, run.disk(*id).history().marks())).collect();
        written.values().all(|dm| marks[&dm.from].get(&dm.id.to_string()) == Some(&Mark::Stored))
    };
    // With half of all lost, one try in four comes back, and the last ones wait for announcements.
    run.run_while(secs(7_200), secs(10), stored);

    let shown = shown(&run, &all);
    let mut times = Vec::new();
    for (text, dm) in &written {
        let at =
            shown.get(text).unwrap_or_else(|| panic!("{text} was never shown: {:?}", run.told_marks(dm.from, dm.id)));
        assert_eq!(at.len(), 1, "{text}: {at:?}");
        assert_eq!(at[0].0, dm.to, "{text}");
        times.push(at[0].1.since(dm.at));
    }
    assert_eq!(shown.len(), written.len(), "nothing else is shown");
    assert_eq!(run.false_marks(), []);
    times.sort_unstable();
    let share = |hundredths: usize| times[(times.len() * hundredths / 100).min(times.len() - 1)];
    eprintln!(
        "{COUNT} DMs at {:.0} % loss: p50 {:?}, p99 {:?}, longest {:?}",
        loss * 100.0,
        share(50),
        share(99),
        share(100),
    );
    assert!(p99.is_none_or(|most| share(99) <= most), "{:?}", share(99));
    for dm in written.values() {
        let told = run.told_marks(dm.from, dm.id);
        assert_eq!(told.last(), Some(&Mark::Stored), "{told:?}");
        assert!(told.iter().filter(|mark| **mark == Mark::Stored).count() == 1, "told once: {told:?}");
        assert_eq!(run.mark(dm.from, dm.id), Some(Mark::Stored));
    }
    for id in &all {
        let rows = run.disk(*id).history().rows();
        let mut texts: Vec<&str> = rows.iter().filter(|row| !row.entry.ours).map(|row| &*row.entry.text).collect();
        let count = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), count, "nothing is twice in the history");
    }
}

#[test]
fn every_dm_is_shown_once_in_good_air() {
    deliver_all(0.0, Some(secs(1)));
}

#[test]
fn every_dm_is_shown_once_at_a_tenth_of_loss() {
    deliver_all(0.1, Some(secs(35)));
}

#[test]
fn every_dm_is_shown_once_at_three_tenths_of_loss() {
    deliver_all(0.3, Some(secs(35)));
}

#[test]
fn every_dm_is_shown_once_at_half_of_loss() {
    deliver_all(0.5, None);
}

#[test]
fn a_mark_goes_forward_only() {
    let (mut run, a, b) = Run::pair(7);
    run.air = Air { loss: 0.4, jitter: millis(60), duplicate: 0.5, ..Air::default() };
    let ids: Vec<OwnMessageId> = (0..50)
        .map(|n| {
            run.run_for(millis(100));
            run.write(a, b, &n.to_string())
        })
        .collect();
    run.run_for(secs(300));
    let rank = |mark: &Mark| match mark {
        Mark::Waiting | Mark::Sent => 0,
        Mark::Acknowledged | Mark::Received => 1,
        Mark::Stored => 2,
        Mark::Failed(_) => 3,
    };
    for id in ids {
        let told = run.told_marks(a, id);
        assert!(told.is_sorted_by_key(rank), "{told:?}");
        assert!(told.windows(2).all(|two| two[0] != two[1]), "each is told once: {told:?}");
        assert_eq!(told.last(), Some(&Mark::Stored));
    }
}

#[test]
fn nothing_is_sent_again_once_it_is_stored() {
    let (mut run, a, b) = Run::pair(8);
    let id = run.write(a, b, "hello");
    run.run_for(secs(1));
    assert_eq!(run.mark(a, id), Some(Mark::Stored));
    run.forget_frames();
    run.run_for(secs(600));
    let talk = run.frames().iter().filter(|frame| ["DM", "ACK", "CARRY"].contains(&frame.kind())).count();
    assert_eq!(talk, 0);
}

#[test]
fn a_peer_that_never_answers_costs_little() {
    let (mut run, a, b) = Run::pair(9);
    run.stop(b);
    run.write(a, b, "hello");
    run.run_for(secs(120));
    let dms = |run: &Run| run.frames().iter().filter(|frame| frame.kind() == "DM").count();
    let tries = dms(&run);
    assert!((1..=8).contains(&tries), "{tries} tries");
    run.run_for(secs(3_600));
    assert_eq!(dms(&run), tries, "it waits for its reader");
}

#[test]
fn a_dm_that_was_sent_is_acknowledged_again_when_it_comes_again() {
    let (mut run, a, b) = Run::pair(10);
    run.dm(b, "p0", "so that there is a session");
    run.run_for(secs(1));
    let (from, to) = (run.address(a), run.address(b));
    let id = run.write(a, b, "hello");
    // It comes, and nothing comes back.
    run.run_for(Duration::from_micros(100));
    run.air.loss = 1.0;
    run.run_for(millis(300));
    assert_eq!(run.texts(b), ["DM hello"]);
    assert_ne!(run.told_marks(a, id).last(), Some(&Mark::Stored));
    run.air.loss = 0.0;
    run.run_for(secs(2));
    assert_eq!(run.texts(b), ["DM hello"]);
    assert_eq!(run.mark(a, id), Some(Mark::Stored));
    let tries = run.frames().iter().filter(|f| f.kind() == "DM" && f.from == from && f.to == to).count();
    assert!(tries >= 2, "{tries}");
}

#[test]
fn a_burst_arrives_whole_and_does_not_flood_its_reader() {
    let (mut run, a, b) = Run::pair(11);
    for number in 0..200 {
        run.write(a, b, &number.to_string());
    }
    run.run_for(secs(60));
    let mut texts = run.texts(b);
    texts.sort();
    let mut expected: Vec<String> = (0..200).map(|n| format!("DM {n}")).collect();
    expected.sort();
    assert_eq!(texts, expected);
    assert_eq!(run.counters(b).duplicates, 0, "in good air nothing is sent twice");
}

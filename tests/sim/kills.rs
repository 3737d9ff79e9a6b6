//! Writer and reader are killed between any two outputs: what is marked as stored is there, and nothing is twice.

use std::collections::BTreeMap;
use std::time::Duration;

use lsnp::engine::{Command, CommandError, Event, Mark, Whom};
use lsnp::sim::{Air, DiskState, ProgramId};
use lsnp::wire::OwnMessageId;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::run::{Run, millis, secs};

/// Kills in one run.
const KILLS: usize = if cfg!(debug_assertions) { 40 } else { 200 };

/// What was seen of two peers over all their lives.
struct Lives {
    run: Run,
    pair: [ProgramId; 2],
    shown: BTreeMap<(ProgramId, String), usize>,
    stored: Vec<(usize, OwnMessageId)>,
    written: usize,
}

impl Lives {
    /// Takes what was told since the last call.
    fn look(&mut self) {
        for (at, id) in self.pair.into_iter().enumerate() {
            for event in self.run.take_events(id) {
                match event {
                    Event::Dm { text, .. } => *self.shown.entry((id, text.raw().to_owned())).or_default() += 1,
                    Event::Marked { id, mark: Mark::Stored, .. } => self.stored.push((at, id)),
                    _ => {}
                }
            }
        }
    }

    fn write(&mut self, from: usize) {
        let to = Whom::Key(self.run.key_of(self.pair[1 - from]));
        let text = format!("dm {}", self.written);
        self.written += 1;
        match self.run.command(self.pair[from], Command::Dm { to, text }) {
            Ok(_) | Err(CommandError::TooFast { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
    }

    /// What holds at any time.
    fn check(&self) {
        for ((id, text), times) in &self.shown {
            assert_eq!(*times, 1, "{text} was shown {times} times at {id:?}");
        }
        for id in self.pair {
            let mut texts: BTreeMap<&str, usize> = BTreeMap::new();
            let history = self.run.disk(id).history();
            for row in history.rows().iter().filter(|row| !row.entry.ours) {
                *texts.entry(&row.entry.text).or_default() += 1;
            }
            assert!(texts.values().all(|times| *times == 1), "twice in the history: {texts:?}");
        }
        for (at, id) in &self.stored {
            let author = self.run.key_of(self.pair[*at]);
            let reader = self.run.disk(self.pair[1 - at]).history();
            assert!(reader.holds(&author, &id.to_string()), "{id} is marked as stored and is not there");
        }
        assert_eq!(self.run.false_marks(), []);
    }
}

fn killed_at_random(seed: u64, air: Air, slow: Duration) {
    let (run, a, b) = Run::pair(seed);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut lives = Lives { run, pair: [a, b], shown: BTreeMap::new(), stored: Vec::new(), written: 0 };
    lives.run.air = air;
    for round in 0..KILLS {
        let victim = lives.pair[rng.next_u32() as usize % 2];
        lives.run.kill_in(victim, rng.next_u32() % 12);
        for _ in 0..3 {
            if slow > Duration::ZERO {
                let time = slow.mul_f64(f64::from(rng.next_u32()) / f64::from(u32::MAX));
                let at = lives.pair[rng.next_u32() as usize % 2];
                lives.run.turn_disk(at, DiskState::Writes(time));
            }
            let from = rng.next_u32() as usize % 2;
            if lives.run.is_running(lives.pair[from]) {
                lives.write(from);
            }
            lives.run.run_for(millis(u64::from(rng.next_u32() % 150)));
        }
        lives.look();
        lives.run.restart(victim);
        lives.run.run_for(millis(u64::from(rng.next_u32() % 6_000)));
        lives.look();
        if round % 10 == 0 {
            lives.check();
        }
    }
    lives.run.air = Air::default();
    for id in lives.pair {
        lives.run.kill_in(id, u32::MAX);
        lives.run.turn_disk(id, DiskState::Writes(Duration::ZERO));
    }
    lives.run.run_for(secs(400));
    lives.look();
    lives.check();
    let mut arrived = 0;
    for (at, id) in lives.pair.into_iter().enumerate() {
        let rows = lives.run.disk(id).history().rows();
        let (author, reader) = (lives.run.key_of(id), lives.run.disk(lives.pair[1 - at]).history());
        for row in rows.iter().filter(|row| row.entry.ours) {
            assert_eq!(row.entry.mark, Some(Mark::Stored), "{row:?}");
            assert!(reader.holds(&author, &row.entry.message_id), "{row:?} never came");
            arrived += 1;
        }
    }
    assert!(arrived * 3 > lives.written, "{arrived} of {} arrived", lives.written);
}

#[test]
fn a_kill_at_any_moment_loses_nothing_that_is_marked_as_stored() {
    for seed in 0..super::run::seeds(2) {
        killed_at_random(100 + seed, Air::default(), Duration::ZERO);
    }
}

#[test]
fn a_kill_while_the_disk_is_slow_loses_nothing_that_is_marked_as_stored() {
    for seed in 0..super::run::seeds(2) {
        killed_at_random(200 + seed, Air::default(), millis(120));
    }
}

#[test]
fn a_kill_in_bad_air_loses_nothing_that_is_marked_as_stored() {
    let air = Air { loss: 0.3, jitter: millis(60), duplicate: 0.2, ..Air::default() };
    for seed in 0..super::run::seeds(2) {
        killed_at_random(300 + seed, air, millis(60));
    }
}

#[test]
fn a_kill_after_any_output_of_one_dm() {
    // Each life ends one step later than the one before, at the writer and at the reader.
    for victim in 0..2 {
        for after in 0..14 {
            let (mut run, a, b) = Run::pair(400 + after);
            run.turn_disk(b, DiskState::Writes(millis(after % 3 * 30)));
            let pair = [a, b];
            run.kill_in(pair[victim], u32::try_from(after).unwrap());
            run.write(a, b, "hello");
            run.run_for(millis(200));
            let before: Vec<String> = pair.iter().flat_map(|id| run.texts(*id)).collect();
            let told = run.events(a).iter().any(|(_, e)| matches!(e, Event::Marked { mark: Mark::Stored, .. }));
            run.take_events(b);
            if told {
                assert_eq!(run.kept(b, "hello"), 1, "kill after {after} outputs");
            }
            run.restart(pair[victim]);
            run.run_for(secs(60));
            // What was written to the disk before the kill is sent, all else nobody was told of.
            let wanted = run.kept(a, "hello");
            assert!(run.kept(b, "hello") >= wanted && run.kept(b, "hello") <= 1, "kill after {after} outputs");
            assert!(before.len() + run.texts(b).len() <= 1, "shown twice, kill after {after} outputs");
            assert_eq!(run.false_marks(), []);
        }
    }
}

#[test]
fn what_was_kept_and_not_shown_before_a_kill_is_not_told_again() {
    let mut found = 0;
    for after in 0..8 {
        let (mut run, a, b) = Run::pair(500);
        let id = run.write(a, b, "hello");
        run.kill_in(b, after);
        run.run_for(secs(1));
        // It is on the disk, and the program was killed before it knew.
        if (run.is_running(b), run.kept(b, "hello"), run.texts(b).len()) != (false, 1, 0) {
            continue;
        }
        found += 1;
        run.restart(b);
        run.run_for(secs(30));
        assert_eq!((run.kept(b, "hello"), run.texts(b).len()), (1, 0), "it is unread in the history");
        assert_eq!(run.told_marks(a, id).last(), Some(&Mark::Stored));
    }
    assert!(found > 0);
}

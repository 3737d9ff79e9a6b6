//! The cache (protocol.md §11.4): one makes it, all have it, nobody gets anything else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lsnp::data::cache::{Command, Found, Key, Place, Reply, SMALL_MAX, Stats, VALUE_MAX, ValueHash, Which};
use lsnp::data::{self, Error, Job, Step};
use lsnp::engine::{self, Arrived, Channel, Instant, Whom, Word};
use lsnp::sim::{Air, HostId, Lan, ProgramId, Setup};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde::Serialize;

use super::run::{Run, millis, secs, seeds};

const TTL: Duration = Duration::from_secs(300);

fn key(name: &str) -> Key {
    Key { namespace: "owner/repo".into(), name: name.into() }
}

fn value(size: usize) -> Arc<[u8]> {
    (0..size).map(|n| (n * n % 251 + n / 7) as u8).collect::<Vec<u8>>().into()
}

/// So many peers of one closed group that have met.
fn group(run: &mut Run, count: usize, setup: impl Fn(Setup) -> Setup) -> (Vec<ProgramId>, Vec<HostId>) {
    let hosts = run.hosts(count);
    let start = |(n, host): (usize, &HostId)| {
        run.start(*host, setup(Setup::named(&format!("p{n}")).with_data().in_group([7; 32])))
    };
    let all: Vec<ProgramId> = hosts.iter().enumerate().map(start).collect();
    let met = |run: &Lan| all.iter().all(|id| run.space(*id).unwrap().people().len() == count - 1);
    assert!(run.run_while(secs(120), millis(100), met), "all have met");
    (all, hosts)
}

fn command(run: &mut Run, id: ProgramId, command: Command) -> Result<Reply, Error> {
    match run.data_done(id, data::Command::Cache(command), secs(60))? {
        data::Reply::Cache(reply) => Ok(reply),
        other => panic!("{other:?}"),
    }
}

/// Tells how it goes with what is made.
fn tell(run: &mut Run, id: ProgramId, command: Command) {
    assert_eq!(run.data(id, data::Command::Cache(command)), Ok(Step::Now(data::Reply::Done)));
}

fn put(run: &mut Run, id: ProgramId, name: &str, value: &Arc<[u8]>) -> Result<Reply, Error> {
    command(run, id, Command::Put { key: key(name), value: Arc::clone(value), ttl: TTL })
}

fn get(run: &mut Run, id: ProgramId, name: &str) -> Result<Found, Error> {
    match command(run, id, Command::Get { key: key(name) })? {
        Reply::Found(found) => Ok(found),
        other => panic!("{other:?}"),
    }
}

fn stats(run: &mut Run, id: ProgramId) -> Stats {
    match command(run, id, Command::Stats).unwrap() {
        Reply::Stats(stats) => stats,
        other => panic!("{other:?}"),
    }
}

fn begin(run: &mut Run, id: ProgramId, wanted: Command) -> Job {
    match run.data(id, data::Command::Cache(wanted)).unwrap() {
        Step::Later(job) => job,
        step @ Step::Now(_) => panic!("{step:?}"),
    }
}

fn want(run: &mut Run, id: ProgramId) -> Job {
    begin(run, id, Command::GetOrMake { key: key("k") })
}

/// What became of a command, if anything.
fn reply(run: &Run, id: ProgramId, job: Job) -> Option<Reply> {
    match run.outcome(id, job)? {
        Ok(data::Reply::Cache(reply)) => Some(reply.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_of_any_size_comes_from_who_has_it() {
    let mut run = Run::new(1);
    let (all, _) = group(&mut run, 3, |setup| setup);
    for size in [0, 1, 300, 400, 5_000, SMALL_MAX, SMALL_MAX + 1, VALUE_MAX] {
        let (name, value) = (size.to_string(), value(size));
        let hash = ValueHash::of(&value);
        assert_eq!(put(&mut run, all[0], &name, &value), Ok(Reply::Put { hash }));
        let found = get(&mut run, all[1], &name).unwrap();
        assert!(found.value == value && found.hash == hash, "{size}");
        assert_eq!((found.place, found.by), (Place::Peer(run.key_of(all[0])), run.key_of(all[0])));
        assert!(found.ttl <= TTL && found.ttl > TTL - secs(2), "{:?}", found.ttl);
        let again = get(&mut run, all[1], &name).unwrap();
        assert!(again.value == value && again.place == Place::Here, "{size}");
    }
    let counted = stats(&mut run, all[1]);
    assert_eq!((counted.hits, counted.peer_hits, counted.misses, counted.entries), (8, 8, 0, 8));
    assert_eq!(stats(&mut run, all[0]).served, 6, "those that were not in the answers");
    assert!(put(&mut run, all[0], "much", &value(VALUE_MAX + 1)).is_err());
    assert_eq!(get(&mut run, all[2], "nothing"), Err(Error::Miss));
}

#[test]
fn a_miss_and_a_small_hit_take_one_round_trip() {
    let mut run = Run::new(2);
    let (all, _) = group(&mut run, 10, |setup| setup);
    run.air.delay = millis(5);
    put(&mut run, all[0], "k", &value(40)).unwrap();
    for (name, found) in [("k", true), ("nothing", false)] {
        let before = run.now();
        assert_eq!(get(&mut run, all[1], name).is_ok(), found);
        let took = run.now().since(before);
        assert!(took <= millis(12), "{name}: {took:?}");
    }
}

#[test]
fn without_streams_values_of_60_kib_come_and_larger_ones_do_not() {
    for loss in [0.0, 0.4] {
        let mut run = Run::new(3);
        let (all, _) = group(&mut run, 4, Setup::without_streams);
        run.air.loss = loss;
        put(&mut run, all[0], "small", &value(SMALL_MAX)).unwrap();
        put(&mut run, all[0], "large", &value(SMALL_MAX + 1)).unwrap();
        let jobs: Vec<Job> =
            (1..4).map(|n| begin(&mut run, all[n], Command::GetOrMake { key: key("small") })).collect();
        run.run_while(secs(600), millis(10), |run| (1..4).all(|n| run.outcome(all[n], jobs[n - 1]).is_some()));
        eprintln!("all of them after {:?} at a loss of {loss}", run.now());
        for n in 1..4 {
            let found = reply(&run, all[n], jobs[n - 1]);
            assert!(matches!(&found, Some(Reply::Found(found)) if found.value == value(SMALL_MAX)), "{loss} {found:?}");
        }
        run.air.loss = 0.0;
        assert_eq!(get(&mut run, all[1], "large"), Err(Error::Miss));
        assert!(stats(&mut run, all[1]).too_large > 0);
        assert!(get(&mut run, all[0], "large").is_ok());
    }
}

#[test]
fn twenty_want_the_same_and_one_makes_it() {
    for seed in 0..seeds(6) {
        let mut run = Run::new(seed);
        let loss = [0.0, 0.1, 0.4][seed as usize % 3];
        let mut rng = StdRng::seed_from_u64(seed);
        let (all, _) = group(&mut run, 20, |setup| setup);
        run.air = Air { loss, jitter: millis(3), duplicate: loss / 4.0, ..Air::default() };
        let value = value(VALUE_MAX);
        let mut jobs = BTreeMap::new();
        for id in &all {
            jobs.insert(*id, want(&mut run, *id));
            // Some at once, some after one another.
            run.run_for(Duration::from_micros(u64::from(rng.next_u32() % 4_000) * (seed / 3 % 2)));
        }
        let mut made: Vec<(ProgramId, Instant)> = Vec::new();
        let end = run.now() + secs(60);
        while run.now() < end && !jobs.is_empty() {
            run.run_for(millis(5));
            for id in &all {
                match jobs.get(id).and_then(|job| reply(&run, *id, *job)) {
                    Some(Reply::Make) => {
                        made.push((*id, run.now() + secs(3)));
                        jobs.remove(id);
                    }
                    Some(Reply::Found(found)) => {
                        assert!(found.value == value);
                        jobs.remove(id);
                    }
                    other => assert_eq!(other, None),
                }
            }
            if let Some(at) = made.iter().position(|(_, at)| *at <= run.now()) {
                let now = run.now();
                let id = made[at].0;
                begin(&mut run, id, Command::Put { key: key("k"), value: Arc::clone(&value), ttl: TTL });
                made[at].1 = now + secs(1_000);
            }
        }
        assert!(jobs.is_empty(), "seed {seed}: all have it: {jobs:?}");
        assert_eq!(made.len(), 1, "seed {seed}, loss {loss}: {made:?}");
    }
}

#[test]
fn when_who_makes_it_ends_another_one_does_within_seconds() {
    for (seed, end) in [(1, "leaves"), (2, "dies"), (3, "gives up"), (4, "sleeps")] {
        let mut run = Run::new(seed);
        let (all, _) = group(&mut run, 5, |setup| setup);
        let mut jobs: BTreeMap<ProgramId, Job> = all.iter().map(|id| (*id, want(&mut run, *id))).collect();
        let maker = |run: &Run, jobs: &BTreeMap<ProgramId, Job>| {
            jobs.iter().find(|(id, job)| reply(run, **id, **job) == Some(Reply::Make)).map(|(id, _)| *id)
        };
        run.run_for(secs(2));
        let first = maker(&run, &jobs).expect("one makes it");
        jobs.remove(&first);
        assert_eq!(maker(&run, &jobs), None);
        match end {
            "leaves" => run.leave(first),
            "dies" => run.stop(first),
            "gives up" => {
                tell(&mut run, first, Command::GiveUp { key: key("k") });
            }
            _ => {}
        }
        // A program that makes something and says nothing more has 10 seconds.
        let (within, waits) = match end {
            "leaves" | "gives up" => (millis(400), millis(0)),
            "dies" => (secs(7), secs(1)),
            _ => (secs(11), secs(5)),
        };
        let before = run.now();
        run.run_for(waits);
        assert_eq!(maker(&run, &jobs), None, "{end}");
        let jobs_now = jobs.clone();
        let found = |run: &Lan| jobs_now.iter().any(|(id, job)| run.outcome(*id, *job).is_some());
        assert!(run.run_while(within, millis(1), found), "{end}");
        let second = maker(&run, &jobs).expect("another one makes it");
        let took = run.now().since(before);
        assert!(took <= within, "{end}: {took:?}");
        jobs.remove(&second);
        put(&mut run, second, "k", &value(100_000)).unwrap();
        run.run_for(secs(1));
        for (id, job) in &jobs {
            let found = reply(&run, *id, *job);
            assert!(matches!(found, Some(Reply::Found(_))), "{end}: {found:?}");
        }
    }
}

#[test]
fn who_says_that_it_still_makes_it_goes_on() {
    let mut run = Run::new(5);
    let (all, _) = group(&mut run, 2, |setup| setup);
    let first = want(&mut run, all[0]);
    run.run_for(secs(1));
    assert_eq!(reply(&run, all[0], first), Some(Reply::Make));
    let (second, here) = (want(&mut run, all[1]), want(&mut run, all[0]));
    for _ in 0..40 {
        run.run_for(secs(3));
        tell(&mut run, all[0], Command::StillMaking { key: key("k") });
        assert_eq!(reply(&run, all[1], second), None);
    }
    // Who only looks does not wait.
    assert_eq!(get(&mut run, all[1], "k"), Err(Error::Miss));
    put(&mut run, all[0], "k", &value(10)).unwrap();
    run.run_for(secs(1));
    for (id, job) in [(all[1], second), (all[0], here)] {
        assert!(matches!(reply(&run, id, job), Some(Reply::Found(_))));
    }
    let late = run.data(all[0], data::Command::Cache(Command::GiveUp { key: key("k") }));
    assert!(late.is_err(), "{late:?}");
}

fn verify(run: &mut Run, of: ProgramId, whom: ProgramId, word: Word) {
    let whom = Whom::Key(run.key_of(whom));
    run.command(of, engine::Command::Judge { whom, word }).unwrap();
}

#[test]
fn who_is_not_trusted_neither_gets_nor_gives() {
    let mut run = Run::new(6);
    let hosts = run.hosts(3);
    let start = |(n, host): (usize, &HostId)| run.start(*host, Setup::named(&format!("p{n}")).with_data());
    let all: Vec<ProgramId> = hosts.iter().enumerate().map(start).collect();
    run.run_for(secs(10));
    let (one, other, third) = (all[0], all[1], all[2]);
    for (name, size) in [("small", 10), ("middle", 3_000), ("large", 100_000)] {
        put(&mut run, one, name, &value(size)).unwrap();
        assert_eq!(get(&mut run, other, name), Err(Error::Miss), "nobody trusts anybody");
    }
    verify(&mut run, other, one, Word::Verify);
    assert_eq!(get(&mut run, other, "small"), Err(Error::Miss), "it is not trusted there");
    assert_eq!(stats(&mut run, one).untrusted, 1);
    verify(&mut run, one, other, Word::Verify);
    for name in ["small", "middle", "large"] {
        assert!(get(&mut run, other, name).is_ok(), "{name}");
    }
    // What somebody put in who is trusted by one does not reach who does not trust it.
    for (a, b) in [(other, third), (third, other)] {
        verify(&mut run, a, b, Word::Verify);
    }
    assert_eq!(get(&mut run, third, "middle"), Err(Error::Miss), "it is of somebody else");
    assert_eq!(stats(&mut run, third).untrusted, 1);
    verify(&mut run, third, one, Word::Verify);
    assert_eq!(get(&mut run, third, "middle").unwrap().by, run.key_of(one));
    // Nor is what is here served any more, once its author is blocked.
    verify(&mut run, third, one, Word::Block);
    assert_eq!(get(&mut run, third, "middle"), Err(Error::Miss));
}

#[test]
fn a_value_is_good_for_its_time_and_no_longer_anywhere() {
    let mut run = Run::new(7);
    let (all, _) = group(&mut run, 2, |setup| setup);
    let end = run.now() + TTL;
    put(&mut run, all[0], "k", &value(1_000)).unwrap();
    run.run_for(secs(200));
    let found = get(&mut run, all[1], "k").unwrap();
    assert!(run.now() + found.ttl <= end);
    run.run_until(Instant::from_nanos(end.as_nanos() - 1_000_000));
    assert!(get(&mut run, all[0], "k").is_ok());
    run.run_until(end);
    for id in &all {
        assert_eq!(get(&mut run, *id, "k"), Err(Error::Miss));
        let counted = stats(&mut run, *id);
        assert_eq!((counted.entries, counted.bytes, counted.expired), (0, 0, 1));
    }
}

#[test]
fn what_is_in_survives_a_restart_for_its_time_whatever_the_clock_says() {
    for (step, there) in [(0, true), (-3_600, true), (100, true), (400, false)] {
        let mut run = Run::new(8);
        let (all, _) = group(&mut run, 2, |setup| setup);
        put(&mut run, all[0], "k", &value(100_000)).unwrap();
        run.run_for(secs(100));
        run.setup(all[0]).unix_offset = step;
        run.restart(all[0]);
        run.run_for(secs(5));
        let found = get(&mut run, all[0], "k");
        assert_eq!(found.is_ok(), there, "{step}");
        if let Ok(found) = found {
            let most = if step < 0 { TTL } else { TTL - secs(105) };
            assert!(found.ttl <= most && found.value == value(100_000), "{step}: {:?}", found.ttl);
            let end = run.now() + found.ttl;
            run.run_until(end);
            assert_eq!(get(&mut run, all[0], "k"), Err(Error::Miss));
        }
        assert_eq!(stats(&mut run, all[0]).bytes, 0);
    }
}

#[test]
fn what_was_of_no_use_for_the_longest_time_makes_place() {
    let mut run = Run::new(9);
    let (all, _) = group(&mut run, 2, |setup| setup);
    for n in 0..1_100 {
        put(&mut run, all[0], &n.to_string(), &value(n % 7)).unwrap();
        assert!(get(&mut run, all[0], "0").is_ok(), "it is of use");
    }
    let counted = stats(&mut run, all[0]);
    assert_eq!((counted.entries, counted.evicted, counted.entries_max), (1_000, 100, 1_000));
    assert_eq!(get(&mut run, all[1], "100"), Err(Error::Miss));
    assert!(get(&mut run, all[1], "101").is_ok());
    // 256 values of 1 MiB are all that fit.
    for n in 0..260_u32 {
        let mut large = vec![0; VALUE_MAX];
        large[..4].copy_from_slice(&n.to_be_bytes());
        put(&mut run, all[0], &format!("large {n}"), &large.into()).unwrap();
    }
    let counted = stats(&mut run, all[0]);
    assert!(counted.bytes <= counted.bytes_max && counted.entries <= 256, "{counted:?}");
    assert!(get(&mut run, all[0], "large 259").is_ok());
    run.restart(all[0]);
    run.run_for(secs(1));
    assert_eq!(stats(&mut run, all[0]).entries, counted.entries);
    assert_eq!(command(&mut run, all[0], Command::Forget(Which::All)), Ok(Reply::Forgotten(counted.entries)));
    assert_eq!((stats(&mut run, all[0]).bytes, stats(&mut run, all[0]).entries), (0, 0));
}

#[test]
fn a_value_that_was_spoilt_on_a_disk_is_served_to_nobody() {
    let mut run = Run::new(10);
    let (all, _) = group(&mut run, 2, |setup| setup);
    for (turn, size) in [1_000, 100_000, 1_000, 100_000].into_iter().enumerate() {
        let (name, value) = (turn.to_string(), value(size));
        put(&mut run, all[0], &name, &value).unwrap();
        let mut spoilt = value.to_vec();
        spoilt[turn * 7] ^= 1;
        run.spoil_value(all[0], ValueHash::of(&value), &spoilt);
        let who = all[turn / 2];
        assert_eq!(get(&mut run, who, &name), Err(Error::Miss), "{turn}");
    }
    assert!(stats(&mut run, all[0]).broken >= 3);
}

/// What a liar says, as it is on the wire.
#[derive(Serialize)]
enum Lie<'a> {
    #[serde(rename = "have")]
    Have { q: u64, k: Bytes<'a>, h: Bytes<'a>, s: u32, t: u64, b: Bytes<'a>, v: Option<Bytes<'a>> },
    #[serde(rename = "value")]
    Value { h: Bytes<'a>, v: Bytes<'a> },
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_bytes(self.0)
    }
}

fn key_id(key: &Key) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key("lsnp cache key 1");
    hasher.update(&(key.namespace.len() as u64).to_be_bytes());
    hasher.update(key.namespace.as_bytes());
    hasher.update(key.name.as_bytes());
    *hasher.finalize().as_bytes()
}

#[test]
fn a_liar_who_is_trusted_cannot_pass_off_anything_else_as_a_value() {
    let mut run = Run::new(11);
    let mut rng = StdRng::seed_from_u64(11);
    let (all, _) = group(&mut run, 2, |setup| setup);
    let (victim, liar) = (all[0], run.key_of(all[1]));
    let (truth, k) = (value(200), key_id(&key("k")));
    let hash = ValueHash::of(&truth);
    let say = |run: &mut Run, lie: &Lie<'_>, sealed: bool| {
        let body = rmp_serde::to_vec_named(lie).unwrap();
        let raw = (!sealed).then(|| body.clone().into());
        let arrived =
            Arrived { author: liar, from: liar, channel: Channel::Cache, body: body.into(), raw, carried: false };
        run.inject_data(victim, arrived);
    };
    let have = |v: Option<&'static [u8]>, size: usize| Lie::Have {
        q: 0,
        k: Bytes(&k),
        h: Bytes(&hash.0),
        s: u32::try_from(size).unwrap(),
        t: 60_000,
        b: Bytes(&liar.0),
        v: v.map(Bytes),
    };
    let mut found = 0;
    for turn in 0..10_000_usize {
        let mut lie = truth.to_vec();
        match turn % 5 {
            0 | 1 => lie[rng.next_u32() as usize % 200] ^= 1 << (turn % 8),
            2 => lie.truncate(rng.next_u32() as usize % 200),
            3 => lie.push(rng.next_u32() as u8),
            _ => lie = (0..rng.next_u32() % 400).map(|_| rng.next_u32() as u8).collect(),
        }
        let job = begin(&mut run, victim, Command::Get { key: key("k") });
        let size = if turn % 2 == 0 { 200 } else { lie.len() };
        if turn % 3 == 0 {
            let lie: &'static [u8] = Box::leak(lie.into_boxed_slice());
            say(&mut run, &have(Some(lie), size), true);
        } else {
            say(&mut run, &have(None, size), true);
            say(&mut run, &Lie::Value { h: Bytes(&hash.0), v: Bytes(&lie) }, true);
            // Others may read what is not sealed, and anybody may pass it on.
            say(&mut run, &Lie::Value { h: Bytes(&hash.0), v: Bytes(&truth) }, false);
        }
        run.run_while(secs(60), millis(50), |run| run.outcome(victim, job).is_some());
        found += usize::from(run.outcome(victim, job) != Some(&Err(Error::Miss)));
    }
    assert_eq!(found, 0);
    assert!(stats(&mut run, victim).broken >= 9_000);
    // The truth is believed.
    let job = begin(&mut run, victim, Command::Get { key: key("k") });
    say(&mut run, &have(None, 200), true);
    say(&mut run, &Lie::Value { h: Bytes(&hash.0), v: Bytes(&truth) }, true);
    assert!(matches!(reply(&run, victim, job), Some(Reply::Found(found)) if found.value == truth));
}

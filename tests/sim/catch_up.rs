//! Posts that somebody missed come later, from whoever has them, and stand in the same order at everybody.

use std::collections::BTreeSet;
use std::time::Duration;

use lsnp::engine::{Command, CommandError, Event, Instant, Word};
use lsnp::sim::{Air, Lan, ProgramId, Setup};
use lsnp::wire::PieceHash;

use super::run::{Run, millis, secs};

/// Posts a text; waits while that is too fast.
fn post(run: &mut Run, from: ProgramId, text: &str) {
    loop {
        match run.command(from, Command::Post { text: text.into() }) {
            Ok(_) => return,
            Err(CommandError::TooFast { retry_after }) => run.run_for(retry_after),
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// True when all of them have so many posts, the same in the same order.
fn agree(lan: &Lan, all: &[ProgramId], count: usize) -> bool {
    let order =
        |id: &ProgramId| -> Vec<PieceHash> { lan.disk(*id).history().posts().iter().map(|post| post.id).collect() };
    let first = order(&all[0]);
    first.len() == count && all[1..].iter().all(|id| order(id) == first)
}

/// Why they do not.
fn difference(run: &Run, all: &[ProgramId], count: usize) -> String {
    let mut text = format!("{count} posts expected;");
    let first = run.ordered(all[0]);
    for id in all {
        let order = run.ordered(*id);
        let at = order.iter().zip(&first).position(|(one, other)| one != other);
        text.push_str(&format!(" {id:?}: {} posts, other than the first from {at:?} on;", order.len()));
    }
    text
}

/// Posts that a peer told its user, in order, and whether they came late.
fn told(run: &Run, of: ProgramId) -> Vec<(String, bool)> {
    let told = run.events(of).iter().filter_map(|(_, event)| match event {
        Event::Post { text, told, .. } => Some((text.raw().to_owned(), told.late)),
        _ => None,
    });
    told.collect()
}

fn nobody_is_told_twice(run: &Run, all: &[ProgramId]) {
    for id in all {
        let told = told(run, *id);
        let texts: BTreeSet<&String> = told.iter().map(|(text, _)| text).collect();
        assert_eq!(texts.len(), told.len(), "{id:?} told a post twice");
    }
}

#[test]
fn two_halves_of_a_lan_agree_soon_after_they_meet_again() {
    let each = if cfg!(debug_assertions) { 200 } else { 1_000 };
    let mut run = Run::new(1);
    run.capture = false;
    let hosts = run.hosts(10);
    let all: Vec<ProgramId> = hosts.iter().enumerate().map(|(n, host)| run.peer(*host, &format!("p{n}"))).collect();
    run.run_for(secs(20));
    assert!(run.all_know_all(&all));
    run.wall_off(&hosts[..5], 1);
    let gap = secs(600) / (each as u32 + 10);
    for number in 0..each {
        for side in 0..2 {
            let from = all[side * 5 + number % 5];
            post(&mut run, from, &format!("side {side}, post {number}"));
        }
        run.run_for(gap);
    }
    let wall = Instant::BIRTH + secs(620);
    run.run_until(wall);
    assert!(agree(&run, &all[..5], each) && agree(&run, &all[5..], each), "{}", difference(&run, &all, each));
    run.wall_off(&hosts, 0);
    let healed = run.now();
    let done = run.run_while(secs(60), secs(1), |lan| agree(lan, &all, 2 * each));
    assert!(done, "{}", difference(&run, &all, 2 * each));
    eprintln!("{each} posts a side: the same history after {:?}", run.now().since(healed));
    nobody_is_told_twice(&run, &all);
    run.run_for(secs(600));
    assert!(agree(&run, &all, 2 * each), "and it stays so: {}", difference(&run, &all, 2 * each));
}

/// Fifty peers and five hundred posts of authors that are not here any more; then somebody joins.
fn late_joiner(seed: u64, air: Air, setup: Setup) -> (Run, Vec<ProgramId>, ProgramId, usize) {
    let mut run = Run::new(seed);
    run.capture = false;
    let hosts = run.hosts(56);
    let all: Vec<ProgramId> =
        hosts[..55].iter().enumerate().map(|(n, host)| run.peer(*host, &format!("p{n}"))).collect();
    run.run_for(secs(180));
    assert!(run.all_know_all(&all));
    for number in 0..500 {
        post(&mut run, all[number % 5], &format!("post {number}: so many words as people write to one another"));
        run.run_for(millis(200));
    }
    run.run_for(secs(10));
    for author in &all[..5] {
        run.leave(*author);
    }
    run.run_for(secs(400));
    let stayed = all[5..].to_vec();
    assert!(agree(&run, &stayed, 500), "{}", difference(&run, &stayed, 500));
    let bytes = run.disk(stayed[0]).history().posts().iter().map(|post| post.raw.len()).sum();
    run.air = air;
    run.capture = true;
    let joiner = run.start(hosts[55], setup);
    (run, stayed, joiner, bytes)
}

/// Bytes of catching up, whoever says them to whom, and of all else to and from one peer.
fn bytes_of(run: &Run, joiner: ProgramId) -> usize {
    let address = run.address(joiner);
    let counted = run.frames().iter().filter(|frame| {
        ["SYNC", "CARRY", "CHUNK", "CHUNK_REQUEST"].contains(&frame.kind())
            || frame.from == address
            || frame.to == address
    });
    counted.map(|frame| frame.payload.len()).sum()
}

#[test]
fn a_late_joiner_has_all_posts_within_seconds_at_little_cost() {
    let (mut run, stayed, joiner, bytes) = late_joiner(2, Air::default(), Setup::named("late"));
    let start = run.now();
    let both = [stayed[0], joiner];
    let done = run.run_while(secs(5), millis(50), |lan| agree(lan, &both, 500));
    assert!(done, "{}", difference(&run, &both, 500));
    let took = run.now().since(start);
    run.run_for(secs(10));
    let spent = bytes_of(&run, joiner);
    eprintln!(
        "a late joiner has 500 posts after {took:?}, {spent} bytes on the wire for {bytes} of posts: {:.2}",
        spent as f64 / bytes as f64
    );
    assert!(spent <= 3 * bytes, "{spent} for {bytes}");
    let told = told(&run, joiner);
    assert_eq!(told.len(), 500);
    assert!(told.iter().all(|(_, late)| *late));
    let history = run.disk(joiner).history();
    let order: Vec<String> =
        history.rows().iter().filter(|r| r.entry.post.is_some()).map(|r| r.entry.text.clone()).collect();
    assert_eq!(told.into_iter().map(|(text, _)| text).collect::<Vec<_>>(), order, "told in the order of the history");
    let caught: usize = run
        .events(joiner)
        .iter()
        .map(|(_, event)| if let Event::CaughtUp { posts } = event { *posts } else { 0 })
        .sum();
    assert_eq!(caught, 500);
    // What it writes stands behind all that.
    run.post(joiner, "I read it all");
    run.run_for(secs(1));
    assert_eq!(
        run.disk(stayed[7]).history().rows().iter().rfind(|r| r.entry.post.is_some()).unwrap().entry.text,
        "I read it all"
    );
}

#[test]
fn a_late_joiner_in_bad_air_has_all_posts_as_well() {
    let air = Air { loss: 0.2, jitter: millis(50), duplicate: 0.1, ..Air::default() };
    let (mut run, stayed, joiner, _) = late_joiner(3, air, Setup::named("late"));
    let both = [stayed[0], joiner];
    let done = run.run_while(secs(60), millis(500), |lan| agree(lan, &both, 500));
    assert!(done, "{}", difference(&run, &both, 500));
    nobody_is_told_twice(&run, &both);
}

#[test]
fn who_wants_no_old_posts_gets_none() {
    let mut setup = Setup::named("late");
    setup.config.catch_up.posts = 0;
    let (mut run, _, joiner, _) = late_joiner(4, Air::default(), setup);
    run.run_for(secs(400));
    assert_eq!(told(&run, joiner), []);
    let address = run.address(joiner);
    // It answers, and asks for nothing.
    let asks = |f: &&lsnp::sim::Frame| f.from == address && f.kind() == "SYNC" && f.value("RE").is_none();
    let asked = run.frames().iter().filter(asks).count();
    let carried = run.frames().iter().filter(|f| f.to == address && f.kind() == "CARRY").count();
    assert_eq!((asked, carried), (0, 0));
}

#[test]
fn who_wants_the_newest_gets_those() {
    let mut setup = Setup::named("late");
    setup.config.catch_up.posts = 20;
    let (mut run, stayed, joiner, _) = late_joiner(5, Air::default(), setup);
    run.run_for(secs(600));
    let newest = run.ordered(stayed[0]).split_off(480);
    assert_eq!(run.ordered(joiner), newest);
}

#[test]
fn only_posts_of_the_last_day_come_later() {
    let mut run = Run::new(6);
    run.capture = false;
    let hosts = run.hosts(3);
    let (a, b) = (run.peer(hosts[0], "p0"), run.peer(hosts[1], "p1"));
    run.run_for(secs(10));
    for n in 0..10 {
        run.post(a, &format!("old {n}"));
        run.run_for(secs(1));
    }
    run.run_for(secs(20 * 3_600));
    run.post(a, "new");
    run.run_for(secs(5 * 3_600));
    run.leave(a);
    let c = run.peer(hosts[2], "p2");
    run.run_for(secs(60));
    assert_eq!(run.texts(c), ["POST new"]);
    assert_eq!(run.texts(b).len(), 11);
}

#[test]
fn what_was_lost_on_the_way_comes_soon() {
    let mut run = Run::new(7);
    run.capture = false;
    let all = run.crowd(8);
    run.run_for(secs(20));
    run.air = Air { loss: 0.3, jitter: millis(50), duplicate: 0.1, ..Air::default() };
    for number in 0..160 {
        post(&mut run, all[number % 8], &format!("post {number}"));
        run.run_for(millis(500));
    }
    let done = run.run_while(secs(60), secs(1), |lan| agree(lan, &all, 160));
    assert!(done, "{}", difference(&run, &all, 160));
    nobody_is_told_twice(&run, &all);
}

#[test]
fn who_was_away_gets_what_was_said_meanwhile_and_nothing_twice() {
    for goodbye in [true, false] {
        let mut run = Run::new(8);
        run.capture = false;
        let all = run.crowd(4);
        run.run_for(secs(10));
        for n in 0..20 {
            run.post(all[n % 4], &format!("before {n}"));
            run.run_for(millis(300));
        }
        if goodbye {
            run.leave(all[3])
        } else {
            run.stop(all[3])
        }
        run.run_for(secs(400));
        for n in 0..30 {
            run.post(all[n % 3], &format!("meanwhile {n}"));
            run.run_for(millis(300));
        }
        run.take_events(all[3]);
        run.restart(all[3]);
        let done = run.run_while(secs(5), millis(100), |lan| agree(lan, &all, 50));
        assert!(done, "{}", difference(&run, &all, 50));
        let told = told(&run, all[3]);
        assert_eq!(told.len(), 30, "{told:?}");
        run.run_for(secs(600));
        nobody_is_told_twice(&run, &all);
        assert!(agree(&run, &all, 50));
    }
}

#[test]
fn kills_at_any_moment_leave_the_same_history_at_all() {
    for seed in 0..super::run::seeds(3) {
        let mut run = Run::new(900 + seed);
        run.capture = false;
        let all = run.crowd(5);
        run.run_for(secs(10));
        let mut posted = 0;
        for round in 0..30_u32 {
            let victim = all[round as usize % 5];
            run.kill_in(victim, round * 7 % 40);
            for n in 0..5 {
                let from = all[(round as usize + n) % 5];
                if run.is_running(from) {
                    let _ = run.command(from, Command::Post { text: format!("{round} {n}") });
                    posted += 1;
                }
                run.run_for(millis(100));
            }
            run.restart(victim);
            run.run_for(secs(2));
        }
        for id in &all {
            run.kill_in(*id, u32::MAX);
        }
        run.run_for(secs(120));
        let count = run.ordered(all[0]).len();
        assert!(count * 2 > posted, "{count} of {posted}");
        assert!(agree(&run, &all, count), "seed {seed}: {}", difference(&run, &all, count));
    }
}

#[test]
fn clocks_ten_years_off_change_nothing() {
    const TEN_YEARS: i64 = 10 * 365 * 24 * 3_600;
    let mut run = Run::new(10);
    run.capture = false;
    let hosts = run.hosts(6);
    let offsets = [0, TEN_YEARS, -TEN_YEARS, TEN_YEARS, 0, -TEN_YEARS];
    let all: Vec<ProgramId> = hosts[..4]
        .iter()
        .zip(offsets)
        .enumerate()
        .map(|(n, (host, offset))| run.start(*host, Setup::named(&format!("p{n}")).ahead(offset)))
        .collect();
    run.run_for(secs(15));
    for number in 0..60 {
        post(&mut run, all[number % 4], &format!("post {number}"));
        run.run_for(millis(200));
    }
    let expected: Vec<String> = (0..60).map(|n| format!("post {n}")).collect();
    let texts = |run: &Run, id: ProgramId| -> Vec<String> {
        let rows = run.disk(id).history().rows();
        rows.iter().filter(|row| row.entry.post.is_some()).map(|row| row.entry.text.clone()).collect()
    };
    assert_eq!(texts(&run, all[1]), expected, "in the order in which they were said");
    run.leave(all[1]);
    run.leave(all[2]);
    let late: Vec<ProgramId> =
        (4..6).map(|n| run.start(hosts[n], Setup::named(&format!("p{n}")).ahead(offsets[n]))).collect();
    run.run_for(secs(10));
    for id in &late {
        assert_eq!(texts(&run, *id), expected, "{id:?} of {late:?}");
    }
    // A DM waits and is delivered, whatever the years are.
    let id = run.write(all[3], all[2], "hello");
    run.run_for(secs(3_600));
    run.restart(all[3]);
    run.run_for(secs(20));
    run.restart(all[2]);
    run.run_for(secs(20));
    assert_eq!(run.kept(all[2], "hello"), 1);
    assert_eq!(run.mark(all[3], id), Some(lsnp::engine::Mark::Stored));
}

#[test]
fn a_clock_that_is_ten_years_off_at_the_next_start_loses_nothing() {
    const TEN_YEARS: i64 = 10 * 365 * 24 * 3_600;
    for offset in [TEN_YEARS, -TEN_YEARS] {
        let (mut run, a, b) = Run::pair(11);
        run.capture = false;
        run.post(a, "one");
        run.run_for(secs(1));
        run.leave(b);
        run.run_for(secs(2));
        let id = run.write(a, b, "hello");
        run.stop(a);
        run.setup(a).unix_offset = offset;
        run.restart(a);
        run.run_for(secs(10));
        run.restart(b);
        run.run_for(secs(40));
        assert_eq!(run.kept(b, "hello"), 1, "{offset}");
        assert_eq!(run.mark(a, id), Some(lsnp::engine::Mark::Stored));
        run.post(a, "two");
        run.run_for(secs(1));
        assert!(run.texts(b).contains(&"POST two".to_owned()));
    }
}

#[test]
fn what_the_user_forgot_does_not_come_back() {
    let mut run = Run::new(12);
    run.capture = false;
    let all = run.crowd(4);
    run.run_for(secs(10));
    for n in 0..20 {
        run.post(all[1 + n % 2], &format!("post {n}"));
        run.run_for(millis(300));
    }
    assert_eq!(run.ordered(all[0]).len(), 20);
    let gone = run.key_of(all[1]);
    run.forget(all[0], gone).unwrap();
    run.take_events(all[0]);
    run.run_for(secs(600));
    run.restart(all[0]);
    run.run_for(secs(600));
    run.restart(all[3]);
    run.run_for(secs(60));
    assert_eq!(run.ordered(all[0]).len(), 10);
    assert_eq!(run.texts(all[0]), Vec::<String>::new());
    run.post(all[1], "something new");
    run.run_for(secs(1));
    assert_eq!(run.texts(all[0]), ["POST something new"]);
    assert_eq!(run.ordered(all[3]).len(), 21, "others have it still");
}

#[test]
fn posts_of_somebody_blocked_are_not_fetched() {
    let mut run = Run::new(13);
    run.capture = false;
    let all = run.crowd(3);
    run.run_for(secs(10));
    let whom = lsnp::engine::Whom::Key(run.key_of(all[1]));
    run.command(all[0], Command::Judge { whom, word: Word::Block }).unwrap();
    for n in 0..10 {
        run.post(all[1], &format!("blocked {n}"));
        run.post(all[2], &format!("fine {n}"));
        run.run_for(millis(300));
    }
    run.run_for(secs(600));
    run.restart(all[0]);
    run.run_for(secs(600));
    assert!(run.texts(all[0]).iter().all(|text| !text.contains("blocked")), "{:?}", run.texts(all[0]));
    assert_eq!(run.ordered(all[0]).len(), 10);
}

#[test]
fn peers_who_have_the_same_say_little() {
    let mut run = Run::new(14);
    let all = run.crowd(20);
    run.run_for(secs(30));
    for n in 0..100 {
        run.post(all[n % 20], &format!("post {n}"));
        run.run_for(millis(200));
    }
    run.run_for(secs(900));
    run.forget_frames();
    run.run_for(secs(3_000));
    let of = |kind: &str| run.frames().iter().filter(|frame| frame.kind() == kind).count();
    let (syncs, carries) = (of("SYNC"), of("CARRY"));
    eprintln!("20 peers who have the same: {syncs} SYNCs in 50 minutes");
    assert!(syncs <= 20 * 12 * 4, "{syncs}");
    assert_eq!(carries, 0);
}

#[test]
fn a_busy_lan_with_loss_and_coming_and_going_agrees_in_the_end() {
    for seed in 0..super::run::seeds(2) {
        let mut run = Run::new(1_500 + seed);
        run.capture = false;
        let all = run.crowd(8);
        run.run_for(secs(15));
        run.air = Air { loss: 0.2, jitter: millis(80), duplicate: 0.1, ..Air::default() };
        for number in 0..200_usize {
            let from = all[number * 7 % 8];
            if run.is_running(from) {
                post(&mut run, from, &format!("post {number}"));
            }
            let other = all[number * 3 % 8];
            match number % 23 {
                5 if run.is_running(other) => run.leave(other),
                11 => run.stop(other),
                17 => all.iter().for_each(|id| {
                    if !run.is_running(*id) {
                        run.restart(*id);
                    }
                }),
                _ => {}
            }
            run.run_for(secs(3));
        }
        for id in &all {
            if !run.is_running(*id) {
                run.restart(*id);
            }
        }
        run.air = Air::default();
        let count = |lan: &Lan| lan.disk(all[0]).history().posts().len();
        let done = run.run_while(secs(120), secs(5), |lan| count(lan) > 100 && agree(lan, &all, count(lan)));
        assert!(done, "seed {seed}: {}", difference(&run, &all, count(&run)));
        nobody_is_told_twice(&run, &all);
    }
}

#[test]
fn a_history_that_is_not_kept_is_caught_up_anew() {
    let mut run = Run::new(16);
    let hosts = run.hosts(2);
    let (a, b) = (run.peer(hosts[0], "p0"), run.start(hosts[1], Setup::named("p1").forgetful()));
    run.run_for(secs(10));
    for n in 0..5 {
        run.post(a, &format!("post {n}"));
        run.run_for(Duration::from_secs(1));
    }
    assert_eq!(told(&run, b).len(), 5);
    run.take_events(b);
    run.restart(b);
    run.run_for(secs(10));
    assert_eq!(told(&run, b).len(), 5, "{:?}", told(&run, b));
}

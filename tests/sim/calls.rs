//! Calls between programs (protocol.md §11.6): one datagram each way, done at most once, answered or refused in time.

use std::sync::Arc;
use std::time::Duration;

use lsnp::data::message::{BODY_MAX, CallId, Command, Event, PATIENCE_MAX, Reply, Topic};
use lsnp::data::{self, Error, Job, Step};
use lsnp::engine::Channel;
use lsnp::sim::{Air, Lan, ProgramId};
use lsnp::wire::PublicKey;

use super::run::{Run, millis, secs, seeds};
use super::topics::{body_of, crowd, pair};

pub(crate) fn message(command: Command) -> data::Command {
    data::Command::Message(command)
}

fn method(name: &str) -> Topic {
    Topic::new(name).unwrap()
}

fn serve(run: &mut Run, at: ProgramId, name: &str) {
    assert_eq!(run.data(at, message(Command::Serve { method: method(name) })), Ok(Step::Now(data::Reply::Done)));
}

fn call_for(run: &mut Run, of: ProgramId, to: PublicKey, name: &str, body: &str, wait: Duration) -> Result<Job, Error> {
    let call = Command::Call { to, method: method(name), body: body.into(), patience: wait };
    match run.data(of, message(call))? {
        Step::Later(job) => Ok(job),
        Step::Now(reply) => panic!("{reply:?}"),
    }
}

fn call(run: &mut Run, of: ProgramId, to: PublicKey, name: &str, body: &str) -> Job {
    call_for(run, of, to, name, body, secs(10)).unwrap()
}

/// Calls that programs at a peer were told of since the last time.
fn calls(run: &mut Run, at: ProgramId) -> Vec<(CallId, PublicKey, String, Arc<str>)> {
    let told = run.take_data_events(at).into_iter().filter_map(|event| match event {
        data::Event::Message(Event::Called { call, from, method, body, .. }) => {
            Some((call, from, method.to_string(), body))
        }
        _ => None,
    });
    told.collect()
}

fn answer(run: &mut Run, at: ProgramId, call: CallId, body: &str) -> Result<Step, Error> {
    run.data(at, message(Command::Answer { call, answer: Ok(body.into()) }))
}

/// Lets time go by; a program at `at` answers each call with what it was given, and one more.
fn echo_until(run: &mut Run, at: ProgramId, limit: Duration, done: impl Fn(&Lan) -> bool) -> Vec<Arc<str>> {
    let (end, mut seen) = (run.now() + limit, Vec::new());
    while !done(run) && run.now() < end {
        for (id, _, _, body) in calls(run, at) {
            answer(run, at, id, &format!("[{body}]")).unwrap();
            seen.push(body);
        }
        run.run_for(millis(1));
    }
    seen
}

fn answered(lan: &Lan, of: ProgramId, job: Job) -> Option<Result<String, Error>> {
    lan.outcome(of, job).cloned().map(|outcome| {
        outcome.map(|reply| match reply {
            data::Reply::Message(Reply::Answered(body)) => body.to_string(),
            other => panic!("{other:?}"),
        })
    })
}

#[test]
fn in_an_open_session_a_call_is_one_datagram_each_way() {
    let (mut run, a, b) = pair(1);
    let key = run.key_of(b);
    serve(&mut run, b, "add");
    for round in 0..3 {
        run.run_for(secs(1));
        run.forget_frames();
        let since = run.now();
        let job = call(&mut run, a, key, "add", "[1,2]");
        run.run_while(secs(1), Duration::from_micros(50), |lan| !lan.data_events(b).is_empty());
        let (id, from, name, body) = calls(&mut run, b).pop().unwrap();
        assert_eq!((from, name.as_str(), &*body), (run.key_of(a), "add", "[1,2]"));
        answer(&mut run, b, id, "3").unwrap();
        run.run_while(secs(1), Duration::from_micros(50), |lan| lan.outcome(a, job).is_some());
        assert_eq!(answered(&run, a, job), Some(Ok("3".to_owned())));
        assert!(run.now().since(since) <= Duration::from_micros(500), "{:?}", run.now().since(since));
        let frames: Vec<_> = run.frames().iter().filter(|frame| frame.kind() == "DM").collect();
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[0].value("SIG").is_some(), round == 0, "only the first is a letter");
        assert!(frames.iter().all(|frame| !String::from_utf8_lossy(&frame.payload).contains("add")));
        run.run_for(secs(5));
        assert_eq!(run.frames().iter().filter(|frame| frame.kind() == "DM").count(), 2, "nothing follows");
    }
}

#[test]
fn calls_are_done_once_and_answered_at_40_percent_loss() {
    for seed in 0..seeds(3) {
        let mut run = Run::new(3_000 + seed);
        let all = crowd(&mut run, 4);
        let server = all[0];
        let key = run.key_of(server);
        serve(&mut run, server, "echo");
        run.air = Air { loss: 0.4, jitter: millis(30), duplicate: 0.1, ..Air::default() };
        let mut jobs = Vec::new();
        for n in 0..90 {
            let by = all[1 + n % 3];
            jobs.push((by, n, call_for(&mut run, by, key, "echo", &n.to_string(), secs(30)).unwrap()));
            if n % 30 == 0 {
                run.run_for(millis(10));
            }
        }
        let done = |lan: &Lan| jobs.iter().all(|(by, _, job)| lan.outcome(*by, *job).is_some());
        let mut seen: Vec<String> =
            echo_until(&mut run, server, secs(40), done).iter().map(|b| b.to_string()).collect();
        run.run_for(secs(5));
        seen.extend(calls(&mut run, server).iter().map(|(_, _, _, body)| body.to_string()));
        for (by, n, job) in &jobs {
            assert_eq!(answered(&run, *by, *job), Some(Ok(format!("[{n}]"))), "call {n}");
            assert_eq!(seen.iter().filter(|body| **body == n.to_string()).count(), 1, "call {n} is done once");
        }
    }
}

#[test]
fn a_restart_ends_a_call_and_it_is_not_done_twice() {
    let (mut run, a, b) = pair(2);
    let key = run.key_of(b);
    serve(&mut run, b, "pay");
    let job = call_for(&mut run, a, key, "pay", "1", secs(60)).unwrap();
    run.run_for(millis(10));
    assert_eq!(calls(&mut run, b).len(), 1);
    run.restart(b);
    serve(&mut run, b, "pay");
    run.run_for(secs(20));
    assert_eq!(calls(&mut run, b), vec![], "the new start does not do what the earlier one was asked");
    assert_eq!(answered(&run, a, job), Some(Err(Error::Restarted)));
    let job = call(&mut run, a, key, "pay", "2");
    echo_until(&mut run, b, secs(5), |lan| lan.outcome(a, job).is_some());
    assert_eq!(answered(&run, a, job), Some(Ok("[2]".to_owned())));
}

#[test]
fn a_caller_that_starts_again_has_no_calls_and_makes_new_ones() {
    let (mut run, a, b) = pair(3);
    let key = run.key_of(b);
    serve(&mut run, b, "m");
    call(&mut run, a, key, "m", "1");
    run.run_for(millis(10));
    let (id, ..) = calls(&mut run, b).pop().unwrap();
    run.restart(a);
    run.run_for(secs(5));
    answer(&mut run, b, id, "null").unwrap();
    run.run_for(secs(1));
    let before = run.space(a).unwrap().refused(Channel::Message);
    assert_eq!(before, 1, "an answer that nobody waits for");
    let job = call(&mut run, a, key, "m", "2");
    echo_until(&mut run, b, secs(5), |lan| lan.outcome(a, job).is_some());
    assert_eq!(answered(&run, a, job), Some(Ok("[2]".to_owned())));
}

#[test]
fn what_nobody_serves_is_refused_at_once() {
    let (mut run, a, b) = pair(4);
    let key = run.key_of(b);
    let since = run.now();
    let job = call(&mut run, a, key, "nothing", "{}");
    run.run_while(secs(1), Duration::from_micros(100), |lan| lan.outcome(a, job).is_some());
    assert_eq!(answered(&run, a, job), Some(Err(Error::Refused("nobody serves that method here".to_owned()))));
    assert!(run.now().since(since) <= millis(1));
}

#[test]
fn a_program_may_fail_or_end() {
    let (mut run, a, b) = pair(5);
    let key = run.key_of(b);
    serve(&mut run, b, "m");
    let failed = call(&mut run, a, key, "m", "1");
    run.run_for(millis(10));
    let (id, ..) = calls(&mut run, b).pop().unwrap();
    let long = Command::Answer { call: id, answer: Err("e".repeat(501)) };
    assert!(matches!(run.data(b, message(long)), Err(Error::TooLong { max: 500, .. })));
    let none = Command::Answer { call: id, answer: Ok("{".into()) };
    assert!(matches!(run.data(b, message(none)), Err(Error::Bad(_))));
    run.data(b, message(Command::Answer { call: id, answer: Err("no\nway".into()) })).unwrap();
    assert!(matches!(answer(&mut run, b, id, "1"), Err(Error::Unknown { .. })), "one answer");
    let ended = call(&mut run, a, key, "m", "2");
    run.run_for(millis(10));
    run.data(b, message(Command::Unserve { method: method("m") })).unwrap();
    assert!(matches!(run.data(b, message(Command::Unserve { method: method("m") })), Err(Error::Unknown { .. })));
    run.run_for(millis(10));
    assert_eq!(answered(&run, a, failed), Some(Err(Error::Refused("no\nway".to_owned()))));
    assert_eq!(answered(&run, a, ended), Some(Err(Error::Refused("the program that was at it has ended".to_owned()))));
}

#[test]
fn nobody_waits_longer_than_it_said() {
    let (mut run, a, b) = pair(6);
    let key = run.key_of(b);
    serve(&mut run, b, "m");
    let since = run.now();
    let job = call_for(&mut run, a, key, "m", "1", secs(3)).unwrap();
    run.run_while(secs(10), millis(1), |lan| lan.outcome(a, job).is_some());
    assert_eq!(answered(&run, a, job), Some(Err(Error::NoAnswer(secs(3)))));
    assert!(run.now().since(since) <= secs(3) + millis(1));
    let (id, ..) = calls(&mut run, b).pop().unwrap();
    run.run_for(secs(1));
    assert!(matches!(answer(&mut run, b, id, "1"), Err(Error::Unknown { .. })), "it is forgotten there, too");
    for wait in [Duration::ZERO, PATIENCE_MAX + millis(1)] {
        assert!(matches!(call_for(&mut run, a, key, "m", "1", wait), Err(Error::Bad(_))));
    }
}

#[test]
fn who_is_away_is_not_waited_for() {
    let (mut run, a, b) = pair(7);
    let key = run.key_of(b);
    serve(&mut run, b, "m");
    let job = call_for(&mut run, a, key, "m", "1", secs(600)).unwrap();
    run.run_for(millis(10));
    run.leave(b);
    run.run_for(millis(10));
    assert_eq!(answered(&run, a, job), Some(Err(Error::Restarted)));
    assert_eq!(call_for(&mut run, a, key, "m", "1", secs(1)), Err(Error::NotHere));
    assert_eq!(call_for(&mut run, a, PublicKey([7; 32]), "m", "1", secs(1)), Err(Error::NotHere));
}

#[test]
fn bodies_of_64_kib_go_both_ways() {
    for (loss, seed) in [(0.0, 8), (0.3, 9)] {
        let (mut run, a, b) = pair(seed);
        let key = run.key_of(b);
        serve(&mut run, b, "m");
        run.air = Air { loss, jitter: millis(5), ..Air::default() };
        let body = body_of(BODY_MAX);
        let job = call_for(&mut run, a, key, "m", &body, secs(120)).unwrap();
        let since = run.now();
        assert!(run.run_while(secs(60), millis(1), |lan| !lan.data_events(b).is_empty()));
        let (id, _, _, got) = calls(&mut run, b).pop().unwrap();
        assert_eq!(*got, *body);
        answer(&mut run, b, id, &body).unwrap();
        assert!(run.run_while(secs(60), millis(1), |lan| lan.outcome(a, job).is_some()));
        assert_eq!(answered(&run, a, job), Some(Ok(body)));
        eprintln!("64 KiB there and back at {loss}: {:?}", run.now().since(since));
        run.run_for(secs(10));
        assert_eq!(calls(&mut run, b), vec![]);
        assert!(run.frames().iter().all(|frame| frame.payload.len() <= 1_200));
        let pieces = run.frames().iter().filter(|frame| frame.kind() == "CHUNK").count();
        assert!(loss > 0.0 || pieces <= 2 * 115, "{pieces} pieces: each body is pulled once");
        let over = body_of(BODY_MAX + 1);
        assert!(matches!(call_for(&mut run, a, key, "m", &over, secs(1)), Err(Error::TooLong { .. })));
    }
}

#[test]
fn open_calls_are_bounded_on_both_sides() {
    let mut run = Run::new(10);
    let all = crowd(&mut run, 6);
    let server = all[0];
    let key = run.key_of(server);
    serve(&mut run, server, "m");
    let mut jobs = Vec::new();
    for by in &all[1..] {
        for n in 0..256 {
            jobs.push((*by, call_for(&mut run, *by, key, "m", &n.to_string(), secs(60)).unwrap()));
        }
        assert_eq!(call_for(&mut run, *by, key, "m", "1", secs(60)), Err(Error::Busy));
        run.run_for(secs(5));
    }
    run.run_for(secs(5));
    let told = calls(&mut run, server);
    assert_eq!(told.len(), 256);
    for by in &all[1..5] {
        let caller = run.key_of(*by);
        assert_eq!(told.iter().filter(|(_, from, ..)| *from == caller).count(), 64, "each has its share");
    }
    let busy = Some(Err(Error::Refused("too many calls at once".to_owned())));
    let refused = jobs.iter().filter(|(by, job)| answered(&run, *by, *job) == busy).count();
    assert_eq!(refused, 5 * 256 - 256);
    for (id, ..) in told {
        answer(&mut run, server, id, "1").unwrap();
    }
    run.run_for(secs(5));
    assert!(jobs.iter().all(|(by, job)| answered(&run, *by, *job).is_some()));
    let job = call(&mut run, all[5], key, "m", "1");
    echo_until(&mut run, server, secs(5), |lan| lan.outcome(all[5], job).is_some());
    assert_eq!(answered(&run, all[5], job), Some(Ok("[1]".to_owned())));
}

#[test]
fn a_peer_can_call_what_its_own_programs_serve() {
    let (mut run, a, _) = pair(11);
    let key = run.key_of(a);
    serve(&mut run, a, "m");
    run.forget_frames();
    let job = call(&mut run, a, key, "m", "1");
    echo_until(&mut run, a, secs(1), |lan| lan.outcome(a, job).is_some());
    assert_eq!(answered(&run, a, job), Some(Ok("[1]".to_owned())));
    let job = call(&mut run, a, key, "other", "1");
    assert!(matches!(answered(&run, a, job), Some(Err(Error::Refused(_)))));
    assert!(!run.frames().iter().any(|frame| frame.kind() == "DM"));
}

#[test]
fn an_answer_that_was_lost_is_sent_again_as_long_as_it_is_known() {
    let (mut run, a, b) = pair(12);
    let key = run.key_of(b);
    serve(&mut run, b, "m");
    let job = call_for(&mut run, a, key, "m", "1", secs(60)).unwrap();
    run.run_for(millis(10));
    let (id, ..) = calls(&mut run, b).pop().unwrap();
    run.air.loss = 1.0;
    answer(&mut run, b, id, "\"late\"").unwrap();
    run.run_for(secs(10));
    assert_eq!(answered(&run, a, job), None);
    run.air.loss = 0.0;
    run.run_for(secs(2));
    assert_eq!(answered(&run, a, job), Some(Ok("\"late\"".to_owned())));
    assert_eq!(calls(&mut run, b), vec![]);
}

//! What programs publish (protocol.md §11.6): topics, acknowledgements, long bodies, and what hostile peers say.

use lsnp::data::message::{BODY_MAX, Command, Delivery, Event, Kind, Message, Pattern, Receipt, Reply, Topic};
use lsnp::data::{self, Error, Step};
use lsnp::engine::Channel;
use lsnp::sim::{Air, HostId, Lan, ProgramId, Setup};
use lsnp::wire::PublicKey;

use super::calls::message;
use super::run::{Run, millis, secs, seeds};
use super::signer::Signer;

/// So many hosts with a peer each that has a data space, all acquainted.
pub(crate) fn crowd(run: &mut Run, count: usize) -> Vec<ProgramId> {
    let hosts = run.hosts(count);
    let start = |(n, host): (usize, &HostId)| run.start(*host, Setup::named(&format!("p{n}")).with_data());
    let all: Vec<ProgramId> = hosts.iter().enumerate().map(start).collect();
    let met = |lan: &Lan| all.iter().all(|id| lan.space(*id).unwrap().people().len() == count - 1);
    assert!(run.run_while(secs(60), millis(100), met));
    run.run_for(secs(5));
    all
}

pub(crate) fn pair(seed: u64) -> (Run, ProgramId, ProgramId) {
    let mut run = Run::new(seed);
    let all = crowd(&mut run, 2);
    (run, all[0], all[1])
}

/// A JSON body of exactly so many bytes in which no two pieces are the same.
pub(crate) fn body_of(bytes: usize) -> String {
    let mut body = String::from("\"");
    let mut number = 0;
    while body.len() < bytes {
        body.push_str(&format!("{number:06} "));
        number += 1;
    }
    body.truncate(bytes - 1);
    body + "\""
}

fn publish(topic: &str, body: &str, delivery: Delivery, to: Option<Vec<PublicKey>>) -> data::Command {
    let topic = Topic::new(topic).unwrap();
    message(Command::Publish { topic, kind: Kind::Data, body: body.into(), delivery, to })
}

fn receipt(reply: Result<data::Reply, Error>) -> Receipt {
    match reply {
        Ok(data::Reply::Message(Reply::Published(receipt))) => receipt,
        other => panic!("{other:?}"),
    }
}

fn heard(run: &mut Run, at: ProgramId) -> Vec<Message> {
    let told = run.take_data_events(at).into_iter().filter_map(|event| match event {
        data::Event::Message(Event::Published(message)) => Some(message),
        _ => None,
    });
    told.collect()
}

#[test]
fn patterns_match_topics() {
    for (pattern, topic, matches) in [
        ("a", "a", true),
        ("a", "b", false),
        ("a", "a/b", false),
        ("a/b", "a", false),
        ("+", "a", true),
        ("+", "a/b", false),
        ("a/+/c", "a/b/c", true),
        ("a/+/c", "a/b/d", false),
        ("a/+", "a", false),
        ("#", "a/b/c", true),
        ("a/#", "a/b/c", true),
        ("a/#", "a", true),
        ("a/#", "ab", false),
        ("+/b/#", "a/b", true),
        ("+/b/#", "a/c", false),
        ("A", "a", false),
    ] {
        let (p, t) = (Pattern::new(pattern).unwrap(), Topic::new(topic).unwrap());
        assert_eq!(p.matches(&t), matches, "{pattern} {topic}");
    }
    let long = "x".repeat(129);
    for bad in ["", "/", "a//b", "/a", "a/", "a b", "a\u{85}", "a/#/b", "a#", "#a", "a+", "##", "/#", "#/", &long] {
        assert!(Pattern::new(bad).is_err(), "{bad:?}");
        assert!(Topic::new(bad).is_err(), "{bad:?}");
    }
    assert!(Topic::new("#").is_err() && Topic::new("+").is_err() && Topic::new(&long[1..]).is_ok());
}

#[test]
fn what_is_published_is_heard_by_all_at_once_and_readable() {
    let mut run = Run::new(1);
    let all = crowd(&mut run, 3);
    run.forget_frames();
    let body = " { \"celsius\" : 21.50 ,\n \"room\" : \"a\u{2028}b\" } ";
    let done = run.data(all[0], publish("sensors/heat", body, Delivery::BestEffort, None)).unwrap();
    let sent = Receipt { sent: 2, ..Receipt::default() };
    assert_eq!(done, Step::Now(data::Reply::Message(Reply::Published(sent))));
    run.run_for(millis(1));
    for (at, ours, name) in [(all[0], true, "p0"), (all[1], false, "p0"), (all[2], false, "p0")] {
        let told = heard(&mut run, at);
        let expected = Message {
            from: run.key_of(all[0]),
            name: name.into(),
            topic: Topic::new("sensors/heat").unwrap(),
            kind: Kind::Data,
            body: "{\"celsius\":21.50,\"room\":\"a\\u2028b\"}".into(),
            sealed: false,
            ours,
        };
        assert_eq!(told, [expected]);
    }
    run.run_for(secs(5));
    let frames: Vec<_> = run.frames().iter().filter(|frame| frame.kind() == "DATA").collect();
    assert_eq!(frames.len(), 2, "one datagram to each");
    assert!(frames[0].value("BODY").unwrap().contains("\"celsius\":21.50"));
}

#[test]
fn what_some_are_told_is_sealed() {
    let mut run = Run::new(2);
    let all = crowd(&mut run, 3);
    let to = vec![run.key_of(all[1])];
    run.forget_frames();
    let done = run.data_done(all[0], publish("t", "\"canary\"", Delivery::Acknowledged, Some(to.clone())), secs(20));
    assert_eq!(receipt(done), Receipt { sent: 1, acknowledged: to, missing: vec![] });
    assert!(heard(&mut run, all[1])[0].sealed);
    assert_eq!(heard(&mut run, all[2]), vec![]);
    assert!(!run.frames().iter().any(|frame| String::from_utf8_lossy(&frame.payload).contains("canary")));
    let nobody = publish("t", "1", Delivery::BestEffort, Some(vec![PublicKey([7; 32])]));
    assert_eq!(run.data(all[0], nobody), Err(Error::NotHere));
    let some = vec![PublicKey([7; 32]), run.key_of(all[2])];
    let done = run.data_done(all[0], publish("t", "1", Delivery::Acknowledged, Some(some.clone())), secs(20));
    assert_eq!(receipt(done), Receipt { sent: 1, acknowledged: vec![some[1]], missing: vec![some[0]] });
}

#[test]
fn what_is_acknowledged_comes_once_to_all_at_40_percent_loss() {
    for seed in 0..seeds(3) {
        let mut run = Run::new(4_000 + seed);
        let all = crowd(&mut run, 8);
        run.air = Air { loss: 0.4, jitter: millis(30), duplicate: 0.1, ..Air::default() };
        let (mut whole, mut missing) = (0, 0);
        for n in 0..20 {
            let to = (n % 4 == 3).then(|| all[1..4].iter().map(|id| run.key_of(*id)).collect());
            let done = run.data_done(all[0], publish("t", &n.to_string(), Delivery::Acknowledged, to), secs(20));
            let receipt = receipt(done);
            missing += receipt.missing.len();
            whole += receipt.acknowledged.len();
        }
        run.run_for(secs(20));
        eprintln!("{whole} acknowledged and {missing} not, at 40 % loss");
        assert!(missing <= 2, "{missing} of {}", whole + missing);
        let mut told = 0;
        for id in &all[1..] {
            let bodies: Vec<String> = heard(&mut run, *id).iter().map(|message| message.body.to_string()).collect();
            let mut once = bodies.clone();
            once.sort();
            once.dedup();
            assert_eq!(once.len(), bodies.len(), "nobody is told twice");
            told += bodies.len();
        }
        assert!(told >= whole, "who acknowledged was told");
    }
}

#[test]
fn who_leaves_or_does_not_answer_is_missing() {
    let mut run = Run::new(3);
    let all = crowd(&mut run, 3);
    let (left, silent) = (run.key_of(all[1]), run.key_of(all[2]));
    run.stop(all[2]);
    let step = run.data(all[0], publish("t", "1", Delivery::Acknowledged, None)).unwrap();
    let Step::Later(job) = step else { panic!("{step:?}") };
    let since = run.now();
    assert!(run.run_while(secs(20), millis(10), |lan| lan.outcome(all[0], job).is_some()));
    assert!(run.now().since(since) <= secs(10) + millis(20));
    let done = receipt(run.outcome(all[0], job).unwrap().clone());
    assert_eq!(done, Receipt { sent: 2, acknowledged: vec![left], missing: vec![silent] });
}

#[test]
fn long_bodies_come_whole() {
    let mut run = Run::new(5);
    let all = crowd(&mut run, 4);
    run.air = Air { loss: 0.1, jitter: millis(2), ..Air::default() };
    for (size, delivery) in [(2_000, Delivery::BestEffort), (BODY_MAX, Delivery::Acknowledged)] {
        let body = body_of(size);
        run.air.loss = if delivery == Delivery::BestEffort { 0.0 } else { 0.1 };
        run.data_done(all[0], publish("t", &body, delivery, None), secs(20)).unwrap();
        run.run_for(secs(30));
        for id in &all[1..] {
            let told = heard(&mut run, *id);
            assert_eq!(told.len(), 1, "{size} bytes");
            assert_eq!(*told[0].body, *body);
        }
    }
    assert!(run.frames().iter().all(|frame| frame.payload.len() <= 1_200));
    let over = publish("t", &body_of(BODY_MAX + 1), Delivery::BestEffort, None);
    assert!(matches!(run.data(all[0], over), Err(Error::TooLong { max: BODY_MAX, .. })));
    let none = publish("t", "{", Delivery::BestEffort, None);
    assert!(matches!(run.data(all[0], none), Err(Error::Bad(_))));
}

#[test]
fn what_somebody_passes_on_is_not_believed_to_be_new() {
    let mut run = Run::new(6);
    let all = crowd(&mut run, 3);
    run.data(all[0], publish("door", "\"open\"", Delivery::BestEffort, None)).unwrap();
    run.run_for(secs(1));
    let frame = run.frames().iter().rev().find(|frame| frame.kind() == "DATA").unwrap().clone();
    assert_eq!(heard(&mut run, all[1]).len(), 1);
    // As it was, in a CARRY of somebody else, and in one of the author's own.
    let at = run.address(all[1]);
    for (giver, sid) in [(all[2], run.sid_of(all[2])), (all[0], run.sid_of(all[0]))] {
        let from = run.address(giver);
        let carry = [format!("TYPE:CARRY\nSID:{sid}\nAGE:0\n\n").as_bytes(), &frame.payload[..]].concat();
        run.restart(all[1]);
        run.run_for(secs(5));
        assert_eq!(run.address(all[1]), at);
        run.inject(from, all[1], lsnp::engine::Socket::Unicast, &carry);
        run.inject(from, all[1], lsnp::engine::Socket::Unicast, &frame.payload);
        run.run_for(millis(10));
        assert_eq!(heard(&mut run, all[1]), vec![]);
    }
}

#[test]
fn what_is_no_message_is_counted_and_a_flood_is_bounded() {
    let (mut run, _, b) = pair(7);
    let mut mallory = Signer::new(1, "mallory", "10.0.0.66:9000".parse().unwrap());
    assert!(mallory.meets(&mut run, b));
    let before = run.space(b).unwrap().refused(Channel::Message);
    let number = "00000000000000ab.1";
    let bad = [
        "{}".to_owned(),
        "{\"v\":1,\"topic\":\"a b\",\"body\":1}".to_owned(),
        "{\"v\":1,\"topic\":\"t\",\"body\":\"\\ud800\"}".to_owned(),
        format!("{{\"v\":1,\"topic\":\"t\",\"body\":{}}}", "[".repeat(300)),
        format!("{{\"v\":1,\"came\":\"{number}\"}}"),
        // What is for one is sealed.
        format!("{{\"v\":1,\"call\":\"{number}\",\"at\":\"AAAAAAAAAAA\",\"method\":\"m\",\"ms\":1,\"body\":1}}"),
        format!("{{\"v\":1,\"answer\":\"{number}\",\"body\":1}}"),
    ];
    for body in &bad {
        let bytes = mallory.says("DATA", &[("OF", "message"), ("BODY", body)]);
        mallory.sends(&mut run, b, &bytes);
        run.run_for(millis(20));
    }
    assert_eq!(run.space(b).unwrap().refused(Channel::Message) - before, bad.len() as u64);
    assert_eq!(heard(&mut run, b), vec![]);
    for n in 0..2_000 {
        let body = format!("{{\"v\":1,\"topic\":\"t\",\"body\":{n}}}");
        let bytes = mallory.says("DATA", &[("OF", "message"), ("BODY", &body)]);
        mallory.sends(&mut run, b, &bytes);
    }
    run.run_for(secs(1));
    let told = heard(&mut run, b).len();
    assert!((1..=600).contains(&told), "{told} of 2,000 in a moment");
}

#[test]
fn who_publishes_too_fast_is_told_when_to_go_on_and_nothing_is_lost() {
    let (mut run, a, b) = pair(74);
    for to in [None, Some(vec![run.key_of(b)])] {
        let mut said = 0;
        for _ in 0..5_000 {
            match run.data(a, publish("t", "1", Delivery::BestEffort, to.clone())) {
                Ok(_) => said += 1,
                Err(Error::TooFast(wait)) => run.run_for(wait),
                Err(other) => panic!("{other}"),
            }
        }
        run.run_for(secs(1));
        assert_eq!(heard(&mut run, b).len(), said, "to {to:?}");
        assert!(said > 2_400, "each second one goes through: {said}");
    }
    // Where nobody hears it, nobody can lose it.
    let (mut run, alone) = (Run::new(75), Setup::named("alone").with_data());
    let host = run.hosts(1)[0];
    let alone = run.start(host, alone);
    run.run_for(secs(1));
    assert!((0..1_000).all(|_| run.data(alone, publish("t", "1", Delivery::BestEffort, None)).is_ok()));
}

//! What is told besides messages: our own texts, how peers are heard, what was counted, how full the tables are.

use std::time::Duration;

use lsnp::engine::{Command, Event, Mark, Reply};
use lsnp::sim::{Air, DiskState, ProgramId, Setup};

use super::run::{Run, millis, secs};

/// What a peer told that it said: whom to, the text, and whether it is in the history.
fn said(run: &Run, of: ProgramId) -> Vec<(Option<String>, String, bool)> {
    let said = run.events(of).iter().filter_map(|(_, event)| match event {
        Event::Said { to, text, told } => {
            let to = to.as_ref().map(|to| to.raw_name().to_owned());
            Some((to, text.to_string(), told.row.is_some()))
        }
        _ => None,
    });
    said.collect()
}

#[test]
fn what_we_say_is_told_once_and_before_its_marks() {
    let (mut run, a, b) = Run::pair(1);
    run.post(a, "to all");
    let first = run.write(a, b, "to one");
    run.run_for(secs(5));
    run.leave(b);
    run.run_for(secs(2));
    run.write(a, b, "to one who is away");
    run.run_for(secs(5));
    let to_b = Some("p1".to_owned());
    let all = [(None, "to all"), (to_b.clone(), "to one"), (to_b, "to one who is away")];
    assert_eq!(said(&run, a), all.map(|(to, text)| (to, text.to_owned(), true)));
    assert_eq!(said(&run, b), []);
    let place = |is: &dyn Fn(&Event) -> bool| run.events(a).iter().position(|(_, event)| is(event)).unwrap();
    let told = place(&|event| matches!(event, Event::Said { told, .. } if told.message_id == first.to_string()));
    let marked = place(&|event| matches!(event, Event::Marked { id, mark: Mark::Stored, .. } if *id == first));
    assert!(told < marked, "{told} {marked}");
}

#[test]
fn what_we_say_is_told_also_when_it_is_not_kept() {
    let mut run = Run::new(2);
    let hosts = run.hosts(2);
    let a = run.start(hosts[0], Setup::named("p0").forgetful());
    let b = run.start(hosts[1], Setup::named("p1"));
    run.run_for(secs(10));
    run.post(a, "without a history");
    run.write(a, b, "so is this");
    assert_eq!(
        said(&run, a).iter().map(|(_, text, kept)| (&**text, *kept)).collect::<Vec<_>>(),
        [("without a history", false), ("so is this", false),]
    );
    run.turn_disk(b, DiskState::Stuck);
    run.post(b, "the disk says nothing");
    run.run_for(secs(1));
    assert_eq!(said(&run, b), [], "it may be kept yet");
    run.run_for(secs(2));
    assert_eq!(said(&run, b), [(None, "the disk says nothing".to_owned(), false)]);
    run.turn_disk(b, DiskState::Writes(millis(1)));
    run.run_for(secs(5));
    assert_eq!(said(&run, b).len(), 1, "told once");
}

#[test]
fn the_way_there_and_back_is_measured() {
    let mut run = Run::new(3);
    run.air = Air { delay: millis(7), ..Air::default() };
    let all = run.crowd(2);
    run.run_for(secs(10));
    let peer = &run.peers_of(all[0])[0];
    assert_eq!(peer.round_trip(), Some(millis(14)));
    assert!(peer.ways().broadcast && peer.ways().unicast, "{:?}", peer.ways());
}

#[test]
fn who_is_not_heard_by_broadcast_is_known_as_such() {
    let mut run = Run::new(4);
    run.air = Air { broadcast: false, ..Air::default() };
    let all = run.crowd(2);
    let to = run.address(all[1]);
    run.command(all[0], Command::Reach { to, lasting: true }).unwrap();
    run.run_for(secs(60));
    for id in all {
        let ways = run.peers_of(id)[0].ways();
        assert!(ways.unicast && !ways.broadcast, "{ways:?}");
    }
}

#[test]
fn retries_and_times_of_delivery_are_counted() {
    let (mut run, a, b) = Run::pair(5);
    for number in 0..20 {
        run.write(a, b, &format!("good air {number}"));
        run.run_for(secs(1));
    }
    let calm = run.counters(a);
    assert_eq!(calm.retries, 0);
    assert_eq!(calm.latency.iter().sum::<u64>(), 20, "{:?}", calm.latency);
    assert_eq!(calm.latency[5..].iter().sum::<u64>(), 0, "none took longer than 20 ms: {:?}", calm.latency);
    run.air = Air { loss: 0.5, ..Air::default() };
    for number in 0..20 {
        run.write(a, b, &format!("bad air {number}"));
        run.run_for(secs(1));
    }
    run.air = Air::default();
    run.run_for(Duration::from_secs(120));
    let bad = run.counters(a);
    assert!(bad.retries > 5, "{}", bad.retries);
    assert_eq!(bad.latency.iter().sum::<u64>(), 40, "each once: {:?}", bad.latency);
    assert!(bad.latency[8..].iter().sum::<u64>() > 5, "some waited for another try: {:?}", bad.latency);
}

#[test]
fn tables_tell_how_full_they_are() {
    let mut run = Run::new(6);
    let all = run.crowd(5);
    run.run_for(secs(20));
    run.post(all[0], "held by all");
    run.leave(all[4]);
    run.run_for(secs(2));
    run.write(all[0], all[4], "waits");
    let Ok(Reply::Tables(tables)) = run.command(all[0], Command::Tables) else { panic!("no tables") };
    let size = |what: &str| tables.iter().find(|fill| fill.what == what).unwrap().size;
    assert_eq!([size("peers"), size("contacts"), size("waiting DMs"), size("waiting DMs, bytes")], [3, 4, 1, 5]);
    assert_eq!(size("posts to pass on"), 1);
    assert!(tables.iter().all(|fill| fill.size <= fill.cap), "{tables:?}");
}

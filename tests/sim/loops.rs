//! Never a loop, never an amplifier.

use std::collections::BTreeSet;

use lsnp::engine::Socket;
use lsnp::sim::OlderKind;

use super::forged::{announcement, octets, one_of_each, stranger};
use super::run::{Run, secs};

#[test]
fn one_datagram_of_any_type_between_two_peers_causes_at_most_two_more() {
    let kinds = one_of_each("p0@10.0.0.1", "p1@10.0.0.2", &[]).len();
    for socket in [Socket::Unicast, Socket::Discovery] {
        for kind in 0..kinds {
            for variant in 0..3 {
                let (mut run, a, b) = Run::pair(kind as u64);
                let sid = match variant {
                    0 => run.sid_of(a),
                    _ => octets(4_711),
                };
                let more = [("SID", sid.as_str()), ("CAP", "bye,chunk,esc,sync")];
                let more = if variant == 2 { &more[..0] } else { &more[..] };
                let bytes = &one_of_each("p0@10.0.0.1", "p1@10.0.0.2", more)[kind];
                wait_for_quiet(&mut run);
                let from = run.address(a);
                run.inject(from, b, socket, bytes);
                run.run_for(secs(5));
                let caused = run.on_the_wire();
                let what = String::from_utf8_lossy(bytes).into_owned();
                assert!(caused <= 2, "{caused} more on {socket:?} after\n{what}");
            }
        }
    }
}

/// Runs until both announced themselves within the last twelve seconds: the next five are still by themselves.
fn wait_for_quiet(run: &mut Run) {
    loop {
        run.forget_frames();
        run.run_for(secs(12));
        let senders: BTreeSet<_> = run.frames().iter().map(|frame| *frame.from.ip()).collect();
        if senders.iter().filter(|ip| !ip.is_loopback()).count() == 2 {
            run.forget_frames();
            return;
        }
    }
}

#[test]
fn one_datagram_between_ours_and_the_older_client_causes_at_most_four_in_thirty_seconds() {
    let kinds = one_of_each("old@10.0.0.2", "p0@10.0.0.1", &[]).len();
    for kind in 0..kinds {
        let counts = [false, true].map(|inject| {
            let mut run = Run::new(9);
            let hosts = run.hosts(2);
            let a = run.peer(hosts[0], "p0");
            let old = run.older(hosts[1], OlderKind::Reference, "old");
            run.run_for(secs(45));
            run.forget_frames();
            if inject {
                let bytes = &one_of_each("old@10.0.0.2", "p0@10.0.0.1", &[])[kind];
                let from = run.address(old);
                run.inject(from, a, Socket::Unicast, bytes);
            }
            run.run_for(secs(30));
            run.on_the_wire()
        });
        assert!(counts[1] <= counts[0] + 4, "{counts:?} for {kind}");
    }
}

#[test]
fn ours_and_older_clients_make_no_storm() {
    let mut run = Run::new(10);
    let hosts = run.hosts(4);
    run.peer(hosts[0], "p0");
    run.peer(hosts[1], "p1");
    run.older(hosts[2], OlderKind::Reference, "old");
    run.older(hosts[3], OlderKind::Spaced, "dave");
    run.run_for(secs(60));
    run.forget_frames();
    run.run_for(secs(600));
    assert!(run.on_the_wire() <= 600, "{} datagrams in 600 s", run.on_the_wire());
}

#[test]
fn an_unproven_address_gets_at_most_three_times_its_bytes() {
    let kinds = one_of_each("x@10.0.200.7", "p0@10.0.0.1", &[]).len();
    for socket in [Socket::Unicast, Socket::Discovery] {
        for kind in 0..kinds {
            for (asks, sid, pad) in [
                (false, false, 0),
                (true, false, 0),
                (false, true, 0),
                (true, true, 0),
                (true, true, 200),
                (true, false, 900),
            ] {
                let (mut run, a, _) = Run::pair(11);
                run.command(
                    a,
                    lsnp::engine::Command::Profile {
                        display_name: Some("A name of thirty-two characters.".into()),
                        status: Some("x".repeat(140)),
                    },
                )
                .unwrap();
                run.run_for(secs(1));
                let (ask, number, pad) = (octets(5), octets(6), "0".repeat(pad));
                let mut more = vec![("PAD", pad.as_str())];
                if asks {
                    more.push(("ASK", &ask));
                }
                if sid {
                    more.push(("SID", &number));
                }
                let bytes = &one_of_each("x@10.0.200.7", "p0@10.0.0.1", &more)[kind];
                run.forget_frames();
                run.inject(stranger(), a, socket, bytes);
                run.run_for(secs(200));
                let got: usize =
                    run.frames().iter().filter(|f| f.to.ip() == stranger().ip()).map(|f| f.payload.len()).sum();
                let what = String::from_utf8_lossy(bytes).into_owned();
                assert!(got <= 3 * bytes.len(), "{got} bytes for {} on {socket:?}:\n{what}", bytes.len());
            }
        }
    }
}

#[test]
fn an_announcement_that_names_another_port_gets_no_more_there() {
    let (mut run, a, _) = Run::pair(12);
    run.forget_frames();
    let bytes = announcement("x@10.0.200.7", 8999, &[]);
    run.inject(stranger(), a, Socket::Discovery, &bytes);
    run.run_for(secs(60));
    let got: usize = run.frames().iter().filter(|f| f.to.ip() == stranger().ip()).map(|f| f.payload.len()).sum();
    assert!(got <= 3 * bytes.len(), "{got} bytes for {}", bytes.len());
}

#[test]
fn two_still_peers_stay_still() {
    let (mut run, _, _) = Run::pair(13);
    run.forget_frames();
    run.run_for(secs(60));
    // Beats, and two rounds of asking who has posts that the other has not.
    assert!(run.on_the_wire() <= 10, "{}", run.on_the_wire());
}

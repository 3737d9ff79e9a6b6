//! One seed, one trace.

use lsnp::sim::{Air, OlderKind};

use super::run::{Run, millis, secs};

fn trace(seed: u64) -> (u64, u64) {
    let mut run = Run::new(seed);
    run.air = Air { loss: 0.2, jitter: millis(30), duplicate: 0.1, corrupt: 0.05, ..Air::default() };
    let all = run.crowd(12);
    let host = run.host(&["10.0.9.9/16"]);
    run.older(host, OlderKind::Reference, "old");
    run.run_for(secs(30));
    run.post(all[3], "hello");
    run.sleep(all[4], secs(200));
    run.restart(all[5]);
    run.leave(all[6]);
    run.run_for(secs(300));
    (run.trace_hash(), run.deliveries())
}

#[test]
fn the_same_seed_gives_the_same_trace_and_another_seed_another() {
    let first = trace(1);
    assert_eq!(first, trace(1));
    assert_ne!(first.0, trace(2).0);
}

#[test]
fn the_shards_of_the_peer_table_change_nothing() {
    let hash = |shards: usize| {
        let mut run = Run::new(7);
        let hosts = run.hosts(20);
        for (n, host) in hosts.iter().enumerate() {
            let mut setup = lsnp::sim::Setup::named(&format!("p{n}"));
            setup.config.shards = shards;
            run.start(*host, setup);
        }
        run.run_for(secs(120));
        run.trace_hash()
    };
    assert_eq!(hash(2), hash(64));
}

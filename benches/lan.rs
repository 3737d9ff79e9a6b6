//! A thousand peers for a minute of virtual time, and what one known peer costs in memory.
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a bench measures with the clock and prints")]

use std::alloc::System;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant};

use lsnp::engine::{Config, Crypto, Engine, Identity, Kept, Keyring, Limits, Link, Links, Output, Secret, Socket};
use lsnp::sim::{FakeCrypto, Lan, Setup};
use lsnp::wire::{Caps, Discovery, Extension, MessageId, Name, Octets, Prekey, SIGNED_DOMAIN, Style, UserId, seal};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A crowd that starts within ten seconds, and runs so long.
fn crowd(seed: u64, peers: usize, signed: bool, time: Duration) -> Lan {
    let mut lan = Lan::new(seed);
    lan.capture = false;
    lan.keep_events = false;
    let hosts = lan.hosts(peers);
    for (number, host) in hosts.into_iter().enumerate() {
        let setup = Setup::named(&format!("p{number}"));
        lan.start(host, if signed { setup } else { setup.unsigned() });
        lan.run_for(Duration::from_secs(10) / u32::try_from(peers).unwrap_or(1));
    }
    lan.run_until(lsnp::engine::Instant::BIRTH + time);
    lan
}

fn drain(engine: &mut Engine) -> Vec<(SocketAddrV4, String)> {
    let mut asks = Vec::new();
    loop {
        match engine.poll() {
            Output::Transmit(transmit) => {
                let text = String::from_utf8_lossy(&transmit.payload).into_owned();
                if let Some(ask) = text.lines().find_map(|line| line.strip_prefix("ASK:")) {
                    asks.extend(transmit.to.iter().map(|to| (*to, ask.to_owned())));
                }
            }
            Output::Wait(_) => return asks,
            Output::Event(_) | Output::Store(_) | Output::Commit(_) | Output::Data(_) | Output::Reopen => {}
        }
    }
}

/// What of signed peers a bench looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// They have none.
    None,
    /// They have some, and the contacts keep to their cap.
    Capped,
    /// They have some, and all are kept.
    Kept,
}

/// Bytes for each of so many proven peers: the table, its indexes, timers and budgets; of signed ones also what is known
/// of their keys.
fn bytes_per_peer(count: u32, keys: Keys) -> f64 {
    let most = count as usize * 2;
    let limits = Limits {
        peers: most,
        older: most,
        probation: most,
        unknown_rate: (u32::MAX, u32::MAX),
        known_rate: (u32::MAX, u32::MAX),
        global_rate: (u32::MAX, u32::MAX),
        buckets: most,
        answers: most,
        strangers: (Duration::ZERO, u32::MAX),
        unknown_checks: (u32::MAX, u32::MAX),
        known_checks: (u32::MAX, u32::MAX),
        settled: most,
        contacts: if keys == Keys::Kept { most } else { Limits::default().contacts },
        ..Limits::default()
    };
    let identity = Identity {
        name: Name::new("bench").expect("a name"),
        display_name: None,
        status: None,
        avatar: None,
        port: 8000,
    };
    let config = Config { limits, ..Config::default() };
    let now = |step: u32| lsnp::engine::Instant::from_nanos(u64::from(step) * 100_000);
    let region = Region::new(ALLOCATOR);
    let mut engine = Engine::new(identity, config, [7; 32], now(0), Duration::from_secs(1_728_938_500));
    if keys != Keys::None {
        let crypto = Box::new(FakeCrypto::new(u64::MAX));
        engine =
            engine.with_keys(Keyring { crypto, group: None, kept: Kept { leased: 0..1 << 40, ..Kept::default() } });
    }
    let link = Link {
        name: "eth0".into(),
        address: Ipv4Addr::new(10, 0, 0, 1),
        prefix: 8,
        broadcast: Some(Ipv4Addr::new(10, 255, 255, 255)),
    };
    engine.handle_links(Links { links: vec![link], primary: Ipv4Addr::new(10, 0, 0, 1), discovery_open: true }, now(0));
    let mut out = Vec::new();
    for number in 0..count {
        engine.handle_timeout(now(number));
        drain(&mut engine);
        let ip = Ipv4Addr::from_bits(0x0a01_0000 + number);
        let from = SocketAddrV4::new(ip, 8123);
        let user = format!("user{number}@{ip}");
        let sid = Octets(u64::from(number) + 1);
        let crypto = FakeCrypto::new(u64::from(number));
        let sign = |seq: u64, out: &mut Vec<u8>| {
            if keys != Keys::None {
                seal(out, &crypto.public_key(), seq, number, |bytes| crypto.sign(SIGNED_DOMAIN, bytes));
            }
        };
        let discovery = Discovery {
            user_id: UserId::new(&user).expect("an id"),
            port: Some(8123),
            timestamp: Some(1_728_938_500),
            message_id: MessageId::new("00112233aabbccdd"),
            display_name: None,
            status: None,
            avatar: None,
            prekey: (keys != Keys::None).then(|| Prekey { id: number, key: crypto.prekey(&Secret([1; 32])) }),
        };
        let mut extension = Extension {
            version: Some(1),
            sid: Some(sid),
            caps: Some(Caps::OURS),
            beat: Some(30),
            ..Extension::default()
        };
        discovery.encode(&extension, Style::Tight, &mut out);
        sign(1, &mut out);
        let _ = engine.handle_datagram(&out, from, Socket::Unicast, now(number));
        let asks = drain(&mut engine);
        let ask = asks.iter().find(|(to, _)| *to == from).expect("a newcomer is asked");
        extension.ans = Octets::parse(&ask.1);
        discovery.encode(&extension, Style::Tight, &mut out);
        sign(2, &mut out);
        let _ = engine.handle_datagram(&out, from, Socket::Unicast, now(number));
        drain(&mut engine);
    }
    // Overdue echo timers of the last newcomers go.
    engine.handle_timeout(now(count + 50_000));
    drain(&mut engine);
    drop(out);
    let change = region.change();
    assert_eq!(engine.peers().len(), count as usize, "all of them are listed");
    (change.bytes_allocated as f64 - change.bytes_deallocated as f64) / f64::from(count)
}

fn main() {
    let minute = Duration::from_secs(60);
    let hashes = [1, 1, 2].map(|seed| crowd(seed, 100, true, minute).trace_hash());
    println!("100 peers, 60 s: trace {:016x}, again {:016x}, another seed {:016x}", hashes[0], hashes[1], hashes[2]);
    assert!(hashes[0] == hashes[1] && hashes[0] != hashes[2], "the same seed gives the same trace, another another");

    for count in [10_000, 100_000] {
        println!(
            "known peer without a key, {count} of them: {:.0} bytes each (<= 512)",
            bytes_per_peer(count, Keys::None)
        );
        for (keys, what) in [(Keys::Capped, "4,096 contacts kept"), (Keys::Kept, "all contacts kept")] {
            println!("known peer with a key, {count} of them, {what}: {:.0} bytes each", bytes_per_peer(count, keys));
        }
    }
    if std::env::args().any(|arg| arg == "--quick") {
        return;
    }

    for (signed, what) in [(false, "unsigned"), (true, "signed")] {
        let start = Instant::now();
        let lan = crowd(1, 1_000, signed, minute);
        let took = start.elapsed();
        println!(
            "1,000 {what} peers, 60 s: {:.1} s (<= 30), {} deliveries, {:.2} us each, trace {:016x}",
            took.as_secs_f64(),
            lan.deliveries(),
            took.as_secs_f64() * 1e6 / lan.deliveries() as f64,
            lan.trace_hash(),
        );
    }
}

//! The tables that nobody outside can look at keep to their caps.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::*;
use crate::wire::{Name, Octets};

fn engine() -> Engine {
    let name = Name::new("alice").unwrap();
    let identity = Identity { name, display_name: None, status: None, avatar: None, port: 8000 };
    let unix = Duration::from_secs(1_728_938_500);
    let mut engine = Engine::new(identity, Config::default(), [7; 32], Instant::BIRTH, unix);
    let address = Ipv4Addr::new(10, 0, 0, 1);
    let broadcast = Some(Ipv4Addr::new(10, 255, 255, 255));
    let link = Link { name: "eth0".into(), address, prefix: 8, broadcast };
    engine.handle_links(Links { links: vec![link], primary: address, discovery_open: true }, Instant::BIRTH);
    engine
}

fn run(engine: &mut Engine, now: Instant) -> Vec<Output> {
    engine.handle_timeout(now);
    std::iter::from_fn(|| Some(engine.poll()).filter(|output| !matches!(output, Output::Wait(_)))).collect()
}

fn at(millis: u64) -> Instant {
    Instant::BIRTH + Duration::from_millis(millis)
}

#[test]
fn one_that_asks_from_ever_new_ports_leaves_nothing_behind() {
    let mut engine = engine();
    for n in 0..3_000_u16 {
        let now = at(10 * u64::from(n));
        let from = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 66), 2_000 + n);
        let hello = |more: String| format!("TYPE:PEER_DISCOVERY\nUSER_ID:m@10.0.0.66\nSID:{}\n{more}\n", Octets(66));
        let ask = hello(format!("ASK:{}\n", Octets(n.into())));
        engine.handle_datagram(ask.as_bytes(), from, Socket::Unicast, now).unwrap();
        for output in run(&mut engine, now) {
            if let Output::Transmit(Transmit { to, payload }) = output
                && to[0] == from
                && let Some(nonce) = wire::decode(&payload).unwrap().extension.ask
                && n % 2 == 0
            {
                let answer = hello(format!("ANS:{nonce}\n"));
                // A stray answer is none of this test's business.
                let _ = engine.handle_datagram(answer.as_bytes(), from, Socket::Unicast, now);
            }
        }
    }
    let paths = engine.config.limits.paths;
    assert!(engine.asks.len() <= paths, "{} echoes are out", engine.asks.len());
    assert!(engine.inflow.proven() <= paths, "{} proven addresses", engine.inflow.proven());
}

#[test]
fn newcomers_that_come_and_go_leave_few_timers() {
    let mut engine = engine();
    for n in 0..40_000_u32 {
        let now = at(u64::from(n) / 4);
        let from = SocketAddrV4::new(Ipv4Addr::from_bits(0x0a01_0000 + n), 8_500);
        let hello = format!("TYPE:PEER_DISCOVERY\nUSER_ID:f@{}\nSID:{}\nBEAT:3600\n\n", from.ip(), Octets(n.into()));
        // Too many is too many: that is what this test does.
        let _ = engine.handle_datagram(hello.as_bytes(), from, Socket::Discovery, now);
        run(&mut engine, now);
    }
    assert!(engine.counters.evicted > 10_000, "{:?}", engine.counters);
    assert!(engine.timers.len() < 10_000, "{} timers", engine.timers.len());
}

//! What the network looks like, and what was counted.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::extract::State;

use crate::engine::{Command, Counters, Fill, Instant, Link, Reply, link_to};
use crate::node::{Faults, Sample, unix_now};

use super::input::Answer;
use super::refusal::Refusal;
use super::routes::Api;
use super::{InterfaceObject, NetworkObject, SCHEMA, SampleObject, TableObject, TrafficObject, convert};

pub(super) async fn network(State(api): State<Arc<Api>>) -> Result<Answer<NetworkObject>, Refusal> {
    let me = api.me().await?;
    let now = api.context.handle.now();
    let peers = api.context.handle.peers().snapshot();
    let mut counts: BTreeMap<Ipv4Addr, usize> = BTreeMap::new();
    for peer in &peers {
        if let Some(link) = link_to(&me.links, *peer.address().ip()) {
            *counts.entry(link.address).or_default() += 1;
        }
    }
    let interface = |link: &Link| interface(link, counts.get(&link.address).copied().unwrap_or_default());
    Ok(Answer(NetworkObject {
        v: SCHEMA,
        kind: "network".to_owned(),
        id: me.user_id.to_string(),
        port: me.port,
        discovery: me.discovery_open,
        announced: me.announced.map(|at| now.since(at).as_secs()),
        interfaces: me.links.iter().map(interface).collect(),
        peers: peers.iter().map(|peer| convert::peer(peer, now, &me.links)).collect(),
    }))
}

fn interface(link: &Link, peers: usize) -> InterfaceObject {
    let prefix = u32::from(link.prefix.min(32));
    let mask = u32::MAX.checked_shl(32 - prefix).unwrap_or(0);
    let network = Ipv4Addr::from_bits(link.address.to_bits() & mask);
    InterfaceObject {
        name: convert::interface(link),
        address: link.address.to_string(),
        network: format!("{network}/{prefix}"),
        broadcast: link.broadcast.map(|ip| ip.to_string()),
        loopback: link.address.is_loopback(),
        peers,
    }
}

pub(super) async fn traffic(State(api): State<Arc<Api>>) -> Result<Answer<TrafficObject>, Refusal> {
    let handle = &api.context.handle;
    let Reply::Stats(counters) = handle.command(Command::Stats).await? else { return Err(unsaid()) };
    let Reply::Tables(tables) = handle.command(Command::Tables).await? else { return Err(unsaid()) };
    let (now, unix) = (handle.now(), unix_now());
    let at = |at: Instant| convert::time(unix.saturating_sub(now.since(at)).as_secs());
    let mut samples = handle.trend().read();
    samples.retain(|sample| sample.at < now);
    samples.push(Sample::of(&counters, handle.peers().len(), now));
    Ok(Answer(TrafficObject {
        v: SCHEMA,
        kind: "traffic".to_owned(),
        since: at(Instant::BIRTH),
        counters: counted(&counters, handle.faults()),
        drops: counters.drops().iter().map(|(reason, count)| ((*reason).to_owned(), *count)).collect(),
        tables: tables.iter().map(table).collect(),
        latency_bounds_ms: Counters::LATENCY.to_vec(),
        samples: samples.iter().map(|sample| self::sample(sample, at(sample.at))).collect(),
    }))
}

fn unsaid() -> Refusal {
    Refusal::failed("the peer does not say what it counted")
}

fn counted(counters: &Counters, faults: Faults) -> BTreeMap<String, u64> {
    let counted = [
        ("received", counters.received),
        ("received_bytes", counters.received_bytes),
        ("sent", counters.sent),
        ("sent_bytes", counters.sent_bytes),
        ("echoes", counters.echoes),
        ("retries", counters.retries),
        ("failed_receptions", faults.received),
        ("refused_sends", faults.refused),
        ("given_up_sends", faults.given_up),
        ("other_interface", faults.other_interface),
        ("reopened", faults.reopened),
    ];
    counted.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

fn table(fill: &Fill) -> TableObject {
    TableObject { name: fill.what.to_owned(), size: fill.size as u64, cap: fill.cap as u64 }
}

fn sample(sample: &Sample, at: String) -> SampleObject {
    SampleObject {
        at,
        received: sample.received.0,
        received_bytes: sample.received.1,
        sent: sample.sent.0,
        sent_bytes: sample.sent.1,
        dropped: sample.dropped,
        retries: sample.retries,
        peers: sample.peers,
        latency: sample.latency.to_vec(),
    }
}

//! What the network looks like from here: objects of `GET /api/network`, `GET /api/traffic` and `GET /api/doctor`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::PeerObject;

/// `GET /api/network`: our interfaces, and who is heard how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `network`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Our id, `name@ip`.
    pub id: String,
    /// The port of our unicast socket.
    pub port: u16,
    /// Whether the discovery port is open.
    pub discovery: bool,
    /// Seconds since we announced ourselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub announced: Option<u64>,
    /// Our live interfaces, one for each address, the loopback included.
    pub interfaces: Vec<InterfaceObject>,
    /// Everybody who is here; `interface` of each names one of ours.
    pub peers: Vec<PeerObject>,
}

/// One address of one of our interfaces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceObject {
    /// Its name, as the system calls it.
    pub name: String,
    /// Our address there.
    pub address: String,
    /// Its network, such as `10.0.0.0/24`.
    pub network: String,
    /// Where it is broadcast to; none where it cannot be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broadcast: Option<String>,
    /// It leads to this computer only.
    pub loopback: bool,
    /// Peers that are sent to by it.
    pub peers: usize,
}

/// `GET /api/traffic`: what came and went, was dropped, tried again and kept, now and over the last hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `traffic`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Since when the peer counts: RFC 3339.
    pub since: String,
    /// What is counted since then and is no reason for a drop, by name.
    pub counters: BTreeMap<String, u64>,
    /// Datagrams that were dropped, by reason; every reason, also with 0.
    pub drops: BTreeMap<String, u64>,
    /// How full the tables are.
    pub tables: Vec<TableObject>,
    /// The upper ends of the steps of [`SampleObject::latency`], milliseconds; the last step has none.
    pub latency_bounds_ms: Vec<u64>,
    /// The last hour, the oldest first, the last one of this moment. Where nothing happened there are none.
    pub samples: Vec<SampleObject>,
}

/// How full a table is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableObject {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub size: u64,
    /// The most that may be in it.
    pub cap: u64,
}

/// What had been counted at one moment, since the start: the difference of two tells what happened between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleObject {
    /// When: RFC 3339.
    pub at: String,
    /// Datagrams received.
    pub received: u64,
    /// Bytes received.
    pub received_bytes: u64,
    /// Datagrams sent.
    pub sent: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Datagrams dropped, for any reason.
    pub dropped: u64,
    /// DMs of ours that were sent once more.
    pub retries: u64,
    /// Peers that were listed at that moment.
    pub peers: u64,
    /// DMs of ours by the time from sending to the other's acknowledgement: how many in each step.
    pub latency: Vec<u64>,
}

/// `GET /api/doctor`: what `peer doctor` finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoctorObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `doctor`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Nothing is wrong.
    pub healthy: bool,
    /// The most likely reason for what does not work, or that nothing is wrong.
    pub cause: String,
    /// What to do about it, step by step.
    pub advice: Vec<String>,
    /// All that was looked at.
    pub checks: Vec<CheckObject>,
}

/// One thing that the doctor looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckObject {
    /// What: `system`, `interface`, `broadcast`, `route`, `port`, `firewall`, `peer here`, `peer`, `path`.
    pub name: String,
    /// Of what: an interface, a port, a peer.
    pub subject: String,
    /// `ok`, `warning`, `problem`.
    pub verdict: String,
    /// How it is.
    pub text: String,
    /// What to do about it.
    pub advice: Vec<String>,
}

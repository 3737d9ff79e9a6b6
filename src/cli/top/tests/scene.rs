//! A peer and its network, for the tests to look at.

use crate::web::{
    ConversationObject, InterfaceObject, NetworkObject, PeerObject, PersonObject, SampleObject, StatusObject,
    TableObject, TrafficObject,
};

use super::super::seen::{News, Seen};

pub(super) fn peer(name: &str) -> PeerObject {
    PeerObject {
        v: 1,
        kind: "peer".to_owned(),
        id: format!("{name}@10.0.0.2"),
        name: name.to_owned(),
        status: None,
        key: Some(format!("key of {name}")),
        trust: "known".to_owned(),
        presence: "live".to_owned(),
        address: Some("10.0.0.2:8000".to_owned()),
        heard: Some(3),
        older: false,
        blocked: false,
        muted: false,
        avatar: false,
        picture: None,
        private: true,
        round_trip_us: Some(560),
        interface: Some("eth0".to_owned()),
        ways: vec!["broadcast".to_owned(), "unicast".to_owned()],
        who: name.to_owned(),
        what: None,
    }
}

pub(super) fn sample(at: &str, received: u64) -> SampleObject {
    SampleObject {
        at: at.to_owned(),
        received,
        received_bytes: received * 300,
        sent: received / 2,
        sent_bytes: received * 100,
        dropped: received / 10,
        retries: 0,
        peers: 5,
        latency: vec![received, 0, received / 50, 0],
    }
}

/// A peer that has run for two hours, with five others.
pub(super) fn seen() -> Seen {
    let mut seen = Seen::default();
    seen.take(News::Status(Box::new(StatusObject {
        v: 1,
        kind: "status".to_owned(),
        version: "0.1.0".to_owned(),
        pid: 7,
        id: "alice@10.0.0.1".to_owned(),
        name: "Alice in Chains".to_owned(),
        status: None,
        key: Some("k".to_owned()),
        fingerprint: Some("85e55f235d66df3b9ae5b2554f940b98".to_owned()),
        profile: None,
        grouped: true,
        port: 8123,
        discovery: true,
        peers: 5,
        unread: Some(1_203),
        history: true,
        lists: true,
    })));
    let bob = PeerObject { trust: "verified".to_owned(), status: Some("at lunch".to_owned()), ..peer("bob") };
    let eve = PeerObject { trust: "new key".to_owned(), round_trip_us: Some(12_300), ..peer("bob#91c2") };
    let old = PeerObject {
        key: None,
        trust: "unverified".to_owned(),
        presence: "quiet".to_owned(),
        heard: Some(81),
        round_trip_us: None,
        ways: vec!["broadcast".to_owned()],
        older: true,
        ..peer("Charlie")
    };
    let gone = PeerObject {
        presence: "away".to_owned(),
        heard: None,
        round_trip_us: None,
        interface: None,
        address: None,
        ways: Vec::new(),
        ..peer("dave")
    };
    let blocked = PeerObject { blocked: true, ..peer("mallory") };
    seen.take(News::Peers(vec![gone, blocked, old, eve, bob]));
    let with = PersonObject {
        id: "bob@10.0.0.2".to_owned(),
        name: "bob".to_owned(),
        key: Some("key of bob".to_owned()),
        trust: "verified".to_owned(),
    };
    let conversation = ConversationObject {
        v: 1,
        kind: "conversation".to_owned(),
        with: Some(with),
        who: Some("bob".to_owned()),
        unread: 3,
        last: None,
    };
    let everyone = ConversationObject { with: None, who: None, unread: 1_200, ..conversation.clone() };
    seen.take(News::Conversations(vec![everyone, conversation]));
    let link = |name: &str, address: &str, network: &str, broadcast: Option<&str>, peers| InterfaceObject {
        name: name.to_owned(),
        address: address.to_owned(),
        network: network.to_owned(),
        broadcast: broadcast.map(str::to_owned),
        loopback: name == "lo",
        peers,
    };
    seen.take(News::Network(Box::new(NetworkObject {
        v: 1,
        kind: "network".to_owned(),
        id: "alice@10.0.0.1".to_owned(),
        port: 8123,
        discovery: true,
        announced: Some(12),
        interfaces: vec![
            link("eth0", "10.0.0.1", "10.0.0.0/24", Some("10.0.0.255"), 4),
            link("lo", "127.0.0.1", "127.0.0.0/8", None, 0),
        ],
        peers: Vec::new(),
    })));
    let samples: Vec<SampleObject> =
        (0..60).map(|minute| sample(&format!("2026-01-02T10:{minute:02}:00Z"), minute * minute)).collect();
    let table = |name: &str, size, cap| TableObject { name: name.to_owned(), size, cap };
    let traffic = TrafficObject {
        v: 1,
        kind: "traffic".to_owned(),
        since: "2026-01-02T08:46:00Z".to_owned(),
        counters: [("received".to_owned(), 3_481)].into(),
        drops: [("malformed", 0), ("replays", 12), ("too fast from one source", 1_234_567)]
            .map(|(reason, count)| (reason.to_owned(), count))
            .into(),
        tables: vec![
            table("peers", 5, 16_384),
            table("waiting DMs", 3_900, 4_096),
            table("waiting DMs, bytes", 17_000_000, 16_777_216),
            table("carried for others, bytes", 2_000, 1_048_576),
        ],
        latency_bounds_ms: vec![1, 10, 1_000],
        samples,
    };
    let mut later = traffic.clone();
    later.samples.push(sample("2026-01-02T10:59:02Z", 3_501));
    later.drops.insert("replays".to_owned(), 15);
    seen.take(News::Traffic(Box::new(traffic), None));
    seen.take(News::Traffic(Box::new(later), Some(std::time::Duration::from_secs(2))));
    seen
}

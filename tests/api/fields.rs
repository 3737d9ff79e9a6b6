//! Every field of what only the page asks for is described.

use std::collections::BTreeMap;

use lsnp::web::{
    AboutObject, CheckObject, ConversationObject, DoctorObject, InterfaceObject, LineObject, NetworkObject, PathObject,
    ProbeRequest, ReachRequest, ReachedObject, SCHEMA, SampleObject, SettingObject, SettingRequest, SettingsObject,
    TableObject, TrafficObject,
};

use crate::openapi::{peer, person, s, same};

#[test]
fn of_the_network() {
    let interface = InterfaceObject {
        name: s("eth0"),
        address: s("10.0.0.1"),
        network: s("10.0.0.0/24"),
        broadcast: Some(s("10.0.0.255")),
        loopback: false,
        peers: 1,
    };
    same("InterfaceObject", &interface, &InterfaceObject { broadcast: None, ..interface.clone() });
    let network = NetworkObject {
        v: SCHEMA,
        kind: s("network"),
        id: s("a@b"),
        port: 1,
        discovery: true,
        announced: Some(1),
        interfaces: vec![interface],
        peers: vec![peer()],
    };
    same("NetworkObject", &network, &NetworkObject { announced: None, ..network.clone() });

    let table = TableObject { name: s("peers"), size: 1, cap: 2 };
    same("TableObject", &table, &table);
    let sample = SampleObject {
        at: s("2026-11-21T06:20:19Z"),
        received: 1,
        received_bytes: 1,
        sent: 1,
        sent_bytes: 1,
        dropped: 1,
        retries: 1,
        peers: 1,
        latency: vec![1],
    };
    same("SampleObject", &sample, &sample);
    let counts = BTreeMap::from([(s("received"), 1)]);
    let traffic = TrafficObject {
        v: SCHEMA,
        kind: s("traffic"),
        since: s("2026-11-21T06:20:19Z"),
        counters: counts.clone(),
        drops: counts,
        tables: vec![table],
        latency_bounds_ms: vec![1],
        samples: vec![sample],
    };
    same("TrafficObject", &traffic, &traffic);

    let check = CheckObject { name: s("port"), subject: s("x"), verdict: s("ok"), text: s("t"), advice: vec![s("a")] };
    same("CheckObject", &check, &check);
    let doctor = DoctorObject {
        v: SCHEMA,
        kind: s("doctor"),
        healthy: true,
        cause: s("c"),
        advice: vec![s("a")],
        checks: vec![check],
    };
    same("DoctorObject", &doctor, &doctor);
}

#[test]
fn of_people() {
    let path = PathObject { address: s("10.0.0.1:8000"), proven: true, interface: Some(s("eth0")) };
    same("PathObject", &path, &PathObject { interface: None, ..path.clone() });
    let about = AboutObject {
        v: SCHEMA,
        kind: s("about"),
        peer: Some(peer()),
        fingerprint: Some(s("7f3a")),
        digits: Some(s("12345")),
        paths: vec![path],
        link: s("peer://connect/x"),
        qr: vec![s("10")],
    };
    same("AboutObject", &about, &AboutObject { peer: None, fingerprint: None, digits: None, ..about.clone() });
    let reached = ReachedObject {
        v: SCHEMA,
        kind: s("reached"),
        peer: Some(peer()),
        others: vec![peer()],
        tried: vec![s("10.0.0.1:8000")],
    };
    same("ReachedObject", &reached, &ReachedObject { peer: None, others: Vec::new(), ..reached.clone() });
    let last = LineObject {
        v: SCHEMA,
        kind: s("post"),
        row: None,
        message: s("m"),
        ours: true,
        with: None,
        text: s("t"),
        stamp: s("2026-11-21T06:20:19Z"),
        at: s("2026-11-21T06:20:19Z"),
        private: None,
        mark: None,
        reason: None,
        read: true,
        late: false,
    };
    let conversation = ConversationObject {
        v: SCHEMA,
        kind: s("conversation"),
        with: Some(person()),
        who: Some(s("k")),
        unread: 1,
        last: Some(last),
    };
    let bare = ConversationObject { with: None, who: None, last: None, ..conversation.clone() };
    same("ConversationObject", &conversation, &bare);
    let probe = ProbeRequest { who: s("bob") };
    same("ProbeRequest", &probe, &probe);
    let reach = ReachRequest { to: s("10.0.0.1") };
    same("ReachRequest", &reach, &reach);
}

#[test]
fn of_settings() {
    let setting = SettingObject {
        key: s("port"),
        help: s("h"),
        values: vec![s("1")],
        source: s("file"),
        in_file: Some(vec![s("1")]),
        default: Vec::new(),
        value: s("PORT"),
        list: false,
    };
    same("SettingObject", &setting, &SettingObject { in_file: None, ..setting.clone() });
    let settings = SettingsObject { v: SCHEMA, kind: s("settings"), file: s("/x"), settings: vec![setting] };
    same("SettingsObject", &settings, &settings);
    let change = SettingRequest { key: s("port"), values: Some(vec![s("1")]) };
    same("SettingRequest", &change, &SettingRequest { values: None, ..change.clone() });
}

//! The OpenAPI document and the routes are the same, and so are its schemas and the objects.

use std::collections::{BTreeMap, BTreeSet};

use lsnp::web::{
    DmRequest, DoneObject, ErrorObject, ForgetRequest, ForgottenObject, JudgeRequest, LineObject, NewsObject,
    PeerObject, PersonObject, PostRequest, ProfileObject, ProfileRequest, ReadRequest, SCHEMA, SentObject,
    StatusObject,
};
use serde::Serialize;
use serde_json::Value;

use crate::world::{body, free_port, start};

/// The methods that a route may have.
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "options", "trace"];

pub(crate) fn document() -> Value {
    serde_json::from_str(include_str!("../../src/web/openapi.json")).unwrap()
}

/// What is wrong with a value, by the schema of that name.
pub(crate) fn check(schema: &str, value: &Value) {
    let document = document();
    let schema = &document["components"]["schemas"][schema];
    assert!(schema.is_object(), "no such schema");
    if let Err(wrong) = fits(&document, schema, value) {
        panic!("{wrong} in {value:#}");
    }
}

fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let schema = document.pointer(name.trim_start_matches('#')).ok_or(format!("no {name}"))?;
        return fits(document, schema, value);
    }
    let right = match schema["type"].as_str() {
        // Any JSON.
        None if schema.get("type").is_none() => return Ok(()),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("boolean") => value.is_boolean(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        other => return Err(format!("type {other:?} in a schema")),
    };
    if !right {
        return Err(format!("{value} is not {}", schema["type"]));
    }
    let allowed = schema["enum"].as_array().is_none_or(|allowed| allowed.contains(value));
    if !allowed || schema.get("const").is_some_and(|only| only != value) {
        return Err(format!("{value} is not allowed"));
    }
    for item in value.as_array().into_iter().flatten() {
        fits(document, &schema["items"], item)?;
    }
    let Some(fields) = value.as_object() else { return Ok(()) };
    if let Some(missing) = required(schema).into_iter().find(|name| !fields.contains_key(*name)) {
        return Err(format!("{missing} is missing"));
    }
    for (name, value) in fields {
        let any = schema.get("additionalProperties").filter(|any| any.is_object());
        let schema = schema["properties"].get(name).or(any).ok_or(format!("{name} is not in the schema"))?;
        fits(document, schema, value).map_err(|wrong| format!("{name}: {wrong}"))?;
    }
    Ok(())
}

fn required(schema: &Value) -> BTreeSet<&str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Every field of the object stands in the schema, and what may be left out is not required there.
pub(crate) fn same(name: &str, full: &impl Serialize, least: &impl Serialize) {
    let (full, least) = (serde_json::to_value(full).unwrap(), serde_json::to_value(least).unwrap());
    check(name, &full);
    check(name, &least);
    let document = document();
    let schema = &document["components"]["schemas"][name];
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<BTreeSet<String>>();
    assert_eq!(keys(&schema["properties"]), keys(&full), "{name}");
    assert_eq!(required(schema), keys(&least).iter().map(String::as_str).collect(), "{name}");
}

pub(crate) fn s(text: &str) -> String {
    text.to_owned()
}

pub(crate) fn person() -> PersonObject {
    PersonObject { id: s("bob@10.0.0.1"), name: s("bob"), key: Some(s("k")), trust: s("known") }
}

pub(crate) fn peer() -> PeerObject {
    PeerObject {
        v: SCHEMA,
        kind: s("peer"),
        id: s("bob@10.0.0.1"),
        name: s("bob"),
        status: Some(s("away")),
        key: Some(s("k")),
        trust: s("new key"),
        presence: s("quiet"),
        address: Some(s("10.0.0.1:8000")),
        heard: Some(3),
        older: false,
        blocked: false,
        muted: false,
        avatar: true,
        picture: Some(s("ab")),
        private: true,
        round_trip_us: Some(1),
        interface: Some(s("eth0")),
        ways: vec![s("broadcast")],
        who: s("#7f3a"),
        what: Some(s("left")),
    }
}

#[test]
fn every_field_of_every_answer_is_described() {
    let status = StatusObject {
        v: SCHEMA,
        kind: s("status"),
        version: s("1"),
        pid: 1,
        id: s("a@b"),
        name: s("a"),
        status: Some(s("x")),
        key: Some(s("k")),
        fingerprint: Some(s("f")),
        profile: Some(s("p")),
        grouped: false,
        port: 8000,
        discovery: true,
        peers: 2,
        unread: Some(1),
        history: true,
        lists: true,
    };
    let bare =
        StatusObject { status: None, key: None, fingerprint: None, profile: None, unread: None, ..status.clone() };
    same("StatusObject", &status, &bare);

    let bare = PeerObject {
        status: None,
        key: None,
        address: None,
        heard: None,
        picture: None,
        round_trip_us: None,
        interface: None,
        ways: Vec::new(),
        what: None,
        ..peer()
    };
    same("PeerObject", &peer(), &bare);
    same("PersonObject", &person(), &PersonObject { key: None, ..person() });

    let line = LineObject {
        v: SCHEMA,
        kind: s("dm"),
        row: Some(7),
        message: s("m"),
        ours: true,
        with: Some(person()),
        text: s("t"),
        stamp: s("2026-11-21T06:20:19Z"),
        at: s("2026-11-21T06:20:19Z"),
        private: Some(true),
        mark: Some(s("failed")),
        reason: Some(s("blocked")),
        read: true,
        late: false,
    };
    let bare = LineObject { row: None, with: None, private: None, mark: None, reason: None, ..line.clone() };
    same("LineObject", &line, &bare);

    let sent = SentObject {
        v: SCHEMA,
        kind: s("mark"),
        message: s("m"),
        to: Some(person()),
        peers: Some(2),
        without: vec![person()],
        private: Some(false),
        mark: s("acknowledged"),
        reason: Some(s("r")),
    };
    same(
        "SentObject",
        &sent,
        &SentObject { to: None, peers: None, without: Vec::new(), private: None, reason: None, ..sent.clone() },
    );

    let profile = ProfileObject {
        v: SCHEMA,
        kind: s("profile"),
        id: s("a@b"),
        name: Some(s("A")),
        status: Some(s("x")),
        avatar: Some(100),
        picture: Some(s("ab")),
        not_kept: Some(s("full")),
    };
    let bare =
        ProfileObject { name: None, status: None, avatar: None, picture: None, not_kept: None, ..profile.clone() };
    same("ProfileObject", &profile, &bare);

    let forgotten = ForgottenObject { v: SCHEMA, kind: s("forgotten"), lines: 3 };
    same("ForgottenObject", &forgotten, &forgotten);
    let done = DoneObject { v: SCHEMA, kind: s("done") };
    same("DoneObject", &done, &done);
    let news = NewsObject { v: SCHEMA, kind: s("renamed"), rows: vec![1], posts: Some(1), id: Some(s("a@b")) };
    same("NewsObject", &news, &NewsObject { rows: Vec::new(), posts: None, id: None, ..news.clone() });

    let error = ErrorObject {
        v: SCHEMA,
        kind: s("error"),
        error: s("ambiguous"),
        message: s("m"),
        retry_after_ms: Some(5),
        candidates: vec![peer()],
    };
    let bare = ErrorObject { retry_after_ms: None, candidates: Vec::new(), ..error.clone() };
    same("ErrorObject", &error, &bare);
}

#[test]
fn every_field_of_every_request_is_described() {
    let post = PostRequest { text: s("t") };
    same("PostRequest", &post, &post);
    let dm = DmRequest { to: s("bob"), text: s("t") };
    same("DmRequest", &dm, &dm);
    let read = ReadRequest { rows: vec![1] };
    same("ReadRequest", &read, &read);
    let forget = ForgetRequest { with: Some(s("bob")), before: Some(1), all: true };
    same("ForgetRequest", &forget, &ForgetRequest::default());
    let profile = ProfileRequest { name: Some(s("a")), status: Some(s("b")) };
    same("ProfileRequest", &profile, &ProfileRequest::default());
    let judge = JudgeRequest { who: s("bob"), word: s("block") };
    same("JudgeRequest", &judge, &judge);
}

#[tokio::test]
async fn every_route_and_method_is_described_and_is_there() {
    let peer = start("alice", free_port()).await;
    let (status, answer) = peer.ask("GET /api/openapi.json", &[], "").await;
    let served: Value = serde_json::from_str(body(&answer)).unwrap();
    assert_eq!((status, &served["openapi"]), (200, &Value::from("3.1.0")));

    let described: BTreeMap<String, Value> = serde_json::from_value(served["paths"].clone()).unwrap();
    let paths: BTreeSet<&str> = described.keys().map(String::as_str).collect();
    assert_eq!(paths, lsnp::web::paths().into_iter().collect());
    for (path, methods) in &described {
        for method in METHODS {
            let line = format!(
                "{} {}",
                method.to_uppercase(),
                path.replace("{id}", "0")
                    .replace("{file}", "app.js")
                    .replace("{name}", "0")
                    .replace("{list}", "0")
                    .replace("{call}", "0")
            );
            // A type that no route takes: nothing is done.
            let head = [("Content-Type", "text/plain"), ("Last-Event-ID", "x")];
            let (status, answer) = peer.ask(&line, &head, "").await;
            let there = status != 405;
            assert_eq!(there, methods.get(method).is_some(), "{line}: {answer}");
        }
    }
}

/// The page shows the document to people.
#[test]
fn every_operation_parameter_and_field_is_explained() {
    let document = document();
    let explained = |value: &Value, what: &str| {
        let text = value["description"].as_str().unwrap_or_default();
        assert!(text.len() > 3 && text.ends_with(['.', '?']), "{what}: {text:?}");
    };
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            explained(operation, &format!("{method} {path}"));
            let tag = operation["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
            let known = document["tags"].as_array().unwrap().iter().any(|known| tag == [known["name"].clone()]);
            assert!(known, "{method} {path} has the tags {tag:?}");
            assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{method} {path}");
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                explained(parameter, &format!("{method} {path} {}", parameter["name"]));
            }
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        explained(schema, name);
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            explained(schema, &format!("{name}.{field}"));
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(document: &Value, value: &Value, count: &mut usize) {
        if let Some(name) = value.get("$ref").and_then(Value::as_str) {
            assert!(document.pointer(name.trim_start_matches('#')).is_some(), "{name}");
            *count += 1;
        }
        let items = value.as_array().into_iter().flatten();
        for value in items.chain(value.as_object().into_iter().flat_map(|fields| fields.values())) {
            walk(document, value, count);
        }
    }
    let (document, mut count) = (document(), 0);
    walk(&document, &document, &mut count);
    assert!(count > 40, "{count}");
}

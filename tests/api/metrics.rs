//! `GET /metrics`, read as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lsnp::web::{EventObject, EventQuery};
use tokio::time::timeout;

use crate::world::{PATIENCE, Peer, body, free_port, header, pair, start};

/// One metric.
#[derive(Debug, Default)]
struct Metric {
    kind: String,
    /// By the ending of the name, and the labels.
    samples: BTreeMap<(String, Vec<(String, String)>), f64>,
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || "_:".contains(c))
        && chars.all(|c| c.is_ascii_alphanumeric() || "_:".contains(c))
}

/// `a="b",c="d"` and what stands after the brace.
fn labels(mut text: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    loop {
        if let Some(rest) = text.strip_prefix('}') {
            return (found, rest);
        }
        let (name, rest) = text.split_once("=\"").unwrap();
        assert!(is_name(name) && !name.contains(':') && !name.starts_with("__"), "{name}");
        let mut value = String::new();
        let mut chars = rest.char_indices();
        let end = loop {
            match chars.next().unwrap() {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next().unwrap().1 {
                    'n' => '\n',
                    c @ ('\\' | '"') => c,
                    c => panic!("\\{c} in {text}"),
                }),
                (_, c) => value.push(c),
            }
        };
        found.push((name.to_owned(), value));
        text = rest[end + 1..].strip_prefix(',').unwrap_or(&rest[end + 1..]);
    }
}

/// Reads the format 0.0.4, and panics at what is not right.
fn read(text: &str) -> BTreeMap<String, Metric> {
    let mut metrics: BTreeMap<String, Metric> = BTreeMap::new();
    let mut current = String::new();
    assert!(text.ends_with('\n') && !text.contains('\r'));
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && !help.is_empty(), "{line}");
            assert!(metrics.insert(name.to_owned(), Metric::default()).is_none(), "{name} stands twice");
            current = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(name == current && ["counter", "gauge", "histogram"].contains(&kind), "{line}");
            metrics.get_mut(name).unwrap().kind = kind.to_owned();
        } else {
            let end = line.find(['{', ' ']).unwrap();
            let metric = metrics.get_mut(&current).unwrap();
            let ending = line[..end].strip_prefix(&current).unwrap_or_else(|| panic!("{line} is under {current}"));
            let (labels, value) = match line[end..].strip_prefix('{') {
                Some(rest) => labels(rest),
                None => (Vec::new(), &line[end..]),
            };
            let value: f64 = value.strip_prefix(' ').unwrap().parse().unwrap();
            assert!(!metric.kind.is_empty() && value >= 0.0, "{line}");
            assert!(ending.is_empty() || metric.kind == "histogram", "{line}");
            assert!(metric.samples.insert((ending.to_owned(), labels), value).is_none(), "{line} stands twice");
        }
    }
    for (name, metric) in &metrics {
        assert!(!metric.samples.is_empty(), "{name} has no sample");
        assert_eq!(metric.kind == "counter", name.ends_with("_total"), "{name}");
        if metric.kind == "histogram" {
            check_histogram(name, metric);
        }
    }
    metrics
}

fn check_histogram(name: &str, metric: &Metric) {
    let end = |labels: &[(String, String)]| match labels {
        [(name, end)] if name == "le" => end.replace("+Inf", "inf").parse::<f64>().unwrap(),
        other => panic!("{name}: {other:?}"),
    };
    let buckets = metric.samples.iter().filter(|((ending, _), _)| ending == "_bucket");
    let mut buckets: Vec<(f64, f64)> = buckets.map(|((_, labels), count)| (end(labels), *count)).collect();
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1), "{name}: {buckets:?}");
    let last = buckets.last().unwrap();
    assert!(
        last.0.is_infinite() && last.1 == metric.samples[&("_count".to_owned(), Vec::new())],
        "{name}: {buckets:?}"
    );
    assert!(metric.samples.contains_key(&("_sum".to_owned(), Vec::new())), "{name}");
}

async fn metrics(peer: &Peer) -> (String, BTreeMap<String, Metric>) {
    let (status, answer) = peer.ask("GET /metrics", &[], "").await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(header(&answer, "content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    (body(&answer).to_owned(), read(body(&answer)))
}

fn value(metrics: &BTreeMap<String, Metric>, name: &str, label: Option<(&str, &str)>) -> f64 {
    let labels = label.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    metrics[name].samples[&(String::new(), labels)]
}

#[tokio::test]
async fn all_that_is_counted_is_told_and_nobody_s_words() {
    let (alice, bob) = pair().await;
    bob.client.set_profile(Some("Zaphod \"} 7\\n"), Some("hidden words")).await.unwrap();
    let mut events = alice.client.events(&EventQuery::default()).await.unwrap();
    alice.client.dm("bob", "hidden words").await.unwrap();
    loop {
        let event = timeout(PATIENCE, events.next()).await.unwrap().unwrap().unwrap();
        if matches!(&event, EventObject::Mark(sent) if sent.mark == "stored") {
            break;
        }
    }
    let (text, told) = metrics(&alice).await;
    for hidden in ["hidden", "Zaphod", "bob", "alice", "127.0.0.1"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    assert!(value(&told, "lsnp_received_datagrams_total", None) > 0.0);
    assert!(value(&told, "lsnp_sent_bytes_total", None) > 0.0);
    assert_eq!(value(&told, "lsnp_peers", Some(("presence", "live"))), 1.0);
    assert_eq!(value(&told, "lsnp_table_size", Some(("table", "waiting DMs"))), 0.0);
    assert!(value(&told, "lsnp_table_limit", Some(("table", "peers"))) > 1_000.0);
    assert_eq!(value(&told, "lsnp_history_unread_lines", None), 0.0);
    assert_eq!(told["lsnp_drops_total"].samples.len(), lsnp::engine::Counters::default().drops().len());
    let histogram = &told["lsnp_dm_delivery_seconds"];
    assert_eq!(histogram.samples[&("_count".to_owned(), Vec::new())], 1.0);
    assert!(histogram.samples[&("_sum".to_owned(), Vec::new())] > 0.0);
    let started = value(&told, "process_start_time_seconds", None);
    let now = lsnp::node::unix_now().as_secs_f64();
    assert!((now - 600.0..=now).contains(&started), "{started}");
    assert_eq!(value(&metrics(&alice).await.1, "process_start_time_seconds", None), started, "it stays");

    let (_, of_bob) = metrics(&bob).await;
    assert_eq!(value(&of_bob, "lsnp_history_unread_lines", None), 1.0);
}

#[tokio::test]
async fn every_metric_is_described() {
    let peer = start("alice", free_port()).await;
    let told: BTreeSet<String> = metrics(&peer).await.1.into_keys().collect();
    let page = include_str!("../../docs/api.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let is_metric = |name: &str| name.starts_with("lsnp_") || name.starts_with("process_");
    let described: BTreeSet<String> =
        rows.map(|(name, _)| name.split('{').next().unwrap().to_owned()).filter(|name| is_metric(name)).collect();
    assert_eq!(told, described, "docs/api.md");
}

#[tokio::test]
async fn without_a_token_only_where_they_are_open() {
    let closed = start("alice", free_port()).await;
    let none = ("Authorization", "");
    assert_eq!(closed.ask("GET /metrics", &[none], "").await.0, 401);
    let handle = closed.context.handle.clone();
    let open = closed.served_by(Arc::new(move || handle.now()), true).await;
    let (status, answer) = open.ask("GET /metrics", &[none], "").await;
    assert_eq!(status, 200, "{answer}");
    read(body(&answer));
    assert_eq!(open.ask("GET /metrics", &[], "").await.0, 200, "with it, too");

    let port = open.served.port();
    let rebound = format!("evil.example:{port}");
    for (head, expected) in [
        (("Host", rebound.as_str()), 421),
        (("Origin", "http://evil.example"), 403),
        (("Sec-Fetch-Site", "cross-site"), 403),
        (("Sec-Fetch-Site", "same-site"), 403),
        (("Sec-Fetch-Site", "none"), 403),
    ] {
        assert_eq!(open.ask("GET /metrics", &[none, head], "").await.0, expected, "{head:?}");
    }
    for line in ["GET /api/status", "GET /metrics/", "GET /metrics/../api/status", "GET //metrics", "GET /api/traffic"]
    {
        assert_eq!(open.ask(line, &[none], "").await.0, 401, "{line}");
    }
}

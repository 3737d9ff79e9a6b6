//! `GET /metrics`: what is counted, in the text format 0.0.4 of Prometheus. No text and no name of anybody is in it.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::data::{self, cache::Stats};
use crate::engine::{Channel, Command, Counters, Fill, Me, Peer, Presence, Reply};
use crate::node::{Faults, Handle, unix_now};
use crate::store::History;

use super::refusal::Refusal;
use super::routes::Api;

/// Its media type.
const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All that the metrics tell of.
#[derive(Debug)]
struct Counted {
    /// Since 1970.
    started: Duration,
    me: Me,
    counters: Box<Counters>,
    faults: Faults,
    tables: Vec<Fill>,
    presences: BTreeMap<&'static str, usize>,
    /// None without a history.
    unread: Option<u64>,
    /// None without a cache.
    cache: Option<Stats>,
    /// None without a data space.
    refused: Option<[(Channel, u64); 3]>,
}

/// When the peer was started, since 1970.
pub(super) fn started(handle: &Handle) -> Duration {
    unix_now().saturating_sub(Duration::from_nanos(handle.now().as_nanos()))
}

/// `GET /metrics`.
pub(super) async fn metrics(State(api): State<Arc<Api>>) -> Result<Response, Refusal> {
    let handle = &api.context.handle;
    let unsaid = || Refusal::failed("the peer does not say what it counted");
    let Reply::Stats(counters) = handle.command(Command::Stats).await? else { return Err(unsaid()) };
    let Reply::Tables(tables) = handle.command(Command::Tables).await? else { return Err(unsaid()) };
    let unread = match api.context.history {
        // All else is told where the disk fails.
        Some(_) => api.kept(History::unread).await.ok(),
        None => None,
    };
    let counted = Counted {
        started: api.started,
        me: api.me().await?,
        counters,
        faults: handle.faults(),
        tables,
        presences: presences(&handle.peers().snapshot()),
        unread,
        cache: api.cache_stats().await,
        refused: match handle.data(data::Command::Refused).await {
            Ok(data::Reply::Refused(refused)) => Some(refused),
            _ => None,
        },
    };
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], written(&counted)).into_response())
}

fn presences(peers: &[Peer]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::from([("heard", 0), ("live", 0), ("quiet", 0)]);
    for peer in peers {
        let presence = match peer.presence() {
            Presence::Heard => "heard",
            Presence::Live => "live",
            Presence::Quiet => "quiet",
            // Nobody who is listed is away.
            Presence::Away => continue,
        };
        *counts.entry(presence).or_default() += 1;
    }
    counts
}

fn written(counted: &Counted) -> String {
    let Counted { counters, faults, me, .. } = counted;
    let mut out = Exposition::default();
    out.family("lsnp_build_info", "gauge", "The version of the program; always 1.");
    out.sample("", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    out.family("process_start_time_seconds", "gauge", "When the peer was started, seconds since 1970.");
    out.sample("", &[], counted.started.as_secs_f64());

    let totals = [
        ("lsnp_received_datagrams_total", "Datagrams received and understood.", counters.received),
        ("lsnp_received_bytes_total", "Bytes received, of all datagrams.", counters.received_bytes),
        ("lsnp_sent_datagrams_total", "Datagrams sent; one to many counts for each address.", counters.sent),
        ("lsnp_sent_bytes_total", "Bytes sent.", counters.sent_bytes),
        ("lsnp_echoes_total", "Our own announcements heard back.", counters.echoes),
        ("lsnp_dm_retries_total", "DMs of ours that were sent once more.", counters.retries),
    ];
    for (name, help, value) in totals {
        out.family(name, "counter", help);
        out.sample("", &[], value);
    }
    out.family("lsnp_drops_total", "counter", "What was dropped or not done, by reason.");
    for (reason, count) in counters.drops() {
        out.sample("", &[("reason", reason)], count);
    }
    out.family("lsnp_socket_faults_total", "counter", "What went wrong with the sockets, by fault.");
    let of_sockets = [
        ("failed reception", faults.received),
        ("refused send", faults.refused),
        ("given up send", faults.given_up),
        ("other interface", faults.other_interface),
        ("reopened", faults.reopened),
    ];
    for (fault, count) in of_sockets {
        out.sample("", &[("fault", fault)], count);
    }
    latency(&mut out, counters);

    out.family("lsnp_peers", "gauge", "Peers that are listed, by presence.");
    for (presence, count) in &counted.presences {
        out.sample("", &[("presence", presence)], count);
    }
    out.family("lsnp_table_size", "gauge", "What is in each table: entries, or bytes where its name says so.");
    for table in &counted.tables {
        out.sample("", &[("table", table.what)], table.size);
    }
    out.family("lsnp_table_limit", "gauge", "The most that may be in each table.");
    for table in &counted.tables {
        out.sample("", &[("table", table.what)], table.cap);
    }
    out.family("lsnp_interfaces", "gauge", "Addresses of live interfaces that are used, the loopback included.");
    out.sample("", &[], me.links.len());
    out.family("lsnp_discovery_open", "gauge", "1 where the port is open that everyone listens on.");
    out.sample("", &[], u8::from(me.discovery_open));
    if let Some(unread) = counted.unread {
        out.family("lsnp_history_unread_lines", "gauge", "Lines of history that nobody has read.");
        out.sample("", &[], unread);
    }
    if let Some(refused) = &counted.refused {
        out.family(
            "lsnp_data_refused_total",
            "counter",
            "What others sent to the data space and was refused, by part.",
        );
        for (part, count) in refused {
            out.sample("", &[("part", part.word())], count);
        }
    }
    if let Some(cache) = &counted.cache {
        values(&mut out, cache);
    }
    out.text
}

fn values(out: &mut Exposition, cache: &Stats) {
    out.family("lsnp_cache_lookups_total", "counter", "Values that were looked for in the cache, by where they were.");
    for (place, count) in [("here", cache.hits), ("peer", cache.peer_hits), ("nowhere", cache.misses)] {
        out.sample("", &[("found", place)], count);
    }
    out.family("lsnp_cache_served_total", "counter", "Values that others fetched from us.");
    out.sample("", &[], cache.served);
    out.family("lsnp_cache_refused_total", "counter", "What the cache did not take or give, by reason.");
    let refused = [("untrusted", cache.untrusted), ("broken", cache.broken), ("too large", cache.too_large)];
    for (reason, count) in refused {
        out.sample("", &[("reason", reason)], count);
    }
    out.family("lsnp_cache_dropped_total", "counter", "Entries that went, by reason.");
    for (reason, count) in [("no room", cache.evicted), ("too old", cache.expired)] {
        out.sample("", &[("reason", reason)], count);
    }
    out.family("lsnp_cache_entries", "gauge", "Entries that are in the cache.");
    out.sample("", &[], cache.entries);
    out.family("lsnp_cache_bytes", "gauge", "Bytes that are in the cache.");
    out.sample("", &[], cache.bytes);
}

fn latency(out: &mut Exposition, counters: &Counters) {
    let help = "DMs of ours that were acknowledged, by the time since they were written.";
    out.family("lsnp_dm_delivery_seconds", "histogram", help);
    let mut sum = 0;
    for (end, count) in Counters::LATENCY.iter().zip(counters.latency) {
        sum += count;
        let end = Duration::from_millis(*end).as_secs_f64().to_string();
        out.sample("_bucket", &[("le", &end)], sum);
    }
    let all: u64 = counters.latency.iter().sum();
    out.sample("_bucket", &[("le", "+Inf")], all);
    out.sample("_sum", &[], Duration::from_micros(counters.latency_sum).as_secs_f64());
    out.sample("_count", &[], all);
}

/// Writes the format.
#[derive(Debug, Default)]
struct Exposition {
    text: String,
    /// The name of the metric that is written.
    name: &'static str,
}

impl Exposition {
    fn family(&mut self, name: &'static str, kind: &str, help: &str) {
        self.name = name;
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn sample(&mut self, ending: &str, labels: &[(&str, &str)], value: impl Display) {
        let name = self.name;
        self.line(format_args!("{name}{ending}"));
        for (at, (label, what)) in labels.iter().enumerate() {
            let what = what.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            self.line(format_args!("{}{label}=\"{what}\"", if at == 0 { '{' } else { ',' }));
        }
        self.line(format_args!("{} {value}\n", if labels.is_empty() { "" } else { "}" }));
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        // A string takes everything.
        let _ = self.text.write_fmt(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_help_are_escaped() {
        let mut out = Exposition::default();
        out.family("a", "gauge", "b\\c\nd");
        out.sample("_x", &[("l", "e\\f\"g\nh"), ("m", "")], 1);
        assert_eq!(out.text, "# HELP a b\\\\c\\nd\n# TYPE a gauge\na_x{l=\"e\\\\f\\\"g\\nh\",m=\"\"} 1\n");
    }

    #[test]
    fn a_histogram_adds_up() {
        let mut counters = Counters::default();
        counters.latency[0] = 2;
        counters.latency[3] = 3;
        counters.latency[12] = 1;
        counters.latency_sum = 45_500_000;
        let mut out = Exposition::default();
        latency(&mut out, &counters);
        let line = |text: &str| out.text.lines().any(|line| line == text);
        assert!(line("lsnp_dm_delivery_seconds_bucket{le=\"0.001\"} 2"), "{}", out.text);
        assert!(line("lsnp_dm_delivery_seconds_bucket{le=\"0.01\"} 5"), "{}", out.text);
        assert!(line("lsnp_dm_delivery_seconds_bucket{le=\"30\"} 5"), "{}", out.text);
        assert!(line("lsnp_dm_delivery_seconds_bucket{le=\"+Inf\"} 6"), "{}", out.text);
        assert!(line("lsnp_dm_delivery_seconds_sum 45.5") && line("lsnp_dm_delivery_seconds_count 6"), "{}", out.text);
    }
}

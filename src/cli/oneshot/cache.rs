//! `peer cache`: what the network need not fetch or make twice.

mod command;
mod run;

use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::data::cache::VALUE_MAX;
use crate::web::{CacheAnswer, CacheForgetQuery, CacheGetQuery, CachePutQuery, CacheStatsObject, SCHEMA};
use crate::wire::{Safe, SafeLines};

use super::super::args::{CacheArgs, CacheTask, Options};
use super::super::render::grouped;
use super::super::shown::{Shown, Tone};
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{object, put, say};

/// A peer that runs for one value only gives others so long to fetch it.
const LAST_VALUE: Duration = Duration::from_secs(2);

/// A value, and all that is known of it.
#[derive(Serialize)]
struct ValueObject<'a> {
    v: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    namespace: &'a str,
    key: &'a str,
    hash: &'a str,
    place: &'a str,
    ttl: u64,
    size: usize,
    /// The value, if it is text and goes to no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    /// The value, if it is none and goes to no file.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

pub(super) async fn cache(options: &Options, args: &CacheArgs) -> Result<(), Trouble> {
    let manner = Manner { json: args.json, serves: false, settles: true };
    match &args.task {
        CacheTask::Run { key, ttl, join, command } => {
            let order = run::Order { namespace: &args.namespace, key: key.as_deref(), ttl: *ttl, join: *join, command };
            run::run(options, &order, args.json).await
        }
        CacheTask::Put { key, file, ttl } => {
            let value = read(file)?;
            let link = Link::open(options, manner).await?;
            let query = CachePutQuery { namespace: args.namespace.clone(), key: key.clone(), ttl: Some(ttl.as_secs()) };
            let cached = link.client.cache_put(&query, value).await;
            if cached.is_ok() && link.is_own() {
                tokio::time::sleep(LAST_VALUE).await;
            }
            link.close().await;
            let cached = cached?;
            if args.json { object(&cached) } else { say(&format!("In the cache: {}", super::shown(key))) }
        }
        CacheTask::Get { key, out } => {
            let link = Link::open(options, manner).await?;
            let query = CacheGetQuery { namespace: args.namespace.clone(), key: key.clone(), make: false };
            let found = link.client.cache_get(&query).await;
            link.close().await;
            let out = out.as_deref().filter(|file| !is_stdio(file));
            got(&args.namespace, key, found?, out, args.json)
        }
        CacheTask::Stats => {
            let link = Link::open(options, Manner { settles: false, ..manner }).await?;
            let stats = link.client.cache_stats().await;
            link.close().await;
            let stats = stats?;
            if args.json {
                return object(&stats);
            }
            lines(&stats).iter().try_for_each(|(what, value)| say(&format!("{what:<12} {value}")))
        }
        CacheTask::Forget { key, .. } => {
            let link = Link::open(options, Manner { settles: false, ..manner }).await?;
            // Of the whole cache only where nothing narrows it.
            let namespace = (key.is_some() || !args.namespace.is_empty()).then(|| args.namespace.clone());
            let forgotten = link.client.cache_forget(&CacheForgetQuery { namespace, key: key.clone() }).await;
            link.close().await;
            let forgotten = forgotten?;
            if args.json {
                return object(&forgotten);
            }
            say(&format!("Dropped here: {}", grouped(forgotten.entries)))
        }
    }
}

/// Whether the input, or the output, is meant.
fn is_stdio(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The value that a file or the input holds.
fn read(file: &Path) -> Result<Vec<u8>, Trouble> {
    let most = VALUE_MAX as u64 + 1;
    let mut value = Vec::new();
    let read = if is_stdio(file) {
        io::stdin().lock().take(most).read_to_end(&mut value)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(most).read_to_end(&mut value))
    };
    let name = Safe::fitted(&file.to_string_lossy(), 60);
    read.map_err(|error| Trouble::failed(format!("cannot read {name}: {error}")))?;
    if value.len() > VALUE_MAX {
        let what = if is_stdio(file) { "the input".to_owned() } else { name.as_str().to_owned() };
        let max = grouped(VALUE_MAX);
        return Err(Trouble::failed(format!("a value may have {max} bytes, and {what} is longer")));
    }
    Ok(value)
}

fn got(namespace: &str, key: &str, found: CacheAnswer, out: Option<&Path>, json: bool) -> Result<(), Trouble> {
    let CacheAnswer::Found { value, hash, peer, ttl } = found else {
        return Err(Trouble::failed("the running peer is of another version: it wants a value made"));
    };
    if let Some(file) = out {
        keep(file, &value)?;
    }
    if json {
        let text = std::str::from_utf8(&value).ok().filter(|_| out.is_none());
        let encoded = || data_encoding::BASE64.encode(&value);
        let base64 = (text.is_none() && out.is_none()).then(encoded);
        let (hash, place, size) = (&*hash, peer.as_deref().unwrap_or("here"), value.len());
        let ttl = ttl.as_secs();
        return object(&ValueObject { v: SCHEMA, kind: "value", namespace, key, hash, place, ttl, size, text, base64 });
    }
    if out.is_some() { Ok(()) } else { show(&value) }
}

/// Writes a value to a file that is not there yet.
fn keep(file: &Path, value: &[u8]) -> Result<(), Trouble> {
    let made = std::fs::File::create_new(file).and_then(|mut file| file.write_all(value));
    let name = Safe::fitted(&file.to_string_lossy(), 60);
    made.map_err(|error| Trouble::failed(format!("cannot write {name}: {error}")))
}

/// Prints a value as it is; at a terminal only what can be shown there.
fn show(value: &[u8]) -> Result<(), Trouble> {
    if !io::stdout().is_terminal() {
        let mut out = io::stdout().lock();
        return out.write_all(value).and_then(|()| out.flush()).map_err(Trouble::output);
    }
    let Ok(text) = std::str::from_utf8(value) else {
        return Err(Trouble::failed("the value is no text: write it to a file by --out, or to a pipe"));
    };
    let lines = SafeLines::of(text);
    lines.iter().try_for_each(|line| put(&Shown::line(false, &[(Tone::Plain, line.as_str())])))
}

fn lines(stats: &CacheStatsObject) -> Vec<(&'static str, String)> {
    let count = |count: u64| usize::try_from(count).map_or_else(|_| count.to_string(), grouped);
    let asked = stats.hits + stats.peer_hits + stats.misses;
    let percent = |part: u64| (part * 100).checked_div(asked).map(|part| format!(" ({part} %)")).unwrap_or_default();
    vec![
        ("hits", format!("{}{}", count(stats.hits), percent(stats.hits))),
        ("peer hits", format!("{}{}", count(stats.peer_hits), percent(stats.peer_hits))),
        ("misses", format!("{}{}", count(stats.misses), percent(stats.misses))),
        ("served", count(stats.served)),
        ("entries", format!("{} of {}", grouped(stats.entries), grouped(stats.entries_max))),
        ("bytes", format!("{} of {}", count(stats.bytes), count(stats.bytes_max))),
        ("evicted", count(stats.evicted)),
        ("expired", count(stats.expired)),
        ("untrusted", count(stats.untrusted)),
        ("broken", count(stats.broken)),
    ]
}

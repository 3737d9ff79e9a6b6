//! `peer cache run`: what a command prints, from the cache or from the command. Whatever is wrong with the cache, the
//! command runs.

use std::ffi::OsString;
use std::process::ExitStatus;
use std::time::Duration;

use serde::Serialize;

use crate::data::cache::VALUE_MAX;
use crate::web::{CacheAnswer, CacheGetQuery, CacheKeyRequest, CachePutQuery, Client, SCHEMA};

use super::super::super::args::Options;
use super::super::super::host::sentence;
use super::super::super::render::grouped;
use super::super::super::screen;
use super::super::super::shown::{Shown, Tone};
use super::super::super::signals::Signals;
use super::super::link::{Link, Manner, running};
use super::super::trouble::Trouble;
use super::command::{self, Printed, Running};
use super::{LAST_VALUE, show};

/// So often the others are told that it still runs.
const STILL: Duration = Duration::from_secs(3);

/// A peer that hangs does not hold up who waits for the command longer than that.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a command wrote before it was interrupted is shown within this time.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// Where a value is that our command printed.
const MADE: &str = "made";

/// What is wanted.
#[derive(Debug)]
pub(super) struct Order<'a> {
    pub(super) namespace: &'a str,
    pub(super) key: Option<&'a str>,
    pub(super) ttl: Duration,
    pub(super) join: bool,
    pub(super) command: &'a [OsString],
}

/// Where the output was, on the standard error.
#[derive(Serialize)]
struct RanObject<'a> {
    v: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    namespace: &'a str,
    key: &'a str,
    /// `here`, who gave it, or `made`.
    place: &'a str,
    /// Others find it now.
    shared: bool,
    status: u8,
}

/// A claim of ours to make a value.
struct Claim {
    client: Client,
    key: CacheKeyRequest,
}

pub(super) async fn run(options: &Options, order: &Order<'_>, json: bool) -> Result<(), Trouble> {
    let mut signals = Signals::listen().map_err(|error| Trouble::failed(error.to_string()))?;
    let key = order.key.map_or_else(|| command::key(order.command), str::to_owned);
    let link = tokio::select! {
        link = open(options, order.join, json) => link,
        signal = signals.next() => return Err(Trouble::silent(signal.status())),
    };
    let ran = with(link.as_ref(), order, &key, &mut signals, json).await;
    if let Some(link) = link {
        if link.is_own() && matches!(&ran, Ok(Ran { shared: true, place, .. }) if place == MADE) {
            tokio::time::sleep(LAST_VALUE).await;
        }
        link.close().await;
    }
    let Ran { place, shared, status } = ran?;
    if json {
        let ran =
            RanObject { v: SCHEMA, kind: "ran", namespace: order.namespace, key: &key, place: &place, shared, status };
        remark_json(&ran);
    }
    if status == 0 { Ok(()) } else { Err(Trouble::silent(status)) }
}

/// What came of it.
struct Ran {
    place: String,
    shared: bool,
    status: u8,
}

async fn with(
    link: Option<&Link>,
    order: &Order<'_>,
    key: &str,
    signals: &mut Signals,
    json: bool,
) -> Result<Ran, Trouble> {
    let (namespace, name) = (order.namespace.to_owned(), key.to_owned());
    let mut claim = None;
    if let Some(link) = link {
        let query = CacheGetQuery { namespace: namespace.clone(), key: name.clone(), make: true };
        let asked = tokio::select! {
            biased;
            asked = link.client.cache_get(&query) => asked,
            // What waits for somebody else's command claims nothing.
            signal = signals.next() => return Err(Trouble::silent(signal.status())),
        };
        match asked {
            Ok(CacheAnswer::Found { value, peer, .. }) => {
                let place = peer.unwrap_or_else(|| "here".to_owned());
                show(&value)?;
                return Ok(Ran { place, shared: true, status: 0 });
            }
            Ok(CacheAnswer::Make) => {
                let key = CacheKeyRequest { namespace, key: name };
                claim = Some(Claim { client: link.client.clone(), key });
            }
            Err(error) => remark(json, &format!("The cache is of no help, so the command runs: {error}")),
        }
    }
    make(claim, order, signals, json).await
}

/// Runs the command, and shares what it prints where there is a claim.
async fn make(claim: Option<Claim>, order: &Order<'_>, signals: &mut Signals, json: bool) -> Result<Ran, Trouble> {
    let mut running = match Running::start(order.command, claim.is_some()) {
        Ok(running) => running,
        Err((status, error)) => {
            give_up(claim).await;
            let name = order.command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            remark(false, &format!("Cannot run {}: {error}", super::super::shown(&name)));
            return Ok(Ran { place: MADE.to_owned(), shared: false, status });
        }
    };
    let still = claim.as_ref().map(|claim| tokio::spawn(say_still(claim.client.clone(), claim.key.clone())));
    let (ended, printed, interrupted) = attend(&mut running, signals).await;
    if let Some(still) = still {
        still.abort();
    }
    let ended = match ended {
        Ok(ended) => ended,
        Err(error) => {
            give_up(claim).await;
            return Err(Trouble::failed(format!("cannot wait for the command: {error}")));
        }
    };
    let status = command::status(ended);
    let shared = match (claim, printed) {
        (Some(claim), Printed::Whole(value)) if status == 0 && !interrupted => {
            share(claim, value, order.ttl, json).await
        }
        (claim, printed) => {
            give_up(claim).await;
            match printed {
                Printed::Long => {
                    let most = grouped(VALUE_MAX);
                    remark(json, &format!("The command printed more than {most} bytes, so that is not shared"));
                }
                // What the command would have told, had it printed there itself.
                Printed::Lost(error) => return Err(Trouble::output(error)),
                Printed::Whole(_) | Printed::Broken | Printed::Unseen => {}
            }
            false
        }
    };
    Ok(Ran { place: MADE.to_owned(), shared, status })
}

/// Waits for the end of the command and of what it prints. What to do at a signal is its own affair.
async fn attend(running: &mut Running, signals: &mut Signals) -> (std::io::Result<ExitStatus>, Printed, bool) {
    let mut interrupted = false;
    let ended = loop {
        tokio::select! {
            ended = running.ended() => break ended,
            signal = signals.next() => {
                running.signal(signal);
                interrupted = true;
            }
        }
    };
    // What it started may go on printing: who interrupts does not wait for that.
    let printed = tokio::select! {
        printed = running.printed() => printed,
        () = signals.came() => Printed::Broken,
        () = tokio::time::sleep(LAST_WORDS), if interrupted => Printed::Broken,
    };
    (ended, printed, interrupted)
}

async fn say_still(client: Client, key: CacheKeyRequest) {
    let mut beat = tokio::time::interval(STILL);
    beat.tick().await;
    loop {
        beat.tick().await;
        if let Err(error) = client.cache_still_making(&key).await {
            tracing::warn!(%error, "others may run the command, too");
        }
    }
}

async fn give_up(claim: Option<Claim>) {
    if let Some(Claim { client, key }) = claim
        && !matches!(tokio::time::timeout(PATIENCE, client.cache_give_up(&key)).await, Ok(Ok(())))
    {
        tracing::warn!("others wait longer than they need to");
    }
}

/// Whether others find it now.
async fn share(claim: Claim, value: Vec<u8>, ttl: Duration, json: bool) -> bool {
    let Claim { client, key: CacheKeyRequest { namespace, key } } = claim;
    let query = CachePutQuery { namespace, key, ttl: Some(ttl.as_secs()) };
    let why = match tokio::time::timeout(PATIENCE, client.cache_put(&query, value)).await {
        Ok(Ok(_)) => return true,
        Ok(Err(error)) => error.to_string(),
        Err(_) => "the running peer does not answer".to_owned(),
    };
    remark(json, &format!("What the command printed is not shared: {why}"));
    false
}

/// The peer that runs, or one of our own if that is wanted; with a remark where there is none.
async fn open(options: &Options, join: bool, json: bool) -> Option<Link> {
    let found = if join {
        // Others on this computer may want something meanwhile.
        let joined = Link::open(options, Manner { json: true, serves: true, settles: true }).await;
        joined.map(|mut link| {
            link.early = None;
            Some(link)
        })
    } else {
        match running(options).await {
            Ok(Some(_)) => Link::open(options, Manner { json: true, serves: false, settles: false }).await.map(Some),
            Ok(None) => Ok(None),
            Err(trouble) => Err(trouble),
        }
    };
    match found {
        Ok(Some(link)) => Some(link),
        Ok(None) => {
            remark(
                json,
                "No peer runs, so the command runs and nothing is shared: start one by peer run, or add --join",
            );
            None
        }
        Err(trouble) => {
            remark(json, &format!("The cache is of no help, so the command runs: {}", trouble.message()));
            None
        }
    }
}

/// Tells the user on the standard error; a program is told by the exit status and the object at the end.
fn remark(json: bool, text: &str) {
    if !json {
        screen::complain(&Shown::line(false, &[(Tone::Plain, &sentence(text))]));
    }
}

fn remark_json(ran: &RanObject<'_>) {
    use std::io::Write;
    // Where nobody reads, the exit status still tells.
    let _ = writeln!(std::io::stderr().lock(), "{}", crate::web::json(ran));
}

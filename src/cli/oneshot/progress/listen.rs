//! `peer progress listen`: progress as it comes, to a port of its own and to the peer.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::engine::Instant;
use crate::node::unix_now;
use crate::web::{AuthorObject, Client, EventObject, EventQuery, Events, ProgressObject, ProgressRequest, SCHEMA};
use crate::wire::PublicKey;

use super::super::super::args::Options;
use super::super::super::config::Source;
use super::super::super::host::sentence;
use super::super::super::screen;
use super::super::super::shown::{Shown, Tone};
use super::super::super::signals::Signals;
use super::super::books::render;
use super::super::link::{Link, Manner};
use super::super::trouble::Trouble;
use super::super::{object, put, say};
use super::grouped_here;
use super::port::{self, Came, Port};

/// So often it is told what was not looked at.
const COUNT: Duration = Duration::from_secs(10);

/// What the peer took on its board and tells of again, at most.
const TAKEN: usize = 256;

/// Digits of a fingerprint that name a key.
const DIGITS: usize = 12;

pub(super) async fn listen(options: &Options, json: bool) -> Result<(), Trouble> {
    let mut signals = Signals::listen().map_err(|error| Trouble::failed(error.to_string()))?;
    let wanted = options
        .port
        .filter(|_| options.settings.iter().any(|setting| setting.key == "port" && setting.source == Source::Option));
    let port = if grouped_here(options).await? { None } else { Some(Port::open(wanted).await?) };
    let (port, remarked) = port.unzip();
    if let Some(text) = remarked.flatten().filter(|_| !json) {
        remark(&text);
    }
    // The port is the listener's, not that of a peer of its own.
    let options = Options { port: options.port.filter(|_| wanted.is_none()), ..options.clone() };
    let link = tokio::select! {
        link = Link::open(&options, Manner { json, serves: true, settles: false }) => link,
        () = signals.came() => return Ok(()),
    };
    let mut link = match (link, &port) {
        (Ok(link), _) => Some(link),
        // A port of its own is enough to listen at.
        (Err(trouble), Some(_)) => {
            if !json {
                remark(&format!("only what comes to the port is shown: {}", trouble.message()));
            }
            None
        }
        (Err(trouble), None) => return Err(trouble),
    };
    let heard = tokio::select! {
        heard = hear(&options, link.as_mut(), port, json) => heard,
        () = signals.came() => Ok(()),
    };
    if let Some(link) = link {
        link.close().await;
    }
    heard
}

async fn hear(options: &Options, link: Option<&mut Link>, port: Option<Port>, json: bool) -> Result<(), Trouble> {
    let client = link.as_ref().map(|link| link.client.clone());
    let mut events = match link {
        Some(link) => Some(match link.early.take() {
            Some(events) => events,
            None => link.client.events(&EventQuery::default()).await?,
        }),
        None => None,
    };
    greet(options, client.as_ref(), port.as_ref(), json).await?;
    let mut ear = Ear { client, port, taken: VecDeque::new(), dropped: (0, 0), json };
    let mut count = tokio::time::interval(COUNT);
    loop {
        tokio::select! {
            event = next(events.as_mut()) => match event? {
                Some(EventObject::Progress(progress)) => ear.told(&progress)?,
                Some(_) => {}
                // The port is still there.
                None if ear.port.is_some() => {
                    remark("the peer has ended: only what comes to the port is shown");
                    (events, ear.client) = (None, None);
                }
                None => return Err(Trouble::failed("the peer has ended")),
            },
            came = arrive(ear.port.as_mut()) => ear.arrived(came).await?,
            _ = count.tick() => ear.count(),
        }
    }
}

/// Prints how to send progress here.
async fn greet(options: &Options, client: Option<&Client>, port: Option<&Port>, json: bool) -> Result<(), Trouble> {
    let command = "peer progress send --user fatuma --lesson lesson-001 --status completed --to";
    let Some(port) = port else {
        let status = match client {
            Some(client) => client.status().await?,
            None => return Ok(()),
        };
        let who = status.fingerprint.as_deref().map(digits).unwrap_or(status.name);
        return if json {
            Ok(())
        } else {
            say(&format!("Listening. From another member of the group: {command} {who}"))
        };
    };
    let all = port::addresses(options.interfaces());
    let first = all.first().copied().unwrap_or(Ipv4Addr::LOCALHOST);
    if json {
        let addresses = all.iter().map(|ip| format!("{ip}:{}", port.number)).collect();
        let command = format!("{command} {first}:{}", port.number);
        return object(&ListeningObject { v: SCHEMA, kind: "listening", addresses, command });
    }
    say(&format!(
        "Listening at {first}, port {}. To send progress here, from any computer that reaches it:",
        port.number
    ))?;
    say(&format!("{command} {first}:{}", port.number))?;
    if first.is_loopback() {
        say("No network is up, so only this computer reaches it")?;
    }
    let others: Vec<String> = all.iter().skip(1).map(|ip| format!("{ip}:{}", port.number)).collect();
    if others.is_empty() { Ok(()) } else { say(&format!("On other networks: {}", others.join(", "))) }
}

/// Where it listens.
#[derive(serde::Serialize)]
struct ListeningObject {
    v: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    addresses: Vec<String>,
    command: String,
}

fn digits(fingerprint: &str) -> String {
    let hex: String = fingerprint.chars().filter(char::is_ascii_hexdigit).collect();
    format!("#{}", hex.get(..DIGITS).unwrap_or(&hex))
}

async fn next(events: Option<&mut Events>) -> Result<Option<EventObject>, Trouble> {
    match events {
        Some(events) => Ok(events.next().await?),
        None => std::future::pending().await,
    }
}

async fn arrive(port: Option<&mut Port>) -> Came {
    match port {
        Some(port) => port.next(now).await,
        None => std::future::pending().await,
    }
}

/// The time of the wall: what comes is only counted by it.
fn now() -> Instant {
    Instant::from_nanos(u64::try_from(unix_now().as_nanos()).unwrap_or(u64::MAX))
}

/// What was heard.
struct Ear {
    client: Option<Client>,
    port: Option<Port>,
    /// What the peer took on its board: it tells of that again.
    taken: VecDeque<ProgressRequest>,
    dropped: (u64, u64),
    json: bool,
}

impl Ear {
    /// Something came through the peer.
    fn told(&mut self, progress: &ProgressObject) -> Result<(), Trouble> {
        if progress.by.ours && self.taken.iter().any(|taken| is_same(taken, progress)) {
            return Ok(());
        }
        let how = if progress.late == Some(true) { ", some time ago" } else { "" };
        self.show(progress, how)
    }

    /// Something came to the port: it is shown, and goes on the board.
    async fn arrived(&mut self, Came { progress, by, from }: Came) -> Result<(), Trouble> {
        let shown = ProgressObject {
            v: SCHEMA,
            kind: "progress".to_owned(),
            user: progress.user,
            lesson: progress.lesson,
            status: progress.status,
            timestamp: progress.at,
            by: author(by),
            lamport: 0,
            newest: None,
            late: None,
        };
        self.show(&shown, &format!(" from {}", from.ip()))?;
        let Some(client) = &self.client else { return Ok(()) };
        let ProgressObject { user, lesson, status, timestamp, .. } = shown;
        let request = ProgressRequest { user, lesson, status, timestamp: Some(timestamp), to: None, taken: true };
        if self.taken.len() >= TAKEN {
            self.taken.pop_front();
        }
        self.taken.push_back(request.clone());
        if let Err(error) = client.progress(&request).await {
            tracing::warn!(%error, "what came to the port is not on the board");
        }
        Ok(())
    }

    fn show(&self, progress: &ProgressObject, how: &str) -> Result<(), Trouble> {
        if self.json { object(progress) } else { put(&render().progress(progress, how)) }
    }

    /// Tells what was not looked at since the last time.
    fn count(&mut self) {
        let Some(port) = &self.port else { return };
        let (too_fast, refused) = port.dropped();
        let before = std::mem::replace(&mut self.dropped, (too_fast, refused));
        for (count, why) in [(too_fast - before.0, "came too fast"), (refused - before.1, "are no signed progress")] {
            if count > 0 && !self.json {
                remark(&format!("{count} datagrams {why} and are not shown"));
            }
        }
    }
}

fn is_same(taken: &ProgressRequest, told: &ProgressObject) -> bool {
    taken.user == told.user
        && taken.lesson == told.lesson
        && taken.status == told.status
        && taken.timestamp == Some(told.timestamp)
}

fn author(key: PublicKey) -> AuthorObject {
    let name = digits(&key.fingerprint().hex());
    AuthorObject { key: key.to_string(), who: name.clone(), name, trust: None, ours: false }
}

fn remark(text: &str) {
    screen::complain(&Shown::line(false, &[(Tone::Plain, &sentence(text))]));
}

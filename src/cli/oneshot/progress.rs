//! `peer progress`: how people stand with their lessons.

mod listen;
mod lone;
mod port;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde::Serialize;
use tokio::net::UdpSocket;

use crate::crypto::KeyPair;
use crate::data::board::Progress;
use crate::node::{Keys, Profile, random_seed, unix_now};
use crate::web::{ProgressRequest, SCHEMA};

use super::super::args::{Options, ProgressArgs, ProgressTask};
use super::super::render::grouped;
use super::super::secret;
use super::books::render;
use super::link::{Link, Manner, running};
use super::trouble::Trouble;
use super::{object, put, say, shown};

/// A peer that runs for one message only says it so long.
const LAST_WORD: Duration = Duration::from_millis(500);

/// A host that says that nobody listens there says so within this time.
const REFUSAL: Duration = Duration::from_millis(200);

/// What was sent to an address.
#[derive(Serialize)]
struct LoneObject<'a> {
    v: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    to: String,
    user: &'a str,
    lesson: &'a str,
    status: &'a str,
    timestamp: u64,
}

pub(super) async fn progress(options: &Options, args: &ProgressArgs) -> Result<(), Trouble> {
    match &args.task {
        ProgressTask::Send { user, lesson, status, to } => {
            for (what, text) in [("--user", user), ("--lesson", lesson), ("--status", status)] {
                if let Some(fault) = lone::fault(what, text) {
                    return Err(Trouble::usage(fault));
                }
            }
            let (user, lesson, status) = (user.clone(), lesson.clone(), status.clone());
            let progress = Progress { user, lesson, status, at: unix_now().as_secs() };
            match to.as_deref().map(address).transpose()?.flatten() {
                None => send(options, to.as_deref(), progress, args.json).await,
                Some(address) if grouped_here(options).await? => {
                    // A group lets nothing out that is not sealed: the address has to be that of somebody who is here.
                    let sent = send(options, to.as_deref(), progress, args.json).await;
                    sent.map_err(|trouble| if trouble.is_nobody() { outside(&address) } else { trouble })
                }
                Some(address) => send_there(options, &address, &progress, args.json).await,
            }
        }
        ProgressTask::Listen => listen::listen(options, args.json).await,
        ProgressTask::Board => board(options, args.json).await,
    }
}

/// Tells everybody, or one who is here.
async fn send(options: &Options, to: Option<&str>, progress: Progress, json: bool) -> Result<(), Trouble> {
    let link = Link::open(options, Manner { json, serves: false, settles: true }).await?;
    let Progress { user, lesson, status, at } = progress;
    let request =
        ProgressRequest { user, lesson, status, timestamp: Some(at), to: to.map(str::to_owned), taken: false };
    let told = link.met(|| link.client.progress(&request)).await;
    if told.is_ok() && link.is_own() {
        tokio::time::sleep(LAST_WORD).await;
    }
    link.close().await;
    let told = told?;
    if json {
        object(&told)?;
    } else if let Some(to) = to {
        say(&format!("Sent to {}: {}", shown(to), line(&request)))?;
    } else if told.peers > 0 {
        say(&format!("Sent to {}: {}", grouped(told.peers), line(&request)))?;
    }
    if told.peers == 0 {
        return Err(Trouble::nobody("nobody is here: it is on your board, and who comes later gets it"));
    }
    Ok(())
}

fn line(ProgressRequest { user, lesson, status, .. }: &ProgressRequest) -> String {
    format!("{user} {lesson} {status}")
}

/// An address, as opposed to somebody's name, which holds no colon.
fn address(to: &str) -> Result<Option<String>, Trouble> {
    if to.trim().is_empty() {
        return Err(Trouble::usage("--to takes an address, or somebody who is here; without it everybody is told"));
    }
    if to.parse::<Ipv4Addr>().is_ok() {
        return Ok(Some(format!("{to}:{}", port::USUAL)));
    }
    match to.rsplit_once(':') {
        None => Ok(None),
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(Some(to.to_owned())),
        Some(_) => Err(Trouble::usage(format!("--to {}: an address is HOST:PORT, with a port up to 65535", shown(to)))),
    }
}

/// Whether all that we say is sealed with the secret of a group: as this command is told, or the peer that runs was.
async fn grouped_here(options: &Options) -> Result<bool, Trouble> {
    let told = secret::of_group(options).map_err(Trouble::failed)?.is_some();
    match running(options).await? {
        Some(client) if !told => Ok(client.status().await?.grouped),
        Some(_) | None => Ok(told),
    }
}

/// Why nothing goes to an address.
fn outside(address: &str) -> Trouble {
    let address = shown(address);
    Trouble::nobody(format!("nobody of your closed group is at {address}, and it tells nobody else anything"))
}

/// Sends one datagram to an address. Nobody answers; only that nobody is there can be told.
async fn send_there(options: &Options, to: &str, progress: &Progress, json: bool) -> Result<(), Trouble> {
    let failed = |error: io::Error| Trouble::failed(format!("not sent to {}: {error}", shown(to)));
    let found = tokio::net::lookup_host(to).await;
    let found = found.map_err(|error| Trouble::nobody(format!("no address of {} was found: {error}", shown(to))))?;
    let all: Vec<SocketAddr> = found.collect();
    let first = all.iter().find(|address| address.is_ipv4()).or(all.first());
    let Some(there) = first else { return Err(Trouble::nobody(format!("no address of {} was found", shown(to)))) };
    if there.port() == 0 || there.ip().is_unspecified() || there.ip().is_multicast() {
        return Err(Trouble::usage(format!("no listener can be at {there}")));
    }
    let everybody = || Trouble::usage(format!("everybody is at {there}: leave --to out to tell them"));
    if there.ip() == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Err(everybody());
    }
    let datagram = lone::encode(progress, &key(options)?, random_seed().map_err(failed)?);
    let here: SocketAddr = if there.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(here).await.map_err(failed)?;
    // So the system calls it when a network is meant, and none of its hosts.
    let is_network = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    socket.connect(there).await.map_err(|error| if is_network(&error) { everybody() } else { failed(error) })?;
    socket.send(&datagram).await.map_err(failed)?;
    // Only an error can come: the host says that the port is closed.
    let refused = tokio::time::timeout(REFUSAL, socket.recv(&mut [0; 1])).await;
    if let Ok(Err(error)) = refused {
        let why = if error.kind() == io::ErrorKind::ConnectionRefused {
            format!("nobody listens at {there}: start `peer progress listen` there")
        } else {
            format!("{there} is not reached: {error}")
        };
        return Err(Trouble::nobody(why));
    }
    let Progress { user, lesson, status, at } = progress;
    if json {
        let (kind, to, timestamp) = ("sent-progress", there.to_string(), *at);
        return object(&LoneObject { v: SCHEMA, kind, to, user, lesson, status, timestamp });
    }
    say(&format!("Sent to {there}: {user} {lesson} {status}"))
}

/// The key of the profile; where there is none, one that nobody has seen or sees again.
fn key(options: &Options) -> Result<KeyPair, Trouble> {
    let failed = |error: String| Trouble::failed(error);
    if !options.temporary
        && let (_, Some(pair)) =
            Profile::identity_of(options.profile.as_deref()).map_err(|error| failed(error.to_string()))?
    {
        return Ok(pair);
    }
    Keys::temporary().map(|keys| KeyPair::new(&keys.identity)).map_err(|error| failed(error.to_string()))
}

async fn board(options: &Options, json: bool) -> Result<(), Trouble> {
    let link = Link::open(options, Manner { json, serves: false, settles: true }).await?;
    if link.is_own() {
        // Others tell what is on theirs when they meet it.
        tokio::time::sleep(LAST_WORD).await;
    }
    let board = link.client.board().await;
    link.close().await;
    let board = board?;
    if json {
        return board.iter().try_for_each(object);
    }
    if board.is_empty() {
        return say("Nothing is on the board yet");
    }
    render().board(&board).iter().try_for_each(put)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_a_name_has_none() {
        let found = |to: &str| address(to).unwrap();
        assert_eq!(found("10.0.0.7:8001").as_deref(), Some("10.0.0.7:8001"));
        assert_eq!(found("10.0.0.7").as_deref(), Some("10.0.0.7:8000"));
        assert_eq!(found("box.lan:8000").as_deref(), Some("box.lan:8000"));
        assert_eq!(found("[::1]:8000").as_deref(), Some("[::1]:8000"));
        for name in ["bob", "bob#7f3a", "bob@10.0.0.7", "#7f3a"] {
            assert_eq!(found(name), None, "{name}");
        }
        for neither in ["", " ", ":8000", "bob:", "bob:99999"] {
            assert!(address(neither).is_err(), "{neither:?}");
        }
    }
}

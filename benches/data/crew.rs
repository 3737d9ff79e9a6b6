//! Peers on a LAN that know each other, each with a connection to its API.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Options;
use super::api::{Api, Events};
use super::lan::{Host, Lan};
use super::process::{Home, Peer};

/// The longest wait for anything that is no measurement.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The profile that is used; its folder is known by it.
const PROFILE: &str = "bench";

/// One of them.
pub(crate) struct Member<'lan> {
    pub(crate) host: &'lan Host,
    pub(crate) name: String,
    pub(crate) peer: Peer,
    pub(crate) api: Api<'lan>,
    pub(crate) events: Events,
    home: Home,
}

impl Member<'_> {
    /// The folder of its profile.
    pub(crate) fn folder(&self) -> PathBuf {
        folder(&self.home)
    }

    /// Its home.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }
}

fn folder(home: &Home) -> PathBuf {
    home.folder().join("state/lsnp").join(PROFILE)
}

/// Starts a peer on each host, in the closed group of this secret if there is one, and waits until all know all.
pub(crate) fn start<'lan>(
    options: &Options,
    lan: &'lan Lan,
    count: usize,
    secret: Option<&str>,
) -> io::Result<Vec<Member<'lan>>> {
    let mut peers = Vec::new();
    let secret: Vec<(&str, &str)> = secret.map(|secret| ("PEER_SECRET", secret)).into_iter().collect();
    for at in 0..count {
        let (host, home, name) = (&lan.hosts[at % lan.hosts.len()], Home::new()?, format!("u{}", at + 1));
        let peer = Peer::start_with(&options.peer, host, &home, &name, &["--profile", PROFILE], &secret)?;
        peers.push((host, home, name, peer));
    }
    let ids: Vec<String> = peers.iter().map(|(host, _, name, _)| format!("{name}@{}", host.ip)).collect();
    let mut crew = Vec::new();
    for (at, (host, home, name, peer)) in peers.into_iter().enumerate() {
        let others: Vec<&str> = ids.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, id)| &**id).collect();
        if !peer.knows(&others, PATIENCE) {
            return Err(io::Error::other(format!("{name} does not list all others:\n    {}", peer.tail(8))));
        }
        let api = Api::open(host, &folder(&home))?;
        let events = api.events("")?;
        crew.push(Member { host, name, peer, api, events, home });
    }
    Ok(crew)
}

/// Waits until each has had an answer of each: before that nothing but answers goes there.
pub(crate) fn all_live(crew: &mut [Member<'_>]) -> io::Result<()> {
    let others = crew.len() - 1;
    for member in crew {
        until(&format!("all others are live at {}", member.name), || {
            let peers = member.api.get("/api/peers")?;
            let live = |peer: &&Value| peer["presence"] == "live";
            Ok(peers.as_array().is_some_and(|peers| peers.iter().filter(live).count() == others))
        })?;
    }
    Ok(())
}

/// Ends them all as their users would.
pub(crate) fn end(crew: Vec<Member<'_>>) -> io::Result<bool> {
    let mut all = true;
    for Member { peer, events, .. } in crew {
        drop(events);
        all &= peer.end()?;
    }
    Ok(all)
}

/// The first makes a list of this name, and all others join it; returns when all know of all.
pub(crate) fn share(crew: &mut [Member<'_>], name: &str) -> io::Result<()> {
    let count = crew.len();
    crew[0].api.post("/api/lists", &json!({ "name": name }))?;
    crew[0].api.post(&format!("/api/lists/{name}/invite"), &json!({ "all": true }))?;
    for member in &mut crew[1..] {
        until(&format!("{} is invited", member.name), || {
            Ok(member
                .api
                .get("/api/lists")?
                .as_array()
                .is_some_and(|lists| lists.iter().any(|list| list["name"] == name)))
        })?;
        member.api.post(&format!("/api/lists/{name}/join"), &json!({}))?;
    }
    for member in crew {
        until(&format!("{} knows all members", member.name), || {
            let list = member.api.get(&format!("/api/lists/{name}"))?;
            let joined = |member: &&Value| member["standing"] == "joined";
            Ok(list["members"].as_array().is_some_and(|members| members.iter().filter(joined).count() == count))
        })?;
    }
    Ok(())
}

/// Looks again and again until it is so.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> io::Result<bool>) -> io::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while !so()? {
        if Instant::now() >= deadline {
            return Err(io::Error::other(format!("not in {} s: {what}", PATIENCE.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

//! `peer list`, `peer profile`, `peer status`, `peer stop`.

use std::path::Path;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use crate::web::{PeerObject, ProfileObject, StatusObject};
use crate::wire::Safe;

use super::super::args::{ListArgs, Options, ProfileArgs, ProfilePart, ProfileTask, StatusArgs};
use super::super::render::grouped;
use super::link::{Link, Manner, running};
use super::trouble::Trouble;
use super::{object, say};

/// Widest name, id and status, columns.
const WIDEST: usize = 40;

/// Largest picture, bytes.
const PICTURE: u64 = 20_480;

/// A peer that was told to end has done so within this time, also with a slow disk.
const ENDING: Duration = Duration::from_secs(5);

/// So often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(20);

pub(super) async fn list(options: &Options, args: &ListArgs) -> Result<(), Trouble> {
    let link = Link::open(options, Manner { json: args.json, serves: false, settles: true }).await?;
    let peers = link.client.peers(args.all).await;
    link.close().await;
    let peers = peers?;
    if peers.is_empty() {
        return Err(Trouble::nobody("nobody is here. Start `peer` on another machine, or try: peer doctor"));
    }
    if args.json {
        return peers.iter().try_for_each(object);
    }
    table(&peers, args.all).iter().try_for_each(|line| say(line))
}

fn table(peers: &[PeerObject], all: bool) -> Vec<String> {
    let row = |peer: &PeerObject| {
        let notes = [
            (peer.trust == "verified", "verified"),
            (peer.trust == "new key", "new key"),
            (peer.trust == "unverified", "unverified"),
            (peer.blocked, "blocked"),
            (peer.muted, "muted"),
            (peer.older, "older client"),
            (peer.avatar, "has a picture"),
        ];
        let mut notes: Vec<String> = notes.iter().filter(|(is, _)| *is).map(|(_, note)| (*note).to_owned()).collect();
        if all {
            notes.extend(peer.interface.as_ref().map(|interface| format!("by {}", Safe::fitted(interface, WIDEST))));
            notes.extend(peer.round_trip_us.map(|us| format!("{}.{} ms", us / 1_000, us % 1_000 / 100)));
        }
        notes.extend(peer.status.as_ref().map(|status| format!("\"{}\"", Safe::fitted(status, WIDEST))));
        [
            peer.name.clone(),
            Safe::fitted(&peer.id, WIDEST).as_str().to_owned(),
            peer.address.clone().unwrap_or_default(),
            peer.presence.clone(),
            peer.heard.map(|seconds| format!("{seconds} s")).unwrap_or_default(),
            notes.join(", "),
        ]
    };
    let head = ["NAME", "ID", "ADDRESS", "STATE", "HEARD", ""].map(str::to_owned);
    let rows: Vec<[String; 6]> = [head].into_iter().chain(peers.iter().map(row)).collect();
    let width = |at: usize| rows.iter().map(|row| row[at].width()).max().unwrap_or_default();
    let widths = [0, 1, 2, 3, 4, 5].map(width);
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.width())));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

pub(super) async fn profile(options: &Options, args: &ProfileArgs) -> Result<(), Trouble> {
    let picture = match &args.task {
        Some(ProfileTask::Set { part: ProfilePart::Avatar, value }) => Some(picture(value)?),
        Some(ProfileTask::Set { .. } | ProfileTask::Show) | None => None,
    };
    let settles = !matches!(args.task, None | Some(ProfileTask::Show));
    let link = Link::open(options, Manner { json: args.json, serves: false, settles }).await?;
    let or_none = |value: &str| if value.eq_ignore_ascii_case("none") { String::new() } else { value.to_owned() };
    let done = match (&args.task, picture) {
        (_, Some(picture)) => link.client.set_avatar(picture).await,
        (Some(ProfileTask::Set { part: ProfilePart::Name, value }), None) => {
            link.client.set_profile(Some(&or_none(value)), None).await
        }
        (Some(ProfileTask::Set { value, .. }), None) => link.client.set_profile(None, Some(&or_none(value))).await,
        (Some(ProfileTask::Show) | None, None) => link.client.profile().await,
    };
    link.close().await;
    let profile = done?;
    if args.json {
        object(&profile)?;
    } else {
        told(&profile).iter().try_for_each(|line| say(line))?;
    }
    match profile.not_kept {
        Some(why) => Err(Trouble::failed(format!("not kept for the next start: {why}"))),
        None => Ok(()),
    }
}

fn told(profile: &ProfileObject) -> Vec<String> {
    let mut lines = vec![format!("id       {}", profile.id)];
    lines.extend(profile.name.as_ref().map(|name| format!("name     {name}")));
    lines.extend(profile.status.as_ref().map(|status| format!("status   {status}")));
    lines.extend(profile.avatar.map(|bytes| format!("picture  {} bytes", grouped(bytes))));
    lines
}

/// The picture in this file; none for `none`.
fn picture(value: &str) -> Result<Option<Vec<u8>>, Trouble> {
    if value.eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let file = Path::new(value);
    let refused = |why: String| {
        Trouble::failed(format!(
            "cannot read {} ({why}): give a PNG or JPEG file of at most 20,480 bytes",
            file.display()
        ))
    };
    let meta = std::fs::metadata(file).map_err(|error| refused(error.to_string()))?;
    if !meta.is_file() || meta.len() > PICTURE {
        return Err(refused("not a file of that size".to_owned()));
    }
    std::fs::read(file).map(Some).map_err(|error| refused(error.to_string()))
}

pub(super) async fn status(options: &Options, args: &StatusArgs) -> Result<(), Trouble> {
    let Some(client) = running(options).await? else { return Err(nobody_runs(options)) };
    let status = client.status().await?;
    if args.json {
        return object(&status);
    }
    lines(&status).iter().try_for_each(|(what, value)| say(&format!("{what:<12} {value}")))
}

fn lines(status: &StatusObject) -> Vec<(&'static str, String)> {
    let mut lines = vec![
        ("id", status.id.clone()),
        ("name", status.name.clone()),
        ("process", status.pid.to_string()),
        ("version", status.version.clone()),
        ("port", status.port.to_string()),
        ("peers", status.peers.to_string()),
    ];
    lines.extend(status.profile.clone().map(|profile| ("profile", profile)));
    lines.extend(status.status.clone().map(|text| ("status", text)));
    lines.extend(status.fingerprint.clone().map(|print| ("fingerprint", print)));
    lines.extend(status.unread.map(|unread| ("unread", unread.to_string())));
    if !status.history {
        lines.push(("history", "off".to_owned()));
    }
    if status.grouped {
        lines.push(("group", "closed: all is sealed with its secret".to_owned()));
    }
    if !status.discovery {
        lines.push(("discovery", "its port is not available: see peer doctor".to_owned()));
    }
    lines
}

pub(super) async fn stop(options: &Options) -> Result<(), Trouble> {
    let Some(client) = running(options).await? else { return Err(nobody_runs(options)) };
    client.stop().await?;
    let ended = async {
        while !matches!(running(options).await, Ok(None)) {
            tokio::time::sleep(LOOK).await;
        }
    };
    let longest = tokio::time::timeout(ENDING, ended).await;
    longest.map_err(|_| Trouble::failed(format!("it was told to end, and has not after {} s", ENDING.as_secs())))
}

/// The link to the peer that runs, with its addresses; none if none runs.
pub(super) async fn link(options: &Options) -> Option<String> {
    let client = running(options).await.ok()??;
    client.about(None).await.ok().map(|about| about.link)
}

pub(in crate::cli) fn nobody_runs(options: &Options) -> Trouble {
    let profile = options.profile.as_ref().map(|profile| format!(" for the profile {profile}")).unwrap_or_default();
    Trouble::not_running(format!("no peer runs{profile}. To start one: peer, or peer run"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_aligned_also_with_wide_names() {
        let peer = |name: &str| PeerObject {
            v: 1,
            kind: "peer".to_owned(),
            id: format!("{name}@10.0.0.2"),
            name: name.to_owned(),
            status: Some("at lunch".to_owned()),
            key: None,
            trust: "unverified".to_owned(),
            presence: "live".to_owned(),
            address: Some("10.0.0.2:8000".to_owned()),
            heard: Some(3),
            older: true,
            blocked: false,
            muted: false,
            avatar: false,
            picture: None,
            private: false,
            round_trip_us: Some(1_234),
            interface: Some("eth0".to_owned()),
            ways: Vec::new(),
            who: "x".to_owned(),
            what: None,
        };
        let lines = table(&[peer("bob"), peer("你好")], true);
        let columns: Vec<usize> =
            lines[1..].iter().map(|line| line.split("10.0.0.2:8000").next().unwrap().width()).collect();
        assert_eq!(columns[0], columns[1], "{lines:#?}");
        assert!(lines[1].ends_with("unverified, older client, by eth0, 1.2 ms, \"at lunch\""), "{lines:#?}");
    }
}

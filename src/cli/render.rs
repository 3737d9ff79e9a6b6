//! What happened and what commands did, as lines for a person or for a program.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::engine::{Event, Instant, Me, Peer, Presence, Told, Trust, WhoError};
use crate::node::Notice;
use crate::wire::{AvatarKind, Safe, Untrusted};

use super::names::Names;
use super::shown::{Shown, Tone};
use super::{help, list};

pub mod data;
mod past;
mod stats;
mod trust;

/// Most names in one line.
const NAMES: usize = 12;

/// Makes lines, in one of two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Render {
    /// For a program: four columns with tabs between them (README, "On a pipe").
    pub pipe: bool,
    /// With colors.
    pub color: bool,
}

impl Render {
    /// Something worth knowing.
    #[must_use]
    pub fn info(self, text: &str) -> Shown {
        self.say("INFO", None, &[(Tone::Plain, text)], text)
    }

    /// Something that did not work, and what to do.
    #[must_use]
    pub fn error(self, text: &str) -> Shown {
        self.say("ERROR", None, &[(Tone::Bad, text)], text)
    }

    /// What happened. `time` stands in front of traced messages.
    #[must_use]
    pub fn event(self, event: &Event, names: &Names, now: Instant, time: &str) -> Vec<Shown> {
        let one = match event {
            Event::Here(peer) => self.came(peer, names),
            Event::Left(peer) => self.passing("LEFT", peer, names, "left"),
            Event::Gone(peer) => self.passing("GONE", peer, names, &format!("is gone ({})", unheard(peer, now))),
            Event::Quiet(peer) => self.passing("QUIET", peer, names, &format!("is quiet ({})", unheard(peer, now))),
            Event::Back(peer) => self.passing("BACK", peer, names, "is back"),
            Event::Post { from, text, told } => {
                let kind = if told.late { "LATE" } else { "POST" };
                return self.said(kind, from, names, "", text, told);
            }
            Event::Dm { from, text, private, told } => {
                let whom = if *private { " to you" } else { " to you, not private" };
                return self.said("DM", from, names, whom, text, told);
            }
            Event::KeyChanged { peer, before } => return self.key_changed(peer, before, names),
            // Who said it knows; and not every mark is worth a line: see Render::marked.
            Event::Judged(_) | Event::Said { .. } | Event::Marked { .. } | Event::CaughtUp { posts: 0 } => {
                return Vec::new();
            }
            Event::CaughtUp { posts: 1 } => self.info("Caught up: 1 post"),
            Event::CaughtUp { posts } => self.info(&format!("Caught up: {} posts", grouped(*posts))),
            Event::Profile(peer) => self.profile(peer, names),
            Event::PeerList { from, ids } => self.peer_list(from, names, ids),
            Event::Avatar { peer, kind, bytes } => {
                let text = format!("has a picture: {}, {} bytes", kind_name(*kind), grouped(bytes.len()));
                self.passing("AVATAR", peer, names, &text)
            }
            Event::AvatarFailed(peer) => {
                self.error(&format!("The picture of {} did not come; try again", names.label(peer)))
            }
            Event::Followed(peer) => self.passing("FOLLOW", peer, names, "follows you"),
            Event::Unfollowed(peer) => self.passing("FOLLOW", peer, names, "follows you no longer"),
            Event::FollowAnswered { by, accepted, unfollow } => {
                let text = match (unfollow, accepted) {
                    (false, true) => "accepted: you follow",
                    (false, false) => "refused: you do not follow",
                    (true, true) => "accepted: you follow no longer",
                    (true, false) => "refused to let you unfollow",
                };
                self.passing("FOLLOW", by, names, text)
            }
            Event::Answered { peer, round_trip } => {
                let text = format!("answered after {:.1} ms", round_trip.as_secs_f64() * 1000.0);
                self.passing("INFO", peer, names, &text)
            }
            Event::Renamed { user_id } => {
                self.info(&format!("Your address changed: you are {} now", Safe::line(user_id)))
            }
            Event::CutOff => self.info(
                "Nearly everyone went quiet at once: this computer may be cut off. Trying again; see: peer doctor",
            ),
            Event::Traced { out, address, count, kind, bytes, dropped } => {
                let arrow = if *out { "->" } else { "<-" };
                let more = if *count > 1 { format!(" and {} more", count - 1) } else { String::new() };
                let drop = dropped.map(|why| format!(" (dropped: {why})")).unwrap_or_default();
                let text =
                    format!("{time} {arrow} {address}{more} {} {bytes} bytes{drop}", Safe::fitted(kind.raw(), 40));
                self.say("TRACE", None, &[(Tone::Faint, &text)], &text)
            }
        };
        vec![one]
    }

    /// What POST did; some cannot take so long a text.
    #[must_use]
    pub fn posted(self, to: &[Peer], without: &[Peer], names: &Names) -> Shown {
        let list = |peers: &[Peer]| some(peers.iter().map(|peer| names.label(peer)));
        let text = match (to.len(), without.len()) {
            (0, 0) => "Nobody is here yet: who comes later gets it".to_owned(),
            (0, _) => return self.error(&format!("Not sent: it is too long for {}", list(without))),
            (count, 0) => format!("Posted to {count}: {}", list(to)),
            (count, _) => format!("Posted to {count}: {}; too long for {}", list(to), list(without)),
        };
        self.say("SENT", None, &[(Tone::Faint, &text)], &text)
    }

    /// What DM did.
    #[must_use]
    pub fn sent(self, to: &Peer, text: &str, private: bool, names: &Names, now: Instant) -> Shown {
        let quiet = match to.presence() {
            Presence::Quiet => format!(" (quiet, {})", unheard(to, now)),
            Presence::Heard | Presence::Live | Presence::Away => String::new(),
        };
        let how = match (private, to.is_older()) {
            (true, _) => "private",
            (false, true) => "not private (older client)",
            (false, false) => "not private (no key)",
        };
        let line = format!("To {}{quiet}, {how}: {}", names.label(to), Safe::line(text));
        self.say("SENT", Some((to, &names.short(to))), &[(Tone::Faint, &line)], &line)
    }

    /// Who we are, at the start.
    #[must_use]
    pub fn greeting(self, me: &Me) -> Shown {
        self.info(&format!("{}. HELP lists commands.", whoami(me)))
    }

    /// Who we are, all of it.
    #[must_use]
    pub fn me(self, me: &Me) -> Shown {
        let mut text = format!("{}.", whoami(me));
        if let Some(name) = &me.display_name {
            text.push_str(&format!(" Display name: {}.", Safe::line(name)));
        }
        if let Some(status) = &me.status {
            text.push_str(&format!(" Status: {}.", Safe::line(status)));
        }
        if let Some(bytes) = me.avatar {
            text.push_str(&format!(" Picture: {} bytes.", grouped(bytes)));
        }
        if let Some(key) = &me.key {
            text.push_str(&format!(" Fingerprint: {}.", key.fingerprint()));
        }
        if me.grouped {
            text.push_str(" Closed group: only who has its secret hears you, and only those are heard.");
        }
        if !me.discovery_open {
            text.push_str(" The discovery port is not available.");
        }
        self.info(&text)
    }

    /// The peers; one line that says what to do if there are none. Blocked ones and many unproven ones only with `all`.
    #[must_use]
    pub fn list(self, peers: &[Peer], names: &Names, me: &Me, now: Instant, all: bool) -> Vec<Shown> {
        if peers.is_empty() {
            let announced = match me.announced {
                Some(at) => format!("announced {} s ago", now.since(at).as_secs()),
                None => "not announced yet".to_owned(),
            };
            let group = if me.grouped { " of your group" } else { "" };
            let text = format!("Nobody{group} yet; {announced}. Start `peer` on another machine, or try: peer doctor");
            return vec![self.info(&text)];
        }
        let own: Vec<Ipv4Addr> = me.links.iter().map(|link| link.address).collect();
        let (peers, folded) = if all { (peers.iter().collect(), None) } else { list::usual(peers) };
        if peers.is_empty() {
            return vec![self.info("Nobody but those you blocked; LIST ALL shows them")];
        }
        let mut shown = if self.pipe {
            list::lines(&peers, names, &own, now)
        } else {
            list::table(&peers, names, &own, now, self.color)
        };
        shown.extend(folded.map(|folded| self.info(&folded)));
        shown
    }

    /// Why nobody, or not one alone, is called `who`.
    #[must_use]
    pub fn who(self, who: &str, error: &WhoError, names: &Names) -> Shown {
        let who = Safe::fitted(who, 60);
        match error {
            WhoError::Nobody => self.error(&format!("Nobody here is called {who}. LIST shows who is here")),
            WhoError::Ambiguous(peers) => {
                let candidate = |peer: &Peer| {
                    let word = if peer.trust() == Trust::Verified { ", verified" } else { "" };
                    format!("{} ({}{word})", names.typed(peer), peer.address())
                };
                let list = some(peers.iter().map(candidate));
                self.error(&format!("{who} can be {list}. Write one of these, or the address with its port"))
            }
        }
    }

    /// The commands.
    #[must_use]
    pub fn help(self, all: bool) -> Vec<Shown> {
        let rare = if all { help::RARE } else { &[] };
        help::HELP.iter().chain(rare).map(|line| self.info(line)).collect()
    }

    fn came(self, peer: &Peer, names: &Names) -> Shown {
        let word = match peer.trust() {
            Trust::Unsigned if peer.is_older() => ", older client",
            Trust::Unsigned => ", unverified",
            Trust::Changed => ", new key",
            Trust::Known => "",
            Trust::Verified => ", verified",
        };
        let text = format!("{} is here ({}{word})", names.label(peer), shown_ip(peer));
        let pipe = format!("{}{word}", peer.address());
        self.say("HERE", Some((peer, &names.short(peer))), &[(Tone::Faint, &text)], &pipe)
    }

    fn passing(self, kind: &'static str, peer: &Peer, names: &Names, what: &str) -> Shown {
        let text = format!("{} {what}", names.label(peer));
        self.say(kind, Some((peer, &names.short(peer))), &[(Tone::Faint, &text)], what)
    }

    fn said(
        self,
        kind: &'static str,
        from: &Peer,
        names: &Names,
        whom: &str,
        text: &Untrusted,
        told: &Told,
    ) -> Vec<Shown> {
        if self.pipe {
            // The id has a column of its own.
            let unverified = if from.key().is_none() { " (unverified)" } else { "" };
            let name = format!("{}{unverified}", names.short(from));
            return vec![self.say(kind, Some((from, &name)), &[], text.safe().as_str())];
        }
        let lines = text.lines();
        let mut lines = lines.iter();
        let first = lines.next().map(Safe::as_str).unwrap_or_default();
        // In front of the name, where no name can stand.
        let mark = if from.trust() == Trust::Verified { "\u{2713} " } else { "" };
        let name = names.speaker(from);
        let time = if told.late { format!("[{}] ", clock(told.stamp)) } else { String::new() };
        let head = [
            (Tone::Faint, &*time),
            (Tone::Plain, mark),
            (Tone::Name, &*name),
            (Tone::Plain, whom),
            (Tone::Plain, ": "),
            (Tone::Plain, first),
        ];
        let mut shown = vec![Shown::line(self.color, &head)];
        // Further lines are set in, so that none can pass for a line of somebody else.
        shown.extend(lines.map(|line| Shown::line(self.color, &[(Tone::Plain, "    "), (Tone::Plain, line.as_str())])));
        shown
    }

    fn profile(self, peer: &Peer, names: &Names) -> Shown {
        let status = peer.shown_status().map(|status| status.as_str().to_owned()).unwrap_or_default();
        let goes = format!("{} is called {}", peer.shown_id(), names.short(peer));
        let text = if status.is_empty() { goes } else { format!("{goes}, status: {status}") };
        self.say("PROFILE", Some((peer, &names.short(peer))), &[(Tone::Faint, &text)], &status)
    }

    fn peer_list(self, from: &Peer, names: &Names, ids: &[Untrusted]) -> Shown {
        let list = ids.iter().map(|id| id.safe().as_str().to_owned()).collect::<Vec<_>>().join(", ");
        let label = names.label(from);
        let text = match ids.len() {
            0 => format!("{label} knows nobody else"),
            count => format!("{label} knows {count}: {list}"),
        };
        self.say("PEERS", Some((from, &names.short(from))), &[(Tone::Plain, &text)], &list)
    }

    fn say(self, kind: &'static str, peer: Option<(&Peer, &str)>, person: &[(Tone, &str)], pipe: &str) -> Shown {
        if !self.pipe {
            return Shown::line(self.color, person);
        }
        let (id, name) = peer.map_or(("", ""), |(peer, name)| (peer.raw_id(), name));
        Shown::row(kind, id, name, pipe)
    }
}

/// The first names of many, and how many more there are.
pub(super) fn some(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(NAMES);
    let list = names.take(NAMES).collect::<Vec<_>>().join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
}

/// Day of the week and time of something that came late.
fn clock(unix: u64) -> String {
    let seconds = i64::try_from(unix).unwrap_or_default();
    let time = jiff::Timestamp::from_second(seconds).unwrap_or_default().to_zoned(jiff::tz::TimeZone::system());
    time.strftime("%a %H:%M").to_string()
}

fn whoami(me: &Me) -> String {
    let mut links: Vec<&str> = Vec::new();
    for link in &me.links {
        let name = if link.address.is_loopback() { "this computer" } else { link.name.as_str() };
        if !links.contains(&name) {
            links.push(name);
        }
    }
    links.sort_by_key(|name| *name == "this computer");
    if me.grouped {
        links.push("closed group");
    }
    let links = if me.links.is_empty() { "no network".to_owned() } else { links.join(", ") };
    format!("You are {} (port {}; {links})", Safe::line(&me.user_id), me.port)
}

fn unheard(peer: &Peer, now: Instant) -> String {
    format!("unheard for {} s", now.since(peer.heard()).as_secs())
}

pub(super) fn kind_name(kind: AvatarKind) -> &'static str {
    match kind {
        AvatarKind::Png => "PNG",
        AvatarKind::Jpeg => "JPEG",
    }
}

/// A number with a comma between its thousands.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What the user must know about this computer's network, and what to do.
#[must_use]
pub fn notice(notice: &Notice) -> String {
    let advice = match notice {
        Notice::DiscoveryClosed { .. } => " End that program, or name peers with --peer; see: peer doctor",
        Notice::NoInterface { wanted } if wanted.is_empty() => " Connect it, or try: peer doctor",
        Notice::NoInterface { .. } => " Check --interface, or try: peer doctor",
        Notice::Interfaces { .. } => " Try: peer doctor",
        Notice::DiscoveryOpen { .. }
        | Notice::Interface { .. }
        | Notice::Unresolved { .. }
        | Notice::PortMoved { .. }
        | Notice::SetAside { .. }
        | Notice::NotKept { .. }
        | Notice::History { .. }
        | Notice::Data { .. }
        | Notice::Ended { .. } => "",
    };
    format!("{notice}{advice}")
}

/// Why nobody is here, most likely; shown once, after some seconds alone.
#[must_use]
pub fn hint(me: &Me, after: Duration, discovery: Option<&str>) -> String {
    let alone = format!("Nobody after {} s.", after.as_secs());
    if me.links.iter().all(|link| link.address.is_loopback()) {
        return format!("{alone} No network is up, so only this computer is reached. Connect, or try: peer doctor");
    }
    if !me.discovery_open {
        let why = discovery.unwrap_or("The discovery port is not available. Try: peer doctor");
        return format!("{alone} {why}");
    }
    format!(
        "{alone} If a peer runs elsewhere, a firewall or a Wi-Fi that keeps its guests apart is likely. Try: peer doctor"
    )
}

#[cfg(test)]
mod tests;

/// The IP that tells people where a peer is: a peer on this computer goes by the one in its label.
fn shown_ip(peer: &Peer) -> std::net::Ipv4Addr {
    let ip = *peer.address().ip();
    let label = peer.user_id().and_then(crate::wire::UserId::ip);
    label.filter(|_| ip.is_loopback()).unwrap_or(ip)
}

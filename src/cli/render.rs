//! What happened and what commands did, as lines for a person or for a program.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::engine::{Counters, Event, Instant, Me, Peer, Peers, Presence, Reply, WhoError};
use crate::node::Notice;
use crate::wire::{AvatarKind, Safe, Untrusted};

use super::shown::{Shown, Tone};
use super::{help, list};

/// With more peers than these, names stand with their ids, unasked whether two share one.
const MANY: usize = 500;

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
    pub fn event(self, event: &Event, peers: &Peers, now: Instant, time: &str) -> Vec<Shown> {
        // A program has the id in a column of its own.
        let label = |peer: &Peer| if self.pipe { peer.shown_name().as_str().to_owned() } else { label(peer, peers) };
        let one = match event {
            Event::Here(peer) => self.came(peer, &label(peer)),
            Event::Left(peer) => self.passing("LEFT", peer, &label(peer), "left"),
            Event::Gone(peer) => self.passing("GONE", peer, &label(peer), &format!("is gone ({})", unheard(peer, now))),
            Event::Quiet(peer) => {
                self.passing("QUIET", peer, &label(peer), &format!("is quiet ({})", unheard(peer, now)))
            }
            Event::Back(peer) => self.passing("BACK", peer, &label(peer), "is back"),
            Event::Post { from, text } => return self.said("POST", from, &label(from), "", text),
            Event::Dm { from, text, private: _ } => return self.said("DM", from, &label(from), " to you", text),
            Event::KeyChanged { peer, .. } => self.error(&format!("{} has a new key", label(peer))),
            Event::SentLate { to, text, .. } => self.info(&format!("Sent to {}: {}", label(to), Safe::line(text))),
            Event::NotSent { to, text } => self.error(&format!("Not sent to {}: {}", label(to), Safe::line(text))),
            Event::Profile(peer) => self.profile(peer),
            Event::PeerList { from, ids } => self.peer_list(from, &label(from), ids),
            Event::Avatar { peer, kind, bytes } => {
                let text = format!("has a picture: {}, {} bytes", kind_name(*kind), grouped(bytes.len()));
                self.passing("AVATAR", peer, &label(peer), &text)
            }
            Event::AvatarFailed(peer) => self.error(&format!("The picture of {} did not come; try again", label(peer))),
            Event::Followed(peer) => self.passing("FOLLOW", peer, &label(peer), "follows you"),
            Event::Unfollowed(peer) => self.passing("FOLLOW", peer, &label(peer), "follows you no longer"),
            Event::FollowAnswered { by, accepted, unfollow } => {
                let text = match (unfollow, accepted) {
                    (false, true) => "accepted: you follow",
                    (false, false) => "refused: you do not follow",
                    (true, true) => "accepted: you follow no longer",
                    (true, false) => "refused to let you unfollow",
                };
                self.passing("FOLLOW", by, &label(by), text)
            }
            Event::Answered { peer, round_trip } => {
                let text = format!("answered after {:.1} ms", round_trip.as_secs_f64() * 1000.0);
                self.passing("INFO", peer, &label(peer), &text)
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

    /// What POST did.
    #[must_use]
    pub fn posted(self, to: &[Peer], peers: &Peers) -> Shown {
        if to.is_empty() {
            return self.error("Nobody here, not sent");
        }
        let text = format!("Posted to {}: {}", to.len(), names(to.iter().map(|peer| label(peer, peers))));
        self.say("SENT", None, &[(Tone::Faint, &text)], &text)
    }

    /// What DM did.
    #[must_use]
    pub fn sent(self, to: &Peer, text: &str, peers: &Peers, now: Instant) -> Shown {
        let quiet = match to.presence() {
            Presence::Quiet => format!(" (quiet, {})", unheard(to, now)),
            Presence::Heard | Presence::Live => String::new(),
        };
        let older = if to.is_older() { " (older client)" } else { "" };
        let line = format!("To {}{quiet}, not private{older}: {}", label(to, peers), Safe::line(text));
        self.say("SENT", Some(to), &[(Tone::Faint, &line)], &line)
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
        if !me.discovery_open {
            text.push_str(" The discovery port is not available.");
        }
        self.info(&text)
    }

    /// The peers; one line that says what to do if there are none.
    #[must_use]
    pub fn list(self, peers: &[Peer], me: &Me, now: Instant) -> Vec<Shown> {
        if peers.is_empty() {
            let announced = match me.announced {
                Some(at) => format!("announced {} s ago", now.since(at).as_secs()),
                None => "not announced yet".to_owned(),
            };
            let text = format!("Nobody yet; {announced}. Start `peer` on another machine, or try: peer doctor");
            return vec![self.info(&text)];
        }
        let own: Vec<Ipv4Addr> = me.links.iter().map(|link| link.address).collect();
        if self.pipe { list::lines(peers, &own, now) } else { list::table(peers, &own, now, self.color) }
    }

    /// Why nobody, or not one alone, is called `who`.
    #[must_use]
    pub fn who(self, who: &str, error: &WhoError) -> Shown {
        let who = Safe::fitted(who, 60);
        match error {
            WhoError::Nobody => self.error(&format!("Nobody here is called {who}. LIST shows who is here")),
            WhoError::Ambiguous(peers) => {
                let candidate = |peer: &Peer| format!("{} ({})", peer.shown_id(), peer.address());
                let list = names(peers.iter().map(candidate));
                self.error(&format!("{who} can be {list}. Write more of the id, or the address with its port"))
            }
        }
    }

    /// What was counted.
    #[must_use]
    pub fn stats(self, counters: &Counters, peers: usize) -> Vec<Shown> {
        let Counters {
            received,
            received_bytes,
            sent,
            sent_bytes,
            echoes,
            malformed,
            bad_source,
            off_link,
            source_rate,
            global_rate,
            duplicates,
            not_for_us,
            other_types,
            table_full,
            evicted,
            unanswered,
            stray_answers,
            stray_goodbyes,
            hints_dropped,
            stray_chunks,
            strangers,
            departed,
            bad_signatures,
            replays,
            signature_rate,
            unopened,
            outside_group,
            blocked,
            unproven,
            forks,
        } = *counters;
        let mut lines = vec![
            format!(
                "{peers} peers; received {received} datagrams ({received_bytes} bytes with own and dropped ones), \
                 sent {sent} ({sent_bytes} bytes)"
            ),
            format!("own announcements heard back: {echoes}"),
        ];
        let dropped: Vec<String> = [
            ("malformed", malformed),
            ("bad source", bad_source),
            ("off link", off_link),
            ("too fast from one source", source_rate),
            ("too fast from all", global_rate),
            ("duplicate", duplicates),
            ("not for us", not_for_us),
            ("other types", other_types),
            ("table full", table_full),
            ("newcomers replaced", evicted),
            ("not answered", unanswered),
            ("stray answers", stray_answers),
            ("stray goodbyes", stray_goodbyes),
            ("hints", hints_dropped),
            ("stray pieces", stray_chunks),
            ("strangers", strangers),
            ("from peers that left", departed),
            ("wrong signatures", bad_signatures),
            ("replays", replays),
            ("too many signatures", signature_rate),
            ("not opened", unopened),
            ("outside the group", outside_group),
            ("blocked", blocked),
            ("not proven to be there", unproven),
            ("forks", forks),
        ]
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
        let none = "nothing".to_owned();
        lines.push(format!("dropped: {}", if dropped.is_empty() { none } else { dropped.join(", ") }));
        if self.pipe {
            return vec![self.info(&lines.join("; "))];
        }
        lines.iter().map(|line| self.info(line)).collect()
    }

    /// The commands.
    #[must_use]
    pub fn help(self, all: bool) -> Vec<Shown> {
        let rare = if all { help::RARE } else { &[] };
        help::HELP.iter().chain(rare).map(|line| self.info(line)).collect()
    }

    /// What a command did that says nothing of itself.
    #[must_use]
    pub fn done(self, reply: &Reply, what: &str) -> Option<Shown> {
        matches!(reply, Reply::Done).then(|| self.info(what))
    }

    fn came(self, peer: &Peer, label: &str) -> Shown {
        let older = if peer.is_older() { ", older client" } else { "" };
        let text = format!("{label} is here ({}{older})", shown_ip(peer));
        let pipe = format!("{}{older}", peer.address());
        self.say("HERE", Some(peer), &[(Tone::Faint, &text)], &pipe)
    }

    fn passing(self, kind: &'static str, peer: &Peer, label: &str, what: &str) -> Shown {
        self.say(kind, Some(peer), &[(Tone::Faint, &format!("{label} {what}"))], what)
    }

    fn said(self, kind: &'static str, from: &Peer, label: &str, whom: &str, text: &Untrusted) -> Vec<Shown> {
        if self.pipe {
            return vec![self.say(kind, Some(from), &[], text.safe().as_str())];
        }
        let lines = text.lines();
        let mut lines = lines.iter();
        let first = lines.next().map(Safe::as_str).unwrap_or_default();
        let head = [(Tone::Name, label), (Tone::Plain, whom), (Tone::Plain, ": "), (Tone::Plain, first)];
        let mut shown = vec![Shown::line(self.color, &head)];
        // Further lines are set in, so that none can pass for a line of somebody else.
        shown.extend(lines.map(|line| Shown::line(self.color, &[(Tone::Plain, "    "), (Tone::Plain, line.as_str())])));
        shown
    }

    fn profile(self, peer: &Peer) -> Shown {
        let status = peer.shown_status().map(|status| status.as_str().to_owned()).unwrap_or_default();
        let goes = format!("{} is called {}", peer.shown_id(), peer.shown_name());
        let text = if status.is_empty() { goes } else { format!("{goes}, status: {status}") };
        self.say("PROFILE", Some(peer), &[(Tone::Faint, &text)], &status)
    }

    fn peer_list(self, from: &Peer, label: &str, ids: &[Untrusted]) -> Shown {
        let list = ids.iter().map(|id| id.safe().as_str().to_owned()).collect::<Vec<_>>().join(", ");
        let text = match ids.len() {
            0 => format!("{label} knows nobody else"),
            count => format!("{label} knows {count}: {list}"),
        };
        self.say("PEERS", Some(from), &[(Tone::Plain, &text)], &list)
    }

    fn say(self, kind: &'static str, peer: Option<&Peer>, person: &[(Tone, &str)], pipe: &str) -> Shown {
        if !self.pipe {
            return Shown::line(self.color, person);
        }
        let name = peer.map(Peer::shown_name).unwrap_or_default();
        Shown::row(kind, peer.map(Peer::raw_id).unwrap_or_default(), name.as_str(), pipe)
    }
}

/// What a peer is called in a line: its name, with its id if the name alone could mean somebody else.
fn label(peer: &Peer, peers: &Peers) -> String {
    let name = peer.shown_name();
    let shared = || peers.snapshot().iter().any(|other| other.id() != peer.id() && other.shown_name() == name);
    if peers.len() > MANY || shared() {
        format!("{name} ({})", Safe::fitted(peer.raw_id(), 60))
    } else {
        name.as_str().to_owned()
    }
}

/// The first names of many, and how many more there are.
fn names(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(NAMES);
    let list = names.take(NAMES).collect::<Vec<_>>().join(", ");
    if more == 0 { list } else { format!("{list} and {more} more") }
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
    let links = if links.is_empty() { "no network".to_owned() } else { links.join(", ") };
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

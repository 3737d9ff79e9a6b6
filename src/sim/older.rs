//! Older clients, as far as their behaviour on the wire goes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use crate::engine::Instant;

/// Which older client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OlderKind {
    /// The reference: `KEY:VALUE`, announces by PEER_DISCOVERY, and answers every PEER_DISCOVERY with one, answers
    /// included. Lists whoever it hears.
    Reference,
    /// One that writes `KEY: VALUE`, has only the discovery socket, announces by PING and PROFILE, and shows only what
    /// carries a TOKEN.
    Spaced,
}

/// Something that an older client showed to its user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The TYPE.
    pub kind: String,
    /// From whom, by id.
    pub from: String,
    /// The text, or the display name.
    pub text: String,
}

/// One older client.
#[derive(Debug)]
pub struct Older {
    kind: OlderKind,
    id: String,
    port: u16,
    /// Whom it lists, and where.
    pub known: BTreeMap<String, (SocketAddrV4, Instant)>,
    /// What it showed.
    pub shown: Vec<Shown>,
    next: Instant,
    count: u64,
    discovery_port: u16,
}

/// A datagram that an older client sends.
pub(super) type Outgoing = (SocketAddrV4, Vec<u8>);

impl Older {
    pub(super) fn new(kind: OlderKind, name: &str, ip: Ipv4Addr, port: u16, discovery_port: u16, now: Instant) -> Self {
        let id = format!("{name}@{ip}");
        Self { kind, id, port, known: BTreeMap::new(), shown: Vec::new(), next: now, count: 0, discovery_port }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When it announces itself next.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    fn write(&mut self, fields: &[(&str, &str)]) -> Vec<u8> {
        let gap = if self.kind == OlderKind::Spaced { ": " } else { ":" };
        let mut text = String::new();
        for (key, value) in fields {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{key}{gap}{value}");
        }
        text.push('\n');
        text.into_bytes()
    }

    fn message_id(&mut self) -> String {
        self.count += 1;
        format!("{:016x}", self.count.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(self.port))
    }

    fn announcement(&mut self) -> Vec<u8> {
        let (id, port, message) = (self.id.clone(), self.port.to_string(), self.message_id());
        self.write(&[
            ("TYPE", "PEER_DISCOVERY"),
            ("USER_ID", &id),
            ("PORT", &port),
            ("TIMESTAMP", "1728938500"),
            ("MESSAGE_ID", &message),
        ])
    }

    /// Announces itself, and forgets who is silent for 300 s.
    pub(super) fn announce(&mut self, now: Instant) -> Vec<Outgoing> {
        self.next = now + Duration::from_secs(30);
        self.known.retain(|_, (_, heard)| now.since(*heard) <= Duration::from_secs(300));
        let to = |ip| SocketAddrV4::new(ip, self.discovery_port);
        let (all, here) = (to(Ipv4Addr::BROADCAST), to(Ipv4Addr::LOCALHOST));
        match self.kind {
            OlderKind::Reference => {
                let payload = self.announcement();
                vec![(all, payload.clone()), (here, payload)]
            }
            OlderKind::Spaced => {
                let id = self.id.clone();
                let ping = self.write(&[("TYPE", "PING"), ("USER_ID", &id)]);
                vec![(all, ping), (all, self.profile(&id.clone(), ""))]
            }
        }
    }

    fn profile(&mut self, name: &str, status: &str) -> Vec<u8> {
        let id = self.id.clone();
        self.write(&[("TYPE", "PROFILE"), ("USER_ID", &id), ("DISPLAY_NAME", name), ("STATUS", status)])
    }

    /// What its user typed: POST to everyone that it lists.
    pub(super) fn post(&mut self, text: &str) -> Vec<Outgoing> {
        let (id, message) = (self.id.clone(), self.message_id());
        let mut fields = vec![("TYPE", "POST"), ("USER_ID", id.as_str()), ("CONTENT", text), ("MESSAGE_ID", &message)];
        let token = format!("{id}|4102444800|broadcast");
        if self.kind == OlderKind::Spaced {
            fields.push(("TOKEN", &token));
        }
        let payload = self.write(&fields);
        self.known.values().map(|(to, _)| (*to, payload.clone())).collect()
    }

    /// What its user typed: DM to one that it lists.
    pub(super) fn dm(&mut self, to: &str, text: &str) -> Vec<Outgoing> {
        let Some((address, _)) = self.known.get(to).copied() else { return Vec::new() };
        let (id, message) = (self.id.clone(), self.message_id());
        let mut fields =
            vec![("TYPE", "DM"), ("FROM", id.as_str()), ("TO", to), ("CONTENT", text), ("MESSAGE_ID", &message)];
        let token = format!("{id}|4102444800|chat");
        if self.kind == OlderKind::Spaced {
            fields.push(("TOKEN", &token));
        }
        vec![(address, self.write(&fields))]
    }

    /// What its user typed: PROFILE to everyone that it lists.
    pub(super) fn tell_profile(&mut self, name: &str, status: &str) -> Vec<Outgoing> {
        let payload = self.profile(name, status);
        self.known.values().map(|(to, _)| (*to, payload.clone())).collect()
    }

    /// Takes a datagram; what it sends in return.
    pub(super) fn receive(&mut self, bytes: &[u8], from: SocketAddrV4, now: Instant) -> Vec<Outgoing> {
        let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
        let gap = if self.kind == OlderKind::Spaced { ": " } else { ":" };
        let fields: BTreeMap<&str, &str> = text.split('\n').filter_map(|line| line.split_once(gap)).collect();
        let value = |key: &str| fields.get(key).copied().unwrap_or_default();
        let kind = value("TYPE");
        let sender = if value("USER_ID").is_empty() { value("FROM") } else { value("USER_ID") };
        if sender.is_empty() || sender == self.id {
            return Vec::new();
        }
        match self.kind {
            OlderKind::Reference => {
                self.known.insert(sender.to_owned(), (from, now));
            }
            OlderKind::Spaced if matches!(kind, "PING" | "PROFILE") => {
                self.known.insert(sender.to_owned(), (from, now));
            }
            OlderKind::Spaced => {}
        }
        let scope = if kind == "POST" { "broadcast" } else { "chat" };
        let token = value("TOKEN");
        let allowed = self.kind == OlderKind::Reference
            || (token.starts_with(&format!("{sender}|")) && token.ends_with(&format!("|{scope}")));
        let shown = match kind {
            "POST" if allowed => value("CONTENT"),
            "DM" if allowed && value("TO") == self.id => value("CONTENT"),
            "PROFILE" => value("DISPLAY_NAME"),
            "PEER_DISCOVERY" if self.kind == OlderKind::Reference => {
                let port = value("PORT").parse().unwrap_or(from.port());
                let to = SocketAddrV4::new(*from.ip(), port);
                self.known.insert(sender.to_owned(), (to, now));
                return vec![(to, self.announcement())];
            }
            "PEER_LIST_REQUEST" if self.kind == OlderKind::Reference => {
                let names: Vec<String> = self.known.keys().map(|id| format!("\"{id}\"")).collect();
                let (id, list) = (self.id.clone(), format!("[{}]", names.join(", ")));
                let answer = [("TYPE", "PEER_LIST_RESPONSE"), ("FROM", id.as_str()), ("PEERS", &list)];
                return vec![(from, self.write(&answer))];
            }
            _ => return Vec::new(),
        };
        self.shown.push(Shown { kind: kind.to_owned(), from: sender.to_owned(), text: shown.to_owned() });
        Vec::new()
    }
}

//! From what was found out to what is wrong. Pure: the same facts give the same report.

use std::fmt::Write;

use crate::node::Holder;

use super::advice;
use super::facts::{Address, Facts, Family, Interface, Medium, Port, Sent, System};
use super::filter::{Fate, Filter, Incoming, Kind, Net, POLICY};
use super::report::{Check, Name, Report, Verdict};
use super::{paths, report};

/// How near the root of the trouble a cause lies; the nearest is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    NoNetwork,
    Port,
    Send,
    Firewall,
    Echo,
    /// What was asked for cannot be tested.
    Question,
    Path,
    OneWay,
    Alone,
}

/// A reason for what does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cause {
    pub(super) rank: Rank,
    pub(super) text: String,
    pub(super) advice: Vec<String>,
}

/// What is gathered on the way.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) checks: Vec<Check>,
    pub(super) causes: Vec<Cause>,
}

impl Findings {
    pub(super) fn ok(&mut self, name: Name, subject: &str, text: String) {
        self.note(name, subject, Verdict::Ok, text);
    }

    pub(super) fn warn(&mut self, name: Name, subject: &str, text: String) {
        self.note(name, subject, Verdict::Warning, text);
    }

    fn note(&mut self, name: Name, subject: &str, verdict: Verdict, text: String) {
        self.checks.push(Check { name, subject: subject.to_owned(), verdict, text, advice: Vec::new() });
    }

    /// Something is wrong, and this is what it would explain.
    pub(super) fn problem(&mut self, name: Name, subject: &str, text: String, cause: Cause) {
        let advice = cause.advice.clone();
        self.checks.push(Check { name, subject: subject.to_owned(), verdict: Verdict::Problem, text, advice });
        self.causes.push(cause);
    }
}

/// Says what is wrong.
pub(super) fn judge(facts: &Facts) -> Report {
    let mut findings = Findings::default();
    system(facts, &mut findings);
    interfaces(facts, &mut findings);
    route(facts, &mut findings);
    port(facts, &mut findings);
    firewall(facts, &mut findings);
    paths::local(facts, &mut findings);
    paths::hosts(facts, &mut findings);
    paths::closed(facts, &mut findings);
    paths::target(facts, &mut findings);
    let Findings { checks, mut causes } = findings;
    let healthy = checks.iter().all(|check| check.verdict != Verdict::Problem);
    causes.sort_by_key(|cause| cause.rank);
    let Cause { text, advice, .. } = if healthy {
        paths::all_well(facts)
    } else {
        causes.into_iter().next().unwrap_or_else(|| paths::all_well(facts))
    };
    report::Report { checks, cause: text, advice, healthy }
}

fn system(facts: &Facts, findings: &mut Findings) {
    let (subject, shared) = match facts.system {
        System { wsl: true, .. } => ("WSL2", "it mirrors the network of Windows"),
        System { container: true, .. } => ("container", "it uses its host's network"),
        System { .. } => return,
    };
    if facts.hosts.iter().any(|host| !host.own && host.answers()) {
        findings.ok(Name::System, subject, "its network reaches other peers".to_owned());
    } else {
        findings.warn(Name::System, subject, format!("unless {shared}, broadcasts do not leave this computer"));
    }
}

fn interfaces(facts: &Facts, findings: &mut Findings) {
    let lan = facts.interfaces.iter().any(Interface::is_lan);
    for interface in &facts.interfaces {
        if interface.medium == Medium::Loopback {
            for address in &interface.addresses {
                loopback(interface, address, facts, findings);
            }
        } else if interface.unwanted {
            findings.ok(Name::Interface, &interface.name, "left out by --interface".to_owned());
        } else if interface.is_live() {
            for address in &interface.addresses {
                live(interface, address, facts, findings);
            }
        } else if matches!(interface.medium, Medium::Tunnel | Medium::Virtual) {
            if !interface.addresses.is_empty() {
                findings.ok(Name::Interface, &interface.name, "not in use".to_owned());
            }
        } else if interface.device || !interface.addresses.is_empty() {
            let text = why_down(interface);
            if lan {
                findings.warn(Name::Interface, &interface.name, format!("{text}; another network is up"));
            } else {
                let cause = Cause {
                    rank: Rank::NoNetwork,
                    text: format!("this computer is on no network: {} {text}", interface.name),
                    advice: advice::connect(facts.system.family, (!interface.up).then_some(&interface.name)),
                };
                findings.problem(Name::Interface, &interface.name, text.to_owned(), cause);
            }
        }
    }
    let told = findings.causes.iter().any(|cause| cause.rank == Rank::NoNetwork);
    if !lan && !told {
        let tunnels =
            facts.interfaces.iter().any(|interface| interface.medium == Medium::Tunnel && interface.is_live());
        let left_out = facts.interfaces.iter().any(|interface| interface.unwanted && interface.is_live());
        let text = if left_out {
            "--interface (or PEER_INTERFACES) leaves out every network that is up"
        } else if tunnels {
            "only tunnels are up, and nobody can be found by broadcast through a tunnel"
        } else {
            "this computer is on no network: no interface is up but the loopback"
        };
        let mut steps = advice::connect(facts.system.family, None);
        if left_out {
            steps = vec!["Leave --interface out, or name one of the interfaces above.".to_owned()];
        } else if tunnels {
            steps = vec!["Name the peers: peer --peer ADDRESS".to_owned()];
        }
        let cause = Cause { rank: Rank::NoNetwork, text: text.to_owned(), advice: steps };
        findings.problem(Name::Interface, "network", text.to_owned(), cause);
    }
}

fn why_down(interface: &Interface) -> &'static str {
    match (interface.up, interface.carrier, interface.medium) {
        (false, _, _) => "is switched off",
        (true, Some(false), Medium::Wireless) => "is not connected to a Wi-Fi",
        (true, Some(false), _) => "has no carrier (no cable is plugged in, or the other end is off)",
        (true, _, _) => "has no IPv4 address (nobody gave it one by DHCP)",
    }
}

fn loopback(interface: &Interface, address: &Address, facts: &Facts, findings: &mut Findings) {
    if let (Sent::Yes, Some(_)) | (Sent::No, _) = (&address.sent, address.echo) {
        findings.ok(Name::Interface, &interface.name, "up: peers on this computer can meet".to_owned());
    } else if matches!(facts.port, Port::Open(_)) {
        findings.warn(Name::Interface, &interface.name, "peers on this computer do not hear each other".to_owned());
    }
}

fn live(interface: &Interface, address: &Address, facts: &Facts, findings: &mut Findings) {
    let kind = match interface.medium {
        Medium::Wireless => "Wi-Fi, ",
        Medium::Tunnel => "tunnel, ",
        Medium::Virtual => "virtual, ",
        Medium::Loopback | Medium::Wired => "",
    };
    let ip = format!("up, {kind}{}/{}", address.ip, address.prefix);
    let Some(broadcast) = address.broadcast else {
        let text = format!("{ip}; no broadcasts here: peers behind it must be named with --peer");
        return findings.ok(Name::Interface, &interface.name, text);
    };
    if address.ip.is_link_local() {
        let text = format!("{ip}: chosen by this computer itself, because nobody gave it an address by DHCP");
        findings.warn(Name::Interface, &interface.name, text);
    } else {
        findings.ok(Name::Interface, &interface.name, format!("{ip}, broadcast {broadcast}"));
    }
    let subject = interface.name.as_str();
    match (&address.sent, address.echo) {
        (Sent::No, _) => {}
        (Sent::Refused(reason), _) => {
            let text = format!("cannot send to {broadcast}: {reason}");
            let cause = Cause {
                rank: Rank::Send,
                text: format!("this computer refuses to send broadcasts on {subject} ({reason})"),
                advice: match facts.system.family {
                    Family::Linux => vec![
                        format!("ip -4 route get {broadcast}        (shows where the system would send it)"),
                        "sudo nft list ruleset        (an output rule that rejects it?)".to_owned(),
                    ],
                    Family::Windows | Family::MacOs | Family::Other => {
                        vec!["Look for a firewall or VPN program that blocks outgoing UDP.".to_owned()]
                    }
                },
            };
            findings.problem(Name::Broadcast, subject, text, cause);
        }
        (Sent::Yes, Some(echo)) => {
            let text = format!("sent, and heard back after {}", milliseconds(echo));
            findings.ok(Name::Broadcast, subject, text);
        }
        (Sent::Yes, None) if matches!(facts.port, Port::Closed { .. }) => {
            findings.ok(Name::Broadcast, subject, "sent; whether it comes back cannot be heard".to_owned());
        }
        (Sent::Yes, None) => {
            let text = "sent, but not heard back: something on this computer drops what comes in".to_owned();
            let cause = Cause {
                rank: Rank::Echo,
                text: format!("a firewall on this computer drops broadcasts that come in on {subject}"),
                advice: advice::open_somehow(facts.system.family, facts.discovery_port),
            };
            findings.problem(Name::Broadcast, subject, text, cause);
        }
    }
}

fn route(facts: &Facts, findings: &mut Findings) {
    let by = |ip| facts.interfaces.iter().find(|interface| interface.addresses.iter().any(|address| address.ip == ip));
    match facts.route.map(|ip| (ip, by(ip))) {
        Some((ip, Some(interface))) if interface.medium == Medium::Tunnel => {
            let text =
                format!("through the tunnel {}: ids here end in @{ip}; neighbours are still reached", interface.name);
            findings.warn(Name::Route, &interface.name, text);
        }
        Some((ip, interface)) => {
            let name = interface.map_or("default", |interface| interface.name.as_str());
            findings.ok(Name::Route, name, format!("default route, from {ip}"));
        }
        None if facts.interfaces.iter().any(Interface::is_lan) => {
            let text = "no default route: `peer` needs none; an older client on this computer cannot announce itself";
            findings.warn(Name::Route, "default", text.to_owned());
        }
        None => findings.warn(Name::Route, "default", "no default route".to_owned()),
    }
}

fn port(facts: &Facts, findings: &mut Findings) {
    let port = facts.discovery_port;
    let subject = format!("UDP {port}");
    match &facts.port {
        Port::Open(holders) if holders.is_empty() => {
            findings.ok(Name::Port, &subject, "discovery port, free".to_owned());
        }
        Port::Open(holders) => {
            findings.ok(Name::Port, &subject, format!("discovery port, shared with {}", programs(holders)));
        }
        Port::Closed { holders, reason } => {
            let by = if holders.is_empty() {
                "another program, maybe of another user,".to_owned()
            } else {
                programs(holders)
            };
            let text = format!("discovery port: {by} holds it and does not share it ({reason})");
            let mut steps = Vec::new();
            if let Some(holder) = holders.first() {
                let stop = match facts.system.family {
                    Family::Windows => format!("taskkill /PID {}", holder.pid),
                    Family::Linux | Family::MacOs | Family::Other => format!("kill {}", holder.pid),
                };
                steps.push(format!("{stop}        (ends {})", holder.program));
            } else {
                steps.push(advice::free_port(facts.system.family, port));
            }
            steps.push("Or use another port on all computers: peer --discovery-port N".to_owned());
            let text_of_cause = format!("{by} keeps the discovery port {port} to itself, so no announcement is heard");
            findings.problem(
                Name::Port,
                &subject,
                text,
                Cause { rank: Rank::Port, text: text_of_cause, advice: steps },
            );
        }
    }
}

fn programs(holders: &[Holder]) -> String {
    let mut text = String::new();
    for holder in holders.iter().take(3) {
        let gap = if text.is_empty() { "" } else { ", " };
        // Writing to a String cannot fail.
        let _ = write!(text, "{gap}{} (process {})", holder.program, holder.pid);
    }
    if holders.len() > 3 {
        let _ = write!(text, " and {} more", holders.len() - 3);
    }
    text
}

fn firewall(facts: &Facts, findings: &mut Findings) {
    let firewall = &facts.firewall;
    for filter in &firewall.filters {
        one_filter(facts, filter, findings);
    }
    let unread = firewall.unread.join(" and ");
    if let Some(open) = firewall.firewalld.as_ref().filter(|_| firewall.filters.is_empty()) {
        let wanted = [(facts.discovery_port, facts.discovery_port), own_ports(facts)];
        let closed = wanted.iter().any(|(first, last)| !open.iter().any(|(low, high)| low <= first && last <= high));
        if closed {
            dropped(facts, Kind::Firewalld, ("firewalld", "its zone"), "does not list the ports of peers", findings);
        } else {
            findings.ok(Name::Firewall, "firewalld", "lets peers in".to_owned());
        }
    } else if !unread.is_empty() {
        let ufw = if firewall.ufw_on { "; ufw is on" } else { "" };
        let text = format!("its rules could not be read with {unread}{ufw}; try as root: sudo peer doctor");
        findings.warn(Name::Firewall, "unknown", text);
    } else if firewall.filters.is_empty() {
        let text = match facts.system.family {
            Family::Linux => "no rules found (neither nft nor iptables has any)",
            Family::Windows | Family::MacOs | Family::Other => "its rules are not read on this system",
        };
        findings.ok(Name::Firewall, "none", text.to_owned());
    }
}

/// The ports of the peers that run here, else those that peers use.
fn own_ports(facts: &Facts) -> (u16, u16) {
    let unusual =
        facts.local.iter().map(|local| local.port).find(|port| !(advice::USUAL.0..=advice::USUAL.1).contains(port));
    match (unusual, facts.local.as_slice()) {
        (Some(port), _) => (port, port),
        (None, [local]) => (local.port, local.port),
        (None, _) => advice::USUAL,
    }
}

fn one_filter(facts: &Facts, filter: &Filter, findings: &mut Findings) {
    let (mut drops, mut unclear): (Vec<(String, String, &str)>, bool) = (Vec::new(), false);
    for (interface, address) in facts
        .interfaces
        .iter()
        .filter(|interface| interface.is_lan())
        .flat_map(|interface| interface.addresses.iter().map(move |address| (interface, address)))
    {
        let Some(broadcast) = address.broadcast else { continue };
        let message = Incoming {
            interface: interface.name.clone(),
            source: Net(address.ip, address.prefix),
            destination: address.ip,
            broadcast: false,
            ports: own_ports(facts),
        };
        let discovery = (facts.discovery_port, facts.discovery_port);
        let announcement = Incoming { destination: broadcast, broadcast: true, ports: discovery, ..message.clone() };
        for (what, incoming) in [("announcements", announcement), ("messages", message)] {
            match filter.fate(&incoming) {
                Fate::Passes => {}
                Fate::Unclear => unclear = true,
                Fate::Dropped { chain, rule } => {
                    if !drops.iter().any(|drop| drop.2 == what) {
                        drops.push((chain, rule, what));
                    }
                }
            }
        }
    }
    let subject = match filter.kind {
        Kind::Ufw => "ufw",
        Kind::Firewalld => "firewalld",
        Kind::Nft | Kind::Iptables => filter.table.as_str(),
    };
    let Some((chain, rule, _)) = drops.first() else {
        let read = filter.chains.values().any(|rules| !rules.is_empty());
        return match (unclear, read) {
            (true, _) => findings.warn(Name::Firewall, subject, "cannot tell whether it lets peers in".to_owned()),
            (false, true) => findings.ok(Name::Firewall, subject, "lets peers in".to_owned()),
            (false, false) => findings.ok(Name::Firewall, subject, "no rules: lets everything in".to_owned()),
        };
    };
    let what: Vec<&str> = drops.iter().map(|drop| drop.2).collect();
    let text = format!("drops {} of peers ({chain}: {rule})", what.join(" and "));
    // A rule in the chain that the system enters goes before all that drops later.
    let entry = filter.entries.iter().find(|entry| entry.chain == *chain).or(filter.entries.last());
    let entry = entry.map_or(chain.as_str(), |entry| entry.chain.as_str()).to_owned();
    let by_ufw = chain.starts_with("ufw-") || rule.starts_with(POLICY);
    let kind = if filter.kind == Kind::Ufw && !by_ufw { Kind::Iptables } else { filter.kind };
    dropped(facts, kind, (&filter.table, &entry), &text, findings);
    if let Some(check) = findings.checks.last_mut() {
        check.subject = subject.to_owned();
    }
}

fn dropped(facts: &Facts, kind: Kind, (table, chain): (&str, &str), text: &str, findings: &mut Findings) {
    let own = if own_ports(facts).0 < advice::USUAL.0 || own_ports(facts).1 > advice::USUAL.1 {
        own_ports(facts)
    } else {
        advice::USUAL
    };
    let cause = Cause {
        rank: Rank::Firewall,
        text: "the firewall of this computer drops what other peers send".to_owned(),
        advice: advice::open(kind, table, chain, facts.discovery_port, own),
    };
    findings.problem(Name::Firewall, table, text.to_owned(), cause);
}

/// A time for people.
pub(super) fn milliseconds(time: std::time::Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

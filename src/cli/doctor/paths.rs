//! Who hears whom: the peers that were found, and the one path that was asked about.

use std::collections::BTreeSet;

use super::advice;
use super::facts::{Facts, Host, Missing, Neighbour, Reached};
use super::judge::{Cause, Findings, Rank, milliseconds};
use super::report::Name;

/// Who speaks where we cannot follow.
pub(super) fn closed(facts: &Facts, findings: &mut Findings) {
    if !facts.closed {
        return;
    }
    let text = "somebody speaks in another closed group: to meet it, give its secret with --secret-file".to_owned();
    findings.warn(Name::Peer, "closed group", text);
}

/// The peers of this user that run here.
pub(super) fn local(facts: &Facts, findings: &mut Findings) {
    for local in &facts.local {
        if local.answers {
            let text = format!("runs here (process {}, port {}) and answers", local.pid, local.port);
            findings.ok(Name::Local, &local.id, text);
        } else {
            let text = format!(
                "runs here (process {}, port {}), but does not answer: it hangs, or is in another closed group",
                local.pid, local.port
            );
            findings.warn(Name::Local, &local.id, text);
        }
    }
    // One peer may be heard from several addresses of this computer.
    let mut others = BTreeSet::new();
    for peer in facts.hosts.iter().filter(|host| host.own).flat_map(|host| &host.peers) {
        let port = peer.address.port();
        let known = facts.local.iter().any(|local| local.port == port);
        if !known && others.insert((peer.id.as_str(), port)) {
            findings.ok(Name::Local, &peer.id, format!("runs here, at port {port}"));
        }
    }
}

/// The other computers.
pub(super) fn hosts(facts: &Facts, findings: &mut Findings) {
    for host in facts.hosts.iter().filter(|host| !host.own) {
        one_host(facts, host, findings);
    }
}

fn one_host(facts: &Facts, host: &Host, findings: &mut Findings) {
    let (ip, names) = (host.ip.to_string(), host.names());
    let older = host.peers.iter().all(|peer| peer.older) && !host.peers.is_empty();
    let older = if older { " (older client)" } else { "" };
    let answers = if host.peers.len() > 1 { "answer" } else { "answers" };
    match (host.hears_broadcast, host.answered) {
        (true, Some(time)) => {
            findings.ok(Name::Peer, &ip, format!("{names}{older} {answers} ({})", milliseconds(time)));
        }
        (true, None) => findings.ok(Name::Peer, &ip, format!("{names}{older} {answers}")),
        (false, Some(time)) => {
            let text = format!(
                "{names} answers when it is asked alone ({}), but not when everyone is asked: broadcasts are lost on the way, \
                 or its answers are",
                milliseconds(time)
            );
            findings.warn(Name::Peer, &ip, text);
        }
        (false, None) if host.heard => {
            let text = format!("{names} is heard, but does not answer: the way there is shut");
            findings.problem(Name::Peer, &ip, text, one_way(facts, host, &names));
        }
        (false, None) if host.asked == 0 => {}
        (false, None) if host.neighbour == Neighbour::There => {
            let text = format!("{names} is known and the computer is there, but no peer on it answers");
            findings.problem(Name::Peer, &ip, text, one_way(facts, host, &names));
        }
        (false, None) => {
            let text =
                format!("{names} is on the list of a peer here, but does not answer; it may have left meanwhile");
            findings.warn(Name::Peer, &ip, text);
        }
    }
}

fn one_way(facts: &Facts, host: &Host, names: &str) -> Cause {
    if host.neighbour == Neighbour::Silent {
        let text = format!("the network lets broadcasts of {} through but keeps the two computers apart", host.ip);
        let advice = vec![
            "Wi-Fi: switch off \"AP isolation\" (also \"client isolation\", \"guest mode\") at the access point, or use \
             another Wi-Fi or a cable."
                .to_owned(),
        ];
        return Cause { rank: Rank::OneWay, text, advice };
    }
    let text = format!("a firewall on {} ({names}) drops what is sent to it", host.ip);
    Cause { rank: Rank::OneWay, text, advice: advice::open_there(facts.discovery_port) }
}

/// The one path that was asked about.
pub(super) fn target(facts: &Facts, findings: &mut Findings) {
    let Some(target) = &facts.target else { return };
    let subject = target.text.as_str();
    match &target.reached {
        Ok(reached) => path(facts, subject, reached, findings),
        Err(Missing::Nobody(reason)) => {
            let cause = Cause {
                rank: Rank::Question,
                text: format!("{subject} is neither a peer that answers nor a host that is known ({reason})"),
                advice: vec![
                    "peer discover        (shows who answers)".to_owned(),
                    "peer doctor ADDRESS        (with the other computer's address, such as 192.168.1.12)".to_owned(),
                ],
            };
            findings.problem(Name::Path, subject, "no such peer or host".to_owned(), cause);
        }
        Err(Missing::Ambiguous(names)) => {
            let text = format!("can be {}", names.join(", "));
            let cause = Cause {
                rank: Rank::Question,
                text: format!("{subject} {text}"),
                advice: vec!["Write the whole id, or the address with its port.".to_owned()],
            };
            findings.problem(Name::Path, subject, text, cause);
        }
    }
}

fn path(facts: &Facts, subject: &str, reached: &Reached, findings: &mut Findings) {
    let to = reached.to;
    let ip = to.ip();
    let way = match (&reached.link, reached.own) {
        (_, true) => "on this computer".to_owned(),
        (Some(link), _) => format!("on the network of {link}"),
        (None, _) => "behind a router".to_owned(),
    };
    if let Some(answer) = &reached.answer {
        let older = if answer.older { ", older client" } else { "" };
        let text = format!(
            "{} ({way}{older}) answers from {} after {}",
            answer.id,
            answer.from,
            milliseconds(answer.round_trip)
        );
        findings.ok(Name::Path, subject, text);
        if !reached.own {
            by_broadcast(subject, reached, findings);
        }
        return;
    }
    let there = || advice::open_there(facts.discovery_port);
    let start =
        || format!("Start `peer` on {ip}; if it uses another discovery port there, add it: peer doctor {ip}:PORT");
    let (text, cause, advice) = if let Err(error) = &reached.sent {
        let why = format!("nothing can be sent to {to}: {error}");
        let steps = vec![format!("ip -4 route get {ip}        (shows which way the system would send it)")];
        (why.clone(), why, steps)
    } else if reached.refused {
        let why = format!("{ip} is there ({way}), but no peer listens at port {}", to.port());
        (why.clone(), why, vec![start()])
    } else if reached.heard || (reached.listed && reached.neighbour == Neighbour::There) {
        let heard = if reached.heard { "was heard" } else { "was heard by the peer that runs here" };
        let text = format!("{ip} ({way}) {heard}, but does not answer {} questions", reached.tries);
        (text, format!("a firewall on {ip} drops what is sent to it"), there())
    } else {
        match (reached.neighbour, &reached.link) {
            (Neighbour::There, _) => {
                let text = format!(
                    "{ip} is there ({way}), but nothing answers {} questions at port {}",
                    reached.tries,
                    to.port()
                );
                let mut steps = vec![start()];
                steps.extend(there());
                (text, format!("no peer runs on {ip}, or a firewall on it drops what is sent to it"), steps)
            }
            (Neighbour::Silent, Some(link)) => {
                let text = format!("no computer answers at {ip} on the network of {link}");
                let cause = format!("{ip} is off, has another address, or a Wi-Fi keeps it apart from this computer");
                let steps = vec![
                    format!(
                        "On that computer look up its address: ip -4 addr (Linux), ipconfig (Windows, macOS: ifconfig)"
                    ),
                    "Wi-Fi: switch off \"AP isolation\" at the access point, or use another Wi-Fi or a cable."
                        .to_owned(),
                ];
                (text, cause, steps)
            }
            (Neighbour::Silent | Neighbour::Unknown, _) => {
                let text = format!("{ip} ({way}) does not answer {} questions at port {}", reached.tries, to.port());
                let mut steps = vec![start()];
                steps.extend(there());
                (text, format!("{ip} cannot be reached, runs no peer, or a firewall between drops UDP"), steps)
            }
        }
    };
    findings.problem(Name::Path, subject, text, Cause { rank: Rank::Path, text: cause, advice });
}

/// Both can speak to each other; do they find each other?
fn by_broadcast(subject: &str, reached: &Reached, findings: &mut Findings) {
    match (reached.hears_broadcast, reached.heard, &reached.link) {
        (true, true, _) => findings.ok(Name::Path, subject, "broadcasts arrive in both directions".to_owned()),
        (true, false, _) => {
            let text = "our broadcasts arrive there; it broadcasts every 30 s, none came in this test".to_owned();
            findings.ok(Name::Path, subject, text);
        }
        (false, heard, Some(_)) => {
            let one = if heard { "its broadcasts arrive here, ours" } else { "our broadcasts" };
            let text = format!(
                "{one} are not answered: name it, it is then found all the same: peer --peer {}",
                reached.to.ip()
            );
            findings.warn(Name::Path, subject, text);
        }
        (false, _, None) => {
            let text = format!("broadcasts do not cross a router; to find it: peer --peer {}", reached.to.ip());
            findings.warn(Name::Path, subject, text);
        }
    }
}

/// Nothing is wrong, as far as can be seen from here.
pub(super) fn all_well(facts: &Facts) -> Cause {
    if let Some(answer) = facts.target.as_ref().and_then(|target| target.reached.as_ref().ok()?.answer.as_ref()) {
        let text = format!("the way to {} and back is open.", answer.id);
        return Cause { rank: Rank::Alone, text, advice: Vec::new() };
    }
    let others = facts.hosts.iter().filter(|host| !host.own && host.answers()).map(|host| host.peers.len().max(1));
    let count: usize = others.sum();
    let text = match count {
        0 => "nothing wrong here, but nobody else answers.".to_owned(),
        1 => "nothing wrong found; one other peer answers.".to_owned(),
        count => format!("nothing wrong found; {count} other peers answer."),
    };
    let mut steps = Vec::new();
    if count == 0 {
        if facts.system.wsl {
            steps.push(
                "WSL2: put networkingMode=mirrored under [wsl2] in %UserProfile%\\.wslconfig, then type: wsl --shutdown"
                    .to_owned(),
            );
        } else if facts.system.container {
            steps.push("Container: start it with its host's network: docker run --network host ...".to_owned());
        }
        let lan = || facts.interfaces.iter().filter(|interface| interface.is_lan());
        if let Some(own) = lan().find(|interface| interface.addresses.iter().all(|address| address.ip.is_link_local()))
        {
            steps.push(format!("{} has no address of its network: connect it again (Wi-Fi, cable, router).", own.name));
        }
        let several = lan().count() > 1;
        if several {
            steps.push("This computer is on several networks: the others must be on one of them.".to_owned());
        }
        steps.extend(advice::alone());
    }
    Cause { rank: Rank::Alone, text, advice: steps }
}

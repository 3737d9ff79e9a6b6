//! Reads what `iptables -S` prints.

use std::collections::BTreeMap;

use super::filter::{Action, Entry, Field, Filter, Kind, Match, Net, Rule, Value};

/// The table `filter`, as far as it is about what comes in.
pub(super) fn parse(text: &str, tool: &str) -> Filter {
    let mut chains: BTreeMap<String, Vec<Rule>> = BTreeMap::new();
    let mut accepts = true;
    for line in text.lines() {
        let words = words(line);
        match words.first().map(String::as_str) {
            Some("-P") if words.get(1).is_some_and(|chain| chain == "INPUT") => {
                accepts = words.get(2).is_none_or(|policy| policy == "ACCEPT");
                chains.entry("INPUT".to_owned()).or_default();
            }
            Some("-N") => {
                chains.entry(words.get(1).cloned().unwrap_or_default()).or_default();
            }
            Some("-A") => {
                let rule = rule(words.get(2..).unwrap_or_default(), line);
                chains.entry(words.get(1).cloned().unwrap_or_default()).or_default().push(rule);
            }
            _ => {}
        }
    }
    let has = |begin: &str| chains.keys().any(|name| name.starts_with(begin));
    let kind = if has("ufw-user-") {
        Kind::Ufw
    } else if has("INPUT_ZONES") {
        Kind::Firewalld
    } else {
        Kind::Iptables
    };
    Filter { table: tool.to_owned(), kind, entries: vec![Entry { chain: "INPUT".to_owned(), accepts }], chains }
}

/// Splits a line at its spaces; what stands in quotes stays together.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut escaped, mut any) = (Vec::new(), String::new(), false, false, false);
    for c in line.chars() {
        match c {
            _ if escaped => {
                word.push(c);
                escaped = false;
            }
            '\\' if quoted => escaped = true,
            '"' => {
                quoted = !quoted;
                any = true;
            }
            ' ' if !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            _ => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

fn rule(words: &[String], line: &str) -> Rule {
    let mut rule = Rule { matches: Vec::new(), action: Action::Continue, text: line.to_owned() };
    let (mut at, mut negated) = (0, false);
    while let Some(option) = words.get(at) {
        at += 1;
        if option == "!" {
            negated = true;
            continue;
        }
        let end = words[at..].iter().position(|word| word.starts_with('-') || word == "!");
        let arguments = &words[at..end.map_or(words.len(), |end| at + end)];
        at += arguments.len();
        let first = arguments.first().map_or("", String::as_str);
        match option.as_str() {
            "-j" => {
                rule.action = target(first);
                // What follows are the target's own options.
                break;
            }
            "-g" => {
                rule.action = Action::Goto(first.to_owned());
                break;
            }
            "-m" if KNOWN.contains(&first) => {}
            "--comment" => {}
            _ => rule.matches.push(Match { negated, ..condition(option, arguments) }),
        }
        negated = false;
    }
    rule
}

/// Modules whose conditions are read option by option.
const KNOWN: [&str; 10] =
    ["udp", "tcp", "icmp", "comment", "conntrack", "state", "addrtype", "multiport", "pkttype", "iprange"];

fn target(name: &str) -> Action {
    match name {
        "ACCEPT" => Action::Accept,
        "DROP" | "REJECT" => Action::Drop,
        "RETURN" => Action::Return,
        "LOG" | "NFLOG" | "ULOG" | "MARK" | "CONNMARK" | "TRACE" | "CT" | "AUDIT" | "CHECKSUM" | "SET" => {
            Action::Continue
        }
        "QUEUE" | "NFQUEUE" | "TARPIT" | "DELUDE" => Action::Unknown,
        chain => Action::Jump(chain.to_owned()),
    }
}

fn condition(option: &str, arguments: &[String]) -> Match {
    let first = arguments.first().map_or("", String::as_str);
    let list = |value: &dyn Fn(&str) -> Value| first.split(',').map(value).collect();
    let (field, values): (Field, Vec<Value>) = match option {
        "-p" => (Field::Protocol, vec![Value::Word(first.to_owned())]),
        "-i" => (Field::Interface, vec![Value::Word(first.to_owned())]),
        "-s" => (Field::Source, vec![net(first)]),
        "-d" => (Field::Destination, vec![net(first)]),
        "--dport" | "--dports" => (Field::DestinationPort, list(&ports)),
        "--sport" | "--sports" => (Field::SourcePort, list(&ports)),
        "--ctstate" | "--state" => (Field::State, list(&|word| Value::Word(word.to_lowercase()))),
        "--dst-type" => (Field::DestinationType, list(&|word| Value::Word(word.to_lowercase()))),
        "--pkt-type" => (Field::PacketType, vec![Value::Word(first.to_lowercase())]),
        "--icmp-type" | "--tcp-flags" | "--syn" => (Field::Never, vec![Value::Unknown]),
        _ => (Field::Unknown, vec![Value::Unknown]),
    };
    Match { field, negated: false, values }
}

fn net(text: &str) -> Value {
    Net::parse(text).map_or(Value::Unknown, Value::Net)
}

fn ports(text: &str) -> Value {
    let (first, last) = text.split_once(':').unwrap_or((text, text));
    let first = if first.is_empty() { Ok(0) } else { first.parse() };
    let last = if last.is_empty() { Ok(65_535) } else { last.parse() };
    match (first, last) {
        (Ok(first), Ok(last)) => Value::Range(first, last),
        _ => Value::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::filter::Fate;
    use crate::cli::doctor::filter::tests::{announcement, message};

    fn fates(rules: &str) -> [Fate; 2] {
        let filter = parse(rules, "iptables");
        [filter.fate(&announcement()), filter.fate(&message())]
    }

    #[test]
    fn words_in_quotes_stay_together() {
        assert_eq!(words(r#"-A X -m comment --comment "a \"b\" c" -j DROP"#)[5], r#"a "b" c"#);
        assert_eq!(words(r#"a "" b"#), ["a", "", "b"]);
    }

    #[test]
    fn no_rules_let_everything_pass() {
        assert_eq!(fates(""), [Fate::Passes, Fate::Passes]);
        assert_eq!(fates("-P INPUT ACCEPT\n-P FORWARD DROP\n"), [Fate::Passes, Fate::Passes]);
    }

    #[test]
    fn a_policy_of_drop_with_the_usual_exceptions_drops_peers() {
        let rules = "-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
                     -A INPUT -p icmp -m icmp --icmp-type 8 -j ACCEPT\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n";
        assert!(fates(rules).iter().all(|fate| matches!(fate, Fate::Dropped { .. })), "{:?}", fates(rules));
        let opened = format!("{rules}-A INPUT -p udp -m multiport --dports 50999,8000:9999 -j ACCEPT\n");
        assert_eq!(fates(&opened), [Fate::Passes, Fate::Passes]);
        let half = format!("{rules}-A INPUT -p udp -m udp --dport 50999 -j ACCEPT\n");
        assert!(matches!(fates(&half), [Fate::Passes, Fate::Dropped { .. }]));
        let limited = format!("{rules}-A INPUT -p udp -m limit --limit 3/min -j ACCEPT\n");
        assert_eq!(fates(&limited), [Fate::Unclear, Fate::Unclear]);
    }

    #[test]
    fn a_single_drop_rule_is_named() {
        let rules = "-P INPUT ACCEPT\n-A INPUT -p udp -m udp --dport 50999 -m comment --comment \"no peers\" -j DROP\n";
        let [Fate::Dropped { chain, rule }, Fate::Passes] = fates(rules) else { panic!("{:?}", fates(rules)) };
        assert_eq!(chain, "INPUT");
        assert!(rule.contains("no peers"));
        let but = "-P INPUT ACCEPT\n-A INPUT ! -i eth0 -p udp -j DROP\n-A INPUT ! -s 192.168.0.0/16 -j REJECT\n";
        assert_eq!(fates(but), [Fate::Passes, Fate::Passes]);
    }

    const UFW: &str = "-P INPUT DROP
-N ufw-user-input
-A INPUT -j ufw-before-input
-A INPUT -j ufw-after-input
-A ufw-after-input -m addrtype --dst-type BROADCAST -j ufw-skip-to-policy-input
-A ufw-before-input -i lo -j ACCEPT
-A ufw-before-input -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A ufw-before-input -m conntrack --ctstate INVALID -j ufw-logging-deny
-A ufw-before-input -p udp -m udp --sport 67 --dport 68 -j ACCEPT
-A ufw-before-input -j ufw-not-local
-A ufw-before-input -d 224.0.0.251/32 -p udp -m udp --dport 5353 -j ACCEPT
-A ufw-before-input -j ufw-user-input
-A ufw-not-local -m addrtype --dst-type LOCAL -j RETURN
-A ufw-not-local -m addrtype --dst-type BROADCAST -j RETURN
-A ufw-not-local -m limit --limit 3/min --limit-burst 10 -j ufw-logging-deny
-A ufw-not-local -j DROP
-A ufw-skip-to-policy-input -j DROP
";

    #[test]
    fn ufw_as_it_is_installed_drops_peers_until_they_are_allowed() {
        let [Fate::Dropped { chain, .. }, Fate::Dropped { .. }] = fates(UFW) else { panic!("{:?}", fates(UFW)) };
        assert_eq!((chain.as_str(), parse(UFW, "iptables").kind), ("ufw-skip-to-policy-input", Kind::Ufw));
        let allowed = format!(
            "{UFW}-A ufw-user-input -p udp -m udp --dport 50999 -j ACCEPT\n\
             -A ufw-user-input -p udp -m multiport --dports 8000:9999 -j ACCEPT\n"
        );
        assert_eq!(fates(&allowed), [Fate::Passes, Fate::Passes]);
    }
}

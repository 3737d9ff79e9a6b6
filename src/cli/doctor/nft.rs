//! Reads what `nft -j list ruleset` prints.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use serde_json::Value as Json;

use super::filter::{Action, Entry, Field, Filter, Kind, Match, Net, Rule, Value};

/// A family and a table's name.
type Table = (String, String);

/// The named sets of one table.
type Sets = BTreeMap<String, Vec<Value>>;

/// The tables that look at what comes in over IPv4; none when the text is not what nft prints.
pub(super) fn parse(text: &str) -> Option<Vec<Filter>> {
    let json: Json = serde_json::from_str(text).ok()?;
    let objects = json.get("nftables")?.as_array()?;
    let mut sets: BTreeMap<Table, Sets> = BTreeMap::new();
    for set in objects.iter().filter_map(|object| object.get("set").or_else(|| object.get("map"))) {
        let elements = set.get("elem").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let values = elements.iter().flat_map(|element| value(element, &Sets::new())).collect();
        sets.entry(table(set)).or_default().insert(name(set, "name"), values);
    }
    let mut filters: BTreeMap<Table, Filter> = BTreeMap::new();
    for chain in objects.iter().filter_map(|object| object.get("chain")) {
        let key = table(chain);
        if !matches!(key.0.as_str(), "ip" | "inet") {
            continue;
        }
        let kind = if key.1 == "firewalld" { Kind::Firewalld } else { Kind::Nft };
        let empty =
            || Filter { table: format!("{} {}", key.0, key.1), kind, entries: Vec::new(), chains: BTreeMap::new() };
        let filter = filters.entry(key.clone()).or_insert_with(empty);
        let chain_name = name(chain, "name");
        let inward = matches!(name(chain, "hook").as_str(), "input" | "prerouting");
        if inward && name(chain, "type") == "filter" {
            let accepts = name(chain, "policy") != "drop";
            filter.entries.push(Entry { chain: chain_name.clone(), accepts });
        }
        filter.chains.entry(chain_name).or_default();
    }
    for rule in objects.iter().filter_map(|object| object.get("rule")) {
        let key = table(rule);
        let none = Sets::new();
        if let Some(filter) = filters.get_mut(&key) {
            let read = read_rule(rule, sets.get(&key).unwrap_or(&none));
            filter.chains.entry(name(rule, "chain")).or_default().push(read);
        }
    }
    Some(filters.into_values().filter(|filter| !filter.entries.is_empty()).collect())
}

fn name(object: &Json, key: &str) -> String {
    object.get(key).and_then(Json::as_str).unwrap_or_default().to_owned()
}

fn table(object: &Json) -> Table {
    (name(object, "family"), name(object, "table"))
}

fn read_rule(rule: &Json, sets: &Sets) -> Rule {
    let parts = rule.get("expr").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let words: Vec<String> = parts.iter().filter_map(shown).collect();
    let mut read = Rule { matches: Vec::new(), action: Action::Continue, text: words.join(" ") };
    for part in parts {
        let Some((kind, body)) = part.as_object().and_then(|part| part.iter().next()) else { continue };
        match kind.as_str() {
            "match" => read.matches.extend(condition(body, sets)),
            "xt" if name(body, "type") == "match" => read.matches.push(unknown()),
            "xt" if name(body, "type") == "target" && name(body, "name") == "REJECT" => read.action = Action::Drop,
            "limit" | "quota" | "connlimit" | "osf" | "secmark" | "socket" => read.matches.push(unknown()),
            _ => {
                if let Some(action) = action(kind, body, sets) {
                    read.action = action;
                }
            }
        }
    }
    read
}

/// A part of a rule much as nft writes it; none for what only counts or logs.
fn shown(part: &Json) -> Option<String> {
    let (kind, body) = part.as_object()?.iter().next()?;
    let text = match kind.as_str() {
        "match" => {
            let op = name(body, "op");
            let op = if matches!(op.as_str(), "==" | "in") { String::new() } else { format!("{op} ") };
            format!("{} {op}{}", operand(body.get("left")?), operand(body.get("right")?))
        }
        "jump" | "goto" => format!("{kind} {}", name(body, "target")),
        "vmap" => format!("{} vmap ...", operand(body.get("key")?)),
        "xt" => format!("({})", name(body, "name")),
        "accept" | "drop" | "reject" | "return" | "queue" | "limit" => kind.clone(),
        _ => return None,
    };
    Some(text)
}

fn operand(json: &Json) -> String {
    let list = |items: &[Json], gap: &str| items.iter().map(operand).collect::<Vec<_>>().join(gap);
    if let Some(text) = json.as_str() {
        return text.to_owned();
    }
    if let Some(items) = json.as_array() {
        return list(items, ", ");
    }
    let Some((kind, body)) = json.as_object().and_then(|object| object.iter().next()) else { return json.to_string() };
    match (kind.as_str(), body.as_array()) {
        ("set", Some(items)) => format!("{{ {} }}", list(items, ", ")),
        ("range", Some(items)) => list(items, "-"),
        ("prefix", _) => format!("{}/{}", name(body, "addr"), body.get("len").map(operand).unwrap_or_default()),
        ("meta", _) => name(body, "key"),
        ("ct", _) => format!("ct {}", name(body, "key")),
        ("payload", _) => format!("{} {}", name(body, "protocol"), name(body, "field")),
        ("fib", _) => format!("fib {}", name(body, "result")),
        _ => "...".to_owned(),
    }
}

fn unknown() -> Match {
    Match { field: Field::Unknown, negated: false, values: vec![Value::Unknown] }
}

/// What a statement does; none for one that only counts, logs or marks.
fn action(kind: &str, body: &Json, sets: &Sets) -> Option<Action> {
    Some(match kind {
        "accept" => Action::Accept,
        "drop" | "reject" => Action::Drop,
        "return" => Action::Return,
        "jump" => Action::Jump(name(body, "target")),
        "goto" => Action::Goto(name(body, "target")),
        "queue" | "tproxy" | "synproxy" => Action::Unknown,
        "vmap" => {
            let (field, _) = field(body.get("key")?);
            let choices = body.get("data").and_then(|data| data.get("set")).and_then(Json::as_array);
            let Some(choices) = choices else { return Some(Action::Unknown) };
            Action::Choose(field, choices.iter().flat_map(|choice| chosen(choice, sets)).collect())
        }
        _ => return None,
    })
}

fn chosen(choice: &Json, sets: &Sets) -> Vec<(Value, Action)> {
    let Some([key, verdict]) = choice.as_array().map(Vec::as_slice) else {
        return vec![(Value::Unknown, Action::Unknown)];
    };
    let parts = verdict.as_object().and_then(|verdict| verdict.iter().next());
    let action = parts.and_then(|(kind, body)| action(kind, body, sets)).unwrap_or(Action::Continue);
    value(key, sets).into_iter().map(|value| (value, action.clone())).collect()
}

/// A condition; with the protocol that it needs, where it looks at that protocol's header.
fn condition(body: &Json, sets: &Sets) -> Vec<Match> {
    let (Some(left), Some(right)) = (body.get("left"), body.get("right")) else { return vec![unknown()] };
    let (field, protocol) = field(left);
    let needed = protocol.map(|protocol| Match {
        field: if matches!(protocol.as_str(), "ip" | "ip6") { Field::Family } else { Field::Protocol },
        negated: false,
        values: vec![Value::Word(protocol)],
    });
    let one = match name(body, "op").as_str() {
        op @ ("==" | "in" | "!=") => Match { field, negated: op == "!=", values: value(right, sets) },
        _ => unknown(),
    };
    needed.into_iter().chain([one]).collect()
}

/// What an expression looks at, and the protocol that it needs.
fn field(left: &Json) -> (Field, Option<String>) {
    let key = |of: &str| left.get(of).map(|body| name(body, "key"));
    if let Some(key) = key("meta") {
        let field = match key.as_str() {
            "l4proto" => Field::Protocol,
            "iifname" | "iif" => Field::Interface,
            "pkttype" => Field::PacketType,
            "nfproto" | "protocol" => Field::Family,
            _ => Field::Unknown,
        };
        return (field, None);
    }
    if let Some(key) = key("ct") {
        let field = match key.as_str() {
            "state" => Field::State,
            // No address of a peer's datagram is translated.
            "status" => Field::Never,
            _ => Field::Unknown,
        };
        return (field, None);
    }
    if let Some(fib) = left.get("fib") {
        let to = fib.get("flags").is_some_and(|flags| flags.to_string().contains("daddr"));
        return match name(fib, "result").as_str() {
            "type" if to => (Field::DestinationType, None),
            // The way back to a neighbour is where it came from.
            "oif" | "oifname" => (Field::Never, None),
            _ => (Field::Unknown, None),
        };
    }
    if let Some(payload) = left.get("payload") {
        let protocol = name(payload, "protocol");
        let field = match name(payload, "field").as_str() {
            "dport" => Field::DestinationPort,
            "sport" => Field::SourcePort,
            "saddr" if protocol == "ip" => Field::Source,
            "daddr" if protocol == "ip" => Field::Destination,
            "protocol" if protocol == "ip" => Field::Protocol,
            _ => Field::Unknown,
        };
        return (field, Some(protocol).filter(|protocol| !matches!(protocol.as_str(), "th" | "ether" | "")));
    }
    (Field::Unknown, None)
}

fn value(right: &Json, sets: &Sets) -> Vec<Value> {
    if let Some(list) = right.get("set").unwrap_or(right).as_array() {
        return list.iter().flat_map(|item| value(item, sets)).collect();
    }
    if let Some(inner) = right.get("elem").and_then(|elem| elem.get("val")) {
        return value(inner, sets);
    }
    if let Some(set) = right.as_str().and_then(|text| text.strip_prefix('@')) {
        return sets.get(set).cloned().unwrap_or_else(|| vec![Value::Unknown]);
    }
    vec![single(right)]
}

fn single(right: &Json) -> Value {
    let number = |json: &Json| -> Option<u32> {
        let ip = json.as_str().and_then(|text| text.parse::<Ipv4Addr>().ok()).map(Ipv4Addr::to_bits);
        ip.or_else(|| json.as_u64().and_then(|number| number.try_into().ok()))
    };
    if let Some([first, last]) = right.get("range").and_then(Json::as_array).map(Vec::as_slice) {
        return match (number(first), number(last)) {
            (Some(first), Some(last)) => Value::Range(first, last),
            _ => Value::Unknown,
        };
    }
    if let Some(prefix) = right.get("prefix") {
        let length = prefix.get("len").and_then(Json::as_u64).and_then(|length| u8::try_from(length).ok());
        return match (name(prefix, "addr").parse(), length) {
            (Ok(ip), Some(length)) if length <= 32 => Value::Net(Net(ip, length)),
            _ => Value::Unknown,
        };
    }
    match (number(right), right.as_str()) {
        (Some(number), _) => Value::Range(number, number),
        (None, Some(word)) => Value::Word(word.to_owned()),
        (None, None) => Value::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::filter::Fate;
    use crate::cli::doctor::filter::tests::{announcement, message};

    /// What `nft -j list ruleset` prints of a table with one chain of these rules.
    fn ruleset(policy: &str, rules: &str) -> String {
        let rules: Vec<String> = rules
            .lines()
            .map(|line| {
                format!(r#"{{"rule":{{"family":"inet","table":"f","chain":"input","handle":4,"expr":[{line}]}}}}"#)
            })
            .collect();
        format!(
            r#"{{"nftables":[{{"metainfo":{{"version":"1.0.6"}}}},{{"table":{{"family":"inet","name":"f"}}}},
            {{"set":{{"family":"inet","table":"f","name":"trusted","type":"ipv4_addr","elem":[{{"prefix":{{"addr":"192.168.0.0","len":16}}}},"10.0.0.1"]}}}},
            {{"chain":{{"family":"inet","table":"f","name":"input","type":"filter","hook":"input","prio":0,"policy":"{policy}"}}}},
            {{"chain":{{"family":"ip6","table":"f","name":"other","type":"filter","hook":"input","prio":0,"policy":"drop"}}}}
            {}{}]}}"#,
            if rules.is_empty() { "" } else { "," },
            rules.join(",")
        )
    }

    fn fates(policy: &str, rules: &str) -> [Fate; 2] {
        let filters = parse(&ruleset(policy, rules)).unwrap();
        assert_eq!((filters.len(), filters[0].table.as_str()), (1, "inet f"));
        [filters[0].fate(&announcement()), filters[0].fate(&message())]
    }

    const LO: &str = r#"{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"lo"}},{"accept":null}"#;
    const KNOWN: &str =
        r#"{"match":{"op":"in","left":{"ct":{"key":"state"}},"right":["established","related"]}},{"accept":null}"#;
    const CHOICE: &str = r#"{"vmap":{"key":{"ct":{"key":"state"}},"data":{"set":[["invalid",{"drop":null}],["established",{"accept":null}]]}}}"#;
    const SSH: &str = r#"{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":{"set":[22,{"range":[8000,9999]}]}}},{"accept":null}"#;
    const NAT: &str = r#"{"match":{"op":"in","left":{"ct":{"key":"status"}},"right":"dnat"}},{"accept":null}"#;

    #[test]
    fn a_usual_server_drops_peers_until_their_ports_are_open() {
        let usual = [LO, KNOWN, CHOICE, SSH, NAT].join("\n");
        assert!(fates("drop", &usual).iter().all(|fate| matches!(fate, Fate::Dropped { .. })));
        assert_eq!(fates("accept", &usual), [Fate::Passes, Fate::Passes]);
        let ports = r#"{"match":{"op":"==","left":{"payload":{"protocol":"udp","field":"dport"}},"right":{"set":[50999,{"range":[8000,9999]}]}}},{"counter":{"packets":0}},{"accept":null}"#;
        assert_eq!(fates("drop", &format!("{usual}\n{ports}")), [Fate::Passes, Fate::Passes]);
    }

    #[test]
    fn sets_by_name_and_choices_by_port_are_followed() {
        let trusted = r#"{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":"@trusted"}},{"accept":null}"#;
        assert_eq!(fates("drop", trusted), [Fate::Passes, Fate::Passes]);
        let choice = r#"{"vmap":{"key":{"payload":{"protocol":"udp","field":"dport"}},"data":{"set":[[50999,{"accept":null}],[53,{"drop":null}]]}}}"#;
        assert!(matches!(fates("drop", choice), [Fate::Passes, Fate::Dropped { .. }]));
    }

    #[test]
    fn broadcasts_alone_can_be_dropped_and_the_rule_is_shown() {
        let rule = r#"{"match":{"op":"==","left":{"fib":{"result":"type","flags":["daddr"]}},"right":"broadcast"}},{"drop":null}"#;
        let [Fate::Dropped { chain, rule }, Fate::Passes] = fates("accept", rule) else { panic!() };
        assert_eq!((chain.as_str(), rule.as_str()), ("input", "fib type broadcast drop"));
        let udp = r#"{"match":{"op":"!=","left":{"payload":{"protocol":"udp","field":"dport"}},"right":53}},{"reject":{"type":"icmpx"}}"#;
        let [Fate::Dropped { rule, .. }, Fate::Dropped { .. }] = fates("accept", udp) else { panic!() };
        assert_eq!(rule, "udp dport != 53 reject");
    }

    #[test]
    fn conditions_of_old_modules_and_limits_make_it_unclear() {
        let module = r#"{"xt":{"type":"match","name":"conntrack"}},{"accept":null}"#;
        assert_eq!(fates("drop", module), [Fate::Unclear, Fate::Unclear]);
        let limit = r#"{"limit":{"rate":3,"per":"second"}},{"accept":null}"#;
        assert_eq!(fates("drop", limit), [Fate::Unclear, Fate::Unclear]);
    }

    #[test]
    fn what_nft_does_not_print_is_not_read() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("{}"), None);
        assert_eq!(parse(r#"{"nftables":[]}"#), Some(Vec::new()));
    }
}

//! What a packet filter does to a datagram for us, worked out on its rules.
//!
//! Rules that look at something unknown make the outcome unclear, never wrong.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Rules that are followed before giving up; more is a loop.
const STEPS: usize = 20_000;

/// In place of a rule, where none decided.
pub(super) const POLICY: &str = "policy: drop what no rule accepts";

/// A datagram that a neighbour sends to this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Incoming {
    /// The interface that it comes in on.
    pub(super) interface: String,
    /// The network that its sender is in.
    pub(super) source: Net,
    /// Where it goes: our address or the network's broadcast address.
    pub(super) destination: Ipv4Addr,
    pub(super) broadcast: bool,
    /// The ports that it may go to.
    pub(super) ports: (u16, u16),
}

/// An IPv4 network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Net(pub(super) Ipv4Addr, pub(super) u8);

impl Net {
    /// `10.0.0.0/8`, `10.0.0.0/255.0.0.0` or `10.0.0.1`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (ip, prefix) = text.split_once('/').unwrap_or((text, "32"));
        let prefix = match prefix.parse::<Ipv4Addr>() {
            Ok(mask) => u8::try_from(mask.to_bits().leading_ones()).ok()?,
            Err(_) => prefix.parse().ok().filter(|prefix| *prefix <= 32)?,
        };
        Some(Self(ip.parse().ok()?, prefix))
    }

    /// First and last address.
    fn ends(self) -> (u32, u32) {
        let hosts = u32::MAX.checked_shr(u32::from(self.1)).unwrap_or(0);
        (self.0.to_bits() & !hosts, self.0.to_bits() | hosts)
    }
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Protocol,
    SourcePort,
    DestinationPort,
    Interface,
    Source,
    Destination,
    /// Whether the datagram belongs to a conversation.
    State,
    /// Whether it is for one or for all.
    PacketType,
    /// The kind of its destination address.
    DestinationType,
    Family,
    /// Something that never holds for a datagram of a peer.
    Never,
    Unknown,
}

/// What a rule compares with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// A word; `*` or `+` at its end stands for any more.
    Word(String),
    Range(u32, u32),
    Net(Net),
    Unknown,
}

/// One condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) field: Field,
    pub(super) negated: bool,
    pub(super) values: Vec<Value>,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Accept,
    Drop,
    Return,
    Continue,
    Jump(String),
    Goto(String),
    /// By the value of a field.
    Choose(Field, Vec<(Value, Self)>),
    Unknown,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) matches: Vec<Match>,
    pub(super) action: Action,
    /// As a person knows it.
    pub(super) text: String,
}

/// A chain that the system enters by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) chain: String,
    pub(super) accepts: bool,
}

/// The rules of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    /// How to name it in the command that changes it: `iptables`, or `inet filter` of nft.
    pub(super) table: String,
    pub(super) kind: Kind,
    pub(super) entries: Vec<Entry>,
    pub(super) chains: BTreeMap<String, Vec<Rule>>,
}

/// Whose rules they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Nft,
    Iptables,
    Ufw,
    Firewalld,
}

/// What becomes of the datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Passes,
    /// Where and by which rule.
    Dropped {
        chain: String,
        rule: String,
    },
    Unclear,
}

impl Filter {
    /// Whether there is nothing that could drop.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.iter().all(|entry| entry.accepts) && self.chains.values().all(Vec::is_empty)
    }

    /// What becomes of a datagram for us.
    pub(super) fn fate(&self, incoming: &Incoming) -> Fate {
        let mut fate = Fate::Passes;
        for entry in &self.entries {
            match (Walk { filter: self, incoming, steps: 0, maybe_accepted: false, maybe_dropped: false }).enter(entry)
            {
                dropped @ Fate::Dropped { .. } => return dropped,
                Fate::Unclear => fate = Fate::Unclear,
                Fate::Passes => {}
            }
        }
        fate
    }
}

/// One way through the rules.
struct Walk<'a> {
    filter: &'a Filter,
    incoming: &'a Incoming,
    steps: usize,
    maybe_accepted: bool,
    maybe_dropped: bool,
}

/// Where a chain leads.
enum End {
    Accepted,
    Dropped(String, String),
    /// Back to the calling chain.
    Back,
}

impl Walk<'_> {
    fn enter(mut self, entry: &Entry) -> Fate {
        let end = match self.chain(&entry.chain, true, 0) {
            End::Back if entry.accepts => End::Accepted,
            End::Back => End::Dropped(entry.chain.clone(), POLICY.to_owned()),
            end @ (End::Accepted | End::Dropped(..)) => end,
        };
        match end {
            _ if self.steps >= STEPS => Fate::Unclear,
            End::Dropped(chain, rule) if !self.maybe_accepted => Fate::Dropped { chain, rule },
            End::Accepted | End::Back if !self.maybe_dropped => Fate::Passes,
            End::Accepted | End::Back | End::Dropped(..) => Fate::Unclear,
        }
    }

    /// Follows a chain. Where it is not certain that the datagram gets here, ends are only noted.
    fn chain(&mut self, name: &str, certain: bool, depth: usize) -> End {
        let Some(rules) = self.filter.chains.get(name).filter(|_| depth < 32) else { return End::Back };
        for rule in rules {
            self.steps += 1;
            if self.steps >= STEPS {
                return End::Back;
            }
            let matched = self.incoming.matches(&rule.matches);
            if matched == Some(false) {
                continue;
            }
            let certain = certain && matched == Some(true);
            match self.act(&rule.action, name, rule, certain, depth) {
                Some(end) if certain => return end,
                Some(End::Accepted) => self.maybe_accepted = true,
                Some(End::Dropped(..)) => self.maybe_dropped = true,
                // Whether the rest of this chain is skipped is not known: both ways are.
                Some(End::Back) | None => {}
            }
        }
        End::Back
    }

    fn act(&mut self, action: &Action, chain: &str, rule: &Rule, certain: bool, depth: usize) -> Option<End> {
        match action {
            Action::Accept => Some(End::Accepted),
            Action::Drop => Some(End::Dropped(chain.to_owned(), rule.text.clone())),
            Action::Return => Some(End::Back),
            Action::Continue => None,
            Action::Jump(to) => match self.chain(to, certain, depth + 1) {
                End::Back => None,
                end @ (End::Accepted | End::Dropped(..)) => Some(end),
            },
            Action::Goto(to) => Some(self.chain(to, certain, depth + 1)),
            Action::Choose(field, choices) => {
                for (value, action) in choices {
                    match self.incoming.compare(*field, value) {
                        Some(true) => return self.act(action, chain, rule, certain, depth),
                        Some(false) => {}
                        None => {
                            self.maybe_accepted = true;
                            self.maybe_dropped = true;
                        }
                    }
                }
                None
            }
            Action::Unknown => {
                self.maybe_accepted = true;
                self.maybe_dropped = true;
                None
            }
        }
    }
}

impl Incoming {
    /// Whether all conditions hold; none where that is not known.
    fn matches(&self, matches: &[Match]) -> Option<bool> {
        let mut known = true;
        for one in matches {
            match self.holds(one) {
                Some(false) => return Some(false),
                Some(true) => {}
                None => known = false,
            }
        }
        known.then_some(true)
    }

    fn holds(&self, one: &Match) -> Option<bool> {
        let mut any = Some(false);
        for value in &one.values {
            match self.compare(one.field, value) {
                Some(true) => {
                    any = Some(true);
                    break;
                }
                Some(false) => {}
                None => any = None,
            }
        }
        any.map(|any| any != one.negated)
    }

    fn compare(&self, field: Field, value: &Value) -> Option<bool> {
        match (field, value) {
            (Field::Never, _) => Some(false),
            (Field::Unknown, _) | (_, Value::Unknown) => None,
            (Field::Protocol, Value::Word(word)) => Some(word == "udp" || word == "all" || word == "17"),
            (Field::Protocol, Value::Range(first, last)) => Some((*first..=*last).contains(&17) || *last == 0),
            (Field::DestinationPort, Value::Range(first, last)) => {
                within((self.ports.0.into(), self.ports.1.into()), (*first, *last))
            }
            // An older client may send from any port, ours from these.
            (Field::SourcePort, Value::Range(first, last)) => within((8000, 9999), (*first, *last)),
            (Field::Interface, Value::Word(word)) => Some(match word.strip_suffix(['*', '+']) {
                Some(begin) => self.interface.starts_with(begin),
                None => self.interface == *word,
            }),
            (Field::Source, Value::Net(net)) => within(self.source.ends(), net.ends()),
            (Field::Source, Value::Range(first, last)) => within(self.source.ends(), (*first, *last)),
            (Field::Destination, Value::Net(net)) => within(Net(self.destination, 32).ends(), net.ends()),
            (Field::Destination, Value::Range(first, last)) => {
                within(Net(self.destination, 32).ends(), (*first, *last))
            }
            (Field::State, Value::Word(word)) => Some(word == "new"),
            (Field::PacketType, Value::Word(word)) => Some(match word.as_str() {
                "broadcast" => self.broadcast,
                "host" | "unicast" => !self.broadcast,
                _ => false,
            }),
            (Field::DestinationType, Value::Word(word)) => Some(match word.as_str() {
                "broadcast" => self.broadcast,
                "local" => !self.broadcast,
                _ => false,
            }),
            (Field::Family, Value::Word(word)) => Some(matches!(word.as_str(), "ipv4" | "ip")),
            (
                Field::DestinationPort
                | Field::SourcePort
                | Field::Interface
                | Field::Source
                | Field::Destination
                | Field::Protocol
                | Field::State
                | Field::PacketType
                | Field::DestinationType
                | Field::Family,
                _,
            ) => None,
        }
    }
}

/// Whether `ours` lies in `rule`: all of it, nothing of it, or some.
fn within(ours: (u32, u32), rule: (u32, u32)) -> Option<bool> {
    if rule.0 <= ours.0 && ours.1 <= rule.1 {
        Some(true)
    } else if ours.1 < rule.0 || rule.1 < ours.0 {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An announcement that comes in on eth0 of 192.168.1.11.
    pub(in crate::cli::doctor) fn announcement() -> Incoming {
        Incoming {
            interface: "eth0".to_owned(),
            source: Net(Ipv4Addr::new(192, 168, 1, 11), 24),
            destination: Ipv4Addr::new(192, 168, 1, 255),
            broadcast: true,
            ports: (50999, 50999),
        }
    }

    /// A message that comes in there.
    pub(in crate::cli::doctor) fn message() -> Incoming {
        Incoming {
            destination: Ipv4Addr::new(192, 168, 1, 11),
            broadcast: false,
            ports: (8123, 8123),
            ..announcement()
        }
    }

    fn filter(accepts: bool, rules: Vec<(Vec<Match>, Action)>) -> Filter {
        let rules = rules.into_iter().map(|(matches, action)| Rule { matches, action, text: "rule".to_owned() });
        Filter {
            table: "inet filter".to_owned(),
            kind: Kind::Nft,
            entries: vec![Entry { chain: "input".to_owned(), accepts }],
            chains: BTreeMap::from([("input".to_owned(), rules.collect())]),
        }
    }

    fn is(field: Field, value: Value) -> Vec<Match> {
        vec![Match { field, negated: false, values: vec![value] }]
    }

    #[test]
    fn the_policy_decides_where_no_rule_does() {
        assert_eq!(filter(true, Vec::new()).fate(&message()), Fate::Passes);
        assert!(
            matches!(filter(false, Vec::new()).fate(&message()), Fate::Dropped { rule, .. } if rule.contains("policy"))
        );
    }

    #[test]
    fn an_unknown_condition_makes_it_unclear_in_either_direction() {
        let unknown = || is(Field::Unknown, Value::Unknown);
        assert_eq!(filter(false, vec![(unknown(), Action::Accept)]).fate(&message()), Fate::Unclear);
        assert_eq!(filter(true, vec![(unknown(), Action::Drop)]).fate(&message()), Fate::Unclear);
        assert_eq!(filter(true, vec![(unknown(), Action::Accept)]).fate(&message()), Fate::Passes);
        assert_eq!(filter(true, vec![(unknown(), Action::Continue)]).fate(&message()), Fate::Passes);
        let both = vec![(is(Field::Never, Value::Unknown), Action::Drop), (unknown(), Action::Unknown)];
        assert_eq!(filter(true, both).fate(&message()), Fate::Unclear);
    }

    #[test]
    fn a_port_range_that_is_open_in_part_is_unclear() {
        let open = vec![(is(Field::DestinationPort, Value::Range(8000, 8500)), Action::Accept)];
        assert_eq!(filter(false, open.clone()).fate(&message()), Fate::Passes);
        let any = Incoming { ports: (8000, 9999), ..message() };
        assert_eq!(filter(false, open.clone()).fate(&any), Fate::Unclear);
        assert!(matches!(filter(false, open).fate(&announcement()), Fate::Dropped { .. }));
    }

    #[test]
    fn a_rule_for_another_network_or_interface_does_not_count() {
        for (value, passes) in [("192.168.0.0/16", true), ("192.168.1.0/255.255.255.0", true), ("10.0.0.0/8", false)] {
            let rule = vec![(is(Field::Source, Value::Net(Net::parse(value).unwrap())), Action::Accept)];
            assert_eq!(filter(false, rule).fate(&message()) == Fate::Passes, passes, "{value}");
        }
        for (value, passes) in [("eth0", true), ("eth+", true), ("eth*", true), ("wlan0", false), ("eth", false)] {
            let rule = vec![(is(Field::Interface, Value::Word(value.to_owned())), Action::Accept)];
            assert_eq!(filter(false, rule).fate(&message()) == Fate::Passes, passes, "{value}");
        }
    }

    #[test]
    fn chains_that_call_each_other_end() {
        let mut filter = filter(true, vec![(Vec::new(), Action::Jump("input".to_owned()))]);
        assert_eq!(filter.fate(&message()), Fate::Passes);
        let twice = vec![(Vec::new(), Action::Jump("a".to_owned())); 2];
        let rules = |(matches, action)| Rule { matches, action, text: String::new() };
        filter.chains.insert("a".to_owned(), twice.clone().into_iter().map(rules).collect());
        filter.chains.insert("input".to_owned(), twice.into_iter().map(rules).collect());
        assert_eq!(filter.fate(&message()), Fate::Unclear, "too many steps");
    }
}

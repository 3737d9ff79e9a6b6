//! What messages of programs are on the wire: JSON objects (protocol.md §11.6).

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::wire::{Octets, Sid};

use super::super::json;
use super::{BODY_MAX, ERROR_MAX, Kind, Topic};

/// Names something that one start of a peer said: a random number of that start, and how many such there were.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Number {
    pub(super) start: u64,
    pub(super) count: u64,
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let (start, count) = text.split_once('.')?;
        let hex = start.len() == 16 && start.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let digits = (1..=20).contains(&count.len()) && count.bytes().all(|byte| byte.is_ascii_digit());
        if !hex || !digits {
            return None;
        }
        Some(Self { start: u64::from_str_radix(start, 16).ok()?, count: count.parse().ok()? })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}.{}", self.start, self.count)
    }
}

/// Why a call was not answered by a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// A program answered that it failed.
    Failed,
    /// Nobody serves the method.
    Unknown,
    /// Too much at once.
    Busy,
    /// The call was for an earlier start of the peer.
    Restarted,
    /// It was called, and what became of that is not known any more.
    Gone,
}

impl Why {
    fn word(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Busy => "busy",
            Self::Restarted => "restarted",
            Self::Gone => "gone",
        }
    }

    /// A reason that is not known is that of a program.
    fn parse(word: &str) -> Self {
        let all = [Self::Unknown, Self::Busy, Self::Restarted, Self::Gone];
        all.into_iter().find(|why| why.word() == word).unwrap_or(Self::Failed)
    }
}

/// A message, as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// Something for those who want to know; with a number when it is to be acknowledged.
    Published { topic: Topic, kind: Kind, body: String, number: Option<Number> },
    /// What has this number came in.
    Came(Number),
    /// A call, of a start of the reader.
    Call { number: Number, at: Sid, method: Topic, patience: Duration, body: String },
    /// What became of a call.
    Again { number: Number, at: Sid },
    /// A program is at it.
    Working(Number),
    /// The answer to a call.
    Answer { number: Number, answer: Result<String, (Why, String)> },
}

#[derive(Deserialize)]
struct Fields<'a> {
    v: u64,
    #[serde(borrow, default)]
    topic: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    came: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    call: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    again: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    working: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    answer: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    at: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(default)]
    ms: u64,
    #[serde(borrow, default, deserialize_with = "raw")]
    body: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    why: Option<Cow<'a, str>>,
}

/// `null` is a body.
fn raw<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

impl Fields<'_> {
    fn body(&self) -> Option<String> {
        json::clean(self.body?.get()).filter(|body| body.len() <= BODY_MAX)
    }

    fn at(&self) -> Option<Sid> {
        Octets::parse(self.at.as_deref()?)
    }
}

impl Said {
    /// Reads a message; `None` for what is none of ours, or breaks a limit.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let fields: Fields<'_> = serde_json::from_slice(bytes).ok().filter(|fields: &Fields<'_>| fields.v == 1)?;
        if let Some(topic) = &fields.topic {
            let kind = fields.kind.as_deref().map_or(Some(Kind::default()), Kind::parse)?;
            let number = match &fields.id {
                Some(id) => Some(Number::parse(id)?),
                None => None,
            };
            return Some(Self::Published { topic: Topic::new(topic).ok()?, kind, body: fields.body()?, number });
        }
        if let Some(number) = &fields.came {
            return Number::parse(number).map(Self::Came);
        }
        if let Some(number) = &fields.call {
            let method = Topic::new(fields.method.as_deref()?).ok()?;
            let patience = Duration::from_millis(fields.ms);
            return Some(Self::Call {
                number: Number::parse(number)?,
                at: fields.at()?,
                method,
                patience,
                body: fields.body()?,
            });
        }
        if let Some(number) = &fields.again {
            return Some(Self::Again { number: Number::parse(number)?, at: fields.at()? });
        }
        if let Some(number) = &fields.working {
            return Number::parse(number).map(Self::Working);
        }
        let number = Number::parse(fields.answer.as_deref()?)?;
        let answer = match &fields.error {
            Some(error) if error.len() <= ERROR_MAX => {
                Err((fields.why.as_deref().map_or(Why::Failed, Why::parse), error.as_ref().to_owned()))
            }
            Some(_) => return None,
            None => Ok(fields.body()?),
        };
        Some(Self::Answer { number, answer })
    }
}

/// Something for those who want to know. The body is clean.
pub(super) fn published(topic: &Topic, kind: Kind, body: &str, number: Option<Number>) -> String {
    let topic = json::string(topic.as_str());
    let id = number.map_or_else(String::new, |number| format!("\"id\":\"{number}\","));
    with_body(format_args!("{{\"v\":1,{id}\"topic\":{topic},\"kind\":\"{}\",\"body\":", kind.word()), body)
}

/// An object whose last field is the body, in one piece of memory.
fn with_body(head: fmt::Arguments<'_>, body: &str) -> String {
    /// More than most heads have.
    const HEAD: usize = 160;

    let mut out = String::with_capacity(HEAD + body.len());
    // A String takes all that is written.
    let _ = out.write_fmt(head);
    out.push_str(body);
    out.push('}');
    out
}

pub(super) fn came(number: Number) -> String {
    format!("{{\"v\":1,\"came\":\"{number}\"}}")
}

/// A call. The body is clean.
pub(super) fn call(number: Number, at: Sid, method: &Topic, patience: Duration, body: &str) -> String {
    let (method, ms) = (json::string(method.as_str()), patience.as_millis());
    with_body(
        format_args!("{{\"v\":1,\"call\":\"{number}\",\"at\":\"{at}\",\"method\":{method},\"ms\":{ms},\"body\":"),
        body,
    )
}

pub(super) fn again(number: Number, at: Sid) -> String {
    format!("{{\"v\":1,\"again\":\"{number}\",\"at\":\"{at}\"}}")
}

pub(super) fn working(number: Number) -> String {
    format!("{{\"v\":1,\"working\":\"{number}\"}}")
}

/// An answer. The body is clean.
pub(super) fn answer(number: Number, body: &str) -> String {
    with_body(format_args!("{{\"v\":1,\"answer\":\"{number}\",\"body\":"), body)
}

/// An answer that is none.
pub(super) fn refusal(number: Number, why: Why, reason: &str) -> String {
    let reason = json::string(reason);
    format!("{{\"v\":1,\"answer\":\"{number}\",\"why\":\"{}\",\"error\":{reason}}}", why.word())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::DataBody;

    const NUMBER: Number = Number { start: 0xab, count: 7 };

    fn topic(text: &str) -> Topic {
        Topic::new(text).unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let at = Octets(99);
        let quoted = topic("a\"b/\\c");
        let patience = Duration::from_millis(1_500);
        let cases = [
            (
                published(&quoted, Kind::Chat, "{\"a\":1}", None),
                Said::Published { topic: quoted.clone(), kind: Kind::Chat, body: "{\"a\":1}".into(), number: None },
            ),
            (
                published(&topic("t"), Kind::Control, "null", Some(NUMBER)),
                Said::Published { topic: topic("t"), kind: Kind::Control, body: "null".into(), number: Some(NUMBER) },
            ),
            (came(NUMBER), Said::Came(NUMBER)),
            (
                call(NUMBER, at, &topic("m"), patience, "[]"),
                Said::Call { number: NUMBER, at, method: topic("m"), patience, body: "[]".into() },
            ),
            (again(NUMBER, at), Said::Again { number: NUMBER, at }),
            (working(NUMBER), Said::Working(NUMBER)),
            (answer(NUMBER, "\"x\""), Said::Answer { number: NUMBER, answer: Ok("\"x\"".into()) }),
            (
                refusal(NUMBER, Why::Busy, "not\nnow\u{85}"),
                Said::Answer { number: NUMBER, answer: Err((Why::Busy, "not\nnow\u{85}".into())) },
            ),
        ];
        for (text, said) in cases {
            assert!(DataBody::is_text(text.as_bytes()), "it travels as it is: {text}");
            assert_eq!(Said::read(text.as_bytes()), Some(said), "{text}");
        }
    }

    #[test]
    fn the_form_is_that_of_the_specification() {
        assert_eq!(
            published(&topic("sensors/heat"), Kind::Data, "{\"celsius\":21.5}", Some(NUMBER)),
            "{\"v\":1,\"id\":\"00000000000000ab.7\",\"topic\":\"sensors/heat\",\"kind\":\"data\",\
             \"body\":{\"celsius\":21.5}}"
        );
        assert_eq!(
            call(NUMBER, Octets(99), &topic("add"), Duration::from_secs(10), "[1,2]"),
            "{\"v\":1,\"call\":\"00000000000000ab.7\",\"at\":\"AAAAAAAAAGM\",\"method\":\"add\",\"ms\":10000,\
             \"body\":[1,2]}"
        );
        assert_eq!(answer(NUMBER, "3"), "{\"v\":1,\"answer\":\"00000000000000ab.7\",\"body\":3}");
    }

    #[test]
    fn what_breaks_a_limit_is_not_read() {
        let long = "x".repeat(BODY_MAX - 2);
        let with = |body: &str| format!("{{\"v\":1,\"topic\":\"t\",\"body\":{body}}}");
        assert!(Said::read(with(&format!("\"{long}\"")).as_bytes()).is_some());
        let deep = format!("{}{}", "[".repeat(60_000), "]".repeat(5_000));
        let error = "e".repeat(ERROR_MAX + 1);
        for bad in [
            with(&format!("\"{long}y\"")),
            with(&deep),
            with("1").replace("\"t\"", "\"a b\""),
            with("1").replace("\"v\":1", "\"v\":2"),
            with("1").replace("\"topic\"", "\"kind\":\"noise\",\"topic\""),
            with("1").replace("\"topic\"", "\"id\":\"ab.7\",\"topic\""),
            with("1").replace("\"topic\"", "\"topic\":\"u\",\"topic\""),
            "{\"v\":1,\"topic\":\"t\"}".to_owned(),
            "{\"v\":1,\"answer\":\"00000000000000ab.7\"}".to_owned(),
            format!("{{\"v\":1,\"answer\":\"00000000000000ab.7\",\"error\":\"{error}\"}}"),
            "{\"v\":1,\"came\":\"00000000000000ab.-7\"}".to_owned(),
            "{\"v\":1,\"came\":\"00000000000000AB.7\"}".to_owned(),
            "{\"v\":1,\"came\":\"00000000000000ab.99999999999999999999\"}".to_owned(),
            "{\"v\":1}".to_owned(),
            "[]".to_owned(),
        ] {
            assert_eq!(Said::read(bad.as_bytes()), None, "{}", &bad[..bad.len().min(200)]);
        }
    }

    #[test]
    fn what_it_does_not_know_is_passed_over() {
        let text = "{\"later\":[{}],\"v\":1,\"working\":\"00000000000000ab.7\"}";
        assert_eq!(Said::read(text.as_bytes()), Some(Said::Working(NUMBER)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_not(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Said::read(&bytes);
        }

        #[test]
        fn any_reason_travels(reason in ".{0,60}") {
            let text = refusal(NUMBER, Why::Failed, &reason);
            prop_assert!(DataBody::is_text(text.as_bytes()));
            prop_assert_eq!(
                Said::read(text.as_bytes()),
                Some(Said::Answer { number: NUMBER, answer: Err((Why::Failed, reason)) })
            );
        }
    }
}

//! `peer serve`: answers the calls of a method by a command.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::data::message::BODY_MAX;
use crate::web::{AuthorObject, CallObject, Client, EventObject, EventQuery, JsonText, SCHEMA};
use crate::wire::Safe;

use super::super::args::{Options, ServeArgs};
use super::super::host::sentence;
use super::super::screen;
use super::super::shown::{Shown, Tone};
use super::super::signals::Signals;
use super::books::render;
use super::child::{self, Outcome};
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{object, put, say};

/// A call, and until when its caller waits.
type Call = (CallObject, Instant);

/// Calls that wait for a command to end. Further ones are told that it is too much.
const WAITING: usize = 256;

/// Longest reason that is told to a caller, bytes.
const REASON: usize = 500;

/// What became of a call.
#[derive(Debug, Serialize)]
struct ServedObject {
    v: u32,
    #[serde(rename = "type")]
    kind: &'static str,
    call: String,
    from: AuthorObject,
    method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) async fn serve(options: &Options, args: &ServeArgs) -> Result<(), Trouble> {
    let mut signals = Signals::listen().map_err(|error| Trouble::failed(error.to_string()))?;
    let mut link = tokio::select! {
        link = Link::open(options, Manner { json: args.json, serves: true, settles: false }) => link?,
        () = signals.came() => return Ok(()),
    };
    link.early = None;
    let served = tokio::select! {
        served = attend(&link, args) => served,
        () = signals.came() => Ok(()),
    };
    link.close().await;
    served
}

async fn attend(link: &Link, args: &ServeArgs) -> Result<(), Trouble> {
    let query = EventQuery { serve: Some(args.method.as_str().to_owned()), ..EventQuery::default() };
    let mut events = link.client.events(&query).await?;
    if !args.json {
        say(&format!("Serving {}: peer call WHO {} JSON", args.method, args.method))?;
    }
    // What runs is ended with it.
    let mut running: JoinSet<ServedObject> = JoinSet::new();
    let mut waiting: VecDeque<Call> = VecDeque::new();
    loop {
        while running.len() < usize::from(args.jobs)
            && let Some((call, until)) = waiting.pop_front()
        {
            // What has begun is not broken off for that: it may do more than answer.
            if until <= Instant::now() {
                tell(args.json, &served(&call, Some("it waits no longer".to_owned())))?;
                continue;
            }
            running.spawn(answer(link.client.clone(), args.clone(), call));
        }
        tokio::select! {
            event = events.next() => match event? {
                Some(EventObject::Call(call)) if waiting.len() < WAITING => {
                    let until = Instant::now() + Duration::from_millis(call.timeout_ms);
                    waiting.push_back((*call, until));
                }
                Some(EventObject::Call(call)) => {
                    let refused = refuse(&link.client, &call, "too many calls wait already".to_owned()).await;
                    tell(args.json, &refused)?;
                }
                Some(_) => {}
                None => return Err(Trouble::failed("the peer has ended")),
            },
            Some(Ok(served)) = running.join_next() => tell(args.json, &served)?,
        }
    }
}

/// Runs the command for a call, and answers it.
async fn answer(client: Client, args: ServeArgs, call: CallObject) -> ServedObject {
    let variables = vec![
        ("PEER_METHOD", call.method.clone()),
        ("PEER_FROM_NAME", call.from.name.clone()),
        ("PEER_FROM_KEY", call.from.key.clone()),
        ("PEER_FROM_TRUST", call.from.trust.clone().unwrap_or_default()),
        ("PEER_CALL", call.call.clone()),
    ];
    let order = child::Order {
        command: args.exec,
        input: call.body.get().as_bytes().to_vec(),
        variables,
        output: BODY_MAX,
        patience: args.timeout,
    };
    let answer = match child::run(order).await {
        Ok(Outcome::Printed(bytes)) => read(&bytes),
        Ok(Outcome::Failed(why)) => Err(why),
        Err(error) => Err(format!("the command cannot be run: {error}")),
    };
    let body = match answer {
        Ok(body) => body,
        Err(why) => return refuse(&client, &call, why).await,
    };
    let sent = client.answer(&call.call, Ok(body)).await;
    served(&call, sent.err().map(|error| error.to_string()))
}

/// What a command printed, as an answer.
fn read(bytes: &[u8]) -> Result<JsonText, String> {
    let none = || "the command printed no JSON".to_owned();
    let text = std::str::from_utf8(bytes).map_err(|_| none())?;
    JsonText::new(text).map_err(|_| none())
}

/// Tells a caller why there is no answer.
async fn refuse(client: &Client, call: &CallObject, why: String) -> ServedObject {
    let mut reason = Safe::line(&why).as_str().to_owned();
    let end = (0..=REASON.min(reason.len())).rev().find(|end| reason.is_char_boundary(*end));
    reason.truncate(end.unwrap_or_default());
    if let Err(error) = client.answer(&call.call, Err(reason)).await {
        tracing::warn!(%error, "a caller is not told why there is no answer");
    }
    served(call, Some(why))
}

fn served(call: &CallObject, error: Option<String>) -> ServedObject {
    let CallObject { call, from, method, .. } = call.clone();
    ServedObject { v: SCHEMA, kind: "served", call, from, method, error }
}

fn tell(json: bool, served: &ServedObject) -> Result<(), Trouble> {
    if json {
        return object(served);
    }
    let name = &served.from.name;
    match &served.error {
        None => put(&Shown::line(render().color, &[(Tone::Faint, &format!("{name}: answered"))])),
        Some(why) => {
            let text = sentence(&format!("no answer for {name}: {why}"));
            screen::complain(&Shown::line(false, &[(Tone::Plain, &text)]));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_is_an_answer() {
        assert_eq!(read(b" {\"a\": 1}\n").unwrap().get(), "{\"a\":1}");
        assert_eq!(read(b"null\n").unwrap().get(), "null");
        for none in [&b""[..], b"\n", b"hello", b"1 2", b"\xff"] {
            assert!(read(none).is_err(), "{none:?}");
        }
    }
}

//! `peer publish`: says something to programs.

use std::time::Duration;

use crate::web::{AuthorObject, PublishRequest, PublishedObject};

use super::super::args::{DeliveryKind, MessageKind, Options, PublishArgs};
use super::super::render::{grouped, some};
use super::super::session::{LAST_LONG, SHORT};
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{json_body, object, say};

/// A peer that runs for one message only says it so long.
const LAST_WORD: Duration = Duration::from_millis(300);

/// Somebody to hear it is waited for so long by a peer of our own.
const NEWCOMERS: Duration = Duration::from_secs(2);

pub(super) async fn publish(options: &Options, args: &PublishArgs) -> Result<(), Trouble> {
    let body = json_body(&args.body)?;
    let long = body.get().len() > SHORT;
    let mut link = Link::open(options, Manner { json: args.json, serves: false, settles: true }).await?;
    let request = PublishRequest {
        topic: args.topic.as_str().to_owned(),
        kind: Some(word(args.kind).to_owned()),
        body,
        delivery: Some(if is_acknowledged(args) { "acknowledged" } else { "best-effort" }.to_owned()),
        to: args.to.clone(),
    };
    let mut published = link.met(|| link.client.publish(&request)).await;
    if matches!(&published, Ok(PublishedObject { sent: 0, .. })) && link.somebody_came(NEWCOMERS).await {
        published = link.met(|| link.client.publish(&request)).await;
    }
    if published.is_ok() && link.is_own() && !is_acknowledged(args) {
        tokio::time::sleep(if long { LAST_LONG } else { LAST_WORD }).await;
    }
    link.close().await;
    told(args, &published?)
}

fn told(args: &PublishArgs, published: &PublishedObject) -> Result<(), Trouble> {
    if args.json {
        object(published)?;
    } else if published.sent > 0 {
        let sent = grouped(published.sent);
        let acknowledged = grouped(published.acknowledged.len());
        let text = if is_acknowledged(args) {
            format!("Published to {sent}, acknowledged by {acknowledged}")
        } else {
            format!("Published to {sent}")
        };
        say(&text)?;
    }
    if published.sent == 0 {
        return Err(Trouble::nobody("nobody is here to hear it"));
    }
    if !published.missing.is_empty() {
        let names = some(published.missing.iter().map(|AuthorObject { name, .. }| name.clone()));
        return Err(Trouble::late(format!("not acknowledged in time by {names}")));
    }
    Ok(())
}

fn is_acknowledged(args: &PublishArgs) -> bool {
    args.delivery == DeliveryKind::Acknowledged
}

fn word(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Chat => "chat",
        MessageKind::Data => "data",
        MessageKind::Control => "control",
    }
}

//! `peer post` and `peer dm`.

use std::time::Duration;

use crate::web::{EventObject, EventQuery, Events, SentObject};

use super::super::args::{DmArgs, Options, PostArgs, WaitFor};
use super::super::session::{LAST_LONG, SHORT};
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{object, say, shown, text};

/// Somebody who is not found at once is waited for so long by a peer of our own: those who missed its first question have
/// answered by then.
const NEWCOMERS: Duration = Duration::from_secs(2);

pub(super) async fn post(options: &Options, args: &PostArgs) -> Result<(), Trouble> {
    let text = text(&args.text)?;
    let link = Link::open(options, Manner { json: args.json, serves: false, settles: true }).await?;
    let posted = patiently(|| link.client.post(&text)).await;
    if posted.is_ok() && link.is_own() && text.len() > SHORT {
        tokio::time::sleep(LAST_LONG).await;
    }
    link.close().await;
    let sent = posted?;
    let peers = sent.peers.unwrap_or_default();
    if args.json {
        object(&sent)?;
    } else if peers > 0 {
        say(&format!("Posted to {peers}"))?;
    }
    if peers == 0 {
        return Err(Trouble::nobody("nobody is here: who comes later may still get it"));
    }
    Ok(())
}

pub(super) async fn dm(options: &Options, args: &DmArgs) -> Result<(), Trouble> {
    let text = text(&args.text)?;
    let mut link = Link::open(options, Manner { json: args.json, serves: false, settles: true }).await?;
    let delivered = deliver(&mut link, args, &text).await;
    link.close().await;
    let (sent, arrived) = delivered?;
    if args.json {
        object(&sent)?;
    } else if arrived {
        say(&line(&sent))?;
    }
    if arrived {
        return Ok(());
    }
    Err(Trouble::late(late(&sent, args)))
}

/// Sends it, and waits for its mark; whether that came in time.
async fn deliver(link: &mut Link, args: &DmArgs, text: &str) -> Result<(SentObject, bool), Trouble> {
    // Before it is sent: the mark may come at once.
    let mut events = link.client.events(&EventQuery::default()).await?;
    let mut sent = loop {
        let client = link.client.clone();
        match patiently(|| client.dm(&args.who, text)).await {
            Err(trouble) if trouble.is_nobody() && link.somebody_came(NEWCOMERS).await => {}
            sent => break sent?,
        }
    };
    let wanted = Wanted::of(args.wait, &sent);
    let waited = async {
        while !wanted.is_met(&sent.mark) {
            if sent.mark == "failed" {
                return Ok(());
            }
            sent = SentObject { private: sent.private, to: sent.to.clone(), ..next(&mut events, &sent.message).await? };
        }
        Ok(())
    };
    let waited: Result<Result<(), Trouble>, _> = tokio::time::timeout(args.timeout, waited).await;
    if let Ok(Err(trouble)) = waited {
        return Err(trouble);
    }
    if sent.mark == "failed" {
        let why = sent.reason.as_deref().unwrap_or("it does not say why");
        return Err(Trouble::failed(format!("not sent to {}: {why}", name(&sent, args))));
    }
    let arrived = wanted.is_met(&sent.mark);
    Ok((sent, arrived))
}

/// The next thing that becomes of this message.
async fn next(events: &mut Events, message: &str) -> Result<SentObject, Trouble> {
    loop {
        match events.next().await? {
            Some(EventObject::Mark(mark)) if mark.message == message => {
                return Ok(SentObject { kind: "sent".to_owned(), ..*mark });
            }
            Some(_) => {}
            None => return Err(Trouble::failed("the peer has ended")),
        }
    }
}

/// What is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Anything,
    Sent,
    Received,
    Stored,
}

impl Wanted {
    /// An older client, and whoever has no key, need not say that it has arrived.
    fn of(wait: Option<WaitFor>, sent: &SentObject) -> Self {
        let silent = sent.to.as_ref().is_some_and(|to| to.key.is_none());
        match wait {
            Some(WaitFor::None) => Self::Anything,
            Some(WaitFor::Received) => Self::Received,
            Some(WaitFor::Stored) => Self::Stored,
            None if silent => Self::Sent,
            None => Self::Received,
        }
    }

    fn is_met(self, mark: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Sent => matches!(mark, "sent" | "acknowledged" | "received" | "stored"),
            Self::Received => matches!(mark, "acknowledged" | "received" | "stored"),
            Self::Stored => mark == "stored",
        }
    }
}

fn name(sent: &SentObject, args: &DmArgs) -> String {
    sent.to.as_ref().map_or_else(|| shown(&args.who), |to| to.name.clone())
}

fn line(sent: &SentObject) -> String {
    let to = sent.to.as_ref().map(|to| to.name.as_str()).unwrap_or_default();
    let private = if sent.private == Some(false) { ", not private" } else { "" };
    let reason = sent.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("To {to}{private}: {}{reason}", sent.mark)
}

fn late(sent: &SentObject, args: &DmArgs) -> String {
    let (name, seconds) = (name(sent, args), args.timeout.as_secs_f64());
    match (sent.mark.as_str(), args.wait) {
        ("received", _) => format!("received by {name}, which did not say within {seconds} s that it is stored"),
        ("waiting", _) => {
            let why = sent.reason.as_deref().unwrap_or("it does not answer");
            format!("not delivered to {name} within {seconds} s ({why}); it waits, up to 7 days")
        }
        (_, _) => format!("not delivered to {name} within {seconds} s; it is sent again, up to 7 days"),
    }
}

/// Tries again where others would lose what is sent too fast.
async fn patiently<T, F>(ask: impl Fn() -> F) -> Result<T, Trouble>
where
    F: Future<Output = Result<T, crate::web::ClientError>>,
{
    loop {
        match ask().await.map_err(Trouble::from) {
            Err(trouble) => match trouble.retry_after() {
                Some(wait) => tokio::time::sleep(wait).await,
                None => return Err(trouble),
            },
            done => return done,
        }
    }
}

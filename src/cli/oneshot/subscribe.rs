//! `peer subscribe`: what programs publish, as it comes.

use std::time::Duration;

use crate::web::{EventObject, EventQuery, MessageObject};

use super::super::args::{Options, SubscribeArgs};
use super::super::host::sentence;
use super::super::screen;
use super::super::shown::{Shown, Tone};
use super::super::signals::Signals;
use super::books::render;
use super::child::{self, Outcome};
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{object, put};

/// Most bytes that a command may print for one message.
const OUTPUT: usize = 16 << 20;

/// A command may take so long for one message.
const PATIENCE: Duration = Duration::from_secs(3_600);

pub(super) async fn subscribe(options: &Options, args: &SubscribeArgs) -> Result<(), Trouble> {
    let mut signals = Signals::listen().map_err(|error| Trouble::failed(error.to_string()))?;
    let mut link = tokio::select! {
        link = Link::open(options, Manner { json: args.json, serves: true, settles: false }) => link?,
        () = signals.came() => return Ok(()),
    };
    link.early = None;
    let followed = tokio::select! {
        followed = follow(&link, args) => followed,
        () = signals.came() => Ok(()),
    };
    link.close().await;
    followed
}

async fn follow(link: &Link, args: &SubscribeArgs) -> Result<(), Trouble> {
    let query = EventQuery { topic: Some(args.pattern.as_str().to_owned()), ..EventQuery::default() };
    let mut events = link.client.events(&query).await?;
    let (mut count, render) = (0, render());
    while let Some(event) = events.next().await? {
        let message = match event {
            EventObject::Message(message) if args.own || !message.ours => message,
            EventObject::News(news) if news.kind == "reload" => {
                remark("Some messages came too fast and are lost");
                continue;
            }
            EventObject::Line(_)
            | EventObject::Peer(_)
            | EventObject::Mark(_)
            | EventObject::News(_)
            | EventObject::List(_)
            | EventObject::Progress(_)
            | EventObject::Cache(_)
            | EventObject::Message(_)
            | EventObject::Call(_) => continue,
        };
        if args.json {
            object(&*message)?;
        }
        match &args.exec {
            Some(command) => run(command, &message).await?,
            None if args.json => {}
            None => put(&render.message(&message))?,
        }
        count += 1;
        if args.count == Some(count) {
            return Ok(());
        }
    }
    Err(Trouble::failed("the peer has ended"))
}

/// Runs a command for a message, and shows what it prints.
async fn run(command: &str, message: &MessageObject) -> Result<(), Trouble> {
    let variables = vec![
        ("PEER_TOPIC", message.topic.clone()),
        ("PEER_KIND", message.purpose.clone()),
        ("PEER_FROM_NAME", message.from.name.clone()),
        ("PEER_FROM_KEY", message.from.key.clone()),
        ("PEER_FROM_TRUST", message.from.trust.clone().unwrap_or_default()),
        ("PEER_PRIVATE", if message.sealed { "1" } else { "" }.to_owned()),
    ];
    let (command, input) = (command.to_owned(), message.body.get().as_bytes().to_vec());
    let order = child::Order { command, input, variables, output: OUTPUT, patience: PATIENCE };
    match child::run(order).await {
        Ok(Outcome::Printed(bytes)) => {
            use std::io::Write;
            let mut out = std::io::stdout().lock();
            out.write_all(&bytes).and_then(|()| out.flush()).map_err(Trouble::output)
        }
        Ok(Outcome::Failed(why)) => {
            remark(&format!("The command failed: {why}"));
            Ok(())
        }
        Err(error) => Err(Trouble::failed(format!("cannot run the command: {error}"))),
    }
}

fn remark(text: &str) {
    screen::complain(&Shown::line(false, &[(Tone::Plain, &sentence(text))]));
}

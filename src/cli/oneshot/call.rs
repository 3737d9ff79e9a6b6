//! `peer call`: asks a program elsewhere, and prints its answer.

use std::time::Duration;

use crate::web::CallRequest;

use super::super::args::{CallArgs, Options};
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{json_body, object, say};

/// Somebody who is not found at once is waited for so long by a peer of our own.
const NEWCOMERS: Duration = Duration::from_secs(2);

pub(super) async fn call(options: &Options, args: &CallArgs) -> Result<(), Trouble> {
    let body = json_body(&args.body)?;
    let mut link = Link::open(options, Manner { json: args.json, serves: false, settles: true }).await?;
    let timeout_ms = u64::try_from(args.timeout.as_millis()).ok();
    let request = CallRequest { to: args.who.clone(), method: args.method.as_str().to_owned(), body, timeout_ms };
    let answered = loop {
        match link.client.call(&request).await.map_err(Trouble::from) {
            Err(trouble) if trouble.is_nobody() && link.somebody_came(NEWCOMERS).await => {}
            answered => break answered,
        }
    };
    link.close().await;
    let answer = answered?;
    if args.json { object(&answer) } else { say(answer.body.get()) }
}

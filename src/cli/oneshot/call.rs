//! `peer call`: asks a program elsewhere, and prints its answer.

use crate::web::CallRequest;

use super::super::args::{CallArgs, Options};
use super::link::{Link, Manner};
use super::trouble::Trouble;
use super::{json_body, object, say};

pub(super) async fn call(options: &Options, args: &CallArgs) -> Result<(), Trouble> {
    let body = json_body(&args.body)?;
    let link = Link::open(options, Manner { json: args.json, serves: false, settles: true }).await?;
    let timeout_ms = u64::try_from(args.timeout.as_millis()).ok();
    let request = CallRequest { to: args.who.clone(), method: args.method.as_str().to_owned(), body, timeout_ms };
    let answered = link.met(|| link.client.call(&request)).await;
    link.close().await;
    let answer = answered?;
    if args.json { object(&answer) } else { say(answer.body.get()) }
}

//! The board of progress.

use std::sync::Arc;

use axum::extract::State;

use crate::data::board::{Command, Progress, Reply};
use crate::data::{self};
use crate::node::unix_now;

use super::super::input::{Answer, Input};
use super::super::refusal::Refusal;
use super::super::routes::Api;
use super::super::{ProgressObject, ProgressRequest, SCHEMA, ToldObject};
use super::{shown, unsaid};

pub(in crate::web) async fn board(State(api): State<Arc<Api>>) -> Result<Answer<Vec<ProgressObject>>, Refusal> {
    let data::Reply::Board(Reply::Board(entries)) = api.data(data::Command::Board(Command::Board)).await? else {
        return Err(unsaid());
    };
    let names = api.names().await;
    Ok(Answer(entries.into_iter().map(|entry| shown::progress(entry, &names)).collect()))
}

pub(in crate::web) async fn tell(
    State(api): State<Arc<Api>>,
    Input(asked): Input<ProgressRequest>,
) -> Result<Answer<ToldObject>, Refusal> {
    let at = asked.timestamp.unwrap_or_else(|| unix_now().as_secs());
    let progress = Progress { user: asked.user, lesson: asked.lesson, status: asked.status, at };
    let command = match (asked.to, asked.taken) {
        (None, false) => Command::Tell(progress),
        (None, true) => Command::Take(progress),
        (Some(who), false) => Command::TellOne { to: api.key_of(&who).await?, progress },
        (Some(_), true) => return Err(Refusal::usage("what was taken is not sent on to one: leave out to")),
    };
    let peers = match api.data(data::Command::Board(command)).await? {
        data::Reply::Board(Reply::Told { peers }) => peers,
        data::Reply::Done => 1,
        _ => return Err(unsaid()),
    };
    Ok(Answer(ToldObject { v: SCHEMA, kind: "told".to_owned(), peers }))
}

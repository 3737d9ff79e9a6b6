//! The routes that read and change the history.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::engine::{Command, RowId};
use crate::store::{Forget, History, Query, StoreError, Topic};
use crate::wire::PublicKey;

use super::input::{Answer, Asked, Input};
use super::json::json;
use super::people::{LABEL, People};
use super::refusal::Refusal;
use super::routes::{Api, done};
use super::{
    DoneObject, ForgetRequest, ForgottenObject, HistoryQuery, LineObject, ReadRequest, SCHEMA, SearchQuery, convert,
};

/// Lines of one answer, if nothing else is asked for.
const USUAL: u32 = 100;

/// Most lines of one answer, and rows of one [`ReadRequest`].
const MOST: u32 = 1_000;

/// Lines of an export on their way besides those that the system holds.
const AHEAD: usize = 64;

/// Whom lines are with.
#[derive(Debug, Default)]
struct With {
    key: Option<PublicKey>,
    label: Option<String>,
}

impl Api {
    /// Does something with the history, where that stops nobody.
    pub(super) async fn kept<T: Send + 'static>(
        &self,
        work: impl FnOnce(&History) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Refusal> {
        let history = self.context.history.clone().ok_or_else(Refusal::no_history)?;
        let done = tokio::task::spawn_blocking(move || work(&history)).await;
        Ok(done.map_err(|_| Refusal::failed("the history cannot be read"))??)
    }

    /// Somebody by name, or by the label of one without a key who is not here any more.
    async fn with(&self, asked: Option<&str>) -> Result<With, Refusal> {
        let Some(asked) = asked else { return Ok(With::default()) };
        if let Some(key) = PublicKey::parse(asked) {
            return Ok(With { key: Some(key), label: None });
        }
        if let Some(label) = asked.strip_prefix(LABEL) {
            return Ok(With { key: None, label: Some(label.to_owned()) });
        }
        match People(&self.context.handle).person(asked).await {
            Ok(person) => Ok(match person.key() {
                Some(key) => With { key: Some(key), label: None },
                None => With { key: None, label: Some(person.id()) },
            }),
            Err(refusal) if refusal.is_nobody() && asked.contains('@') => {
                Ok(With { key: None, label: Some(asked.to_owned()) })
            }
            Err(refusal) => Err(refusal),
        }
    }

    async fn query(&self, asked: HistoryQuery, limit: Option<u32>) -> Result<Query, Refusal> {
        let With { key, label } = self.with(asked.with.as_deref()).await?;
        let kind = match asked.kind.as_deref() {
            None => None,
            Some("post") => Some(Topic::Posts),
            Some("dm") => Some(Topic::Dms),
            Some(_) => return Err(Refusal::usage("kind is one of: post, dm")),
        };
        Ok(Query {
            topic: kind,
            with: key,
            with_label: label,
            since: asked.since,
            words: None,
            unread: asked.unread,
            before: asked.before.map(RowId),
            limit,
        })
    }
}

fn limit(asked: Option<u32>) -> Result<Option<u32>, Refusal> {
    match asked.unwrap_or(USUAL) {
        limit @ 1..=MOST => Ok(Some(limit)),
        _ => Err(Refusal::usage(format!("limit is a number from 1 to {MOST}"))),
    }
}

fn objects(lines: Vec<crate::store::Line>) -> Answer<Vec<LineObject>> {
    Answer(lines.into_iter().map(convert::line).collect())
}

pub(super) async fn history(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<HistoryQuery>,
) -> Result<Answer<Vec<LineObject>>, Refusal> {
    let limit = limit(asked.limit)?;
    let query = api.query(asked, limit).await?;
    api.kept(move |history| history.lines(&query)).await.map(objects)
}

pub(super) async fn search(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<SearchQuery>,
) -> Result<Answer<Vec<LineObject>>, Refusal> {
    if asked.words.trim().is_empty() {
        return Err(Refusal::usage("words are wanted"));
    }
    let limit = limit(asked.limit)?;
    let query = api.query(HistoryQuery { with: asked.with, ..HistoryQuery::default() }, limit).await?;
    let query = Query { words: Some(asked.words), ..query };
    api.kept(move |history| history.lines(&query)).await.map(objects)
}

/// All lines, the oldest first, one object a line of text.
pub(super) async fn export(
    State(api): State<Arc<Api>>,
    Asked(asked): Asked<HistoryQuery>,
) -> Result<Response, Refusal> {
    let limit = asked.limit;
    let query = api.query(asked, limit).await?;
    let history = api.context.history.clone().ok_or_else(Refusal::no_history)?;
    let (lines, stream) = mpsc::channel::<Result<Bytes, Infallible>>(AHEAD);
    tokio::task::spawn_blocking(move || {
        let each = &mut |line| {
            let text = json(&convert::line(line)) + "\n";
            lines.blocking_send(Ok(text.into())).is_ok()
        };
        if let Err(error) = history.each(&query, each) {
            // The status is sent already: the error is the last line.
            let refusal = json(&Refusal::from(error).object()) + "\n";
            let _ = lines.blocking_send(Ok(refusal.into()));
        }
    });
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(ReceiverStream::new(stream))).into_response())
}

pub(super) async fn read(
    State(api): State<Arc<Api>>,
    Input(asked): Input<ReadRequest>,
) -> Result<Answer<DoneObject>, Refusal> {
    if asked.rows.len() > MOST as usize {
        return Err(Refusal::usage(format!("at most {MOST} rows at a time")));
    }
    let rows: Vec<RowId> = asked.rows.into_iter().map(RowId).collect();
    api.kept(move |history| history.mark_read(&rows)).await?;
    Ok(done())
}

pub(super) async fn forget(
    State(api): State<Arc<Api>>,
    Input(asked): Input<ForgetRequest>,
) -> Result<Answer<ForgottenObject>, Refusal> {
    let what = match (asked.with.as_deref(), asked.before, asked.all) {
        (Some(with), None, false) => match api.with(Some(with)).await? {
            With { key: Some(key), .. } => Forget::With(key),
            With { label, .. } => Forget::WithLabel(label.unwrap_or_default()),
        },
        (None, Some(before), false) => Forget::Before(before),
        (None, None, true) => Forget::Everything,
        _ => return Err(Refusal::usage("exactly one is wanted: with, before or all")),
    };
    let with = if let Forget::With(key) = &what { Some(*key) } else { None };
    let forgotten = api.kept(move |history| history.forget(&what)).await?;
    let lines = forgotten.lines;
    // What was forgotten is not to come back from others, nor to be passed on.
    api.context.handle.command(Command::Forget { posts: forgotten.posts, with }).await?;
    Ok(Answer(ForgottenObject { v: SCHEMA, kind: "forgotten".to_owned(), lines }))
}

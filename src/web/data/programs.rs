//! Messages of programs, calls, and who serves them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use tokio::sync::Mutex;

use crate::data::message::{CallId, Command, Delivery, Kind, Reply, Topic};
use crate::data::{self};
use crate::node::Handle;
use crate::wire::PublicKey;

use super::super::input::{Answer, Input};
use super::super::refusal::Refusal;
use super::super::routes::{Api, done};
use super::super::{
    AnswerObject, AnswerRequest, AuthorObject, CallRequest, DoneObject, PublishRequest, PublishedObject, SCHEMA,
};
use super::unsaid;

/// How long an answer is waited for, unless said otherwise, and at most.
const PATIENCE: (u64, u64) = (5_000, 600_000);

/// Whom a message is for, at most.
const READERS: usize = 256;

/// Methods that are served, at most.
const METHODS: usize = 256;

pub(in crate::web) fn topic(text: &str) -> Result<Topic, Refusal> {
    Topic::new(text).map_err(|error| Refusal::usage(error.to_string()))
}

pub(in crate::web) async fn publish(
    State(api): State<Arc<Api>>,
    Input(asked): Input<PublishRequest>,
) -> Result<Answer<PublishedObject>, Refusal> {
    let topic = topic(&asked.topic)?;
    let kind = match asked.kind.as_deref() {
        None => Kind::default(),
        Some(word) => Kind::parse(word).ok_or_else(|| Refusal::usage("kind is one of: chat, data, control"))?,
    };
    let delivery = match asked.delivery.as_deref() {
        None | Some("best-effort") => Delivery::BestEffort,
        Some("acknowledged") => Delivery::Acknowledged,
        Some(_) => return Err(Refusal::usage("delivery is one of: best-effort, acknowledged")),
    };
    if asked.to.len() > READERS {
        return Err(Refusal::usage("a message is for at most 256 peers, or for everybody"));
    }
    let mut keys = Vec::new();
    for who in &asked.to {
        let key = api.key_of(who).await?;
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let to = (!keys.is_empty()).then_some(keys);
    let command = Command::Publish { topic, kind, body: asked.body.get().into(), delivery, to };
    let data::Reply::Message(Reply::Published(receipt)) = api.data(data::Command::Message(command)).await? else {
        return Err(unsaid());
    };
    let (mut acknowledged, mut missing): (Vec<AuthorObject>, Vec<AuthorObject>) = Default::default();
    if delivery == Delivery::Acknowledged {
        let names = api.names().await;
        let authors = |keys: &[PublicKey]| keys.iter().map(|key| names.author(key)).collect();
        (acknowledged, missing) = (authors(&receipt.acknowledged), authors(&receipt.missing));
    }
    let kind = "published".to_owned();
    Ok(Answer(PublishedObject { v: SCHEMA, kind, sent: receipt.sent, acknowledged, missing }))
}

pub(in crate::web) async fn call(
    State(api): State<Arc<Api>>,
    Input(asked): Input<CallRequest>,
) -> Result<Answer<AnswerObject>, Refusal> {
    let method = topic(&asked.method)?;
    let patience = asked.timeout_ms.unwrap_or(PATIENCE.0);
    if !(1..=PATIENCE.1).contains(&patience) {
        return Err(Refusal::usage("timeout_ms is a number from 1 to 600,000"));
    }
    let to = api.key_of(&asked.to).await?;
    let patience = Duration::from_millis(patience);
    let command = Command::Call { to, method, body: asked.body.get().into(), patience };
    let data::Reply::Message(Reply::Answered(body)) = api.data(data::Command::Message(command)).await? else {
        return Err(unsaid());
    };
    let body = super::super::JsonText::new(&body).map_err(|_| Refusal::failed("the answer is no JSON"))?;
    Ok(Answer(AnswerObject { v: SCHEMA, kind: "answer".to_owned(), body }))
}

pub(in crate::web) async fn answer(
    State(api): State<Arc<Api>>,
    Path(call): Path<String>,
    Input(asked): Input<AnswerRequest>,
) -> Result<Answer<DoneObject>, Refusal> {
    let number = (call.len() == 16).then(|| u64::from_str_radix(&call, 16).ok()).flatten();
    let unknown = || Refusal::new(StatusCode::NOT_FOUND, "unknown", "no call has that id, or it has been answered");
    let call = CallId(number.ok_or_else(unknown)?);
    let answer = match asked {
        AnswerRequest { body: Some(body), error: None } => Ok(body.get().into()),
        AnswerRequest { body: None, error: Some(error) } => Err(error),
        AnswerRequest { .. } => return Err(Refusal::usage("exactly one of: body, error")),
    };
    api.data(data::Command::Message(Command::Answer { call, answer })).await?;
    Ok(done())
}

/// Who serves which method: one stream at a time, so that no call is done twice.
#[derive(Debug, Clone, Default)]
pub(in crate::web) struct Serving(Arc<Mutex<BTreeMap<Topic, Arc<AtomicBool>>>>);

/// A method that is served until this is dropped.
#[derive(Debug)]
pub(in crate::web) struct Claim {
    serving: Serving,
    handle: Handle,
    method: Topic,
    held: Arc<AtomicBool>,
}

impl Serving {
    /// Has calls of this method taken from now on.
    pub(in crate::web) async fn claim(&self, handle: &Handle, method: Topic) -> Result<Claim, Refusal> {
        let mut methods = self.0.lock().await;
        if methods.get(&method).is_some_and(|held| held.load(Ordering::Acquire)) {
            let taken = "that method is served already, by another program or another stream";
            return Err(Refusal::new(StatusCode::CONFLICT, "taken", taken));
        }
        if methods.len() >= METHODS {
            return Err(Refusal::new(StatusCode::CONFLICT, "full", "256 methods are served already"));
        }
        handle.data(data::Command::Message(Command::Serve { method: method.clone() })).await?;
        let held = Arc::new(AtomicBool::new(true));
        methods.insert(method.clone(), Arc::clone(&held));
        Ok(Claim { serving: self.clone(), handle: handle.clone(), method, held })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.held.store(false, Ordering::Release);
        let (serving, handle) = (self.serving.clone(), self.handle.clone());
        let (method, held) = (self.method.clone(), Arc::clone(&self.held));
        // Outside of a runtime everything ends anyway.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let mut methods = serving.0.lock().await;
            // Somebody else may serve it by now.
            if methods.get(&method).is_some_and(|now| Arc::ptr_eq(now, &held)) {
                methods.remove(&method);
                let _ = handle.data(data::Command::Message(Command::Unserve { method })).await;
            }
        });
    }
}

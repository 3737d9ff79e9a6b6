//! Requests and replies.

use std::fmt::Display;
use std::future::{Future, IntoFuture, poll_fn};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, broadcast};
use tokio::task::JoinHandle;

use crate::data;
use crate::data::message::{BODY_MAX, CallId, Command, ERROR_MAX, Event, Reply, Topic};
use crate::wire::{PublicKey, Safe};

use super::message::{body, called};
use super::{Error, Inner, Peer, Who};

/// For how long a call waits, unless told otherwise.
const PATIENCE: Duration = Duration::from_secs(5);

/// Calls that one service answers at the same time; more are told that it is busy.
const AT_ONCE: usize = 64;

/// A call on its way: it is sent when this is awaited.
#[must_use = "nobody is called before it is awaited"]
#[derive(Debug)]
pub struct Call<'a, R> {
    peer: &'a Peer,
    to: Who<'a>,
    what: Result<(Topic, Arc<str>), Error>,
    patience: Duration,
    answer: PhantomData<fn() -> R>,
}

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Its identity; proved, and the answer is sealed for it.
    pub key: PublicKey,
    /// What it calls itself; proved by nothing.
    pub name: Safe,
}

/// Calls of a method are taken as long as this lives. It does not hold the peer up.
#[must_use = "calls are taken as long as this lives"]
#[derive(Debug)]
pub struct Service {
    peer: Weak<Inner>,
    method: Topic,
    task: JoinHandle<()>,
}

impl<R> Call<'_, R> {
    /// For how long to wait for the answer: 5 s by default, at most 10 minutes.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

impl<'a, R: DeserializeOwned + 'a> IntoFuture for Call<'a, R> {
    type Output = Result<R, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { peer, to, what, patience, .. } = self;
        Box::pin(async move {
            let (method, body) = what?;
            let to = peer.key_of(to).await?;
            match peer.data(data::Command::Message(Command::Call { to, method, body, patience })).await? {
                data::Reply::Message(Reply::Answered(answer)) => Ok(serde_json::from_str(&answer)?),
                _ => Err(data::Error::NoAnswer(patience).into()),
            }
        })
    }
}

impl Peer {
    /// Calls a method of one peer and waits for its answer. What is asked and answered is sealed, and is JSON of up to 64
    /// KiB. Whatever is lost on the way, the method runs at most once.
    ///
    /// ```
    /// # use lsnp::peer::{Error, Peer};
    /// # async fn ask(peer: &Peer) -> Result<(), Error> {
    /// let sum: i64 = peer.call("bob", "math/add", &(20, 22)).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Awaiting it gives the answer, or an error: [`Error::Nobody`], [`Error::Ambiguous`], [`Error::Topic`],
    /// [`Error::Json`], also when the answer is not what is wanted, and [`Error::Data`] with
    /// [`NoAnswer`](data::Error::NoAnswer), [`NotHere`](data::Error::NotHere) and [`Refused`](data::Error::Refused).
    pub fn call<'a, T: Serialize + ?Sized, R: DeserializeOwned>(
        &'a self,
        who: impl Into<Who<'a>>,
        method: &str,
        value: &T,
    ) -> Call<'a, R> {
        let what = Topic::new(method).map_err(Error::from).and_then(|method| Ok((method, body(value)?)));
        Call { peer: self, to: who.into(), what, patience: PATIENCE, answer: PhantomData }
    }

    /// Takes calls of a method from everybody, up to 64 at a time, as long as the [`Service`] lives. What the caller sent is
    /// read as a `T`; one who sent something else is told so. An error of the handler goes to the caller as text.
    ///
    /// ```
    /// # use lsnp::peer::{Caller, Error, Peer};
    /// # async fn answer(peer: &Peer) -> Result<(), Error> {
    /// let service = peer
    ///     .serve("math/add", |_: Caller, (a, b): (i64, i64)| async move {
    ///         a.checked_add(b).ok_or("too large")
    ///     })
    ///     .await?;
    /// service.ended().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Topic`] and [`Error::Data`].
    pub async fn serve<T, R, E, F, A>(&self, method: &str, handler: F) -> Result<Service, Error>
    where
        T: DeserializeOwned + Send + 'static,
        R: Serialize + 'static,
        E: Display + 'static,
        F: Fn(Caller, T) -> A + Send + Sync + 'static,
        A: Future<Output = Result<R, E>> + Send + 'static,
    {
        let method = Topic::new(method)?;
        // Before it is served: nothing that comes is missed.
        let events = self.handle().data_events();
        self.data(data::Command::Message(Command::Serve { method: method.clone() })).await?;
        let peer = Arc::downgrade(&self.0);
        let task = tokio::spawn(take(peer.clone(), method.clone(), events, Arc::new(handler)));
        Ok(Service { peer, method, task })
    }
}

impl Service {
    /// Waits until the peer has ended.
    pub async fn ended(mut self) {
        // It is not joined twice, and a handler that panics does not end it.
        let _ = (&mut self.task).await;
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.task.abort();
        let unserve = data::Command::Message(Command::Unserve { method: self.method.clone() });
        if let (Some(inner), Ok(runtime)) = (self.peer.upgrade(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                // Refused by a peer that has ended, which serves nobody.
                let _ = inner.handle.data(unserve).await;
            });
        }
    }
}

/// Takes calls until the peer ends.
async fn take<T, R, E, F, A>(
    peer: Weak<Inner>,
    served: Topic,
    mut events: broadcast::Receiver<data::Event>,
    handler: Arc<F>,
) where
    T: DeserializeOwned + Send + 'static,
    R: Serialize + 'static,
    E: Display + 'static,
    F: Fn(Caller, T) -> A + Send + Sync + 'static,
    A: Future<Output = Result<R, E>> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(count)) => {
                tracing::warn!(count, method = %served, "calls may be lost");
                continue;
            }
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let data::Event::Message(Event::Called { call, from, name, method, body, .. }) = event else { continue };
        if method != served {
            continue;
        }
        let Some(inner) = peer.upgrade() else { return };
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else {
            reply(&inner, call, Err("busy: try again in a moment".to_owned())).await;
            continue;
        };
        let handler = Arc::clone(&handler);
        let caller = Caller { key: from, name: called(&name) };
        tokio::spawn(async move {
            let answer = answer(caller, &body, &*handler).await;
            reply(&inner, call, answer).await;
            drop(place);
        });
    }
}

async fn answer<T, R, E, F, A>(caller: Caller, body: &str, handler: &F) -> Result<Arc<str>, String>
where
    T: DeserializeOwned,
    R: Serialize + 'static,
    E: Display + 'static,
    F: Fn(Caller, T) -> A,
    A: Future<Output = Result<R, E>>,
{
    let value = serde_json::from_str(body).map_err(|error| format!("not the JSON that is wanted: {error}"))?;
    let failed = |_| "the service failed".to_owned();
    // A handler that panics answers, too: its caller does not wait for nothing.
    let mut answer = pin!(catch_unwind(AssertUnwindSafe(|| handler(caller, value))).map_err(failed)?);
    let polled = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
        Ok(Poll::Ready(answer)) => Poll::Ready(Ok(answer)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(failed(panic))),
    });
    let answer = polled.await?.map_err(|error| error.to_string())?;
    let answer = serde_json::to_string(&answer).map_err(|error| format!("the answer is no JSON: {error}"))?;
    if answer.len() > BODY_MAX {
        return Err(format!("the answer takes {} bytes, at most {BODY_MAX} fit", answer.len()));
    }
    Ok(answer.into())
}

async fn reply(inner: &Inner, call: CallId, mut answer: Result<Arc<str>, String>) {
    if let Err(reason) = &mut answer {
        reason.truncate(reason.floor_char_boundary(ERROR_MAX));
    }
    let command = data::Command::Message(Command::Answer { call, answer });
    if let Err(error) = inner.handle.data(command).await {
        tracing::debug!(%error, "a call is not answered");
    }
}

//! The data space, for programs.

use std::fmt::Write;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, StatusCode};

use super::super::{
    AnswerObject, AnswerRequest, CacheForgetQuery, CacheForgottenObject, CacheGetQuery, CacheKeyRequest, CachePutQuery,
    CacheStatsObject, CachedObject, CallRequest, DoneObject, EditRequest, EditedObject, InviteRequest, JsonText,
    ListObject, ListRequest, LogObject, LogQuery, ProgressObject, ProgressRequest, PublishRequest, PublishedObject,
    ToldObject, WholeListObject,
};
use super::{Client, ClientError, NOTHING, garbled, object, target, whole};

/// What `GET /api/cache` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheAnswer {
    /// The value.
    Found {
        /// The value.
        value: Bytes,
        /// BLAKE3 of it: 64 hex digits.
        hash: String,
        /// The key of the peer that had it; none when it was here.
        peer: Option<String>,
        /// For how long it is still good.
        ttl: Duration,
    },
    /// Nobody has it: it is for us to make it, after which it is put in or given up.
    Make,
}

impl Client {
    /// Which shared lists there are.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lists(&self) -> Result<Vec<ListObject>, ClientError> {
        self.get("/api/lists", NOTHING).await
    }

    /// Makes a list.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn new_list(&self, name: &str) -> Result<ListObject, ClientError> {
        self.put(Method::POST, "/api/lists", &ListRequest { name: name.to_owned() }).await
    }

    /// A list whole.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list(&self, list: &str) -> Result<WholeListObject, ClientError> {
        self.get(&of(list, ""), NOTHING).await
    }

    /// Edits a list.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn edit_list(&self, list: &str, edit: &EditRequest) -> Result<EditedObject, ClientError> {
        self.put(Method::POST, &of(list, "/edits"), edit).await
    }

    /// Lets one edit a list, or everybody with none.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn invite(&self, list: &str, who: Option<&str>) -> Result<(), ClientError> {
        let asked = InviteRequest { to: who.map(str::to_owned), all: who.is_none() };
        self.put::<_, DoneObject>(Method::POST, &of(list, "/invite"), &asked).await.map(|_| ())
    }

    /// Takes an invitation.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn join_list(&self, list: &str) -> Result<ListObject, ClientError> {
        self.bare(&of(list, "/join")).await
    }

    /// Takes part in a list no longer.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn leave_list(&self, list: &str) -> Result<(), ClientError> {
        self.bare::<DoneObject>(&of(list, "/leave")).await.map(|_| ())
    }

    /// Takes back our newest edit that is not taken back.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn undo(&self, list: &str) -> Result<EditedObject, ClientError> {
        self.bare(&of(list, "/undo")).await
    }

    /// What was done to a list, the newest last.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_log(&self, list: &str, limit: Option<usize>) -> Result<Vec<LogObject>, ClientError> {
        self.get(&of(list, "/log"), Some(&LogQuery { limit })).await
    }

    /// Puts a value of at most 1,048,576 bytes into the cache.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn cache_put(&self, query: &CachePutQuery, value: Vec<u8>) -> Result<CachedObject, ClientError> {
        let target = target("/api/cache", Some(query))?;
        object(self.ask(Method::PUT, &target, Some("application/octet-stream"), value.into()).await?).await
    }

    /// Looks for a value. With [`CacheGetQuery::make`] this waits as long as somebody else makes it.
    ///
    /// # Errors
    /// [`ClientError`]; 404 with `miss` when nobody has it.
    pub async fn cache_get(&self, query: &CacheGetQuery) -> Result<CacheAnswer, ClientError> {
        let answer = self.ask(Method::GET, &target("/api/cache", Some(query))?, None, Body::empty()).await?;
        if answer.status() == StatusCode::NO_CONTENT {
            return Ok(CacheAnswer::Make);
        }
        let head = answer.headers();
        let (hash, place) = (header(head, "x-peer-hash")?, header(head, "x-peer-place")?);
        let ttl = Duration::from_secs(header(head, "x-peer-ttl")?.parse().map_err(garbled)?);
        let value = whole(answer).await?;
        Ok(CacheAnswer::Found { value, hash, peer: Some(place).filter(|place| place != "here"), ttl })
    }

    /// We did not make what we were to make.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cache_give_up(&self, key: &CacheKeyRequest) -> Result<(), ClientError> {
        self.put::<_, DoneObject>(Method::POST, "/api/cache/give-up", key).await.map(|_| ())
    }

    /// We still make it: to be said every 3 seconds.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cache_still_making(&self, key: &CacheKeyRequest) -> Result<(), ClientError> {
        self.put::<_, DoneObject>(Method::POST, "/api/cache/still-making", key).await.map(|_| ())
    }

    /// Drops what is here of one key, or of all.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cache_forget(&self, query: &CacheForgetQuery) -> Result<CacheForgottenObject, ClientError> {
        let target = target("/api/cache", Some(query))?;
        object(self.ask(Method::DELETE, &target, None, Body::empty()).await?).await
    }

    /// What was counted of the cache.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cache_stats(&self) -> Result<CacheStatsObject, ClientError> {
        self.get("/api/cache/stats", NOTHING).await
    }

    /// What is on the board, by user and lesson.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn board(&self) -> Result<Vec<ProgressObject>, ClientError> {
        self.get("/api/board", NOTHING).await
    }

    /// Tells progress.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was sent when it is refused.
    pub async fn progress(&self, progress: &ProgressRequest) -> Result<ToldObject, ClientError> {
        self.put(Method::POST, "/api/progress", progress).await
    }

    /// Says something about a topic. An acknowledged one waits for the acknowledgements, up to 10 s.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was sent when it is refused.
    pub async fn publish(&self, message: &PublishRequest) -> Result<PublishedObject, ClientError> {
        self.put(Method::POST, "/api/publish", message).await
    }

    /// Calls a method of somebody who is here, and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError`]: 504 without an answer in time, 502 with `answered-no` when the other side says why not.
    pub async fn call(&self, call: &CallRequest) -> Result<AnswerObject, ClientError> {
        self.put(Method::POST, "/api/call", call).await
    }

    /// Answers a call with JSON, or with why there is no answer.
    ///
    /// # Errors
    /// [`ClientError`]; 404 when nobody waits for it.
    pub async fn answer(&self, call: &str, answer: Result<JsonText, String>) -> Result<(), ClientError> {
        let asked = match answer {
            Ok(body) => AnswerRequest { body: Some(body), error: None },
            Err(error) => AnswerRequest { body: None, error: Some(error) },
        };
        let path = format!("/api/answers/{}", encoded(call));
        self.put::<_, DoneObject>(Method::POST, &path, &asked).await.map(|_| ())
    }

    async fn bare<T: serde::de::DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        object(self.ask(Method::POST, path, None, Body::empty()).await?).await
    }
}

fn header(head: &HeaderMap, name: &str) -> Result<String, ClientError> {
    let value = head.get(name).ok_or_else(|| garbled(format!("there is no {name}")))?;
    value.to_str().map(str::to_owned).map_err(garbled)
}

fn of(list: &str, rest: &str) -> String {
    format!("/api/lists/{}{rest}", encoded(list))
}

/// One part of a path.
fn encoded(part: &str) -> String {
    let mut text = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            // A string takes everything.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

//! The data space, for programs: lists, the cache, the board of progress, and messages.

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, HeaderMap};
use axum::http::{Method, StatusCode};
use serde::de::IgnoredAny;

use super::super::{
    AnswerObject, AnswerRequest, CacheForgetQuery, CacheForgottenObject, CacheGetQuery, CacheKeyRequest, CachePutQuery,
    CacheStatsObject, CachedObject, CallRequest, EditRequest, EditedObject, InviteRequest, ListObject, ListRequest,
    LogObject, LogQuery, ProgressObject, ProgressRequest, PublishRequest, PublishedObject, ToldObject, WholeListObject,
};
use super::{Client, ClientError, NOTHING, garbled, gone, object, target, whole};

/// What the cache has for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CacheAnswer {
    /// A value.
    Found {
        /// The value.
        value: Vec<u8>,
        /// Its BLAKE3 hash: 64 hex digits.
        hash: String,
        /// Where it was: `here`, or who gave it.
        place: String,
        /// For how many seconds it is still good.
        ttl: u64,
    },
    /// Nobody has it, and it is for us to make it.
    Make,
}

impl Client {
    /// The lists that we are a member of or invited to.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn lists(&self) -> Result<Vec<ListObject>, ClientError> {
        self.get("/api/lists", NOTHING).await
    }

    /// Makes a list.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was made when it is refused.
    pub async fn new_list(&self, name: &str) -> Result<ListObject, ClientError> {
        self.put(Method::POST, "/api/lists", &ListRequest { name: name.to_owned() }).await
    }

    /// A list whole, by its id.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list(&self, id: &str) -> Result<WholeListObject, ClientError> {
        self.get(&of_list(id, "")?, NOTHING).await
    }

    /// Edits a list.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn edit_list(&self, id: &str, edit: &EditRequest) -> Result<EditedObject, ClientError> {
        self.put(Method::POST, &of_list(id, "/edits")?, edit).await
    }

    /// Lets others edit a list.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn invite(&self, id: &str, whom: &InviteRequest) -> Result<(), ClientError> {
        self.put::<_, IgnoredAny>(Method::POST, &of_list(id, "/invite")?, whom).await.map(|_| ())
    }

    /// Takes an invitation.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn join_list(&self, id: &str) -> Result<ListObject, ClientError> {
        object(self.ask(Method::POST, &of_list(id, "/join")?, None, Body::empty()).await?).await
    }

    /// Takes part no longer, and forgets the list here.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn leave_list(&self, id: &str) -> Result<(), ClientError> {
        let answer = self.ask(Method::POST, &of_list(id, "/leave")?, None, Body::empty()).await?;
        object::<IgnoredAny>(answer).await.map(|_| ())
    }

    /// Takes back our newest edit of a list.
    ///
    /// # Errors
    /// [`ClientError`]; nothing changed when it is refused.
    pub async fn undo_list(&self, id: &str) -> Result<EditedObject, ClientError> {
        object(self.ask(Method::POST, &of_list(id, "/undo")?, None, Body::empty()).await?).await
    }

    /// What was done to a list, the newest last.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_log(&self, id: &str, limit: Option<usize>) -> Result<Vec<LogObject>, ClientError> {
        self.get(&of_list(id, "/log")?, Some(&LogQuery { limit })).await
    }

    /// Puts a value of at most 1,048,576 bytes in the cache.
    ///
    /// # Errors
    /// [`ClientError`]; nothing is in when it is refused.
    pub async fn cache_put(&self, query: &CachePutQuery, value: Vec<u8>) -> Result<CachedObject, ClientError> {
        let target = target("/api/cache", Some(query))?;
        object(self.ask(Method::PUT, &target, Some("application/octet-stream"), value.into()).await?).await
    }

    /// Looks for a value here and at those who are trusted.
    ///
    /// # Errors
    /// [`ClientError`]; 404 when nobody has it.
    pub async fn cache_get(&self, query: &CacheGetQuery) -> Result<CacheAnswer, ClientError> {
        let answer = self.ask(Method::GET, &target("/api/cache", Some(query))?, None, Body::empty()).await?;
        if answer.status() == StatusCode::NO_CONTENT {
            return Ok(CacheAnswer::Make);
        }
        let headers = answer.headers();
        let text = |name: &str| word(headers, name).ok_or_else(|| garbled(format!("no {name}")));
        let (hash, place) = (text("x-peer-hash")?, text("x-peer-place")?);
        let ttl = text("x-peer-ttl")?.parse().map_err(garbled)?;
        let length = word(headers, CONTENT_LENGTH.as_str()).and_then(|length| length.parse::<usize>().ok());
        let value = whole(answer).await?;
        if length.is_some_and(|length| length != value.len()) {
            return Err(gone("the value ended early"));
        }
        Ok(CacheAnswer::Found { value: value.into(), hash, place, ttl })
    }

    /// We did not make what we were to make.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cache_give_up(&self, key: &CacheKeyRequest) -> Result<(), ClientError> {
        self.put::<_, IgnoredAny>(Method::POST, "/api/cache/give-up", key).await.map(|_| ())
    }

    /// We still make it: to be said every 10 seconds.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cache_still_making(&self, key: &CacheKeyRequest) -> Result<(), ClientError> {
        self.put::<_, IgnoredAny>(Method::POST, "/api/cache/still-making", key).await.map(|_| ())
    }

    /// Drops what is here of one key, or all.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn cache_forget(&self, what: &CacheForgetQuery) -> Result<CacheForgottenObject, ClientError> {
        object(self.ask(Method::DELETE, &target("/api/cache", Some(what))?, None, Body::empty()).await?).await
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

    /// Tells how somebody stands with a lesson.
    ///
    /// # Errors
    /// [`ClientError`]; nobody was told when it is refused.
    pub async fn tell_progress(&self, progress: &ProgressRequest) -> Result<ToldObject, ClientError> {
        self.put(Method::POST, "/api/progress", progress).await
    }

    /// Says something to programs.
    ///
    /// # Errors
    /// [`ClientError`]; nothing was sent when it is refused.
    pub async fn publish(&self, message: &PublishRequest) -> Result<PublishedObject, ClientError> {
        self.put(Method::POST, "/api/publish", message).await
    }

    /// Calls a method that somebody serves, and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError`]; 504 when none came in time.
    pub async fn call(&self, call: &CallRequest) -> Result<AnswerObject, ClientError> {
        self.put(Method::POST, "/api/call", call).await
    }

    /// Answers a call that came in.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn answer(&self, call: &str, answer: &AnswerRequest) -> Result<(), ClientError> {
        let digits = call.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !digits {
            return Err(gone("no call of ours"));
        }
        self.put::<_, IgnoredAny>(Method::POST, &format!("/api/answers/{call}"), answer).await.map(|_| ())
    }
}

/// The path of something about a list.
fn of_list(id: &str, what: &str) -> Result<String, ClientError> {
    let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digits { Ok(format!("/api/lists/{id}{what}")) } else { Err(gone("no id of a list")) }
}

fn word(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

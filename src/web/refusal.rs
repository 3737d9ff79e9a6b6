//! Why a request was refused.

use std::time::Duration;

use axum::http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::engine::CommandError;
use crate::store::StoreError;

use super::json::json;
use super::{ErrorObject, PeerObject, SCHEMA};

/// A refusal; nothing was done.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    object: Box<ErrorObject>,
    hang_up: bool,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, error: &str, message: impl Into<String>) -> Self {
        let object = ErrorObject {
            v: SCHEMA,
            kind: "error".to_owned(),
            error: error.to_owned(),
            message: message.into(),
            retry_after_ms: None,
            candidates: Vec::new(),
        };
        Self { status, object: Box::new(object), hang_up: false }
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "usage", message)
    }

    pub(super) fn nobody(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "nobody", message)
    }

    pub(super) fn ambiguous(message: impl Into<String>, candidates: Vec<PeerObject>) -> Self {
        let mut refusal = Self::new(StatusCode::CONFLICT, "ambiguous", message);
        refusal.object.candidates = candidates;
        refusal
    }

    pub(super) fn no_history() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-history", "this peer keeps no history")
    }

    pub(super) fn no_program() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-program", "there is no program around this peer that can do it")
    }

    pub(super) fn failed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", message)
    }

    /// The connection ends with it.
    pub(super) fn hang_up(mut self) -> Self {
        self.hang_up = true;
        self
    }

    pub(super) fn is_nobody(&self) -> bool {
        self.status == StatusCode::NOT_FOUND
    }

    pub(super) fn object(&self) -> &ErrorObject {
        &self.object
    }

    pub(super) fn retry_after(mut self, wait: Duration) -> Self {
        self.object.retry_after_ms = Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1));
        self
    }
}

impl From<CommandError> for Refusal {
    fn from(error: CommandError) -> Self {
        let (status, word) = match &error {
            CommandError::UnknownPeer | CommandError::NoAvatar => (StatusCode::NOT_FOUND, "nobody"),
            CommandError::TextTooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too-long"),
            CommandError::NoText
            | CommandError::DisplayName(_)
            | CommandError::Status
            | CommandError::ProfileTooLong
            | CommandError::Avatar
            | CommandError::BadAddress => (StatusCode::BAD_REQUEST, "usage"),
            CommandError::Busy | CommandError::TooFast { .. } | CommandError::TooManyWaiting => {
                (StatusCode::TOO_MANY_REQUESTS, "too-fast")
            }
            CommandError::PrivateOnly
            | CommandError::Downgrade { .. }
            | CommandError::Blocked
            | CommandError::NoKey => (StatusCode::FORBIDDEN, "refused"),
            CommandError::Left => (StatusCode::SERVICE_UNAVAILABLE, "ended"),
        };
        let refusal = Self::new(status, word, error.to_string());
        if let CommandError::TooFast { retry_after } = error { refusal.retry_after(retry_after) } else { refusal }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::failed(error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, json(&self.object)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(wait) = self.object.retry_after_ms {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.div_ceil(1000)));
        }
        if self.hang_up {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

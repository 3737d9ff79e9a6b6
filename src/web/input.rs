//! What comes with a request: checked, and refused as an [`ErrorObject`](super::ErrorObject).

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::data::cache::VALUE_MAX;

use super::json::json;
use super::refusal::Refusal;

/// Largest body, bytes: the longest text, with its JSON escapes.
pub(super) const BODY: usize = 128 << 10;

/// A whole body is here within this time.
const BODY_TIME: Duration = Duration::from_secs(5);

/// A body of JSON.
#[derive(Debug)]
pub(super) struct Input<T>(pub(super) T);

/// A body of any kind.
#[derive(Debug)]
pub(super) struct Raw(pub(super) Bytes);

/// A value of the cache.
#[derive(Debug)]
pub(super) struct Value(pub(super) Bytes);

/// What stands after the `?`.
#[derive(Debug)]
pub(super) struct Asked<T>(pub(super) T);

/// An answer of JSON.
#[derive(Debug)]
pub(super) struct Answer<T>(pub(super) T);

impl<S: Sync> FromRequest<S> for Raw {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        body(request, BODY).await.map(Self)
    }
}

impl<S: Sync> FromRequest<S> for Value {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        body(request, VALUE_MAX).await.map(Self)
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Input<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        if !is_json(request.headers()) {
            return Err(Refusal::usage("the body has to be JSON: Content-Type: application/json"));
        }
        let Raw(bytes) = Raw::from_request(request, state).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| Refusal::usage(format!("the body is wrong: {error}")))
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        let query: Result<Query<T>, QueryRejection> = Query::try_from_uri(&parts.uri);
        query.map(|Query(query)| Self(query)).map_err(|error| Refusal::usage(error.body_text()))
    }
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        ([(CONTENT_TYPE, "application/json")], json(&self.0)).into_response()
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

async fn body(request: Request, most: usize) -> Result<Bytes, Refusal> {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > most as u64) {
        return Err(too_long(most));
    }
    let limited = Limited::new(request.into_body(), most);
    let collected = tokio::time::timeout(BODY_TIME, limited.collect()).await;
    match collected {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long(most)),
        Ok(Err(error)) => Err(Refusal::usage(format!("the body is broken: {error}")).hang_up()),
        Err(_) => Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "usage", "the body came too slowly").hang_up()),
    }
}

fn too_long(most: usize) -> Refusal {
    let what = format!("a body may have at most {most} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too-long", what).hang_up()
}

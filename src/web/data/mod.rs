//! The data space: lists, the cache, the board of progress, messages of programs.

#![expect(clippy::wildcard_enum_match_arm, reason = "of many replies one answers a command")]

pub(super) mod board;
pub(super) mod cache;
pub(super) mod lists;
mod names;
pub(super) mod programs;
pub(super) mod shown;

use std::sync::Arc;

use axum::http::StatusCode;

use crate::data::{Command, Error, Reply};
use crate::engine::Me;
use crate::wire::{PublicKey, Safe};

use super::people::People;
use super::refusal::Refusal;
use super::routes::Api;

pub(super) use names::Names;
pub(super) use programs::{Claim, Serving};

/// Columns of a reason: text of somebody else may be in it.
const REASON: usize = 700;

impl Api {
    async fn data(&self, command: Command) -> Result<Reply, Refusal> {
        self.context.handle.data(command).await.map_err(Refusal::from)
    }

    /// Everybody's name, ours included.
    async fn names(&self) -> Names {
        Names::begin(&self.context.handle).whole().await
    }

    /// The key of the one that is meant, here or away.
    async fn key_of(&self, who: &str) -> Result<PublicKey, Refusal> {
        if let Some(key) = PublicKey::parse(who) {
            return Ok(key);
        }
        let person = People(&self.context.handle).person(who).await?;
        let unfit =
            || Refusal::new(StatusCode::FORBIDDEN, "refused", "that one has no key: nothing can be shared with it");
        person.key().ok_or_else(unfit)
    }
}

/// An answer of another kind than was asked for.
fn unsaid() -> Refusal {
    Refusal::failed("the peer does not say what became of it")
}

/// What we are called.
fn own_name(me: &Me) -> Arc<str> {
    let name = || me.user_id.rsplit_once('@').map_or(&*me.user_id, |(name, _)| name).into();
    me.display_name.clone().unwrap_or_else(name)
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (status, word) = match &error {
            Error::NotBuilt(_) => (StatusCode::NOT_IMPLEMENTED, "not-built"),
            Error::NoKey | Error::NotMember => (StatusCode::FORBIDDEN, "refused"),
            Error::TooLong { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "too-long"),
            Error::Bad(_) => (StatusCode::BAD_REQUEST, "usage"),
            Error::Full { .. } => (StatusCode::CONFLICT, "full"),
            Error::Unknown { .. } => (StatusCode::NOT_FOUND, "unknown"),
            Error::Ambiguous { .. } => (StatusCode::CONFLICT, "ambiguous"),
            Error::NotHere => (StatusCode::NOT_FOUND, "nobody"),
            Error::NoAnswer(_) => (StatusCode::GATEWAY_TIMEOUT, "no-answer"),
            Error::Restarted => (StatusCode::BAD_GATEWAY, "restarted"),
            Error::Refused(_) => (StatusCode::BAD_GATEWAY, "answered-no"),
            Error::NotKept => (StatusCode::INSUFFICIENT_STORAGE, "not-kept"),
            Error::Miss => (StatusCode::NOT_FOUND, "miss"),
            Error::NothingToUndo => (StatusCode::CONFLICT, "nothing-to-undo"),
            Error::Busy | Error::TooFast(_) => (StatusCode::TOO_MANY_REQUESTS, "too-fast"),
            Error::Left => (StatusCode::SERVICE_UNAVAILABLE, "ended"),
        };
        let refusal = Self::new(status, word, Safe::fitted(&error.to_string(), REASON).as_str());
        if let Error::TooFast(wait) = error { refusal.retry_after(wait) } else { refusal }
    }
}

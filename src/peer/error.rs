//! What can go wrong for a program that is a peer.

use std::io;

use crate::crypto::GroupKeyError;
use crate::data;
use crate::data::message::TopicError;
use crate::engine::CommandError;
use crate::node::{ProfileError, StartError};
use crate::store;
use crate::wire::{NameError, Safe};

/// What a program that makes a value says when it cannot.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why something was not done. Each can be shown as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name that cannot travel.
    #[error("not a name: {0}")]
    Name(#[from] NameError),
    /// The profile cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The secret of the group cannot be used.
    #[error(transparent)]
    Group(#[from] GroupKeyError),
    /// The history cannot be used.
    #[error(transparent)]
    History(#[from] store::OpenError),
    /// The system gives no sockets, or no port.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The system gives no thread.
    #[error("cannot start: {0}")]
    System(#[source] io::Error),
    /// Nobody who is here is called that.
    #[error("nobody is called {0}")]
    Nobody(Safe),
    /// Several are.
    #[error("{name} can be several, say which one: {}", .candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        name: Safe,
        /// Names of which each means one, fit to be shown.
        candidates: Vec<String>,
    },
    /// The peer without a key takes none of this.
    #[error("{0} has no key, so nothing but text can be said to it")]
    NoKey(Safe),
    /// What was to be said to people was refused.
    #[error(transparent)]
    Refused(#[from] CommandError),
    /// What was to be done with the data space was refused, or failed.
    #[error("{}", shown(.0))]
    Data(#[from] data::Error),
    /// Not a topic, not a method, or not a pattern.
    #[error(transparent)]
    Topic(#[from] TopicError),
    /// Something that JSON cannot say, or JSON that says something else.
    #[error("not the JSON that is wanted: {}", shown(.0))]
    Json(#[from] serde_json::Error),
    /// The program that was to make a value for the cache did not.
    #[error("it could not be made: {0}")]
    NotMade(#[source] Cause),
}

/// What others wrote may be in it.
fn shown(error: &dyn std::error::Error) -> Safe {
    Safe::line(&error.to_string())
}

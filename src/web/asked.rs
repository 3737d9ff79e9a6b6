//! What a request may hold besides its path. What is not known is refused, so that no typing error passes.

mod data;

use serde::{Deserialize, Serialize};

pub use data::*;

/// Which lines of history: `GET /api/history` and `GET /api/export`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryQuery {
    /// Only with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// Only what came or went after, Unix seconds by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// The newest so many: 1 to 1,000, by default 100. An export has no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only what stands before this row, in the order of the history.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Only what nobody has read yet.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unread: bool,
    /// Only `post` or only `dm`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// `GET /api/search`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    /// Words that all have to be in the text.
    pub words: String,
    /// Only with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// The newest so many: 1 to 1,000, by default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `GET /api/events`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventQuery {
    /// Only what this one says and does, and what becomes of what is for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Goes on after the event with this id, as the header `Last-Event-ID` does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Instead of all that, the messages of programs with a topic that this pattern means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Instead of all that, the calls of this method, which are taken as long as the stream is read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serve: Option<String>,
}

/// `GET /api/peers`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeersQuery {
    /// Those who are away or blocked as well.
    #[serde(default, skip_serializing_if = "is_false")]
    pub all: bool,
}

/// `POST /api/posts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostRequest {
    /// The text.
    pub text: String,
}

/// `POST /api/dms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DmRequest {
    /// Whom it is for, here or away.
    pub to: String,
    /// The text.
    pub text: String,
}

/// `POST /api/forget`: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForgetRequest {
    /// All with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
    /// All that is older than this moment, Unix seconds by our clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// All.
    #[serde(default, skip_serializing_if = "is_false")]
    pub all: bool,
}

/// `POST /api/read`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadRequest {
    /// What was shown to somebody: at most 1,000 rows of the history.
    pub rows: Vec<i64>,
}

/// `PATCH /api/profile`: what is left out stays.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileRequest {
    /// What we want to be called; empty to go by the name in the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A line about us; empty for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// `POST /api/judge`: what the user says about somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JudgeRequest {
    /// About whom, here or away.
    pub who: String,
    /// What: `verify` after the digits were compared, `trust`, `block`, `unblock`, `mute`, `unmute`.
    pub word: String,
}

/// `POST /api/enter`: the code from the fragment of the page's address, or the proof of a browser that was in before.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnterRequest {
    /// The code; it works once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The public key of the browser: with a code the one to come back by, with a proof the one that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What the browser signed to come back after the peer started anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
}

/// `GET /api/about`, `GET /api/doctor`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhoQuery {
    /// About whom; none for ourselves, or for everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
}

/// `POST /api/probe`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeRequest {
    /// Whose way there and back is measured; it has to be here.
    pub who: String,
}

/// `POST /api/reach`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReachRequest {
    /// A link `peer://connect/...`, or an address or host name, with or without a port.
    pub to: String,
}

/// `PATCH /api/settings`: one key of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SettingRequest {
    /// The key.
    pub key: String,
    /// What it is to be; none to remove it from the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<String>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(value: &bool) -> bool {
    !value
}

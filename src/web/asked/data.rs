//! What requests of the data space hold.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::super::JsonText;
use super::is_false;

/// `POST /api/lists`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRequest {
    /// What it is to be called: 1 to 64 characters that may be shown, without `#`.
    pub name: String,
}

/// `POST /api/lists/{list}/edits`: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditRequest {
    /// A new item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add: Option<AddRequest>,
    /// An item goes to another place.
    #[serde(default, rename = "move", skip_serializing_if = "Option::is_none")]
    pub shift: Option<MoveRequest>,
    /// An item says something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<SetRequest>,
    /// An item goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remove: Option<RemoveRequest>,
}

/// A new item.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddRequest {
    /// 1 to 2,000 bytes.
    pub text: String,
    /// The place that it gets, from 1; none for the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<usize>,
    /// Up to 16 fields; names of 1 to 32 characters `a-z0-9_-`, values of up to 500 bytes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
}

/// An item goes to another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoveRequest {
    /// Its id, 16 hex digits, or its place, from 1.
    pub item: String,
    /// The place that it has then, from 1; what is beyond the end means the end.
    pub to: usize,
}

/// An item says something else.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetRequest {
    /// Its id, 16 hex digits, or its place, from 1.
    pub item: String,
    /// What it says then; none to leave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Fields with their values; others stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Names of fields that go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<String>,
}

/// An item goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveRequest {
    /// Its id, 16 hex digits, or its place, from 1.
    pub item: String,
}

/// `POST /api/lists/{list}/invite`: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InviteRequest {
    /// One, here or away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Everybody who ever hears of the list.
    #[serde(default, skip_serializing_if = "is_false")]
    pub all: bool,
}

/// `GET /api/lists/{list}/log`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogQuery {
    /// The newest so many: 1 to 1,000, by default 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
}

/// `PUT /api/cache`: the body is the value, as it is, of at most 1,048,576 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CachePutQuery {
    /// Keeps projects apart: at most 128 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// 1 to 512 bytes.
    pub key: String,
    /// For how many seconds: 1 to 604,800, by default 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
}

/// `GET /api/cache`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheGetQuery {
    /// Keeps projects apart.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Under which key.
    pub key: String,
    /// When nobody has it, somebody is to make it: this waits, or tells that it is for us to do so.
    #[serde(default, skip_serializing_if = "is_false")]
    pub make: bool,
}

/// `DELETE /api/cache`: one key, a namespace, or with no parameter all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheForgetQuery {
    /// Keeps projects apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Under which key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// `POST /api/cache/give-up`, `POST /api/cache/still-making`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheKeyRequest {
    /// Keeps projects apart.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Under which key.
    pub key: String,
}

/// `POST /api/progress`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgressRequest {
    /// Whose: 1 to 64 characters that may be shown.
    pub user: String,
    /// With what: 1 to 64 characters that may be shown.
    pub lesson: String,
    /// A word, such as `started` or `completed`: 1 to 64 characters that may be shown.
    pub status: String,
    /// When, Unix seconds; none for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    /// Only this one is told; none for everybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// It came by itself at a listener's own port, from somebody whose key is not known here.
    #[serde(default, skip_serializing_if = "is_false")]
    pub taken: bool,
}

/// `POST /api/publish`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishRequest {
    /// About what: parts between slashes, at most 128 bytes.
    pub topic: String,
    /// What for: `chat`, `data`, `control`; by default `data`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Any JSON, of at most 65,536 bytes.
    pub body: JsonText,
    /// `best-effort`, by default, or `acknowledged`: then this waits for the acknowledgements, up to 10 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<String>,
    /// Only these are told, and nobody else can read it; none for everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
}

/// `POST /api/call`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRequest {
    /// Whom: it has to be here.
    pub to: String,
    /// What: as a topic.
    pub method: String,
    /// Any JSON, of at most 65,536 bytes.
    pub body: JsonText,
    /// For how long to wait, milliseconds: 1 to 600,000, by default 5,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// `POST /api/answers/{call}`: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerRequest {
    /// The answer: any JSON, `null` included, of at most 65,536 bytes.
    #[serde(default, deserialize_with = "some", skip_serializing_if = "Option::is_none")]
    pub body: Option<JsonText>,
    /// Why there is none: at most 500 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// `null` is JSON, too.
fn some<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<JsonText>, D::Error> {
    JsonText::deserialize(deserializer).map(Some)
}

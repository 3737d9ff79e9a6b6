//! The data space: lists, the cache, the board of progress and messages of programs.
//!
//! Texts, fields, users, lessons, keys and bodies are as their author wrote them: show them through
//! [`SafeLines`](crate::wire::SafeLines). Names of lists and of people are fit to be shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::JsonText;

/// Somebody by key: who wrote, made or answered something. It need not be here, nor ever have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorObject {
    /// Its public key.
    pub key: String,
    /// What it is called; the first digits of its fingerprint when nobody by that key is known.
    pub name: String,
    /// What names it and nobody else, wherever the API wants to know whom.
    pub who: String,
    /// `new key`, `known`, `verified`; none of ourselves, and of who is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// It is ourselves.
    pub ours: bool,
}

/// A shared list in a word: of `GET /api/lists`, and the events `list` and `invited`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `list`; in the event of an invitation `invited`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What names it and no other: 32 hex digits.
    pub id: String,
    /// What it is called: others may be called the same.
    pub name: String,
    /// Who made it.
    pub creator: AuthorObject,
    /// How we stand: `invited`, `joined`, `left`.
    pub standing: String,
    /// Who invited us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invited_by: Option<AuthorObject>,
    /// How many items.
    pub items: usize,
    /// How many take part.
    pub members: usize,
    /// Everybody may take part.
    pub open: bool,
    /// In an event `list`, who did the last of what was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<AuthorObject>,
    /// In an event `list`, the last of what was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeObject>,
}

/// `GET /api/lists/{list}`: a shared list whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeListObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `whole-list`.
    #[serde(rename = "type")]
    pub kind: String,
    /// In a word.
    pub list: ListObject,
    /// In their order.
    pub items: Vec<ItemObject>,
    /// Who may edit it.
    pub members: Vec<MemberObject>,
    /// Edits that were refused since the start: of somebody who is no member, or broken.
    pub refused: u64,
    /// How often it was rebuilt from what is kept.
    pub rebuilt: u64,
}

/// One item of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemObject {
    /// What names it for ever: 16 hex digits.
    pub id: String,
    /// Its place, from 1.
    pub place: usize,
    /// What it says.
    pub text: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Who added it.
    pub by: AuthorObject,
}

/// Who may edit a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberObject {
    /// Who.
    pub who: AuthorObject,
    /// How it stands: `invited`, `joined`, `left`.
    pub standing: String,
    /// Its edits so far.
    pub edits: u64,
}

/// What was done to a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeObject {
    /// `created`, `added`, `moved`, `changed`, `removed`, `invited`, `opened`, `joined`, `left`; `returned`: an item that
    /// somebody removed is back, because somebody else moved it at the same time.
    pub what: String,
    /// The item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// What the item said then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its place then, from 1; of `added` and `moved`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<usize>,
    /// Who may take part; of `invited`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whom: Option<AuthorObject>,
}

/// What `POST /api/lists/{list}/edits` and `POST /api/lists/{list}/undo` answer: it is on our disk and on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditedObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `edited`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The item: 16 hex digits.
    pub item: String,
    /// What was done.
    pub change: ChangeObject,
}

/// `GET /api/lists/{list}/log`: something that was done to a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `log`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who did it.
    pub by: AuthorObject,
    /// When, by its clock: RFC 3339.
    pub at: String,
    /// What.
    pub change: ChangeObject,
    /// It was taken back.
    pub undone: bool,
}

/// What `PUT /api/cache` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `cached`.
    #[serde(rename = "type")]
    pub kind: String,
    /// BLAKE3 of the value: 64 hex digits.
    pub hash: String,
}

/// An event `cache`: a value is in that was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `cache`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Keeps projects apart; may be empty.
    pub namespace: String,
    /// Under which key.
    pub key: String,
    /// Its size, bytes.
    pub size: u64,
    /// Who put it in.
    pub by: AuthorObject,
}

/// `GET /api/cache/stats`: what was counted since the start, and what is in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CacheStatsObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `cache-stats`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Found here.
    pub hits: u64,
    /// Found at somebody else.
    pub peer_hits: u64,
    /// Found nowhere.
    pub misses: u64,
    /// Values that others fetched from us. One that fits into the answer is not fetched.
    pub served: u64,
    /// Values, offers and questions of somebody who is not trusted.
    pub untrusted: u64,
    /// Values that were not what they were said to be.
    pub broken: u64,
    /// Dropped to make place.
    pub evicted: u64,
    /// Too old.
    pub expired: u64,
    /// Values that somebody has and that cannot come here: this peer or that one was built without streams.
    pub too_large: u64,
    /// Entries that are in.
    pub entries: usize,
    /// The most that may be in.
    pub entries_max: usize,
    /// Bytes that are in.
    pub bytes: u64,
    /// The most that may be in.
    pub bytes_max: u64,
}

/// What `DELETE /api/cache` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheForgottenObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `cache-forgotten`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Entries that were dropped here.
    pub entries: usize,
}

/// One line of the board: of `GET /api/board`, and the event `progress`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `progress`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whose.
    pub user: String,
    /// With what.
    pub lesson: String,
    /// A word, such as `started` or `completed`.
    pub status: String,
    /// When, Unix seconds by the clock of who said it.
    pub timestamp: u64,
    /// Who said it.
    pub by: AuthorObject,
    /// 1 more than that of the line which it took the place of.
    pub lamport: u64,
    /// In an event, whether it stands on the board.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<bool>,
    /// In an event, whether somebody else passed it on, some time later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<bool>,
}

/// What `POST /api/progress` answers: it is on our board, on the disk and on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `told`.
    #[serde(rename = "type")]
    pub kind: String,
    /// How many are here to hear it.
    pub peers: usize,
}

/// An event `message`: what a program said. Only streams that ask for its topic have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `message`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who said it.
    pub from: AuthorObject,
    /// About what.
    pub topic: String,
    /// What for: `chat`, `data`, `control`.
    #[serde(rename = "kind")]
    pub purpose: String,
    /// Any JSON.
    pub body: JsonText,
    /// Nobody else could read it.
    pub sealed: bool,
    /// We said it.
    pub ours: bool,
}

/// An event `call`: somebody calls a method that this stream serves, and waits for `POST /api/answers/{call}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `call`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What names the call: 16 hex digits.
    pub call: String,
    /// Who calls.
    pub from: AuthorObject,
    /// What.
    pub method: String,
    /// For how long the caller waits from now on, milliseconds.
    pub timeout_ms: u64,
    /// Any JSON.
    pub body: JsonText,
}

/// What `POST /api/publish` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `published`.
    #[serde(rename = "type")]
    pub kind: String,
    /// To how many it was sent.
    pub sent: usize,
    /// Who acknowledged it; of an acknowledged one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged: Vec<AuthorObject>,
    /// Who did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<AuthorObject>,
}

/// What `POST /api/call` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnswerObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `answer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Any JSON.
    pub body: JsonText,
}

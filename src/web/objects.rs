//! The JSON objects of the API, and of `--json`: the same everywhere (docs/api.md). A reader passes over fields that it
//! does not know; a field never changes its meaning without another [`SCHEMA`].

use serde::{Deserialize, Serialize};

/// The version of all objects.
pub const SCHEMA: u32 = 1;

/// `GET /api/status`: the peer itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusObject {
    /// [`SCHEMA`].
    pub v: u32,
    /// The program's version.
    pub version: String,
    /// Its process.
    pub pid: u32,
    /// Its id, `name@ip`.
    pub id: String,
    /// What it wants to be called.
    pub name: String,
    /// A line about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its public key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The fingerprint of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Its profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// All that it says is sealed with the secret of a group.
    pub grouped: bool,
    /// The port of its unicast socket.
    pub port: u16,
    /// Whether the discovery port is open.
    pub discovery: bool,
    /// Peers that it knows now.
    pub peers: usize,
    /// Lines that nobody has read; none without a history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<u64>,
    /// Whether the history is kept.
    pub history: bool,
}

/// `GET /api/peers`: one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerObject {
    /// [`SCHEMA`].
    pub v: u32,
    /// Its id, `name@ip`.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// A line about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its public key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `unverified`, `new key`, `known`, `verified`.
    pub trust: String,
    /// `heard`, `live`, `quiet`, `away`.
    pub presence: String,
    /// Where it is, `ip:port`; none of one that is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Seconds since it was heard.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heard: Option<u64>,
    /// It is an older client.
    pub older: bool,
    /// The user blocked it.
    pub blocked: bool,
    /// Its posts are not shown.
    pub muted: bool,
    /// It has a picture.
    pub avatar: bool,
}

/// A text or another line of history: `GET /api/history`, `GET /api/search`, and the events `post` and `dm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineObject {
    /// [`SCHEMA`].
    pub v: u32,
    /// `post`, `dm` or `profile`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its row in the history: greater ones came later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<i64>,
    /// Its MESSAGE_ID.
    pub message: String,
    /// We wrote it.
    pub ours: bool,
    /// The other end: the author of what came in, the reader of a DM of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<PersonObject>,
    /// The text, whole.
    pub text: String,
    /// When, by the author's clock: RFC 3339.
    pub stamp: String,
    /// When, by our clock: RFC 3339.
    pub at: String,
    /// Nobody else could read it; of a DM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// `waiting`, `sent`, `acknowledged`, `received`, `stored`, `failed`; of a DM of ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Somebody has seen it.
    pub read: bool,
    /// Somebody else passed it on.
    pub late: bool,
}

/// The other end of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonObject {
    /// Its id, `name@ip`.
    pub id: String,
    /// What it was called.
    pub name: String,
    /// Its public key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `unverified`, `new key`, `known`, `verified`.
    pub trust: String,
}

/// What `POST /api/dms` and `POST /api/posts` answer, and `GET /api/messages/{id}`, and the event `mark`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentObject {
    /// [`SCHEMA`].
    pub v: u32,
    /// The MESSAGE_ID.
    pub message: String,
    /// Whom it is for; of a DM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<PersonObject>,
    /// How many it was sent to; of a post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<usize>,
    /// Nobody else can read it; of a DM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// See [`LineObject::mark`].
    pub mark: String,
    /// Why it waits, or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Any answer with a status of 400 and more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorObject {
    /// [`SCHEMA`].
    pub v: u32,
    /// One word: `usage`, `nobody`, `ambiguous`, `too-long`, `too-fast`, `forbidden`, `no-history`, `failed`...
    pub error: String,
    /// What is wrong and what to do, fit to be shown.
    pub message: String,
    /// Who may be meant, of an ambiguous name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<PeerObject>,
}

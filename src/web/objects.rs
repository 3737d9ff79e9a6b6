//! The JSON objects of the API, and of `--json`: the same everywhere (docs/api.md). A reader passes over fields that it
//! does not know; a field never changes its meaning without another [`SCHEMA`].
//!
//! Names, labels and statuses are fit to be shown. Texts are as their author wrote them: show them through
//! [`SafeLines`](crate::wire::SafeLines).

mod data;
mod network;
mod page;

use serde::{Deserialize, Serialize};

pub use data::*;
pub use network::*;
pub use page::*;

/// The version of all objects.
pub const SCHEMA: u32 = 1;

/// `GET /api/status`: the peer itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusObject {
    /// [`SCHEMA`].
    pub v: u32,
    /// `status`.
    #[serde(rename = "type")]
    pub kind: String,
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
    /// Whether there are shared lists here: the program was built with them, and the peer has a key.
    #[serde(default)]
    pub lists: bool,
}

/// `GET /api/peers`: one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerObject {
    /// [`SCHEMA`].
    pub v: u32,
    /// `peer`.
    #[serde(rename = "type")]
    pub kind: String,
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
    /// The name of that picture under `/avatars/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// What is said to it nobody else can read.
    #[serde(default)]
    pub private: bool,
    /// The way there and back when it last answered, microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub round_trip_us: Option<u64>,
    /// Our interface that leads to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
    /// How it is heard: `broadcast`, `unicast`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<String>,
    /// What names it and nobody else, wherever the API wants to know whom.
    pub who: String,
    /// In an event, what happened: `here`, `left`, `gone`, `quiet`, `back`, `profile`, `new-key`, `judged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
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
    /// In an event, somebody else passed it on, some time after it was written. The history does not tell.
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
    /// `sent`, in an event `mark`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The MESSAGE_ID.
    pub message: String,
    /// Whom it is for; of a DM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<PersonObject>,
    /// How many it was sent to; of a post.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peers: Option<usize>,
    /// Those it was not sent to, as it is longer than what their programs can take; of a post.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<PersonObject>,
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
    /// `error`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One word: `usage`, `nobody`, `ambiguous`, `refused`, `too-long`, `too-fast`, `forbidden`, `no-history`, `failed`...
    pub error: String,
    /// What is wrong and what to do, fit to be shown.
    pub message: String,
    /// How long to wait before another try, milliseconds; of `too-fast`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Who may be meant, of an ambiguous name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<PeerObject>,
}

/// What `POST /api/forget` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgottenObject {
    /// [`SCHEMA`].
    pub v: u32,
    /// `forgotten`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Lines that are gone from the history.
    pub lines: u64,
}

/// `GET /api/profile`, and what `PATCH /api/profile` answers: what we want to be called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileObject {
    /// [`SCHEMA`].
    pub v: u32,
    /// `profile`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Our id, `name@ip`.
    pub id: String,
    /// What we want to be called, if not by the name in the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A line about us.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Size of our picture, bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avatar: Option<usize>,
    /// The name of our picture under `/avatars/`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    /// Why this change is not kept for the next start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_kept: Option<String>,
}

/// What answers a request that has nothing else to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneObject {
    /// [`SCHEMA`].
    pub v: u32,
    /// `done`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// An event that is about nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewsObject {
    /// [`SCHEMA`].
    pub v: u32,
    /// `caught-up`: posts from before were told. `renamed`: our id changed. `cut-off`: most peers went quiet at once.
    /// `reload`: events are missing here, so what is shown is to be read anew. `read`: somebody has seen these rows.
    /// `forgotten`: lines are gone from the history.
    #[serde(rename = "type")]
    pub kind: String,
    /// Rows of the history; of `read`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<i64>,
    /// How many; of `caught-up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub posts: Option<usize>,
    /// Our new id; of `renamed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// What happened, of `GET /api/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum EventObject {
    /// `post`, `dm`.
    Line(Box<LineObject>),
    /// `peer`.
    Peer(Box<PeerObject>),
    /// `mark`.
    Mark(Box<SentObject>),
    /// `caught-up`, `renamed`, `cut-off`, `reload`, `read`, `forgotten`.
    News(NewsObject),
    /// `list`, `invited`.
    List(Box<ListObject>),
    /// `progress`.
    Progress(Box<ProgressObject>),
    /// `cache`.
    Cache(Box<CacheObject>),
    /// `message`.
    Message(Box<MessageObject>),
    /// `call`.
    Call(Box<CallObject>),
}

impl EventObject {
    /// Reads what an event of this name holds; none for a name of later versions.
    ///
    /// # Errors
    /// It is not what its name says.
    pub fn read(name: &str, data: &str) -> Option<Result<Self, serde_json::Error>> {
        Some(match name {
            "post" | "dm" => serde_json::from_str(data).map(Self::Line),
            "peer" => serde_json::from_str(data).map(Self::Peer),
            "mark" => serde_json::from_str(data).map(Self::Mark),
            "caught-up" | "renamed" | "cut-off" | "reload" | "read" | "forgotten" => {
                serde_json::from_str(data).map(Self::News)
            }
            "list" | "invited" => serde_json::from_str(data).map(Self::List),
            "progress" => serde_json::from_str(data).map(Self::Progress),
            "cache" => serde_json::from_str(data).map(Self::Cache),
            "message" => serde_json::from_str(data).map(Self::Message),
            "call" => serde_json::from_str(data).map(Self::Call),
            _ => return None,
        })
    }

    /// Its name: the `type` of the object.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Line(line) => &line.kind,
            Self::Peer(peer) => &peer.kind,
            Self::Mark(sent) => &sent.kind,
            Self::News(news) => &news.kind,
            Self::List(list) => &list.kind,
            Self::Progress(progress) => &progress.kind,
            Self::Cache(cache) => &cache.kind,
            Self::Message(message) => &message.kind,
            Self::Call(call) => &call.kind,
        }
    }
}

//! What the page needs besides what programs need: the way in, people in full, conversations, settings.

use serde::{Deserialize, Serialize};

use super::{LineObject, PeerObject, PersonObject};

/// What `POST /api/entry` answers: a way for a browser to come in, once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `entry`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The address of the page with a code in its fragment, which works once.
    pub url: String,
    /// For so many seconds.
    pub expires: u64,
}

/// What `POST /api/enter` answers, with a cookie for pictures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnteredObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `entered`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the page has to show as `X-Peer-Token`, until it leaves or the peer ends.
    pub token: String,
}

/// `GET /api/about`: somebody in full, or ourselves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AboutObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `about`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who; none of ourselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerObject>,
    /// The fingerprint of the key, in groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The digits that both of us see, in groups of five: the same on both screens if nobody stands between.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digits: Option<String>,
    /// Where it is heard, the best first; our own addresses of ourselves.
    pub paths: Vec<PathObject>,
    /// A link that adds and opens it on another computer of the network: `peer://connect/...`.
    pub link: String,
    /// That link as a QR code: rows of `1` for dark and `0` for light, without a margin.
    pub qr: Vec<String>,
}

/// One address of a peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathObject {
    /// The address, `ip:port`.
    pub address: String,
    /// It answered there.
    pub proven: bool,
    /// Our interface that leads there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
}

/// What `POST /api/reach` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReachedObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `reached`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who is there; none when nobody answered yet. The addresses are tried again at every beat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer: Option<PeerObject>,
    /// Who answers at these addresses instead: somebody else than the link is to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<PeerObject>,
    /// The addresses that are tried; none when that one is here already.
    pub tried: Vec<String>,
}

/// `GET /api/conversations`: what was said with one, or to everyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `conversation`.
    #[serde(rename = "type")]
    pub kind: String,
    /// With whom; none for what is said to everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<PersonObject>,
    /// What names that one, and nobody else, wherever the API wants to know whom: its key, or `label:` and its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Lines that nobody has read.
    pub unread: u64,
    /// The newest line, with at most 500 characters of its text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LineObject>,
}

/// `GET /api/settings`, and what `PATCH /api/settings` answers: the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsObject {
    /// [`SCHEMA`](super::SCHEMA).
    pub v: u32,
    /// `settings`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The file; what is changed in it holds from the next start on.
    pub file: String,
    /// Every key that it may have.
    pub settings: Vec<SettingObject>,
}

/// One key of the configuration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingObject {
    /// The key.
    pub key: String,
    /// What it does, a sentence.
    pub help: String,
    /// What holds in this run.
    pub values: Vec<String>,
    /// What said so: `option`, `environment`, `file`, `default`.
    pub source: String,
    /// What stands in the file; none where it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_file: Option<Vec<String>>,
    /// What holds where nothing says anything.
    pub default: Vec<String>,
    /// What its value looks like, such as `TIME`; empty for yes or no.
    pub value: String,
    /// It takes a list.
    pub list: bool,
}

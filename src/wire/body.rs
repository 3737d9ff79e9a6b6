//! What a sealed DM holds, as MessagePack (protocol.md §9.7).

use serde::{Deserialize, Serialize};

/// The inside of a letter or a session frame. Any text, line breaks included, survives whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedBody {
    /// The text.
    #[serde(rename = "t")]
    pub text: String,
    /// When, Unix seconds by the author's clock; a label.
    #[serde(rename = "at", default)]
    pub timestamp: u64,
}

impl SealedBody {
    /// The body as MessagePack: a map, so that keys can be added.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).unwrap_or_default()
    }

    /// Reads a body. Keys that are not known are passed over; `None` for anything that is no body.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        rmp_serde::from_slice(bytes).ok()
    }
}

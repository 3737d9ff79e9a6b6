//! What a sealed DM holds, as MessagePack (protocol.md §9.7).

use serde::{Deserialize, Serialize};

/// How deep the values of keys that are not known may be nested: the reader calls itself for each.
const DEPTH_MAX: usize = 16;

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

    /// Reads a body. Keys that are not known are passed over; `None` for anything that is not exactly one map with a
    /// text. Takes no more memory than `bytes` has.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if !matches!(bytes.first()?, 0x80..=0x8f | 0xde | 0xdf) {
            return None;
        }
        let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
        reader.set_max_depth(DEPTH_MAX);
        let body = Self::deserialize(&mut reader).ok()?;
        // Nothing may follow: the next value ends before it begins.
        let end = serde::de::IgnoredAny::deserialize(&mut reader);
        matches!(end, Err(rmp_serde::decode::Error::InvalidMarkerRead(_))).then_some(body)
    }
}

//! What a sealed DM holds, as MessagePack (protocol.md §9.7).

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{DATA_MAX, LONG_MAX, MessageId, PieceHash};

/// How deep the values of keys that are not known may be nested: the reader calls itself for each.
const DEPTH_MAX: usize = 16;

/// The inside of a letter or a session frame: a text, where a long text is to be pulled, an acknowledgement, or data.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SealedBody {
    /// The text. Any text, line breaks included, survives whole.
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// When, Unix seconds by the author's clock; a label.
    #[serde(rename = "at", default, skip_serializing_if = "is_zero")]
    pub timestamp: u64,
    /// A text that does not fit, in place of [`SealedBody::text`] (protocol.md §10.3).
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub long: Option<SealedLong>,
    /// What became of a message of the reader's (protocol.md §10.2).
    #[serde(rename = "ack", default, skip_serializing_if = "Option::is_none")]
    pub ack: Option<SealedAck>,
    /// Something of a data space, in place of a text (protocol.md §11.1).
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub data: Option<SealedData>,
}

/// Something of a data space, for one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SealedData {
    /// Which part of the data space it is for: a word of 1 to 16 letters.
    #[serde(rename = "of")]
    pub of: String,
    /// What it says.
    #[serde(rename = "b", default, skip_serializing_if = "Vec::is_empty", with = "plain")]
    pub bytes: Vec<u8>,
    /// Where it is, when it does not fit.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub long: Option<SealedLong>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Bytes as such, not as an array of numbers.
mod plain {
    use serde::de::{self, Visitor};
    use serde::{Deserializer, Serializer};

    struct Plain;

    impl Visitor<'_> for Plain {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        from.deserialize_bytes(Plain)
    }
}

/// A long text of a DM: its pieces are sealed with a key of their own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedLong {
    /// The hash of the piece that names the others.
    #[serde(rename = "h", serialize_with = "write_hash", deserialize_with = "read_hash")]
    pub root: PieceHash,
    /// Sealed bytes in all: 17 to 65,552, those of the text and 16 more.
    #[serde(rename = "n")]
    pub size: u32,
    /// What they are sealed with, used once.
    #[serde(rename = "k", serialize_with = "write_bytes", deserialize_with = "read_bytes")]
    pub key: [u8; 32],
}

/// An acknowledgement in a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedAck {
    /// Of which message: a MESSAGE_ID.
    #[serde(rename = "id")]
    pub message_id: String,
    /// It is on the disk of its reader, not only in its program.
    #[serde(rename = "s")]
    pub stored: bool,
}

impl SealedBody {
    /// The body of a short text.
    #[must_use]
    pub fn text(text: &str, timestamp: u64) -> Self {
        Self { text: text.to_owned(), timestamp, ..Self::default() }
    }

    /// The body as MessagePack: a map, so that keys can be added.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Keys, numbers and hashes, and room for the tag of the seal.
        const REST: usize = 128;

        let data = self.data.as_ref().map_or(0, |data| data.bytes.len());
        let mut out = Vec::with_capacity(self.text.len() + data + REST);
        match rmp_serde::encode::write_named(&mut out, self) {
            Ok(()) => out,
            Err(_) => Vec::new(),
        }
    }

    /// Reads a body. Keys that are not known are passed over; `None` for anything that is not exactly one map with one of
    /// a text, a long text, an acknowledgement and data, each within its limits. Takes no more memory than `bytes` has.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if !matches!(bytes.first()?, 0x80..=0x8f | 0xde | 0xdf) {
            return None;
        }
        let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
        reader.set_max_depth(DEPTH_MAX);
        let body = Self::deserialize(&mut reader).ok()?;
        let one = [!body.text.is_empty(), body.long.is_some(), body.ack.is_some(), body.data.is_some()];
        if one.iter().filter(|holds| **holds).count() != 1 {
            return None;
        }
        let good = body.long.as_ref().is_none_or(SealedLong::is_bounded)
            && body.ack.as_ref().is_none_or(SealedAck::is_well_formed)
            && body.data.as_ref().is_none_or(SealedData::is_well_formed);
        if !good {
            return None;
        }
        // Nothing may follow: the next value ends before it begins.
        let end = serde::de::IgnoredAny::deserialize(&mut reader);
        matches!(end, Err(rmp_serde::decode::Error::InvalidMarkerRead(_))).then_some(body)
    }
}

impl SealedLong {
    /// Bytes that sealing adds to a text.
    const OVERHEAD: usize = 16;

    fn is_bounded(&self) -> bool {
        self.is_bounded_by(LONG_MAX)
    }

    fn is_bounded_by(&self, max: usize) -> bool {
        (Self::OVERHEAD + 1..=Self::OVERHEAD + max).contains(&(self.size as usize))
    }
}

impl fmt::Debug for SealedLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedLong({} bytes, {})", self.size, self.root)
    }
}

impl SealedData {
    fn is_well_formed(&self) -> bool {
        let word = (1..=16).contains(&self.of.len()) && self.of.bytes().all(|byte| byte.is_ascii_lowercase());
        word && self.bytes.is_empty() == self.long.is_some()
            && self.long.as_ref().is_none_or(|long| long.is_bounded_by(DATA_MAX))
    }
}

impl SealedAck {
    fn is_well_formed(&self) -> bool {
        MessageId::new(&self.message_id).is_some_and(|id| id.as_str() == self.message_id)
    }
}

/// Exactly so many bytes. An array of numbers would take up to twice the space.
struct Bytes<const N: usize>;

impl<const N: usize> Visitor<'_> for Bytes<N> {
    type Value = [u8; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<[u8; N], E> {
        bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
    }
}

fn write_bytes<S: Serializer>(bytes: &[u8; 32], out: S) -> Result<S::Ok, S::Error> {
    out.serialize_bytes(bytes)
}

fn read_bytes<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 32], D::Error> {
    from.deserialize_bytes(Bytes)
}

fn write_hash<S: Serializer>(hash: &PieceHash, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_bytes(&hash.0)
}

fn read_hash<'de, D: Deserializer<'de>>(from: D) -> Result<PieceHash, D::Error> {
    from.deserialize_bytes(Bytes).map(PieceHash)
}

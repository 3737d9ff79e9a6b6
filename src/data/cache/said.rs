//! What caches say to one another, as MessagePack, always sealed (protocol.md §11.4).

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Key, ValueHash};

/// Deeper than anything that is said.
const DEPTH_MAX: usize = 8;

/// What a key is named by on the wire: who does not know the key learns nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct KeyId(pub(super) [u8; 32]);

impl KeyId {
    pub(super) fn of(key: &Key) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("lsnp cache key 1");
        hasher.update(&(key.namespace.len() as u64).to_be_bytes());
        hasher.update(key.namespace.as_bytes());
        hasher.update(key.name.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Said {
    /// Who has it? With a claim: and if nobody has, the lowest claim makes it.
    #[serde(rename = "ask")]
    Ask {
        /// Names the question.
        q: u64,
        k: Bytes32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        c: Option<u64>,
    },
    /// I have it.
    #[serde(rename = "have")]
    Have(Have),
    /// I have it not; with a claim, I want to make it too.
    #[serde(rename = "none")]
    Nothing {
        q: u64,
        k: Bytes32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        c: Option<u64>,
    },
    /// I make it.
    #[serde(rename = "making")]
    Making { q: u64, k: Bytes32 },
    /// Send me that value.
    #[serde(rename = "want")]
    Want { h: Bytes32 },
    /// That value.
    #[serde(rename = "value")]
    Value { h: Bytes32, v: Blob },
    /// That value does not come: not at all, or not now.
    #[serde(rename = "gone")]
    Gone {
        h: Bytes32,
        /// Ask again in a moment.
        #[serde(default)]
        w: bool,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Have {
    /// The question that it answers; 0 for none.
    pub(super) q: u64,
    pub(super) k: Bytes32,
    /// The hash of the value.
    pub(super) h: Bytes32,
    /// Its size, bytes.
    pub(super) s: u32,
    /// For how many milliseconds it is still good.
    pub(super) t: u64,
    /// Who put it in.
    pub(super) b: Bytes32,
    /// The port at which a stream gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) p: Option<u16>,
    /// The value itself, when it is small.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) v: Option<Blob>,
}

impl Said {
    pub(super) fn encode(&self) -> Vec<u8> {
        rmp_serde::to_vec_named(self).unwrap_or_default()
    }

    /// Takes no more memory than `bytes` has.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
        reader.set_max_depth(DEPTH_MAX);
        Self::deserialize(&mut reader).ok()
    }
}

/// 32 bytes, as such and not as an array of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bytes32(pub(super) [u8; 32]);

/// Bytes, as such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Blob(pub(super) Vec<u8>);

impl From<KeyId> for Bytes32 {
    fn from(id: KeyId) -> Self {
        Self(id.0)
    }
}

impl From<ValueHash> for Bytes32 {
    fn from(hash: ValueHash) -> Self {
        Self(hash.0)
    }
}

impl Serialize for Bytes32 {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_bytes(&self.0)
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_bytes(&self.0)
    }
}

struct Plain;

impl Visitor<'_> for Plain {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_bytes(Plain).map(Self)
    }
}

impl<'de> Deserialize<'de> for Bytes32 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let bytes = from.deserialize_bytes(Plain)?;
        let length = bytes.len();
        bytes.try_into().map(Self).map_err(|_| de::Error::invalid_length(length, &"32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_read() {
        let (k, h, b) = (Bytes32([1; 32]), Bytes32([2; 32]), Bytes32([3; 32]));
        let have = Have { q: 7, k, h, s: 3, t: 5_000, b, p: Some(9), v: Some(Blob(vec![1, 2, 3])) };
        let all = [
            Said::Ask { q: u64::MAX, k, c: Some(4) },
            Said::Ask { q: 1, k, c: None },
            Said::Have(have.clone()),
            Said::Have(Have { p: None, v: None, ..have }),
            Said::Nothing { q: 1, k, c: None },
            Said::Making { q: 0, k },
            Said::Want { h },
            Said::Value { h, v: Blob(vec![0; 60_000]) },
            Said::Gone { h, w: true },
        ];
        for said in all {
            let bytes = said.encode();
            assert_eq!(Said::decode(&bytes), Some(said));
            for end in (0..bytes.len()).step_by(7) {
                assert_eq!(Said::decode(&bytes[..end]), None, "cut at {end}");
            }
        }
        assert_eq!(Said::decode(b""), None);
        assert_eq!(Said::decode(&[0x81, 0xa3, b'a', b's', b'k', 0xdd, 0xff, 0xff, 0xff, 0xff]), None);
    }

    #[test]
    fn keys_do_not_run_into_one_another() {
        let key = |namespace: &str, name: &str| Key { namespace: namespace.into(), name: name.into() };
        assert_ne!(KeyId::of(&key("ab", "c")), KeyId::of(&key("a", "bc")));
        assert_eq!(KeyId::of(&key("a", "b")), KeyId::of(&key("a", "b")));
    }
}

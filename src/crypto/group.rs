//! The secret of a closed group (protocol.md §9.10).

use argon2::{Algorithm, Argon2, Params, Version};
use thiserror::Error;

use crate::engine::Secret;

/// The same for all, since all who have the text must get the same key.
const SALT: &[u8] = b"lsnp group secret 1";

/// Memory of the derivation, KiB.
const MEMORY: u32 = 64 * 1_024;

/// Passes over the memory.
const PASSES: u32 = 3;

/// What a new secret is written with: 5 bits a character, none of which is taken for another.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Characters of a new secret: 140 bits.
const LENGTH: usize = 28;

/// Why a text gave no group key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum GroupKeyError {
    /// Nothing stands in it but white space.
    #[error("the group secret is empty")]
    Empty,
    /// The derivation needs 64 MiB for a moment.
    #[error("not enough memory to work out the key of the group: 64 MiB are needed")]
    Memory,
}

/// The key of the group whose secret is `text`, white space around it left out: argon2id with 64 MiB and 3 passes,
/// which takes a good part of a second (protocol.md §9.10).
///
/// # Errors
/// [`GroupKeyError`] for an empty text, and when memory is short.
pub fn group_key(text: &str) -> Result<Secret, GroupKeyError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(GroupKeyError::Empty);
    }
    let mut key = Secret([0; 32]);
    Params::new(MEMORY, PASSES, 1, Some(key.0.len()))
        .and_then(|params| {
            let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon.hash_password_into(text.as_bytes(), SALT, &mut key.0)
        })
        .map_err(|_| GroupKeyError::Memory)?;
    Ok(key)
}

/// A strong secret that people can read to each other and type: 140 bits as 7 groups of 4 characters. `seed` comes from
/// the system's random source.
#[must_use]
pub fn new_group_secret(seed: [u8; 32]) -> String {
    let mut text = String::with_capacity(LENGTH + LENGTH / 4);
    for (at, byte) in seed.iter().take(LENGTH).enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push('-');
        }
        text.push(char::from(LETTERS[usize::from(byte % 32)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    /// OpenSSL gave the same.
    #[test]
    fn key_of_a_group_never_changes() {
        let key = group_key(" open sesame\r\n").unwrap();
        assert_eq!(HEXLOWER.encode(&key.0), "6d8d8cafcb441418d2c14a522539422b3e8d20a0e1f18e2387a1a4a633f49efa");
    }

    #[test]
    fn empty_text_makes_no_group() {
        for text in ["", " \t\r\n", "\u{3000}"] {
            assert_eq!(group_key(text).err(), Some(GroupKeyError::Empty));
        }
    }

    #[test]
    fn new_secret_can_be_typed_and_uses_every_letter() {
        assert_eq!(new_group_secret([0; 32]), "aaaa-aaaa-aaaa-aaaa-aaaa-aaaa-aaaa");
        let seed = std::array::from_fn(|at| u8::try_from(at * 7).unwrap());
        assert_eq!(new_group_secret(seed), "ahqx-6dkt-29gp-w5cj-sz8f-nv4b-iry7");
    }
}

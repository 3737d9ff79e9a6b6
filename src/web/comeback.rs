//! The key of a browser, by which its page comes back after the peer started anew (docs/api.md, The page's way in).

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

/// A point of P-256 as browsers write it, bytes.
const POINT: usize = 65;

/// What such a point begins with: it is not compressed.
const PLAIN: u8 = 4;

/// Whether this can be the key of a browser.
pub(super) fn is_key(text: &str) -> bool {
    decoded(text).is_some_and(|key| key.len() == POINT && key[0] == PLAIN)
}

/// Whether the owner of this key signed that it comes back to this host, at this start of the peer.
pub(super) fn is_proven(key: &str, proof: &str, host: &str, start: &str) -> bool {
    let (Some(key), Some(proof)) = (decoded(key), decoded(proof)) else { return false };
    let said = format!("peer page\n{host}\n{start}");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).verify(said.as_bytes(), &proof).is_ok()
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok()
}

//! Progress that travels by itself: one signed datagram from a command to a listener's port, with no peer at either end
//! (protocol.md §11.5).

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::crypto::KeyPair;
use crate::data::board::Progress;
use crate::engine::{Channel, Crypto};
use crate::wire::{
    self, Data, DataBody, Envelope, Extension, Message, Octets, PublicKey, SIGNED_DOMAIN, Safe, decode as decode_any,
};

/// Most characters of a user, a lesson and a status.
const LONGEST: usize = 64;

/// Largest datagram, bytes: the widest progress and what stands around it.
pub(super) const DATAGRAM: usize = 1_400;

/// The body, as on the board, but without what only the board knows.
#[derive(Serialize, Deserialize)]
struct Body<'a> {
    v: u8,
    user: std::borrow::Cow<'a, str>,
    lesson: std::borrow::Cow<'a, str>,
    status: std::borrow::Cow<'a, str>,
    at: u64,
}

/// What is wrong with a text of a progress, for the user.
pub(super) fn fault(what: &str, text: &str) -> Option<String> {
    let count = text.chars().count();
    let can = (1..=LONGEST).contains(&count) && text.trim() == text && !Safe::changes(text);
    (!can).then(|| format!("{what} takes 1 to {LONGEST} characters that can be shown, without spaces at the ends"))
}

fn is_fit(progress: &Progress) -> bool {
    [&progress.user, &progress.lesson, &progress.status].into_iter().all(|text| fault("", text).is_none())
}

/// Writes and signs one.
pub(super) fn encode(progress: &Progress, key: &KeyPair, seed: [u8; 32]) -> Vec<u8> {
    use rand::Rng;
    let mut random = StdRng::from_seed(seed);
    let Progress { user, lesson, status, at } = progress;
    let body = Body { v: 1, user: user.into(), lesson: lesson.into(), status: status.into(), at: *at };
    let body = crate::web::json(&body);
    let extension = Extension { sid: Some(Octets(random.next_u64())), ..Extension::default() };
    let mut out = Vec::with_capacity(DATAGRAM);
    Data { of: Channel::Board.word(), body: DataBody::Text(&body) }.encode(&extension, &mut out);
    // Never ahead of what a peer with this key signs: whoever passes it on must not make that look old.
    wire::seal(&mut out, &key.public_key(), 0, random.next_u32(), |bytes| key.sign(SIGNED_DOMAIN, bytes));
    out
}

/// Reads one; none unless it is whole, signed and fit to be shown.
pub(super) fn decode(bytes: &[u8]) -> Option<(PublicKey, Progress)> {
    let bytes = bytes.get(..).filter(|bytes| bytes.len() <= DATAGRAM)?;
    let Message::Data(data) = decode_any(bytes).ok()?.message else { return None };
    let DataBody::Text(text) = data.body else { return None };
    if data.of != Channel::Board.word() {
        return None;
    }
    let Body { v: 1, user, lesson, status, at } = serde_json::from_str(text).ok()? else { return None };
    let progress = Progress { user: user.into(), lesson: lesson.into(), status: status.into(), at };
    if !is_fit(&progress) {
        return None;
    }
    // Last: nothing else takes as long.
    let envelope = Envelope::of(bytes).ok()?;
    let any = KeyPair::new(&crate::engine::Secret([1; 32]));
    let signed = any.verify(&envelope.key, SIGNED_DOMAIN, envelope.signed, &envelope.signature);
    signed.then_some((envelope.key, progress))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Secret;

    fn progress(user: &str) -> Progress {
        Progress { user: user.into(), lesson: "lesson-001".into(), status: "completed".into(), at: 1_700_000_000 }
    }

    #[test]
    fn it_comes_back_as_it_was_sent_with_its_author() {
        let key = KeyPair::new(&Secret([7; 32]));
        for user in ["fatuma", "فاطمة", "\"q\" \\ 'x'", &"👩".repeat(64)] {
            let sent = progress(user);
            let datagram = encode(&sent, &key, [3; 32]);
            assert!(datagram.len() <= DATAGRAM, "{}", datagram.len());
            assert_eq!(decode(&datagram), Some((key.public_key(), sent)), "{user}");
        }
    }

    #[test]
    fn what_was_changed_on_its_way_or_cannot_be_shown_is_refused() {
        let key = KeyPair::new(&Secret([7; 32]));
        let good = encode(&progress("fatuma"), &key, [3; 32]);
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(decode(&bad), None, "byte {at}");
            assert_eq!(decode(&good[..at]), None, "cut at {at}");
        }
        for user in ["", " ", " a", "a ", "a\u{1b}[2Jb", "a\u{202e}b", "a\nb", &"x".repeat(65)] {
            assert_eq!(decode(&encode(&progress(user), &key, [3; 32])), None, "{user:?}");
            assert!(fault("user", user).is_some(), "{user:?}");
        }
        assert_eq!(decode(&vec![b'x'; 65_000]), None);
    }
}

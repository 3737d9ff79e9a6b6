//! Whom a user means.

use super::{Peer, Peers};

/// A peer by what a user typed: an id, a name, a display name in quotes, or the unique beginning of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who<'a> {
    text: &'a str,
    quoted: bool,
}

/// Nobody, or more than one, is called that.
#[derive(Debug, Clone)]
pub enum WhoError {
    /// Nobody is.
    Nobody,
    /// These are, by id.
    Ambiguous(Vec<Peer>),
}

impl<'a> Who<'a> {
    /// Takes the first word of a line, or what stands in quotes at its beginning; returns the rest as well.
    #[must_use]
    pub fn split(line: &'a str) -> Option<(Self, &'a str)> {
        let line = line.trim_start();
        if let Some(after) = line.strip_prefix('"') {
            let (text, rest) = after.split_once('"')?;
            return (!text.is_empty()).then(|| (Self { text, quoted: true }, rest.trim_start()));
        }
        let (text, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        (!text.is_empty()).then(|| (Self { text, quoted: false }, rest.trim_start()))
    }

    /// What was typed.
    #[must_use]
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The one peer that is meant. The exact id goes before the exact name or display name, that before the same in
    /// other letters' case, that before a beginning.
    ///
    /// # Errors
    /// [`WhoError`]; a name that two peers share is never resolved by guessing.
    pub fn resolve(&self, peers: &Peers) -> Result<Peer, WhoError> {
        self.among(peers.snapshot())
    }

    /// The same among these peers.
    ///
    /// # Errors
    /// As [`Who::resolve`].
    pub fn among(&self, peers: Vec<Peer>) -> Result<Peer, WhoError> {
        let text = self.text;
        let lower = text.to_lowercase();
        let ranks: [&dyn Fn(&Peer) -> bool; 4] = [
            &|p| !self.quoted && p.raw_id() == text,
            &|p| (!self.quoted && p.raw_name() == text) || p.raw_display_name() == Some(text),
            &|p| {
                (!self.quoted && [p.raw_id(), p.raw_name()].iter().any(|n| n.to_lowercase() == lower))
                    || p.shown_name().as_str().to_lowercase() == lower
            },
            &|p| {
                (!self.quoted && p.raw_id().to_lowercase().starts_with(&lower))
                    || p.shown_name().as_str().to_lowercase().starts_with(&lower)
            },
        ];
        for rank in ranks {
            let mut found: Vec<Peer> = peers.iter().filter(|p| rank(p)).cloned().collect();
            match found.len() {
                0 => {}
                1 => return found.pop().ok_or(WhoError::Nobody),
                _ => return Err(WhoError::Ambiguous(found)),
            }
        }
        Err(WhoError::Nobody)
    }
}

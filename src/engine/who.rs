//! Whom a user means.

use std::borrow::Cow;
use std::net::SocketAddrV4;
use std::sync::LazyLock;

use crate::wire::{PublicKey, Safe, skeleton};

use super::{Contact, Peer, Peers, Trust};

/// A peer by what a user typed: an id, a name, a display name in quotes, the unique beginning of one, or a name with
/// the beginning of its fingerprint, `bob#7f3a`, or that alone, `#7f3a`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who<'a> {
    text: &'a str,
    quoted: bool,
}

/// Nobody, or more than one, is called that.
#[derive(Debug, Clone)]
pub enum WhoError<T = Peer> {
    /// Nobody is.
    Nobody,
    /// These are, in their order.
    Ambiguous(Vec<T>),
}

/// What somebody goes by.
#[derive(Debug, Clone)]
pub struct Called<'a> {
    /// The label, as it travels.
    pub id: Cow<'a, str>,
    /// The name in the label.
    pub name: &'a str,
    /// What it wants to be called.
    pub display_name: Option<&'a str>,
    /// Its identity.
    pub key: Option<PublicKey>,
    /// The user compared the digits.
    pub verified: bool,
}

impl Called<'_> {
    /// What stands on a screen: the display name, else the name.
    fn shown(&self) -> &str {
        let shows = |name: &&str| !Safe::called(name, SHOWN).as_str().trim().is_empty();
        self.display_name.filter(shows).unwrap_or(self.name)
    }
}

/// Somebody whom a user can name.
pub trait Named {
    /// What it goes by.
    fn called(&self) -> Called<'_>;

    /// Whether that is where it is.
    fn is_at(&self, address: SocketAddrV4) -> bool;
}

impl Named for Peer {
    fn called(&self) -> Called<'_> {
        Called {
            id: self.raw_id().into(),
            name: self.raw_name(),
            display_name: self.raw_display_name(),
            key: self.key(),
            verified: self.trust() == Trust::Verified,
        }
    }

    fn is_at(&self, address: SocketAddrV4) -> bool {
        self.paths().iter().any(|(path, _)| *path == address)
    }
}

impl Named for Contact {
    fn called(&self) -> Called<'_> {
        Called {
            id: format!("{}@{}", self.name, self.ip).into(),
            name: &self.name,
            display_name: self.display_name.as_deref(),
            key: Some(self.key),
            verified: self.verified,
        }
    }

    fn is_at(&self, _: SocketAddrV4) -> bool {
        false
    }
}

/// Columns of a name on a screen.
const SHOWN: usize = 32;

/// The form in which names that look alike on a screen are the same: as they are shown, without blanks, as a
/// [`skeleton`].
#[must_use]
pub fn look(name: &str) -> String {
    let name = Safe::called(name, SHOWN);
    if !name.as_str().is_ascii() {
        return blankless(name.as_str());
    }
    // Most names are plain, and there may be thousands.
    static PLAIN: LazyLock<[String; 128]> = LazyLock::new(|| {
        std::array::from_fn(|c| {
            u8::try_from(c).map_or_else(|_| String::new(), |c| blankless(&char::from(c).to_string()))
        })
    });
    name.as_str().bytes().filter_map(|b| PLAIN.get(usize::from(b))).map(String::as_str).collect()
}

fn blankless(name: &str) -> String {
    skeleton(name).chars().filter(|c| !c.is_whitespace()).collect()
}

impl<'a> Who<'a> {
    /// Fewest digits of a fingerprint that name somebody.
    const DIGITS: usize = 4;

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

    /// The one peer that is meant: see [`Who::among`].
    ///
    /// # Errors
    /// [`WhoError`]; a name that two peers share is never resolved by guessing.
    pub fn resolve(&self, peers: &Peers) -> Result<Peer, WhoError> {
        self.among(peers.snapshot())
    }

    /// The one of these that is meant. The exact id goes before a name or display name that looks the same, that before
    /// a beginning. Where several have the name, and exactly one of them is verified, it is that one.
    ///
    /// Digits of a fingerprint after a `#` leave only those with that key; where there is none, the `#` is part of the
    /// name.
    ///
    /// # Errors
    /// [`WhoError`]; nobody is guessed.
    pub fn among<T: Named>(&self, people: Vec<T>) -> Result<T, WhoError<T>> {
        let people = match self.fingerprint() {
            None => people,
            Some((name, digits)) => {
                let has = |person: &T| {
                    let key = person.called().key;
                    key.is_some_and(|key| key.fingerprint().hex().starts_with(&digits))
                };
                let (keyed, others): (Vec<T>, Vec<T>) = people.into_iter().partition(has);
                let named = Self { text: name, quoted: self.quoted };
                match if name.is_empty() { one(keyed) } else { named.called_so(keyed, false) } {
                    // Names with a `#` in them are rare, but somebody may have one.
                    Err(WhoError::Nobody) => others,
                    found => return found,
                }
            }
        };
        self.called_so(people, true)
    }

    /// The name and the digits of `name#7f3a`.
    fn fingerprint(&self) -> Option<(&'a str, String)> {
        let (name, digits) = self.text.rsplit_once('#')?;
        let hex = (Self::DIGITS..=32).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| (name, digits.to_ascii_lowercase()))
    }

    fn called_so<T: Named>(&self, people: Vec<T>, prefer_verified: bool) -> Result<T, WhoError<T>> {
        let lower = self.text.to_lowercase();
        let looks = look(self.text);
        // What has an `@` is an id, or no name that anybody may have.
        let by_id = !self.quoted && self.text.contains('@');
        let same = |called: &Called<'_>| {
            let by_name = !self.quoted && look(called.name) == looks;
            !by_id && !looks.is_empty() && (by_name || look(called.shown()) == looks)
        };
        let begins = |text: &str| text.to_lowercase().starts_with(&lower);
        let ranks: [&dyn Fn(&Called<'_>) -> bool; 4] = [
            &|called| by_id && called.id == self.text,
            &|called| by_id && called.id.to_lowercase() == lower,
            &same,
            &|called| (!self.quoted && begins(&called.id)) || (!by_id && begins(Safe::line(called.shown()).as_str())),
        ];
        for (at, rank) in ranks.iter().enumerate() {
            let mut fit: Vec<bool> = people.iter().map(|person| rank(&person.called())).collect();
            let verified = |person: &T| person.called().verified;
            let sure = || people.iter().zip(&fit).filter(|(person, fit)| **fit && verified(person)).count() == 1;
            // A beginning is no name.
            if prefer_verified && at < 3 && sure() {
                fit = people.iter().zip(fit).map(|(person, fit)| fit && verified(person)).collect();
            }
            if fit.contains(&true) {
                return one(people.into_iter().zip(fit).filter_map(|(person, fit)| fit.then_some(person)).collect());
            }
        }
        Err(WhoError::Nobody)
    }
}

/// The only one.
fn one<T>(mut people: Vec<T>) -> Result<T, WhoError<T>> {
    match people.len() {
        0 => Err(WhoError::Nobody),
        1 => people.pop().ok_or(WhoError::Nobody),
        _ => Err(WhoError::Ambiguous(people)),
    }
}

#[cfg(test)]
mod tests;

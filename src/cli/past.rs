//! Lines of history as they are shown: the same from the store and from the API.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Zoned;
use jiff::tz::TimeZone;

use crate::engine::{Kind, Mark, RowId, Trust, look};
use crate::store::Line;
use crate::web::LineObject;
use crate::wire::{PublicKey, Safe};

/// One line of history.
#[derive(Debug, Clone)]
pub(super) struct Past {
    pub(super) row: Option<RowId>,
    pub(super) kind: Kind,
    pub(super) ours: bool,
    pub(super) with: Option<Whose>,
    pub(super) text: String,
    /// When, by our clock.
    pub(super) at: Zoned,
    /// What became of a DM of ours: its word, and why it failed.
    pub(super) mark: Option<(String, Option<String>)>,
    pub(super) unread: bool,
}

/// The other end, as it was then.
#[derive(Debug, Clone)]
pub(super) struct Whose {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) key: Option<PublicKey>,
    pub(super) trust: Trust,
}

impl From<&Line> for Past {
    fn from(line: &Line) -> Self {
        let reason = |mark: &Mark| match mark {
            Mark::Failed(why) => Some(why.to_string()),
            Mark::Waiting | Mark::Sent | Mark::Acknowledged | Mark::Received | Mark::Stored => None,
        };
        Self {
            row: Some(line.row),
            kind: line.kind,
            ours: line.ours,
            with: line.with.as_ref().map(|with| Whose {
                id: with.user_id.clone(),
                name: with.name.clone(),
                key: with.key,
                trust: with.trust,
            }),
            text: line.text.clone(),
            at: local(i64::try_from(line.at).unwrap_or_default()),
            mark: line.mark.as_ref().map(|mark| (mark.word().to_owned(), reason(mark))),
            unread: !line.read && !line.ours,
        }
    }
}

impl From<&LineObject> for Past {
    fn from(line: &LineObject) -> Self {
        let trust = |word: &str| match word {
            "verified" => Trust::Verified,
            "new key" => Trust::Changed,
            "known" => Trust::Known,
            _ => Trust::Unsigned,
        };
        Self {
            row: line.row.map(RowId),
            kind: match line.kind.as_str() {
                "post" => Kind::Post,
                "dm" => Kind::Dm { private: line.private.unwrap_or_default() },
                _ => Kind::Profile,
            },
            ours: line.ours,
            with: line.with.as_ref().map(|with| Whose {
                id: with.id.clone(),
                name: with.name.clone(),
                key: with.key.as_deref().and_then(PublicKey::parse),
                trust: trust(&with.trust),
            }),
            text: line.text.clone(),
            at: line.at.parse::<jiff::Timestamp>().unwrap_or_default().to_zoned(TimeZone::system()),
            mark: line.mark.clone().map(|mark| (mark, line.reason.clone())),
            unread: !line.read && !line.ours,
        }
    }
}

fn local(seconds: i64) -> Zoned {
    jiff::Timestamp::from_second(seconds).unwrap_or_default().to_zoned(TimeZone::system())
}

impl Whose {
    /// The name alone, as it is shown.
    fn shown(&self) -> Safe {
        let name = Safe::called(&self.name, 32);
        if !name.as_str().trim().is_empty() {
            return name;
        }
        Safe::called(self.id.rsplit_once('@').map_or(self.id.as_str(), |(name, _)| name), 32)
    }
}

/// What people of the past are called, so that no two of some lines can be taken for one another.
#[derive(Debug)]
pub(super) struct Cast {
    looks: BTreeMap<String, BTreeSet<String>>,
}

impl Cast {
    pub(super) fn of(lines: &[Past]) -> Self {
        let mut looks: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for with in lines.iter().filter_map(|line| line.with.as_ref()) {
            let who = with.key.map_or_else(|| with.id.clone(), |key| key.to_string());
            looks.entry(look(with.shown().as_str())).or_default().insert(who);
        }
        Self { looks }
    }

    /// The name, with what tells it from others, and the word that says what was known of who it is.
    pub(super) fn label(&self, whose: &Whose) -> String {
        let name = whose.shown();
        let shared = self.looks.get(&look(name.as_str())).is_some_and(|same| same.len() > 1);
        let marked = shared || whose.trust == Trust::Changed;
        let digits = whose.key.filter(|_| marked).map(|key| format!("#{}", key.fingerprint().short()));
        let words = [
            (whose.key.is_none() && shared).then(|| Safe::fitted(&whose.id, 60).as_str().to_owned()),
            whose.key.is_none().then(|| "unverified".to_owned()),
            (whose.trust == Trust::Changed).then(|| "new key".to_owned()),
        ];
        let words: Vec<String> = words.into_iter().flatten().collect();
        let words = if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) };
        format!("{name}{}{words}", digits.unwrap_or_default())
    }

    /// The name for a column beside the id.
    pub(super) fn short(&self, whose: &Whose) -> String {
        self.label(whose)
    }
}

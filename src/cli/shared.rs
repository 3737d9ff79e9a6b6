//! What others do with lists and on the board, as the prompt tells it: one quiet line a thing, and few of them at a time.

use std::time::Duration;

use crate::data::{Event, board, list};
use crate::engine::{Instant, Peer};
use crate::wire::{PublicKey, Safe};

use super::names::Names;
use super::render::Render;
use super::render::data::done;
use super::shown::{Shown, Tone};
use crate::web::ChangeObject;

/// So many lines in this time; what is more is told together.
const LINES: u32 = 5;
const WINDOW: Duration = Duration::from_secs(10);

/// Most columns of a text of somebody else in a line.
const TEXT: usize = 60;

/// What the prompt tells of the data space.
#[derive(Debug, Default)]
pub(super) struct Shared {
    me: Option<PublicKey>,
    told: u32,
    more: u32,
    until: Option<Instant>,
}

/// A line, before it has a form.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    kind: &'static str,
    id: String,
    name: String,
    text: String,
    /// The user is to do something, or is surprised.
    loud: bool,
}

impl Shared {
    /// What is our own doing is not told.
    pub(super) fn me(&mut self, me: Option<PublicKey>) {
        self.me = me;
    }

    /// The line about it, if there is one now.
    pub(super) fn happened(
        &mut self,
        event: &Event,
        peers: impl Fn() -> Vec<Peer>,
        names: &Names,
        render: Render,
        now: Instant,
    ) -> Option<Shown> {
        let called = |key: &PublicKey| {
            let peer = peers().into_iter().find(|peer| peer.key().as_ref() == Some(key));
            peer.as_ref().map_or_else(|| format!("#{}", key.fingerprint().short()), |peer| names.label(peer))
        };
        let told = self.told(event, &called)?;
        self.takes(now).then(|| line(render, &told))
    }

    /// When the line about the others is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.until.filter(|_| self.more > 0)
    }

    /// The line about the others, if it is due.
    pub(super) fn summary(&mut self, now: Instant) -> Option<String> {
        self.due().filter(|due| *due <= now)?;
        let more = std::mem::take(&mut self.more);
        (self.told, self.until) = (0, None);
        let changes = if more == 1 { "change" } else { "changes" };
        Some(format!("{more} more {changes} of lists and progress; see: peer share list, peer progress board"))
    }

    fn takes(&mut self, now: Instant) -> bool {
        if self.until.is_none_or(|until| until <= now && self.more == 0) {
            (self.told, self.until) = (0, Some(now + WINDOW));
        }
        let takes = self.told < LINES;
        if takes {
            self.told += 1
        } else {
            self.more = self.more.saturating_add(1)
        }
        takes
    }

    fn told(&self, event: &Event, called: &dyn Fn(&PublicKey) -> String) -> Option<Told> {
        match event {
            Event::List(list::Event::Invited(list)) => {
                let by = called(list.invited_by.as_ref().unwrap_or(&list.creator));
                let name = shown(&list.name);
                let text = format!("{by} invites you to the list {name}: peer share join {}", list.id);
                Some(Told { kind: "INVITED", id: list.id.to_string(), name, text, loud: true })
            }
            Event::List(list::Event::Changed { list, by, change }) if self.me != Some(*by) => {
                let change = object(change, called);
                let (by, name) = (called(by), shown(&list.name));
                let loud = change.what == "returned";
                let text = if loud {
                    let text = Safe::fitted(change.text.as_deref().unwrap_or_default(), TEXT);
                    format!("\"{text}\" is back on {name}: {by} moved it while it was removed, and what is moved stays")
                } else {
                    format!("{name}: {by} {}", done(&change))
                };
                Some(Told { kind: "CHANGE", id: list.id.to_string(), name, text, loud })
            }
            Event::Board(board::Event::Told { entry, newest: true, late: false }) if self.me != Some(entry.by) => {
                let board::Progress { user, lesson, status, .. } = &entry.progress;
                let (user, lesson, status) = (shown(user), shown(lesson), shown(status));
                let text = format!("{user} {lesson}: {status} (said by {})", called(&entry.by));
                Some(Told { kind: "PROGRESS", id: user, name: lesson, text, loud: false })
            }
            Event::List(_) | Event::Board(_) | Event::Cache(_) | Event::Message(_) => None,
        }
    }
}

fn line(render: Render, told: &Told) -> Shown {
    if render.pipe {
        return Shown::row(told.kind, &told.id, &told.name, &told.text);
    }
    let tone = if told.loud { Tone::Plain } else { Tone::Faint };
    Shown::line(render.color, &[(tone, &told.text)])
}

fn shown(text: &str) -> String {
    Safe::called(text, TEXT).as_str().to_owned()
}

fn object(change: &list::Change, called: &dyn Fn(&PublicKey) -> String) -> ChangeObject {
    use list::Change;
    let author = |key: &PublicKey| crate::web::AuthorObject {
        key: key.to_string(),
        name: called(key),
        who: String::new(),
        trust: None,
        ours: false,
    };
    let (what, text, place, whom) = match change {
        Change::Created => ("created", None, None, None),
        Change::Added { text, at, .. } => ("added", Some(text), Some(at + 1), None),
        Change::Moved { text, to, .. } => ("moved", Some(text), Some(to + 1), None),
        Change::Changed { text, .. } => ("changed", Some(text), None, None),
        Change::Removed { text, .. } => ("removed", Some(text), None, None),
        Change::Returned { text, .. } => ("returned", Some(text), None, None),
        Change::Invited(key) => ("invited", None, None, Some(author(key))),
        Change::Opened => ("opened", None, None, None),
        Change::Joined => ("joined", None, None, None),
        Change::Left => ("left", None, None, None),
    };
    ChangeObject { what: what.to_owned(), item: None, text: text.cloned(), place, whom }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::list::{Change, ItemId, ListId, Standing, Summary};
    use crate::engine::sample::key;

    fn list() -> Summary {
        Summary {
            id: ListId([1; 16]),
            name: "party".into(),
            creator: key(1),
            standing: Standing::Invited,
            invited_by: Some(key(1)),
            items: 1,
            members: 2,
            open: false,
        }
    }

    fn changed(by: PublicKey, change: Change) -> Event {
        Event::List(list::Event::Changed { list: list(), by, change })
    }

    fn at(milliseconds: u64) -> Instant {
        Instant::from_nanos(milliseconds * 1_000_000)
    }

    #[test]
    fn what_others_do_is_told_and_what_we_do_is_not() {
        let mut shared = Shared::default();
        shared.me(Some(key(2)));
        let told = |event: &Event| shared.told(event, &|_| "alice".to_owned()).map(|told| told.text);
        let added = || Change::Added { item: ItemId(1), text: "a\u{1b}[2Jb".into(), at: 2 };
        assert_eq!(told(&changed(key(1), added())).unwrap(), "party: alice added \"a[2Jb\" at place 3");
        assert_eq!(told(&changed(key(2), added())), None);
        let back = told(&changed(key(1), Change::Returned { item: ItemId(1), text: "milk".into() })).unwrap();
        assert!(back.starts_with("\"milk\" is back on party: alice moved it"), "{back}");
        let invited = told(&Event::List(list::Event::Invited(list()))).unwrap();
        assert!(invited.ends_with(&format!("peer share join {}", list().id)), "{invited}");
    }

    #[test]
    fn a_flood_is_a_few_lines_and_one_about_the_others() {
        let mut shared = Shared::default();
        let told = (0..500).filter(|n| shared.takes(at(*n))).count();
        assert_eq!((told, shared.due()), (5, Some(at(10_000))));
        assert_eq!(shared.summary(at(9_999)), None);
        assert!(shared.summary(at(10_000)).unwrap().starts_with("495 more changes"));
        assert!(shared.takes(at(10_001)) && shared.due().is_none());
        assert_eq!((0..5).filter(|n| shared.takes(at(30_000 + n))).count(), 5, "after a while all are told again");
    }
}

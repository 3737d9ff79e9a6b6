//! What was said before: HISTORY, SEARCH, FORGET.

use std::time::Duration;

use crate::engine::{Command, Person, RowId, WhoError, find};
use crate::store::{Forget, History, Line, Query, StoreError};
use crate::wire::{PublicKey, Safe};

use super::line::Question;
use super::past::Past;
use super::render::{self, grouped};
use super::session::{Acted, Session};

/// Lines that are shown where no count is given.
const PAGE: u32 = 20;

/// Most lines of one command: more do not fit on any screen.
const MOST: u32 = 10_000;

/// Unread lines that are shown at a time.
const UNREAD: usize = 200;

/// What was shown just now is noted as read within this time, if the disk is not slow.
const NOTED: Duration = Duration::from_millis(500);

/// With whom.
struct Other {
    key: Option<PublicKey>,
    label: String,
    name: String,
}

impl Session {
    pub(super) async fn recall(&mut self, who: Option<&str>, count: Option<u32>) {
        let other = match who {
            None => None,
            Some(who) => match self.other(who).await {
                Some(other) => Some(other),
                None => return,
            },
        };
        let count = count.unwrap_or(PAGE).min(MOST);
        let query = Query { limit: Some(count), ..with(other.as_ref()) };
        let Some(lines) = self.read(move |history| history.lines(&query)).await else { return };
        if lines.is_empty() {
            let with = other.map(|other| format!(" with {}", other.name)).unwrap_or_default();
            self.info(&format!("Nothing was said{with} as far as the history goes")).await;
            return;
        }
        self.show_past(&lines).await;
    }

    pub(super) async fn recall_unread(&mut self) {
        if let Some(reading) = &self.reading {
            reading.settle(NOTED).await;
        }
        let query = Query { unread: true, ..Query::default() };
        let some = self.read(move |history| {
            let mut lines = Vec::new();
            history.each(&query, &mut |line| {
                lines.push(line);
                lines.len() < UNREAD
            })?;
            Ok((lines, history.unread()?))
        });
        let Some((lines, count)) = some.await else { return };
        if lines.is_empty() {
            self.info("You have seen everything").await;
            return;
        }
        self.show_past(&lines).await;
        let more = usize::try_from(count).unwrap_or_default().saturating_sub(lines.len());
        if more > 0 {
            self.info(&format!("{} more are unread: HISTORY UNREAD shows the next", grouped(more))).await;
        }
    }

    pub(super) async fn search(&mut self, words: &str) {
        let query = Query { words: Some(words.to_owned()), limit: Some(PAGE), ..Query::default() };
        let Some(lines) = self.read(move |history| history.lines(&query)).await else { return };
        if lines.is_empty() {
            self.info(&format!("Nothing was said with: {}", Safe::fitted(words, 60))).await;
            return;
        }
        self.show_past(&lines).await;
    }

    /// Asks, at a terminal, before all with somebody is removed.
    pub(super) async fn forget(&mut self, who: &str) -> Acted {
        let Some(other) = self.other(who).await else { return Acted::Done };
        let (name, what) = (other.name, other.key.map_or(Forget::WithLabel(other.label), Forget::With));
        if self.render.pipe {
            self.forgo(&what, &name, true).await;
            return Acted::Done;
        }
        self.info(&format!("All posts of {name} and all DMs with it are removed from the history here")).await;
        Acted::Ask(Question::Forgo { what, name })
    }

    pub(super) async fn forgo(&mut self, what: &Forget, name: &str, yes: bool) {
        if !yes {
            self.info("Nothing was removed").await;
            return;
        }
        let wanted = what.clone();
        let Some(forgotten) = self.read(move |history| history.forget(&wanted)).await else { return };
        let with = if let Forget::With(key) = what { Some(*key) } else { None };
        // After the end of the peer nothing is passed on anyway.
        let _ = self.handle.command(Command::Forget { posts: forgotten.posts, with }).await;
        let lines = usize::try_from(forgotten.lines).unwrap_or(usize::MAX);
        self.info(&format!("Forgotten: {} lines with {name}", grouped(lines))).await;
    }

    /// Shows lines; they count as read.
    async fn show_past(&mut self, lines: &[Line]) {
        let past: Vec<Past> = lines.iter().map(Past::from).collect();
        self.screen.show_all(self.render.past(&past)).await;
        self.seen(past.iter().filter(|line| line.unread).filter_map(|line| line.row));
    }

    /// These lines are on their way to the screen.
    pub(super) fn seen(&self, rows: impl IntoIterator<Item = RowId>) {
        if let Some(reading) = &self.reading {
            reading.shown(rows);
        }
    }

    /// Reads the history where that stops nobody; none after a line that says why not.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&History) -> Result<T, StoreError> + Send + 'static,
    ) -> Option<T> {
        let Some(history) = self.history.clone() else {
            self.error("Nothing is kept of what is said: there is no history").await;
            return None;
        };
        match tokio::task::spawn_blocking(move || read(&history)).await {
            Ok(Ok(what)) => return Some(what),
            Ok(Err(error)) => self.error(&super::host::sentence(&error.to_string())).await,
            Err(_) => self.error("The history cannot be read").await,
        }
        None
    }

    /// Who is meant, here or not; somebody without a key who is gone goes by its id.
    async fn other(&self, typed: &str) -> Option<Other> {
        let found = find(typed, self.people().await, |person| !person.is_blocked());
        match found {
            Ok(person) => {
                let name = person.full(&self.names);
                Some(Other { key: person.key(), label: person.id(), name })
            }
            Err(WhoError::Nobody) if typed.contains('@') => {
                let name = Safe::fitted(typed, 60).as_str().to_owned();
                Some(Other { key: None, label: typed.to_owned(), name })
            }
            Err(WhoError::Nobody) => {
                let who = Safe::fitted(typed, 60);
                self.error(&format!(
                    "Nobody is called {who}. CONTACTS shows whom you know; an older client that is gone goes by its id"
                ))
                .await;
                None
            }
            Err(WhoError::Ambiguous(people)) => {
                let list = render::some(people.iter().map(|person: &Person| person.typed(&self.names)));
                self.error(&format!("{} can be {list}. Write one of these", Safe::fitted(typed, 60))).await;
                None
            }
        }
    }
}

fn with(other: Option<&Other>) -> Query {
    match other {
        None => Query::default(),
        Some(Other { key: Some(key), .. }) => Query { with: Some(*key), ..Query::default() },
        Some(Other { key: None, label, .. }) => Query { with_label: Some(label.clone()), ..Query::default() },
    }
}

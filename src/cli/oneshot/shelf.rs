//! The history of a profile that no peer runs for, read without one.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::sync::Arc;

use crate::engine::{Called, Crypto, Named, RowId, Trust, WhoError, find};
use crate::node::{Ledger, Profile, unix_now};
use crate::store::{self, Forget, History, Line, Person, Query, StoreError};
use crate::wire::{PublicKey, Safe};

use super::super::args::Options;
use super::super::host::sentence;
use super::super::{render, screen, shown};
use super::trouble::Trouble;

/// A history, and the lock of its profile.
#[derive(Debug)]
pub(super) struct Shelf {
    /// None where nothing was ever kept.
    history: Option<History>,
    /// What is removed is written through it.
    _ledger: Option<Ledger>,
    _profile: Profile,
}

impl Shelf {
    pub(super) fn open(options: &Options, profile: Profile) -> Result<Self, Trouble> {
        let failed = |text: String| Trouble::failed(text);
        // Nothing is made where there was nothing.
        let Some(folder) = profile.folder().filter(|folder| folder.join("history.db").exists()) else {
            return Ok(Self { history: None, _ledger: None, _profile: profile });
        };
        let identity = Profile::identity_of(options.profile.as_deref()).map_err(|error| failed(error.to_string()))?.1;
        let me = identity.map(|pair| pair.public_key());
        let opened = store::open(folder, me, options.keep(), unix_now().as_secs());
        let opened = opened.map_err(|error| failed(error.to_string()))?;
        for notice in &opened.notices {
            screen::complain(&shown::Shown::line(false, &[(shown::Tone::Plain, &sentence(notice))]));
        }
        Ok(Self { history: Some(opened.history), _ledger: Some(opened.ledger), _profile: profile })
    }

    pub(super) async fn lines(&self, query: Query) -> Result<Vec<Line>, Trouble> {
        self.with(move |history| history.lines(&query)).await.map(Option::unwrap_or_default)
    }

    /// Gives each line to `each`, the oldest first, until it returns false.
    pub(super) async fn each(
        &self,
        query: Query,
        mut each: impl FnMut(Line) -> bool + Send + 'static,
    ) -> Result<(), Trouble> {
        self.with(move |history| history.each(&query, &mut each)).await.map(|_| ())
    }

    /// The same, on a thread of its own; what goes wrong is remarked.
    pub(super) fn spawn_each(&self, query: Query, mut each: impl FnMut(Line) -> bool + Send + 'static) {
        let Some(history) = self.history.clone() else { return };
        tokio::task::spawn_blocking(move || {
            if let Err(error) = history.each(&query, &mut each) {
                let text = sentence(&error.to_string());
                screen::complain(&shown::Shown::line(false, &[(shown::Tone::Plain, &text)]));
            }
        });
    }

    pub(super) async fn read(&self, rows: Vec<RowId>) -> Result<(), Trouble> {
        self.with(move |history| history.mark_read(&rows)).await.map(|_| ())
    }

    /// How many lines were removed.
    pub(super) async fn forget(&self, what: Forget) -> Result<u64, Trouble> {
        let forgotten = self.with(move |history| history.forget(&what)).await?;
        Ok(forgotten.map_or(0, |forgotten| forgotten.lines))
    }

    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&History) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<Option<T>, Trouble> {
        let Some(history) = self.history.clone() else { return Ok(None) };
        match tokio::task::spawn_blocking(move || work(&history)).await {
            Ok(done) => done.map(Some).map_err(|error| Trouble::failed(error.to_string())),
            Err(_) => Err(Trouble::failed("the history cannot be read")),
        }
    }

    /// Whom a name means, among all who are in the history: a key, or the label of one without.
    pub(super) async fn whom(&self, typed: &str) -> Result<(Option<PublicKey>, Option<String>), Trouble> {
        if let Some(key) = PublicKey::parse(typed) {
            return Ok((Some(key), None));
        }
        let known: Arc<std::sync::Mutex<BTreeMap<String, Known>>> = Arc::default();
        let seen = Arc::clone(&known);
        let query = Query::default();
        self.each(query, move |line| {
            if let (Some(with), Ok(mut seen)) = (line.with, seen.lock()) {
                seen.insert(with.key.map_or_else(|| with.user_id.clone(), |key| key.to_string()), Known(with));
            }
            true
        })
        .await?;
        let people = known.lock().map(|mut known| std::mem::take(&mut *known)).unwrap_or_default();
        let people: Vec<Known> = people.into_values().collect();
        let shown = Safe::fitted(typed, 60);
        match find(typed, people, |_| true) {
            Ok(Known(Person { key: Some(key), .. })) => Ok((Some(key), None)),
            Ok(Known(person)) => Ok((None, Some(person.user_id))),
            Err(WhoError::Nobody) if typed.contains('@') => Ok((None, Some(typed.to_owned()))),
            Err(WhoError::Nobody) => Err(Trouble::nobody(format!("nobody in the history is called {shown}"))),
            Err(WhoError::Ambiguous(people)) => {
                let list = render::some(people.iter().map(Known::typed));
                Err(Trouble::ambiguous(format!("more than one is called {shown}: {list}; write one of these")))
            }
        }
    }
}

/// Somebody of the past.
#[derive(Debug, Clone)]
struct Known(Person);

impl Known {
    fn typed(&self) -> String {
        let digits = |key: PublicKey| format!("#{}", &key.fingerprint().hex()[..12]);
        self.0.key.map_or_else(|| Safe::fitted(&self.0.user_id, 60).as_str().to_owned(), digits)
    }
}

impl Named for Known {
    fn called(&self) -> Called<'_> {
        let Person { key, user_id, name, trust } = &self.0;
        Called {
            id: Cow::Borrowed(user_id),
            name: user_id.rsplit_once('@').map_or(user_id.as_str(), |(name, _)| name),
            display_name: Some(name),
            key: *key,
            verified: *trust == Trust::Verified,
        }
    }

    fn is_at(&self, _: SocketAddrV4) -> bool {
        false
    }
}

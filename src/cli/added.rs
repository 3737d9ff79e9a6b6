//! ADD and WEB at the prompt: what goes through the API, as the page does it.

use crate::web::{ClientError, ReachedObject};
use crate::wire::Safe;

use super::host::sentence;
use super::oneshot;
use super::page::Page;
use super::session::{End, Session};

/// What came of looking for somebody.
#[derive(Debug)]
pub(super) struct Added {
    /// Where, as typed.
    to: String,
    found: Result<ReachedObject, ClientError>,
}

impl Session {
    /// Looks for somebody by a link or at an address. It takes seconds, in which the prompt goes on.
    pub(super) fn add(&mut self, to: &str) {
        let (client, to) = (self.client.clone(), to.to_owned());
        self.adding.spawn(async move {
            let found = client.reach(&to).await;
            Added { to, found }
        });
    }

    /// Shows what came of it.
    pub(super) async fn added(&mut self, added: Option<Added>) -> Option<End> {
        match added.map(|added| (added.found, added.to)) {
            Some((Ok(reached), _)) => {
                let text = oneshot::reached(&reached, true);
                // A name at the beginning stays as it is.
                let text = if reached.peer.is_some() { text } else { sentence(&text) };
                self.info(&text).await;
            }
            Some((Err(error), to)) => {
                let to = Safe::fitted(&to, 60);
                self.error(&format!("Cannot look for {to}: {error}")).await;
            }
            None => {}
        }
        self.ends_when_idle()
    }

    /// Opens the page, and tells its address. On a pipe nobody sits at a browser.
    pub(super) async fn show_page(&self) {
        if self.is_hidden {
            let what = "A peer that keeps nothing has no page, unless it was started with --web";
            return self.error(what).await;
        }
        match (Page { opens: !self.render.pipe, ..Page::default() }).show(&self.client).await {
            Ok(text) => self.info(&text).await,
            Err(error) => self.error(&format!("The page cannot be shown: {error}")).await,
        }
    }
}

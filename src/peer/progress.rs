//! The board of progress.

use crate::data;
use crate::data::board::{Command, Entry, Event, Progress, Reply};
use crate::node::unix_now;

use super::{Error, Peer, Watch, Who};

impl Peer {
    /// Tells everybody how a user stands with a lesson; returns how many are here to hear it. The others hear it when they
    /// come. Each of the three has 1 to 64 characters.
    ///
    /// ```
    /// # use lsnp::peer::{Error, Peer};
    /// # async fn tell(peer: &Peer) -> Result<(), Error> {
    /// peer.tell_progress("fatuma", "lesson-001", "completed").await?;
    /// for entry in peer.board().await? {
    ///     println!("{:?}", entry.progress);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn tell_progress(&self, user: &str, lesson: &str, status: &str) -> Result<usize, Error> {
        let told = self.data(data::Command::Board(Command::Tell(progress(user, lesson, status)))).await?;
        match told {
            data::Reply::Board(Reply::Told { peers }) => Ok(peers),
            _ => Ok(0),
        }
    }

    /// Tells one only, sealed; on its board it then is.
    ///
    /// # Errors
    /// [`Error::Nobody`], [`Error::Ambiguous`], [`Error::NoKey`] and [`Error::Data`].
    pub async fn tell_progress_to<'a>(
        &self,
        who: impl Into<Who<'a>> + Send,
        user: &str,
        lesson: &str,
        status: &str,
    ) -> Result<(), Error> {
        let progress = progress(user, lesson, status);
        let to = self.key_of(who.into()).await?;
        self.data(data::Command::Board(Command::TellOne { to, progress })).await.map(drop)
    }

    /// The latest of each user and lesson, in their order. It becomes the same at all peers. The texts are those of strangers:
    /// show them by [`Safe`](crate::wire::Safe).
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn board(&self) -> Result<Vec<Entry>, Error> {
        match self.data(data::Command::Board(Command::Board)).await? {
            data::Reply::Board(Reply::Board(entries)) => Ok(entries),
            _ => Ok(Vec::new()),
        }
    }

    /// What is told from now on, by this peer too, as it comes.
    pub fn watch_progress(&self) -> Watch<Entry> {
        Watch::data(self, |event| match event {
            data::Event::Board(Event::Told { entry, .. }) => Some(entry),
            _ => None,
        })
    }
}

fn progress(user: &str, lesson: &str, status: &str) -> Progress {
    Progress { user: user.to_owned(), lesson: lesson.to_owned(), status: status.to_owned(), at: unix_now().as_secs() }
}

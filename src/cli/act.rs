//! What each command does.

use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;

use crate::engine::{Command, CommandError, Event, Mark, Me, Peer, Reply, WhoError, find};
use crate::wire::Safe;

use super::host::{locked, sentence};
use super::line::{Wish, unquoted};
use super::render::grouped;
use super::session::{Acted, SHORT, Session};

/// Largest picture, bytes.
const PICTURE: u64 = 20_480;

impl Session {
    /// Does what is wanted and shows what came of it.
    pub(super) async fn act(&mut self, wish: &Wish) -> Acted {
        match self.try_act(wish).await {
            Ok(acted) => acted,
            Err(CommandError::TooFast { retry_after }) => Acted::Later(retry_after),
            Err(error) => {
                self.error(&sentence(&error.to_string())).await;
                Acted::Done
            }
        }
    }

    async fn try_act(&mut self, wish: &Wish) -> Result<Acted, CommandError> {
        match wish {
            Wish::List { all } => {
                let me = self.me().await?;
                self.names.refresh();
                let peers = self.handle.peers().snapshot();
                self.screen.show_all(self.render.list(&peers, &self.names, &me, self.handle.now(), *all)).await;
            }
            Wish::Peer { who } => self.about(who).await?,
            Wish::Contacts => self.list_contacts().await,
            Wish::Verify { who, digits } => return self.verify(who, digits.as_deref()).await,
            Wish::Compared { key, name, same } => self.compared(*key, name, *same).await?,
            Wish::Judge { who, word } => self.judge(who, *word).await,
            Wish::Post { text } => {
                if let Reply::Posted { to, without, .. } =
                    self.handle.command(Command::Post { text: text.clone() }).await?
                {
                    if text.len() > SHORT && !to.is_empty() {
                        self.pulls.long(true);
                    }
                    self.screen.show(self.render.posted(&to, &without, &self.names)).await;
                }
            }
            Wish::Dm { who, text } => self.dm(who, text).await?,
            Wish::Profile { display_name, status } => self.change(display_name.as_deref(), status.as_deref()).await?,
            Wish::AvatarNone => {
                self.handle.command(Command::Avatar(None)).await?;
                self.keep_avatar(None).await;
                self.info("You have no picture now").await;
            }
            Wish::Avatar { what } => self.avatar(what).await?,
            Wish::AvatarSave { who, file } => {
                if let Some(peer) = self.whom(who).await {
                    self.pull(&peer, Some(home(file))).await?;
                }
            }
            Wish::Peers { who } => {
                if let Some(peer) = self.whom(who).await {
                    self.handle.command(Command::AskPeers(peer.id())).await?;
                    self.pulls.list(peer.id());
                }
            }
            Wish::History { who, count } => self.recall(who.as_deref(), *count).await,
            Wish::Unread => self.recall_unread().await,
            Wish::Search { words } => self.search(words).await,
            Wish::Forget { who } => return Ok(self.forget(who).await),
            Wish::Forgo { what, name, yes } => self.forgo(what, name, *yes).await,
            Wish::Quiet(on) => {
                self.quiet = on.unwrap_or(!self.quiet);
                let text =
                    if self.quiet { "No notifications; QUIET OFF shows them again" } else { "Notifications are shown" };
                self.info(text).await;
            }
            Wish::WhoAmI => {
                let me = self.me().await?;
                self.screen.show(self.render.me(&me)).await;
            }
            Wish::Verbose => {
                self.handle.command(Command::Trace(!self.verbose)).await?;
                self.verbose = !self.verbose;
                let text = if self.verbose { "Every message is shown; VERBOSE ends it" } else { "Messages are hidden" };
                self.info(text).await;
            }
            Wish::Help { all } => self.screen.show_all(self.render.help(*all)).await,
            Wish::Quit => return Ok(Acted::Quit),
            Wish::Discover => {
                self.handle.command(Command::Announce).await?;
                self.info("Announced; everyone is asked to answer").await;
            }
            Wish::Add { to } => self.add(to),
            Wish::Web => self.show_page().await,
            Wish::Stats => {
                if let Reply::Stats(counters) = self.handle.command(Command::Stats).await? {
                    self.screen.show_all(self.render.stats(&counters, self.handle.peers().len())).await;
                }
            }
            Wish::Follow { who } => {
                if let Some(peer) = self.whom(who).await {
                    self.handle.command(Command::Follow(peer.id())).await?;
                    self.info(&format!("Asked to follow {}", self.names.full(&peer))).await;
                }
            }
            Wish::Unfollow { who } => {
                if let Some(peer) = self.whom(who).await {
                    self.handle.command(Command::Unfollow(peer.id())).await?;
                    self.info(&format!("Asked to unfollow {}", self.names.full(&peer))).await;
                }
            }
        }
        Ok(Acted::Done)
    }

    pub(super) async fn me(&self) -> Result<Me, CommandError> {
        match self.handle.command(Command::WhoAmI).await? {
            Reply::Me(me) => Ok(me),
            Reply::Done
            | Reply::Posted { .. }
            | Reply::Sent { .. }
            | Reply::Waiting { .. }
            | Reply::Contacts(_)
            | Reply::Stats(_)
            | Reply::Tables(_) => Err(CommandError::Left),
        }
    }

    async fn dm(&mut self, who: &str, text: &str) -> Result<(), CommandError> {
        let Some(person) = self.person(who).await else { return Ok(()) };
        let command = Command::Dm { to: person.whom(), text: text.to_owned() };
        let line = match self.handle.command(command).await {
            Ok(Reply::Sent { id, to, private }) => {
                self.marks.shown(id, Mark::Sent);
                if text.len() > SHORT {
                    self.pulls.long(false);
                }
                if to.key().is_some() {
                    self.pulls.sent(id);
                }
                self.render.sent(&to, text, private, &self.names, self.handle.now())
            }
            Ok(Reply::Waiting { id, to, until }) => {
                self.marks.shown(id, Mark::Waiting);
                self.pulls.dm(id, text, until, &self.names.label(&to));
                self.render.waiting(&to, until, &self.names)
            }
            Ok(
                Reply::Done
                | Reply::Posted { .. }
                | Reply::Contacts(_)
                | Reply::Me(_)
                | Reply::Stats(_)
                | Reply::Tables(_),
            ) => {
                return Ok(());
            }
            // It is tried again.
            Err(error @ CommandError::TooFast { .. }) => return Err(error),
            Err(error) => self.render.refused(&error, &person, &self.names),
        };
        self.screen.show(line).await;
        Ok(())
    }

    async fn change(&mut self, display_name: Option<&str>, status: Option<&str>) -> Result<(), CommandError> {
        let me = self.me().await?;
        let own = |text: Option<std::sync::Arc<str>>| text.map(|text| text.to_string());
        let display_name = display_name.map(str::to_owned).or_else(|| own(me.display_name));
        let status = status.map(str::to_owned).or_else(|| own(me.status)).filter(|status| !status.is_empty());
        let command = Command::Profile { display_name: display_name.clone(), status: status.clone() };
        self.handle.command(command).await?;
        let name = Safe::line(display_name.as_deref().unwrap_or_default());
        let mut text =
            if name.is_empty() { "You go by your name".to_owned() } else { format!("You are called {name}") };
        if let Some(status) = &status {
            text.push_str(&format!(", status: {}", Safe::line(status)));
        }
        self.info(&text).await;
        let kept = locked(&self.profile).change(|settings| {
            settings.display_name = display_name;
            settings.status = status;
        });
        self.names.me(&self.me().await?);
        self.report(kept.err()).await;
        Ok(())
    }

    /// A file that is there becomes our picture; else the picture of a peer called so is pulled.
    async fn avatar(&mut self, what: &str) -> Result<(), CommandError> {
        let file = home(unquoted(what));
        let there = tokio::fs::metadata(&file).await.is_ok_and(|meta| meta.is_file());
        let peer = find(what, self.handle.peers().snapshot(), |peer: &Peer| !peer.is_blocked());
        match peer {
            Ok(peer) if !there => self.pull(&peer, None).await,
            Err(error @ WhoError::Ambiguous(_)) if !there => {
                self.screen.show(self.render.who(what, &error, &self.names)).await;
                Ok(())
            }
            Ok(_) | Err(_) => self.take_avatar(&file).await,
        }
    }

    async fn take_avatar(&mut self, file: &Path) -> Result<(), CommandError> {
        let bytes = match picture(file).await {
            Ok(bytes) => bytes,
            Err(why) => {
                let what = "give a PNG or JPEG file of at most 20,480 bytes, a peer's name, or none";
                self.error(&format!("Cannot read {} ({why}): {what}", file.display())).await;
                return Ok(());
            }
        };
        self.handle.command(Command::Avatar(Some(bytes.clone()))).await?;
        self.keep_avatar(Some(&bytes)).await;
        self.info(&format!("Your picture is {} ({} bytes)", file.display(), grouped(bytes.len()))).await;
        Ok(())
    }

    async fn keep_avatar(&mut self, bytes: Option<&[u8]>) {
        let kept = locked(&self.profile).keep_avatar(bytes);
        self.report(kept.err()).await;
    }

    async fn report(&self, error: Option<crate::node::ProfileError>) {
        if let Some(error) = error {
            self.error(&format!("Not kept for the next start: {error}")).await;
        }
    }

    async fn pull(&mut self, peer: &Peer, file: Option<PathBuf>) -> Result<(), CommandError> {
        // Before the command: the answer may be here at once.
        self.pulls.avatar(peer.id(), file);
        let pulled = self.handle.command(Command::FetchAvatar(peer.id())).await;
        if pulled.is_err() {
            self.pulls.avatar_done(peer.id());
        }
        pulled.map(|_| ())
    }

    /// Takes note of answers that were waited for.
    pub(super) async fn pulled(&mut self, event: &Event) {
        match event {
            Event::Avatar { peer, bytes, .. } => {
                if let Some(file) = self.pulls.avatar_done(peer.id()) {
                    self.save(&file, bytes).await;
                }
            }
            Event::AvatarFailed(peer) => drop(self.pulls.avatar_done(peer.id())),
            Event::PeerList { from, .. } => self.pulls.list_done(from.id()),
            Event::Marked { id, mark, .. } => self.pulls.marked(*id, *mark),
            Event::Left(peer) | Event::Gone(peer) => self.pulls.forget(peer.id()),
            Event::Here(_)
            | Event::Quiet(_)
            | Event::Back(_)
            | Event::Post { .. }
            | Event::Dm { .. }
            | Event::Said { .. }
            | Event::CaughtUp { .. }
            | Event::KeyChanged { .. }
            | Event::Profile(_)
            | Event::Judged(_)
            | Event::Followed(_)
            | Event::Unfollowed(_)
            | Event::FollowAnswered { .. }
            | Event::Answered { .. }
            | Event::Renamed { .. }
            | Event::CutOff
            | Event::Traced { .. } => {}
        }
    }

    async fn save(&self, file: &Path, bytes: &[u8]) {
        match write_new(file, bytes).await {
            Ok(()) => self.info(&format!("Saved as {}", file.display())).await,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                self.error(&format!(
                    "{} exists already and was left as it is: save under another name",
                    file.display()
                ))
                .await;
            }
            Err(error) => self.error(&format!("Cannot save {}: {error}", file.display())).await,
        }
    }
}

async fn picture(file: &Path) -> Result<Vec<u8>, String> {
    let meta = tokio::fs::metadata(file).await.map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("not a file".to_owned());
    }
    if meta.len() > PICTURE {
        return Err(format!("{} bytes are too many", grouped(usize::try_from(meta.len()).unwrap_or(usize::MAX))));
    }
    tokio::fs::read(file).await.map_err(|error| error.to_string())
}

/// Writes a file that is not there yet.
async fn write_new(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tokio::fs::OpenOptions::new().write(true).create_new(true).open(file).await?;
    file.write_all(bytes).await?;
    file.flush().await
}

/// A path, with the home folder for a `~` at its beginning.
fn home(path: &str) -> PathBuf {
    match path.strip_prefix("~/").map(|rest| (rest, etcetera::home_dir())) {
        Some((rest, Ok(home))) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

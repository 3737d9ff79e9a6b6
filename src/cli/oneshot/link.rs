//! The way to a peer: the one that runs for the profile, or one of our own for as long as the command takes.

use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;

use crate::engine::Event;
use crate::node::{Node, Profile, ProfileError};
use crate::web::{self, Client, ClientError, EventQuery, Events, Served};

use super::super::args::Options;
use super::super::host::{self, Host, sentence};
use super::super::round::Round;
use super::super::shown::{Shown, Tone};
use super::super::{daemon, render, screen};
use super::trouble::Trouble;

/// Another command that runs a peer of its own is waited for so long.
const OTHERS: Duration = Duration::from_secs(10);

/// So often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(100);

/// So often, and so long after another, somebody is looked for that a peer of our own has not met yet.
const MEETINGS: usize = 40;
const MEETING: Duration = Duration::from_millis(50);

/// Goodbye and the writing of the history take no longer.
const LAST: Duration = Duration::from_millis(2_500);

/// A peer, and the way to speak to it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) client: Client,
    /// What happens from the first moment of our own peer on, for who wants to miss nothing.
    pub(super) early: Option<Events>,
    own: Option<Own>,
}

/// A peer of our own.
#[derive(Debug)]
struct Own {
    node: Node,
    /// There as long as others may speak to it.
    _served: Option<Served>,
}

/// How a command speaks of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Manner {
    /// Remarks would be in the way of objects.
    pub(super) json: bool,
    /// It takes so long that others may want to speak to its peer.
    pub(super) serves: bool,
    /// It needs to know at once who is here.
    pub(super) settles: bool,
}

/// The peer that runs for the profile, if one does.
pub(in crate::cli) async fn running(options: &Options) -> Result<Option<Client>, Trouble> {
    if options.temporary {
        return Ok(None);
    }
    Ok(Client::connect(&api_file(options)?).await?)
}

/// The file that tells where its API is.
pub(in crate::cli) fn api_file(options: &Options) -> Result<PathBuf, Trouble> {
    let file = Profile::api_file_of(options.profile.as_deref());
    file.map_err(|error| Trouble::failed(error.to_string()))
}

impl Link {
    /// Finds the running peer, or starts one.
    pub(super) async fn open(options: &Options, manner: Manner) -> Result<Self, Trouble> {
        if let Some(client) = running(options).await? {
            return Ok(Self { client, early: None, own: None });
        }
        let (profile, notices) = match profile(options).await? {
            Found::Profile(profile, notices) => (profile, notices),
            Found::Running(client) => return Ok(Self { client, early: None, own: None }),
        };
        let name = host::name(options, &profile);
        let mut host = Host::start(options, profile, name).map_err(Trouble::failed)?;
        let client = Client::local(web::router(host.context()));
        // Before anything takes its time: the others answer within a millisecond.
        let early = if manner.serves { Some(client.events(&EventQuery::default()).await?) } else { None };
        let served = if manner.serves { host.serve(false).await } else { None };
        let Host { mut node, notices: more, .. } = host;
        let (_, unread) = tokio::sync::mpsc::channel(1);
        let told = std::mem::replace(&mut node.notices, unread);
        if !manner.json {
            notices.iter().chain(&more).for_each(|notice| remark(notice));
            tokio::spawn(remarks(told));
        }
        if manner.settles {
            settle(&mut node).await;
        }
        Ok(Self { client, early, own: Some(Own { node, _served: served }) })
    }

    /// Whether the peer ends with the command.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Waits until somebody comes, but not for longer than this; whether somebody did. Only a peer of our own waits: one
    /// that runs has known for long who is here.
    pub(super) async fn somebody_came(&mut self, longest: Duration) -> bool {
        let Some(own) = &mut self.own else { return false };
        let came = async {
            loop {
                match own.node.events.recv().await {
                    Ok(Event::Here(_)) => return true,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return false,
                }
            }
        };
        tokio::time::timeout(longest, came).await.unwrap_or(false)
    }

    /// Asks, and asks again while nobody is found, as a peer of our own meets the others only now; and where others would
    /// lose what is said too fast.
    pub(super) async fn met<T, F>(&self, ask: impl Fn() -> F) -> Result<T, Trouble>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        let mut meetings = 0;
        loop {
            let trouble = match ask().await.map_err(Trouble::from) {
                Ok(done) => return Ok(done),
                Err(trouble) => trouble,
            };
            let wait = match trouble.retry_after() {
                None if trouble.is_nobody() && self.is_own() && meetings < MEETINGS => {
                    meetings += 1;
                    MEETING
                }
                wait => wait.ok_or(trouble)?,
            };
            tokio::time::sleep(wait).await;
        }
    }

    /// Says goodbye, if the peer is ours.
    pub(super) async fn close(self) {
        if let Some(own) = self.own {
            // A peer that hangs is not waited for.
            let _ = tokio::time::timeout(LAST, own.node.handle.leave()).await;
        }
    }
}

/// What is there of a profile.
pub(super) enum Found {
    /// Nobody uses it: it is ours now.
    Profile(Profile, Vec<String>),
    /// A peer has come.
    Running(Client),
}

/// Takes the profile. While another command has it, that is waited for.
pub(super) async fn profile(options: &Options) -> Result<Found, Trouble> {
    let wait = async {
        loop {
            match daemon::open(options) {
                Ok((profile, notices)) => return Ok(Found::Profile(profile, notices)),
                Err(ProfileError::InUse { .. }) => {}
                Err(error) => return Err(Trouble::failed(error.to_string())),
            }
            if let Some(client) = running(options).await? {
                return Ok(Found::Running(client));
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    match tokio::time::timeout(OTHERS, wait).await {
        Ok(found) => found,
        Err(_) => Err(Trouble::failed(match daemon::open(options) {
            Err(error) => format!("{error}. It does not answer"),
            Ok(_) => "the profile was in use: try again".to_owned(),
        })),
    }
}

/// Waits for the first answers, as commands on a pipe do.
async fn settle(node: &mut Node) {
    let handle = node.handle.clone();
    let mut round = Round::from(handle.now());
    loop {
        let left = round.over().since(handle.now());
        match tokio::time::timeout(left, node.events.recv()).await {
            Ok(Ok(Event::Here(_))) => round.came(handle.now()),
            Ok(Ok(_) | Err(RecvError::Lagged(_))) => {}
            Ok(Err(RecvError::Closed)) | Err(_) => return,
        }
    }
}

async fn remarks(mut notices: tokio::sync::mpsc::Receiver<crate::node::Notice>) {
    while let Some(notice) = notices.recv().await {
        remark(&render::notice(&notice));
    }
}

fn remark(text: &str) {
    screen::complain(&Shown::line(false, &[(Tone::Plain, &sentence(text))]));
}

//! A peer of a profile, with its history: what every way to run one has in common.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::crypto::KeyPair;
use crate::engine::Crypto;
use crate::node::{Node, Options as NodeOptions, Profile, login_name, unix_now};
use crate::store::{self, History};
use crate::web::{self, Served};
use crate::wire::Name;

use super::args::{MetricsFor, Options};
use super::program::ThisProgram;
use super::{render, secret};

/// A peer that runs, and what it keeps.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) node: Node,
    pub(super) profile: Arc<Mutex<Profile>>,
    /// None where nothing is kept.
    pub(super) history: Option<History>,
    /// What the user must know, fit to be shown.
    pub(super) notices: Vec<String>,
    /// Told when somebody wants the peer to end.
    pub(super) stop: Arc<Notify>,
    program: Arc<ThisProgram>,
    /// Every program of this computer may read the metrics.
    open_metrics: bool,
}

impl Host {
    /// Starts the peer. The error is for the user; nothing runs then.
    pub(super) fn start(options: &Options, mut profile: Profile, name: Name) -> Result<Self, String> {
        let mut notices = Vec::new();
        if profile.settings().name.is_none() {
            let kept = profile.change(|settings| settings.name = Some(name.clone()));
            notices.extend(kept.err().map(|error| format!("Your name is not kept for the next start: {error}")));
        }
        let (mut keys, broken) = profile.keys().map_err(|error| sentence(&error.to_string()))?;
        notices.extend(broken.iter().map(|notice| sentence(&notice.to_string())));
        if let Some(found) = secret::of_group(options)? {
            notices.extend(found.warning.clone());
            keys.group = Some(found.key(profile.folder())?);
        }
        let me = KeyPair::new(&keys.identity).public_key();
        let opened = profile.folder().filter(|_| options.history).map(|folder| {
            let unix = unix_now().as_secs();
            store::open(folder, Some(me), options.keep(), unix)
        });
        let (history, ledger) = match opened.transpose() {
            Ok(opened) => opened.map_or((None, None), |opened| {
                notices.extend(opened.notices);
                (Some(opened.history), Some(opened.ledger))
            }),
            Err(error) => {
                notices.push(sentence(&error.to_string()));
                (None, None)
            }
        };
        let stock = match profile.folder().filter(|_| options.history).map(store::open_data).transpose() {
            Ok(opened) => opened.map(|opened| {
                notices.extend(opened.notices);
                opened.stock
            }),
            Err(error) => {
                notices.push(format!("{}: what is shared is forgotten at the end", sentence(&error.to_string())));
                None
            }
        };
        let wanted = NodeOptions { keys: Some(keys), ..node_options(options, name, &profile) };
        let node = Node::start_keeping(wanted, ledger, stock);
        let node = node.map_err(|error| sentence(&error.to_string()))?;
        let profile = Arc::new(Mutex::new(profile));
        let program = Arc::new(ThisProgram::new(options));
        let open_metrics = options.metrics == MetricsFor::Open;
        let host = Self { node, profile, history, notices, stop: Arc::default(), program, open_metrics };
        host.keep_port(options);
        Ok(host)
    }

    /// What the API speaks for.
    pub(super) fn context(&self) -> web::Context {
        web::Context {
            handle: self.node.handle.clone(),
            history: self.history.clone(),
            profile: Arc::clone(&self.profile),
            api_file: locked(&self.profile).api_file(),
            stop: Arc::clone(&self.stop),
            program: Some(Arc::clone(&self.program) as Arc<dyn web::Program>),
            open_metrics: self.open_metrics,
        }
    }

    /// Lets other programs of the user speak to the peer, if it has a profile by which they find it, or if its page is
    /// wanted.
    pub(super) async fn serve(&mut self, page: bool) -> Option<Served> {
        let context = self.context();
        if context.api_file.is_none() && !page {
            return None;
        }
        match web::serve(context).await {
            Ok(served) => Some(served),
            Err(error) => {
                self.notices.push(format!("Commands such as `peer dm` do not reach this peer: {error}"));
                None
            }
        }
    }

    /// Firewall rules stay valid when the port stays the same.
    fn keep_port(&self, options: &Options) {
        let port = self.node.handle.port();
        let mut profile = locked(&self.profile);
        if options.port.is_none() && profile.settings().port != Some(port) {
            let kept = profile.change(|settings| settings.port = Some(port));
            if let Err(error) = kept {
                tracing::warn!(%error, "the port is not kept");
            }
        }
    }
}

/// The profile, which is held for a moment only.
pub(super) fn locked(profile: &Mutex<Profile>) -> MutexGuard<'_, Profile> {
    profile.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The name to go by where nobody can be asked: the option, what is kept, else the login name.
pub(super) fn name(options: &Options, profile: &Profile) -> Name {
    let known = options.name.as_ref().or(profile.settings().name.as_ref());
    known.cloned().unwrap_or_else(|| usual_name(profile))
}

/// The login name, or that of the profile where it is the login's second or later one: two peers on one host need two
/// ids.
pub(super) fn usual_name(profile: &Profile) -> Name {
    let login = login_name();
    let number = profile.name().strip_prefix(login.as_str()).and_then(|rest| rest.strip_prefix('-'));
    match number {
        Some(number) if number.bytes().all(|b| b.is_ascii_digit()) => Name::new(profile.name()).unwrap_or(login),
        _ => login,
    }
}

fn node_options(options: &Options, name: Name, profile: &Profile) -> NodeOptions {
    let settings = profile.settings();
    NodeOptions {
        display_name: settings.display_name.clone(),
        status: settings.status.clone(),
        avatar: profile.avatar(),
        config: options.config(),
        port: options.port,
        usual_port: settings.port,
        interfaces: options.interfaces(),
        peers: options.peers(),
        paths: profile.paths_file(),
        ..NodeOptions::new(name)
    }
}

/// How many messages nobody has read, as a line; none when there are none.
pub(super) fn unread(history: &History) -> Option<String> {
    let count = history.unread().ok().and_then(|count| usize::try_from(count).ok()).filter(|count| *count > 0)?;
    let messages = if count == 1 { "message" } else { "messages" };
    Some(format!("{} unread {messages}: HISTORY UNREAD shows them", render::grouped(count)))
}

/// The text with a capital at its beginning. So no text begins with what a user or the network named.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

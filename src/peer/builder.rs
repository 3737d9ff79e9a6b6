//! From what a program wants to a peer that runs.

use std::path::PathBuf;
use std::sync::Mutex;

use crate::crypto::KeyPair;
use crate::engine::{Config, Crypto};
use crate::node::{Ledger, Node, Options, Profile, Stock, group_key, login_name, unix_now};
use crate::store::{self, Keep};
use crate::wire::{Name, PublicKey};

use super::{Error, Inner, Peer};

/// What a peer is to be. Made by [`Peer::builder`].
#[derive(Debug, Clone, Default)]
#[must_use = "nothing runs before it is started"]
pub struct Builder {
    name: Option<String>,
    status: Option<String>,
    home: Home,
    group: Option<String>,
    interfaces: Vec<String>,
    discovery_port: Option<u16>,
    port: Option<u16>,
    peers: Vec<String>,
}

/// Where a peer keeps what it is and knows.
#[derive(Debug, Clone, Default)]
enum Home {
    #[default]
    Nowhere,
    Folder(PathBuf),
    Profile(String),
}

/// All that a peer starts with.
struct Opened {
    profile: Profile,
    options: Options,
    ledger: Option<Ledger>,
    stock: Option<Stock>,
    key: PublicKey,
}

impl Builder {
    /// What others call it: 1 to 32 characters that may be shown, none of `@`, `:` and spaces. By default the name that the
    /// profile has, else that of the login.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// A line about it, at most 140 characters.
    pub fn status(mut self, status: impl Into<String>) -> Self {
        self.status = Some(status.into());
        self
    }

    /// Keeps its key, history, lists and all in this folder, which is made when it is not there, so that it is the same one
    /// at its next start. Without this and [`Builder::profile`] nothing is kept, and it is somebody new at each start.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.home = Home::Folder(folder.into());
        self
    }

    /// The same, in the user's profile of that name, as the program `peer --profile NAME` has it. One peer uses it at a time.
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.home = Home::Profile(name.into());
        self
    }

    /// The secret of a closed group: all is sealed with it, and nobody else is heard. To work out its key takes a good part of
    /// a second; with a folder, at the first start only.
    pub fn group(mut self, secret: impl Into<String>) -> Self {
        self.group = Some(secret.into());
        self
    }

    /// Uses this interface (a name, or an IPv4 address), and others of which the same is said; by default all. Peers on the
    /// same computer always meet.
    pub fn interface(mut self, interface: impl Into<String>) -> Self {
        self.interfaces.push(interface.into());
        self
    }

    /// The port that everybody on this network listens on, 50999 by default: peers with another one do not meet.
    pub fn discovery_port(mut self, port: u16) -> Self {
        self.discovery_port = Some(port);
        self
    }

    /// The port of its own and no other; by default one in 8000 to 9999, the same at each start where that is possible.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// A peer to try at every beat, `HOST[:PORT]`, where broadcasts do not reach; may be said again.
    pub fn reach(mut self, address: impl Into<String>) -> Self {
        self.peers.push(address.into());
        self
    }

    /// Starts it, inside a tokio runtime with I/O and time enabled. It is on the air when this returns; who is here is known a
    /// moment later: see [`Peer::meet`].
    ///
    /// # Errors
    /// [`Error::Name`], [`Error::Profile`], [`Error::Group`], [`Error::History`] and [`Error::Start`]; nothing runs then.
    pub async fn start(self) -> Result<Peer, Error> {
        // Files, and the key of the group.
        let opened = tokio::task::spawn_blocking(move || self.open()).await;
        let Opened { profile, options, ledger, stock, key } = opened.map_err(|error| Error::System(error.into()))??;
        let node = Node::start_keeping(options, ledger, stock)?;
        Ok(Peer(Inner { handle: node.handle, key, profile: Mutex::new(Some(profile)) }.into()))
    }

    fn open(self) -> Result<Opened, Error> {
        let name = self.name.map(|name| Name::new(&name)).transpose()?;
        let (mut profile, notices) = match &self.home {
            Home::Nowhere => (Profile::temporary(), Vec::new()),
            Home::Folder(folder) => Profile::open_folder(folder)?,
            Home::Profile(name) => Profile::open(Some(name))?,
        };
        let (mut keys, more) = profile.keys()?;
        for notice in notices.iter().chain(&more) {
            tracing::warn!("{notice}");
        }
        let name = name.or_else(|| profile.settings().name.clone()).unwrap_or_else(login_name);
        if profile.settings().name.is_none() {
            profile.change(|settings| settings.name = Some(name.clone()))?;
        }
        if let Some(secret) = &self.group {
            keys.group = Some(group_key(secret, profile.folder())?);
        }
        let key = KeyPair::new(&keys.identity).public_key();
        let (mut ledger, mut stock) = (None, None);
        if let Some(folder) = profile.folder() {
            let history = store::open(folder, Some(key), Keep::default(), unix_now().as_secs())?;
            let data = store::open_data(folder)?;
            history.notices.iter().chain(&data.notices).for_each(|notice| tracing::warn!("{notice}"));
            (ledger, stock) = (Some(history.ledger), Some(data.stock));
        }
        let config = Config::default();
        let discovery_port = self.discovery_port.unwrap_or(config.discovery_port);
        let settings = profile.settings();
        let options = Options {
            display_name: settings.display_name.clone(),
            status: self.status.or_else(|| settings.status.clone()),
            avatar: profile.avatar(),
            keys: Some(keys),
            config: Config { discovery_port, ..config },
            port: self.port,
            usual_port: settings.port,
            interfaces: self.interfaces,
            peers: self.peers,
            paths: profile.paths_file(),
            ..Options::new(name)
        };
        Ok(Opened { profile, options, ledger, stock, key })
    }
}

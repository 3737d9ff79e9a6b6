//! The tokio shell: sockets, interfaces, the clock and the files of one peer.
//!
//! [`Node::start`] opens the sockets and starts one task that owns the [`Engine`](crate::engine::Engine). That task
//! does what the engine's [`Output`](crate::engine::Output) says and decides nothing about the protocol. Everybody
//! else speaks to it through a [`Handle`].
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use lsnp::engine::Command;
//! use lsnp::node::{Node, Options};
//! use lsnp::wire::Name;
//!
//! let mut node = Node::start(Options::new(Name::new("alice")?))?;
//! node.handle.command(Command::Post { text: "hello".to_owned() }).await?;
//! let event = node.events.recv().await?;
//! # drop(event);
//! node.handle.leave().await;
//! # Ok(())
//! # }
//! ```

mod changes;
mod clock;
mod delay;
pub(crate) mod files;
mod handle;
mod holder;
mod identity;
mod interfaces;
mod journal;
mod kept;
mod keys;
mod ledger;
mod neighbours;
mod options;
mod paths;
mod profile;
mod resolve;
mod run;
mod send;
mod settings;
mod socket;
mod space;
mod start;
mod stock;
mod stored;
#[cfg(feature = "streams")]
mod streams;
mod trend;
#[cfg(unix)]
mod udp;
mod values;
#[cfg(target_os = "linux")]
mod watched;

pub use clock::unix_now;
pub use handle::{Faults, Handle, LookUpError};
pub use holder::{Holder, port_holders};
pub use identity::{IdentityError, IdentityFault};
pub use interfaces::{Interfaces, LinkFilter};
pub use keys::{Keys, group_key, random_seed};
pub use ledger::Ledger;
pub use neighbours::{Neighbour, neighbours, runtime_folder};
pub use options::{Notice, Options, StartError};
pub use profile::{Profile, ProfileError, ProfileNotice, login_name};
pub(crate) use resolve::check_peer;
pub use settings::Settings;
pub use stock::Stock;
pub use trend::{Sample, Trend};
pub use values::Values;

use tokio::sync::{broadcast, mpsc};

use crate::engine::Event;

/// One running peer.
#[derive(Debug)]
pub struct Node {
    /// Speaks to it; clone it freely.
    pub handle: Handle,
    /// All that happens, from the first moment on.
    pub events: broadcast::Receiver<Event>,
    /// What the user must know about this host.
    pub notices: mpsc::Receiver<Notice>,
}

impl Node {
    /// Opens the sockets and starts the peer. Must be called inside a tokio runtime with I/O and time enabled.
    ///
    /// # Errors
    /// A [`StartError`]; nothing runs then and nothing was sent.
    pub fn start(options: Options) -> Result<Self, StartError> {
        start::start(options, None, None)
    }

    /// The same, with a history.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn start_with(options: Options, ledger: Ledger) -> Result<Self, StartError> {
        start::start(options, Some(ledger), None)
    }

    /// The same, with or without a history, and with or without a place for what is shared. Without, that is gone at the
    /// end.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn start_keeping(options: Options, ledger: Option<Ledger>, stock: Option<Stock>) -> Result<Self, StartError> {
        start::start(options, ledger, stock)
    }
}

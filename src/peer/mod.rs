//! A peer inside of another program: who is here, messages, calls, lists, the cache and progress, in a few lines.
//!
//! ```
//! use std::time::Duration;
//!
//! use lsnp::peer::{Error, Kind, Peer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Error> {
//! # let port = 20_000 + u16::try_from(std::process::id() % 9_000).unwrap_or(0);
//! let alice = Peer::builder().name("alice");
//! let bob = Peer::builder().name("bob");
//! # // On this computer only, and apart from all that runs there.
//! # let [alice, bob] = [alice, bob].map(|peer| peer.interface("127.0.0.1").discovery_port(port));
//! let (alice, bob) = (alice.start().await?, bob.start().await?);
//! alice.meet("bob", Duration::from_secs(10)).await?;
//! bob.meet("alice", Duration::from_secs(10)).await?;
//!
//! let mut heat = bob.subscribe("sensors/+/heat")?;
//! alice.publish("sensors/kitchen/heat", Kind::Data, &21.5).acknowledged().await?;
//! let message = heat.next().await.expect("it was said");
//! assert_eq!((message.name.as_str(), message.json::<f64>()?), ("alice", 21.5));
//!
//! let _service = bob.serve("math/add", |_, (a, b): (i64, i64)| async move { Ok::<_, String>(a + b) }).await?;
//! let sum: i64 = alice.call("bob", "math/add", &(20, 22)).await?;
//! assert_eq!(sum, 42);
//!
//! alice.leave().await;
//! bob.leave().await;
//! # Ok(())
//! # }
//! ```
//!
//! What comes from others is theirs: anybody on the network can say anything, under any name. Names are shown by
//! [`Safe`](crate::wire::Safe), values are checked by [`Message::json`], and who matters is asked for by its key or after it
//! was [verified](Peer::verify). In a [closed group](Builder::group) nobody else is heard.

#![expect(clippy::wildcard_enum_match_arm, reason = "of many replies one answers a command")]

mod builder;
mod cache;
mod call;
mod error;
mod list;
mod message;
mod person;
mod progress;
mod talk;
mod watch;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

pub use builder::Builder;
pub use cache::Cache;
pub use call::{Call, Caller, Service};
pub use error::{Cause, Error};
pub use list::{Add, ListChange, SharedList};
pub use message::{Message, Publish, Subscription};
pub use person::{Person, Who};
pub use talk::{Event, Sent};
pub use watch::Watch;

pub use crate::data::board::{Entry, Progress};
pub use crate::data::cache::{Found, Place, Stats, ValueHash};
pub use crate::data::list::{Change, Item, ItemId, List, ListId, LogEntry, Summary};
pub use crate::data::message::{Kind, Receipt, Topic};

use crate::data;
use crate::node::{Handle, Profile};
use crate::wire::PublicKey;

/// How often somebody who is waited for is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// A running peer. Cheap to clone; it says goodbye and ends when the last of its clones is dropped, those among them that a
/// [`SharedList`] or a [`Cache`] holds. A program that ends right after that waits for [`Peer::leave`] instead: else its last
/// words may be lost.
#[derive(Debug, Clone)]
pub struct Peer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    handle: Handle,
    key: PublicKey,
    /// Locked until the peer has ended.
    profile: Mutex<Option<Profile>>,
}

impl Peer {
    /// What it is to be.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Its identity, by which others can be sure of it.
    #[must_use]
    pub fn key(&self) -> PublicKey {
        self.0.key
    }

    /// Waits until somebody who is called so is here and takes what this peer shares.
    ///
    /// # Errors
    /// [`Error::Nobody`] when nobody is after this time, and [`Error::Ambiguous`] at once.
    pub async fn meet<'a>(&self, who: impl Into<Who<'a>> + Send, patience: Duration) -> Result<Person, Error> {
        let who = who.into();
        let mut error = Error::Nobody(crate::wire::Safe::line(""));
        let met = async {
            loop {
                match self.find(who.clone()) {
                    Ok(person) if person.shares => return Ok(person),
                    Ok(person) => error = Error::Nobody(person.name),
                    Err(nobody @ Error::Nobody(_)) => error = nobody,
                    Err(ambiguous) => return Err(ambiguous),
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        match tokio::time::timeout(patience, met).await {
            Ok(met) => met,
            Err(_) => Err(error),
        }
    }

    /// All else that a peer can do.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.0.handle
    }

    /// Says goodbye, waits until it is sent and all is written, and ends the peer, whoever else holds it: within a second,
    /// with a slow disk within three. Everything is refused then.
    pub async fn leave(&self) {
        self.handle().leave().await;
        drop(self.0.take_profile());
    }

    /// Has the data space do something.
    async fn data(&self, command: data::Command) -> Result<data::Reply, Error> {
        Ok(self.handle().data(command).await?)
    }
}

impl Inner {
    fn take_profile(&self) -> Option<Profile> {
        self.profile.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Nobody else may use the profile before all is written.
        if let (Some(profile), Ok(runtime)) = (self.take_profile(), tokio::runtime::Handle::try_current()) {
            let end = self.handle.end();
            runtime.spawn(async move {
                end.await;
                drop(profile);
            });
        }
    }
}

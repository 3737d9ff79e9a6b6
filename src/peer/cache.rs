//! Values that nobody on the network has to get twice.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use crate::data;
use crate::data::cache::{Command, Found, Key, Reply, Stats, ValueHash, Which};

use super::{Cause, Error, Peer};

/// How often we say that we still make a value: two may be lost before somebody else makes it.
const STILL: Duration = Duration::from_secs(3);

/// The cache of a peer, in one namespace. Values come from those who are trusted only: who is verified, or of the same group.
#[derive(Debug, Clone)]
pub struct Cache {
    peer: Peer,
    namespace: String,
}

impl Peer {
    /// The cache. Namespaces keep projects apart: `owner/repo`, at most 128 bytes, may be empty.
    ///
    /// ```
    /// # use lsnp::peer::{Error, Peer};
    /// # use std::time::Duration;
    /// # async fn build(peer: &Peer) -> Result<(), Error> {
    /// let cache = peer.cache("owner/repo");
    /// // Of all who want it at once, one fetches it.
    /// let index = cache.get_or_make("index", Duration::from_secs(300), fetch).await?;
    /// # Ok(())
    /// # }
    /// # async fn fetch() -> Result<Vec<u8>, std::io::Error> { Ok(Vec::new()) }
    /// ```
    #[must_use]
    pub fn cache(&self, namespace: impl Into<String>) -> Cache {
        Cache { peer: self.clone(), namespace: namespace.into() }
    }
}

impl Cache {
    /// Puts a value in, of at most 1 MiB, for 1 second to 7 days.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn put(&self, key: &str, value: impl Into<Arc<[u8]>> + Send, ttl: Duration) -> Result<ValueHash, Error> {
        let value = value.into();
        match self.command(Command::Put { key: self.key(key), value, ttl }).await? {
            Reply::Put { hash } => Ok(hash),
            _ => Err(data::Error::NotKept.into()),
        }
    }

    /// The value under that key, here or at somebody who is trusted; none when nobody has it.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn get(&self, key: &str) -> Result<Option<Found>, Error> {
        match self.command(Command::Get { key: self.key(key) }).await {
            Ok(Reply::Found(found)) => Ok(Some(found)),
            Ok(_) | Err(Error::Data(data::Error::Miss)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The value under that key. When nobody has it, one of all who want it makes it with its `make`, and the others wait
    /// for that. If that one fails, or dies, the next one makes it.
    ///
    /// # Errors
    /// [`Error::Data`], and [`Error::NotMade`] with the error of our own `make`.
    pub async fn get_or_make<F, A, V, E>(&self, key: &str, ttl: Duration, make: F) -> Result<Arc<[u8]>, Error>
    where
        F: FnOnce() -> A,
        A: Future<Output = Result<V, E>>,
        V: Into<Arc<[u8]>>,
        E: Into<Cause>,
    {
        if let Reply::Found(found) = self.command(Command::GetOrMake { key: self.key(key) }).await? {
            return Ok(found.value);
        }
        let mut claim = Claim { cache: self, key: self.key(key), held: true };
        let mut made = pin!(make());
        let value: Arc<[u8]> = loop {
            match tokio::time::timeout(STILL, &mut made).await {
                Ok(Ok(value)) => break value.into(),
                Ok(Err(error)) => return Err(Error::NotMade(error.into())),
                // Refused when somebody else may make it by now: what we have begun is worth having all the same.
                Err(_) => drop(self.command(Command::StillMaking { key: self.key(key) }).await),
            }
        };
        let put = Command::Put { key: self.key(key), value: Arc::clone(&value), ttl };
        self.command(put).await?;
        claim.held = false;
        Ok(value)
    }

    /// Drops what is here of a key, or of all keys of this namespace; returns how many entries. Others keep theirs.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn forget(&self, key: Option<&str>) -> Result<usize, Error> {
        let namespace = || Which::Namespace(self.namespace.clone());
        let which = key.map_or_else(namespace, |key| Which::Key(self.key(key)));
        match self.command(Command::Forget(which)).await? {
            Reply::Forgotten(count) => Ok(count),
            _ => Ok(0),
        }
    }

    /// What was counted since the start, of all namespaces.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn stats(&self) -> Result<Stats, Error> {
        match self.command(Command::Stats).await? {
            Reply::Stats(stats) => Ok(stats),
            _ => Ok(Stats::default()),
        }
    }

    fn key(&self, name: &str) -> Key {
        Key { namespace: self.namespace.clone(), name: name.to_owned() }
    }

    async fn command(&self, command: Command) -> Result<Reply, Error> {
        match self.peer.data(data::Command::Cache(command)).await? {
            data::Reply::Cache(reply) => Ok(reply),
            // Nothing more is to be known.
            _ => Ok(Reply::Make),
        }
    }
}

/// That we are to make a value. Dropped before it is made, somebody else may.
struct Claim<'a> {
    cache: &'a Cache,
    key: Key,
    held: bool,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let Some(runtime) = self.held.then(tokio::runtime::Handle::try_current).and_then(Result::ok) else { return };
        let (peer, key) = (self.cache.peer.clone(), self.key.clone());
        runtime.spawn(async move {
            // Refused by a peer that has ended: others notice.
            let _ = peer.data(data::Command::Cache(Command::GiveUp { key })).await;
        });
    }
}

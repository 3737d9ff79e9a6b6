//! What programs say to each other.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::data;
use crate::data::message::{Command, Delivery, Event, Kind, Pattern, Receipt, Reply, Topic};
use crate::wire::{PublicKey, Safe};

use super::{Error, Peer, Watch, Who};

/// What came of a message that a program said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who said it; proved by a signature.
    pub from: PublicKey,
    /// What it calls itself; proved by nothing.
    pub name: Safe,
    /// About what.
    pub topic: Topic,
    /// What for.
    pub kind: Kind,
    /// Only we could read it.
    pub sealed: bool,
    /// We said it.
    pub ours: bool,
    body: Arc<str>,
}

/// Messages with topics that were asked for.
pub type Subscription = Watch<Message>;

/// A message on its way: it is sent when this is awaited.
#[must_use = "nothing is said before it is awaited"]
#[derive(Debug)]
pub struct Publish<'a> {
    peer: &'a Peer,
    what: Result<(Topic, Arc<str>), Error>,
    kind: Kind,
    delivery: Delivery,
    to: Option<Vec<Who<'a>>>,
}

impl Message {
    /// What it says: JSON that was checked, text of a stranger all the same.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    /// What it says, as a value.
    ///
    /// # Errors
    /// [`Error::Json`] when it says something else: anybody on the network may say anything.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        Ok(serde_json::from_str(&self.body)?)
    }
}

impl From<data::message::Message> for Message {
    fn from(message: data::message::Message) -> Self {
        let data::message::Message { from, name, topic, kind, body, sealed, ours } = message;
        Self { from, name: called(&name), topic, kind, sealed, ours, body }
    }
}

/// A name of somebody, fit to be shown.
pub(super) fn called(name: &str) -> Safe {
    Safe::called(name, 32)
}

/// A value as a body.
pub(super) fn body<T: Serialize + ?Sized>(value: &T) -> Result<Arc<str>, Error> {
    Ok(serde_json::to_string(value)?.into())
}

impl<'a> Publish<'a> {
    /// It is sent again to who did not acknowledge it, for up to 10 s; this waits for that.
    pub fn acknowledged(mut self) -> Self {
        self.delivery = Delivery::Acknowledged;
        self
    }

    /// It is for this one, sealed, and for others of whom the same is said.
    pub fn to(mut self, who: impl Into<Who<'a>>) -> Self {
        self.to.get_or_insert_default().push(who.into());
        self
    }

    async fn send(self) -> Result<Receipt, Error> {
        let Self { peer, what, kind, delivery, to } = self;
        let (topic, body) = what?;
        let to = match to {
            None => None,
            Some(people) => {
                let mut keys = Vec::with_capacity(people.len());
                for who in people {
                    keys.push(peer.key_of(who).await?);
                }
                Some(keys)
            }
        };
        let command = Command::Publish { topic, kind, body, delivery, to };
        let reply = loop {
            match peer.data(data::Command::Message(command.clone())).await {
                // Others would not take more from us in this moment.
                Err(Error::Data(data::Error::TooFast(wait))) => tokio::time::sleep(wait).await,
                done => break done?,
            }
        };
        match reply {
            data::Reply::Message(Reply::Published(receipt)) => Ok(receipt),
            _ => Ok(Receipt::default()),
        }
    }
}

impl<'a> IntoFuture for Publish<'a> {
    type Output = Result<Receipt, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl Peer {
    /// Says something to the programs of everybody, or of those whom [`Publish::to`] names. The topic has up to 128 bytes,
    /// parts between slashes: `sensors/room-1/heat`; the body up to 64 KiB of JSON. Others take some 160 messages a second
    /// of one peer: who says more waits here.
    ///
    /// ```
    /// # use lsnp::peer::{Error, Kind, Peer};
    /// # async fn say(peer: &Peer) -> Result<(), Error> {
    /// peer.publish("sensors/room-1/heat", Kind::Data, &21.5).await?;
    /// let told = peer.publish("doors/front", Kind::Control, "open").to("bob").acknowledged().await?;
    /// assert_eq!(told.missing, []);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Awaiting it gives a [`Receipt`], or an error: [`Error::Topic`], [`Error::Json`], [`Error::Data`], and with
    /// [`Publish::to`] [`Error::Nobody`] and [`Error::Ambiguous`].
    pub fn publish<T: Serialize + ?Sized>(&self, topic: &str, kind: Kind, value: &T) -> Publish<'_> {
        let what = Topic::new(topic).map_err(Error::from).and_then(|topic| Ok((topic, body(value)?)));
        Publish { peer: self, what, kind, delivery: Delivery::default(), to: None }
    }

    /// What others say about topics of this pattern: a topic in which `+` stands for any one part, and `#` as the last part
    /// for any number of parts. What this peer says itself is not among it.
    ///
    /// ```
    /// # use lsnp::peer::{Error, Peer};
    /// # async fn hear(peer: &Peer) -> Result<(), Error> {
    /// let mut heat = peer.subscribe("sensors/+/heat")?;
    /// while let Some(message) = heat.next().await {
    ///     if let Ok(degrees) = message.json::<f64>() {
    ///         println!("{}: {degrees} °C by {}", message.topic, message.name);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Topic`].
    pub fn subscribe(&self, pattern: &str) -> Result<Subscription, Error> {
        let pattern = Pattern::new(pattern)?;
        Ok(Watch::data(self, move |event| match event {
            data::Event::Message(Event::Published(message)) if !message.ours && pattern.matches(&message.topic) => {
                Some(message.into())
            }
            _ => None,
        }))
    }
}

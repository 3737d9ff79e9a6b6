//! What is said to people, and all that happens.

use crate::data;
use crate::data::{board, list, message};
use crate::engine::{self, Mark, Reply};
use crate::wire::{OwnMessageId, Untrusted};

use super::watch::Happened;
use super::{Error, Message, Peer, Person, Watch, Who};

/// Something that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// Somebody is here who was not.
    Came(Person),
    /// Somebody is here no longer.
    Went(Person),
    /// Text for everyone.
    Post {
        /// From whom.
        from: Person,
        /// The text.
        text: Untrusted,
    },
    /// Text for us.
    Dm {
        /// From whom.
        from: Person,
        /// The text.
        text: Untrusted,
        /// Nobody else could read it.
        private: bool,
    },
    /// Something became of a DM of ours.
    Marked {
        /// Which: [`Sent::id`].
        id: OwnMessageId,
        /// What.
        mark: Mark,
    },
    /// We may take part in a list: [`Peer::join`].
    Invited(list::Summary),
    /// A list changed, by us or by somebody else.
    List {
        /// Which, as it is now.
        list: list::Summary,
        /// Who did the last of it.
        by: crate::wire::PublicKey,
        /// The last of what was done.
        change: list::Change,
    },
    /// Somebody told progress, ourselves included.
    Progress(board::Entry),
    /// A program said something, ourselves included.
    Message(Message),
}

/// A DM that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Names it in [`Event::Marked`].
    pub id: OwnMessageId,
    /// Nobody else can read it.
    pub private: bool,
    /// It left at once; else it waits until its reader is heard, or for the user's word about a new key.
    pub left: bool,
}

impl Peer {
    /// Says something to everybody; returns to how many it left.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub async fn post(&self, text: impl Into<String> + Send) -> Result<usize, Error> {
        match self.handle().command(engine::Command::Post { text: text.into() }).await? {
            Reply::Posted { to, .. } => Ok(to.len()),
            _ => Ok(0),
        }
    }

    /// Says something to one, sealed where it has a key. What becomes of it, [`Event::Marked`] tells.
    ///
    /// # Errors
    /// [`Error::Nobody`], [`Error::Ambiguous`] and [`Error::Refused`].
    pub async fn dm<'a>(&self, who: impl Into<Who<'a>> + Send, text: impl Into<String> + Send) -> Result<Sent, Error> {
        let to = self.person(&who.into()).await?.whom();
        match self.handle().command(engine::Command::Dm { to, text: text.into() }).await? {
            Reply::Sent { id, private, .. } => Ok(Sent { id, private, left: true }),
            Reply::Waiting { id, to, .. } => Ok(Sent { id, private: to.is_private(), left: false }),
            _ => Err(Error::Refused(engine::CommandError::UnknownPeer)),
        }
    }

    /// All that happens from now on.
    pub fn events(&self) -> Watch<Event> {
        Watch::all(self, |happened| match happened {
            Happened::Talk(event) => talk(event),
            Happened::Data(event) => data(event),
        })
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what a program is told is chosen")]
fn talk(event: engine::Event) -> Option<Event> {
    match event {
        engine::Event::Here(peer) | engine::Event::Back(peer) => Some(Event::Came(Person::of(&peer))),
        engine::Event::Left(peer) | engine::Event::Gone(peer) | engine::Event::Quiet(peer) => {
            Some(Event::Went(Person::of(&peer)))
        }
        engine::Event::Post { from, text, .. } if !from.is_muted() => {
            Some(Event::Post { from: Person::of(&from), text })
        }
        engine::Event::Dm { from, text, private, .. } => Some(Event::Dm { from: Person::of(&from), text, private }),
        engine::Event::Marked { id, mark, .. } => Some(Event::Marked { id, mark }),
        _ => None,
    }
}

fn data(event: data::Event) -> Option<Event> {
    match event {
        data::Event::List(list::Event::Invited(list)) => Some(Event::Invited(list)),
        data::Event::List(list::Event::Changed { list, by, change }) => Some(Event::List { list, by, change }),
        data::Event::Board(board::Event::Told { entry, .. }) => Some(Event::Progress(entry)),
        data::Event::Message(message::Event::Published(message)) => Some(Event::Message(message.into())),
        data::Event::Message(message::Event::Called { .. }) | data::Event::Cache(_) => None,
    }
}

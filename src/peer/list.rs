//! Lists that several people edit.

use std::collections::BTreeMap;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use crate::data;
use crate::data::list::{Change, Command, Edit, Event, Invitee, Item, ItemId, List, ListId, LogEntry, Reply, Summary};
use crate::wire::PublicKey;

use super::{Error, Peer, Watch, Who};

/// One shared list of a peer. It is edited here at once, connected or not, and becomes the same at all who take part.
///
/// Only in a build with the feature `shared`; in others everything is refused with [`data::Error::NotBuilt`].
#[derive(Debug, Clone)]
pub struct SharedList {
    peer: Peer,
    id: ListId,
}

/// A change of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListChange {
    /// The list as it is now.
    pub list: Summary,
    /// Who did the last of it.
    pub by: PublicKey,
    /// The last of what was done.
    pub change: Change,
}

/// An item to come: it is added when this is awaited.
#[must_use = "nothing is added before it is awaited"]
#[derive(Debug)]
pub struct Add<'a> {
    list: &'a SharedList,
    text: String,
    at: Option<usize>,
    fields: BTreeMap<String, String>,
}

impl Peer {
    /// Makes a list, of which this peer is the first member. The name has 1 to 64 characters.
    ///
    /// ```
    /// # use lsnp::peer::{Error, Peer};
    /// # async fn party(peer: &Peer) -> Result<(), Error> {
    /// let party = peer.new_list("party").await?;
    /// party.invite("bob").await?;
    /// let song = party.add("Song").at(0).field("artist", "Somebody").await?;
    /// party.move_to(song, 3).await?;
    /// for item in party.items().await? {
    ///     println!("{}", lsnp::wire::Safe::line(&item.text));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn new_list(&self, name: &str) -> Result<SharedList, Error> {
        self.list_of(Command::New { name: name.to_owned() }).await
    }

    /// Takes an invitation. The list is named by its name, by `name#1234` (the first digits of its id) or by its id.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn join(&self, list: impl ToString + Send) -> Result<SharedList, Error> {
        self.list_of(Command::Join { list: list.to_string() }).await
    }

    /// A list that this peer takes part in, or is invited to; named as in [`Peer::join`].
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn list(&self, list: impl ToString + Send) -> Result<SharedList, Error> {
        self.list_of(Command::Show { list: list.to_string() }).await
    }

    /// All lists that this peer takes part in, or is invited to.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn lists(&self) -> Result<Vec<Summary>, Error> {
        match self.about_lists(Command::Summaries).await? {
            Reply::Summaries(lists) => Ok(lists),
            _ => Ok(Vec::new()),
        }
    }

    async fn list_of(&self, command: Command) -> Result<SharedList, Error> {
        let id = match self.about_lists(command).await? {
            Reply::List(list) => list.id,
            Reply::Show(list) => list.summary.id,
            _ => return Err(data::Error::Bad("no list").into()),
        };
        Ok(SharedList { peer: self.clone(), id })
    }

    async fn about_lists(&self, command: Command) -> Result<Reply, Error> {
        match self.data(data::Command::List(command)).await? {
            data::Reply::List(reply) => Ok(reply),
            _ => Err(data::Error::Bad("no list").into()),
        }
    }
}

impl SharedList {
    /// Names it for ever.
    #[must_use]
    pub fn id(&self) -> ListId {
        self.id
    }

    /// An item to come at the end: 1 to 2,000 bytes of text. Awaiting it gives its id, or [`Error::Data`].
    pub fn add(&self, text: impl Into<String>) -> Add<'_> {
        Add { list: self, text: text.into(), at: None, fields: BTreeMap::new() }
    }

    /// Moves an item to that place, from 0; what is beyond the end means the end.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn move_to(&self, item: ItemId, to: usize) -> Result<(), Error> {
        self.edit(Edit::Move { item, to }).await.map(drop)
    }

    /// Has an item say something else.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn set(&self, item: ItemId, text: impl Into<String> + Send) -> Result<(), Error> {
        self.edit(Edit::Set { item, text: Some(text.into()), fields: BTreeMap::new() }).await.map(drop)
    }

    /// Gives a field of an item a value of up to 500 bytes, or drops it.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn set_field(&self, item: ItemId, field: &str, value: Option<&str>) -> Result<(), Error> {
        let fields = BTreeMap::from([(field.to_owned(), value.map(str::to_owned))]);
        self.edit(Edit::Set { item, text: None, fields }).await.map(drop)
    }

    /// Removes an item. If somebody else moves it at the same time, it stays.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn remove(&self, item: ItemId) -> Result<(), Error> {
        self.edit(Edit::Remove { item }).await.map(drop)
    }

    /// Takes back the newest edit of this peer that is not taken back. What it removed comes back as it was, with another id.
    ///
    /// # Errors
    /// [`Error::Data`], [`data::Error::NothingToUndo`] among them.
    pub async fn undo(&self) -> Result<(), Error> {
        self.peer.data(data::Command::List(Command::Undo { list: self.name() })).await.map(drop)
    }

    /// The items in their order. Their texts are those of strangers: show them by [`Safe`](crate::wire::Safe).
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn items(&self) -> Result<Vec<Item>, Error> {
        Ok(self.show().await?.items)
    }

    /// The list whole, with who takes part.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn show(&self) -> Result<List, Error> {
        match self.peer.about_lists(Command::Show { list: self.name() }).await? {
            Reply::Show(list) => Ok(list),
            _ => Err(data::Error::Bad("no list").into()),
        }
    }

    /// What was done, at most so many entries, the newest last.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn log(&self, limit: usize) -> Result<Vec<LogEntry>, Error> {
        match self.peer.about_lists(Command::Log { list: self.name(), limit }).await? {
            Reply::Log(entries) => Ok(entries),
            _ => Ok(Vec::new()),
        }
    }

    /// What becomes of it from now on; many edits that come at once may be told as one, with the last.
    pub fn watch(&self) -> Watch<ListChange> {
        let id = self.id;
        Watch::data(&self.peer, move |event| match event {
            data::Event::List(Event::Changed { list, by, change }) if list.id == id => {
                Some(ListChange { list, by, change })
            }
            _ => None,
        })
    }

    /// Lets somebody take part, here or not.
    ///
    /// # Errors
    /// [`Error::Nobody`], [`Error::Ambiguous`], [`Error::NoKey`] and [`Error::Data`].
    pub async fn invite<'a>(&self, who: impl Into<Who<'a>> + Send) -> Result<(), Error> {
        let key = self.peer.key_of(who.into()).await?;
        self.let_in(Invitee::Key(key)).await
    }

    /// Lets everybody take part who ever hears of it. This cannot be taken back.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn invite_all(&self) -> Result<(), Error> {
        self.let_in(Invitee::All).await
    }

    /// Takes part no longer; what is here of it is forgotten.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub async fn leave(self) -> Result<(), Error> {
        self.peer.data(data::Command::List(Command::Leave { list: self.name() })).await.map(drop)
    }

    async fn let_in(&self, whom: Invitee) -> Result<(), Error> {
        self.peer.data(data::Command::List(Command::Invite { list: self.name(), whom })).await.map(drop)
    }

    async fn edit(&self, edit: Edit) -> Result<ItemId, Error> {
        match self.peer.about_lists(Command::Edit { list: self.name(), edit }).await? {
            Reply::Edited { item, .. } => Ok(item),
            _ => Err(data::Error::Bad("no item").into()),
        }
    }

    fn name(&self) -> String {
        self.id.to_string()
    }
}

impl Add<'_> {
    /// It comes before what is at that place, from 0.
    pub fn at(mut self, place: usize) -> Self {
        self.at = Some(place);
        self
    }

    /// More about it: a name of 1 to 32 characters `a-z0-9_-`, and up to 500 bytes. At most 16 of them.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }
}

impl<'a> IntoFuture for Add<'a> {
    type Output = Result<ItemId, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { list, text, at, fields } = self;
        Box::pin(list.edit(Edit::Add { text, at, fields }))
    }
}

//! What goes in and out of shared lists.

use std::collections::BTreeMap;
use std::fmt;

use crate::wire::PublicKey;

/// Names a list for ever: a hash of its creator's first datagram. Written as 32 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(pub [u8; 16]);

/// Names an item of a list for ever. Written as 16 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub u64);

/// What a user or a program wants done with lists. A list is named by its name, by `name#1234` (the first digits of its id) or
/// by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Makes a list, of which we are the first member.
    New {
        /// 1 to 64 characters that may be shown, without `#`.
        name: String,
    },
    /// Edits a list.
    Edit {
        /// Which.
        list: String,
        /// How.
        edit: Edit,
    },
    /// Lets others edit a list.
    Invite {
        /// Which.
        list: String,
        /// Whom.
        whom: Invitee,
    },
    /// Takes an invitation.
    Join {
        /// Which.
        list: String,
    },
    /// Takes part no longer; what is here of the list is forgotten.
    Leave {
        /// Which.
        list: String,
    },
    /// Takes back our newest edit that is not taken back.
    Undo {
        /// Which.
        list: String,
    },
    /// Tells which lists there are, those to which we are invited included.
    Summaries,
    /// Tells a list whole.
    Show {
        /// Which.
        list: String,
    },
    /// Tells what was done to a list, the newest last.
    Log {
        /// Which.
        list: String,
        /// At most so many entries.
        limit: usize,
    },
}

/// A change to a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// A new item.
    Add {
        /// 1 to 2,000 bytes.
        text: String,
        /// Before which place, from 0; none for the end.
        at: Option<usize>,
        /// Up to 16 fields; names of 1 to 32 characters `a-z0-9_-`, values of up to 500 bytes.
        fields: BTreeMap<String, String>,
    },
    /// An item goes to another place.
    Move {
        /// Which.
        item: ItemId,
        /// The place that it has then, from 0; what is beyond the end means the end.
        to: usize,
    },
    /// An item says something else.
    Set {
        /// Which.
        item: ItemId,
        /// None to leave it.
        text: Option<String>,
        /// What becomes of these fields: a value, or none to drop it. Others stay.
        fields: BTreeMap<String, Option<String>>,
    },
    /// An item goes. If somebody else moves it at the same time, it stays (protocol.md §11.3).
    Remove {
        /// Which.
        item: ItemId,
    },
}

/// Whom to invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invitee {
    /// One.
    Key(PublicKey),
    /// Everybody who ever hears of the list.
    All,
}

/// What a command about lists did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The list is made, or joined.
    List(Summary),
    /// The edit is on our disk and on its way. Of an addition, the item.
    Edited {
        /// The item.
        item: ItemId,
        /// What was done.
        change: Change,
    },
    /// Which lists there are.
    Summaries(Vec<Summary>),
    /// A list whole.
    Show(List),
    /// What was done.
    Log(Vec<LogEntry>),
}

/// A list in a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its id.
    pub id: ListId,
    /// Its name: text of a stranger, perhaps.
    pub name: String,
    /// Who made it.
    pub creator: PublicKey,
    /// How we stand.
    pub standing: Standing,
    /// Who invited us, of a list that we did not make.
    pub invited_by: Option<PublicKey>,
    /// How many items.
    pub items: usize,
    /// How many take part.
    pub members: usize,
    /// Everybody may take part.
    pub open: bool,
}

/// How somebody stands to a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// May join.
    Invited,
    /// Takes part.
    Joined,
    /// Takes part no longer.
    Left,
}

/// A list whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// In a word.
    pub summary: Summary,
    /// In their order.
    pub items: Vec<Item>,
    /// Who may edit it, by key.
    pub members: Vec<Member>,
    /// Edits that were refused since the start: of somebody who is no member, or broken.
    pub refused: u64,
    /// How often it was rebuilt from what is kept, because the library failed.
    pub rebuilt: u64,
}

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: ItemId,
    /// What it says: text of a stranger, perhaps.
    pub text: String,
    /// More about it.
    pub fields: BTreeMap<String, String>,
    /// Who added it.
    pub by: PublicKey,
}

/// Who may edit a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub key: PublicKey,
    /// How it stands.
    pub standing: Standing,
    /// Its edits so far.
    pub edits: u64,
}

/// Something that was done to a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// Who did it.
    pub by: PublicKey,
    /// When, Unix seconds by its clock: a label.
    pub at: u64,
    /// What.
    pub change: Change,
    /// It was taken back.
    pub undone: bool,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The list was made.
    Created,
    /// An item came.
    Added {
        /// Which.
        item: ItemId,
        /// What it said.
        text: String,
        /// Its place then.
        at: usize,
    },
    /// An item went to another place.
    Moved {
        /// Which.
        item: ItemId,
        /// What it says.
        text: String,
        /// Its new place then.
        to: usize,
    },
    /// An item says something else.
    Changed {
        /// Which.
        item: ItemId,
        /// What it said then.
        text: String,
    },
    /// An item went.
    Removed {
        /// Which.
        item: ItemId,
        /// What it said.
        text: String,
    },
    /// An item that somebody removed is back, because somebody else moved it at the same time.
    Returned {
        /// Which.
        item: ItemId,
        /// What it says.
        text: String,
    },
    /// Somebody may take part.
    Invited(PublicKey),
    /// Everybody may take part.
    Opened,
    /// It takes part.
    Joined,
    /// It takes part no longer.
    Left,
}

/// What happened with a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// We may take part in a list.
    Invited(Summary),
    /// A list changed, by us or by somebody else; many edits that come at once may be told as one, with the last.
    Changed {
        /// Which list, as it is now.
        list: Summary,
        /// Who did the last of it.
        by: PublicKey,
        /// The last of what was done.
        change: Change,
    },
}

impl fmt::Display for ListId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl ListId {
    /// The list that this datagram creates.
    #[must_use]
    pub fn of(raw: &[u8]) -> Self {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::hash(raw).as_bytes()[..16]);
        Self(id)
    }

    /// Reads 32 hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl ItemId {
    /// Reads 16 hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 8] = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?.try_into().ok()?;
        Some(Self(u64::from_be_bytes(bytes)))
    }
}

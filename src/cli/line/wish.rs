//! What a user wants.

use crate::engine::Word;
use crate::store::Forget;
use crate::wire::PublicKey;

/// What the user wants, whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Shows the peers.
    List {
        /// The blocked and the unproven ones, too.
        all: bool,
    },
    /// Sends text to everyone.
    Post {
        /// The text.
        text: String,
    },
    /// Sends text to one peer.
    Dm {
        /// Whom, as typed.
        who: String,
        /// The text.
        text: String,
    },
    /// Changes what we are called, or our status; what is `None` stays as it is.
    Profile {
        /// What to be called.
        display_name: Option<String>,
        /// The status; empty for none.
        status: Option<String>,
    },
    /// Takes our avatar away.
    AvatarNone,
    /// Makes a file our avatar; if there is no such file, pulls the avatar of a peer called so.
    Avatar {
        /// A file or a peer, as typed.
        what: String,
    },
    /// Pulls a peer's avatar and keeps it.
    AvatarSave {
        /// Whose, as typed.
        who: String,
        /// Where to.
        file: String,
    },
    /// Asks a peer whom it knows.
    Peers {
        /// Whom, as typed.
        who: String,
    },
    /// Shows all that is known of somebody.
    Peer {
        /// Of whom, as typed.
        who: String,
    },
    /// Shows whom we know by key.
    Contacts,
    /// Shows the digits to compare with somebody, or compares those that were typed.
    Verify {
        /// With whom, as typed.
        who: String,
        /// What the other one's screen shows, as typed.
        digits: Option<String>,
    },
    /// The digits were compared.
    Compared {
        /// Whose key it is.
        key: PublicKey,
        /// What its holder is called.
        name: String,
        /// Whether they are the same.
        same: bool,
    },
    /// Gives the user's word about somebody.
    Judge {
        /// About whom, as typed.
        who: String,
        /// Which.
        word: Word,
    },
    /// Shows who we are.
    WhoAmI,
    /// Shows lines of history.
    History {
        /// Only those with this one, as typed.
        who: Option<String>,
        /// So many, the newest.
        count: Option<u32>,
    },
    /// Shows what nobody has read.
    Unread,
    /// Shows lines of history with these words.
    Search {
        /// The words.
        words: String,
    },
    /// Removes all that was said with somebody.
    Forget {
        /// With whom, as typed.
        who: String,
    },
    /// The user said whether that is to be removed.
    Forgo {
        /// What.
        what: Forget,
        /// With whom.
        name: String,
        /// Whether.
        yes: bool,
    },
    /// Shows no notifications, or does again; none to tell which.
    Quiet(Option<bool>),
    /// Shows every message, or no longer.
    Verbose,
    /// Shows the commands.
    Help {
        /// The rare ones, too.
        all: bool,
    },
    /// Ends.
    Quit,
    /// Announces us now.
    Discover,
    /// Looks for somebody whom broadcasts do not find.
    Add {
        /// A link or an address, as typed.
        to: String,
    },
    /// Shows the page.
    Web,
    /// Shows what was counted.
    Stats,
    /// Follows a peer.
    Follow {
        /// Whom, as typed.
        who: String,
    },
    /// Stops following a peer.
    Unfollow {
        /// Whom, as typed.
        who: String,
    },
}

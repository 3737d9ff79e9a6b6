//! What a typed line means.

mod wish;

pub use wish::Wish;

use crate::engine::{Who, Word};
use crate::store::Forget;
use crate::wire::PublicKey;

/// What a line came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Nothing was typed.
    Empty,
    /// A whole command.
    Wish(Wish),
    /// A command that lacks something: the next line answers.
    Ask(Question),
    /// No command; the line.
    Unknown(String),
    /// A command that cannot be understood, and how it goes.
    Usage(&'static str),
}

/// What a command without its argument asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The text for everyone.
    PostText,
    /// Whom to write to.
    DmWho,
    /// The text for one.
    DmText {
        /// Whom, as typed.
        who: String,
    },
    /// What to be called.
    DisplayName,
    /// A line about oneself.
    Status {
        /// What to be called.
        display_name: Option<String>,
    },
    /// A picture, or whose.
    Avatar,
    /// Where to keep a peer's picture.
    AvatarFile {
        /// Whose, as typed.
        who: String,
    },
    /// Where somebody may be.
    AddTo,
    /// Whom to ask.
    PeersWho,
    /// About whom.
    PeerWho,
    /// With whom to compare digits.
    VerifyWho,
    /// Whether the digits are the same on both screens.
    Same {
        /// Whose key it is.
        key: PublicKey,
        /// What its holder is called.
        name: String,
    },
    /// What to look for.
    SearchWords,
    /// With whom all is to be forgotten.
    ForgetWho,
    /// Whether that is to be removed.
    Forgo {
        /// What.
        what: Forget,
        /// With whom.
        name: String,
    },
    /// Whom a word is about.
    JudgeWho(Word),
    /// Whom to follow.
    FollowWho,
    /// Whom to follow no longer.
    UnfollowWho,
}

/// The commands, as completion offers them; what takes a peer as its first word comes with `true`.
pub const COMMANDS: [(&str, bool); 28] = [
    ("LIST", false),
    ("POST", false),
    ("DM", true),
    ("PROFILE", false),
    ("AVATAR", true),
    ("PEERS", true),
    ("PEER", true),
    ("VERIFY", true),
    ("TRUST", true),
    ("BLOCK", true),
    ("UNBLOCK", true),
    ("MUTE", true),
    ("UNMUTE", true),
    ("CONTACTS", false),
    ("HISTORY", true),
    ("SEARCH", false),
    ("FORGET", true),
    ("QUIET", false),
    ("WHOAMI", false),
    ("VERBOSE", false),
    ("HELP", false),
    ("QUIT", false),
    ("WEB", false),
    ("ADD", false),
    ("DISCOVER", false),
    ("STATS", false),
    ("FOLLOW", true),
    ("UNFOLLOW", true),
];

impl Line {
    /// Reads a line.
    #[must_use]
    pub fn read(line: &str) -> Self {
        let line = line.trim();
        if line.is_empty() {
            return Self::Empty;
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let alone = |wish: Wish| if rest.is_empty() { Self::Wish(wish) } else { Self::Unknown(line.to_owned()) };
        match word.to_uppercase().as_str() {
            "LIST" if rest.eq_ignore_ascii_case("ALL") => Self::Wish(Wish::List { all: true }),
            "LIST" => alone(Wish::List { all: false }),
            "POST" if rest.is_empty() => Self::Ask(Question::PostText),
            "POST" => Self::Wish(Wish::Post { text: rest.to_owned() }),
            "DM" => Self::dm(rest),
            "PROFILE" => Self::profile(rest),
            "AVATAR" => Self::avatar(rest),
            "PEERS" => Self::who(rest, Question::PeersWho, "PEERS <who>", |who| Wish::Peers { who }),
            "FOLLOW" => Self::who(rest, Question::FollowWho, "FOLLOW <who>", |who| Wish::Follow { who }),
            "UNFOLLOW" => Self::who(rest, Question::UnfollowWho, "UNFOLLOW <who>", |who| Wish::Unfollow { who }),
            "PEER" => Self::who(rest, Question::PeerWho, "PEER <who>", |who| Wish::Peer { who }),
            "CONTACTS" => alone(Wish::Contacts),
            "VERIFY" => Self::verify(rest),
            "TRUST" => Self::judge(rest, Word::Trust, "TRUST <who>"),
            "BLOCK" => Self::judge(rest, Word::Block, "BLOCK <who>"),
            "UNBLOCK" => Self::judge(rest, Word::Unblock, "UNBLOCK <who>"),
            "MUTE" => Self::judge(rest, Word::Mute, "MUTE <who>"),
            "UNMUTE" => Self::judge(rest, Word::Unmute, "UNMUTE <who>"),
            "HISTORY" => Self::history(rest),
            "SEARCH" if rest.is_empty() => Self::Ask(Question::SearchWords),
            "SEARCH" => Self::Wish(Wish::Search { words: rest.to_owned() }),
            "FORGET" => Self::who(rest, Question::ForgetWho, "FORGET <who>", |who| Wish::Forget { who }),
            "QUIET" if rest.eq_ignore_ascii_case("ON") => Self::Wish(Wish::Quiet(Some(true))),
            "QUIET" if rest.eq_ignore_ascii_case("OFF") => Self::Wish(Wish::Quiet(Some(false))),
            "QUIET" => alone(Wish::Quiet(None)),
            "WHOAMI" => alone(Wish::WhoAmI),
            "VERBOSE" => alone(Wish::Verbose),
            "HELP" if rest.eq_ignore_ascii_case("ALL") => Self::Wish(Wish::Help { all: true }),
            "HELP" | "?" => alone(Wish::Help { all: false }),
            "QUIT" | "EXIT" => alone(Wish::Quit),
            "DISCOVER" => alone(Wish::Discover),
            "STATS" => alone(Wish::Stats),
            "WEB" => alone(Wish::Web),
            "ADD" if rest.is_empty() => Self::Ask(Question::AddTo),
            "ADD" => Self::add(rest),
            _ => Self::Unknown(line.to_owned()),
        }
    }

    fn dm(rest: &str) -> Self {
        if rest.is_empty() {
            return Self::Ask(Question::DmWho);
        }
        let Some((who, text)) = split_who(rest) else { return Self::Usage("DM <who> <text>") };
        if text.is_empty() {
            return Self::Ask(Question::DmText { who: who.to_owned() });
        }
        Self::Wish(Wish::Dm { who: who.to_owned(), text: text.to_owned() })
    }

    fn add(rest: &str) -> Self {
        let to = unquoted(rest);
        if to.contains(char::is_whitespace) {
            return Self::Usage("ADD <link>|<host>[:<port>]");
        }
        Self::Wish(Wish::Add { to: to.to_owned() })
    }

    fn profile(rest: &str) -> Self {
        if rest.is_empty() {
            return Self::Ask(Question::DisplayName);
        }
        let (display_name, status) = match rest.split_once('|') {
            Some((name, status)) => (name.trim(), Some(status.trim().to_owned())),
            None => (rest, None),
        };
        let display_name = (!display_name.is_empty()).then(|| display_name.to_owned());
        Self::Wish(Wish::Profile { display_name, status })
    }

    fn avatar(rest: &str) -> Self {
        if rest.is_empty() {
            return Self::Ask(Question::Avatar);
        }
        if rest.eq_ignore_ascii_case("none") {
            return Self::Wish(Wish::AvatarNone);
        }
        if let Some((who, after)) = split_who(rest) {
            let (word, file) = after.split_once(char::is_whitespace).unwrap_or((after, ""));
            if word.eq_ignore_ascii_case("save") {
                let (who, file) = (who.to_owned(), unquoted(file).to_owned());
                return if file.is_empty() {
                    Self::Ask(Question::AvatarFile { who })
                } else {
                    Self::Wish(Wish::AvatarSave { who, file })
                };
            }
        }
        Self::Wish(Wish::Avatar { what: rest.to_owned() })
    }

    fn verify(rest: &str) -> Self {
        if rest.is_empty() {
            return Self::Ask(Question::VerifyWho);
        }
        match split_who(rest) {
            Some((who, digits)) if digits.chars().all(|c| c.is_ascii_digit() || c == '-' || c.is_whitespace()) => {
                let digits = (!digits.is_empty()).then(|| digits.to_owned());
                Self::Wish(Wish::Verify { who: who.to_owned(), digits })
            }
            _ => Self::Usage("VERIFY <who> [<60 digits>]"),
        }
    }

    fn history(rest: &str) -> Self {
        let wish = |who: Option<&str>, count| Self::Wish(Wish::History { who: who.map(str::to_owned), count });
        let count = |text: &str| text.parse::<u32>().ok().filter(|count| *count > 0);
        if rest.is_empty() {
            return wish(None, None);
        }
        if rest.eq_ignore_ascii_case("UNREAD") {
            return Self::Wish(Wish::Unread);
        }
        match split_who(rest) {
            Some((text, "")) if count(text).is_some() => wish(None, count(text)),
            Some((who, "")) => wish(Some(who), None),
            Some((who, after)) if count(after).is_some() => wish(Some(who), count(after)),
            _ => Self::Usage("HISTORY [<who>] [<count>], or HISTORY UNREAD"),
        }
    }

    fn judge(rest: &str, word: Word, usage: &'static str) -> Self {
        Self::who(rest, Question::JudgeWho(word), usage, |who| Wish::Judge { who, word })
    }

    fn who(rest: &str, question: Question, usage: &'static str, wish: impl FnOnce(String) -> Wish) -> Self {
        if rest.is_empty() {
            return Self::Ask(question);
        }
        match split_who(rest) {
            Some((who, "")) => Self::Wish(wish(who.to_owned())),
            _ => Self::Usage(usage),
        }
    }
}

impl Question {
    /// What is asked, as the older client asks it.
    #[must_use]
    pub fn prompt(&self) -> &'static str {
        match self {
            Self::PostText | Self::DmText { .. } => "Message: ",
            Self::DmWho => "Recipient: ",
            Self::DisplayName => "Display Name: ",
            Self::Status { .. } => "Status message: ",
            Self::Avatar => "Picture file, none, or a peer: ",
            Self::AvatarFile { .. } => "File: ",
            Self::AddTo => "Link or address: ",
            Self::PeersWho => "Whom to ask: ",
            Self::PeerWho => "About whom: ",
            Self::VerifyWho => "Whose digits: ",
            Self::Same { .. } => "The same on both screens? [y/N] ",
            Self::SearchWords => "Words: ",
            Self::ForgetWho => "Whom to forget: ",
            Self::Forgo { .. } => "Forget it for ever? [y/N] ",
            Self::JudgeWho(Word::Verify | Word::Trust) => "Whom to trust: ",
            Self::JudgeWho(Word::Block) => "Whom to block: ",
            Self::JudgeWho(Word::Unblock) => "Whom to unblock: ",
            Self::JudgeWho(Word::Mute) => "Whom to mute: ",
            Self::JudgeWho(Word::Unmute) => "Whom to unmute: ",
            Self::FollowWho => "User to follow: ",
            Self::UnfollowWho => "User to unfollow: ",
        }
    }

    /// Takes the answer; an empty one gives the command up, but keeps the name or status that is.
    #[must_use]
    pub fn answered(self, answer: &str) -> Line {
        let answer = answer.trim();
        let some = (!answer.is_empty()).then(|| answer.to_owned());
        let peer =
            |wish: fn(String) -> Wish| some.as_ref().map_or(Line::Empty, |_| Line::Wish(wish(whole_who(answer))));
        match self {
            Self::PostText => some.map_or(Line::Empty, |text| Line::Wish(Wish::Post { text })),
            Self::DmWho if answer.is_empty() => Line::Empty,
            Self::DmWho => Line::Ask(Self::DmText { who: whole_who(answer) }),
            Self::DmText { who } => some.map_or(Line::Empty, |text| Line::Wish(Wish::Dm { who, text })),
            Self::DisplayName => Line::Ask(Self::Status { display_name: some }),
            Self::Status { display_name: None } if answer.is_empty() => Line::Empty,
            Self::Status { display_name } => Line::Wish(Wish::Profile { display_name, status: some }),
            Self::Avatar if answer.is_empty() => Line::Empty,
            Self::Avatar => Line::avatar(answer),
            Self::AvatarFile { who } => {
                some.map_or(Line::Empty, |file| Line::Wish(Wish::AvatarSave { who, file: unquoted(&file).to_owned() }))
            }
            Self::AddTo => some.as_deref().map_or(Line::Empty, Line::add),
            Self::PeersWho => peer(|who| Wish::Peers { who }),
            Self::PeerWho => peer(|who| Wish::Peer { who }),
            Self::VerifyWho => peer(|who| Wish::Verify { who, digits: None }),
            Self::Same { key, name } => Line::Wish(Wish::Compared { key, name, same: is_yes(answer) }),
            Self::SearchWords => some.map_or(Line::Empty, |words| Line::Wish(Wish::Search { words })),
            Self::ForgetWho => peer(|who| Wish::Forget { who }),
            Self::Forgo { what, name } => Line::Wish(Wish::Forgo { what, name, yes: is_yes(answer) }),
            Self::JudgeWho(word) => {
                some.map_or(Line::Empty, |_| Line::Wish(Wish::Judge { who: whole_who(answer), word }))
            }
            Self::FollowWho => peer(|who| Wish::Follow { who }),
            Self::UnfollowWho => peer(|who| Wish::Unfollow { who }),
        }
    }
}

/// The first word, or what stands in quotes at the beginning, as typed; and the rest. None for an open quote.
fn split_who(text: &str) -> Option<(&str, &str)> {
    let (_, rest) = Who::split(text)?;
    Some((text[..text.len() - rest.len()].trim(), rest.trim()))
}

/// An answer that is a whole name: put in quotes if it has several words.
fn whole_who(answer: &str) -> String {
    if answer.contains(char::is_whitespace) && !answer.contains('"') {
        format!("\"{answer}\"")
    } else {
        answer.to_owned()
    }
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].iter().any(|yes| answer.eq_ignore_ascii_case(yes))
}

/// Text without the quotes around it, if it has them.
#[must_use]
pub fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests;

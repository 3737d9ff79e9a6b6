//! What goes in and out of messages of programs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::wire::PublicKey;

/// Largest body, bytes of JSON (protocol.md §11.6).
pub const BODY_MAX: usize = 64 << 10;

/// Longest reason why a call failed, bytes of text (protocol.md §11.6).
pub const ERROR_MAX: usize = 500;

/// For how long a call waits at most (protocol.md §11.6).
pub const PATIENCE_MAX: Duration = Duration::from_secs(600);

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Kind {
    /// Text of people.
    Chat,
    /// Data.
    #[default]
    Data,
    /// What to do.
    Control,
}

/// What a message is about: parts between slashes, `sensors/room-1/heat`. 1 to 128 bytes; a part has at least one of the
/// characters that may be shown, and none of space, `/`, `+` and `#`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(String);

/// Which topics are wanted: a topic in which `+` stands for any one part, and `#` as the last part for any number of parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern(String);

/// Why a text is no topic, or no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a topic has 1 to 128 bytes, parts between slashes, no spaces; in a pattern + stands for one part and # at its end for all that follow"
)]
pub struct TopicError;

/// How a message is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delivery {
    /// Sent once.
    #[default]
    BestEffort,
    /// Sent again until each peer that is here has acknowledged it, for up to 10 s.
    Acknowledged,
}

/// What a user or a program wants said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Says something to everybody, or to some.
    Publish {
        /// About what.
        topic: Topic,
        /// What for.
        kind: Kind,
        /// JSON of at most [`BODY_MAX`] bytes.
        body: Arc<str>,
        /// How.
        delivery: Delivery,
        /// To whom; none for everybody. To some it is sealed.
        to: Option<Vec<PublicKey>>,
    },
    /// Asks one peer, and waits for the answer.
    Call {
        /// Whom.
        to: PublicKey,
        /// What: as a [`Topic`].
        method: Topic,
        /// JSON of at most [`BODY_MAX`] bytes.
        body: Arc<str>,
        /// For how long to wait: at most [`PATIENCE_MAX`].
        patience: Duration,
    },
    /// Calls of this method are taken from now on: [`Event::Called`] tells of each.
    Serve {
        /// Which.
        method: Topic,
    },
    /// They are taken no longer.
    Unserve {
        /// Which.
        method: Topic,
    },
    /// Answers a call.
    Answer {
        /// Which.
        call: CallId,
        /// JSON of at most [`BODY_MAX`] bytes; or why not, at most [`ERROR_MAX`] bytes of text.
        answer: Result<Arc<str>, String>,
    },
}

/// Names a call that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// What a command about messages did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// What became of a message.
    Published(Receipt),
    /// The answer to a call: JSON.
    Answered(Arc<str>),
}

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// To how many it was sent.
    pub sent: usize,
    /// Who acknowledged it, with [`Delivery::Acknowledged`].
    pub acknowledged: Vec<PublicKey>,
    /// Who did not.
    pub missing: Vec<PublicKey>,
}

/// A message of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who said it.
    pub from: PublicKey,
    /// What the author is called, as it travels: text of a stranger.
    pub name: Arc<str>,
    /// About what.
    pub topic: Topic,
    /// What for.
    pub kind: Kind,
    /// JSON, checked.
    pub body: Arc<str>,
    /// Only we could read it.
    pub sealed: bool,
    /// Ours.
    pub ours: bool,
}

/// What happened with messages of programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Somebody said something, ourselves included.
    Published(Message),
    /// Somebody calls a method that is served here: [`Command::Answer`] is awaited.
    Called {
        /// Names the call.
        call: CallId,
        /// Who calls.
        from: PublicKey,
        /// What it is called, as it travels: text of a stranger.
        name: Arc<str>,
        /// What.
        method: Topic,
        /// For how long the caller waits from now on.
        patience: Duration,
        /// JSON, checked.
        body: Arc<str>,
    },
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || matches!(c, '/' | '+' | '#'))
}

impl Topic {
    /// Longest, bytes.
    pub const MAX: usize = 128;

    /// Reads a topic.
    ///
    /// # Errors
    /// [`TopicError`].
    pub fn new(text: &str) -> Result<Self, TopicError> {
        let clean = crate::wire::is_clean(text) && text.len() <= Self::MAX && text.split('/').all(is_part);
        if clean { Ok(Self(text.to_owned())) } else { Err(TopicError) }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`TopicError`].
    pub fn new(text: &str) -> Result<Self, TopicError> {
        let parts = match text.strip_suffix('#') {
            Some("") => return Ok(Self("#".to_owned())),
            Some(parts) => parts.strip_suffix('/').ok_or(TopicError)?,
            None => text,
        };
        let good = text.len() <= Topic::MAX
            && crate::wire::is_clean(text)
            && parts.split('/').all(|part| part == "+" || is_part(part));
        if good { Ok(Self(text.to_owned())) } else { Err(TopicError) }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True when it means this topic.
    #[must_use]
    pub fn matches(&self, topic: &Topic) -> bool {
        let mut parts = topic.0.split('/');
        for wanted in self.0.split('/') {
            match (wanted, parts.next()) {
                ("#", _) => return true,
                (_, None) => return false,
                ("+", Some(_)) => {}
                (wanted, Some(part)) if wanted == part => {}
                _ => return false,
            }
        }
        parts.next().is_none()
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Kind {
    /// The word for it: `chat`, `data`, `control`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Data => "data",
            Self::Control => "control",
        }
    }

    /// Reads the word for it.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Chat, Self::Data, Self::Control].into_iter().find(|kind| kind.word() == word)
    }
}

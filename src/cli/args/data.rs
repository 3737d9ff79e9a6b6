//! The options of what peers share: lists, the cache, the board of progress, and messages of programs.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::value;
use crate::data::message::{Pattern, Topic};

/// The options of `peer share`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ShareArgs {
    /// One JSON object, or one a line
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub task: ShareTask,
}

/// What to do with shared lists.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ShareTask {
    /// Make a list, of which I am the first member
    New {
        /// What it is called: 1 to 64 characters, without #
        #[arg(value_name = "NAME")]
        called: String,
    },
    /// Add an item, at the end or at a place
    Add {
        /// A list by its name, by name#1234 or by its id
        list: String,
        /// What the item says: 1 to 2,000 bytes; - for an item of every line of the input
        #[arg(required = true, value_name = "TEXT|-")]
        text: Vec<String>,
        /// The place that it gets; 1 is the first
        #[arg(long, value_name = "PLACE", value_parser = clap::value_parser!(u32).range(1..))]
        at: Option<u32>,
        /// More about it, such as artist=Somebody; can be given several times
        #[arg(long = "field", value_name = "NAME=VALUE", value_parser = value::field)]
        fields: Vec<(String, String)>,
    },
    /// Give an item another place
    Move {
        /// A list by its name, by name#1234 or by its id
        list: String,
        /// Its place from 1, its text, or its id
        item: String,
        /// The place that it has then; what is beyond the end means the end
        #[arg(value_parser = clap::value_parser!(u32).range(1..))]
        to: u32,
    },
    /// Change what an item says
    #[command(group = clap::ArgGroup::new("change").required(true).multiple(true).args(["text", "fields", "dropped"]))]
    Set {
        /// A list by its name, by name#1234 or by its id
        list: String,
        /// Its place from 1, its text, or its id
        item: String,
        /// What it says then; without it only fields change
        text: Vec<String>,
        /// What a field is then; can be given several times
        #[arg(long = "field", value_name = "NAME=VALUE", value_parser = value::field)]
        fields: Vec<(String, String)>,
        /// A field to take away; can be given several times
        #[arg(long = "drop", value_name = "NAME")]
        dropped: Vec<String>,
    },
    /// Take an item off the list
    ///
    /// If somebody moves it at the same time, it stays on the list, and all who watch are told why.
    Remove {
        /// A list by its name, by name#1234 or by its id
        list: String,
        /// Its place from 1, its text, or its id
        item: String,
    },
    /// Show a list
    Show {
        /// A list by its name, by name#1234 or by its id
        list: String,
        /// Go on, and show it again whenever it changes; with --json one object a change
        #[arg(long)]
        watch: bool,
    },
    /// Let somebody, or everybody, edit a list
    Invite {
        /// A list by its name, by name#1234 or by its id
        list: String,
        /// A name, an id, the beginning of one, or bob#7f3a; `all` for everybody who ever hears of the list
        #[arg(value_name = "WHO|all")]
        whom: String,
    },
    /// Take an invitation
    Join {
        /// A list by its name, by name#1234 or by its id
        list: String,
    },
    /// Take part no longer, and forget the list on this computer
    Leave {
        /// A list by its name, by name#1234 or by its id
        list: String,
    },
    /// What was done to a list, the newest last
    Log {
        /// A list by its name, by name#1234 or by its id
        list: String,
        /// The newest so many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Take back my newest edit of a list; again: the one before
    Undo {
        /// A list by its name, by name#1234 or by its id
        list: String,
    },
    /// The lists that I am a member of or invited to
    List,
}

/// The options of `peer cache`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CacheArgs {
    /// One JSON object
    #[arg(long, global = true)]
    pub json: bool,
    /// Keeps the keys of projects apart, such as owner/repo
    #[arg(
        long,
        global = true,
        env = "PEER_NAMESPACE",
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    pub namespace: String,
    /// What to do.
    #[command(subcommand)]
    pub task: CacheTask,
}

/// What to do with the cache.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum CacheTask {
    /// Put a file of at most 1 MiB in, for everybody who trusts me
    Put {
        /// What it is found by: 1 to 512 bytes
        key: String,
        /// The file, or - for the input
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
        /// How long it is good, 1s to 7d
        #[arg(long, value_name = "TIME", default_value = "300s", value_parser = value::ttl)]
        ttl: Duration,
    },
    /// Print a value that is here or at somebody whom I trust; exit status 3 if nobody has it
    ///
    /// At a terminal, what is no text is not printed: give --out, or a pipe.
    Get {
        /// What it is found by
        key: String,
        /// Write it to this new file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print what a command printed at somebody whom I trust, or run it and share what it prints
    ///
    /// One of all who want the same runs the command, the others wait for it. Only the standard output of a command that
    /// ends with status 0 is shared, when it has at most 1 MiB; what goes to the standard error passes through. Whatever
    /// is wrong with the cache, or if no peer runs: then the command runs as if it stood there alone, with a remark. The
    /// exit status is that of the command.
    ///
    /// The key is the command line, unless --key names another one: the folder, the environment and the input are no part
    /// of it. What depends on them needs a --key that says so, such as one with a hash of a lock file.
    Run {
        /// What it is found by [default: the command line]
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
        /// How long it is good, 1s to 7d
        #[arg(long, value_name = "TIME", default_value = "300s", value_parser = value::ttl)]
        ttl: Duration,
        /// If no peer runs, be one until the command ends
        #[arg(long)]
        join: bool,
        /// The command and its arguments
        #[arg(required = true, last = true, value_name = "COMMAND")]
        command: Vec<std::ffi::OsString>,
    },
    /// What was found here, at others and nowhere, and how much is in
    Stats,
    /// Drop what is here of one key, of a namespace, or of all; others keep theirs
    #[command(group = clap::ArgGroup::new("forgotten").required(true).multiple(false).args(["key", "all"]))]
    Forget {
        /// What it is found by
        key: Option<String>,
        /// All that is here, of the namespace if one is named
        #[arg(long)]
        all: bool,
    },
}

/// The options of `peer progress`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ProgressArgs {
    /// One JSON object, or one a line
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub task: ProgressTask,
}

/// What to do with progress.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ProgressTask {
    /// Tell how somebody stands with a lesson: everybody, or one
    ///
    /// To an address it is one datagram, and no peer has to run: `peer progress listen` prints the whole command. Nobody
    /// answers. Exit status 3 if nobody is there to hear it.
    Send {
        /// Whose progress: 1 to 64 characters
        #[arg(long)]
        user: String,
        /// With what: 1 to 64 characters
        #[arg(long)]
        lesson: String,
        /// A word, such as started or completed: 1 to 64 characters
        #[arg(long)]
        status: String,
        /// A listener's address, or somebody who is here
        #[arg(long, value_name = "HOST:PORT|WHO")]
        to: Option<String>,
    },
    /// Show progress as it comes, and print the command that sends it here
    ///
    /// Listens at port 8000, or at the next one that is free; with --port at that one and no other. What comes there, and
    /// what comes to the peer that runs, is shown; if a peer runs, it takes the former on its board.
    Listen,
    /// The newest status of every user in every lesson
    Board,
}

/// The options of `peer publish`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct PublishArgs {
    /// What it is about: parts between slashes, such as sensors/room-1/heat
    #[arg(value_parser = value::topic)]
    pub topic: Topic,
    /// JSON of at most 64 KiB, or - for the input
    #[arg(value_name = "JSON|-", allow_negative_numbers = true)]
    pub body: String,
    /// What it is for
    #[arg(long, default_value = "data")]
    pub kind: MessageKind,
    /// best-effort sends it once; acknowledged again until all who are here have it, for up to 10 s
    #[arg(long, default_value = "best-effort")]
    pub delivery: DeliveryKind,
    /// Only to this one, sealed; can be given several times
    #[arg(long, value_name = "WHO")]
    pub to: Vec<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// What a message is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MessageKind {
    /// Text of people.
    Chat,
    /// Data.
    Data,
    /// What to do.
    Control,
}

/// How a message is delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeliveryKind {
    /// Sent once.
    BestEffort,
    /// Sent again until it has arrived.
    Acknowledged,
}

/// The options of `peer subscribe`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SubscribeArgs {
    /// A topic in which + stands for any one part, and # at its end for all that follow
    #[arg(value_parser = value::pattern)]
    pub pattern: Pattern,
    /// Run this for every message, one after the other, by `sh -c`
    ///
    /// The JSON is its input; PEER_TOPIC, PEER_KIND, PEER_FROM_NAME, PEER_FROM_KEY and PEER_PRIVATE tell the rest. Nothing
    /// that somebody said stands in the command line.
    #[arg(long, value_name = "CMD")]
    pub exec: Option<String>,
    /// What I publish myself, too
    #[arg(long)]
    pub own: bool,
    /// End after so many messages
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// The options of `peer call`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CallArgs {
    /// A name, an id, the beginning of one, or bob#7f3a
    #[arg(value_name = "WHO")]
    pub who: String,
    /// What to call, such as math/add
    #[arg(value_parser = value::topic)]
    pub method: Topic,
    /// JSON of at most 64 KiB, or - for the input
    #[arg(value_name = "JSON|-", default_value = "null", allow_negative_numbers = true)]
    pub body: String,
    /// How long to wait for the answer, at most 10m
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = value::patience)]
    pub timeout: Duration,
    /// One JSON object around the answer
    #[arg(long)]
    pub json: bool,
}

/// The options of `peer serve`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ServeArgs {
    /// What is called, such as math/add
    #[arg(value_parser = value::topic)]
    pub method: Topic,
    /// Run this for every call, by `sh -c`
    ///
    /// The JSON of the call is its input, and what it prints is the answer: JSON of at most 64 KiB. If it ends with another
    /// status than 0, the last line of its standard error is told to the caller instead. PEER_METHOD, PEER_FROM_NAME,
    /// PEER_FROM_KEY and PEER_CALL tell the rest. Nothing that somebody said stands in the command line.
    #[arg(long, value_name = "CMD", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub exec: String,
    /// Calls that are answered at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub jobs: u16,
    /// A command that takes longer is ended, and the caller told
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = value::patience)]
    pub timeout: Duration,
    /// One JSON object a call
    #[arg(long)]
    pub json: bool,
}

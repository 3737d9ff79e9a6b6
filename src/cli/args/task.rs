//! Subcommands and their own options.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Subcommand, ValueEnum};

use super::books::{ExportArgs, ForgetArgs, HistoryArgs, SearchArgs};
use super::data::{CacheArgs, CallArgs, ProgressArgs, PublishArgs, ServeArgs, ShareArgs, SubscribeArgs};
use super::page::{AddArgs, OpenArgs, WebArgs};
use super::person::{VerifyArgs, WhoArgs};
use super::value;

/// What to do instead of joining the network with a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Run a peer without a prompt, for a service manager
    ///
    /// Remarks go to the standard error. Ends at SIGTERM, SIGINT or `peer stop`, with a goodbye. Tells systemd when it is
    /// ready.
    Run,
    /// Show the page: see and use the network in a browser
    ///
    /// Opens a browser with the page of the peer that runs, and prints its address; if no peer runs, one does from then
    /// on, until Ctrl-C or `peer stop`. The address works once and for 10 minutes: whoever opens it can do all that you
    /// can, from then on after a restart, too; --lock puts all browsers out. For the next browser: `peer web` again. $BROWSER names another browser than that of the desktop; without a
    /// desktop, and for root, only the address is printed.
    ///
    /// From another computer: ssh -L PORT:127.0.0.1:PORT HOST, with the port of the address, and open the address there.
    Web(WebArgs),
    /// Open a link peer://connect/... in the page
    ///
    /// What a click on such a link runs, where `peer service install` was run. The page shows whom it leads to, and
    /// looks for that one at the addresses in it. Nothing is trusted by a link.
    Open(OpenArgs),
    /// Look for somebody whom broadcasts do not find; exit status 3 if nobody answers
    ///
    /// A running peer tries the addresses again at every beat, until it ends. `--peer` names one for every start.
    Add(AddArgs),
    /// Who is here
    List(ListArgs),
    /// Tell everyone
    Post(PostArgs),
    /// Tell one, and wait until it has arrived
    ///
    /// Exit status 3 if nobody, or more than one, is called so, and 4 if it has not arrived in time: then it waits, and is
    /// sent when the peer is heard again, up to 7 days, also after another start.
    Dm(DmArgs),
    /// Show what is said, as it comes
    Watch(WatchArgs),
    /// What was said
    History(HistoryArgs),
    /// What was said with these words
    Search(SearchArgs),
    /// Write the history to a file
    Export(ExportArgs),
    /// Remove history for ever
    Forget(ForgetArgs),
    /// Compare digits with somebody, so that nobody can take that name
    ///
    /// Both do it, and see the same 60 digits if nobody stands between: compare them in person or by voice, never by a
    /// message. At a terminal it asks whether they are the same; else give those of the other one as an argument. Exit
    /// status 1 if they differ, 3 if nobody, or more than one, is called so.
    Verify(VerifyArgs),
    /// Accept somebody's new key, or write to one who has none any more
    Trust(WhoArgs),
    /// Show nothing of somebody, and send nothing to it
    Block(WhoArgs),
    /// End that
    Unblock(WhoArgs),
    /// Show no posts of somebody; its DMs are shown
    Mute(WhoArgs),
    /// End that
    Unmute(WhoArgs),
    /// Lists that several people edit at once, also while they are apart
    Share(ShareArgs),
    /// A cache that saves the network from fetching or making the same thing twice
    Cache(CacheArgs),
    /// How people stand with their lessons
    Progress(ProgressArgs),
    /// Say something to programs that subscribe to its topic; exit status 3 if nobody is here, 4 if one who is here did not
    /// acknowledge it in time
    Publish(PublishArgs),
    /// Show what programs publish, as it comes
    Subscribe(SubscribeArgs),
    /// Call a method that somebody serves, and print the answer
    ///
    /// Exit status 1 if the call is refused, 3 if nobody, or more than one, is called so, or it is away, and 4 if no answer
    /// comes in time.
    Call(CallArgs),
    /// Answer the calls of a method by a command, until Ctrl-C
    Serve(ServeArgs),
    /// What I am called, and my picture
    Profile(ProfileArgs),
    /// Whether a peer runs, and how it is; exit status 3 if none does
    Status(StatusArgs),
    /// Watch the peer that runs and its network, at a terminal; exit status 3 if none does
    ///
    /// Who is here, what comes and goes, and what is wrong. Where the output is no terminal, all is printed once.
    Top(TopArgs),
    /// End the peer that runs; exit status 3 if none does
    Stop,
    /// Have `peer run` started for me at every login, and links peer://... opened by `peer open`
    Service(ServiceArgs),
    /// The configuration file
    Config(ConfigArgs),
    /// Print completions for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the manual, or write a page for every subcommand to a folder
    Man {
        /// The folder
        folder: Option<PathBuf>,
    },
    /// Who is here, found without being listed by others; exit status 1 if nobody
    ///
    /// Asks a peer that runs on this computer first, then the network. Leaves no entry in the lists of peers of this
    /// kind; an older client may list this computer for 300 seconds.
    Discover(DiscoverArgs),
    /// Why I see nobody, or not that one; exit status 1 if something is wrong
    Doctor(DoctorArgs),
    /// Who I am to others: my key, to compare, to save or to take along
    ///
    /// Shows the fingerprint and the public key of the profile, and the link that leads to you, while a peer runs with its
    /// addresses; at a terminal also a QR code of the link without them. The key is made when `peer` starts for the first
    /// time.
    Identity(IdentityArgs),
    /// Secrets of closed groups
    Secret(SecretArgs),
}

/// The options of `peer identity`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct IdentityArgs {
    /// Show the QR code where the output is no terminal, too
    #[arg(long)]
    pub qr: bool,
    /// What to do instead of showing it.
    #[command(subcommand)]
    pub task: Option<IdentityTask>,
}

/// What to do with an identity.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum IdentityTask {
    /// Write the identity to a file that a passphrase protects
    ///
    /// The file holds the key and nothing else: not whom you know, verified or blocked. It is an encrypted PKCS#8 key in
    /// PEM form, which openssl reads, too. The passphrase is asked for twice at a terminal; else it is PEER_PASSPHRASE,
    /// or the first line of the input.
    ///
    /// Do not run two machines with one identity at the same time: to others they are one peer that jumps between them,
    /// and messages reach one or the other.
    Export {
        /// The new file, or - for the output
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
    },
    /// Take the identity from such a file
    ///
    /// The passphrase is asked for at a terminal; else it is PEER_PASSPHRASE, or the first line of the input. No peer may
    /// use the profile meanwhile.
    ///
    /// Do not run two machines with one identity at the same time: to others they are one peer that jumps between them,
    /// and messages reach one or the other.
    Import {
        /// The file
        file: PathBuf,
        /// Where there is an identity, move its file aside; others are warned of the other key
        #[arg(long)]
        replace: bool,
    },
}

/// The options of `peer secret`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SecretArgs {
    /// What to do.
    #[command(subcommand)]
    pub task: SecretTask,
}

/// What to do with secrets of closed groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum SecretTask {
    /// Print a new strong secret, for --secret-file or PEER_SECRET
    New,
}

/// The options of `peer discover`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct DiscoverArgs {
    /// How long to listen, such as 3s
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = value::timeout)]
    pub timeout: Duration,
    /// One JSON object a peer
    #[arg(long)]
    pub json: bool,
    /// Go on, and show who comes and who goes
    #[arg(long)]
    pub watch: bool,
}

/// The options of `peer doctor`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct DoctorArgs {
    /// A peer, or a host with or without a port: tests the way there and back
    #[arg(value_name = "WHO|HOST[:PORT]")]
    pub target: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// The options of `peer list`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ListArgs {
    /// The blocked ones, all newcomers and those who are away, too
    #[arg(long)]
    pub all: bool,
    /// One JSON object a peer
    #[arg(long)]
    pub json: bool,
}

/// The options of `peer post`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct PostArgs {
    /// The text, or - for the input, whole; at most 64 KiB
    #[arg(required = true, value_name = "TEXT|-")]
    pub text: Vec<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// The options of `peer dm`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct DmArgs {
    /// A name, an id, the beginning of one, a display name in quotes within quotes, or bob#7f3a
    #[arg(value_name = "WHO")]
    pub who: String,
    /// The text, or - for the input, whole; at most 64 KiB
    #[arg(required = true, value_name = "TEXT|-")]
    pub text: Vec<String>,
    /// What to wait for: none, received by the other's program, or stored on its disk [default: received; sent, of an
    /// older client]
    #[arg(long)]
    pub wait: Option<WaitFor>,
    /// How long to wait, such as 10s
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = value::timeout)]
    pub timeout: Duration,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// What `peer dm` waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WaitFor {
    /// Nothing.
    None,
    /// The other's program has it.
    Received,
    /// It is on the other's disk.
    Stored,
}

/// The options of `peer watch`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct WatchArgs {
    /// One JSON object a line: messages, marks, who comes and who goes
    #[arg(long)]
    pub json: bool,
    /// Only what this one says and does
    #[arg(long, value_name = "WHO")]
    pub from: Option<String>,
    /// Run this for every message, one after the other, by `sh -c`
    ///
    /// The text is its input; PEER_TYPE, PEER_MESSAGE, PEER_FROM_ID, PEER_FROM_NAME, PEER_FROM_KEY, PEER_FROM_TRUST,
    /// PEER_AT, PEER_PRIVATE and PEER_LATE tell the rest. Nothing that somebody said stands in the command line.
    #[arg(long, value_name = "CMD")]
    pub exec: Option<String>,
}

/// The options of `peer profile`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ProfileArgs {
    /// One JSON object
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do instead of showing it.
    #[command(subcommand)]
    pub task: Option<ProfileTask>,
}

/// What to do with what I am called.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ProfileTask {
    /// Show it
    Show,
    /// Change it
    Set {
        /// What to change
        part: ProfilePart,
        /// What it is to be: a display name, a line about me, a picture file, or none
        value: String,
    },
}

/// What can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProfilePart {
    /// What I want to be called.
    Name,
    /// A line about me.
    Status,
    /// A picture: PNG or JPEG of at most 20,480 bytes.
    Avatar,
}

/// The options of `peer status`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct StatusArgs {
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// The options of `peer top`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct TopArgs {
    /// How often to look, such as 1s
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = value::timeout)]
    pub interval: Duration,
    /// Print all once, as plain text
    #[arg(long)]
    pub once: bool,
}

/// The options of `peer service`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ServiceArgs {
    /// What to do.
    #[command(subcommand)]
    pub task: ServiceTask,
}

/// What to do with the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ServiceTask {
    /// Write a user unit for systemd, and start it now and at every login; have links opened by `peer open`
    Install,
    /// Whether it is installed and runs; exit status 3 if not
    Status,
    /// Stop it, and remove the unit and what opens links
    Remove,
}

/// The options of `peer config`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub task: ConfigTask,
}

/// What to do with the configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum ConfigTask {
    /// Where it is
    Path,
    /// What holds, and what said so
    Show,
    /// Open it in my editor, and check it then
    Edit,
    /// Whether it is right; exit status 1 if not
    Check,
}

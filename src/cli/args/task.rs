//! Subcommands and their own options.

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;

use super::value;

/// What to do instead of joining the network with a prompt.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Task {
    /// Who is here; exit status 1 if nobody
    ///
    /// Asks a peer that runs on this computer first, then the network. Leaves no entry in the lists of peers of this
    /// kind; an older client may list this computer for 300 seconds.
    Discover(DiscoverArgs),
    /// Why I see nobody, or not that one; exit status 1 if something is wrong
    Doctor(DoctorArgs),
    /// Who I am to others: my key, to compare, to save or to take along
    ///
    /// Shows the fingerprint and the public key of the profile; at a terminal also a QR code of the key. The key is made
    /// when `peer` starts for the first time.
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

//! The command line: options, environment variables, subcommands.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::engine::Config;
use crate::wire::{DISCOVERY_PORT, Name, NameError};

/// The variable that holds the secret of a closed group. It is no option, so that it is never shown.
pub(super) const SECRET: &str = "PEER_SECRET";

/// A serverless messenger for your local network.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(
    name = "peer",
    version,
    about = "A serverless messenger for your local network",
    long_about = "A serverless messenger for your local network: start it on two machines and they find each other. \
                  Nothing needs an option.",
    args_conflicts_with_subcommands = false
)]
pub struct Args {
    /// What to do instead of joining the network with a prompt.
    #[command(subcommand)]
    pub task: Option<Task>,
    /// The options of every subcommand.
    #[command(flatten)]
    pub options: Options,
}

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
    #[arg(long, value_name = "TIME", default_value = "3s", value_parser = timeout)]
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

/// The options that hold for every subcommand.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// Your name; asked once and kept if it is not given
    #[arg(long, global = true, env = "PEER_NAME", value_parser = name)]
    pub name: Option<Name>,
    /// A peer to try at every beat, for networks that filter broadcasts; can be given several times
    #[arg(long = "peer", global = true, env = "PEER_PEERS", value_name = "HOST[:PORT]", value_delimiter = ',')]
    pub peers: Vec<String>,
    /// Use only this interface; can be given several times
    #[arg(long = "interface", global = true, env = "PEER_INTERFACES", value_name = "NAME|IP", value_delimiter = ',')]
    pub interfaces: Vec<String>,
    /// The port to send from and to be answered at, instead of a free one from 8000 to 9999
    #[arg(long, global = true, env = "PEER_PORT", value_name = "N", value_parser = clap::value_parser!(u16).range(1024..))]
    pub port: Option<u16>,
    /// The port that everyone listens on
    #[arg(long, global = true, env = "PEER_DISCOVERY_PORT", value_name = "N", default_value_t = DISCOVERY_PORT,
          value_parser = clap::value_parser!(u16).range(1024..))]
    pub discovery_port: u16,
    /// Time between two announcements, 1s to 100s
    #[arg(long, global = true, env = "PEER_HEARTBEAT", value_name = "TIME", default_value = "30s", value_parser = heartbeat)]
    pub heartbeat: Duration,
    /// A peer unheard for so long is gone: at least 2.5 heartbeats, at most a day
    #[arg(long, global = true, env = "PEER_EXPIRY", value_name = "TIME", default_value = "300s", value_parser = duration)]
    pub expiry: Duration,
    /// The profile to use, instead of the one named after your login
    #[arg(long, global = true, env = "PEER_PROFILE", value_name = "P")]
    pub profile: Option<String>,
    /// Join a closed group: the file holds its secret, any text, the same for all. Everything is sealed with it; who does
    /// not have it is neither heard nor reached. PEER_SECRET can hold the secret itself instead
    #[arg(long, global = true, env = "PEER_SECRET_FILE", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Send no DM that others could read: refuse those to peers without a key
    #[arg(long, global = true, env = "PEER_PRIVATE_ONLY", value_parser = FalseyValueParser::new())]
    pub private_only: bool,
    /// Keep nothing: no profile, no history, a new identity
    #[arg(long, global = true, env = "PEER_TEMPORARY", value_parser = FalseyValueParser::new())]
    pub temporary: bool,
    /// Show time, direction, address and type of every message
    #[arg(long, global = true, env = "PEER_VERBOSE", value_parser = FalseyValueParser::new())]
    pub verbose: bool,
    /// Write a log to this file; RUST_LOG says how much (default: info)
    #[arg(long, global = true, env = "PEER_LOG", value_name = "FILE")]
    pub log: Option<PathBuf>,
}

impl Args {
    /// Reads the command line and the environment, where an empty variable counts as none. Ends the program when they
    /// are wrong, with the reason, and when only help is wanted.
    #[must_use]
    pub fn read() -> Self {
        let mut command = Self::command().mut_args(|arg| {
            let empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
            if empty { arg.env(None) } else { arg }
        });
        let matches = command.get_matches_mut();
        let secret = std::env::var_os(SECRET).is_some();
        let args = Self::from_arg_matches(&matches).and_then(|args| args.check(secret).map(|()| args));
        args.unwrap_or_else(|error| error.format(&mut command).exit())
    }

    /// Checks what no single option can tell.
    fn check(&self, secret: bool) -> Result<(), clap::Error> {
        let Options { heartbeat, expiry, ref secret_file, .. } = self.options;
        if secret && secret_file.is_some() {
            let both = "both --secret-file (or PEER_SECRET_FILE) and PEER_SECRET name a secret: unset one of them";
            return Err(Self::command().error(ErrorKind::ArgumentConflict, both));
        }
        if expiry < heartbeat * 5 / 2 {
            let least = (heartbeat * 5 / 2).as_secs_f64();
            return Err(Self::command().error(
                ErrorKind::ValueValidation,
                format!(
                    "--expiry must be at least 2.5 heartbeats, here {least} s: peers would vanish between two beats"
                ),
            ));
        }
        Ok(())
    }
}

impl Options {
    /// What the engine needs of them.
    #[must_use]
    pub fn config(&self) -> Config {
        Config {
            heartbeat: self.heartbeat,
            expiry: self.expiry,
            private_only: self.private_only,
            discovery_port: self.discovery_port,
            ..Config::default()
        }
    }

    /// The addresses of peers that were given, without empty ones.
    #[must_use]
    pub fn peers(&self) -> Vec<String> {
        trimmed(&self.peers)
    }

    /// The interfaces that were given, without empty ones.
    #[must_use]
    pub fn interfaces(&self) -> Vec<String> {
        trimmed(&self.interfaces)
    }
}

fn trimmed(list: &[String]) -> Vec<String> {
    list.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

fn name(text: &str) -> Result<Name, NameError> {
    Name::new(text)
}

fn heartbeat(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if (Duration::from_secs(1)..=Duration::from_secs(100)).contains(&time) {
        Ok(time)
    } else {
        Err("must be 1s to 100s: an older client forgets a peer for ever that it did not hear for 300 s".to_owned())
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if time <= Duration::from_secs(86_400) { Ok(time) } else { Err("must be at most a day (24h)".to_owned()) }
}

fn timeout(text: &str) -> Result<Duration, String> {
    let time = parse_duration(text)?;
    if (Duration::from_millis(100)..=Duration::from_secs(3600)).contains(&time) {
        Ok(time)
    } else {
        Err("must be 100ms to 1h".to_owned())
    }
}

/// `30s`, `5m`, `1h 30m`, or seconds without a unit.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time such as 30s, 5m or 1h".to_owned();
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let time: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(time).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Args, clap::Error> {
        let args = Args::try_parse_from([&["peer"], args].concat())?;
        args.check(false)?;
        Ok(args)
    }

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn nothing_needs_an_option() {
        let options = parse(&[]).unwrap().options;
        assert_eq!(options.config(), Config::default());
        assert_eq!(options.name, None);
    }

    #[test]
    fn durations_have_units_or_are_seconds() {
        for (text, seconds) in
            [("30", 30.0), ("30s", 30.0), ("5m", 300.0), ("1h", 3600.0), ("1m 30s", 90.0), ("2.5", 2.5)]
        {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_secs_f64(seconds), "{text}");
        }
        for text in ["", "-3s", "-1", "x", "3 parsecs", "1e400", "nan"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn heartbeat_and_expiry_keep_to_their_limits() {
        for wrong in [["--heartbeat", "0.9s"], ["--heartbeat", "101s"], ["--expiry", "25h"], ["--expiry", "74s"]] {
            assert!(parse(&wrong).is_err(), "{wrong:?}");
        }
        let options = parse(&["--heartbeat", "1s", "--expiry", "2500ms"]).unwrap().options;
        assert_eq!(options.config().expiry, Duration::from_millis(2500));
        assert!(parse(&["--heartbeat", "1s", "--expiry", "2400ms"]).is_err());
    }

    #[test]
    fn names_that_cannot_travel_are_refused_with_the_reason() {
        for (name, reason) in [("", "at least one"), ("a@b", "'@'"), ("a:b", "':'"), ("a\tb", "U+0009")] {
            let error = parse(&["--name", name]).unwrap_err().to_string();
            assert!(error.contains(reason), "{name}: {error}");
        }
        assert!(parse(&["--name", &"x".repeat(33)]).is_err());
        assert!(parse(&["--name", &"ä".repeat(32)]).is_ok());
    }

    #[test]
    fn lists_are_comma_separated_and_options_stand_on_either_side() {
        let args = parse(&["--peer", "a,b:1", "discover", "--peer", "c", "--timeout", "3"]).unwrap();
        assert!(matches!(args.task, Some(Task::Discover(DiscoverArgs { json: false, .. }))));
        let args = parse(&["--peer", "a, b:1", "--peer", "c,"]).unwrap();
        assert_eq!(args.options.peers(), ["a", "b:1", "c"]);
    }

    #[test]
    fn two_secrets_are_refused() {
        let args = Args::try_parse_from(["peer", "--secret-file", "x"]).unwrap();
        assert!(args.check(false).is_ok());
        let error = args.check(true).unwrap_err();
        assert!(error.to_string().contains("PEER_SECRET"), "{error}");
        assert!(Args::try_parse_from(["peer"]).unwrap().check(true).is_ok());
        assert!(parse(&["--private-only"]).unwrap().options.config().private_only);
    }

    #[test]
    fn ports_below_1024_are_refused() {
        assert!(parse(&["--port", "80"]).is_err());
        assert!(parse(&["--discovery-port", "70000"]).is_err());
    }
}

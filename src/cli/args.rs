//! The command line: options, environment variables, subcommands.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{BoolishValueParser, FalseyValueParser};
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser};

mod books;
mod data;
mod page;
mod person;
mod task;
mod value;

pub use books::*;
pub use data::*;
pub use page::{AddArgs, OpenArgs, WebArgs};
pub use person::{VerifyArgs, WhoArgs};
pub use task::*;
pub use value::{KeepTime, MetricsFor, QuietHours};

use super::config::{self, Setting};
use crate::engine::{CatchUp, Config};
use crate::store::Keep;
use crate::wire::{DISCOVERY_PORT, Name};

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

/// The options that hold for every subcommand.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Options {
    /// Your name; asked once and kept if it is not given
    #[arg(long, global = true, env = "PEER_NAME", value_parser = value::name)]
    pub name: Option<Name>,
    /// A peer to try at every beat, for networks that filter broadcasts; can be given several times
    #[arg(long = "peer", global = true, env = "PEER_PEERS", value_name = "HOST[:PORT]", value_delimiter = ',',
          value_parser = value::peer)]
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
    #[arg(long, global = true, env = "PEER_HEARTBEAT", value_name = "TIME", default_value = "30s", value_parser = value::heartbeat)]
    pub heartbeat: Duration,
    /// A peer unheard for so long is gone: at least 2.5 heartbeats, at most a day
    #[arg(long, global = true, env = "PEER_EXPIRY", value_name = "TIME", default_value = "300s", value_parser = value::duration)]
    pub expiry: Duration,
    /// The profile to use, instead of the one named after your login
    #[arg(long, global = true, env = "PEER_PROFILE", value_name = "P", value_parser = value::profile)]
    pub profile: Option<String>,
    /// Join a closed group: the file holds its secret, any text, the same for all. Everything is sealed with it; who does
    /// not have it is neither heard nor reached. PEER_SECRET can hold the secret itself instead
    #[arg(long, global = true, env = "PEER_SECRET_FILE", value_name = "FILE")]
    pub secret_file: Option<PathBuf>,
    /// Send no DM that others could read: refuse those to peers without a key
    #[arg(long, global = true, env = "PEER_PRIVATE_ONLY", value_name = "yes|no", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true,
          value_parser = FalseyValueParser::new(), action = clap::ArgAction::Set)]
    pub private_only: bool,
    /// Keep what is said, on the disk of this computer
    #[arg(long, global = true, env = "PEER_HISTORY", value_name = "on|off", default_value = "on", hide_possible_values = true,
          value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set)]
    pub history: bool,
    /// Which posts from before the start to ask for: none, a count, an age such as 12h, or both with a comma
    #[arg(long, global = true, env = "PEER_CATCH_UP", value_name = "none|COUNT|AGE", default_value = "500,24h",
          value_parser = value::catch_up)]
    pub catch_up: CatchUp,
    /// Remove history that is older, such as 90d; or forever
    #[arg(long, global = true, env = "PEER_KEEP_TIME", value_name = "TIME", default_value = "forever",
          value_parser = value::keep_time)]
    pub keep_time: KeepTime,
    /// Remove the oldest history when its file is larger
    #[arg(long, global = true, env = "PEER_KEEP_SIZE", value_name = "SIZE", default_value = "1GB",
          value_parser = value::size)]
    pub keep_size: u64,
    /// At a terminal, show a notification of the desktop for each DM, and for each post with your name
    #[arg(long, global = true, env = "PEER_NOTIFY", value_name = "on|off", default_value = "on", hide_possible_values = true,
          value_parser = BoolishValueParser::new(), action = clap::ArgAction::Set)]
    pub notify: bool,
    /// No notifications in these hours, such as 22:00-07:00
    #[arg(long, global = true, env = "PEER_QUIET_HOURS", value_name = "FROM-TO", value_parser = value::quiet_hours)]
    pub quiet_hours: Option<QuietHours>,
    /// Who may read the metrics of a running peer (GET /metrics of its local API): who shows its token, or every program
    /// of this computer
    #[arg(
        long,
        global = true,
        env = "PEER_METRICS",
        value_name = "token|open",
        default_value = "token",
        hide_possible_values = true
    )]
    pub metrics: MetricsFor,
    /// Keep nothing: no profile, no history, a new identity
    #[arg(long, global = true, env = "PEER_TEMPORARY", value_parser = FalseyValueParser::new())]
    pub temporary: bool,
    /// Show time, direction, address and type of every message
    #[arg(long, global = true, env = "PEER_VERBOSE", value_name = "yes|no", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true,
          value_parser = FalseyValueParser::new(), action = clap::ArgAction::Set)]
    pub verbose: bool,
    /// Write a log to this file; RUST_LOG says how much (default: info)
    #[arg(long, global = true, env = "PEER_LOG", value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// At the start, open the page in a browser and print its address
    #[arg(long, global = true, env = "PEER_WEB", value_name = "yes|no", num_args = 0..=1, require_equals = true,
          default_value = "false", default_missing_value = "true", hide_default_value = true, hide_possible_values = true,
          value_parser = FalseyValueParser::new(), action = clap::ArgAction::Set)]
    pub web: bool,
    /// What every key of the configuration file is, and what said so.
    #[arg(skip)]
    pub settings: Vec<Setting>,
}

impl Args {
    /// Reads the command line, the environment, where an empty variable counts as none, and the configuration file. Ends
    /// the program when they are wrong, with the reason, and when only help is wanted.
    #[must_use]
    pub fn read() -> Self {
        let first = Self::with_environment().get_matches();
        let file = if reads_file(&first) { read_file(&first) } else { None };
        let mut command = Self::with_environment();
        if let Some(file) = &file {
            command = config::with_file(command, file);
        }
        let matches = command.get_matches_mut();
        let secret = std::env::var_os(SECRET).is_some();
        let args = Self::from_arg_matches(&matches).and_then(|args| args.check(secret).map(|()| args));
        let mut args = args.unwrap_or_else(|error| error.format(&mut command).exit());
        args.options.settings = config::settings(&matches, file.as_ref());
        args
    }

    fn with_environment() -> clap::Command {
        Self::command().mut_args(|arg| {
            let empty = arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
            if empty { arg.env(None) } else { arg }
        })
    }

    /// Checks what no single option can tell.
    pub(super) fn check(&self, secret: bool) -> Result<(), clap::Error> {
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
            catch_up: self.catch_up,
            ..Config::default()
        }
    }

    /// How much history is kept.
    #[must_use]
    pub fn keep(&self) -> Keep {
        Keep { time: self.keep_time.0, size: self.keep_size }
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

/// Whether the file counts: not for what tells what is wrong with it, and not for what needs none of it.
fn reads_file(matches: &ArgMatches) -> bool {
    match matches.subcommand() {
        Some(("config", sub)) => sub.subcommand_name() == Some("show"),
        Some(("completions" | "man" | "secret", _)) => false,
        _ => true,
    }
}

/// The configuration file; ends the program when it is wrong, with all reasons.
fn read_file(matches: &ArgMatches) -> Option<config::File> {
    let profile = matches.get_one::<String>("profile").map(String::as_str);
    // A profile that cannot be is told where it is opened.
    let path = config::path(profile).ok()?;
    config::File::read(&path).unwrap_or_else(|faults| {
        let told = faults.iter().map(|fault| config::told(&path, fault)).collect::<Vec<_>>().join("\n");
        clap::Error::raw(ErrorKind::ValueValidation, format!("{told}\n\nTo correct it: peer config edit\n")).exit()
    })
}

fn trimmed(list: &[String]) -> Vec<String> {
    list.iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
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

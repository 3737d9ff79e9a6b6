//! The options of what reads and removes history.

use std::path::PathBuf;
use std::time::Duration;

use clap::ValueEnum;

use super::value;

/// The options of `peer history`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct HistoryArgs {
    /// Only with this one
    #[arg(long, value_name = "WHO")]
    pub with: Option<String>,
    /// Only what is not older, such as 2h or 30d
    #[arg(long, value_name = "AGE", value_parser = value::age)]
    pub since: Option<Duration>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Only what nobody has seen; it counts as seen then
    #[arg(long)]
    pub unread: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// The options of `peer search`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SearchArgs {
    /// Words that all have to be in the text
    #[arg(required = true)]
    pub words: Vec<String>,
    /// Only with this one
    #[arg(long, value_name = "WHO")]
    pub with: Option<String>,
    /// The newest so many
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// The options of `peer export`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ExportArgs {
    /// The new file, or - for the output
    #[arg(value_name = "FILE|-", default_value = "-")]
    pub file: PathBuf,
    /// The form of it
    #[arg(long, default_value = "jsonl")]
    pub format: Format,
    /// Only with this one
    #[arg(long, value_name = "WHO")]
    pub with: Option<String>,
    /// Only what is not older, such as 2h or 30d
    #[arg(long, value_name = "AGE", value_parser = value::age)]
    pub since: Option<Duration>,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// For people.
    Markdown,
}

/// The options of `peer forget`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ForgetArgs {
    /// What to forget.
    #[command(flatten)]
    pub what: WhatToForget,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// What to forget: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
#[group(required = true, multiple = false)]
pub struct WhatToForget {
    /// All with this one
    #[arg(long, value_name = "WHO")]
    pub with: Option<String>,
    /// All that is older, such as 30d
    #[arg(long, value_name = "AGE", value_parser = value::age)]
    pub older_than: Option<Duration>,
    /// All
    #[arg(long)]
    pub all: bool,
}

//! The options of what the user says about somebody.

/// The options of `peer verify`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct VerifyArgs {
    /// A name, an id, the beginning of one, or bob#7f3a; here or away
    #[arg(value_name = "WHO")]
    pub who: String,
    /// The 60 digits that the other one sees, with or without spaces; without them, they are shown
    #[arg(value_name = "DIGITS")]
    pub digits: Vec<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// The options of `peer trust`, `peer block` and the like.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct WhoArgs {
    /// A name, an id, the beginning of one, or bob#7f3a; here or away
    #[arg(value_name = "WHO")]
    pub who: String,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

//! The options of what leads to the page, and to somebody by a link.

/// The options of `peer web`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct WebArgs {
    /// Print the address, and nothing else; open no browser
    #[arg(long)]
    pub print: bool,
    /// Open no browser
    #[arg(long)]
    pub no_open: bool,
    /// Let no browser in any more that was let in before: each needs a new address
    #[arg(long, conflicts_with_all = ["print", "no_open"])]
    pub lock: bool,
}

/// The options of `peer open`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct OpenArgs {
    /// The link
    pub link: String,
}

/// The options of `peer add`.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct AddArgs {
    /// A link, or where it is
    #[arg(value_name = "LINK|HOST[:PORT]")]
    pub to: String,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

//! `peer cache`.

mod command;

use super::super::args::{CacheArgs, Options};
use super::trouble::Trouble;

pub(super) async fn cache(_options: &Options, _args: &CacheArgs) -> Result<(), Trouble> {
    Err(Trouble::failed("not built"))
}

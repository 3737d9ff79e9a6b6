//! `peer progress`.

mod lone;
mod port;

use super::super::args::{Options, ProgressArgs};
use super::trouble::Trouble;

pub(super) async fn progress(_options: &Options, _args: &ProgressArgs) -> Result<(), Trouble> {
    Err(Trouble::failed("not built"))
}

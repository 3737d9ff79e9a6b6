//! `peer share`.

use super::super::args::{Options, ShareArgs};
use super::trouble::Trouble;

pub(super) async fn share(_options: &Options, _args: &ShareArgs) -> Result<(), Trouble> {
    Err(Trouble::failed("not built"))
}

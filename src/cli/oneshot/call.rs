//! `peer call`.

use super::super::args::{Options, CallArgs};
use super::trouble::Trouble;

pub(super) async fn call(_options: &Options, _args: &CallArgs) -> Result<(), Trouble> {
    Err(Trouble::failed("not built"))
}

//! `peer subscribe`.

use super::super::args::{Options, SubscribeArgs};
use super::trouble::Trouble;

pub(super) async fn subscribe(_options: &Options, _args: &SubscribeArgs) -> Result<(), Trouble> {
    Err(Trouble::failed("not built"))
}

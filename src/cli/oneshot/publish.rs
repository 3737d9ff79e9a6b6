//! `peer publish`.

use super::super::args::{Options, PublishArgs};
use super::trouble::Trouble;

pub(super) async fn publish(_options: &Options, _args: &PublishArgs) -> Result<(), Trouble> {
    Err(Trouble::failed("not built"))
}

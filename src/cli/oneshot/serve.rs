//! `peer serve`.

use super::super::args::{Options, ServeArgs};
use super::trouble::Trouble;

pub(super) async fn serve(_options: &Options, _args: &ServeArgs) -> Result<(), Trouble> {
    Err(Trouble::failed("not built"))
}

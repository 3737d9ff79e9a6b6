//! Looking for somebody: by link, by address, and by asking whether it is there.

use std::sync::Arc;

use axum::extract::State;

use super::input::{Answer, Input};
use super::refusal::Refusal;
use super::routes::Api;
use super::{PeerObject, ProbeRequest, ReachRequest, ReachedObject};

pub(super) async fn reach(
    State(_): State<Arc<Api>>,
    Input(_): Input<ReachRequest>,
) -> Result<Answer<ReachedObject>, Refusal> {
    Err(Refusal::failed("not yet"))
}

pub(super) async fn probe(
    State(_): State<Arc<Api>>,
    Input(_): Input<ProbeRequest>,
) -> Result<Answer<PeerObject>, Refusal> {
    Err(Refusal::failed("not yet"))
}

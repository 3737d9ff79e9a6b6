//! The task that owns the engine.

use super::{Node, Options, StartError};

pub(super) fn start(options: Options) -> Result<Node, StartError> {
    let _ = options;
    Err(StartError::PortIsDiscovery(0))
}

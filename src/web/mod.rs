//! The local API: HTTP with JSON and server-sent events, on the loopback only (docs/api.md).

mod objects;

pub use objects::*;

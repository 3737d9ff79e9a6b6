//! Many engines on one virtual LAN, in virtual time: no socket, no thread, no sleep. One seed gives one trace.
//!
//! A [`Lan`] has hosts with links, hosts have programs: peers of ours ([`Engine`](crate::engine::Engine)) or models of
//! older clients ([`Older`]). What a program sends goes through the [`Air`], which loses, delays and doubles it.

mod air;
mod disk;
mod fake_crypto;
mod history;
mod host;
mod lan;
mod life;
mod older;
mod program;
mod route;
mod run;
mod space;
mod trace;

pub use air::{Air, Fate};
pub use disk::{Disk, DiskState};
pub use fake_crypto::FakeCrypto;
pub use history::{History, Row};
pub use host::HostId;
pub use lan::Lan;
pub use older::{Older, OlderKind, Shown};
pub use program::{ProgramId, Setup, Signing};
pub use trace::Frame;

//! The history on the disk: what is said to be stored is there, whatever happens.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test ends at what it did not expect")]

mod desk;
mod disk;
mod files;
mod forget;
mod keep;
mod kill;
mod model;
mod outcomes;
mod search;
mod talks;

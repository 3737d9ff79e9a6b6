//! The history on the disk: what is said to be stored is there, whatever happens.

mod desk;
mod disk;
mod files;
mod forget;
mod keep;
mod kill;
mod model;
mod outcomes;
mod search;

//! The history on the disk: what is said to be stored is there, whatever happens.

mod desk;
mod outcomes;

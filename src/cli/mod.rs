//! The program `peer`: arguments, prompt, pipe, and what they show.

mod act;
mod alarms;
pub mod args;
mod crowd;
pub mod discover;
pub mod doctor;
mod help;
pub mod identity;
pub mod input;
mod judge;
pub mod line;
mod list;
pub mod names;
mod passphrase;
mod person;
pub mod pipe;
pub mod prompt;
mod pulls;
pub mod render;
mod round;
pub mod screen;
pub mod secret;
pub mod session;
pub mod shown;
pub mod signals;
pub mod start;
pub mod terminal;

//! The real program: exit statuses, sessions on pipes and at terminals, and how it ends.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

mod cache;
mod config;
mod data_messages;
mod door;
mod history;
mod identities;
mod messages;
mod options;
mod page;
mod paper;
mod pipes;
mod popups;
#[path = "../port/mod.rs"]
mod port;
mod progress;
mod screen;
mod secrets;
mod service;
mod share;
mod terminals;
mod top;
mod trust;
mod watch;
mod words;
mod world;

/// The program ends within this time, whatever ended it.
const SOON: std::time::Duration = std::time::Duration::from_secs(1);

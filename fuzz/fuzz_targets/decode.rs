//! Any bytes at all can be read, and what they say can be shown.
#![no_main]

#[path = "../src/cases.rs"]
mod cases;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cases::decode(bytes));

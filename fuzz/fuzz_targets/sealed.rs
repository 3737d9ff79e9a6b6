//! What is sealed is read safely, and has one form.
#![no_main]

#[path = "../src/cases.rs"]
mod cases;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cases::sealed(bytes));

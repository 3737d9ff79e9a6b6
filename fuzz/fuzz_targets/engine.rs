//! One engine under any operations keeps its caps and never panics.
#![no_main]

#[path = "../src/cases.rs"]
mod cases;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cases::engine(bytes));

//! The program `peer`.
fn main() {}

//! The history: writes a second with the search index, and the time of a search.
fn main() {}

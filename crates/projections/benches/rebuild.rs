//! Rebuild speed.
fn main() {}

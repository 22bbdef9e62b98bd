//! triage

pub mod memory;

pub use memory::{Entry, Key};

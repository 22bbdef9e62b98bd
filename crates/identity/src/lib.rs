//! identity

pub mod memory;

//! vault
mod cipher;
mod keys;
pub use keys::*;

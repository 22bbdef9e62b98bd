//! The contracts: how every message is written, where it goes and what it is called there.
//!
//! The only crate that knows Avro. Schemas under `schemas/` are the source of truth and are bundled with the binary; Rust shapes
//! live in `domain` and tests hold both together. No network, no clock, no I/O: a registry, where there is one, fills a
//! [`Catalogue`] from outside, and stands behind a [`Resolver`] for ids met while reading.
//!
//! Read in this order: [`subject`] (what is written), [`compatibility`] (which versions of it read each other), [`topics`] (where it
//! goes), [`catalogue`] (which schema has which id), [`foreign`] (schemas of other writers), [`codec`] (bytes to messages and back),
//! [`headers`] (what a record says beside its value), [`json`] (messages for people's eyes), [`phi`] (which fields are secret).

pub mod catalogue;
pub mod codec;
pub mod compatibility;
pub mod foreign;
pub mod frame;
pub mod headers;
pub mod json;
pub mod phi;
mod place;
pub mod schema;
pub mod subject;
pub mod topics;

pub use catalogue::{Catalogue, CatalogueError};
pub use codec::{Codec, DecodeError, EncodeError};
pub use compatibility::Compatibility;
pub use foreign::{Foreign, ForeignError, Resolver};
pub use phi::{PhiClass, PhiField};
pub use subject::Subject;
pub use topics::{Topic, Topics};

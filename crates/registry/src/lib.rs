//! The schema registry: any that speaks Confluent's protocol.
//!
//! - **Does** three things for people ([`Registry::register`], [`Registry::check`], [`Registry::diff`]) and two for a running fleet:
//!   [`open`] makes the catalogue a start needs, [`IdResolver`] looks up ids met while reading.
//! - **Stands on** `schema_registry_converter` for the protocol, and one small client for the compatibility of a subject, which that
//!   crate can't tell or set.
//! - **Promises** that a start outlives an outage of the registry by what it has cached; that no flood of unknown ids, no slow and no
//!   absent registry holds up a stage by more than a small share of its time; that no error, log line or `Debug` shows credentials.
//! - **Never** registers anything or sets a compatibility except by [`Registry::register`].
//!
//! # Subjects
//!
//! A schema is registered under its own name, as the record name strategy of other clients has it: `waybill.LifecycleEvent`. What is
//! compatible with what is a property of the record, and ours don't belong to one topic each: a submission travels on every lane's
//! topic, outcomes on one for each source, rehearsals hold four records, a changelog two, and what is sealed stands on no topic at all.
//! By topic the same schema would be registered a dozen times, to be kept compatible a dozen times, and a new source would need a
//! registration before its first outcome. A worker's memory is a union of records, which has no name; it is registered under the
//! namespace they share, as in `waybill.memory.intake`.
//!
//! Readers don't depend on any of this: a value carries its schema's id, and clients in other languages decode by that alone. A writer
//! that registers its own copy of a schema of ours, under whatever subject, is read by the name of the record.
//!
//! Order of reading: `settings`, `client` and `levels` say how a registry is talked to; then the three verbs; then `cache`, `opening`
//! and `resolver` for the fleet.

mod settings;
mod error;
mod failure;
mod client;
mod levels;

mod register;
mod check;
mod diff;
mod differences;

mod cache;
mod opening;
mod resolver;

pub use cache::Cache;
pub use check::{Check, CheckRow, Finding};
pub use client::Registry;
pub use diff::{Diff, DiffRow, Side};
pub use differences::Difference;
pub use error::RegistryError;
pub use opening::{Opened, Origin, open};
pub use register::Registration;
pub use resolver::{IdResolver, Limits};
pub use settings::{Credentials, Settings};

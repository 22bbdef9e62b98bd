//! Projections: what the event log says, as SQL rows.
//!
//! - **Reads** the event log, without a group, from the offsets its own database holds.
//! - **Writes** rows and offsets in one transaction, so that every fact is projected exactly once.
//! - **Remembers** nothing but the rows: everything here can be dropped and rebuilt from the log.
//! - **May call** the database, and nobody else.
//! - **Never** decides anything, writes to the log, or stops at a record it can't read: that becomes a visible row.
//!
//! Read in this order: [`fact`] (what is projected), [`rows`] (what there is to write), [`project()`] (what one fact changes, pure),
//! `projection` (batches, with the requests at hand), `write` (the one transaction), `database` (the engines), `projector` (the
//! live loop), [`rebuild()`] with `parity`, [`as_of()`] with `shadow`, and [`queries`] (what readers ask). `README.md` describes every
//! table for analysts.

pub mod fact;
pub mod rows;
mod table;

mod project;
mod stored;

mod statement;
mod database;
mod write;
mod projection;

mod log;
mod parity;
mod projector;
mod rebuild;
mod shadow;

pub mod queries;

#[cfg(test)]
mod fixture;

pub use database::{Database, Location, LocationError, Server, StoreError};
pub use fact::{Fact, Position, Reading, Unreadable};
pub use log::Log;
pub use parity::TableDigest;
pub use project::project;
pub use projector::{FollowError, Projector, ProjectorOptions, Status};
pub use rebuild::{Progress, RebuildError, Report, rebuild};
pub use shadow::{AsOfError, as_of};
pub use write::Offsets;

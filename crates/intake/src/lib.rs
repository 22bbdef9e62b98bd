//! Intake: the door. It decides whether a submission becomes a request, and is the only stage that sees plaintext PHI.
//!
//! - **Reads** `intake.{lane}`: [`IntakeRequest`](domain::messages::IntakeRequest)s with their detached signatures.
//! - **Writes** `identity.{lane}` (the sealed request), `outcomes.{source}` (accepted, duplicate, refused, conflict), and the events
//!   received, validated, diverted, refused, duplicate-suppressed and conflict-refused.
//! - **Remembers** every accepted request's key for ever ([`Entry::AcceptedRequest`]), and each source's use of its share for a
//!   minute ([`Entry::UsedShare`]).
//! - **May call** nothing.
//! - **Never** accepts a workflow that no stage carries out, lets PHI out unsealed, normalises what a source wrote, or binds a key by
//!   anything but acceptance.

mod worker;

pub mod canonical;
mod decide;
#[cfg(test)]
mod given;
pub mod lanes;
pub mod memory;
pub mod policy;
pub mod resource_types;
pub mod sources;
pub mod validate;

pub use decide::decide;
pub use memory::{Entry, Key};
pub use policy::{Policy, PolicyError};
pub use sources::{Mode, Source, SourceError, SourceProblem, Sources};
pub use validate::{Finding, Findings};
pub use worker::Intake;

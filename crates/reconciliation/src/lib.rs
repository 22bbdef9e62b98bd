//! Reconciliation: the supervisor who lets nothing hang and proves that all arrived.
//!
//! - **Reads** `events`: every [`LifecycleEvent`](domain::LifecycleEvent) of the five workers, its own included; and `commands`:
//!   the human intents that name a request.
//! - **Writes** `identity.{lane}` and `dispatch.{lane}` (cancel, hold, release, a reviewer's verdict, what became of an unknown
//!   outcome, an effect to undo), `outcomes.{source}` (progress and end), and the events deadline-breached, exception-raised,
//!   escalated, cancel-requested, held, released, command-passed (a look where no review is open), command-refused,
//!   verification-failed, compensation-started and closed.
//! - **Remembers** each open request's lifecycle and what is needed to act on it ([`memory::WatchedRequest`]), and for a while how
//!   the ended ones ended ([`memory::EndedRequest`]).
//! - **May call** nothing.
//! - **Never** sees PHI, counts lag as a breach (its timers wait until the partition is read to the end), or acts on its own
//!   facts when it reads them back: it acts when it writes them.
//!
//! Read [`decide()`] first, then `case` (one request under judgement), then what is done about it: `facts` (other workers' events),
//! `deadlines`, and [`commands`] with its table of every command in every state.

mod decide;
mod worker;

pub mod memory;
pub mod policy;

mod case;
mod facts;
mod deadlines;
pub mod commands;
mod ending;
mod errands;
mod outcomes;
mod verification;

pub use decide::decide;
pub use memory::{Entry, Key};
pub use policy::{Mistake, Policy, PolicyError};
pub use worker::Reconciliation;

//! Identity: who is it. It finds the member of a request on our roster, or says that nobody, or more than one, fits.
//!
//! - **Reads** `identity.{lane}`: work to resolve, the human decisions and commands that the supervisor sends after it, and attempts
//!   to be counted; and the whole of `members` (the roster), `policies` (which matching policy acts) and `guard` (who guesses).
//! - **Writes** `dispatch.{lane}` (the request, its member known), `identity.{lane}` (attempts, to where they are counted), `guard`,
//!   and the events identity-matched, identity-unmatched, review-opened, review-decided, verification-failed (a match that the
//!   roster no longer bears out), cancelled, command-passed and command-refused.
//! - **Remembers** open reviews with the work they interrupted ([`Entry::OpenReview`]), what matches rest on ([`Entry::Ground`]) and
//!   what callers have tried ([`Entry::Watch`]).
//! - **May call** nothing.
//! - **Never** lets demographics out: what leaves is a token, names of fields and levels, weights and counts. It owns no deadline: the
//!   supervisor watches reviews.
//!
//! How a claim is weighed is the affair of [`matching`]; here it is said of what and when, and what follows.

mod worker;

mod decide;
#[cfg(test)]
mod given;
pub mod golden;
mod ground;
pub mod guard;
pub mod memory;
pub mod policy;
pub mod reading;
pub mod resolve;
pub mod rollout;
pub mod roster;

pub use decide::decide;
pub use golden::Golden;
pub use memory::{Candidate, Entry, Key};
pub use policy::{Policy, PolicyError};
pub use reading::Reading;
pub use resolve::{Resolution, Resolved, resolve};
pub use rollout::Rollout;
pub use roster::Roster;
pub use worker::Identity;

//! Identity: who is it. It finds the member of a request on our roster, or says that nobody, or more than one, fits.
//!
//! - **Reads** `identity.{lane}`: work to resolve, and the human decisions and commands that the supervisor sends after it; and the
//!   whole of `members`, the roster.
//! - **Writes** `dispatch.{lane}` (the request, its member known), and the events identity-matched, identity-unmatched,
//!   review-opened, review-decided, cancelled, command-passed and command-refused.
//! - **Remembers** open reviews with the work they interrupted ([`Entry::OpenReview`]).
//! - **May call** nothing.
//! - **Never** lets demographics out: what leaves is a token, the name of a rule and counts. It owns no deadline: the supervisor
//!   watches reviews.

mod worker;

pub mod agreement;
mod decide;
#[cfg(test)]
mod given;
pub mod memory;
pub mod normalise;
pub mod policy;
pub mod profile;
pub mod resolve;
pub mod roster;

pub use decide::decide;
pub use memory::{Candidate, Entry, Key};
pub use policy::{Policy, PolicyError};
pub use profile::Profile;
pub use resolve::{Resolution, resolve};
pub use roster::Roster;
pub use worker::Identity;

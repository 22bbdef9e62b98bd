//! Matching: which member of a roster a claim speaks of, how sure that is, and why.
//!
//! Pure: the same roster, claim and policy give the same decision, bit by bit, on any machine and any number of threads. It knows
//! nothing of requests, topics or files; identity asks it about a running request, `waybill match` about a file of queries.

mod person;
pub mod normal;
mod lexicon;
mod packed;
mod claim;
pub mod levels;
mod distance;
mod compare;
pub mod fixed;
pub mod policy;
mod weights;
mod scale;
mod ready;
pub mod roster;
mod gather;
mod score;
mod decide;
mod batch;
mod duplicates;
pub mod explain;
pub mod evidence;
pub mod fit;
pub mod rules;
pub mod survivorship;
#[cfg(test)]
mod reference;

pub use decide::{Decision, Matcher, Merges, Outcome, RunnerUp};
pub use duplicates::Duplicate;
pub use fit::{Report, fit};
pub use person::Person;
pub use policy::{Policy, PolicyError};
pub use ready::Ready;
pub use roster::Roster;
pub use weights::{EXPLANATIONS, Explanation};

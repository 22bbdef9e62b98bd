//! The upstream half: a synthetic enrolment feed and the requests that upstream systems send about its members, with every
//! kind of mistake real ones make, all from one seed.
//!
//! Each submission carries what must become of it ([`Expected`]), so that the accounts at the end of a run can be balanced
//! against the world instead of against Waybill's own word.

mod names;
mod population;
mod traffic;

pub use population::{Enrolled, population};
pub use traffic::{Expected, Kind, Submission, Traffic, traffic};

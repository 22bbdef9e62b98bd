//! A payer's roster and claims against it, made from one seed with the truth beside them, to judge matching by.
//!
//! The people are fictitious and of many cultures; they share phones with families, flats with strangers and addresses with a whole
//! nursing home; they marry, part, move and name children after themselves. The errors are those of people who type, hear and guess,
//! and come in sources of different care, so that one claim has several and another none.

mod chance;
mod names;
mod people;
mod slips;
mod claims;

pub use claims::{Claimed, Mood, World};
pub use people::Record;

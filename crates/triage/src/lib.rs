//! Triage: keeps what no stage could decide until a person has dealt with it.
//!
//! - **Reads** `dead-letters`: every record a stage gave up, sealed and whole; and `commands`: the human intents that name a letter,
//!   keyed by the letter's group, so that they meet it here.
//! - **Writes** the letter's record back to the topic it came from, and the events letter-replayed, letter-discarded and
//!   command-refused. That a letter exists is a fact its own stage has written.
//! - **Remembers** each letter, with its record as long as it waits ([`memory::WaitingLetter`]), and the groups letters form by
//!   signature ([`memory::LetterGroup`]).
//! - **May call** nothing.
//! - **Never** opens a record, alters it, or sends it anywhere but to the place it came from.

mod decide;
mod worker;

pub mod memory;

mod commands;
mod letters;

pub use decide::decide;
pub use memory::{Entry, Key};
pub use worker::Triage;

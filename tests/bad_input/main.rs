//! Bad input, through the whole fleet: each kind gets exactly its answer, a letter or a refusal, nothing is lost, and a good request
//! sent right after it ends as if nothing had been.

mod bench;
mod facts;
mod letters;
mod records;
mod strangers;

//! Matching: which member of a roster a claim speaks of, how sure that is, and why.
//!
//! Pure: the same roster, claim and policy give the same decision, bit by bit, on any machine and any number of threads. It knows
//! nothing of requests, topics or files; identity asks it about a running request, `waybill match` about a file of queries.

pub mod rules;

//! The world around Waybill, simulated from one seed: partner payers that misbehave as real ones do, and the oracle
//! that knows what they really did.
//!
//! The partner half imports nothing of ours on purpose: it speaks the protocol as an outsider would, so that a
//! misunderstanding in Waybill cannot be shared by what judges it. The upstream half speaks the language of the intake topics.

mod dice;
pub mod roster;
pub mod partner;
pub mod upstream;
pub mod accounts;

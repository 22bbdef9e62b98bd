//! The world around Waybill, simulated from one seed: partner payers that misbehave as real ones do, and the oracle that
//! knows what they really did.
//!
//! It imports nothing of ours on purpose: it speaks the protocols as an outsider would, so that a misunderstanding in
//! Waybill cannot be shared by what judges it.

mod dice;
pub mod partner;

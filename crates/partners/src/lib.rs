//! The partners edge: performs dispatch's calls over HTTP, and takes in what partners tell us by themselves.
//!
//! - **Implements** [`fleet::caller::Caller`]: every call becomes one conversation with one partner, and every conversation ends in
//!   one [`domain::CallResult`], within the call's time.
//! - **Opens** dossiers, through the port it is handed, at the moment a request is built; keeps what comes back through the evidence
//!   port. No person's data reaches a log line, an error or an answer.
//! - **Decides** nothing: what an outcome means is told by [`classify`], what follows from it by `dispatch`.
//!
//! Read [`registry`] (where partners come from), `wire` (the bodies of the exchange protocol), [`classify`] (what an answer means),
//! `exchange` (the conversations), [`caller`] (the port), then [`signature`] and [`callbacks`] (the door partners call).

pub mod callbacks;
pub mod caller;
pub mod classify;
mod exchange;
#[cfg(test)]
mod fixture;
pub mod registry;
pub mod signature;
mod wire;

pub use callbacks::{Sink, SinkError};
pub use caller::{Options, Partners, Ports, SetupError};
pub use registry::{RegistryError, read_registry};

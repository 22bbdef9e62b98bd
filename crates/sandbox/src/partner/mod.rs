//! Simulated partner payers: a pure model of what each payer does with an operation, an HTTP shell over it, and the
//! oracle that counts the side effects that really happened.
//!
//! Reading order: what a payer is like (`payer`, `fault`); what is said (`wire`, `answer`, `callback`); what is done
//! (`records`, `exchange`, `model`) and known afterwards (`oracle`); the shell (`server`, `render`, `webhook`, `running`,
//! `deploy`).
//!
//! `PartnerModel` has no clock, no I/O and no randomness, so a simulation in virtual time uses it as it stands.

mod fault;
mod payer;

mod answer;
mod callback;
mod wire;

mod exchange;
mod model;
mod oracle;
mod records;

mod deploy;
mod render;
mod running;
mod server;
mod webhook;

pub use answer::{Answer, AnswerBody, Delivery, Reply, RetryAfter};
pub use callback::Callback;
pub use exchange::{Reference, ReferenceError};
pub use fault::{Fault, FaultLevel, FaultRates};
pub use model::{PartnerModel, Request};
pub use oracle::{Effects, Oracle, PayerCounts};
pub use payer::{Completion, Latency, Payer, RefusalRates, standard_payers};
pub use records::ResourceSet;
pub use running::{RunningSandbox, Sandbox, SandboxError, SandboxOptions};
pub use wire::{CallbackMessage, ExchangeState, ExchangeStatus, Kind, Manifest, Order, Problem, ProblemKind};

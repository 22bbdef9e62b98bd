//! Simulated partner payers: a pure model of what each payer does with an operation, an HTTP shell over it, and the
//! oracle that counts the side effects that really happened.
//!
//! Reading order: what a payer is like (`payer`, `fault`), what is said (`wire`, `answer`), what is done (`exchange`,
//! `records`, `model`), what is known afterwards (`oracle`), and the shell (`webhook`, `server`, `running`, `deploy`).
//!
//! `PartnerModel` has no clock, no I/O and no randomness, so a simulation in virtual time uses it as it stands.

mod answer;
mod deploy;
mod exchange;
mod fault;
mod model;
mod oracle;
mod payer;
mod records;
mod running;
mod server;
mod webhook;
mod wire;

pub use answer::{Answer, AnswerBody, Delivery, Reply, RetryAfter};
pub use exchange::Reference;
pub use fault::{Fault, FaultLevel, FaultRates};
pub use model::{PartnerModel, Request};
pub use oracle::{Effects, Oracle, PayerCounts};
pub use payer::{Completion, Latency, Payer, RefusalRates, standard_payers};
pub use running::{RunningSandbox, Sandbox, SandboxError, SandboxOptions};
pub use wire::{CallbackMessage, ExchangeState, ExchangeStatus, Kind, Manifest, Order, Problem, ProblemKind};
pub use webhook::{Callback, signature};

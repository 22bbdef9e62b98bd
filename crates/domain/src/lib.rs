//! The language of Waybill: what a request is, what can happen to it, and what a worker may ask for.
//!
//! Everything here is data and pure functions. No I/O, no clock, no randomness, no Avro: time and seeds arrive in a [`Moment`],
//! wire formats live in `contracts`, and the effects a worker asks for leave as data in a [`Decision`].
//!
//! Read in this order: [`ids`] and [`time`] (the smallest words), [`person`] (what is asked about whom), [`phi`] (how that is kept
//! secret), [`lifecycle`] (states, events and the fold that joins them), [`messages`] (what travels on topics), [`partner`] (whom we
//! exchange with), [`reasons`] and [`failure`] (why something did not go on), then [`memory`], [`call`] and [`worker`] (how a worker
//! is written).

pub mod call;
pub mod failure;
mod hex;
pub mod ids;
pub mod lifecycle;
pub mod memory;
pub mod messages;
pub mod partner;
pub mod person;
pub mod phi;
pub mod reasons;
pub mod time;
pub mod trace;
pub mod worker;

pub use call::{Answer, Call, CallResult, CallVerb};
pub use failure::FailureClass;
pub use ids::{
    CommandId, CorrelationId, ExchangeId, LetterId, OperationId, PartnerId, RecordId, RequestId, SourceId,
    SubmissionId, Token,
};
pub use lifecycle::{EventBody, Lifecycle, LifecycleEvent, State, TerminalOutcome};
pub use memory::{Change, Memory, MemoryEntry, MemoryKey, Overlay, View};
pub use messages::{Lane, Message, Stage, Workflow};
pub use reasons::{Chapter, Code};
pub use time::Timestamp;
pub use trace::Trace;
pub use worker::{Decision, Destination, Draft, Forward, Input, Moment, Poison, Record, Worker};

//! The fleet: it turns the workers' crank.
//!
//! A worker decides; the fleet makes it true. It polls the log, decodes, lets the worker decide against its memory, writes facts,
//! work, memory and consumed offsets in one transaction, and only then performs the calls the worker asked for. Answers and timers
//! come back as inputs. What can't be decided becomes a dead letter, and the request it belongs to waits while others flow.
//!
//! - **Reads**: the topics of its worker's stage, lane by lane; its worker's changelog; shared tables.
//! - **Writes**: whatever a decision says, the changelog, dead letters.
//! - **Remembers**: beside the worker's entries, which requests wait behind a letter.
//! - **May call**: partners, through the caller port, after the commit and under the lease.
//! - **Never**: judges, knows a particular worker or bus, reads a clock but through its port.
//!
//! Read [`slot`] first (the life of one thread's worth of work), then `desk` (how one input is decided) and `turn` (what a turn is
//! made of). [`bus`] is the port both logs implement; [`shelf`],
//! [`caller`], [`originals`], [`evidence`], [`clock`] and [`probe`] are the others.

pub mod slot;
mod desk;
mod turn;
mod paper;
mod partition;
mod shelved;
mod changelog;
mod blocking;
mod letters;
mod marks;
mod parking;
mod pace;
mod timers;
mod calls;
mod tables;
pub mod envelope;
pub mod partitioner;
pub mod bus;
pub mod shelf;
pub mod caller;
pub mod originals;
pub mod evidence;
pub mod clock;
pub mod probe;
pub mod sync;

pub use blocking::{FleetEntry, ParkedHeader};
pub use envelope::Postman;
pub use slot::{Ages, GateOptions, Pending, Ports, Report, Slot, SlotError, SlotOptions, Stop};
pub use turn::{Tally, Unwritable};

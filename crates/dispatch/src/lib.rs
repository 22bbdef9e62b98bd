//! Dispatch talks to partners: it decides which call to make when, and what its answer means. No side effect is asked for twice
//! where it might happen twice.
//!
//! - **Reads** `dispatch.{lane}` (work from identity, commands from reconciliation) and `partner-messages` (callbacks), both keyed by
//!   route; the answers of its calls; its timers.
//! - **Writes** `events`: dispatched, acknowledged, fulfilled, refused, every failed attempt, every unknown outcome, how a cancel or
//!   a compensation ended.
//! - **Remembers** each operation under way with its sealed work, the load and queue of each route, and for a while that an operation
//!   has ended ([`memory`]).
//! - **May call** partners: send, poll, query, cancel, compensate. Calls are asked for as data and performed by the `partners` edge.
//! - **Never** opens a dossier, reads a clock, sends what the member's consent no longer covers, or repeats a call whose effect is
//!   unknown to a partner that can't deduplicate.
//!
//! Read [`memory`] first: the states of an operation are there. [`backoff`] and [`admission`] say when a call may be made, [`mod@decide`]
//! takes the inputs apart, and its parts (`command`, `answer`, `failure`, over the moves in `desk`) judge them.

use std::sync::Arc;
use std::time::Duration;

use domain::call::Outstanding;
use domain::messages::Stage;
use domain::partner::Registry;
use domain::{Decision, Input, Moment, Poison, Timestamp, View, Worker};

pub mod admission;
pub mod backoff;
pub mod decide;
#[cfg(test)]
mod fixture;
pub mod memory;

pub use decide::decide;
pub use memory::{Entry, Key};

/// The dispatch worker.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// The partners.
    pub registry: Arc<Registry>,
    /// Its settings.
    pub options: Options,
}

/// Dispatch's settings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// How long the group waits for a silent member. A call is not taken for lost before the member that made it is certainly gone.
    pub session_timeout: Duration,
    /// How long an ended operation is remembered: as long as the work topic may deliver it again.
    pub retention: Duration,
    /// How long, beyond its time, an operation waits for a person who finds out whether it took effect. The supervisor's ladder ends
    /// long before; this is for the sealed work to go even if nobody ever says so.
    pub unresolved: Duration,
}

// === impl Options ===

impl Options {
    /// The settings that hold where the configuration says nothing else.
    pub const STANDARD: Self = Self {
        session_timeout: Duration::from_secs(10),
        retention: Duration::from_secs(7 * 86_400),
        unresolved: Duration::from_secs(30 * 86_400),
    };
}

// === impl Dispatch ===

impl Worker for Dispatch {
    const STAGE: Stage = Stage::Dispatch;
    type Key = Key;
    type Entry = Entry;

    fn decide(
        &self,
        view: &View<'_, Key, Entry>,
        input: Input<'_, Key>,
        moment: &Moment,
    ) -> Result<Decision<Key, Entry>, Poison> {
        decide(self, view, input, moment)
    }

    fn due(_key: &Key, entry: &Entry) -> Option<Timestamp> {
        entry.due()
    }

    fn outstanding(key: &Key, entry: &Entry) -> Option<Outstanding> {
        entry.outstanding(key)
    }
}

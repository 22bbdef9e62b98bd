//! Intake as the fleet sees it.

use std::num::NonZeroU32;
use std::sync::Arc;

use domain::lifecycle::Clocks;
use domain::messages::Stage;
use domain::partner::Registry;
use domain::phi::Phi;
use domain::{Decision, Input, Message, Moment, Poison, Timestamp, View, Worker};

use crate::{Entry, Key, Policy, Sources, decide};

/// The worker, with the read-only tables it judges by.
#[derive(Clone)]
pub struct Intake {
    /// Who may submit.
    pub sources: Sources,
    /// The payers we exchange with.
    pub partners: Arc<Registry>,
    /// The policy in force.
    pub policy: Policy,
    /// How long a request may take where its source does not say.
    pub clocks: Clocks,
    /// How many partitions `intake.{lane}` has: a source's share is divided among them.
    pub partitions: NonZeroU32,
    /// Seals and tokenises.
    pub phi: Arc<dyn Phi>,
}

// === impl Intake ===

impl Worker for Intake {
    const STAGE: Stage = Stage::Intake;
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

    /// Memory lies where the idempotency key belongs, whatever key the producer gave the record.
    fn home<'m>(&self, message: &'m Message) -> Option<&'m [u8]> {
        let Message::Intake(request) = message else { return None };
        (!request.idempotency_key.is_empty()).then_some(request.idempotency_key.as_bytes())
    }

    fn due(_key: &Key, entry: &Entry) -> Option<Timestamp> {
        entry.ends()
    }

    /// An accepted request takes its key for ever, and nothing is asked of it but whether it did.
    fn is_settled(key: &Key) -> bool {
        matches!(key, Key::Request(_))
    }
}

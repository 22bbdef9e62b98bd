//! The worker as the fleet turns it.

use std::sync::Arc;

use domain::messages::Stage;
use domain::partner::Registry;
use domain::worker::{Table, TimerRule};
use domain::{Decision, Input, Message, Moment, Poison, Timestamp, View, Worker};

use crate::decide::decide;
use crate::{Entry, Key, Policy};

/// The supervisor, with the shared tables it reads.
#[derive(Clone, Debug)]
pub struct Reconciliation {
    policy: Policy,
    partners: Arc<Registry>,
}

impl Reconciliation {
    /// A supervisor under this policy. Of the partners only their buckets matter: they lead to a request's route.
    pub fn new(policy: Policy, partners: Arc<Registry>) -> Self {
        Self { policy, partners }
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The partner registry.
    pub fn partners(&self) -> &Registry {
        &self.partners
    }
}

impl Worker for Reconciliation {
    const STAGE: Stage = Stage::Reconciliation;
    const TIMERS: TimerRule = TimerRule::CaughtUp;
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
        Some(entry.due())
    }

    fn learn(&mut self, _row: (Table, &[u8]), message: Option<&Message>, _offset: u64) {
        if let Some(Message::Policy(policy)) = message {
            self.policy.activate(&policy.name, &policy.text);
        }
    }
}

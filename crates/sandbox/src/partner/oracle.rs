//! The oracle: what the payers really did, whatever their answers said.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::fault::Fault;

/// The side effects of one operation. The operation id is its idempotency key, so this counts per key as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effects {
    /// How often the request for it reached a payer.
    pub sends: u32,
    /// How often a payer did its work, or took on work that it will do unless cancelled.
    pub performed: u32,
    /// How often such work was cancelled before it was done.
    pub cancelled: u32,
    /// How often a payer took it back after it was done.
    pub compensated: u32,
}

/// What one payer did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PayerCounts {
    /// Requests of every kind that reached the payer.
    pub requests: u64,
    /// Operations seen, worked on or not.
    pub operations: u64,
    /// Operations whose work was performed at least once.
    pub operations_performed: u64,
    /// How often the work of any operation was performed; more than `operations_performed` when some were repeated.
    pub performed: u64,
    /// Requests refused at once for what they ask.
    pub refused: u64,
    /// Requests accepted that fail later for what they ask.
    pub failed: u64,
    /// Exchanges cancelled before they were done.
    pub cancelled: u64,
    /// Exchanges taken back after they were done.
    pub compensated: u64,
    /// Stored answers repeated to a key that had come before.
    pub replayed: u64,
    /// Callbacks handed to the sender, duplicates included.
    pub callbacks: u64,
    /// Faults injected, by kind.
    pub faults: BTreeMap<Fault, u64>,
}

/// A snapshot over all payers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Oracle {
    /// The sum over the payers.
    pub totals: PayerCounts,
    /// Each payer by id.
    pub payers: BTreeMap<String, PayerCounts>,
    /// The operations whose work was done more than once, at one payer or at several.
    pub performed_twice: BTreeMap<Uuid, Effects>,
}

// === impl Effects ===

impl Effects {
    /// True when the work was done more than once, taken back later or not.
    pub fn done_twice(&self) -> bool {
        self.performed.saturating_sub(self.cancelled) > 1
    }
}

impl AddAssign for Effects {
    fn add_assign(&mut self, other: Self) {
        self.sends += other.sends;
        self.performed += other.performed;
        self.cancelled += other.cancelled;
        self.compensated += other.compensated;
    }
}

// === impl PayerCounts ===

impl PayerCounts {
    /// How many faults of one kind were injected.
    pub fn faults_of(&self, fault: Fault) -> u64 {
        self.faults.get(&fault).copied().unwrap_or_default()
    }

    pub(super) fn count_fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }
}

impl AddAssign<&Self> for PayerCounts {
    fn add_assign(&mut self, other: &Self) {
        self.requests += other.requests;
        self.operations += other.operations;
        self.operations_performed += other.operations_performed;
        self.performed += other.performed;
        self.refused += other.refused;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.compensated += other.compensated;
        self.replayed += other.replayed;
        self.callbacks += other.callbacks;
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
    }
}

// === impl Oracle ===

impl Oracle {
    /// Sums the payers up. `effects` are those of every operation, summed over the payers.
    pub fn new(payers: BTreeMap<String, PayerCounts>, effects: &BTreeMap<Uuid, Effects>) -> Self {
        let mut totals = PayerCounts::default();
        for counts in payers.values() {
            totals += counts;
        }
        let performed_twice =
            effects.iter().filter(|(_, effects)| effects.done_twice()).map(|(id, effects)| (*id, *effects)).collect();
        Self { totals, payers, performed_twice }
    }
}

//! What a payer keeps about an operation: its counts for ever, its exchanges for a while.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::oracle::Effects;
use super::payer::Verdict;
use super::records::{Extent, ResourceSet};
use super::wire::{ExchangeState, ExchangeStatus, Kind, Manifest, ProblemKind};

/// A payer's name for an exchange; opaque to callers. It derives from the operation and from the attempt that made the
/// exchange, so that two runs from one seed give the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    pub(super) operation: Uuid,
    pub(super) attempt: u16,
}

/// What a caller wants; attempts are counted for each apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Send,
    Status,
    Data,
    Cancel,
    Compensate,
}

/// One operation as a payer knows it.
#[derive(Default)]
pub(super) struct Operation {
    attempts: [u16; 5],
    pub(super) effects: Effects,
    /// Nothing yet, or forgotten by now.
    pub(super) memory: Option<Box<Memory>>,
}

/// What a payer remembers of an operation it has decided on.
pub(super) struct Memory {
    /// The payload it came with first.
    pub(super) fingerprint: u64,
    /// When the first answer goes out; until then the key is in flight.
    pub(super) answered_at_ms: i64,
    /// None when it was refused; more than one at a payer that ignores keys.
    pub(super) exchanges: Vec<Exchange>,
}

/// One time that a payer took an operation on.
pub(super) struct Exchange {
    pub(super) reference: Reference,
    pub(super) kind: Kind,
    pub(super) completes_at_ms: i64,
    pub(super) verdict: Verdict,
    pub(super) resources: ResourceSet,
    /// What the manifest states, true or not.
    pub(super) stated: Extent,
    pub(super) cancelled: bool,
}

/// The text is no reference of any payer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an exchange reference")]
pub struct ReferenceError;

// === impl Reference ===

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.operation.simple(), self.attempt)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (operation, attempt) = text.rsplit_once('-').ok_or(ReferenceError)?;
        Ok(Self {
            operation: Uuid::try_parse(operation).map_err(|_| ReferenceError)?,
            attempt: attempt.parse().map_err(|_| ReferenceError)?,
        })
    }
}

// === impl Operation ===

impl Operation {
    /// Counts an attempt and gives its number, from zero.
    pub(super) fn count_attempt(&mut self, verb: Verb) -> u16 {
        self.effects.sends += u32::from(matches!(verb, Verb::Send | Verb::Compensate));
        let attempts = &mut self.attempts[verb as usize];
        let number = *attempts;
        *attempts = attempts.saturating_add(1);
        number
    }

    /// The exchange of that attempt, unless there was none or it is forgotten.
    pub(super) fn exchange(&self, attempt: u16) -> Option<&Exchange> {
        self.memory.as_ref()?.exchanges.iter().find(|exchange| exchange.reference.attempt == attempt)
    }

    /// The first time it was taken on.
    pub(super) fn first_exchange(&self) -> Option<&Exchange> {
        self.memory.as_ref()?.exchanges.first()
    }

    /// The last time it was taken on; at a payer that deduplicates also the first.
    pub(super) fn last_exchange(&self) -> Option<&Exchange> {
        self.memory.as_ref()?.exchanges.last()
    }

    /// Cancels the exchange of that attempt.
    pub(super) fn cancel(&mut self, attempt: u16) {
        let exchanges = self.memory.iter_mut().flat_map(|memory| &mut memory.exchanges);
        for exchange in exchanges.filter(|exchange| exchange.reference.attempt == attempt) {
            exchange.cancelled = true;
        }
    }
}

// === impl Exchange ===

impl Exchange {
    /// Where it stands at a time.
    pub(super) fn status(&self, now_ms: i64) -> ExchangeStatus {
        if self.cancelled {
            ExchangeStatus::Cancelled
        } else if now_ms < self.completes_at_ms {
            ExchangeStatus::Accepted
        } else if self.failure().is_some() {
            ExchangeStatus::Failed
        } else {
            ExchangeStatus::Completed
        }
    }

    /// How a caller is told, given the payer's own address.
    pub(super) fn state(&self, status: ExchangeStatus, base_url: &str) -> ExchangeState {
        let manifest = (status == ExchangeStatus::Completed).then(|| Manifest {
            records: self.stated.records,
            sha256: hex::encode(self.stated.sha256),
            url: format!("{base_url}/exchanges/{}/data", self.reference),
        });
        let problem =
            (status == ExchangeStatus::Failed).then(|| self.failure().unwrap_or(ProblemKind::Internal).into());
        ExchangeState { status, reference: self.reference.to_string(), manifest, problem }
    }

    fn failure(&self) -> Option<ProblemKind> {
        match self.verdict {
            Verdict::Fulfil => None,
            Verdict::Refuse(kind) | Verdict::FailLater(kind) => Some(kind),
        }
    }
}

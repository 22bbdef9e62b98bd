//! The callbacks a payer owes, in the order in which they come due.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::exchange::Reference;
use super::wire::{CallbackMessage, ExchangeState, ExchangeStatus, ProblemKind};

/// One callback that is due now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// Where it goes.
    pub url: Arc<str>,
    /// The `webhook-id`: the same for duplicates of one message.
    pub webhook_id: String,
    /// The body.
    pub message: CallbackMessage,
}

/// A callback promised for later.
#[derive(Clone)]
pub(super) struct Promise {
    pub(super) reference: Reference,
    pub(super) url: Arc<str>,
    /// Whether it says the opposite of what is true.
    pub(super) contradicts: bool,
}

/// Promises by the time they come due, then by the order in which they were made.
#[derive(Default)]
pub(super) struct Promises {
    by_due: BTreeMap<(i64, u64), Promise>,
    made: u64,
}

// === impl Promises ===

impl Promises {
    pub(super) fn add(&mut self, due_ms: i64, promise: Promise) {
        self.by_due.insert((due_ms, self.made), promise);
        self.made += 1;
    }

    /// When the next one comes due.
    pub(super) fn next_due_ms(&self) -> Option<i64> {
        self.by_due.first_key_value().map(|((due_ms, _), _)| *due_ms)
    }

    /// Takes the first that is due.
    pub(super) fn take_due(&mut self, now_ms: i64) -> Option<Promise> {
        let first = self.by_due.first_entry()?;
        (first.key().0 <= now_ms).then(|| first.remove())
    }
}

// === impl Promise ===

impl Promise {
    /// The message for an exchange that stands like this.
    pub(super) fn keep(self, state: ExchangeState) -> Callback {
        let state = if self.contradicts { opposite(state) } else { state };
        let suffix = if self.contradicts { "-again" } else { "" };
        Callback {
            url: self.url,
            webhook_id: format!("msg-{}{suffix}", state.reference),
            message: CallbackMessage {
                operation_id: self.reference.operation,
                reference: state.reference,
                status: state.status,
                manifest: state.manifest,
                problem: state.problem,
            },
        }
    }
}

fn opposite(state: ExchangeState) -> ExchangeState {
    match state.status {
        ExchangeStatus::Completed => ExchangeState {
            status: ExchangeStatus::Failed,
            manifest: None,
            problem: Some(ProblemKind::Internal.into()),
            ..state
        },
        ExchangeStatus::Accepted | ExchangeStatus::Failed | ExchangeStatus::Cancelled => {
            ExchangeState { status: ExchangeStatus::Completed, problem: None, ..state }
        }
    }
}

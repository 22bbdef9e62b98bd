//! What one payer does with each request, as a pure state machine: no clock, no I/O, no randomness.
//!
//! Every fault is drawn from (seed, payer, operation, verb, attempt number), so a run misbehaves alike whatever
//! its timing.

#[cfg(test)]
mod tests;
mod work;

use std::collections::{BTreeMap, VecDeque};

use uuid::Uuid;

use super::answer::{Answer, Reply, RetryAfter};
use super::callback::{Callback, Promises};
use super::exchange::{Operation, Reference, Verb};
use super::fault::Fault;
use super::oracle::{Effects, PayerCounts};
use super::payer::Payer;
use super::wire::{ExchangeRequest, Order, Problem, ProblemKind};
use crate::dice::Dice;

/// One request to a payer, understood but not yet answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `POST /exchanges`.
    Send {
        /// The idempotency key, if one came.
        key: Option<Uuid>,
        /// What is asked.
        order: Order,
    },
    /// `GET /exchanges/{reference}`.
    Status {
        /// The exchange.
        reference: Reference,
    },
    /// `GET /exchanges?idempotency_key=`.
    StatusByKey {
        /// The operation.
        key: Uuid,
    },
    /// `GET /exchanges/{reference}/data`.
    Data {
        /// The exchange.
        reference: Reference,
    },
    /// `DELETE /exchanges/{reference}`.
    Cancel {
        /// The exchange.
        reference: Reference,
    },
    /// `POST /exchanges/{reference}/compensate`.
    Compensate {
        /// The exchange to take back.
        reference: Reference,
        /// The idempotency key: the id of the compensating operation.
        key: Uuid,
    },
}

/// One simulated payer at work.
pub struct PartnerModel {
    payer: Payer,
    base_url: String,
    dice: Dice,
    operations: BTreeMap<Uuid, Operation>,
    /// The operations that have a memory, oldest first.
    remembered: VecDeque<Uuid>,
    promises: Promises,
    counts: PayerCounts,
}

/// The circumstances of one attempt.
struct Attempt {
    now_ms: i64,
    /// How long its answer takes.
    after_ms: u64,
    number: u16,
    /// Whether it may meet a fault at all.
    faulty: bool,
    dice: Dice,
}

/// What is drawn apart from whether a fault strikes, which is drawn under the fault's own number.
#[derive(Clone, Copy)]
enum Drawn {
    Verdict = 100,
    Records,
    AnswerFault,
    AnswerDetail,
    LatencyMs,
    WorkMs,
    LateMs,
}

// === impl Request ===

impl Request {
    /// A `POST /exchanges` with this body. The error says what is wrong with it, and never holds personal data.
    pub fn send(key: Option<Uuid>, body: &[u8]) -> Result<Self, Problem> {
        Ok(Self::Send { key, order: ExchangeRequest::parse(body)?.into_order()? })
    }

    /// The operation among whose attempts this one counts, and the verb.
    fn subject(&self) -> (Uuid, Verb) {
        match self {
            Self::Send { order, .. } => (order.operation_id, Verb::Send),
            Self::Status { reference } => (reference.operation, Verb::Status),
            Self::StatusByKey { key } => (*key, Verb::Status),
            Self::Data { reference } => (reference.operation, Verb::Data),
            Self::Cancel { reference } => (reference.operation, Verb::Cancel),
            Self::Compensate { key, .. } => (*key, Verb::Compensate),
        }
    }
}

// === impl PartnerModel ===

impl PartnerModel {
    /// A payer that has seen nothing yet. `base_url` is the address it gives for its data.
    pub fn new(seed: u64, payer: Payer, base_url: String) -> Self {
        Self {
            dice: Dice::new(seed).at_name(&payer.id),
            payer,
            base_url,
            operations: BTreeMap::new(),
            remembered: VecDeque::new(),
            promises: Promises::default(),
            counts: PayerCounts::default(),
        }
    }

    /// What this payer is like.
    pub fn payer(&self) -> &Payer {
        &self.payer
    }

    /// Does what the payer does with a request that arrives at `now_ms` (since the epoch), and says what comes back.
    pub fn handle(&mut self, now_ms: i64, request: Request) -> Reply {
        self.counts.requests += 1;
        if let Err(kind) = self.understand(&request) {
            return Reply::whole(0, kind.into());
        }
        let (operation, verb) = request.subject();
        let attempt = self.attempt(now_ms, operation, verb);
        let fault = self.answer_fault(&attempt);
        if let Some(reply) = fault.and_then(|fault| self.prevented(&attempt, fault)) {
            return reply;
        }
        let answer = self.perform(&attempt, request).unwrap_or_else(Answer::from);
        Reply::spoiled(fault, attempt.after_ms, self.payer.timeout_ms * 3 / 2, answer)
    }

    /// When the next callback comes due, in milliseconds since the epoch.
    pub fn next_callback_ms(&self) -> Option<i64> {
        self.promises.next_due_ms()
    }

    /// The next callback that is due. Those of exchanges cancelled meanwhile are left out.
    pub fn poll_callback(&mut self, now_ms: i64) -> Option<Callback> {
        while let Some(promise) = self.promises.take_due(now_ms) {
            if let Ok(exchange) = self.exchange(promise.reference)
                && !exchange.cancelled
            {
                let state = exchange.state(exchange.status(now_ms), &self.base_url);
                self.counts.callbacks += 1;
                return Some(promise.keep(state));
            }
        }
        None
    }

    /// What the payer did so far.
    pub fn counts(&self) -> &PayerCounts {
        &self.counts
    }

    /// The side effects of each operation so far, by operation id.
    pub fn effects(&self) -> impl Iterator<Item = (Uuid, Effects)> {
        self.operations.iter().map(|(id, operation)| (*id, operation.effects))
    }

    /// Objects to what this payer does not offer and to what it has never heard of, before any attempt is counted.
    fn understand(&self, request: &Request) -> Result<(), ProblemKind> {
        match request {
            Request::Send { key: None, .. } if self.payer.deduplicates => Err(ProblemKind::IdempotencyKeyMissing),
            Request::Send { key, order } if key.is_some_and(|key| key != order.operation_id) => {
                Err(ProblemKind::IdempotencyKeyMismatch)
            }
            Request::Send { .. } => Ok(()),
            Request::StatusByKey { .. } if !self.payer.status_query => Err(ProblemKind::Unsupported),
            Request::StatusByKey { key } => self.operation(*key).map(drop),
            Request::Compensate { key, reference } if *key == reference.operation => {
                Err(ProblemKind::IdempotencyKeyReused)
            }
            Request::Status { reference }
            | Request::Data { reference }
            | Request::Cancel { reference }
            | Request::Compensate { reference, .. } => self.operation(reference.operation).map(drop),
        }
    }

    fn attempt(&mut self, now_ms: i64, id: Uuid, verb: Verb) -> Attempt {
        let operation = self.operations.entry(id).or_insert_with(|| {
            self.counts.operations += 1;
            Operation::default()
        });
        let number = operation.count_attempt(verb);
        let dice = self.dice.at_id(id).at(verb as u64).at(u64::from(number));
        let faulty = u32::from(number) < self.payer.faults.attempts_faulty_max;
        let attempt = Attempt { now_ms, after_ms: 0, number, faulty, dice };

        let tail = self.strikes(&attempt, Fault::LatencyTail);
        let likely_ms = if tail { self.payer.latency.tail_ms } else { self.payer.latency.typical_ms };
        Attempt { after_ms: attempt.dice.draw(Drawn::LatencyMs as u64).around(likely_ms), ..attempt }
    }

    fn answer_fault(&mut self, attempt: &Attempt) -> Option<Fault> {
        let draw = attempt.dice.draw(Drawn::AnswerFault as u64);
        let fault = self.payer.faults.of_answer(draw).filter(|_| attempt.faulty)?;
        self.counts.count_fault(fault);
        Some(fault)
    }

    /// Whether a fault that is drawn by itself strikes this attempt.
    fn strikes(&mut self, attempt: &Attempt, fault: Fault) -> bool {
        let strikes = attempt.faulty && attempt.dice.draw(fault as u64).hits(self.payer.faults.of(fault));
        if strikes {
            self.counts.count_fault(fault);
        }
        strikes
    }

    /// The reply of a fault that keeps the work from being done.
    fn prevented(&self, attempt: &Attempt, fault: Fault) -> Option<Reply> {
        let dice = attempt.dice.at(Drawn::AnswerDetail as u64);
        let answer = match fault {
            Fault::ServerError => {
                let kinds = [ProblemKind::Internal, ProblemKind::BadGateway, ProblemKind::Unavailable];
                Answer::from(kinds[dice.draw(0).below(3) as usize])
            }
            Fault::Throttled => {
                let wait_ms = self.payer.retry_after_ms * (1 + dice.draw(0).below(3));
                let date =
                    RetryAfter::Date { at_ms: attempt.now_ms.saturating_add_unsigned(attempt.after_ms + wait_ms) };
                let retry_after = if dice.draw(1).hits(500) { RetryAfter::Wait { wait_ms } } else { date };
                Answer { retry_after: Some(retry_after), ..ProblemKind::Throttled.into() }
            }
            Fault::ClosedBefore => return Some(Reply::closed(attempt.after_ms)),
            Fault::LatencyTail
            | Fault::ClosedAfter
            | Fault::HungAfter
            | Fault::Malformed
            | Fault::Truncated
            | Fault::WrongManifest
            | Fault::CallbackDuplicate
            | Fault::CallbackLate
            | Fault::CallbackContradictory => return None,
        };
        Some(Reply::whole(attempt.after_ms, answer))
    }
}

// === impl Attempt ===

impl Attempt {
    /// When its answer goes out.
    fn answered_at_ms(&self) -> i64 {
        self.now_ms.saturating_add_unsigned(self.after_ms)
    }
}

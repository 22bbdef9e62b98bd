//! The work itself: what each verb does to a payer's operations.

use uuid::Uuid;

use super::{Attempt, Drawn, PartnerModel, Request};
use crate::partner::answer::{Answer, AnswerBody, RetryAfter};
use crate::partner::callback::Promise;
use crate::partner::exchange::{Exchange, Memory, Operation, Reference};
use crate::partner::fault::Fault;
use crate::partner::payer::{Completion, Verdict};
use crate::partner::records::{Extent, ResourceSet, ndjson};
use crate::partner::wire::{ExchangeStatus, Kind, Order, ProblemKind, fingerprint};

type Answered = Result<Answer, ProblemKind>;

impl PartnerModel {
    pub(super) fn perform(&mut self, attempt: &Attempt, request: Request) -> Answered {
        match request {
            Request::Send { order, .. } => self.send(attempt, order),
            Request::Status { reference } => Ok(self.told(attempt, self.exchange(reference)?)),
            Request::StatusByKey { key } => {
                let first = self.operation(key)?.first_exchange().ok_or(ProblemKind::Unknown)?;
                Ok(self.told(attempt, first))
            }
            Request::Data { reference } => self.data(attempt, reference),
            Request::Cancel { reference } => self.cancel(attempt, reference),
            Request::Compensate { reference, key } => self.compensate(attempt, reference, key),
        }
    }

    pub(super) fn operation(&self, id: Uuid) -> Result<&Operation, ProblemKind> {
        self.operations.get(&id).ok_or(ProblemKind::Unknown)
    }

    pub(super) fn exchange(&self, reference: Reference) -> Result<&Exchange, ProblemKind> {
        self.operation(reference.operation)?.exchange(reference.attempt).ok_or(ProblemKind::Unknown)
    }

    fn send(&mut self, attempt: &Attempt, order: Order) -> Answered {
        let id = order.operation_id;
        let verdict = match order.kind {
            Kind::Request => self.payer.verdict(self.dice.at_id(id).draw(Drawn::Verdict as u64)),
            Kind::Compensate => Verdict::Fulfil,
        };
        let completion = self.payer.completion;
        if !self.is_repeated(attempt, id, order.fingerprint)? {
            self.take_on(attempt, order, verdict, completion);
        }
        if let Verdict::Refuse(kind) = verdict {
            return Err(kind);
        }
        let exchange = self.operation(id)?.last_exchange().ok_or(ProblemKind::Internal)?;
        let (status, retry_after, stands) = match completion {
            Completion::Immediate => (200, None, ExchangeStatus::Completed),
            Completion::Poll | Completion::Callback => (202, Some(self.patience()), ExchangeStatus::Accepted),
        };
        Ok(Answer::state(status, retry_after, exchange.state(stands, &self.base_url)))
    }

    /// True when a payer that deduplicates has decided on this payload before; otherwise it is remembered from now on.
    fn is_repeated(&mut self, attempt: &Attempt, id: Uuid, fingerprint: u64) -> Result<bool, ProblemKind> {
        let operation = self.operations.entry(id).or_default();
        let Some(memory) = &operation.memory else {
            let answered_at_ms = attempt.answered_at_ms();
            operation.memory = Some(Box::new(Memory { fingerprint, answered_at_ms, exchanges: Vec::new() }));
            self.remembered.push_back(id);
            self.forget_oldest();
            return Ok(false);
        };
        if !self.payer.deduplicates {
            return Ok(false);
        }
        if memory.fingerprint != fingerprint {
            return Err(ProblemKind::IdempotencyKeyReused);
        }
        if attempt.now_ms < memory.answered_at_ms {
            return Err(ProblemKind::InFlight);
        }
        self.counts.replayed += 1;
        Ok(true)
    }

    fn forget_oldest(&mut self) {
        if self.remembered.len() > self.payer.remembered_max
            && let Some(oldest) = self.remembered.pop_front()
            && let Some(operation) = self.operations.get_mut(&oldest)
        {
            operation.memory = None;
        }
    }

    /// Starts the work, or counts the refusal.
    fn take_on(&mut self, attempt: &Attempt, order: Order, verdict: Verdict, completion: Completion) {
        let Order { operation_id, kind, resources, callback_url, .. } = order;
        match verdict {
            Verdict::Refuse(_) => {
                self.counts.refused += 1;
                return;
            }
            Verdict::FailLater(_) => self.counts.failed += 1,
            Verdict::Fulfil => self.count_performed(operation_id),
        }
        self.counts.compensated += u64::from(kind == Kind::Compensate);
        let work_ms = attempt.dice.draw(Drawn::WorkMs as u64).around(self.payer.work_ms);
        let completes_at_ms = match completion {
            Completion::Immediate => attempt.now_ms,
            Completion::Poll | Completion::Callback => attempt.answered_at_ms().saturating_add_unsigned(work_ms),
        };
        let reference = Reference { operation: operation_id, attempt: attempt.number };
        if let (Completion::Callback, Some(url)) = (completion, callback_url) {
            let promise = Promise { reference, url: url.into(), contradicts: false };
            self.promise(attempt, completes_at_ms, promise);
        }
        let extent = Extent::of(&self.records(operation_id, kind, resources));
        let stated = if self.strikes(attempt, Fault::WrongManifest) { extent.mistaken(attempt.dice) } else { extent };
        let exchange = Exchange { reference, kind, completes_at_ms, verdict, resources, stated, cancelled: false };
        if let Some(memory) = &mut self.operations.entry(operation_id).or_default().memory {
            memory.exchanges.push(exchange);
        }
    }

    fn count_performed(&mut self, id: Uuid) {
        let effects = &mut self.operations.entry(id).or_default().effects;
        self.counts.operations_performed += u64::from(effects.performed == 0);
        self.counts.performed += 1;
        effects.performed += 1;
    }

    /// Promises a callback for when the work is done, and whatever its faults make of it.
    fn promise(&mut self, attempt: &Attempt, completes_at_ms: i64, promise: Promise) {
        let mut due_ms = completes_at_ms;
        if self.strikes(attempt, Fault::CallbackLate) {
            let late_ms = attempt.dice.draw(Drawn::LateMs as u64).around(self.payer.callback_late_ms);
            due_ms = due_ms.saturating_add_unsigned(late_ms);
        }
        let again_ms = due_ms.saturating_add_unsigned(self.payer.latency.typical_ms);
        if self.strikes(attempt, Fault::CallbackDuplicate) {
            self.promises.add(again_ms, promise.clone());
        }
        if self.strikes(attempt, Fault::CallbackContradictory) {
            self.promises.add(again_ms, Promise { contradicts: true, ..promise.clone() });
        }
        self.promises.add(due_ms, promise);
    }

    /// The data of an operation. Every attempt at it brings the same; a compensation brings none.
    fn records(&self, operation: Uuid, kind: Kind, resources: ResourceSet) -> String {
        match kind {
            Kind::Request => ndjson(self.dice.at_id(operation).at(Drawn::Records as u64), resources),
            Kind::Compensate => String::new(),
        }
    }

    fn patience(&self) -> RetryAfter {
        RetryAfter::Wait { wait_ms: self.payer.retry_after_ms }
    }

    /// What a caller that asks is told about an exchange.
    fn told(&self, attempt: &Attempt, exchange: &Exchange) -> Answer {
        let status = exchange.status(attempt.now_ms);
        let retry_after = (status == ExchangeStatus::Accepted).then(|| self.patience());
        Answer::state(200, retry_after, exchange.state(status, &self.base_url))
    }

    fn data(&self, attempt: &Attempt, reference: Reference) -> Answered {
        let exchange = self.exchange(reference)?;
        if exchange.status(attempt.now_ms) != ExchangeStatus::Completed {
            return Err(ProblemKind::NotCompleted);
        }
        let body = AnswerBody::Data(self.records(reference.operation, exchange.kind, exchange.resources));
        Ok(Answer { status: 200, retry_after: None, body })
    }

    fn cancel(&mut self, attempt: &Attempt, reference: Reference) -> Answered {
        let exchange = self.exchange(reference)?;
        let cancelled = exchange.state(ExchangeStatus::Cancelled, &self.base_url);
        let effective = exchange.verdict == Verdict::Fulfil;
        match exchange.status(attempt.now_ms) {
            ExchangeStatus::Completed | ExchangeStatus::Failed => return Err(ProblemKind::AlreadyCompleted),
            ExchangeStatus::Cancelled => {}
            ExchangeStatus::Accepted => {
                let operation = self.operations.entry(reference.operation).or_default();
                operation.cancel(reference.attempt);
                operation.effects.cancelled += u32::from(effective);
                self.counts.cancelled += 1;
            }
        }
        Ok(Answer::state(202, None, cancelled))
    }

    fn compensate(&mut self, attempt: &Attempt, reference: Reference, key: Uuid) -> Answered {
        if self.exchange(reference)?.status(attempt.now_ms) != ExchangeStatus::Completed {
            return Err(ProblemKind::NotCompleted);
        }
        let order = Order {
            operation_id: key,
            kind: Kind::Compensate,
            fingerprint: fingerprint(&reference),
            resources: ResourceSet::ALL,
            callback_url: None,
        };
        if !self.is_repeated(attempt, key, order.fingerprint)? {
            self.take_on(attempt, order, Verdict::Fulfil, Completion::Immediate);
            self.operations.entry(reference.operation).or_default().effects.compensated += 1;
        }
        let exchange = self.operation(key)?.last_exchange().ok_or(ProblemKind::Internal)?;
        Ok(Answer::state(200, None, exchange.state(ExchangeStatus::Completed, &self.base_url)))
    }
}

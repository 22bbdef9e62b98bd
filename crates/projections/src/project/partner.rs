//! What dealings with partners mean: attempts, the request's own dates, and the partner's day.

use domain::lifecycle::event::{Clock, Resolution};
use domain::lifecycle::{Anomaly, Progress, Step};
use domain::messages::ReceivedData;
use domain::time::Date;
use domain::{Code, EventBody, FailureClass, OperationId, PartnerId, State, Timestamp};

use super::Projected;
use crate::rows::{AttemptResult, AttemptRow, Operation, PartnerDay};

impl Projected<'_> {
    pub(super) fn dispatched(&mut self, operation_id: OperationId, partner: &PartnerId) {
        let at = self.fact.event.at;
        self.request.operation = Some(Operation { operation_id, partner: partner.clone(), attempt: 1 });
        self.request.dispatched_at.get_or_insert(at);
        let attempt = self.attempt(operation_id, 1);
        self.rows.attempts.put(AttemptRow { partner: Some(partner.clone()), due_at: Some(at), ..attempt });
        if self.step == Step::Advanced {
            self.count(|day| day.dispatched += 1);
        }
    }

    /// Ends an attempt, and opens the next one where there is to be one. An attempt may have taken several calls, of which only the
    /// last failed: the partner was asked how it stands until it did not say.
    pub(super) fn attempt_failed(&mut self) {
        let EventBody::AttemptFailed { operation_id, class, code, retry_at, .. } = &self.fact.event.body else {
            return;
        };
        self.request.failure = Some(*class);
        let row = self.latest(*operation_id);
        self.end(AttemptRow { failure: Some(*class), code: Some(code.clone()), ..row }, AttemptResult::Failed);
        self.count(|day| day.fail(*class));
        if let Some(retry_at) = retry_at {
            self.request.retries += 1;
            self.open_next(*operation_id, *retry_at);
        }
    }

    /// A person has said what became of the attempt that is unknown: another one follows at once.
    pub(super) fn resolved(&mut self) {
        let Some(operation_id) = self.request.operation.as_ref().map(|operation| operation.operation_id) else {
            return;
        };
        self.open_next(operation_id, self.fact.event.at);
    }

    fn open_next(&mut self, operation_id: OperationId, due_at: Timestamp) {
        if let Some(operation) = &mut self.request.operation
            && operation.operation_id == operation_id
        {
            operation.attempt = operation.attempt.saturating_add(1);
            let (partner, due_at) = (Some(operation.partner.clone()), Some(due_at));
            let row = AttemptRow { partner, due_at, ..self.latest(operation_id) };
            self.rows.attempts.put(row);
        }
    }

    /// Where a machine can find out, the attempt that does so is open already; where a person has to, there is none.
    pub(super) fn unknown(&mut self, operation_id: OperationId, resolution: Resolution) {
        self.request.failure = Some(FailureClass::OutcomeUnknown);
        let latest = self.request.attempt_of(operation_id);
        let (attempt, ended_at) = match resolution {
            Resolution::Query | Resolution::Resend => (latest.saturating_sub(1).max(1), None),
            Resolution::Review => (latest, Some(self.fact.event.at)),
        };
        let (result, resolution) = (Some(AttemptResult::Unknown), Some(resolution));
        let row = self.attempt(operation_id, attempt);
        self.rows.attempts.put(AttemptRow { result, resolution, ended_at, ..row });
        self.count(|day| day.unknown += 1);
    }

    pub(super) fn acknowledged(&mut self, operation_id: OperationId, reference: &str) {
        let at = self.fact.event.at;
        self.request.acknowledged_at.get_or_insert(at);
        self.request.reference.get_or_insert_with(|| reference.to_owned());
        if self.step == Step::Advanced {
            let row = self.latest(operation_id);
            let result = Some(AttemptResult::Acknowledged);
            self.rows.attempts.put(AttemptRow { acknowledged_at: Some(at), result, ..row });
            let after_ms = self.since_dispatch_ms();
            self.count(|day| day.acknowledge(after_ms));
        }
    }

    pub(super) fn fulfilled(&mut self, operation_id: OperationId, received: &ReceivedData) {
        let row = self.latest(operation_id);
        self.end(row, AttemptResult::Fulfilled);
        match self.step {
            Step::Advanced => {
                self.request.fulfilled_at.get_or_insert(self.fact.event.at);
                self.request.received_records = Some(received.records);
                self.request.evidence = received.evidence.clone();
                let after_ms = self.since_dispatch_ms();
                self.count(|day| day.fulfil(received.records, after_ms));
            }
            Step::Anomalous(Anomaly::EffectAfterEnd) => self.count(|day| day.effects_after_end += 1),
            Step::Anomalous(Anomaly::OutOfOrder | Anomaly::AfterEnd) | Step::Noted => {}
        }
    }

    pub(super) fn partner_refused(&mut self, operation_id: OperationId, class: FailureClass, code: &str) {
        if self.before.progress != Progress::Fulfilled {
            let row = self.latest(operation_id);
            let row = AttemptRow { failure: Some(class), code: Some(code.to_owned()), ..row };
            self.end(row, AttemptResult::Refused);
        }
        self.request.failure = Some(class);
        self.request.partner_code = Some(code.to_owned());
        self.explain(Code::PartnerRefused);
        if self.step == Step::Advanced {
            self.count(|day| day.refused += 1);
        }
    }

    pub(super) fn exhausted(&mut self, class: FailureClass) {
        self.request.failure = Some(class);
        self.count(|day| day.exhausted += 1);
    }

    /// The effect is undone by an operation of its own, which is the latest from now on.
    pub(super) fn compensating(&mut self, operation_id: OperationId, code: Code) {
        let (at, partner) = (self.fact.event.at, self.request.partner().cloned());
        if let Some(partner) = partner.clone() {
            self.request.operation = Some(Operation { operation_id, partner, attempt: 1 });
        }
        let row = self.attempt(operation_id, 1);
        self.rows.attempts.put(AttemptRow { partner, due_at: Some(at), ..row });
        self.explain(code);
    }

    pub(super) fn compensated(&mut self, operation_id: OperationId) {
        let row = self.latest(operation_id);
        self.end(row, AttemptResult::Compensated);
        if self.step == Step::Advanced {
            self.count(|day| day.compensated += 1);
        }
    }

    pub(super) fn compensation_failed(&mut self, operation_id: OperationId, class: FailureClass) {
        self.request.failure = Some(class);
        let row = self.latest(operation_id);
        self.end(AttemptRow { failure: Some(class), ..row }, AttemptResult::Failed);
    }

    pub(super) fn breached(&mut self, clock: Clock) {
        self.request.breaches += 1;
        let lies_with_partner = matches!(self.before.state, State::PartnerDispatched | State::Acknowledged);
        if clock == Clock::Stage && lies_with_partner {
            self.count(|day| day.breached += 1);
        }
    }

    pub(super) fn mismatched(&mut self, code: Code) {
        self.explain(code);
        self.count(|day| day.mismatched += 1);
    }

    /// The attempt under way at an operation.
    fn latest(&self, operation_id: OperationId) -> AttemptRow {
        self.attempt(operation_id, self.request.attempt_of(operation_id))
    }

    fn attempt(&self, operation_id: OperationId, attempt: u32) -> AttemptRow {
        AttemptRow::new(self.request.request_id, self.request.place, operation_id, attempt)
    }

    fn end(&mut self, row: AttemptRow, result: AttemptResult) {
        let ended_at = Some(self.fact.event.at);
        self.rows.attempts.put(AttemptRow { ended_at, result: Some(result), ..row });
    }

    /// Adds to the partner's day, where a partner is known.
    fn count(&mut self, add: impl FnOnce(&mut PartnerDay)) {
        let Some(partner) = self.request.partner() else { return };
        let mut day = PartnerDay::new(partner.clone(), Date::of(self.fact.event.at));
        add(&mut day);
        self.rows.partner_days.put(day);
    }

    fn since_dispatch_ms(&self) -> u64 {
        let span = self.request.dispatched_at.map(|dispatched_at| self.fact.event.at.since(dispatched_at));
        span.map_or(0, |span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
    }
}

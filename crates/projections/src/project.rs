//! The projection: what one fact changes. Pure: the same request and fact give the same rows on any machine.

mod arrival;
mod partner;
mod people;
mod supervision;

use domain::lifecycle::{Lifecycle, Step};
use domain::messages::CommandAction as Action;
use domain::{Code, EventBody as Body, State};

use crate::fact::Fact;
use crate::rows::{CommandResult, LetterState, RequestRow, Rows, TimelineRow};

/// Projects one fact. `request` is the request's row as earlier facts left it, and then as this one leaves it; a refused submission
/// came to no request and leaves none, and neither does a command about a request that there is not.
pub fn project(request: &mut Option<Box<RequestRow>>, fact: &Fact, rows: &mut Rows) {
    let event = &fact.event;
    if let (None, Body::Refused { .. } | Body::CommandRefused { .. }) = (&request, &event.body) {
        let mut nobody = RequestRow::new(event.request_id, fact.position);
        return Projected::fold(&mut nobody, fact, rows).follow();
    }
    let row = request.get_or_insert_with(|| Box::new(RequestRow::new(event.request_id, fact.position)));
    Projected::fold(row, fact, rows).follow();
}

/// A fact that is folded and stands on the timeline; what else it means is to follow.
struct Projected<'a> {
    request: &'a mut RequestRow,
    fact: &'a Fact,
    rows: &'a mut Rows,
    before: Lifecycle,
    step: Step,
}

// === impl Projected ===

impl<'a> Projected<'a> {
    fn fold(request: &'a mut RequestRow, fact: &'a Fact, rows: &'a mut Rows) -> Self {
        let before = request.lifecycle;
        let step = request.lifecycle.fold(&fact.event.body, fact.event.at, &fact.digest);
        request.last_offset = fact.position.offset;
        let after = request.lifecycle;
        if step == Step::Advanced && is_on_its_way(after.state) {
            (request.code, request.owner, request.tier) = (None, None, None);
        }
        rows.timeline.push(TimelineRow::of(fact, request.place, &before, &after, step));
        Self { request, fact, rows, before, step }
    }

    /// What each event means besides; `fold` has judged whether it was in order.
    fn follow(mut self) {
        let fact = self.fact;
        match &fact.event.body {
            Body::Received { .. } => self.received(),
            Body::Validated { consent, consent_end, .. } => self.request.consent = Some((*consent, *consent_end)),
            Body::Refused { .. } => self.refused(),
            Body::DuplicateSuppressed { submission_id } => self.duplicate(*submission_id),
            Body::ConflictRefused { submission_id, fields } => self.conflict(*submission_id, fields),
            Body::Diverted { to, .. } => self.request.lane = Some(*to),
            Body::IdentityMatched { member_token, rule, candidates, .. } => {
                self.matched(*member_token, rule, *candidates);
            }
            Body::IdentityUnmatched { code, candidates, .. } => self.unmatched(*code, *candidates),
            Body::ReviewOpened { code, candidates, due_by, .. } => self.review_opened(*code, *candidates, *due_by),
            Body::ReviewDecided { command_id, operator, verdict, .. } => self.decided(*command_id, operator, *verdict),
            Body::CommandPassed { command_id, action, review: None } => {
                self.command(*command_id, *action, CommandResult::Passed);
            }
            Body::CommandPassed { command_id, action, review: Some(step) } => {
                self.asked(*command_id, &step.operator, *action);
            }
            Body::PartnerDispatched { operation_id, partner, .. } => self.dispatched(*operation_id, partner),
            Body::AttemptFailed { .. } => self.attempt_failed(),
            Body::OutcomeUnknown { operation_id, resolution, .. } => self.unknown(*operation_id, *resolution),
            Body::Acknowledged { operation_id, reference } => self.acknowledged(*operation_id, reference),
            Body::Fulfilled { operation_id, received, .. } => self.fulfilled(*operation_id, received),
            Body::PartnerRefused { operation_id, class, code } => self.partner_refused(*operation_id, *class, code),
            Body::AttemptsExhausted { class, .. } => self.exhausted(*class),
            Body::Cancelled { command_id, .. } => self.cancelled(*command_id),
            Body::CancelFailed { command_id, code } => self.cancel_failed(*command_id, *code),
            Body::Compensated { operation_id } => self.compensated(*operation_id),
            Body::CompensationFailed { operation_id, class } => self.compensation_failed(*operation_id, *class),
            Body::DeadlineBreached { clock, .. } => self.breached(*clock),
            Body::ExceptionRaised { code, owner, .. } => self.exception(*code, owner),
            Body::Escalated { tier, owner } => self.escalated(*tier, owner),
            Body::CancelRequested { command_id, operator } => self.asked(*command_id, operator, Action::Cancel),
            Body::Held { command_id, operator } => self.asked(*command_id, operator, Action::Hold),
            Body::Released { command_id, operator } => self.asked(*command_id, operator, Action::Release),
            Body::CommandRefused { .. } => self.command_refused(),
            Body::Superseded { by } => self.request.superseded_by = Some(*by),
            Body::VerificationFailed { code, .. } => self.mismatched(*code),
            Body::CompensationStarted { operation_id, code } => self.compensating(*operation_id, *code),
            Body::Closed { .. } => self.closed(),
            Body::DeadLettered { .. } => self.lettered(),
            Body::LetterReplayed { letter_id, command_id, operator } => {
                self.letter_settled(*letter_id, LetterState::Replayed, *command_id, operator);
            }
            Body::LetterDiscarded { letter_id, command_id, operator } => {
                self.letter_settled(*letter_id, LetterState::Discarded, *command_id, operator);
            }
        }
    }

    /// Says why the request is in its state, unless what happened is out of order: then the reason that stands is the right one.
    fn explain(&mut self, code: Code) {
        if !matches!(self.step, Step::Anomalous(_)) && self.before.state != State::Closed {
            self.request.code = Some(code);
        }
    }
}

/// Whether a request in this state goes its way and needs no explanation.
fn is_on_its_way(state: State) -> bool {
    matches!(
        state,
        State::Received
            | State::Validated
            | State::IdentityMatched
            | State::PartnerDispatched
            | State::Acknowledged
            | State::Fulfilled
    )
}

#[cfg(test)]
mod tests;

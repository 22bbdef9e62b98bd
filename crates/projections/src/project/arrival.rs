//! What arrivals and identity's findings mean.

use domain::ids::OperatorId;
use domain::messages::{CommandAction, Verdict};
use domain::{Code, CommandId, EventBody, SubmissionId, Timestamp, Token};

use super::Projected;
use crate::rows::{AcceptanceRow, Accepted, CommandResult, ReviewRow, SubmissionResult, SubmissionRow};

impl Projected<'_> {
    /// The first acceptance says what the request is; a second one only that the key was bound twice.
    pub(super) fn received(&mut self) {
        let EventBody::Received {
            submission_id,
            source,
            key_token,
            exchange_id,
            parent_request_id,
            workflow,
            role,
            lane,
            counterparty,
            member_token,
            due_by,
            signed,
            correlation_id: _,
        } = &self.fact.event.body
        else {
            return;
        };
        let (request_id, at) = (self.request.request_id, self.fact.event.at);
        let position = self.fact.position;
        let acceptance = AcceptanceRow { source: source.clone(), key_token: *key_token, request_id, position, at };
        self.rows.acceptances.push(acceptance);
        if self.request.accepted.is_some() {
            return;
        }
        if 0 < self.before.events {
            self.rows.late_accepted.insert(request_id);
        }
        self.request.lane = Some(*lane);
        self.request.accepted = Some(Accepted {
            submission_id: *submission_id,
            source: source.clone(),
            key_token: *key_token,
            exchange_id: *exchange_id,
            parent_request_id: *parent_request_id,
            workflow: *workflow,
            role: *role,
            counterparty: counterparty.clone(),
            member_token: *member_token,
            due_by: *due_by,
            signed: *signed,
            received_at: at,
        });
    }

    /// A refusal stands under the submission's own id.
    pub(super) fn refused(&mut self) {
        let EventBody::Refused { source, code, field, intended } = &self.fact.event.body else { return };
        let submission_id = SubmissionId(self.fact.event.request_id.0);
        let row = self.submission(submission_id, SubmissionResult::Refused);
        self.rows.submissions.push(SubmissionRow {
            request_id: *intended,
            source: Some(source.clone()),
            code: Some(*code),
            fields: field.clone(),
            ..row
        });
    }

    pub(super) fn duplicate(&mut self, submission_id: SubmissionId) {
        let row = self.submission(submission_id, SubmissionResult::Duplicate);
        self.rows.submissions.push(row);
    }

    pub(super) fn conflict(&mut self, submission_id: SubmissionId, fields: &[String]) {
        let row = self.submission(submission_id, SubmissionResult::Conflict);
        let (code, fields) = (Some(Code::KeyConflict), Some(fields.join(",")));
        self.rows.submissions.push(SubmissionRow { code, fields, ..row });
    }

    fn submission(&self, submission_id: SubmissionId, result: SubmissionResult) -> SubmissionRow {
        SubmissionRow {
            position: self.fact.position,
            submission_id,
            result,
            request_id: Some(self.request.request_id),
            source: self.request.accepted.as_ref().map(|accepted| accepted.source.clone()),
            code: None,
            fields: None,
            at: self.fact.event.at,
        }
    }

    pub(super) fn matched(&mut self, member_token: Token, rule: &str, candidates: u32) {
        self.request.matched_token = Some(member_token);
        self.request.rule = Some(rule.to_owned());
        self.request.candidates = Some(candidates);
    }

    pub(super) fn unmatched(&mut self, code: Code, candidates: u32) {
        self.request.candidates = Some(candidates);
        self.explain(code);
    }

    pub(super) fn review_opened(&mut self, code: Code, candidates: u32, due_by: Timestamp) {
        let opened_offset = self.fact.position.offset;
        self.request.candidates = Some(candidates);
        self.request.open_review = Some(opened_offset);
        self.explain(code);
        let row = ReviewRow::new(self.request.request_id, self.request.place, opened_offset);
        let (opened_at, due_by) = (Some(self.fact.event.at), Some(due_by));
        self.rows.reviews.put(ReviewRow { code: Some(code), candidates: Some(candidates), opened_at, due_by, ..row });
    }

    pub(super) fn decided(&mut self, command_id: CommandId, operator: &OperatorId, verdict: Verdict) {
        let action = if verdict.is_of_review() { CommandAction::DecideReview } else { CommandAction::ResolveUnknown };
        let command = self.command_row(command_id, action, CommandResult::Done);
        self.rows.commands.put(crate::rows::CommandRow { operator: Some(operator.clone()), ..command });
        if action == CommandAction::ResolveUnknown {
            return self.resolved();
        }
        let Some(opened_offset) = self.request.open_review.take() else { return };
        self.rows.reviews.put(ReviewRow {
            decided_at: Some(self.fact.event.at),
            operator: Some(operator.clone()),
            verdict: Some(verdict),
            command_id: Some(command_id),
            ..ReviewRow::new(self.request.request_id, self.request.place, opened_offset)
        });
    }
}

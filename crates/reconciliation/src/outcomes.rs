//! What the source hears from the supervisor: progress, and the end.

use domain::messages::{Outcome, OutcomeStatus};
use domain::{Code, Decision, Destination, Message, RequestId, State, SubmissionId, TerminalOutcome};

use crate::case::Case;
use crate::memory::EndedRequest;
use crate::{Entry, Key};

impl Case<'_> {
    /// Tells the state the request shows, if the policy says so and the source has not heard it.
    pub(crate) fn report_progress(&mut self) {
        let state = self.shown().state;
        let worth_telling = self.policy().clocks.tell.contains(&state) && self.request.told != Some(state);
        if worth_telling && self.request.ended.is_none() {
            self.request.told = Some(state);
            let outcome = self.progress(state);
            self.tell(outcome);
        }
    }

    /// Tells how the request ended.
    pub(crate) fn tell_end(&mut self, ended: TerminalOutcome, code: Option<Code>) {
        let outcome = self.end_of(ended, code);
        self.tell(outcome);
    }

    /// Repeats the latest outcome, in answer to an arrival that changed nothing.
    pub(crate) fn repeat(&mut self, submission_id: SubmissionId) {
        let outcome = match self.request.ended {
            Some(ended) => self.end_of(ended, self.request.code),
            None => self.progress(self.shown().state),
        };
        self.tell(Outcome { submission_id: Some(submission_id), ..outcome });
    }

    fn progress(&self, state: State) -> Outcome {
        let code = self.request.code.filter(|_| state == State::Exception);
        self.outcome(OutcomeStatus::Progress, state, code)
    }

    fn end_of(&self, ended: TerminalOutcome, code: Option<Code>) -> Outcome {
        Outcome { outcome: Some(ended), ..self.outcome(OutcomeStatus::Final, State::Closed, code) }
    }

    fn outcome(&self, status: OutcomeStatus, state: State, code: Option<Code>) -> Outcome {
        let context = &self.request.context;
        Outcome {
            source: context.source.clone(),
            submission_id: None,
            request_id: Some(context.request_id),
            correlation_id: context.correlation_id.as_ref().map(ToString::to_string),
            status,
            workflow: Some(context.workflow),
            state: Some(state),
            outcome: None,
            code,
            fields: Vec::new(),
            remedy: code.map(|code| code.remedy().to_owned()),
            due_by: Some(context.due_by),
            at: self.now,
            findings: Vec::new(),
        }
    }

    fn tell(&mut self, outcome: Outcome) {
        let to = Destination::Outcomes(outcome.source.clone(), self.id().0);
        self.forward(to, Message::Outcome(Box::new(outcome)));
    }
}

/// Repeats the end of a request that is no longer watched.
pub(crate) fn repeat_end(
    decision: &mut Decision<Key, Entry>,
    request_id: RequestId,
    ended: &EndedRequest,
    submission_id: SubmissionId,
) {
    let outcome = Outcome {
        source: ended.source.clone(),
        submission_id: Some(submission_id),
        request_id: Some(request_id),
        correlation_id: ended.correlation_id.as_ref().map(ToString::to_string),
        status: OutcomeStatus::Final,
        workflow: Some(ended.workflow),
        state: Some(State::Closed),
        outcome: Some(ended.outcome),
        code: ended.code,
        fields: Vec::new(),
        remedy: ended.code.map(|code| code.remedy().to_owned()),
        due_by: Some(ended.due_by),
        at: ended.at,
        findings: Vec::new(),
    };
    let to = Destination::Outcomes(ended.source.clone(), request_id.0);
    decision.send(to, Message::Outcome(Box::new(outcome)));
}

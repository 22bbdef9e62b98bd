//! A small model of one request, written from what is promised and not from how the fleet does it: which facts may follow which.

use std::collections::BTreeSet;

use domain::lifecycle::evidence::ReviewStep;
use domain::messages::{Stage, Verdict};
use domain::{Code, CommandId, EventBody, LifecycleEvent, OperationId, RecordId, TerminalOutcome, Timestamp};

/// What is known of a request.
#[derive(Default)]
pub(super) struct Reference {
    kinds: BTreeSet<&'static str>,
    /// The arrivals that were answered as repetitions.
    repetitions: BTreeSet<RecordId>,
    /// The last attempt of each operation that has failed.
    failed: Vec<(OperationId, u32)>,
    compensating: BTreeSet<OperationId>,
    /// Commands that were carried out or refused, each once by each stage.
    judged: BTreeSet<(&'static str, CommandId)>,
    is_held: bool,
    due_by: Option<Timestamp>,
    /// How often its exception has moved to a next owner.
    tier: u32,
    /// What was delivered is not what was announced.
    is_disputed: bool,
    /// Its match was withdrawn before anything was delivered.
    is_withdrawn: bool,
    /// It was delivered before the supervisor, which had not read of it, closed it otherwise: the end that stands first is the one.
    pub(super) is_overtaken: bool,
    pub(super) closed: Option<TerminalOutcome>,
    /// It was delivered after it had ended otherwise: that has to be undone, or somebody has to own it.
    pub(super) owes_undoing: bool,
}

/// Facts of which a request has one at most.
const ONCE: [&str; 11] = [
    "received",
    "validated",
    "identity-matched",
    "identity-unmatched",
    "review-opened",
    "partner-dispatched",
    "acknowledged",
    "fulfilled",
    "partner-refused",
    "cancelled",
    "closed",
];

/// What a fact needs before it: one of these.
const NEEDS: [(&str, &[&str]); 22] = [
    ("validated", &["received"]),
    ("duplicate-suppressed", &["received"]),
    ("conflict-refused", &["received"]),
    ("diverted", &["received"]),
    ("identity-matched", &["validated"]),
    ("identity-unmatched", &["validated"]),
    ("review-opened", &["validated"]),
    ("partner-dispatched", &["identity-matched"]),
    ("attempt-failed", &["partner-dispatched", "compensation-started"]),
    ("outcome-unknown", &["partner-dispatched", "compensation-started"]),
    ("acknowledged", &["partner-dispatched"]),
    ("fulfilled", &["partner-dispatched"]),
    ("partner-refused", &["partner-dispatched"]),
    // What comes to dispatch when its time is over, by dispatch's own clock, is not begun.
    ("attempts-exhausted", &["partner-dispatched", "overdue"]),
    ("cancelled", &["cancel-requested", "verification-failed", "closed"]),
    ("cancel-failed", &["cancel-requested", "verification-failed", "closed"]),
    ("compensated", &["compensation-started"]),
    ("compensation-failed", &["compensation-started"]),
    ("released", &["held", "exception-raised"]),
    ("escalated", &["exception-raised"]),
    ("verification-failed", &["fulfilled", "identity-matched"]),
    ("closed", &["received"]),
];

/// Who writes what, where it is always the same stage.
const WRITERS: [(&str, Stage); 22] = [
    ("received", Stage::Intake),
    ("validated", Stage::Intake),
    ("refused", Stage::Intake),
    ("duplicate-suppressed", Stage::Intake),
    ("conflict-refused", Stage::Intake),
    ("identity-matched", Stage::Identity),
    ("identity-unmatched", Stage::Identity),
    ("review-opened", Stage::Identity),
    ("partner-dispatched", Stage::Dispatch),
    ("attempt-failed", Stage::Dispatch),
    ("outcome-unknown", Stage::Dispatch),
    ("acknowledged", Stage::Dispatch),
    ("fulfilled", Stage::Dispatch),
    ("partner-refused", Stage::Dispatch),
    ("attempts-exhausted", Stage::Dispatch),
    ("compensated", Stage::Dispatch),
    ("compensation-failed", Stage::Dispatch),
    ("deadline-breached", Stage::Reconciliation),
    ("exception-raised", Stage::Reconciliation),
    ("escalated", Stage::Reconciliation),
    ("held", Stage::Reconciliation),
    ("closed", Stage::Reconciliation),
];

// === impl Reference ===

impl Reference {
    /// Takes a fact in; what is wrong with it.
    pub(super) fn judge(&mut self, kind: &'static str, event: &LifecycleEvent) -> Vec<String> {
        let mut wrong = Vec::new();
        if let EventBody::Received { due_by, .. } = &event.body {
            self.due_by = Some(*due_by);
        }
        if self.due_by.is_some_and(|due_by| due_by <= event.at) {
            self.kinds.insert("overdue");
        }
        if ONCE.contains(&kind) && self.kinds.contains(kind) {
            wrong.push(format!("{kind} a second time"));
        }
        let needs = NEEDS.iter().find(|(of, _)| *of == kind).map_or(&[][..], |(_, needs)| needs);
        if !needs.is_empty() && !needs.iter().any(|need| self.kinds.contains(need)) {
            wrong.push(format!("{kind} without {}", needs.join(" or ")));
        }
        if WRITERS.iter().any(|(of, by)| *of == kind && *by != event.by) {
            wrong.push(format!("{kind} was written by {}", event.by.as_str()));
        }
        if self.repetitions.contains(&event.cause) {
            wrong.push(format!("{kind} follows from a repetition"));
        }
        wrong.extend(self.judge_body(kind, event));
        self.kinds.insert(kind);
        wrong
    }

    /// Whether a fact of this kind was seen.
    pub(super) fn has_had(&self, kind: &'static str) -> bool {
        self.kinds.contains(kind)
    }

    fn judge_body(&mut self, kind: &'static str, event: &LifecycleEvent) -> Option<String> {
        match &event.body {
            EventBody::DuplicateSuppressed { .. } | EventBody::ConflictRefused { .. } => {
                self.repetitions.insert(event.cause);
                None
            }
            EventBody::PartnerDispatched { operation_id, .. } => {
                let send = OperationId::of_send(event.request_id);
                (*operation_id != send).then(|| "dispatched under another key".to_owned())
            }
            EventBody::AttemptFailed { operation_id, attempt, .. } => self.attempt(*operation_id, *attempt),
            EventBody::CompensationStarted { operation_id, .. } => {
                self.owes_undoing = false;
                let is_new = self.compensating.insert(*operation_id);
                (!is_new).then(|| "undone twice".to_owned())
            }
            EventBody::ExceptionRaised { .. } => {
                // An owner who is named has it now, held or not.
                self.is_held = false;
                (self.tier, self.owes_undoing) = (0, false);
                None
            }
            EventBody::Escalated { tier, .. } => {
                let next = std::mem::replace(&mut self.tier, *tier) + 1;
                (*tier != next).then(|| format!("moved to owner {tier} where owner {next} comes next"))
            }
            EventBody::Fulfilled { manifest, received, .. } => {
                let ended = self.closed.filter(|outcome| *outcome != TerminalOutcome::Fulfilled);
                self.owes_undoing = ended.is_some();
                self.is_disputed = (manifest.records, manifest.sha256) != (received.records, received.sha256);
                None
            }
            EventBody::VerificationFailed { withdrawn, .. } => {
                if withdrawn.is_some() {
                    self.kinds.insert("match-withdrawn");
                }
                self.is_withdrawn |= withdrawn.is_some() && !self.kinds.contains("fulfilled");
                let by = if withdrawn.is_some() { Stage::Identity } else { Stage::Reconciliation };
                (by != event.by).then(|| format!("{} says that it failed its verification", event.by.as_str()))
            }
            // What dispatch was told may lie in the letter: it may not know of a hold.
            EventBody::DeadLettered { .. } => {
                self.is_held = false;
                None
            }
            // What was decided is to be decided again.
            EventBody::CommandPassed { review: Some(step), .. } if step.step == ReviewStep::APPEALED => {
                self.kinds.remove("review-decided-by-person");
                None
            }
            EventBody::Closed { outcome, .. } => self.end(*outcome),
            body => self.judge_people(kind, body),
        }
    }

    /// What people have said.
    fn judge_people(&mut self, kind: &'static str, body: &EventBody) -> Option<String> {
        match body {
            EventBody::ReviewDecided { verdict: Verdict::IsMember { .. } | Verdict::IsNobody {}, .. } => {
                let is_second = !self.kinds.insert("review-decided-by-person");
                if is_second {
                    return Some("two answers decide one review".to_owned());
                }
                (!self.kinds.contains("review-opened")).then(|| "an answer without a review".to_owned())
            }
            EventBody::Held { command_id, .. } => {
                let was_held = std::mem::replace(&mut self.is_held, true);
                if was_held { Some("held while it was held".to_owned()) } else { self.command(kind, *command_id) }
            }
            EventBody::Released { command_id, .. } => {
                self.is_held = false;
                self.command(kind, *command_id)
            }
            // Who wants it to end holds it no longer.
            EventBody::CancelRequested { command_id, .. } => {
                self.is_held = false;
                self.command(kind, *command_id)
            }
            _ => None,
        }
    }

    fn end(&mut self, outcome: TerminalOutcome) -> Option<String> {
        if outcome == TerminalOutcome::Fulfilled && self.is_withdrawn {
            return Some("closed as fulfilled though its match was withdrawn".to_owned());
        }
        if outcome == TerminalOutcome::Fulfilled && self.is_disputed {
            return Some("closed as fulfilled though what came is not what was announced".to_owned());
        }
        let is_disputed = outcome == TerminalOutcome::Escalated && (self.is_disputed || self.is_withdrawn);
        let is_end = outcome == TerminalOutcome::Fulfilled || is_disputed;
        let is_taken_back = outcome == TerminalOutcome::Fulfilled && self.kinds.contains("match-withdrawn");
        self.is_overtaken = !is_end && self.kinds.contains("fulfilled") || is_taken_back;
        self.closed = Some(outcome);
        self.closes(outcome)
    }

    /// Attempts of an operation fail one after the other.
    fn attempt(&mut self, operation: OperationId, attempt: u32) -> Option<String> {
        let last = self.failed.iter_mut().find(|(of, _)| *of == operation);
        match last {
            Some((_, last)) if attempt <= *last => Some(format!("attempt {attempt} has failed after attempt {last}")),
            Some((_, last)) => {
                *last = attempt;
                None
            }
            None => {
                self.failed.push((operation, attempt));
                None
            }
        }
    }

    fn command(&mut self, kind: &'static str, command: CommandId) -> Option<String> {
        (!self.judged.insert((kind, command))).then(|| format!("{kind} twice by one command"))
    }

    /// How a request ends has to be on record before.
    fn closes(&self, outcome: TerminalOutcome) -> Option<String> {
        let grounds: &[&str] = match outcome {
            TerminalOutcome::Fulfilled => &["fulfilled"],
            TerminalOutcome::Rejected => {
                &["identity-unmatched", "partner-refused", "review-decided-by-person", "letter-discarded"]
            }
            TerminalOutcome::Cancelled => &["cancelled", "cancel-requested", "match-withdrawn"],
            TerminalOutcome::Superseded => &["superseded"],
            TerminalOutcome::Escalated => &["exception-raised"],
        };
        let has_grounds = grounds.iter().any(|kind| self.kinds.contains(kind));
        (!has_grounds).then(|| format!("closed as {} without grounds", outcome.as_str()))
    }
}

/// Facts that the passing of time may lead to.
pub(super) fn may_follow_a_timer(body: &EventBody) -> bool {
    // What can be appealed settles in time.
    if matches!(body, EventBody::IdentityUnmatched { code: Code::ReviewedNobody, .. }) {
        return true;
    }
    !matches!(
        body,
        EventBody::Received { .. }
            | EventBody::Validated { .. }
            | EventBody::Refused { .. }
            | EventBody::DuplicateSuppressed { .. }
            | EventBody::ConflictRefused { .. }
            | EventBody::IdentityMatched { .. }
            | EventBody::IdentityUnmatched { .. }
            | EventBody::ReviewOpened { .. }
            | EventBody::Acknowledged { .. }
            | EventBody::Fulfilled { .. }
            | EventBody::PartnerRefused { .. }
            | EventBody::DeadLettered { .. }
    )
}

/// What of a fact a person would like to read.
pub(super) fn detail(body: &EventBody) -> String {
    match body {
        EventBody::Received { lane, counterparty, .. } => format!("on the {} lane, for {counterparty}", lane.as_str()),
        EventBody::Refused { code, .. } => format!("because of {code}"),
        EventBody::AttemptFailed { attempt, class, code, .. } => format!("number {attempt}: {} {code}", class.as_str()),
        EventBody::OutcomeUnknown { attempt, resolution, .. } => {
            format!("of attempt {attempt}; {} is to tell", resolution.as_str())
        }
        EventBody::DeadlineBreached { clock, .. } => format!("{clock:?} clock"),
        EventBody::ExceptionRaised { code, owner, .. } => format!("{code}, {owner} owns it"),
        EventBody::Escalated { owner, .. } => format!("to {owner}"),
        EventBody::CommandRefused { action, code, .. } => format!("{} because of {code}", action.as_str()),
        EventBody::ReviewDecided { verdict, .. } => format!("{verdict:?}"),
        EventBody::CancelFailed { code, .. } | EventBody::VerificationFailed { code, .. } => {
            format!("because of {code}")
        }
        EventBody::DeadLettered { class, code, .. } => format!("{} {code}", class.as_str()),
        EventBody::Closed { outcome, .. } => format!("as {}", outcome.as_str()),
        _ => String::new(),
    }
}

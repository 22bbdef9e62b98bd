//! What becomes of a submission. The order of questions is the contract of acceptance:
//!
//! 1. Who speaks? A stranger, or a wrong signature, is refused unread.
//! 2. Is the key taken? A repetition gets the same answer again, however the world has changed since; another payload is a
//!    conflict. Only acceptance takes a key.
//! 3. Is it complete and lawful? Everything that is wrong is said at once, and the key stays free.
//! 4. Then it is accepted: events, sealed work for identity, an outcome, and the key's entry, in one transaction.

use domain::ids;
use domain::lifecycle::workflow::{self, LookedUp, Steps};
use domain::messages::{Context, Finding, IdentityTask, IdentityWork, IntakeRequest, Lane, Outcome, OutcomeStatus};
use domain::person::{ConsentPolicy, Coverage, Dossier};
use domain::phi::{Phi, Purpose};
use domain::time::Date;
use domain::{
    Code, CorrelationId, Decision, Destination, EventBody, ExchangeId, FailureClass, Input, Message, Moment, Poison,
    Record, RequestId, SourceId, SubmissionId, Timestamp, Token, View,
};

use crate::canonical::Canonical;
use crate::sources::{self, Source, UNREGISTERED};
use crate::validate::{self, Findings};
use crate::{Entry, Intake, Key, lanes};

type Deciding = Decision<Key, Entry>;

/// Decides one input.
pub fn decide(
    intake: &Intake,
    view: &View<'_, Key, Entry>,
    input: Input<'_, Key>,
    moment: &Moment,
) -> Result<Deciding, Poison> {
    match input {
        Input::Record(record) => match &record.message {
            Message::Intake(request) => Arrival { intake, request, record, moment }.decide(view),
            Message::Identity(_)
            | Message::Dispatch(_)
            | Message::Partner(_)
            | Message::Command(_)
            | Message::Event(_)
            | Message::Outcome(_)
            | Message::Letter(_)
            | Message::Member(_)
            | Message::Policy(_)
            | Message::Guard(_) => Err(Poison::misdirected()),
        },
        Input::Timer(key) => Ok(forget_ended(view, key, moment)),
        Input::Answer(_) => Err(Poison::misdirected()),
    }
}

fn forget_ended(view: &View<'_, Key, Entry>, key: &Key, moment: &Moment) -> Deciding {
    let mut decision = Decision::nothing();
    if view.get(key).and_then(Entry::ends).is_some_and(|end| end <= moment.now) {
        decision.forget(key.clone());
    }
    decision
}

/// A submission on its way in.
#[derive(Clone, Copy)]
struct Arrival<'a> {
    intake: &'a Intake,
    request: &'a IntakeRequest,
    record: &'a Record,
    moment: &'a Moment,
}

// === impl Arrival ===

impl Arrival<'_> {
    fn decide(self, view: &View<'_, Key, Entry>) -> Result<Deciding, Poison> {
        let Some(source) = self.intake.sources.get(&self.request.source) else {
            return Ok(self.refuse(&Findings::one("source", Code::SourceUnregistered)));
        };
        let signed = match source.authenticate(self.record.signature.as_ref(), &self.record.value) {
            Ok(signed) => signed,
            Err(code) => return Ok(self.refuse(&Findings::one("signature", code))),
        };
        let request_id = self.request_id();
        let known = view.recall(&Key::Request(request_id));
        if let Some(Entry::AcceptedRequest { payload, fingerprints, due_by, .. }) = known {
            return Ok(self.repeat(request_id, Canonical { payload, fingerprints }, due_by));
        }
        let findings = validate::validate(self.intake, source, self.request, self.moment.now);
        if findings.first().is_some() {
            return Ok(self.refuse(&findings));
        }
        self.accept(view, source, request_id, signed)
    }

    /// The facts and the answer of a refusal. Nothing is remembered: the key stays free.
    fn refuse(self, findings: &Findings) -> Deciding {
        let mut decision = Decision::nothing();
        let first = findings.first();
        let code = first.map_or(Code::Unknown, |finding| finding.code);
        let submission = self.submission_id();
        let body = EventBody::Refused {
            source: claimed(&self.request.source),
            code,
            field: first.map(|finding| finding.field.clone()),
            intended: Some(self.request_id()),
        };
        decision.event(RequestId(submission.0), body);
        let outcome = Outcome {
            code: Some(code),
            fields: findings.fields(),
            remedy: Some(findings.remedy()),
            findings: findings.iter().cloned().collect(),
            ..self.outcome(OutcomeStatus::Refused, None, None)
        };
        let to = if code == Code::SourceUnregistered { SourceId::from(UNREGISTERED) } else { outcome.source.clone() };
        decision.send(Destination::Outcomes(to, submission.0), Message::Outcome(Box::new(outcome)));
        decision
    }

    /// The key was accepted before: with this payload, or with another one. The answer is to this arrival and stands under its own
    /// id, so that the newest outcome of the request stays the request's own. What the request has come to, the supervisor repeats.
    fn repeat(self, request_id: RequestId, known: Canonical, due_by: Timestamp) -> Deciding {
        let mut decision = Decision::nothing();
        let submission_id = self.submission_id();
        let arrived = Canonical::of(&*self.intake.phi, request_id, self.request);
        let (body, outcome) = if arrived.payload == known.payload {
            let outcome = self.outcome(OutcomeStatus::Duplicate, Some(request_id), Some(due_by));
            (EventBody::DuplicateSuppressed { submission_id }, outcome)
        } else {
            let fields = arrived.fingerprints.differences(&known.fingerprints);
            let differs = |field: &String| Finding { field: field.clone(), code: Code::KeyConflict };
            let outcome = Outcome {
                code: Some(Code::KeyConflict),
                fields: fields.clone(),
                findings: fields.iter().map(differs).collect(),
                remedy: Some(Code::KeyConflict.remedy().to_owned()),
                ..self.outcome(OutcomeStatus::Conflict, Some(request_id), None)
            };
            (EventBody::ConflictRefused { submission_id, fields }, outcome)
        };
        decision.event(request_id, body);
        let to = Destination::Outcomes(self.request.source.clone(), submission_id.0);
        decision.send(to, Message::Outcome(Box::new(outcome)));
        decision
    }

    fn accept(
        self,
        view: &View<'_, Key, Entry>,
        source: &Source,
        request_id: RequestId,
        signed: bool,
    ) -> Result<Deciding, Poison> {
        let Self { intake, request, record, moment } = self;
        let mut decision = Decision::nothing();
        let asked = lanes::asked(request, record.lane, source);
        let share = Key::Share(request.source.clone());
        let admission = lanes::admit(asked, source, view.get(&share), intake.partitions, moment.now);
        let member_token = member_token(&*intake.phi, request);
        let context = self.context(request_id, asked, admission.lane, member_token);

        decision.event(request_id, self.received(&context, member_token, signed));
        decision.event(request_id, self.validated(&context));
        if admission.lane != asked {
            decision.event(request_id, EventBody::Diverted { from: asked, to: admission.lane });
        }

        let Canonical { payload, fingerprints } = Canonical::of(&*intake.phi, request_id, request);
        let (lane, due_by) = (context.lane, context.due_by);
        let entry = Entry::AcceptedRequest { payload, fingerprints, lane, accepted_at: moment.now, due_by };
        decision.put(Key::Request(request_id), entry);
        if let Some(used) = admission.used {
            decision.put(share, used);
        }

        let sealed = intake.phi.seal_dossier(request_id, moment.id, &dossier(request));
        let dossier = sealed.map_err(|_| unsealable())?;
        let work = IdentityWork { context, task: IdentityTask::Resolve { dossier, ask: request.ask.clone() } };
        decision.send(Destination::Identity(lane, request_id), Message::Identity(Box::new(work)));
        let outcome = self.outcome(OutcomeStatus::Accepted, Some(request_id), Some(due_by));
        decision.send(Destination::Outcomes(request.source.clone(), request_id.0), Message::Outcome(Box::new(outcome)));
        Ok(decision)
    }

    /// What every later stage needs to know. A request diverted to bulk keeps the deadline of the lane it asked for.
    fn context(self, request_id: RequestId, asked: Lane, lane: Lane, member_token: Token) -> Context {
        let Self { intake, request, moment, .. } = self;
        let steps = workflow::steps(request.workflow);
        Context {
            request_id,
            exchange_id: request.exchange_id.unwrap_or_else(|| self.exchange_id(member_token)),
            parent_request_id: request.parent_request_id,
            source: request.source.clone(),
            workflow: request.workflow,
            role: steps.role,
            lane,
            counterparty: request.counterparty.clone(),
            consent: request.consent.as_ref().map_or(ConsentPolicy::Regular, |consent| consent.policy),
            due_by: request.due_by.unwrap_or(moment.now + intake.clocks.request.of(asked)),
            consent_end: self.consent_end().filter(|_| steps.consent),
            correlation_id: self.correlation_id().map(CorrelationId::from),
        }
    }

    fn received(self, context: &Context, member_token: Token, signed: bool) -> EventBody {
        EventBody::Received {
            submission_id: self.submission_id(),
            source: context.source.clone(),
            key_token: self.key_token(Purpose::IdempotencyKey),
            exchange_id: context.exchange_id,
            parent_request_id: context.parent_request_id,
            workflow: context.workflow,
            role: context.role,
            lane: context.lane,
            counterparty: context.counterparty.clone(),
            member_token,
            due_by: context.due_by,
            signed,
            correlation_id: context.correlation_id.clone(),
        }
    }

    /// Where the workflow needs no consent, its last day is the first of 1970: it covers nothing.
    fn validated(self, context: &Context) -> EventBody {
        EventBody::Validated {
            consent: context.consent,
            consent_end: context.consent_end.unwrap_or(Timestamp(0)),
            policy: self.intake.policy.reference,
        }
    }

    /// The last moment of the consent's last day.
    fn consent_end(self) -> Option<Timestamp> {
        self.request.consent.as_ref().and_then(|consent| Date::parse(&consent.end)).map(end_of_day)
    }

    fn outcome(self, status: OutcomeStatus, request_id: Option<RequestId>, due_by: Option<Timestamp>) -> Outcome {
        Outcome {
            source: claimed(&self.request.source),
            submission_id: Some(self.submission_id()),
            request_id,
            correlation_id: self.correlation_id(),
            status,
            workflow: Some(self.request.workflow),
            state: None,
            outcome: None,
            code: None,
            fields: Vec::new(),
            remedy: None,
            due_by,
            at: self.moment.now,
            findings: Vec::new(),
        }
    }

    /// The source's own thread, unless it is so long that it is refused.
    fn correlation_id(self) -> Option<String> {
        self.request.correlation_id.clone().filter(|text| !validate::is_too_long(text))
    }

    fn submission_id(self) -> SubmissionId {
        SubmissionId(self.moment.id.0)
    }

    fn request_id(self) -> RequestId {
        RequestId(ids::stamp_version(self.key_token(Purpose::Request).0))
    }

    fn key_token(self, purpose: Purpose) -> Token {
        let parts = [self.request.source.as_str().as_bytes(), self.request.idempotency_key.as_bytes()];
        self.intake.phi.token(purpose, &parts)
    }

    /// One member and the other payer make an exchange, however many requests it takes.
    fn exchange_id(self, member_token: Token) -> ExchangeId {
        let parts = [member_token.0.as_slice(), self.request.counterparty.as_str().as_bytes()];
        ExchangeId(ids::stamp_version(self.intake.phi.token(Purpose::Exchange, &parts).0))
    }
}

/// A source's name as it may be written down. A text that names no source could be anything, so it is not repeated.
fn claimed(source: &SourceId) -> SourceId {
    if sources::is_source_name(source.as_str()) { source.clone() } else { SourceId::from(UNREGISTERED) }
}

/// What identifies the member under the coverage our roster knows them by: the member id, or, without one, what distinguishes them
/// within the subscriber's family. Case and outer blanks don't count.
fn member_token(phi: &dyn Phi, request: &IntakeRequest) -> Token {
    let Steps { looked_up, .. } = workflow::steps(request.workflow);
    let coverage = match looked_up {
        LookedUp::ToLink => request.coverage_to_link.as_ref(),
        LookedUp::ToMatch => request.coverage_to_match.as_ref(),
    };
    let plain = |text: Option<&String>| text.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty());
    let payer = plain(coverage.map(|coverage| &coverage.payer));
    let member_id = plain(coverage.and_then(|Coverage { member_id, .. }| member_id.as_ref()));
    let parts = match member_id {
        Some(member_id) => vec![payer, Some(member_id)],
        None => vec![
            payer,
            plain(coverage.and_then(|Coverage { subscriber_id, .. }| subscriber_id.as_ref())),
            plain(request.member.birth_date.as_ref()),
            plain(request.member.name.given.first()),
            plain(Some(&request.member.name.family)),
        ],
    };
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_deref().unwrap_or_default().as_bytes()).collect();
    phi.token(Purpose::Member, &parts)
}

fn dossier(request: &IntakeRequest) -> Dossier {
    Dossier {
        member: request.member.clone(),
        coverage_to_match: request.coverage_to_match.clone(),
        coverage_to_link: request.coverage_to_link.clone(),
        consent: request.consent.clone(),
        attestation: request.attestation.clone(),
        payload: request.payload.clone(),
    }
}

fn end_of_day(date: Date) -> Timestamp {
    Timestamp((date.days() + 1) * 86_400_000 - 1)
}

fn unsealable() -> Poison {
    Poison { class: FailureClass::Defect, code: Code::SealBroken, place: "dossier".into() }
}

#[cfg(test)]
mod tests;

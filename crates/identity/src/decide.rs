//! What becomes of a request whose member is sought. Reviews have their own file, [`review`].

mod review;

use domain::lifecycle::evidence::MatchEvidence;
use domain::messages::{Ask, Context, DispatchTask, DispatchWork, IdentityTask, IdentityWork, Route};
use domain::person::{Coverage, Dossier, MemberClaim};
use domain::phi::{PhiError, Purpose, Sealed};
use domain::worker::{Draft, Forward};
use domain::{
    Code, Decision, Destination, EventBody, FailureClass, Input, Message, Moment, OperationId, Poison, Timestamp,
    Token, Trace, View,
};
use matching::normal::Word;

use crate::ground::{self, Match};
use crate::guard::{self, Fingerprint};
use crate::memory::Attempt;
use crate::reading::our_coverage;
use crate::resolve::{Resolution, resolve};
use crate::rollout::Judge;
use crate::{Entry, Identity, Key};

pub(crate) type Deciding = Decision<Key, Entry>;

/// Decides one input.
pub fn decide(
    identity: &Identity,
    view: &View<'_, Key, Entry>,
    input: Input<'_, Key>,
    moment: &Moment,
) -> Result<Deciding, Poison> {
    match input {
        Input::Record(record) => match &record.message {
            Message::Identity(work) => on_work(identity, view, work, moment),
            Message::Intake(_)
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
        Input::Timer(key) => Ok(on_timer(identity, view, key, moment.now)),
        Input::Answer(_) => Err(Poison::misdirected()),
    }
}

fn on_work(
    identity: &Identity,
    view: &View<'_, Key, Entry>,
    work: &IdentityWork,
    moment: &Moment,
) -> Result<Deciding, Poison> {
    let IdentityWork { context, task } = work;
    let review = match view.get(&Key::Review(context.request_id)) {
        Some(Entry::OpenReview(review)) => Some(&**review),
        Some(Entry::Ground(_) | Entry::Watch(_)) | None => None,
    };
    match task {
        // Work that comes again while its review is open changes nothing: the review has it already.
        IdentityTask::Resolve { .. } if review.is_some() => Ok(Decision::nothing()),
        IdentityTask::Resolve { dossier, ask } => Item { context, dossier, ask, trace: None }.resolve(identity, moment),
        IdentityTask::DecideReview { command_id, operator, verdict, reason } => {
            let order = review::Order { command_id: *command_id, operator, verdict: *verdict, reason };
            review::decide(identity, context, review, &order, moment)
        }
        IdentityTask::CancelIdentity { command_id } => Ok(review::cancel(context, review, *command_id)),
        IdentityTask::HoldIdentity { command_id } => Ok(review::hold(context, review, *command_id)),
        IdentityTask::ReleaseIdentity { command_id } => {
            Ok(review::release(identity, context, review, *command_id, moment.now))
        }
        IdentityTask::Tally { probe, fixed, varied, at } => {
            let (watch, attempt) = (view.get(&Key::Watch(*fixed)), Attempt { varied: *varied, at: *at });
            Ok(guard::tally(identity, watch, context, (*probe, *fixed, attempt), moment.now))
        }
    }
}

fn on_timer(identity: &Identity, view: &View<'_, Key, Entry>, key: &Key, now: Timestamp) -> Deciding {
    match (*key, view.get(key)) {
        (_, Some(Entry::OpenReview(review))) => review::settle(identity, review, now),
        (Key::Ground(_, request), Some(Entry::Ground(ground))) => ground::look(identity, (*key, request), ground, now),
        (_, Some(Entry::Watch(_))) => {
            let mut decision = Decision::nothing();
            decision.forget(*key);
            decision
        }
        (_, Some(Entry::Ground(_)) | None) => Decision::nothing(),
    }
}

/// A request's work: as it came, or as its review kept it, then with the trace it came with.
#[derive(Clone, Copy)]
struct Item<'a> {
    context: &'a Context,
    dossier: &'a Sealed<Dossier>,
    ask: &'a Ask,
    trace: Option<Trace>,
}

// === impl Item ===

impl Item<'_> {
    fn resolve(self, identity: &Identity, moment: &Moment) -> Result<Deciding, Poison> {
        let opened = identity.phi.open_dossier(self.context.request_id, self.dossier).map_err(unopened)?;
        let (claim, coverage) = (&opened.member, our_coverage(self.context, &opened));
        let fingerprint = Fingerprint::of(&*identity.phi, self.context, claim, coverage);
        let (judge, next) = identity.rollout.judges(self.context);
        let mut decision = Decision::nothing();
        if fingerprint.is_guessed(&identity.verdicts, moment.now) {
            self.event(&mut decision, unmatched(identity, judge, Code::TooManyAttempts, (0, None)));
            return Ok(decision);
        }
        let by = |judge| resolve(&identity.rollout, judge, &identity.roster, (self.context, &opened));
        let found = by(judge);
        let rehearsed = next.map(|next| by(next).rehearsed(next.reference, &found));
        let likeliest = found.likeliest(&identity.roster).map(|account| member_token(identity, account));
        let evidence = Some(found.evidence(claim_token(identity, claim, coverage), likeliest, rehearsed));
        let candidates = found.weighed.decision.candidates;
        match &found.resolution {
            Resolution::Matched { account, member, rule } => {
                let member_token = member_token(identity, member);
                let body = EventBody::IdentityMatched {
                    member_token,
                    rule: rule.clone(),
                    candidates,
                    policy: judge.reference,
                    roster_version: identity.roster.version(),
                    evidence,
                };
                self.pass_on(identity, &mut decision, member_token, body)?;
                let ground = Match {
                    account,
                    member: (member, member_token),
                    fields: &found.weighed.fields,
                    margin: found.weighed.decision.runner_up.map_or(i32::MAX, |rival| rival.margin),
                    match_ppm: found.match_ppm,
                    ranked: &found.weighed.ranked,
                };
                ground::remember(identity, &mut decision, self.context.request_id, &ground, self.thread(moment));
            }
            Resolution::Uncertain { code, choices } => {
                let opening = review::Opening { code: *code, choices, policy: judge.reference, evidence };
                review::open(identity, self, &mut decision, moment, opening);
                fingerprint.count(self.context, &mut decision, moment.now);
            }
            Resolution::Nobody { code } => {
                self.event(&mut decision, unmatched(identity, judge, *code, (candidates, evidence)));
                fingerprint.count(self.context, &mut decision, moment.now);
            }
        }
        Ok(decision)
    }

    /// The member is known, as `matched` says: the request goes to its partner.
    fn pass_on(
        self,
        identity: &Identity,
        decision: &mut Deciding,
        member_token: Token,
        matched: EventBody,
    ) -> Result<(), Poison> {
        let context = self.context;
        let partner = identity.partners.get(&context.counterparty).ok_or_else(unroutable)?;
        let route = Route::of(&partner.id, partner.buckets, context.request_id);
        self.event(decision, matched);
        let work = DispatchWork {
            context: context.clone(),
            route: route.clone(),
            operation_id: OperationId::of_send(context.request_id),
            task: DispatchTask::Send { dossier: self.dossier.clone(), ask: self.ask.clone(), member_token },
        };
        let to = Destination::Dispatch(context.lane, route);
        decision.forward.push(Forward { to, message: Message::Dispatch(Box::new(work)), trace: self.trace });
        Ok(())
    }

    fn event(self, decision: &mut Deciding, body: EventBody) {
        decision.events.push(Draft { request_id: self.context.request_id, body, trace: self.trace });
    }

    /// Now, in the request's trace.
    fn thread(self, moment: &Moment) -> (Timestamp, Trace) {
        (moment.now, self.trace.unwrap_or(moment.trace))
    }
}

/// It is nobody of ours: the request ends here.
fn unmatched(
    identity: &Identity,
    judge: &Judge,
    code: Code,
    (candidates, evidence): (u32, Option<Box<MatchEvidence>>),
) -> EventBody {
    let (policy, roster_version) = (judge.reference, identity.roster.version());
    EventBody::IdentityUnmatched { code, candidates, policy, roster_version, evidence }
}

/// The token of a member, for ever the same for the same account.
pub(crate) fn member_token(identity: &Identity, account: &str) -> Token {
    identity.phi.token(Purpose::Member, &[account.as_bytes()])
}

/// The token of what a claim says: name, birth date and card, normalised.
fn claim_token(identity: &Identity, claim: &MemberClaim, coverage: Option<&Coverage>) -> Token {
    let card = coverage.map(|it| [&it.member_id, &it.subscriber_id]).into_iter().flatten().flatten();
    let texts = claim.name.given.iter().chain([&claim.name.family]).chain(&claim.birth_date).chain(card);
    let words: Vec<Word> = texts.map(|text| Word::of(text)).collect();
    let parts: Vec<&[u8]> = words.iter().map(Word::bytes).collect();
    identity.phi.token(Purpose::Claim, &parts)
}

fn unopened(error: PhiError) -> Poison {
    let (class, place) = match error {
        PhiError::UnknownKey => (FailureClass::Permanent, "dossier: key unknown"),
        PhiError::Erased => (FailureClass::Permanent, "dossier: key erased"),
        PhiError::Forged => (FailureClass::Permanent, "dossier: forged"),
        PhiError::Undecodable => (FailureClass::Schema, "dossier: undecodable"),
        PhiError::Unavailable => (FailureClass::Transport, "dossier: vault unavailable"),
    };
    Poison { class, code: Code::SealBroken, place: place.to_owned() }
}

fn unroutable() -> Poison {
    Poison { class: FailureClass::Permanent, code: Code::PartnerUnknown, place: "context.counterparty".to_owned() }
}

#[cfg(test)]
mod tests;

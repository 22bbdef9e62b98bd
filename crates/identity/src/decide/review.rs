//! Reviews: opened where the machine is uncertain, kept with the work they interrupt, ended by a person's decision or a cancel.
//!
//! What a review is about stays sealed until somebody looks, which is a fact of its own. Where the consent covers sensitive data two
//! people have to agree. A decision that it is nobody may be appealed for a while before it takes effect.
//!
//! A command that finds no review here has come too late: the request has gone on or has ended, and the supervisor, who knows the
//! state, is told so.

use std::time::Duration;

use domain::ids::OperatorId;
use domain::lifecycle::PolicyRef;
use domain::lifecycle::evidence::{MatchEvidence, ReviewStep};
use domain::messages::{CommandAction, Context, Stage, Verdict};
use domain::{Code, CommandId, Decision, Draft, EventBody, Moment, Poison, Timestamp, Token};

use super::{Deciding, Item, member_token, unmatched, unopened};
use crate::ground::{self, Match};
use crate::memory::{FirstVerdict, Review};
use crate::resolve::Choice;
use crate::{Candidate, Entry, Identity, Key, Reading};

/// How many candidates a review shows at most; a person looks at a handful.
const CANDIDATES_MAX: usize = 50;

/// The rule under which a person's decision stands in the log.
const REVIEWED: &str = "reviewed";

/// Why a review is opened.
pub(super) struct Opening<'a> {
    pub(super) code: Code,
    pub(super) choices: &'a [Choice<'a>],
    pub(super) policy: PolicyRef,
    pub(super) evidence: Option<Box<MatchEvidence>>,
}

/// What a person says about a review.
pub(super) struct Order<'a> {
    pub(super) command_id: CommandId,
    pub(super) operator: &'a OperatorId,
    pub(super) verdict: Verdict,
    pub(super) reason: &'a str,
}

/// Opens a review and keeps the work until it is decided.
pub(super) fn open(
    identity: &Identity,
    item: Item<'_>,
    decision: &mut Deciding,
    moment: &Moment,
    opening: Opening<'_>,
) {
    let context = item.context;
    let Opening { code, choices, policy, evidence } = opening;
    let reviewer_has = identity.clocks.review.of(context.lane);
    let due_by = context.due_by.min(moment.now + reviewer_has);
    let shown = choices.iter().take(CANDIDATES_MAX);
    let candidates: Vec<_> = shown
        .map(|choice| Candidate {
            member_token: member_token(identity, choice.member),
            member_key: choice.member.to_owned(),
            rule: choice.rule.clone(),
            probability_ppm: choice.probability,
            weight: choice.weight,
        })
        .collect();
    let roster_version = Some(identity.roster.version());
    let shown = count(&candidates);
    item.event(decision, EventBody::ReviewOpened { code, candidates: shown, policy, due_by, roster_version, evidence });
    let review = Review {
        context: context.clone(),
        dossier: item.dossier.clone(),
        ask: item.ask.clone(),
        code,
        candidates,
        opened_at: moment.now,
        due_by,
        held: false,
        trace: moment.trace,
        owner: None,
        opened_by: Vec::new(),
        first: None,
        settles_at: None,
    };
    keep(decision, review);
}

/// Carries out what a person says.
pub(super) fn decide(
    identity: &Identity,
    context: &Context,
    review: Option<&Review>,
    order: &Order<'_>,
    moment: &Moment,
) -> Result<Deciding, Poison> {
    let Some(review) = review else {
        let is_look = order.verdict == Verdict::Look {};
        return Ok(if is_look { looked(context, order) } else { refuse(context, order, Code::NoOpenReview) });
    };
    match (order.verdict, review.settles_at) {
        (Verdict::Look {}, _) => Ok(step(review, order, ReviewStep::OPENED)),
        (Verdict::AskMore {}, _) if order.reason.trim().is_empty() => Ok(refuse(context, order, Code::VerdictMissing)),
        (Verdict::AskMore {}, _) => Ok(step(review, order, ReviewStep::ASKED)),
        (Verdict::Take {}, None) => Ok(step(review, order, ReviewStep::TAKEN)),
        (Verdict::Appeal {}, Some(_)) => Ok(step(review, order, ReviewStep::APPEALED)),
        // Decided, if not yet in effect; or nothing to appeal.
        (Verdict::Appeal {}, None) | (Verdict::Take {} | Verdict::IsMember { .. } | Verdict::IsNobody {}, Some(_)) => {
            Ok(refuse(context, order, Code::NotInThisState))
        }
        (Verdict::IsMember { member_token }, None) => {
            judge(identity, context, review, order, (Some(member_token), moment))
        }
        (Verdict::IsNobody {}, None) => judge(identity, context, review, order, (None, moment)),
        (Verdict::TookEffect {} | Verdict::TookNoEffect {}, _) => Ok(refuse(context, order, Code::VerdictMissing)),
    }
}

/// A step that decides nothing.
fn step(review: &Review, order: &Order<'_>, taken: &'static str) -> Deciding {
    let mut review = review.clone();
    match taken {
        ReviewStep::OPENED if !review.opened_by.contains(order.operator) => {
            review.opened_by.push(order.operator.clone());
        }
        ReviewStep::TAKEN => review.owner = Some(order.operator.clone()),
        ReviewStep::APPEALED => (review.settles_at, review.first) = (None, None),
        _ => {}
    }
    told(review, order, taken)
}

/// The first of two verdicts.
fn first_verdict(review: &Review, order: &Order<'_>, member_token: Option<Token>) -> Deciding {
    let first = Some(FirstVerdict { operator: order.operator.clone(), member_token });
    told(Review { first, ..review.clone() }, order, ReviewStep::FIRST_VERDICT)
}

fn told(review: Review, order: &Order<'_>, taken: &'static str) -> Deciding {
    let (request_id, trace) = (review.context.request_id, Some(review.trace));
    let mut decision = Decision::nothing();
    decision.events.push(Draft { request_id, body: passed_as(order, taken), trace });
    keep(&mut decision, review);
    decision
}

/// Somebody looked when the review had just been decided: no step of it, and on record all the same.
fn looked(context: &Context, order: &Order<'_>) -> Deciding {
    let mut decision = Decision::nothing();
    decision.event(context.request_id, passed_as(order, ReviewStep::LOOKED));
    decision
}

fn passed_as(order: &Order<'_>, taken: &'static str) -> EventBody {
    let note = Some(order.reason.to_owned()).filter(|reason| !reason.is_empty());
    let review = Some(ReviewStep::of(taken, order.operator.clone(), note));
    EventBody::CommandPassed { command_id: order.command_id, action: CommandAction::DecideReview, review }
}

fn keep(decision: &mut Deciding, review: Review) {
    decision.put(Key::Review(review.context.request_id), Entry::OpenReview(Box::new(review)));
}

/// A verdict: the member, or nobody of ours.
fn judge(
    identity: &Identity,
    context: &Context,
    review: &Review,
    order: &Order<'_>,
    (chosen, moment): (Option<Token>, &Moment),
) -> Result<Deciding, Poison> {
    let policy = identity.rollout.identity();
    if let Some(code) = objection(identity, review, order, chosen) {
        return Ok(refuse(context, order, code));
    }
    let today = |token: Option<Token>| token.and_then(|token| chosen_member(identity, review, token));
    let is_of = |token: Option<Token>| today(token).map(|(_, member)| member);
    let is_other = |first: Option<Token>| first != chosen && (is_of(first).is_none() || is_of(first) != is_of(chosen));
    match &review.first {
        _ if policy.reviewers(&review.context) < 2 => {}
        None => return Ok(first_verdict(review, order, chosen)),
        // Two accounts that were merged meanwhile are one answer.
        Some(first) if is_other(first.member_token) => {
            let mut decision = refuse(context, order, Code::VerdictsDisagree);
            keep(&mut decision, Review { first: None, ..review.clone() });
            return Ok(decision);
        }
        Some(_) => {}
    }
    let context = &with_time_until(&review.context, context.due_by);
    let Review { dossier, ask, trace, candidates, .. } = review;
    let item = Item { context, dossier, ask, trace: Some(*trace) };
    let mut decision = Decision::nothing();
    let Order { command_id, operator, verdict, reason } = *order;
    let reason = Some(reason.to_owned()).filter(|reason| !reason.is_empty());
    item.event(&mut decision, EventBody::ReviewDecided { command_id, operator: operator.clone(), verdict, reason });
    let appeal = appeal(identity);
    match today(chosen) {
        Some(member) => found(identity, item, &mut decision, (member, count(candidates)), moment)?,
        None if appeal.is_zero() => item.event(&mut decision, nobody(identity, item, candidates)),
        None => {
            let settles_at = Some(context.due_by.min(moment.now + appeal));
            keep(&mut decision, Review { settles_at, context: context.clone(), ..review.clone() });
            return Ok(decision);
        }
    }
    decision.forget(Key::Review(context.request_id));
    Ok(decision)
}

/// Why a verdict does not count, if it does not.
fn objection(identity: &Identity, review: &Review, order: &Order<'_>, chosen: Option<Token>) -> Option<Code> {
    let policy = identity.rollout.identity();
    let Review { held, owner, opened_by, first, .. } = review;
    let has_opened = opened_by.contains(order.operator);
    let is_first_again = first.as_ref().is_some_and(|first| first.operator == *order.operator);
    // The second of two verdicts is never that of the owner who gave the first.
    let is_anothers = owner.as_ref().is_some_and(|owner| owner != order.operator) && first.is_none();
    if *held {
        Some(Code::NotInThisState)
    } else if chosen.is_some_and(|token| chosen_member(identity, review, token).is_none()) {
        Some(Code::NotACandidate)
    } else if is_anothers {
        Some(Code::NotTheOwner)
    } else if policy.review.must_open && !has_opened {
        Some(Code::NotOpened)
    } else if is_first_again {
        Some(Code::SecondReviewerMissing)
    } else {
        None
    }
}

/// The account that a verdict names and whose it is today: the survivor's where it was merged since, and none where it has left the
/// roster or is no candidate.
fn chosen_member<'a>(identity: &'a Identity, review: &'a Review, token: Token) -> Option<(&'a str, &'a str)> {
    let candidate = review.candidates.iter().find(|candidate| candidate.member_token == token)?;
    Some((&candidate.member_key, identity.roster.survivor(&candidate.member_key)?))
}

/// The reviewers have found the member. What that rests on is remembered as after any match.
fn found(
    identity: &Identity,
    item: Item<'_>,
    decision: &mut Deciding,
    ((account, member), candidates): ((&str, &str), u32),
    moment: &Moment,
) -> Result<(), Poison> {
    let (judge, _) = identity.rollout.judges(item.context);
    let member_token = member_token(identity, member);
    let matched = EventBody::IdentityMatched {
        member_token,
        rule: REVIEWED.to_owned(),
        candidates,
        policy: judge.reference,
        roster_version: identity.roster.version(),
        evidence: None,
    };
    item.pass_on(identity, decision, member_token, matched)?;
    let opened = identity.phi.open_dossier(item.context.request_id, item.dossier).map_err(unopened)?;
    let mut matcher = identity.rollout.matcher(judge, item.context, &identity.roster);
    let reading = Reading::of_request(item.context, &opened);
    let mut fields = reading.with(|person| matcher.weigh_member(person, account));
    // A person saw more than the fields say: the match stands until half of what they say for it is gone. Where none that identifies says
    // anything for it, the person meant whoever the roster has there.
    if !fields.iter().any(|said| 0 < said.weight && ground::IDENTIFYING.contains(&said.field)) {
        fields = ground::whoever_is_there(identity, account);
    }
    let speaking: i32 = fields.iter().map(|said| said.weight.max(0)).sum();
    let ground = Match {
        account,
        member: (member, member_token),
        fields: &fields,
        margin: speaking / 2,
        match_ppm: EVEN,
        ranked: &[],
    };
    ground::remember(identity, decision, item.context.request_id, &ground, item.thread(moment));
    Ok(())
}

/// As likely as not, in parts per million.
const EVEN: u32 = 500_000;

fn nobody(identity: &Identity, item: Item<'_>, candidates: &[Candidate]) -> EventBody {
    let (judge, _) = identity.rollout.judges(item.context);
    unmatched(identity, judge, Code::ReviewedNobody, (count(candidates), None))
}

/// The time to appeal is over: the decision that it is nobody takes effect.
pub(super) fn settle(identity: &Identity, review: &Review, now: Timestamp) -> Deciding {
    let mut decision = Decision::nothing();
    let Review { context, dossier, ask, candidates, trace, .. } = review;
    if review.settles_at.is_some_and(|settles_at| settles_at <= now) {
        let item = Item { context, dossier, ask, trace: Some(*trace) };
        item.event(&mut decision, nobody(identity, item, candidates));
        decision.forget(Key::Review(context.request_id));
    }
    decision
}

/// Ends the request, if it is still here.
pub(super) fn cancel(context: &Context, review: Option<&Review>, command_id: CommandId) -> Deciding {
    if review.is_none() {
        return passed(context, command_id, CommandAction::Cancel);
    }
    let mut decision = Decision::nothing();
    decision.event(context.request_id, EventBody::Cancelled { command_id, stage: Stage::Identity });
    decision.forget(Key::Review(context.request_id));
    decision
}

/// Keeps a review from being decided, if there is one. The supervisor has put the hold on record; here it only takes effect.
pub(super) fn hold(context: &Context, review: Option<&Review>, command_id: CommandId) -> Deciding {
    let Some(review) = review else { return passed(context, command_id, CommandAction::Hold) };
    let mut decision = Decision::nothing();
    keep(&mut decision, Review { held: true, ..review.clone() });
    decision
}

/// How long a decision that it is nobody may be appealed.
fn appeal(identity: &Identity) -> Duration {
    Duration::from_secs(identity.rollout.identity().review.appeal_s.into())
}

/// Lets a review be decided again. The time of the hold does not count: the request has until the end that came with the release, and
/// the reviewer begins anew, or whoever may appeal.
pub(super) fn release(
    identity: &Identity,
    context: &Context,
    review: Option<&Review>,
    command_id: CommandId,
    now: Timestamp,
) -> Deciding {
    let Some(mut review) = review.cloned() else { return passed(context, command_id, CommandAction::Release) };
    if std::mem::take(&mut review.held) {
        review.context = with_time_until(&review.context, context.due_by);
        let due_by = review.context.due_by;
        review.due_by = due_by.min(now + identity.clocks.review.of(review.context.lane));
        review.settles_at = review.settles_at.map(|_| due_by.min(now + appeal(identity)));
    }
    let mut decision = Decision::nothing();
    keep(&mut decision, review);
    decision
}

/// The same with the end that the supervisor gives it, where that is later: time is given, never taken away.
fn with_time_until(kept: &Context, due_by: Timestamp) -> Context {
    Context { due_by: kept.due_by.max(due_by), ..kept.clone() }
}

fn passed(context: &Context, command_id: CommandId, action: CommandAction) -> Deciding {
    let mut decision = Decision::nothing();
    decision.event(context.request_id, EventBody::CommandPassed { command_id, action, review: None });
    decision
}

fn refuse(context: &Context, order: &Order<'_>, code: Code) -> Deciding {
    let (command_id, action) = (order.command_id, CommandAction::DecideReview);
    let mut decision = Decision::nothing();
    let operator = Some(order.operator.clone());
    decision.event(context.request_id, EventBody::CommandRefused { command_id, action, code, operator });
    decision
}

fn count(candidates: &[Candidate]) -> u32 {
    u32::try_from(candidates.len()).unwrap_or(u32::MAX)
}

//! Reviews: opened where the machine is uncertain, kept with the work they interrupt, ended by a person's decision or a cancel.
//!
//! A command that finds no review here has come too late: the request has gone on or has ended, and the supervisor, who knows the
//! state, is told so.

use domain::ids::OperatorId;
use domain::messages::{CommandAction, Context, Stage, Verdict};
use domain::{Code, CommandId, Decision, EventBody, Moment, Poison, Timestamp};

use super::{Deciding, Item, member_token};
use crate::{Candidate, Entry, Identity, Key};

/// How many candidates a review shows at most; a person looks at a handful.
const CANDIDATES_MAX: usize = 50;

/// The rule under which a person's decision stands in the log.
const REVIEWED: &str = "reviewed";

/// Opens a review and keeps the work until it is decided.
pub(super) fn open(
    identity: &Identity,
    item: Item<'_>,
    decision: &mut Deciding,
    moment: &Moment,
    code: Code,
    choices: &[(&str, &str)],
) {
    let context = item.context;
    let reviewer_has = identity.clocks.review.of(context.lane);
    let due_by = context.due_by.min(moment.now + reviewer_has);
    let shown = choices.iter().take(CANDIDATES_MAX);
    let candidates: Vec<_> = shown
        .map(|(account, rule)| Candidate {
            member_token: member_token(identity, account),
            member_key: (*account).to_owned(),
            rule: (*rule).to_owned(),
        })
        .collect();
    let body =
        EventBody::ReviewOpened { code, candidates: count(&candidates), policy: identity.policy.reference, due_by };
    item.event(decision, body);
    let entry = Entry::OpenReview {
        context: context.clone(),
        dossier: item.dossier.clone(),
        ask: item.ask.clone(),
        code,
        candidates,
        opened_at: moment.now,
        due_by,
        held: false,
        trace: moment.trace,
    };
    decision.put(Key::Review(context.request_id), entry);
}

/// Carries out a person's decision.
pub(super) fn decide(
    identity: &Identity,
    context: &Context,
    review: Option<&Entry>,
    command_id: CommandId,
    operator: &OperatorId,
    verdict: Verdict,
) -> Result<Deciding, Poison> {
    let Some(Entry::OpenReview { context: kept, dossier, ask, candidates, held, trace, .. }) = review else {
        return Ok(refuse(context, command_id, Code::NoOpenReview));
    };
    if *held {
        return Ok(refuse(context, command_id, Code::NotInThisState));
    }
    let context = &with_time_until(kept, context.due_by);
    let item = Item { context, dossier, ask, trace: Some(*trace) };
    let mut decision = Decision::nothing();
    item.event(&mut decision, EventBody::ReviewDecided { command_id, operator: operator.clone(), verdict });
    match verdict {
        Verdict::IsMember { member_token } => {
            if !candidates.iter().any(|candidate| candidate.member_token == member_token) {
                return Ok(refuse(context, command_id, Code::NotACandidate));
            }
            item.pass_on(identity, &mut decision, member_token, REVIEWED, count(candidates))?;
        }
        Verdict::IsNobody {} => item.give_up(identity, &mut decision, Code::ReviewedNobody, count(candidates)),
        Verdict::TookEffect {} | Verdict::TookNoEffect {} => {
            return Ok(refuse(context, command_id, Code::VerdictMissing));
        }
    }
    decision.forget(Key::Review(context.request_id));
    Ok(decision)
}

/// Ends the request, if it is still here.
pub(super) fn cancel(context: &Context, review: Option<&Entry>, command_id: CommandId) -> Deciding {
    let Some(Entry::OpenReview { .. }) = review else {
        return passed(context, command_id, CommandAction::Cancel);
    };
    let mut decision = Decision::nothing();
    decision.event(context.request_id, EventBody::Cancelled { command_id, stage: Stage::Identity });
    decision.forget(Key::Review(context.request_id));
    decision
}

/// Keeps a review from being decided, if there is one. The supervisor has put the hold on record; here it only takes effect.
pub(super) fn hold(context: &Context, review: Option<&Entry>, command_id: CommandId) -> Deciding {
    let Some(mut entry) = review.cloned() else { return passed(context, command_id, CommandAction::Hold) };
    let Entry::OpenReview { held, .. } = &mut entry;
    *held = true;
    let mut decision = Decision::nothing();
    decision.put(Key::Review(context.request_id), entry);
    decision
}

/// Lets a review be decided again. The time of the hold does not count: the request has until the end that came with the release, and
/// the reviewer begins anew.
pub(super) fn release(
    identity: &Identity,
    context: &Context,
    review: Option<&Entry>,
    command_id: CommandId,
    now: Timestamp,
) -> Deciding {
    let Some(mut entry) = review.cloned() else { return passed(context, command_id, CommandAction::Release) };
    let Entry::OpenReview { context: kept, due_by, held, .. } = &mut entry;
    if std::mem::take(held) {
        *kept = with_time_until(kept, context.due_by);
        *due_by = kept.due_by.min(now + identity.clocks.review.of(kept.lane));
    }
    let mut decision = Decision::nothing();
    decision.put(Key::Review(context.request_id), entry);
    decision
}

/// The same with the end that the supervisor gives it, where that is later: time is given, never taken away.
fn with_time_until(kept: &Context, due_by: Timestamp) -> Context {
    Context { due_by: kept.due_by.max(due_by), ..kept.clone() }
}

fn passed(context: &Context, command_id: CommandId, action: CommandAction) -> Deciding {
    let mut decision = Decision::nothing();
    decision.event(context.request_id, EventBody::CommandPassed { command_id, action });
    decision
}

fn refuse(context: &Context, command_id: CommandId, code: Code) -> Deciding {
    let mut decision = Decision::nothing();
    let action = CommandAction::DecideReview;
    decision.event(context.request_id, EventBody::CommandRefused { command_id, action, code, operator: None });
    decision
}

fn count(candidates: &[Candidate]) -> u32 {
    u32::try_from(candidates.len()).unwrap_or(u32::MAX)
}

//! History decided once more by another policy: what came to identity, against the roster as it is now, beside what the log says was
//! decided. Nothing is written, and what is opened for it stays in this process.

use std::collections::{HashMap, HashSet};

use contracts::Topic;
use domain::messages::{Context, IdentityTask, IdentityWork};
use domain::person::Dossier;
use domain::phi::{Phi, Purpose};
use domain::{Lane, Message, RequestId, Timestamp, Token};
use identity::rollout::Judge;
use identity::{Resolution, Resolved, Rollout, Roster, resolve};
use matching::Outcome;
use serde::Serialize;

use super::cases::{self, Case, Reviewed};
use super::flips::{Flips, KindRow, PartnerRow, kind, percent};
use super::policies::{Book, judge};
use super::roster;
use crate::compose::Plant;
use crate::exit::Failure;
use crate::log::Tail;
use crate::progress::Steps;

/// What another policy would have decided.
#[derive(Serialize)]
pub(super) struct Replay {
    since: String,
    until: Option<String>,
    policy: String,
    roster_accounts: usize,
    requests: u64,
    agree: u64,
    differ: u64,
    differ_percent: f64,
    /// Of those that differ, how many the policy in force would decide likewise today: the roster has changed since, or the policy in
    /// force has.
    differ_in_force_too: u64,
    /// Reviewed requests on which it now contradicts the reviewer: another member, or nobody, or a member where there was none.
    against_reviewers: u64,
    /// Requests the log has no decision of: they wait, or had their end before.
    undecided: u64,
    /// Requests that were not judged then, since their caller was taken to be guessing.
    throttled: u64,
    /// Requests that can't be opened any more.
    unopened: u64,
    kinds: Vec<KindRow>,
    partners: Vec<PartnerRow>,
}

/// What decisions are made by.
struct Bench<'a> {
    phi: &'a dyn Phi,
    rollout: &'a Rollout,
    roster: Roster,
    roster_in_force: Option<Roster>,
    then: HashMap<RequestId, Case>,
    policy: Judge,
}

/// What was found.
#[derive(Default)]
struct Found {
    flips: Flips,
    in_force_too: u64,
    against_reviewers: u64,
    undecided: u64,
    throttled: u64,
    unopened: u64,
}

/// A decision: what follows, and for whom.
type Decided = (Outcome, Option<Token>);

/// Decides once more what came to identity within a time.
pub(super) fn run(
    plant: &Plant,
    text: &str,
    (since, until): (Timestamp, Option<Timestamp>),
    steps: &mut Steps,
) -> Result<Replay, Failure> {
    let book = Book::read(plant)?;
    let policy = judge(book.rollout(), text)?;
    let then = cases::decided(plant, &(since..Timestamp(i64::MAX)))?;
    let then = then.into_iter().map(|case| (case.request_id, case)).collect();
    let mut members = Tail::of(plant, Topic::Members)?;
    steps.now("roster", members.left()?);
    let mut roster = Roster::of(&policy.policy().survivorship);
    roster::read(plant, &mut members, &mut roster, |_, _| steps.done())?;
    let rollout = book.rollout();
    let survivorship = &rollout.acting().policy().survivorship;
    // Where the two have other sources' words stand, each judges by its own.
    let roster_in_force = (*survivorship != policy.policy().survivorship).then(|| {
        let mut roster = roster.clone();
        roster.abide_by(survivorship);
        roster
    });
    let bench = Bench { phi: &*plant.vault, rollout, roster, roster_in_force, then, policy };
    let (mut found, mut seen) = (Found::default(), HashSet::new());
    let within = since..until.unwrap_or(Timestamp(i64::MAX));
    for lane in Lane::ALL {
        let mut tail = Tail::since(plant, Topic::Identity(lane), since)?;
        steps.now(lane.as_str(), tail.left()?);
        tail.each(|(record, message)| {
            steps.done();
            if let Some(Message::Identity(work)) = message
                && within.contains(&Timestamp(record.timestamp_ms))
                && matches!(work.task, IdentityTask::Resolve { .. })
                && seen.insert(work.context.request_id)
            {
                bench.decide(&work, &mut found);
            }
        })?;
    }
    let Found { flips, in_force_too, against_reviewers, undecided, throttled, unopened } = found;
    let matching::Policy { version, digest, .. } = *bench.policy.policy();
    Ok(Replay {
        since: since.to_string(),
        until: until.map(|until| until.to_string()),
        policy: format!("version {version}, {digest:016x}"),
        roster_accounts: bench.roster.len(),
        requests: flips.requests(),
        agree: flips.agree(),
        differ: flips.differ(),
        differ_percent: percent(flips.differ(), flips.requests()),
        differ_in_force_too: in_force_too,
        against_reviewers,
        undecided,
        throttled,
        unopened,
        kinds: flips.kinds(),
        partners: flips.partners(),
    })
}

// === impl Bench ===

impl Bench<'_> {
    fn decide(&self, work: &IdentityWork, found: &mut Found) {
        let IdentityWork { context, task } = work;
        let IdentityTask::Resolve { dossier, .. } = task else { return };
        let case = match self.then.get(&context.request_id) {
            None => return found.undecided += 1,
            Some(case) if case.throttled => return found.throttled += 1,
            Some(case) => case,
        };
        let Ok(opened) = self.phi.open_dossier(context.request_id, dossier) else {
            found.unopened += 1;
            return;
        };
        let then = (case.outcome, case.member);
        let now = self.judged((&self.policy, &self.roster), context, &opened);
        let differs = differs(then, now);
        let in_force = (self.rollout.acting(), self.roster_in_force.as_ref().unwrap_or(&self.roster));
        if differs.is_some() && self.judged(in_force, context, &opened) == now {
            found.in_force_too += 1;
        }
        found.against_reviewers += u64::from(contradicts(now, case.reviewed));
        found.flips.count(context.counterparty.as_str(), context.request_id, differs);
    }

    fn judged(&self, (judge, roster): (&Judge, &Roster), context: &Context, opened: &Dossier) -> Decided {
        let Resolved { resolution, .. } = resolve(self.rollout, judge, roster, (context, opened));
        match resolution {
            Resolution::Matched { member, .. } => {
                (Outcome::Match, Some(self.phi.token(Purpose::Member, &[member.as_bytes()])))
            }
            Resolution::Uncertain { .. } => (Outcome::Review, None),
            Resolution::Nobody { .. } => (Outcome::NoMatch, None),
        }
    }
}

fn differs((then, member_then): Decided, (now, member_now): Decided) -> Option<String> {
    kind(then, now, member_then == member_now)
}

/// Whether a decision leaves no room for what a reviewer said.
fn contradicts((now, member): Decided, reviewed: Option<Reviewed>) -> bool {
    match (now, reviewed) {
        (Outcome::Match, Some(Reviewed::Member(chosen))) => member != Some(chosen),
        (Outcome::Match, Some(Reviewed::Nobody)) | (Outcome::NoMatch, Some(Reviewed::Member(_))) => true,
        (Outcome::Review, _) | (Outcome::Match, None) | (Outcome::NoMatch, Some(Reviewed::Nobody) | None) => false,
    }
}

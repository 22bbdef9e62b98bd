//! Why identity decided as it did: what the log keeps of it, which opens nothing; and beside it, for somebody whose look is on record,
//! what the policy in force says of the same claim against today's roster, and what would turn that.

mod differences;

use domain::ids::OperatorId;
use domain::lifecycle::PolicyRef;
use domain::lifecycle::evidence::{MatchEvidence, MatchField, Rehearsed, Withdrawal};
use domain::messages::Verdict;
use domain::phi::{Phi as _, Purpose};
use domain::{Code, RequestId, Token};
use identity::Reading;
use matching::explain::{Counterfactual, Explained};
use projections::queries::timeline::{self, Entry};
use serde::{Deserialize, Serialize};

use differences::{Difference, Row, differences, fields, why};

use super::claims::{self, Claim};
use super::policies::Book;
use super::sources::Stands;
use super::{Service, reviews, told};
use crate::ask::Look;
use crate::compose::Plant;
use crate::exit::Failure;

/// A decision and what it rests on.
#[derive(Serialize)]
pub(super) struct Explanation {
    request_id: RequestId,
    state: String,
    /// `match`, `no_match` or `review`.
    outcome: &'static str,
    decided_at: String,
    /// The reviewer, where a person decided.
    decided_by: Option<String>,
    code: Option<Code>,
    meaning: Option<&'static str>,
    member_token: Option<Token>,
    /// The account that stands for the member today, where theirs was merged into it since.
    merged_into: Option<String>,
    merged_into_token: Option<Token>,
    candidates: u32,
    policy_version: u32,
    policy_digest: String,
    /// Whether that policy is the one in force for this request today.
    policy_in_force: bool,
    roster_version: Option<u64>,
    probability_ppm: Option<u32>,
    weight_centibits: Option<i32>,
    alternative: Option<&'static str>,
    alternative_probability_ppm: Option<u32>,
    margin_centibits: Option<i32>,
    rehearsed: Option<RehearsedRow>,
    withdrawn: Option<Withdrawn>,
    today: Option<Today>,
    why: Option<&'static str>,
    note: Option<&'static str>,
    fields: Vec<Row>,
    counterfactuals: Vec<Turn>,
    differences: Vec<Difference>,
}

/// What the policy in rehearsal said.
#[derive(Serialize)]
struct RehearsedRow {
    policy_version: u32,
    policy_digest: String,
    outcome: String,
    same_member: bool,
    probability_ppm: u32,
}

/// A match that the roster no longer bore out.
#[derive(Serialize)]
struct Withdrawn {
    withdrawn_at: String,
    /// The fields it rested on that the roster said otherwise by then.
    fields: Vec<&'static str>,
    /// What was left of its probability.
    probability_ppm: u32,
    roster_version: u64,
}

/// The same claim, judged today.
#[derive(Serialize)]
struct Today {
    outcome: &'static str,
    member_key: Option<String>,
    member_token: Option<Token>,
    probability_ppm: u32,
    weight_centibits: i32,
    prior_centibits: i32,
    alternative: String,
    alternative_probability_ppm: u32,
    margin_centibits: i32,
    candidates: u32,
    policy_version: u32,
    policy_digest: String,
    roster_version: u64,
}

/// What one other field would have changed.
#[derive(Serialize)]
struct Turn {
    field: &'static str,
    agreement: &'static str,
    probability_ppm: u32,
    outcome: &'static str,
}

/// What an event of identity says of its decision.
#[derive(Deserialize)]
struct Decided {
    code: Option<Code>,
    member_token: Option<Token>,
    candidates: u32,
    policy: PolicyRef,
    roster_version: Option<u64>,
    #[serde(default)]
    evidence: Option<Box<MatchEvidence>>,
}

/// What an event says of a reviewer's verdict.
#[derive(Deserialize)]
struct Reviewed {
    operator: OperatorId,
    verdict: Verdict,
}

/// What an event says of a match that it withdraws.
#[derive(Deserialize)]
struct Failed {
    withdrawn: Option<Withdrawal>,
}

/// A claim judged today, with what that was done by.
struct Judged {
    explained: Explained,
    member_token: Option<Token>,
    /// The likeliest member's record.
    stands: Option<Stands>,
    policy: PolicyRef,
    roster_version: u64,
}

/// The decision about a request as the log keeps it. With a look it is put on record that somebody looks; then the claim is opened, and
/// judged today.
///
/// # Errors
/// [`Failure::NotFound`] where identity has decided nothing, or the sealed claim is no longer kept; others as [`claims::look`].
pub(super) fn explain(service: &Service, request_id: RequestId, look: Option<Look>) -> Result<Explanation, Failure> {
    let rows = service.projections.now()?;
    let entries = rows.get(|database| timeline::of(database, request_id))?;
    let decisions: Vec<(&Entry, &'static str, Decided)> = entries.iter().filter_map(decision).collect();
    let Some((entry, outcome, decided)) = decisions.last() else {
        return Err(Failure::NotFound(format!(
            "identity has decided nothing about {request_id}; `waybill trace` shows where it stands"
        )));
    };
    // Where people decided, the machine's grounds stand with the review that it opened.
    let weighed = decisions
        .iter()
        .rev()
        .find_map(|(_, outcome, decided)| Some((*outcome, decided, decided.evidence.as_deref()?)));
    let evidence = weighed.map(|(_, _, evidence)| evidence);
    let heir = reviews::heir(&service.plant, request_id)?;
    let judged = look.map(|look| judge(service, request_id, look)).transpose()?;
    let in_force = match &judged {
        Some(judged) => judged.policy,
        None => in_force(service, request_id)?,
    };
    let compared = judged.as_ref().zip(weighed).map(|(judged, (outcome, decided, evidence))| {
        let differences = differences((outcome, evidence), decided, judged);
        (why(decided, judged, !differences.is_empty()), differences)
    });
    let (why, differences) = compared.unzip();
    let is_unread = judged.is_none();
    let rehearsed = evidence.and_then(|evidence| evidence.rehearsed.as_ref());
    Ok(Explanation {
        request_id,
        state: entries.last().map(|last| last.state.clone()).unwrap_or_default(),
        outcome,
        decided_at: told(entry.at),
        decided_by: entries.iter().rev().find_map(reviewer),
        code: decided.code,
        meaning: decided.code.map(Code::meaning),
        member_token: decided.member_token,
        merged_into_token: heir.as_deref().map(|account| member_token(&service.plant, account)),
        merged_into: heir,
        candidates: decided.candidates,
        policy_version: decided.policy.version,
        policy_digest: hex::encode(decided.policy.digest),
        policy_in_force: decided.policy == in_force,
        roster_version: decided.roster_version,
        probability_ppm: evidence.map(|evidence| evidence.probability_ppm),
        weight_centibits: evidence.map(|evidence| evidence.weight),
        alternative: evidence.map(|evidence| evidence.alternative.as_str()),
        alternative_probability_ppm: evidence.map(|evidence| evidence.alternative_ppm),
        margin_centibits: evidence.map(|evidence| evidence.margin),
        rehearsed: rehearsed.map(RehearsedRow::of),
        withdrawn: entries.iter().rev().find_map(Withdrawn::of),
        why,
        note: is_unread.then_some(UNREAD),
        fields: fields(evidence, judged.as_ref()),
        counterfactuals: judged.iter().flat_map(|judged| &judged.explained.counterfactuals).map(Turn::of).collect(),
        differences: differences.unwrap_or_default(),
        today: judged.map(Today::of),
    })
}

const UNREAD: &str = "nothing was opened; --open --as OPERATOR puts on record that you look, and then shows claim and roster and what \
                      would turn the decision";

/// What an event decided, if it is one of identity's decisions.
fn decision(entry: &Entry) -> Option<(&Entry, &'static str, Decided)> {
    let outcome = match entry.kind.as_str() {
        "identity-matched" => "match",
        "identity-unmatched" => "no_match",
        "review-opened" => "review",
        _ => return None,
    };
    Some((entry, outcome, detail(entry)?))
}

/// Who decided a review, if this is the decision of one.
fn reviewer(entry: &Entry) -> Option<String> {
    let reviewed: Reviewed = Some(entry).filter(|entry| entry.kind == "review-decided").and_then(detail)?;
    reviewed.verdict.is_of_review().then(|| reviewed.operator.to_string())
}

fn detail<T: serde::de::DeserializeOwned>(entry: &Entry) -> Option<T> {
    contracts::json::from_json(serde_json::from_str(&entry.detail).ok()?).ok()
}

/// The policy that would judge the request today. Whom it is about, its work says without being opened.
fn in_force(service: &Service, request_id: RequestId) -> Result<PolicyRef, Failure> {
    let book = Book::read(&service.plant)?;
    let rollout = book.rollout();
    let work = claims::sealed(&service.plant, request_id)?;
    Ok(work.map_or(rollout.acting(), |(context, _)| rollout.judges(&context).0).reference)
}

/// Puts the look on record, opens the claim and judges it.
fn judge(service: &Service, request_id: RequestId, look: Look) -> Result<Judged, Failure> {
    let plant = &service.plant;
    claims::look(service, request_id, look)?;
    let kept = match reviews::question(plant, request_id)? {
        Some(review) => Some((review.context, review.dossier)),
        None => claims::sealed(plant, request_id)?,
    };
    let (context, sealed) = kept.ok_or_else(|| {
        let message = "the sealed claim is no longer on the log, which keeps work for some days; what was decided on is shown without --open";
        Failure::NotFound(message.into())
    })?;
    let claim = Claim::open(plant, context, &sealed)?;
    let book = Book::read(plant)?;
    let rollout = book.rollout();
    let survivorship = &rollout.acting().policy().survivorship;
    let register = service.register(survivorship)?;
    let judge = rollout.judges(&claim.context).0;
    let resolved = identity::resolve(rollout, judge, &register.roster, (&claim.context, &claim.dossier));
    let mut matcher = rollout.matcher(judge, &claim.context, &register.roster);
    let reading = Reading::of_request(&claim.context, &claim.dossier);
    let mut explained = reading.with(|person| matcher.explain(person));
    // Whether the account leads anywhere, only identity knows.
    explained.outcome = resolved.outcome().as_str();
    let survivor = explained.member.as_deref().map(|account| register.roster.survivor(account).unwrap_or(account));
    let member_token = survivor.map(|account| member_token(plant, account));
    let person = explained.member.as_deref().map(|account| register.person(account)).transpose()?.flatten();
    let stands = person.map(|person| Stands::of(person, survivorship));
    let (policy, roster_version) = (judge.reference, register.roster.version());
    Ok(Judged { explained, member_token, stands, policy, roster_version })
}

/// The token by which the log knows an account.
pub(super) fn member_token(plant: &Plant, account: &str) -> Token {
    plant.vault.token(Purpose::Member, &[account.as_bytes()])
}

// === impl RehearsedRow ===

impl RehearsedRow {
    fn of(rehearsed: &Rehearsed) -> Self {
        Self {
            policy_version: rehearsed.policy.version,
            policy_digest: hex::encode(rehearsed.policy.digest),
            outcome: rehearsed.outcome.to_string(),
            same_member: rehearsed.same_member,
            probability_ppm: rehearsed.probability_ppm,
        }
    }
}

// === impl Withdrawn ===

impl Withdrawn {
    fn of(entry: &Entry) -> Option<Self> {
        let failed: Failed = Some(entry).filter(|entry| entry.kind == "verification-failed").and_then(detail)?;
        let Withdrawal { fields, probability_ppm, roster_version, .. } = failed.withdrawn?;
        let fields = fields.into_iter().map(MatchField::as_str).collect();
        Some(Self { withdrawn_at: told(entry.at), fields, probability_ppm, roster_version })
    }
}

// === impl Turn ===

impl Turn {
    fn of(told: &Counterfactual) -> Self {
        Self { field: told.field, agreement: told.level, probability_ppm: told.probability_ppm, outcome: told.outcome }
    }
}

// === impl Today ===

impl Today {
    fn of(judged: Judged) -> Self {
        let Judged { explained, member_token, policy, roster_version, .. } = judged;
        Self {
            outcome: explained.outcome,
            member_key: explained.member,
            member_token,
            probability_ppm: explained.probability_ppm,
            weight_centibits: explained.weight,
            prior_centibits: explained.prior,
            alternative: explained.alternative,
            alternative_probability_ppm: explained.alternative_ppm,
            margin_centibits: explained.margin,
            candidates: explained.candidates,
            policy_version: policy.version,
            policy_digest: hex::encode(policy.digest),
            roster_version,
        }
    }
}

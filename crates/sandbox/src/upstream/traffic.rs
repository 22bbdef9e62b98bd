//! The requests upstream systems send, good and bad.

use domain::messages::intake_request::SlaClass;
use domain::messages::{Ask, IntakeRequest, Lane, Provenance, Workflow};
use domain::person::{Attestation, Consent, ConsentPolicy, Coverage};
use domain::time::Date;
use domain::{PartnerId, SourceId, Timestamp};

use super::population::{claim, is_twin, member_id, subscriber_id};
use crate::dice::Dice;

/// What to send about whom.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// The seed of the run.
    pub seed: u64,
    /// The registered source that sends.
    pub source: SourceId,
    /// Our payer.
    pub payer: String,
    /// How many members the roster has.
    pub members: u64,
    /// The partners that are asked.
    pub partners: Vec<PartnerId>,
    /// How many submissions.
    pub count: u64,
    /// The time of the run.
    pub now: Timestamp,
    /// Whether there are only good submissions, for benchmarks.
    pub only_good: bool,
}

/// One submission, as it is to be produced.
#[derive(Clone, Debug)]
pub struct Submission {
    /// What it tests.
    pub kind: Kind,
    /// The lane it is produced to.
    pub lane: Lane,
    /// The key of its record, not always the idempotency key.
    pub record_key: Vec<u8>,
    /// The request.
    pub request: IntakeRequest,
    /// What the record holds in the request's place, where upstream failed to write it.
    pub garbled: Option<Vec<u8>>,
    /// What must become of it.
    pub expected: Expected,
}

/// The kinds of submissions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A good request about a member.
    Good,
    /// Good, but its record is keyed by something else than the idempotency key.
    MisKeyed,
    /// A good request sent before, sent again.
    Duplicate,
    /// A key used before with another payload.
    Conflict,
    /// A field is wrong.
    Invalid,
    /// The consent is missing.
    Unconsented,
    /// About somebody who is not a member.
    Unmatched,
    /// About somebody who has a twin that the claim does not tell them from.
    Ambiguous,
    /// Its record holds no request, but whatever upstream's encoder made of it.
    Garbled,
}

/// What must become of a submission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Expected {
    /// Accepted, and its partner is asked.
    Dispatched,
    /// Accepted, and rejected because nobody fits.
    Unmatched,
    /// Accepted, and a person has to decide.
    InReview,
    /// Answered as a duplicate of an accepted request.
    Duplicate,
    /// Refused as a conflict with an accepted request.
    Conflict,
    /// Refused.
    Refused,
    /// Kept as a dead letter: nobody can tell whom to answer.
    Lettered,
}

/// All submissions of a run, in the order they are sent. Duplicates and conflicts follow what they repeat.
pub fn traffic(plan: &Traffic) -> Vec<Submission> {
    let mut sent: Vec<Submission> = Vec::with_capacity(usize::try_from(plan.count).unwrap_or(0));
    let mut repeatable: Vec<usize> = Vec::new();
    for index in 0..plan.count {
        let dice = Dice::new(plan.seed).at_name("traffic").at(index);
        let kind = match plan.only_good {
            true => Kind::Good,
            false if is_garbled(plan, index) => Kind::Garbled,
            false => kind(dice.draw(0).below(1000), repeatable.is_empty()),
        };
        let submission = match kind {
            Kind::Duplicate | Kind::Conflict => {
                let count = u64::try_from(repeatable.len()).unwrap_or(1);
                let first = &sent[repeatable[usize::try_from(dice.draw(1).below(count)).unwrap_or(0)]];
                repeated(first, kind)
            }
            Kind::Good
            | Kind::MisKeyed
            | Kind::Invalid
            | Kind::Unconsented
            | Kind::Unmatched
            | Kind::Ambiguous
            | Kind::Garbled => fresh(plan, index, kind, dice),
        };
        if matches!(kind, Kind::Good | Kind::MisKeyed) {
            repeatable.push(sent.len());
        }
        sent.push(submission);
    }
    sent
}

/// Among so many submissions one is garbled, so that every run has some.
const GARBLED_EVERY: u64 = 250;

/// Whether this is the garbled one of its neighbours.
fn is_garbled(plan: &Traffic, index: u64) -> bool {
    let first = index - index % GARBLED_EVERY;
    let neighbours = GARBLED_EVERY.min(plan.count - first);
    first + Dice::new(plan.seed).at_name("garbled").draw(first).below(neighbours) == index
}

/// The mixture of all others, in per mille.
fn kind(draw: u64, nothing_to_repeat: bool) -> Kind {
    match draw {
        0..=759 => Kind::Good,
        760..=799 => Kind::MisKeyed,
        800..=869 if !nothing_to_repeat => Kind::Duplicate,
        870..=889 if !nothing_to_repeat => Kind::Conflict,
        890..=919 => Kind::Invalid,
        920..=939 => Kind::Unconsented,
        940..=969 => Kind::Unmatched,
        970..=999 => Kind::Ambiguous,
        _ => Kind::Good,
    }
}

fn repeated(first: &Submission, kind: Kind) -> Submission {
    let mut again = first.clone();
    again.kind = kind;
    again.expected = Expected::Duplicate;
    if kind == Kind::Conflict {
        again.request.ask.resource_types = vec!["Immunization".to_owned()];
        again.expected = Expected::Conflict;
    }
    again
}

fn fresh(plan: &Traffic, index: u64, kind: Kind, dice: Dice) -> Submission {
    let person = person(plan, kind, dice);
    let mut request = good(plan, index, person, dice);
    let mut expected = Expected::Dispatched;
    let mut record_key = request.idempotency_key.clone().into_bytes();
    let mut garbled = None;
    match kind {
        Kind::Good | Kind::Duplicate | Kind::Conflict => {}
        Kind::MisKeyed => record_key = format!("row-{index}").into_bytes(),
        Kind::Invalid => {
            spoil(&mut request, dice.draw(9).below(4));
            expected = Expected::Refused;
        }
        Kind::Unconsented => {
            request.consent = None;
            expected = Expected::Refused;
        }
        Kind::Unmatched => expected = Expected::Unmatched,
        Kind::Ambiguous => {
            expected = Expected::InReview;
            if let Some(coverage) = &mut request.coverage_to_link {
                coverage.member_id = None;
                coverage.subscriber_id = Some(subscriber_id(person));
            }
        }
        Kind::Garbled => {
            garbled = Some(rubbish(dice.draw(9).below(2)));
            expected = Expected::Lettered;
        }
    }
    let lane = domain::lifecycle::workflow::lane(request.sla);
    Submission { kind, lane, record_key, request, garbled, expected }
}

/// Whom a submission is about: by kind somebody without a twin, with one, or who is not enrolled.
fn person(plan: &Traffic, kind: Kind, dice: Dice) -> u64 {
    let drawn = dice.draw(2).below(plan.members.max(20));
    let twinned = |person: u64| is_twin(person) || is_twin(person + 1);
    match kind {
        Kind::Unmatched => plan.members + 1_000 + drawn,
        Kind::Ambiguous => drawn - drawn % 10 + 8,
        Kind::Good
        | Kind::MisKeyed
        | Kind::Duplicate
        | Kind::Conflict
        | Kind::Invalid
        | Kind::Unconsented
        | Kind::Garbled => {
            if twinned(drawn) {
                drawn - drawn % 10
            } else {
                drawn
            }
        }
    }
}

fn spoil(request: &mut IntakeRequest, which: u64) {
    match which {
        0 => request.member.birth_date = Some("1983-02-30".to_owned()),
        1 => request.member.name.family.clear(),
        2 => request.counterparty = PartnerId::from("nobody-we-know"),
        _ => request.attestation = None,
    }
}

/// What encoders make of a request on a bad day: text, or a frame that names a schema nobody has registered.
fn rubbish(which: u64) -> Vec<u8> {
    match which {
        0 => b"java.lang.NullPointerException at com.example.upstream.Encoder".to_vec(),
        _ => [&[0, 0x7f, 0xff, 0xff, 0xff][..], b"\x02\x04\x06"].concat(),
    }
}

fn good(plan: &Traffic, index: u64, person: u64, dice: Dice) -> IntakeRequest {
    let partners = u64::try_from(plan.partners.len()).unwrap_or(1);
    let partner = plan.partners[usize::try_from(dice.draw(3).below(partners)).unwrap_or(0)].clone();
    let today = Date::of(plan.now);
    let sla = match dice.draw(4).below(10) {
        0 => SlaClass::Urgent,
        1..=6 => SlaClass::Standard,
        _ => SlaClass::Bulk,
    };
    IntakeRequest {
        source: plan.source.clone(),
        source_version: "2026.11".to_owned(),
        idempotency_key: format!("transfer-{}-{index:08}", plan.seed),
        workflow: Workflow::RequestData,
        exchange_id: None,
        parent_request_id: None,
        correlation_id: Some(format!("case-{index}")),
        occurred_at: plan.now,
        member: claim(plan.seed, person),
        coverage_to_match: Some(Coverage {
            payer: partner.to_string(),
            member_id: Some(format!("{partner}-{person:07}")),
            start: Some("2023-01-01".to_owned()),
            end: Some("2025-12-31".to_owned()),
            relationship: Some("self".to_owned()),
            ..Coverage::default()
        }),
        coverage_to_link: Some(Coverage {
            payer: plan.payer.clone(),
            member_id: Some(member_id(person)),
            start: Some("2026-01-01".to_owned()),
            relationship: Some("self".to_owned()),
            ..Coverage::default()
        }),
        consent: Some(Consent {
            policy: if dice.draw(5).hits(300) { ConsentPolicy::Sensitive } else { ConsentPolicy::Regular },
            start: today.to_string(),
            end: Date::from_days(today.days() + 90).to_string(),
            reference: format!("DocumentReference/consent-{index}"),
            performer: "member".to_owned(),
            recipients: vec![plan.payer.clone()],
            opted_in_at: plan.now,
        }),
        attestation: Some(Attestation {
            attester: plan.payer.clone(),
            attested_at: plan.now,
            statement: "The member is enrolled and has opted in.".to_owned(),
        }),
        counterparty: partner,
        ask: Ask {
            resource_types: vec!["Condition".to_owned(), "ExplanationOfBenefit".to_owned()],
            since: None,
            service_from: Some(Date::from_days(today.days() - 1_825).to_string()),
            service_to: Some(today.to_string()),
        },
        sla,
        due_by: None,
        callback: None,
        provenance: Provenance { system: "enrolment".to_owned(), actor: None, recorded_at: Some(plan.now) },
        payload: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn plan() -> Traffic {
        Traffic {
            seed: 7,
            source: "enrolment".into(),
            payer: "home".into(),
            members: 500,
            partners: vec!["evergreen".into(), "sunrise".into()],
            count: 3_000,
            now: Timestamp(1_790_000_000_000),
            only_good: false,
        }
    }

    #[test]
    fn a_seed_gives_the_same_traffic_of_every_kind() {
        let once = traffic(&plan());
        let again = traffic(&plan());
        assert!(once.iter().zip(&again).all(|(a, b)| a.request == b.request && a.record_key == b.record_key));
        let mut kinds = BTreeMap::new();
        once.iter().for_each(|submission| *kinds.entry(submission.kind).or_insert(0_u64) += 1);
        assert_eq!(kinds.len(), 9, "{kinds:?}");
        assert_eq!(kinds[&Kind::Garbled], 3_000 / GARBLED_EVERY);
    }

    #[test]
    fn the_smallest_run_has_something_garbled_and_a_good_one_never() {
        let garbled = |plan: &Traffic| traffic(plan).iter().filter(|submission| submission.garbled.is_some()).count();
        assert_eq!(garbled(&Traffic { count: 1, ..plan() }), 1);
        assert_eq!(garbled(&Traffic { count: 260, ..plan() }), 2);
        assert_eq!(garbled(&Traffic { only_good: true, ..plan() }), 0);
    }

    #[test]
    fn fresh_keys_are_unique_and_repetitions_repeat() {
        let mut keys = BTreeSet::new();
        for submission in traffic(&plan()) {
            let is_new = keys.insert(submission.request.idempotency_key.clone());
            assert_eq!(is_new, !matches!(submission.kind, Kind::Duplicate | Kind::Conflict));
        }
    }
}

//! Both records of a review beside each other: what the claim says and what the roster says of each candidate, how far they agree
//! and what that weighs. PHI in the clear, for the reviewer who has just looked.

use domain::messages::Workflow;
use domain::person::{Address, Coverage, Identifier, MemberClaim, PersonName};
use domain::{Code, RequestId, Token};
use identity::reading::{is_card, is_mbi, is_ssn, our_coverage};
use identity::{Candidate, Reading};
use matching::Matcher;
use matching::evidence::FieldWeight;
use matching::levels::Field;
use matching::survivorship::Survivorship;
use serde::Serialize;

use super::claims::{self, Claim};
use super::policies::Book;
use super::roster::Register;
use super::sources::Stands;
use super::{Service, reviews, told};
use crate::ask::Look;
use crate::exit::Failure;

/// A review with what it is about.
#[derive(Serialize)]
pub(super) struct SideBySide {
    request_id: RequestId,
    workflow: Workflow,
    consent: &'static str,
    code: String,
    opened_at: String,
    due_by: String,
    owner: Option<String>,
    opened_by: Vec<String>,
    first_verdict_by: Option<String>,
    appeal_until: Option<String>,
    /// What the policy in force says today.
    outcome: &'static str,
    probability_ppm: u32,
    runner_up: String,
    runner_up_probability_ppm: u32,
    margin_centibits: i32,
    /// What was so before anything was compared; with the fields it makes up a candidate's weight.
    prior_centibits: i32,
    policy_version: u32,
    policy_digest: String,
    roster_version: u64,
    candidates: Vec<Beside>,
}

/// A candidate beside the claim.
#[derive(Serialize)]
struct Beside {
    member_token: Token,
    member_key: String,
    /// Where an account that was merged into the member's fits better than the member's own.
    account: Option<String>,
    /// By what the review was opened with.
    probability_ppm: u32,
    /// What all fields and the prior weighed then.
    weight_centibits: i32,
    fields: Vec<Row>,
}

/// A field on both sides.
#[derive(Serialize)]
struct Row {
    field: &'static str,
    claim: String,
    roster: String,
    agreement: &'static str,
    weight_centibits: Option<i32>,
    /// Whose word the roster's is and over whose, where sources differ.
    source: Option<String>,
}

/// Puts the look on record, then shows both records.
///
/// # Errors
/// [`Failure::Refused`] where no review is open; others as [`claims::look`].
pub(super) fn open(service: &Service, request_id: RequestId, look: Look) -> Result<SideBySide, Failure> {
    let plant = &service.plant;
    let operator = look.operator.clone();
    let none_open = || {
        let (code, told) = (Code::NoOpenReview, "`waybill identity explain` tells what was decided");
        Failure::Refused(format!("refused: {code}. {} {}; {told}", code.meaning(), code.remedy().trim_end_matches('.')))
    };
    // Where there is nothing to look at nobody is said to have looked.
    reviews::question(plant, request_id)?.ok_or_else(none_open)?;
    claims::look(service, request_id, look)?;
    let review = reviews::question(plant, request_id)?.ok_or_else(none_open)?;
    if !review.opened_by.contains(&operator) {
        return Err(Failure::Unavailable("the review does not know yet that you have looked; look again".into()));
    }
    let claim = Claim::open(plant, review.context.clone(), &review.dossier)?;
    let book = Book::read(plant)?;
    let survivorship = &book.in_force().policy().survivorship;
    let register = service.register(survivorship)?;
    let judge = book.rollout().judges(&claim.context).0;
    let mut matcher = book.rollout().matcher(judge, &claim.context, &register.roster);
    let today = Reading::of_request(&claim.context, &claim.dossier).with(|person| matcher.explain(person));
    let beside = |candidate: &Candidate| beside(&claim, (&register, survivorship), &mut matcher, candidate);
    let candidates = review.candidates.iter().map(beside).collect::<Result<_, _>>()?;
    let standing = reviews::Standing::of(&review);
    Ok(SideBySide {
        request_id,
        workflow: claim.context.workflow,
        consent: claim.context.consent.as_str(),
        code: review.code.to_string(),
        opened_at: told(review.opened_at.0),
        due_by: told(review.due_by.0),
        owner: standing.owner,
        opened_by: standing.opened_by,
        first_verdict_by: standing.first_verdict_by,
        appeal_until: standing.appeal_until,
        outcome: today.outcome,
        probability_ppm: today.probability_ppm,
        runner_up: today.alternative,
        runner_up_probability_ppm: today.alternative_ppm,
        margin_centibits: today.margin,
        prior_centibits: today.prior,
        policy_version: today.policy_version,
        policy_digest: hex::encode(judge.reference.digest),
        roster_version: register.roster.version(),
        candidates,
    })
}

fn beside(
    claim: &Claim,
    (register, survivorship): (&Register, &Survivorship),
    matcher: &mut Matcher<'_>,
    candidate: &Candidate,
) -> Result<Beside, Failure> {
    let (said, coverage) = (&claim.dossier.member, our_coverage(&claim.context, &claim.dossier));
    let reading = Reading::of_request(&claim.context, &claim.dossier);
    let member = candidate.member_key.as_str();
    let accounts = std::iter::once(member).chain(register.roster.absorbed(member));
    let weighed = accounts.map(|account| (account, reading.with(|person| matcher.weigh_member(person, account))));
    let total = |(_, fields): &(&str, Vec<FieldWeight>)| fields.iter().map(|said| said.weight).sum::<i32>();
    // Of those that weigh the same the first counts, which is the member's own.
    let best = weighed.reduce(|best, other| if total(&best) < total(&other) { other } else { best });
    let (account, fields) = best.unwrap_or((member, Vec::new()));
    let stands = register.person(account)?.map(|person| Stands::of(person, survivorship));
    let person = stands.as_ref().map(|stands| &stands.member);
    let theirs: Vec<&Coverage> = person.map(|person| person.coverages.iter().collect()).unwrap_or_default();
    let ours: Vec<&Coverage> = coverage.into_iter().collect();
    let row = |field: Field| {
        let weighed = fields.iter().find(|weighed| weighed.field == field);
        Row {
            field: field.as_str(),
            claim: said_of(field, said, &ours),
            roster: person.map(|person| said_of(field, &person.member, &theirs)).unwrap_or_default(),
            agreement: weighed.map_or("", |weighed| weighed.level),
            weight_centibits: weighed.map(|weighed| weighed.weight),
            source: stands.as_ref().and_then(|stands| stands.source(field)),
        }
    };
    let rows = Field::ALL.into_iter().map(row);
    Ok(Beside {
        member_token: candidate.member_token,
        member_key: member.to_owned(),
        account: (account != member).then(|| account.to_owned()),
        probability_ppm: candidate.probability_ppm,
        weight_centibits: candidate.weight,
        fields: rows.filter(|row| !row.claim.is_empty() || !row.roster.is_empty()).collect(),
    })
}

/// What a record says in a field, as it was given; of a social security number the end only, since how far two agree is told beside it.
fn said_of(field: Field, member: &MemberClaim, coverages: &[&Coverage]) -> String {
    let names = || std::iter::once(&member.name).chain(&member.other_names);
    let of_names = |said: fn(&PersonName) -> String| several(names().map(said));
    let identifiers = |is_kind: fn(&Identifier) -> bool| {
        member
            .identifiers
            .iter()
            .filter(move |identifier| is_kind(identifier))
            .map(|identifier| identifier.value.clone())
    };
    match field {
        Field::Given => of_names(|name| name.given.first().cloned().unwrap_or_default()),
        Field::Family => of_names(|name| name.family.clone()),
        Field::Middle => of_names(|name| name.given.get(1..).unwrap_or_default().join(" ")),
        Field::Suffix => of_names(|name| name.suffix.clone().unwrap_or_default()),
        Field::BirthDate => member.birth_date.clone().unwrap_or_default(),
        Field::Sex => member.sex.map(|sex| format!("{sex:?}").to_lowercase()).unwrap_or_default(),
        Field::Address => several(member.addresses.iter().map(place)),
        Field::Phone => several(member.phones.iter().cloned()),
        Field::Email => several(member.emails.iter().cloned()),
        Field::Ssn => several(identifiers(is_ssn).map(|ssn| last_four(&ssn))),
        Field::Mbi => several(identifiers(is_mbi)),
        Field::Card => several(coverages.iter().map(|it| card(it)).chain(identifiers(is_card))),
        Field::Group => several(coverages.iter().filter_map(|it| it.group.clone())),
    }
}

/// Different values, the first one first.
fn several(values: impl Iterator<Item = String>) -> String {
    let mut different: Vec<String> = Vec::new();
    for value in values.filter(|value| !value.is_empty()) {
        if !different.contains(&value) {
            different.push(value);
        }
    }
    different.join(" / ")
}

fn place(address: &Address) -> String {
    let of_town = [&address.city, &address.state, &address.postal_code].into_iter().flatten();
    let parts: Vec<&str> = address.lines.iter().chain(of_town).map(String::as_str).collect();
    parts.join(", ")
}

fn card(coverage: &Coverage) -> String {
    let subscriber = coverage.subscriber_id.as_ref().map(|id| format!("of subscriber {id}"));
    coverage.member_id.iter().chain(&subscriber).map(String::as_str).collect::<Vec<_>>().join(" ")
}

fn last_four(number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let end: String = digits[digits.len().saturating_sub(4)..].iter().collect();
    if end.is_empty() { end } else { format!("···-··-{end}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_social_security_number_the_end_is_shown() {
        assert_eq!(last_four("123-45-6789"), "···-··-6789");
        assert_eq!(last_four("89"), "···-··-89");
        assert_eq!(last_four(""), "");
    }

    #[test]
    fn what_is_said_twice_is_shown_once_and_in_its_order() {
        let values = ["Reyes", "", "Okonkwo", "Reyes"].map(str::to_owned);
        assert_eq!(several(values.into_iter()), "Reyes / Okonkwo");
    }
}

//! Explaining a decision: field by field, beside the likeliest other explanation, and what would have turned it.

use std::fmt;

use serde::Serialize;

use crate::Person;
use crate::claim::Claim;
use crate::compare::Comparison;
use crate::decide::{Decision, Matcher, Outcome};
use crate::fixed::power;
use crate::levels::{Field, NameLevel};
use crate::lexicon::Role;
use crate::packed::{Lexicons, Packed};
use crate::weights::{Explanation, Rarity};

/// Why a claim was judged as it was. It shows what claim and roster say: protected health information.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Explained {
    /// `match`, `review` or `no_match`.
    pub outcome: &'static str,
    /// The member's account.
    pub member: Option<String>,
    /// How likely it is the member, in parts per million.
    pub probability_ppm: u32,
    /// The weight of all fields together and of the prior, in centibits.
    pub weight: i32,
    /// Of that, what was so before anything was compared.
    pub prior: i32,
    /// The fields, in their order; those in which neither side says anything are left out.
    pub fields: Vec<FieldExplained>,
    /// The likeliest other explanation.
    pub alternative: String,
    /// Its probability in parts per million.
    pub alternative_ppm: u32,
    /// By how many centibits the member's weight exceeds it.
    pub margin: i32,
    /// What one other field would have changed, the most telling first.
    pub counterfactuals: Vec<Counterfactual>,
    /// How many members were looked at.
    pub candidates: u32,
    /// The version of the policy.
    pub policy_version: u32,
    /// Its digest.
    pub policy_digest: String,
}

/// One field.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct FieldExplained {
    /// Its name.
    pub field: &'static str,
    /// What the claim says, normalised; a dot where only a hash is kept.
    pub claim: String,
    /// What the roster says.
    pub roster: String,
    /// The level of agreement.
    pub level: &'static str,
    /// What it adds for the member, in centibits.
    pub weight: i32,
    /// What it adds for the alternative, in centibits.
    pub alternative: i32,
}

/// What would have followed, had one field been otherwise.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct Counterfactual {
    /// The field.
    pub field: &'static str,
    /// The level it would have had.
    pub level: &'static str,
    /// The probability that would have followed, in parts per million.
    pub probability_ppm: u32,
    /// And the outcome.
    pub outcome: &'static str,
}

/// How many counterfactuals are told.
const COUNTERFACTUALS: usize = 3;

// === impl Matcher ===

impl Matcher<'_> {
    /// Judges a claim and tells why.
    pub fn explain(&mut self, person: &Person<'_>) -> Explained {
        let claim = Claim::of(person, &self.roster.lexicons);
        let decision = self.judge(&claim);
        let rarity = self.rarity(&claim);
        self.explain_decision(&claim, &decision, &rarity)
    }

    fn explain_decision(&self, claim: &Claim, decision: &Decision<'_>, rarity: &Rarity) -> Explained {
        let rival = decision.runner_up.and_then(|rival| rival.explanation);
        let single = Rarity::single(self.roster);
        let mut explained = Explained {
            outcome: decision.outcome.as_str(),
            member: decision.member.map(str::to_owned),
            probability_ppm: decision.probability,
            weight: decision.weight,
            prior: self.weights.prior[Explanation::Member as usize] - single,
            fields: Vec::new(),
            alternative: alternative(decision),
            alternative_ppm: decision.runner_up.map_or(0, |rival| rival.probability),
            margin: decision.runner_up.map_or(0, |rival| rival.margin),
            counterfactuals: Vec::new(),
            candidates: decision.candidates,
            policy_version: self.policy().version,
            policy_digest: format!("{:016x}", self.policy().digest),
        };
        let Some(head) = decision.member.and_then(|key| self.roster.find(key)) else { return explained };
        let Some(scored) = self.scored().iter().find(|scored| scored.head == head) else { return explained };
        let record = &self.roster.records[head as usize];
        for field in Field::ALL {
            let weights = self.weights.field(field, &scored.found, rarity);
            let (ours, theirs) =
                (said(field, &claim.first.packed, &self.roster.lexicons), said(field, record, &self.roster.lexicons));
            let ours = if ours == UNHELD { claim_word(field, claim) } else { ours };
            if ours.is_empty() && theirs.is_empty() {
                continue;
            }
            explained.fields.push(FieldExplained {
                field: field.as_str(),
                claim: ours,
                roster: theirs,
                level: scored.found.levels.name(field),
                weight: weights[Explanation::Member as usize],
                alternative: rival.map_or(0, |rival| weights[rival as usize]),
            });
        }
        explained.counterfactuals = self.counterfactuals(record, decision, rarity);
        explained
    }

    /// What the best level of each field would have changed, or where it matched, the worst one.
    fn counterfactuals(&self, record: &Packed, decision: &Decision<'_>, rarity: &Rarity) -> Vec<Counterfactual> {
        // Had a name agreed, it would have been the member's, which so many bear.
        let names = [(record.given, Role::Given), (record.family, Role::Family)];
        let bearers = names.map(|(id, role)| {
            let known = self.roster.lexicons.names.get(id);
            known.map_or(1, |known| known.counts[role as usize])
        });
        let is_match = decision.outcome == Outcome::Match;
        let mut told: Vec<Counterfactual> = Vec::new();
        for field in Field::ALL {
            let now = decision.levels.of(field);
            let levels = 1..field.levels().len() as u8;
            let weigh = |level: u8| {
                let mut found = Comparison { levels: decision.levels, bearers };
                found.levels.0[field as usize] = level;
                self.weights.field(field, &found, rarity)
            };
            let member = |level: u8| weigh(level)[Explanation::Member as usize];
            let other = if is_match {
                levels.min_by_key(|level| member(*level))
            } else {
                levels.max_by_key(|level| member(*level))
            };
            let Some(other) = other.filter(|other| *other != now) else { continue };
            let (before, after) = (if now == 0 { [0; 4] } else { weigh(now) }, weigh(other));
            let rival = decision
                .runner_up
                .and_then(|rival| rival.explanation)
                .map_or(0, |rival| after[rival as usize] - before[rival as usize]);
            let gain = after[0] - before[0] - rival.max(0);
            let probability = shifted(decision.probability, gain);
            let outcome = self.outcome(probability);
            if outcome != decision.outcome {
                let level = field.levels()[usize::from(other)];
                told.push(Counterfactual {
                    field: field.as_str(),
                    level,
                    probability_ppm: probability,
                    outcome: outcome.as_str(),
                });
            }
        }
        told.sort_by_key(|told| if is_match { told.probability_ppm } else { 1_000_000 - told.probability_ppm });
        told.truncate(COUNTERFACTUALS);
        told
    }
}

/// A probability in parts per million whose odds are multiplied by 2 to the power of `gain` centibits.
pub fn shifted(probability: u32, gain: i32) -> u32 {
    let (yes, no) = (u128::from(probability.max(1)), u128::from(1_000_000 - probability.min(999_999)));
    let part = u128::from(power(gain.unsigned_abs()).max(1));
    let whole = u128::from(power(0));
    let (yes, no) = if 0 <= gain { (yes * whole, no * part) } else { (yes * part, no * whole) };
    (yes * 1_000_000 / (yes + no)) as u32
}

fn alternative(decision: &Decision<'_>) -> String {
    let Some(rival) = decision.runner_up else { return "nobody else".into() };
    let member = rival.member.unwrap_or_default();
    match rival.explanation {
        None => "a stranger".into(),
        Some(Explanation::Member) => format!("member {member}"),
        Some(Explanation::Relative) => format!("a relative of member {member} who is not on the roster"),
        Some(Explanation::Namesake) => format!("a namesake of member {member} who is not on the roster"),
        Some(Explanation::Twin) => format!("a twin of member {member} who is not on the roster"),
    }
}

/// Marks a word that the roster's lexicon does not hold.
const UNHELD: &str = "?";

/// What a claim says where the roster has no such word.
fn claim_word(field: Field, claim: &Claim) -> String {
    let normal = &claim.first.normal;
    match field {
        Field::Given => normal.given.whole.as_str().to_owned(),
        Field::Family => normal.family.whole.as_str().to_owned(),
        Field::Middle => normal.middle.as_str().to_owned(),
        Field::Address => place(&claim.first.packed, normal.address.street.as_str()),
        Field::Suffix
        | Field::BirthDate
        | Field::Sex
        | Field::Phone
        | Field::Email
        | Field::Ssn
        | Field::Mbi
        | Field::Card
        | Field::Group => UNHELD.to_owned(),
    }
}

/// What a record says in a field, as it is compared.
fn said(field: Field, record: &Packed, lexicons: &Lexicons) -> String {
    let held = |is_there: bool| if is_there { "·".to_owned() } else { String::new() };
    let name = |id| match lexicons.names.get(id) {
        Some(entry) => entry.word.as_str().to_owned(),
        None => if id == 0 { "" } else { UNHELD }.to_owned(),
    };
    match field {
        Field::Given => name(record.given),
        Field::Family => name(record.family),
        Field::Middle => name(record.middle),
        Field::Suffix => format!("{:?}", record.suffix()).replace("None", ""),
        Field::BirthDate => record.dob().to_string(),
        Field::Sex => format!("{:?}", record.sex()).replace("Unknown", ""),
        Field::Address => match lexicons.places.get(record.street) {
            Some(entry) => place(record, entry.word.as_str()),
            None if record.street == 0 => place(record, ""),
            None => UNHELD.to_owned(),
        },
        Field::Phone if record.phone() != 0 => record.phone().to_string(),
        Field::Phone => String::new(),
        Field::Email => held(record.email != 0),
        Field::Ssn => held(record.ssn != 0),
        Field::Mbi => held(record.mbi() != 0),
        Field::Card if record.member != 0 => crate::normal::identifier::text(record.member),
        Field::Card => held(record.subscriber != 0),
        Field::Group => held(record.group != 0),
    }
}

fn place(record: &Packed, street: &str) -> String {
    let number = if record.number == 0 || record.number >> 31 != 0 { String::new() } else { record.number.to_string() };
    let zip = if record.zip() == 0 { String::new() } else { format!("{:05}", record.zip() - 1) };
    [number.as_str(), street, zip.as_str()].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

// === impl Explained ===

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |ppm: u32| f64::from(ppm) / 1e4;
        let bits = |centibits: i32| f64::from(centibits) / 100.0;
        writeln!(
            f,
            "{}: member {} at {:.2} %",
            self.outcome,
            self.member.as_deref().unwrap_or("none"),
            percent(self.probability_ppm)
        )?;
        writeln!(
            f,
            "next: {} at {:.2} %, {:.1} bits behind; {} candidates",
            self.alternative,
            percent(self.alternative_ppm),
            bits(self.margin),
            self.candidates
        )?;
        writeln!(
            f,
            "\n{:<11} {:<26} {:<26} {:<18} {:>7} {:>7}",
            "field", "claim", "roster", "agreement", "member", "next"
        )?;
        for FieldExplained { field, claim, roster, level, weight, alternative } in &self.fields {
            writeln!(
                f,
                "{field:<11} {claim:<26} {roster:<26} {level:<18} {:>7.2} {:>7.2}",
                bits(*weight),
                bits(*alternative)
            )?;
        }
        writeln!(f, "{:<11} {:<26} {:<26} {:<18} {:>7.2}", "before all", "", "", "", bits(self.prior))?;
        writeln!(f, "{:<11} {:<26} {:<26} {:<18} {:>7.2}   bits", "together", "", "", "", bits(self.weight))?;
        for Counterfactual { field, level, probability_ppm, outcome } in &self.counterfactuals {
            writeln!(f, "with {field} {level}: {:.2} %, {outcome}", percent(*probability_ppm))?;
        }
        write!(f, "policy version {}, digest {}", self.policy_version, self.policy_digest)
    }
}

impl fmt::Debug for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Explained(secret)")
    }
}

const _: () = assert!(NameLevel::Missing as u8 == 0);

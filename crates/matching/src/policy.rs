//! The matching policy: how likely each level of agreement is under each explanation of a claim, how likely the explanations are
//! beforehand, and from which probability on a claim matches. Read from a versioned TOML file, written by [`fit`](fn@crate::fit).
//!
//! A claim may speak of the member it is compared with; of a **relative** of that member who is not on the roster, with whom address,
//! phone, family name and contract are shared; of a **namesake** of the member, with whom the name is shared and nothing else; or of
//! a stranger. Probabilities are whole parts per billion, so that every machine reads the same.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::fixed::BILLION;
use crate::levels::{CardLevel, FIELDS, Field, LEVELS_MAX};
use crate::normal::mix;
use crate::survivorship::{Survivorship, SurvivorshipText};

/// The policy of `deploy/policy/matching.toml`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Its version, chosen by whoever writes it.
    pub version: u32,
    /// A digest of all that decisions depend on; comments and layout are not among it.
    pub digest: u64,
    /// How likely the explanations are before anything is compared.
    pub prior: Prior,
    /// From which probability on a claim is a match or goes to review.
    pub decide: Thresholds,
    /// Whose word stands for a member whom several sources know.
    pub survivorship: Survivorship,
    /// The levels of each field, by their numbers.
    pub levels: [[Chances; LEVELS_MAX]; FIELDS],
}

/// What a claim may be, in parts per billion; together a billion.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prior {
    /// It speaks of a member of the roster.
    pub member: u64,
    /// It speaks of somebody who is not on the roster, but a relative is.
    pub relative: u64,
    /// As `relative`, and the relative is born on the same day.
    pub twin: u64,
    /// It speaks of somebody who is not on the roster, but one of the same full name is, by more than chance.
    pub namesake: u64,
    /// It speaks of somebody who has nothing to do with anybody on the roster.
    pub stranger: u64,
    /// How many namesakes in a billion are born on the same day. Such a one differs from a member who has moved and changed everything
    /// else only in what neither moves nor changes, as a social security number: claims that name one tell how many there are.
    pub namesake_same_birth_date: u64,
    /// How many records of a roster in a billion stand for a person who has another one.
    pub duplicate: u64,
}

/// Probabilities from which on something follows, in parts per million.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Thresholds {
    /// It is the member.
    pub matches: u32,
    /// A person has to look.
    pub review: u32,
}

/// How often a level is met, in parts per billion of the pairs in which both sides say something.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chances {
    /// Among pairs that are the same person: m.
    pub member: u64,
    /// Among pairs of relatives.
    pub relative: u64,
    /// Among pairs of relatives born on the same day.
    pub twin: u64,
    /// Among pairs that have nothing to do with each other: u. Zero where the frequency of the value in which they agree stands in
    /// its place.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub random: u64,
}

/// Why a text is no matching policy.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is not TOML of the expected shape.
    #[error("the matching policy can't be read")]
    Unreadable(#[source] Box<toml::de::Error>),
    /// A field or level is not known, or one is missing.
    #[error("the matching policy does not name the levels of {field} as they are: {levels}")]
    Levels {
        /// The field.
        field: String,
        /// The levels it has.
        levels: String,
    },
    /// A probability is no probability.
    #[error("{what} of the matching policy must lie between {least} and {most}, and is {value}")]
    Range {
        /// What is out of its range.
        what: String,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
        /// What it is.
        value: u64,
    },
    /// Whose word stands can't be told by what is said of it.
    #[error("of the matching policy, {0}")]
    Survivorship(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyText {
    version: u32,
    prior: Prior,
    decide: Thresholds,
    #[serde(default)]
    survivorship: SurvivorshipText,
    levels: BTreeMap<String, BTreeMap<String, Chances>>,
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

// === impl Policy ===

impl Policy {
    /// Reads the policy's text.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let read: PolicyText = toml::from_str(text).map_err(|error| PolicyError::Unreadable(Box::new(error)))?;
        let mut levels = [[Chances::default(); LEVELS_MAX]; FIELDS];
        for field in Field::ALL {
            let names = field.levels();
            let wrong = || PolicyError::Levels { field: field.as_str().into(), levels: names[1..].join(", ") };
            let of_field = read.levels.get(field.as_str()).ok_or_else(wrong)?;
            if of_field.len() != names.len() - 1 {
                return Err(wrong());
            }
            for (level, name) in names.iter().enumerate().skip(1) {
                levels[field as usize][level] = *of_field.get(*name).ok_or_else(wrong)?;
            }
        }
        if let Some(field) = read.levels.keys().find(|name| Field::ALL.iter().all(|field| field.as_str() != *name)) {
            let levels = "no such field".to_owned();
            return Err(PolicyError::Levels { field: field.clone(), levels });
        }
        let survivorship = Survivorship::of_text(read.survivorship).map_err(PolicyError::Survivorship)?;
        let PolicyText { version, prior, decide, .. } = read;
        let policy = Self { version, digest: 0, prior, decide, survivorship, levels };
        policy.check()?;
        Ok(Self { digest: policy.digest(), ..policy })
    }

    /// The policy's text, which reads back to the same policy.
    pub fn to_text(&self) -> String {
        let Prior { member, relative, twin, namesake, stranger, namesake_same_birth_date, duplicate } = self.prior;
        let mut text = format!(
            "version = {}\n\n[prior]\nmember = {member}\nrelative = {relative}\ntwin = {twin}\nnamesake = {namesake}\nstranger = {stranger}\n\
             namesake_same_birth_date = {namesake_same_birth_date}\nduplicate = {duplicate}\n\n[decide]\nmatches = {}\nreview = {}\n",
            self.version, self.decide.matches, self.decide.review,
        );
        text.push_str(&self.survivorship.to_text());
        for field in Field::ALL {
            let _ = write!(text, "\n[levels.{}]\n", field.as_str());
            for (level, name) in field.levels().iter().enumerate().skip(1) {
                let Chances { member, relative, twin, random } = self.levels[field as usize][level];
                let random = if random == 0 { String::new() } else { format!(", random = {random}") };
                let _ =
                    writeln!(text, "{name} = {{ member = {member}, relative = {relative}, twin = {twin}{random} }}");
            }
        }
        text
    }

    fn check(&self) -> Result<(), PolicyError> {
        let within = |what: &str, value: u64, least: u64, most: u64| {
            let error = || PolicyError::Range { what: what.to_owned(), least, most, value };
            if (least..=most).contains(&value) { Ok(()) } else { Err(error()) }
        };
        let Prior { member, relative, twin, namesake, stranger, namesake_same_birth_date, duplicate } = self.prior;
        for (what, value) in [
            ("prior.member", member),
            ("prior.relative", relative),
            ("prior.twin", twin),
            ("prior.namesake", namesake),
            ("prior.stranger", stranger),
        ] {
            within(what, value, 1, BILLION)?;
        }
        within(
            "the sum of prior.member, relative, twin, namesake and stranger",
            member + relative + twin + namesake + stranger,
            BILLION,
            BILLION,
        )?;
        within("prior.namesake_same_birth_date", namesake_same_birth_date, 1, BILLION)?;
        within("prior.duplicate", duplicate, 1, BILLION)?;
        // A match must at least be likelier than not.
        within("decide.matches", u64::from(self.decide.matches), 500_001, 1_000_000)?;
        within("decide.review", u64::from(self.decide.review), 1, u64::from(self.decide.matches))?;
        for field in Field::ALL {
            for (level, name) in field.levels().iter().enumerate().skip(1) {
                let Chances { member, relative, twin, random } = self.levels[field as usize][level];
                let what = format!("levels.{}.{name}", field.as_str());
                within(&what, member, 1, BILLION)?;
                within(&what, relative, 1, BILLION)?;
                within(&what, twin, 1, BILLION)?;
                if !is_by_frequency(field, level) {
                    within(&what, random, 1, BILLION)?;
                }
            }
        }
        Ok(())
    }

    fn digest(&self) -> u64 {
        let Prior { member, relative, twin, namesake, stranger, namesake_same_birth_date, duplicate } = self.prior;
        let head =
            [u64::from(self.version), member, relative, twin, namesake, stranger, namesake_same_birth_date, duplicate];
        let thresholds = [u64::from(self.decide.matches), u64::from(self.decide.review)];
        let chances = self
            .levels
            .iter()
            .flatten()
            .flat_map(|chances| [chances.member, chances.relative, chances.twin, chances.random]);
        let survivorship =
            Some(&self.survivorship).filter(|said| **said != Survivorship::default()).map(Survivorship::digest);
        let all = head.into_iter().chain(thresholds).chain(chances).chain(survivorship);
        all.fold(0, |digest, value| mix(digest ^ value))
    }
}

/// Whether at this level of a field the frequency of the value stands in place of an average over all values.
pub(crate) fn is_by_frequency(field: Field, level: usize) -> bool {
    use crate::levels::{AddressLevel, DateLevel, EmailLevel, NameLevel, NumberLevel};
    let at = |levels: &[usize]| levels.contains(&level);
    match field {
        Field::Given | Field::Family => at(&[
            NameLevel::Exact as usize,
            NameLevel::Variant as usize,
            NameLevel::Part as usize,
            NameLevel::Swapped as usize,
        ]),
        Field::BirthDate => level == DateLevel::Exact as usize,
        Field::Address => at(&[
            AddressLevel::Same as usize,
            AddressLevel::OtherUnit as usize,
            AddressLevel::Zip as usize,
            AddressLevel::City as usize,
            AddressLevel::State as usize,
        ]),
        Field::Phone | Field::Mbi => level == NumberLevel::Same as usize,
        Field::Ssn => level == NumberLevel::Same as usize,
        Field::Email => level == EmailLevel::Same as usize,
        Field::Card => at(&[CardLevel::Member as usize, CardLevel::Contract as usize, CardLevel::Subscriber as usize]),
        Field::Middle | Field::Suffix | Field::Sex | Field::Group => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployed() -> &'static str {
        include_str!("../../../deploy/policy/matching.toml")
    }

    #[test]
    fn the_deployed_policy_reads_and_writes_back() {
        let policy = Policy::parse(deployed()).expect("the deployed policy");
        assert_eq!(Policy::parse(&policy.to_text()), Ok(policy));
    }

    #[test]
    fn a_policy_that_is_none_is_refused() {
        assert!(matches!(Policy::parse("version = 1"), Err(PolicyError::Unreadable(_))));
        let shoe = deployed().replace("[levels.phone]", "[levels.shoe]");
        assert!(matches!(Policy::parse(&shoe), Err(PolicyError::Levels { .. })));
        let policy = Policy::parse(deployed()).expect("the deployed policy");
        let likely = policy.to_text().replace("[decide]\nmatches = 950000", "[decide]\nmatches = 400000");
        assert!(matches!(Policy::parse(&likely), Err(PolicyError::Range { .. })));
        let twice = format!("{}\n[survivorship]\nsources = ['a', 'a']\n", without_survivorship());
        assert!(matches!(Policy::parse(&twice), Err(PolicyError::Survivorship(_))));
    }

    fn without_survivorship() -> String {
        let text = deployed();
        let from = text.find("[survivorship]").unwrap_or(text.len());
        let rest = text[from..].find("[levels.").map(|to| &text[from + to..]).unwrap_or_default();
        format!("{}{rest}", &text[..from])
    }

    #[test]
    fn whose_word_stands_is_among_what_a_policy_s_digest_is_of() {
        let (named, silent) = (Policy::parse(deployed()), Policy::parse(&without_survivorship()));
        let (named, silent) = (named.expect("the deployed policy"), silent.expect("the same without the section"));
        assert_eq!(named.digest, silent.digest, "what is deployed is what holds where nothing is said");
        let other = deployed().replacen("wins = [\"source\", \"recent\"]", "wins = [\"recent\", \"source\"]", 1);
        assert_ne!(Policy::parse(&other).expect("a policy").digest, named.digest);
    }
}

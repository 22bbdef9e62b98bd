//! The matching policy: a short table of rules, read from a versioned file. The first rule of which all fields agree speaks for a
//! candidate.

use std::collections::BTreeSet;

use domain::lifecycle::PolicyRef;
use serde::Deserialize;

use crate::agreement::{Field, Fields};

/// The policy of `deploy/policy/identity.toml`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Its version and digest, as events name them.
    pub reference: PolicyRef,
    /// The rules, the strongest first.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// Its name, as events and reviews show it.
    pub name: String,
    /// The fields that have to agree.
    pub agree: Fields,
    /// What follows.
    pub verdict: RuleVerdict,
}

/// What follows from a rule, the stronger first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleVerdict {
    /// It is the member, unless others are as well.
    Match,
    /// A person has to look.
    Review,
}

/// Why a text is no matching policy.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is not TOML of the expected shape.
    #[error("the identity policy can't be read")]
    Unreadable(#[source] toml::de::Error),
    /// A rule name is empty or stands twice.
    #[error("rule name {0:?} is empty or stands twice in the identity policy")]
    NameTaken(String),
    /// A rule would match on what twins, or father and son, share: a match takes a birth date and an identifier, and with the
    /// family's subscriber id a given name besides.
    #[error("rule {0:?} of the identity policy matches on what several people of a family share")]
    TooWeak(String),
    /// A rule asks for nothing.
    #[error("rule {0:?} of the identity policy asks for no agreement")]
    Empty(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyText {
    version: u32,
    rules: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: String,
    agree: Vec<Field>,
    verdict: RuleVerdict,
}

// === impl Policy ===

impl Policy {
    /// Reads the policy's text.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let PolicyText { version, rules } = toml::from_str(text).map_err(PolicyError::Unreadable)?;
        let mut names = BTreeSet::new();
        let rules = rules.into_iter().map(Rule::of).collect::<Result<Vec<_>, _>>()?;
        match rules.iter().find(|rule| rule.name.trim().is_empty() || !names.insert(&rule.name)) {
            Some(rule) => Err(PolicyError::NameTaken(rule.name.clone())),
            None => Ok(Self { reference: PolicyRef::of(version, text), rules }),
        }
    }
}

// === impl Rule ===

impl Rule {
    fn of(RuleText { name, agree, verdict }: RuleText) -> Result<Self, PolicyError> {
        if agree.is_empty() {
            return Err(PolicyError::Empty(name));
        }
        let has = |field| agree.contains(&field);
        let one_person = has(Field::MemberId) || has(Field::Mbi) || has(Field::SubscriberId) && has(Field::Given);
        let too_weak = !(one_person && has(Field::BirthDate));
        let agree = agree.iter().copied().collect();
        match verdict {
            RuleVerdict::Match if too_weak => Err(PolicyError::TooWeak(name)),
            RuleVerdict::Match | RuleVerdict::Review => Ok(Self { name, agree, verdict }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deployed_policy_reads() {
        let policy = Policy::parse(include_str!("../../../deploy/policy/identity.toml")).expect("the deployed policy");
        assert_eq!(policy.rules[0].name, "member-id+birth-date+name");
    }

    #[test]
    fn a_policy_that_would_merge_strangers_is_refused() {
        let rule = |agree: &str, verdict: &str| {
            Policy::parse(&format!("version = 1\nrules = [{{ name = 'r', agree = [{agree}], verdict = '{verdict}' }}]"))
        };
        assert!(rule("'member_id', 'birth_date'", "match").is_ok());
        assert_eq!(rule("'member_id', 'given'", "match"), Err(PolicyError::TooWeak("r".into())));
        assert_eq!(rule("'birth_date', 'family', 'given'", "match"), Err(PolicyError::TooWeak("r".into())));
        assert_eq!(rule("'subscriber_id', 'birth_date'", "match"), Err(PolicyError::TooWeak("r".into())));
        assert!(rule("'subscriber_id', 'birth_date', 'given'", "match").is_ok());
        assert!(rule("'birth_date', 'family', 'given'", "review").is_ok());
        assert_eq!(rule("", "review"), Err(PolicyError::Empty("r".into())));
        assert!(matches!(rule("'shoe_size'", "review"), Err(PolicyError::Unreadable(_))));
    }

    #[test]
    fn rule_names_are_unique() {
        let text = "version = 1\nrules = [
            { name = 'r', agree = ['mbi'], verdict = 'review' },
            { name = 'r', agree = ['phone'], verdict = 'review' },
        ]";
        assert_eq!(Policy::parse(text), Err(PolicyError::NameTaken("r".into())));
    }
}

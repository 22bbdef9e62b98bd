//! The supervisor's policy: how long each state may last, what sources are told, and who owns an exception. Two texts, `clocks`
//! and `escalation`, each with a version of its own.

mod clocks;
mod escalation;
mod reading;

use std::fmt;

use domain::lifecycle::PolicyRef;

pub use clocks::ClockPolicy;
pub use escalation::{Escalation, Ladder};

/// Both texts together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// `deploy/policy/clocks.toml`
    pub clocks: ClockPolicy,
    /// `deploy/policy/escalation.toml`
    pub escalation: Escalation,
}

/// Everything that is wrong with a policy's text.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub struct PolicyError(pub Vec<Mistake>);

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mistake {
    /// Where, as a path of keys that begins with the policy's name.
    pub at: String,
    /// What is wrong there.
    pub problem: String,
}

// === impl Policy ===

impl Policy {
    /// Reads both texts, or names every mistake in them.
    pub fn parse(clocks: &str, escalation: &str) -> Result<Self, PolicyError> {
        match (ClockPolicy::parse(clocks), Escalation::parse(escalation)) {
            (Ok(clocks), Ok(escalation)) => Ok(Self { clocks, escalation }),
            (clocks, escalation) => {
                let mistakes = [clocks.err(), escalation.err()].into_iter().flatten().flat_map(|error| error.0);
                Err(PolicyError(mistakes.collect()))
            }
        }
    }

    /// Takes over a policy that was activated under one of the two names. A text with mistakes changes nothing: it can't be
    /// activated through the command line, and a deadline must not depend on one that slipped past it.
    pub fn activate(&mut self, name: &str, text: &str) {
        match name {
            ClockPolicy::NAME => {
                if let Ok(clocks) = ClockPolicy::parse(text) {
                    self.clocks = clocks;
                }
            }
            Escalation::NAME => {
                if let Ok(escalation) = Escalation::parse(text) {
                    self.escalation = escalation;
                }
            }
            _ => {}
        }
    }

    /// The texts in force, each by name with its version and digest.
    pub fn references(&self) -> [(&'static str, PolicyRef); 2] {
        [(ClockPolicy::NAME, self.clocks.reference), (Escalation::NAME, self.escalation.reference)]
    }
}

// === impl PolicyError ===

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Mistake { at, problem }) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{at}: {problem}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCKS: &str = include_str!("../../../deploy/policy/clocks.toml");
    const ESCALATION: &str = include_str!("../../../deploy/policy/escalation.toml");

    #[test]
    fn the_deployed_texts_read_and_are_named_by_their_digest() {
        let policy = Policy::parse(CLOCKS, ESCALATION).expect("the deployed policy");
        let edited = Policy::parse(&format!("{CLOCKS}\n# edited\n"), ESCALATION).expect("the same, edited");
        assert_ne!(policy.references()[0], edited.references()[0]);
        assert_eq!(policy.references()[1], edited.references()[1]);
    }

    #[test]
    fn the_mistakes_of_both_texts_are_named_at_once() {
        let error = Policy::parse("version = 1\nhold = 5", "version = 1").expect_err("mistakes");
        assert_eq!(
            error.to_string(),
            "clocks.hold: must be a span like 90s, 15m, 4h or 3d, or one for each lane; \
             escalation.tiers: must be a list of at least one name"
        );
        let error = Policy::parse("version =", ESCALATION).expect_err("no TOML");
        assert_eq!(error.0[0].at, "clocks");
    }

    #[test]
    fn an_activated_text_takes_over_unless_it_has_mistakes() {
        let mut policy = Policy::parse(CLOCKS, ESCALATION).expect("the deployed policy");
        policy.activate("escalation", "version = 7\ntiers = ['night-shift']");
        assert_eq!(policy.escalation.reference.version, 7);
        let before = policy.clone();
        policy.activate("escalation", "version = 8");
        policy.activate("clocks", "nonsense");
        policy.activate("matching", "version = 9");
        assert_eq!(policy, before);
    }
}

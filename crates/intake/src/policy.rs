//! The intake policy: what a deployment decides about acceptance. Limits that the reason catalogue states are not here but beside
//! their rules, so that code and catalogue can't disagree.

use domain::lifecycle::PolicyRef;
use serde::Deserialize;

/// The policy of `deploy/policy/intake.toml`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Its version and digest, as events name them.
    pub reference: PolicyRef,
    /// Our own payer id, as consents name us among their recipients.
    pub payer_id: String,
}

/// Why a text is no intake policy.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum PolicyError {
    /// It is not TOML of the expected shape.
    #[error("the intake policy can't be read")]
    Unreadable(#[source] toml::de::Error),
    /// The payer id is empty.
    #[error("the intake policy names no payer_id")]
    PayerMissing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyText {
    version: u32,
    payer_id: String,
}

// === impl Policy ===

impl Policy {
    /// Reads the policy's text.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let PolicyText { version, payer_id } = toml::from_str(text).map_err(PolicyError::Unreadable)?;
        if payer_id.trim().is_empty() {
            return Err(PolicyError::PayerMissing);
        }
        Ok(Self { reference: PolicyRef::of(version, text), payer_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deployed_policy_reads_and_is_named_by_its_text() {
        let text = include_str!("../../../deploy/policy/intake.toml");
        let policy = Policy::parse(text).expect("the deployed policy");
        let edited = Policy::parse(&format!("{text}\n# edited\n")).expect("the same, edited");
        assert_eq!(policy.reference.version, edited.reference.version);
        assert_ne!(policy.reference.digest, edited.reference.digest);
    }

    #[test]
    fn a_policy_without_payer_or_with_unknown_words_is_refused() {
        assert_eq!(Policy::parse("version = 1\npayer_id = ' '"), Err(PolicyError::PayerMissing));
        assert!(matches!(Policy::parse("version = 1"), Err(PolicyError::Unreadable(_))));
        assert!(matches!(Policy::parse("version = 1\npayer_id = 'a'\npayer = 'b'"), Err(PolicyError::Unreadable(_))));
    }
}

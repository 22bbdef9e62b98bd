//! Which matching policy acts, and which is rehearsed beside it. Files bring the first one; those that people activate come by
//! `policies` and are in force at once, everywhere.
//!
//! Under `matching` stands the policy in force, under `matching-next` the one that may follow it: it acts on the share of requests that
//! `matching-rollout` names, and is rehearsed on the others. Without it, all is as before.

use domain::RequestId;
use domain::lifecycle::PolicyRef;
use domain::messages::{Context, PolicyRecord};
use matching::policy::Thresholds;
use matching::{Matcher, Ready};
use serde::{Deserialize, Serialize};

use crate::{Policy, Roster};

/// The name of the policy in force.
pub const MATCHING: &str = "matching";
/// The name of the policy in rehearsal.
pub const NEXT: &str = "matching-next";
/// The name of what says for whom it acts already.
pub const ROLLOUT: &str = "matching-rollout";

/// The matching policies.
#[derive(Clone, Debug)]
pub struct Rollout {
    identity: Policy,
    deployed: Judge,
    activated: Option<Judge>,
    next: Option<Judge>,
    share: Share,
}

/// A matching policy and what events call it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judge {
    /// The policy, its weights worked out.
    pub ready: Ready,
    /// Its version, and the digest of all that a decision by it depends on.
    pub reference: PolicyRef,
}

/// For whom the next policy acts already.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// For so many of a hundred requests.
    #[serde(default)]
    pub percent: u8,
    /// For the requests of these partners.
    #[serde(default)]
    pub partners: Vec<String>,
}

/// Why a text says nothing of a share.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ShareError {
    /// It is not TOML of the expected shape.
    #[error("the share can't be read")]
    Unreadable(#[source] Box<toml::de::Error>),
    /// More than all.
    #[error("percent must lie between 0 and 100, and is {0}")]
    Percent(u8),
}

// === impl Rollout ===

impl Rollout {
    /// The policies as they are deployed: one acts, none is rehearsed.
    pub fn of(identity: Policy, matching: matching::Policy) -> Self {
        let deployed = Judge::of(&identity, matching);
        Self { identity, deployed, activated: None, next: None, share: Share::default() }
    }

    /// How identity goes about its work.
    pub fn identity(&self) -> &Policy {
        &self.identity
    }

    /// Takes in a record of `policies`; none means that it was taken back. What does not read is passed over: whoever activates a
    /// policy checks it, and what was in force stays so.
    pub fn learn(&mut self, name: &str, record: Option<&PolicyRecord>) {
        let judge = |record: &PolicyRecord| {
            matching::Policy::parse(&record.text).ok().map(|policy| Judge::of(&self.identity, policy))
        };
        match (name, record) {
            (MATCHING, None) => self.activated = None,
            (NEXT, None) => self.next = None,
            (ROLLOUT, None) => self.share = Share::default(),
            (MATCHING, Some(record)) => self.activated = judge(record).or(self.activated.take()),
            (NEXT, Some(record)) => self.next = judge(record).or(self.next.take()),
            (ROLLOUT, Some(record)) => {
                self.share = Share::parse(&record.text).unwrap_or(std::mem::take(&mut self.share));
            }
            _ => {}
        }
    }

    /// The policy that acts on a request, and the one that is rehearsed on it.
    pub fn judges(&self, context: &Context) -> (&Judge, Option<&Judge>) {
        let acting = self.acting();
        match &self.next {
            Some(next) if next == acting => (acting, None),
            Some(next) if self.share.has(context) => (next, Some(acting)),
            next => (acting, next.as_ref()),
        }
    }

    /// From which probability on something follows for a request that this policy judges.
    pub fn thresholds(&self, judge: &Judge, context: &Context) -> Thresholds {
        self.identity.thresholds(context, judge.policy())
    }

    /// What judges a request by this policy.
    pub fn matcher<'r>(&self, judge: &Judge, context: &Context, roster: &'r Roster) -> Matcher<'r> {
        Matcher::of(&judge.ready, self.thresholds(judge, context), roster.members()).knowing(roster)
    }

    /// The policy in force.
    pub fn acting(&self) -> &Judge {
        self.activated.as_ref().unwrap_or(&self.deployed)
    }
}

// === impl Judge ===

impl Judge {
    /// A matching policy under an identity policy.
    pub fn of(identity: &Policy, policy: matching::Policy) -> Self {
        Self { reference: identity.reference(&policy), ready: Ready::of(policy) }
    }

    /// The policy.
    pub fn policy(&self) -> &matching::Policy {
        self.ready.policy()
    }
}

// === impl Share ===

impl Share {
    /// Reads the text of `matching-rollout`.
    pub fn parse(text: &str) -> Result<Self, ShareError> {
        let share: Self = toml::from_str(text).map_err(|error| ShareError::Unreadable(Box::new(error)))?;
        if 100 < share.percent { Err(ShareError::Percent(share.percent)) } else { Ok(share) }
    }

    fn has(&self, context: &Context) -> bool {
        let is_named = self.partners.iter().any(|partner| *partner == context.counterparty.as_str());
        is_named || hundredth(context.request_id) < self.percent
    }
}

/// Which of a hundred equal parts a request is in: the same whoever asks, and as often as they do.
fn hundredth(request: RequestId) -> u8 {
    let [.., a, b, c, d] = request.0;
    (u32::from_be_bytes([a, b, c, d]) % 100) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::{NOW, context, matching_policy, policy};

    fn record(text: &str) -> PolicyRecord {
        let (version, digest) = (9, [0; 32]);
        PolicyRecord {
            name: "any".into(),
            version,
            text: text.into(),
            digest,
            activated_by: "jo".into(),
            activated_at: NOW,
        }
    }

    fn versioned(version: u32) -> PolicyRecord {
        record(&matching::Policy { version, ..matching_policy() }.to_text())
    }

    fn versions(rollout: &Rollout) -> (u32, Option<u32>) {
        let (acting, rehearsed) = rollout.judges(&context());
        (acting.reference.version, rehearsed.map(|judge| judge.reference.version))
    }

    #[test]
    fn the_next_policy_is_rehearsed_until_it_has_a_share_and_taking_it_back_is_all_it_takes() {
        let mut rollout = Rollout::of(policy(), matching_policy());
        let deployed = matching_policy().version;
        assert_eq!(versions(&rollout), (deployed, None));
        rollout.learn(NEXT, Some(&versioned(90)));
        assert_eq!(versions(&rollout), (deployed, Some(90)));
        rollout.learn(ROLLOUT, Some(&record("partners = ['evergreen']")));
        assert_eq!(versions(&rollout), (90, Some(deployed)));
        rollout.learn(ROLLOUT, Some(&record("percent = 100")));
        assert_eq!(versions(&rollout), (90, Some(deployed)));
        rollout.learn(NEXT, Some(&record("no policy")));
        assert_eq!(versions(&rollout), (90, Some(deployed)), "what does not read changes nothing");
        rollout.learn(NEXT, None);
        assert_eq!(versions(&rollout), (deployed, None));
        rollout.learn(MATCHING, Some(&versioned(91)));
        assert_eq!(versions(&rollout), (91, None));
        rollout.learn(MATCHING, None);
        assert_eq!(versions(&rollout), (deployed, None));
    }

    /// How many of ten thousand requests are of this share.
    fn taken(share: &str) -> usize {
        let share = Share::parse(share).expect("a share");
        let of =
            |number: u32| Context { request_id: RequestId(domain::ids::derive(&[&number.to_be_bytes()])), ..context() };
        (0..10_000).filter(|number| share.has(&of(*number))).count()
    }

    #[test]
    fn a_share_is_kept_and_spread() {
        let taken = taken("percent = 25");
        assert!((2_300..2_700).contains(&taken), "{taken}");
        assert_eq!(Share::parse("percent = 101"), Err(ShareError::Percent(101)));
        assert!(matches!(Share::parse("per_cent = 1"), Err(ShareError::Unreadable(_))));
    }

    #[test]
    fn a_share_of_nothing_has_no_request_and_one_of_a_hundred_has_all() {
        assert_eq!((taken("percent = 0"), taken("percent = 100")), (0, 10_000));
    }
}

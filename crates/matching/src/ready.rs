//! A policy made ready to judge by.

use std::sync::Arc;

use crate::policy::Policy;
use crate::scale::Scale;
use crate::weights::Weights;

/// A policy with its weights, which are logarithms: to work them out takes as long as several decisions. Clones share them.
#[derive(Clone)]
pub struct Ready {
    pub(crate) policy: Arc<Policy>,
    pub(crate) weights: Arc<Weights>,
    pub(crate) scale: Arc<Scale>,
}

// === impl Ready ===

impl Ready {
    /// Works a policy's weights out.
    pub fn of(policy: Policy) -> Self {
        let weights = Weights::of(&policy);
        Self { scale: Arc::new(Scale::of(&weights)), weights: Arc::new(weights), policy: Arc::new(policy) }
    }

    /// The policy.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        self.policy == other.policy
    }
}

impl Eq for Ready {}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.policy.fmt(f)
    }
}

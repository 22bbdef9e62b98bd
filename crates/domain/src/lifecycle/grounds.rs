//! What events refer to besides ids: the policy that decided, the clock that ran out, the way an unknown outcome is resolved.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::trace::fixed;

/// Which policy made a decision, so that history explains itself after the policy changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct PolicyRef {
    /// The policy's version.
    pub version: u32,
    /// The first eight bytes of the SHA-256 of its text.
    #[serde(with = "fixed")]
    pub digest: [u8; 8],
}

/// How an unknown outcome is resolved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The partner is asked what became of the operation.
    Query,
    /// The same key is sent again: the partner deduplicates.
    Resend,
    /// A person finds out: the partner can do neither.
    Review,
}

/// The clocks of a request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// The time a stage may take.
    Stage,
    /// The time until the whole request must have ended.
    Request,
    /// The time an owner has to act on an exception.
    Exception,
}

// === impl Resolution ===

impl Resolution {
    /// The name used in events and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Resend => "resend",
            Self::Review => "review",
        }
    }
}

// === impl PolicyRef ===

impl PolicyRef {
    /// Names the policy of this version and text.
    pub fn of(version: u32, text: &str) -> Self {
        let hash = Sha256::digest(text.as_bytes());
        let mut digest = [0; 8];
        digest.copy_from_slice(&hash[..8]);
        Self { version, digest }
    }
}

//! Shared tables that travel as compacted topics.

use serde::{Deserialize, Serialize};

use super::Probe;
use crate::ids::OperatorId;
use crate::person::RosterMember;
use crate::phi::Sealed;
use crate::trace::fixed;
use crate::{Timestamp, Token};

/// A record on `members`, keyed by member key: one person on the roster. A tombstone removes them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemberRecord {
    /// The enrolment system's key of the account; no PHI.
    pub member_key: String,
    /// The person, sealed.
    pub member: Sealed<RosterMember>,
    /// When the enrolment system changed it.
    pub updated_at: Timestamp,
}

/// A record on `policies`, keyed by name: a policy, activated by a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PolicyRecord {
    /// The policy's name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Its text (TOML).
    pub text: String,
    /// SHA-256 of the text.
    #[serde(with = "fixed")]
    pub digest: [u8; 32],
    /// Who activated it.
    pub activated_by: OperatorId,
    /// When.
    pub activated_at: Timestamp,
}

/// A record on `guard`, keyed by what a caller holds fixed while guessing the rest: it is not answered for a while.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GuardVerdict {
    /// HMAC of the caller and what is held fixed.
    pub fixed: Token,
    /// What is varied.
    pub probe: Probe,
    /// Who asks: a source, or the payer it asks for.
    pub caller: String,
    /// How many different values were tried within the window.
    pub distinct: u32,
    /// When what was one too many was tried.
    pub since: Timestamp,
    /// How long it stands.
    pub until: Timestamp,
}

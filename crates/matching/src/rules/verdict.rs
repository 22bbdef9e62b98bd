//! What the rules say of a claim, and why: the proposal's audit record (section VII) as data. Who asked and when stands in the event
//! that keeps it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::book::RuleId;
use super::field::Field;
use super::product::Product;

/// What follows from a claim.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The claim says too little for any rule.
    InsufficientFields,
    /// Nobody is approved.
    NoMatch,
    /// One member is approved.
    Match,
    /// Two are: more proof is needed.
    Escalate,
    /// More are: the claim is declined.
    Ambiguous,
}

/// What follows from how many candidates are approved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outcomes {
    /// None.
    pub none: Outcome,
    /// One.
    pub one: Outcome,
    /// Two.
    pub two: Outcome,
    /// Three or more.
    pub more: Outcome,
}

/// The judgement of a claim.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The version of the proposal.
    pub version: Arc<str>,
    /// The policy file's digest.
    pub digest: Arc<str>,
    /// What follows.
    pub outcome: Outcome,
    /// Who is approved, by the earliest rule of each, then by id.
    pub approved: Vec<Candidate>,
    /// Approvals that were taken back, in the order of rules and then ids.
    pub withdrawn: Vec<Withdrawal>,
    /// The rules that the claim has the fields for, in the book's order; of those in two steps the household's.
    pub tried: Vec<RuleId>,
}

/// A member whom rules approve.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate {
    /// The member, as the roster names them.
    pub id: Arc<str>,
    /// Why, in the book's order; never empty.
    pub approvals: Vec<Approval>,
}

/// A rule that fired for a member. It is evidence: what the household and the namesakes say may demote it, nothing promotes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Approval {
    /// Which rule.
    pub rule: RuleId,
    /// How its fields agree, in the order of [`Field::ALL`].
    pub fields: Vec<(Field, Agreement)>,
    /// The chance that two people agree like that by accident, at most the book's threshold.
    pub product: Product,
}

/// How a field agrees.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// A value of one is a value of the other.
    Exact,
    /// Values are within the limits of fuzzy comparison.
    Fuzzy,
}

/// An approval taken back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Withdrawal {
    /// The member.
    pub id: Arc<str>,
    /// The rule that had fired.
    pub rule: RuleId,
    /// Why it counts no longer.
    pub why: Objection,
}

/// Why an approval is taken back.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Objection {
    /// Jr on one side, Sr on the other (B.5).
    Suffix,
    /// The member's twin is meant: this field says so (C.7). No rule approves the member then.
    Twin(Field),
}

// === impl Outcome ===

impl Outcome {
    /// Its name, in policies and audit records.
    pub fn name(self) -> &'static str {
        match self {
            Self::InsufficientFields => "insufficient_fields",
            Self::NoMatch => "no_match",
            Self::Match => "match",
            Self::Escalate => "escalate",
            Self::Ambiguous => "ambiguous",
        }
    }
}

// === impl Outcomes ===

impl Outcomes {
    /// What follows from so many approved candidates.
    pub fn of(self, candidates: usize) -> Outcome {
        match candidates {
            0 => self.none,
            1 => self.one,
            2 => self.two,
            _ => self.more,
        }
    }
}

// === impl Verdict ===

impl Verdict {
    /// The rule that is reported: the earliest that approves anybody.
    pub fn rule(&self) -> Option<&RuleId> {
        Some(&self.approved.first()?.approvals.first()?.rule)
    }

    /// The approvals of a member; none where no rule approves them.
    pub fn approvals(&self, id: &str) -> &[Approval] {
        self.approved.iter().find(|candidate| &*candidate.id == id).map_or(&[], |candidate| &candidate.approvals)
    }
}

// === impl Approval ===

impl Approval {
    /// Whether all its fields agree exactly.
    pub fn is_exact(&self) -> bool {
        self.fields.iter().all(|(_, agreement)| *agreement == Agreement::Exact)
    }
}

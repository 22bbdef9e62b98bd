//! Why identity decided as it did, as the log keeps it: enough to explain and to question a decision, and no protected health
//! information. What a field is called and how it may agree, the matching policy says; the log repeats its names.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::PolicyRef;
use crate::Token;
use crate::ids::OperatorId;

/// A word that this crate gives, read back as it was written.
pub type Term = Cow<'static, str>;

macro_rules! terms {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $term:literal)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[doc = concat!("`", $term, "`")] $variant,)*
            /// What this version has no name for.
            #[default]
            Other,
        }

        impl $name {
            /// The term as the matching policy writes it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $term,)* Self::Other => "other" }
            }

            /// What the matching policy calls so; [`Self::Other`] where this version has no name for it.
            pub fn of(term: &str) -> Self {
                match term { $($term => Self::$variant,)* _ => Self::Other }
            }
        }
    };
}

terms! {
    /// A field that claims and roster are compared in. What they are, the crate `matching` says; here they are named for the log.
    MatchField {
        Given "given" Family "family" Middle "middle" Suffix "suffix" BirthDate "birth-date" Sex "sex" Address "address"
        Phone "phone" Email "email" Ssn "ssn" Mbi "mbi" Card "card" Group "group"
    }
}

terms! {
    /// How a field may agree: the levels of the matching policy.
    Agreement {
        Exact "exact" Variant "variant" Part "part" Near "near" Initial "initial" Truncated "truncated" Similar "similar"
        Middle "middle" Swapped "swapped" FirstLetter "first-letter" Different "different"
        DifferentNotMale "different-not-male" Same "same" OneSided "one-sided" MonthDaySwapped "month-day-swapped"
        OneDigit "one-digit" OtherYear "other-year" FirstOfYear "first-of-year" Partial "partial" Close "close"
        SameYear "same-year" OtherUnit "other-unit" Zip "zip" City "city" State "state" LastFour "last-four"
        NearLastFour "near-last-four" Mailbox "mailbox" Member "member" NearMember "near-member" Contract "contract"
        Subscriber "subscriber"
        AsInMailbox "as-in-mailbox"
        MiddleInitial "middle-initial"
    }
}

terms! {
    /// What else a claim may be than the likeliest member's.
    Alternative {
        None "none" Member "member" Relative "relative" Twin "twin" Namesake "namesake" Stranger "stranger"
    }
}

/// How a claim was judged.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MatchEvidence {
    /// HMAC of what the claim says, normalised: equal claims have equal tokens.
    pub claim: Token,
    /// The likeliest member, where the fact itself names none.
    #[serde(default)]
    pub likeliest: Option<Token>,
    /// How likely it speaks of the likeliest member, in parts per million.
    pub probability_ppm: u32,
    /// The weight for that member against a stranger, in centibits.
    pub weight: i32,
    /// The likeliest other explanation.
    pub alternative: Alternative,
    /// Its probability, in parts per million.
    pub alternative_ppm: u32,
    /// By how many centibits the member's weight exceeds its.
    pub margin: i32,
    /// The fields in which both say something.
    pub fields: Vec<FieldEvidence>,
    /// What the policy in rehearsal says, where there is one.
    #[serde(default)]
    pub rehearsed: Option<Rehearsed>,
}

/// What one field says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FieldEvidence {
    /// The field.
    pub field: MatchField,
    /// How claim and roster agree in it.
    pub agreement: Agreement,
    /// What that adds for the member, in centibits.
    pub weight: i32,
}

/// What another policy would have decided; it did not act.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rehearsed {
    /// That policy.
    pub policy: PolicyRef,
    /// What it would have found: `match`, `review` or `no_match`.
    pub outcome: Term,
    /// Whether it holds the same member for the likeliest.
    pub same_member: bool,
    /// How likely, in parts per million.
    pub probability_ppm: u32,
}

/// A match that the roster no longer bears out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Withdrawal {
    /// The member it named.
    pub member_token: Token,
    /// How much of the roster is known: the sum of its offsets.
    pub roster_version: u64,
    /// The fields it rested on that the roster says otherwise today.
    pub fields: Vec<MatchField>,
    /// What is left of its probability, in parts per million; 0 where the account itself is gone.
    pub probability_ppm: u32,
}

/// A step of a review that does not decide it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReviewStep {
    /// What was done: one of the constants of [`ReviewStep`].
    pub step: Term,
    /// Who did it.
    pub operator: OperatorId,
    /// What was said with it; no PHI.
    pub note: Option<String>,
}

// === impl ReviewStep ===

impl ReviewStep {
    /// A reviewer looked at what is sealed.
    pub const OPENED: &'static str = "opened";
    /// A reviewer took the review as its owner.
    pub const TAKEN: &'static str = "taken";
    /// The first of two verdicts was given.
    pub const FIRST_VERDICT: &'static str = "first_verdict";
    /// More is needed of the source.
    pub const ASKED: &'static str = "asked";
    /// A decided review was opened again.
    pub const APPEALED: &'static str = "appealed";
    /// Somebody looked at what is sealed where no review is open, which is a step of none.
    pub const LOOKED: &'static str = "looked";

    /// A step.
    pub fn of(step: &'static str, operator: OperatorId, note: Option<String>) -> Self {
        Self { step: Cow::Borrowed(step), operator, note }
    }
}

//! What identity remembers: the reviews that wait for a person, with all that is needed to go on once they are decided; what matches
//! rest on; and what callers have tried.

use bytes::Bytes;
use domain::ids::OperatorId;
use domain::messages::{Ask, Context};
use domain::person::Dossier;
use domain::phi::Sealed;
use domain::{Code, MemoryEntry, MemoryKey, RequestId, Timestamp, Token, Trace};
use serde::{Deserialize, Serialize};

/// The key of an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// The open review of a request.
    Review(RequestId),
    /// What a request's match rests on, by the token of the account that fitted.
    Ground(Token, RequestId),
    /// What a caller has tried, by what was held fixed.
    Watch(Token),
}

/// An entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
    /// A review that waits for a person's decision.
    OpenReview(Box<Review>),
    /// What a match rests on.
    Ground(Box<Ground>),
    /// What a caller has tried.
    Watch(Watch),
}

/// A review that waits for a person's decision, the work it interrupts kept whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Review {
    /// The request.
    pub context: Context,
    /// Everything secret, as it came.
    pub dossier: Sealed<Dossier>,
    /// What is asked of the partner.
    pub ask: Ask,
    /// Why a person has to decide.
    pub code: Code,
    /// Who there is to choose from.
    pub candidates: Vec<Candidate>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When the decision is due; the supervisor watches it.
    pub due_by: Timestamp,
    /// Whether a person has stopped the request: then nothing is decided until it is released.
    pub held: bool,
    /// The request's trace, so that what follows the decision belongs to it.
    pub trace: Trace,
    /// Who has taken it.
    #[serde(default)]
    pub owner: Option<OperatorId>,
    /// Who has looked at what is sealed.
    #[serde(default)]
    pub opened_by: Vec<OperatorId>,
    /// The first verdict, where two people have to agree.
    #[serde(default)]
    pub first: Option<FirstVerdict>,
    /// When the decision that it is nobody takes effect; until then it can be appealed.
    #[serde(default)]
    pub settles_at: Option<Timestamp>,
}

/// What a match rests on, so that it can be withdrawn once that no longer holds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ground {
    /// The enrolment system's key of the account that fitted.
    pub account: String,
    /// The account it stands for: another one where accounts were merged.
    pub member_key: String,
    /// The offset of the account's record.
    pub offset: u64,
    /// The member as a token.
    pub member_token: Token,
    /// By how many centibits its weight exceeded the likeliest other explanation.
    pub margin: i32,
    /// From which probability on the policy matched, in parts per million.
    pub match_ppm: u32,
    /// The fields that spoke for the member.
    pub fields: Vec<GroundField>,
    /// Accounts merged into the member's that fitted as well: it was a match because they are one person.
    #[serde(default)]
    pub as_one: Vec<String>,
    /// The account that stood for the member when it was last looked at, where that is another one by now.
    #[serde(default)]
    pub heir: Option<String>,
    /// Until when it is waited for the account that the member's was merged into and that is not on the roster.
    #[serde(default)]
    pub awaited_until: Option<Timestamp>,
    /// When it is forgotten.
    pub until: Timestamp,
    /// The request's trace.
    pub trace: Trace,
}

/// What a caller has tried while holding something fixed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Watch {
    /// Who asks.
    pub caller: String,
    /// What was tried, the oldest first; a value as often as a verdict can still rest on it.
    pub attempts: Vec<Attempt>,
    /// When none of it counts any more.
    pub forget_at: Timestamp,
}

/// Somebody on the roster who may be the member.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Candidate {
    /// The member's token, as a verdict names it.
    pub member_token: Token,
    /// The enrolment system's key of the account.
    pub member_key: String,
    /// The fields that speak for them.
    pub rule: String,
    /// How likely it is them, in parts per million.
    #[serde(default)]
    pub probability_ppm: u32,
    /// The weight for them against a stranger, in centibits.
    #[serde(default)]
    pub weight: i32,
}

/// The first of two verdicts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FirstVerdict {
    /// Who gave it.
    pub operator: OperatorId,
    /// The member; none for nobody of ours.
    pub member_token: Option<Token>,
}

/// What one field of the roster added.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GroundField {
    /// The field.
    pub field: String,
    /// What it added for the member, in centibits.
    pub weight: i32,
    /// The first eight bytes of a keyed digest of what the roster said.
    pub digest: i64,
}

/// One value that was tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// HMAC of it.
    pub varied: Token,
    /// When it was tried.
    pub at: Timestamp,
}

// === impl Key ===

const REVIEW: u8 = b'r';
const GROUND: u8 = b'g';
const WATCH: u8 = b'w';

impl MemoryKey for Key {
    fn encode(&self) -> Bytes {
        match self {
            Self::Review(id) => [&[REVIEW], id.0.as_slice()].concat().into(),
            Self::Ground(account, id) => [&[GROUND], account.0.as_slice(), id.0.as_slice()].concat().into(),
            Self::Watch(fixed) => [&[WATCH], fixed.0.as_slice()].concat().into(),
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&REVIEW, id) => Some(Self::Review(RequestId(id.try_into().ok()?))),
            (&GROUND, ids) => {
                let (account, id) = ids.split_first_chunk()?;
                Some(Self::Ground(Token(*account), RequestId(id.try_into().ok()?)))
            }
            (&WATCH, fixed) => Some(Self::Watch(Token(fixed.try_into().ok()?))),
            _ => None,
        }
    }
}

// === impl Entry ===

impl MemoryEntry for Entry {}

impl Entry {
    /// When it wants to be looked at: a decision takes effect, or what is remembered matters no longer.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match self {
            Self::OpenReview(review) => review.settles_at.filter(|_| !review.held),
            Self::Ground(ground) => {
                Some(ground.awaited_until.map_or(ground.until, |awaited| awaited.min(ground.until)))
            }
            Self::Watch(watch) => Some(watch.forget_at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_others_do_not() {
        let (token, request) = (Token([3; 16]), RequestId([7; 16]));
        for key in [Key::Review(request), Key::Ground(token, request), Key::Watch(token)] {
            assert_eq!(Key::decode(&key.encode()), Some(key));
        }
        for broken in [b"".as_slice(), b"r1234", b"x0123456789abcdef", b"g0123456789abcdef", b"w1"] {
            assert_eq!(Key::decode(broken), None);
        }
    }
}

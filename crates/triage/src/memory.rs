//! What triage remembers: the letters, each with its sealed record as long as it waits, and the groups they form by signature.

use bytes::Bytes;
use domain::messages::{Lane, SealedOriginal, Stage};
use domain::{Code, CommandId, FailureClass, LetterId, MemoryEntry, MemoryKey, RequestId, Timestamp, Token, Trace};
use serde::{Deserialize, Serialize};

/// The key of an entry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Key {
    /// One letter.
    Letter(LetterId),
    /// The letters of one signature.
    Group(Token),
}

/// An entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Entry {
    /// A letter that waits for a person.
    WaitingLetter(Box<WaitingLetter>),
    /// A letter a person has dealt with.
    SettledLetter(Box<SettledLetter>),
    /// The letters of one cause.
    LetterGroup(Box<LetterGroup>),
}

/// A letter that waits for a person, its record kept whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct WaitingLetter {
    /// The stage that gave up.
    pub stage: Stage,
    /// The topic it came from; empty where no record failed but a timer or an answer.
    pub topic: String,
    /// The partition it came from.
    pub partition: u32,
    /// The group it belongs to.
    pub signature: Token,
    /// The request, where it is known.
    pub request_id: Option<RequestId>,
    /// The class of failure.
    pub class: FailureClass,
    /// The code within the class.
    pub code: Code,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was given up.
    pub failed_at: Timestamp,
    /// The lane, where the topic has lanes.
    pub lane: Option<Lane>,
    /// The trace it belongs to.
    pub trace: Trace,
    /// The record itself, sealed.
    pub original: SealedOriginal,
    /// When it is forgotten.
    pub forget_at: Timestamp,
}

/// A letter a person has dealt with. Its record lies on `dead-letters` still.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SettledLetter {
    /// The group it belongs to.
    pub signature: Token,
    /// The request, where it is known.
    pub request_id: Option<RequestId>,
    /// What was done with it.
    pub settlement: Settlement,
    /// The command that did it.
    pub command_id: CommandId,
    /// When.
    pub at: Timestamp,
    /// When it is forgotten.
    pub forget_at: Timestamp,
}

/// What was done with a letter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// Its record went back to its stage.
    Replayed,
    /// It was put aside for good.
    Discarded,
}

/// The letters of one cause.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LetterGroup {
    /// The stage that gave up.
    pub stage: Stage,
    /// The class of failure.
    pub class: FailureClass,
    /// The code within the class.
    pub code: Code,
    /// Where they failed.
    pub place: String,
    /// How many there were.
    pub count: u32,
    /// How many of them wait.
    pub waiting: u32,
    /// When the first was given up.
    pub first_at: Timestamp,
    /// When the last was.
    pub last_at: Timestamp,
    /// When the group is forgotten.
    pub forget_at: Timestamp,
}

// === impl Key ===

const LETTER: u8 = b'l';
const GROUP: u8 = b'g';

impl MemoryKey for Key {
    fn encode(&self) -> Bytes {
        let (kind, id) = match self {
            Self::Letter(id) => (LETTER, &id.0),
            Self::Group(signature) => (GROUP, &signature.0),
        };
        [&[kind], id.as_slice()].concat().into()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, id) = bytes.split_first()?;
        let id = id.try_into().ok()?;
        match *kind {
            LETTER => Some(Self::Letter(LetterId(id))),
            GROUP => Some(Self::Group(Token(id))),
            _ => None,
        }
    }
}

// === impl Entry ===

impl MemoryEntry for Entry {}

impl Entry {
    /// When it is forgotten.
    pub fn forget_at(&self) -> Timestamp {
        match self {
            Self::WaitingLetter(letter) => letter.forget_at,
            Self::SettledLetter(letter) => letter.forget_at,
            Self::LetterGroup(group) => group.forget_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_and_others_do_not() {
        for key in [Key::Letter(LetterId([7; 16])), Key::Group(Token([8; 16]))] {
            assert_eq!(Key::decode(&key.encode()), Some(key));
        }
        for broken in [b"".as_slice(), b"l1234", b"x0123456789abcdef"] {
            assert_eq!(Key::decode(broken), None);
        }
    }
}

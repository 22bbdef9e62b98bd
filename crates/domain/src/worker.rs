//! How a worker is written: a pure function from memory and input to a decision.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;

use crate::call::Outstanding;
use crate::messages::{Lane, SealedOriginal};
use crate::messages::{Route, Stage};
use crate::{
    Answer, Call, Change, Code, EventBody, FailureClass, LetterId, Memory, MemoryEntry, MemoryKey, Message, RecordId,
    RequestId, SourceId, Timestamp, Token, Trace, View,
};

/// A worker. The fleet owns its loop; the worker owns its judgement.
pub trait Worker: Send + Sync + 'static {
    /// Which of the five it is.
    const STAGE: Stage;
    /// When its timers may fire.
    const TIMERS: TimerRule = TimerRule::WhenDue;
    /// The keys of its memory.
    type Key: MemoryKey;
    /// The entries of its memory.
    type Entry: MemoryEntry;

    /// Decides one input. Pure: the same view, input and moment give the same decision on any machine.
    fn decide(
        &self,
        view: &View<'_, Self::Key, Self::Entry>,
        input: Input<'_, Self::Key>,
        moment: &Moment,
    ) -> Result<Decision<Self::Key, Self::Entry>, Poison>;

    /// The key that decides on which partition a message is at home, where that is not its record key. A record elsewhere is
    /// forwarded there unread, keeping its id.
    fn home<'m>(&self, _message: &'m Message) -> Option<&'m [u8]> {
        None
    }

    /// When an entry wants to be looked at again, if ever.
    fn due(_key: &Self::Key, _entry: &Self::Entry) -> Option<Timestamp> {
        None
    }

    /// The call an entry waits for, if any.
    fn outstanding(_key: &Self::Key, _entry: &Self::Entry) -> Option<Outstanding> {
        None
    }

    /// Whether what is under a key is settled: it is never due, waits for no call, is never forgotten, and is looked up by its key
    /// alone ([`View::recall`]). However many such entries there are, they may lie on a disk.
    fn is_settled(_key: &Self::Key) -> bool {
        false
    }

    /// Takes in a record of a shared table that this worker reads whole; `None` is a tombstone.
    fn learn(&mut self, _row: (Table, &[u8]), _message: Option<&Message>, _offset: u64) {}

    /// The entries that come due at once by what was learnt: of one row of a shared table, or, after a restore, by all there is. Only
    /// entries that are due some time can be.
    fn stirred(&self, _row: Option<(Table, &[u8])>, _memory: &Memory<Self::Key, Self::Entry>) -> Vec<Self::Key> {
        Vec::new()
    }
}

/// A table that all processes of a worker read whole.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Table {
    /// The roster; a row's key is the account's.
    Members,
    /// The policies that people activate; a row's key is the policy's name.
    Policies,
    /// Who is taken to be guessing; a row's key is what they hold fixed.
    Guard,
}

/// When a worker's timers may fire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimerRule {
    /// As soon as they are due.
    WhenDue,
    /// Only after the partition was read up to the high watermark taken at or after the due time, so that lag is never taken
    /// for a breach.
    CaughtUp,
}

/// One input of a decision.
#[derive(Debug)]
pub enum Input<'a, K> {
    /// A record from a topic.
    Record(&'a Record),
    /// An entry of memory came due.
    Timer(&'a K),
    /// A call was answered, or lost.
    Answer(&'a Answer),
}

/// A decoded record with what `decide` may want to know of its travels. `Debug` shows the size of its value, never the bytes.
#[derive(Clone)]
pub struct Record {
    /// The message.
    pub message: Message,
    /// The lane of its topic, where it has lanes.
    pub lane: Option<Lane>,
    /// Its trace.
    pub trace: Trace,
    /// The detached signature that came with it, if any.
    pub signature: Option<Signature>,
    /// The schema id of its value.
    pub schema_id: u32,
    /// The bytes of its value, as signed and as hashed.
    pub value: Bytes,
    /// Its offset, for what must follow the log's order.
    pub offset: u64,
}

/// A detached Ed25519 signature over the bytes of [`Signature::covered`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// The signer's key id.
    pub key_id: String,
    /// 64 bytes.
    pub bytes: Bytes,
}

/// Where time, identity and randomness come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    /// The wall clock.
    pub now: Timestamp,
    /// The input's identity: ids of what follows derive from it. For a record its id; for a timer or answer a function of its
    /// entry, so that redeciding yields the same ids.
    pub id: RecordId,
    /// The trace the input belongs to; a worker hands it on by remembering it.
    pub trace: Trace,
}

/// What a worker wants to happen. The fleet makes all of it true in one transaction, then performs the calls.
#[derive(Clone, PartialEq, Debug)]
pub struct Decision<K, E> {
    /// Facts for the log.
    pub events: Vec<Draft>,
    /// Work and answers for other topics.
    pub forward: Vec<Forward>,
    /// Changes of memory, in order.
    pub remember: Vec<Change<K, E>>,
    /// Letters to send back to where they came from.
    pub replay: Vec<Replay>,
    /// Calls to perform once all of the above is committed.
    pub calls: Vec<Call>,
    /// Whether somebody urgent waits for it, where the input's topic has no lanes to tell by.
    pub is_urgent: bool,
}

/// A fact, before the fleet adds who, when and why.
#[derive(Clone, PartialEq, Debug)]
pub struct Draft {
    /// The request it is about.
    pub request_id: RequestId,
    /// What happened.
    pub body: EventBody,
    /// The trace it belongs to, where that is not the input's.
    pub trace: Option<Trace>,
}

/// A message for another topic.
#[derive(Clone, PartialEq, Debug)]
pub struct Forward {
    /// Where to.
    pub to: Destination,
    /// What.
    pub message: Message,
    /// The trace it belongs to, where that is not the input's.
    pub trace: Option<Trace>,
}

/// Where a forwarded message goes; `contracts::topics` gives the topic and key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Destination {
    /// `identity.{lane}`, keyed by request.
    Identity(Lane, RequestId),
    /// `dispatch.{lane}`, keyed by route.
    Dispatch(Lane, Route),
    /// `outcomes.{source}`, keyed by request or submission.
    Outcomes(SourceId, [u8; 16]),
    /// `identity.{lane}`, keyed by what a caller who may be guessing holds fixed.
    Tally(Lane, Token),
    /// `guard`, keyed likewise.
    Guard(Token),
}

/// A letter's record, to be written again to where it came from; it unblocks the request whose successors wait behind it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Replay {
    /// The letter.
    pub letter_id: LetterId,
    /// The request that waits behind it, if any.
    pub request_id: Option<RequestId>,
    /// The topic it came from.
    pub topic: String,
    /// The partition it came from.
    pub partition: u32,
    /// How often it was tried before: should it fail again, its next letter counts on.
    pub attempts: u32,
    /// The sealed record, which the fleet opens when it writes; none for a discarded letter: only the block is lifted.
    pub original: Option<SealedOriginal>,
}

/// A record that can't be decided: it becomes a dead letter, in the same transaction.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{class:?}: {code} at {place}")]
pub struct Poison {
    /// The class.
    pub class: FailureClass,
    /// The code.
    pub code: Code,
    /// Where: a field path or a step, without volatile parts, without PHI.
    pub place: String,
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, lane, trace, signature, schema_id, value, offset } = self;
        let mut shown = f.debug_struct("Record");
        shown.field("message", message).field("lane", lane).field("trace", trace).field("signature", signature);
        shown.field("schema_id", schema_id).field("value_bytes", &value.len()).field("offset", offset).finish()
    }
}

// Copied by hand: deriving would ask the key to be `Copy`, though only a reference to it is.
impl<K> Copy for Input<'_, K> {}

impl<K> Clone for Input<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, E> Default for Decision<K, E> {
    fn default() -> Self {
        Self {
            events: Vec::new(),
            forward: Vec::new(),
            remember: Vec::new(),
            replay: Vec::new(),
            calls: Vec::new(),
            is_urgent: false,
        }
    }
}

impl<K: MemoryKey, E: MemoryEntry> Decision<K, E> {
    /// Nothing happens.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// Adds a fact.
    pub fn event(&mut self, request_id: RequestId, body: EventBody) {
        self.events.push(Draft { request_id, body, trace: None });
    }

    /// Adds a message.
    pub fn send(&mut self, to: Destination, message: Message) {
        self.forward.push(Forward { to, message, trace: None });
    }

    /// Remembers an entry.
    pub fn put(&mut self, key: K, entry: E) {
        self.remember.push(Change::Put(key, entry));
    }

    /// Forgets an entry.
    pub fn forget(&mut self, key: K) {
        self.remember.push(Change::Forget(key));
    }

    /// The net changes of memory, one per key.
    pub fn net(&self) -> BTreeMap<&K, Option<&E>> {
        self.remember
            .iter()
            .map(|change| match change {
                Change::Put(key, entry) => (key, Some(entry)),
                Change::Forget(key) => (key, None),
            })
            .collect()
    }
}

impl Signature {
    /// The bytes a signature covers: the length of the key id in one byte, the key id, then the framed value (magic byte, schema
    /// id, Avro). Naming the key inside keeps a signature from being presented under another one.
    pub fn covered(key_id: &str, value: &[u8]) -> Vec<u8> {
        let length = u8::try_from(key_id.len()).unwrap_or(u8::MAX);
        [&[length], key_id.as_bytes(), value].concat()
    }
}

impl Poison {
    /// A record of the wrong kind for this worker: a defect of whoever sent it.
    pub fn misdirected() -> Self {
        Self { class: FailureClass::Defect, code: Code::Misdirected, place: "message".into() }
    }
}
